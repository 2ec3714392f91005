//! Pairs that vector kernels compute, many at a time, against each by itself.

mod common;

use common::SplitMix;
use kldiv::{Family, Measure, Options, family};
use ndarray::Array2;

/// Many pairs are computed together; the reverse measure of the same pairs exchanged is computed one by one.
#[test]
fn pairs_together_have_the_digits_of_each_by_itself() {
    let mut random = SplitMix(12);
    let families = [
        (Family::Normal, 2),
        (Family::LogNormal, 2),
        (Family::HalfNormal, 1),
        (Family::Laplace, 2),
        (Family::Cauchy, 2),
        (Family::Gamma, 2),
        (Family::InverseGamma, 2),
        (Family::Chi2, 1),
        (Family::Chi, 1),
        (Family::Exponential, 1),
        (Family::Beta, 2),
        (Family::Pareto, 2),
        (Family::Bernoulli, 1),
        (Family::Binomial, 2),
        (Family::Geometric, 1),
        (Family::Poisson, 1),
        (Family::BernoulliLogits, 1),
        (Family::Gumbel, 2),
        (Family::Weibull, 2),
    ];
    // From positive numbers to parameters.
    let fitted = |family: Family, (i, j): (usize, usize), x: f64| match (family, j) {
        (Family::Bernoulli | Family::Geometric, _) | (Family::Binomial, 1) => x / (1.0 + x),
        (Family::Binomial, _) => (1 + i) as f64,
        (Family::BernoulliLogits, _) => 20.0 * x.ln(),
        _ => x,
    };
    for spread in [1.0, 4.0, 12.0] {
        for near in [f64::INFINITY, 0.5, 1e-3, 1e-6, 1e-9] {
            let n = 2000;
            let (mut all_p, mut all_q) = (Array2::zeros((n, 2)), Array2::zeros((n, 2)));
            for (p, q) in all_p.iter_mut().zip(&mut all_q) {
                *p = f64::exp(spread * (2.0 * random.unit() - 1.0));
                *q = match near {
                    f64::INFINITY => f64::exp(spread * (2.0 * random.unit() - 1.0)),
                    near => *p * (1.0 + near * (random.unit() - 0.5)),
                };
            }
            for (family, cols) in families {
                let fit =
                    |side: &Array2<f64>| Array2::from_shape_fn((n, cols), |at| fitted(family, at, side[at]));
                let (p, q) = (fit(&all_p), fit(&all_q));
                let together = family::kl(family, &p, family, &q, &Options::default()).unwrap();
                let each = family::kl(family, &q, family, &p, &Options::from(Measure::Reverse)).unwrap();
                for (i, (a, b)) in together.iter().zip(&each).enumerate() {
                    let (p, q) = (p.row(i), q.row(i));
                    let same = a == b || (a - b).abs() <= 1e-12 * b;
                    assert!(same, "{family:?} {p} {q}: {a:e}, {b:e} by itself");
                }
            }
        }
    }
}
