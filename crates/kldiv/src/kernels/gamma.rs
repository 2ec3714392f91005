//! What ln Γ, ψ and ψ' leave of differences, several arguments at a time.
//!
//! The gap of ln Γ from x to y = x + d, `ln Γ(y) − ln Γ(x) − d ψ(x)`, is Stirling's where both are large. Below that
//! both are raised by [`STEPS`] at once: with `R = Π (y + k)/(x + k) = 1 + e` and `T = Σ d/(x + k)` the gap falls by
//! `T − ln R = (e − ln(1 + e)) − (e − T)`. The products are polynomials of `x (x + 7)` and `y (y + 7)`, for
//! `(x + k)(x + 7 − k) = x (x + 7) + k (7 − k)`, and the numerators of e, T and e − T over the one denominator are made of
//! their divided differences, which Horner's rule gives as sums of parts of one sign: nothing cancels where y is near x.
//!
//! ψ' and the difference of ψ are sums of one sign from the beginning, see [`raised`].

use crate::kernels::coefficients::STIRLING_F64;
use crate::kernels::lanes::Lanes;
use crate::kernels::log::{Ratio, Undivided, inverses};
use crate::special::HALF_LN_TWO_PI;

/// From here on Stirling's series is used; below it arguments are raised by as much.
pub(crate) const LARGE: f64 = 8.0;
pub(crate) const STEPS: f64 = 8.0;
/// `Π (t + k (7 − k))` for k from 0 to 3 is t times the polynomial t³ + …, whose others these are, highest first.
const PRODUCT: [f64; 3] = [28.0, 252.0, 720.0];

/// The e up to which `e − ln(1 + e)` is taken for itself.
const NEAR: f64 = 0.875;

/// The shapes that the gaps of ln Γ are good for.
pub(crate) const SHAPES: (f64, f64) = (1e-8, 1e8);

/// By how much raising both arguments by [`STEPS`] lets the gap of ln Γ from x to y = x + d fall.
#[inline(always)]
pub(crate) fn fall<V: Lanes<Real = f64>>(x: V, y: V, d: V) -> V {
    let last = V::splat(STEPS - 1.0);
    let (x_last, y_last) = (x + last, y + last);
    // F(t) = Π (t + k (7 − k)), from t to z.
    let (t, z) = (x * x_last, y * y_last);
    let (slope, rise) = (x + x_last, d * (x + y_last));
    let (c2, c1, c0) = (V::splat(PRODUCT[0]), V::splat(PRODUCT[1]), V::splat(PRODUCT[2]));
    let t2 = t + c2;
    let t1 = t2.fma(t, c1);
    let t0 = t1.fma(t, c0);
    let below = t0 * t;
    let above = (z + c2).fma(z, c1).fma(z, c0) * z;
    // F[t, z], F[t, t, z] and F'(t).
    let z2 = z + t2;
    let z1 = z2.fma(z, t1);
    let chord = z1.fma(z, t0);
    let bend = (t + z2).fma(t, z1);
    let tangent = (t + t2).fma(t, t1).fma(t, t0);
    // The numerators of e, T and e − T.
    let excess = rise * chord;
    let straight = d * slope * tangent;
    let bent = d * (slope * rise).fma(bend, d * chord);
    // e must be the same in all parts, or what they do not share would not be small; where it is large, T and ln R are far
    // from each other and from e.
    let near = V::le(excess.magnitude(), below * V::splat(NEAR));
    let above = V::select(near, below + excess, above);
    let log = Undivided::of_difference(below, above, excess);
    let (inverse, of_u) = inverses(below, log.u);
    let tail = V::select(near, (above - log.aligned) - bent, straight - log.d);
    let log = log.over(of_u);
    inverse.fma(log.curved() + tail, V::zero() - log.whole())
}

