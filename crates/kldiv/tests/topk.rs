//! Sparse targets against full rows to 106 bits, and KLDivLoss over long and impossible rows.

mod common;

use common::wide::{exp, ln_ratio};
use common::{SplitMix, Wide};
use half::f16;
use kldiv::{Options, Reduction, TopK, ViewMut, logits, loss};
use ndarray::{Array2, array};

/// The divergence of named classes, and of all others as one outcome where `tail` says so, by its definition.
fn direct(values: &[f64], indices: &[i64], b: &[f64], mode: TopK, temperature: f64) -> f64 {
    let t = Wide::from(if mode == TopK::LogitsRenormalized { temperature } else { 1.0 });
    let weight = |x: f64| if x == f64::NEG_INFINITY { Wide::ZERO } else { exp(Wide::from(x) / t) };
    let sum = |x: &mut dyn Iterator<Item = Wide>| x.fold(Wide::ZERO, |sum, x| sum + x);
    let student = sum(&mut b.iter().map(|x| weight(*x)));
    let named = sum(&mut values.iter().map(|x| weight(*x)));
    let mass = if mode == TopK::LogProbsTail { Wide::ONE } else { named };
    let term = |p: Wide, q: Wide| match () {
        () if p.is_zero() => 0.0,
        () if q.is_zero() => f64::INFINITY,
        () => (p * ln_ratio(p, q)).to_f64(),
    };
    let mut total: f64 = (values.iter().zip(indices))
        .map(|(value, index)| term(weight(*value) / mass, weight(b[*index as usize]) / student))
        .sum();
    if mode == TopK::LogProbsTail {
        let others = (0..b.len()).filter(|j| !indices.contains(&(*j as i64)));
        let q = sum(&mut others.map(|j| weight(b[j]))) / student;
        let missing = Wide::ONE - named;
        total += if missing > Wide::from(1e-14) { term(missing, q) } else { 0.0 };
    }
    total
}

#[test]
fn sparse_targets_are_what_their_definition_says() {
    let mut random = SplitMix(1);
    for classes in [1, 2, 9, 100, 5_000] {
        for k in [1, 2, 5, classes] {
            if k > classes || k > 100 {
                continue;
            }
            for masked in [false, true] {
                for mode in [TopK::LogitsRenormalized, TopK::LogProbsTail, TopK::LogProbsRenormalized] {
                    let mut b: Vec<f64> = (0..classes).map(|_| 6.0 * random.unit()).collect();
                    let first = random.below(classes);
                    let indices: Vec<i64> = (0..k).map(|j| ((first + 3 * j) % classes) as i64).collect();
                    let mut distinct = indices.clone();
                    distinct.sort_unstable();
                    distinct.dedup();
                    if distinct.len() < k {
                        continue;
                    }
                    let mut values: Vec<f64> = (0..k).map(|_| -3.0 * random.unit()).collect();
                    if mode == TopK::LogProbsTail {
                        // All classes leave nothing for the tail.
                        let sum: f64 = values.iter().map(|x| x.exp()).sum();
                        let mass = if k == classes { 1.0 } else { 0.7 };
                        values.iter_mut().for_each(|x| *x += (mass / sum).ln());
                    }
                    if masked && k > 1 {
                        // Possible for neither, or named and possible for the student alone.
                        b[indices[1] as usize] = f64::NEG_INFINITY;
                        values[1] = f64::NEG_INFINITY;
                        if mode == TopK::LogProbsTail && k == classes {
                            continue;
                        }
                    }
                    let mut options = Options::default();
                    options.topk = mode;
                    if mode == TopK::LogitsRenormalized {
                        options.temperature = 1.5;
                    }
                    let made = logits::topk(&values[..], &indices, &b[..], &options).unwrap()[0];
                    let want = direct(&values, &indices, &b, mode, 1.5);
                    let what = format!("{mode:?} {k} of {classes}, masked {masked}");
                    assert!((made - want).abs() <= 1e-13 * (1.0 + want), "{what}: {made:e}, want {want:e}");
                    // What is possible for the teacher alone.
                    b[indices[0] as usize] = f64::NEG_INFINITY;
                    if b.iter().any(|x| *x > f64::NEG_INFINITY) {
                        let made = logits::topk(&values[..], &indices, &b[..], &options).unwrap()[0];
                        assert_eq!(made, f64::INFINITY, "{what}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_loss_of_half_precision_rows_of_fifty_thousand_classes_loses_nothing() {
    let mut random = SplitMix(2);
    for log_target in [false, true] {
        let input = Array2::from_shape_fn((3, 50_000), |_| f16::from_f64(-14.0 * random.unit()));
        let target = Array2::from_shape_fn((3, 50_000), |_| {
            f16::from_f64(if log_target { -14.0 * random.unit() } else { random.unit() / 1024.0 })
        });
        let mut options = Options::default();
        (options.log_target, options.reduction) = (log_target, Reduction::BatchMean);
        let made = loss::loss(&input, &target, &options).unwrap();
        let (input, target) = (input.map(|x| x.to_f64()), target.map(|x| x.to_f64()));
        let exact = loss::loss(&input, &target, &options).unwrap();
        let sizes = input.iter().zip(&target).map(|(x, t)| match log_target {
            true => t.exp() * (t - x).abs(),
            false if *t == 0.0 => 0.0,
            false => t * (t.ln().abs() + x.abs()),
        });
        let size = sizes.sum::<f64>() / 3.0;
        assert!((made - exact).abs() <= 16.0 * 2f64.powi(-24) * size, "{made:e} {exact:e}");
        let direct = input.iter().zip(&target).map(|(x, t)| match log_target {
            true => t.exp() * (t - x),
            false if *t == 0.0 => 0.0,
            false => t * (t.ln() - x),
        });
        assert!((exact - direct.sum::<f64>() / 3.0).abs() <= 1e-12 * size);
    }
}

#[test]
fn impossible_targets_cost_nothing_and_impossible_inputs_everything() {
    let no = f64::NEG_INFINITY;
    let input = array![[no, 0.5_f64.ln(), no, 0.5_f64.ln()], [no, no, 0.0, no], [no, -1.0, -2.0, -3.0]];
    let target = array![[0.0, 0.5, -0.0, 0.5], [0.0, 0.0, 1.0, 0.0], [0.25, 0.25, 0.25, 0.25]];
    for log_target in [false, true] {
        let target = if log_target { target.mapv(|x: f64| x.abs().ln()) } else { target.clone() };
        let mut options = Options::default();
        options.log_target = log_target;
        let mut each = Array2::from_elem((3, 4), f64::NAN);
        let mut out = ViewMut::from(each.view_mut());
        loss::pointwise_into((&input).into(), (&target).into(), &options, &mut out).unwrap();
        assert!(each.row(0).iter().chain(each.row(1)).all(|x| *x == 0.0), "{each}");
        assert!(each[(2, 0)] == f64::INFINITY && each.row(2).iter().skip(1).all(|x| x.is_finite()), "{each}");
        assert_eq!(loss::loss(&input, &target, &options), Ok(f64::INFINITY));
        options.mask = Some(&[1, 1, 0]);
        assert_eq!(loss::loss(&input, &target, &options), Ok(0.0));
    }
}
