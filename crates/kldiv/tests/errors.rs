//! What every complaint says, where it points, and what is answered in spite of it.

mod common;

use common::layout::{LAYOUTS, Layouts, matrix};
use common::measures::options;
use half::{bf16, f16};
use kldiv::batch::{reduce, reduce_into, rows, rows_into, terms_into};
use kldiv::explain::{Term, explain, explain_into};
use kldiv::{
    Dtype, Element, Error, Fault, Invalid, Measure, Normalization, Operand, Options, Reduction, Shape,
};
use kldiv::{View, ViewMut, discrete, relatives};
use ndarray::{Array2, array};

const MEASURES: [Measure; 10] = [
    Measure::Kl,
    Measure::Generalized,
    Measure::Reverse,
    Measure::Jeffreys,
    Measure::JENSEN_SHANNON,
    Measure::JENSEN_SHANNON_DISTANCE,
    Measure::Renyi { alpha: 0.5 },
    Measure::Renyi { alpha: f64::INFINITY },
    Measure::Entropy,
    Measure::CrossEntropy,
];

fn has_terms(measure: Measure) -> bool {
    !matches!(measure, Measure::Renyi { .. } | Measure::JensenShannonDistance { .. })
}

/// The error of a bad entry; NaN equals NaN.
fn is_entry(error: &Error, at: (u32, usize, usize), x: f64, expected: Fault) -> bool {
    match *error {
        Error::InvalidEntry { operand, row, col, value, fault, .. } => {
            (operand.index, row, col) == at
                && fault == expected
                && (value == x || (value.is_nan() && x.is_nan()))
        }
        _ => false,
    }
}

/// Puts a bad entry at every kind of place and asks everyone for its name.
fn bad_entry_of<T: Element>(bad: T, fault: Fault) {
    let one = T::from_f64(1.0);
    // Wide rows, narrow rows of which many make a tile, a lone element, a last vector that is not full.
    for (rows, cols, row, col) in
        [(3, 70, 1, 69), (40, 5, 33, 2), (1, 1, 0, 0), (20, 17, 0, 16), (18, 1, 17, 0)]
    {
        for operand in [0, 1] {
            let clean = Array2::from_elem((rows, cols), one);
            let mut dirty = clean.clone();
            dirty[(row, col)] = bad;
            let (clean, dirty) = (Layouts::new(clean), Layouts::new(dirty));
            for layout in 0..LAYOUTS.len() {
                let (p, q) = match operand {
                    0 => (dirty.view(layout), clean.view(0)),
                    _ => (clean.view(0), dirty.view(layout)),
                };
                for measure in MEASURES {
                    for normalization in [Normalization::AsGiven, Normalization::Normalize] {
                        let mut options = Options::from(measure);
                        options.normalization = normalization;
                        let place = (operand, row, col);
                        named(p, q, &options, place, bad.to_f64(), fault);
                    }
                }
            }
        }
    }
}

#[test]
fn smoothing_hides_no_bad_entry() {
    for (cols, row) in [(2, 3), (16, 7), (70, 8), (1100, 2)] {
        let clean = Array2::from_elem((9, cols), 2.0);
        let mut dirty = clean.clone();
        dirty[[row, cols - 1]] = -0.25;
        for operand in [0, 1] {
            let (p, q) = if operand == 0 { (&dirty, &clean) } else { (&clean, &dirty) };
            for measure in MEASURES {
                let mut options = Options::from(measure);
                (options.normalization, options.smoothing) = (Normalization::Normalize, 0.5);
                let place = (operand, row, cols - 1);
                named(p.view().into(), q.view().into(), &options, place, -0.25, Fault::Negative);
            }
        }
    }
}

