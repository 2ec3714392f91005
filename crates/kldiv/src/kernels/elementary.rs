//! Divergences of distributions whose formulas are elementary, several pairs at a time; see [`pairs`](super::pairs).
//!
//! Those of one parameter are given it twice.

use crate::kernels::exp::Exp;
use crate::kernels::lanes::Lanes;
use crate::kernels::pairs::{Normal, Pair, Undivided, within};

/// Scales, rates and orders whose products and quotients are ordinary numbers.
const ORDINARY: (f64, f64) = (1e-100, 1e100);

/// Probabilities that are neither too small nor certain.
const CHANCES: (f64, f64) = (ORDINARY.0, 1f64.next_down());

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
