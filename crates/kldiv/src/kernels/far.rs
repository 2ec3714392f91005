//! Sums of `p ln(p/q)` over rows that are far apart, where no term has to be taken apart.
//!
//! In plain words: a term by itself is within a few u of itself. Where p < q it is negative, by at most q/e; so where all terms
//! sum to K, and q to at most 8 K, the terms' sizes sum to less than 7 K, and mostly to 4 K. What rounding takes from them is
//! less than the 16 u of K that are allowed. Numbers that are nearer need the care of [`crate::kernels::apart`]: sixteen pairs
//! in the middle say whether it is tried without, the sums at the end whether it stands.
//!
//! Four terms of a lane are added in their own type, then such sums of a kilobyte, then, of f32, those of two lanes; what comes
//! of it are eight lanes of f64. Logarithms are in steps of an exponent, and what a step is worth is what their sum is multiplied by; see [`valued`].

use std::f64::consts::LN_2;
use std::mem::MaybeUninit;
use std::ops::Range;

use crate::kernels::generic::{Four, Loaded, STRETCH, each_of, vectors};
use crate::kernels::lanes::{Isa, Job, Lanes, Numbers, Real, Vector, fetch_ahead};
use crate::kernels::log::{InSteps, Ratio};
use crate::kernels::op::{Kl, Op};
use crate::kernels::prepare::AsGiven;

/// Elements whose terms are added in their own type and lanes: as many as take a kilobyte.
pub(crate) const fn long_stretch<T>() -> usize {
    1024 / size_of::<T>()
}

