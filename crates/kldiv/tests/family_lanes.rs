//! Pairs that vector kernels compute, many at a time, against each by itself.

mod common;

use common::SplitMix;
use kldiv::{Family, Measure, Options, View, ViewMut, family};
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
        (Family::Categorical, 2),
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

/// Rows of more categories than are taken together, because of such that cannot be, are computed one by one and another way.
#[test]
fn rows_of_categories_together_have_the_digits_of_each_by_itself() {
    let mut random = SplitMix(5);
    for family in [Family::Categorical, Family::CategoricalLogits] {
        let by_logits = family == Family::CategoricalLogits;
        let missing = if by_logits { f64::NEG_INFINITY } else { 0.0 };
        for near in [f64::INFINITY, 0.5, 1e-3, 1e-7] {
            for cols in [2, 5, 8, 40] {
                let p = Array2::from_shape_fn((50, cols), |_| 1e-3 + random.unit());
                let of_q = |at| {
                    if near == f64::INFINITY { random.unit() } else { p[at] * (1.0 + near * random.unit()) }
                };
                let q = Array2::from_shape_fn((50, cols), of_q);
                let [p, q] = [p, q].map(|side| if by_logits { side.map(|x| 5.0 * x.ln()) } else { side });
                let long = |side: &Array2<f64>| {
                    Array2::from_shape_fn((50, 1030), |(i, j)| if j < cols { side[[i, j]] } else { missing })
                };
                let made = |p: &Array2<f64>, q: &Array2<f64>| {
                    let (mut by_p, mut by_q) = (Array2::<f64>::zeros(p.dim()), Array2::<f64>::zeros(p.dim()));
                    let mut out = vec![0.0; 50];
                    let (mut to_p, mut to_q) =
                        (ViewMut::from(by_p.view_mut()), ViewMut::from(by_q.view_mut()));
                    let (to_p, to_q) = (Some(&mut to_p), Some(&mut to_q));
                    let (p, q, options) = (View::from(p), View::from(q), Options::default());
                    family::kl_grad(family, p, family, q, &options, None, Some(&mut out), to_p, to_q)
                        .unwrap();
                    assert_eq!(family::kl(family, p, family, q, &options).unwrap(), out);
                    (out, by_p, by_q)
                };
                let (together, alone) = (made(&p, &q), made(&long(&p), &long(&q)));
                for i in 0..50 {
                    let (a, b) = (together.0[i], alone.0[i]);
                    assert!((a - b).abs() <= 1e-13 * b, "{family:?} {cols}, {near}: {a:e}, {b:e} by itself");
                    for (a, b) in [(&together.1, &alone.1), (&together.2, &alone.2)] {
                        let size = a.row(i).fold(0.0, |size: f64, x| size.max(x.abs()));
                        for (a, b) in a.row(i).iter().zip(b.row(i)) {
                            assert!((a - b).abs() <= 1e-12 * size, "{family:?} {cols}, {near}: {a:e}, {b:e}");
                        }
                    }
                }
            }
        }
    }
}
