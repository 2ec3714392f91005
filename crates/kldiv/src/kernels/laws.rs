//! Families on a line or half of one as P of a pair of two; those between two ends are in [`bounded`](super::bounded): their units, entropies, supports and moments, by [`Law`].

use std::f64::consts::{LN_2, PI};

use crate::kernels::coefficients::MILLS_REST;
use crate::kernels::exp::{Exp, exp};
use crate::kernels::gamma::{SHAPES, gamma_entropy, trigamma};
use crate::kernels::lanes::{Lanes, polynomial};
use crate::kernels::means::{
    EXPONENTS, FAR, Law, MODERATE, Moment, beyond, everywhere, from, infinity, ln, nan, placed, positive,
    power,
};
use crate::kernels::pairs::within;
use crate::special::{EULER, HALF_LN_TWO_PI};

/// Normal: loc and scale.
pub(crate) struct Normal;

impl Law for Normal {
    #[inline(always)]
    fn fits<V: Lanes<Real = f64>>(&self, loc: V, scale: V) -> V::Mask {
        placed(loc, scale)
    }

    #[inline(always)]
    fn unit<V: Lanes<Real = f64>>(&self, _: V, scale: V) -> V {
        scale
    }

    #[inline(always)]
    fn entropy<V: Lanes<Real = f64>>(&self, _: V, _: V) -> V {
        V::splat(HALF_LN_TWO_PI + 0.5)
    }

    #[inline(always)]
    fn support<V: Lanes<Real = f64>>(&self, _: V, _: V) -> (V, V) {
        everywhere()
    }

    #[inline(always)]
    fn moment<V: Lanes<Real = f64>>(&self, of: Moment, loc: V, scale: V, c: V, s: V) -> V {
        match of {
            Moment::Mean => loc,
            Moment::Variance => scale * scale,
            // |d| and what of the other side of c is folded over.
            Moment::Distance => {
                let d = (loc - c).magnitude();
                (scale + scale).fma(folded(d / scale), d)
            }
            Moment::Decay => {
                let r = scale / s;
                power((V::splat(0.5) * r).fma(r, (c - loc) / s))
            }
            _ => nan(),
        }
    }
}

/// `φ(z) − z Φ(−z)` for z ≥ 0.
#[inline(always)]
fn folded<V: Lanes<Real = f64>>(z: V) -> V {
    let u = V::splat(140.0 / 9.0) / (z + V::splat(5.0)) - V::splat(19.0 / 9.0);
    let rest = polynomial(u.larger(V::splat(-1.0)), &MILLS_REST);
    let x = (V::splat(-0.5) * z) * z;
    rest * Exp::of(x.larger(V::splat(-FAR))).value()
}

/// Laplace: loc and scale.
pub(crate) struct Laplace;

impl Law for Laplace {
    #[inline(always)]
    fn fits<V: Lanes<Real = f64>>(&self, loc: V, scale: V) -> V::Mask {
        placed(loc, scale)
    }

    #[inline(always)]
    fn unit<V: Lanes<Real = f64>>(&self, _: V, scale: V) -> V {
        scale
    }

    #[inline(always)]
    fn entropy<V: Lanes<Real = f64>>(&self, _: V, _: V) -> V {
        V::splat(1.0 + LN_2)
    }

    #[inline(always)]
    fn support<V: Lanes<Real = f64>>(&self, _: V, _: V) -> (V, V) {
        everywhere()
    }

    #[inline(always)]
    fn moment<V: Lanes<Real = f64>>(&self, of: Moment, loc: V, scale: V, c: V, s: V) -> V {
        match of {
            Moment::Mean => loc,
            Moment::Variance => V::splat(2.0) * (scale * scale),
            Moment::Distance => {
                let d = (loc - c).magnitude();
                let u = (V::zero() - d / scale).larger(V::splat(-FAR));
                scale.fma(Exp::of(u).value(), d)
            }
            Moment::Decay => {
                let rest = ((s - scale) / s) * ((s + scale) / s);
                from(0.0, rest, power((c - loc) / s) / rest)
            }
            _ => nan(),
        }
    }
}

/// Families by loc and scale of which no more is known than the entropy, mean and variance for loc 0 and scale 1.
pub(crate) struct Located {
    entropy: f64,
    mean: f64,
    variance: f64,
}

impl Located {
    pub(crate) const GUMBEL: Self = Located { entropy: 1.0 + EULER, mean: EULER, variance: PI * PI / 6.0 };
    pub(crate) const LOGISTIC: Self = Located { entropy: 2.0, mean: 0.0, variance: PI * PI / 3.0 };
    /// It has no mean.
    pub(crate) const CAUCHY: Self =
        Located { entropy: 2.0 * HALF_LN_TWO_PI + LN_2, mean: f64::NAN, variance: f64::INFINITY };
    pub(crate) const MOYAL: Self = Located {
        entropy: 0.5 * (1.0 + EULER + 2.0 * HALF_LN_TWO_PI + LN_2),
        mean: EULER + LN_2,
        variance: PI * PI / 2.0,
    };
}

