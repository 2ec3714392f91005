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
        () if p.is_zero() => Some(Wide::ZERO),
        () if q.is_zero() => None,
        () => Some(p * ln_ratio(p, q)),
    };
    let mut terms: Vec<_> = (values.iter().zip(indices))
        .map(|(value, index)| term(weight(*value) / mass, weight(b[*index as usize]) / student))
        .collect();
    if mode == TopK::LogProbsTail {
        let others = (0..b.len()).filter(|j| !indices.contains(&(*j as i64)));
        let q = sum(&mut others.map(|j| weight(b[j]))) / student;
        let missing = Wide::ONE - named;
        terms.extend((missing > Wide::from(1e-14)).then(|| term(missing, q)));
    }
    let total = terms.into_iter().try_fold(Wide::ZERO, |total, term| Some(total + term?));
    total.map_or(f64::INFINITY, Wide::to_f64)
}

#[test]
fn targets_whose_tail_is_nearly_all_keep_the_digits_of_what_they_name() {
    // What is named has from 0.3 to 1e-12 of the mass, and the student is nearly right about it.
    for top in [2.0, 12.0, 28.0] {
        for off in [0.1, 1e-3, 1e-6] {
            let b = [0.0_f64, 1.0, 2.0, top];
            let lse = b.iter().map(|x| x.exp()).sum::<f64>().ln();
            let (values, indices) = ([2.0 - lse + off, 1.0 - lse - off], [2, 1]);
            let mut options = Options::default();
            options.topk = TopK::LogProbsTail;
            let mut made = [f64::NAN];
            let mut gradient = [f64::NAN; 4];
            logits::topk_into(
                (&values[..]).into(),
                &indices,
                (&b[..]).into(),
                &options,
                None,
                Some(&mut made),
                Some(&mut (&mut gradient[..]).into()),
            )
            .unwrap();
            let want = direct(&values, &indices, &b, TopK::LogProbsTail, 1.0);
            // What is left is how well a logarithm of a mass is known beside how far the two are apart.
            let tolerance = 1e-15 * (1.0 + 4.0 * top / off);
            assert!((made[0] - want).abs() <= tolerance * want, "{top}, {off}: {:e}, want {want:e}", made[0]);
            let weights = b.map(|x| exp(Wide::from(x)));
            let sum = |x: &[Wide]| x.iter().fold(Wide::ZERO, |sum, x| sum + *x);
            let (all, named) = (sum(&weights), values.map(|x| exp(Wide::from(x))));
            let others = [0, 3].map(|j: usize| weights[j]);
            let part = (sum(&weights) - sum(&others)) / all - sum(&named);
            for (j, weight) in weights.into_iter().enumerate() {
                let want = match indices.iter().position(|index| *index == j as i64) {
                    Some(at) => weight / all - named[at],
                    None => Wide::ZERO - part * weight / sum(&others),
                };
                let (made, want) = (gradient[j], want.to_f64());
                assert!(
                    (made - want).abs() <= tolerance * want.abs(),
                    "{top}, {off}, {j}: {made:e}, want {want:e}"
                );
            }
        }
    }
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
