//! The terms of KLDivLoss and of its derivatives. In place of p stands the target, in place of q the input.

use crate::kernels::exp::{Exp, exp_of};
use crate::kernels::lanes::{Lanes, Real};
use crate::kernels::log::{Parts, ln, ln_by_table};
use crate::kernels::op::{Op, Terms};

/// What is computed of a target and an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The loss.
    Value,
    /// Its derivative with respect to the input.
    ByInput,
    /// Its derivative with respect to the target.
    ByTarget,
}

/// Of a target t that is a probability and an input x: `t (ln t − x)`, −t, `ln t − x + 1`, times `by`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OfProbability {
    pub(crate) part: Part,
    pub(crate) by: f64,
}

/// Of a target t that is a logarithm and an input x: `eᵗ (t − x)`, −eᵗ, `eᵗ (t − x + 1)`, times `by`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OfLogarithm {
    pub(crate) part: Part,
    pub(crate) by: f64,
}

/// The lanes of inputs that are finite.
#[inline(always)]
fn finite<V: Lanes>(x: V) -> V::Mask {
    V::le(x.magnitude(), V::splat(V::Real::LARGEST))
}

/// `ln(t) − x`.
#[inline(always)]
fn ln_less<V: Lanes>(t: V, x: V) -> V {
    let (whole, part) = ln_by_table(t);
    (whole - x) + part
}

impl Op<1, 0> for OfProbability {
    const GROUPS: bool = true;
    const NOTHING_AT_ONE: bool = false;

    #[inline(always)]
    fn takes<V: Lanes>(t: V, x: V) -> V::Mask {
        let target = V::and(V::le(V::splat(V::Real::SMALLEST), t), V::le(t, V::splat(V::Real::LARGEST)));
        V::and(target, finite(x))
    }

    #[inline(always)]
    fn takes_all<V: Lanes>(t: V, x: V) -> bool {
        V::all(Self::takes(t, x))
    }

    #[inline(always)]
    fn calm<V: Lanes>(t: V, x: V) -> bool {
        V::calm(V::unrest(t, V::Real::CALM)) & V::all(finite(x))
    }

    #[inline(always)]
    fn nothing<V: Lanes>(&self, t: V, x: V) -> V::Mask {
        match self.part {
            Part::ByTarget => V::first(0),
            _ => V::and(V::equal(t, V::zero()), V::le(x, V::splat(V::Real::LARGEST))),
        }
    }

    #[inline(always)]
    fn terms<V: Lanes>(&self, t: Parts<V>, x: Parts<V>) -> Terms<V, 1, 0> {
        let (t, x, by) = (t.hi, x.hi, V::constant(self.by));
        let zero = V::zero();
        match self.part {
            // Nothing of what is beyond every number is nothing.
            Part::Value => (t * (ln_less(t, x) * by)).into(),
            Part::ByInput => (zero - t * by).into(),
            Part::ByTarget => ((ln_less(t, x) + V::one()) * by).into(),
        }
    }

    fn edge(&self, t: f64, x: f64) -> Terms<f64, 1, 0> {
        let valid = (0.0..f64::INFINITY).contains(&t) && x < f64::INFINITY;
        let value = match self.part {
            _ if !valid => f64::NAN,
            Part::Value if t == 0.0 => 0.0,
            Part::Value => t * scaled(ln(t) - x, self.by),
            Part::ByInput => 0.0 - t * self.by,
            // The one-sided limit, at t = 0 too.
            Part::ByTarget if x == f64::NEG_INFINITY => scaled(f64::INFINITY, self.by),
            Part::ByTarget => scaled(ln(t) - x + 1.0, self.by),
        };
        value.into()
    }
}

/// A number times another, where nothing of an infinity is nothing.
fn scaled(x: f64, by: f64) -> f64 {
    if by == 0.0 { 0.0 } else { x * by }
}

impl Op<1, 0> for OfLogarithm {
    const GROUPS: bool = true;
    const NOTHING_AT_ONE: bool = false;

    #[inline(always)]
    fn takes<V: Lanes>(t: V, x: V) -> V::Mask {
        let target =
            V::and(V::le(V::splat(V::Real::EXP_LOWEST), t), V::le(t, V::splat(V::Real::EXP_HIGHEST)));
        V::and(target, finite(x))
    }

    #[inline(always)]
    fn takes_all<V: Lanes>(t: V, x: V) -> bool {
        V::all(Self::takes(t, x))
    }

    #[inline(always)]
    fn calm<V: Lanes>(t: V, x: V) -> bool {
        V::all(Self::takes(t, x))
    }

    #[inline(always)]
    fn nothing<V: Lanes>(&self, t: V, x: V) -> V::Mask {
        let impossible = V::equal(t, V::splat(-V::Real::INFINITY));
        V::and(impossible, V::le(x, V::splat(V::Real::LARGEST)))
    }

    #[inline(always)]
    fn terms<V: Lanes>(&self, t: Parts<V>, x: Parts<V>) -> Terms<V, 1, 0> {
        let (t, x, by) = (t.hi, x.hi, V::constant(self.by));
        // A small probability is multiplied last, so that what is left of it is rounded once.
        let p = Exp::of(t).value();
        match self.part {
            Part::Value => (p * ((t - x) * by)).into(),
            Part::ByInput => (V::zero() - p * by).into(),
            Part::ByTarget => (p * (((t - x) + V::one()) * by)).into(),
        }
    }

    fn edge(&self, t: f64, x: f64) -> Terms<f64, 1, 0> {
        // exp(t/2) twice: what is left of a small probability is rounded once.
        let root = exp_of(0.5 * t);
        let value = match self.part {
            _ if !(t < f64::INFINITY && x < f64::INFINITY) => f64::NAN,
            _ if t == f64::NEG_INFINITY => 0.0,
            Part::ByInput => 0.0 - root * self.by * root,
            _ if x == f64::NEG_INFINITY => scaled(f64::INFINITY, self.by),
            Part::Value => root * ((t - x) * self.by) * root,
            Part::ByTarget => root * ((t - x + 1.0) * self.by) * root,
        };
        value.into()
    }
}
