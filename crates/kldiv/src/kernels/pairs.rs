//! Divergences between distributions of two parameters, several pairs at a time.
//!
//! Each formula is a sum of gaps, which are at least 0 and as small as the square of what they are of; those of
//! logarithms come from [`Log`]. Pairs that leave the range of a formula here, or for which it would cancel, are left to
//! whoever asked: their place is not finite.
//!
//! Divisions that do not wait for each other are one: `1/a = b/(ab)`.

use crate::kernels::gamma::{LARGE, SHAPES, STEPS, fall, gamma_gap, large_gaps};
use crate::kernels::lanes::{Doubles, Isa, Job, Lanes, Numbers, fetch_ahead};
use crate::kernels::log::{LN2_BY_STEP, Parts, Ratio, Undivided, inverses};
use crate::kernels::twice::Twice;
use crate::view::Element;

/// Pairs that are gathered together where they have to be.
pub(crate) const PAIRS: usize = 64;

/// How much smaller a difference may be than what it is of. What two shapes add up to is rounded, which counts where one is
/// small and the other one changes much.
const CANCELS: f64 = 1.0 / 64.0;
pub(super) const SUMS_CANCEL: f64 = 1.0 / 24.0;

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
    pub(super) fn part(self, start: usize, n: usize) -> Self {
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
    pub(super) unsafe fn load<V: Doubles>(&self, at: usize) -> (V, V) {
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
    pub(super) fn filled(&self, n: usize) -> [T; 32] {
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

/// Writes the divergences of at most eight pairs of which the parameters are in columns; not finite where a pair is to be
/// looked at by itself.
pub(crate) struct Few<'a, P> {
    pub(crate) pair: P,
    pub(crate) p: [&'a [f64]; 2],
    pub(crate) q: [&'a [f64]; 2],
    pub(crate) out: &'a mut [f64; 8],
}

impl<P: Pair> Job for Few<'_, P> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Few { pair, p: [a, b], q: [c, d], out } = self;
        let n = a.len().min(b.len()).min(c.len()).min(d.len()).min(8);
        // SAFETY: there are n of each, and eight are a vector.
        unsafe {
            let (a, b) = (I::F64::load_first(a.as_ptr(), n), I::F64::load_first(b.as_ptr(), n));
            let (c, d) = (I::F64::load_first(c.as_ptr(), n), I::F64::load_first(d.as_ptr(), n));
            let value = pair.divergence(a, b, c, d);
            let value = I::F64::select(pair.fits(a, b, c, d), value, I::F64::splat(f64::NAN));
            value.store(out.as_mut_ptr());
        }
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
        V::calm(V::unrest_of(s, t, SCALES.0))
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
pub(super) fn difference<V: Lanes<Real = f64>>(a: V, b: V, cancels: f64) -> V {
    let left = a - b;
    V::select(V::le(a * V::splat(cancels), left), left, V::splat(f64::NAN))
}
