//! Divergences between distributions of two parameters, several pairs at a time.
//!
//! Each formula is a sum of gaps, which are at least 0 and as small as the square of what they are of; those of
//! logarithms come from [`Log`]. Pairs that leave the range of a formula here, or for which it would cancel, are left to
//! whoever asked: their place is not finite.
//!
//! The gap of ln Γ from x to y = x + d, `ln Γ(y) − ln Γ(x) − d ψ(x)`, is Stirling's where both are large. Below that
//! both are raised by [`STEPS`] at once: with `R = Π (y + k)/(x + k) = 1 + e` and `T = Σ d/(x + k)` the gap falls by
//! `T − ln R = (e − ln(1 + e)) − (e − T)`. The products are polynomials of `x (x + 7)` and `y (y + 7)`, for
//! `(x + k)(x + 7 − k) = x (x + 7) + k (7 − k)`, and the numerators of e, T and e − T over the one denominator are made of
//! their divided differences, which Horner's rule gives as sums of parts of one sign: nothing cancels where y is near x.
//!
//! Divisions that do not wait for each other are one: `1/a = b/(ab)`.

use crate::kernels::coefficients::{ATANH_F64, STIRLING_F64};
use crate::kernels::lanes::{Doubles, Isa, Job, Lanes, Real, fetch_ahead, polynomial};
use crate::kernels::log::{Parts, Ratio};
use crate::kernels::twice::Twice;
use crate::view::Element;

/// From here on Stirling's series is used; below it arguments are raised by as much.
const LARGE: f64 = 8.0;
const STEPS: f64 = 8.0;
/// `Π (t + k (7 − k))` for k from 0 to 3 is t times the polynomial t³ + …, whose others these are, highest first.
const PRODUCT: [f64; 3] = [28.0, 252.0, 720.0];

/// The e up to which `e − ln(1 + e)` is taken for itself.
const NEAR: f64 = 0.875;

/// Pairs that are gathered together where they have to be.
pub(crate) const PAIRS: usize = 64;

/// What a step counts for in a logarithm.
const LN2_BY_STEP: f64 = f64::LN2 / f64::STEP;

/// How much smaller a difference may be than what it is of. What two shapes add up to is rounded, which counts where one is
/// small and the other one changes much.
const CANCELS: f64 = 1.0 / 64.0;
const SUMS_CANCEL: f64 = 1.0 / 24.0;

/// A family of two parameters: what lies between the pair (a, b) and (c, d). One of a single parameter is given it twice.
pub(crate) trait Pair {
    /// Where parameters are in the range of the formula.
    fn fits<V: Lanes<Real = f64>>(&self, a: V, b: V, c: V, d: V) -> V::Mask;
    /// Whether they are everywhere. It may say no too often.
    #[inline(always)]
    fn all_fit<V: Lanes<Real = f64>>(&self, a: V, b: V, c: V, d: V) -> bool {
        V::all(self.fits(a, b, c, d))
    }
    /// The divergence where parameters fit; not finite where the formula is not good enough.
    fn divergence<V: Lanes<Real = f64>>(&self, a: V, b: V, c: V, d: V) -> V;
}

/// What parameters may be given as; all is computed in f64.
pub(crate) trait Parameter: Element {
    /// # Safety
    /// `LANES` parameters from `from` on are readable.
    unsafe fn load<V: Doubles>(from: *const Self) -> V;
}

impl Parameter for f64 {
    #[inline(always)]
    unsafe fn load<V: Doubles>(from: *const f64) -> V {
        // SAFETY: the caller's promise.
        unsafe { V::load(from) }
    }
}

impl Parameter for f32 {
    #[inline(always)]
    unsafe fn load<V: Doubles>(from: *const f32) -> V {
        // SAFETY: the caller's promise.
        unsafe { V::widen(from) }
    }
}

/// Where the parameters of one side are.
#[derive(Clone, Copy)]
pub(crate) enum Side<'a, T> {
    /// Two by two.
    Rows(&'a [T]),
    /// The first ones, and the second ones.
    Columns(&'a [T], &'a [T]),
    /// The same for all pairs.
    Fixed(T, T),
}

impl<'a, T: Parameter> Side<'a, T> {
    /// Those from `start` on, `n` pairs.
    #[inline(always)]
    fn part(self, start: usize, n: usize) -> Self {
        match self {
            Side::Rows(all) => Side::Rows(&all[2 * start..][..2 * n]),
            Side::Columns(first, second) => Side::Columns(&first[start..][..n], &second[start..][..n]),
            fixed @ Side::Fixed(..) => fixed,
        }
    }

