//! What holds for all inputs, tried on many.

mod common;

use common::data::{KINDS, pair};
use common::layout::{LAYOUTS, Layouts, exactly};
use common::wide::{ExactSum, ln_ratio};
use common::{Expected, F32, F64, K, Precision, SplitMix, Tally, Wide, oracle, units};
use half::{bf16, f16};
use kldiv::batch::{reduce, rows, rows_into, terms_into};
use kldiv::explain::explain;
use kldiv::{Element, Error, Measure, Normalization, Options, Reduction, View, ViewMut, discrete, relatives};
use ndarray::{Array2, ArrayView2, Axis};
use proptest::prelude::*;

const HALF_AND_TWO: [Measure; 2] = [Measure::Renyi { alpha: 0.5 }, Measure::Renyi { alpha: 2.0 }];

const SUMS: [Measure; 7] = [
    Measure::Kl,
    Measure::Generalized,
    Measure::Reverse,
    Measure::Jeffreys,
    Measure::JENSEN_SHANNON,
    Measure::Entropy,
    Measure::CrossEntropy,
];

const ALL: [Measure; 12] = [
    Measure::Kl,
    Measure::Generalized,
    Measure::Reverse,
    Measure::Jeffreys,
    Measure::JENSEN_SHANNON,
    Measure::JensenShannon { weight: 0.1 },
    Measure::JENSEN_SHANNON_DISTANCE,
    Measure::Renyi { alpha: 0.3 },
    Measure::Renyi { alpha: 2.5 },
    Measure::Renyi { alpha: f64::INFINITY },
    Measure::Entropy,
    Measure::CrossEntropy,
];

/// `Options` is non-exhaustive outside of its crate.
macro_rules! options {
    ($($field:ident: $value:expr),* $(,)?) => {{
        #[allow(unused_mut)]
        let mut options = Options::default();
        $(options.$field = $value;)*
        options
    }};
}

fn value(p: &[f64], q: &[f64], measure: Measure) -> Result<f64, Error> {
    reduce(p, q, &Options::from(measure))
}

fn normalized(p: &[f64], q: &[f64], measure: Measure) -> Result<f64, Error> {
    reduce(p, q, &options! { measure: measure, normalization: Normalization::Normalize })
}

/// Two vectors of any kind.
fn vectors(longest: usize) -> impl Strategy<Value = (Vec<f64>, Vec<f64>)> {
    (0..KINDS.len(), 1..=longest, any::<u64>())
        .prop_map(|(kind, n, seed)| pair(KINDS[kind], n, &mut SplitMix(seed)))
}

/// Two vectors of moderate positive numbers.
fn ordinary(longest: usize) -> impl Strategy<Value = (Vec<f64>, Vec<f64>)> {
    (0..3_usize, 1..=longest, any::<u64>())
        .prop_map(|(kind, n, seed)| pair(KINDS[kind], n, &mut SplitMix(seed)))
}

/// Two vectors of whole numbers below 2^12, q's above 0.
fn whole(longest: usize) -> impl Strategy<Value = (Vec<f64>, Vec<f64>)> {
    proptest::collection::vec((0..4096_u32, 1..4096_u32), 1..=longest)
        .prop_map(|pairs| pairs.into_iter().map(|(p, q)| (f64::from(p), f64::from(q))).unzip())
}

/// Whether two answers that are each within K units of one exact value can be these.
fn agree(a: f64, b: f64, mag: Wide, n: usize) -> bool {
    if a == b {
        return true;
    }
    if !(a.is_finite() && b.is_finite()) {
        // One rounding apart at the end of the range.
        return (a - b).is_infinite() && a.abs().min(b.abs()) > 0.999 * f64::MAX;
    }
    let most = mag * Wide::from(2.0 * K * F64.unit) + Wide::from(5e-324) * Wide::from(2.0 * (n as f64 + 2.0));
    (Wide::from(a) - Wide::from(b)).abs() <= most
}

