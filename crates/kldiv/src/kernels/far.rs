//! Sums of `p ln(p/q)` over f32 that are far apart, where no term has to be taken apart.
//!
//! In plain words: a term by itself is within a few u of itself. Where p < q it is negative, by at most q/e; so where all terms
//! sum to K, and q to at most 8 K, the terms' sizes sum to less than 7 K, and mostly to 4 K. What rounding takes from them is
//! less than the 16 u of K that are allowed. Numbers that are nearer need the care of [`crate::kernels::apart`]. Those mostly
//! are near from the beginning: the first sixteen pairs say whether it is tried, the sums at the end whether it stands.
//!
//! Four terms of a lane are added in f32, then four such sums, then those of two lanes; what comes of it are eight lanes of
//! f64. Logarithms are in steps of an exponent, and what a step is worth is what their sum is multiplied by; see [`valued`].

use std::slice;

use crate::kernels::generic::{Four, Loaded, STRETCH, each_of, vectors};
use crate::kernels::lanes::{Isa, Lanes, Numbers, Real, Vector, fetch_ahead};
use crate::kernels::log::Ratio;
use crate::kernels::op::{Kl, Op};
use crate::kernels::prepare::AsGiven;

/// Elements whose terms are added in f32.
pub(crate) const LONG_STRETCH: usize = 4 * STRETCH;

/// What a product of f32 is worth, whose logarithm is of q/p and in steps; see [`Ratio::ln_in_steps`].
const WORTH: f64 = -std::f64::consts::LN_2 / f32::STEP as f64;

/// What the terms sum to at least, by what q sums to.
const FAR: f64 = 1.0 / 8.0;

/// The terms in steps and q, each summed in eight lanes.
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

    /// Of two slices of equal length, if nothing was odd; a term may have been NaN.
    ///
    /// # Safety
    /// They have from a stretch to a long one.
    #[inline(always)]
    pub(super) unsafe fn of_long<I: Isa<F64 = S>, T: Vector, const ZEROS: bool>(
        p: &[T],
        q: &[T],
    ) -> Option<Self> {
        let mut left = p.len().min(q.len());
        let (mut p, mut q) = (p.as_ptr(), q.as_ptr());
        // SAFETY: the caller's promise.
        let mut long = unsafe { Stretch::<T::On<I>>::whole::<I, ZEROS>(p, q) };
        loop {
            left -= STRETCH;
            // SAFETY: a stretch of each is behind.
            (p, q) = unsafe { (p.add(STRETCH), q.add(STRETCH)) };
            if left < STRETCH {
                break;
            }
            // SAFETY: a whole stretch is left in both.
            long.join(unsafe { Stretch::whole::<I, ZEROS>(p, q) });
        }
        if left > 0 {
            // SAFETY: so much is left in both.
            let (p, q) = unsafe { (slice::from_raw_parts(p, left), slice::from_raw_parts(q, left)) };
            long.add_last::<T, ZEROS>(p, q);
        }
        long.sums()
    }

    /// Adds two slices of equal length, of whole long stretches or the last ones, and says whether it could.
    #[inline(always)]
    pub(super) fn add<I: Isa<F64 = S>, T: Vector, const ZEROS: bool>(&mut self, p: &[T], q: &[T]) -> bool {
        let (mut at, n) = (0, p.len().min(q.len()));
        while at < n {
            let end = n.min(at + LONG_STRETCH);
            let (p, q) = (&p[at..end], &q[at..end]);
            let long = if end - at >= STRETCH {
                // SAFETY: so many they have.
                unsafe { Self::of_long::<I, T, ZEROS>(p, q) }
            } else {
                let mut last = Stretch::<T::On<I>>::new();
                last.add_last::<T, ZEROS>(p, q);
                last.sums()
            };
            let Some(long) = long else { return false };
            if !S::all(long.terms.equal(long.terms)) {
                return false;
            }
            (self.terms, self.q) = (self.terms + long.terms, self.q + long.q);
            at = end;
        }
        true
    }
}

/// Of joined sums: the terms for what they are worth, and by how much they exceed what they have to sum to at least.
#[inline(always)]
pub(super) fn valued<N: Numbers<Real = f64>>(terms: N, q: N) -> (N, N) {
    let terms = terms * N::splat(WORTH);
    (terms, N::splat(FAR).fnma(q, terms))
}

/// Asks for what a stretch a page further on takes, all at once: a compiler does not bring what comes before such a request
/// behind it.
#[inline(always)]
fn fetch_stretch_ahead<V: Lanes>(p: *const V::Real, q: *const V::Real) {
    for i in (0..STRETCH).step_by(V::LANES) {
        fetch_ahead(p.wrapping_add(i));
        fetch_ahead(q.wrapping_add(i));
    }
}

/// What a stretch sums to in a vector: of p by `ln(q/p)` in steps, and of q.
struct Stretch<V: Lanes> {
    products: V,
    q: V,
    unrest: V::Unrest,
}

impl<V: Lanes> Stretch<V> {
    #[inline(always)]
    fn new() -> Self {
        Stretch { products: V::zero(), q: V::zero(), unrest: unrest(V::one(), V::one()) }
    }

