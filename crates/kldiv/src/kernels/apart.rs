//! Sums of the KL of rows that are apart, as most rows are, with half the care that `generic` takes for rows that are near.
//!
//! In plain words: the curved parts of `p ln(p/q) = h − x` are added as ever. The straight ones of f64 are added to [`BIAS`],
//! a number so much larger than all that a block can bring that what rounding takes from each sum is exact after two
//! subtractions, where two numbers of any size take five (Dekker 1971, Knuth 1969); it goes to the curved parts. So the
//! straight sum of a block is exact, and its lanes are joined without care. Those of f32 need none: they are added in f64.
//!
//! Rows that seem far apart are left to [`far`], which takes two thirds of the operations, four fifths of f64.
//!
//! With short vectors each stretch is gone through twice, first for its quotients and straight parts, then for its curved
//! ones. A processor works on what it can hold, two or three vectors with all that is done to them; with half of it, on twice
//! as many. The curved parts of a stretch are added in its own type: they are of one sign.
//!
//! What rounding takes lies below 2^-32, and is itself rounded when it is added to h: an error of some 2^-24 u for a
//! share of 65,536 elements. It takes curved parts that sum to [`near`] at least to hide that, or, of f32, what is lost
//! of numbers that leave the range of normal ones. A share with less is near, and one that holds a number from 4 on, no
//! probability, or a subnormal number that matters is none of this file's either, nor is a single pair: all of these
//! are left to `Sum`. The choice depends on nothing but the share's elements, and so do the bits.

use crate::kernels::far::{self, Kept, nothing_kept, once, ones_for_zeros};
use crate::kernels::generic::{BLOCK, Loaded, STRETCH, vectors};
use crate::kernels::lane_sums::{join, join_columns, join_rows, load_eight};
use crate::kernels::lanes::{Isa, Job, Lanes, Numbers, Real, Vector, fetch_ahead};
use crate::kernels::log::{Quotient, Ratio};
use crate::kernels::prepare::AsGiven;
use crate::kernels::rows::{ROWS, row};
use crate::kernels::scalar::{Array, One};
use crate::kernels::transpose;
use crate::sum::{Compensated, Total};

/// Where straight sums of f64 begin. Numbers below 4 against normal ones make |x| less than 2871, of which a lane has 128 in
/// a block.
const BIAS: f64 = (1 << 20) as f64;

/// Where straight sums over elements of a type begin.
const fn bias<T: Real>() -> f64 {
    if T::COMPENSATE { BIAS } else { 0.0 }
}

/// The least that the curved parts of a share sum to. Of f32 it is 2^-60: what a term loses that leaves the range of normal
/// numbers is below 2^-148.
const fn near<T: Real>() -> f64 {
    if T::COMPENSATE { 1.0 / (1 << 19) as f64 } else { 1.0 / (1_u64 << 60) as f64 }
}

/// Sums under way in eight lanes.
#[derive(Clone, Copy)]
pub(super) struct Lane<S> {
    pub(super) curved: S,
    pub(super) straight: S,
    /// Whether these are sums of whole terms, in steps, and of q; see [`far`].
    far: bool,
}

impl<S: Lanes<Real = f64>> Lane<S> {
    #[inline(always)]
    pub(super) fn new(far: bool) -> Self {
        Lane { curved: S::zero(), straight: S::zero(), far }
    }

    /// Adds the terms of two slices of equal length, a block or less, stretch by stretch as `generic` does, and says whether
    /// it could. With `ZEROS` it can where p is 0, too, and gives the same bits.
    #[inline(always)]
    fn add<I: Isa<F64 = S>, T: Vector, const ZEROS: bool>(
        &mut self,
        p: &[T],
        q: &[T],
        kept: &mut Kept<T::On<I>>,
    ) -> bool {
        if !self.far {
            return self.add_near::<I, T, ZEROS>(p, q, kept);
        }
        let mut sums = far::Sums { terms: self.curved, q: self.straight };
        let could = sums.add::<I, T, ZEROS>(p, q, kept);
        (self.curved, self.straight) = (sums.terms, sums.q);
        could
    }

    /// The same of slices that are not summed as far apart.
    #[inline(always)]
    pub(super) fn add_near<I: Isa<F64 = S>, T: Vector, const ZEROS: bool>(
        &mut self,
        p: &[T],
        q: &[T],
        kept: &mut Kept<T::On<I>>,
    ) -> bool {
        let n = p.len().min(q.len());
        let bias = S::splat(bias::<T>());
        self.straight = self.straight + bias;
        let (mut from, mut could) = (0, true);
        // A single stretch needs no loop around it.
        if n <= STRETCH {
            could = self.add_stretch::<I, T, ZEROS>(&p[..n], &q[..n], kept);
            from = n;
        }
        while could && from < n {
            let end = n.min(from + STRETCH);
            could = self.add_stretch::<I, T, ZEROS>(&p[from..end], &q[from..end], kept);
            from = end;
        }
        self.straight = self.straight - bias;
        could
    }