/// The mag of a measure of two vectors; nothing if it is infinite.
fn mag(p: &[f64], q: &[f64], measure: Measure) -> Option<Wide> {
    oracle::measure(p, q, measure).1
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_has_no_negative_terms_is_never_negative((p, q) in vectors(70)) {
        for measure in [Measure::Generalized, Measure::Jeffreys, Measure::JENSEN_SHANNON, Measure::JENSEN_SHANNON_DISTANCE] {
            let value = value(&p, &q, measure).unwrap();
            prop_assert!(value >= 0.0 && value.is_sign_positive(), "{measure:?}: {value:e}");
        }
    }

    #[test]
    fn what_is_normalized_is_never_negative((p, q) in ordinary(70)) {
        for measure in ALL {
            let value = normalized(&p, &q, measure).unwrap();
            prop_assert!(value >= 0.0 && value.is_sign_positive(), "{measure:?}: {value:e}");
        }
    }

    #[test]
    fn equals_diverge_by_nothing_to_the_bit((p, _) in vectors(70)) {
        for measure in &ALL[..7] {
            prop_assert_eq!(value(&p, &p, *measure).unwrap().to_bits(), 0, "{:?}", measure);
        }
        prop_assert_eq!(discrete::kl(&p, &p).unwrap().to_bits(), 0);
        prop_assert_eq!(discrete::generalized(&p, &p).unwrap().to_bits(), 0);
        if p.iter().all(|x| *x < 1e300) && p.iter().any(|x| *x > 0.0) {
            for measure in &ALL[..10] {
                prop_assert_eq!(normalized(&p, &p, *measure).unwrap().to_bits(), 0, "{:?}", measure);
            }
        }
    }

    #[test]
    fn only_equals_have_no_gap((p, q) in ordinary(20)) {
        let gap = discrete::generalized(&p, &q).unwrap();
        prop_assert_eq!(gap == 0.0, p == q, "{:e}", gap);
    }

    #[test]
    fn the_divergence_of_products_is_the_sum_of_divergences((p, q) in whole(12), (r, s) in whole(12)) {
        let product = |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().flat_map(|x| b.iter().map(move |y| x * y)).collect() };
        let (p_r, q_s) = (product(&p, &r), product(&q, &s));
        let kl = |p: &[f64], q: &[f64]| (Wide::from(discrete::kl(p, q).unwrap()), mag(p, q, Measure::Kl).unwrap());
        let ((whole, mag), (first, mag_1), (second, mag_2)) = (kl(&p_r, &q_s), kl(&p, &q), kl(&r, &s));
        let (sum_p, sum_r) = (ExactSum::of(&p), ExactSum::of(&r));
        let parts = sum_r * first + sum_p * second;
        let most = (mag + sum_r * mag_1 + sum_p * mag_2) * Wide::from(K * F64.unit);
        prop_assert!((whole - parts).abs() <= most, "{:e} {:e}", whole.to_f64(), parts.to_f64());
        if p.iter().any(|x| *x > 0.0) && r.iter().any(|x| *x > 0.0) {
            let kl = |p: &[f64], q: &[f64]| normalized(p, q, Measure::Kl).unwrap();
            let (whole, parts) = (kl(&p_r, &q_s), kl(&p, &q) + kl(&r, &s));
            prop_assert!((whole - parts).abs() <= (2.0 * K + 1.0) * F64.unit * parts, "{whole:e} {parts:e}");
        }
    }

    #[test]
    fn the_order_of_outcomes_does_not_matter((p, q) in vectors(200), seed in any::<u64>()) {
        let mut random = SplitMix(seed);
        let mut order: Vec<usize> = (0..p.len()).collect();
        for i in (1..order.len()).rev() {
            order.swap(i, random.below(i + 1));
        }
        let shuffled = |x: &[f64]| -> Vec<f64> { order.iter().map(|i| x[*i]).collect() };
        let (a, b) = (shuffled(&p), shuffled(&q));
        for measure in SUMS.into_iter().chain(HALF_AND_TWO) {
            let (one, other) = (value(&p, &q, measure), value(&a, &b, measure));
            let same = match (&one, &other) {
                (Ok(one), Ok(other)) => one == other || mag(&p, &q, measure).is_some_and(|mag| agree(*one, *other, mag, p.len())),
                (one, other) => one == other,
            };
            prop_assert!(same, "{measure:?}: {one:?} {other:?}");
        }
    }

    #[test]
    fn jensen_shannon_is_at_most_ln_2_and_symmetric_to_the_bit((p, q) in ordinary(70), (a, b) in vectors(70)) {
        let ln_2 = std::f64::consts::LN_2;
        for measure in [Measure::JENSEN_SHANNON, Measure::JENSEN_SHANNON_DISTANCE] {
            let most = if measure == Measure::JENSEN_SHANNON { ln_2 } else { ln_2.sqrt() };
            let value = normalized(&p, &q, measure).unwrap();
            prop_assert!(value <= most * (1.0 + K * F64.unit), "{value:e}");
            prop_assert_eq!(value, normalized(&q, &p, measure).unwrap());
            prop_assert_eq!(self::value(&a, &b, measure).unwrap(), self::value(&b, &a, measure).unwrap());
        }
    }

    #[test]
    fn jensen_shannon_with_weights_exchanged_is_that_of_the_rows_exchanged((p, q) in vectors(40), w in 0.0..=1.0_f64) {
        // 1 − w is exact for such a w.
        let w = (w * 1024.0).round() / 1024.0;
        let one = value(&p, &q, Measure::JensenShannon { weight: w }).unwrap();
        let other = value(&q, &p, Measure::JensenShannon { weight: 1.0 - w }).unwrap();
        let mag = mag(&p, &q, Measure::JensenShannon { weight: w }).unwrap();
        prop_assert!(agree(one, other, mag, p.len()), "{w}: {one:e} {other:e}");
        if w == 0.0 || w == 1.0 {
            prop_assert_eq!(one, 0.0);
        }
    }

    #[test]
    fn jeffreys_is_the_divergence_there_and_back((p, q) in vectors(70)) {
        let of = |measure| value(&p, &q, measure).unwrap();
        let (there, back, both) = (of(Measure::Kl), of(Measure::Reverse), of(Measure::Jeffreys));
        prop_assert_eq!(back.to_bits(), value(&q, &p, Measure::Kl).unwrap().to_bits());
        match (mag(&p, &q, Measure::Kl), mag(&p, &q, Measure::Reverse)) {
            (Some(a), Some(b)) if there.is_finite() && back.is_finite() && both.is_finite() => {
                let most = (a + b) * Wide::from(K * F64.unit) + Wide::from(both) * Wide::from(K * F64.unit);
                let most = most + Wide::from(5e-324) * Wide::from(3.0 * (p.len() as f64 + 2.0));
                let difference = (Wide::from(there) + Wide::from(back) - Wide::from(both)).abs();
                prop_assert!(difference <= most, "{there:e} + {back:e}, {both:e}");
            }
            (Some(_), Some(_)) => {}
            _ => prop_assert_eq!(both, f64::INFINITY),
        }
    }

    #[test]
    fn counts_in_proportion_do_not_diverge(counts in proptest::collection::vec(0..1_000_000_u64, 1..60), c in 1..1_000_000_u64) {
        prop_assume!(counts.iter().any(|x| *x > 0));
        let more: Vec<u64> = counts.iter().map(|x| c * x).collect();
        let as_f64s: Vec<f64> = more.iter().map(|x| *x as f64).collect();
        for measure in &ALL[..10] {
            let options = options! { measure: *measure, normalization: Normalization::Normalize };
            for (p, q) in [(View::from(&counts[..]), View::from(&more[..])), (View::from(&as_f64s[..]), View::from(&counts[..]))] {
                prop_assert_eq!(reduce(p, q, &options).unwrap(), 0.0, "{:?}", measure);
            }
        }
    }

    #[test]
    fn a_base_divides_by_its_logarithm((p, q) in ordinary(30), base in prop_oneof![Just(2.0), Just(10.0), 1.0001..1e6_f64]) {
        for measure in ALL {
            let nats = value(&p, &q, measure).unwrap();
            let units = reduce(&p[..], &q[..], &options! { measure: measure, base: Some(base) }).unwrap();
            let ln = ln_ratio(Wide::from(base), Wide::ONE).to_f64();
            let expected = if measure == Measure::JENSEN_SHANNON_DISTANCE { nats / ln.sqrt() } else { nats / ln };
            prop_assert!((units - expected).abs() <= 6.0 * F64.unit * expected.abs(), "{measure:?}: {units:e} {expected:e}");
        }
    }

    #[test]
    fn smoothing_is_smoothing_by_hand((p, q) in whole(40), halves in 1..20_u32) {
        let alpha = f64::from(halves) / 2.0;
        let by_hand = |x: &[f64]| -> Vec<f64> { x.iter().map(|x| x + alpha).collect() };
        for measure in ALL {
            let smoothed = options! { measure: measure, normalization: Normalization::Normalize, smoothing: alpha };
            let smoothed = reduce(&p[..], &q[..], &smoothed).unwrap();
            let expected = normalized(&by_hand(&p), &by_hand(&q), measure).unwrap();
            prop_assert!((smoothed - expected).abs() <= 2.0 * K * F64.unit * expected.abs(), "{measure:?}: {smoothed:e} {expected:e}");
        }
    }

    #[test]
    fn renyi_grows_with_its_order_from_zero_through_kl_to_the_largest_ratio((p, q) in ordinary(40)) {
        let of = |alpha| normalized(&p, &q, Measure::Renyi { alpha }).unwrap();
        let kl = normalized(&p, &q, Measure::Kl).unwrap();
        prop_assert_eq!(of(1.0).to_bits(), kl.to_bits());
        let orders = [1e-9, 0.1, 0.5, 0.9, 0.999, 0.999999, 1.0, 1.000001, 1.001, 1.1, 2.0, 10.0, 300.0, f64::INFINITY];
        for pair in orders.windows(2) {
            let (low, high) = (of(pair[0]), of(pair[1]));
            prop_assert!(low <= high * (1.0 + 2.0 * K * F64.unit), "{pair:?}: {low:e} {high:e}");
        }
        for (alpha, allowed) in [(1.0 - 1e-6, 1e-6), (1.0 + 1e-6, 1e-6), (1.0 - 1e-12, 1e-12), (1.0 + 1e-12, 1e-12)] {
            // The derivative at 1 is half the variance of ln(p/q), which is at most its largest square.
            let largest = of(f64::INFINITY).max(normalized(&q, &p, Measure::Renyi { alpha: f64::INFINITY }).unwrap());
            let most = allowed * largest * largest + 2.0 * K * F64.unit * kl;
            prop_assert!((of(alpha) - kl).abs() <= most, "{alpha}: {:e} {kl:e}", of(alpha));
        }
    }

    #[test]
    fn renyi_of_infinite_order_is_the_logarithm_of_the_largest_ratio((p, q) in vectors(40)) {
        let got = relatives::renyi(&p, &q, f64::INFINITY).unwrap();
        let pairs = p.iter().zip(&q).filter(|(p, _)| **p > 0.0);
        if pairs.clone().any(|(_, q)| *q == 0.0) {
            prop_assert_eq!(got, f64::INFINITY);
            return Ok(());
        }
        let largest = pairs.map(|(p, q)| ln_ratio(Wide::from(*p), Wide::from(*q))).reduce(Wide::max);
        match largest {
            None => prop_assert_eq!(got, f64::NEG_INFINITY),
            Some(ln) => prop_assert!(units(got, Expected::Finite(ln), Some(ln.abs()), 1, F64) <= K, "{got:e} {:e}", ln.to_f64()),
        }
    }

    #[test]
    fn masks_weights_and_reductions_are_what_they_say(
        seed in any::<u64>(), rows in 1..200_usize, cols in prop_oneof![1..40_usize, 200..300_usize],
    ) {
        let mut random = SplitMix(seed);
        let (p, q) = pair("independent", rows * cols, &mut random);
        let (p, q) = (Array2::from_shape_vec((rows, cols), p).unwrap(), Array2::from_shape_vec((rows, cols), q).unwrap());
        let mask: Vec<u8> = (0..rows).map(|_| [0, 1, 255][random.below(3)]).collect();
        let weights: Vec<f64> = (0..rows).map(|_| random.below(5) as f64 / 4.0).collect();
        for measure in ALL {
            let plain = self::rows(&p, &q, &Options::from(measure)).unwrap();
            for (masked, weighted) in [(false, false), (true, false), (false, true), (true, true)] {
                let mut options = options! { measure: measure };
                options.mask = masked.then_some(&mask[..]);
                options.weights = weighted.then_some(&weights[..]);
                let keeps = |i: usize| !masked || mask[i] != 0;
                let weight = |i: usize| if weighted { weights[i] } else { 1.0 };
                let expected: Vec<f64> = (0..rows).map(|i| if keeps(i) { plain[i] * weight(i) } else { 0.0 }).collect();
                prop_assert_eq!(&self::rows(&p, &q, &options).unwrap(), &expected);
                let kept: Vec<f64> = (0..rows).filter(|i| keeps(*i)).map(weight).collect();
                let (sum, kept) = (ExactSum::of(&expected).to_f64(), ExactSum::of(&kept).to_f64());
                let magnitude: f64 = expected.iter().map(|x| x.abs()).sum();
                for (reduction, divisor) in [(Reduction::Sum, 1.0), (Reduction::Mean, kept), (Reduction::BatchMean, kept)] {
                    options.reduction = reduction;
                    let got = reduce(&p, &q, &options).unwrap();
                    let want = if divisor == 0.0 { 0.0 } else { sum / divisor };
                    let most = 3.0 * F64.unit * if divisor == 0.0 { 0.0 } else { magnitude / divisor };
                    prop_assert!((got - want).abs() <= most, "{reduction:?}: {got:e} {want:e}");
                }
                if !matches!(measure, Measure::Renyi { .. } | Measure::JensenShannonDistance { .. }) {
                    let mut terms = Array2::from_elem((rows, cols), f64::NAN);
                    terms_into((&p).into(), (&q).into(), &options, &mut terms.view_mut().into()).unwrap();
                    for i in 0..rows {
                        let magnitude: f64 = terms.row(i).iter().map(|x| x.abs()).sum();
                        let sum: f64 = terms.row(i).iter().sum();
                        prop_assert!((sum - expected[i]).abs() <= (2.0 * K + cols as f64) * F64.unit * magnitude, "{sum:e} {:e}", expected[i]);
                    }
                }
            }
        }
    }
}

