//! Divergences between distributions of two parameters, several pairs at a time.
//!
//! Each formula is a sum of gaps, which are at least 0 and as small as the square of what they are of; those of
//! logarithms come from [`Ratio`]. Pairs that leave the range of a formula here, or for which it would cancel, are left to
//! whoever asked: their place is NaN.
//!
//! The gap of ln Γ from x to y = x + d, `ln Γ(y) − ln Γ(x) − d ψ(x)`, is Stirling's where both are large. Below that
//! both are raised by [`STEPS`] at once: with `R = Π (y + k)/(x + k) = 1 + e` and `T = Σ d/(x + k)` the gap falls by
//! `T − ln R = (e − ln(1 + e)) − (e − T)`. The products go over `(x + k)(x + 7 − k) = x (x + 7) + k (7 − k)`, half as many.
//! Numerators of e, T and e − T are kept over the one denominator; each grows by parts of one sign, so there is one
//! division, one logarithm, and nothing cancels where y is near x.

use crate::kernels::coefficients::STIRLING_F64;
use crate::kernels::lanes::{Doubles, Isa, Job, Lanes, two_sum};
use crate::kernels::log::{Parts, Ratio};
use crate::kernels::twice::Twice;

/// From here on Stirling's series is used; below it arguments are raised by as much.
const LARGE: f64 = 8.0;
const STEPS: f64 = 8.0;
/// k (7 − k) for the factors of a rise after the first.
const FACTORS: [f64; 3] = [6.0, 10.0, 12.0];

/// Pairs that are gathered together where they have to be.
pub(crate) const PAIRS: usize = 64;

/// How much smaller a difference may be than what it is of.
const CANCELS: f64 = 1.0 / 32.0;

/// A family of two parameters: what lies between the pair (a, b) and (c, d).
pub(crate) trait Pair {
    /// Where each of the parameters has to lie.
    const RANGES: [(f64, f64); 2];
    /// The divergence; NaN where the formula is not good enough.
    fn divergence<V: Lanes<Real = f64>>(&self, a: V, b: V, c: V, d: V) -> V;
}

/// Writes the divergences of pairs, at most [`PAIRS`]: the parameters of each side lie two by two.
pub(crate) struct Pairs<'a, P> {
    pub(crate) pair: P,
    pub(crate) p: &'a [f64],
    pub(crate) q: &'a [f64],
    pub(crate) out: &'a mut [f64],
}

/// The parameters of a vector of pairs, of which `n` are there; the others are 1.
#[inline(always)]
fn parameters<V: Doubles>(of: &[f64], from: usize, n: usize) -> (V, V) {
    let of = &of[2 * from..2 * (from + n)];
    // SAFETY: two vectors are left, or as many numbers as are said to be.
    let (a, b) = unsafe {
        if n == V::LANES {
            (V::load(of.as_ptr()), V::load(of.as_ptr().add(V::LANES)))
        } else {
            let first = of.len().min(V::LANES);
            (V::load_first(of.as_ptr(), first), V::load_first(of.as_ptr().add(first), of.len() - first))
        }
    };
    V::unzip(a, b)
}

impl<P: Pair> Job for Pairs<'_, P> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        // A formula is a long chain: two vectors side by side keep a processor busy, if there are registers for them.
        if I::WIDE { self.run_in::<Twice<I::F64>>() } else { self.run_in::<I::F64>() }
    }
}

impl<P: Pair> Pairs<'_, P> {
    #[inline(always)]
    fn run_in<V: Doubles>(self) {
        let Pairs { pair, p, q, out } = self;
        let [first, second] = P::RANGES;
        let count = out.len();
        assert!(p.len() >= 2 * count && q.len() >= 2 * count);
        let mut at = 0;
        while at < count {
            let n = (count - at).min(V::LANES);
            let ((a, b), (c, d)) = (parameters::<V>(p, at, n), parameters::<V>(q, at, n));
            let fits = V::and(
                V::and(within(a, first), within(c, first)),
                V::and(within(b, second), within(d, second)),
            );
            let value = if V::all(fits) {
                pair.divergence(a, b, c, d)
            } else {
                let [a, b, c, d] = [a, b, c, d].map(|x| V::select(fits, x, V::one()));
                V::select(fits, pair.divergence(a, b, c, d), V::splat(f64::NAN))
            };
            if n == V::LANES {
                // SAFETY: a vector's places are left.
                unsafe { value.store(out.as_mut_ptr().add(at)) };
            } else {
                out[at..].copy_from_slice(&value.to_f64s::<16>()[..n]);
            }
            at += V::LANES;
        }
    }
}

