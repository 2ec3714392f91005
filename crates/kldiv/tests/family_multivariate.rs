//! Multivariate normals, whose covariances come in five forms.

mod common;

use common::SplitMix;
use kldiv::{Error, Family, Invalid, Measure, Options, View, family};
use ndarray::array;

fn kl((family, p): (Family, &[f64]), (other, q): (Family, &[f64]), options: &Options) -> f64 {
    family::kl(family, View::from(p), other, View::from(q), options).unwrap()[0]
}

fn in_dimensions(d: usize) -> Options<'static> {
    let mut options = Options::default();
    options.dim = d as u32;
    options
}

#[test]
fn forms_of_a_multivariate_normal_agree() {
    // L Lᵀ, its inverse, and W Wᵀ + diag of one matrix.
    let forms: [(Family, &[f64]); 4] = [
        (Family::MvNormal, &[0.5, -0.5, 4.0, 1.0, 1.0, 1.25]),
        (Family::MvNormalTril, &[0.5, -0.5, 2.0, 0.0, 0.5, 1.0]),
        (Family::MvNormalPrecision, &[0.5, -0.5, 0.3125, -0.25, -0.25, 1.0]),
        (Family::MvNormalLowRank, &[0.5, -0.5, 3.0, 0.25, 1.0, 1.0]),
    ];
    let others: [(Family, &[f64]); 2] = [
        (Family::MvNormalDiag, &[1.0, 0.0, 1.5, 0.5]),
        (Family::MvNormal, &[1.0, 0.0, 2.25, 0.0, 0.0, 0.25]),
    ];
    for other in others {
        let mut options = in_dimensions(2);
        options.measure = Measure::Jeffreys;
        let want = kl(forms[1], other, &options);
        for form in forms {
            let got = kl(form, other, &options);
            assert!((got - want).abs() < 1e-14 * want, "{form:?}: {got}, want {want}");
        }
    }
}

#[test]
fn a_matrix_that_is_not_positive_definite_is_named_with_its_pivot() {
    let good = [0.0, 0.0, 1.0, 0.0, 0.0, 1.0];
    let p = array![good, good];
    let q = array![good, [0.0, 0.0, 1.0, 2.0, 2.0, 1.0]];
    let error = family::kl(Family::MvNormal, &p, Family::MvNormal, &q, &Options::default()).unwrap_err();
    let Error::NotPositiveDefinite { operand, row, pivot, value } = error else { panic!("{error}") };
    assert_eq!((operand.index, row, pivot, value), (1, 1, 1, -3.0));
    let mut lenient = Options::default();
    lenient.invalid = Invalid::Nan;
    let rows = family::kl(Family::MvNormal, &p, Family::MvNormal, &q, &lenient).unwrap();
    assert!(rows[0] == 0.0 && rows[1].is_nan());
}

/// The covariances written out: where a factor has few columns, where it has many, and where P is near Q.
#[test]
fn covariances_of_low_rank_have_the_digits_of_the_whole_ones() {
    let mut random = SplitMix(11);
    for (d, ranks) in [(4, [1, 1]), (20, [1, 3]), (20, [5, 5]), (33, [2, 1]), (40, [7, 3])] {
        let far = f64::INFINITY;
        for (near, small, thin) in
            [(far, 1.0, 1.0), (far, 1e-3, 1.0), (0.3, 1.0, 1.0), (1e-3, 1.0, 1.0), (1e-4, 1.0, 1e-6)]
        {
            let mut side = |rank: usize| -> Vec<f64> {
                let loc = (0..d).map(|_| random.unit());
                let mut row: Vec<f64> = loc.collect();
                row.extend((0..d).map(|_| small * (0.1 + random.unit())));
                row.extend((0..d * rank).map(|_| thin * (2.0 * random.unit() - 1.0)));
                row
            };
            let (p, mut q) = (side(ranks[0]), side(ranks[1]));
            if near.is_finite() && ranks[0] == ranks[1] {
                q = p.iter().zip(&q).map(|(x, y)| x * (1.0 + near * y)).collect();
            }
            let whole = |row: &[f64], rank: usize| {
                let (u, mut whole) = (&row[2 * d..], row[..d].to_vec());
                for i in 0..d {
                    for j in 0..d {
                        let products: f64 = (0..rank).map(|k| u[i * rank + k] * u[j * rank + k]).sum();
                        whole.push(products + if i == j { row[d + i] } else { 0.0 });
                    }
                }
                whole
            };
            let options = in_dimensions(d);
            let (whole_p, whole_q) = (whole(&p, ranks[0]), whole(&q, ranks[1]));
            let want = kl((Family::MvNormal, &whole_p), (Family::MvNormal, &whole_q), &options);
            let got = kl((Family::MvNormalLowRank, &p), (Family::MvNormalLowRank, &q), &options);
            let bound = 1e-12 * want + if thin < 1.0 { 0.0 } else { 1e-13 * d as f64 };
            assert!((got - want).abs() <= bound, "{d} {ranks:?} {near} {small} {thin}: {got}, want {want}");
        }
    }
}

/// Factors at right angles and of one length: with s the length's square by the variance, KL = s²/2(1 + s).
#[test]
fn a_factor_in_which_the_variances_drown_takes_no_digit_of_a_covariance_of_low_rank() {
    let variance = 2f64.powi(-27);
    let row = |factor: [f64; 4]| [[0.0; 4], [variance; 4], factor].concat();
    let (p, q) = (row([1e6, 1e6, -1e6, -1e6]), row([1e6; 4]));
    let got = kl((Family::MvNormalLowRank, &p), (Family::MvNormalLowRank, &q), &in_dimensions(4));
    let s = 4e12 / variance;
    assert!((got / (0.5 * s * (s / (1.0 + s))) - 1.0).abs() <= 1e-15, "{got:e}");
}

#[test]
fn a_covariance_of_rank_0_beside_its_variances_is_diagonal() {
    let (low, diag) = (Family::MvNormalLowRank, Family::MvNormalDiag);
    let options = in_dimensions(4);
    let p = [1.0, -1.0, 0.5, 2.0, 4.0, 1.0, 0.25, 9.0];
    let q = [0.0, 1.0, 0.5, 1.0, 1.0, 4.0, 1.0, 16.0];
    let roots = |row: [f64; 8]| [&row[..4], &row[4..].iter().map(|v| v.sqrt()).collect::<Vec<_>>()].concat();
    let want = kl((diag, &roots(p)), (diag, &roots(q)), &options);
    let close = |got: f64| (got / want - 1.0).abs() <= 1e-15;
    assert!(close(kl((low, &p), (low, &q), &options)));
    // A column of zeros beside one of none.
    let more = [&p[..], &[0.0; 4]].concat();
    assert!(close(kl((low, &more), (low, &q), &options)));
}