/// The answers of the matrices' rows one at a time, each row by itself and contiguous.
fn one_at_a_time<P: Element, Q: Element>(
    p: &ArrayView2<P>,
    q: &ArrayView2<Q>,
    options: &Options,
) -> Vec<Result<f64, Error>> {
    let rows = p.rows().into_iter().zip(q.rows());
    rows.map(|(p, q)| reduce(&p.to_vec()[..], &q.to_vec()[..], options)).collect()
}

fn same_bits(got: f64, want: &Result<f64, Error>) -> bool {
    match want {
        Ok(want) => got.to_bits() == want.to_bits(),
        Err(_) => got.is_nan(),
    }
}

/// Rows that go through the kinds of data, in types that may not hold them all.
fn of_kinds<P: Element, Q: Element>(rows: usize, cols: usize, seed: u64) -> (Array2<P>, Array2<Q>) {
    fn fit<T: Element>(x: f64) -> T {
        let y = T::from_f64(if T::DTYPE.is_float() { x } else { x * 100.0 });
        if y.to_f64().is_finite() { y } else { T::from_f64(1.0) }
    }
    let mut random = SplitMix(seed);
    let (mut p, mut q) = (Vec::new(), Vec::new());
    for i in 0..rows {
        let (a, b) = pair(KINDS[i % KINDS.len()], cols, &mut random);
        p.extend(a.into_iter().map(fit::<P>));
        q.extend(b.into_iter().map(fit::<Q>));
    }
    (Array2::from_shape_vec((rows, cols), p).unwrap(), Array2::from_shape_vec((rows, cols), q).unwrap())
}

