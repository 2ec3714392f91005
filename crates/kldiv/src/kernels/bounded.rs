//! Families between two ends as P of a pair of two; see [`laws`](super::laws).

use crate::kernels::coefficients::{SLOPE_ENTROPY, SLOPE_MEAN, SLOPE_VARIANCE};
use crate::kernels::elementary::CHANCES;
use crate::kernels::exp::Exp;
use crate::kernels::gamma::{SHAPES, gamma_entropy};
use crate::kernels::lanes::{Lanes, polynomial};
use crate::kernels::log::Ratio;
use crate::kernels::means::{FAR, Law, MODERATE, Moment, beyond, from, ln, moderate, nan, power};
use crate::kernels::pairs::within;

/// Beta: both concentrations.
pub(crate) struct Beta;

impl Law for Beta {
    #[inline(always)]
    fn fits<V: Lanes<Real = f64>>(&self, a: V, b: V) -> V::Mask {
        V::and(within(a, SHAPES), within(b, SHAPES))
    }

    #[inline(always)]
    fn unit<V: Lanes<Real = f64>>(&self, _: V, _: V) -> V {
        V::one()
    }

    #[inline(always)]
    fn entropy<V: Lanes<Real = f64>>(&self, a: V, b: V) -> V {
        let (all, digamma) = gamma_entropy(a + b);
        (gamma_entropy(a).0 + gamma_entropy(b).0) - (all + digamma)
    }

    #[inline(always)]
    fn support<V: Lanes<Real = f64>>(&self, _: V, _: V) -> (V, V) {
        (V::zero(), V::one())
    }

    #[inline(always)]
    fn moment<V: Lanes<Real = f64>>(&self, of: Moment, a: V, b: V, c: V, _: V) -> V {
        let all = a + b;
        let (mean, rest) = (a / all, b / all);
        let less_one = a - V::one();
        match of {
            Moment::Mean => mean,
            Moment::Variance => mean * (rest / (all + V::one())),
            Moment::Inverse => from(1.0, a, (less_one + b) / less_one),
            Moment::Ln => gamma_entropy(a).1 - gamma_entropy(all).1,
            Moment::LnRest => gamma_entropy(b).1 - gamma_entropy(all).1,
            Moment::Distance => {
                V::select(V::le(V::one(), c), (c - V::one()) + rest, beyond(mean, V::zero(), c))
            }
            _ => nan(),
        }
    }
}

/// Continuous Bernoulli: `exp(ηx)` on (0, 1), λ = probs and η its logit.
pub(crate) struct ContinuousBernoulli;

/// η and |η|.
#[inline(always)]
pub(super) fn slope<V: Lanes<Real = f64>>(probs: V) -> (V, V) {
    let slope = Ratio::of((V::one() - probs).into(), probs.into()).ln();
    (slope, slope.magnitude())
}

/// `ln((1 − e^(−x))/x)` for x ≥ 0.
#[inline(always)]
pub(super) fn ln_of_rest<V: Lanes<Real = f64>>(x: V) -> V {
    let x = x.larger(V::splat(f64::MIN_POSITIVE));
    ln((V::zero() - Exp::of(V::zero() - x).less_one()) / x)
}

impl ContinuousBernoulli {
    /// The mean for −|η|, and the variance.
    #[inline(always)]
    fn spread<V: Lanes<Real = f64>>(x: V) -> (V, V) {
        let square = x * x;
        let near = V::le(x, V::splat(2.0));
        // Below 2 series, for these cancel.
        let y = x.larger(V::one());
        let (inverse, power) = (V::one() / y, Exp::of(V::zero() - y));
        let tail = V::one() / (V::zero() - power.less_one());
        let far = (inverse - power.value() * tail, inverse * inverse - (power.value() * tail) * tail);
        let mean = polynomial(square, &SLOPE_MEAN);
        (
            V::select(near, x.fnma(mean, V::splat(0.5)), far.0),
            V::select(near, polynomial(square, &SLOPE_VARIANCE), far.1),
        )
    }
}

impl Law for ContinuousBernoulli {
    #[inline(always)]
    fn fits<V: Lanes<Real = f64>>(&self, probs: V, _: V) -> V::Mask {
        within(probs, CHANCES)
    }

