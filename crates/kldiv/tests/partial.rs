//! Partial sums: one state for any split, order and tree; the reference tables; bytes; what is refused.

mod common;

use common::data::{KINDS, generate, pair};
use common::layout::{LAYOUTS, Layouts, exactly, matrix};
use common::wide::ExactSum;
use common::{Expected, F32, F64, K, Precision, SplitMix, Tally, Wide};
use common::{number, numbers, oracle, precision, table, units};
use half::{bf16, f16};
use kldiv::partial::{Partial, merge_by, update_by};
use kldiv::{Element, Error, Invalid, Measure, Normalization, Operand, Options, View};
use serde_json::Value;

const MEASURES: [(&str, Measure); 6] = [
    ("kl", Measure::Kl),
    ("generalized", Measure::Generalized),
    ("reverse", Measure::Reverse),
    ("jeffreys", Measure::Jeffreys),
    ("entropy", Measure::Entropy),
    ("cross_entropy", Measure::CrossEntropy),
];

fn new(measure: Measure) -> Partial {
    Partial::new(&measure.into()).unwrap()
}

fn of<P: Element, Q: Element>(p: &[P], q: &[Q], measure: Measure) -> Partial {
    Partial::of(p, q, &measure.into()).unwrap()
}

fn normalize() -> Options<'static> {
    let mut options = Options::default();
    options.normalization = Normalization::Normalize;
    options
}

fn given(state: &Partial) -> f64 {
    state.value(&Options::default()).unwrap()
}

/// A state of the same pairs, made in another way each time.
fn in_parts<P: Element, Q: Element>(p: &[P], q: &[Q], measure: Measure, random: &mut SplitMix) -> Partial {
    // Pieces of any lengths, in any order, each added to one of a few states in one of several ways.
    let mut pieces = Vec::new();
    let mut start = 0;
    while start < p.len() {
        let end = (start + 1 + random.below(3 + p.len() / 3)).min(p.len());
        pieces.push(start..end);
        start = end;
    }
    for i in (1..pieces.len()).rev() {
        pieces.swap(i, random.below(i + 1));
    }
    let mut states = vec![new(measure); 1 + random.below(5)];
    for piece in pieces {
        let at = random.below(states.len());
        let (x, y) = (&p[piece.clone()], &q[piece]);
        match random.below(4) {
            0 => states[at].update(x, y).unwrap(),
            1 => states[at].extend(x.iter().copied().zip(y.iter().copied())),
            2 => update_by(&mut states, &vec![at as u32; x.len()], x, y).unwrap(),
            _ => {
                let backwards = |x: &[P]| x.iter().rev().copied().collect::<Vec<P>>();
                let y: Vec<Q> = y.iter().rev().copied().collect();
                states[at].merge(&of(&backwards(x), &y, measure)).unwrap();
            }
        }
    }
    // Merged along any tree, some of them as bytes.
    while states.len() > 1 {
        let from = states.swap_remove(random.below(states.len()));
        let into = random.below(states.len());
        match random.below(3) {
            0 => states[into].merge(&from).unwrap(),
            1 => states[into].merge(&Partial::from_bytes(&from.to_bytes()).unwrap()).unwrap(),
            _ => merge_by(&mut states, &[into as u32], &[from]).unwrap(),
        }
    }
    states.remove(0)
}

fn splits_agree<T: Element>(seed: u64) {
    let mut random = SplitMix(seed);
    for kind in KINDS {
        for n in [1, 2, 17, 64, 65, 300] {
            let (p, q) = pair(kind, n, &mut random);
            let fit = |x: &f64| {
                let x = T::from_f64(*x);
                if x.to_f64().is_finite() { x } else { T::from_f64(1.0) }
            };
            let (p, q): (Vec<T>, Vec<T>) = (p.iter().map(fit).collect(), q.iter().map(fit).collect());
            for (name, measure) in MEASURES {
                let whole = of(&p, &q, measure);
                for _ in 0..4 {
                    let parts = in_parts(&p, &q, measure, &mut random);
                    assert_eq!(parts.as_bytes(), whole.as_bytes(), "{name} of {n} {kind}");
                }
            }
        }
    }
}

