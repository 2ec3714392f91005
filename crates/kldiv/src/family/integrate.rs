//! Divergences without a formula: an integral over a line that the support is mapped to.
//!
//! The map makes both ends fade exponentially at least: x = c + s sinh t on the line, s eᵗ from a finite end, a logistic
//! curve between two. The line is cut where p or q have their bulk or a kink, and panels are halved, worst first, until
//! the estimate of the error (Gauss and Kronrod's rules of 10 and 21 points) is small.

use crate::family::law::{Law, Moment, Point};
use crate::special::{exp_gap, softplus};

/// The error to reach, relative to the integral of the absolute value.
const ENOUGH: f64 = 1e-14;
/// The error that is taken where that is out of reach.
const ACCEPTED: f64 = 1e-9;
/// As many nats are nothing, whatever the divergence: where two distributions of sharp peaks nearly coincide, what the
/// densities' logarithms lost keeps the rules from agreeing.
const ROUNDING: f64 = 1e-15;
/// How many panels there may be.
const PANELS: usize = 3000;
/// Divergences up to here are made of what does not cancel.
const NEAR: f64 = 0.05;
/// How far cuts are apart on the line but where there may be a kink.
const APART: f64 = 0.25;
/// How wide a panel is beside a cut, at most.
const WIDTH: f64 = 4.0;
/// The line is followed as far as this.
const FURTHEST: f64 = 1e18;
/// A weight whose logarithm is this much below the largest is nothing.
const NOTHING: f64 = 75.0;

/// The map from the line to a support.
#[derive(Clone, Copy)]
enum Map {
    Line { centre: f64, scale: f64 },
    Half { low: f64, scale: f64 },
    Between { low: f64, high: f64 },
}

impl Map {
    fn of(p: &dyn Law) -> Map {
        let (centre, scale) = p.place();
        match p.support() {
            (low, high) if low.is_finite() && high.is_finite() => Map::Between { low, high },
            (low, _) if low.is_finite() => Map::Half { low, scale: (centre - low).max(f64::MIN_POSITIVE) },
            _ => Map::Line { centre, scale },
        }
    }

    /// The point at t, and the logarithm of dx/dt.
    fn at(&self, t: f64) -> (Point, f64) {
        match *self {
            Map::Line { centre, scale } => {
                let (rest, slope) = (scale * t.sinh(), scale.ln() + ln_cosh(t));
                let x = centre + rest;
                let ln = if x.is_finite() { x.abs().ln() } else { slope };
                (Point { x, base: centre, rest, ln, ln_rest: f64::NAN }, slope)
            }
            Map::Half { low, scale } => {
                let slope = scale.ln() + t;
                let rest = slope.exp();
                let x = low + rest;
                let ln = if low == 0.0 || x.is_infinite() { slope } else { x.ln() };
                (Point { x, base: low, rest, ln, ln_rest: f64::NAN }, slope)
            }
            Map::Between { low, high } => {
                let width = high - low;
                let (from_low, from_high) = (-softplus(-t), -softplus(t));
                let (base, rest) =
                    if t < 0.0 { (low, width * from_low.exp()) } else { (high, -width * from_high.exp()) };
                let x = base + rest;
                let ln = if low == 0.0 { width.ln() + from_low } else { x.ln() };
                let ln_rest = if high == 1.0 { width.ln() + from_high } else { (-x).ln_1p() };
                (Point { x, base, rest, ln, ln_rest }, width.ln() + from_low + from_high)
            }
        }
    }

    /// Where the line meets x, if it is inside the support.
    fn back(&self, x: f64) -> Option<f64> {
        let t = match *self {
            Map::Line { centre, scale } => ((x - centre) / scale).asinh(),
            Map::Half { low, scale } => ((x - low) / scale).ln(),
            Map::Between { low, high } => ((x - low) / (high - x)).ln(),
        };
        t.is_finite().then_some(t)
    }
}

fn ln_cosh(t: f64) -> f64 {
    t.abs() + (-2.0 * t.abs()).exp().ln_1p() - std::f64::consts::LN_2
}

/// D(P‖Q), where its integrand does not leave the range; otherwise the error of what was found. `about` is what it is roughly,
/// as far as that is known.
pub(crate) fn divergence(p: &dyn Law, q: &dyn Law, about: Option<f64>) -> Result<f64, f64> {
    let unit = q.ln_unit();
    between(p, q, about, &|at, ln_p| (q.ln_shape(at) + unit) - ln_p)
}

