//! Divergences of distributions whose formulas are elementary, several pairs at a time; see [`pairs`](super::pairs).
//!
//! Those of one parameter are given it twice.

use crate::kernels::exp::Exp;
use crate::kernels::gamma::gamma_gap;
use crate::kernels::lanes::Lanes;
use crate::kernels::log::Undivided;
use crate::kernels::pairs::{Normal, Pair, within};

/// Scales, rates and orders whose products and quotients are ordinary numbers.
const ORDINARY: (f64, f64) = (1e-100, 1e100);

/// Probabilities that are neither too small nor certain.
pub(super) const CHANCES: (f64, f64) = (ORDINARY.0, 1f64.next_down());

/// −ψ(1).
const EULER_GAMMA: f64 = 0.577_215_664_901_532_9;

#[inline(always)]
fn both_within<V: Lanes<Real = f64>>(x: V, y: V, range: (f64, f64)) -> V::Mask {
    V::and(within(x, range), within(y, range))
}

/// `ln(x/y) − 1 + y/x` ≥ 0.
#[inline(always)]
fn ln_gap<V: Lanes<Real = f64>>(x: V, y: V) -> V {
    Undivided::of(x, y).divided().gap() / x
}

/// Of two coins of chances p and q: the gaps of their sides.
#[inline(always)]
fn coins<V: Lanes<Real = f64>>(p: V, q: V) -> V {
    let (miss, other) = (V::one() - p, V::one() - q);
    // What the misses differ by is not rounded where they are near each other.
    let of_misses = Undivided::of_difference(miss, other, p - q);
    Undivided::of(p, q).divided().gap() + of_misses.divided().gap()
}

/// Exponential: rate. `ln(p/q) − 1 + q/p`.
pub(crate) struct Exponential;

impl Pair for Exponential {
    #[inline(always)]
    fn fits<V: Lanes<Real = f64>>(&self, p: V, _: V, q: V, _: V) -> V::Mask {
        both_within(p, q, ORDINARY)
    }

    #[inline(always)]
    fn divergence<V: Lanes<Real = f64>>(&self, p: V, _: V, q: V, _: V) -> V {
        ln_gap(p, q)
    }
}

/// Half-normal: scale. That of the normal distributions whose halves they are.
pub(crate) struct HalfNormal;

impl Pair for HalfNormal {
    #[inline(always)]
    fn fits<V: Lanes<Real = f64>>(&self, p: V, _: V, q: V, _: V) -> V::Mask {
        both_within(p, q, ORDINARY)
    }

    #[inline(always)]
    fn divergence<V: Lanes<Real = f64>>(&self, p: V, _: V, q: V, _: V) -> V {
        Normal.divergence(V::zero(), p, V::zero(), q)
    }
}

/// Poisson: rate. `p ln(p/q) − p + q`.
pub(crate) struct Poisson;

impl Pair for Poisson {
    #[inline(always)]
    fn fits<V: Lanes<Real = f64>>(&self, p: V, _: V, q: V, _: V) -> V::Mask {
        both_within(p, q, ORDINARY)
    }

    #[inline(always)]
    fn divergence<V: Lanes<Real = f64>>(&self, p: V, _: V, q: V, _: V) -> V {
        Undivided::of(p, q).divided().gap()
    }
}

/// Bernoulli: chance. `p ln(p/q) + (1 − p) ln((1 − p)/(1 − q))`.
pub(crate) struct Bernoulli;

impl Pair for Bernoulli {
    #[inline(always)]
    fn fits<V: Lanes<Real = f64>>(&self, p: V, _: V, q: V, _: V) -> V::Mask {
        both_within(p, q, CHANCES)
    }

    #[inline(always)]
    fn divergence<V: Lanes<Real = f64>>(&self, p: V, _: V, q: V, _: V) -> V {
        coins(p, q)
    }
}

/// Bernoulli against Poisson: chance and rate. `p ln(p/q) − p + q` and `m ln m − m + 1` of the miss m.
pub(crate) struct CoinAndCount;

impl Pair for CoinAndCount {
    #[inline(always)]
    fn fits<V: Lanes<Real = f64>>(&self, p: V, _: V, q: V, _: V) -> V::Mask {
        V::and(within(p, CHANCES), within(q, ORDINARY))
    }

    #[inline(always)]
    fn divergence<V: Lanes<Real = f64>>(&self, p: V, _: V, q: V, _: V) -> V {
        let miss = Undivided::of_difference(V::one() - p, V::one(), p);
        Undivided::of(p, q).divided().gap() + miss.divided().gap()
    }
}