#[test]
fn any_split_order_and_tree_give_the_same_bytes() {
    splits_agree::<f64>(1);
    splits_agree::<f32>(2);
    splits_agree::<f16>(3);
    splits_agree::<bf16>(4);
    splits_agree::<u64>(5);
}

#[test]
fn types_may_be_mixed_and_strides_do_not_matter() {
    let mut random = SplitMix(9);
    let (p, q): (Vec<f32>, Vec<u64>) =
        (0..60).map(|_| (random.unit() as f32, random.below(1000) as u64)).unzip();
    let rows = |x: usize| 60 / x;
    for (_, measure) in MEASURES {
        let plain = of(&p, &q, measure);
        assert_eq!(in_parts(&p, &q, measure, &mut random), plain);
        for cols in [1, 3, 60] {
            let p: Vec<Vec<f32>> = p.chunks(cols).map(<[f32]>::to_vec).collect();
            let q: Vec<Vec<u64>> = q.chunks(cols).map(<[u64]>::to_vec).collect();
            assert_eq!(p.len(), rows(cols));
            let (p, q) = (Layouts::new(matrix(&p)), Layouts::new(matrix(&q)));
            for i in 0..LAYOUTS.len() {
                let (p, q) = (p.view(i), q.view((2 * i) % LAYOUTS.len()));
                assert_eq!(Partial::of(p, q, &measure.into()).unwrap(), plain, "{}", LAYOUTS[i]);
            }
        }
    }
}

fn check<T: Element>(tally: &mut Tally, case: &Value, p: &[T], q: &[T], precision: Precision) {
    for (field, measure) in MEASURES {
        let Some(expected) = Expected::of(&case["expect"][field]) else { continue };
        let mag = Expected::of(&case["mag"][field]).map(|mag| match mag {
            Expected::Finite(mag) => mag,
            Expected::Infinite(_) => panic!("an infinite mag"),
        });
        let state = of(p, q, measure);
        let got = given(&state);
        let what = || format!("{} {}: {got:e}", case["name"], T::DTYPE.name());
        let name = if precision.unit == F64.unit { field.into() } else { format!("{field} f32") };
        tally.count(&name, units(got, expected, mag, p.len(), precision), K, what);
        tally.require(state.count() == p.len() as u64, what);
        let is_infinite = matches!(expected, Expected::Infinite(_));
        tally.require((state.infinite_count() > 0) == is_infinite, what);
    }
}

#[test]
fn every_discrete_case_is_within_the_tolerance() {
    let mut tally = Tally::default();
    for case in table("discrete") {
        let (p, q) = (numbers(&case["p"]), numbers(&case["q"]));
        if precision(&case).unit == F64.unit {
            check(&mut tally, &case, &p, &q, F64);
        } else {
            check(&mut tally, &case, &exactly::<f32>(&p).unwrap(), &exactly::<f32>(&q).unwrap(), F32);
        }
        if let (Some(p), Some(q)) = (exactly::<f16>(&p), exactly::<f16>(&q)) {
            check(&mut tally, &case, &p, &q, F32);
        }
        if let (Some(p), Some(q)) = (exactly::<bf16>(&p), exactly::<bf16>(&q)) {
            check(&mut tally, &case, &p, &q, F32);
        }
        if let (Some(p), Some(q)) = (exactly::<i64>(&p), exactly::<i64>(&q)) {
            check(&mut tally, &case, &p, &q, F64);
        }
    }
    tally.done("partial, discrete");
}

#[test]
fn every_large_case_is_within_the_tolerance() {
    let mut tally = Tally::default();
    for case in table("large") {
        let (p, q) = generate(&case);
        if case["dtype"] == "f32" {
            check(&mut tally, &case, &exactly::<f32>(&p).unwrap(), &exactly::<f32>(&q).unwrap(), F32);
        } else {
            check(&mut tally, &case, &p, &q, F64);
        }
    }
    tally.done("partial, large");
}