/// The same with ln(q/p) at a point where ln p is known.
pub(crate) fn between(
    p: &dyn Law,
    q: &dyn Law,
    about: Option<f64>,
    ln_ratio: &dyn Fn(&Point, f64) -> f64,
) -> Result<f64, f64> {
    let map = Map::of(p);
    let unit = p.ln_unit();
    let weigh = |t: f64| {
        let (at, slope) = map.at(t);
        let ln_p = p.ln_shape(&at) + unit;
        (ln_p + slope, ln_ratio(&at, ln_p))
    };
    let cuts = cuts(&map, &[p.place(), q.place()]);
    // p ln(p/q) first. Where P and Q are near, its parts cancel; those of p (q/p − 1 − ln(q/p)) do not.
    let plain = |t: f64| {
        let (weight, l) = weigh(t);
        let weight = weight.exp();
        if weight == 0.0 { 0.0 } else { -weight * l }
    };
    let near = |t: f64| {
        let (weight, l) = weigh(t);
        if l < 30.0 { weight.exp() * exp_gap(l) } else { (weight + l).exp() - weight.exp() * (1.0 + l) }
    };
    let size = |t: f64| {
        let (weight, l) = weigh(t);
        weight + l.abs().ln_1p()
    };
    // An infinite logarithm says nothing where its weight, which is tiny, has not had a chance to multiply it.
    let finite = |value: f64| if value.is_finite() { Ok(value) } else { Err(value) };
    let alike = p.support() == q.support();
    let value = match about {
        Some(value) if alike && value < NEAR => Ok(value),
        _ => over(&plain, &size, &cuts).and_then(finite),
    };
    if let Ok(value) = value
        && value > NEAR
    {
        return Ok(value);
    }
    if alike {
        let size = |t: f64| {
            let (weight, l) = weigh(t);
            weight + l.max(0.0) + l.abs().ln_1p()
        };
        return over(&near, &size, &cuts).and_then(finite).map(|value| value.max(0.0));
    }
    value.map(|value| value.max(0.0))
}

/// `∫ f` over the line, where `size` is the logarithm of how large f may be.
fn over(f: &dyn Fn(f64) -> f64, size: &dyn Fn(f64) -> f64, cuts: &[f64]) -> Result<f64, f64> {
    let most = cuts.iter().map(|t| size(*t)).fold(f64::NEG_INFINITY, f64::max);
    let end = |sign: f64| {
        // From the outermost cut where it is something, until it is nothing twice running.
        let there = cuts.iter().filter(|t| size(**t) > most - NOTHING);
        let start = there.copied().max_by(|a, b| (sign * a).total_cmp(&(sign * b))).unwrap_or(0.0);
        let (mut t, mut step, mut most, mut faded) = (start, 0.125, most, 0);
        while faded < 2 && f64::abs(t) < FURTHEST {
            t += sign * step;
            step *= 1.03;
            let size = size(t);
            most = most.max(size);
            faded = if size > most - NOTHING { 0 } else { faded + 1 };
        }
        (t, most)
    };
    let ((low, most_below), (high, most_above)) = (end(-1.0), end(1.0));
    if most_below.max(most_above) == f64::INFINITY {
        // Something has left the range, and so its size is not known.
        return Err(f64::INFINITY);
    }
    let mut ends: Vec<f64> = cuts.iter().copied().filter(|t| low < *t && *t < high).collect();
    ends.extend([low, high]);
    ends.sort_unstable_by(f64::total_cmp);
    ends.dedup();
    let mut panels = Vec::new();
    for pair in ends.windows(2) {
        graded(pair[0], pair[1], &mut panels);
    }
    adaptive(f, &panels)
}

/// Panels from one cut to the next, which grow with the distance from either.
fn graded(low: f64, high: f64, panels: &mut Vec<(f64, f64)>) {
    let mut ends = (low, high);
    let mut width = WIDTH;
    let mut upper = Vec::new();
    while ends.1 - ends.0 > 2.0 * width {
        panels.push((ends.0, ends.0 + width));
        upper.push((ends.1 - width, ends.1));
        ends = (ends.0 + width, ends.1 - width);
        width *= 1.25;
    }
    panels.push(ends);
    panels.extend(upper.into_iter().rev());
}

/// The mean under p of a function without a formula.
pub(crate) fn mean(p: &dyn Law, of: Moment) -> Result<f64, f64> {
    let map = Map::of(p);
    let unit = p.ln_unit();
    let parts = |t: f64| {
        let (at, slope) = map.at(t);
        (p.ln_shape(&at) + unit + slope, of.at(&at), of.ln_size(&at))
    };
    // Their product may be in range where either is not.
    let f = |t: f64| {
        let (weight, value, ln_size) = parts(t);
        let product = weight.exp() * value;
        if product.is_normal() { product } else { value.signum() * (weight + ln_size).exp() }
    };
    let size = |t: f64| {
        let (weight, _, ln_size) = parts(t);
        weight + ln_size.max(0.0)
    };
    over(&f, &size, &cuts(&map, &[p.place()]))
}

