//! From pairs of elements to sums: terms by the kernels, a chunk at a time, each added without rounding.

use std::ops::Range;

use crate::kernels;
use crate::kernels::each::{CHUNK, Chunks};
use crate::kernels::lanes::{Numbers, Real};
use crate::kernels::log::{Parts, ln_ratio};
use crate::kernels::op::{BothWays, CrossEntropy, Entropy, Gap, Kl, Op};
use crate::kernels::scalar::One;
use crate::partial::exact::SHIFT;
use crate::partial::state::{COUNT, INFINITE, OF_P, OF_Q, Partial, TERMS};
use crate::policy::Measure;
use crate::sum::Compensated;
use crate::view::{Dtype, Row};

const ONE: Compensated = Compensated { hi: 1.0, lo: 0.0 };

/// Calls `$body` with `$op` standing for the terms of a measure.
macro_rules! with_terms {
    ($measure:expr, $op:ident => $body:expr) => {
        match $measure {
            Measure::Generalized => {
                let $op = Gap;
                $body
            }
            Measure::Jeffreys => {
                let $op = BothWays;
                $body
            }
            Measure::Entropy => {
                let $op = Entropy { sum: ONE };
                $body
            }
            Measure::CrossEntropy => {
                let $op = CrossEntropy { sum: ONE };
                $body
            }
            // KL and REVERSE; the state has no other.
            _ => {
                let $op = Kl;
                $body
            }
        }
    };
}

/// Which states pairs are added to.
pub(super) trait Places {
    /// That of pair `i`.
    fn at(&mut self, i: usize) -> &mut Partial;
    /// That of all pairs of a range that is not empty, if it is one.
    fn of_all(&mut self, range: Range<usize>) -> Option<&mut Partial>;
}

/// All to one.
impl Places for Partial {
    #[inline(always)]
    fn at(&mut self, _: usize) -> &mut Partial {
        self
    }

    #[inline(always)]
    fn of_all(&mut self, _: Range<usize>) -> Option<&mut Partial> {
        Some(self)
    }
}

/// Each to that of its group.
pub(super) struct Groups<'a> {
    pub(super) states: &'a mut [Partial],
    pub(super) group: &'a [u32],
}

impl Places for Groups<'_> {
    #[inline(always)]
    fn at(&mut self, i: usize) -> &mut Partial {
        &mut self.states[self.group[i] as usize]
    }

    #[inline(always)]
    fn of_all(&mut self, range: Range<usize>) -> Option<&mut Partial> {
        let (first, group) = (self.group[range.start], &self.group[range]);
        // No shortcut: all at once is faster.
        let same = group.iter().fold(true, |same, group| same & (*group == first));
        if same { Some(&mut self.states[first as usize]) } else { None }
    }
}

/// Adds pairs, all of which are probabilities or counts, to states of one measure; `first` is the number of the first
/// pair. The states are open then. ENTROPY does not look at q, which is p.
///
/// All terms are computed in f64: those of rows whose totals are far apart cancel in normalised divergences. Not inlined,
/// so that its buffers are on the stack only where they are needed.
#[inline(never)]
pub(super) fn deposit(measure: Measure, p: Row, q: Row, first: usize, places: &mut impl Places) {
    let mut buffers = [[1.0; CHUNK]; 2];
    let mut terms: Chunks = [[0.0; CHUNK]; 3];
    let [for_p, for_q] = &mut buffers;
    for start in (0..p.len()).step_by(CHUNK) {
        let len = CHUNK.min(p.len() - start);
        let (p_part, q_part) = (p.part(start, len), q.part(start, len));
        let (x, y) =
            (kernels::as_or_in(p_part, &mut for_p[..len]), kernels::as_or_in(q_part, &mut for_q[..len]));
        let (a, b) = if measure == Measure::Reverse { (y, x) } else { (x, y) };
        with_terms!(measure, op => kernels::each(&op, a, b, &mut terms));
        let mut chunk = Chunk { measure, p: x, q: y, terms: &mut terms, first: first + start };
        if beyond_f64(p_part.dtype(), x) || beyond_f64(q_part.dtype(), y) {
            chunk.add_rests(p_part, q_part, places);
        }
        chunk.settle(places);
        match measure {
            Measure::Kl | Measure::Reverse => chunk.add([TERMS, TERMS], places),
            Measure::Jeffreys => chunk.add([TERMS, TERMS + 1, TERMS + 2], places),
            _ => chunk.add([TERMS], places),
        }
    }
}

/// Whether some of these may be counts that were rounded.
#[inline(always)]
fn beyond_f64(dtype: Dtype, x: &[f64]) -> bool {
    // No shortcut: all at once is faster.
    !dtype.is_float() && x.iter().fold(false, |beyond, x| beyond | (*x >= 2f64.powi(53)))
}

