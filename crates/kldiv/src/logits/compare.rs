//! Two rows of logits as one summary: their divergence, and how much their normalisers differ.
//!
//! A row is taken in stretches of 4,096 logits, each compared with an anchor near its own mean difference; stretches,
//! and then shares of 65,536, are joined by the chain rule, D = Σ wᵢ Dᵢ + D(w‖v), none of whose terms is negative.

use rayon::prelude::*;

use crate::error::Error;
use crate::kernels;
use crate::kernels::exp::{exp_of, parts_of};
use crate::kernels::gradient::Exponentials;
use crate::kernels::lanes::Vector;
use crate::kernels::log::{less_ln_1p, ln, ln_1p};
use crate::kernels::softmax::{CHUNK, Frame, Largest, Sums};
use crate::pair::SHARE;
use crate::pieces::pieces;
use crate::rows::reserve;
use crate::sum::Compensated;
use crate::view::{Row, RowMut};

/// Logits that are compared with one anchor; they stay in the nearest cache for the second look.
const STRETCH: usize = 4096;

/// Beyond this the exponential of a logit relative to its row's largest is no number that could be told from 0.
const DEEP: f64 = -700.0;

/// What is known of a stretch of two rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Summary {
    /// The largest a, and the sum of exp((a − max)/T); −∞ and 0 where every a is −∞.
    pub(crate) max: f64,
    pub(crate) weight: f64,
    /// T (lse(a/T) − lse(b/T)): ∞ where every b is −∞. Where every a is, −T lse(b/T), ∞ where every b is too.
    pub(crate) delta: Compensated,
    /// D(softmax(a/T) ‖ softmax(b/T)) over the stretch, in nats. NaN where something is no logit.
    pub(crate) kl: f64,
}

impl Summary {
    const NAN: Summary = Summary {
        max: f64::NAN,
        weight: f64::NAN,
        delta: Compensated { hi: f64::NAN, lo: 0.0 },
        kl: f64::NAN,
    };

    /// Of a stretch in which no a is possible.
    fn masked(lse_b: f64, scale: f64) -> Summary {
        let delta = Compensated { hi: -lse_b / scale, lo: 0.0 };
        Summary { max: f64::NEG_INFINITY, weight: 0.0, delta, kl: 0.0 }
    }

    /// lse(a/T) and lse(b/T).
    fn lses(&self, scale: f64) -> (f64, f64) {
        if self.weight == 0.0 {
            return (f64::NEG_INFINITY, -self.delta.hi * scale);
        }
        let lse_a = self.max * scale + ln(self.weight);
        (lse_a, lse_a - self.delta.value() * scale)
    }

    /// Whether no a, and whether no b, is possible.
    pub(crate) fn impossible(&self) -> (bool, bool) {
        (self.weight == 0.0, self.delta.hi == f64::INFINITY)
    }
}

/// The summary of two rows of equal length; `spread` says whether shares of a long one go to several threads.
pub(crate) fn rows<T: Vector>(a: Row, b: Row, scale: f64, spread: bool) -> Result<Summary, Error> {
    let shares = a.len().div_ceil(SHARE);
    if shares <= 1 {
        return Ok(share::<T>(a, b, scale));
    }
    let of = |i: usize| {
        let (start, len) = (i * SHARE, SHARE.min(a.len() - i * SHARE));
        share::<T>(a.part(start, len), b.part(start, len), scale)
    };
    let mut summaries = reserve(shares)?;
    if spread {
        (0..shares).into_par_iter().map(of).collect_into_vec(&mut summaries);
    } else {
        summaries.extend((0..shares).map(of));
    }
    Ok(join(&summaries, scale))
}

fn share<T: Vector>(a: Row, b: Row, scale: f64) -> Summary {
    let mut summaries = [Summary::NAN; SHARE / STRETCH];
    let mut guess = None;
    let mut n = 0;
    for start in (0..a.len()).step_by(STRETCH) {
        let len = STRETCH.min(a.len() - start);
        summaries[n] = stretch::<T>(a.part(start, len), b.part(start, len), scale, guess);
        if summaries[n].weight > 0.0 && summaries[n].delta.hi.is_finite() {
            guess = Some(summaries[n].delta);
        }
        n += 1;
    }
    if n == 1 { summaries[0] } else { join(&summaries[..n], scale) }
}

