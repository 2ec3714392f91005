//! Two rows of logits as one summary: their divergence, and how much their normalisers differ.
//!
//! A row is taken in stretches of 8,192 logits, each compared with an anchor: the difference of the likeliest outcome, or what
//! the stretch before it found. Stretches, and then shares of 65,536, are joined by the chain rule, D = Σ wᵢ Dᵢ + D(w‖v),
//! none of whose terms is negative.

use crate::error::Error;
use crate::kernels;
use crate::kernels::exp::{SCALES, exp_of, parts_of, times_exp};
use crate::kernels::gradient::Exponentials;
use crate::kernels::lanes::{Numbers, Vector, two_difference};
use crate::kernels::log::{Ln1p, LnQuotient, ln};
use crate::kernels::scalar::One;
use crate::kernels::softmax::{Distance, Frame, Largest, Position, Sums, chunk};
use crate::memory::reserve;
use crate::pieces::pieces;
use crate::sum::Compensated;
use crate::threads;
use crate::total::SHARE;
use crate::view::{Row, RowMut};

/// Logits that are compared with one anchor; they stay in a near cache for the second look.
const STRETCH: usize = 8192;

/// Normalisers further apart than this, in logarithms, are each computed by themselves.
const FAR: f64 = 64.0;

/// What is known of a stretch of two rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Summary {
    /// The largest a, and the sum of exp((a − max)/T); −∞ and 0 where every a is −∞.
    pub(crate) max: f64,
    pub(crate) weight: f64,
    /// The same of b, with something near its largest; 0 where every b is −∞.
    max_b: Compensated,
    weight_b: f64,
    /// Whether b's sum was taken by itself, and is as good as a's.
    own: bool,
    /// T (lse(a/T) − lse(b/T)), where both are possible, and what that is short of, over T; see [`Frame`].
    pub(crate) delta: Compensated,
    pub(crate) rest: f64,
    /// D(softmax(a/T) ‖ softmax(b/T)) over the stretch, in nats. NaN where something is no logit.
    pub(crate) kl: f64,
}

impl Summary {
    const NAN: Summary = Summary {
        max: f64::NAN,
        weight: f64::NAN,
        max_b: Compensated::ZERO,
        weight_b: f64::NAN,
        own: true,
        delta: Compensated::ZERO,
        rest: 0.0,
        kl: f64::NAN,
    };

    /// Of normalisers that are known by themselves.
    fn of(max: f64, weight: f64, max_b: Compensated, weight_b: f64, scale: f64, kl: f64) -> Summary {
        let mut delta = Compensated::ZERO;
        if weight > 0.0 && weight_b > 0.0 {
            delta = difference(max, max_b);
            delta.add(kernels::dispatch(LnQuotient(weight, weight_b)) / scale);
        }
        Summary { max, weight, max_b, weight_b, own: true, delta: delta.tidy(), rest: 0.0, kl }
    }

    /// Of a normaliser of a, and how far that of b is from it.
    fn near(max: f64, weight: f64, (delta, rest): (Compensated, f64), kl: f64) -> Summary {
        let max_b = difference(max, delta);
        Summary { max, weight, max_b, weight_b: weight, own: false, delta, rest, kl }
    }

    /// The summary with q as much larger as e^y.
    pub(super) fn raised(self, y: f64, scale: f64, unit: f64) -> Summary {
        let frame = Frame { max: self.max, anchor: self.delta, rest: self.rest, scale };
        let (delta, rest) = moved(&frame, -y, unit).unwrap_or((self.delta, self.rest));
        Summary { delta, rest, ..self }
    }

    /// Whether no a, and whether no b, is possible.
    pub(crate) fn impossible(&self) -> (bool, bool) {
        (self.weight == 0.0, self.weight_b == 0.0)
    }
}

/// x − y.
fn difference(x: f64, y: Compensated) -> Compensated {
    let mut difference = Compensated { hi: x, lo: 0.0 };
    difference.add(-y.hi);
    difference.lo -= y.lo;
    difference.tidy()
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
        threads::collect_into(&mut summaries, shares, 1, of);
    } else {
        summaries.extend((0..shares).map(of));
    }
    Ok(join(&summaries, scale, unit::<T>()))
}

fn share<T: Vector>(a: Row, b: Row, scale: f64) -> Summary {
    if a.len() <= STRETCH { stretch::<T>(a, b, scale, None) } else { stretches::<T>(a, b, scale) }
}

