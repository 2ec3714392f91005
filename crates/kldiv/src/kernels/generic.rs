//! The loops of every kernel, written once for all instruction sets, element types and measures.
//!
//! In plain words: take the elements eight (f64) or sixteen (f32) at a time, compute their terms, and add element
//! i of a block to lane i mod 8. After 1024 elements the eight lanes are joined, (0+4, 1+5, 2+6, 3+7), then
//! (0+2, 1+3), then 0+1, and the block's sum is added to the total with compensation. This tree depends on nothing
//! but the number of elements, so neither does a result's last bit.
//!
//! Departures: vectors that hold a zero, a subnormal or anything odd are set right by [`settle`] before the terms
//! are computed, so that the terms themselves need no cases; a short row's last vector is filled with p = q = 1,
//! whose terms are 0; the lanes of eight short rows are joined together, in `rows`.

use crate::kernels::lanes::{Isa, Job, Lanes, Real, Vector, two_sum};
use crate::kernels::log::Parts;
use crate::kernels::op::{Op, Terms};
use crate::kernels::prepare::{AsGiven, Prepare};
use crate::kernels::scalar::Array;
use crate::sum::{Compensated, Total};

/// Elements between two joins of the lanes.
pub(crate) const BLOCK: usize = 1024;

/// Sums of terms in lanes: plain ones, and ones with their rounding errors beside them.
#[derive(Clone, Copy)]
pub(super) struct Sums<S, const M: usize, const C: usize> {
    plain: [S; M],
    exact: [(S, S); C],
}

impl<S: Lanes<Real = f64>, const M: usize, const C: usize> Sums<S, M, C> {
    #[inline(always)]
    pub(super) fn zero() -> Self {
        Sums { plain: [S::zero(); M], exact: [(S::zero(), S::zero()); C] }
    }

    /// Adds lanes `8 part` to `8 part + 7` of the terms.
    #[inline(always)]
    fn add<O: Op<M, C>, V: Lanes<Sum = S>>(&mut self, terms: &Terms<V, M, C>, part: usize) {
        for i in 0..M {
            self.plain[i] = self.plain[i] + terms.plain[i].part(part);
        }
        for i in 0..C {
            let (sum, error) = self.exact[i];
            let term = terms.exact[i].part(part);
            self.exact[i] = if O::COMPENSATE || V::Real::COMPENSATE {
                let (sum, e) = two_sum(sum, term);
                (sum, error + e)
            } else {
                (sum + term, error)
            };
        }
    }

    /// Adds up to eight terms that were computed one at a time.
    #[inline(always)]
    fn add_edges(&mut self, edges: &[Terms<f64, M, C>]) {
        let mut lanes = self.lanes();
        lanes.add(edges);
        *self = Sums::from_lanes(&lanes);
    }

    #[inline(always)]
    pub(super) fn join(&self, other: &Self) -> Self {
        let mut joined = *self;
        for i in 0..M {
            joined.plain[i] = self.plain[i] + other.plain[i];
        }
        for i in 0..C {
            let (sum, e) = two_sum(self.exact[i].0, other.exact[i].0);
            joined.exact[i] = (sum, e + (self.exact[i].1 + other.exact[i].1));
        }
        joined
    }

    /// Two sums joined, each with itself: lanes without the bit with those that have it, the first's results in the
    /// former, the second's in the latter.
    #[inline(always)]
    pub(super) fn join_across<const BIT: usize>(a: &Self, b: &Self) -> Self {
        let without = S::without_bit(BIT);
        let (a_swapped, b_swapped) = (a.swap(BIT), b.swap(BIT));
        let (mut low, mut high) = (*a, *b);
        for i in 0..M {
            low.plain[i] = S::select(without, a.plain[i], b_swapped.plain[i]);
            high.plain[i] = S::select(without, a_swapped.plain[i], b.plain[i]);
        }
        for i in 0..C {
            low.exact[i].0 = S::select(without, a.exact[i].0, b_swapped.exact[i].0);
            low.exact[i].1 = S::select(without, a.exact[i].1, b_swapped.exact[i].1);
            high.exact[i].0 = S::select(without, a_swapped.exact[i].0, b.exact[i].0);
            high.exact[i].1 = S::select(without, a_swapped.exact[i].1, b.exact[i].1);
        }
        low.join(&high)
    }

