//! What holds for divergences of softmaxes, whatever the logits: laws, and answers to 106 bits.

mod common;

use common::softmax::Softmaxes;
use common::{Expected, F32, F64, K, SplitMix, Tally, Wide, units};
use kldiv::{Element, Measure, Normalization, Options, batch, logits};
use proptest::prelude::*;

fn options(measure: Measure, temperature: f64) -> Options<'static> {
    let mut options = Options::from(measure);
    options.temperature = temperature;
    options
}

/// NaN for an error.
fn value<T: Element>(a: &[T], b: &[T], measure: Measure, temperature: f64) -> f64 {
    logits::rows(a, b, &options(measure, temperature)).map_or(f64::NAN, |rows| rows[0])
}

fn kl(a: &[f64], b: &[f64]) -> f64 {
    value(a, b, Measure::Kl, 1.0)
}

fn narrow<T: Element>(x: &[f64]) -> Vec<T> {
    x.iter().map(|x| T::from_f64(*x)).collect()
}

/// Holds KL of two rows, both ways round, to 16 units, in f64 and, as numbers of that type, in f32.
fn held(tally: &mut Tally, field: &str, what: &str, a: &[f64], b: &[f64], temperature: f64) {
    let what = format!("{what}, {} classes, T = {temperature}", a.len());
    for (way, a, b) in [("", a, b), (" reverse", b, a)] {
        let oracle = Softmaxes::of(a, b, temperature);
        let got = value(a, b, Measure::Kl, temperature);
        let (expected, mag) = (oracle.kl(), oracle.mag());
        tally.count(&format!("f64 {field}"), units(got, expected, Some(mag), a.len(), F64), K, || {
            format!("{what}{way}: {got:e}, want {}", show(expected))
        });
        let reverse = value(b, a, Measure::Reverse, temperature);
        tally.require(reverse.to_bits() == got.to_bits(), || {
            format!("{what}{way}: REVERSE {reverse:e}, {got:e}")
        });
        let (a, b) = (narrow::<f32>(a), narrow::<f32>(b));
        let wide = |x: &[f32]| x.iter().map(|x| f64::from(*x)).collect::<Vec<_>>();
        if a.iter().chain(&b).any(|x| *x == f32::INFINITY) {
            continue;
        }
        let oracle = Softmaxes::of(&wide(&a), &wide(&b), temperature);
        let got = value(&a, &b, Measure::Kl, temperature);
        let expected = oracle.kl();
        tally.count(
            &format!("f32 {field}"),
            units(got, expected, Some(oracle.mag()), a.len(), F32),
            K,
            || format!("{what}{way}: {got:e}, want {}", show(expected)),
        );
    }
}

fn show(x: Expected) -> String {
    match x {
        Expected::Finite(x) => format!("{:e}", x.to_f64()),
        Expected::Infinite(x) => x.to_string(),
    }
}

/// About `n` logits, which take few values so that they can be answered to 106 bits: around `offset`, spread out as told.
fn few(n: usize, values: usize, offset: f64, spread: f64, random: &mut SplitMix) -> Vec<f64> {
    let pool: Vec<f64> = (0..values).map(|_| offset + spread * (2.0 * random.unit() - 1.0)).collect();
    (0..n).map(|_| pool[random.below(values)]).collect()
}

/// A row and another that differs from it by about `eps`, in as few ways as there are values.
fn near(n: usize, eps: f64, offset: f64, random: &mut SplitMix) -> (Vec<f64>, Vec<f64>) {
    let values = n.min(60);
    let pool: Vec<(f64, f64)> = (0..values)
        .map(|_| {
            let a = offset + 8.0 * random.unit();
            (a, a + eps * (2.0 * random.unit() - 1.0))
        })
        .collect();
    (0..n).map(|_| pool[random.below(values)]).unzip()
}

const LENGTHS: [usize; 13] = [1, 2, 7, 63, 64, 65, 1000, 4095, 4096, 4097, 65_535, 65_536, 65_537];

