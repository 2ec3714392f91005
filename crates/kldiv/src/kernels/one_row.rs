//! KL of two slices by themselves, of at most a block, that are apart or far apart; see [`crate::kernels::apart`].
//!
//! A call of few elements is over before a processor has begun with all of it, so everything counts: what only longer slices
//! need is a call of its own, for the registers it takes would be saved for all. Not so with short vectors, where that took a
//! twentieth longer, and in some processes half as long again.

use crate::kernels::apart::{Lane, is_apart};
use crate::kernels::far::{self, nothing_kept};
use crate::kernels::generic::STRETCH;
use crate::kernels::lane_sums::joined_both;
use crate::kernels::lanes::{Isa, Job, Lanes, Numbers, Vector, separately};

/// What is left to do of a value that was tried.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub enum Rest {
    /// All.
    All,
    /// What a first look leaves to do of rows that are near each other.
    Near,
    /// What it leaves of others.
    Odd,
}

/// The KL of two slices of equal length, from 2 elements to a block, or what is left to do. Gives what `then` makes of it, in
/// the same call.
///
/// Nothing but vectors of numbers and of integers, as is [`ShortFar`]: this is what [`crate::kernels::avx512::short`] asks for.
pub(crate) struct Short<'a, T, F> {
    pub(crate) p: &'a [T],
    pub(crate) q: &'a [T],
    pub(crate) then: F,
}

impl<T: Vector, R, F: FnOnce(Result<f64, Rest>) -> R> Job for Short<'_, T, F> {
    type Output = R;

    #[inline(always)]
    fn run<I: Isa>(self) -> R {
        if !I::WIDE {
            return Stretches(self).run::<I>();
        }
        if self.p.len() > STRETCH {
            return separately::<I, _>(Stretches(self));
        }
        near_value::<I, T, _>(Lane::of_stretch::<I, T>(self.p, self.q), self.then)
    }
}

/// The same of slices of any length up to a block.
struct Stretches<'a, T, F>(Short<'a, T, F>);

impl<T: Vector, R, F: FnOnce(Result<f64, Rest>) -> R> Job for Stretches<'_, T, F> {
    type Output = R;

    #[inline(always)]
    fn run<I: Isa>(self) -> R {
        let mut lane = Lane::<I::F64>::new(false);
        let could = lane.add_near::<I, T, false>(self.0.p, self.0.q, &mut nothing_kept());
        let sums = if could { Some((lane.curved, lane.straight)) } else { None };
        near_value::<I, T, _>(sums, self.0.then)
    }
}

/// What `then` makes of the value of curved and straight sums.
#[inline(always)]
fn near_value<I: Isa, T: Vector, R>(
    sums: Option<(I::F64, I::F64)>,
    then: impl FnOnce(Result<f64, Rest>) -> R,
) -> R {
    let Some((curved, straight)) = sums else { return then(Err(Rest::Odd)) };
    let both = joined_both(curved, straight);
    if !is_apart::<T>(both.lane_0()) {
        return then(Err(Rest::Near));
    }
    then(Ok((both - both.swap(4)).lane_0()))
}

/// The same of slices that [`far::may_be`].
pub(crate) struct ShortFar<'a, T, F>(pub(crate) Short<'a, T, F>);

impl<T: Vector, R, F: FnOnce(Result<f64, Rest>) -> R> Job for ShortFar<'_, T, F> {
    type Output = R;

    #[inline(always)]
    fn run<I: Isa>(self) -> R {
        let Short { p, q, then } = self.0;
        if p.len() > far::long_stretch::<T>() {
            let long = LongFar(Short { p, q, then });
            return if I::WIDE { separately::<I, _>(long) } else { long.run::<I>() };
        }
        if !far::seem_far::<I, T>(p, q) {
            return separately::<I, _>(Stretches(Short { p, q, then }));
        }
        // SAFETY: what seems far apart has a stretch at least.
        let sums = unsafe { far::Sums::of_long::<I, T, false>(p, q, &mut nothing_kept()) };
        match far_value::<I, T>(sums) {
            Err(Rest::Near) => separately::<I, _>(Stretches(Short { p, q, then })),
            found => then(found),
        }
    }
}

/// The same of slices of more than a long stretch.
struct LongFar<'a, T, F>(Short<'a, T, F>);

impl<T: Vector, R, F: FnOnce(Result<f64, Rest>) -> R> Job for LongFar<'_, T, F> {
    type Output = R;

    #[inline(always)]
    fn run<I: Isa>(self) -> R {
        let Short { p, q, then } = self.0;
        if !far::seem_far::<I, T>(p, q) {
            return separately::<I, _>(Stretches(Short { p, q, then }));
        }
        let mut sums = far::Sums::<I::F64>::zero();
        let could = sums.add::<I, T, false>(p, q, &mut nothing_kept());
        // No closure: it would not be compiled for the instruction set.
        match far_value::<I, T>(if could { Some(sums) } else { None }) {
            Err(Rest::Near) => separately::<I, _>(Stretches(Short { p, q, then })),
            found => then(found),
        }
    }
}

/// The value of sums of what is far apart.
#[inline(always)]
fn far_value<I: Isa, T: Vector>(sums: Option<far::Sums<I::F64>>) -> Result<f64, Rest> {
    let Some(sums) = sums else { return Err(Rest::Odd) };
    let both = joined_both(sums.terms, sums.q);
    let (terms, q) = (I::One::splat(both.lane_0()), I::One::splat(both.swap(4).lane_0()));
    let (terms, excess) = far::valued::<T, _>(terms, q);
    let (terms, excess): (f64, f64) = (terms.into(), excess.into());
    if !is_apart::<T>(excess) {
        return Err(if excess.is_nan() { Rest::Odd } else { Rest::Near });
    }
    Ok(terms)
}
