//! The loops of every kernel, written once for all instruction sets, element types and measures.
//!
//! In plain words: take the elements eight (f64) or sixteen (f32) at a time, compute their terms, and add element
//! i of a block to lane i mod 8, those of f64 in stretches of 64 elements that are added from zero: equal terms round alike,
//! and 128 of them one after another would be off by 32 units where these are by 6. After 1024 elements the eight lanes are
//! joined, (0+4, 1+5, 2+6, 3+7), then (0+2, 1+3), then 0+1, and the block's sum is added to the total with compensation.
//! This tree depends on nothing but the elements and their number, so neither does a result's last bit.
//!
//! Departures: where four vectors hold nothing but calm numbers they are taken at once (`add_groups`), and four terms
//! of f32 that are not differences are added before they become f64; vectors that hold a zero, a subnormal or anything
//! odd are set right by [`settle`] before the terms are computed, so that the terms themselves need no cases; a short
//! row's last vector is filled with p = q = 1, whose terms are 0; the lanes of eight short rows are joined together, in
//! `rows`.

use std::ops::Range;

use crate::kernels::lane_sums::{LaneSums, Sums};
use crate::kernels::lanes::{Isa, Job, Lanes, Real, Vector, fetch_ahead, rarely};
use crate::kernels::log::Parts;
use crate::kernels::op::{Op, Terms};
use crate::kernels::prepare::{AsGiven, Prepare};
use crate::kernels::scalar::Array;
use crate::kernels::twice::Twice;
use crate::sum::Total;

/// Elements between two joins of the lanes.
pub(crate) const BLOCK: usize = 1024;

/// Elements whose terms are added from zero before they are added to the lanes.
pub(super) const STRETCH: usize = 64;

/// A sum under way. It is fed slices of whole stretches, whose lengths divide the block, but for the last one, or a single
/// slice of any length.
pub(crate) struct Running<const M: usize, const C: usize> {
    lanes: LaneSums<M, C>,
    /// Elements in the block under way.
    filled: usize,
    careful: bool,
    total: Total<M, C>,
}

/// Whether an operation's exact sums over elements of a type are compensated.
pub(super) const fn careful<O: Op<M, C>, T: Real, const M: usize, const C: usize>() -> bool {
    O::COMPENSATE || T::COMPENSATE
}

impl<const M: usize, const C: usize> Running<M, C> {
    pub(crate) fn new() -> Self {
        Running { lanes: LaneSums::ZERO, filled: 0, careful: false, total: Total::ZERO }
    }

