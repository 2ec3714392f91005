//! What is computed of each pair of elements, for every measure: in lanes, and one at a time at the edges.

use crate::kernels::lanes::{Lanes, Numbers, Real};
use crate::kernels::log::{Parts, Ratio, ln_1p, ln_ratio};
use crate::kernels::scalar::One;
use crate::sum::{Compensated, Total};

/// The terms of a pair of elements: M that are summed as they come, C whose sum cancels and is compensated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms<V, const M: usize, const C: usize> {
    pub(crate) plain: [V; M],
    pub(crate) exact: [V; C],
}

impl<const M: usize, const C: usize> Terms<f64, M, C> {
    pub(crate) const NOTHING: Self = Terms { plain: [0.0; M], exact: [0.0; C] };

    /// Terms whose first is `value`.
    fn first(value: f64) -> Self {
        let mut terms = Self::NOTHING;
        terms.plain[0] = value;
        terms
    }

    /// The pair's contribution to the measure.
    #[inline(always)]
    pub(crate) fn value(&self) -> f64 {
        self.exact.iter().fold(self.plain[0], |sum, x| sum - x)
    }
}

impl<V: Lanes, const M: usize, const C: usize> Terms<V, M, C> {
    /// The pairs' contributions to the measure.
    #[inline(always)]
    pub(crate) fn value(&self) -> V {
        let mut value = self.plain[0];
        for x in self.exact {
            value = value - x;
        }
        value
    }

    /// The same, with 0 outside the mask.
    #[inline(always)]
    pub(crate) fn within(&self, mask: V::Mask) -> Self {
        let mut terms = *self;
        for x in terms.plain.iter_mut().chain(&mut terms.exact) {
            *x = V::select(mask, *x, V::zero());
        }
        terms
    }
}

impl<const M: usize, const C: usize> Terms<One, M, C> {
    /// Each by itself times a number: what is kept apart in lanes is kept apart at the edges.
    pub(super) fn unscaled(self, by: f64) -> Terms<f64, M, C> {
        let times = |x: One| x.0[0] * by;
        Terms { plain: self.plain.map(times), exact: self.exact.map(times) }
    }
}

impl<V> From<V> for Terms<V, 1, 0> {
    #[inline(always)]
    fn from(term: V) -> Self {
        Terms { plain: [term], exact: [] }
    }
}

/// A measure as a sum of terms.
pub(crate) trait Op<const M: usize, const C: usize>: Copy + Send + Sync {
    /// Whether p = 0 contributes nothing whatever q is.
    const SKIPS_ZERO_P: bool = false;
    /// Whether vectors may be taken four at a time where all are calm; all lanes are taken there, and the sum of four plain
    /// terms may be rounded to their type.
    const GROUPS: bool = false;
    /// Whether this is [`Kl`], whose sums over f64 rows that are apart are taken by [`crate::kernels::apart`].
    const APART: bool = false;
    /// Whether the exact sums are compensated even of f32, because they are sums of no differences.
    const COMPENSATE: bool = false;
    /// Whether the terms of p = q = 1 are 0, so that they can stand in for what is missing.
    const NOTHING_AT_ONE: bool = true;
    /// The lanes whose terms are computed in lanes.
    #[inline(always)]
    fn takes<V: Lanes>(p: V, q: V) -> V::Mask {
        V::and(ordinary(p), ordinary(q))
    }
    /// Whether those are all.
    #[inline(always)]
    fn takes_all<V: Lanes>(p: V, q: V) -> bool {
        V::both_ordinary(p, q)
    }
    /// Whether all lanes are far inside what it takes.
    #[inline(always)]
    fn calm<V: Lanes>(p: V, q: V) -> bool {
        V::calm(V::unrest_of(p, q, V::Real::CALM))
    }
    /// Lanes among the others whose terms are 0.
    #[inline(always)]
    fn nothing<V: Lanes>(&self, p: V, q: V) -> V::Mask {
        // 0 ln(0/q) = 0: where that is all there is to a zero, it costs no slow path.
        let no_q = if Self::SKIPS_ZERO_P {
            V::and(V::le(V::zero(), q), V::le(q, V::splat(V::Real::LARGEST)))
        } else {
            V::equal(q, V::zero())
        };
        V::and(V::equal(p, V::zero()), no_q)
    }
    /// Lanes among the others where one number is 0 and the other ordinary, and the first of their terms, the only one that is
    /// not 0, where it is infinite or that other number by a factor.
    #[inline(always)]
    fn alone<V: Lanes>(&self, _p: V, _q: V) -> Option<(V::Mask, V)> {
        None
    }
    /// The terms of lanes that it takes.
    fn terms<V: Lanes>(&self, p: Parts<V>, q: Parts<V>) -> Terms<V, M, C>;
    /// The terms of any two numbers; NaN if one of them is no probability.
    fn edge(&self, p: f64, q: f64) -> Terms<f64, M, C>;
    /// The same for a pair of rows by whose sums logarithms are taken.
    fn of_sums(self, (_of_p, _of_q): (Compensated, Compensated)) -> Self {
        self
    }
    /// The measure, from the sums of its terms. `scale` is what a sum of terms of scaled elements is multiplied by.
    fn finish(&self, total: &Total<M, C>, scale: f64) -> f64 {
        total.difference() * scale
    }
}