impl Law for Located {
    #[inline(always)]
    fn fits<V: Lanes<Real = f64>>(&self, loc: V, scale: V) -> V::Mask {
        placed(loc, scale)
    }

    #[inline(always)]
    fn unit<V: Lanes<Real = f64>>(&self, _: V, scale: V) -> V {
        scale
    }

    #[inline(always)]
    fn entropy<V: Lanes<Real = f64>>(&self, _: V, _: V) -> V {
        V::splat(self.entropy)
    }

    #[inline(always)]
    fn support<V: Lanes<Real = f64>>(&self, _: V, _: V) -> (V, V) {
        everywhere()
    }

    #[inline(always)]
    fn moment<V: Lanes<Real = f64>>(&self, of: Moment, loc: V, scale: V, _: V, _: V) -> V {
        match of {
            Moment::Mean => scale.fma(V::splat(self.mean), loc),
            Moment::Variance => V::splat(self.variance) * (scale * scale),
            _ => nan(),
        }
    }
}

/// Log-normal: loc and scale of ln x.
pub(crate) struct LogNormal;

impl Law for LogNormal {
    #[inline(always)]
    fn fits<V: Lanes<Real = f64>>(&self, loc: V, scale: V) -> V::Mask {
        V::and(within(loc, EXPONENTS), within(scale, MODERATE))
    }

    #[inline(always)]
    fn unit<V: Lanes<Real = f64>>(&self, loc: V, _: V) -> V {
        exp(loc)
    }

    #[inline(always)]
    fn entropy<V: Lanes<Real = f64>>(&self, _: V, scale: V) -> V {
        ln(scale) + V::splat(HALF_LN_TWO_PI + 0.5)
    }

    #[inline(always)]
    fn support<V: Lanes<Real = f64>>(&self, _: V, _: V) -> (V, V) {
        positive()
    }

    #[inline(always)]
    fn moment<V: Lanes<Real = f64>>(&self, of: Moment, loc: V, scale: V, c: V, _: V) -> V {
        let square = scale * scale;
        let mean = power(V::splat(0.5).fma(square, loc));
        match of {
            Moment::Ln => V::zero(),
            Moment::LnVariance => square,
            Moment::Mean => mean,
            Moment::Variance => {
                let inside = V::le(square, V::splat(FAR));
                let spread = Exp::of(V::select(inside, square, V::zero())).less_one();
                V::select(inside, mean * mean * spread, nan())
            }
            Moment::Inverse => power(V::splat(0.5).fma(square, V::zero() - loc)),
            Moment::Distance => beyond(mean, V::zero(), c),
            _ => nan(),
        }
    }
}

/// Half-normal: the scale of the normal distribution whose half it is.
pub(crate) struct HalfNormal;

impl Law for HalfNormal {
    #[inline(always)]
    fn fits<V: Lanes<Real = f64>>(&self, scale: V, _: V) -> V::Mask {
        within(scale, MODERATE)
    }

    #[inline(always)]
    fn unit<V: Lanes<Real = f64>>(&self, scale: V, _: V) -> V {
        scale
    }

    #[inline(always)]
    fn entropy<V: Lanes<Real = f64>>(&self, _: V, _: V) -> V {
        V::splat(HALF_LN_TWO_PI + 0.5 - LN_2)
    }

    #[inline(always)]
    fn support<V: Lanes<Real = f64>>(&self, _: V, _: V) -> (V, V) {
        positive()
    }

    #[inline(always)]
    fn moment<V: Lanes<Real = f64>>(&self, of: Moment, scale: V, _: V, c: V, _: V) -> V {
        const MEAN: f64 = 0.797_884_560_802_865_4;
        let mean = V::splat(MEAN) * scale;
        match of {
            Moment::Mean => mean,
            Moment::Variance => V::splat(1.0 - 2.0 / PI) * (scale * scale),
            Moment::Inverse => infinity(),
            Moment::Ln => V::splat(-0.5 * (EULER + LN_2)),
            Moment::LnVariance => V::splat(PI * PI / 8.0),
            Moment::Distance => beyond(mean, V::zero(), c),
            _ => nan(),
        }
    }
}

/// Exponential: 1 and rate.
pub(crate) struct Exponential;

impl Law for Exponential {
    #[inline(always)]
    fn fits<V: Lanes<Real = f64>>(&self, _: V, rate: V) -> V::Mask {
        within(rate, MODERATE)
    }

    #[inline(always)]
    fn unit<V: Lanes<Real = f64>>(&self, _: V, rate: V) -> V {
        V::one() / rate
    }

    #[inline(always)]
    fn entropy<V: Lanes<Real = f64>>(&self, _: V, _: V) -> V {
        V::one()
    }

    #[inline(always)]
    fn support<V: Lanes<Real = f64>>(&self, _: V, _: V) -> (V, V) {
        positive()
    }

