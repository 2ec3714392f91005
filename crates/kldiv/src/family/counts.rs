//! Counts: Bernoulli, binomial, negative binomial, geometric, Poisson.
//!
//! Probabilities are evaluated from Stirling's remainder and gaps of x ln x about the mean (Loader's saddle-point form),
//! so their logarithms lose nothing where counts are large. Pairs without a formula are summed: terms
//! `p ln(p/q) − p + q`, which are at least 0, wherever either has any mass.

use crate::error::Domain;
use crate::family::integrate::adaptive;
use crate::family::params::{Bad, logit, not_negative, positive, probability, whole};
use crate::special::gamma::{digamma_rise, ln_gamma_gap, ln_gamma_rest, stirling_remainder};
use crate::special::twice::small_sigmoid;
use crate::special::{
    HALF_LN_TWO_PI, cross_product, entropy_gap, exp_gap, ln_gap, ln_ratio, sigmoid, softplus,
};
use crate::sum::Compensated;

/// Terms below e^−this are nothing.
const NOTHING: f64 = 130.0;
/// Ranges above this are not summed term by term throughout.
const MANY: f64 = 16_384.0;
/// How many terms are then summed where a range begins at 0.
const FIRST: f64 = 4096.0;
/// How many numbers there have to be in a range of counts that are further apart than 1, so that what rounding moves its
/// points by is nothing.
const FINE: f64 = 2_097_152.0;
/// From here on the series of a Poisson entropy has all digits.
const LARGE: f64 = 1e6;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Count {
    Poisson {
        rate: f64,
    },
    /// One event, which may be rarer than any number.
    Coin {
        logit: f64,
    },
    /// The probabilities of the counted event and of the other.
    Binomial {
        n: f64,
        hit: f64,
        miss: f64,
    },
    /// r and the probabilities of the counted event and of the one that ends it; whether the first was given.
    NegativeBinomial {
        r: f64,
        hit: f64,
        miss: f64,
        by_hit: bool,
    },
}

use Count::{Binomial, Coin, NegativeBinomial, Poisson};

impl Count {
    pub(crate) fn poisson(row: &[f64]) -> Result<Count, Bad> {
        Ok(Poisson { rate: not_negative(row, 0, "rate")? })
    }

    pub(crate) fn bernoulli(row: &[f64]) -> Result<Count, Bad> {
        let hit = probability(row, 0, "probs")?;
        Ok(Binomial { n: 1.0, hit, miss: 1.0 - hit })
    }

    pub(crate) fn bernoulli_logits(row: &[f64]) -> Result<Count, Bad> {
        Ok(Coin { logit: logit(row, 0, "logits")? })
    }

    pub(crate) fn binomial(row: &[f64]) -> Result<Count, Bad> {
        let (n, hit) = (whole(row, 0, "total_count")?, probability(row, 1, "probs")?);
        Ok(Binomial { n, hit, miss: 1.0 - hit })
    }

    pub(crate) fn negative_binomial(row: &[f64]) -> Result<Count, Bad> {
        let (r, hit) = (positive(row, 0, "total_count")?, probability(row, 1, "probs")?);
        if hit == 1.0 {
            return Err(Bad { col: 1, name: "probs", expected: Domain::BelowOne });
        }
        Ok(NegativeBinomial { r, hit, miss: 1.0 - hit, by_hit: true })
    }

    pub(crate) fn geometric(row: &[f64]) -> Result<Count, Bad> {
        let miss = probability(row, 0, "probs")?;
        if miss == 0.0 {
            return Err(Bad { col: 0, name: "probs", expected: Domain::AboveZero });
        }
        Ok(NegativeBinomial { r: 1.0, hit: 1.0 - miss, miss, by_hit: false })
    }

    /// The count that is certain, if one is.
    fn certain(&self) -> Option<f64> {
        match *self {
            Poisson { rate } => (rate == 0.0).then_some(0.0),
            Coin { logit } => (logit == f64::NEG_INFINITY).then_some(0.0),
            Binomial { n, hit, .. } if n == 0.0 || hit == 0.0 => Some(0.0),
            Binomial { n, miss, .. } => (miss == 0.0).then_some(n),
            NegativeBinomial { hit, .. } => (hit == 0.0).then_some(0.0),
        }
    }