/// The lanes from `SMALLEST` to `LARGEST`.
#[inline(always)]
fn ordinary<V: Lanes>(x: V) -> V::Mask {
    V::and(V::le(V::splat(V::Real::SMALLEST), x), V::le(x, V::splat(V::Real::LARGEST)))
}

/// The lanes where x is ordinary and the other 0.
#[inline(always)]
fn only<V: Lanes>(x: V, other: V) -> V::Mask {
    V::and(ordinary(x), V::equal(other, V::zero()))
}

/// Where a pair of numbers stands that the lanes do not take.
pub(super) enum Edge {
    /// One of them is no probability.
    Invalid,
    /// One of them or both are 0.
    Zero,
    /// Both, times a power of 2, are ordinary and within 2^400 of each other or so.
    Near { p: One, q: One, unscale: f64 },
    /// They are so far apart that nothing cancels; ln is `ln(p/q)`.
    Far { ln: f64 },
}

impl Edge {
    pub(super) fn of(p: f64, q: f64) -> Self {
        let valid = 0.0..f64::INFINITY;
        if !(valid.contains(&p) && valid.contains(&q)) {
            return Edge::Invalid;
        }
        if p == 0.0 || q == 0.0 {
            return Edge::Zero;
        }
        // As they are (an edge of f32 is the middle of f64), or from the top or the bottom of the range.
        for scale in [0, 600, -600] {
            let (a, b) = (p * 2f64.powi(scale), q * 2f64.powi(scale));
            let middle = 2f64.powi(-1000)..2f64.powi(1000);
            if middle.contains(&a) && middle.contains(&b) {
                return Edge::Near { p: One::splat(a), q: One::splat(b), unscale: 2f64.powi(-scale) };
            }
        }
        Edge::Far { ln: ln_ratio(p, q) }
    }

    /// The term of a measure with one term that is homogeneous: f(cp, cq) = c f(p, q).
    fn term<O: Op<M, C>, const M: usize, const C: usize>(
        op: &O,
        (p, q): (f64, f64),
        zero: impl FnOnce() -> f64,
        far: impl FnOnce(f64) -> f64,
    ) -> Terms<f64, M, C> {
        Terms::first(match Edge::of(p, q) {
            Edge::Invalid => f64::NAN,
            Edge::Zero if p == q => 0.0,
            Edge::Zero => zero(),
            Edge::Near { p, q, unscale } => {
                return op.terms(p.into(), q.into()).unscaled(unscale);
            }
            Edge::Far { ln } => far(ln),
        })
    }
}

