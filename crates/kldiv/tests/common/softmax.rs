//! Divergences of softmaxes to 106 bits, and the tables' mag.kl of them.

use std::collections::BTreeMap;

use super::wide::{exp, expm1, gap, ln_1p, ln_ratio};
use super::{Expected, Wide};

/// A pair of logits that may stand in a row many times, as two probabilities.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    pub times: Wide,
    /// `(a − max a)/T` and `(b − max b)/T`; nothing for −∞.
    s: Option<Wide>,
    r: Option<Wide>,
    pub p: Wide,
    pub q: Wide,
    /// `ln(p/q)`, where both are possible.
    pub l: Option<Wide>,
}

/// A pair of rows.
pub struct Softmaxes {
    pub outcomes: Vec<Outcome>,
    /// Where the largest a is.
    at_max: usize,
    /// The logarithms of the sums of exp(s) and of exp(r).
    pub ln_p: Wide,
    pub ln_q: Wide,
}

/// `exp(y) − 1 − y`, relatively accurate near 0.
fn curved(y: Wide) -> Wide {
    if y.abs() > Wide::from(0.25) {
        return expm1(y) - y;
    }
    let sum = (3..30).rev().fold(Wide::ZERO, |sum, j| (sum + Wide::ONE) * y / Wide::from(f64::from(j)));
    (y * y).shifted(-1) * (Wide::ONE + sum)
}

impl Softmaxes {
    /// Of rows with at least one logit each that is not −∞.
    pub fn of(a: &[f64], b: &[f64], temperature: f64) -> Softmaxes {
        // Equal pairs are one outcome, so that long rows of few values cost little.
        let mut counts: BTreeMap<(u64, u64), f64> = BTreeMap::new();
        for (a, b) in a.iter().zip(b) {
            *counts.entry((a.to_bits(), b.to_bits())).or_default() += 1.0;
        }
        let most = |x: &[f64]| x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let (max_a, max_b, t) = (most(a), most(b), Wide::from(temperature));
        let below = |x: f64, max: f64| (x > f64::NEG_INFINITY).then(|| (Wide::from(x) - Wide::from(max)) / t);
        let first = a.iter().position(|x| *x == max_a).unwrap();
        let (mut outcomes, mut at_max) = (Vec::new(), 0);
        for (&(x, y), &times) in &counts {
            if (x, y) == (a[first].to_bits(), b[first].to_bits()) {
                at_max = outcomes.len();
            }
            let (s, r) = (below(f64::from_bits(x), max_a), below(f64::from_bits(y), max_b));
            let (p, q) = (s.map_or(Wide::ZERO, exp), r.map_or(Wide::ZERO, exp));
            outcomes.push(Outcome { times: Wide::from(times), s, r, p, q, l: None });
        }
        let total = |of: &dyn Fn(&Outcome) -> Wide| {
            // Every exponential is at most 1 and one of them is: nothing is lost.
            outcomes.iter().fold(Wide::ZERO, |sum, x| sum + x.times * of(x))
        };
        let (sum_p, sum_q) = (total(&|x| x.p), total(&|x| x.q));
        let ln = |sum: Wide| {
            if sum < Wide::from(1.25) { ln_1p(sum - Wide::ONE) } else { ln_ratio(sum, Wide::ONE) }
        };
        let (ln_p, ln_q) = (ln(sum_p), ln(sum_q));
        for x in &mut outcomes {
            (x.p, x.q) = (x.p / sum_p, x.q / sum_q);
            x.l = x.s.zip(x.r).map(|(s, r)| (s - r) - (ln_p - ln_q));
        }
        Softmaxes { outcomes, at_max, ln_p, ln_q }
    }

    fn sum(&self, of: impl Fn(&Outcome) -> Wide) -> Wide {
        self.outcomes.iter().fold(Wide::ZERO, |sum, x| sum + x.times * of(x))
    }

    /// `p l − p + q` of an outcome.
    fn gap(x: &Outcome) -> Wide {
        match x.l {
            None => x.q,
            Some(l) if l.abs() < Wide::from(0.25) => x.p * curved(-l),
            Some(l) => x.p * l - x.p + x.q,
        }
    }

    /// KL of the first against the second.
    pub fn kl(&self) -> Expected {
        if self.outcomes.iter().any(|x| x.s.is_some() && x.r.is_none()) {
            return Expected::Infinite(f64::INFINITY);
        }
        Expected::Finite(self.sum(Self::gap))
    }

    /// mag.kl of the tables.
    pub fn mag(&self) -> Wide {
        let c = self.outcomes[self.at_max].l.map_or(Wide::ZERO, Wide::abs);
        self.sum(|x| {
            let (s, r) = (x.s.map(Wide::abs), x.r.map(Wide::abs));
            let w = match (s, r) {
                (Some(s), Some(r)) => Wide::ONE + s.min(r),
                (Some(one), None) | (None, Some(one)) => Wide::ONE + one,
                (None, None) => return Wide::ZERO,
            };
            let x_by = x.l.map_or(Wide::ZERO, |l| l.abs() + c.shifted(1));
            Self::gap(x) * w + (x.q - x.p).abs() * x_by
        })
    }

    /// The Jensen-Shannon divergence.
    pub fn jensen_shannon(&self, weight: f64) -> Wide {
        let (w, v) = (Wide::from(weight), Wide::ONE - Wide::from(weight));
        self.sum(|x| {
            // From q − p, however near they are.
            let d = match x.l {
                Some(l) if l.abs() < Wide::from(0.25) => -(x.p * expm1(-l)),
                _ => x.p - x.q,
            };
            let m = w * x.p + v * x.q;
            let part = |weight: Wide, side: Wide, difference: Wide| match () {
                () if weight.is_zero() || m.is_zero() => Wide::ZERO,
                () if side.is_zero() => weight * m,
                () => weight * gap(side, m, difference),
            };
            part(w, x.p, v * d) + part(v, x.q, -(w * d))
        })
    }
}
