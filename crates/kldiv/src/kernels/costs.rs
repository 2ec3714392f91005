//! Divergences between distributions of two families, several pairs at a time.
//!
//! `D(P‖Q) = −H(P) − E_P[ln q]`, and −ln q is a few functions whose means P knows; see [`means`](super::means). So there is one
//! kernel for what a family knows as P, and one for what it asks for as Q, not one for each two. Where the parts cancel, or P
//! has no formula for what is asked, the pair is left to whoever asked.

use std::f64::consts::LN_2;

use crate::kernels::bounded::{self, ln_of_rest, slope};
use crate::kernels::gamma::ln_gamma;
use crate::kernels::lanes::{Isa, Job, Lanes};
use crate::kernels::laws::{self, Located};
use crate::kernels::log::Ratio;
use crate::kernels::means::{Block, Known, Law, Moment, TOGETHER, ln, load};
use crate::special::HALF_LN_TWO_PI;

/// How much smaller a divergence may be than its parts together and 1, which is for what those have lost of theirs.
const CANCELS: f64 = 1.0 / 128.0;

/// A family by its parameters c and d, as Q.
pub(crate) trait Cost: Law {
    /// What it asks for.
    const ASKS: [Moment; 2];
    /// −E ln q less ln of P's unit; with l the logarithm of Q's unit by P's.
    fn parts<V: Lanes<Real = f64>>(&self, c: V, d: V, l: V, moments: [V; 2]) -> Parts<V>;
}

/// A sum whose parts may cancel, and a constant, which is joined with P's entropy first.
pub(crate) struct Parts<V> {
    parts: [V; 5],
    constant: V,
}

impl<V: Lanes<Real = f64>> Parts<V> {
    #[inline(always)]
    fn new<const N: usize>(given: [V; N], constant: f64) -> Self {
        let mut parts = [V::zero(); 5];
        parts[..N].copy_from_slice(&given);
        Parts { parts, constant: V::splat(constant) }
    }
}

/// Writes the divergences; NaN where a pair is to be looked at by itself.
pub(crate) struct Cross<'a, C> {
    pub(crate) cost: C,
    pub(crate) p: &'a Known,
    pub(crate) q: &'a [Block; 2],
    /// How many there are; what is left of a block may be written to, too.
    pub(crate) n: usize,
    pub(crate) out: &'a mut Block,
}

impl<C: Cost> Job for Cross<'_, C> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Cross { cost, p, q, n, out } = self;
        for at in (0..n.min(TOGETHER)).step_by(I::F64::LANES) {
            // SAFETY: a block is a number of vectors.
            unsafe {
                let (unit, entropy) = (load::<I::F64>(&p.unit, at), load(&p.entropy, at));
                let support = (load(&p.support[0], at), load(&p.support[1], at));
                let moments = [load(&p.moments[0], at), load(&p.moments[1], at)];
                let value =
                    divergence(&cost, [load(&q[0], at), load(&q[1], at)], unit, entropy, support, moments);
                value.store(out.as_mut_ptr().add(at));
            }
        }
    }
}

#[inline(always)]
fn divergence<C: Cost, V: Lanes<Real = f64>>(
    cost: &C,
    [c, d]: [V; 2],
    unit: V,
    entropy: V,
    (low, high): (V, V),
    moments: [V; 2],
) -> V {
    let (nan, infinity) = (V::splat(f64::NAN), V::splat(f64::INFINITY));
    let l = Ratio::of(unit.into(), cost.unit(c, d).into()).ln();
    let Parts { parts, constant } = cost.parts(c, d, l, moments);
    let mut value = constant - entropy;
    let mut sizes = value.magnitude() + V::one();
    for part in parts {
        (value, sizes) = (value + part, sizes + part.magnitude());
    }
    let good = V::and(V::le(sizes * V::splat(CANCELS), value), V::le(sizes, V::splat(f64::MAX)));
    let mut value = V::select(good, value, nan);
    for (asked, moment) in C::ASKS.into_iter().zip(moments) {
        if asked != Moment::Nothing {
            value = V::select(V::equal(moment, infinity), infinity, value);
        }
    }
    let (from, to) = cost.support(c, d);
    let inside = V::and(V::le(from, low), V::le(high, to));
    let value = V::select(inside, value, infinity);
    V::select(V::and(cost.fits(c, d), V::equal(unit, unit)), value, nan)
}

