//! Sums of `p ln(p/q)` over f32 that are far apart, where no term has to be taken apart.
//!
//! In plain words: a term by itself is within a few u of itself. Where p < q it is negative, by at most q/e; so where all terms
//! sum to K, and q to at most 8 K, the terms' sizes sum to less than 7 K, and mostly to 4 K. What rounding takes from them is
//! less than the 16 u of K that are allowed. Numbers that are nearer need the care of [`crate::kernels::apart`]. Those mostly
//! are near from the beginning: the first sixteen pairs say whether it is tried, the sums at the end whether it stands.
//!
//! Four terms of a lane are added in f32, then four such sums, then those as f64.

use std::slice;

use crate::kernels::generic::{Loaded, STRETCH, settle, vectors};
use crate::kernels::lanes::{Isa, Lanes, Numbers, Real, Vector, fetch_ahead};
use crate::kernels::log::Ratio;
use crate::kernels::op::Kl;
use crate::kernels::prepare::AsGiven;

/// Elements whose terms are added in f32.
pub(crate) const LONG_STRETCH: usize = 4 * STRETCH;

/// What the terms sum to at least, by what q sums to.
const FAR: f64 = 1.0 / 8.0;

/// The terms and q, each summed in eight lanes.
#[derive(Clone, Copy)]
pub(super) struct Sums<S> {
    pub(super) terms: S,
    pub(super) q: S,
}

impl<S: Lanes<Real = f64>> Sums<S> {
    #[inline(always)]
    pub(super) fn zero() -> Self {
        Sums { terms: S::zero(), q: S::zero() }
    }

    /// Adds two slices of equal length, of whole long stretches or the last ones, and says whether it could.
    #[inline(always)]
    pub(super) fn add<I: Isa<F64 = S>, T: Vector, const ZEROS: bool>(&mut self, p: &[T], q: &[T]) -> bool {
        let one = T::On::<I>::one();
        let unrest = T::On::<I>::unrest(one, one, T::NORMAL);
        let (mut left, mut p, mut q) = (p.len().min(q.len()), p.as_ptr(), q.as_ptr());
        while left > 0 {
            let mut long = Stretch::<T::On<I>>::new(unrest);
            let mut room = left.min(LONG_STRETCH);
            left -= room;
            while room >= STRETCH {
                // SAFETY: a whole stretch is left in both.
                let short = unsafe { long.next::<ZEROS>(p, q) };
                let Some(short) = short else { return false };
                long.join(short);
                // SAFETY: as above.
                (p, q) = unsafe { (p.add(STRETCH), q.add(STRETCH)) };
                room -= STRETCH;
            }
            if room > 0 {
                // SAFETY: so much is left in both.
                let (p, q) = unsafe { (slice::from_raw_parts(p, room), slice::from_raw_parts(q, room)) };
                let Some(short) = long.last::<T, ZEROS>(p, q) else { return false };
                long.join(short);
            }
            self.terms = self.terms + eight(long.terms);
            self.q = self.q + eight(long.q);
            if !T::On::<I>::calm(long.unrest) {
                return false;
            }
        }
        true
    }
}

/// The terms and q of a stretch, summed in a vector.
struct Stretch<V: Lanes> {
    terms: V,
    q: V,
    unrest: V::Unrest,
}

impl<V: Lanes> Stretch<V> {
    #[inline(always)]
    fn new(unrest: V::Unrest) -> Self {
        Stretch { terms: V::zero(), q: V::zero(), unrest }
    }

    /// The next stretch, if it is taken: of known length, and so without a loop.
    ///
    /// # Safety
    /// A stretch is readable from each.
    #[inline(always)]
    unsafe fn next<const ZEROS: bool>(&self, p: *const V::Real, q: *const V::Real) -> Option<Self> {
        let mut stretch = Self::new(self.unrest);
        // All that is asked for at once: a compiler does not bring what comes before such a request behind it.
        for i in 0..STRETCH / V::LANES {
            fetch_ahead(p.wrapping_add(i * V::LANES));
            fetch_ahead(q.wrapping_add(i * V::LANES));
        }
        for i in 0..STRETCH / V::LANES {
            // SAFETY: the caller's promise.
            unsafe { stretch.add_at::<ZEROS>(p.add(i * V::LANES), q.add(i * V::LANES))? };
        }
        Some(stretch)
    }