    /// The same with the lanes of every sum moved; see [`Lanes::swap`].
    #[inline(always)]
    fn swap(&self, distance: usize) -> Self {
        let mut swapped = *self;
        for sum in &mut swapped.plain {
            *sum = sum.swap(distance);
        }
        for (sum, error) in &mut swapped.exact {
            (*sum, *error) = (sum.swap(distance), error.swap(distance));
        }
        swapped
    }

    /// The eight lanes joined, along the fixed tree.
    #[inline(always)]
    fn total(&self) -> Total<M, C> {
        let four = self.join(&self.swap(4));
        let two = four.join(&four.swap(2));
        let one = two.join(&two.swap(1));
        let mut total = Total::ZERO;
        for i in 0..M {
            total.plain[i].hi = one.plain[i].lane_0();
        }
        for i in 0..C {
            total.exact[i] = Compensated { hi: one.exact[i].0.lane_0(), lo: one.exact[i].1.lane_0() };
        }
        total
    }

    /// Each lane's measure, if that is its sum; see [`Op::finish`], whose bits these are.
    #[inline(always)]
    pub(super) fn values(&self) -> S {
        if C == 0 {
            return self.plain[0];
        }
        let (x, error) = self.exact[0];
        let (value, rest) = two_sum(self.plain[0], S::zero() - x);
        let whole = value + (rest - error);
        // An infinite sum has no rounding error.
        let finite = S::le(S::splat(-f64::MAX), value);
        S::select(S::and(finite, S::le(value, S::splat(f64::MAX))), whole, value)
    }

    /// The lanes in memory.
    #[inline(always)]
    fn lanes(&self) -> LaneSums<M, C> {
        let mut lanes = LaneSums::ZERO;
        for i in 0..M {
            lanes.plain[i] = self.plain[i].to_f64s();
        }
        for i in 0..C {
            lanes.exact[i] = (self.exact[i].0.to_f64s(), self.exact[i].1.to_f64s());
        }
        lanes
    }

    #[inline(always)]
    fn from_lanes(lanes: &LaneSums<M, C>) -> Self {
        let mut sums = Sums::zero();
        for i in 0..M {
            sums.plain[i] = load_eight(&lanes.plain[i]);
        }
        for i in 0..C {
            sums.exact[i] = (load_eight(&lanes.exact[i].0), load_eight(&lanes.exact[i].1));
        }
        sums
    }
}

#[inline(always)]
fn load_eight<S: Lanes<Real = f64>>(lanes: &[f64; 8]) -> S {
    // SAFETY: eight elements are a sum's vector.
    unsafe { S::load(lanes.as_ptr()) }
}

/// Eight lanes of sums in memory.
#[derive(Clone, Copy)]
struct LaneSums<const M: usize, const C: usize> {
    plain: [[f64; 8]; M],
    exact: [([f64; 8], [f64; 8]); C],
}

impl<const M: usize, const C: usize> LaneSums<M, C> {
    const ZERO: Self = LaneSums { plain: [[0.0; 8]; M], exact: [([0.0; 8], [0.0; 8]); C] };

    /// Adds up to eight terms that were computed one at a time.
    #[cold]
    fn add(&mut self, edges: &[Terms<f64, M, C>]) {
        for (lane, edge) in edges.iter().take(8).enumerate() {
            for i in 0..M {
                self.plain[i][lane] += edge.plain[i];
            }
            for i in 0..C {
                let (sums, errors) = &mut self.exact[i];
                let mut sum = Compensated { hi: sums[lane], lo: errors[lane] };
                sum.add(edge.exact[i]);
                (sums[lane], errors[lane]) = (sum.hi, sum.lo);
            }
        }
    }
}