fn batch_is_one_at_a_time<P: Element, Q: Element>(shapes: &[(usize, usize)]) {
    for &(rows, cols) in shapes {
        let (p, q) = of_kinds::<P, Q>(rows, cols, 7 * cols as u64);
        let names = (P::DTYPE.name(), Q::DTYPE.name());
        for measure in ALL {
            for (normalization, smoothing) in [
                (Normalization::AsGiven, 0.0),
                (Normalization::Normalize, 0.0),
                (Normalization::Normalize, 0.5),
            ] {
                let options =
                    options! { measure: measure, normalization: normalization, smoothing: smoothing };
                let want = one_at_a_time(&p.view(), &q.view(), &options);
                let check = |got: &[f64], want: &[Result<f64, Error>], what: &str| {
                    for (i, (got, want)) in got.iter().zip(want).enumerate() {
                        let inputs = || {
                            format!("{:?} {:?}", p.row(i).mapv(|x| x.to_f64()), q.row(i).mapv(|x| x.to_f64()))
                        };
                        assert!(
                            same_bits(*got, want),
                            "{names:?} {rows} x {cols} {what}, row {i}: {got:e}, alone {want:?}, {options:?} {}",
                            inputs()
                        );
                    }
                };
                let mut out = vec![7.0; rows];
                let (p_layouts, q_layouts) = (Layouts::new(p.clone()), Layouts::new(q.clone()));
                for i in 0..LAYOUTS.len() {
                    let _ = rows_into(
                        p_layouts.view(i),
                        q_layouts.view((3 * i) % LAYOUTS.len()),
                        &options,
                        &mut out,
                    );
                    check(&out, &want, LAYOUTS[i]);
                }
                // One row against many, either way, by a stride of 0.
                for i in [0, rows - 1] {
                    let p_row = p.row(i).insert_axis(Axis(0)).broadcast((rows, cols)).unwrap().to_owned();
                    let want = one_at_a_time(&p_row.view(), &q.view(), &options);
                    let view = View::from(p.row(i)).repeated(rows);
                    let _ = rows_into(view, (&q).into(), &options, &mut out);
                    check(&out, &want, "one p");
                    let q_row = q.row(i).insert_axis(Axis(0)).broadcast((rows, cols)).unwrap().to_owned();
                    let want = one_at_a_time(&p.view(), &q_row.view(), &options);
                    let _ = rows_into((&p).into(), View::from(q.row(i)).repeated(rows), &options, &mut out);
                    check(&out, &want, "one q");
                }
                // One column for all.
                let column = q.column(0).insert_axis(Axis(1));
                let column = column.broadcast((rows, cols)).unwrap();
                let want = one_at_a_time(&p.view(), &column, &options);
                let _ = rows_into((&p).into(), column.into(), &options, &mut out);
                check(&out, &want, "one column");
            }
        }
    }
}

