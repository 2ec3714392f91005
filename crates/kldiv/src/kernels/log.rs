//! The logarithm of a ratio, and what is left of it after its straight part: one division, and no cancellation.
//!
//! For p, q > 0 let q' = q·2^−k lie near p, and with it
//!
//! ```text
//! d = q' − p    exact, because q' is within a factor 2 of p (Sterbenz)
//! u = q' + p,   s = d/u, |s| ≤ 0.2005
//! ln(q'/p) = 2 atanh s = 2s + s · 2s² R(s²)
//! p ln(p/q') − p + q' = h = s (d − p · 2s² R(s²))
//! ```
//!
//! h is at least 0 and relatively accurate however close p and q are, because nothing in it cancels. From it,
//! with x = d + p k ln 2, `p ln(p/q) = h − x`, where x is exact for k = 0, that is, wherever h is much smaller than
//! x. Sums of h and of x are kept apart, so that what cancels in a sum is exact.

use crate::kernels::coefficients::ATANH_F64;
use crate::kernels::exp::exp;
use crate::kernels::lanes::{Isa, Job, Lanes, Numbers, Real, polynomial, polynomial_of, two_sum};
use crate::kernels::scalar::{One, Scalar};

/// A number in two parts; the low one is missing where numbers are taken as given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts<V> {
    pub(crate) hi: V,
    pub(crate) lo: Option<V>,
}

impl<V> From<V> for Parts<V> {
    #[inline(always)]
    fn from(hi: V) -> Self {
        Parts { hi, lo: None }
    }
}

/// q against p, both ordinary.
#[derive(Clone, Copy)]
pub(crate) struct Ratio<V> {
    p: V,
    q: V,
    /// q', and k in steps; see [`Lanes::align`].
    aligned: V,
    steps: V,
    /// What low parts add to q − p, where that is seen.
    low: Option<V>,
    quotient: Quotient<V>,
}

/// All that the curved part needs beside p. It takes a division, and the curved part a polynomial: to keep the two apart
/// is of use to [`crate::kernels::apart`].
#[derive(Clone, Copy)]
pub(crate) struct Quotient<V> {
    /// q' − p.
    pub(crate) d: V,
    /// d/u.
    pub(crate) s: V,
}

impl<V: Numbers> Quotient<V> {
    /// s² and 2R(s²).
    #[inline(always)]
    fn bend(&self) -> (V, V) {
        let z = self.s * self.s;
        (z, polynomial(z, V::Real::ATANH))
    }

    /// A sum and h, rounded once.
    #[inline(always)]
    pub(crate) fn add_curved(&self, p: V, sum: V) -> V {
        self.s.fma(self.curved_by_s(p), sum)
    }

    /// h/s; the polynomial, which is there last, goes in last.
    #[inline(always)]
    fn curved_by_s(&self, p: V) -> V {
        let (z, bend) = self.bend();
        (p * z).fnma(bend, self.d)
    }

    /// `ln(q'/p)`.
    #[inline(always)]
    fn ln(&self) -> V {
        let (z, bend) = self.bend();
        self.s.fma(z * bend, self.s + self.s)
    }
}

impl<V: Numbers> Ratio<V> {
    /// Of numbers as they are given; [`crate::kernels::still`] has them.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub(crate) fn of_given(p: V, q: V) -> Self {
        let (aligned, steps) = V::align(p, q);
        Self::of_aligned((p, q), aligned, steps, None)
    }

    #[inline(always)]
    fn of_aligned((p, q): (V, V), aligned: V, steps: V, low: Option<V>) -> Self {
        let u = aligned + p;
        let mut d = aligned - p;
        if let Some(low) = low {
            d = d + low;
        }
        Ratio { p, q, aligned, steps, low, quotient: Quotient { d, s: d / u } }
    }

    #[inline(always)]
    pub(crate) fn quotient(&self) -> Quotient<V> {
        self.quotient
    }

    /// h ≥ 0.
    #[inline(always)]
    pub(crate) fn curved(&self) -> V {
        self.quotient.s * self.quotient.curved_by_s(self.p)
    }

    /// x, so that `p ln(p/q) = h − x`; equal to q − p without rounding where k is 0.
    #[inline(always)]
    pub(crate) fn straight(&self) -> V {
        self.p.fma(self.steps * per_step(V::Real::LN2), self.quotient.d)
    }
}

/// All that `ln(q/p)` needs in steps of an exponent, each worth ln 2 / `STEP`.
#[derive(Clone, Copy)]
pub(crate) struct InSteps<V> {
    pub(crate) whole: V,
    /// d/u, as [`Quotient`] has it.
    pub(crate) s: V,
}

impl<V: Lanes> InSteps<V> {
    /// Within 4 u of itself. Vectors keep step with each other; see [`Lanes::in_step`].
    #[inline(always)]
    pub(crate) fn ln(&self) -> V {
        let s = self.s.in_step();
        let z = s * s;
        let two = V::splat((V::Real::INV_LN2 + V::Real::INV_LN2) * V::Real::STEP);
        s.fma(z.fma(polynomial(z, V::Real::ATANH_IN_STEPS), two), self.whole).in_step()
    }
}