    #[inline(always)]
    fn unit<V: Lanes<Real = f64>>(&self, _: V, _: V) -> V {
        V::one()
    }

    #[inline(always)]
    fn entropy<V: Lanes<Real = f64>>(&self, probs: V, _: V) -> V {
        let x = slope(probs).1;
        let near = (x * x) * polynomial(x * x, &SLOPE_ENTROPY);
        V::select(V::le(x, V::splat(2.0)), near, x.fma(Self::spread(x).0, ln_of_rest(x)))
    }

    #[inline(always)]
    fn support<V: Lanes<Real = f64>>(&self, _: V, _: V) -> (V, V) {
        (V::zero(), V::one())
    }

    #[inline(always)]
    fn moment<V: Lanes<Real = f64>>(&self, of: Moment, probs: V, _: V, c: V, _: V) -> V {
        let (slope, x) = slope(probs);
        let (low, variance) = Self::spread(x);
        let mean = V::select(V::le(slope, V::zero()), low, V::one() - low);
        match of {
            Moment::Mean => mean,
            Moment::Variance => variance,
            Moment::Distance => V::select(V::le(V::one(), c), c - mean, beyond(mean, V::zero(), c)),
            _ => nan(),
        }
    }
}

/// Uniform: low and high.
pub(crate) struct Uniform;

/// What E ln x of a uniform x is above ln high, less 1: `low ln(high/low)/(high − low)`, 0 for 0.
#[inline(always)]
fn fall<V: Lanes<Real = f64>>(low: V, high: V) -> V {
    let there = V::le(V::splat(f64::MIN_POSITIVE), low);
    let from = V::select(there, low, high);
    V::select(there, low * Ratio::of(from.into(), high.into()).ln() / (high - low), V::zero())
}

/// x where a support begins at 0 or above it.
#[inline(always)]
fn not_below_0<V: Lanes<Real = f64>>(low: V, x: V) -> V {
    V::select(V::le(V::zero(), low), x, nan())
}

impl Law for Uniform {
    #[inline(always)]
    fn fits<V: Lanes<Real = f64>>(&self, low: V, high: V) -> V::Mask {
        V::and(V::and(moderate(low), moderate(high)), within(high - low, MODERATE))
    }

    #[inline(always)]
    fn unit<V: Lanes<Real = f64>>(&self, low: V, high: V) -> V {
        high - low
    }

    #[inline(always)]
    fn entropy<V: Lanes<Real = f64>>(&self, _: V, _: V) -> V {
        V::zero()
    }

    #[inline(always)]
    fn support<V: Lanes<Real = f64>>(&self, low: V, high: V) -> (V, V) {
        (low, high)
    }

    #[inline(always)]
    fn moment<V: Lanes<Real = f64>>(&self, of: Moment, low: V, high: V, c: V, s: V) -> V {
        let (one, half) = (V::one(), V::splat(0.5));
        let width = high - low;
        let mean = half.fma(width, low);
        match of {
            Moment::Mean => mean,
            Moment::Variance => V::splat(1.0 / 12.0) * (width * width),
            Moment::Inverse => {
                let least = V::splat(MODERATE.0);
                let ln = Ratio::of(low.larger(least).into(), high.larger(least).into()).ln();
                from(0.0, low, V::select(V::le(least, low), ln / width, nan()))
            }
            Moment::Ln => {
                let top = Ratio::of(width.into(), high.magnitude().into()).ln();
                not_below_0(low, (top - one) + fall(low, high))
            }
            Moment::LnRest => {
                let (from, to) = (one - high, one - low);
                not_below_0(from, (ln(to) - one) + fall(from, to))
            }
            Moment::Distance => {
                let (below, above) = (c - low, high - c);
                let inside = half * (below * (below / width) + above * (above / width));
                let out = V::or(V::le(below, V::zero()), V::le(above, V::zero()));
                V::select(out, (mean - c).magnitude(), inside)
            }
            Moment::Decay => {
                let w = width / s;
                let rest = Exp::of((V::zero() - w).larger(V::splat(-FAR))).less_one();
                power((c - low) / s) * ((V::zero() - rest) / w)
            }
            _ => nan(),
        }
    }
}
