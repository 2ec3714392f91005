//! Every value against plain arithmetic in 106 bits, on inputs of all kinds.

mod common;

use common::data::{KINDS, pair};
use common::measures::{HALF_AND_TWO, SUMS, normalized, options, value};
use common::wide::{ExactSum, ln_ratio};
use common::{Expected, F32, F64, K, Precision, SplitMix, Tally, Wide, oracle, units};
use kldiv::batch::{self, reduce};
use kldiv::explain::explain;
use kldiv::{Element, Error, Measure, Normalization, Options, relatives};

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

/// Two ratios only, in runs and mixed, from far apart to near, some that are far apart only where that is asked: what rounding
/// takes from terms and sums points one way as it does nowhere else.
fn long_rows_are_held_to_the_oracle<T: Element>(tally: &mut Tally, precision: Precision) {
    let mut random = SplitMix(8);
    for case in 0..900 {
        let n = [64, 65, 100, 128, 129, 256, 257, 300, 555, 1000, 2600][case % 11];
        let spread = 10f64.powf(-2.0 * random.unit());
        let (more, less) =
            (1.0 + spread * (0.3 + random.unit()), 1.0 / (1.0 + spread * (0.3 + random.unit())));
        let (share, one) = (random.unit(), 0.001 + random.unit());
        let (mixed, with_zeros, seem_far) = (case % 2 == 1, case % 5 == 4, case % 7 > 3);
        let (mut p, mut q) = (Vec::new(), Vec::new());
        for i in 0..n {
            let at = if mixed { random.unit() } else { i as f64 / n as f64 };
            p.push(T::from_f64(if with_zeros && i % 50 == 49 { 0.0 } else { one }));
            q.push(T::from_f64(one / if at < share { more } else { less }));
        }
        let wide = |x: &[T]| -> Vec<f64> { x.iter().map(|x| x.to_f64()).collect() };
        let sum = |x: &[T]| wide(x).iter().sum::<f64>();
        let asked = if seem_far { 32..48 } else { 0..0 };
        q[asked.clone()].fill(T::from_f64(one / 1.6));
        if case % 3 > 0 {
            let by = (sum(&p) - sum(&q[asked.clone()])) / (sum(&q) - sum(&q[asked.clone()]));
            for i in (0..n).filter(|i| !asked.contains(i)) {
                q[i] = T::from_f64(q[i].to_f64() * by);
            }
        }
        let (expected, mag) = oracle::measure(&wide(&p), &wide(&q), Measure::Kl);
        let got = reduce(&p[..], &q[..], &Options::default()).unwrap();
        tally.count("KL", units(got, expected, mag, n, precision), K, || {
            format!("{got:e}, want {}: case {case}, n = {n}", show(expected))
        });
    }
}

#[test]
fn long_rows_are_within_the_tolerance_however_far_apart() {
    let mut tally = Tally::default();
    long_rows_are_held_to_the_oracle::<f64>(&mut tally, F64);
    tally.done("long rows of f64");
    let mut tally = Tally::default();
    long_rows_are_held_to_the_oracle::<f32>(&mut tally, F32);
    tally.done("long rows of f32");
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
fn an_outcome_that_q_lacks_is_infinite_however_tiny_beside_huge_ones() {
    for (huge, tiny) in [(1e300, 5e-324), (1e280, 1e-305), (1e308, 1e-320)] {
        let (p, q) = ([huge, tiny], [0.7 * huge, 0.0]);
        let mixture =
            [Measure::Kl, Measure::Generalized, Measure::CrossEntropy, Measure::Renyi { alpha: 2.0 }];
        for measure in mixture.into_iter().chain([Measure::Jeffreys]) {
            assert_eq!(value(&p, &q, measure).unwrap(), f64::INFINITY, "{measure:?} {huge:e} {tiny:e}");
        }
        for measure in [Measure::Reverse, Measure::Jeffreys] {
            assert_eq!(value(&q, &p, measure).unwrap(), f64::INFINITY, "{measure:?} {huge:e} {tiny:e}");
        }
        for measure in [Measure::JENSEN_SHANNON, Measure::Renyi { alpha: 0.5 }] {
            assert!(value(&p, &q, measure).unwrap().is_finite(), "{measure:?} {huge:e} {tiny:e}");
        }
    }
}

#[test]
fn renyi_of_a_large_order_is_that_of_infinity_less_a_little() {
    for (p, q) in [
        (vec![0.5, 0.5], vec![0.7, 0.3]),
        (vec![0.2, 0.3, 0.5], vec![0.2000001, 0.3, 0.5]),
        (vec![74.0, 85.0, 17.0, 64.0], vec![70.0, 21.0, 59.0, 12.0]),
    ] {
        for normalization in [Normalization::AsGiven, Normalization::Normalize] {
            let of = |alpha| {
                let mut options = Options::from(Measure::Renyi { alpha });
                options.normalization = normalization;
                batch::rows(&p[..], &q[..], &options).unwrap()[0]
            };
            let most = of(f64::INFINITY);
            for alpha in [1e12, 1e15, 1e17, 1e18, 1e20, 1e50, 1e100, 1e300, f64::MAX] {
                // The largest power alone, and all of them as large.
                let less = 8.0 / alpha + 16.0 * f64::EPSILON * (1.0 + most);
                assert!((of(alpha) - most).abs() <= less, "{p:?} {alpha:e}: {} {most}", of(alpha));
            }
        }
    }
}

#[test]
fn renyi_of_huge_against_subnormal_numbers_loses_no_power() {
    // By 4,000 bits.
    let (p, q) = ([3.869255299644942e302, 4.025309320595809e296], [4.7735045424744e-311, 1.97404e-319]);
    let got = relatives::renyi(&p[..], &q[..], 0.5).unwrap();
    assert!((got - 17.807_122_906_213_64).abs() < 4e-15 * 17.8, "{got}");
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
