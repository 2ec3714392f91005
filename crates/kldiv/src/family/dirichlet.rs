//! Dirichlet: a chain of beta distributions, each of one concentration and the sum of those that follow.

use crate::family::params::{Bad, positive};
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