/// Of mean and variance, `((x − c)/s)²`.
#[inline(always)]
fn square<V: Lanes<Real = f64>>(mean: V, variance: V, c: V, s: V) -> V {
    let z = (mean - c) / s;
    z.fma(z, variance / s / s)
}

/// Normal: `ln s + ½ ln 2π + ½ ((x − c)/s)²`.
impl Cost for laws::Normal {
    const ASKS: [Moment; 2] = [Moment::Mean, Moment::Variance];

    #[inline(always)]
    fn parts<V: Lanes<Real = f64>>(&self, loc: V, scale: V, l: V, [mean, variance]: [V; 2]) -> Parts<V> {
        let square = V::splat(0.5) * square(mean, variance, loc, scale);
        Parts::new([l, square], HALF_LN_TWO_PI)
    }
}

/// Laplace: `ln 2s + |x − c|/s`.
impl Cost for laws::Laplace {
    const ASKS: [Moment; 2] = [Moment::Distance, Moment::Nothing];

    #[inline(always)]
    fn parts<V: Lanes<Real = f64>>(&self, _: V, scale: V, l: V, [distance, _]: [V; 2]) -> Parts<V> {
        Parts::new([l, distance / scale], LN_2)
    }
}

/// Gumbel and Moyal: `ln s + constant + by (z + e^(−z))`, z = (x − c)/s.
pub(crate) struct Extreme {
    law: Located,
    by: f64,
    constant: f64,
}

impl Extreme {
    pub(crate) const GUMBEL: Self = Extreme { law: Located::GUMBEL, by: 1.0, constant: 0.0 };
    pub(crate) const MOYAL: Self = Extreme { law: Located::MOYAL, by: 0.5, constant: HALF_LN_TWO_PI };
}

impl Law for Extreme {
    #[inline(always)]
    fn fits<V: Lanes<Real = f64>>(&self, loc: V, scale: V) -> V::Mask {
        self.law.fits(loc, scale)
    }

    #[inline(always)]
    fn unit<V: Lanes<Real = f64>>(&self, loc: V, scale: V) -> V {
        self.law.unit(loc, scale)
    }

    #[inline(always)]
    fn entropy<V: Lanes<Real = f64>>(&self, loc: V, scale: V) -> V {
        self.law.entropy(loc, scale)
    }

    #[inline(always)]
    fn support<V: Lanes<Real = f64>>(&self, loc: V, scale: V) -> (V, V) {
        self.law.support(loc, scale)
    }

    #[inline(always)]
    fn moment<V: Lanes<Real = f64>>(&self, of: Moment, loc: V, scale: V, c: V, s: V) -> V {
        self.law.moment(of, loc, scale, c, s)
    }
}

impl Cost for Extreme {
    const ASKS: [Moment; 2] = [Moment::Mean, Moment::Decay];

    #[inline(always)]
    fn parts<V: Lanes<Real = f64>>(&self, loc: V, scale: V, l: V, [mean, decay]: [V; 2]) -> Parts<V> {
        let by = V::splat(self.by);
        Parts::new([l, by * ((mean - loc) / scale), by * decay], self.constant)
    }
}

/// Log-normal: `ln x + ln s + ½ ln 2π + ½ ((ln x − c)/s)²`.
impl Cost for laws::LogNormal {
    const ASKS: [Moment; 2] = [Moment::Ln, Moment::LnVariance];

    #[inline(always)]
    fn parts<V: Lanes<Real = f64>>(&self, _: V, scale: V, l: V, [log, variance]: [V; 2]) -> Parts<V> {
        let square = V::splat(0.5) * square(log, variance, l, scale);
        Parts::new([log, ln(scale), square], HALF_LN_TWO_PI)
    }
}

/// Half-normal: `ln s + ½ ln ½π + ½ (x/s)²`.
impl Cost for laws::HalfNormal {
    const ASKS: [Moment; 2] = [Moment::Mean, Moment::Variance];

