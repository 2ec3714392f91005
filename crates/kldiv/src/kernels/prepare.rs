//! What is done to elements between memory and the terms: nothing, or scaling and smoothing in two parts.

use crate::kernels::lanes::{Lanes, two_sum};
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

/// `(x + add) · lift · by`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    /// α of additive smoothing.
    add: f64,
    /// A power of 2, which is 1 but for rows of tiny numbers: times the factor it might be no number.
    lift: f64,
    by: Compensated,
}

impl Scale {
    /// An element as it is.
    pub(crate) const NONE: Scale = Scale { add: 0.0, lift: 1.0, by: Compensated { hi: 1.0, lo: 0.0 } };

    pub(crate) fn new(add: f64, lift: f64, by: Compensated) -> Scale {
        Scale { add, lift, by }
    }

    #[inline(always)]
    fn apply<V: Lanes>(&self, x: V) -> Parts<V> {
        let (add, lift) = (V::constant(self.add), V::constant(self.lift));
        let (high, low) = (V::constant(self.by.hi), V::constant(self.by.lo));
        if self.add == 0.0 {
            let (product, rest) = two_product(x * lift, high);
            return Parts { hi: product, lo: Some((x * lift).fma(low, rest)) };
        }
        let (sum, rest) = two_sum(x, add);
        let (sum, rest) = (sum * lift, rest * lift);
        let (product, error) = two_product(sum, high);
        Parts { hi: product, lo: Some(rest.fma(high, sum.fma(low, error))) }
    }
}

/// a · b and its rounding error.
#[inline(always)]
fn two_product<V: Lanes>(a: V, b: V) -> (V, V) {
    let product = a * b;
    (product, a.fma(b, V::zero() - product))
}

/// Each side scaled by the other's sum: p·Σq against q·Σp, whose ratio is that of the normalised elements and whose
/// difference is theirs without any rounding to speak of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scaled {
    pub(crate) p: Scale,
    pub(crate) q: Scale,
}

impl Scaled {
    /// Both as they are.
    pub(crate) const NONE: Scaled = Scaled { p: Scale::NONE, q: Scale::NONE };
}

impl Prepare for Scaled {
    #[inline(always)]
    fn pair<V: Lanes>(&self, p: V, q: V) -> (Parts<V>, Parts<V>) {
        (self.p.apply(p), self.q.apply(q))
    }
}