impl<V: Lanes> Ratio<V> {
    #[inline(always)]
    pub(crate) fn of(p: Parts<V>, q: Parts<V>) -> Self {
        let (aligned, steps) = V::align(p.hi, q.hi);
        // Low parts matter only where the high ones nearly cancel; there k is 0.
        let low = match (p.lo, q.lo) {
            (None, None) => None,
            (p, q) => {
                let low = q.unwrap_or(V::zero()) - p.unwrap_or(V::zero());
                Some(V::select(V::equal(steps, V::zero()), low, V::zero()))
            }
        };
        Self::of_aligned((p.hi, q.hi), aligned, steps, low)
    }

    /// `p ln(p/q) − p + q` ≥ 0.
    #[inline(always)]
    pub(crate) fn gap(&self) -> V {
        // q − q' and p k ln 2 nearly cancel where q/p is near 4/3; the low part of ln 2 comes after that.
        let high = self.steps * per_step(V::Real::LN2_HIGH);
        let low = self.steps * per_step(V::Real::LN2_LOW);
        self.curved() + self.p.fnma(low, self.p.fnma(high, self.q - self.aligned))
    }

    /// `ln(q/p)`, but for the polynomial.
    #[inline(always)]
    pub(crate) fn in_steps(&self) -> InSteps<V> {
        InSteps { whole: self.steps, s: self.quotient.s }
    }

    /// `ln(q/p)`.
    #[inline(always)]
    pub(crate) fn ln(&self) -> V {
        let near = self.steps.fma(per_step(V::Real::LN2_LOW), self.quotient.ln());
        self.steps.fma(per_step(V::Real::LN2_HIGH), near)
    }

    /// `p (q/p)^b`: 0 or infinity where a power of 2 in it leaves the range of normal numbers.
    #[inline(always)]
    pub(crate) fn power(&self, b: V) -> V {
        // The exponent of 2 in whole and in part, so that a large one costs no digits.
        let k = self.steps * per_step(V::Real::ONE);
        let exponent = b * k;
        let low = b.fma(k, V::zero() - exponent);
        let whole = exponent.round();
        let part = (exponent - whole) + low;
        let rest = exp(part.fma(V::splat(V::Real::LN2), b * self.quotient.ln()));
        let limit = V::splat(V::Real::EXPONENTS);
        let (low, high) = (V::le(whole, V::zero() - limit), V::le(limit, whole));
        let whole = V::select(V::or(low, high), V::zero(), whole);
        let power = self.p * rest * V::exp2(whole + V::splat(V::Real::ROUND));
        V::select(low, V::zero(), V::select(high, V::splat(V::Real::INFINITY), power))
    }

    /// q − p, without rounding where that matters.
    #[inline(always)]
    pub(crate) fn difference(&self) -> V {
        let difference = self.q - self.p;
        match self.low {
            Some(low) => difference + low,
            None => difference,
        }
    }
}

/// What a step is worth of what a power of 2 is worth.
#[inline(always)]
fn per_step<V: Numbers>(power: V::Real) -> V {
    V::splat(power / V::Real::STEP)
}

/// `ln(x)` of ordinary x as two numbers' sum, with a table instead of the division that [`Ratio`] has: within some three
/// u of itself. Of 0 it is some number. The second is there later than the first, and small: what is to be added to a
/// logarithm is better added to the first.
#[inline(always)]
pub(crate) fn ln_by_table<V: Lanes>(x: V) -> (V, V) {
    let (z, k, [inverse, whole]) = x.cell([V::Real::INVERSES, V::Real::LN_INVERSES]);
    let r = z.fma(inverse, V::zero() - V::one());
    let r2 = r * r;
    let part = r2.fma(polynomial_of(r, r2, V::Real::LN_1P), r);
    (k.fma(per_step(V::Real::LN2), whole), part)
}

/// `ln(p/q)` of any finite p, q > 0, subnormal ones and those whose ratio overflows included.
pub(crate) fn ln_ratio(p: f64, q: f64) -> f64 {
    LnQuotient(p, q).run::<Scalar>()
}

/// The same as a job: where fused operations are instructions it takes half as long as where they are calls.
pub(crate) struct LnQuotient(pub(crate) f64, pub(crate) f64);

impl Job for LnQuotient {
    type Output = f64;

    #[inline(always)]
    fn run<I: Isa>(self) -> f64 {
        ratio_of_any(self.1, self.0).ln().0[0]
    }
}

/// q/p of any two finite positive numbers, by which 1 stands for p: good for its logarithm and its powers.
#[inline(always)]
pub(crate) fn ratio_of_any(p: f64, q: f64) -> Ratio<One> {
    let ((p, i), (q, j)) = (split_exponent(p), split_exponent(q));
    let near = Ratio::of(Parts::from(One::splat(p)), One::splat(q).into());
    // The exponents joined before any is multiplied: they may cancel each other.
    let steps = near.steps + One::splat((j - i) * f64::STEP);
    Ratio { p: One::one(), steps, ..near }
}

