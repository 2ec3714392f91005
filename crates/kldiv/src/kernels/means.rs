//! What a distribution knows of itself that the cost of another one asks for, several at a time: what families have in common.
//! Each by itself is in [`laws`](super::laws), and what asks in [`costs`](super::costs).
//!
//! Entropies and means of logarithms are without those of a unit, which each family chooses from its parameters: a divergence
//! then takes one logarithm, that of the units' ratio.

use crate::kernels::exp::exp;
use crate::kernels::lanes::{Isa, Job, Lanes, Numbers};
use crate::kernels::log::Ratio;
use crate::kernels::pairs::within;

/// Pairs that are described together.
pub(crate) const TOGETHER: usize = 32;

/// A number of each.
pub(crate) type Block = [f64; TOGETHER];

/// What a cost asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    Nothing,
    Mean,
    Variance,
    /// E 1/x
    Inverse,
    /// E ln(x/unit), and the variance.
    Ln,
    LnVariance,
    /// E ln(1 − x)
    LnRest,
    /// E |x − c|
    Distance,
    /// E e^(−(x − c)/s)
    Decay,
}

/// A family by its parameters a and b.
pub(crate) trait Law {
    /// Where parameters are in the range of what follows.
    fn fits<V: Lanes<Real = f64>>(&self, a: V, b: V) -> V::Mask;
    fn unit<V: Lanes<Real = f64>>(&self, a: V, b: V) -> V;
    /// The entropy less the logarithm of the unit.
    fn entropy<V: Lanes<Real = f64>>(&self, a: V, b: V) -> V;
    /// The ends of the support.
    fn support<V: Lanes<Real = f64>>(&self, a: V, b: V) -> (V, V);
    /// A moment, with c and s the other's parameters: infinite where it is, and NaN where there is no formula, or none that is
    /// good enough.
    fn moment<V: Lanes<Real = f64>>(&self, of: Moment, a: V, b: V, c: V, s: V) -> V;
}

/// What is known of [`TOGETHER`] distributions; NaN where parameters do not fit.
pub(crate) struct Known {
    pub(crate) unit: Block,
    pub(crate) entropy: Block,
    pub(crate) support: [Block; 2],
    pub(crate) moments: [Block; 2],
}

impl Known {
    pub(crate) fn nothing() -> Self {
        let block = [f64::NAN; TOGETHER];
        Known { unit: block, entropy: block, support: [block; 2], moments: [block; 2] }
    }
}

/// Writes what is known of distributions, and the moments that are asked for.
pub(crate) struct Describe<'a, L> {
    pub(crate) law: L,
    pub(crate) moments: [Moment; 2],
    pub(crate) p: &'a [Block; 2],
    pub(crate) q: &'a [Block; 2],
    /// How many there are; what is left of a block may be written to, too.
    pub(crate) n: usize,
    pub(crate) known: &'a mut Known,
}

impl<L: Law> Job for Describe<'_, L> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Describe { law, moments, p, q, n, known } = self;
        for at in (0..n.min(TOGETHER)).step_by(I::F64::LANES) {
            // SAFETY: a block is a number of vectors.
            unsafe {
                let (a, b) = (load::<I::F64>(&p[0], at), load(&p[1], at));
                let (c, s) = (load(&q[0], at), load(&q[1], at));
                let unit = I::F64::select(law.fits(a, b), law.unit(a, b), I::F64::splat(f64::NAN));
                let (low, high) = law.support(a, b);
                unit.store(known.unit.as_mut_ptr().add(at));
                law.entropy(a, b).store(known.entropy.as_mut_ptr().add(at));
                low.store(known.support[0].as_mut_ptr().add(at));
                high.store(known.support[1].as_mut_ptr().add(at));
                for (moment, to) in moments.into_iter().zip(&mut known.moments) {
                    law.moment(moment, a, b, c, s).store(to.as_mut_ptr().add(at));
                }
            }
        }
    }
}

/// # Safety
/// A vector's places are left from `at` on.
#[inline(always)]
pub(super) unsafe fn load<V: Lanes<Real = f64>>(from: &Block, at: usize) -> V {
    // SAFETY: the caller's promise.
    unsafe { V::load(from.as_ptr().add(at)) }
}

/// Scales and rates whose products and quotients are ordinary numbers.
pub(super) const MODERATE: (f64, f64) = (1e-70, 1e70);

/// Locations whose exponentials are.
pub(super) const EXPONENTS: (f64, f64) = (-160.0, 160.0);

/// The least e^x that is no 0, and the largest that is no infinity, with room.
pub(super) const FAR: f64 = 700.0;

#[inline(always)]
pub(super) fn nan<V: Lanes<Real = f64>>() -> V {
    V::splat(f64::NAN)
}

#[inline(always)]
pub(super) fn infinity<V: Lanes<Real = f64>>() -> V {
    V::splat(f64::INFINITY)
}

/// A number of moderate size.
#[inline(always)]
pub(super) fn moderate<V: Lanes<Real = f64>>(x: V) -> V::Mask {
    V::le(x.magnitude(), V::splat(MODERATE.1))
}

/// Any location, and a scale above 0.
#[inline(always)]
pub(super) fn placed<V: Lanes<Real = f64>>(loc: V, scale: V) -> V::Mask {
    V::and(moderate(loc), within(scale, MODERATE))
}

#[inline(always)]
pub(super) fn ln<V: Lanes<Real = f64>>(x: V) -> V {
    Ratio::of(V::one().into(), x.into()).ln()
}

/// e^x that is no number only where it is too large to be one.
#[inline(always)]
pub(super) fn power<V: Lanes<Real = f64>>(x: V) -> V {
    V::select(V::le(x, V::splat(FAR)), exp(x), nan())
}

/// x where `above` is above a bound, or infinite.
#[inline(always)]
pub(super) fn from<V: Lanes<Real = f64>>(bound: f64, above: V, x: V) -> V {
    V::select(V::le(above, V::splat(bound)), infinity(), x)
}

#[inline(always)]
pub(super) fn everywhere<V: Lanes<Real = f64>>() -> (V, V) {
    (V::splat(f64::NEG_INFINITY), infinity())
}

#[inline(always)]
pub(super) fn positive<V: Lanes<Real = f64>>() -> (V, V) {
    (V::zero(), infinity())
}

/// E |x − c| of what is not below `low`, where c is not above that.
#[inline(always)]
pub(super) fn beyond<V: Lanes<Real = f64>>(mean: V, low: V, c: V) -> V {
    V::select(V::le(c, low), mean - c, nan())
}