    /// The parameters of the vector of pairs at `at`, in the order of [`Doubles::unzip`].
    ///
    /// # Safety
    /// There are so many.
    #[inline(always)]
    unsafe fn load<V: Doubles>(&self, at: usize) -> (V, V) {
        let a_line = 64 / size_of::<T>();
        match self {
            // SAFETY: the caller's promise.
            Side::Rows(all) => unsafe {
                let from = all.as_ptr().add(2 * at);
                (0..2 * V::LANES).step_by(a_line).for_each(|line| fetch_ahead(from.add(line)));
                V::unzip(T::load(from), T::load(from.add(V::LANES)))
            },
            // SAFETY: as above.
            Side::Columns(first, second) => unsafe {
                let (first, second) = (first.as_ptr().add(at), second.as_ptr().add(at));
                for line in (0..V::LANES).step_by(a_line) {
                    fetch_ahead(first.add(line));
                    fetch_ahead(second.add(line));
                }
                (T::load::<V>(first).zipped(), T::load::<V>(second).zipped())
            },
            Side::Fixed(first, second) => (V::splat(first.to_f64()), V::splat(second.to_f64())),
        }
    }

    /// The first n pairs, two by two; the places that are left have the last of them again. Not inlined, for there are many
    /// kernels.
    #[inline(never)]
    fn filled(&self, n: usize) -> [T; 32] {
        let mut to = [T::from_f64(1.0); 32];
        for i in 0..n {
            (to[2 * i], to[2 * i + 1]) = match self {
                Side::Rows(all) => (all[2 * i], all[2 * i + 1]),
                Side::Columns(first, second) => (first[i], second[i]),
                Side::Fixed(first, second) => (*first, *second),
            };
        }
        for i in 2 * n.max(1)..32 {
            to[i] = to[i - 2];
        }
        to
    }
}

/// Writes the divergences of pairs.
pub(crate) struct Pairs<'a, P, T> {
    pub(crate) pair: P,
    pub(crate) p: Side<'a, T>,
    pub(crate) q: Side<'a, T>,
    pub(crate) out: &'a mut [f64],
}

impl<P: Pair, T: Parameter> Job for Pairs<'_, P, T> {
    /// Whether all are finite.
    type Output = bool;

    #[inline(always)]
    fn run<I: Isa>(self) -> bool {
        // A formula is a long chain: two vectors side by side keep a processor busy, if there are registers for them.
        if I::WIDE { self.run_in::<Twice<I::F64>>() } else { self.run_in::<I::F64>() }
    }
}

impl<P: Pair, T: Parameter> Pairs<'_, P, T> {
    #[inline(always)]
    fn run_in<V: Doubles>(self) -> bool {
        let Pairs { pair, p, q, out } = self;
        let whole = out.len() / V::LANES * V::LANES;
        let (out, last) = out.split_at_mut(whole);
        // What is left is filled up to a vector.
        let [last_p, last_q] = [p, q].map(|side| side.part(whole, last.len()).filled(last.len()));
        let mut made = [0.0; 16];
        let filled = if last.is_empty() { 0 } else { V::LANES };
        let mut finite = V::first(V::LANES);
        let rest = (Side::Rows(&last_p), Side::Rows(&last_q), &mut made[..filled]);
        for (p, q, out) in [(p.part(0, whole), q.part(0, whole), out), rest] {
            for at in (0..out.len()).step_by(V::LANES) {
                // SAFETY: a vector's places are left, and its parameters.
                unsafe {
                    let ((a, b), (c, d)) = (p.load::<V>(at), q.load::<V>(at));
                    let mut value = pair.divergence(a, b, c, d);
                    if !pair.all_fit(a, b, c, d) {
                        value = V::select(pair.fits(a, b, c, d), value, V::splat(f64::NAN));
                    }
                    finite = V::and(finite, V::le(value, V::splat(f64::MAX)));
                    value.zipped().store(out.as_mut_ptr().add(at));
                }
            }
        }
        last.copy_from_slice(&made[..last.len()]);
        V::all(finite)
    }
}

#[inline(always)]
pub(super) fn within<V: Lanes<Real = f64>>(x: V, (low, high): (f64, f64)) -> V::Mask {
    V::and(V::le(V::splat(low), x), V::le(x, V::splat(high)))
}

