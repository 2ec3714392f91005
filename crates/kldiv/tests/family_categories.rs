//! Rows of categories, many at a time, against each by itself.

mod common;

use common::SplitMix;
use kldiv::{Family, Options, View, ViewMut, family};
use ndarray::Array2;

/// Rows of more categories than are taken together, because of such that cannot be, and rows with an outcome that is next to
/// impossible, which are computed one by one and another way.
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
                let odd = |side: &Array2<f64>| {
                    let next_to_nothing = if by_logits { -740.0 } else { 5e-324 };
                    Array2::from_shape_fn((50, cols + 1), |(i, j)| {
                        if j < cols { side[[i, j]] } else { next_to_nothing }
                    })
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
                let together = made(&p, &q);
                // Where a logit is far from the others the normalisers are not made of what logits differ by.
                let less = if by_logits { 1e-12 } else { 1e-13 };
                let others = [(made(&long(&p), &long(&q)), 1e-13), (made(&odd(&p), &odd(&q)), less)];
                for ((alone, bound), i) in others.iter().flat_map(|one| (0..50).map(move |i| (one, i))) {
                    let (a, b) = (together.0[i], alone.0[i]);
                    assert!((a - b).abs() <= bound * b, "{family:?} {cols}, {near}: {a:e}, {b:e} by itself");
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

/// Values by mpmath with 400 digits: two parts of a sum do not tell such rows' sums apart.
#[test]
fn divergences_that_are_next_to_nothing_keep_their_digits() {
    let cases = [
        ([1.0, 1e-100, 3e-101], [1.0, 2e-100, 3e-101], 3.068528194400547e-101),
        ([2.0, 1e-90, 0.0], [6.0, 5e-91, 0.0], 4.792130679473608e-91),
    ];
    for (p, q, want) in cases {
        for rows in [1, 2, 8] {
            let [p, q] = [p, q].map(|row| Array2::from_shape_fn((rows, 3), |(_, j)| row[j]));
            for got in
                family::kl(Family::Categorical, &p, Family::Categorical, &q, &Options::default()).unwrap()
            {
                assert!((got / want - 1.0).abs() <= 4e-15, "{p} {q}: {got:e}, want {want:e}");
            }
        }
    }
}