/// `p ln(p/q)`: the curved part h plain, the straight part x compensated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kl;

impl Op<1, 1> for Kl {
    const SKIPS_ZERO_P: bool = true;
    const GROUPS: bool = true;
    const APART: bool = true;

    #[inline(always)]
    fn terms<V: Lanes>(&self, p: Parts<V>, q: Parts<V>) -> Terms<V, 1, 1> {
        let ratio = Ratio::of(p, q);
        Terms { plain: [ratio.curved()], exact: [ratio.straight()] }
    }

    #[inline(always)]
    fn alone<V: Lanes>(&self, p: V, q: V) -> Option<(V::Mask, V)> {
        Some((only(p, q), V::constant(f64::INFINITY)))
    }

    fn edge(&self, p: f64, q: f64) -> Terms<f64, 1, 1> {
        Edge::term(self, (p, q), || if p == 0.0 { 0.0 } else { f64::INFINITY }, |ln| p * ln)
    }
}

/// `p ln(p/q) − p + q`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gap;

impl Op<1, 0> for Gap {
    const GROUPS: bool = true;

    #[inline(always)]
    fn terms<V: Lanes>(&self, p: Parts<V>, q: Parts<V>) -> Terms<V, 1, 0> {
        Ratio::of(p, q).gap().into()
    }

    #[inline(always)]
    fn alone<V: Lanes>(&self, p: V, q: V) -> Option<(V::Mask, V)> {
        let term = V::select(V::equal(q, V::zero()), V::constant(f64::INFINITY), q);
        Some((V::or(only(p, q), only(q, p)), term))
    }

    fn edge(&self, p: f64, q: f64) -> Terms<f64, 1, 0> {
        Edge::term(self, (p, q), || if p == 0.0 { q } else { f64::INFINITY }, |ln| p * ln - p + q)
    }
}

/// `(p − q) ln(p/q)`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Jeffreys;

impl Op<1, 0> for Jeffreys {
    #[inline(always)]
    fn terms<V: Lanes>(&self, p: Parts<V>, q: Parts<V>) -> Terms<V, 1, 0> {
        let ratio = Ratio::of(p, q);
        (ratio.difference() * ratio.ln()).into()
    }

    #[inline(always)]
    fn alone<V: Lanes>(&self, p: V, q: V) -> Option<(V::Mask, V)> {
        Some((V::or(only(p, q), only(q, p)), V::constant(f64::INFINITY)))
    }

    fn edge(&self, p: f64, q: f64) -> Terms<f64, 1, 0> {
        Edge::term(self, (p, q), || f64::INFINITY, |ln| (p - q) * ln)
    }
}

/// `(p − q) ln(p/q)` and its halves, `p ln(p/q)` and `q ln(q/p)`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BothWays;

impl Op<3, 0> for BothWays {
    #[inline(always)]
    fn terms<V: Lanes>(&self, p: Parts<V>, q: Parts<V>) -> Terms<V, 3, 0> {
        let ratio = Ratio::of(p, q);
        let ln = ratio.ln();
        Terms { plain: [ratio.difference() * ln, V::zero() - p.hi * ln, q.hi * ln], exact: [] }
    }

    #[inline(always)]
    fn alone<V: Lanes>(&self, p: V, q: V) -> Option<(V::Mask, V)> {
        Some((V::or(only(p, q), only(q, p)), V::constant(f64::INFINITY)))
    }

    fn edge(&self, p: f64, q: f64) -> Terms<f64, 3, 0> {
        let plain = match Edge::of(p, q) {
            Edge::Invalid => [f64::NAN; 3],
            Edge::Zero if p == q => [0.0; 3],
            Edge::Zero => [f64::INFINITY, 0.0, 0.0],
            Edge::Near { p, q, unscale } => {
                self.terms(Parts::from(p), Parts::from(q)).plain.map(|x| x.0[0] * unscale)
            }
            Edge::Far { ln } => [(p - q) * ln, p * ln, -q * ln],
        };
        Terms { plain, exact: [] }
    }
}