/// `ln(x)` of any x ≥ 0; of anything else, NaN.
pub(crate) fn ln(x: f64) -> f64 {
    match x {
        0.0 => f64::NEG_INFINITY,
        f64::INFINITY => x,
        x if x > 0.0 => ln_ratio(x, 1.0),
        _ => f64::NAN,
    }
}

/// `ln(1 + x)` of any x ≥ −1, accurate near 0.
pub(crate) fn ln_1p(x: f64) -> f64 {
    Ln1p(x).run::<Scalar>().0
}

/// `x − ln(1 + x)` ≥ 0 of any x > −1, accurate near 0.
pub(crate) fn less_ln_1p(x: f64) -> f64 {
    Ln1p(x).run::<Scalar>().1
}

/// Both, as a job, as [`LnQuotient`] is one.
pub(crate) struct Ln1p(pub(crate) f64);

impl Job for Ln1p {
    type Output = (f64, f64);

    #[inline(always)]
    fn run<I: Isa>(self) -> (f64, f64) {
        let x = self.0;
        let (one, rest) = two_sum(One::splat(1.0), One::splat(x));
        // 1 + x against 1, if it is ordinary.
        if one.0[0] >= f64::SMALLEST && one.0[0] <= f64::LARGEST {
            let ratio = Ratio::of(One::splat(1.0).into(), Parts { hi: one, lo: Some(rest) });
            return (ratio.ln().0[0], ratio.gap().0[0]);
        }
        let ln = ln(1.0 + x);
        (ln, x - ln)
    }
}

/// A number in [2^−1/2, 2^1/2) or so and an exponent of 2, whose product is x.
#[inline(always)]
fn split_exponent(x: f64) -> (f64, f64) {
    let (x, shift) = if x < f64::SMALLEST { (x * 2f64.powi(128), -128.0) } else { (x, 0.0) };
    let (near_one, steps) = f64::align(1.0, x);
    (near_one, steps / f64::STEP + shift)
}

/// What a step counts for in a logarithm.
pub(crate) const LN2_BY_STEP: f64 = f64::LN2 / f64::STEP;

/// 1/a and 1/b by one division; ab is to be in range.
#[inline(always)]
pub(crate) fn inverses<V: Lanes<Real = f64>>(a: V, b: V) -> (V, V) {
    let inverse = V::one() / (a * b);
    (b * inverse, a * inverse)
}

/// q against p as [`Ratio`] has it, but before its division: s is to be d/u.
pub(crate) struct Undivided<V> {
    p: V,
    q: V,
    pub(crate) aligned: V,
    pub(crate) steps: V,
    pub(crate) d: V,
    pub(crate) u: V,
}

/// The same with s.
pub(crate) struct Log<V> {
    pub(crate) of: Undivided<V>,
    pub(crate) s: V,
    /// 2s²R(s²), so that ln(q'/p) = s (2 + that).
    pub(crate) rest: V,
}

impl<V: Lanes<Real = f64>> Undivided<V> {
    #[inline(always)]
    pub(crate) fn of(p: V, q: V) -> Self {
        let (aligned, steps) = V::align(p, q);
        Undivided { p, q, aligned, steps, d: aligned - p, u: aligned + p }
    }

    /// Of numbers that are rounded, but not their difference q − p.
    #[inline(always)]
    pub(crate) fn of_difference(p: V, q: V, difference: V) -> Self {
        let rounded = Undivided::of(p, q);
        let d = V::select(V::equal(rounded.steps, V::zero()), difference, rounded.d);
        Undivided { d, ..rounded }
    }

    /// With what [`inverses`] gave for u.
    #[inline(always)]
    pub(crate) fn over(self, inverse_of_u: V) -> Log<V> {
        let s = self.d * inverse_of_u;
        self.with(s)
    }

    /// With a division of its own.
    #[inline(always)]
    pub(crate) fn divided(self) -> Log<V> {
        let s = self.d / self.u;
        self.with(s)
    }

    #[inline(always)]
    fn with(self, s: V) -> Log<V> {
        let z = s * s;
        Log { of: self, s, rest: z * polynomial(z, &ATANH_F64) }
    }
}

impl<V: Lanes<Real = f64>> Log<V> {
    /// k ln 2.
    #[inline(always)]
    pub(crate) fn whole(&self) -> V {
        self.of.steps * V::splat(LN2_BY_STEP)
    }

    /// `p ln(p/q') − p + q'` ≥ 0.
    #[inline(always)]
    pub(crate) fn curved(&self) -> V {
        self.s * self.of.p.fnma(self.rest, self.of.d)
    }

    /// `p ln(p/q) − p + q` ≥ 0.
    #[inline(always)]
    pub(crate) fn gap(&self) -> V {
        self.curved() + self.of.p.fnma(self.whole(), self.of.q - self.of.aligned)
    }

    /// `ln(q/p)`.
    #[inline(always)]
    pub(crate) fn ln(&self) -> V {
        self.s.fma(self.rest, self.s + self.s) + self.whole()
    }
}