/// Rows of 1 to 40 columns, with more rows than a tile or two.
fn short() -> Vec<(usize, usize)> {
    (1..=40).map(|cols| (37, cols)).collect()
}

const FEW: [(usize, usize); 6] = [(35, 1), (35, 5), (37, 16), (50, 31), (18, 33), (3, 300)];

#[test]
fn a_batch_of_f64_is_its_rows_one_at_a_time_to_the_bit() {
    batch_is_one_at_a_time::<f64, f64>(&short());
    batch_is_one_at_a_time::<f64, f64>(&[(2, 1023), (2, 1024), (2, 1025), (2, 2500), (7000, 5)]);
}

#[test]
fn a_batch_of_f32_is_its_rows_one_at_a_time_to_the_bit() {
    batch_is_one_at_a_time::<f32, f32>(&short());
    batch_is_one_at_a_time::<f32, f32>(&[(2, 1023), (2, 1024), (2, 1025), (2, 2500), (7000, 5)]);
}

#[test]
fn a_batch_of_long_rows_is_its_rows_one_at_a_time_to_the_bit() {
    for measure in ALL {
        for normalization in [Normalization::AsGiven, Normalization::Normalize] {
            let mut options = options! { measure: measure, normalization: normalization };
            for cols in [65_535, 65_536, 65_537, 140_000] {
                let mut random = SplitMix(cols as u64);
                let (p, q) = pair("independent", 2 * cols, &mut random);
                let p = Array2::from_shape_vec((2, cols), p).unwrap();
                let q = Array2::from_shape_vec((2, cols), q).unwrap().mapv(|x| x as f32);
                let want = one_at_a_time(&p.view(), &q.view(), &options);
                for parallel in [false, true] {
                    options.parallel = parallel;
                    let got = rows(&p, &q, &options).unwrap();
                    assert!(
                        got.iter().zip(&want).all(|(got, want)| same_bits(*got, want)),
                        "{cols} {options:?}"
                    );
                    let transposed = p.t().as_standard_layout().into_owned();
                    let got = rows(transposed.t(), &q, &options).unwrap();
                    assert!(
                        got.iter().zip(&want).all(|(got, want)| same_bits(*got, want)),
                        "{cols} {options:?}"
                    );
                }
            }
        }
    }
}

macro_rules! mixed {
    ($($name:ident: $p:ty, $($q:ty),*;)*) => {$(
        #[test]
        fn $name() {
            $(batch_is_one_at_a_time::<$p, $q>(&FEW);)*
        }
    )*};
}

mixed! {
    a_batch_of_f64_and_others_is_its_rows_one_at_a_time_to_the_bit: f64, f32, f16, i64;
    a_batch_of_f32_and_others_is_its_rows_one_at_a_time_to_the_bit: f32, f64, bf16, u64;
    a_batch_of_f16_and_others_is_its_rows_one_at_a_time_to_the_bit: f16, f16, bf16, f32;
    a_batch_of_bf16_and_others_is_its_rows_one_at_a_time_to_the_bit: bf16, bf16, f64, i64;
    a_batch_of_counts_and_others_is_its_rows_one_at_a_time_to_the_bit: i64, i64, u64, f32;
    a_batch_of_unsigned_counts_and_others_is_its_rows_one_at_a_time_to_the_bit: u64, u64, f16, f64;
}

/// The numbers in another type, whatever it makes of them.
fn rounded<T: Element>(x: &[f64]) -> Vec<T> {
    x.iter().map(|x| T::from_f64(*x)).filter(|x| x.to_f64().is_finite()).collect()
}

