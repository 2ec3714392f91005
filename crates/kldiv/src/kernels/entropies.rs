//! Entropies, several at a time: of distributions of one or two parameters as [`Pairs`](super::pairs::Pairs) has their
//! divergences, of rows of categories or concentrations in the layouts of [`categories`](super::categories).
//!
//! Most are a logarithm and a constant. What is out of range is left to whoever asked.

use std::f64::consts::LN_2;

use crate::kernels::categories::{Column, FAR, Layout, Sum, Top, ln_1p, load, store};
use crate::kernels::elementary::{CHANCES, LOGITS};
use crate::kernels::exp::Exp;
use crate::kernels::gamma::{SHAPES, gamma_entropy};
use crate::kernels::lanes::{Isa, Job, Lanes, Numbers};
use crate::kernels::log::{Parts, Ratio, Undivided};
use crate::kernels::means::Law;
use crate::kernels::pairs::{Pair, within};
use crate::special::EULER;

/// A family by its parameters a and b, or by a alone, which is then both.
pub(crate) trait Entropy {
    /// Where parameters are in the range of the formula.
    fn fits<V: Lanes<Real = f64>>(&self, a: V, b: V) -> V::Mask;
    fn entropy<V: Lanes<Real = f64>>(&self, a: V, b: V) -> V;
}

/// A pair of which Q is not looked at.
pub(crate) struct Of<E>(pub(crate) E);

impl<E: Entropy> Pair for Of<E> {
    #[inline(always)]
    fn fits<V: Lanes<Real = f64>>(&self, a: V, b: V, _: V, _: V) -> V::Mask {
        self.0.fits(a, b)
    }

    #[inline(always)]
    fn divergence<V: Lanes<Real = f64>>(&self, a: V, b: V, _: V, _: V) -> V {
        self.0.entropy(a, b)
    }
}

#[inline(always)]
fn ln<V: Lanes<Real = f64>>(x: V) -> V {
    Ratio::of(V::one().into(), x.into()).ln()
}

#[inline(always)]
fn plus<V: Lanes<Real = f64>>(x: V, constant: f64) -> V {
    x + V::splat(constant)
}

/// A family of which is known what a divergence from another one asks for.
pub(crate) struct ByLaw<L>(pub(crate) L);

impl<L: Law> Entropy for ByLaw<L> {
    #[inline(always)]
    fn fits<V: Lanes<Real = f64>>(&self, a: V, b: V) -> V::Mask {
        self.0.fits(a, b)
    }

    #[inline(always)]
    fn entropy<V: Lanes<Real = f64>>(&self, a: V, b: V) -> V {
        ln(self.0.unit(a, b)) + self.0.entropy(a, b)
    }
}

/// Of two numbers of which the formulas' quotients are ordinary as well.
#[inline(always)]
fn both_moderate<V: Lanes<Real = f64>>(a: V, b: V) -> V::Mask {
    const MODERATE: (f64, f64) = (1e-100, 1e100);
    V::and(within(a, MODERATE), within(b, MODERATE))
}

/// Weibull: scale and concentration.
pub(crate) struct Weibull;

impl Entropy for Weibull {
    #[inline(always)]
    fn fits<V: Lanes<Real = f64>>(&self, scale: V, concentration: V) -> V::Mask {
        both_moderate(scale, concentration)
    }

    #[inline(always)]
    fn entropy<V: Lanes<Real = f64>>(&self, scale: V, concentration: V) -> V {
        let ln = Ratio::of(concentration.into(), scale.into()).ln();
        plus(ln, 1.0) + V::splat(EULER) * (V::one() - V::one() / concentration)
    }
}

/// Chi-squared: df.
pub(crate) struct Chi2;

impl Entropy for Chi2 {
    #[inline(always)]
    fn fits<V: Lanes<Real = f64>>(&self, df: V, _: V) -> V::Mask {
        within(df, SHAPES)
    }

    #[inline(always)]
    fn entropy<V: Lanes<Real = f64>>(&self, df: V, _: V) -> V {
        plus(gamma_entropy(V::splat(0.5) * df).0, LN_2)
    }
}