/// The units of `got`: those of u times the absolute accuracy that is promised for totals not known beforehand.
fn normalized_units(got: f64, expected: Expected, p: &[f64], q: &[f64], measure: Measure) -> f64 {
    let (sum_p, sum_q): (f64, f64) = (p.iter().sum(), q.iter().sum());
    let ratio = (sum_q / sum_p).ln().abs();
    let mean = |of: &dyn Fn(f64, f64) -> f64| -> f64 {
        p.iter().zip(q).map(|(p, q)| of(*p, *q)).filter(|x| x.is_finite()).map(f64::abs).sum()
    };
    let forward = mean(&|p, q| p * (p / q).ln()) / sum_p;
    let reverse = mean(&|p, q| q * (p / q).ln()) / sum_q;
    let magnitude = match measure {
        Measure::Kl | Measure::Generalized => forward + ratio,
        Measure::Reverse => reverse + ratio,
        Measure::Jeffreys => forward + reverse,
        Measure::Entropy => mean(&|p, _| p * p.ln()) / sum_p + sum_p.ln().abs(),
        _ => mean(&|p, q| p * q.ln()) / sum_p + sum_q.ln().abs(),
    };
    units(got, expected, Some(Wide::from(magnitude)), p.len(), F64)
}

#[test]
fn counts_give_the_measures_of_their_distributions() {
    let mut tally = Tally::default();
    let mut beyond = 0;
    for case in table("counts") {
        let alpha = number(&case["alpha"]);
        let counts = |side: &str| -> Vec<u64> {
            case[side].as_array().unwrap().iter().map(|x| x.as_u64().unwrap()).collect()
        };
        let (p, q) = (counts("p_counts"), counts("q_counts"));
        let floats = |x: &[u64]| -> Vec<f64> { x.iter().map(|x| *x as f64 + alpha).collect() };
        let fields = [("kl", Measure::Kl), ("kl_reverse", Measure::Reverse), ("psi", Measure::Jeffreys)];
        for (field, measure) in fields {
            let expected = Expected::of(&case["expect"][field]).unwrap();
            let mut state = new(measure);
            if alpha.fract() == 0.0 {
                // Whole numbers stay so.
                let whole = |x: &[u64]| -> Vec<u64> { x.iter().map(|x| x + alpha as u64).collect() };
                let (p, q) = (whole(&p), whole(&q));
                beyond += p.iter().chain(&q).filter(|x| **x as f64 as u64 != **x).count();
                state.update(&p[..], &q[..]).unwrap();
            } else {
                state.update(&floats(&p)[..], &floats(&q)[..]).unwrap();
            }
            let got = state.value(&normalize()).unwrap();
            let units = normalized_units(got, expected, &floats(&p), &floats(&q), measure);
            let what = || format!("{} {field}: {got:e}, want {}", case["name"], case["expect"][field]);
            tally.count(field, units, K, what);
        }
    }
    assert!(beyond > 0, "no count is beyond 2^53");
    tally.done("partial, counts");
}