    /// The largest count.
    fn most(&self) -> f64 {
        match *self {
            Coin { .. } => 1.0,
            Binomial { n, .. } => n,
            _ => f64::INFINITY,
        }
    }

    /// Mean and standard deviation.
    fn place(&self) -> (f64, f64) {
        match *self {
            Poisson { rate } => (rate, rate.sqrt()),
            Coin { logit } => (sigmoid(logit), (sigmoid(logit) * sigmoid(-logit)).sqrt()),
            Binomial { n, hit, miss } => (n * hit, (n * hit * miss).sqrt()),
            NegativeBinomial { r, hit, miss, .. } => (r * hit / miss, (r * hit).sqrt() / miss),
        }
    }

    /// The logarithm of the probability of k, also between whole numbers.
    fn ln(&self, k: f64) -> f64 {
        match *self {
            Poisson { rate } => {
                if k == 0.0 {
                    return -rate;
                }
                -0.5 * k.ln() - HALF_LN_TWO_PI - stirling_remainder(k) - entropy_gap(k, rate, k - rate)
            }
            Coin { logit } => -softplus(if k == 0.0 { logit } else { -logit }),
            Binomial { n, hit, miss } => binomial(n, k, n - k, hit, miss),
            NegativeBinomial { r, hit, miss, .. } => {
                let none = r * ln_beside(miss, hit);
                if k == 0.0 {
                    return none;
                }
                if r == 1.0 {
                    return none + k * ln_beside(hit, miss);
                }
                let n = k + r;
                (r / n).ln() + binomial(n, k, r, hit, miss)
            }
        }
    }

    /// From where to where there is any mass.
    fn bulk(&self) -> (f64, f64) {
        if let Some(k) = self.certain() {
            return (k, k);
        }
        let (mean, deviation) = self.place();
        let mode = mean.floor().min(self.most()).min(f64::MAX);
        let peak = self.ln(mode).max(self.ln(0.0));
        let nothing = |k: f64| self.ln(k) < peak - NOTHING;
        let edge = |end: f64, sign: f64| {
            // Counts without an end are followed to the last number that there is.
            let last = end.min(f64::MAX);
            let (mut within, mut step) = (mode, deviation.max(4.0).floor());
            let mut beyond = loop {
                let k = mode + sign * step;
                if (last - k) * sign <= 0.0 {
                    break last;
                }
                if nothing(k) {
                    break k;
                }
                (within, step) = (k, step * 2.0);
            };
            if beyond == last && !nothing(last) {
                return end;
            }
            while (beyond - within).abs() > 1.0 && (beyond - within).abs() > 1e-3 * deviation {
                let middle = (within + 0.5 * (beyond - within)).floor();
                if middle == within || middle == beyond {
                    // No number is between them.
                    break;
                }
                if nothing(middle) { beyond = middle } else { within = middle }
            }
            beyond
        };
        (edge(0.0, -1.0), edge(self.most(), 1.0))
    }

    /// `Σ f(k)` for k from low to high, which is smooth where it is wide; an error where that has no end, or too few of
    /// its counts are numbers.
    fn total(low: f64, high: f64, marks: &[(f64, f64)], f: impl Fn(f64) -> f64) -> Result<f64, f64> {
        let apart = high * f64::EPSILON;
        if high == f64::INFINITY || apart > 1.0 && high - low < FINE * apart {
            return Err(f64::INFINITY);
        }
        let mut sum = Compensated::ZERO;
        if high - low <= MANY {
            let mut k = low;
            while k <= high {
                sum.add(f(k));
                k += 1.0;
            }
            return Ok(sum.value());
        }
        // A range that begins with nothing is smooth from its beginning on.
        let start = if low > 0.0 { low } else { FIRST };
        let mut k = low;
        while k < start {
            sum.add(f(k));
            k += 1.0;
        }
        // Euler and Maclaurin: the integral from half before, and a 24th of the slope there.
        let (low, high) = (start - 0.5, high + 0.5);
        let slope = f(start) - f(start - 1.0);
        let mut cuts: Vec<f64> = marks
            .iter()
            .flat_map(|(mean, deviation)| {
                [-8.0, -3.0, -1.0, 0.0, 1.0, 3.0, 8.0].map(|by| mean + by * deviation)
            })
            .chain((1..64).map(|i| low * f64::exp2(f64::from(i))))
            .filter(|k| low < *k && *k < high)
            .collect();
        cuts.extend([low, high]);
        cuts.sort_unstable_by(f64::total_cmp);
        let panels: Vec<(f64, f64)> = cuts.windows(2).map(|pair| (pair[0], pair[1])).collect();
        Ok(sum.value() + adaptive(&|k| (f(k), 0.0), &panels)?.value + slope / 24.0)
    }