    /// The total, once everything was fed.
    pub(crate) fn finish(mut self) -> Total<M, C> {
        if self.filled > 0 {
            self.total.add(&Sums::<Array<f64, 8>, M, C>::from_lanes(&self.lanes).total(self.careful));
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
        add_edges(op, &given, 0..V::LANES, sums);
    }
    let terms = live_terms(op, &pair);
    for part in 0..V::LANES / 8 {
        sums.add::<O, V>(&terms, part);
    }
}

/// Adds the terms of a pair of vectors to sums that have eight lanes each.
#[inline(always)]
pub(super) fn add_columns<O: Op<M, C>, V: Lanes, const M: usize, const C: usize>(
    op: &O,
    given: Loaded<V>,
    columns: &mut [Sums<V::Sum, M, C>],
) {
    let (pair, odd) = settle(op, &given);
    if odd {
        for (part, sums) in columns.iter_mut().enumerate() {
            add_edges(op, &given, 8 * part..8 * part + 8, sums);
        }
    }
    let terms = live_terms(op, &pair);
    for (part, sums) in columns.iter_mut().enumerate() {
        sums.add::<O, V>(&terms, part);
    }
}

/// Adds the terms of two slices of equal length, a block or less, stretch by stretch.
#[inline(always)]
fn add_slices<I: Isa, O: Op<M, C>, P: Prepare, T: Vector, const M: usize, const C: usize>(
    op: &O,
    prepare: &P,
    p: &[T],
    q: &[T],
    sums: &mut Sums<I::F64, M, C>,
) {
    // Of f32 no rounding of f64 sums is seen.
    if !T::COMPENSATE {
        return add_stretch::<I, O, P, T, M, C>(op, prepare, p, q, sums);
    }
    let n = p.len().min(q.len());
    let mut from = 0;
    while from < n {
        let end = n.min(from + STRETCH);
        let before = sums.begin();
        add_stretch::<I, O, P, T, M, C>(op, prepare, &p[from..end], &q[from..end], sums);
        sums.end(&before);
        from = end;
    }
}

/// Adds the terms of two slices of equal length, one after another.
#[inline(always)]
fn add_stretch<I: Isa, O: Op<M, C>, P: Prepare, T: Vector, const M: usize, const C: usize>(
    op: &O,
    prepare: &P,
    p: &[T],
    q: &[T],
    sums: &mut Sums<I::F64, M, C>,
) {
    let n = p.len().min(q.len());
    let mut at = 0;
    while at < n {
        let groups = O::GROUPS && P::AS_GIVEN;
        let until = if groups { add_groups::<I, O, T, M, C>(op, p, q, &mut at, sums) } else { n };
        while let Some(pair) = vectors::<T::On<I>, P>(prepare, &p[..until], &q[..until], &mut at) {
            add_vector(op, pair, sums);
        }
    }
}

/// Four vectors.
pub(super) type Four<V> = Twice<Twice<V>>;

#[inline(always)]
pub(super) fn each_of<V: Copy>(four: Four<V>) -> [V; 4] {
    [four.0.0, four.0.1, four.1.0, four.1.1]
}

/// Adds the terms of four pairs of vectors after four, from `at` on, for as long as there are so many and all are calm, so
/// that nothing else has to be asked, and there are always as many terms under way as a processor can do with. Says up to
/// where the vectors have to be taken one by one.
///
/// Four plain terms of f32 are added as they are, before they become f64; those of f64 are added like any others, so that
/// their bits do not tell whether they came in a group.
#[inline(always)]
fn add_groups<I: Isa, O: Op<M, C>, T: Vector, const M: usize, const C: usize>(
    op: &O,
    p: &[T],
    q: &[T],
    at: &mut usize,
    sums: &mut Sums<I::F64, M, C>,
) -> usize {
    let n = p.len().min(q.len());
    while *at + 4 * T::On::<I>::LANES <= n {
        let from = *at;
        let end = from + 4 * T::On::<I>::LANES;
        // SAFETY: four vectors are left in both.
        let (x, y) = unsafe {
            (Four::<T::On<I>>::load(p.as_ptr().add(from)), Four::<T::On<I>>::load(q.as_ptr().add(from)))
        };
        for line in 0..4 {
            fetch_ahead(p.as_ptr().wrapping_add(from).wrapping_byte_add(64 * line));
            fetch_ahead(q.as_ptr().wrapping_add(from).wrapping_byte_add(64 * line));
        }
        if !O::calm(x, y) {
            return end;
        }
        *at = end;
        let mut plain = [[T::On::<I>::zero(); M]; 4];
        if I::WIDE && !T::COMPENSATE {
            let terms = op.terms(Parts::from(x), Parts::from(y));
            for v in 0..4 {
                let mut exact = [T::On::<I>::zero(); C];
                for i in 0..C {
                    exact[i] = each_of(terms.exact[i])[v];
                }
                sums.add_exact::<O, T::On<I>>(&exact);
                for i in 0..M {
                    plain[v][i] = each_of(terms.plain[i])[v];
                }
            }
        } else {
            let (x, y) = (each_of(x), each_of(y));
            for v in 0..4 {
                let terms = op.terms(Parts::from(x[v]), Parts::from(y[v]));
                sums.add_exact::<O, T::On<I>>(&terms.exact);
                plain[v] = terms.plain;
                if T::COMPENSATE {
                    sums.add_plain(&terms.plain);
                }
            }
        }
        if T::COMPENSATE {
            continue;
        }
        let mut four = plain[0];
        for i in 0..M {
            four[i] = (plain[0][i] + plain[1][i]) + (plain[2][i] + plain[3][i]);
        }
        sums.add_plain(&four);
    }
    n
}

/// The sums of a row of at most a block.
#[inline(always)]
pub(super) fn add_row<I: Isa, O: Op<M, C>, P: Prepare, T: Vector, const M: usize, const C: usize>(
    op: &O,
    prepare: &P,
    p: &[T],
    q: &[T],
) -> Sums<I::F64, M, C> {
    let mut sums = Sums::zero();
    add_slices::<I, O, P, T, M, C>(op, prepare, p, q, &mut sums);
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

/// The measure of a single pair, if it is its terms' sum.
pub(crate) struct ValueOfPair<'a, O, T, const M: usize, const C: usize> {
    pub(crate) op: &'a O,
    pub(crate) p: T,
    pub(crate) q: T,
}

impl<O: Op<M, C>, T: Vector, const M: usize, const C: usize> Job for ValueOfPair<'_, O, T, M, C> {
    type Output = f64;