#[test]
fn normalized_values_are_accurate_absolutely_and_relatively_where_totals_agree() {
    let mut random = SplitMix(12);
    let mut tally = Tally::default();
    for kind in ["independent", "near", "neighbours", "sparse", "equal", "few values", "same exponents"] {
        for times in [1.0, 1.0 + 1e-9, 1.2, 3.7, 1e7, 1e-7] {
            for n in [1, 3, 40, 500] {
                let (p, mut q) = pair(kind, n, &mut random);
                if p.iter().sum::<f64>() == 0.0 || kind == "same exponents" && times != 1.0 {
                    continue;
                }
                q.iter_mut().for_each(|x| *x *= times);
                for (name, measure) in MEASURES {
                    // The gaps as given are as large as q: what is left of them is not good to more.
                    if measure == Measure::Generalized && times > 2.0 {
                        continue;
                    }
                    let (expected, _) = oracle::normalized(&p, &q, 0.0, measure);
                    let got = of(&p, &q, measure).value(&normalize()).unwrap();
                    let units = normalized_units(got, expected, &p, &q, measure);
                    let what = || format!("{n} {kind} times {times}: {got:e}, want {expected:?}");
                    tally.count(name, units, K, what);
                }
            }
        }
    }
    // Of f32 as well.
    for times in [1.0, 1.2, 3.0, 1e5] {
        let p: Vec<f32> = (0..40).map(|_| random.unit() as f32).collect();
        let q: Vec<f32> = p.iter().map(|p| (f64::from(*p) * times) as f32).collect();
        let wide = |x: &[f32]| x.iter().map(|x| f64::from(*x)).collect::<Vec<_>>();
        for (name, measure) in MEASURES {
            let (expected, _) = oracle::normalized(&wide(&p), &wide(&q), 0.0, measure);
            let got = of(&p, &q, measure).value(&normalize()).unwrap();
            let most = if measure == Measure::Generalized { K * times } else { K };
            let units = normalized_units(got, expected, &wide(&p), &wide(&q), measure);
            tally.count(&format!("{name} f32"), units, most, || {
                format!("times {times}: {got:e}, want {expected:?}")
            });
        }
    }
    // Totals that are the same: as accurate as what was given.
    for eps in [1e-3, 1e-6, 1e-9, 1e-12] {
        let mut p: Vec<f64> = (0..100).map(|_| random.unit()).collect();
        let q: Vec<f64> = p.iter().map(|p| p * (1.0 + eps * (random.unit() - 0.5))).collect();
        let difference: f64 = q.iter().zip(&p).map(|(q, p)| q - p).sum();
        p[0] += difference;
        for (name, measure) in &MEASURES[..4] {
            let (expected, mag) = oracle::normalized(&p, &q, 0.0, *measure);
            let got = of(&p, &q, *measure).value(&normalize()).unwrap();
            let what = || format!("{eps:e}: {got:e}, want {expected:?}");
            tally.count(&format!("{name}, equal totals"), units(got, expected, mag, 100, F64), K, what);
        }
    }
    tally.done("partial, normalized");
}

#[test]
fn masses_are_exact() {
    let mut random = SplitMix(13);
    for kind in KINDS {
        let (p, q) = pair(kind, 333, &mut random);
        let state = of(&p, &q, Measure::Kl);
        assert_eq!((state.mass_p(), state.mass_q()), (ExactSum::of(&p).to_f64(), ExactSum::of(&q).to_f64()));
    }
    // Counts that no f64 holds.
    let counts = [u64::MAX, u64::MAX - 1, (1 << 53) + 1, 1];
    let state = of(&counts, &[3_i64, (1 << 60) + 1, -(-i64::MAX), 0], Measure::Jeffreys);
    let exact: u128 = counts.iter().map(|x| u128::from(*x)).sum();
    assert_eq!(state.mass_p(), exact as f64);
    let cancelled = [(1u64 << 60) + 1, 1 << 60];
    let one = of(&cancelled[..1], &cancelled[1..], Measure::Kl);
    let value = given(&one);
    // p ln(p/q) of q + 1 and q is 1 + 1/(2q) or so.
    assert_eq!(value, 1.0);
}

