//! What is done to elements between memory and the terms: nothing, or scaling and smoothing in two parts.

use crate::kernels::lanes::Lanes;
use crate::kernels::log::Parts;
use crate::sum::Compensated;

/// Makes of two loaded vectors the numbers whose terms are computed.
pub(crate) trait Prepare: Copy + Send + Sync {
    fn pair<V: Lanes>(&self, p: V, q: V) -> (Parts<V>, Parts<V>);
}

/// Elements as they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AsGiven;

impl Prepare for AsGiven {
    #[inline(always)]
    fn pair<V: Lanes>(&self, p: V, q: V) -> (Parts<V>, Parts<V>) {
        (p.into(), q.into())
    }
}

/// `(x + add) · range · by`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    /// α of additive smoothing.
    pub(crate) add: f64,
    /// A power of 2 that brings the row's sum near 1.
    pub(crate) range: f64,
    pub(crate) by: Compensated,
}

impl Scale {
    #[inline(always)]
    fn apply<V: Lanes>(&self, x: V) -> Parts<V> {
        let (add, range) = (V::constant(self.add), V::constant(self.range));
        // Two-sum of x + add, then the power of 2, which is exact.
        let sum = x + add;
        let back = sum - x;
        let rest = (x - (sum - back)) + (add - back);
        let (sum, rest) = (sum * range, rest * range);
        // Two-product with the factor's high part.
        let (high, low) = (V::constant(self.by.hi), V::constant(self.by.lo));
        let product = sum * high;
        let error = sum.fma(high, V::zero() - product);
        Parts { hi: product, lo: Some(sum.fma(low, rest.fma(high, error))) }
    }
}

/// Each side scaled by the other's sum: p·Σq against q·Σp, whose ratio is that of the normalised elements and whose
/// difference is theirs without any rounding to speak of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scaled {
    pub(crate) p: Scale,
    pub(crate) q: Scale,
}

impl Prepare for Scaled {
    #[inline(always)]
    fn pair<V: Lanes>(&self, p: V, q: V) -> (Parts<V>, Parts<V>) {
        (self.p.apply(p), self.q.apply(q))
    }
}