/// `w p ln(p/m) + v q ln(q/m)` with `m = wp + vq`, `v = 1 − w`.
///
/// The gaps of (p, m) and (q, m) sum to that, because their straight parts cancel. Near p = q they are taken from
/// m − p = v (q − p) and m − q = −w (q − p), so that the rounding of m does not matter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JensenShannon {
    w: f64,
    v: f64,
    /// The terms of (1, 0) and of (0, 1).
    only_p: f64,
    only_q: f64,
}

impl JensenShannon {
    /// Of no weight and no use.
    pub(crate) const NONE: Self = JensenShannon { w: 0.0, v: 0.0, only_p: 0.0, only_q: 0.0 };

    pub(crate) fn new(weight: f64) -> Self {
        let (w, v) = (weight, 1.0 - weight);
        // w ln(1/w), and v ln(1/v) from w, which says better how far v is from 1.
        let only_p = if w > 0.0 { w * ln_ratio(1.0, w) } else { 0.0 };
        let only_q = if v > 0.0 { -v * ln_1p(-w) } else { 0.0 };
        JensenShannon { w, v, only_p, only_q }
    }
}

/// The gap of x and a rounded m that is x + `exact`: where they are near, their difference is exact.
#[inline(always)]
fn gap_to_mixture<V: Lanes>(x: V, m: V, exact: V) -> V {
    let m = Parts { hi: m, lo: Some(exact - (m - x)) };
    Ratio::of(x.into(), m).gap()
}

impl JensenShannon {
    /// The gaps of (p, m) and of (q, m).
    #[inline(always)]
    fn halves<V: Lanes>(&self, p: Parts<V>, q: Parts<V>) -> (V, V) {
        let (w, v) = (V::constant(self.w), V::constant(self.v));
        let m = w.fma(p.hi, v * q.hi);
        let mut d = q.hi - p.hi;
        if let (Some(p), Some(q)) = (p.lo, q.lo) {
            d = d + (q - p);
        }
        (gap_to_mixture(p.hi, m, v * d), gap_to_mixture(q.hi, m, V::zero() - w * d))
    }
}

impl Op<1, 0> for JensenShannon {
    #[inline(always)]
    fn terms<V: Lanes>(&self, p: Parts<V>, q: Parts<V>) -> Terms<V, 1, 0> {
        let (of_p, of_q) = self.halves(p, q);
        V::constant(self.w).fma(of_p, V::constant(self.v) * of_q).into()
    }

    #[inline(always)]
    fn alone<V: Lanes>(&self, p: V, q: V) -> Option<(V::Mask, V)> {
        let term = p * V::constant(self.only_p) + q * V::constant(self.only_q);
        Some((V::or(only(p, q), only(q, p)), term))
    }

    fn edge(&self, p: f64, q: f64) -> Terms<f64, 1, 0> {
        let alone = || p * self.only_p + q * self.only_q;
        // The smaller of two numbers so far apart adds nothing that could be seen.
        Edge::term(self, (p, q), alone, |ln| if ln > 0.0 { p * self.only_p } else { q * self.only_q })
    }
}

/// The two divergences that make up the Jensen-Shannon divergence, D(P‖M) and D(Q‖M), of distributions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Halves(pub(crate) JensenShannon);

impl Op<2, 0> for Halves {
    #[inline(always)]
    fn terms<V: Lanes>(&self, p: Parts<V>, q: Parts<V>) -> Terms<V, 2, 0> {
        let (of_p, of_q) = self.0.halves(p, q);
        Terms { plain: [of_p, of_q], exact: [] }
    }

    fn edge(&self, p: f64, q: f64) -> Terms<f64, 2, 0> {
        // A share of the smallest numbers is to be one too, and the smallest share.
        let scale = if p.max(q) <= 1.0 { 2f64.powi(1000) } else { 1.0 };
        let (p, q) = (p * scale, q * scale);
        let m = self.0.w * p + self.0.v * q;
        let terms = [Gap.edge(p, m), Gap.edge(q, m)];
        Terms { plain: terms.map(|term| term.plain[0] / scale), exact: [] }
    }
}