#[test]
fn zeros_and_infinite_terms_are_what_they_are_everywhere() {
    let (p, q) = ([0.5, 0.5, 0.0, 0.0], [0.0, 0.5, 0.5, 0.0]);
    let infinite = |measure| {
        let state = of(&p, &q, measure);
        (given(&state) == f64::INFINITY, state.infinite_count())
    };
    assert_eq!(infinite(Measure::Kl), (true, 1));
    assert_eq!(infinite(Measure::Generalized), (true, 1));
    assert_eq!(infinite(Measure::Reverse), (true, 1));
    assert_eq!(infinite(Measure::Jeffreys), (true, 2));
    assert_eq!(infinite(Measure::CrossEntropy), (true, 1));
    assert_eq!(infinite(Measure::Entropy), (false, 0));
    // What plain SQL answers with -0.3466.
    let sql = of(&[0.5, 0.5], &[0.0, 1.0], Measure::Kl);
    assert_eq!(given(&sql), f64::INFINITY);
    assert_eq!(sql.value(&normalize()).unwrap(), f64::INFINITY);
    let nothing = of(&[0.0, -0.0], &[0.25, 0.0], Measure::Kl);
    assert_eq!((given(&nothing), nothing.infinite_count(), nothing.count()), (0.0, 0, 2));
    assert_eq!(given(&of(&[0.0], &[0.25], Measure::Generalized)), 0.25);
}

#[test]
fn terms_beyond_the_largest_number_cancel_or_are_infinite() {
    let (large, small) = (f64::MAX, 5e-324);
    for (_, measure) in MEASURES {
        let state = of(&[large, small, 1.0], &[small, large, 1.0], measure);
        let (expected, mag) = oracle::measure(&[large, small, 1.0], &[small, large, 1.0], measure);
        let units = units(given(&state), expected, mag, 3, F64);
        assert!(units <= K, "{measure:?}: {} is {units} units off", given(&state));
        assert_eq!(state.infinite_count(), 0);
    }
    // -p ln p of huge numbers has the sum of both, which is larger than any number; the proportions have an answer.
    let huge = of(&[large, large], &[large, large], Measure::Entropy);
    assert_eq!(given(&huge), f64::NEG_INFINITY);
    assert!((huge.value(&normalize()).unwrap() - 2f64.ln()).abs() < 1e-12);
    let apart = of(&[large, 1.0], &[1.0, 1.0], Measure::Kl).value(&normalize()).unwrap();
    assert!((apart - 2f64.ln()).abs() < 1e-12, "{apart}");
}

#[test]
fn bits_and_required_masses_are_for_the_value_to_ask() {
    let state = of(&[0.5, 0.5], &[0.7, 0.3], Measure::Kl);
    let mut options = Options::from(Measure::Kl);
    assert_eq!(format!("{:.4}", state.value(&options).unwrap()), "0.0872");
    options.base = Some(2.0);
    assert_eq!(format!("{:.4}", state.value(&options).unwrap()), "0.1258");
    options.normalization = Normalization::Require;
    assert!(state.value(&options).is_ok());
    let twice = of(&[1.0, 1.0], &[0.7, 0.3], Measure::Kl);
    let error = Error::NotNormalized { operand: Operand::P, row: 0, sum: 2.0, tolerance: 1e-6 };
    assert_eq!(twice.value(&options), Err(error));
    options.invalid = Invalid::Nan;
    assert!(twice.value(&options).unwrap().is_nan());
    let empty = new(Measure::Kl);
    assert_eq!((given(&empty), empty.count()), (0.0, 0));
    assert_eq!(empty.value(&normalize()), Err(Error::ZeroMass { operand: Operand::P, row: 0 }));
    let no_q = of(&[1.0], &[0.0], Measure::CrossEntropy);
    assert_eq!(no_q.value(&normalize()), Err(Error::ZeroMass { operand: Operand::Q, row: 0 }));
    assert_eq!(of(&[2.0], &[0.0], Measure::Entropy).value(&normalize()), Ok(0.0));
}