/// A sum under way: it is fed slices whose lengths, but for the last one's, divide the block.
pub(crate) struct Running<const M: usize, const C: usize> {
    lanes: LaneSums<M, C>,
    /// Elements in the block under way.
    filled: usize,
    total: Total<M, C>,
}

impl<const M: usize, const C: usize> Running<M, C> {
    pub(crate) fn new() -> Self {
        Running { lanes: LaneSums::ZERO, filled: 0, total: Total::ZERO }
    }

    fn close(&mut self) {
        self.total.add(&Sums::<Array<f64, 8>, M, C>::from_lanes(&self.lanes).total());
        self.lanes = LaneSums::ZERO;
        self.filled = 0;
    }

    /// The total, once everything was fed.
    pub(crate) fn finish(mut self) -> Total<M, C> {
        if self.filled > 0 {
            self.close();
        }
        self.total
    }
}

/// Adds the terms of a pair of vectors, eight lanes after eight.
#[inline(always)]
fn add_vector<O: Op<M, C>, V: Lanes, const M: usize, const C: usize>(
    op: &O,
    given: Loaded<V>,
    sums: &mut Sums<V::Sum, M, C>,
) {
    let (pair, odd) = settle(op, &given);
    if odd {
        let edges = edge_terms::<O, V, M, C>(op, &given);
        for part in 0..V::LANES / 8 {
            sums.add_edges(&edges[8 * part..]);
        }
    }
    let terms = live_terms(op, &pair);
    for part in 0..V::LANES / 8 {
        sums.add::<O, V>(&terms, part);
    }
}

/// Adds the terms of two slices of equal length, a block or less.
#[inline(always)]
fn add_slices<I: Isa, O: Op<M, C>, P: Prepare, T: Vector, const M: usize, const C: usize>(
    op: &O,
    prepare: &P,
    p: &[T],
    q: &[T],
    sums: &mut Sums<I::F64, M, C>,
) {
    let mut at = 0;
    while let Some(pair) = vectors::<T::On<I>, P>(prepare, p, q, &mut at) {
        add_vector(op, pair, sums);
    }
}

/// The sums of a row of at most a block.
#[inline(always)]
pub(super) fn add_row<I: Isa, O: Op<M, C>, T: Vector, const M: usize, const C: usize>(
    op: &O,
    p: &[T],
    q: &[T],
) -> Sums<I::F64, M, C> {
    let mut sums = Sums::zero();
    add_slices::<I, O, AsGiven, T, M, C>(op, &AsGiven, p, q, &mut sums);
    sums
}

/// The terms of a single pair as their sum.
#[inline(always)]
fn total_of_one<O: Op<M, C>, R: Real, const M: usize, const C: usize>(
    op: &O,
    given: Loaded<Array<R, 1>>,
) -> Total<M, C> {
    let mut total = Total::ZERO;
    let (pair, odd) = settle(op, &given);
    if odd {
        let [edge, ..] = edge_terms::<O, Array<R, 1>, M, C>(op, &given);
        for i in 0..M {
            total.plain[i].hi = edge.plain[i];
        }
        for i in 0..C {
            total.exact[i].hi = edge.exact[i];
        }
        return total;
    }
    let terms = live_terms(op, &pair);
    for i in 0..M {
        total.plain[i].hi = terms.plain[i].lane_0();
    }
    for i in 0..C {
        total.exact[i].hi = terms.exact[i].lane_0();
    }
    total
}

/// The sums of the terms of two slices of equal length.
pub(crate) struct Sum<'a, O, P, T, const M: usize, const C: usize> {
    pub(crate) op: &'a O,
    pub(crate) prepare: &'a P,
    pub(crate) p: &'a [T],
    pub(crate) q: &'a [T],
}

