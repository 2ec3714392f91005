//! Every value of the reference tables that concerns the core, through its public functions, at the tables' tolerance.

mod common;

use common::data::generate;
use common::layout::{LAYOUTS, Layouts, exactly, matrix};
use common::{Expected, F32, F64, K, Precision, SplitMix, Tally, Wide};
use common::{number, numbers, oracle, precision, table, tagged, units};
use half::{bf16, f16};
use kldiv::batch::{reduce, rows_into, terms_into};
use kldiv::explain::explain;
use kldiv::{
    Element, Error, Fault, Measure, Normalization, Operand, Options, View, ViewMut, discrete, relatives,
};
use ndarray::Array2;
use serde_json::Value;

const FIELDS: [(&str, Measure); 9] = [
    ("kl", Measure::Kl),
    ("generalized", Measure::Generalized),
    ("reverse", Measure::Reverse),
    ("jensen_shannon", Measure::JENSEN_SHANNON),
    ("jeffreys", Measure::Jeffreys),
    ("entropy", Measure::Entropy),
    ("cross_entropy", Measure::CrossEntropy),
    ("renyi_0_5", Measure::Renyi { alpha: 0.5 }),
    ("renyi_2", Measure::Renyi { alpha: 2.0 }),
];

fn mag(case: &Value, field: &str) -> Option<Wide> {
    Expected::of(&case["mag"][field]).map(|mag| match mag {
        Expected::Finite(mag) => mag,
        Expected::Infinite(_) => panic!("an infinite mag"),
    })
}

/// The units that a field of a case may be off.
fn most(case: &Value, field: &str) -> f64 {
    if tagged(case, "subnormal") && field.starts_with("renyi") { 64.0 } else { K }
}

fn row(p: View, q: View, options: &Options) -> f64 {
    let mut out = [f64::NAN];
    rows_into(p, q, options, &mut out).unwrap();
    out[0]
}

/// The answers of the functions of two slices, where there is one for the measure.
fn of_slices<P: Element, Q: Element>(p: &[P], q: &[Q], measure: Measure) -> Option<f64> {
    match measure {
        Measure::Kl => Some(discrete::kl(p, q).unwrap()),
        Measure::Generalized => Some(discrete::generalized(p, q).unwrap()),
        Measure::Renyi { alpha } => Some(relatives::renyi(p, q, alpha).unwrap()),
        _ => None,
    }
}

/// The sum of the terms that `terms_into` writes and of those that `explain` gives; None where there are none.
fn of_terms(p: View, q: View, options: &Options) -> Option<[f64; 2]> {
    if matches!(options.measure, Measure::Renyi { .. }) {
        return None;
    }
    let mut terms = Array2::from_elem((1, p.cols()), f64::NAN);
    terms_into(p, q, options, &mut ViewMut::from(terms.view_mut())).unwrap();
    let explained: Vec<f64> = explain(p, q, options).unwrap().iter().map(|term| term.contribution).collect();
    let sum = |terms: &[f64]| match terms.iter().all(|x| x.is_finite()) {
        true => common::wide::ExactSum::of(terms).to_f64(),
        false => terms.iter().sum(),
    };
    Some([sum(terms.as_slice().unwrap()), sum(&explained)])
}