/// Bernoulli: logit. With d = b − a and w = p (exp(d) − 1), `ln(1 + w) − p d`, which is p (exp(d) − 1 − d) less w − ln(1 + w).
pub(crate) struct BernoulliLogits;

/// Two coins of logits a and b, with the rarer side of the first one called p: then no more than half of a gap is lost to
/// the other one.
pub(super) struct Coins<V> {
    pub(super) p: V,
    pub(super) miss: V,
    /// 1, or −1 where the sides are exchanged.
    pub(super) sign: V,
    /// d, exp(d) − 1, exp(d) − 1 − d and w, with the sides as p has them.
    d: V,
    pub(super) gain: V,
    curved: V,
    pub(super) rise: V,
}

impl BernoulliLogits {
    #[inline(always)]
    pub(super) fn coins<V: Lanes<Real = f64>>(a: V, b: V) -> Coins<V> {
        let one = V::one();
        let sign = V::select(V::le(a, V::zero()), one, V::zero() - one);
        let d = sign * (b - a);
        let odds = Exp::of(V::zero() - a.magnitude()).value();
        let miss = one / (one + odds);
        let p = odds * miss;
        let exp = Exp::of(d);
        let gain = exp.less_one();
        Coins { p, miss, sign, d, gain, curved: exp.curved(), rise: p * gain }
    }
}

/// Logits whose chances, and quotients of chances, are ordinary numbers.
pub(super) const LOGITS: (f64, f64) = (-300.0, 300.0);

impl Pair for BernoulliLogits {
    #[inline(always)]
    fn fits<V: Lanes<Real = f64>>(&self, a: V, _: V, b: V, _: V) -> V::Mask {
        both_within(a, b, LOGITS)
    }

    #[inline(always)]
    fn divergence<V: Lanes<Real = f64>>(&self, a: V, _: V, b: V, _: V) -> V {
        let Coins { p, d, curved, rise, .. } = Self::coins(a, b);
        let log = Undivided::of_difference(V::one(), V::one() + rise, rise).divided();
        // w is the smaller part of either form where that is taken.
        let (near, far) = (p.fma(curved, V::zero() - log.gap()), p.fnma(d, log.ln()));
        V::select(V::le(rise, V::one()), near.larger(V::zero()), far)
    }
}

/// Gumbel: loc and scale. With r = s/t and `E = (k − m)/t + ln Γ(1 + r)`, `exp(E) − 1 − E` and the gap of ln Γ from 1 to r.
pub(crate) struct Gumbel;

/// Weibull: scale and concentration. −ln of it is Gumbel, of loc −ln scale and scale 1/concentration.
pub(crate) struct Weibull;

/// Ratios of scales, and distances, of which exp(E) keeps its digits.
const RATIOS: (f64, f64) = (1.0 / 64.0, 64.0);

/// Of moved = (k − m)/t, and r and r − 1; NaN where exp(E) would be large.
#[inline(always)]
fn extremes<V: Lanes<Real = f64>>(moved: V, ratio: V, less_one: V) -> V {
    let gap = gamma_gap(V::one(), ratio, less_one);
    let ln = Undivided::of_difference(V::one(), ratio, less_one).divided().ln();
    // ln Γ(1 + r) is ln r, the gap, and ψ(1) (r − 1).
    let e = less_one.fnma(V::splat(EULER_GAMMA), moved + ln) + gap;
    let fits = within(e, (-RATIOS.1, RATIOS.1));
    let curved = Exp::of(V::select(fits, e, V::zero())).curved();
    V::select(V::and(fits, within(ratio, RATIOS)), curved + gap, V::splat(f64::NAN))
}

impl Pair for Gumbel {
    #[inline(always)]
    fn fits<V: Lanes<Real = f64>>(&self, _: V, s: V, _: V, t: V) -> V::Mask {
        both_within(s, t, ORDINARY)
    }

    #[inline(always)]
    fn divergence<V: Lanes<Real = f64>>(&self, m: V, s: V, k: V, t: V) -> V {
        extremes((k - m) / t, s / t, (s - t) / t)
    }
}

impl Pair for Weibull {
    #[inline(always)]
    fn fits<V: Lanes<Real = f64>>(&self, l: V, c: V, m: V, d: V) -> V::Mask {
        V::and(both_within(l, m, ORDINARY), both_within(c, d, ORDINARY))
    }