    #[inline(always)]
    fn add_stretch<I: Isa<F64 = S>, T: Vector, const ZEROS: bool>(
        &mut self,
        p: &[T],
        q: &[T],
        kept: &mut Kept<T::On<I>>,
    ) -> bool {
        let Some(begun) = self.begin::<I, T, ZEROS>(p, q, kept) else { return false };
        // SAFETY: it has begun with these slices, which are of equal length.
        self.curved = unsafe { Self::end::<I, T>(Some(self.curved), p, kept, &begun) };
        self.straight = begun.straight;
        true
    }

    /// The sums of two slices of equal length, a stretch at most, if it can.
    #[inline(always)]
    pub(super) fn of_stretch<I: Isa<F64 = S>, T: Vector>(p: &[T], q: &[T]) -> Option<(S, S)> {
        let (bias, mut kept) = (S::splat(bias::<T>()), nothing_kept());
        let begun = Lane { straight: bias, ..Lane::new(false) }.begin::<I, T, false>(p, q, &mut kept)?;
        // SAFETY: it has begun with these slices, which are of equal length.
        let curved = unsafe { Self::end::<I, T>(None, p, &kept, &begun) };
        Some((curved, begun.straight - bias))
    }

    /// Goes through a stretch for the first time, if it can. Writes a quotient for each whole vector, unless the first time
    /// is the only one; the curved part of the rest is already in what it gives.
    #[inline(always)]
    fn begin<I: Isa<F64 = S>, T: Vector, const ZEROS: bool>(
        &self,
        p: &[T],
        q: &[T],
        kept: &mut Kept<T::On<I>>,
    ) -> Option<Begun<T::On<I>>> {
        let (mut at, mut n) = (0, 0);
        let mut begun = Begun::new(self.straight);
        while at + T::On::<I>::LANES <= p.len().min(q.len()) {
            // SAFETY: a whole vector is left in both, and there are as many places as a stretch can have vectors.
            let (pair, place) = unsafe {
                (Loaded::whole(&AsGiven, p.as_ptr().add(at), q.as_ptr().add(at)), kept.get_unchecked_mut(n))
            };
            fetch_ahead(p.as_ptr().wrapping_add(at));
            fetch_ahead(q.as_ptr().wrapping_add(at));
            let quotient = begun.add::<ZEROS>(pair);
            if once::<I>() {
                begun.curved = quotient.add_curved(pair.p.hi, begun.curved);
            } else {
                place.write([quotient.d, quotient.s]);
            }
            (at, n) = (at + T::On::<I>::LANES, n + 1);
        }
        if let Some(pair) = vectors(&AsGiven, p, q, &mut at) {
            let quotient = begun.add::<ZEROS>(pair);
            begun.rest = quotient.add_curved(pair.p.hi, T::On::<I>::zero());
        }
        // No closure: it would not be compiled for the instruction set.
        if T::On::<I>::calm(begun.unrest) { Some(begun) } else { None }
    }

    /// Adds what [`Lane::begin`] gave to the curved parts before, and goes through a stretch for the second time, unless it was
    /// [`once`], for those of the whole vectors.
    ///
    /// # Safety
    /// It has written the quotients of this p.
    #[inline(always)]
    unsafe fn end<I: Isa<F64 = S>, T: Vector>(
        mut before: Option<S>,
        p: &[T],
        kept: &Kept<T::On<I>>,
        begun: &Begun<T::On<I>>,
    ) -> S {
        let lanes = T::On::<I>::LANES;
        let mut curved = begun.curved;
        let vectors = if once::<I>() { 0 } else { p.len() / lanes };
        // SAFETY: there are as many quotients as there are whole vectors.
        unsafe {
            if vectors == STRETCH / lanes {
                // Nearly always, and all that a compiler has to know to do without a loop.
                for n in 0..STRETCH / lanes {
                    curved = add_curved(p, kept, n, curved);
                }
            } else {
                for n in 0..vectors {
                    curved = add_curved(p, kept, n, curved);
                }
            }
        }
        if !p.len().is_multiple_of(lanes) {
            curved = curved + begun.rest;
        }
        for part in 0..lanes / 8 {
            // Of f32 nothing is taken, and there are two parts.
            let part = if T::COMPENSATE { curved.part(part) - begun.taken } else { curved.part(part) };
            // Nothing to add to takes no time. No closure: it would not be compiled for the instruction set.
            before = match before {
                Some(before) => Some(before + part),
                None => Some(part),
            };
        }
        before.unwrap_or(S::zero())
    }

