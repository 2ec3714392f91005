//! Dirichlet: a chain of beta distributions, each of one concentration and the sum of those that follow.

use crate::family::params::{Bad, positive};
use crate::kernels::dispatch;
use crate::kernels::pairs::{Beta, Pairs, Side};
use crate::special::gamma::{Step, digamma, digamma_difference, gamma_entropy, ln_beta_gap, trigamma};

pub(crate) fn check(row: &[f64]) -> Result<&[f64], Bad> {
    for col in 0..row.len() {
        positive(row, col, "concentration")?;
    }
    Ok(row)
}

/// The sum of the divergences along the chain, none of which is below 0.
pub(crate) fn kl(p: &[f64], q: &[f64]) -> f64 {
    let mut rest = Step::new(p[0], q[0]);
    let mut sum = 0.0;
    for (p, q) in p.iter().zip(q).skip(1) {
        let one = Step::new(*p, *q);
        sum += ln_beta_gap(rest, one);
        rest = rest.plus(one);
    }
    sum
}

/// Links of a chain that are computed together.
const LINKS: usize = 8;

/// How much of a concentration the two sides have to differ by for sums of concentrations to be differences enough.
const APART: f64 = 1.0 / 64.0;

/// The same by the vector kernel, but for links that are nearly the same; not finite where a concentration is not one that it
/// takes, or has none to be linked with.
pub(crate) fn kl_in_lanes(p: &[f64], q: &[f64]) -> f64 {
    if p.len() < 2 {
        return f64::NAN;
    }
    let mut rest = Step::new(p[0], q[0]);
    let mut sum = 0.0;
    for (p, q) in p[1..].chunks(LINKS).zip(q[1..].chunks(LINKS)) {
        let mut rests = [rest; LINKS];
        for (i, (p, q)) in p.iter().zip(q).enumerate() {
            rests[i] = rest;
            rest = rest.plus(Step::new(*p, *q));
        }
        let (from, to) = (rests.map(|rest| rest.from), rests.map(|rest| rest.to));
        let mut links = [0.0; LINKS];
        let out = &mut links[..p.len()];
        if !dispatch(Pairs { pair: Beta, p: Side::Columns(&from, p), q: Side::Columns(&to, q), out }) {
            return f64::NAN;
        }
        for (i, (p, q)) in p.iter().zip(q).enumerate() {
            let one = Step::new(*p, *q);
            let apart = [rests[i], one].iter().all(|x| x.by.abs() >= APART * x.from);
            sum += if apart { links[i] } else { ln_beta_gap(rests[i], one) };
        }
    }
    sum
}

pub(crate) fn entropy(p: &[f64]) -> f64 {
    let total = p.iter().sum::<f64>();
    let parts = p.iter().map(|a| gamma_entropy(*a)).sum::<f64>();
    parts - gamma_entropy(total) - (p.len() - 1) as f64 * digamma(total)
}

/// The derivatives of [`kl`] by each concentration of p and of q.
pub(crate) fn gradient(p: &[f64], q: &[f64], by_p: &mut [f64], by_q: &mut [f64]) {
    let steps = || p.iter().zip(q).map(|(p, q)| Step::new(*p, *q));
    let total = steps().reduce(Step::plus).unwrap_or(Step::new(1.0, 1.0));
    let of_total = total.by * trigamma(total.from);
    let rise = digamma_difference(total.to, total.from, total.by);
    for (i, x) in steps().enumerate() {
        by_p[i] = of_total - x.by * trigamma(x.from);
        by_q[i] = digamma_difference(x.to, x.from, x.by) - rise;
    }
}
