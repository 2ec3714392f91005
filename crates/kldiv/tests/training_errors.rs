//! What the rooms of training complain about, where they point, and what is answered in spite of it.

mod common;

use half::{bf16, f16};
use kldiv::family::vae::{self, Grads, Prior};
use kldiv::{Element, Error, Fault, Invalid, Measure, Options, Reduction, TopK, View, ViewMut, logits, loss};
use ndarray::Array2;

/// More than are computed at a time.
const ROWS: usize = 11;
/// The first of two bad ones.
const BAD: usize = 3;
const MEASURES: [Measure; 3] = [Measure::Kl, Measure::Reverse, Measure::JENSEN_SHANNON];

/// What a call says and what it wrote: one value a row, and gradients.
type Answer = (Result<(), Error>, Vec<f64>, Vec<Array2<f64>>);
type Call<'c> = &'c dyn Fn([View; 2], &Options) -> Answer;

fn logits_of(x: [View; 2], options: &Options) -> Answer {
    let mut out = vec![7.0; ROWS];
    let mut grads = vec![Array2::from_elem((ROWS, x[0].cols()), 7.0); 2];
    let [of_a, of_b] = &mut grads[..] else { unreachable!() };
    let (ga, gb) = (&mut ViewMut::from(of_a.view_mut()), &mut ViewMut::from(of_b.view_mut()));
    let result = logits::grad_into(x[0], x[1], options, None, Some(&mut out), Some(ga), Some(gb));
    let mut plain = vec![7.0; ROWS];
    assert_eq!(
        logits::rows_into(x[0], x[1], options, &mut plain).map_err(shown),
        result.clone().map_err(shown)
    );
    assert!(plain.iter().zip(&out).all(|(x, y)| x.to_bits() == y.to_bits() || (x.is_nan() && y.is_nan())));
    (result, out, grads)
}

/// Errors that hold a NaN are no equals.
fn shown(error: Error) -> String {
    error.to_string()
}

fn loss_of(x: [View; 2], options: &Options) -> Answer {
    let cols = x[0].cols();
    let mut made = vec![Array2::from_elem((ROWS, cols), 7.0); 3];
    let [each, of_input, of_target] = &mut made[..] else { unreachable!() };
    let result = loss::pointwise_into(x[0], x[1], options, &mut ViewMut::from(each.view_mut()));
    let (gi, gt) = (&mut ViewMut::from(of_input.view_mut()), &mut ViewMut::from(of_target.view_mut()));
    let again = loss::grad_into(x[0], x[1], options, None, Some(gi), Some(gt));
    assert_eq!(again.map_err(shown), result.clone().map_err(shown));
    let mut sum = 7.0;
    let again = loss::loss_into(x[0], x[1], options, &mut sum);
    assert_eq!(again.map_err(shown), result.clone().map_err(shown));
    let out: Vec<f64> = made[0].rows().into_iter().map(|row| row.sum()).collect();
    assert_eq!(sum.is_nan(), out.iter().any(|x| x.is_nan()), "{out:?}");
    (result, out, made)
}

fn vae_of(x: [View; 2], options: &Options) -> Answer {
    let mut out = vec![7.0; ROWS];
    let mut made = vec![Array2::from_elem((ROWS, x[0].cols()), 7.0); 2];
    let [mu, logvar] = &mut made[..] else { unreachable!() };
    let (mu, logvar) = (&mut ViewMut::from(mu.view_mut()), &mut ViewMut::from(logvar.view_mut()));
    let grads = Grads { mu: Some(mu), logvar: Some(logvar), ..Grads::default() };
    let result = vae::grad_into(x[0], x[1], Prior::STANDARD, options, None, Some(&mut out), grads);
    (result, out, made)
}