/// Pairs that say whether rows seem far apart, and how many of them are near each other at most.
pub(crate) const SEEN: usize = 16;
const SEEN_NEAR: u32 = 6;

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
    /// They have from four vectors to a long stretch.
    #[inline(always)]
    pub(super) unsafe fn of_long<I: Isa<F64 = S>, T: Vector, const ZEROS: bool>(
        p: &[T],
        q: &[T],
        kept: &mut Kept<T::On<I>>,
    ) -> Option<Self> {
        let (four, n) = (4 * T::On::<I>::LANES, p.len().min(q.len()));
        let mut at = 0;
        let mut long = Stretch::<T::On<I>>::new();
        // SAFETY: the caller's promise for the first four, and then that so much is left in both.
        unsafe {
            if twice::<I, T>() {
                while at + STRETCH <= n {
                    long.add_stretch::<ZEROS>(p.as_ptr().add(at), q.as_ptr().add(at), kept);
                    at += STRETCH;
                }
            } else {
                long = Stretch::of_four::<I, ZEROS>(p.as_ptr(), q.as_ptr());
                at = four;
            }
            while at + four <= n {
                long.join(Stretch::of_four::<I, ZEROS>(p.as_ptr().add(at), q.as_ptr().add(at)));
                at += four;
            }
        }
        if at < n {
            long.add_last::<T, ZEROS>(&p[at..n], &q[at..n]);
        }
        long.sums()
    }

    /// Adds two slices of equal length, of whole long stretches or the last ones, and says whether it could.
    #[inline(always)]
    pub(super) fn add<I: Isa<F64 = S>, T: Vector, const ZEROS: bool>(
        &mut self,
        p: &[T],
        q: &[T],
        kept: &mut Kept<T::On<I>>,
    ) -> bool {
        let (mut at, n) = (0, p.len().min(q.len()));
        while at < n {
            let end = n.min(at + long_stretch::<T>());
            let (p, q) = (&p[at..end], &q[at..end]);
            let long = if end - at >= 4 * T::On::<I>::LANES {
                // SAFETY: so many they have.
                unsafe { Self::of_long::<I, T, ZEROS>(p, q, kept) }
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
pub(super) fn valued<T: Real, N: Numbers<Real = f64>>(terms: N, q: N) -> (N, N) {
    let terms = terms * N::splat(-LN_2 / T::STEP.to_f64());
    (terms, N::splat(FAR).fnma(q, terms))
}

/// What is kept of each vector of a stretch between the two times it is gone through. A job has one place for it: the stack is
/// short.
pub(super) type Kept<V> = [MaybeUninit<[V; 2]>; STRETCH / 8];

#[inline(always)]
pub(super) const fn nothing_kept<V: Copy>() -> Kept<V> {
    [const { MaybeUninit::uninit() }; STRETCH / 8]
}

/// Whether a stretch is gone through only once: where vectors are as wide as registers can be, a processor holds enough of
/// them.
#[inline(always)]
pub(super) const fn once<I: Isa>() -> bool {
    I::WIDE
}

/// Whether a stretch that seems far apart is gone through twice. Of f32 a second time gains less than it takes to keep what it needs.
#[inline(always)]
const fn twice<I: Isa, T: Real>() -> bool {
    !once::<I>() && T::COMPENSATE
}

/// Asks for what so many elements a page further on take, all at once: a compiler does not bring what comes before such a
/// request behind it.
#[inline(always)]
fn fetch_all_ahead<V: Lanes>(n: usize, p: *const V::Real, q: *const V::Real) {
    for i in (0..n).step_by(V::LANES) {
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

    /// Of four vectors, side by side where there are registers for them.
    ///
    /// # Safety
    /// Four vectors are readable from each.
    #[inline(always)]
    unsafe fn of_four<I: Isa, const ZEROS: bool>(p: *const V::Real, q: *const V::Real) -> Self {
        fetch_all_ahead::<V>(4 * V::LANES, p, q);
        if I::WIDE {
            // SAFETY: the caller's promise.
            let pair = unsafe { Loaded::<Four<V>>::whole(&AsGiven, p, q) };
            // As given, also where p is 0.
            let [a, b, c, d] = each_of(pair.q.hi);
            let q = a + b + c + d;
            let pair = if ZEROS { ones_for_zeros(pair) } else { pair };
            let unrest = unrest(pair.p.hi, pair.q.hi);
            let (logs, p) = (each_of(Ratio::of(pair.p, pair.q).in_steps().ln()), each_of(pair.p.hi));
            let mut products = p[0] * logs[0];
            for i in 1..4 {
                products = p[i].fma(logs[i], products);
            }
            return Stretch { products, q, unrest };
        }
        let mut stretch = Self::new();
        for i in (0..4 * V::LANES).step_by(V::LANES) {
            // SAFETY: the caller's promise.
            let pair = unsafe { Loaded::whole(&AsGiven, p.add(i), q.add(i)) };
            stretch.add::<ZEROS>(pair, pair.q.hi);
        }
        stretch
    }

    /// Adds a stretch in two times, for one half of what is to be done each; see [`crate::kernels::apart`].
    ///
    /// # Safety
    /// A stretch is readable from each.
    #[inline(always)]
    unsafe fn add_stretch<const ZEROS: bool>(
        &mut self,
        p: *const V::Real,
        q: *const V::Real,
        kept: &mut Kept<V>,
    ) {
        fetch_all_ahead::<V>(STRETCH, p, q);
        for four in (0..STRETCH / V::LANES).step_by(4) {
            let mut sum = V::zero();
            for n in four..four + 4 {
                // SAFETY: the caller's promise.
                let pair = unsafe { Loaded::whole(&AsGiven, p.add(n * V::LANES), q.add(n * V::LANES)) };
                sum = sum + pair.q.hi;
                let pair = if ZEROS { ones_for_zeros(pair) } else { pair };
                self.unrest = V::join_unrest(self.unrest, unrest(pair.p.hi, pair.q.hi));
                let log = Ratio::of(pair.p, pair.q).in_steps();
                kept[n].write([log.whole, log.s]);
            }
            self.q = self.q + sum;
        }
        for four in (0..STRETCH / V::LANES).step_by(4) {
            let mut sum = V::zero();
            for n in four..four + 4 {
                // SAFETY: the caller's promise, and that was kept above. Where a 0 was set right the logarithm is 0, and so is
                // the product.
                let (p, [whole, s]) = unsafe { (V::load(p.add(n * V::LANES)), kept[n].assume_init()) };
                sum = p.fma(InSteps { whole, s }.ln(), sum);
            }
            self.products = self.products + sum;
        }
    }

    /// Adds what is left, less than four vectors.
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
        self.products = pair.p.hi.fma(Ratio::of(pair.p, pair.q).in_steps().ln(), self.products);
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

/// Whether slices are long enough.
#[inline(always)]
pub(super) fn may_be<T: Vector>(p: &[T], q: &[T]) -> bool {
    p.len().min(q.len()) >= STRETCH
}

/// The pairs of a row that say whether it seems far apart, in its middle: what is near each other is often far apart at its
/// ends. Where a row is short it is always the same pairs, which a compiler then takes together with the sums; where it is
/// shorter than a stretch, none.
#[inline(always)]
pub(crate) fn seen<T>(n: usize) -> Option<Range<usize>> {
    if n < STRETCH {
        return None;
    }
    let from = if n <= long_stretch::<T>() { STRETCH / 2 } else { (n - SEEN) / 2 / SEEN * SEEN };
    Some(from..from + SEEN)
}

/// Whether slices are long enough and seem far apart: few of the pairs that are [`seen`] are within a factor of some 1.5.
#[inline(always)]
pub(super) fn seem_far<I: Isa, T: Vector>(p: &[T], q: &[T]) -> bool {
    // No closure: it would not be compiled for the instruction set.
    match seen::<T>(p.len().min(q.len())) {
        Some(seen) => are_far::<I, T>(&p[seen.clone()], &q[seen]),
        None => false,
    }
}

/// Whether pairs are far apart for the most part.
#[inline(always)]
fn are_far<I: Isa, T: Vector>(p: &[T], q: &[T]) -> bool {
    let mut near = 0;
    for i in (0..SEEN).step_by(T::On::<I>::LANES) {
        // SAFETY: so many they have.
        let (p, q) = unsafe { (T::On::<I>::load(p.as_ptr().add(i)), T::On::<I>::load(q.as_ptr().add(i))) };
        let (_, steps) = T::On::<I>::align(p, q);
        near += T::On::<I>::count(T::On::<I>::equal(steps, T::On::<I>::zero()));
    }
    near <= SEEN_NEAR
}

/// Whether those pairs of a share are far apart for the most part that are [`seen`].
pub(crate) struct AreFar<'a, T> {
    pub(crate) p: &'a [T],
    pub(crate) q: &'a [T],
}

impl<T: Vector> Job for AreFar<'_, T> {
    type Output = bool;

    #[inline(always)]
    fn run<I: Isa>(self) -> bool {
        self.p.len() == SEEN && self.q.len() == SEEN && are_far::<I, T>(self.p, self.q)
    }
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
