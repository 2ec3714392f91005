//! A diagonal Gaussian against another, from means and logarithms of variances: values and derivatives in one pass.
//!
//! With d = μ − m, y = λ − l for variances exp(λ) and exp(l): `½ (d² exp(−l) + exp(y) − 1 − y)`, whose second part keeps
//! its digits however small y is, and with what y has lost to rounding however large.

use crate::kernels::exp::{Exp, exp_of, parts_of};
use crate::kernels::lane_sums::{join, load_eight};
use crate::kernels::lanes::{Isa, Job, Lanes, Real, Vector, fetch_ahead, rarely, two_sum};
use crate::kernels::rows::row;
use crate::kernels::scalar::Array;
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
/// terms, whose sums are all rounded alike, do not add up to much. Whole vectors.
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

    /// The sum of the terms, which are at least 0.
    pub(crate) fn total(&self) -> Compensated {
        self.total_in::<Array<f64, 8>>()
    }

    #[inline(always)]
    fn total_in<S: Lanes<Real = f64>>(&self) -> Compensated {
        let (sum, error) = two_sum(load_eight::<S>(&self.before), load_eight(&self.stretch));
        Compensated { hi: join(sum), lo: join(load_eight::<S>(&self.taken) + error) }.times(0.5)
    }

    /// With the sums of `n` more elements of the stretch.
    #[inline(always)]
    fn advance<S: Lanes<Real = f64>>(&mut self, n: usize, stretch: S) {
        self.filled += n;
        if self.filled < STRETCH {
            self.stretch = stretch.to_f64s();
            return;
        }
        let (before, error) = two_sum(load_eight::<S>(&self.before), stretch);
        self.taken = (load_eight::<S>(&self.taken) + error).to_f64s();
        self.before = before.to_f64s();
        (self.stretch, self.filled) = ([0.0; 8], 0);
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
        let mut places = [std::ptr::null_mut(); 4];
        for (place, out) in places.iter_mut().zip(out) {
            if out.len() == given.mu.len() {
                *place = out.as_mut_ptr();
            }
        }
        match given.prior_mu {
            [] => add::<I, T, false>(given, by, places, sums),
            _ => add::<I, T, true>(given, by, places, sums),
        }
    }
}

/// The sums of the terms of rows by themselves, and their derivatives, each row's times its `by`. Rows are given by where the
/// first begins and how far apart they are; null is what there is not. Whoever makes one vouches for them: `cols`
/// elements of each, of as many rows as there are sums. A job of its own where there is a prior: one for both would
/// take the stack of both.
pub(crate) struct GaussianRows<'a, T, const PRIOR: bool> {
    pub(crate) given: [(*const T, isize); 4],
    pub(crate) cols: usize,
    pub(crate) by: &'a [f64],
    pub(crate) out: [(*mut T, isize); 4],
    pub(crate) sums: &'a mut [f64],
}

impl<T: Vector, const PRIOR: bool> Job for GaussianRows<'_, T, PRIOR> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let GaussianRows { given, cols, by, out, sums: values } = self;
        for (i, (value, by)) in values.iter_mut().zip(by).enumerate() {
            let mut places = [std::ptr::null_mut(); 4];
            for (place, (first, stride)) in places.iter_mut().zip(out) {
                if !first.is_null() {
                    *place = first.wrapping_offset(i as isize * stride);
                }
            }
            // SAFETY: the job's maker vouches for the rows.
            let given = unsafe {
                Given {
                    mu: row(given[0], i, cols),
                    logvar: row(given[1], i, cols),
                    prior_mu: if PRIOR { row(given[2], i, cols) } else { &[] },
                    prior_logvar: if PRIOR { row(given[3], i, cols) } else { &[] },
                }
            };
            let mut sums = Sums::ZERO;
            add::<I, T, PRIOR>(given, *by, places, &mut sums);
            *value = sums.total_in::<I::F64>().value();
        }
    }
}

/// Adds the terms of elements to sums, and writes their derivatives to those places that are not null.
#[inline(always)]
fn add<I: Isa, T: Vector, const PRIOR: bool>(given: Given<T>, by: f64, places: [*mut T; 4], sums: &mut Sums) {
    let (n, lanes) = (given.mu.len(), T::On::<I>::LANES);
    // No closure: it would not be compiled for the instruction set.
    let mut scales = [T::On::<I>::zero(); 4];
    for i in 0..4 {
        scales[i] = T::On::<I>::constant(HALVES[i] * by);
    }
    // Of what is lent a copy: for all that a compiler knows, it might change whenever something is written.
    let lent = given;
    let mut at = 0;
    while at < n {
        let (begin, end) = (at, n.min(at + STRETCH - sums.filled));
        let mut total: I::F64 = load_eight(&sums.stretch);
        while at < end {
            let len = lanes.min(end - at);
            if len == lanes {
                fetch_ahead(given.mu.as_ptr().wrapping_add(at));
                fetch_ahead(given.logvar.as_ptr().wrapping_add(at));
                // SAFETY: a whole vector is left.
                let (terms, calm) = terms(unsafe { inputs::<T::On<I>, PRIOR>(&given, at, lanes) });
                if T::On::<I>::all(calm) {
                    total = total + terms.value.folded();
                    for i in 0..4 {
                        if !places[i].is_null() {
                            // SAFETY: a whole vector is left.
                            unsafe { (terms.by[i] * scales[i]).store(places[i].add(at)) };
                        }
                    }
                    at += lanes;
                    continue;
                }
            }
            if len < lanes {
                // SAFETY: so many elements are left. The lanes without one are as calm as can be.
                let (terms, calm) = terms(unsafe { inputs::<T::On<I>, PRIOR>(&given, at, len) });
                if T::On::<I>::all(calm) {
                    let live = T::On::<I>::first(len);
                    total = total + T::On::<I>::select(live, terms.value, T::On::<I>::zero()).folded();
                    for i in 0..4 {
                        if !places[i].is_null() {
                            // SAFETY: so many places are left.
                            unsafe { (terms.by[i] * scales[i]).store_first(places[i].add(at), len) };
                        }
                    }
                    at += len;
                    continue;
                }
            }
            let few = Few::<T, PRIOR> { given: &lent, at, len, by, places };
            total = total + load_eight(&rarely::<I, _>(few));
            at += len;
        }
        sums.advance(end - begin, total);
    }
}