    /// D(P‖Q); the error is that of a sum which did not converge.
    pub(crate) fn kl(&self, q: &Count) -> Result<f64, f64> {
        if let Some(k) = self.certain() {
            return Ok(match q.certain() {
                Some(other) if other == k => 0.0,
                Some(_) => f64::INFINITY,
                None if k > q.most() => f64::INFINITY,
                None => (-q.ln(k)).max(0.0),
            });
        }
        if q.certain().is_some() || self.most() > q.most() {
            return Ok(f64::INFINITY);
        }
        match (*self, *q) {
            (Poisson { rate }, Poisson { rate: other }) => Ok(entropy_gap(rate, other, rate - other)),
            (Binomial { n, hit, miss }, Binomial { n: m, hit: h, miss: s }) if n == m => {
                Ok(n * binary_gap(hit, miss, h, s, hit - h))
            }
            (NegativeBinomial { r, hit, miss, .. }, NegativeBinomial { r: t, hit: h, miss: s, .. })
                if r == t =>
            {
                let d = self.hit_above(q);
                // The coins' divergence over miss, which may be too small to be multiplied by.
                Ok(r * (entropy_gap(hit, h, d) / miss + ln_gap(s, miss, d)))
            }
            // Nothing cancels between two of so different widths.
            (Poisson { rate }, _) if rate >= LARGE => match self.cost(q) {
                Some(cost) => Ok(cost - self.entropy()?),
                None => self.summed(q),
            },
            _ => self.summed(q),
        }
    }

    /// −E[ln q] where it is known: a geometric Q's is the mean's alone.
    pub(crate) fn cost(&self, q: &Count) -> Option<f64> {
        let NegativeBinomial { r: 1.0, hit, miss, .. } = *q else { return None };
        if self.certain().or(q.certain()).is_some() {
            return None;
        }
        let ln = ln_beside(hit, miss);
        let hits = match *self {
            // The mean may be beyond the range where the cost is not.
            NegativeBinomial { r, hit, miss, .. } => r * hit * (ln / miss),
            _ => self.place().0 * ln,
        };
        Some(-(ln_beside(miss, hit) + hits))
    }

    /// What negative binomial counts have more of the counted event's probability than others: the difference of those,
    /// and of what they have lost where the other event's was given.
    fn hit_above(&self, q: &Count) -> f64 {
        let parts = |count: &Count| match *count {
            NegativeBinomial { hit, miss, by_hit: false, .. } => (hit, (1.0 - hit) - miss),
            NegativeBinomial { hit, .. } => (hit, 0.0),
            _ => (f64::NAN, f64::NAN),
        };
        let ((hit, lost), (h, other)) = (parts(self), parts(q));
        (hit - h) + (lost - other)
    }