    /// The curved and the straight sum, or of what is far apart the terms and by how much they exceed what they have to sum to.
    #[inline(always)]
    fn total<T: Real>(&self) -> Total<1, 1> {
        let (mut curved, mut straight) = (join(self.curved), join(self.straight));
        if self.far {
            let (terms, excess) = far::valued::<T, _>(One::splat(curved), One::splat(straight));
            (curved, straight) = (terms.0[0], excess.0[0]);
        }
        let mut total = Total::ZERO;
        (total.plain[0].hi, total.exact[0].hi) = (curved, straight);
        total
    }
}

/// A stretch that is gone through for the first time.
struct Begun<V: Lanes> {
    straight: V::Sum,
    /// What rounding took from the straight sum.
    taken: V::Sum,
    curved: V,
    /// The curved part of what is no whole vector, which is added last.
    rest: V,
    unrest: V::Unrest,
}

impl<V: Lanes> Begun<V> {
    #[inline(always)]
    fn new(straight: V::Sum) -> Self {
        let unrest = V::unrest_below_4(V::one(), V::one());
        Begun { straight, taken: V::Sum::zero(), curved: V::zero(), rest: V::zero(), unrest }
    }

    #[inline(always)]
    fn add<const ZEROS: bool>(&mut self, pair: Loaded<V>) -> Quotient<V> {
        let pair = if ZEROS { ones_for_zeros(pair) } else { pair };
        self.unrest = V::join_unrest(self.unrest, V::unrest_below_4(pair.p.hi, pair.q.hi));
        let ratio = Ratio::of(pair.p, pair.q);
        let straight = ratio.straight();
        for part in 0..V::LANES / 8 {
            let (sum, taken) = add_straight::<V>(self.straight, straight.part(part));
            (self.straight, self.taken) = (sum, self.taken + taken);
        }
        ratio.quotient()
    }
}

/// Curved parts and those of vector n. Where a 0 was set right the quotient is 0, and so is the part.
///
/// # Safety
/// There is that vector, whole, and its quotient.
#[inline(always)]
unsafe fn add_curved<V: Lanes>(p: &[V::Real], kept: &Kept<V>, n: usize, curved: V) -> V {
    // SAFETY: the caller's promise.
    let (p, [d, s]) = unsafe { (V::load(p.as_ptr().add(n * V::LANES)), kept.get_unchecked(n).assume_init()) };
    Quotient { d, s }.add_curved(p, curved)
}

/// A straight sum and another term of it, and what rounding takes from them.
#[inline(always)]
fn add_straight<V: Lanes>(sum: V::Sum, term: V::Sum) -> (V::Sum, V::Sum) {
    let with_it = sum + term;
    (with_it, if V::Real::COMPENSATE { term - (with_it - sum) } else { V::Sum::zero() })
}

/// Whether the curved parts of a share are of rows that are apart; never if they are NaN. Numbers are in the order of the
/// integers that have their bits, negative ones above all others.
#[inline(always)]
pub(super) fn is_apart<T: Real>(curved: f64) -> bool {
    let least = near::<T>().to_bits();
    curved.to_bits().wrapping_sub(least) <= f64::INFINITY.to_bits() - least
}

/// A share's sums under way: it is fed slices of whole long stretches, but for the last one, whose lengths divide the block or
/// are multiples of it.
pub(crate) struct Apart {
    lanes: Lane<Array<f64, 8>>,
    /// Elements in the block under way.
    filled: usize,
    total: Total<1, 1>,
}

impl Apart {
    /// The sums of a share that `feed` feeds them, if it can and the share is apart, or far apart as it seems.
    pub(crate) fn sum<T: Real, const M: usize, const C: usize>(
        seems_far: bool,
        feed: impl Fn(&mut Self) -> bool,
    ) -> Option<Total<M, C>> {
        let mut far = seems_far;
        loop {
            let total = Apart::sum_as::<T, M, C>(far, &feed);
            // What is not far apart, or not modest enough for that, may be apart.
            if total.is_some() || !far {
                return total;
            }
            far = false;
        }
    }

