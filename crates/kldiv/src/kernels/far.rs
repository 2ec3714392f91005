//! Sums of `p ln(p/q)` over f32 that are far apart, where no term has to be taken apart.
//!
//! In plain words: a term by itself is within a few u of itself. Where p < q it is negative, by at most q/e; so where all terms
//! sum to K, and q to at most 8 K, the terms' sizes sum to less than 7 K, and mostly to 4 K. What rounding takes from them is
//! less than the 16 u of K that are allowed. Numbers that are nearer need the care of [`crate::kernels::apart`]. Those mostly
//! are near from the beginning, and the first stretch says whether the rest is tried.
//!
//! Four terms of a lane are added in f32, then four such sums, then those as f64.

use crate::kernels::generic::{Loaded, STRETCH, settle, vectors};
use crate::kernels::lane_sums::joined;
use crate::kernels::lanes::{Isa, Lanes, Real, Vector, fetch_ahead};
use crate::kernels::log::Ratio;
use crate::kernels::op::Kl;
use crate::kernels::prepare::AsGiven;

/// Elements whose terms are added in f32. With fewer it is not worth trying.
pub(crate) const LONG_STRETCH: usize = 4 * STRETCH;

/// What the terms sum to at least, by what q sums to.
const FAR: f64 = 1.0 / 8.0;

/// What came of a slice.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Far,
    /// The first stretch is too near.
    Near,
    /// It holds what is not taken.
    Odd,
}

/// The terms and q, each summed in eight lanes.
#[derive(Clone, Copy)]
pub(super) struct Sums<S> {
    pub(super) terms: S,
    pub(super) q: S,
}

impl<S: Lanes<Real = f64>> Sums<S> {
    /// Adds two slices of equal length, of whole long stretches or the last ones. The `first` ones, which are no shorter than
    /// that, say whether the sums are worth going on with.
    #[inline(always)]
    pub(super) fn add<I: Isa<F64 = S>, T: Vector, const ZEROS: bool>(
        &mut self,
        p: &[T],
        q: &[T],
        mut first: bool,
    ) -> Found {
        let n = p.len().min(q.len());
        let one = T::On::<I>::one();
        let mut unrest = T::On::<I>::unrest(one, one, T::NORMAL);
        let mut at = 0;
        while at < n {
            let end = n.min(at + LONG_STRETCH);
            let mut long = Stretch::<T::On<I>>::new(unrest);
            while at + STRETCH <= end {
                // SAFETY: a whole stretch is left in both.
                let short = unsafe { long.next::<ZEROS>(p.as_ptr().add(at), q.as_ptr().add(at)) };
                let Some(short) = short else { return Found::Odd };
                long.join(short);
                at += STRETCH;
                if first && !long.is_far() {
                    return Found::Near;
                }
                first = false;
            }
            if at < end {
                let Some(short) = long.last::<T, ZEROS>(&p[at..end], &q[at..end]) else { return Found::Odd };
                long.join(short);
                at = end;
            }
            self.terms = self.terms + eight(long.terms);
            self.q = self.q + eight(long.q);
            unrest = long.unrest;
        }
        if T::On::<I>::calm(unrest) { Found::Far } else { Found::Odd }
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
        fetch_ahead(p);
        fetch_ahead(q);
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

    /// Whether these are sums of numbers far apart.
    #[inline(always)]
    fn is_far(&self) -> bool {
        is_positive(joined(eight(V::constant(-FAR).fma(self.q, self.terms))))
    }
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

/// Whether sums that were joined, the terms' and q's, are of numbers far apart.
#[inline(always)]
pub(super) fn is_far<S: Lanes<Real = f64>>(both: S) -> bool {
    is_positive(both - S::splat(FAR) * both.swap(4))
}

/// The same of two numbers.
pub(super) fn are_far(terms: f64, q: f64) -> bool {
    terms - FAR * q >= 0.0
}

/// Whether the first lane's sign is. It is looked at as an integer, for to compare numbers may raise a flag.
#[inline(always)]
fn is_positive<S: Lanes<Real = f64>>(x: S) -> bool {
    x.lane_0().to_bits().cast_signed() >= 0
}
