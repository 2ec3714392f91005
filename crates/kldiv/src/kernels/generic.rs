//! The loops of every kernel, written once for all instruction sets, element types and measures.
//!
//! In plain words: take the elements eight (f64) or sixteen (f32) at a time, compute their terms, and add element
//! i of a block to lane i mod 8. After 1024 elements the eight lanes are joined, (0+4, 1+5, 2+6, 3+7), then
//! (0+2, 1+3), then 0+1, and the block's sum is added to the total with compensation. This tree depends on nothing
//! but the number of elements, so neither does a result's last bit.
//!
//! Departures: vectors that hold a zero, a subnormal or anything odd are set right by [`settle`] before the terms
//! are computed, so that the terms themselves need no cases; a short row's last vector is filled with p = q = 1,
//! whose terms are 0; many short rows go through the same terms with a row a lane instead of an element a lane.

use crate::kernels::Job;
use crate::kernels::lanes::{Isa, Lanes, Real, Vector};
use crate::kernels::log::Parts;
use crate::kernels::op::{Op, Terms};
use crate::kernels::prepare::Prepare;
use crate::kernels::scalar::One;
use crate::sum::{Compensated, Total};

/// Elements between two joins of the lanes.
pub(crate) const BLOCK: usize = 1024;

/// Sums of terms in lanes: plain ones, and ones with their rounding errors beside them.
#[derive(Clone, Copy)]
struct Sums<S, const M: usize, const C: usize> {
    plain: [S; M],
    exact: [(S, S); C],
}

impl<S: Lanes<Real = f64>, const M: usize, const C: usize> Sums<S, M, C> {
    #[inline(always)]
    fn zero() -> Self {
        Sums { plain: [S::zero(); M], exact: [(S::zero(), S::zero()); C] }
    }

    /// Adds lanes `8 part` to `8 part + 7` of the terms, and of those that were computed one at a time.
    #[inline(always)]
    fn add<V: Lanes<Sum = S>>(&mut self, terms: &SettledTerms<V, M, C>, part: usize) {
        for i in 0..M {
            self.plain[i] = self.plain[i] + terms.lanes.plain[i].part(part);
        }
        for i in 0..C {
            let (sum, error) = self.exact[i];
            let term = terms.lanes.exact[i].part(part);
            self.exact[i] = if V::Real::COMPENSATE {
                let (sum, e) = two_sum(sum, term);
                (sum, error + e)
            } else {
                (sum + term, error)
            };
        }
        if let Some(edges) = &terms.edges {
            self.add_edges(&edges[8 * part..]);
        }
    }

    #[inline(always)]
    fn add_edges(&mut self, edges: &[Terms<f64, M, C>]) {
        let mut lanes = self.lanes();
        add_to_lanes(&mut lanes, edges);
        for i in 0..M {
            self.plain[i] = from_lanes(&lanes.plain[i]);
        }
        for i in 0..C {
            self.exact[i] = (from_lanes(&lanes.exact[i].0), from_lanes(&lanes.exact[i].1));
        }
    }

