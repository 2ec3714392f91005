//! The terms of the Renyi divergence: powers, and what they lack of their arithmetic mean.

use crate::kernels::exp::{exp, exp_rest};
use crate::kernels::lanes::{Lanes, Numbers};
use crate::kernels::log::{Parts, Ratio, ln, ln_1p, ln_ratio, ratio_of_any};
use crate::kernels::op::{Edge, Op, Terms};
use crate::kernels::scalar::One;
use crate::sum::{Compensated, Total};

/// `p^α q^(1−α)`, both as it is and as what it lacks of `αp + (1−α)q`; and p and q themselves.
///
/// What it lacks has one sign. With `λ = ln(q/p)`, b = 1 − α and `E(x) = (exp(x) − 1 − x)/x²` it is
/// `b p λ² (E(λ) − b E(bλ))`, where nothing cancels near p = q if b ≤ 1/2 (for α < 1/2, P and Q change places), and
/// `b (q − p − p λ (1 + bλ E(bλ)))`, where nothing cancels for small b.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Renyi {
    /// 1 − β, exactly or nearly.
    alpha: f64,
    /// 1 − α, or where P and Q change places α itself.
    beta: f64,
    swap: bool,
}

impl Renyi {
    pub(crate) fn new(alpha: f64) -> Self {
        let (a, b) = (alpha, 1.0 - alpha);
        let swap = alpha < 0.5;
        let (alpha, beta) = if swap { (b, a) } else { (a, b) };
        Renyi { alpha, beta, swap }
    }

    /// `ln Σ p^α q^(1−α)`, from the sums; `None` where the sum left the range of f64.
    pub(crate) fn ln_sum(&self, total: &Total<2, 2>, scale: f64, normalized: bool) -> Option<f64> {
        let power = total.plain[1].value() * scale;
        if !(1e-280..=1e280).contains(&power) {
            return None;
        }
        // What the powers would sum to if p and q were equal, less 1; what they lack of that. Of the two weights, whose
        // sum is 1, beta is the one that was not rounded.
        let [mass, other] = total.exact;
        let mut excess = mass;
        excess.add(-1.0);
        let mut gain = other;
        gain.add(-mass.hi);
        let gain = Compensated { lo: gain.lo - mass.lo, ..gain }.tidy();
        let product = self.beta * gain.hi;
        excess.add(product);
        excess.add(self.beta.mul_add(gain.hi, -product) + self.beta * gain.lo);
        let excess = if normalized { 0.0 } else { excess.value() };
        let lack = total.plain[0].value() * scale;
        let near = excess - lack;
        // 1 + near is the powers' sum too; which is better depends on what cancels in it.
        let close = near.abs() < 0.5 && excess.abs() + lack.abs() < 2.0;
        Some(if close { ln_1p(near) } else { ln(power) })
    }

    /// What the exponent of `p^α q^(1−α)` is made of.
    pub(crate) fn logs(&self, p: Parts<One>, q: Parts<One>) -> Logs {
        if self.swap { Logs::of(q, p) } else { Logs::of(p, q) }
    }

    /// By what an exponent is above another.
    pub(crate) fn exponent_less(&self, logs: Logs, less: Logs) -> f64 {
        self.beta.mul_add(logs.ln_q_by_p - less.ln_q_by_p, logs.ln_p - less.ln_p)
    }

    /// The divergence, from the logarithm of the sum of powers by the one that `largest` is of.
    pub(crate) fn of_largest(&self, ln_sum: f64, largest: Logs, alpha: f64) -> f64 {
        (ln_sum + largest.ln_p) / (alpha - 1.0) + self.beta / (alpha - 1.0) * largest.ln_q_by_p
    }

    /// `p^α q^(1−α)` of any two positive numbers.
    fn power_of_any(&self, p: f64, q: f64) -> f64 {
        // Of the root, which is in range where the whole may not be.
        let root = ratio_of_any(p, q).power(One::splat(0.5 * self.beta)).0[0];
        root * p * root
    }
}

/// `ln p` and `ln(q/p)` as the terms have them, to the bit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Logs {
    pub(crate) ln_p: f64,
    pub(crate) ln_q_by_p: f64,
}

