//! The exponential, and what is left of it after its straight part.
//!
//! With n the integer nearest to x / ln 2 and r = x − n ln 2, |r| ≤ ln 2 / 2,
//!
//! ```text
//! exp(x)         = 2^n (1 + r + r² E(r))
//! exp(x) − 1     = (2^n − 1) + 2^n (r + r² E(r))
//! exp(x) − 1 − x = ((2^n − 1) − x + 2^n r) + 2^n r² E(r)
//! ```
//!
//! For n = 0 everything in front of the last summand is 0 without rounding, so that the last two keep all their digits
//! however small x is. For n = ±1 the second loses at most a few units in the last place, the third at most ten.

use std::f64::consts::LN_2;

use crate::kernels::lanes::{Lanes, Numbers, Real, polynomial, polynomial_of};
use crate::kernels::scalar::One;
use crate::view::Element;

/// The parts of `exp(x)`.
#[derive(Clone, Copy)]
pub(crate) struct Exp<V> {
    x: V,
    /// 2^n, r and r² E(r).
    power: V,
    r: V,
    rest: V,
}

impl<V: Lanes> Exp<V> {
    /// Of x from `EXP_LOWEST` to `EXP_HIGHEST`.
    #[inline(always)]
    pub(crate) fn of(x: V) -> Self {
        let (shifted, n) = Self::nearest(x);
        let r = n.fnma(V::splat(V::Real::LN2_LOW), n.fnma(V::splat(V::Real::LN2_HIGH), x));
        Self::of_rest(x, shifted, r)
    }

    /// Of an x that is itself rounded: as good as that allows, which is |x| u/2, and cheaper.
    #[inline(always)]
    pub(crate) fn of_rounded(x: V) -> Self {
        let (shifted, n) = Self::nearest(x);
        Self::of_rest(x, shifted, n.fnma(V::splat(V::Real::LN2), x))
    }

    /// n + `ROUND` and n.
    #[inline(always)]
    fn nearest(x: V) -> (V, V) {
        let shift = V::splat(V::Real::ROUND);
        let shifted = x.fma(V::splat(V::Real::INV_LN2), shift);
        (shifted, shifted - shift)
    }

    #[inline(always)]
    fn of_rest(x: V, shifted: V, r: V) -> Self {
        let r2 = r * r;
        let rest = r2 * polynomial_of(r, r2, V::Real::EXP);
        Exp { x, power: V::exp2(shifted), r, rest }
    }

    /// `exp(x)`.
    #[inline(always)]
    pub(crate) fn value(&self) -> V {
        self.power.fma(self.r + self.rest, self.power)
    }

    /// `exp(x) − 1`.
    #[inline(always)]
    pub(crate) fn less_one(&self) -> V {
        self.power.fma(self.r + self.rest, self.power - V::one())
    }

    /// `exp(x) − 1 − x` ≥ 0.
    #[inline(always)]
    pub(crate) fn curved(&self) -> V {
        let straight = self.power.fma(self.r, (self.power - V::one()) - self.x);
        self.power.fma(self.rest, straight)
    }
}

/// `exp(x)`: 0 and infinity where it leaves the range of normal numbers, or is about to.
#[inline(always)]
pub(crate) fn exp<V: Lanes>(x: V) -> V {
    let low = V::le(x, V::splat(V::Real::EXP_LOWEST));
    let high = V::le(V::splat(V::Real::EXP_HIGHEST), x);
    let inside = V::select(V::or(low, high), V::zero(), x);
    V::select(low, V::zero(), V::select(high, V::splat(V::Real::INFINITY), Exp::of(inside).value()))
}

/// `exp(x) − 1 − x` over x², for |x| ≤ 2.
#[inline(always)]
pub(crate) fn exp_rest<V: Lanes>(x: V) -> V {
    polynomial(x, V::Real::EXP_WIDE)
}

/// `exp(scale · x)` of an x that is itself rounded: as good as that allows, which is |scale · x| u/2, and cheapest.
///
/// 2^(k/8) comes from a table, and what is left of x is so small that few terms of a series do.
#[derive(Clone, Copy)]
pub(crate) struct ScaledExp<V> {
    /// What counts eighths of a power of 2 in x, and one of those.
    eighths: V,
    eighth: V,
    /// Of `(exp(scale · r) − 1)/r`; as many as the type has.
    slope: [V; 7],
}

impl<V: Lanes> ScaledExp<V> {
    /// For scales of `SCALES`.
    #[inline(always)]
    pub(crate) fn of(scale: f64) -> Self {
        let mut slope = [V::zero(); 7];
        let mut power = 1.0;
        for (slope, c) in slope.iter_mut().zip(V::Real::EXP_EIGHTH) {
            power *= scale;
            *slope = V::constant(power * c.to_f64());
        }
        let eighth = LN_2 / 8.0 / scale;
        ScaledExp { eighths: V::constant(1.0 / eighth), eighth: V::constant(eighth), slope }
    }

    /// Where neither the result nor `scale · x` leaves the range of normal numbers.
    #[inline(always)]
    pub(crate) fn exp(&self, x: V) -> V {
        let shift = V::splat(V::Real::ROUND);
        let shifted = x.fma(self.eighths, shift);
        let r = (shifted - shift).fnma(self.eighth, x);
        let mut i = V::Real::EXP_EIGHTH.len() - 1;
        let mut slope = self.slope[i];
        while i > 0 {
            i -= 1;
            slope = slope.fma(r, self.slope[i]);
        }
        let power = V::eighths(shifted);
        power.fma(r * slope, power)
    }
}

/// Scales of which no power that [`ScaledExp`] needs leaves the range of normal numbers.
pub(crate) const SCALES: std::ops::Range<f64> = 1e-9..1e9;

/// [`exp`] of one number.
pub(crate) fn exp_of(x: f64) -> f64 {
    exp(One::splat(x)).0[0]
}

/// `by exp(x)` of any x: where that is subnormal it is rounded once, from the root of the exponential.
pub(crate) fn times_exp(by: f64, x: f64) -> f64 {
    if x > f64::EXP_LOWEST {
        return by * exp_of(x);
    }
    let root = exp_of(0.5 * x);
    root * by * root
}

/// `exp(x) − 1` and `exp(x) − 1 − x` of one number from `EXP_LOWEST` to `EXP_HIGHEST`.
pub(crate) fn parts_of(x: f64) -> (f64, f64) {
    let exp = Exp::of(One::splat(x));
    (exp.less_one().0[0], exp.curved().0[0])
}