fn held_to_the_oracle<T: Element>(tally: &mut Tally, kinds: &[&str], precision: Precision) {
    let mut random = SplitMix(2026);
    for kind in kinds {
        for case in 0..120 {
            let n = [1, 2, 3, 5, 8, 17, 40, 100][case % 8];
            let (p, q) = pair(kind, n, &mut random);
            let (p, q): (Vec<T>, Vec<T>) = (rounded(&p), rounded(&q));
            if p.len() != n || q.len() != n {
                continue;
            }
            let (p64, q64): (Vec<f64>, Vec<f64>) =
                (p.iter().map(|x| x.to_f64()).collect(), q.iter().map(|x| x.to_f64()).collect());
            let shown = || if n <= 5 { format!("{p64:?} {q64:?}") } else { format!("case {case}, n = {n}") };
            let weights = [0.25, 0.9, 1e-9, 1.0 - 1e-9].map(|weight| Measure::JensenShannon { weight });
            for measure in SUMS.into_iter().chain(weights).chain(HALF_AND_TWO) {
                let (expected, mag) = oracle::measure(&p64, &q64, measure);
                let subnormal = p64.iter().chain(&q64).any(|x| *x > 0.0 && *x < f64::MIN_POSITIVE);
                let loose = matches!(measure, Measure::Renyi { .. }) && subnormal;
                let got = reduce(&p[..], &q[..], &Options::from(measure));
                // Too large for f64 is infinity, or an error that says so.
                let overflows = matches!(expected, Expected::Finite(x) if x.abs() > Wide::from(f64::MAX));
                let name = format!("{kind} {measure:?}");
                match got {
                    Ok(got) => {
                        let most = if loose { 64.0 } else { K };
                        let units = units(got, expected, mag, n, precision);
                        tally.count(&name, units, most, || {
                            format!("{got:e}, want {}: {}", show(expected), shown())
                        });
                    }
                    Err(error) => tally.require(overflows && matches!(error, Error::Overflow { .. }), || {
                        format!("{name}: {error}, want {}: {}", show(expected), shown())
                    }),
                }
            }
        }
    }
}

fn show(expected: Expected) -> String {
    match expected {
        Expected::Finite(x) => format!("{:e}", x.to_f64()),
        Expected::Infinite(x) => format!("{x}"),
    }
}

#[test]
fn every_value_is_within_the_tolerance_of_plain_arithmetic_in_106_bits() {
    let mut tally = Tally::default();
    held_to_the_oracle::<f64>(&mut tally, &KINDS, F64);
    tally.done("f64");
}

#[test]
fn every_value_of_f32_is_within_the_tolerance_of_plain_arithmetic_in_106_bits() {
    let mut tally = Tally::default();
    held_to_the_oracle::<f32>(
        &mut tally,
        &["independent", "near", "sparse", "one hot", "equal", "few values"],
        F32,
    );
    tally.done("f32");
}

#[test]
fn every_value_of_the_whole_range_of_f32_is_within_the_tolerance() {
    let mut tally = Tally::default();
    let mut random = SplitMix(77);
    for case in 0..2000 {
        let n = 1 + case % 7;
        let any = |random: &mut SplitMix| f32::from_bits(random.next() as u32 % 0x7F00_0000).max(1e-45);
        let p: Vec<f32> = (0..n).map(|_| any(&mut random)).collect();
        let q: Vec<f32> = p
            .iter()
            .map(|p| match random.below(3) {
                0 => any(&mut random),
                1 => (p * (0.5 + random.unit() as f32)).clamp(1e-45, 3e38),
                _ => (p * 2f32.powi(random.below(40) as i32 - 20)).clamp(1e-45, 3e38),
            })
            .collect();
        let wide = |x: &[f32]| -> Vec<f64> { x.iter().map(|x| f64::from(*x)).collect() };
        for measure in SUMS.into_iter().chain(HALF_AND_TWO) {
            let (expected, mag) = oracle::measure(&wide(&p), &wide(&q), measure);
            let most = if matches!(measure, Measure::Renyi { .. }) { 64.0 } else { K };
            match reduce(&p[..], &q[..], &Options::from(measure)) {
                Ok(got) => {
                    tally.count(&format!("{measure:?}"), units(got, expected, mag, n, F32), most, || {
                        format!("{got:e}, want {}: {p:?} {q:?}", show(expected))
                    })
                }
                Err(error) => tally.require(false, || format!("{measure:?}: {error}: {p:?} {q:?}")),
            }
        }
    }
    tally.done("f32, any exponent");
}

fn normalized_is_held_to_the_oracle<T: Element>(
    tally: &mut Tally,
    kinds: &[&str],
    smoothings: &[f64],
    precision: Precision,
) {
    let mut random = SplitMix(99);
    for kind in kinds {
        for case in 0..60 {
            let n = [1, 2, 3, 5, 8, 17, 40, 100][case % 8];
            let (p, q) = pair(kind, n, &mut random);
            // Sums that overflow are told so.
            let fit = |x: &[f64]| -> Vec<T> { x.iter().map(|x| T::from_f64(x.min(1e300))).collect() };
            let (p, q) = (fit(&p), fit(&q));
            let wide = |x: &[T]| -> Vec<f64> { x.iter().map(|x| x.to_f64()).collect() };
            let (p64, q64) = (wide(&p), wide(&q));
            if p64.iter().all(|x| *x == 0.0) || q64.iter().all(|x| *x == 0.0) {
                continue;
            }
            for &smoothing in smoothings {
                for measure in SUMS.into_iter().chain(HALF_AND_TWO) {
                    // A proportion nearer to 1 than 106 bits can say has an entropy all the same.
                    let of_one = matches!(measure, Measure::Entropy | Measure::CrossEntropy);
                    if of_one && *kind == "same exponents" {
                        continue;
                    }
                    let (expected, mag) = oracle::normalized(&p64, &q64, smoothing, measure);
                    let mut options = options! { measure: measure, normalization: Normalization::Normalize };
                    options.smoothing = smoothing;
                    let got = reduce(&p[..], &q[..], &options).unwrap();
                    let name =
                        format!("{kind} {}{measure:?}", if smoothing > 0.0 { "smoothed " } else { "" });
                    let what = || {
                        let few = format!("{smoothing} {p64:?} {q64:?}");
                        let many = format!("case {case}, n = {n}");
                        format!("{got:e}, want {}: {}", show(expected), if n <= 3 { few } else { many })
                    };
                    // One outcome has all the mass; what two roundings leave of that is far below anything.
                    let units = if n == 1 {
                        if got.abs() < 1e-60 { 0.0 } else { f64::INFINITY }
                    } else {
                        units(got, expected, mag, n, precision)
                    };
                    tally.count(&name, units, K, what);
                }
            }
        }
    }
}