/// Pairs and their terms.
struct Chunk<'a> {
    measure: Measure,
    p: &'a [f64],
    q: &'a [f64],
    terms: &'a mut Chunks,
    /// The number of the first pair.
    first: usize,
}

impl Chunk<'_> {
    /// Adds masses and terms, the terms of each array to the sum given for it.
    #[inline(always)]
    fn add<const K: usize>(&self, to: [usize; K], places: &mut impl Places) {
        let with_q = self.measure != Measure::Entropy;
        let len = self.p.len();
        if let Some(state) = places.of_all(self.first..self.first + len) {
            state.count_up(COUNT, len as u64);
            add_all(state, OF_P, self.p);
            if with_q {
                add_all(state, OF_Q, self.q);
            }
            for (terms, to) in self.terms.iter().zip(to) {
                add_all(state, to, &terms[..len]);
            }
            return;
        }
        for (i, (p, q)) in self.p.iter().zip(self.q).enumerate() {
            let state = places.at(self.first + i);
            state.count_up(COUNT, 1);
            state.add(OF_P, *p);
            if with_q {
                state.add(OF_Q, *q);
            }
            for (terms, to) in self.terms.iter().zip(to) {
                state.add(to, terms[i]);
            }
        }
    }

    /// Takes the terms that are infinite out of the arrays: counts those that are, adds those too large for an f64.
    #[inline(always)]
    fn settle(&mut self, places: &mut impl Places) {
        let finite = |terms: &[f64; CHUNK]| terms[..self.p.len()].iter().all(|x| x.abs() <= f64::MAX);
        let used = with_terms!(self.measure, op => used(&op));
        if !self.terms[..used].iter().all(finite) {
            self.settle_infinite(used, places);
        }
    }

    #[cold]
    #[inline(never)]
    fn settle_infinite(&mut self, used: usize, places: &mut impl Places) {
        for i in 0..self.p.len() {
            if self.terms[..used].iter().all(|terms| terms[i].is_finite()) {
                continue;
            }
            self.terms[..used].iter_mut().for_each(|terms| terms[i] = 0.0);
            let (p, q) = (self.p[i], self.q[i]);
            let state = places.at(self.first + i);
            if p == 0.0 || q == 0.0 {
                state.count_up(INFINITE, 1);
                continue;
            }
            let small = 2f64.powi(-SHIFT);
            let (x, y, ln) = (p * small, q * small, ln_ratio(p, q));
            let huge = match self.measure {
                Measure::Reverse => [-y * ln, 0.0, 0.0],
                Measure::Generalized => [x * ln - x + y, 0.0, 0.0],
                Measure::Jeffreys => [(x - y) * ln, x * ln, -y * ln],
                Measure::Entropy => [x * ln_ratio(1.0, p), 0.0, 0.0],
                Measure::CrossEntropy => [x * ln_ratio(1.0, q), 0.0, 0.0],
                _ => [x * ln, 0.0, 0.0],
            };
            for (j, term) in huge.into_iter().enumerate() {
                state.add_shifted(TERMS + j, term);
            }
        }
    }

    /// Counts beyond 2^53 are no f64s: adds what rounding took from the masses, and computes the terms of both parts.
    #[cold]
    #[inline(never)]
    fn add_rests(&mut self, p_part: Row, q_part: Row, places: &mut impl Places) {
        for i in 0..self.p.len() {
            let rests = (p_part.rest(i), q_part.rest(i));
            if rests == (0.0, 0.0) {
                continue;
            }
            let (p, q) = (self.p[i], self.q[i]);
            let state = places.at(self.first + i);
            state.add(OF_P, rests.0);
            if self.measure != Measure::Entropy {
                state.add(OF_Q, rests.1);
            }
            if p == 0.0 || q == 0.0 {
                continue;
            }
            let mut of = [in_parts(p, rests.0), in_parts(q, rests.1)];
            if self.measure == Measure::Reverse {
                of.reverse();
            }
            let [a, b] = of;
            let terms = with_terms!(self.measure, op => terms_of(&op, a, b));
            for (chunk, term) in self.terms.iter_mut().zip(terms) {
                chunk[i] = term;
            }
            let low = |x: Parts<One>| x.lo.map_or(0.0, |lo| lo.0[0]);
            let (hi, lo) = (b.hi.0[0] - a.hi.0[0], low(b) - low(a));
            let is_kl = matches!(self.measure, Measure::Kl | Measure::Reverse);
            if is_kl && f64::align(a.hi.0[0], b.hi.0[0]).1 == 0.0 {
                // Where the straight part is q − p, it is exact in two numbers.
                self.terms[1][i] = -hi;
                state.add(TERMS, -lo);
            }
        }
    }
}