    fn summed(&self, q: &Count) -> Result<f64, f64> {
        let p_bulk = self.bulk();
        let marks = [self.place(), q.place()];
        let term = |k: f64| {
            let ln_p = self.ln(k);
            let l = self.ln_ratio(q, k, ln_p);
            -ln_p.exp() * l
        };
        let value = Count::total(p_bulk.0, p_bulk.1, &marks, term)?;
        if value > 1.0 {
            return Ok(value);
        }
        let q_bulk = q.bulk();
        let (low, high) = (p_bulk.0.min(q_bulk.0), p_bulk.1.max(q_bulk.1));
        let most = self.most();
        let gap = |k: f64| {
            let ln_p = self.ln(k);
            let l = self.ln_ratio(q, k, ln_p);
            if l < 30.0 { ln_p.exp() * exp_gap(l) } else { (ln_p + l).exp() - ln_p.exp() * (1.0 + l) }
        };
        let inside = Count::total(low, high.min(most), &marks, gap)?;
        // What Q has where P has nothing.
        let outside =
            if high > most { Count::total(most + 1.0, high, &marks, |k| q.ln(k).exp())? } else { 0.0 };
        Ok(inside + outside)
    }

    /// The probability of a single event and what it has lost, if it is a number.
    fn single(&self) -> Option<(f64, f64)> {
        match *self {
            Binomial { n: 1.0, hit, .. } => Some((hit, 0.0)),
            Coin { logit } if (-700.0..=0.0).contains(&logit) => Some(small_sigmoid(logit)),
            _ => None,
        }
    }

    /// The probability of a 1 as a product of two, and the logarithm of what that is to be multiplied by.
    fn one(&self) -> (f64, f64, f64) {
        match *self {
            Poisson { rate } => (rate, 1.0, -rate),
            Coin { logit } => (sigmoid(logit), 1.0, 0.0),
            Binomial { n, hit, miss } => (n, hit, (n - 1.0) * ln_beside(miss, hit)),
            NegativeBinomial { r, hit, miss, .. } => (r, hit, r * ln_beside(miss, hit)),
        }
    }

    /// ln(q/p) at k, where it may be small for all k without what both have in common.
    fn ln_ratio(&self, q: &Count, k: f64, ln_p: f64) -> f64 {
        // Of rare events, from their difference.
        if k == 1.0
            && let Some((p, lost)) = self.single()
        {
            let (times, hit, ln) = q.one();
            if (times * hit).is_normal() {
                return ln_of_step(times * hit, p, times.mul_add(hit, -p) - lost) + ln;
            }
        }
        match (*self, *q) {
            (Binomial { n, hit, miss }, Poisson { rate }) if n > 1.0 && k < n => {
                let (mean, above) = (n * hit, (-n).mul_add(hit, rate));
                let miscount = n.mul_add(-hit, k);
                let shift = miscount * ln_of_step(rate, mean, above) - entropy_gap(mean, rate, -above);
                // What is left of the factorials: l counts that were not hit, n miss of them expected.
                let l = n - k;
                let others = entropy_gap(l, n * miss, -miscount);
                shift + (others + 0.5 * (-k / n).ln_1p() + (stirling_remainder(l) - stirling_remainder(n)))
            }
            (NegativeBinomial { r, hit, miss, by_hit: true }, Poisson { rate }) if r > 1.0 => {
                -poisson_against(r, hit, miss, rate, k)
            }
            (Poisson { rate }, NegativeBinomial { r, hit, miss, by_hit: true }) if r > 1.0 => {
                poisson_against(r, hit, miss, rate, k)
            }
            // Of near ones, from the parameters' differences.
            (NegativeBinomial { r, hit, miss, .. }, NegativeBinomial { r: t, hit: h, miss: s, .. })
                if (t - r).abs() < 0.1 * r =>
            {
                let above = self.hit_above(q);
                let (hits, misses) = (ln_of_step(h, hit, -above), ln_of_step(s, miss, above));
                rise_difference(r, t, k) + k * hits + (t - r) * ln_beside(s, h) + r * misses
            }
            _ => q.ln(k) - ln_p,
        }
    }