    #[inline(always)]
    fn moment<V: Lanes<Real = f64>>(&self, of: Moment, _: V, rate: V, c: V, s: V) -> V {
        let mean = V::one() / rate;
        match of {
            Moment::Mean => mean,
            Moment::Variance => mean * mean,
            Moment::Inverse => infinity(),
            Moment::Ln => V::splat(-EULER),
            Moment::LnVariance => V::splat(PI * PI / 6.0),
            // c − 1/rate and what is beyond c, twice.
            Moment::Distance => {
                let u = (V::zero() - (c * rate).larger(V::zero())).larger(V::splat(-FAR));
                let inside = (mean + mean).fma(Exp::of(u).value(), c - mean);
                V::select(V::le(c, V::zero()), mean - c, inside)
            }
            Moment::Decay => power(c / s) / (V::one() + mean / s),
            _ => nan(),
        }
    }
}

/// Gamma: concentration and rate.
pub(crate) struct Gamma;

impl Law for Gamma {
    #[inline(always)]
    fn fits<V: Lanes<Real = f64>>(&self, a: V, rate: V) -> V::Mask {
        V::and(within(a, SHAPES), within(rate, MODERATE))
    }

    #[inline(always)]
    fn unit<V: Lanes<Real = f64>>(&self, _: V, rate: V) -> V {
        V::one() / rate
    }

    #[inline(always)]
    fn entropy<V: Lanes<Real = f64>>(&self, a: V, _: V) -> V {
        gamma_entropy(a).0
    }

    #[inline(always)]
    fn support<V: Lanes<Real = f64>>(&self, _: V, _: V) -> (V, V) {
        positive()
    }

    #[inline(always)]
    fn moment<V: Lanes<Real = f64>>(&self, of: Moment, a: V, rate: V, c: V, s: V) -> V {
        let mean = a / rate;
        match of {
            Moment::Mean => mean,
            Moment::Variance => mean / rate,
            Moment::Inverse => from(1.0, a, rate / (a - V::one())),
            Moment::Ln => gamma_entropy(a).1,
            Moment::LnVariance => trigamma(a),
            Moment::Distance => beyond(mean, V::zero(), c),
            Moment::Decay => {
                let by = ln(V::one() + V::one() / (rate * s));
                let x = a.fnma(by, c / s);
                // ln(1 + x) of a small x has lost some of it, which is multiplied by a.
                V::select(V::le(a, V::splat(16.0)), power(x), nan())
            }
            _ => nan(),
        }
    }
}

/// Inverse gamma: concentration and rate.
pub(crate) struct InverseGamma;

impl Law for InverseGamma {
    #[inline(always)]
    fn fits<V: Lanes<Real = f64>>(&self, a: V, rate: V) -> V::Mask {
        Gamma.fits(a, rate)
    }

    #[inline(always)]
    fn unit<V: Lanes<Real = f64>>(&self, _: V, rate: V) -> V {
        rate
    }

    #[inline(always)]
    fn entropy<V: Lanes<Real = f64>>(&self, a: V, _: V) -> V {
        let (entropy, digamma) = gamma_entropy(a);
        entropy - (digamma + digamma)
    }

    #[inline(always)]
    fn support<V: Lanes<Real = f64>>(&self, _: V, _: V) -> (V, V) {
        positive()
    }

    #[inline(always)]
    fn moment<V: Lanes<Real = f64>>(&self, of: Moment, a: V, rate: V, c: V, _: V) -> V {
        let mean = from(1.0, a, rate / (a - V::one()));
        match of {
            Moment::Mean => mean,
            Moment::Variance => from(2.0, a, mean * (mean / (a - V::splat(2.0)))),
            Moment::Inverse => a / rate,
            Moment::Ln => V::zero() - gamma_entropy(a).1,
            Moment::LnVariance => trigamma(a),
            Moment::Distance => beyond(mean, V::zero(), c),
            _ => nan(),
        }
    }
}

/// Pareto: scale and alpha.
pub(crate) struct Pareto;

impl Law for Pareto {
    #[inline(always)]
    fn fits<V: Lanes<Real = f64>>(&self, scale: V, alpha: V) -> V::Mask {
        V::and(within(scale, MODERATE), within(alpha, SHAPES))
    }

    #[inline(always)]
    fn unit<V: Lanes<Real = f64>>(&self, scale: V, _: V) -> V {
        scale
    }

    #[inline(always)]
    fn entropy<V: Lanes<Real = f64>>(&self, _: V, alpha: V) -> V {
        (V::one() - ln(alpha)) + V::one() / alpha
    }

    #[inline(always)]
    fn support<V: Lanes<Real = f64>>(&self, scale: V, _: V) -> (V, V) {
        (scale, infinity())
    }

    #[inline(always)]
    fn moment<V: Lanes<Real = f64>>(&self, of: Moment, scale: V, alpha: V, c: V, _: V) -> V {
        let (one, inverse) = (V::one(), V::one() / alpha);
        let less_one = alpha - one;
        let mean = from(1.0, alpha, scale * (alpha / less_one));
        match of {
            Moment::Mean => mean,
            Moment::Variance => {
                let by = scale / less_one;
                from(2.0, alpha, (by * by) * (alpha / (alpha - V::splat(2.0))))
            }
            Moment::Inverse => alpha / (alpha + one) / scale,
            Moment::Ln => inverse,
            Moment::LnVariance => inverse * inverse,
            Moment::Distance => beyond(mean, scale, c),
            _ => nan(),
        }
    }
}