    #[inline(always)]
    fn parts<V: Lanes<Real = f64>>(&self, scale: V, _: V, l: V, [mean, variance]: [V; 2]) -> Parts<V> {
        let square = V::splat(0.5) * square(mean, variance, V::zero(), scale);
        Parts::new([l, square], HALF_LN_TWO_PI - LN_2)
    }
}

/// Exponential: 1 and rate. `t x − ln t`.
impl Cost for laws::Exponential {
    const ASKS: [Moment; 2] = [Moment::Mean, Moment::Nothing];

    #[inline(always)]
    fn parts<V: Lanes<Real = f64>>(&self, _: V, rate: V, l: V, [mean, _]: [V; 2]) -> Parts<V> {
        Parts::new([l, rate * mean], 0.0)
    }
}

/// Gamma: `ln Γ(b) − b ln t − (b − 1) ln x + t x`.
impl Cost for laws::Gamma {
    const ASKS: [Moment; 2] = [Moment::Mean, Moment::Ln];

    #[inline(always)]
    fn parts<V: Lanes<Real = f64>>(&self, b: V, rate: V, l: V, [mean, log]: [V; 2]) -> Parts<V> {
        Parts::new([b * l, (V::one() - b) * log, rate * mean, ln_gamma(b)], 0.0)
    }
}

/// Inverse gamma: `ln Γ(b) − b ln t + (b + 1) ln x + t/x`.
impl Cost for laws::InverseGamma {
    const ASKS: [Moment; 2] = [Moment::Inverse, Moment::Ln];

    #[inline(always)]
    fn parts<V: Lanes<Real = f64>>(&self, b: V, rate: V, l: V, [inverse, log]: [V; 2]) -> Parts<V> {
        Parts::new([V::zero() - b * l, (b + V::one()) * log, rate * inverse, ln_gamma(b)], 0.0)
    }
}

/// Beta: `ln B(c, d) − (c − 1) ln x − (d − 1) ln(1 − x)`.
impl Cost for bounded::Beta {
    const ASKS: [Moment; 2] = [Moment::Ln, Moment::LnRest];

    #[inline(always)]
    fn parts<V: Lanes<Real = f64>>(&self, c: V, d: V, l: V, [log, rest]: [V; 2]) -> Parts<V> {
        let one = V::one();
        let of_both = ln_gamma(c) + ln_gamma(d);
        Parts::new([c * l, (one - c) * log, (one - d) * rest, of_both, V::zero() - ln_gamma(c + d)], 0.0)
    }
}

/// Continuous Bernoulli: `ln((e^η − 1)/η) − η x`.
impl Cost for bounded::ContinuousBernoulli {
    const ASKS: [Moment; 2] = [Moment::Mean, Moment::Nothing];

    #[inline(always)]
    fn parts<V: Lanes<Real = f64>>(&self, probs: V, _: V, l: V, [mean, _]: [V; 2]) -> Parts<V> {
        let (slope, size) = slope(probs);
        Parts::new([l, V::zero() - slope * mean, slope.larger(V::zero()), ln_of_rest(size)], 0.0)
    }
}

/// Uniform: ln of its width.
impl Cost for bounded::Uniform {
    const ASKS: [Moment; 2] = [Moment::Nothing, Moment::Nothing];

    #[inline(always)]
    fn parts<V: Lanes<Real = f64>>(&self, _: V, _: V, l: V, _: [V; 2]) -> Parts<V> {
        Parts::new([l], 0.0)
    }
}

/// Pareto: `(β + 1) ln x − β ln k − ln β`.
impl Cost for laws::Pareto {
    const ASKS: [Moment; 2] = [Moment::Ln, Moment::Nothing];

    #[inline(always)]
    fn parts<V: Lanes<Real = f64>>(&self, _: V, alpha: V, l: V, [log, _]: [V; 2]) -> Parts<V> {
        let more = alpha + V::one();
        Parts::new([V::zero() - alpha * l, more * log, V::zero() - ln(alpha)], 0.0)
    }
}
