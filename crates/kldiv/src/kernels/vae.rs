//! A diagonal Gaussian against another, from means and logarithms of variances: values and derivatives in one pass.
//!
//! With d = μ − m, y = λ − l for variances exp(λ) and exp(l): `½ (d² exp(−l) + exp(y) − 1 − y)`, whose second part keeps
//! its digits however small y is, and with what y has lost to rounding however large.

use crate::kernels::exp::{Exp, exp_of, parts_of};
use crate::kernels::lane_sums::load_eight;
use crate::kernels::lanes::{Isa, Job, Lanes, Real, Vector, fetch_ahead, two_sum};
use crate::sum::Compensated;
use crate::view::Element;

/// The inputs; the priors' are both empty for the standard normal.
#[derive(Clone, Copy)]
pub(crate) struct Given<'a, T> {
    pub(crate) mu: &'a [T],
    pub(crate) logvar: &'a [T],
    pub(crate) prior_mu: &'a [T],
    pub(crate) prior_logvar: &'a [T],
}

/// Elements whose terms are added in lanes before those are added to the lanes of all, with care: few enough that equal
/// terms, whose sums are all rounded alike, do not add up to much.
const STRETCH: usize = 256;

/// Twice the sums of terms in eight lanes: of the stretch under way, and of all before it with what rounding took.
pub(crate) struct Sums {
    stretch: [f64; 8],
    /// Elements in it.
    filled: usize,
    before: [f64; 8],
    taken: [f64; 8],
}

impl Sums {
    pub(crate) const ZERO: Sums = Sums { stretch: [0.0; 8], filled: 0, before: [0.0; 8], taken: [0.0; 8] };

    /// The sum of the terms.
    pub(crate) fn total(&self) -> Compensated {
        let mut total = Compensated::ZERO;
        for i in 0..8 {
            total.add_parts(&Compensated { hi: 0.5 * self.before[i], lo: 0.5 * self.taken[i] });
            total.add(0.5 * self.stretch[i]);
        }
        total
    }
}

/// Adds the terms of elements, of whole vectors but for the last ones, to sums, and writes their derivatives, times `by`,
/// with respect to the four inputs to those outputs that are not empty.
pub(crate) struct Gaussians<'a, T> {
    pub(crate) given: Given<'a, T>,
    pub(crate) by: f64,
    pub(crate) out: [&'a mut [T]; 4],
    pub(crate) sums: &'a mut Sums,
}

/// Twice the term, and its derivatives with respect to the four inputs, of which [`HALVES`] are to be taken.
struct Terms<V> {
    value: V,
    by: [V; 4],
}

const HALVES: [f64; 4] = [1.0, 0.5, 1.0, 0.5];

impl<T: Vector> Job for Gaussians<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Gaussians { given, by, out, sums } = self;
        let lanes = T::On::<I>::LANES;
        let n = given.mu.len();
        let prior = given.prior_mu.len() == n;
        let mut total: I::F64 = load_eight(&sums.stretch);
        let (mut before, mut taken): (I::F64, I::F64) = (load_eight(&sums.before), load_eight(&sums.taken));
        let scales = HALVES.map(|half| T::On::<I>::constant(half * by));
        let mut at = 0;
        while at < n {
            let len = (n - at).min(lanes);
            let (mut mean, mut log) = (T::On::<I>::zero(), T::On::<I>::zero());
            // SAFETY: as many elements are left in all inputs that are there.
            let (mu, logvar) = unsafe {
                if prior {
                    mean = load::<T::On<I>>(given.prior_mu, at, len);
                    log = load::<T::On<I>>(given.prior_logvar, at, len);
                }
                (load::<T::On<I>>(given.mu, at, len), load::<T::On<I>>(given.logvar, at, len))
            };
            let (d, (y, error)) = (mu - mean, two_sum(logvar, T::On::<I>::zero() - log));
            fetch_ahead(given.mu.as_ptr().wrapping_add(at));
            fetch_ahead(given.logvar.as_ptr().wrapping_add(at));
            let live = T::On::<I>::first(len);
            let calm = calm(d, y, log, prior);
            if len == lanes && T::On::<I>::all(calm) {
                let terms = terms(d, (y, error), log, prior);
                for part in 0..lanes / 8 {
                    total = total + terms.value.part(part);
                }
                for i in 0..4 {
                    if out[i].len() == n {
                        // SAFETY: a whole vector is left.
                        unsafe { (terms.by[i] * scales[i]).store(out[i].as_mut_ptr().add(at)) };
                    }
                }
            } else {
                // One by one what the lanes cannot take.
                let keep = T::On::<I>::and(calm, live);
                let zero = T::On::<I>::zero();
                let d = T::On::<I>::select(keep, d, zero);
                let y = T::On::<I>::select(keep, y, zero);
                let error = T::On::<I>::select(keep, error, zero);
                let log = T::On::<I>::select(keep, log, zero);
                let terms = terms(d, (y, error), log, prior);
                let mut value = terms.value.to_f64s::<16>();
                let mut made = [T::ZERO; 16];
                for i in 0..4 {
                    if out[i].len() == n {
                        // SAFETY: there are as many places.
                        unsafe { (terms.by[i] * scales[i]).store(made.as_mut_ptr()) };
                        out[i][at..at + len].copy_from_slice(&made[..len]);
                    }
                }
                let keep = T::On::<I>::select(keep, T::On::<I>::one(), zero).to_f64s::<16>();
                for j in 0..len {
                    if keep[j] == 0.0 {
                        let edge = edge(&given, at + j);
                        value[j] = edge.value;
                        for i in 0..4 {
                            if out[i].len() == n {
                                let by_input = if by == 0.0 { 0.0 } else { edge.by[i] * (HALVES[i] * by) };
                                out[i][at + j] = T::from_f64(by_input);
                            }
                        }
                    }
                }
                for part in 0..lanes / 8 {
                    // SAFETY: eight elements are a sum's vector.
                    total = total + unsafe { I::F64::load(value.as_ptr().add(8 * part)) };
                }
            }
            at += len;
            sums.filled += len;
            if sums.filled == STRETCH {
                let (sum, error) = two_sum(before, total);
                (before, taken, total) = (sum, taken + error, I::F64::zero());
                sums.filled = 0;
            }
        }
        (sums.stretch, sums.before, sums.taken) = (total.to_f64s(), before.to_f64s(), taken.to_f64s());
    }
}