    #[inline(always)]
    fn run<I: Isa>(self) -> f64 {
        Single { op: self.op, prepare: &AsGiven, p: self.p, q: self.q }.run::<I>().difference()
    }
}

/// The terms of a single pair as their sum: a vector with one lane to fill would take four times as long.
pub(crate) struct Single<'a, O, P, T, const M: usize, const C: usize> {
    pub(crate) op: &'a O,
    pub(crate) prepare: &'a P,
    pub(crate) p: T,
    pub(crate) q: T,
}

impl<O: Op<M, C>, P: Prepare, T: Vector, const M: usize, const C: usize> Job for Single<'_, O, P, T, M, C> {
    type Output = Total<M, C>;

    #[inline(always)]
    fn run<I: Isa>(self) -> Total<M, C> {
        let (p, q) = self.prepare.pair(Array([self.p]), Array([self.q]));
        total_of_one(self.op, Loaded { p, q, live: None, alone: None })
    }
}

/// Feeds the terms of two slices of equal length to a running sum.
pub(crate) struct Sum<'a, O, P, T, const M: usize, const C: usize> {
    pub(crate) op: &'a O,
    pub(crate) prepare: &'a P,
    pub(crate) p: &'a [T],
    pub(crate) q: &'a [T],
    /// Whether nothing follows these.
    pub(crate) last: bool,
    pub(crate) running: &'a mut Running<M, C>,
}

impl<O: Op<M, C>, P: Prepare, T: Vector, const M: usize, const C: usize> Job for Sum<'_, O, P, T, M, C> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Sum { op, prepare, p, q, last, running } = self;
        running.careful = careful::<O, T, M, C>();
        let mut sums = Sums::from_lanes(&running.lanes);
        let n = p.len().min(q.len());
        let mut from = 0;
        while from < n {
            let end = n.min(from + BLOCK - running.filled);
            add_slices::<I, O, P, T, M, C>(op, prepare, &p[from..end], &q[from..end], &mut sums);
            running.filled += end - from;
            if running.filled == BLOCK || (last && end == n) {
                running.total.add(&sums.total(running.careful));
                running.filled = 0;
                sums = Sums::zero();
            }
            from = end;
        }
        if !last {
            running.lanes = sums.lanes();
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
        // Copies: for all a compiler knows, what is written might be theirs.
        let (op, prepare) = (*op, *prepare);
        let (n, lanes) = (out.len(), T::On::<I>::LANES);
        let (p, q) = (&p[..n], &q[..n]);
        let (mut at, mut numbers) = (0, true);
        while at < n {
            let len = lanes.min(n - at);
            if len == lanes {
                fetch_ahead(p.as_ptr().wrapping_add(at));
                fetch_ahead(q.as_ptr().wrapping_add(at));
                // SAFETY: a whole vector is left in all three.
                unsafe {
                    let given = Loaded::<T::On<I>>::whole(&prepare, p.as_ptr().add(at), q.as_ptr().add(at));
                    let (pair, odd) = settle(&op, &given);
                    if !odd {
                        live_terms(&op, &pair).value().store(out.as_mut_ptr().add(at));
                        at += lanes;
                        continue;
                    }
                }
            }
            let end = at + len;
            let (op, prepare, out) = (&op, &prepare, &mut out[at..end]);
            numbers &= rarely::<I, _>(WriteSome(Write { op, prepare, p: &p[at..end], q: &q[at..end], out }));
            at = end;
        }
        numbers
    }
}