/// One case in one pair of types, through every function and every layout.
fn check<P: Element, Q: Element>(
    tally: &mut Tally,
    case: &Value,
    p: &[P],
    q: &[Q],
    precision: Precision,
    every_layout: bool,
) {
    let n = p.len();
    let (ps, qs) = (numbers_of(p), numbers_of(q));
    let p_layouts = Layouts::new(matrix(&[p.to_vec()]));
    let q_layouts = Layouts::new(matrix(&[q.to_vec()]));
    let types = (P::DTYPE.name(), Q::DTYPE.name());
    for (field, measure) in FIELDS {
        // Of one vector, which is never mixed.
        if measure == Measure::Entropy && P::DTYPE != Q::DTYPE {
            continue;
        }
        let Some(expected) = Expected::of(&case["expect"][field]) else { continue };
        let mag = mag(case, field);
        let most = most(case, field);
        let options = Options::from(measure);
        let plain = row(p_layouts.view(0), q_layouts.view(0), &options);
        let what = |path: &str, got: f64| {
            format!("{} {types:?} {path}: {got:e}, want {}", case["name"], case["expect"][field])
        };
        let name = match precision.unit {
            unit if unit == F64.unit => field.to_owned(),
            _ => format!("{field} f32"),
        };
        tally.count(&name, units(plain, expected, mag, n, precision), most, || what("rows", plain));
        let mut same = |path: &str, got: f64| {
            tally.require(got.to_bits() == plain.to_bits(), || what(path, got));
        };
        if let Some(got) = of_slices(p, q, measure) {
            same("slices", got);
        }
        same("reduce", reduce(p_layouts.view(0), q_layouts.view(0), &options).unwrap());
        if every_layout {
            for i in 0..LAYOUTS.len() {
                let j = (i + 1) % LAYOUTS.len();
                let got = row(p_layouts.view(i), q_layouts.view(j), &options);
                same(&format!("{} by {}", LAYOUTS[i], LAYOUTS[j]), got);
            }
        }
        if let Some(sums) = of_terms(p_layouts.view(2), q_layouts.view(0), &options) {
            // Rounded terms of both signs cancel; their sum is good to their magnitude.
            let mag = match measure {
                _ if mag.is_none() => None,
                Measure::Kl => Some(oracle::terms_magnitude(&ps, &qs)),
                Measure::Reverse => Some(oracle::terms_magnitude(&qs, &ps)),
                _ => mag,
            };
            for (path, got) in ["terms", "explain"].into_iter().zip(sums) {
                let units = units(got, expected, mag, n, precision);
                tally.count(&format!("{name} {path}"), units, K, || what(path, got));
            }
        }
    }
}

fn numbers_of<T: Element>(x: &[T]) -> Vec<f64> {
    x.iter().map(|x| x.to_f64()).collect()
}

#[test]
fn every_discrete_case_is_within_the_tolerance_through_every_function_and_stride() {
    let mut tally = Tally::default();
    for case in table("discrete") {
        let (p, q) = (numbers(&case["p"]), numbers(&case["q"]));
        match precision(&case) {
            kind if kind.unit == F64.unit => check(&mut tally, &case, &p, &q, F64, true),
            _ => {
                let p32: Vec<f32> = exactly(&p).unwrap();
                let q32: Vec<f32> = exactly(&q).unwrap();
                check(&mut tally, &case, &p32, &q32, F32, true);
            }
        }
    }
    tally.done("discrete");
}

#[test]
fn the_same_values_in_wider_and_mixed_types_are_within_the_wider_tolerance() {
    let mut tally = Tally::default();
    for case in table("discrete").iter().filter(|case| case["dtype"] == "f32") {
        let (p, q) = (numbers(&case["p"]), numbers(&case["q"]));
        let (p32, q32): (Vec<f32>, Vec<f32>) = (exactly(&p).unwrap(), exactly(&q).unwrap());
        check(&mut tally, case, &p, &q, F64, false);
        check(&mut tally, case, &p32, &q, F64, false);
        check(&mut tally, case, &p, &q32, F64, false);
    }
    tally.done("discrete, f32 values as f64 and mixed");
}

#[test]
fn the_same_values_in_half_precision_are_within_the_tolerance_of_f32() {
    let (mut tally, mut halves, mut brains) = (Tally::default(), 0, 0);
    for case in table("discrete") {
        let (p, q) = (numbers(&case["p"]), numbers(&case["q"]));
        if let (Some(p), Some(q)) = (exactly::<f16>(&p), exactly::<f16>(&q)) {
            check(&mut tally, &case, &p, &q, F32, true);
            halves += 1;
        }
        if let (Some(p), Some(q)) = (exactly::<bf16>(&p), exactly::<bf16>(&q)) {
            check(&mut tally, &case, &p, &q, F32, true);
            brains += 1;
        }
        if let (Some(p), Some(q)) = (exactly::<f16>(&p), exactly::<f32>(&q)) {
            check(&mut tally, &case, &p, &q, F32, false);
        }
        if let (Some(p), Some(q)) = (exactly::<u64>(&p), exactly::<i64>(&q)) {
            check(&mut tally, &case, &p, &q, F64, true);
        }
    }
    println!("{halves} cases are exact in f16, {brains} in bf16");
    assert!(halves > 0 && brains > 0);
    tally.done("discrete, f16 and bf16");
}

