//! What is done to elements between memory and the terms: nothing, or scaling and smoothing in two parts.

use crate::kernels::lanes::Lanes;
use crate::kernels::log::Parts;
use crate::sum::Compensated;

/// Makes of two loaded vectors the numbers whose terms are computed.
pub(crate) trait Prepare: Copy + Send + Sync {
    /// Whether that is nothing.
    const AS_GIVEN: bool = false;
    fn pair<V: Lanes>(&self, p: V, q: V) -> (Parts<V>, Parts<V>);
}

/// Elements as they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AsGiven;

impl Prepare for AsGiven {
    const AS_GIVEN: bool = true;

    #[inline(always)]
    fn pair<V: Lanes>(&self, p: V, q: V) -> (Parts<V>, Parts<V>) {
        (p.into(), q.into())
    }
}

/// `(x + add) · range · by`, where the range is a product of two because it may lie outside that of f64.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    /// α of additive smoothing.
    pub(crate) add: f64,
    /// Two powers of 2 that together bring the row's sum near 2^900, so that its smallest parts stay normal.
    pub(crate) range: [f64; 2],
    pub(crate) by: Compensated,
}

impl Scale {
    #[inline(always)]
    fn apply<V: Lanes>(&self, x: V) -> Parts<V> {
        let add = V::constant(self.add);
        // Two-sum of x + add, then the powers of 2, which are exact.
        let sum = x + add;
        let back = sum - x;
        let rest = (x - (sum - back)) + (add - back);
        let [one, two] = [V::constant(self.range[0]), V::constant(self.range[1])];
        let (sum, rest) = (sum * one * two, rest * one * two);
        // Two-product with the factor's high part.
        let (high, low) = (V::constant(self.by.hi), V::constant(self.by.lo));
        let product = sum * high;
        let error = sum.fma(high, V::zero() - product);
        Parts { hi: product, lo: Some((sum * low + rest * high) + error) }
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
