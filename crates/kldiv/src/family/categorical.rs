//! Categorical and multinomial, from probabilities or logits.

use crate::error::Domain;
use crate::family::counts::{Count, binary_gap};
use crate::family::params::{Bad, logit, not_negative, whole};
use crate::family::shares;
use crate::pair::Plan;
use crate::policy::{Measure, Normalization, Options};
use crate::special::twice::small_sigmoid;
use crate::special::{exp_gap, ln_ratio, sigmoid};
use crate::sum::Compensated;
use crate::view::View;

/// Checks probabilities from column `start` on, which need not sum to 1.
pub(crate) fn check(row: &[f64], start: usize) -> Result<&[f64], Bad> {
    for col in start..row.len() {
        not_negative(row, col, "probs")?;
    }
    if row[start..].iter().all(|p| *p == 0.0) {
        return Err(Bad { col: start, name: "probs", expected: Domain::SomeMass });
    }
    Ok(&row[start..])
}

pub(crate) fn check_logits(row: &[f64]) -> Result<&[f64], Bad> {
    for col in 0..row.len() {
        logit(row, col, "logits")?;
    }
    if row.iter().all(|x| *x == f64::NEG_INFINITY) {
        return Err(Bad { col: 0, name: "logits", expected: Domain::SomeFinite });
    }
    Ok(row)
}

/// A measure of probabilities, each divided by their sum; what is checked here cannot be refused there, but for sums
/// that overflow.
pub(crate) fn measure(p: &[f64], q: &[f64], measure: Measure) -> f64 {
    let mut options = Options::from(measure);
    options.normalization = Normalization::Normalize;
    options.parallel = false;
    Plan::new(&options).value(View::from(p).row(0), View::from(q).row(0), 0).unwrap_or(f64::NAN)
}

/// Logits less their largest, and the logarithm of the sum of their powers: what is large in both never meets.
#[derive(Clone, Copy)]
struct Softmax<'a> {
    logits: &'a [f64],
    most: f64,
    ln_sum: f64,
}

impl Softmax<'_> {
    fn new(logits: &[f64]) -> Softmax<'_> {
        let top = (0..logits.len()).max_by(|i, j| logits[*i].total_cmp(&logits[*j])).unwrap_or(0);
        let most = logits[top];
        // The largest one's power is 1, and the others may be far below its last digit.
        let others = (0..logits.len()).filter(|i| *i != top).map(|i| (logits[i] - most).exp());
        Softmax { logits, most, ln_sum: others.sum::<f64>().ln_1p() }
    }

    /// The logarithm of a probability.
    fn ln(&self, i: usize) -> f64 {
        (self.logits[i] - self.most) - self.ln_sum
    }
}

/// Calls `each` with ln p, ln q and δ = ln(q/p) of every outcome that P has, p and q the softmax of a and b.
fn log_ratios(a: &[f64], b: &[f64], mut each: impl FnMut(usize, f64, f64, f64)) {
    let (p, q) = (Softmax::new(a), Softmax::new(b));
    // The normalisers' difference comes from the logits' differences, less that of the likeliest.
    let top = (0..a.len()).max_by(|i, j| a[*i].total_cmp(&a[*j])).unwrap_or(0);
    // In two parts: what all logits of a side have in common may be large, and is none of the divergence's.
    let difference = |i: usize| {
        let mut difference = Compensated { hi: b[i], lo: 0.0 };
        difference.add(-a[i]);
        difference
    };
    let anchor = difference(top);
    let step = |i: usize| difference(i).minus(anchor);
    let possible = || (0..a.len()).filter(|i| a[*i] > f64::NEG_INFINITY);
    let near = (0..a.len()).all(|i| a[i] == f64::NEG_INFINITY && b[i] == a[i] || step(i).abs() <= 1.0);
    let rise = possible().map(|i| p.ln(i).exp() * step(i).exp_m1()).sum::<f64>().ln_1p();
    for i in possible() {
        each(i, p.ln(i), q.ln(i), if near { step(i) - rise } else { q.ln(i) - p.ln(i) });
    }
}

/// `Σ p (e^δ − 1 − δ)`: no term is below 0.
pub(crate) fn logits_kl(a: &[f64], b: &[f64]) -> f64 {
    if let Some(kl) = shares::of_logits(a, b) {
        return kl;
    }
    let mut sum = 0.0;
    log_ratios(a, b, |_, ln_p, ln_q, d| {
        sum += if d == f64::NEG_INFINITY {
            f64::INFINITY
        } else if ln_p > -600.0 && d < 600.0 {
            ln_p.exp() * exp_gap(d)
        } else if d > 40.0 {
            // p is nothing beside q, however far below 0 its logarithm is.
            ln_q.exp()
        } else {
            (ln_p + exp_gap(d).ln()).exp()
        };
    });
    // What Q has where P has nothing.
    let q = Softmax::new(b);
    let impossible = (0..a.len()).filter(|i| a[*i] == f64::NEG_INFINITY);
    sum + impossible.map(|i| q.ln(i).exp()).sum::<f64>()
}

/// The divergence of a coin of a probability from one of a logit.
pub(crate) fn coin_and_logit(hit: f64, logit: f64) -> f64 {
    let (h, s) = (sigmoid(logit), sigmoid(-logit));
    if h.min(s).is_normal() {
        binary_gap(hit, 1.0 - hit, h, s, coin_difference(hit, logit))
    } else {
        logits_kl(&[(-hit).ln_1p(), hit.ln()], &[0.0, logit])
    }
}