    #[inline(always)]
    fn divergence<V: Lanes<Real = f64>>(&self, l: V, c: V, m: V, d: V) -> V {
        extremes(d * Undivided::of(m, l).divided().ln(), d / c, (d - c) / c)
    }
}

/// Geometric: chance. That of the coins, as often as one is thrown: 1/p times.
pub(crate) struct Geometric;

impl Pair for Geometric {
    #[inline(always)]
    fn fits<V: Lanes<Real = f64>>(&self, p: V, _: V, q: V, _: V) -> V::Mask {
        both_within(p, q, CHANCES)
    }

    #[inline(always)]
    fn divergence<V: Lanes<Real = f64>>(&self, p: V, _: V, q: V, _: V) -> V {
        coins(p, q) / p
    }
}

/// Binomial: number, the same of both, and chance. That of the coins as often.
pub(crate) struct Binomial;

impl Pair for Binomial {
    #[inline(always)]
    fn fits<V: Lanes<Real = f64>>(&self, n: V, p: V, m: V, q: V) -> V::Mask {
        let counts = V::and(within(n, (1.0, 1e15)), V::equal(n.round(), n));
        V::and(V::and(counts, V::equal(n, m)), both_within(p, q, CHANCES))
    }

    #[inline(always)]
    fn divergence<V: Lanes<Real = f64>>(&self, n: V, p: V, _: V, q: V) -> V {
        n * coins(p, q)
    }
}

/// Laplace: loc and scale. With r = s/t and u = |m − k|/s, `(r − 1 − ln r) + r (exp(−u) − 1 + u)`.
pub(crate) struct Laplace;

/// From here on nothing is left of exp(−u).
const ALL: f64 = 700.0;

impl Pair for Laplace {
    #[inline(always)]
    fn fits<V: Lanes<Real = f64>>(&self, _: V, s: V, _: V, t: V) -> V::Mask {
        both_within(s, t, ORDINARY)
    }

    #[inline(always)]
    fn divergence<V: Lanes<Real = f64>>(&self, m: V, s: V, k: V, t: V) -> V {
        let u = (m - k).magnitude() / s;
        let near = Exp::of((V::zero() - u).larger(V::splat(-ALL))).curved();
        let moved = V::select(V::le(u, V::splat(ALL)), near, u - V::one());
        (s / t).fma(moved, ln_gap(t, s))
    }
}

/// Cauchy: loc and scale. `ln(1 + ((s − t)² + (m − k)²)/(4 s t))`.
pub(crate) struct Cauchy;

impl Pair for Cauchy {
    #[inline(always)]
    fn fits<V: Lanes<Real = f64>>(&self, _: V, s: V, _: V, t: V) -> V::Mask {
        both_within(s, t, ORDINARY)
    }

    #[inline(always)]
    fn divergence<V: Lanes<Real = f64>>(&self, m: V, s: V, k: V, t: V) -> V {
        let (d, half) = (m - k, V::splat(0.5));
        let (by_s, by_t) = (half / s, half / t);
        let x = (d * by_s).fma(d * by_t, ((s - t) * by_s) * ((s - t) * by_t));
        // x is what 1 and 1 + x differ by, which is not rounded where it is small.
        let ln = Undivided::of_difference(V::one(), V::one() + x, x).divided().ln();
        // What is so large that 1 + x is no number here, and so small that squares may have been lost, is left to others.
        let lost = V::and(V::le(x, V::splat(1e-280)), V::le(V::splat(f64::MIN_POSITIVE), d.magnitude()));
        let ordinary = V::le(x, V::splat(ORDINARY.1));
        V::select(lost, V::splat(f64::NAN), V::select(ordinary, ln, V::splat(f64::NAN)))
    }
}

/// Pareto: scale and alpha. With r = β/α, `(r − 1 − ln r) + β ln(m/k)`, which is infinite for m < k.
pub(crate) struct Pareto;

impl Pair for Pareto {
    #[inline(always)]
    fn fits<V: Lanes<Real = f64>>(&self, m: V, a: V, k: V, b: V) -> V::Mask {
        V::and(V::and(both_within(m, k, ORDINARY), both_within(a, b, ORDINARY)), V::le(k, m))
    }

    #[inline(always)]
    fn divergence<V: Lanes<Real = f64>>(&self, m: V, a: V, k: V, b: V) -> V {
        b.fma(Undivided::of(k, m).divided().ln(), ln_gap(a, b))
    }
}
