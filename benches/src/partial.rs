//! Sums in parts, by group, on one thread: beside a loop that adds p ln(p/q) to a number a group.

use kldiv::partial::{Partial, merge_by, update_by};
use kldiv::{Element, Measure, Options, batch};

use crate::pairs::Truth;
use crate::peers::kl_term;
use crate::{Case, Contender, EXACT_F32, EXACT_F64, Pairs};

const ROWS: usize = 1_000_000;
/// What is asked of a plain sum.
const LOOSE: f64 = 1e-3;

/// Hands each case to `visit`.
pub fn cases(visit: &mut dyn FnMut(Case)) {
    for groups in [1, 1_000, 100_000] {
        by_group::<f64>("f64", Pairs::random(1, ROWS), &numbers(groups), &[Measure::Kl], EXACT_F64, visit);
    }
    let mut in_order = numbers(1_000);
    in_order.sort_unstable();
    by_group::<f64>("f64 in order", Pairs::random(1, ROWS), &in_order, &[Measure::Kl], EXACT_F64, visit);
    by_group::<f32>("f32", Pairs::random(1, ROWS), &numbers(1_000), &[Measure::Kl], EXACT_F32, visit);
    let counts = |x: Vec<f64>| x.iter().map(|x| 1 + (x * 1e9) as u64).collect();
    let Pairs { p, q, cols } = Pairs::<f64>::random(1, ROWS);
    let counts = Pairs { p: counts(p), q: counts(q), cols };
    by_group("counts", counts, &numbers(1_000), &[Measure::Kl, Measure::Jeffreys], EXACT_F64, visit);
    one_state(visit);
    merging(visit);
}

/// Groups at random, of ROWS pairs.
fn numbers(groups: usize) -> Vec<u32> {
    let mut state = 7u64;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((state >> 33) as usize % groups) as u32
    };
    (0..ROWS).map(|_| next()).collect()
}

fn term(measure: Measure) -> impl Fn(f64, f64) -> f64 {
    move |p, q| match measure {
        Measure::Jeffreys => (p - q) * (p / q).ln(),
        _ => kl_term(p, q),
    }
}

fn by_group<T: Element>(
    what: &str,
    pairs: Pairs<T>,
    group: &[u32],
    measures: &[Measure],
    tolerance: f64,
    visit: &mut dyn FnMut(Case),
) {
    let groups = 1 + group.iter().max().map_or(0, |last| *last as usize);
    let (p, q) = (&pairs.p[..], &pairs.q[..]);
    for &measure in measures {
        let mut sums = vec![(0.0, 0.0, 0.0); groups];
        for ((group, p), q) in group.iter().zip(p).zip(q) {
            // Neumaier's sum.
            let (sum, lost, magnitude) = &mut sums[*group as usize];
            let x = term(measure)(p.to_f64(), q.to_f64());
            let next = *sum + x;
            *lost += if f64::abs(*sum) >= x.abs() { (*sum - next) + x } else { (x - next) + *sum };
            *sum = next;
            *magnitude += x.abs();
        }
        // A group that is empty sums to 0, and its terms are as large as any.
        let truth = sums.iter().map(|(sum, lost, size)| Truth::new(sum + lost, size.max(f64::MIN_POSITIVE)));

        let options = Options::from(measure);
        let empty = Partial::new(&options).expect("a measure that can be summed in parts");
        let mut states = vec![empty.clone(); groups];
        let kldiv = Contender::new("kldiv", tolerance, move |out| {
            states.fill(empty.clone());
            update_by(&mut states, group, p, q).expect("probabilities");
            for (state, out) in states.iter().zip(out) {
                *out = state.value(&options).expect("a value");
            }
        });
        let naive = Contender::new("Rust, ln", LOOSE, move |out| {
            out.fill(0.0);
            for ((group, p), q) in group.iter().zip(p).zip(q) {
                out[*group as usize] += term(measure)(p.to_f64(), q.to_f64());
            }
        });
        visit(Case {
            table: "Partial sums by group, one thread",
            name: format!("{measure:?} of {what}, {groups} groups"),
            elements: ROWS,
            calls: 1,
            truth: truth.collect(),
            contenders: vec![kldiv, naive],
        });
    }
}

/// One state, beside the sum that depends on the order of blocks.
fn one_state(visit: &mut dyn FnMut(Case)) {
    let pairs = Pairs::<f64>::random(1, ROWS);
    let (p, q) = pairs.views();
    let mut options = Options::default();
    options.parallel = false;
    let mut state = Partial::new(&options).expect("KL");
    let empty = state.clone();
    let partial = Contender::new("kldiv", EXACT_F64, |out| {
        state.clone_from(&empty);
        state.update_on(p, q, false).expect("probabilities");
        out[0] = state.value(&options).expect("a value");
    });
    let rows = Contender::new("kldiv, rows", EXACT_F64, |out| {
        batch::rows_into(p, q, &options, out).expect("probabilities");
    });
    visit(Case {
        table: "Partial sums, one state, one thread",
        name: format!("n = {ROWS}"),
        elements: ROWS,
        calls: 1,
        truth: pairs.truth(kl_term),
        contenders: vec![partial, rows],
    });
}

/// States of ten pairs each, to those of 1,000 groups, as they are and from bytes.
fn merging(visit: &mut dyn FnMut(Case)) {
    const STATES: usize = 100_000;
    const GROUPS: usize = 1_000;
    let pairs = Pairs::<f64>::random(STATES, 10);
    let options = Options::default();
    let state = |(p, q): (&[f64], &[f64])| Partial::of(p, q, &options).expect("probabilities");
    let from: Vec<Partial> = pairs.iter().map(state).collect();
    let group: Vec<u32> = (0..STATES).map(|i| (i % GROUPS) as u32).collect();
    let truth = pairs.truth(kl_term);
    let of_group = |i: usize| Truth::sum(truth.iter().skip(i).step_by(GROUPS));
    let truth = (0..GROUPS).map(of_group).collect();
    let empty = Partial::new(&options).expect("KL");
    let merged = |states: &mut [Partial], from: &[Partial], out: &mut [f64]| {
        states.fill(empty.clone());
        merge_by(states, &group, from).expect("states");
        for (state, out) in states.iter().zip(out) {
            *out = state.value(&options).expect("a value");
        }
    };
    let (mut states, mut others) = (vec![empty.clone(); GROUPS], vec![empty.clone(); GROUPS]);
    let kldiv = Contender::new("kldiv", EXACT_F64, |out| merged(&mut states, &from, out));
    let bytes: Vec<_> = from.iter().map(Partial::to_bytes).collect();
    let mut read = from.clone();
    let read_first = Contender::new("kldiv, from bytes", EXACT_F64, |out| {
        for (state, bytes) in read.iter_mut().zip(&bytes) {
            *state = Partial::from_bytes(bytes).expect("a state's bytes");
        }
        merged(&mut others, &read, out);
    });
    visit(Case {
        table: "Partial sums, merged, one thread",
        name: format!("{STATES} states into {GROUPS}"),
        elements: STATES,
        calls: 1,
        truth,
        contenders: vec![kldiv, read_first],
    });
}