/// The same the other way round.
pub(crate) fn logit_and_coin(logit: f64, hit: f64) -> f64 {
    let (h, s) = (sigmoid(logit), sigmoid(-logit));
    if h.min(s).is_normal() {
        binary_gap(h, s, hit, 1.0 - hit, -coin_difference(hit, logit))
    } else {
        logits_kl(&[0.0, logit], &[(-hit).ln_1p(), hit.ln()])
    }
}

/// A probability less that of a logit. The rarer side tells it, to more digits than a number has, of which nearly equal
/// ones leave enough.
fn coin_difference(hit: f64, logit: f64) -> f64 {
    let (rarer, tail) = small_sigmoid(-logit.abs());
    if logit <= 0.0 {
        return (hit - rarer) - tail;
    }
    let miss = 1.0 - hit;
    let lost = (1.0 - miss) - hit;
    (rarer - miss) + (tail - lost)
}

/// `−Σ p ln p` of a softmax.
pub(crate) fn logits_entropy(a: &[f64]) -> f64 {
    let p = Softmax::new(a);
    let possible = (0..a.len()).filter(|i| a[*i] > f64::NEG_INFINITY);
    possible.map(|i| -p.ln(i) * p.ln(i).exp()).sum()
}

/// The divergence and its derivatives by p and q, which are divided by their sums.
pub(crate) fn gradient(p: &[f64], q: &[f64], by_p: &mut [f64], by_q: &mut [f64]) -> f64 {
    let kl = measure(p, q, Measure::Kl);
    let (p_sum, q_sum) = (p.iter().sum::<f64>(), q.iter().sum::<f64>());
    // The sums' ratio from the entries' differences, where the rows are near.
    let rise = p.iter().zip(q).map(|(p, q)| q - p).sum::<f64>() / p_sum;
    let sums = if rise.abs() < 0.5 { rise.ln_1p() } else { ln_ratio(q_sum, p_sum) };
    for i in 0..p.len() {
        let ln = ln_of_ratio(p[i], q[i]) + sums;
        // The divergence may be infinite as well.
        by_p[i] = if ln == f64::INFINITY { ln } else { (ln - kl) / p_sum };
        by_q[i] = -ln.exp_m1() / q_sum;
    }
    kl
}

/// `ln(x/y)`, −∞ for x = 0.
fn ln_of_ratio(x: f64, y: f64) -> f64 {
    if x == 0.0 { f64::NEG_INFINITY } else { ln_ratio(x, y) }
}

/// The derivatives of the divergence between two coins by either's probability; one-sided at 0 and 1.
pub(crate) fn coin_gradient(x: f64, y: f64) -> (f64, f64) {
    let t = (y - x) / (1.0 - y);
    let miss = if t.abs() < 0.5 { t.ln_1p() } else { ln_of_ratio(1.0 - x, 1.0 - y) };
    let by_q = match x {
        0.0 => 1.0 / (1.0 - y),
        1.0 => -1.0 / y,
        _ => (y - x) / y / (1.0 - y),
    };
    (ln_of_ratio(x, y) - miss, by_q)
}

/// The divergence and its derivatives by logits; an outcome that cannot be has 0.
pub(crate) fn logits_gradient(a: &[f64], b: &[f64], by_a: &mut [f64], by_b: &mut [f64]) -> f64 {
    let kl = logits_kl(a, b);
    let q = Softmax::new(b);
    by_a.fill(0.0);
    for i in 0..b.len() {
        by_b[i] = q.ln(i).exp();
    }
    let (mut likely, mut likely_in_both) = (None, None);
    log_ratios(a, b, |i, ln_p, _, d| {
        let p = ln_p.exp();
        if p > 0.5 {
            likely = Some(i);
            likely_in_both = likely.filter(|i| by_b[*i] > 0.5);
        }
        by_a[i] = if p == 0.0 { 0.0 } else { p * (-d - kl) };
        // q − p, from their ratio where they are near.
        by_b[i] = if d.abs() < 1.0 { p * d.exp_m1() } else { by_b[i] - p };
    });
    // Either gradient sums to 0: where an outcome is nearly certain, the others tell its own.
    for (by, likely) in [(by_a, likely), (by_b, likely_in_both)] {
        if let Some(i) = likely {
            by[i] = 0.0;
            by[i] = -by.iter().sum::<f64>();
        }
    }
    kl
}

/// A multinomial's count and probabilities.
pub(crate) fn multinomial(row: &[f64]) -> Result<(f64, &[f64]), Bad> {
    Ok((whole(row, 0, "total_count")?, check(row, 1)?))
}

/// n times the divergence of one draw; infinite for unequal n.
pub(crate) fn multinomial_kl((n, p): (f64, &[f64]), (m, q): (f64, &[f64])) -> f64 {
    if n != m {
        f64::INFINITY
    } else if n == 0.0 {
        0.0
    } else {
        n * measure(p, q, Measure::Kl)
    }
}

/// `−ln n! + n H(p) + Σ E ln kᵢ!`, each kᵢ binomial.
pub(crate) fn multinomial_entropy((n, p): (f64, &[f64])) -> Result<f64, f64> {
    if n == 0.0 {
        return Ok(0.0);
    }
    let total = p.iter().sum::<f64>();
    let mut sum = n * measure(p, p, Measure::Entropy);
    sum -= Count::Binomial { n, hit: 1.0, miss: 0.0 }.mean_ln_factorial()?;
    for x in p {
        let hit = x / total;
        sum += Count::Binomial { n, hit, miss: 1.0 - hit }.mean_ln_factorial()?;
    }
    Ok(sum.max(0.0))
}