#[test]
fn near_equal_rows_keep_their_digits() {
    let mut tally = Tally::default();
    let mut random = SplitMix(1);
    for n in LENGTHS.into_iter().chain([200_000]) {
        for eps in [1e-3, 1e-6, 1e-9, 1e-12] {
            for offset in [0.0, 300.0, 1e6, -1e6] {
                if n > 5000 && (offset == 300.0 || eps == 1e-6) {
                    continue;
                }
                let (a, b) = near(n, eps, offset, &mut random);
                held(&mut tally, "near", &format!("eps {eps:e} offset {offset:e}"), &a, &b, 1.0);
                // Not only near, but near but for a constant that is no exact one.
                let moved: Vec<f64> = b.iter().map(|x| x - 7.3 - 0.5 * offset).collect();
                held(&mut tally, "near", &format!("eps {eps:e} offset {offset:e}, moved"), &a, &moved, 1.0);
            }
        }
    }
    tally.done("near-equal rows");
}

#[test]
fn rows_of_every_length_and_spread_are_right() {
    let mut tally = Tally::default();
    let mut random = SplitMix(2);
    for n in LENGTHS.into_iter().chain([200_000]) {
        for spread in [0.5, 10.0, 200.0, 1000.0] {
            let a = few(n, n.min(40), 0.0, spread, &mut random);
            let b = few(n, n.min(40), 5.0, spread, &mut random);
            for temperature in [0.01, 1.0, 100.0] {
                held(
                    &mut tally,
                    &format!("T {temperature}"),
                    &format!("spread {spread}"),
                    &a,
                    &b,
                    temperature,
                );
            }
        }
    }
    tally.done("rows of every length");
}

#[test]
fn long_rows_in_which_few_classes_are_likely_are_right_whatever_is_between_them() {
    let mut tally = Tally::default();
    let mut random = SplitMix(11);
    for n in [1024, 1030, 4097, 70_000] {
        for eps in [0.2, 0.5, 0.8, 1.2, 3.0] {
            for (spikes, height) in [(0, 0.0), (1, 12.0), (1, 20.0), (3, 15.0)] {
                let (mut a, mut b) = near(n, eps, -3.0, &mut random);
                for i in 0..spikes {
                    // In a later stretch too, if there is one.
                    let place = (17 + i * 4099) % n;
                    let height = height + random.unit();
                    a[place] = height;
                    b[place] = height + eps * (2.0 * random.unit() - 1.0);
                }
                let field = format!("spikes {spikes}");
                held(&mut tally, &field, &format!("eps {eps}, height {height}"), &a, &b, 1.0);
                let moved: Vec<f64> = b.iter().map(|x| x + 1234.5).collect();
                held(&mut tally, &field, &format!("eps {eps}, height {height}, moved"), &a, &moved, 0.7);
            }
        }
    }
    tally.done("long rows with few likely classes");
}

#[test]
fn a_spike_in_a_later_stretch_is_seen() {
    let mut tally = Tally::default();
    let mut random = SplitMix(3);
    for n in [9_000, 70_000, 200_000] {
        for at in [0, 4_095, 4_096, 8_999, n / 2, n - 1] {
            for height in [20.0, 800.0] {
                let a = few(n, 30, 0.0, 4.0, &mut random);
                let b = few(n, 30, 0.0, 4.0, &mut random);
                let spiked = |x: &[f64]| {
                    let mut x = x.to_vec();
                    x[at] += height;
                    x
                };
                let what = format!("spike of {height} at {at}");
                held(&mut tally, "spike", &format!("{what} of a"), &spiked(&a), &b, 1.0);
                held(&mut tally, "spike", &format!("{what} of both"), &spiked(&a), &spiked(&b), 1.0);
                let close: Vec<f64> =
                    a.iter().map(|x| x + if x.to_bits() & 8 == 0 { 1e-7 } else { 0.0 }).collect();
                held(&mut tally, "spike", &format!("{what} of near rows"), &spiked(&a), &spiked(&close), 1.0);
            }
        }
    }
    tally.done("spikes");
}

/// Which of a and b are masked from one class to another.
const MASKS: [(&str, [bool; 2]); 3] = [("a", [true, false]), ("b", [false, true]), ("both", [true, true])];