    #[inline(always)]
    fn join(&self, other: &Self) -> Self {
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

    /// The fixed tree over the eight lanes of a block.
    #[inline(always)]
    fn join_eight(eight: &[Self; 8]) -> Self {
        let [a, b, c, d, e, f, g, h] = eight;
        let (ae, bf, cg, dh) = (a.join(e), b.join(f), c.join(g), d.join(h));
        ae.join(&cg).join(&bf.join(&dh))
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
}

/// The same in memory, lane by lane.
#[derive(Clone, Copy)]
struct LaneSums<const M: usize, const C: usize> {
    plain: [[f64; 8]; M],
    exact: [([f64; 8], [f64; 8]); C],
}

impl<const M: usize, const C: usize> LaneSums<M, C> {
    const ZERO: Self = LaneSums { plain: [[0.0; 8]; M], exact: [([0.0; 8], [0.0; 8]); C] };

    /// One lane.
    #[inline(always)]
    fn lane(&self, lane: usize) -> Sums<One, M, C> {
        let mut sums = Sums::zero();
        for i in 0..M {
            sums.plain[i] = One::splat(self.plain[i][lane]);
        }
        for i in 0..C {
            sums.exact[i] = (One::splat(self.exact[i].0[lane]), One::splat(self.exact[i].1[lane]));
        }
        sums
    }

    #[inline(always)]
    fn total_of_lane(&self, lane: usize) -> Total<M, C> {
        let mut total = Total::ZERO;
        total.add(&self.lane(lane).total());
        total
    }

    /// All eight lanes along the tree.
    #[inline(always)]
    fn joined(&self) -> Sums<One, M, C> {
        let mut eight = [Sums::zero(); 8];
        for (lane, sums) in eight.iter_mut().enumerate() {
            *sums = self.lane(lane);
        }
        Sums::join_eight(&eight)
    }
}

impl<const M: usize, const C: usize> Sums<One, M, C> {
    #[inline(always)]
    fn total(&self) -> Total<M, C> {
        let mut total = Total::ZERO;
        for i in 0..M {
            total.plain[i].hi = self.plain[i].0[0];
        }
        for i in 0..C {
            total.exact[i] = Compensated { hi: self.exact[i].0.0[0], lo: self.exact[i].1.0[0] };
        }
        total
    }
}

/// Adds up to eight terms that were computed one at a time to the lanes.
#[cold]
fn add_to_lanes<const M: usize, const C: usize>(lanes: &mut LaneSums<M, C>, edges: &[Terms<f64, M, C>]) {
    for (lane, edge) in edges.iter().take(8).enumerate() {
        for i in 0..M {
            lanes.plain[i][lane] += edge.plain[i];
        }
        for i in 0..C {
            let (sums, errors) = &mut lanes.exact[i];
            let mut sum = Compensated { hi: sums[lane], lo: errors[lane] };
            sum.add(edge.exact[i]);
            (sums[lane], errors[lane]) = (sum.hi, sum.lo);
        }
    }
}

#[inline(always)]
fn from_lanes<S: Lanes<Real = f64>>(lanes: &[f64; 8]) -> S {
    // SAFETY: eight elements are a sum's vector.
    unsafe { S::load(lanes.as_ptr()) }
}

/// a + b and its rounding error (Knuth).
#[inline(always)]
fn two_sum<S: Lanes>(a: S, b: S) -> (S, S) {
    let sum = a + b;
    let back = sum - a;
    (sum, (a - (sum - back)) + (b - back))
}

/// A sum under way: it is fed slices whose lengths, but for the last one's, are multiples of 16.
pub(crate) struct Running<const M: usize, const C: usize> {
    lanes: LaneSums<M, C>,
    /// Elements in the block under way.
    filled: usize,
    total: Total<M, C>,
}

impl<const M: usize, const C: usize> Running<M, C> {
    #[inline(always)]
    pub(crate) fn new() -> Self {
        Running { lanes: LaneSums::ZERO, filled: 0, total: Total::ZERO }
    }

    #[inline(always)]
    fn sums<S: Lanes<Real = f64>>(&self) -> Sums<S, M, C> {
        let mut sums = Sums::zero();
        for i in 0..M {
            sums.plain[i] = from_lanes(&self.lanes.plain[i]);
        }
        for i in 0..C {
            sums.exact[i] = (from_lanes(&self.lanes.exact[i].0), from_lanes(&self.lanes.exact[i].1));
        }
        sums
    }

    /// Ends a block.
    #[inline(always)]
    fn close(&mut self) {
        self.total.add(&self.lanes.joined().total());
        self.lanes = LaneSums::ZERO;
        self.filled = 0;
    }

    /// The total, once everything was fed.
    #[inline(always)]
    pub(crate) fn finish(mut self) -> Total<M, C> {
        if self.filled > 0 {
            self.close();
        }
        self.total
    }
}

/// The terms of a vector of pairs.
struct SettledTerms<V, const M: usize, const C: usize> {
    lanes: Terms<V, M, C>,
    /// Those of the lanes that are not ordinary, whose terms in `lanes` are 0.
    edges: Option<[Terms<f64, M, C>; 16]>,
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
        let Extend { op, prepare, mut p, mut q, running } = self;
        while !p.is_empty() {
            let n = p.len().min(BLOCK - running.filled);
            let mut sums = running.sums::<I::F64>();
            let mut at = 0;
            while let Some((x, y, live)) = vectors::<T::On<I>, P>(prepare, &p[..n], &q[..n], &mut at) {
                let terms = settled_terms(op, x, y, live);
                for part in 0..T::On::<I>::LANES / 8 {
                    sums.add(&terms, part);
                }
            }
            running.lanes = sums.lanes();
            running.filled += n;
            if running.filled == BLOCK {
                running.close();
            }
            (p, q) = (&p[n..], &q[n..]);
        }
    }
}

/// Writes each term of two slices to a third, all of equal length.
pub(crate) struct Write<'a, O, P, const M: usize, const C: usize> {
    pub(crate) op: &'a O,
    pub(crate) prepare: &'a P,
    pub(crate) p: &'a [f64],
    pub(crate) q: &'a [f64],
    pub(crate) out: &'a mut [f64],
}

impl<O: Op<M, C>, P: Prepare, const M: usize, const C: usize> Job for Write<'_, O, P, M, C> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Write { op, prepare, p, q, out } = self;
        let mut at = 0;
        for out in out.chunks_mut(8) {
            let Some((x, y, live)) = vectors::<I::F64, P>(prepare, p, q, &mut at) else { return };
            let terms = settled_terms(op, x, y, live);
            let mut values = terms.lanes.value().to_f64s::<8>();
            if let Some(edges) = terms.edges {
                for (value, edge) in values.iter_mut().zip(&edges) {
                    *value += edge.value();
                }
            }
            out.copy_from_slice(&values[..out.len()]);
        }
    }
}