/// A vector, or less than one, with terms that it cannot take: `len` elements from `at` on. Gives twice the sums of their terms
/// in eight lanes, and writes derivatives to those places that are not null. There are as many inputs and places.
struct Few<'s, 'a, T, const PRIOR: bool> {
    given: &'s Given<'a, T>,
    at: usize,
    len: usize,
    by: f64,
    places: [*mut T; 4],
}

impl<T: Vector, const PRIOR: bool> Job for Few<'_, '_, T, PRIOR> {
    type Output = [f64; 8];

    #[inline(always)]
    fn run<I: Isa>(self) -> [f64; 8] {
        let Few { given, at, len, by, places } = self;
        // SAFETY: there are as many.
        let (terms, calm) = terms(unsafe { inputs::<T::On<I>, PRIOR>(given, at, len) });
        let keep = T::On::<I>::and(calm, T::On::<I>::first(len));
        let (zero, one) = (T::On::<I>::zero(), T::On::<I>::one());
        let mut sums = T::On::<I>::select(keep, terms.value, zero).folded().to_f64s::<8>();
        for i in 0..4 {
            if !places[i].is_null() {
                let by_input = terms.by[i] * T::On::<I>::constant(HALVES[i] * by);
                // SAFETY: there are `len` places.
                unsafe { by_input.store_first(places[i].add(at), len) };
            }
        }
        let mut made = [T::ZERO; 16];
        // SAFETY: a vector is at most 16 elements.
        unsafe { T::On::<I>::select(keep, one, zero).store(made.as_mut_ptr()) };
        // One by one what the lanes cannot take.
        for j in 0..len {
            if made[j] == T::ZERO {
                let edge = edge(given, at + j);
                sums[j % 8] += edge.value;
                for i in 0..4 {
                    if !places[i].is_null() {
                        let by_input = if by == 0.0 { 0.0 } else { edge.by[i] * (HALVES[i] * by) };
                        // SAFETY: it is one of the places.
                        unsafe { places[i].add(at + j).write(T::from_f64(by_input)) };
                    }
                }
            }
        }
        sums
    }
}

/// What the terms are made of.
struct Inputs<V> {
    /// d.
    d: V,
    /// y, and what rounding took from it.
    y: V,
    error: V,
    /// The prior's l, if there is a prior.
    log: Option<V>,
}

/// `n` elements of each from `at` on.
///
/// # Safety
/// There are as many.
#[inline(always)]
unsafe fn inputs<V: Lanes, const PRIOR: bool>(given: &Given<V::Real>, at: usize, n: usize) -> Inputs<V> {
    // SAFETY: the caller's promise, also for the priors', if there are any.
    unsafe {
        let (mu, logvar) = (load(given.mu, at, n), load(given.logvar, at, n));
        if !PRIOR {
            return Inputs { d: mu, y: logvar, error: V::zero(), log: None };
        }
        let (mean, log): (V, V) = (load(given.prior_mu, at, n), load(given.prior_logvar, at, n));
        let (y, error) = two_sum(logvar, V::zero() - log);
        Inputs { d: mu - mean, y, error, log: Some(log) }
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

/// The terms, and the lanes where they neither overflow nor are of something that is no number.
#[inline(always)]
fn terms<V: Lanes>(of: Inputs<V>) -> (Terms<V>, V::Mask) {
    let Inputs { d, y, error, log } = of;
    let exp = Exp::of(y);
    let (mut less_one, mut curved, mut by_mu) = (exp.less_one(), exp.curved(), d);
    let most = V::constant(-0.9 * V::Real::EXP_LOWEST.to_f64());
    let mut calm = V::le(y.magnitude(), most);
    if let Some(log) = log {
        // What y has lost, as far as its slope goes: of a large y it shows in the power.
        curved = error.fma(less_one, curved);
        less_one = error.fma(less_one + V::one(), less_one);
        by_mu = d * Exp::of(V::zero() - log).value();
        calm = V::and(calm, V::le(log.magnitude(), most));
    }
    let value = d.fma(by_mu, curved);
    let calm = V::and(calm, V::le(value, V::splat(V::Real::LARGEST)));
    let by = [by_mu, less_one, V::zero() - by_mu, V::zero() - d.fma(by_mu, less_one)];
    (Terms { value, by }, calm)
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
            // Beside an infinite one the error of a large y may be anything.
            let power = exp_of(y);
            let power = if power < f64::INFINITY { power * (1.0 + error) } else { power };
            (power, power)
        }
        y => {
            let (less_one, curved) = parts_of(y);
            (less_one + error * (less_one + 1.0), curved + error * less_one)
        }
    };
    Terms { value: square + curved, by: [by_mu, less_one, -by_mu, -(square + less_one)] }
}