fn named(p: View, q: View, options: &Options, place: (u32, usize, usize), value: f64, fault: Fault) {
    let unseen = options.measure == Measure::Entropy && place.0 == 1;
    let what = format!("{options:?} {} {place:?} of {}", p.dtype().name(), p.shape());
    let mut out = vec![7.0; p.rows()];
    let result = rows_into(p, q, options, &mut out);
    if unseen {
        assert_eq!(result, Ok(()), "{what}: q is not looked at");
        return;
    }
    let check = |path: &str, error: Error| {
        assert!(is_entry(&error, place, value, fault), "{path}: {error:?}, {what}");
    };
    check("rows", result.unwrap_err());
    for (i, out) in out.iter().enumerate() {
        assert_eq!(out.is_nan(), i == place.1, "row {i} is {out}, {what}");
    }
    check("reduce", reduce(p, q, options).unwrap_err());
    let mut sum = 7.0;
    reduce_into(p, q, options, &mut sum).unwrap_err();
    assert!(sum.is_nan(), "reduce gave {sum}, {what}");
    if has_terms(options.measure) {
        let mut terms = Array2::<f64>::from_elem((p.rows(), p.cols()), 7.0);
        check("terms", terms_into(p, q, options, &mut ViewMut::from(terms.view_mut())).unwrap_err());
        for (i, row) in terms.rows().into_iter().enumerate() {
            assert!(row.iter().all(|x| x.is_nan() == (i == place.1)), "terms of row {i}: {row}, {what}");
        }
        if p.rows() == 1 {
            check("explain", explain(p, q, options).unwrap_err());
        }
    }
    let mut options = options.clone();
    options.invalid = Invalid::Nan;
    let mut again = vec![7.0; p.rows()];
    assert_eq!(rows_into(p, q, &options, &mut again), Ok(()), "{what}");
    assert_eq!(bits(&again), bits(&out), "{what}");
    assert!(reduce(p, q, &options).unwrap().is_nan(), "{what}");
    let mut mask = vec![1; p.rows()];
    mask[place.1] = 0;
    (options.mask, options.invalid) = (Some(&mask[..]), Invalid::Error);
    let mut masked = vec![7.0; p.rows()];
    assert_eq!(rows_into(p, q, &options, &mut masked), Ok(()), "a masked row was read, {what}");
    assert_eq!(masked[place.1], 0.0);
    assert!(reduce(p, q, &options).is_ok(), "{what}");
}

fn bits(x: &[f64]) -> Vec<u64> {
    x.iter().map(|x| x.to_bits()).collect()
}

#[test]
fn a_bad_entry_is_named_in_every_type() {
    for (x, fault) in [
        (-0.25, Fault::Negative),
        (f64::NAN, Fault::Nan),
        (f64::INFINITY, Fault::Infinite),
        (f64::NEG_INFINITY, Fault::Infinite),
    ] {
        bad_entry_of(x, fault);
        bad_entry_of(x as f32, fault);
        bad_entry_of(f16::from_f64(x), fault);
        bad_entry_of(bf16::from_f64(x), fault);
    }
    bad_entry_of(-3_i64, Fault::Negative);
    bad_entry_of(i64::MIN, Fault::Negative);
    bad_entry_of(-5e-324, Fault::Negative);
    bad_entry_of(-f64::MAX, Fault::Negative);
    bad_entry_of(-1e-45_f32, Fault::Negative);
}

#[test]
fn the_first_bad_row_is_named_and_within_it_p_before_q() {
    let clean = Array2::from_elem((5000, 16), 0.5);
    let (mut p, mut q) = (clean.clone(), clean);
    p[(4000, 3)] = -1.0;
    q[(2500, 9)] = f64::NAN;
    p[(2500, 12)] = f64::INFINITY;
    q[(2501, 0)] = -1.0;
    for parallel in [false, true] {
        for measure in MEASURES {
            let options = options! { measure: measure, parallel: parallel };
            let error = rows(&p, &q, &options).unwrap_err();
            assert!(is_entry(&error, (0, 2500, 12), f64::INFINITY, Fault::Infinite), "{error:?}");
            let error = reduce(&p, &q, &options).unwrap_err();
            assert!(is_entry(&error, (0, 2500, 12), f64::INFINITY, Fault::Infinite), "{error:?}");
            let mut out = vec![7.0; 5000];
            rows_into((&p).into(), (&q).into(), &options, &mut out).unwrap_err();
            for (i, out) in out.iter().enumerate() {
                let bad = [2500, 4000].contains(&i) || (i == 2501 && measure != Measure::Entropy);
                assert_eq!(out.is_nan(), bad, "row {i} of {measure:?}: {out}");
            }
            if has_terms(measure) {
                let mut terms = Array2::<f64>::zeros((5000, 16));
                let mut out = ViewMut::from(terms.view_mut());
                let error = terms_into((&p).into(), (&q).into(), &options, &mut out).unwrap_err();
                assert!(is_entry(&error, (0, 2500, 12), f64::INFINITY, Fault::Infinite), "{error:?}");
            }
        }
    }
}