#[test]
fn bad_entries_empty_and_unequal_vectors_are_named() {
    let mut tally = Tally::default();
    for case in table("invalid") {
        let (p, q) = (numbers(&case["p"]), numbers(&case["q"]));
        if case["dtype"] == "f64" {
            invalid(&mut tally, &case, &p, &q);
        } else {
            let narrow = |x: &[f64]| -> Vec<f32> { x.iter().map(|x| *x as f32).collect() };
            invalid(&mut tally, &case, &narrow(&p), &narrow(&q));
        }
    }
    tally.done("invalid");
}

fn invalid<T: Element>(tally: &mut Tally, case: &Value, p: &[T], q: &[T]) {
    let expect = &case["expect"];
    let classes: Vec<&str> = match expect["error_any_of"].as_array() {
        Some(classes) => classes.iter().map(|x| x.as_str().unwrap()).collect(),
        None => vec![expect["error"].as_str().unwrap()],
    };
    let right = |error: &Error| {
        let (class, place) = match *error {
            Error::InvalidEntry { operand, row: 0, col, fault, .. } => {
                let class = match fault {
                    Fault::Negative => "negative",
                    Fault::Nan => "nan",
                    Fault::Infinite => "infinite",
                };
                (class, Some((operand, col)))
            }
            Error::ShapeMismatch { .. } => ("length_mismatch", None),
            Error::Empty => ("empty", None),
            _ => return false,
        };
        let argument = expect["argument"].as_str().map(|argument| match argument {
            "p" => Operand::P,
            "q" => Operand::Q,
            other => panic!("{other}"),
        });
        let index = expect["index"].as_u64().map(|index| index as usize);
        classes.contains(&class)
            && argument.is_none_or(|argument| place.is_some_and(|place| place.0 == argument))
            && index.is_none_or(|index| place.is_some_and(|place| place.1 == index))
    };
    let mut check = |path: &str, result: Result<(), Error>| {
        let passes = result.as_ref().is_err_and(right);
        tally.require(passes, || format!("{} {path}: {result:?}, want {expect}", case["name"]));
    };
    let (p_view, q_view) = (View::from(p), View::from(q));
    check("kl", discrete::kl(p, q).map(drop));
    check("generalized", discrete::generalized(p, q).map(drop));
    check("renyi", relatives::renyi(p, q, 0.5).map(drop));
    let far = Options::from(Measure::Renyi { alpha: f64::INFINITY });
    check("renyi inf", reduce(p_view, q_view, &far).map(drop));
    let looks_at_q = expect["argument"] != "q" && expect["error_any_of"].is_null();
    for (field, measure) in FIELDS {
        if measure == Measure::Entropy && (!looks_at_q || p.len() != q.len()) {
            continue;
        }
        for normalization in [Normalization::AsGiven, Normalization::Normalize, Normalization::Require] {
            let mut options = Options::from(measure);
            options.normalization = normalization;
            check(&format!("{field} {normalization:?} reduce"), reduce(p_view, q_view, &options).map(drop));
            let mut out = [0.0];
            check(&format!("{field} rows"), rows_into(p_view, q_view, &options, &mut out));
            if !matches!(measure, Measure::Renyi { .. }) {
                let mut out = Array2::from_elem((1, p.len()), 0.0);
                let mut out = ViewMut::from(out.view_mut());
                check(&format!("{field} terms"), terms_into(p_view, q_view, &options, &mut out));
                check(&format!("{field} explain"), explain(p_view, q_view, &options).map(drop));
            }
        }
    }
}