/// The same of less than a vector, or of one with edges.
struct WriteSome<'a, O, P, T, const M: usize, const C: usize>(Write<'a, O, P, T, M, C>);

impl<O: Op<M, C>, P: Prepare, T: Vector, const M: usize, const C: usize> Job
    for WriteSome<'_, O, P, T, M, C>
{
    type Output = bool;

    #[inline(always)]
    fn run<I: Isa>(self) -> bool {
        let Write { op, prepare, p, q, out } = self.0;
        let Some(given) = vectors::<T::On<I>, P>(prepare, p, q, &mut 0) else { return true };
        let (pair, odd) = settle(op, &given);
        let mut made = [T::ZERO; 16];
        // SAFETY: a vector is at most 16 elements.
        unsafe { live_terms(op, &pair).value().store(made.as_mut_ptr()) };
        let mut numbers = true;
        if odd {
            let edges = edge_terms::<O, T::On<I>, M, C>(op, &given);
            for (value, edge) in made.iter_mut().zip(&edges) {
                let edge = edge.value();
                numbers &= !edge.is_nan();
                *value = T::from_f64(value.to_f64() + edge);
            }
        }
        let wanted = out.len();
        out.copy_from_slice(&made[..wanted]);
        numbers
    }
}

/// A pair of vectors, and which of their lanes are live where not all are.
#[derive(Clone, Copy)]
pub(super) struct Loaded<V: Lanes> {
    pub(super) p: Parts<V>,
    pub(super) q: Parts<V>,
    live: Option<V::Mask>,
    /// See [`Op::alone`]; of what is settled.
    alone: Option<(V::Mask, V)>,
}

impl<V: Lanes> Loaded<V> {
    #[inline(always)]
    pub(super) fn of<P: Prepare>(prepare: &P, p: V, q: V) -> Self {
        let (p, q) = prepare.pair(p, q);
        Loaded { p, q, live: None, alone: None }
    }

    /// # Safety
    /// A vector is readable from each.
    #[inline(always)]
    pub(super) unsafe fn whole<P: Prepare>(prepare: &P, p: *const V::Real, q: *const V::Real) -> Self {
        // SAFETY: the caller's promise.
        unsafe { Self::of(prepare, V::load(p), V::load(q)) }
    }
}

