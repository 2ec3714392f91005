//! Pairs that vector kernels compute, many at a time, against each by itself.

use ndarray::Array2;

use crate::family::names::Family;
use crate::family::one::{Side, value};
use crate::family::{crossings, kl};
use crate::kernels::tests::data;
use crate::policy::{Measure, Options};
use crate::view::{Shape, View};

/// The most parameters that a family has here.
const COLS: usize = 5;

const MEASURES: [Measure; 4] = [Measure::Kl, Measure::Reverse, Measure::Jeffreys, Measure::Entropy];

/// Either way round, and both; and entropies.
#[test]
fn pairs_together_have_the_digits_of_each_by_itself() {
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
        (Family::ContinuousBernoulli, 1),
        (Family::Categorical, 2),
        (Family::Categorical, COLS),
        (Family::CategoricalLogits, COLS),
        (Family::Dirichlet, 2),
        (Family::Dirichlet, COLS),
        (Family::MvNormalDiag, COLS - 1),
    ];
    // From positive numbers to parameters.
    let fitted = |family: Family, (i, j): (usize, usize), x: f64| match (family, j) {
        (Family::Bernoulli | Family::ContinuousBernoulli | Family::Geometric, _) | (Family::Binomial, 1) => {
            x / (1.0 + x)
        }
        (Family::Binomial, _) => (1 + i) as f64,
        (Family::BernoulliLogits, _) => 20.0 * x.ln(),
        _ => x,
    };
    let n = 2000;
    let (of_p, of_q) = &data::<f64>(COLS * n)[0];
    for spread in [1.0, 4.0, 12.0] {
        for near in [f64::INFINITY, 0.5, 1e-3, 1e-6, 1e-9] {
            let far = |x: f64| f64::exp(spread * (2.0 * x - 1.0));
            let all_p = Array2::from_shape_fn((n, COLS), |(i, j)| far(of_p[COLS * i + j]));
            let all_q = Array2::from_shape_fn((n, COLS), |(i, j)| match near {
                f64::INFINITY => far(of_q[COLS * i + j]),
                near => all_p[[i, j]] * (1.0 + near * (of_q[COLS * i + j] - 0.5)),
            });
            for (family, cols) in families {
                let fit =
                    |side: &Array2<f64>| Array2::from_shape_fn((n, cols), |at| fitted(family, at, side[at]));
                let (p, q) = (fit(&all_p), fit(&all_q));
                let side = Side::new("p_params", family, Shape { rows: n, cols }, 0).unwrap();
                for measure in MEASURES {
                    let together = kl(family, &p, family, &q, &Options::from(measure)).unwrap();
                    for (i, a) in together.iter().enumerate() {
                        let (p, q) = (p.row(i).to_vec(), q.row(i).to_vec());
                        let Ok(b) = value((&side, &p), (&side, &q), measure) else {
                            panic!("{family:?} {p:?} {q:?}")
                        };
                        // An entropy is a difference of others, and may be 0.
                        let size = if measure == Measure::Entropy { 1.0 + b.abs() } else { b };
                        let same = *a == b || (a - b).abs() <= 1e-12 * size;
                        assert!(same, "{family:?} {measure:?} {p:?} {q:?}: {a:e}, {b:e} by itself");
                    }
                }
            }
        }
    }
}