/// 1/a and 1/b by one division; ab is to be in range.
#[inline(always)]
fn inverses<V: Lanes<Real = f64>>(a: V, b: V) -> (V, V) {
    let inverse = V::one() / (a * b);
    (b * inverse, a * inverse)
}

/// q against p as [`Ratio`] has it, but before its division: s is to be d/u.
pub(super) struct Undivided<V> {
    p: V,
    q: V,
    aligned: V,
    steps: V,
    d: V,
    u: V,
}

/// The same with s.
pub(super) struct Log<V> {
    of: Undivided<V>,
    s: V,
    /// 2s²R(s²), so that ln(q'/p) = s (2 + that).
    rest: V,
}

impl<V: Lanes<Real = f64>> Undivided<V> {
    #[inline(always)]
    pub(super) fn of(p: V, q: V) -> Self {
        let (aligned, steps) = V::align(p, q);
        Undivided { p, q, aligned, steps, d: aligned - p, u: aligned + p }
    }

    /// Of numbers that are rounded, but not their difference q − p.
    #[inline(always)]
    pub(super) fn of_difference(p: V, q: V, difference: V) -> Self {
        let rounded = Undivided::of(p, q);
        let d = V::select(V::equal(rounded.steps, V::zero()), difference, rounded.d);
        Undivided { d, ..rounded }
    }

    /// With what [`inverses`] gave for u.
    #[inline(always)]
    fn over(self, inverse_of_u: V) -> Log<V> {
        let s = self.d * inverse_of_u;
        self.with(s)
    }

    /// With a division of its own.
    #[inline(always)]
    pub(super) fn divided(self) -> Log<V> {
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
    fn whole(&self) -> V {
        self.of.steps * V::splat(LN2_BY_STEP)
    }

    /// `p ln(p/q') − p + q'` ≥ 0.
    #[inline(always)]
    fn curved(&self) -> V {
        self.s * self.of.p.fnma(self.rest, self.of.d)
    }

    /// `p ln(p/q) − p + q` ≥ 0.
    #[inline(always)]
    pub(super) fn gap(&self) -> V {
        self.curved() + self.of.p.fnma(self.whole(), self.of.q - self.of.aligned)
    }

    /// `ln(q/p)`.
    #[inline(always)]
    pub(super) fn ln(&self) -> V {
        self.s.fma(self.rest, self.s + self.s) + self.whole()
    }
}

/// Normal: loc and scale. With r = σ_p/σ_q, `½ (r² − 1) − ln r = (r − 1 − ln r) + ½ (r − 1)²`.
pub(crate) struct Normal;

/// The scales that are calm, see [`Lanes::unrest`]. What is too large elsewhere makes the value infinite.
const SCALES: (f64, f64) =
    (f64::from_bits((1023 - 450) << 52), f64::from_bits((1023 + 574) << 52).next_down());

impl Pair for Normal {
    #[inline(always)]
    fn fits<V: Lanes<Real = f64>>(&self, _: V, s: V, _: V, t: V) -> V::Mask {
        V::and(within(s, SCALES), within(t, SCALES))
    }

    #[inline(always)]
    fn all_fit<V: Lanes<Real = f64>>(&self, _: V, s: V, _: V, t: V) -> bool {
        V::calm(V::unrest(s, t, SCALES.0))
    }

    #[inline(always)]
    fn divergence<V: Lanes<Real = f64>>(&self, m: V, s: V, k: V, t: V) -> V {
        let log = Undivided::of(t, s);
        let inverse = V::one() / t;
        let (d, z) = ((s - t) * inverse, (m - k) * inverse);
        // [`Log::gap`], divided by t: while the scales need no alignment, the second part is 0.
        let aligned = log.d * inverse;
        let log = log.divided();
        let gap = log.s.fma(aligned - log.rest, log.of.steps.fnma(V::splat(LN2_BY_STEP), d - aligned));
        V::splat(0.5).fma(d.fma(d, z * z), gap)
    }
}

/// The shapes that the gaps of ln Γ are good for.
const SHAPES: (f64, f64) = (1e-8, 1e8);

/// Gamma: concentration and rate. With v = t/s the gap of ln Γ(a), b (v − 1 − ln v), and (a − b)(v − 1). Where shapes
/// are large these would cancel: with equal means it is the gap of `ln Γ(a) − a ln a + a`, and the means, of ratio v,
/// add `b (v − 1 − ln v)`.
pub(crate) struct Gamma;

impl Pair for Gamma {
    #[inline(always)]
    fn fits<V: Lanes<Real = f64>>(&self, a: V, s: V, b: V, t: V) -> V::Mask {
        let rates = (1e-100, 1e100);
        V::and(V::and(within(a, SHAPES), within(b, SHAPES)), V::and(within(s, rates), within(t, rates)))
    }