#[test]
fn every_large_case_is_within_the_tolerance() {
    assert_eq!(SplitMix(0).next(), 0xE220_A839_7B1D_CDAF);
    let mut tally = Tally::default();
    for case in table("large") {
        let (p, q) = generate(&case);
        let facts = &case["check"];
        for (x, side) in [(&p, "p"), (&q, "q")] {
            assert_eq!(x[..4], numbers(&facts[format!("{side}_first")])[..], "{}", case["name"]);
            assert_eq!(x[x.len() - 1], number(&facts[format!("{side}_last")]), "{}", case["name"]);
            let bits = x.iter().map(|x| match case["dtype"] == "f32" {
                true => u64::from((*x as f32).to_bits()),
                false => x.to_bits(),
            });
            let sum = format!("0x{:016x}", bits.fold(0, u64::wrapping_add));
            assert_eq!(sum, facts[format!("bits_sum_{side}")].as_str().unwrap(), "{}", case["name"]);
        }
        if case["dtype"] == "f32" {
            large(&mut tally, &case, &exactly::<f32>(&p).unwrap(), &exactly::<f32>(&q).unwrap());
        } else {
            large(&mut tally, &case, &p, &q);
        }
    }
    tally.done("large");
}

fn large<T: Element>(tally: &mut Tally, case: &Value, p: &[T], q: &[T]) {
    let precision = precision(case);
    for (field, measure) in FIELDS {
        let Some(expected) = Expected::of(&case["expect"][field]) else { continue };
        let mag = mag(case, field);
        let options = Options::from(measure);
        let got = row(p.into(), q.into(), &options);
        let what = || format!("{}: {got:e}, want {}", case["name"], case["expect"][field]);
        tally.count(field, units(got, expected, mag, p.len(), precision), K, what);
        if let Some(slices) = of_slices(p, q, measure) {
            tally.require(slices.to_bits() == got.to_bits(), || format!("{}: slices {slices:e}", what()));
        }
        // From the other end and with a stride the order of the terms is the same, and so are the bits.
        let backwards: Vec<T> = p.iter().rev().copied().collect();
        let backwards = ndarray::ArrayView1::from(&backwards).slice_move(ndarray::s![..;-1]);
        let strided = row(View::from(backwards), q.into(), &options);
        tally.require(strided.to_bits() == got.to_bits(), || format!("{}: strided {strided:e}", what()));
    }
}

const COUNT_FIELDS: [(&str, Measure); 4] = [
    ("kl", Measure::Kl),
    ("kl_reverse", Measure::Reverse),
    ("psi", Measure::Jeffreys),
    ("js", Measure::JENSEN_SHANNON),
];

/// One case of counts in one pair of types: normalised, every answer is a sum of terms at least 0, its own mag.
fn counts<P: Element, Q: Element>(tally: &mut Tally, case: &Value, p: &[P], q: &[Q]) {
    let (p_layouts, q_layouts) = (Layouts::new(matrix(&[p.to_vec()])), Layouts::new(matrix(&[q.to_vec()])));
    for (field, measure) in COUNT_FIELDS {
        let mut options = Options::from(measure);
        options.normalization = Normalization::Normalize;
        options.smoothing = number(&case["alpha"]);
        let expected = Expected::of(&case["expect"][field]).unwrap();
        let mag = match expected {
            Expected::Finite(value) => Some(value),
            Expected::Infinite(_) => None,
        };
        for i in 0..LAYOUTS.len() {
            let got = row(p_layouts.view(i), q_layouts.view(LAYOUTS.len() - 1 - i), &options);
            let name = (P::DTYPE.name(), Q::DTYPE.name());
            let what = || {
                format!("{} {name:?} {}: {got:e}, want {}", case["name"], LAYOUTS[i], case["expect"][field])
            };
            tally.count(field, units(got, expected, mag, p.len(), F64), K, what);
        }
        let mag = mag.map(|mag| match measure {
            Measure::Jeffreys | Measure::JensenShannon { .. } => mag,
            // The magnitude of terms p ln(p/q) of both signs: at most D plus twice the total variation, √(2D).
            _ => mag + mag.shifted(1).sqrt(),
        });
        for (path, got) in
            ["terms", "explain"].into_iter().zip(of_terms(p.into(), q.into(), &options).unwrap())
        {
            let what = || format!("{} {path}: {got:e}, want {}", case["name"], case["expect"][field]);
            tally.count(&format!("{field} {path}"), units(got, expected, mag, p.len(), F64), K, what);
        }
    }
}