/// Puts an entry in one operand and looks at what a room makes of it, of NAN and of masks.
fn named<T: Element>(
    call: Call,
    names: [&'static str; 2],
    options: &Options,
    bad: f64,
    clean: f64,
    fault: Fault,
) {
    let bad = T::from_f64(bad);
    for cols in [1, 7, 64, 70] {
        for operand in 0..2 {
            for col in [0, cols / 2, cols - 1] {
                let clean = Array2::from_elem((ROWS, cols), T::from_f64(clean));
                let mut dirty = clean.clone();
                dirty[(BAD, col)] = bad;
                dirty[(BAD + 1, 0)] = bad;
                let views = if operand == 0 { [&dirty, &clean] } else { [&clean, &dirty] }.map(View::from);
                let what = format!(
                    "{} {:?} {} of {}",
                    T::DTYPE.name(),
                    options.measure,
                    bad.to_f64(),
                    names[operand]
                );
                let (result, out, grads) = call(views, options);
                match result.unwrap_err() {
                    Error::InvalidEntry { operand: found, row, col: at, value, fault: why, .. } => {
                        assert_eq!(
                            (found.index as usize, found.name, row, at),
                            (operand, names[operand], BAD, col),
                            "{what}"
                        );
                        assert!(value == bad.to_f64() || value.is_nan(), "{what}: {value}");
                        assert_eq!(why, fault, "{what}");
                    }
                    other => panic!("{what}: {other:?}"),
                }
                let check = |out: &[f64], grads: &[Array2<f64>], is_bad: &dyn Fn(usize) -> bool| {
                    for i in 0..ROWS {
                        assert_eq!(out[i].is_nan(), is_bad(i), "{what}, row {i}: {}", out[i]);
                        for grad in grads {
                            assert!(
                                grad.row(i).iter().all(|x| x.is_nan() == is_bad(i)),
                                "{what}, gradient of row {i}"
                            );
                        }
                    }
                };
                check(&out, &grads, &|i| (BAD..BAD + 2).contains(&i));
                let mut lenient = options.clone();
                lenient.invalid = Invalid::Nan;
                let (result, out, grads) = call(views, &lenient);
                assert_eq!(result, Ok(()), "{what}");
                check(&out, &grads, &|i| (BAD..BAD + 2).contains(&i));
                let mut masked = options.clone();
                masked.mask = Some(&[1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1]);
                let (result, out, grads) = call(views, &masked);
                assert_eq!(result, Ok(()), "{what}: a masked row was read");
                check(&out, &grads, &|_| false);
                assert!(
                    out[BAD] == 0.0 && grads.iter().all(|grad| grad.row(BAD).iter().all(|x| *x == 0.0)),
                    "{what}"
                );
            }
        }
    }
}

#[test]
fn a_bad_entry_is_named_in_every_room_and_type() {
    fn check<T: Element>() {
        for (bad, fault) in [(f64::NAN, Fault::Nan), (f64::INFINITY, Fault::Infinite)] {
            for measure in MEASURES {
                let mut options = Options::from(measure);
                named::<T>(&logits_of, ["a", "b"], &options, bad, 0.5, fault);
                options.temperature = 0.25;
                named::<T>(&logits_of, ["a", "b"], &options, bad, f64::NEG_INFINITY.max(-3.0), fault);
            }
            for log_target in [false, true] {
                let mut options = Options::default();
                options.log_target = log_target;
                named::<T>(&loss_of, ["input", "target"], &options, bad, 0.5, fault);
            }
            named::<T>(&vae_of, ["mu", "logvar"], &Options::default(), bad, 0.5, fault);
        }
        named::<T>(&vae_of, ["mu", "logvar"], &Options::default(), f64::NEG_INFINITY, 0.5, Fault::Infinite);
    }
    check::<f64>();
    check::<f32>();
    check::<f16>();
    check::<bf16>();
}

#[test]
fn a_negative_target_is_named() {
    let input = Array2::from_elem((2, 9), -1.0_f32);
    let mut target = Array2::from_elem((2, 9), 0.25_f32);
    target[(1, 8)] = -0.5;
    match loss::loss(&input, &target, &Options::default()).unwrap_err() {
        Error::InvalidEntry { operand, row: 1, col: 8, value, fault: Fault::Negative, .. } => {
            assert_eq!((operand.index, operand.name, value), (1, "target", -0.5));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn priors_of_gaussians_are_named() {
    let fine = Array2::from_elem((2, 9), 0.5);
    let mut bad = fine.clone();
    bad[(1, 4)] = f64::NEG_INFINITY;
    for (index, name) in [(2, "prior_mu"), (3, "prior_logvar")] {
        let mut prior = Prior { mu: Some(View::from(&fine)), logvar: Some(View::from(&fine)) };
        *(if index == 2 { &mut prior.mu } else { &mut prior.logvar }) = Some(View::from(&bad));
        match vae::rows(&fine, &fine, prior, &Options::default()).unwrap_err() {
            Error::InvalidEntry { operand, row: 1, col: 4, fault: Fault::Infinite, .. } => {
                assert_eq!((operand.index, operand.name), (index, name));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_impossible_row_is_zero_mass_of_its_own_operand() {
    for cols in [1, 70, 9_000] {
        for measure in MEASURES {
            for operand in 0..2 {
                let fine = Array2::from_elem((ROWS, cols), 0.5);
                let mut empty = fine.clone();
                empty.row_mut(BAD).fill(f64::NEG_INFINITY);
                let views = if operand == 0 { [&empty, &fine] } else { [&fine, &empty] }.map(View::from);
                let (result, out, _) = logits_of(views, &Options::from(measure));
                match result.unwrap_err() {
                    Error::ZeroMass { operand: found, row: BAD } => {
                        assert_eq!(
                            (found.index as usize, found.name),
                            (operand, ["a", "b"][operand]),
                            "{measure:?}"
                        );
                    }
                    other => panic!("{other:?}"),
                }
                assert!((0..ROWS).all(|i| out[i].is_nan() == (i == BAD)));
            }
        }
    }
}

#[test]
fn shapes_types_and_options_are_refused_by_name() {
    let (x, other, counts) =
        (Array2::<f64>::zeros((2, 3)), Array2::<f64>::zeros((2, 4)), Array2::<i64>::zeros((2, 3)));
    let options = Options::default();
    let shape = |error: Error| matches!(error, Error::ShapeMismatch { .. });
    let dtype = |error: Error| matches!(error, Error::Dtype { .. });
    assert!(shape(logits::rows(&x, &other, &options).unwrap_err()));
    assert!(shape(loss::loss(&x, &other, &options).unwrap_err()));
    assert!(shape(vae::rows(&x, &other, Prior::STANDARD, &options).unwrap_err()));
    assert!(dtype(logits::rows(&counts, &x, &options).unwrap_err()));
    assert!(dtype(logits::rows(&x, &counts, &options).unwrap_err()));
    assert!(dtype(loss::loss(&counts, &x, &options).unwrap_err()));
    assert!(dtype(vae::rows(&x, &counts, Prior::STANDARD, &options).unwrap_err()));
    assert!(dtype(logits::topk(&counts, &[0; 6], &x, &options).unwrap_err()));
    let nothing = Array2::<f64>::zeros((2, 0));
    assert_eq!(logits::rows(&nothing, &nothing, &options), Err(Error::Empty));
    assert_eq!(loss::loss(&nothing, &nothing, &options), Err(Error::Empty));
    assert_eq!(vae::rows(&nothing, &nothing, Prior::STANDARD, &options), Err(Error::Empty));
    for temperature in [0.0, -0.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut options = Options::default();
        options.temperature = temperature;
        for error in [logits::rows(&x, &x, &options), logits::topk(&x, &[0, 1, 2, 0, 1, 2], &x, &options)] {
            assert!(
                matches!(error, Err(Error::Option { name: "temperature", .. })),
                "{temperature}: {error:?}"
            );
        }
    }
    assert!(matches!(
        logits::rows(&x, &x, &Options::from(Measure::Jeffreys)),
        Err(Error::Option { name: "measure", .. })
    ));
}

#[test]
fn an_index_that_is_none_is_named_with_the_first_bad_row() {
    let values = Array2::from_elem((3, 2), -1.0);
    let b = Array2::from_elem((3, 5), 0.0);
    for mode in [TopK::LogitsRenormalized, TopK::LogProbsTail, TopK::LogProbsRenormalized] {
        let mut options = Options::default();
        options.topk = mode;
        for (pair, bad) in [([-1, 2], 0), ([2, 5], 1), ([4, 4], 1), ([i64::MIN, 0], 0), ([0, i64::MAX], 1)] {
            let mut indices = vec![0, 1];
            indices.extend(pair);
            indices.extend([9, 9]);
            match logits::topk(&values, &indices, &b, &options).unwrap_err() {
                Error::Index { operand, row: 1, col, index, .. } => {
                    assert_eq!((operand.index, operand.name, col, index), (1, "indices", bad, pair[bad]));
                }
                other => panic!("{other:?}"),
            }
            let mut out = [7.0; 3];
            options.invalid = Invalid::Nan;
            logits::topk_into((&values).into(), &indices, (&b).into(), &options, None, Some(&mut out), None)
                .unwrap();
            assert!(out[0].is_finite() && out[1].is_nan() && out[2].is_nan());
            options.invalid = Invalid::Error;
        }
    }
}

#[test]
fn half_precision_log_probabilities_may_sum_to_more_than_1_by_their_rounding() {
    for k in [1, 5, 300] {
        let values = Array2::from_elem((1, k), bf16::from_f64(-(k as f64).ln()));
        let rounded = values[(0, 0)].to_f64().exp() * k as f64;
        let indices: Vec<i64> = (0..k as i64).collect();
        let b = Array2::from_shape_fn((1, k + 3), |(_, j)| (j % 7) as f64);
        let mut options = Options::default();
        options.topk = TopK::LogProbsTail;
        let made = logits::topk(&values, &indices, &b, &options);
        assert!(
            made.as_ref().is_ok_and(|made| made[0].is_finite() && made[0] >= 0.0),
            "{k} of {rounded}: {made:?}"
        );
    }
}

#[test]
fn sparse_targets_whose_rest_is_far_away_are_finite() {
    // Named: 0.5 of the teacher, nothing to speak of for the student, or all of it.
    let values = Array2::from_elem((1, 1), 0.5_f64.ln());
    let mut options = Options::default();
    options.topk = TopK::LogProbsTail;
    for depth in [-600.0, -700.0, -720.0, -1000.0, -1e6] {
        for (named, rest) in [(0.0, depth), (depth, 0.0)] {
            let b = ndarray::array![[named, rest]];
            let made = logits::topk(&values, &[0], &b, &options).unwrap()[0];
            let want = 0.5 * -depth - 2f64.ln();
            assert!((made - want).abs() <= 1e-12 * want, "{named} {rest}: {made}, want {want}");
        }
    }
}

#[test]
fn a_sparse_target_of_all_classes_is_the_dense_one() {
    let mut random = common::SplitMix(3);
    for offset in [0.0, 7.3, 1e6] {
        for eps in [1.0, 1e-3, 1e-9] {
            let n = 9;
            let a = Array2::from_shape_fn((1, n), |_| 4.0 * random.unit());
            let b = a.map(|x| x + offset + eps * random.unit());
            let indices: Vec<i64> = (0..n as i64).rev().collect();
            let mut values = a.clone();
            values.invert_axis(ndarray::Axis(1));
            let made = logits::topk(&values, &indices, &b, &Options::default()).unwrap()[0];
            let (a, b) = (a.as_slice().unwrap(), b.as_slice().unwrap());
            let oracle = common::softmax::Softmaxes::of(a, b, 1.0);
            let off = common::units(made, oracle.kl(), Some(oracle.mag()), n, common::F64);
            assert!(off <= common::K, "offset {offset} eps {eps:e}: {made:e}, {off} units");
        }
    }
}

#[test]
fn rows_whose_losses_overflow_to_both_infinities_have_no_sum() {
    let input = ndarray::array![[-1.0, 0.0], [-1e308, 0.0], [1e308, 0.0], [1e308, 0.0]];
    let target = ndarray::array![[0.5, 0.5], [1e10, 0.5], [1e10, 0.5], [1e10, 0.5]];
    let mut options = Options::default();
    for reduction in [Reduction::Sum, Reduction::Mean, Reduction::BatchMean] {
        options.reduction = reduction;
        let mut out = 7.0;
        let said = loss::loss_into((&input).into(), (&target).into(), &options, &mut out);
        // What is below 0 is infinite by overflow alone.
        assert!(matches!(said, Err(Error::Overflow { row: 2 })), "{said:?}");
        assert!(out.is_nan());
        let rows = [1.0, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
        assert!(matches!(loss::reduce_rows(&rows, 2, &options), Err(Error::Overflow { row: 2 })));
    }
    options.invalid = Invalid::Nan;
    assert!(loss::loss(&input, &target, &options).unwrap().is_nan());
    options.invalid = Invalid::Error;
    let mask = [1, 1, 0, 0];
    options.mask = Some(&mask);
    assert_eq!(loss::loss(&input, &target, &options), Ok(f64::INFINITY));
}

#[test]
fn nothing_of_a_loss_beyond_every_number_is_nothing() {
    let (input, target) =
        (ndarray::Array2::from_elem((2, 70), -1e200f64), ndarray::Array2::from_elem((2, 70), 1e150));
    let mut options = Options::default();
    options.weights = Some(&[0.0, 1e-100]);
    let mut out = ndarray::Array2::from_elem((2, 70), 7.0f64);
    loss::pointwise_into((&input).into(), (&target).into(), &options, &mut out.view_mut().into()).unwrap();
    assert!(out.row(0).iter().all(|term| *term == 0.0), "{}", out.row(0));
    assert!(out.row(1).iter().all(|term| (term / 1e250 - 1.0).abs() < 1e-15), "{}", out.row(1));
}
