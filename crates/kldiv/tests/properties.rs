//! What holds for all inputs, tried on many.

mod common;

use common::data::{KINDS, pair};
use common::measures::{ALL, HALF_AND_TWO, SUMS, normalized, options, value};
use common::wide::{ExactSum, ln_ratio};
use common::{Expected, F64, K, SplitMix, Wide, oracle, units};
use kldiv::batch::{reduce, rows, terms_into};
use kldiv::{Measure, Normalization, Options, Reduction, View, discrete, relatives};
use ndarray::Array2;
use proptest::prelude::*;

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
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

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
