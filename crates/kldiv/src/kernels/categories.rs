//! The divergence of one categorical distribution from another and its derivatives, eight categories at a time. What is out
//! of the ordinary is left to whoever asked.

use crate::kernels::exp::Exp;
use crate::kernels::lanes::{Isa, Job, Lanes, Numbers, two_difference};
use crate::kernels::log::Undivided;

/// Categories up to which rows of logits are compared here, and the vectors that they fill.
const MOST: usize = 32;
const VECTORS: usize = MOST / 8;

/// How far a logit may be from its row's largest: all exponentials are ordinary numbers.
const FAR: f64 = 600.0;

/// The divergence of the softmax of b from that of a, at most [`MOST`] logits, and, where they are wanted, its derivatives by
/// either's; nothing if a logit is far from the largest.
///
/// It is `Σ p (e^δ − 1 − δ)` with δ = ln(q/p). Where logits are near each other δ is what they differ by, less that of the
/// likeliest, less the logarithm of the mean of its exponential.
pub(crate) struct LogitsPair<'a> {
    pub(crate) a: &'a [f64],
    pub(crate) b: &'a [f64],
    pub(crate) by: Option<[&'a mut [f64]; 2]>,
}

impl Job for LogitsPair<'_> {
    type Output = Option<f64>;

    #[inline(always)]
    fn run<I: Isa>(self) -> Option<f64> {
        let LogitsPair { a, b, by } = self;
        let n = a.len();
        let (top, far) = (largest(a)?, largest(b)?);
        if n > MOST || b.len() != n {
            return None;
        }
        let (most_a, most_b) = (I::F64::splat(a[top]), I::F64::splat(b[far]));
        let anchor = two_difference(I::F64::splat(b[top]), I::F64::splat(a[top]));
        let zero = I::F64::zero();
        let (mut p, mut q, mut d) = ([zero; VECTORS], [zero; VECTORS], [zero; VECTORS]);
        let (mut far_from_p, mut far_from_q) = ([zero; VECTORS], [zero; VECTORS]);
        let mut near = I::F64::first(8);
        let vectors = n.div_ceil(8);
        for i in 0..vectors {
            let left = (n - 8 * i).min(8);
            // SAFETY: so many are left of each.
            let (x, y) = unsafe {
                (
                    I::F64::load_first(a.as_ptr().add(8 * i), left),
                    I::F64::load_first(b.as_ptr().add(8 * i), left),
                )
            };
            let there = I::F64::first(left);
            let of = |x: I::F64| I::F64::select(there, x, zero);
            (far_from_p[i], far_from_q[i]) = (of(x - most_a), of(y - most_b));
            p[i] = of(Exp::of(far_from_p[i]).value());
            q[i] = of(Exp::of(far_from_q[i]).value());
            let (hi, lo) = two_difference(y, x);
            let (step, lost) = two_difference(hi, anchor.0);
            d[i] = of(step + (lost + (lo - anchor.1)));
            near = I::F64::and(near, I::F64::le(d[i].magnitude(), I::F64::one()));
        }
        let (others_p, others_q) = (all_but::<I>(&p, top), all_but::<I>(&q, far));
        let (sum_p, sum_q) = (I::F64::splat(1.0 + others_p), I::F64::splat(1.0 + others_q));
        if I::F64::all(near) {
            let mut rise = zero;
            for i in 0..vectors {
                rise = p[i].fma(Exp::of(d[i]).less_one(), rise);
            }
            let rise = I::F64::splat((total::<I>(rise) / (1.0 + others_p)).ln_1p());
            d.iter_mut().for_each(|d| *d = *d - rise);
        } else {
            let (ln_p, ln_q) = (I::F64::splat(others_p.ln_1p()), I::F64::splat(others_q.ln_1p()));
            for i in 0..vectors {
                d[i] = (far_from_q[i] - ln_q) - (far_from_p[i] - ln_p);
            }
        }
        let mut sum = zero;
        for i in 0..vectors {
            p[i] = p[i] / sum_p;
            let exp = Exp::of(d[i]);
            sum = p[i].fma(exp.curved(), sum);
            // q − p, from their ratio where they are near.
            let close = I::F64::le(d[i].magnitude(), I::F64::one());
            q[i] = I::F64::select(close, p[i] * exp.less_one(), q[i] / sum_q - p[i]);
        }
        let kl = total::<I>(sum);
        if let Some([by_a, by_b]) = by {
            for i in 0..vectors {
                let left = (n - 8 * i).min(8);
                let by_p = p[i] * ((zero - d[i]) - I::F64::splat(kl));
                // SAFETY: so many are left of each, for they are as long as a is.
                unsafe {
                    by_p.store_first(by_a[8 * i..][..left].as_mut_ptr(), left);
                    q[i].store_first(by_b[8 * i..][..left].as_mut_ptr(), left);
                }
            }
            // Either gradient sums to 0: where an outcome is nearly certain, the others tell its own.
            let likely = others_p < 1.0;
            let in_both = likely && top == far && others_q < 1.0;
            for (by, likely) in [(by_a, likely), (by_b, in_both)] {
                if likely {
                    by[top] = 0.0;
                    by[top] = -by.iter().sum::<f64>();
                }
            }
        }
        Some(kl)
    }
}