    /// The same, summed so.
    pub(crate) fn sum_as<T: Real, const M: usize, const C: usize>(
        far: bool,
        feed: impl Fn(&mut Self) -> bool,
    ) -> Option<Total<M, C>> {
        let mut sums = Apart { lanes: Lane::new(far), filled: 0, total: Total::ZERO };
        if feed(&mut sums) { sums.finish::<T, M, C>() } else { None }
    }

    /// Whether they are summed as far apart.
    pub(crate) fn are_far(&self) -> bool {
        self.lanes.far
    }

    /// The share's sums, once everything was fed, if it is apart.
    fn finish<T: Real, const M: usize, const C: usize>(&mut self) -> Option<Total<M, C>> {
        if self.filled > 0 {
            self.total.add(&self.lanes.total::<T>());
        }
        let Total { plain: [curved], exact: [straight] } = self.total;
        let far = self.lanes.far;
        // See [`Lane::total`].
        if !is_apart::<T>(if far { straight.hi } else { curved.hi }) {
            return None;
        }
        if far {
            self.total.exact = [Compensated::ZERO];
        }
        let mut total = Total::ZERO;
        total.add(&self.total);
        Some(total)
    }
}

/// Feeds two slices of equal length to a share's sums, block by block, for as long as they allow it; says how many elements
/// that was. A job of its own for those that are summed as far apart, as for those with zeros: one for both would take the stack
/// of both.
pub(crate) struct Feed<'a, T, const ZEROS: bool, const FAR: bool> {
    pub(crate) p: &'a [T],
    pub(crate) q: &'a [T],
    pub(crate) to: &'a mut Apart,
}

impl<T: Vector, const ZEROS: bool, const FAR: bool> Job for Feed<'_, T, ZEROS, FAR> {
    type Output = usize;

    #[inline(always)]
    fn run<I: Isa>(self) -> usize {
        let Feed { p, q, to } = self;
        let (curved, straight) = (load_eight(&to.lanes.curved.0), load_eight(&to.lanes.straight.0));
        let mut lane = Lane::<I::F64> { curved, straight, far: FAR };
        let mut kept = nothing_kept();
        let (mut at, n) = (0, p.len().min(q.len()));
        while at < n {
            let end = n.min(at + BLOCK - to.filled);
            let mut with = lane;
            if !with.add::<I, T, ZEROS>(&p[at..end], &q[at..end], &mut kept) {
                break;
            }
            lane = with;
            to.filled += end - at;
            at = end;
            if to.filled == BLOCK {
                to.total.add(&lane.total::<T>());
                to.filled = 0;
                lane = Lane::new(FAR);
            }
        }
        let (curved, straight) = (Array(lane.curved.to_f64s()), Array(lane.straight.to_f64s()));
        to.lanes = Lane { curved, straight, far: FAR };
        at
    }
}

/// The KL of rows of at most a block, eight after eight for as long as all of these are apart, and which of those are with
/// which that ends, if it can be said; see [`crate::kernels::rows::Rows`], whose promises these are. Of the first eight those
/// of which it was said before are left alone. A job of its own for rows with zeros: one for both would take the stack of both.
pub(crate) struct ApartRows<'a, T, const ZEROS: bool> {
    pub(crate) p: (*const T, isize),
    pub(crate) q: (*const T, isize),
    pub(crate) cols: usize,
    pub(crate) out: &'a mut [f64],
    pub(crate) apart: &'a mut [Option<bool>; ROWS],
}

impl<T: Vector, const ZEROS: bool> Job for ApartRows<'_, T, ZEROS> {
    /// How many rows it has answered, in eights.
    type Output = usize;

    #[inline(always)]
    fn run<I: Isa>(self) -> usize {
        let ApartRows { p, q, cols, out, apart } = self;
        let mut kept = nothing_kept();
        let mut done = 0;
        for out in out.chunks_exact_mut(ROWS) {
            let (mut curved, mut straight) = ([I::F64::zero(); ROWS], [I::F64::zero(); ROWS]);
            let (mut could, mut far) = ([false; ROWS], [false; ROWS]);
            for i in 0..ROWS {
                if apart[i].is_some() {
                    continue;
                }
                // SAFETY: the job's maker vouches for the rows.
                let (p, q) = unsafe { (row(p, done + i, cols), row(q, done + i, cols)) };
                far[i] = far::seem_far::<I, T>(p, q);
                let mut lane = Lane::<I::F64>::new(far[i]);
                could[i] = lane.add::<I, T, ZEROS>(p, q, &mut kept);
                (curved[i], straight[i]) = (lane.curved, lane.straight);
            }
            let (curved, straight) = (join_rows(curved), join_rows(straight));
            let (near_values, (far_values, excess)) =
                (curved - straight, far::valued::<T, _>(curved, straight));
            let are_far = far == [true; ROWS];
            let (values, hidden) = if are_far { (far_values, excess) } else { (near_values, curved) };
            if could == [true; ROWS] && (are_far || far == [false; ROWS]) && are_all_apart::<T, I>(hidden) {
                out.copy_from_slice(&values.to_f64s::<ROWS>());
                done += ROWS;
                continue;
            }
            let near: [[f64; ROWS]; 2] = [near_values.to_f64s(), curved.to_f64s()];
            let distant: [[f64; ROWS]; 2] = [far_values.to_f64s(), excess.to_f64s()];
            for i in 0..ROWS {
                if !could[i] {
                    continue;
                }
                let [values, hidden] = if far[i] { distant } else { near };
                (out[i], apart[i]) = (values[i], Some(is_apart::<T>(hidden[i])));
            }
            if *apart != [Some(true); ROWS] {
                break;
            }
            *apart = [None; ROWS];
            done += ROWS;
        }
        done
    }
}