#[inline(always)]
fn within<V: Lanes<Real = f64>>(x: V, (low, high): (f64, f64)) -> V::Mask {
    V::and(V::le(V::splat(low), x), V::le(x, V::splat(high)))
}

/// `x ln(x/y) − x + y`.
#[inline(always)]
fn gap<V: Lanes<Real = f64>>(x: Parts<V>, y: Parts<V>) -> V {
    Ratio::of(x, y).gap()
}

/// a + b in two parts.
#[inline(always)]
fn plus<V: Lanes<Real = f64>>(a: Parts<V>, b: V) -> Parts<V> {
    let (hi, error) = two_sum(a.hi, b);
    Parts { hi, lo: Some(a.lo.map_or(error, |lo| error + lo)) }
}

/// Normal: loc and scale. With r = σ_p/σ_q, `½ (r² − 1) − ln r = (r − 1 − ln r) + ½ (r − 1)²`.
pub(crate) struct Normal;

impl Pair for Normal {
    const RANGES: [(f64, f64); 2] = [(-1e140, 1e140), (1e-140, 1e140)];

    #[inline(always)]
    fn divergence<V: Lanes<Real = f64>>(&self, m: V, s: V, k: V, t: V) -> V {
        let inverse = V::one() / t;
        let (d, z) = ((s - t) * inverse, (m - k) * inverse);
        let value = V::splat(0.5).fma(d.fma(d, z * z), gap(t.into(), s.into()) * inverse);
        finite(value)
    }
}

/// The value, and NaN for infinity.
#[inline(always)]
fn finite<V: Lanes<Real = f64>>(value: V) -> V {
    V::select(V::le(value, V::splat(f64::MAX)), value, V::splat(f64::NAN))
}

/// Gamma: concentration and rate. With equal means it is the gap of `ln Γ(a) − a ln a + a`; the means, of ratio v, add
/// `b (v − 1 − ln v)`.
pub(crate) struct Gamma;

impl Pair for Gamma {
    const RANGES: [(f64, f64); 2] = [(1e-8, 1e8), (1e-100, 1e100)];

    #[inline(always)]
    fn divergence<V: Lanes<Real = f64>>(&self, a: V, s: V, b: V, t: V) -> V {
        let (top, bottom) = (product(a, t), product(b, s));
        let means = Ratio::of(bottom, top).gap() / s;
        finite(means + rest_gap(a, b))
    }
}

/// a b in two parts.
#[inline(always)]
fn product<V: Lanes<Real = f64>>(a: V, b: V) -> Parts<V> {
    let hi = a * b;
    Parts { hi, lo: Some(a.fma(b, V::zero() - hi)) }
}

/// Beta: the gap of ln Γ for either concentration, less that for their sum.
pub(crate) struct Beta;

impl Pair for Beta {
    const RANGES: [(f64, f64); 2] = [(1e-8, 1e8), (1e-8, 1e8)];

    #[inline(always)]
    fn divergence<V: Lanes<Real = f64>>(&self, a: V, b: V, c: V, d: V) -> V {
        let (by_a, by_b) = (c - a, d - b);
        let parts = gamma_gap(a.into(), c.into(), by_a) + gamma_gap(b.into(), d.into(), by_b);
        difference(parts, gamma_gap(plus(a.into(), b), plus(c.into(), d), by_a + by_b))
    }
}

/// a − b ≥ 0, and NaN where little is left of a; 0 of 0.
#[inline(always)]
fn difference<V: Lanes<Real = f64>>(a: V, b: V) -> V {
    let left = a - b;
    V::select(V::le(a * V::splat(CANCELS), left), left, V::splat(f64::NAN))
}

/// Two arguments, raised so that both are large, and by how much that lets the gap of ln Γ fall.
struct Raised<V> {
    x: Parts<V>,
    y: Parts<V>,
    fall: V,
}