#[test]
fn a_bad_entry_deep_in_a_long_row_is_named() {
    let n = 300_000;
    for at in [0, 65_535, 65_536, 131_072, n - 1] {
        let p = vec![0.5_f32; n];
        let mut q = p.clone();
        q[at] = -1.0;
        let error = discrete::kl(&p, &q).unwrap_err();
        assert!(is_entry(&error, (1, 0, at), -1.0, Fault::Negative), "{error:?}");
        for normalization in [Normalization::AsGiven, Normalization::Normalize, Normalization::Require] {
            let options = options! { normalization: normalization };
            let error = reduce(&p[..], &q[..], &options).unwrap_err();
            assert!(is_entry(&error, (1, 0, at), -1.0, Fault::Negative), "{error:?}");
        }
    }
}

#[test]
fn a_bad_entry_outweighs_an_infinite_answer_and_an_overflow() {
    for measure in MEASURES {
        let options = Options::from(measure);
        let p = [0.5, 0.5, 1e308, 1e308, 0.0];
        let q = [0.0, 0.5, 1e-308, 1e308, -1.0];
        let result = reduce(&p[..], &q[..], &options);
        if measure == Measure::Entropy {
            assert!(result.is_ok());
        } else {
            assert!(is_entry(&result.unwrap_err(), (1, 0, 4), -1.0, Fault::Negative), "{measure:?}");
        }
    }
}

#[test]
fn messages_name_the_culprit() {
    let kl = |p: &[f64], q: &[f64]| discrete::kl(p, q).unwrap_err().to_string();
    assert_eq!(
        kl(&[0.5, 0.5], &[1.1, -0.1]),
        "q[0, 1] is -0.1; probabilities and counts are finite and at least 0"
    );
    assert_eq!(kl(&[f64::NAN], &[1.0]), "p[0, 0] is NaN; probabilities and counts are finite and at least 0");
    assert_eq!(kl(&[1.0, 2.0], &[1.0]), "q is 1 x 1 where 1 x 2 is needed");
    assert_eq!(kl(&[], &[]), "the inputs have 0 columns; a distribution has at least one outcome");
    let (p, q) = (array![[0.5, 0.5], [0.0, 0.0]], array![[0.5, 0.5], [0.5, 0.25]]);
    let with = |options: &Options| reduce(&p, &q, options).unwrap_err();
    let error = with(&options! { normalization: Normalization::Normalize });
    assert_eq!(error, Error::ZeroMass { operand: Operand::P, row: 1 });
    assert_eq!(error.row(), Some(1));
    assert_eq!(
        error.to_string(),
        "row 1 of p has no mass and cannot be normalized; no outcome in it is possible"
    );
    let error = with(&options! { normalization: Normalization::Require, mass_tolerance: 0.125 });
    assert_eq!(error, Error::NotNormalized { operand: Operand::P, row: 1, sum: 0.0, tolerance: 0.125 });
    assert_eq!(error.to_string(), "row 1 of p sums to 0, further from 1 than 0.125");
    let error = reduce(&q, &p, &options! { normalization: Normalization::Require, mass_tolerance: 0.3 });
    assert_eq!(error, Err(Error::NotNormalized { operand: Operand::Q, row: 1, sum: 0.0, tolerance: 0.3 }));
    let error = reduce(&q, &p, &options! { normalization: Normalization::Normalize }).unwrap_err();
    assert_eq!(error, Error::ZeroMass { operand: Operand::Q, row: 1 });
}

#[test]
fn a_row_of_zeros_is_zero_as_given_and_smoothed_but_has_no_mass_to_normalize() {
    let (p, q) = (array![[0.0, 0.0], [0.5, 0.5]], array![[0.0, 0.0], [0.5, 0.5]]);
    assert_eq!(rows(&p, &q, &options! {}).unwrap(), [0.0, 0.0]);
    let mut out = [7.0, 7.0];
    let options = options! { normalization: Normalization::Normalize };
    rows_into((&p).into(), (&q).into(), &options, &mut out).unwrap_err();
    assert!(out[0].is_nan() && out[1] == 0.0);
    let options = options! { normalization: Normalization::Normalize, smoothing: 0.5 };
    assert_eq!(rows(&p, &q, &options).unwrap(), [0.0, 0.0]);
    let options = options! { normalization: Normalization::Normalize, invalid: Invalid::Nan };
    assert!(rows(&p, &q, &options).unwrap()[0].is_nan());
    // Entropy has one operand, which is p.
    let options = options! { normalization: Normalization::Normalize, measure: Measure::Entropy };
    assert_eq!(rows(&q, &p, &options).unwrap_err(), Error::ZeroMass { operand: Operand::P, row: 0 });
}