impl<O: Op<M, C>, P: Prepare, T: Vector, const M: usize, const C: usize> Job for Sum<'_, O, P, T, M, C> {
    type Output = Total<M, C>;

    #[inline(always)]
    fn run<I: Isa>(self) -> Total<M, C> {
        let Sum { op, prepare, mut p, mut q } = self;
        let mut total = Total::ZERO;
        if let (&[x], &[y]) = (p, q) {
            // A vector with one lane to fill would take four times as long.
            let (p, q) = prepare.pair(Array([x]), Array([y]));
            total.add(&total_of_one(op, Loaded { p, q, live: None }));
            return total;
        }
        while !p.is_empty() {
            let n = p.len().min(BLOCK);
            let mut sums = Sums::zero();
            add_slices::<I, O, P, T, M, C>(op, prepare, &p[..n], &q[..n], &mut sums);
            total.add(&sums.total());
            (p, q) = (&p[n..], &q[n..]);
        }
        total
    }
}

/// Feeds the terms of two slices of equal length to a running sum.
pub(crate) struct Extend<'a, O, P, T, const M: usize, const C: usize> {
    pub(crate) op: &'a O,
    pub(crate) prepare: &'a P,
    pub(crate) p: &'a [T],
    pub(crate) q: &'a [T],
    pub(crate) running: &'a mut Running<M, C>,
}

impl<O: Op<M, C>, P: Prepare, T: Vector, const M: usize, const C: usize> Job for Extend<'_, O, P, T, M, C> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Extend { op, prepare, p, q, running } = self;
        let mut sums = Sums::from_lanes(&running.lanes);
        add_slices::<I, O, P, T, M, C>(op, prepare, p, q, &mut sums);
        running.lanes = sums.lanes();
        running.filled += p.len();
        if running.filled == BLOCK {
            running.close();
        }
    }
}

/// Writes each term of two slices to a third, all of equal length; says whether all are numbers.
pub(crate) struct Write<'a, O, P, T, const M: usize, const C: usize> {
    pub(crate) op: &'a O,
    pub(crate) prepare: &'a P,
    pub(crate) p: &'a [T],
    pub(crate) q: &'a [T],
    pub(crate) out: &'a mut [T],
}

impl<O: Op<M, C>, P: Prepare, T: Vector, const M: usize, const C: usize> Job for Write<'_, O, P, T, M, C> {
    type Output = bool;

    #[inline(always)]
    fn run<I: Isa>(self) -> bool {
        let Write { op, prepare, p, q, out } = self;
        let lanes = T::On::<I>::LANES;
        let (mut at, mut numbers) = (0, true);
        for out in out.chunks_mut(lanes) {
            let Some(given) = vectors::<T::On<I>, P>(prepare, p, q, &mut at) else { return numbers };
            let (pair, odd) = settle(op, &given);
            let value = live_terms(op, &pair).value();
            if !odd && out.len() == lanes {
                // SAFETY: a whole vector is left.
                unsafe { value.store(out.as_mut_ptr()) };
                continue;
            }
            let mut values = value.to_f64s::<16>();
            if odd {
                let edges = edge_terms::<O, T::On<I>, M, C>(op, &given);
                for (value, edge) in values.iter_mut().zip(&edges) {
                    let edge = edge.value();
                    numbers &= !edge.is_nan();
                    *value += edge;
                }
            }
            for (out, value) in out.iter_mut().zip(values) {
                *out = T::from_f64(value);
            }
        }
        numbers
    }
}

/// A pair of vectors, and which of their lanes are live where not all are.
#[derive(Clone, Copy)]
pub(super) struct Loaded<V: Lanes> {
    p: Parts<V>,
    q: Parts<V>,
    live: Option<V::Mask>,
}