/// The gap of Stirling's remainder `r(x) = f(1/x)`, d² u v² (f[u, v] + v f[v, v, u]) with u = 1/y and v = 1/x. In divided
/// differences of g, f(v) = v g(v²), it is `d² u v² (g + ((u + v)² + v²) g[v², u²] + 2 v³ (u + v) g[v², u², v²])`.
#[inline(always)]
fn stirling_gap<V: Lanes<Real = f64>>(u: V, v: V, d: V) -> V {
    let (z, w) = (u * u, v * v);
    let [lower @ .., c, last] = STIRLING_F64;
    let (mut bend, mut slope, mut g) = (V::zero(), V::splat(last), V::splat(last).fma(w, V::splat(c)));
    let mut n = lower.len();
    while n > 0 {
        n -= 1;
        bend = bend.fma(w, slope);
        slope = slope.fma(z, g);
        g = g.fma(w, V::splat(lower[n]));
    }
    let sum = u + v;
    let all = sum.fma(sum, w).fma(slope, g);
    let all = ((w + w) * (v * sum)).fma(bend, all);
    (d * v) * ((d * u) * v) * all
}

/// Of large x and y = x + d the gap of y ln y − y from x to y, which is `y ln(y/x) − y + x`, and what is left of that of
/// ln Γ: `½ (d/x − ln(y/x))` and the gap of Stirling's remainder.
#[inline(always)]
pub(crate) fn large_gaps<V: Lanes<Real = f64>>(x: V, y: V, d: V) -> (V, V) {
    let log = Undivided::of_difference(y, x, V::zero() - d);
    let (inverse, of_u) = inverses(x * y, log.u);
    let (u, v) = (x * inverse, y * inverse);
    let log = log.over(of_u);
    // x ln(x/y) − x + y is (x − y) ln(x/y) less the same the other way round.
    let there = log.gap();
    let back = d.fnma(log.ln(), V::zero() - there);
    (there, (V::splat(0.5) * v).fma(back, stirling_gap(u, v, d)))
}

/// The gap of ln Γ from x to y = x + d.
#[inline(always)]
pub(crate) fn gamma_gap<V: Lanes<Real = f64>>(x: V, y: V, d: V) -> V {
    let large = V::and(V::le(V::splat(LARGE), x), V::le(V::splat(LARGE), y));
    if V::all(large) {
        let (main, rest) = large_gaps(x, y, d);
        return main + rest;
    }
    let steps = V::select(large, V::zero(), V::splat(STEPS));
    let (main, rest) = large_gaps(x + steps, y + steps, d);
    V::select(large, V::zero(), fall(x, y, d)) + (main + rest)
}

/// `a + ln Γ(a) + (1 − a) ψ(a)`, the entropy of a gamma distribution of rate 1, and ψ(a).
#[inline(always)]
pub(crate) fn gamma_entropy<V: Lanes<Real = f64>>(a: V) -> (V, V) {
    let Gamma { entropy, digamma, .. } = Gamma::at(a);
    (entropy, digamma)
}

/// `ln Γ(a)`, to what is lost of ln 8! where a is small.
#[inline(always)]
pub(crate) fn ln_gamma<V: Lanes<Real = f64>>(a: V) -> V {
    Gamma::at(a).ln
}

/// What is made of Γ at one a.
struct Gamma<V> {
    entropy: V,
    digamma: V,
    ln: V,
}