/// Its root: df.
pub(crate) struct Chi;

impl Entropy for Chi {
    #[inline(always)]
    fn fits<V: Lanes<Real = f64>>(&self, df: V, _: V) -> V::Mask {
        within(df, SHAPES)
    }

    #[inline(always)]
    fn entropy<V: Lanes<Real = f64>>(&self, df: V, _: V) -> V {
        let half = V::splat(0.5);
        let (entropy, digamma) = gamma_entropy(half * df);
        plus(half.fnma(digamma, entropy), -0.5 * LN_2)
    }
}

/// Kumaraswamy: both concentrations, a and b. `1 − 1/b + (1 − 1/a)(ψ(b + 1) + γ) − ln ab`.
pub(crate) struct Kumaraswamy;

impl Entropy for Kumaraswamy {
    #[inline(always)]
    fn fits<V: Lanes<Real = f64>>(&self, a: V, b: V) -> V::Mask {
        V::and(within(a, SHAPES), within(b, SHAPES))
    }

    #[inline(always)]
    fn entropy<V: Lanes<Real = f64>>(&self, a: V, b: V) -> V {
        let (one, by_a, by_b) = (V::one(), V::one() / a, V::one() / b);
        let harmonic = plus(gamma_entropy(plus(b, 1.0)).1, EULER);
        (one - by_b) + (one - by_a).fma(harmonic, V::zero() - ln(a * b))
    }
}

/// Bernoulli: probability.
pub(crate) struct Bernoulli;

impl Entropy for Bernoulli {
    #[inline(always)]
    fn fits<V: Lanes<Real = f64>>(&self, p: V, _: V) -> V::Mask {
        within(p, CHANCES)
    }

    #[inline(always)]
    fn entropy<V: Lanes<Real = f64>>(&self, p: V, _: V) -> V {
        let (one, miss) = (V::one(), V::one() - p);
        // By −p, of which 1 − p has lost digits where p is small.
        let ln_miss = Undivided::of_difference(one, miss, V::zero() - p).divided().ln();
        let ln_p = Undivided::of(one, p).divided().ln();
        p.fnma(ln_p, V::zero() - miss * ln_miss)
    }
}

/// Bernoulli: logit x. With odds e = exp(−|x|), `ln(1 + e) + |x| e/(1 + e)`.
pub(crate) struct BernoulliLogits;

impl Entropy for BernoulliLogits {
    #[inline(always)]
    fn fits<V: Lanes<Real = f64>>(&self, logit: V, _: V) -> V::Mask {
        within(logit, LOGITS)
    }

    #[inline(always)]
    fn entropy<V: Lanes<Real = f64>>(&self, logit: V, _: V) -> V {
        let x = logit.magnitude();
        let odds = Exp::of(V::zero() - x).value();
        x.fma(odds / (V::one() + odds), ln_1p(odds))
    }
}

/// Geometric: probability; a coin's for each trial, of which there are 1/p.
pub(crate) struct Geometric;

impl Entropy for Geometric {
    #[inline(always)]
    fn fits<V: Lanes<Real = f64>>(&self, p: V, _: V) -> V::Mask {
        within(p, CHANCES)
    }

    #[inline(always)]
    fn entropy<V: Lanes<Real = f64>>(&self, p: V, _: V) -> V {
        Bernoulli.entropy(p, p) / p
    }
}

/// Of rows of probabilities, each divided by its sum: `Σ p ln(1/p)`, no term of which is below 0.
pub(crate) struct OfProbabilities<'a, L> {
    pub(crate) layout: L,
    pub(crate) p: &'a [Column],
    pub(crate) out: &'a mut Column,
}

