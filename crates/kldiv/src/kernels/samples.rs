//! What the estimates k1, k2 and k3 make of the log-densities at samples, a vector of samples at a time.

use crate::kernels::exp::{Exp, exp_rest};
use crate::kernels::lanes::{Isa, Job, Lanes, Numbers, Real, fetch_ahead, two_difference};
use crate::policy::Estimator;

/// Writes the k of each sample; NaN where one is left to whoever asked: where a density or its ratio is none, or so large or
/// small that it takes more care. Says whether none is.
pub(crate) struct Samples<'a> {
    pub(crate) estimator: Estimator,
    pub(crate) log_p: &'a [f64],
    pub(crate) log_q: &'a [f64],
    pub(crate) out: &'a mut [f64],
}

impl Job for Samples<'_> {
    type Output = bool;

    #[inline(always)]
    fn run<I: Isa>(self) -> bool {
        let Samples { estimator, log_p, log_q, out } = self;
        let n = out.len().min(log_p.len()).min(log_q.len());
        let mut answered = I::F64::first(I::F64::LANES);
        for at in (0..n).step_by(I::F64::LANES) {
            let left = (n - at).min(I::F64::LANES);
            let whole = left == I::F64::LANES;
            // SAFETY: so many are left of each.
            unsafe {
                let (p, q) = (log_p.as_ptr().add(at), log_q.as_ptr().add(at));
                fetch_ahead(p);
                fetch_ahead(q);
                let p = if whole { I::F64::load(p) } else { I::F64::load_first(p, left) };
                let q = if whole { I::F64::load(q) } else { I::F64::load_first(q, left) };
                let (taken, value) = k(estimator, p, q);
                answered = I::F64::and(answered, taken);
                let value = I::F64::select(taken, value, I::F64::splat(f64::NAN));
                let place = out.as_mut_ptr().add(at);
                if whole { value.store(place) } else { value.store_first(place, left) }
            }
        }
        I::F64::all(answered)
    }
}

/// Where a sample is taken, and its k. Lanes that are filled up with 1 are taken.
#[inline(always)]
fn k<V: Lanes<Real = f64>>(estimator: Estimator, p: V, q: V) -> (V::Mask, V) {
    let largest = V::splat(f64::LARGEST);
    let finite = V::and(V::le(p.magnitude(), largest), V::le(q.magnitude(), largest));
    let r = q - p;
    match estimator {
        Estimator::K1 => (finite, V::zero() - r),
        // Of what is larger the square may be infinite, which is no reason to look again.
        Estimator::K2 => (finite, V::splat(0.5) * r * r),
        Estimator::K3 => {
            let inside = V::and(V::le(V::splat(f64::EXP_LOWEST), r), V::le(r, V::splat(f64::EXP_HIGHEST)));
            let (_, lost) = two_difference(q, p);
            let excess = excess(r);
            (V::and(finite, inside), lost.fma(r + excess, excess))
        }
    }
}

/// `e^r − 1 − r` ≥ 0, within some three u of itself, from `EXP_LOWEST` to `EXP_HIGHEST`.
#[inline(always)]
fn excess<V: Lanes<Real = f64>>(r: V) -> V {
    let near = V::le(r.magnitude(), V::splat(2.0));
    let value = r * r * exp_rest(r);
    if V::all(near) { value } else { V::select(near, value, Exp::of(r).curved()) }
}