impl Logs {
    /// Of positive numbers.
    pub(crate) fn of(p: Parts<One>, q: Parts<One>) -> Logs {
        if One::both_ordinary(p.hi, q.hi) {
            let one = Parts::from(One::one());
            return Logs { ln_p: Ratio::of(one, p).ln().0[0], ln_q_by_p: Ratio::of(p, q).ln().0[0] };
        }
        let (p, q) = (p.hi.0[0], q.hi.0[0]);
        Logs { ln_p: ln(p), ln_q_by_p: ln_ratio(q, p) }
    }
}

/// |x| ≤ 2.
#[inline(always)]
fn within_two<V: Lanes>(x: V) -> V::Mask {
    V::and(V::le(V::constant(-2.0), x), V::le(x, V::constant(2.0)))
}

impl Op<2, 2> for Renyi {
    const NOTHING_AT_ONE: bool = false;

    #[inline(always)]
    fn terms<V: Lanes>(&self, p: Parts<V>, q: Parts<V>) -> Terms<V, 2, 2> {
        let (p, q) = if self.swap { (q, p) } else { (p, q) };
        let (alpha, beta) = (V::constant(self.alpha), V::constant(self.beta));
        let ratio = Ratio::of(p, q);
        let lambda = ratio.ln();
        let scaled = beta * lambda;
        let power = ratio.power(beta);
        // Three forms of one number: near p = q, where the exponent is small, and elsewhere.
        let small = within_two(scaled);
        let near = V::and(within_two(lambda), small);
        let (l, s) = (V::select(near, lambda, V::zero()), V::select(small, scaled, V::zero()));
        let rest = exp_rest(s);
        let lack_near = p.hi * (l * l) * beta.fnma(rest, exp_rest(l));
        let power_rest = s.fma(rest, V::one());
        let lack_small = (p.hi * lambda).fnma(power_rest, q.hi - p.hi);
        let lack_far = alpha.fma(p.hi, beta * q.hi) - power;
        let lack = V::select(small, beta * V::select(near, lack_near, lack_small), lack_far);
        Terms { plain: [lack, power], exact: [p.hi, q.hi] }
    }

    fn edge(&self, p: f64, q: f64) -> Terms<f64, 2, 2> {
        let edge = Edge::of(p, q);
        if let Edge::Near { p, q, unscale } = edge {
            return self.terms(Parts::from(p), Parts::from(q)).unscaled(unscale);
        }
        let (p, q) = if self.swap { (q, p) } else { (p, q) };
        let power = match edge {
            Edge::Invalid => f64::NAN,
            // Only for α > 1 is there a negative power.
            Edge::Zero if p > 0.0 && self.beta < 0.0 => f64::INFINITY,
            Edge::Zero => 0.0,
            _ => self.power_of_any(p, q),
        };
        Terms { plain: [self.alpha * p + self.beta * q - power, power], exact: [p, q] }
    }
}

/// `p^α q^(1−α) / exp(shift)`, for powers whose own sum leaves the range of numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ShiftedRenyi {
    pub(crate) renyi: Renyi,
    /// Of the largest power, whose own exponent is the shift.
    pub(crate) largest: Logs,
}

impl Op<1, 0> for ShiftedRenyi {
    const NOTHING_AT_ONE: bool = false;

    #[inline(always)]
    fn terms<V: Lanes>(&self, p: Parts<V>, q: Parts<V>) -> Terms<V, 1, 0> {
        let (p, q) = if self.renyi.swap { (q, p) } else { (p, q) };
        let Logs { ln_p, ln_q_by_p } = self.largest;
        let ln_p = Ratio::of(V::one().into(), p).ln() - V::constant(ln_p);
        let by = Ratio::of(p, q).ln() - V::constant(ln_q_by_p);
        exp(V::constant(self.renyi.beta).fma(by, ln_p)).into()
    }

    fn edge(&self, p: f64, q: f64) -> Terms<f64, 1, 0> {
        // A power that is infinite has no largest.
        if p == 0.0 || q == 0.0 {
            return 0.0.into();
        }
        let logs = self.renyi.logs(One::splat(p).into(), One::splat(q).into());
        exp(One::splat(self.renyi.exponent_less(logs, self.largest))).0[0].into()
    }
}