impl<L: Layout> Job for OfProbabilities<'_, L> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let OfProbabilities { layout, p, out } = self;
        let zero = I::F64::zero();
        let mut all = Sum::none();
        for p in p {
            layout.add_exactly(&mut all, load::<I::F64>(p));
        }
        let all = layout.whole(all);
        let by = I::F64::one() / all.hi;
        let whole = Parts { hi: all.hi, lo: Some(all.lo) };
        let mut calm = I::F64::ordinary(all.hi, all.hi);
        let mut entropy = Sum::none();
        for p in p {
            let p = load::<I::F64>(p);
            let gone = I::F64::equal(p, zero);
            let x = I::F64::select(gone, all.hi, p);
            calm = I::F64::and(calm, I::F64::ordinary(x, x));
            let term = (x * by) * Ratio::of(x.into(), whole).ln();
            layout.add(&mut entropy, I::F64::select(gone, zero, term));
        }
        let entropy = layout.total(entropy);
        store(out, I::F64::select(layout.all::<I::F64>(calm), entropy, I::F64::splat(f64::NAN)));
    }
}

/// Of the softmaxes of rows of logits, each less the largest: `ln Σ exp(x) − Σ p x`, no part of which is below 0.
pub(crate) struct OfLogits<'a, L> {
    pub(crate) layout: L,
    pub(crate) a: &'a [Column],
    pub(crate) out: &'a mut Column,
}

impl<L: Layout> Job for OfLogits<'_, L> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let OfLogits { layout, a, out } = self;
        let (zero, one) = (I::F64::zero(), I::F64::one());
        let mut top = Top::<I::F64>::none();
        for (i, a) in a.iter().enumerate() {
            top.see(layout.numbers(i), load(a), (zero, zero));
        }
        let top = layout.first(top);
        let mut calm = I::F64::le(top.most.magnitude(), I::F64::splat(f64::MAX));
        let (mut others, mut fall) = (Sum::none(), Sum::none());
        for (i, a) in a.iter().enumerate() {
            let x = load::<I::F64>(a);
            let gone = I::F64::equal(x, I::F64::splat(f64::NEG_INFINITY));
            let x = I::F64::select(gone, zero, x - top.most);
            calm = I::F64::and(calm, I::F64::le(I::F64::splat(-FAR), x));
            let left_out = I::F64::or(gone, top.is(layout.numbers(i)));
            let power = I::F64::select(left_out, zero, Exp::of(x).value());
            layout.add(&mut others, power);
            layout.add(&mut fall, power * x);
        }
        let (others, fall) = (layout.total(others), layout.total(fall));
        let entropy = ln_1p(others) - fall / (one + others);
        store(out, I::F64::select(layout.all::<I::F64>(calm), entropy, I::F64::splat(f64::NAN)));
    }
}

/// Of Dirichlet distributions, by rows of concentrations.
pub(crate) struct OfConcentrations<'a, L> {
    pub(crate) layout: L,
    /// What a row has; beyond it p is 0.
    pub(crate) categories: usize,
    pub(crate) p: &'a [Column],
    pub(crate) out: &'a mut Column,
}

impl<L: Layout> Job for OfConcentrations<'_, L> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let OfConcentrations { layout, categories, p, out } = self;
        let (zero, one) = (I::F64::zero(), I::F64::one());
        let (mut total, mut parts) = (Sum::none(), Sum::none());
        let mut calm = I::F64::first(I::F64::LANES);
        let others = I::F64::splat(categories as f64 - 1.0);
        for (i, p) in p.iter().enumerate() {
            let p = load::<I::F64>(p);
            let there = I::F64::le(layout.numbers(i), others);
            let x = I::F64::select(there, p, one);
            calm = I::F64::and(calm, within(x, SHAPES));
            layout.add_exactly(&mut total, p);
            layout.add_exactly(&mut parts, I::F64::select(there, gamma_entropy(x).0, zero));
        }
        let (total, parts) = (layout.whole(total), layout.whole(parts));
        calm = I::F64::and(layout.all::<I::F64>(calm), within(total.hi, SHAPES));
        let (all, digamma) = gamma_entropy(total.hi);
        let entropy = others.fnma(digamma, (parts.hi - all) + parts.lo);
        store(out, I::F64::select(calm, entropy, I::F64::splat(f64::NAN)));
    }
}