#[test]
fn masks_of_whole_stretches_leave_the_rest_right() {
    let mut tally = Tally::default();
    let mut random = SplitMix(4);
    for n in [100, 9_000, 70_000, 140_000] {
        for (start, end) in
            [(0, n / 3), (n / 3, n), (n / 2, n / 2 + 1), (0, n - 1), (4_096.min(n - 9), 8_192.min(n - 1))]
        {
            for offset in [0.0, 1e6] {
                for mask in [f64::NEG_INFINITY, -1e9, -1e30] {
                    for (name, masked) in MASKS {
                        for eps in [1.0, 1e-9] {
                            let (mut a, mut b) = near(n, eps, offset, &mut random);
                            for i in start..end {
                                if masked[0] {
                                    a[i] = mask;
                                }
                                if masked[1] {
                                    b[i] = mask;
                                }
                            }
                            let what =
                                format!("{mask} in {start}..{end} of {name}, eps {eps:e} offset {offset:e}");
                            held(&mut tally, &format!("{mask:e} {offset:e}"), &what, &a, &b, 1.0);
                        }
                    }
                }
            }
        }
    }
    tally.done("masks");
}

#[test]
fn deep_stretches_that_differ_much_leave_near_rows_right() {
    let mut tally = Tally::default();
    let mut random = SplitMix(5);
    // What stands in the last third of a and of b, where p and q are next to nothing.
    for n in [60, 9_000, 140_000] {
        for (deep_a, deep_b) in [
            (-600.0, -1400.0),
            (-50.0, -1e9),
            (-300.0, -1100.0),
            (-690.0, -1e5),
            (-1400.0, -600.0),
            (-800.0, -2000.0),
        ] {
            for eps in [1e-3, 1e-9] {
                for offset in [0.0, 1e4] {
                    let (mut a, mut b) = near(n, eps, offset, &mut random);
                    for i in n - n / 3..n {
                        (a[i], b[i]) = (offset + deep_a, offset + deep_b);
                    }
                    let what = format!("{deep_a} and {deep_b}, eps {eps:e} offset {offset:e}");
                    held(&mut tally, &format!("{deep_a} {deep_b}"), &what, &a, &b, 1.0);
                }
            }
        }
    }
    tally.done("deep stretches");
}

#[test]
fn huge_differences_are_right() {
    let mut tally = Tally::default();
    for size in [1e3, 1e6, 1e12, 1e38, 1e100, 1e300] {
        for n in [2, 3, 70, 9_000] {
            let a: Vec<f64> = (0..n).map(|i| f64::from(i as u32 % 3) * size).collect();
            let b: Vec<f64> = (0..n).map(|i| f64::from(i as u32 % 2) * size).collect();
            let zeros = vec![0.0; n];
            for temperature in [0.01, 1.0, 100.0] {
                held(&mut tally, "huge", &format!("{size:e}, both"), &a, &b, temperature);
                held(&mut tally, "huge", &format!("{size:e}, one"), &a, &zeros, temperature);
            }
        }
    }
    tally.done("huge differences");
}

#[test]
fn a_tiny_probability_of_a_huge_difference_counts() {
    let mut tally = Tally::default();
    // Below e^−700 a class counts as impossible, as the room's documentation says.
    for depth in [-300.0, -650.0, -690.0] {
        for other in [-1e30, -1e290, -1e300] {
            for n in [2, 70, 9_000] {
                let (mut a, mut b) = (vec![0.0; n], vec![0.0; n]);
                (a[n - 1], b[n - 1]) = (depth, other);
                held(&mut tally, &format!("{depth}"), &format!("{depth} against {other:e}"), &a, &b, 1.0);
                if n > 5_000 {
                    for i in 4_096..n {
                        (a[i], b[i]) = (depth, other);
                    }
                    held(
                        &mut tally,
                        &format!("{depth}"),
                        &format!("{depth} against {other:e} in a stretch"),
                        &a,
                        &b,
                        1.0,
                    );
                }
            }
        }
    }
    tally.done("tiny probabilities");
}