#[test]
fn a_required_mass_is_held_to_its_tolerance() {
    let (p, q) = ([0.5, 0.5 + 1e-7], [0.25, 0.75]);
    let require =
        |tolerance: f64| options! { normalization: Normalization::Require, mass_tolerance: tolerance };
    assert!(reduce(&p[..], &q[..], &require(Options::MASS_TOLERANCE)).is_ok());
    let error = reduce(&p[..], &q[..], &require(0.99e-7)).unwrap_err();
    assert!(
        matches!(error, Error::NotNormalized { operand: Operand::P, row: 0, sum, .. } if sum == p[0] + p[1])
    );
    assert!(reduce(&p[..], &q[..], &require(0.0)).is_err());
    assert!(reduce(&q[..], &q[..], &require(0.0)).is_ok());
    let given = reduce(&p[..], &q[..], &options! {}).unwrap();
    assert_eq!(reduce(&p[..], &q[..], &require(1e-6)).unwrap(), given, "REQUIRE changes no answer");
    // Under an infinite divergence too, and where q alone is wrong.
    assert!(reduce(&[0.5, 0.5][..], &[1.5, 0.0][..], &require(1e-6)).is_err());
    let entropy = options! { normalization: Normalization::Require, measure: Measure::Entropy };
    assert!(reduce(&[0.5, 0.5][..], &[1.5, 0.0][..], &entropy).is_ok());
}

#[test]
fn shapes_that_disagree_write_nothing() {
    let p = Array2::from_elem((3, 4), 0.25);
    let q = Array2::from_elem((3, 5), 0.2);
    let fewer = Array2::from_elem((2, 4), 0.25);
    let shape = |rows, cols| Shape { rows, cols };
    let untouched = |call: &dyn Fn(&mut [f64]) -> Result<(), Error>, n, expected: Error| {
        let mut out = vec![7.0; n];
        assert_eq!(call(&mut out), Err(expected));
        assert!(out.iter().all(|x| *x == 7.0), "{out:?}");
    };
    let o = options! {};
    let wrong = |what, found, expected| Error::ShapeMismatch { what, found, expected };
    for other in [&q, &fewer] {
        let found = shape(other.nrows(), other.ncols());
        let error = || wrong("q", found, shape(3, 4));
        untouched(&|out| rows_into((&p).into(), other.into(), &o, out), 3, error());
        untouched(&|out| reduce_into((&p).into(), other.into(), &o, &mut out[0]), 1, error());
        untouched(
            &|out| {
                let out = ndarray::ArrayViewMut2::from_shape((3, 4), out).unwrap();
                terms_into((&p).into(), other.into(), &o, &mut out.into())
            },
            12,
            error(),
        );
    }
    for n in [0, 2, 4] {
        let error = wrong("out", shape(n, 1), shape(3, 1));
        untouched(&|out| rows_into((&p).into(), (&p).into(), &o, out), n, error);
    }
    untouched(
        &|out| {
            let out = ndarray::ArrayViewMut2::from_shape((4, 3), out).unwrap();
            terms_into((&p).into(), (&p).into(), &o, &mut out.into())
        },
        12,
        wrong("out", shape(4, 3), shape(3, 4)),
    );
    // A row may be asked for by itself, and neither more nor less of it.
    let row = [0.25; 4];
    for n in [3, 5] {
        let mut terms = vec![Term { p: 7.0, ..Term::default() }; n];
        let error = explain_into(row[..].into(), row[..].into(), &o, &mut terms).unwrap_err();
        assert_eq!(error, wrong("out", shape(1, n), shape(1, 4)));
        assert!(terms.iter().all(|term| term.p == 7.0));
    }
    assert_eq!(explain(&p, &p, &o).unwrap_err(), wrong("p", shape(3, 4), shape(1, 4)));
    assert_eq!(discrete::generalized(&[1.0], &[1.0, 2.0]), Err(wrong("q", shape(1, 2), shape(1, 1))));
    assert_eq!(relatives::renyi(&[1.0], &[1.0, 2.0], 2.0), Err(wrong("q", shape(1, 2), shape(1, 1))));
}

#[test]
fn unequal_lengths_outrank_bad_entries_and_options() {
    let (p, q) = ([f64::NAN, 1.0], [1.0]);
    assert!(matches!(discrete::kl(&p, &q), Err(Error::ShapeMismatch { .. })));
    assert!(matches!(
        reduce(&p[..], &q[..], &options! { smoothing: -1.0 }),
        Err(Error::ShapeMismatch { .. })
    ));
}