/// Adds finite numbers to one of the sums of a state.
fn add_all(state: &mut Partial, sum: usize, numbers: &[f64]) {
    // Three numbers hold the sum of elements whose magnitudes are within some 2^80 of each other, two within 2^40.
    if let Some(parts) = kernels::exact_sum::<2>(numbers) {
        parts.iter().for_each(|part| state.add(sum, *part));
    } else if let Some(parts) = kernels::exact_sum::<3>(numbers) {
        parts.iter().for_each(|part| state.add(sum, *part));
    } else {
        numbers.iter().for_each(|x| state.add(sum, *x));
    }
}

/// How many arrays the terms of a measure fill.
fn used<O: Op<M, C>, const M: usize, const C: usize>(_: &O) -> usize {
    M + C
}

fn in_parts(hi: f64, lo: f64) -> Parts<One> {
    Parts { hi: One::splat(hi), lo: Some(One::splat(lo)) }
}

/// As [`kernels::each`] of one pair in two parts.
fn terms_of<O: Op<M, C>, const M: usize, const C: usize>(op: &O, p: Parts<One>, q: Parts<One>) -> [f64; 3] {
    let terms = op.terms(p, q);
    let mut out = [0.0; 3];
    let signed = terms.plain.iter().map(|x| x.0[0]).chain(terms.exact.iter().map(|x| -x.0[0]));
    out.iter_mut().zip(signed).for_each(|(out, term)| *out = term);
    out
}

/// Whether every entry of a row is finite and at least 0.
pub(super) fn is_clean(row: Row) -> bool {
    let mut buffer = [0.0; CHUNK];
    (0..row.len()).step_by(CHUNK).all(|start| {
        let part = row.part(start, CHUNK.min(row.len() - start));
        match part.dtype() {
            Dtype::U64 => true,
            _ => {
                let entries: &[f64] = kernels::as_or_in(part, &mut buffer[..part.len()]);
                // No shortcut: all at once is faster.
                entries.iter().fold(true, |clean, x| clean & (*x >= 0.0) & (*x <= f64::MAX))
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Invalid;

    /// Numbers of either sign, from 2^(top − range) on to below 2^top, some of them 0.
    fn numbers(seed: u64, n: usize, top: i32, range: i32) -> Vec<f64> {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let mut number = || {
            let (bits, exponent) = (next(), top - (next() % (range as u64 + 1)) as i32);
            let mantissa = 0.5 + (bits >> 12) as f64 * 2f64.powi(-53);
            // In two steps, for the power may be subnormal.
            let x = mantissa * 2f64.powi(exponent / 2) * 2f64.powi(exponent - exponent / 2);
            if bits & 15 == 0 {
                0.0
            } else if bits & 16 == 0 {
                -x
            } else {
                x
            }
        };
        (0..n).map(|_| number()).collect()
    }

    #[test]
    fn numbers_that_are_added_at_once_are_what_they_are_one_by_one() {
        let mut blank = Partial::BLANK;
        blank.make_empty(Measure::Kl, Invalid::Error).unwrap();
        let mut ways = [0; 3];
        for seed in 0..4000 {
            let n = [1, 3, 8, 17, 40, 63, 64][seed as usize % 7];
            let range = [0, 10, 30, 36, 60, 78, 120, 900][(seed / 7) as usize % 8];
            let top = [0, 1, -40, 990, 1000, 1020, -900, -1000, -1030][(seed / 56) as usize % 9];
            let numbers = numbers(seed, n, top, range);
            let (mut one_by_one, mut at_once) = (blank.clone(), blank.clone());
            numbers.iter().for_each(|x| one_by_one.add(TERMS, *x));
            add_all(&mut at_once, TERMS, &numbers);
            one_by_one.seal();
            at_once.seal();
            assert!(one_by_one == at_once, "{seed}: {numbers:?}");
            let (two, three) = (kernels::exact_sum::<2>(&numbers), kernels::exact_sum::<3>(&numbers));
            ways[if two.is_some() { 0 } else { 1 + usize::from(three.is_none()) }] += 1;
        }
        assert!(ways.iter().all(|n| *n > 200), "{ways:?}");
    }

    #[test]
    fn what_a_first_grid_leaves_may_add_up() {
        // Steps of the first grid are 1/8, and each of 255 numbers leaves nearly half a step.
        let mut numbers = [2f64.powi(40) + 0.0625 - 2f64.powi(-12); 256];
        numbers[255] = 3.0 * 2f64.powi(-51);
        let parts = kernels::exact_sum::<3>(&numbers).unwrap();
        let sum = |numbers: &[f64]| {
            let mut state = Partial::BLANK;
            numbers.iter().for_each(|x| state.add(TERMS, *x));
            state
        };
        assert!(sum(&parts) == sum(&numbers), "{parts:?}");
    }
}