/// The vectors at `at` of two slices of equal length; a last one is filled up with ones. `at` moves on. A closure
/// called on each would read better, but it would not be compiled for the instruction set.
#[inline(always)]
pub(super) fn vectors<V: Lanes, P: Prepare>(
    prepare: &P,
    p: &[V::Real],
    q: &[V::Real],
    at: &mut usize,
) -> Option<Loaded<V>> {
    let n = p.len().min(q.len());
    let from = *at;
    *at += V::LANES;
    if *at <= n {
        // SAFETY: a whole vector is left in both.
        let (p, q) = unsafe { (V::load(p.as_ptr().add(from)), V::load(q.as_ptr().add(from))) };
        let (p, q) = prepare.pair(p, q);
        return Some(Loaded { p, q, live: None });
    }
    if from >= n {
        return None;
    }
    let live = V::first(n - from);
    // SAFETY: n - from elements are left in both, less than a vector.
    let (p, q) = unsafe {
        (V::load_first(p.as_ptr().add(from), n - from), V::load_first(q.as_ptr().add(from), n - from))
    };
    let (mut p, mut q) = prepare.pair(p, q);
    if p.lo.is_some() {
        fill_with_ones(live, &mut p, &mut q);
    }
    Some(Loaded { p, q, live: Some(live) })
}

/// Puts p = q = 1 in every lane outside the mask.
#[inline(always)]
fn fill_with_ones<V: Lanes>(keep: V::Mask, p: &mut Parts<V>, q: &mut Parts<V>) {
    for x in [p, q] {
        x.hi = V::select(keep, x.hi, V::one());
        if let Some(lo) = x.lo {
            x.lo = Some(V::select(keep, lo, V::zero()));
        }
    }
}

/// Puts p = q = 1 in every lane where a number is zero, subnormal, huge or no probability, and says whether such a
/// lane has terms that must be computed one at a time, by [`edge_terms`].
#[inline(always)]
pub(super) fn settle<O: Op<M, C>, V: Lanes, const M: usize, const C: usize>(
    op: &O,
    given: &Loaded<V>,
) -> (Loaded<V>, bool) {
    let Loaded { mut p, mut q, live } = *given;
    if O::takes_all(p.hi, q.hi) {
        return (Loaded { p, q, live }, false);
    }
    let (keep, nothing) = (O::takes(p.hi, q.hi), op.nothing(p.hi, q.hi));
    fill_with_ones(keep, &mut p, &mut q);
    let live = match live {
        Some(live) => V::and(live, keep),
        None => keep,
    };
    (Loaded { p, q, live: Some(live) }, !V::all(V::or(keep, nothing)))
}

/// The terms of settled vectors; 0 in the lanes that are not live.
#[inline(always)]
pub(super) fn live_terms<O: Op<M, C>, V: Lanes, const M: usize, const C: usize>(
    op: &O,
    settled: &Loaded<V>,
) -> Terms<V, M, C> {
    let terms = op.terms(settled.p, settled.q);
    match settled.live {
        Some(live) if !O::NOTHING_AT_ONE => terms.within(live),
        _ => terms,
    }
}

/// The terms of the lanes that are not taken; 0 for the others.
#[inline(always)]
pub(super) fn edge_terms<O: Op<M, C>, V: Lanes, const M: usize, const C: usize>(
    op: &O,
    given: &Loaded<V>,
) -> [Terms<f64, M, C>; 16] {
    edge_terms_of::<O, V::Real, M, C>(op, &given.p.hi.to_f64s(), &given.q.hi.to_f64s(), V::LANES)
}

/// The same, in plain arithmetic.
#[cold]
#[inline(never)]
fn edge_terms_of<O: Op<M, C>, R: Real, const M: usize, const C: usize>(
    op: &O,
    p: &[f64; 16],
    q: &[f64; 16],
    lanes: usize,
) -> [Terms<f64, M, C>; 16] {
    let mut terms = [Terms::NOTHING; 16];
    for i in 0..lanes {
        let (x, y) = (Array::<R, 1>::constant(p[i]), Array::<R, 1>::constant(q[i]));
        if !Array::<R, 1>::all(O::takes(x, y)) {
            terms[i] = op.edge(p[i], q[i]);
        }
    }
    terms
}