impl<V: Lanes<Real = f64>> Gamma<V> {
    /// From a to a + 1 the entropy rises by ln a − ψ(a). So from a to y = a + 8 it rises by `ln Π − 8 ψ(y) + Σ (k + 1)/(a + k)`,
    /// Π being the product of all a + k, and of that ln Π and 8 ln y are one logarithm, as they are of ln Γ.
    #[inline(always)]
    fn at(a: V) -> Self {
        let (one, half) = (V::one(), V::splat(0.5));
        let large = V::le(V::splat(LARGE), a);
        let y = V::select(large, a, a + V::splat(STEPS));
        let v = one / y;
        let z = v * v;
        let (mut rest, mut slope) = (V::zero(), V::zero());
        let mut n = STIRLING_F64.len();
        while n > 0 {
            rest = rest.fma(z, V::splat(STIRLING_F64[n - 1]));
            slope = slope.fma(z, V::splat((2 * n - 1) as f64 * STIRLING_F64[n - 1]));
            n -= 1;
        }
        let ln_y = Ratio::of(one.into(), y.into()).ln();
        // ln y − ψ(y).
        let above = half.fma(v, slope * z);
        let constant = V::splat(HALF_LN_TWO_PI);
        let entropy = (y - one).fma(above, rest.fma(v, half.fma(ln_y, constant)));
        let digamma = ln_y - above;
        let ln = (a - half).fma(ln_y, rest.fma(v, constant - y));
        if V::all(large) {
            return Gamma { entropy, digamma, ln };
        }
        // a + k and a + 7 − k have (a + k)(a + 7 − k) = t + c together, and the sums' numerators 2a + 7 and 9a + 7 + 2c.
        let last = V::splat(STEPS - 1.0);
        let (t, both) = (a * (a + last), (a + a) + last);
        let pair = |c: f64| (both, both + V::splat(7.0).fma(a, V::splat(2.0 * c)), t + V::splat(c));
        let added = |(a, b, c): (V, V, V), (d, e, f): (V, V, V)| (a.fma(f, d * c), b.fma(f, e * c), c * f);
        let (once, by_number, product) = added(added(pair(0.0), pair(6.0)), added(pair(10.0), pair(12.0)));
        let inverse = one / product;
        let y8 = (y * y) * (y * y);
        let log = Ratio::of((y8 * y8).into(), product.into()).ln();
        let rise = by_number.fma(inverse, log + V::splat(STEPS) * above);
        Gamma {
            entropy: V::select(large, entropy, entropy - rise),
            digamma: V::select(large, digamma, once.fnma(inverse, digamma)),
            ln: V::select(large, ln, ln - log),
        }
    }
}

/// `Σ 1/((x + k)(y + k))` for k below [`STEPS`], as a quotient. With t = x (x + 7) and z = y (y + 7), k and 7 − k give
/// `(2xy + 7 (x + y) + 49 − 2c) / ((t + c)(z + c))` together, c = k (7 − k).
#[inline(always)]
fn raised<V: Lanes<Real = f64>>(x: V, y: V) -> (V, V) {
    let last = V::splat(STEPS - 1.0);
    let (t, z, sum) = (x * (x + last), y * (y + last), x + y);
    let both = (x + x).fma(y, last * sum);
    let pair = |c: f64| {
        let by = V::splat(c);
        (both + V::splat(49.0 - 2.0 * c), (t + by) * (z + by))
    };
    let added = |(a, b): (V, V), (c, d): (V, V)| (a.fma(d, c * b), b * d);
    added(added(pair(0.0), pair(6.0)), added(pair(10.0), pair(12.0)))
}

/// What Stirling's remainder adds to ψ is `−Σ (2n − 1) cₙ zⁿ` of z = 1/x²; the divided difference of the sum between two
/// such.
#[inline(always)]
fn stirling_slope_chord<V: Lanes<Real = f64>>(z: V, w: V) -> V {
    let mut n = STIRLING_F64.len();
    let (mut chord, mut value) = (V::zero(), V::zero());
    while n > 0 {
        chord = chord.fma(z, value);
        value = value.fma(w, V::splat((2 * n - 1) as f64 * STIRLING_F64[n - 1]));
        n -= 1;
    }
    chord.fma(z, value)
}

/// `ψ(y) − ψ(x)`, d = y − x.
#[inline(always)]
pub(crate) fn digamma_difference<V: Lanes<Real = f64>>(x: V, y: V, d: V) -> V {
    let (above, below) = raised(x, y);
    let (x, y) = (x + V::splat(STEPS), y + V::splat(STEPS));
    let log = Undivided::of_difference(x, y, d);
    let product = x * y;
    let (of_below, rest) = inverses(below, log.u * product);
    let (of_u, of_product) = (product * rest, log.u * rest);
    let (u, v) = (x * of_product, y * of_product);
    let chord = ((x + y) * of_product) * (of_product * stirling_slope_chord(u * u, v * v));
    let slope = above.fma(of_below, V::splat(0.5).fma(of_product, chord));
    d.fma(slope, log.over(of_u).ln())
}

/// `ψ'(x)`.
#[inline(always)]
pub(crate) fn trigamma<V: Lanes<Real = f64>>(x: V) -> V {
    let (above, below) = raised(x, x);
    let x = x + V::splat(STEPS);
    let (of_below, v) = inverses(below, x);
    let z = v * v;
    let chord = ((v + v) * z) * stirling_slope_chord(z, z);
    above.fma(of_below, V::splat(0.5).fma(z, v) + chord)
}