#[test]
fn what_cannot_be_summed_in_parts_is_refused() {
    let refused = |measure: Measure, name: &str| {
        let error = Partial::new(&measure.into()).unwrap_err();
        assert!(matches!(error, Error::Option { name: found, .. } if found == name), "{error}");
    };
    refused(Measure::JENSEN_SHANNON, "measure");
    refused(Measure::JENSEN_SHANNON_DISTANCE, "measure");
    refused(Measure::Renyi { alpha: 2.0 }, "measure");
    let mut smoothed = normalize();
    smoothed.smoothing = 0.5;
    assert!(matches!(Partial::new(&smoothed), Err(Error::Option { name: "smoothing", .. })));
    let state = of(&[1.0], &[1.0], Measure::Jeffreys);
    assert!(matches!(state.value(&smoothed), Err(Error::Option { name: "smoothing", .. })));
    assert!(matches!(state.value(&Measure::Reverse.into()), Err(Error::Option { name: "measure", .. })));
    assert_eq!(state.value(&Measure::Jeffreys.into()), Ok(0.0));
    let mut base = Options::default();
    base.base = Some(0.5);
    assert!(matches!(state.value(&base), Err(Error::Option { name: "base", .. })));
}

#[test]
fn an_update_that_fails_changes_nothing_and_names_the_culprit() {
    let mut state = of(&[0.5, 0.5], &[0.7, 0.3], Measure::Kl);
    let before = state.to_bytes();
    let mut random = SplitMix(21);
    let good: Vec<f64> = (0..40_000).map(|_| random.unit()).collect();
    for bad in [-1.0, f64::NAN, f64::INFINITY] {
        for at in [0, 70, 39_999] {
            let mut q = good.clone();
            q[at] = bad;
            let error = state.update(&good[..], &q[..]).unwrap_err();
            let place =
                matches!(error, Error::InvalidEntry { operand: Operand::Q, row: 0, col, .. } if col == at);
            assert!(place, "{error}");
            let column = View::from(&q[..]).transposed();
            let error = state.update(View::from(&good[..]).transposed(), column).unwrap_err();
            assert_eq!(error.row(), Some(at));
            let mut states = [state.clone(), new(Measure::Kl)];
            let group: Vec<u32> = (0..good.len()).map(|i| (i % 2) as u32).collect();
            assert!(update_by(&mut states, &group, &q[..], &good[..]).is_err());
            assert_eq!((states[0].to_bytes(), states[1].count()), (before, 0));
        }
    }
    assert!(matches!(state.update(&good[..2], &good[..3]), Err(Error::ShapeMismatch { .. })));
    assert_eq!(state.update(&good[..0], &good[..0]), Err(Error::Empty));
    assert!(matches!(state.update(&[-1_i64][..], &[1_i64][..]), Err(Error::InvalidEntry { .. })));
    assert_eq!(state.to_bytes(), before);
}

#[test]
fn bad_pairs_are_counted_where_that_was_asked_for() {
    let mut options = Options::from(Measure::Kl);
    options.invalid = Invalid::Nan;
    let (p, q) = ([0.5, f64::NAN, 0.25, 0.25], [0.5, 0.5, 0.5, -1.0]);
    let state = Partial::of(&p[..], &q[..], &options).unwrap();
    assert_eq!((state.count(), state.invalid_count(), state.mass_p()), (4, 2, 0.75));
    assert_eq!(state.value(&Options::default()), Err(Error::InvalidPairs { invalid: 2, count: 4 }));
    assert!(state.value(&options).unwrap().is_nan());

    // A bad pair costs its group and no other.
    let mut states = vec![Partial::new(&options).unwrap(); 3];
    update_by(&mut states, &[0, 1, 2, 0], &p[..], &q[..]).unwrap();
    let values: Vec<f64> = states.iter().map(|state| state.value(&options).unwrap()).collect();
    assert!(values[0].is_nan() && values[1].is_nan());
    assert_eq!(values[2], given(&of(&[0.25], &[0.5], Measure::Kl)));

    // An iterator has no other way to say so.
    let mut fed = new(Measure::Kl);
    fed.extend([(0.5, 0.5), (f64::INFINITY, 0.5)]);
    assert_eq!((fed.count(), fed.invalid_count()), (2, 1));
    assert!(fed.value(&Options::default()).is_err());
}