#[test]
fn a_stretch_that_a_huge_number_masks_in_one_row_keeps_what_the_other_has_there() {
    let mut tally = Tally::default();
    for mask in [-1e9, -1e16, -1e30, f64::from(f32::MIN), -1e300] {
        for depth in [0.0, -3.0, -40.0, -600.0] {
            let (mut a, mut b) = (vec![0.0; 9_000], vec![0.0; 9_000]);
            for i in 4_096..9_000 {
                (a[i], b[i]) = (mask, depth);
            }
            held(&mut tally, &format!("{mask:e}"), &format!("{mask:e} against {depth}"), &a, &b, 1.0);
        }
    }
    // A teacher's −1e9 is as good as −∞, and no worse: mag.kl itself would allow for the size of the mask.
    for mask in [-1e4, -1e9, -1e16, -1e30, f64::from(f32::MIN)] {
        for (start, end) in [(0, 99), (50, 100), (4_096, 9_000), (0, 4_096), (4_000, 4_100)] {
            let n = if end <= 100 { 100 } else { 9_000 };
            let mut random = SplitMix(9);
            let (mut a, b) = (few(n, 30, 0.0, 4.0, &mut random), few(n, 30, 0.0, 4.0, &mut random));
            a[start..end].fill(f64::NEG_INFINITY);
            let (narrow_a, narrow_b) = (narrow::<f32>(&a), narrow::<f32>(&b));
            let oracle = Softmaxes::of(&a, &b, 1.0);
            let (kl_f32, mag) = (value(&narrow_a, &narrow_b, Measure::Kl, 1.0), oracle.mag());
            let off = units(kl_f32, oracle.kl(), Some(mag), n, F32);
            tally.count("-inf f32", off, 2.0 * K, || format!("{start}..{end} of {n}: {kl_f32:e}"));
            a[start..end].fill(mask);
            let made = kl(&a, &b);
            let off = units(made, oracle.kl(), Some(mag), n, F64);
            let field = format!("as if -inf {mask:e}");
            tally.count(&field, off, K, || {
                format!("{start}..{end} of {n}: {made:e}, want {}", show(oracle.kl()))
            });
            let made = value(&narrow::<f32>(&a), &narrow_b, Measure::Kl, 1.0);
            // Against what f32 makes of −∞: the logits themselves were rounded to f32 here.
            let off = units(made, Expected::Finite(Wide::from(kl_f32)), Some(mag), n, F32);
            tally.count(&format!("{field} f32"), off, K, || {
                format!("{start}..{end} of {n}: {made:e}, want {kl_f32:e}")
            });
        }
    }
    tally.done("stretches masked by huge numbers");
}

#[test]
fn logits_near_overflow_are_logits_too() {
    let mut tally = Tally::default();
    let h = 1.5e307;
    for n in [2, 70, 9_000] {
        let of = |x: f64, y: f64| (0..n).map(|i| if i % 2 == 0 { x } else { y }).collect::<Vec<_>>();
        let mut check = |what: &str, a: Vec<f64>, b: Vec<f64>, temperature: f64| {
            held(&mut tally, what, what, &a, &b, temperature);
        };
        check("equal and high", of(h, h), of(h, h), 1.0);
        check("low against high", of(-h, -1.6e307), of(h, 1.2e307), 1.0);
        check("high against low", of(h, 1.2e307), of(-h, -1.6e307), 1.0);
        check("nothing against both ends", of(0.0, 0.0), of(h, -h), 1.0);
        check("nothing against both ends", of(0.0, 0.0), of(h, -h), 100.0);
        check("both ends", of(h, -h), of(-h, h), 100.0);
        check("both ends, hot", of(h, -h), of(-h, h), 1e308);
        check("both ends, hot", of(h, -0.5 * h), of(-h, h), 1e308);
    }
    tally.done("near overflow");
}

#[test]
fn temperatures_at_the_end_of_the_range_are_temperatures_too() {
    let mut tally = Tally::default();
    for (temperature, size) in [
        (1e-30, 1e-30),
        (1e30, 1e30),
        (1e40, 1e38),
        (1e45, 1e38),
        (1e50, 1e38),
        (1e-44, 1e-44),
        (1e-50, 1e-50),
        (1e-300, 1e-300),
        (1e300, 1e300),
        (1e307, 1e307),
    ] {
        for n in [2, 70, 9_000] {
            let mut random = SplitMix(6);
            let a: Vec<f64> = few(n, 9.min(n), 0.0, size, &mut random);
            let b: Vec<f64> = few(n, 9.min(n), 0.0, size, &mut random);
            held(
                &mut tally,
                &format!("T {temperature:e}"),
                &format!("logits of {size:e}"),
                &a,
                &b,
                temperature,
            );
        }
    }
    tally.done("temperatures");
}