/// The vectors at `at` of two slices of equal length; a last one is filled up with ones. `at` moves on, to the end at
/// most. A closure called on each would read better, but it would not be compiled for the instruction set.
#[inline(always)]
pub(super) fn vectors<V: Lanes, P: Prepare>(
    prepare: &P,
    p: &[V::Real],
    q: &[V::Real],
    at: &mut usize,
) -> Option<Loaded<V>> {
    let n = p.len().min(q.len());
    let from = *at;
    if from >= n {
        return None;
    }
    *at = n.min(from + V::LANES);
    if from + V::LANES <= n {
        // SAFETY: a whole vector is left in both.
        return Some(unsafe { Loaded::whole(prepare, p.as_ptr().add(from), q.as_ptr().add(from)) });
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
    Some(Loaded { p, q, live: Some(live), alone: None })
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
/// lane has terms that must be computed one at a time, by [`edge_terms`]; those where only one is 0 may be known.
#[inline(always)]
pub(super) fn settle<O: Op<M, C>, V: Lanes, const M: usize, const C: usize>(
    op: &O,
    given: &Loaded<V>,
) -> (Loaded<V>, bool) {
    let Loaded { mut p, mut q, live, .. } = *given;
    if O::takes_all(p.hi, q.hi) {
        return (*given, false);
    }
    let keep = O::takes(p.hi, q.hi);
    let (settled, alone) = (V::or(keep, op.nothing(p.hi, q.hi)), op.alone(p.hi, q.hi));
    let settled = match alone {
        Some((mask, _)) => V::or(settled, mask),
        None => settled,
    };
    fill_with_ones(keep, &mut p, &mut q);
    let live = match live {
        Some(live) => V::and(live, keep),
        None => keep,
    };
    (Loaded { p, q, live: Some(live), alone }, !V::all(settled))
}

/// The terms of settled vectors; 0 in the lanes that are not live, nor alone.
#[inline(always)]
pub(super) fn live_terms<O: Op<M, C>, V: Lanes, const M: usize, const C: usize>(
    op: &O,
    settled: &Loaded<V>,
) -> Terms<V, M, C> {
    let mut terms = op.terms(settled.p, settled.q);
    if let Some(live) = settled.live
        && !O::NOTHING_AT_ONE
    {
        terms = terms.within(live);
    }
    if let Some((mask, term)) = settled.alone {
        terms.plain[0] = V::select(mask, term, terms.plain[0]);
    }
    terms
}

/// Adds the terms of some of the lanes, those that are not taken, to sums of eight.
#[inline(always)]
fn add_edges<O: Op<M, C>, V: Lanes, const M: usize, const C: usize>(
    op: &O,
    given: &Loaded<V>,
    lanes: Range<usize>,
    sums: &mut Sums<V::Sum, M, C>,
) {
    let (mut p, mut q) = ([V::Real::ZERO; 16], [V::Real::ZERO; 16]);
    const { assert!(V::LANES <= 16) };
    // SAFETY: there are as many places.
    unsafe {
        given.p.hi.store(p.as_mut_ptr());
        given.q.hi.store(q.as_mut_ptr());
    }
    let mut in_memory = sums.lanes();
    add_edges_in_memory(op, &p[lanes.clone()], &q[lanes], &mut in_memory);
    *sums = Sums::from_lanes(&in_memory);
}

/// The same, in plain arithmetic. Not inlined: it is rarely needed, and the kernels are large.
#[cold]
#[inline(never)]
fn add_edges_in_memory<O: Op<M, C>, R: Real, const M: usize, const C: usize>(
    op: &O,
    p: &[R],
    q: &[R],
    sums: &mut LaneSums<M, C>,
) {
    for (i, (p, q)) in p.iter().zip(q).enumerate() {
        if let Some(edge) = edge_of(op, *p, *q) {
            sums.add(i % 8, &edge);
        }
    }
}

/// The terms of a pair that is not taken, nor alone.
fn edge_of<O: Op<M, C>, R: Real, const M: usize, const C: usize>(
    op: &O,
    p: R,
    q: R,
) -> Option<Terms<f64, M, C>> {
    let (one_p, one_q) = (Array([p]), Array([q]));
    let [taken] = O::takes(one_p, one_q);
    let alone = op.alone(one_p, one_q).is_some_and(|([alone], _)| alone);
    (!taken && !alone).then(|| op.edge(p.to_f64(), q.to_f64()))
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
        if let Some(edge) = edge_of(op, R::from_f64(p[i]), R::from_f64(q[i])) {
            terms[i] = edge;
        }
    }
    terms
}