/// `n` elements from `at` on.
///
/// # Safety
/// There are as many.
#[inline(always)]
unsafe fn load<V: Lanes>(x: &[V::Real], at: usize, n: usize) -> V {
    // SAFETY: the caller's promise.
    unsafe { if n == V::LANES { V::load(x.as_ptr().add(at)) } else { V::load_first(x.as_ptr().add(at), n) } }
}

/// The lanes whose terms neither overflow nor are of something that is no number.
#[inline(always)]
fn calm<V: Lanes>(d: V, y: V, log: V, prior: bool) -> V::Mask {
    let most = V::constant(-0.9 * V::Real::EXP_LOWEST.to_f64());
    let mask = V::and(V::le(y.magnitude(), most), V::le(d.magnitude(), V::splat(V::Real::ROUND)));
    if prior { V::and(mask, V::le(log.magnitude(), most)) } else { mask }
}

#[inline(always)]
fn terms<V: Lanes>(d: V, (y, error): (V, V), log: V, prior: bool) -> Terms<V> {
    let exp = Exp::of(y);
    let (mut less_one, mut curved, mut by_mu) = (exp.less_one(), exp.curved(), d);
    if prior {
        // What y has lost, as far as its slope goes: of a large y it shows in the power.
        curved = error.fma(less_one, curved);
        less_one = error.fma(less_one + V::one(), less_one);
        by_mu = d * Exp::of(V::zero() - log).value();
    }
    let square = d * by_mu;
    Terms {
        value: square + curved,
        by: [by_mu, less_one, V::zero() - by_mu, V::zero() - (square + less_one)],
    }
}

/// Of any four numbers: NaN where one is not finite.
#[cold]
fn edge<T: Element>(given: &Given<T>, i: usize) -> Terms<f64> {
    let at = |x: &[T]| x.get(i).map_or(0.0, |x| x.to_f64());
    let (mu, logvar) = (at(given.mu), at(given.logvar));
    let (mean, log) = (at(given.prior_mu), at(given.prior_logvar));
    if [mu, logvar, mean, log].iter().any(|x| !x.is_finite()) {
        return Terms { value: f64::NAN, by: [f64::NAN; 4] };
    }
    let (d, y) = (mu - mean, logvar - log);
    // exp(−l/2) twice, for d² exp(−l) may be an ordinary number where exp(−l) is not.
    let root = exp_of(-0.5 * log);
    let (square, by_mu) = if d == 0.0 { (0.0, 0.0) } else { ((d * root) * (d * root), d * root * root) };
    let error = {
        let back = y - logvar;
        (logvar - (y - back)) - (log + back)
    };
    let (less_one, curved) = match y {
        y if y < -700.0 => (-1.0, -1.0 - y),
        y if y > 700.0 => {
            let power = exp_of(y) * (1.0 + error);
            (power, power)
        }
        y => {
            let (less_one, curved) = parts_of(y);
            (less_one + error * (less_one + 1.0), curved + error * less_one)
        }
    };
    Terms { value: square + curved, by: [by_mu, less_one, -by_mu, -(square + less_one)] }
}