#[inline(always)]
fn raise<V: Lanes<Real = f64>>(x: Parts<V>, y: Parts<V>, d: V) -> Raised<V> {
    let large = V::splat(LARGE);
    let done = V::and(V::le(large, x.hi), V::le(large, y.hi));
    if V::all(done) {
        return Raised { x, y, fall: V::zero() };
    }
    // Large lanes are given what is harmless.
    let (low, high) = (V::select(done, V::one(), x.hi), V::select(done, V::one(), y.hi));
    let d = V::select(done, V::zero(), d);
    let last = V::splat(STEPS - 1.0);
    let (slope, rise) = (low + low + last, d * (low + high + last));
    let (first, other) = (low * (low + last), high * (high + last));
    let (mut below, mut above) = (first, other);
    // Of F(t) = Π (t + k (7 − k)) its rise, its slope, and what is left of the rise after its straight part.
    let (mut excess, mut by_first, mut curved) = (rise, V::one(), V::zero());
    for factor in FACTORS {
        let factor = V::splat(factor);
        let (u, v) = (first + factor, other + factor);
        curved = u.fma(curved, rise * excess);
        by_first = u.fma(by_first, below);
        excess = u.fma(excess, rise * above);
        below = below * u;
        above = above * v;
    }
    // The numerators of T and of e − T; the rise of t is d times its slope and d² more.
    let straight = d * slope * by_first;
    let curved = (d * d).fma(by_first, curved);
    let one = V::one();
    let inverse = one / below;
    let (e, bent) = (excess * inverse, curved * inverse);
    let near = V::and(V::le(V::splat(-0.5), e), V::le(e, V::splat(2.0)));
    let (sum, error) = two_sum(one, e);
    let ratio =
        Parts { hi: V::select(near, sum, above * inverse), lo: Some(V::select(near, error, V::zero())) };
    let ratio = Ratio::of(one.into(), ratio);
    let fall = V::select(near, ratio.gap() - bent, straight.fma(inverse, V::zero() - ratio.ln()));
    let steps = V::select(done, V::zero(), V::splat(STEPS));
    Raised { x: plus(x, steps), y: plus(y, steps), fall }
}

/// The gap of Stirling's remainder, `d² u v² Σ cₙ Σ (n − i) uⁱ vⁿ⁻¹⁻ⁱ` with u = 1/y and v = 1/x.
#[inline(always)]
fn stirling_gap<V: Lanes<Real = f64>>(u: V, v: V, d: V) -> V {
    let (mut sum, mut powers, mut weighted, mut power) = (V::zero(), V::zero(), V::zero(), V::one());
    let mut n = 1;
    while n < 2 * STIRLING_F64.len() {
        powers = powers.fma(v, power);
        weighted = weighted.fma(v, powers);
        power = power * u;
        if n % 2 == 1 {
            sum = V::splat(STIRLING_F64[n / 2]).fma(weighted, sum);
        }
        n += 1;
    }
    (d * v) * ((d * u) * v) * sum
}

/// Of large x and y = x + d the gap of y ln y − y from x to y, which is `y ln(y/x) − y + x`, and what is left of that of
/// ln Γ: `½ (d/x − ln(y/x))` and the gap of Stirling's remainder.
#[inline(always)]
fn large_gaps<V: Lanes<Real = f64>>(x: Parts<V>, y: Parts<V>, d: V) -> (V, V) {
    let inverse = V::one() / (x.hi * y.hi);
    let (u, v) = (x.hi * inverse, y.hi * inverse);
    let ratio = Ratio::of(y, x);
    // x ln(x/y) − x + y is (x − y) ln(x/y) less the same the other way round.
    let there = ratio.gap();
    let back = ratio.difference() * ratio.ln() - there;
    (there, (V::splat(0.5) * v).fma(back, stirling_gap(u, v, d)))
}

/// The gap of ln Γ from x to y = x + d.
#[inline(always)]
fn gamma_gap<V: Lanes<Real = f64>>(x: Parts<V>, y: Parts<V>, d: V) -> V {
    let Raised { x, y, fall } = raise(x, y, d);
    let (main, rest) = large_gaps(x, y, d);
    fall + (main + rest)
}

/// The gap of `ln Γ(a) − a ln a + a`; NaN where it cancels.
#[inline(always)]
fn rest_gap<V: Lanes<Real = f64>>(x: V, y: V) -> V {
    let d = y - x;
    let raised = raise(x.into(), y.into(), d);
    let (main, large) = large_gaps(raised.x, raised.y, d);
    let done = V::and(V::equal(raised.x.hi, x), V::equal(raised.y.hi, y));
    if V::all(done) {
        return large;
    }
    let rest = difference(raised.fall + (main + large), gap(y.into(), x.into()));
    V::select(done, large, rest)
}