/// A sum as what x is compared with: in two parts if x is.
#[inline(always)]
fn sum_beside<V: Lanes>(sum: Compensated, x: Parts<V>) -> Parts<V> {
    let lo = if x.lo.is_some() { Some(V::constant(sum.lo)) } else { None };
    Parts { hi: V::constant(sum.hi), lo }
}

/// `−p ln p`, or `p ln(s/p)` for a row that sums to s.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entropy {
    pub(crate) sum: Compensated,
}

impl Op<1, 0> for Entropy {
    const SKIPS_ZERO_P: bool = true;
    const NOTHING_AT_ONE: bool = false;

    fn of_sums(self, (of_p, _): (Compensated, Compensated)) -> Self {
        Entropy { sum: of_p }
    }

    #[inline(always)]
    fn terms<V: Lanes>(&self, p: Parts<V>, _: Parts<V>) -> Terms<V, 1, 0> {
        let sum = sum_beside(self.sum, p);
        let ratio = Ratio::of(p, sum);
        (ratio.straight() - ratio.curved()).into()
    }

    fn edge(&self, p: f64, _: f64) -> Terms<f64, 1, 0> {
        match Edge::of(p, p) {
            Edge::Invalid => f64::NAN,
            Edge::Zero => 0.0,
            _ => p * ln_ratio(self.sum.hi, p),
        }
        .into()
    }
}

/// `−p ln q`, or `p ln(s/q)` for a row that sums to s.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CrossEntropy {
    pub(crate) sum: Compensated,
}

impl Op<1, 0> for CrossEntropy {
    const SKIPS_ZERO_P: bool = true;
    const NOTHING_AT_ONE: bool = false;

    fn of_sums(self, (_, of_q): (Compensated, Compensated)) -> Self {
        CrossEntropy { sum: of_q }
    }

    #[inline(always)]
    fn terms<V: Lanes>(&self, p: Parts<V>, q: Parts<V>) -> Terms<V, 1, 0> {
        let sum = sum_beside(self.sum, q);
        (p.hi * Ratio::of(q, sum).ln()).into()
    }

    #[inline(always)]
    fn alone<V: Lanes>(&self, p: V, q: V) -> Option<(V::Mask, V)> {
        Some((only(p, q), V::constant(f64::INFINITY)))
    }

    fn edge(&self, p: f64, q: f64) -> Terms<f64, 1, 0> {
        match Edge::of(p, q) {
            Edge::Invalid => f64::NAN,
            Edge::Zero if p == 0.0 => 0.0,
            Edge::Zero => f64::INFINITY,
            _ => p * ln_ratio(self.sum.hi, q),
        }
        .into()
    }
}

/// The sum of p; q is not looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mass;

impl Op<0, 1> for Mass {
    const NOTHING_AT_ONE: bool = false;
    const COMPENSATE: bool = true;

    /// Zeros and subnormal numbers, too: they are as good as any others to add.
    #[inline(always)]
    fn takes<V: Lanes>(p: V, _: V) -> V::Mask {
        V::and(V::le(V::zero(), p), V::le(p, V::splat(V::Real::LARGEST)))
    }

    #[inline(always)]
    fn takes_all<V: Lanes>(p: V, q: V) -> bool {
        V::all(Self::takes(p, q))
    }

    #[inline(always)]
    fn terms<V: Lanes>(&self, p: Parts<V>, _: Parts<V>) -> Terms<V, 0, 1> {
        Terms { plain: [], exact: [p.hi] }
    }

    fn edge(&self, p: f64, _: f64) -> Terms<f64, 0, 1> {
        let exact = match Edge::of(p, p) {
            Edge::Invalid => f64::NAN,
            _ => p,
        };
        Terms { plain: [], exact: [exact] }
    }
}