/// Not inlined, so that its summaries are on the stack only where they are needed.
#[inline(never)]
fn stretches<T: Vector>(a: Row, b: Row, scale: f64) -> Summary {
    let mut summaries = [Summary::NAN; SHARE / STRETCH];
    let mut guess = None;
    let mut n = 0;
    for start in (0..a.len()).step_by(STRETCH) {
        let len = STRETCH.min(a.len() - start);
        summaries[n] = stretch::<T>(a.part(start, len), b.part(start, len), scale, guess);
        if summaries[n].weight > 0.0 && summaries[n].weight_b > 0.0 {
            guess = Some(summaries[n]);
        }
        n += 1;
    }
    join(&summaries[..n], scale, unit::<T>())
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
pub(super) fn exponentials<T: Vector>(
    row: Row,
    max: Compensated,
    scale: f64,
    by: f64,
    out: Option<&RowMut>,
) -> f64 {
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

/// The largest b and the sum of exp((b − largest)/T).
fn normaliser<T: Vector>(b: Row, scale: f64) -> (Compensated, f64) {
    let max = Compensated { hi: largest::<T>(b), lo: 0.0 };
    (max, exponentials::<T>(b, max, scale, 1.0, None))
}

/// The summary with a delta that is good to the last digit of its normalisers, where that of [`rows`] is good to the
/// digits of their quotient: of q itself, not of q relative to p.
pub(super) fn with_own_normalisers<T: Vector>(summary: Summary, b: Row, scale: f64) -> Summary {
    if summary.own {
        return summary;
    }
    // What is near the largest b is known already. Where few are likely, it has to be the largest: exp(0) is not rounded.
    if summary.weight >= FEW {
        let weight_b = exponentials::<T>(b, summary.max_b, scale, 1.0, None);
        if LIKE_THE_LARGEST.contains(&weight_b) {
            return Summary::of(summary.max, summary.weight, summary.max_b, weight_b, scale, summary.kl);
        }
    }
    let (max_b, weight_b) = normaliser::<T>(b, scale);
    Summary::of(summary.max, summary.weight, max_b, weight_b, scale, summary.kl)
}

/// `guess` is a stretch before this one, whose largest a, anchor and distance may do for it.
#[inline(never)]
fn stretch<T: Vector>(a: Row, b: Row, scale: f64, guess: Option<Summary>) -> Summary {
    let (max, anchor, rest, mut kl) = match guess {
        Some(guess) => (guess.max, guess.delta, guess.rest, guess.kl),
        None => (largest::<T>(a), Compensated::ZERO, 0.0, 0.0),
    };
    if max == f64::NEG_INFINITY {
        return masked::<T>(a, b, scale);
    }
    let mut frame = Frame { max, anchor, rest, scale };
    let long = guess.is_some() || a.len() >= LONG;
    // A look at some of the logits of a long row says how far the rows are apart, and by what most are.
    if guess.is_none() && long {
        frame.anchor = some_difference(a, b);
        let len = chunk::<T>();
        let [weight, curved, straight] = sums::<T>(&frame, Distance::Any, a.part(0, len), b.part(0, len));
        kl = Seen::of(curved / weight, straight / weight).map_or(0.0, |seen| seen.kl);
        (frame.anchor, frame.rest) =
            moved(&frame, straight / weight, unit::<T>()).unwrap_or((frame.anchor, 0.0));
    }
    if guess.is_none() && kl < APART {
        (frame.anchor, frame.rest) = (anchor_at_largest::<T>(a, b, max), 0.0);
    }
    let wide = kl >= APART && long && SCALES.contains(&scale);
    let mut distance = if wide { Distance::Wide } else { Distance::Any };
    // Once, or again with an anchor nearer to what the last look found.
    let mut guessed = guess.is_some();
    let mut asked = false;
    for look in 0..LOOKS {
        if distance == Distance::Wide {
            frame = frame.rounded::<T>();
        }
        let [weight, curved, straight] = sums::<T>(&frame, distance, a, b);
        if guessed && !LIKE_THE_LARGEST.contains(&weight) {
            frame.max = largest::<T>(a);
            if frame.max == f64::NEG_INFINITY {
                return masked::<T>(a, b, scale);
            }
            (frame.anchor, frame.rest) = (anchor_at_largest::<T>(a, b, frame.max), 0.0);
            guessed = false;
            continue;
        }
        if weight.is_nan() {
            return Summary::NAN;
        }
        let seen = Seen::of(curved / weight, straight / weight);
        let lost = |seen: Seen| {
            let beside = weight < ALMOST_ONE && seen.mean.abs() > 16.0 * seen.kl;
            beside || (weight < FEW && seen.doubtful()) || frame.hides(seen.mean, unit::<T>())
        };
        if look + 1 < LOOKS && !asked && seen.is_none_or(lost) {
            // Next to an outcome that is all but certain the anchor is to be that one's difference, to the last bit.
            asked = true;
            let exact = anchor_at_largest::<T>(a, b, largest::<T>(a));
            if exact != frame.anchor {
                (frame.anchor, frame.rest, distance) = (exact, 0.0, Distance::Any);
                continue;
            }
        }
        let Some(seen) = seen else { break };
        let closer = seen.kl < APART && distance == Distance::Wide;
        if look + 1 < LOOKS
            && (closer || seen.doubtful())
            && let Some(anchor) = moved(&frame, seen.mean, unit::<T>())
        {
            ((frame.anchor, frame.rest), distance) = (anchor, Distance::Any);
            continue;
        }
        let Some(delta) = moved(&frame, seen.ln_mean, unit::<T>()) else { break };
        let near = Summary::near(frame.max, weight, delta, seen.kl);
        if distance == Distance::Wide {
            let weight_b = weight + (curved + straight);
            let whole = Summary::of(frame.max, weight, frame.max_of_b(), weight_b, scale, seen.kl);
            // What the straight part was rounded by is in it, and its logarithm is rounded by what that is.
            let own = straight.abs() < 4.0 * weight_b && LIKE_THE_LARGEST.contains(&weight_b);
            return Summary { own, ..whole };
        }
        if (near.delta.hi * scale).abs() < FAR {
            return near;
        }
        let (max_b, weight_b) = normaliser::<T>(b, scale);
        return Summary { max_b, weight_b, ..near };
    }
    apart(a, b, scale)
}

/// From here on divergences are of rows so far apart that q is better taken from b than from p.
const APART: f64 = 1.0 / 16.0;

/// Rows shorter than this are not taken for wide ones: of more logits, the rounding of each is little.
const LONG: usize = 1024;

/// The sum of exp((a − max)/T) says that max is the largest a or near it: a few digits of an exponent are left at most.
const LIKE_THE_LARGEST: std::ops::Range<f64> = 2.5e-4..3e4;

/// The sums of the terms of two rows.
fn sums<T: Vector>(frame: &Frame, distance: Distance, a: Row, b: Row) -> [f64; 3] {
    let mut sums: Sums = [[0.0; 8]; 3];
    pieces::<T, 2, 0>([a, b], &mut [], |[a, b], []| {
        kernels::compare(a, b, frame, distance, &mut sums);
    });
    sums.map(joined)
}

/// The summary of a stretch in which no a is possible: nothing but q, seen from b.
#[cold]
fn masked<T: Vector>(a: Row, b: Row, scale: f64) -> Summary {
    let max_b = largest::<T>(b);
    let from = if max_b == f64::NEG_INFINITY { 0.0 } else { max_b };
    let frame = Frame { max: from, anchor: Compensated::ZERO, rest: 0.0, scale };
    let [_, q, _] = sums::<T>(&frame, Distance::Any, a, b);
    if q.is_nan() {
        return Summary::NAN;
    }
    Summary::of(f64::NEG_INFINITY, 0.0, Compensated { hi: from, lo: 0.0 }, q, scale, 0.0)
}

/// Where the sum of exp((a − max)/T) is less, the likeliest outcomes may be all but certain.
const FEW: f64 = 8.0;

/// Where it is less than this, the likeliest one is.
const ALMOST_ONE: f64 = 1.0 + 1.0 / 64.0;

/// How often a stretch is looked at: each look leaves of the anchor's error what rounding makes of it.
const LOOKS: usize = 5;

/// What the means of exp(y) − 1 − y and of y under P say.
#[derive(Clone, Copy)]
pub(super) struct Seen {
    pub(super) mean: f64,
    /// The mean of exp(y), less 1, and its logarithm.
    excess: f64,
    pub(super) ln_mean: f64,
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
        let (far, near) = kernels::dispatch(Ln1p(excess));
        let (in_near, in_far) = (curved + near, mean.abs() + far.abs());
        let (kl, cancels) = if in_near < in_far { (curved - near, in_near) } else { (far - mean, in_far) };
        let finite = curved.is_finite() && mean.is_finite() && kl.is_finite();
        finite.then(|| Seen { mean, excess, ln_mean: far, kl: kl.max(0.0), cancels })
    }

    /// Whether an anchor nearer to the mean would show more: what cancels, cancels less then.
    fn doubtful(&self) -> bool {
        self.cancels > 8.0 * self.kl || self.excess < -0.875 || self.mean.abs() > 30.0
    }
}

/// a − b where a is largest: what little is known of the likeliest outcome is then known to the last bit. Where that is no
/// number, some other a − b.
fn anchor_at_largest<T: Vector>(a: Row, b: Row, max: f64) -> Compensated {
    let (mut at, mut found) = (0, None);
    pieces::<T, 1, 0>([a], &mut [], |[x], []| {
        if found.is_none() {
            found = kernels::dispatch(Position { x, of: T::from_f64(max) }).map(|i| at + i);
        }
        at += x.len();
    });
    found.and_then(|i| difference_at(a, b, i)).unwrap_or_else(|| some_difference(a, b))
}

/// Some a − b that is a number.
fn some_difference(a: Row, b: Row) -> Compensated {
    (0..a.len()).find_map(|i| difference_at(a, b, i)).unwrap_or(Compensated::ZERO)
}

/// a − b, if it is a number.
fn difference_at(a: Row, b: Row, i: usize) -> Option<Compensated> {
    let (hi, lo) = two_difference(One::splat(a.get(i)), One::splat(b.get(i)));
    let difference = Compensated { hi: hi.0[0], lo: lo.0[0] };
    difference.hi.is_finite().then_some(difference)
}

/// The unit roundoff of a type that logits are compared in.
pub(super) const fn unit<T>() -> f64 {
    if size_of::<T>() < size_of::<f64>() { UNIT_OF_F32 } else { f64::EPSILON / 2.0 }
}

const UNIT_OF_F32: f64 = f32::EPSILON as f64 / 2.0;

impl Frame {
    /// Whether a change of y is so little that the anchor, in two numbers of the unit, would lose digits of it: beside
    /// the first of the two, or because T times as much is no normal number.
    fn hides(&self, y: f64, unit: f64) -> bool {
        let least = if unit < UNIT_OF_F32 { f64::MIN_POSITIVE } else { f32::MIN_POSITIVE.into() } / unit;
        y != 0.0 && y.abs() < self.scale * (unit * self.anchor.hi.abs()).max(least)
    }
}

/// The anchor of a frame, and its rest, less a change of y; if they are numbers.
fn moved(frame: &Frame, by: f64, unit: f64) -> Option<(Compensated, f64)> {
    let rest = frame.rest - by;
    if frame.hides(rest, unit) {
        return Some((frame.anchor, rest));
    }
    let mut anchor = frame.anchor;
    anchor.add(rest / frame.scale);
    (anchor.hi.is_finite() && anchor.lo.is_finite()).then(|| (anchor.tidy(), 0.0))
}

/// The summary of rows so far apart that one's exponentials leave the range of numbers in units of the other's, or of
/// which one is possible where the other is not: nothing cancels there.
#[cold]
fn apart(a: Row, b: Row, scale: f64) -> Summary {
    let (mut max_a, mut max_b) = (f64::NEG_INFINITY, f64::NEG_INFINITY);
    for i in 0..a.len() {
        let (x, y) = (a.get(i), b.get(i));
        // Differences of larger ones might overflow.
        let logit = |x: f64| x == f64::NEG_INFINITY || x.abs() < LARGEST;
        if !(logit(x) && logit(y)) {
            return Summary::NAN;
        }
        (max_a, max_b) = (max_a.max(x), max_b.max(y));
    }
    let (mut weight_a, mut weight_b, mut impossible) = (Compensated::ZERO, Compensated::ZERO, false);
    for i in 0..a.len() {
        let (x, y) = (a.get(i), b.get(i));
        weight_a.add(exp_of((x - max_a) * scale));
        if y > f64::NEG_INFINITY {
            weight_b.add(exp_of((y - max_b) * scale));
        } else {
            impossible |= x > f64::NEG_INFINITY;
        }
    }
    let (weight_a, weight_b) = (weight_a.value(), weight_b.value());
    let mut sum = Compensated::ZERO;
    for i in 0..a.len() {
        let (x, y) = (a.get(i), b.get(i));
        let p = exp_of((x - max_a) * scale) / weight_a;
        if p > 0.0 && y > f64::NEG_INFINITY {
            sum.add(p * (((x - max_a) - (y - max_b)) * scale));
        }
    }
    let kl = match impossible {
        true => f64::INFINITY,
        false => (sum.value() - ln(weight_a) + ln(weight_b)).max(0.0),
    };
    let max_b = if weight_b > 0.0 { max_b } else { 0.0 };
    Summary::of(max_a, weight_a, Compensated { hi: max_b, lo: 0.0 }, weight_b, scale, kl)
}

/// Logits of this size and beyond may be too far apart for their difference to be a number.
const LARGEST: f64 = 2e307;

/// The normaliser of the b of all parts.
fn joined_b(parts: &[Summary], scale: f64) -> (Compensated, f64) {
    let possible = || parts.iter().filter(|part| part.weight_b > 0.0);
    let larger = |x: Compensated, y: Compensated| if y.hi > x.hi { y } else { x };
    let Some(max) = possible().map(|part| part.max_b).reduce(larger) else {
        return (Compensated::ZERO, 0.0);
    };
    let mut weight = Compensated::ZERO;
    possible().for_each(|part| weight.add(times_exp(part.weight_b, part.max_b.minus(max) * scale)));
    (max, weight.value())
}

/// Summaries of stretches of a row as one of all.
fn join(parts: &[Summary], scale: f64, unit: f64) -> Summary {
    if parts.iter().any(|part| part.kl.is_nan()) {
        return Summary::NAN;
    }
    let possible = || parts.iter().filter(|part| part.weight > 0.0);
    let Some(max) = possible().map(|part| part.max).reduce(f64::max) else {
        let (max_b, weight_b) = joined_b(parts, scale);
        return Summary::of(f64::NEG_INFINITY, 0.0, max_b, weight_b, scale, 0.0);
    };
    // Of the heaviest part: where the others' differences are taken from first.
    let weight = |part: &Summary| times_exp(part.weight, (part.max - max) * scale);
    let heavier = |x: Summary, y: Summary| if weight(&y) > weight(&x) { y } else { x };
    let heaviest = possible().copied().reduce(heavier).unwrap_or(Summary::NAN);
    let mut frame = Frame { max, anchor: heaviest.delta, rest: heaviest.rest, scale };
    if possible().any(|part| part.kl == f64::INFINITY) {
        return joined_apart(parts, max, scale);
    }
    let mut total = Compensated::ZERO;
    possible().for_each(|part| total.add(weight(part)));
    let total = total.value();
    for look in 0..LOOKS {
        let max_of_b = frame.max_of_b();
        let (mut within, mut curved, mut straight) =
            (Compensated::ZERO, Compensated::ZERO, Compensated::ZERO);
        for part in parts {
            let w = if part.weight > 0.0 { weight(part) / total } else { 0.0 };
            let y = frame.anchor.minus(part.delta).mul_add(scale, frame.rest - part.rest);
            if w > 0.0 {
                within.add(w * part.kl);
                straight.add(w * y);
            }
            if w > 0.0 && y.abs() < 30.0 {
                curved.add(w * parts_of(y).1);
            } else if part.weight_b > 0.0 {
                let q = times_exp(part.weight_b, part.max_b.minus(max_of_b) * scale) / total;
                curved.add(if w > 0.0 { q - w - w * y } else { q });
            }
        }
        let Some(seen) = Seen::of(curved.value(), straight.value()) else { break };
        let Some(nearer) = moved(&frame, seen.mean, unit) else { break };
        if look + 1 < LOOKS && (look == 0 || seen.doubtful()) {
            (frame.anchor, frame.rest) = nearer;
            continue;
        }
        let kl = within.value() + seen.kl;
        let Some(delta) = moved(&frame, seen.ln_mean, unit) else { break };
        let near = Summary::near(max, total, delta, kl);
        let own = parts.iter().all(|part| part.own);
        if !own && (near.delta.hi * scale).abs() < FAR {
            return near;
        }
        let (max_b, weight_b) = joined_b(parts, scale);
        if own {
            return Summary::of(max, total, max_b, weight_b, scale, kl);
        }
        return Summary { max_b, weight_b, ..near };
    }
    joined_apart(parts, max, scale)
}

/// As [`join`] for parts so far apart that nothing cancels.
#[cold]
fn joined_apart(parts: &[Summary], max: f64, scale: f64) -> Summary {
    let (max_b, weight_b) = joined_b(parts, scale);
    let (mut total, mut kl, mut impossible) = (Compensated::ZERO, Compensated::ZERO, false);
    for part in parts.iter().filter(|part| part.weight > 0.0) {
        total.add(times_exp(part.weight, (part.max - max) * scale));
        impossible |= part.kl == f64::INFINITY;
    }
    let own = parts.iter().all(|part| part.own);
    let whole = Summary { own, ..Summary::of(max, total.value(), max_b, weight_b, scale, f64::INFINITY) };
    if impossible {
        return whole;
    }
    for part in parts.iter().filter(|part| part.weight > 0.0) {
        let p = times_exp(part.weight, (part.max - max) * scale) / whole.weight;
        if p > 0.0 {
            kl.add(p * (part.kl + part.delta.minus(whole.delta) * scale));
        }
    }
    Summary { kl: kl.value().max(0.0), ..whole }
}