/// The largest element of a row; −∞ for none.
pub(super) fn largest<T: Vector>(row: Row) -> f64 {
    let mut largest = f64::NEG_INFINITY;
    pieces::<T, 1, 0>([row], &mut [], |[x], []| {
        largest = largest.max(kernels::dispatch(Largest(x)).to_f64());
    });
    largest
}

/// The sum of `by exp((x − max)/T)` over a row, and each of them to an output.
pub(super) fn exponentials<T: Vector>(row: Row, max: f64, scale: f64, by: f64, out: Option<&RowMut>) -> f64 {
    let mut total = Compensated::ZERO;
    for start in (0..row.len()).step_by(STRETCH) {
        let len = STRETCH.min(row.len() - start);
        // SAFETY: no two stretches have an element in common, and the caller gave the row.
        let mut out = [out.map(|out| unsafe { out.part(start, len) })];
        let mut sums = [0.0; 8];
        pieces::<T, 1, 1>([row.part(start, len)], &mut out, |[x], [out]| {
            kernels::dispatch(Exponentials { x, max, scale, by, out, sums: &mut sums });
        });
        total.add(joined(sums));
    }
    total.value()
}

/// Eight lanes joined.
fn joined([a, b, c, d, e, f, g, h]: [f64; 8]) -> f64 {
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

/// The summary with a delta that is good to the last digit of its normalisers, where that of [`rows`] is good to the
/// digits of their quotient: of q itself, not of q relative to p.
pub(super) fn with_own_normalisers<T: Vector>(summary: Summary, b: Row, scale: f64) -> Summary {
    let max = largest::<T>(b);
    let weight = exponentials::<T>(b, max, scale, 1.0, None);
    let mut delta = Compensated { hi: summary.max, lo: 0.0 };
    delta.add(-max);
    match moved(delta, (ln(weight) - ln(summary.weight)) / scale) {
        Some(delta) => Summary { delta, ..summary },
        None => summary,
    }
}

fn stretch<T: Vector>(a: Row, b: Row, scale: f64, guess: Option<Compensated>) -> Summary {
    let max = largest::<T>(a);
    let sums_in = |frame: &Frame, a: Row, b: Row| {
        let mut sums: Sums = [[0.0; 8]; 3];
        pieces::<T, 2, 0>([a, b], &mut [], |[a, b], []| {
            kernels::compare(a, b, frame, &mut sums);
        });
        sums.map(joined)
    };
    if max == f64::NEG_INFINITY {
        // Nothing but q: seen from b, each a is impossible.
        let max = largest::<T>(b);
        if max == f64::NEG_INFINITY {
            let frame = Frame { max: 0.0, anchor: Compensated::ZERO, scale };
            let [_, q, _] = sums_in(&frame, a, b);
            return if q.is_nan() { Summary::NAN } else { Summary::masked(f64::NEG_INFINITY, scale) };
        }
        let frame = Frame { max, anchor: Compensated::ZERO, scale };
        let [_, q, _] = sums_in(&frame, a, b);
        return if q.is_nan() { Summary::NAN } else { Summary::masked(max * scale + ln(q), scale) };
    }
    let mut frame = Frame { max, anchor: guess.unwrap_or(Compensated::ZERO), scale };
    if guess.is_none() {
        frame.anchor = first_anchor(a, b);
        let len = CHUNK.min(a.len());
        let [weight, _, straight] = sums_in(&frame, a.part(0, len), b.part(0, len));
        frame.anchor = moved(frame.anchor, straight / weight / scale).unwrap_or(frame.anchor);
    }
    // Once, or again with an anchor nearer to what the first look found.
    for look in 0..3 {
        let [weight, curved, straight] = sums_in(&frame, a, b);
        if weight.is_nan() {
            return Summary::NAN;
        }
        let Some(seen) = Seen::of(curved / weight, straight / weight) else {
            return apart(a, b, scale);
        };
        // What cancels, cancels less the nearer the anchor is.
        let doubtful = seen.cancels > 8.0 * seen.kl || seen.excess < -0.5;
        if doubtful
            && look < 2
            && let Some(anchor) = moved(frame.anchor, seen.mean / scale)
        {
            frame.anchor = anchor;
            continue;
        }
        let delta = moved(frame.anchor, ln_1p(seen.excess) / scale).unwrap_or(frame.anchor);
        return Summary { max, weight, delta, kl: seen.kl };
    }
    Summary::NAN
}

/// What the means of exp(y) − 1 − y and of y under P say.
pub(super) struct Seen {
    pub(super) mean: f64,
    /// The mean of exp(y), less 1.
    pub(super) excess: f64,
    /// ln of the mean of exp(y), less the mean of y.
    pub(super) kl: f64,
    /// The size of what that is the difference of.
    cancels: f64,
}

impl Seen {
    /// Nothing where they are no finite numbers.
    pub(super) fn of(curved: f64, mean: f64) -> Option<Seen> {
        let excess = curved + mean;
        // Two forms of one number: both parts of the first are small where y is, those of the second where it is not.
        let (near, far) = (less_ln_1p(excess), ln_1p(excess));
        let (in_near, in_far) = (curved + near, mean.abs() + far.abs());
        let (kl, cancels) = if in_near < in_far { (curved - near, in_near) } else { (far - mean, in_far) };
        let finite = curved.is_finite() && mean.is_finite() && kl.is_finite();
        finite.then(|| Seen { mean, excess, kl: kl.max(0.0), cancels })
    }
}

/// Some a − b that is finite.
fn first_anchor(a: Row, b: Row) -> Compensated {
    let pairs = (0..a.len().min(CHUNK)).map(|i| a.get(i) - b.get(i));
    let hi = pairs.into_iter().find(|difference| difference.is_finite()).unwrap_or(0.0);
    Compensated { hi, lo: 0.0 }
}

/// An anchor less a number, if that is one.
fn moved(mut anchor: Compensated, by: f64) -> Option<Compensated> {
    anchor.add(-by);
    (anchor.hi.is_finite() && anchor.lo.is_finite()).then(|| anchor.tidy())
}

/// The summary of rows so far apart that one's exponentials leave the range of numbers in units of the other's, or of
/// which one is possible where the other is not: nothing cancels there.
#[cold]
fn apart(a: Row, b: Row, scale: f64) -> Summary {
    let (mut max_a, mut max_b) = (f64::NEG_INFINITY, f64::NEG_INFINITY);
    for i in 0..a.len() {
        let (x, y) = (a.get(i), b.get(i));
        if !(x < f64::INFINITY && y < f64::INFINITY) {
            return Summary::NAN;
        }
        (max_a, max_b) = (max_a.max(x), max_b.max(y));
    }
    let (mut weight_a, mut weight_b, mut sum) = (Compensated::ZERO, Compensated::ZERO, Compensated::ZERO);
    for i in 0..a.len() {
        let (x, y) = (a.get(i), b.get(i));
        let p = exp_of((x - max_a) * scale);
        weight_a.add(p);
        if y > f64::NEG_INFINITY {
            weight_b.add(exp_of((y - max_b) * scale));
            if p > 0.0 {
                sum.add(p * (((x - max_a) - (y - max_b)) * scale));
            }
        } else if x > f64::NEG_INFINITY {
            sum.hi = f64::INFINITY;
        }
    }
    let (weight_a, weight_b) = (weight_a.value(), weight_b.value());
    let mut delta = Compensated { hi: max_a, lo: 0.0 };
    delta.add(-max_b);
    let delta = moved(delta, -(ln(weight_a) - ln(weight_b)) / scale);
    let kl = (sum.value() / weight_a - ln(weight_a) + ln(weight_b)).max(0.0);
    match delta {
        _ if max_b == f64::NEG_INFINITY => {
            let delta = Compensated { hi: f64::INFINITY, lo: 0.0 };
            Summary { max: max_a, weight: weight_a, delta, kl: f64::INFINITY }
        }
        Some(delta) => Summary {
            max: max_a,
            weight: weight_a,
            delta,
            kl: if sum.hi == f64::INFINITY { f64::INFINITY } else { kl },
        },
        None => Summary::NAN,
    }
}

/// Summaries of stretches of a row as one of all.
fn join(parts: &[Summary], scale: f64) -> Summary {
    if parts.iter().any(|part| part.kl.is_nan()) {
        return Summary::NAN;
    }
    let possible = || parts.iter().filter(|part| part.weight > 0.0);
    let Some(max) = possible().map(|part| part.max).reduce(f64::max) else {
        let lses = || parts.iter().map(|part| part.lses(scale).1);
        return Summary::masked(ln_of_sum_of_exps(lses), scale);
    };
    if possible().any(|part| part.kl == f64::INFINITY) {
        return joined_apart(parts, max, scale);
    }
    // The heaviest part is the reference: what the others' differences are taken from.
    let weight = |part: &Summary| part.weight * exp_of((part.max - max) * scale);
    let heavier = |x: &'_ Summary, y: &'_ Summary| if weight(y) > weight(x) { *y } else { *x };
    let reference = possible().copied().reduce(|x, y| heavier(&x, &y)).unwrap_or(Summary::NAN);
    let deep = |part: &Summary| !(part.weight > 0.0 && (part.max - max) * scale > DEEP);
    let off = |part: &Summary| {
        ((part.delta.hi - reference.delta.hi) + (part.delta.lo - reference.delta.lo)) * scale
    };
    let (mut total, mut straight) = (Compensated::ZERO, Compensated::ZERO);
    for part in parts.iter().filter(|part| !deep(part)) {
        total.add(weight(part));
        straight.add(weight(part) * off(part));
    }
    let total = total.value();
    let Some(anchor) = moved(reference.delta, -straight.value() / total / scale) else {
        return joined_apart(parts, max, scale);
    };
    let (mut within, mut curved, mut straight) = (Compensated::ZERO, Compensated::ZERO, Compensated::ZERO);
    for part in parts {
        if deep(part) {
            let lse_b = part.lses(scale).1;
            let q = exp_of(lse_b + (anchor.value() - max) * scale);
            curved.add(q);
            continue;
        }
        let w = weight(part);
        let y = ((anchor.hi - part.delta.hi) + (anchor.lo - part.delta.lo)) * scale;
        within.add(w * part.kl);
        straight.add(w * y);
        let near = y.abs() < -DEEP;
        curved.add(if near { w * parts_of(y).1 } else { f64::INFINITY });
    }
    let Some(seen) = Seen::of(curved.value() / total, straight.value() / total) else {
        return joined_apart(parts, max, scale);
    };
    let kl = within.value() / total + seen.kl;
    match moved(anchor, ln_1p(seen.excess) / scale) {
        Some(delta) => Summary { max, weight: total, delta, kl },
        None => joined_apart(parts, max, scale),
    }
}

/// As [`join`] for parts so far apart that nothing cancels.
#[cold]
fn joined_apart(parts: &[Summary], max: f64, scale: f64) -> Summary {
    let lse_b = ln_of_sum_of_exps(|| parts.iter().map(|part| part.lses(scale).1));
    let lse_a = ln_of_sum_of_exps(|| parts.iter().map(|part| part.lses(scale).0));
    let mut kl = Compensated::ZERO;
    for part in parts.iter().filter(|part| part.weight > 0.0) {
        let p = exp_of(part.lses(scale).0 - lse_a);
        let term = part.kl + part.delta.value() * scale;
        if term == f64::INFINITY {
            kl.hi = f64::INFINITY;
        } else if p > 0.0 {
            kl.add(p * term);
        }
    }
    let kl = if kl.hi == f64::INFINITY { kl.hi } else { (kl.value() - (lse_a - lse_b)).max(0.0) };
    let delta = Compensated { hi: (lse_a - lse_b) / scale, lo: 0.0 };
    Summary { max, weight: exp_of(lse_a - max * scale), delta, kl }
}

/// `ln Σ exp(xᵢ)`.
fn ln_of_sum_of_exps<I: Iterator<Item = f64>>(xs: impl Fn() -> I) -> f64 {
    let max = xs().fold(f64::NEG_INFINITY, f64::max);
    if max == f64::NEG_INFINITY {
        return max;
    }
    let mut sum = Compensated::ZERO;
    xs().for_each(|x| sum.add(exp_of(x - max)));
    max + ln(sum.value())
}