#[test]
fn half_precision_rows_of_fifty_thousand_classes_lose_nothing() {
    use half::{bf16, f16};
    fn check<T: Element>() {
        let mut random = SplitMix(7);
        let n = 50_000;
        let a: Vec<T> = (0..n).map(|_| T::from_f64(6.0 * random.unit() - 3.0)).collect();
        let b: Vec<T> = a.iter().map(|x| T::from_f64(x.to_f64() + 0.25 * random.unit())).collect();
        let wide = |x: &[T]| x.iter().map(|x| x.to_f64()).collect::<Vec<_>>();
        let (wa, wb) = (wide(&a), wide(&b));
        let oracle = Softmaxes::of(&wa, &wb, 2.0);
        let off = units(value(&a, &b, Measure::Kl, 2.0), oracle.kl(), Some(oracle.mag()), n, F32);
        assert!(off <= K, "{}: {off} units of f32", T::DTYPE.name());
        let off = units(value(&wa, &wb, Measure::Kl, 2.0), oracle.kl(), Some(oracle.mag()), n, F64);
        assert!(off <= K, "{}: {off} units of f64", T::DTYPE.name());
    }
    check::<f16>();
    check::<bf16>();
}

#[test]
fn jensen_shannon_is_right_near_and_far_and_behind_masks() {
    let mut tally = Tally::default();
    let mut random = SplitMix(8);
    for n in [1, 2, 7, 65, 4_097, 9_000, 70_000] {
        for (eps, offset) in
            [(1e-3, 0.0), (1e-9, 0.0), (1e-9, 1e6), (1.0, 0.0), (1.0, 1e6), (30.0, 0.0), (900.0, 0.0)]
        {
            for mask in [None, Some((0, n / 3)), Some((n / 2, n - 1))] {
                for (name, masked) in MASKS {
                    let (mut a, mut b) = near(n, eps, offset, &mut random);
                    if let Some((start, end)) = mask {
                        for i in start..end {
                            if masked[0] {
                                a[i] = f64::NEG_INFINITY;
                            }
                            if masked[1] {
                                b[i] = f64::NEG_INFINITY;
                            }
                        }
                    }
                    for weight in [0.0, 0.1, 0.5, 1.0] {
                        let oracle = Softmaxes::of(&a, &b, 1.0);
                        let expected = oracle.jensen_shannon(weight);
                        let got = value(&a, &b, Measure::JensenShannon { weight }, 1.0);
                        let what = format!(
                            "{mask:?} of {name}, {n} classes, eps {eps:e} offset {offset:e}, w = {weight}"
                        );
                        tally.require((0.0..=std::f64::consts::LN_2 * (1.0 + 1e-15)).contains(&got), || {
                            format!("{what}: {got:e}")
                        });
                        // What the same probabilities, each rounded, would do; near rows keep more than that: see mag.
                        let mag = match oracle.kl() {
                            Expected::Finite(_) => {
                                oracle.mag().min(expected * Wide::from(1.0 + eps) + oracle.mag())
                            }
                            Expected::Infinite(_) => oracle.mag().min(Wide::from(64.0)),
                        };
                        let off = units(got, Expected::Finite(expected), Some(mag), n, F64);
                        tally.count(
                            &format!("{name} {eps:e} {offset:e} {weight} {}", mask.is_some()),
                            off,
                            K,
                            || format!("{what}: {got:e}, want {:e}", expected.to_f64()),
                        );
                    }
                }
            }
        }
    }
    tally.done("Jensen-Shannon");
}

#[test]
fn the_smallest_weight_has_a_mixture_too() {
    // P and Q exclude each other: w ln(1/w) + (1 − w) ln(1/(1 − w)).
    for (weight, want) in [(1e-300, 6.917755278982137e-298), (5e-308, 3.542933853648659e-305)] {
        let got = value(
            &[0.0, -100.0, -5_900.0],
            &[-5_900.0, -5_900.0, 0.0],
            Measure::JensenShannon { weight },
            1.0,
        );
        assert!((got / want - 1.0).abs() < 1e-14, "{weight:e}: {got:e}, want {want:e}");
    }
}