#[test]
fn zero_rows_are_zero_results_and_zero_columns_an_error() {
    let none = Array2::<f64>::zeros((0, 4));
    let o = options! {};
    assert_eq!(rows(&none, &none, &o).unwrap(), Vec::<f64>::new());
    for reduction in [Reduction::Sum, Reduction::Mean, Reduction::BatchMean] {
        assert_eq!(reduce(&none, &none, &options! { reduction: reduction }).unwrap(), 0.0);
    }
    let mut nothing = Array2::<f64>::zeros((0, 4));
    assert_eq!(terms_into((&none).into(), (&none).into(), &o, &mut nothing.view_mut().into()), Ok(()));
    for rows_of_none in [0, 1, 5] {
        let empty = Array2::<f32>::zeros((rows_of_none, 0));
        let mut out = vec![7.0; rows_of_none];
        assert_eq!(rows_into((&empty).into(), (&empty).into(), &o, &mut out), Err(Error::Empty));
        assert!(out.iter().all(|x| *x == 7.0));
        assert_eq!(reduce(&empty, &empty, &o), Err(Error::Empty));
        let mut terms = Array2::<f64>::zeros((rows_of_none, 0));
        let result = terms_into((&empty).into(), (&empty).into(), &o, &mut terms.view_mut().into());
        assert_eq!(result, Err(Error::Empty));
    }
    assert_eq!(explain(&[0.0_f64; 0][..], &[0.0_f64; 0][..], &o).unwrap_err(), Error::Empty);
    assert_eq!(discrete::kl::<f64, f64>(&[], &[]), Err(Error::Empty));
    assert_eq!(relatives::renyi::<f32, f64>(&[], &[], 2.0), Err(Error::Empty));
}

#[test]
fn every_option_that_makes_no_sense_is_named_and_nothing_written() {
    let p = array![[0.5, 0.5], [0.25, 0.75]];
    let check = |name: &str, value: f64, options: Options| {
        let mut out = [7.0; 2];
        let mut terms = Array2::from_elem((2, 2), 7.0);
        let mut sum = 7.0;
        let mut errors = vec![
            rows_into((&p).into(), (&p).into(), &options, &mut out).unwrap_err(),
            reduce_into((&p).into(), (&p).into(), &options, &mut sum).unwrap_err(),
            terms_into((&p).into(), (&p).into(), &options, &mut terms.view_mut().into()).unwrap_err(),
        ];
        if options.weights.is_none() {
            errors.push(explain(p.row(0), p.row(0), &options).unwrap_err());
        }
        for error in errors {
            match &error {
                Error::Option { name: found, value: x, .. } if *found == name => {
                    assert!(*x == value || (x.is_nan() && value.is_nan()), "{error:?}");
                }
                _ => panic!("{error:?} where option {name} is {value}"),
            }
            assert!(error.to_string().contains(name), "{error}");
        }
        assert!(out == [7.0; 2] && sum == 7.0 && terms.iter().all(|x| *x == 7.0), "{name} {value}: written");
    };
    for base in [1.0, 0.0, 0.5, -2.0, f64::NAN, f64::INFINITY] {
        check("base", base, options! { base: Some(base) });
    }
    for alpha in [0.0, -0.0, -1.0, f64::NAN, f64::NEG_INFINITY] {
        check("alpha", alpha, options! { measure: Measure::Renyi { alpha } });
        assert!(matches!(relatives::renyi(&[1.0], &[1.0], alpha), Err(Error::Option { name: "alpha", .. })));
    }
    for weight in [-1e-300, 1.0 + f64::EPSILON, f64::NAN, f64::INFINITY] {
        check("js_weight", weight, options! { measure: Measure::JensenShannon { weight } });
        check("js_weight", weight, options! { measure: Measure::JensenShannonDistance { weight } });
    }
    for smoothing in [-1.0, f64::NAN, f64::INFINITY] {
        let normalize = Normalization::Normalize;
        check("smoothing", smoothing, options! { smoothing: smoothing, normalization: normalize });
    }
    for normalization in [Normalization::AsGiven, Normalization::Require] {
        check("smoothing", 0.5, options! { smoothing: 0.5, normalization: normalization });
    }
    for tolerance in [-1.0, f64::NAN, f64::INFINITY] {
        let require = Normalization::Require;
        check("mass_tolerance", tolerance, options! { mass_tolerance: tolerance, normalization: require });
    }
    for weight in [-1.0, f64::NAN, f64::INFINITY] {
        let weights = [1.0, weight];
        check("weights", weight, options! { weights: Some(&weights) });
    }
    let column = |rows| Shape { rows, cols: 1 };
    for n in [0, 1, 3] {
        let error = |what| Err(Error::ShapeMismatch { what, found: column(n), expected: column(2) });
        let (mask, weights) = (vec![1; n], vec![1.0; n]);
        assert_eq!(reduce(&p, &p, &options! { mask: Some(&mask) }), error("mask"));
        assert_eq!(reduce(&p, &p, &options! { weights: Some(&weights) }), error("weights"));
    }
}