#[test]
fn normalized_values_are_within_the_tolerance_of_plain_arithmetic_in_106_bits() {
    let mut tally = Tally::default();
    let kinds = ["independent", "near", "sparse", "few values", "one hot"];
    normalized_is_held_to_the_oracle::<f64>(&mut tally, &kinds, &[0.0, 0.5, 1e-3], F64);
    normalized_is_held_to_the_oracle::<f32>(&mut tally, &kinds, &[0.0, 0.5, 1e-3], F32);
    tally.done("normalized");
}

#[test]
fn normalized_values_of_equal_exponents_and_subnormal_ones_are_within_the_tolerance_of_plain_arithmetic_in_106_bits()
 {
    let mut tally = Tally::default();
    normalized_is_held_to_the_oracle::<f64>(
        &mut tally,
        // Not "any exponent": its proportions are below the smallest number.
        &["same exponents", "subnormal"],
        &[0.0],
        F64,
    );
    tally.done("normalized");
}

#[test]
fn renyi_of_any_order_of_normalized_rows_is_within_the_tolerance() {
    let mut tally = Tally::default();
    let mut random = SplitMix(5);
    for kind in ["independent", "near"] {
        for case in 0..120 {
            let n = [2, 3, 5, 8, 17, 40][case % 6];
            let (p, q) = pair(kind, n, &mut random);
            // So near that 106 bits would not do either.
            if p.iter().zip(&q).all(|(p, q)| (p - q).abs() < 1e-12 * p) {
                continue;
            }
            for alpha in [1e-6, 0.1, 0.3, 0.5, 0.7, 0.999, 1.0 - 1e-9, 1.0 + 1e-9, 1.001, 1.5, 2.0, 3.7, 20.0]
            {
                let want = oracle::renyi_normalized(&p, &q, alpha);
                let got = normalized(&p, &q, Measure::Renyi { alpha }).unwrap();
                tally.count(
                    &format!("{kind} {alpha}"),
                    units(got, Expected::Finite(want), Some(want), n, F64),
                    K,
                    || {
                        format!(
                            "{got:e}, want {:e}: {}",
                            want.to_f64(),
                            if n <= 3 { format!("{p:?} {q:?}") } else { format!("case {case}, n = {n}") }
                        )
                    },
                );
            }
        }
    }
    tally.done("renyi");
}

#[test]
fn explanations_add_up_and_their_logarithms_are_accurate() {
    let mut tally = Tally::default();
    let mut random = SplitMix(11);
    for kind in ["independent", "near", "neighbours", "sparse", "subnormal", "any exponent"] {
        for case in 0..40 {
            let n = 1 + case % 9;
            let (p, q) = pair(kind, n, &mut random);
            for base in [None, Some(2.0)] {
                let walk = explain(&p[..], &q[..], &options! { base: base }).unwrap();
                let ln_base = base.map_or(Wide::ONE, |base| ln_ratio(Wide::from(base), Wide::ONE));
                for (i, term) in walk.iter().enumerate() {
                    tally.require((term.index, term.p, term.q) == (i, p[i], q[i]), || format!("{term:?}"));
                    if p[i] > 0.0 && q[i] > 0.0 {
                        let ln = ln_ratio(Wide::from(p[i]), Wide::from(q[i])) / ln_base;
                        let off = units(term.log_ratio, Expected::Finite(ln), Some(ln.abs()), 1, F64);
                        tally.count(&format!("{kind} ln"), off, K, || {
                            format!("{term:?}, want {:e}", ln.to_f64())
                        });
                        let product = Wide::from(p[i]) * ln;
                        let off =
                            units(term.contribution, Expected::Finite(product), Some(product.abs()), 1, F64);
                        tally.count(&format!("{kind} term"), off, K, || {
                            format!("{term:?}, want {:e}", product.to_f64())
                        });
                        tally.require(term.ratio == p[i] / q[i], || format!("{term:?}"));
                    }
                }
            }
            // Normalised: proportions and shares that sum to 1.
            if p.iter().all(|x| *x < 1e300)
                && q.iter().all(|x| *x < 1e300)
                && p.iter().any(|x| *x > 0.0)
                && q.iter().any(|x| *x > 0.0)
            {
                let walk =
                    explain(&p[..], &q[..], &options! { normalization: Normalization::Normalize }).unwrap();
                let (sum_p, sum_q) = (ExactSum::of(&p), ExactSum::of(&q));
                for (i, term) in walk.iter().enumerate() {
                    for (got, x, sum) in [(term.p, p[i], sum_p), (term.q, q[i], sum_q)] {
                        let want = Wide::from(x) / sum;
                        let off = units(got, Expected::Finite(want), Some(want), 1, F64);
                        tally.count(&format!("{kind} proportion"), off, K, || {
                            format!("{term:?}, want {:e}", want.to_f64())
                        });
                    }
                    // Proportions below the range of f64 are 0.
                    if term.p > 0.0 && term.q > 0.0 {
                        let ln = ln_ratio(Wide::from(p[i]) * sum_q, Wide::from(q[i]) * sum_p);
                        if ln.abs() > Wide::from(1e-14) {
                            let off = units(term.log_ratio, Expected::Finite(ln), Some(ln.abs()), 1, F64);
                            tally.count(&format!("{kind} normalized ln"), off, K, || {
                                format!("{term:?}, want {:e}: {p:?} {q:?}", ln.to_f64())
                            });
                        }
                    }
                }
            }
        }
    }
    tally.done("explain");
}