    /// What is left, less than a stretch.
    #[inline(always)]
    fn last<T: Vector, const ZEROS: bool>(&self, p: &[T], q: &[T]) -> Option<Self>
    where
        V: Lanes<Real = T>,
    {
        let (mut at, n) = (0, p.len().min(q.len()));
        let mut stretch = Self::new(self.unrest);
        while at + V::LANES <= n {
            // SAFETY: a whole vector is left in both.
            unsafe { stretch.add_at::<ZEROS>(p.as_ptr().add(at), q.as_ptr().add(at))? };
            at += V::LANES;
        }
        let rest = V::first(n - at);
        if let Some(pair) = vectors(&AsGiven, p, q, &mut at) {
            stretch.add::<ZEROS>(pair, V::select(rest, pair.q.hi, V::zero()))?;
        }
        Some(stretch)
    }

    /// # Safety
    /// A vector is readable from each.
    #[inline(always)]
    unsafe fn add_at<const ZEROS: bool>(&mut self, p: *const V::Real, q: *const V::Real) -> Option<()> {
        // SAFETY: the caller's promise.
        let pair = unsafe { Loaded::whole(&AsGiven, p, q) };
        self.add::<ZEROS>(pair, pair.q.hi)
    }

    /// Adds the terms of a pair of vectors, and q as it counts.
    #[inline(always)]
    fn add<const ZEROS: bool>(&mut self, pair: Loaded<V>, q: V) -> Option<()> {
        let pair = if ZEROS { without_zeros(pair)? } else { pair };
        self.unrest = V::join_unrest(self.unrest, V::unrest(pair.p.hi, pair.q.hi, V::Real::NORMAL));
        self.terms = Ratio::of(pair.p, pair.q).add_term(self.terms);
        self.q = self.q + q;
        Some(())
    }

    #[inline(always)]
    fn join(&mut self, next: Self) {
        *self = Stretch { terms: self.terms + next.terms, q: self.q + next.q, unrest: next.unrest };
    }
}

/// Whether slices are of a type that is summed so, and long enough.
#[inline(always)]
pub(super) fn may_be<T: Vector>(p: &[T], q: &[T]) -> bool {
    !T::COMPENSATE && p.len().min(q.len()) >= STRETCH
}

/// Whether they are, and begin far apart: half of the first sixteen pairs are not within a factor of some 1.5.
#[inline(always)]
pub(super) fn begin_far<I: Isa, T: Vector>(p: &[T], q: &[T]) -> bool {
    if !may_be(p, q) {
        return false;
    }
    // SAFETY: a vector is readable from each, for they are longer.
    let (p, q) = unsafe { (T::On::<I>::load(p.as_ptr()), T::On::<I>::load(q.as_ptr())) };
    let (_, steps) = T::On::<I>::align(p, q);
    T::On::<I>::count(T::On::<I>::equal(steps, T::On::<I>::zero())) <= 8
}

/// A pair whose zeros are set right, if nothing else is to be.
#[inline(always)]
pub(super) fn without_zeros<V: Lanes>(pair: Loaded<V>) -> Option<Loaded<V>> {
    let (settled, odd) = settle(&Kl, &pair);
    if odd { None } else { Some(settled) }
}

/// The sums of lanes that are eight apart.
#[inline(always)]
fn eight<V: Lanes>(x: V) -> V::Sum {
    let mut sum = x.part(0);
    for part in 1..V::LANES / 8 {
        sum = sum + x.part(part);
    }
    sum
}

/// By how much terms exceed what they have to sum to at least, in the first lane, of sums that were joined, the terms' and q's.
#[inline(always)]
pub(super) fn excess<S: Lanes<Real = f64>>(both: S) -> S {
    S::splat(FAR).fnma(both.swap(4), both)
}

/// The same of two numbers.
pub(super) fn excess_of(terms: f64, q: f64) -> f64 {
    terms - FAR * q
}