/// Of two families, whatever a kernel answers.
#[test]
fn pairs_of_two_families_have_the_digits_of_each_by_itself() {
    use Family::{
        Bernoulli, Beta, Cauchy, Chi2, ContinuousBernoulli, Exponential, Gamma, Gumbel, HalfNormal,
        InverseGamma, Laplace, LogNormal, Logistic, Moyal, Normal, Pareto, Poisson, Uniform,
    };
    let families = [
        Normal,
        Laplace,
        Gumbel,
        Logistic,
        Moyal,
        LogNormal,
        HalfNormal,
        Exponential,
        Gamma,
        InverseGamma,
        Chi2,
        Beta,
        ContinuousBernoulli,
        Uniform,
        Pareto,
        Bernoulli,
        Poisson,
    ];
    let cols = |family: Family| family.scalar_params();
    // From two numbers above 0 and their rest.
    let fitted = |family: Family, j: usize, x: f64, other: f64| match (family, j) {
        (Normal | Laplace | Gumbel | Logistic | Cauchy | Moyal | LogNormal, 0) => x.ln(),
        (Bernoulli | ContinuousBernoulli, _) => x / (1.0 + x),
        // Half of them within (0, 1), and a few from 0 on.
        (Uniform, 0) if x > other => 0.0,
        (Uniform, 0) => 0.5 * x / (1.0 + x),
        (Uniform, _) if other > 1.0 => 0.5 * (1.0 + x / (1.0 + x)),
        (Uniform, _) => 0.6 + x,
        _ => x,
    };
    let n = 90;
    let (of_p, of_q) = &data::<f64>(2 * n)[0];
    let (mut answered, mut infinite) = (0, 0);
    for spread in [0.5, 2.0, 6.0] {
        let far = |x: f64| f64::exp(spread * (2.0 * x - 1.0));
        let fit = |family: Family, from: &[f64]| {
            Array2::from_shape_fn((n, cols(family)), |(i, j)| {
                fitted(family, j, far(from[2 * i + j]), far(from[2 * i + 1 - j]))
            })
        };
        for p_family in families {
            for q_family in families {
                if !crossings::have(p_family, q_family) || p_family == q_family && !crossings::take(p_family)
                {
                    continue;
                }
                let (p, q) = (fit(p_family, of_p), fit(q_family, of_q));
                let mut together = vec![0.0; n];
                let (of_p, of_q) = (View::from(&p), View::from(&q));
                crossings::divergences((p_family, &of_p), (q_family, &of_q), &mut together);
                let side = |family, cols| Side::new("params", family, Shape { rows: n, cols }, 0).unwrap();
                let sides = (side(p_family, cols(p_family)), side(q_family, cols(q_family)));
                for (i, a) in together.into_iter().enumerate().filter(|(_, a)| !a.is_nan()) {
                    let (p, q) = (p.row(i).to_vec(), q.row(i).to_vec());
                    let Ok(b) = value((&sides.0, &p), (&sides.1, &q), Measure::Kl) else {
                        panic!("{p_family:?} {p:?} {q_family:?} {q:?}: {a:e}")
                    };
                    let same = a == b || (a - b).abs() <= 1e-12 * b;
                    assert!(same, "{p_family:?} {p:?} {q_family:?} {q:?}: {a:e}, {b:e} by itself");
                    answered += a.is_finite() as usize;
                    infinite += a.is_infinite() as usize;
                }
            }
        }
    }
    let size = |measure, x: f64| if measure == Measure::CrossEntropy { 1.0 + x.abs() } else { x };
    for (p_family, q_family) in
        [(Normal, Laplace), (Gamma, LogNormal), (Beta, Uniform), (Exponential, Chi2), (Normal, Gamma)]
    {
        let far = |x: f64| f64::exp(2.0 * (2.0 * x - 1.0));
        let fit = |family: Family, from: &[f64]| {
            Array2::from_shape_fn((n, cols(family)), |(i, j)| {
                fitted(family, j, far(from[2 * i + j]), far(from[2 * i + 1 - j]))
            })
        };
        let (p, q) = (fit(p_family, of_p), fit(q_family, of_q));
        let side = |family, cols| Side::new("params", family, Shape { rows: n, cols }, 0).unwrap();
        let sides = (side(p_family, cols(p_family)), side(q_family, cols(q_family)));
        for measure in [Measure::Reverse, Measure::Jeffreys, Measure::CrossEntropy] {
            let together = kl(p_family, &p, q_family, &q, &Options::from(measure)).unwrap();
            for (i, a) in together.into_iter().enumerate() {
                let (p, q) = (p.row(i).to_vec(), q.row(i).to_vec());
                let Ok(b) = value((&sides.0, &p), (&sides.1, &q), measure) else { panic!("{p:?} {q:?}") };
                let same = a == b || (a - b).abs() <= 1e-12 * size(measure, b);
                assert!(same, "{measure:?} {p_family:?} {p:?} {q_family:?} {q:?}: {a:e}, {b:e} by itself");
            }
        }
    }
    assert!(answered > 15_000 && infinite > 15_000, "{answered} {infinite}");
}