#[test]
fn groups_are_states_of_their_own() {
    let mut random = SplitMix(31);
    let n = 5_000;
    let at_random: Vec<u32> = (0..n).map(|_| random.below(37) as u32).collect();
    let mut in_order = at_random.clone();
    in_order.sort_unstable();
    let counts: Vec<u64> = (0..n).map(|_| random.below(5) as u64).collect();
    let p: Vec<f32> = (0..n).map(|_| random.unit() as f32).collect();
    for ((name, measure), group) in MEASURES.into_iter().flat_map(|x| [(x, &at_random), (x, &in_order)]) {
        let mut states = vec![new(measure); 37];
        update_by(&mut states, group, &p[..], &counts[..]).unwrap();
        let mut halves = vec![new(measure); 74];
        let shifted: Vec<u32> = group.iter().enumerate().map(|(i, g)| g + 37 * (i as u32 % 2)).collect();
        update_by(&mut halves, &shifted, &p[..], &counts[..]).unwrap();
        let mut merged = vec![new(measure); 37];
        let home: Vec<u32> = (0..74).map(|i| i % 37).collect();
        merge_by(&mut merged, &home, &halves).unwrap();
        for (i, state) in states.iter().enumerate() {
            let of_group = (0..n).filter(|j| group[*j] as usize == i).map(|j| (p[j], counts[j]));
            let (p, q): (Vec<f32>, Vec<u64>) = of_group.unzip();
            assert_eq!(*state, of(&p, &q, measure), "{name} of group {i}");
            assert_eq!(*state, merged[i]);
        }
    }
}

#[test]
fn groups_without_a_state_and_states_that_differ_are_refused() {
    let mut states = [new(Measure::Kl), new(Measure::Jeffreys)];
    let before = states.clone();
    let error = update_by(&mut states, &[0, 2], &[0.5, 0.5][..], &[0.5, 0.5][..]).unwrap_err();
    assert!(matches!(error, Error::Index { col: 1, index: 2, .. }), "{error}");
    assert_eq!(
        error.to_string(),
        "group[0, 1] is 2; groups are numbered from 0 to below the number of states"
    );
    let error = update_by(&mut states, &[0, 1], &[0.5, 0.5][..], &[0.5, 0.5][..]).unwrap_err();
    assert_eq!(error.to_string(), "the state is one of another measure");
    assert!(update_by(&mut states, &[0], &[0.5, 0.5][..], &[0.5, 0.5][..]).is_err());
    assert!(update_by(&mut states, &[0, 0], &[0.5, 0.5][..], &[0.5][..]).is_err());
    let from = [of(&[0.5], &[0.5], Measure::Kl), of(&[0.5], &[0.5], Measure::Kl)];
    assert!(matches!(merge_by(&mut states, &[0, 1], &from), Err(Error::State { .. })));
    assert!(matches!(merge_by(&mut states, &[0, 9], &from), Err(Error::Index { col: 1, .. })));
    assert!(matches!(merge_by(&mut states, &[0], &from), Err(Error::ShapeMismatch { .. })));
    let (one, other) = states.split_at_mut(1);
    assert!(matches!(one[0].merge(&other[0]), Err(Error::State { .. })));
    assert_eq!(states, before);
    let none: [f64; 0] = [];
    assert_eq!(update_by(&mut states, &[], &none[..], &none[..]), Ok(()));
    assert_eq!(merge_by(&mut [], &[], &[]), Ok(()));
}