#[test]
fn one_value_near_the_end_of_the_range_is_finite_where_its_divergence_is() {
    for p in [2e307, 3e307, 4.4e307, 4.5e307, 8e307] {
        for k in 0..12 {
            let q = p * 0.7 * 2f64.powi(-k);
            for measure in SUMS {
                let (expected, mag) = oracle::measure(&[p], &[q], measure);
                let got = value(&[p], &[q], measure);
                let passes = got.as_ref().is_ok_and(|got| units(*got, expected, mag, 1, F64) <= K);
                assert!(passes, "{measure:?} of {p:e}, {q:e}: {got:?}, want {}", show(expected));
            }
        }
    }
}

#[test]
fn one_f32_near_the_end_of_the_range_is_finite_where_its_divergence_is() {
    for p in [2e307, 3e307, 4.4e307, 4.5e307, 8e307] {
        for k in 0..12 {
            let q = p * 0.7 * 2f64.powi(-k);
            let narrow = |x: f64| (x / 1e308 * 3.4e38) as f32;
            let (p, q) = (narrow(p / 2.0), narrow(q / 2.0));
            for measure in SUMS {
                let (expected, mag) = oracle::measure(&[p.into()], &[q.into()], measure);
                let got = reduce(&[p][..], &[q][..], &Options::from(measure));
                let passes = got.as_ref().is_ok_and(|got| units(*got, expected, mag, 1, F32) <= K);
                assert!(passes, "{measure:?} of f32 {p:e}, {q:e}: {got:?}, want {}", show(expected));
            }
        }
    }
}

#[test]
fn terms_are_rounded_to_the_type_that_they_are_written_to() {
    let (p, q) = pair("independent", 300, &mut SplitMix(3));
    let options = options! { measure: Measure::Generalized };
    fn written<T: Element>(p: &[f64], q: &[f64], options: &Options) -> Vec<T> {
        let mut out = Array2::from_elem((1, p.len()), T::from_f64(0.0));
        terms_into(p.into(), q.into(), options, &mut ViewMut::from(out.view_mut())).unwrap();
        out.into_raw_vec_and_offset().0
    }
    let exact: Vec<f64> = written(&p, &q, &options);
    let narrow: Vec<f32> = written(&p, &q, &options);
    let half: Vec<f16> = written(&p, &q, &options);
    let brain: Vec<bf16> = written(&p, &q, &options);
    for (i, x) in exact.iter().enumerate() {
        assert_eq!(narrow[i], *x as f32);
        assert_eq!(half[i], f16::from_f64(*x));
        assert_eq!(brain[i], bf16::from_f64(*x));
    }
    assert!(exactly::<f32>(&exact).is_none());
}

/// Holds every sum of the two vectors to K units.
fn held_to_k_units(p: &[f64], q: &[f64]) {
    for measure in SUMS {
        let (expected, mag) = oracle::measure(p, q, measure);
        let got = value(p, q, measure).unwrap();
        assert!(units(got, expected, mag, p.len(), F64) <= K, "{measure:?} {p:?} {q:?}: {got:e}");
    }
}

#[test]
fn huge_terms_that_cancel_leave_what_is_right() {
    let (p, by) = ([1.31e302, 1.21e302, 5.99e299], [7.5e-8, -8.3e-8, 1.6e-7]);
    let q: Vec<f64> = p.iter().zip(by).map(|(p, by)| p * (1.0 + by)).collect();
    held_to_k_units(&p, &q);
    held_to_k_units(&q, &p);
}

#[test]
fn a_sum_whose_parts_leave_the_range_is_right_where_the_whole_does_not() {
    // p ln(p/q) is 1.5e308, -6.6e307 and 6e307: the first and the last leave the range together.
    let (p, q) = ([1e308, 6.6e307, 1e308], [2.23e307, 1.79e308, 5.5e307]);
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2]] {
        let shuffled = |x: [f64; 3]| order.map(|i| x[i]);
        let got = value(&shuffled(p), &shuffled(q), Measure::Kl).unwrap();
        let (expected, mag) = oracle::measure(&p, &q, Measure::Kl);
        assert!(units(got, expected, mag, 3, F64) <= K, "{order:?}: {got:e}");
    }
    assert_eq!(value(&[1e308, 1.0], &[1e307, 0.0], Measure::Kl).unwrap(), f64::INFINITY);
}

#[test]
fn renyi_of_infinite_order_keeps_its_digits_wherever_exponents_change() {
    for i in 0..4000 {
        // So large that numbers are taken one at a time.
        let q = 2f64.powf(1010.0 + f64::from(i) / 1000.0);
        for p in [q * 1.001, q * (1.0 + 1e-6), q * (1.0 + 1e-12), q / 1.001] {
            let got = relatives::renyi(&[p][..], &[q][..], f64::INFINITY).unwrap();
            let ln = ln_ratio(Wide::from(p), Wide::from(q));
            assert!(units(got, Expected::Finite(ln), Some(ln.abs()), 1, F64) <= K, "{p:e} {q:e}: {got:e}");
        }
    }
}