/// Which is the first of the largest, if the others are not far from it.
#[inline(always)]
fn largest(x: &[f64]) -> Option<usize> {
    let mut top = 0;
    for i in 1..x.len() {
        if x[i] > x[top] {
            top = i;
        }
    }
    let most = *x.get(top)?;
    for i in 0..x.len() {
        // A NaN is not near anything.
        if !(most - x[i] <= FAR) {
            return None;
        }
    }
    Some(top)
}

/// The sum of the lanes, one after another.
#[inline(always)]
fn total<I: Isa>(x: I::F64) -> f64 {
    let lanes: [f64; 8] = x.to_f64s();
    let mut sum = 0.0;
    for i in 0..8 {
        sum += lanes[i];
    }
    sum
}

/// The sum of all but one.
#[inline(always)]
fn all_but<I: Isa>(x: &[I::F64; VECTORS], one: usize) -> f64 {
    let mut sum = 0.0;
    for i in 0..VECTORS {
        let mut lanes: [f64; 8] = x[i].to_f64s();
        if one / 8 == i {
            lanes[one % 8] = 0.0;
        }
        for j in 0..8 {
            sum += lanes[j];
        }
    }
    sum
}

/// Writes the derivatives of the divergence `kl` by probabilities, each divided by their sum, of which the logarithm of q's
/// by p's is `sums`; says whether all are ordinary.
pub(crate) struct ProbabilitySlopes<'a> {
    pub(crate) p: &'a [f64],
    pub(crate) q: &'a [f64],
    pub(crate) kl: f64,
    pub(crate) sums: f64,
    pub(crate) p_sum: f64,
    pub(crate) q_sum: f64,
    pub(crate) by_p: &'a mut [f64],
    pub(crate) by_q: &'a mut [f64],
}

impl Job for ProbabilitySlopes<'_> {
    type Output = bool;

    #[inline(always)]
    fn run<I: Isa>(self) -> bool {
        let ProbabilitySlopes { p, q, kl, sums, p_sum, q_sum, by_p, by_q } = self;
        let n = p.len().min(q.len()).min(by_p.len()).min(by_q.len());
        let (kl, sums) = (I::F64::splat(kl), I::F64::splat(sums));
        let (p_sum, q_sum) = (I::F64::splat(p_sum), I::F64::splat(q_sum));
        let far = I::F64::splat(FAR);
        for at in (0..n).step_by(8) {
            let left = (n - at).min(8);
            // SAFETY: so many are left of each.
            let (x, y) = unsafe {
                (I::F64::load_first(p.as_ptr().add(at), left), I::F64::load_first(q.as_ptr().add(at), left))
            };
            let ordinary = I::F64::both_ordinary(x, y);
            let less = Undivided::of(x, y).divided().ln() - sums;
            if !ordinary || !I::F64::all(I::F64::le(less.magnitude(), far)) {
                return false;
            }
            // ln(q/p) of the shares is less; 1 − p/q of them.
            let lack = Exp::of(I::F64::zero() - less).less_one();
            // SAFETY: as above.
            unsafe {
                ((I::F64::zero() - less - kl) / p_sum).store_first(by_p.as_mut_ptr().add(at), left);
                ((I::F64::zero() - lack) / q_sum).store_first(by_q.as_mut_ptr().add(at), left);
            }
        }
        true
    }
}