    #[inline(always)]
    fn divergence<V: Lanes<Real = f64>>(&self, a: V, s: V, b: V, t: V) -> V {
        let (large, below) = (V::splat(LARGE), V::splat(LARGE.next_down()));
        let both = V::and(V::le(large, a), V::le(large, b));
        let mut value = V::zero();
        if !V::all(both) {
            value = low_gamma(a, s, b, t);
        }
        if !V::all(V::or(V::le(a, below), V::le(b, below))) {
            let means = Ratio::of(product(b, s), product(a, t)).gap() / s;
            value = V::select(both, means + large_gaps(a, b, b - a).1, value);
        }
        value
    }
}

/// Where not both shapes are large.
#[inline(always)]
fn low_gamma<V: Lanes<Real = f64>>(a: V, s: V, b: V, t: V) -> V {
    let stretch = t - s;
    let d = b - a;
    let rates = Undivided::of(s, t);
    let (inverse, of_u) = inverses(s, rates.u);
    let steps = V::splat(STEPS);
    let (main, rest) = large_gaps(a + steps, b + steps, d);
    let shapes = fall(a, b, d) + (main + rest);
    let parts = (b * inverse).fma(rates.over(of_u).gap(), shapes);
    difference(parts, d * (stretch * inverse), CANCELS)
}

/// Chi-squared, and its root: df. Gamma of half of it, and of equal rates.
pub(crate) struct Chi2;

impl Pair for Chi2 {
    #[inline(always)]
    fn fits<V: Lanes<Real = f64>>(&self, p: V, _: V, q: V, _: V) -> V::Mask {
        let half = V::splat(0.5);
        Gamma.fits(half * p, half, half * q, half)
    }

    #[inline(always)]
    fn divergence<V: Lanes<Real = f64>>(&self, p: V, _: V, q: V, _: V) -> V {
        let half = V::splat(0.5);
        Gamma.divergence(half * p, half, half * q, half)
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
    #[inline(always)]
    fn fits<V: Lanes<Real = f64>>(&self, a: V, b: V, c: V, d: V) -> V::Mask {
        V::and(V::and(within(a, SHAPES), within(b, SHAPES)), V::and(within(c, SHAPES), within(d, SHAPES)))
    }

    #[inline(always)]
    fn divergence<V: Lanes<Real = f64>>(&self, a: V, b: V, c: V, d: V) -> V {
        let (by_a, by_b) = (c - a, d - b);
        let parts = gamma_gap(a, c, by_a) + gamma_gap(b, d, by_b);
        difference(parts, gamma_gap(a + b, c + d, by_a + by_b), SUMS_CANCEL)
    }
}

/// a − b ≥ 0, and NaN where no more than that much is left of a; 0 of 0.
#[inline(always)]
fn difference<V: Lanes<Real = f64>>(a: V, b: V, cancels: f64) -> V {
    let left = a - b;
    V::select(V::le(a * V::splat(cancels), left), left, V::splat(f64::NAN))
}

/// By how much raising both arguments by [`STEPS`] lets the gap of ln Γ from x to y = x + d fall.
#[inline(always)]
fn fall<V: Lanes<Real = f64>>(x: V, y: V, d: V) -> V {
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
fn large_gaps<V: Lanes<Real = f64>>(x: V, y: V, d: V) -> (V, V) {
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
fn gamma_gap<V: Lanes<Real = f64>>(x: V, y: V, d: V) -> V {
    let large = V::and(V::le(V::splat(LARGE), x), V::le(V::splat(LARGE), y));
    if V::all(large) {
        let (main, rest) = large_gaps(x, y, d);
        return main + rest;
    }
    let steps = V::select(large, V::zero(), V::splat(STEPS));
    let (main, rest) = large_gaps(x + steps, y + steps, d);
    V::select(large, V::zero(), fall(x, y, d)) + (main + rest)
}
