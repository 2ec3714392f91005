//! Divergences between distributions of one or two parameters with their derivatives, several pairs at a time; see
//! [`pairs`](super::pairs).

use crate::kernels::elementary::{Bernoulli, BernoulliLogits};
use crate::kernels::gamma::{digamma_difference, trigamma};
use crate::kernels::lanes::{Doubles, Isa, Job, Lanes, Numbers};
use crate::kernels::log::Undivided;
use crate::kernels::pairs::{Beta, Gamma, Normal, Pair, Parameter, Side};

/// Pairs of a call.
pub(crate) const PAIRS: usize = 32;

/// The divergences of pairs, and the derivatives by the two parameters of P and those of Q.
pub(crate) type Made = [[f64; PAIRS]; 5];

/// A family whose divergence has derivatives here. Those of a single parameter are in the first place of either side.
pub(crate) trait Slopes: Pair {
    /// Of pairs that fit, by a, b, c and d.
    fn slopes<V: Lanes<Real = f64>>(&self, a: V, b: V, c: V, d: V) -> [V; 4];
}

/// Writes the divergences of at most [`PAIRS`] pairs and their derivatives; not finite where a pair is to be looked at by
/// itself.
pub(crate) struct Gradients<'a, P, T> {
    pub(crate) pair: P,
    pub(crate) p: Side<'a, T>,
    pub(crate) q: Side<'a, T>,
    pub(crate) n: usize,
    pub(crate) made: &'a mut Made,
}

impl<P: Slopes, T: Parameter> Job for Gradients<'_, P, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Gradients { pair, p, q, n, made } = self;
        let whole = n.min(PAIRS) / I::F64::LANES * I::F64::LANES;
        // What is left is filled up to a vector.
        let [last_p, last_q] = [p, q].map(|side| side.part(whole, n - whole).filled(n - whole));
        for at in (0..n).step_by(I::F64::LANES) {
            // SAFETY: a vector's parameters are left, or there are sixteen pairs that were filled up; and of the places that
            // are written there is a whole number of vectors.
            unsafe {
                let ((a, b), (c, d)) = if at < whole {
                    (p.load::<I::F64>(at), q.load::<I::F64>(at))
                } else {
                    (Side::Rows(&last_p).load::<I::F64>(0), Side::Rows(&last_q).load::<I::F64>(0))
                };
                let value = pair.divergence(a, b, c, d);
                let nan = I::F64::splat(f64::NAN);
                let value = I::F64::select(pair.fits(a, b, c, d), value, nan);
                let [by_a, by_b, by_c, by_d] = pair.slopes(a, b, c, d);
                let results = [value, by_a, by_b, by_c, by_d];
                for i in 0..5 {
                    results[i].zipped().store(made[i].as_mut_ptr().add(at));
                }
            }
        }
    }
}

impl Slopes for Normal {
    #[inline(always)]
    fn slopes<V: Lanes<Real = f64>>(&self, m: V, s: V, k: V, t: V) -> [V; 4] {
        let z = (m - k) / t;
        let stretch = ((s - t) / t) * ((s + t) / t);
        let by_loc = z / t;
        [by_loc, stretch / s, V::zero() - by_loc, (V::zero() - stretch - z * z) / t]
    }
}

impl Slopes for Gamma {
    #[inline(always)]
    fn slopes<V: Lanes<Real = f64>>(&self, a: V, s: V, b: V, t: V) -> [V; 4] {
        let d = b - a;
        // a t − b s, of which the products' rounding errors are a part.
        let (mean, other) = (a * t, b * s);
        let lost = a.fma(t, V::zero() - mean) - b.fma(s, V::zero() - other);
        let above = ((mean - other) + lost) / s;
        let ln = Undivided::of(s, t).divided().ln();
        let by_a = d.fnma(trigamma(a), (t - s) / s);
        [by_a, (V::zero() - above) / s, digamma_difference(a, b, d) - ln, above / t]
    }
}

impl Slopes for Beta {
    #[inline(always)]
    fn slopes<V: Lanes<Real = f64>>(&self, a: V, b: V, c: V, d: V) -> [V; 4] {
        let (by_a, by_b) = (c - a, d - b);
        let (from, to, by) = (a + b, c + d, by_a + by_b);
        let (bent, rise) = (by * trigamma(from), digamma_difference(from, to, by));
        [
            by_a.fnma(trigamma(a), bent),
            by_b.fnma(trigamma(b), bent),
            digamma_difference(a, c, by_a) - rise,
            digamma_difference(b, d, by_b) - rise,
        ]
    }
}

impl Slopes for Bernoulli {
    #[inline(always)]
    fn slopes<V: Lanes<Real = f64>>(&self, p: V, _: V, q: V, _: V) -> [V; 4] {
        let (miss, other) = (V::one() - p, V::one() - q);
        let misses = Undivided::of_difference(miss, other, p - q).divided().ln();
        let by_p = misses - Undivided::of(p, q).divided().ln();
        [by_p, by_p, (q - p) / (q * other), V::zero()]
    }
}

impl Slopes for BernoulliLogits {
    #[inline(always)]
    fn slopes<V: Lanes<Real = f64>>(&self, a: V, _: V, b: V, _: V) -> [V; 4] {
        let coins = Self::coins(a, b);
        let spread = coins.p * coins.miss;
        let by_q = coins.sign * (spread * (coins.gain / (V::one() + coins.rise)));
        [spread * (a - b), V::zero(), by_q, V::zero()]
    }
}