#[test]
fn measures_that_are_no_sums_have_no_terms() {
    let p = array![[0.5, 0.5]];
    for measure in
        [Measure::Renyi { alpha: 2.0 }, Measure::JENSEN_SHANNON_DISTANCE, Measure::Renyi { alpha: 1.0 }]
    {
        let options = Options::from(measure);
        let mut terms = Array2::from_elem((1, 2), 7.0);
        let error = terms_into((&p).into(), (&p).into(), &options, &mut terms.view_mut().into()).unwrap_err();
        assert!(matches!(error, Error::Option { name: "measure", .. }), "{error:?}");
        assert!(terms.iter().all(|x| *x == 7.0));
        assert!(matches!(explain(&p, &p, &options), Err(Error::Option { name: "measure", .. })));
    }
}

#[test]
fn terms_are_not_written_to_counts() {
    let p = array![[0.5, 0.5]];
    let mut counts = Array2::from_elem((1, 2), 7_i64);
    let error = terms_into((&p).into(), (&p).into(), &options! {}, &mut counts.view_mut().into());
    assert_eq!(error, Err(Error::Dtype { what: "out", dtype: Dtype::I64.name() }));
    assert!(counts.iter().all(|x| *x == 7));
}

#[test]
fn infinite_answers_are_answers() {
    let (p, q) = ([0.5, 0.5, 0.0], [0.5, 0.0, 0.5]);
    assert_eq!(discrete::kl(&p, &q), Ok(f64::INFINITY));
    assert_eq!(discrete::kl(&[5e-324], &[0.0]), Ok(f64::INFINITY));
    assert_eq!(discrete::kl(&[0.0], &[0.0]), Ok(0.0));
    assert_eq!(discrete::kl(&[0.0, 1.0], &[f64::MAX, 1.0]), Ok(0.0));
    assert_eq!(discrete::kl(&[-0.0, 1.0], &[-0.0, 1.0]), Ok(0.0));
    let rows_of = rows(&matrix(&[p.to_vec(), q.to_vec()]), &matrix(&[q.to_vec(), q.to_vec()]), &options! {});
    assert_eq!(rows_of.unwrap(), [f64::INFINITY, 0.0]);
    let walk = explain(&p[..], &q[..], &options! {}).unwrap();
    assert_eq!(walk[1].contribution, f64::INFINITY);
    assert_eq!((walk[0].share, walk[1].share, walk[2].share), (0.0, 1.0, 0.0));
    // A weight of nothing leaves nothing of infinity.
    let (p, q) = (View::from(&p[..]), View::from(&q[..]));
    assert_eq!(rows(p, q, &options! { weights: Some(&[0.0]) }).unwrap(), [0.0]);
}

#[test]
fn finite_entries_whose_sum_overflows_are_told_so_where_they_are_normalized() {
    let p = [f64::MAX, f64::MAX];
    let options = options! { normalization: Normalization::Normalize };
    let error = reduce(&p[..], &p[..], &options).unwrap_err();
    assert_eq!(error, Error::Overflow { row: 0 });
    assert_eq!(discrete::kl(&p, &p), Ok(0.0));
}

#[test]
fn a_tolerance_is_looked_at_where_it_concerns_the_call() {
    let p = [0.5, 0.5];
    assert_eq!(reduce(&p[..], &p[..], &options! { rel_tolerance: 7.0, mass_tolerance: -1.0 }), Ok(0.0));
    let density = |_| 1.0;
    for tolerance in [-1.0, 0.0, 1.0, f64::NAN] {
        let error =
            kldiv::quadrature::kl(density, density, 0.0, 1.0, &[], &options! { rel_tolerance: tolerance });
        assert!(matches!(error, Err(Error::Option { name: "rel_tolerance", .. })), "{error:?}");
    }
}