/// The states of testdata/partial.json: what a build wrote once.
#[test]
fn bytes_that_another_build_wrote_are_read_and_written_again() {
    let path = format!("{}/../../testdata/partial.json", env!("CARGO_MANIFEST_DIR"));
    let (p, q) = (golden(3), golden(4));
    let written: Vec<Value> = MEASURES
        .iter()
        .map(|(name, measure)| {
            let state = of(&p, &q, *measure);
            let hex: String = state.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
            serde_json::json!({"measure": name, "value": given(&state), "bytes": hex})
        })
        .collect();
    if std::env::var_os("KLDIV_BLESS").is_some() {
        let lines: Vec<String> = written.iter().map(Value::to_string).collect();
        std::fs::write(&path, format!("[\n{}\n]\n", lines.join(",\n"))).unwrap();
    }
    let table = table("partial");
    assert_eq!(table.len(), MEASURES.len());
    for (case, (name, measure)) in table.iter().zip(MEASURES) {
        let hex = case["bytes"].as_str().unwrap();
        let bytes: Vec<u8> =
            (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect();
        let read = Partial::from_bytes(&bytes).unwrap();
        assert_eq!((case["measure"].as_str(), read.measure()), (Some(name), measure));
        assert_eq!(read, of(&p, &q, measure), "{name}");
        assert_eq!(given(&read), number(&case["value"]));
        // The counts and masses, read from the bytes by hand.
        let word = |i: usize| u64::from_le_bytes(bytes[8 * i..8 * i + 8].try_into().unwrap());
        assert_eq!((&bytes[..8], word(1) & 0xFFFF, word(2), word(3)), (&b"kldivsum"[..], 1, 100, 0));
        // Every fifth word from the eighth on is a limb of the mass of p; the unit is bit 1074.
        let limbs = (0..34).filter(|limb| word(8 + 5 * limb) != 0);
        let mass: f64 =
            limbs.map(|limb| word(8 + 5 * limb) as f64 * 2f64.powi(64 * limb as i32 - 1074)).sum();
        assert!((mass - p.iter().sum::<f64>()).abs() < 1e-12, "{mass}");
    }
}

fn golden(seed: u64) -> Vec<f64> {
    let mut random = SplitMix(seed);
    (0..100).map(|_| random.unit()).collect()
}

#[test]
fn every_damaged_byte_is_noticed() {
    let mut options = Options::from(Measure::Jeffreys);
    options.invalid = Invalid::Nan;
    let state = Partial::of(&golden(3)[..], &golden(4)[..], &options).unwrap();
    let bytes = state.to_bytes();
    assert_eq!(Partial::from_bytes(&bytes), Ok(state));
    for i in 0..bytes.len() {
        for damage in [0x01, 0x80, 0xFF] {
            let mut damaged = bytes;
            damaged[i] ^= damage;
            assert!(matches!(Partial::from_bytes(&damaged), Err(Error::State { .. })), "byte {i}");
        }
    }
    let message = |bytes: &[u8]| Partial::from_bytes(bytes).unwrap_err().to_string();
    assert_eq!(message(&bytes[1..]), "the state has not the 1424 bytes of a partial sum");
    assert_eq!(message(&[0; Partial::SIZE]), "the state is no partial sum of kldiv");
    let mut later = bytes;
    later[8] = 2;
    assert_eq!(message(&later), "the state is of a version that this release does not know");
    let mut swapped = bytes;
    // Limb 16 of the masses of p and of q, exchanged.
    let (p, q) = (8 * (8 + 5 * 16), 8 * (9 + 5 * 16));
    swapped[p..p + 8].copy_from_slice(&bytes[q..q + 8]);
    swapped[q..q + 8].copy_from_slice(&bytes[p..p + 8]);
    assert!(swapped != bytes);
    assert_eq!(message(&swapped), "the state is damaged: its checksum is wrong");
    let mut last = bytes;
    last[Partial::SIZE - 1] ^= 1;
    assert_eq!(message(&last), "the state is damaged: its checksum is wrong");
}

#[test]
fn a_state_says_what_is_in_it() {
    let state = of(&[0.5, 0.5], &[0.7, 0.3], Measure::Kl);
    assert_eq!(
        format!("{state:?}"),
        "Partial { measure: Kl, count: 2, infinite_count: 0, invalid_count: 0, mass_p: 1.0, mass_q: 1.0, .. }"
    );
    assert_eq!((state.measure(), state.invalid()), (Measure::Kl, Invalid::Error));
}
