//! Dirichlet: a chain of beta distributions, each of one concentration and the sum of those that follow.

use crate::family::params::{Bad, positive};
use crate::kernels::dispatch;
use crate::kernels::pairs::{Beta, Few};
use crate::special::gamma::{Step, digamma, digamma_difference, gamma_entropy, ln_beta_gap, trigamma};

pub(crate) fn check(row: &[f64]) -> Result<&[f64], Bad> {
    for col in 0..row.len() {
        positive(row, col, "concentration")?;
    }
    Ok(row)
}

/// Links of a chain that are computed together.
const LINKS: usize = 8;

/// How much of a concentration the two sides have to differ by for sums of concentrations to be differences enough.
const APART: f64 = 1.0 / 64.0;

/// The sum of the divergences along the chain, none of which is below 0: by the vector kernel, but for links that it leaves
/// to others or that are nearly the same.
pub(crate) fn kl(p: &[f64], q: &[f64]) -> f64 {
    let mut rest = Step::new(p[0], q[0]);
    let mut sum = 0.0;
    for (p, q) in p[1..].chunks(LINKS).zip(q[1..].chunks(LINKS)) {
        let (mut from, mut to, mut by) = ([1.0; LINKS], [1.0; LINKS], [0.0; LINKS]);
        for (i, (p, q)) in p.iter().zip(q).enumerate() {
            (from[i], to[i], by[i]) = (rest.from, rest.to, rest.by);
            rest = rest.plus(Step::new(*p, *q));
        }
        let mut links = [0.0; LINKS];
        dispatch(Few { pair: Beta, p: [&from, p], q: [&to, q], out: &mut links });
        for (i, (p, q)) in p.iter().zip(q).enumerate() {
            let (rest, one) = (Step { from: from[i], to: to[i], by: by[i] }, Step::new(*p, *q));
            let apart = |x: Step| x.by.abs() >= APART * x.from;
            sum += if apart(rest) && apart(one) && links[i].is_finite() {
                links[i]
            } else {
                ln_beta_gap(rest, one)
            };
        }
    }
    sum
}

pub(crate) fn entropy(p: &[f64]) -> f64 {
    let total = p.iter().sum::<f64>();
    let parts = p.iter().map(|a| gamma_entropy(*a)).sum::<f64>();
    parts - gamma_entropy(total) - (p.len() - 1) as f64 * digamma(total)
}

/// [`kl`] and its derivatives by each concentration of p and of q.
pub(crate) fn gradient(p: &[f64], q: &[f64], by_p: &mut [f64], by_q: &mut [f64]) -> f64 {
    let kl = kl(p, q);
    let total = p.iter().zip(q).map(|(p, q)| Step::new(*p, *q)).reduce(Step::plus);
    let total = total.unwrap_or(Step::new(1.0, 1.0));
    let of_total = total.by * trigamma(total.from);
    let rise = digamma_difference(total.to, total.from, total.by);
    for i in 0..p.len() {
        let x = Step::new(p[i], q[i]);
        by_p[i] = of_total - x.by * trigamma(x.from);
        by_q[i] = digamma_difference(x.to, x.from, x.by) - rise;
    }
    kl
}

#[cfg(test)]
mod tests {
    use super::kl;
    use crate::special::gamma::{Step, ln_beta_gap};

    #[test]
    fn links_computed_together_have_the_digits_of_each_by_itself() {
        let mut seed = 12u64;
        let mut unit = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 11) as f64 / (1u64 << 53) as f64
        };
        for n in [2, 5, 9, 40] {
            for spread in [1.0, 4.0, 12.0, 40.0] {
                for near in [f64::INFINITY, 0.5, 1e-3, 1e-6, 1e-9] {
                    let p: Vec<f64> = (0..n).map(|_| f64::exp(spread * (2.0 * unit() - 1.0))).collect();
                    let to = |p: &f64| match near {
                        f64::INFINITY => f64::exp(spread * (2.0 * unit() - 1.0)),
                        near => p * (1.0 + near * (unit() - 0.5)),
                    };
                    let q: Vec<f64> = p.iter().map(to).collect();
                    let (mut rest, mut each) = (Step::new(p[0], q[0]), 0.0);
                    for i in 1..n {
                        let one = Step::new(p[i], q[i]);
                        each += ln_beta_gap(rest, one);
                        rest = rest.plus(one);
                    }
                    let together = kl(&p, &q);
                    let same = (together - each).abs() <= 1e-12 * each;
                    assert!(same, "{p:?} {q:?}: {together:e}, {each:e} one by one");
                }
            }
        }
    }
}