    pub(crate) fn entropy(&self) -> Result<f64, f64> {
        if self.certain().is_some() {
            return Ok(0.0);
        }
        match *self {
            NegativeBinomial { r: 1.0, hit, miss, .. } => {
                return Ok(-ln_beside(miss, hit) - hit * (ln_beside(hit, miss) / miss));
            }
            Poisson { rate } if rate >= LARGE => {
                let normal = HALF_LN_TWO_PI + 0.5 + 0.5 * rate.ln();
                return Ok(normal - (1.0 + 0.5 / rate) / (12.0 * rate));
            }
            // Few misses can be counted where many hits are no numbers.
            Binomial { n, hit, miss } if hit > 0.5 => {
                return Binomial { n, hit: miss, miss: hit }.entropy();
            }
            _ => {}
        }
        let (low, high) = self.bulk();
        let term = |k: f64| {
            let ln = self.ln(k);
            if ln == f64::NEG_INFINITY { 0.0 } else { -ln.exp() * ln }
        };
        Count::total(low, high, &[self.place()], term)
    }

    /// The mean of ln k!.
    pub(crate) fn mean_ln_factorial(&self) -> Result<f64, f64> {
        let (low, high) = self.bulk();
        let ln_factorial = |k: f64| if k == 0.0 { 0.0 } else { ln_gamma_rest(k) + (k + 1.0) * k.ln() - k };
        Count::total(low, high, &[self.place()], |k| self.ln(k).exp() * ln_factorial(k))
    }
}

/// `ln (Γ(n + 1) / (Γ(k + 1) Γ(l + 1)) hitᵏ missˡ)`, n = k + l.
fn binomial(n: f64, k: f64, l: f64, hit: f64, miss: f64) -> f64 {
    if k == 0.0 {
        return n * ln_beside(miss, hit);
    }
    if l == 0.0 {
        return n * ln_beside(hit, miss);
    }
    let (expected, other) = (n * hit, n * miss);
    // From the smaller probability, which has lost nothing; n may have lost l.
    let d = if hit < 0.5 { (-n).mul_add(hit, k) } else { cross_product(k, miss, l, hit) };
    stirling_remainder(n)
        - stirling_remainder(k)
        - stirling_remainder(l)
        - entropy_gap(k, expected, d)
        - entropy_gap(l, other, -d)
        - HALF_LN_TWO_PI
        + 0.5 * (n / k / l).ln()
}

/// `ln (Γ(t + k)/Γ(t))` less the same with r, d = t − r: tangents, which are near each other, and gaps from them.
fn rise_difference(r: f64, t: f64, k: f64) -> f64 {
    let d = t - r;
    d * digamma_rise(r, k) + (ln_gamma_gap(t + k, r + k, d) - ln_gamma_gap(t, r, d))
}

/// The logarithm of a negative binomial probability of k less that of a Poisson one, made of the means' difference and
/// of what the factorials leave, which is little for a large r.
fn poisson_against(r: f64, hit: f64, miss: f64, rate: f64, k: f64) -> f64 {
    // r hit − rate miss, where 1 − hit has lost nothing, or without it.
    let above = if hit < 0.5 {
        let (one, other) = (r * hit, rate * hit);
        let lost = r.mul_add(hit, -one) + rate.mul_add(hit, -other);
        (one - rate) + other + lost
    } else {
        cross_product(r, hit, rate, miss)
    };
    let (above, mean) = (above / miss, r * hit / miss);
    // k ln(mean/rate) − above, about the rate.
    let shift = (k - rate) * -ln_of_step(rate, mean, -above) - entropy_gap(rate, mean, -above);
    let n = k + r;
    let trials = entropy_gap(n, r / miss, (k - rate) - above);
    shift + (trials - 0.5 * (k / r).ln_1p() + (stirling_remainder(n) - stirling_remainder(r)))
}

/// The logarithm of a probability, from the other one's where that is the smaller.
fn ln_beside(of: f64, other: f64) -> f64 {
    if other < 0.5 { (-other).ln_1p() } else { of.ln() }
}

/// `ln(y/x)`, where y = x + d may have lost digits of d.
fn ln_of_step(y: f64, x: f64, d: f64) -> f64 {
    if d.abs() < 0.5 * x { (d / x).ln_1p() } else { ln_ratio(y, x) }
}

/// The divergence between two coins, each with the probabilities of both sides; `d = hit − h`.
pub(crate) fn binary_gap(hit: f64, miss: f64, h: f64, s: f64, d: f64) -> f64 {
    entropy_gap(hit, h, d) + entropy_gap(miss, s, -d)
}