/// Where the line is cut: where distributions may have a kink, and about the bulk of them and of the map itself. Where two are
/// near each other so are their bulks, of which one is enough then.
fn cuts(map: &Map, places: &[(f64, f64)]) -> Vec<f64> {
    let around = |by: f64| places.iter().map(move |(centre, scale)| centre + by * scale);
    let mut cuts: Vec<f64> = around(0.0).filter_map(|x| map.back(x)).collect();
    let bulks = [-8.0, -2.0, -0.5, 0.5, 2.0, 8.0].into_iter().flat_map(around);
    for cut in bulks.filter_map(|x| map.back(x)).chain([-1.0, 0.0, 1.0]) {
        if cuts.iter().all(|other| (cut - other).abs() > APART) {
            cuts.push(cut);
        }
    }
    cuts
}

struct Panel {
    low: f64,
    high: f64,
    value: f64,
    size: f64,
    error: f64,
}

/// `∫ f` over panels, which are halved until the error is small; infinite where f overflows.
pub(crate) fn adaptive(f: &dyn Fn(f64) -> f64, panels: &[(f64, f64)]) -> Result<f64, f64> {
    let mut panels: Vec<Panel> = panels.iter().map(|(low, high)| kronrod(f, *low, *high)).collect();
    loop {
        let (mut error, mut size, mut worst) = (0.0, 0.0, 0);
        for (i, panel) in panels.iter().enumerate() {
            error += panel.error;
            size += panel.size;
            if panel.error > panels[worst].error {
                worst = i;
            }
        }
        let done = !(error > ENOUGH * size);
        if done || panels.len() >= PANELS {
            panels.sort_unstable_by(|a, b| a.low.total_cmp(&b.low));
            let value: f64 = panels.iter().map(|panel| panel.value).sum();
            let fine = done || error <= (ACCEPTED * size).max(ROUNDING);
            let fine = value == f64::INFINITY || value.is_finite() && fine;
            return if fine { Ok(value) } else { Err(error) };
        }
        let Panel { low, high, .. } = panels[worst];
        let middle = 0.5 * (low + high);
        panels[worst] = kronrod(f, low, middle);
        panels.push(kronrod(f, middle, high));
    }
}

fn kronrod(f: &dyn Fn(f64) -> f64, low: f64, high: f64) -> Panel {
    let (middle, half) = (0.5 * (low + high), 0.5 * (high - low));
    let at_middle = f(middle);
    let (mut value, mut size, mut gauss) = (KRONROD[10].1 * at_middle, KRONROD[10].1 * at_middle.abs(), 0.0);
    for (i, (x, weight)) in KRONROD[..10].iter().enumerate() {
        let (a, b) = (f(middle - half * x), f(middle + half * x));
        value += weight * (a + b);
        size += weight * (a.abs() + b.abs());
        if i % 2 == 1 {
            gauss += GAUSS[i / 2] * (a + b);
        }
    }
    let (value, size, difference) = (value * half, size * half, ((value - gauss) * half).abs());
    // The difference is the error of the lesser rule; the better one's is far below it once both are good.
    let error = if size > 0.0 { size * (200.0 * difference / size).powf(1.5).min(1.0) } else { difference };
    // What rounding leaves is no reason to go on, nor is a panel that cannot be halved.
    let thin = half <= 4.0 * f64::EPSILON * middle.abs();
    let error = if error < 4.0 * f64::EPSILON * size || thin { 0.0 } else { error };
    Panel { low, high, value, size, error }
}

const KRONROD: [(f64, f64); 11] = [
    (0.9956571630258081, 0.011694638867371874),
    (0.9739065285171717, 0.032558162307964725),
    (0.9301574913557082, 0.054755896574351995),
    (0.8650633666889845, 0.07503967481091996),
    (0.7808177265864169, 0.0931254545836976),
    (0.6794095682990244, 0.10938715880229764),
    (0.5627571346686047, 0.12349197626206584),
    (0.4333953941292472, 0.13470921731147334),
    (0.2943928627014602, 0.14277593857706009),
    (0.14887433898163122, 0.14773910490133849),
    (0.0, 0.1494455540029169),
];

/// The weights of every second of those points in Gauss's rule of 10.
const GAUSS: [f64; 5] =
    [0.06667134430868814, 0.1494513491505806, 0.21908636251598204, 0.26926671930999635, 0.29552422471475287];