/// Rows of moderate logits, some masked, of which class 0 is possible.
fn rows(longest: usize) -> impl Strategy<Value = (Vec<f64>, Vec<f64>)> {
    (1..=longest, any::<u64>(), 0..5_i32, 0..4_usize).prop_map(|(n, seed, far, masks)| {
        let mut random = SplitMix(seed);
        let of = |random: &mut SplitMix, i: usize| {
            let x = 10f64.powi(far - 1) * (2.0 * random.unit() - 1.0);
            if i > 0 && masks > 0 && random.below(9) < masks { f64::NEG_INFINITY } else { x }
        };
        (0..n).map(|i| (of(&mut random, i), of(&mut random, i))).unzip()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn kl_is_never_negative_and_reverse_is_kl_the_other_way_round((a, b) in rows(300), temperature in 0.01..20.0_f64) {
        let kl = value(&a, &b, Measure::Kl, temperature);
        prop_assert!(kl >= 0.0 && kl.is_sign_positive(), "{kl:e}");
        prop_assert_eq!(kl.to_bits(), value(&b, &a, Measure::Reverse, temperature).to_bits());
        let (c, d) = (narrow::<f32>(&a), narrow::<f32>(&b));
        let kl = value(&c, &d, Measure::Kl, temperature);
        prop_assert!(kl >= 0.0 && kl.is_sign_positive(), "{kl:e}");
        prop_assert_eq!(kl.to_bits(), value(&d, &c, Measure::Reverse, temperature).to_bits());
    }

    #[test]
    fn rows_that_differ_by_a_constant_diverge_by_nothing_to_the_bit(n in 1..9_000_usize, seed in any::<u64>(), by in -4096..4096_i32) {
        let mut random = SplitMix(seed);
        // Quarters, to which whole numbers are added without rounding.
        let a: Vec<f64> = (0..n)
            .map(|i| if i > 0 && random.below(50) == 0 { f64::NEG_INFINITY } else { random.below(80) as f64 / 4.0 })
            .collect();
        let b: Vec<f64> = a.iter().map(|x| x + f64::from(by)).collect();
        for measure in [Measure::Kl, Measure::Reverse, Measure::JENSEN_SHANNON] {
            for temperature in [0.3, 1.0, 7.0] {
                prop_assert_eq!(value(&a, &a, measure, temperature).to_bits(), 0);
                prop_assert_eq!(value(&a, &b, measure, temperature).to_bits(), 0);
                let (a, b) = (narrow::<f32>(&a), narrow::<f32>(&b));
                prop_assert_eq!(value(&a, &b, measure, temperature).to_bits(), 0);
            }
        }
    }

    #[test]
    fn a_constant_added_to_either_row_changes_nothing_beyond_rounding(n in 1..300_usize, seed in any::<u64>(), by in -4096..4096_i32) {
        let mut random = SplitMix(seed);
        let of = |random: &mut SplitMix| (0..n).map(|_| random.below(80) as f64 / 4.0).collect::<Vec<f64>>();
        let (a, b) = (of(&mut random), of(&mut random));
        let moved = |x: &[f64]| x.iter().map(|x| x + f64::from(by)).collect::<Vec<_>>();
        let oracle = Softmaxes::of(&a, &b, 1.0);
        for (x, y) in [(moved(&a), b.clone()), (a.clone(), moved(&b)), (moved(&a), moved(&b))] {
            let off = units(kl(&x, &y), oracle.kl(), Some(oracle.mag()), n, F64);
            prop_assert!(off <= K, "{off}");
        }
    }

    #[test]
    fn jensen_shannon_is_symmetric_at_most_ln_2_and_what_batch_makes_of_the_softmaxes((a, b) in rows(70), temperature in 0.1..20.0_f64) {
        let js = value(&a, &b, Measure::JENSEN_SHANNON, temperature);
        let other = value(&b, &a, Measure::JENSEN_SHANNON, temperature);
        prop_assert!((js - other).abs() <= 1e-14 * js, "{js:e} {other:e}");
        prop_assert!((0.0..=std::f64::consts::LN_2 * (1.0 + 1e-15)).contains(&js), "{js:e}");
        let most = |x: &[f64]| x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let softmax = |x: &[f64]| {
            let exps = x.iter().map(|y| match *y {
                f64::NEG_INFINITY => Wide::ZERO,
                y => common::wide::exp((Wide::from(y) - Wide::from(most(x))) / Wide::from(temperature)),
            });
            let exps: Vec<Wide> = exps.collect();
            let sum = exps.iter().fold(Wide::ZERO, |sum, x| sum + *x);
            exps.iter().map(|x| (*x / sum).to_f64()).collect::<Vec<f64>>()
        };
        let mut options = Options::from(Measure::JENSEN_SHANNON);
        options.normalization = Normalization::AsGiven;
        let made = batch::reduce(&softmax(&a)[..], &softmax(&b)[..], &options).unwrap();
        // Probabilities rounded to f64 have lost this much.
        prop_assert!((js - made).abs() <= 1e-13 * js + 1e-14 * js.sqrt() + 1e-300, "{js:e} {made:e}");
    }
}