/// Whether each lane has the curved parts of a row that is apart.
#[inline(always)]
fn are_all_apart<T: Real, I: Isa>(curved: I::F64) -> bool {
    I::F64::all(I::F64::le(I::F64::splat(near::<T>()), curved))
}

/// The same of rows of few columns, which are taken column by column, if all eight rows allow it; see
/// [`crate::kernels::rows::Columns`].
pub(crate) struct ApartColumns<'a, T> {
    pub(crate) p: (*const T, isize),
    pub(crate) q: (*const T, isize),
    pub(crate) cols: usize,
    pub(crate) out: &'a mut [f64],
    pub(crate) apart: &'a mut [Option<bool>; ROWS],
}

impl<T: Vector> Job for ApartColumns<'_, T> {
    type Output = usize;

    #[inline(always)]
    fn run<I: Isa>(self) -> usize {
        let ApartColumns { p, q, cols, out, apart } = self;
        let mut done = 0;
        for out in out.chunks_exact_mut(ROWS) {
            // SAFETY: the job's maker vouches for the rows.
            let curved = unsafe { Self::eight::<I>((at(p, done), p.1), (at(q, done), q.1), cols, out) };
            let Some(curved) = curved else { break };
            if !are_all_apart::<T, I>(curved) {
                let curved: [f64; ROWS] = curved.to_f64s();
                for i in 0..ROWS {
                    apart[i] = Some(curved[i] >= near::<T>());
                }
                break;
            }
            done += ROWS;
        }
        done
    }
}

/// Where row i begins.
#[inline(always)]
fn at<T>((first, stride): (*const T, isize), i: usize) -> *const T {
    first.wrapping_offset(i as isize * stride)
}

impl<T: Vector> ApartColumns<'_, T> {
    /// The KL of eight rows, if all allow it, and their curved parts.
    ///
    /// # Safety
    /// `cols` elements of each are readable.
    #[inline(always)]
    unsafe fn eight<I: Isa>(
        p: (*const T, isize),
        q: (*const T, isize),
        cols: usize,
        out: &mut [f64],
    ) -> Option<I::F64> {
        let (mut curved, mut straight) = ([I::F64::zero(); 8], [I::F64::zero(); 8]);
        let (columns, bias) = (T::On::<I>::LANES / ROWS, I::F64::splat(bias::<T>()));
        // SAFETY: the caller's promise.
        let (p, q) =
            unsafe { (transpose::columns::<T::On<I>>(p, cols), transpose::columns::<T::On<I>>(q, cols)) };
        for (n, first) in (0..cols).step_by(columns).enumerate() {
            let pair = ones_for_zeros(Loaded::of(&AsGiven, p[n], q[n]));
            if !T::On::<I>::calm(T::On::<I>::unrest_below_4(pair.p.hi, pair.q.hi)) {
                return None;
            }
            let ratio = Ratio::of(pair.p, pair.q);
            let h = ratio.quotient().add_curved(pair.p.hi, T::On::<I>::zero());
            for (part, j) in (first..cols.min(first + columns)).enumerate() {
                let (sum, taken) = add_straight::<T::On<I>>(bias, ratio.straight().part(part));
                (curved[j], straight[j]) = (h.part(part) - taken, sum - bias);
            }
        }
        let curved = join_columns(curved);
        out.copy_from_slice(&(curved - join_columns(straight)).to_f64s::<ROWS>());
        Some(curved)
    }
}