/// The sums of `LANES` rows at once, a row a lane: element j of row i is at `j * LANES + i`.
pub(crate) struct Tile<'a, O, T, const M: usize, const C: usize> {
    pub(crate) op: &'a O,
    pub(crate) p: &'a [T],
    pub(crate) q: &'a [T],
    pub(crate) out: &'a mut [Total<M, C>],
}

impl<O: Op<M, C>, T: Vector, const M: usize, const C: usize> Job for Tile<'_, O, T, M, C> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Tile { op, p, q, out } = self;
        let lanes = T::On::<I>::LANES;
        let mut eight = [[Sums::<I::F64, M, C>::zero(); 8]; 2];
        for (j, (p, q)) in p.chunks_exact(lanes).zip(q.chunks_exact(lanes)).enumerate() {
            // SAFETY: the chunks hold one vector each.
            let (p, q) = unsafe { (T::On::<I>::load(p.as_ptr()), T::On::<I>::load(q.as_ptr())) };
            let terms = settled_terms(op, p.into(), q.into(), None);
            for part in 0..lanes / 8 {
                eight[part][j % 8].add(&terms, part);
            }
        }
        for (part, out) in out.chunks_mut(8).enumerate() {
            let rows = Sums::join_eight(&eight[part]).lanes();
            for (lane, total) in out.iter_mut().enumerate() {
                *total = rows.total_of_lane(lane);
            }
        }
    }
}

/// The vectors at `at` of two slices of equal length, and for a last one that is filled up with ones, which lanes
/// are live; `at` moves on. A closure called on each would read better, but it would not be compiled for the
/// instruction set.
#[inline(always)]
#[allow(clippy::type_complexity)]
fn vectors<V: Lanes, P: Prepare>(
    prepare: &P,
    p: &[V::Real],
    q: &[V::Real],
    at: &mut usize,
) -> Option<(Parts<V>, Parts<V>, Option<V::Mask>)> {
    let n = p.len().min(q.len());
    let from = *at;
    *at += V::LANES;
    if *at <= n {
        // SAFETY: a whole vector is left in both.
        let (p, q) = unsafe { (V::load(p.as_ptr().add(from)), V::load(q.as_ptr().add(from))) };
        let (p, q) = prepare.pair(p, q);
        return Some((p, q, None));
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
    Some((p, q, Some(live)))
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

/// The terms of the live lanes; every lane is, where no mask says otherwise.
#[inline(always)]
fn settled_terms<O: Op<M, C>, V: Lanes, const M: usize, const C: usize>(
    op: &O,
    mut p: Parts<V>,
    mut q: Parts<V>,
    mut live: Option<V::Mask>,
) -> SettledTerms<V, M, C> {
    let mut edges = None;
    if !V::both_ordinary(p.hi, q.hi) {
        // 0 ln(0/q) = 0: where that is all there is to a zero, it costs no slow path.
        let fine = V::and(V::le(V::zero(), q.hi), V::le(q.hi, V::splat(V::Real::LARGEST)));
        let rest = if O::SKIPS_ZERO_P { fine } else { V::equal(q.hi, V::zero()) };
        let nothing = V::and(V::equal(p.hi, V::zero()), rest);
        let keep = V::and(ordinary(p.hi), ordinary(q.hi));
        if !V::all(V::or(keep, nothing)) {
            edges = Some(edge_terms::<O, V::Real, M, C>(op, &p.hi.to_f64s(), &q.hi.to_f64s(), V::LANES));
        }
        fill_with_ones(keep, &mut p, &mut q);
        live = match live {
            Some(live) => Some(V::and(live, keep)),
            None => Some(keep),
        };
    }
    let lanes = op.terms(p, q);
    match live {
        Some(live) if !O::NOTHING_AT_ONE => SettledTerms { lanes: lanes.within(live), edges },
        _ => SettledTerms { lanes, edges },
    }
}

/// The lanes from `SMALLEST` to `LARGEST`.
#[inline(always)]
fn ordinary<V: Lanes>(x: V) -> V::Mask {
    V::and(V::le(V::splat(V::Real::SMALLEST), x), V::le(x, V::splat(V::Real::LARGEST)))
}

/// The terms of the lanes that are not ordinary, in plain arithmetic; 0 for the others.
#[cold]
#[inline(never)]
fn edge_terms<O: Op<M, C>, R: Real, const M: usize, const C: usize>(
    op: &O,
    p: &[f64; 16],
    q: &[f64; 16],
    lanes: usize,
) -> [Terms<f64, M, C>; 16] {
    let ordinary = |x: f64| (R::SMALLEST.to_f64()..=R::LARGEST.to_f64()).contains(&x);
    std::array::from_fn(|i| {
        let settled = i >= lanes || (ordinary(p[i]) && ordinary(q[i]));
        if settled { Terms::NOTHING } else { op.edge(p[i], q[i]) }
    })
}