#[test]
fn every_histogram_of_counts_is_within_the_tolerance_in_every_type_that_holds_it() {
    let mut tally = Tally::default();
    let (mut excepted, mut done) = (Vec::new(), 0);
    for case in table("counts") {
        let read = |side: &str| -> Vec<u64> {
            case[side].as_array().unwrap().iter().map(|x| x.as_u64().unwrap()).collect()
        };
        let (p, q) = (read("p_counts"), read("q_counts"));
        // Counts beyond 2^53 are rounded to f64.
        if p.iter().chain(&q).any(|x| *x as f64 as u128 != u128::from(*x)) {
            excepted.push(case["name"].to_string());
            continue;
        }
        done += 1;
        counts(&mut tally, &case, &p, &q);
        let f64s = |x: &[u64]| -> Vec<f64> { x.iter().map(|x| *x as f64).collect() };
        let (p64, q64) = (f64s(&p), f64s(&q));
        counts(&mut tally, &case, &p64, &q64);
        counts(&mut tally, &case, &p, &q64);
        // A common factor of each side changes nothing without smoothing.
        if case["alpha"] == 0.0 {
            let tripled: Vec<f64> = p64.iter().map(|x| 3.0 * x).collect();
            let shrunk: Vec<f64> = q64.iter().map(|x| x * 2f64.powi(-900)).collect();
            counts(&mut tally, &case, &tripled, &shrunk);
        }
        if let (Some(p), Some(q)) = (exactly::<f32>(&p64), exactly::<f32>(&q64)) {
            counts(&mut tally, &case, &p, &q);
        }
        if let (Some(p), Some(q)) = (exactly::<f16>(&p64), exactly::<bf16>(&q64)) {
            counts(&mut tally, &case, &p, &q);
        }
        let signed = |x: &[u64]| x.iter().map(|x| i64::try_from(*x)).collect::<Result<Vec<i64>, _>>();
        if let (Ok(p), Ok(q)) = (signed(&p), signed(&q)) {
            counts(&mut tally, &case, &p, &q);
        }
    }
    println!("{done} histograms; {} excepted, with counts that f64 rounds: {excepted:?}", excepted.len());
    assert_eq!(excepted.len(), 1);
    tally.done("counts");
}

#[test]
fn the_oracle_of_the_other_tests_agrees_with_the_tables() {
    let mut tally = Tally::default();
    for case in table("discrete") {
        let (p, q) = (numbers(&case["p"]), numbers(&case["q"]));
        for (field, measure) in FIELDS {
            let Some(expected) = Expected::of(&case["expect"][field]) else { continue };
            let (got, mag) = oracle::measure(&p, &q, measure);
            match (got, expected) {
                (Expected::Finite(got), Expected::Finite(want)) => {
                    let mag = mag.unwrap();
                    let error = (got - want).abs();
                    let units = match mag.is_zero() {
                        true if error.is_zero() => 0.0,
                        true => f64::INFINITY,
                        false => (error / (mag * Wide::from(F64.unit))).to_f64(),
                    };
                    tally.count(field, units, 1e-6, || format!("{}", case["name"]));
                    // And its mag is the table's, which has four digits, rounded up.
                    let Some(Expected::Finite(of_table)) = Expected::of(&case["mag"][field]) else {
                        panic!()
                    };
                    let low = of_table * Wide::from(0.998);
                    tally.require(mag <= of_table * Wide::from(1.0 + 1e-9) && low <= mag, || {
                        format!("{field} {}: mag {:e}, {:e}", case["name"], mag.to_f64(), of_table.to_f64())
                    });
                }
                (Expected::Infinite(a), Expected::Infinite(b)) if a == b => {}
                _ => tally.require(false, || format!("{field} {}: {got:?}, want {expected:?}", case["name"])),
            }
        }
    }
    tally.done("oracle");
}