    /// Of known length, and so without a loop.
    ///
    /// # Safety
    /// A stretch is readable from each.
    #[inline(always)]
    unsafe fn whole<I: Isa, const ZEROS: bool>(p: *const V::Real, q: *const V::Real) -> Self {
        fetch_stretch_ahead::<V>(p, q);
        // SAFETY: the caller's promise.
        let mut stretch = unsafe { Self::of_four::<I, ZEROS>(p, q) };
        for i in (4 * V::LANES..STRETCH).step_by(4 * V::LANES) {
            // SAFETY: as above.
            stretch.join(unsafe { Self::of_four::<I, ZEROS>(p.add(i), q.add(i)) });
        }
        stretch
    }

    /// Of four vectors, side by side where there are registers for them.
    ///
    /// # Safety
    /// Four vectors are readable from each.
    #[inline(always)]
    unsafe fn of_four<I: Isa, const ZEROS: bool>(p: *const V::Real, q: *const V::Real) -> Self {
        if I::WIDE {
            // SAFETY: the caller's promise.
            let pair = unsafe { Loaded::<Four<V>>::whole(&AsGiven, p, q) };
            // As given, also where p is 0.
            let q = each_of(pair.q.hi);
            let pair = if ZEROS { ones_for_zeros(pair) } else { pair };
            let (logs, p) = (each_of(Ratio::of(pair.p, pair.q).ln_in_steps()), each_of(pair.p.hi));
            let unrest = unrest(pair.p.hi, pair.q.hi);
            let mut stretch = Stretch { products: p[0] * logs[0], q: q[0], unrest };
            for i in 1..4 {
                stretch.products = p[i].fma(logs[i], stretch.products);
                stretch.q = stretch.q + q[i];
            }
            return stretch;
        }
        let mut stretch = Self::new();
        for i in (0..4 * V::LANES).step_by(V::LANES) {
            // SAFETY: the caller's promise.
            let pair = unsafe { Loaded::whole(&AsGiven, p.add(i), q.add(i)) };
            stretch.add::<ZEROS>(pair, pair.q.hi);
        }
        stretch
    }

    /// Adds what is left, less than a stretch.
    #[inline(always)]
    fn add_last<T: Vector, const ZEROS: bool>(&mut self, p: &[T], q: &[T])
    where
        V: Lanes<Real = T>,
    {
        let (mut at, n) = (0, p.len().min(q.len()));
        while at + V::LANES <= n {
            // SAFETY: a whole vector is left in both.
            let pair = unsafe { Loaded::whole(&AsGiven, p.as_ptr().add(at), q.as_ptr().add(at)) };
            self.add::<ZEROS>(pair, pair.q.hi);
            at += V::LANES;
        }
        let rest = V::first(n - at);
        if let Some(pair) = vectors(&AsGiven, p, q, &mut at) {
            self.add::<ZEROS>(pair, V::select(rest, pair.q.hi, V::zero()));
        }
    }

    /// Adds a pair of vectors, and q as it counts.
    #[inline(always)]
    fn add<const ZEROS: bool>(&mut self, pair: Loaded<V>, q: V) {
        let pair = if ZEROS { ones_for_zeros(pair) } else { pair };
        self.unrest = V::join_unrest(self.unrest, unrest(pair.p.hi, pair.q.hi));
        self.products = pair.p.hi.fma(Ratio::of(pair.p, pair.q).ln_in_steps(), self.products);
        self.q = self.q + q;
    }

    #[inline(always)]
    fn join(&mut self, next: Self) {
        (self.products, self.q) = (self.products + next.products, self.q + next.q);
        self.unrest = V::join_unrest(self.unrest, next.unrest);
    }

    /// In lanes of f64, if nothing was odd.
    #[inline(always)]
    fn sums(self) -> Option<Sums<V::Sum>> {
        // No closure: it would not be compiled for the instruction set.
        if V::calm(self.unrest) {
            Some(Sums { terms: self.products.folded(), q: self.q.folded() })
        } else {
            None
        }
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

/// What is odd of a pair: p below 0 or from 2 on, q that is not normal or from 4 on. Where p is 0 or subnormal the term is NaN,
/// or so small that nothing is seen of it; where what is small is left to others it is odd as well.
#[inline(always)]
fn unrest<V: Lanes>(p: V, q: V) -> V::Unrest {
    if V::LEAVES_SMALL {
        return V::unrest_below_4(p, q);
    }
    V::join_unrest(V::unrest(p, V::Real::ZERO), V::unrest(q, V::Real::NORMAL))
}

/// A pair with ones where p is 0, and so the term.
#[inline(always)]
pub(super) fn ones_for_zeros<V: Lanes>(pair: Loaded<V>) -> Loaded<V> {
    let (p, q) = (pair.p.hi, pair.q.hi);
    let nothing = Kl.nothing(p, q);
    Loaded::of(&AsGiven, V::select(nothing, V::one(), p), V::select(nothing, V::one(), q))
}
