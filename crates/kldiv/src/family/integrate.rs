//! Divergences without a formula: an integral over a line that the support is mapped to.
//!
//! The map makes both ends fade exponentially at least: x = c + s sinh t on the line, s eᵗ from a finite end, a logistic
//! curve between two. The line is cut where p or q have their bulk or a kink, and panels are halved, worst first, until
//! the estimate of the error (Gauss and Kronrod's rules of 10 and 21 points) is small. p is integrated at the same
//! points: its bulk may be so narrow that no panel shows it.

use crate::family::law::{Law, Moment, Point, Slope};
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
/// A cut this near another, in widths of what is between it and its centre, says nothing new.
const APART: f64 = 0.25;
/// How much of P may be missing from what was looked at.
const MISSING: f64 = 1e-6;
/// How wide a panel is beside a cut, at most.
const WIDTH: f64 = 4.0;
/// The line is followed as far as this.
const FURTHEST: f64 = 1e18;
/// A weight whose logarithm is this much below the largest is nothing.
const NOTHING: f64 = 75.0;

/// The map from the line to a support. The line is stretched on either side as far as P reaches there.
#[derive(Clone, Copy)]
struct Map {
    onto: Onto,
    /// How far, below 0 and above, and the logarithms.
    reach: [(f64, f64); 2],
}

#[derive(Clone, Copy)]
enum Onto {
    Line { centre: f64, scale: f64, ln_scale: f64 },
    Half { low: f64, scale: f64, ln_scale: f64 },
    Between { low: f64, high: f64, ln_width: f64 },
}

impl Map {
    fn of(p: &dyn Law) -> Map {
        let (centre, scale) = p.place();
        let onto = match p.support() {
            (low, high) if low.is_finite() && high.is_finite() => {
                Onto::Between { low, high, ln_width: (high - low).ln() }
            }
            (low, _) if low.is_finite() => {
                let scale = (centre - low).max(f64::MIN_POSITIVE);
                Onto::Half { low, scale, ln_scale: scale.ln() }
            }
            _ => Onto::Line { centre, scale, ln_scale: scale.ln() },
        };
        let (below, above) = p.fades();
        Map { onto, reach: [below, above].map(|fade| (fade.reach(), fade.reach().ln())) }
    }

    /// How far P reaches on the side of t.
    fn reach(&self, t: f64) -> (f64, f64) {
        self.reach[(t >= 0.0) as usize]
    }

    /// The point at t, and the logarithm of dx/dt.
    fn at(&self, t: f64) -> (Point, Slope) {
        let (reach, ln_reach) = self.reach(t);
        let t = t * reach;
        let (at, natural) = match self.onto {
            Onto::Line { centre, scale, ln_scale } => {
                let (rest, slope) = (scale * t.sinh(), ln_scale + ln_cosh(t));
                let x = centre + rest;
                let ln = if x.is_finite() { x.abs().ln() } else { slope };
                (Point { x, base: centre, rest, ln, ln_base: ln, ln_rise: 0.0, ln_rest: f64::NAN }, slope)
            }
            Onto::Half { low, ln_scale, .. } => {
                let slope = ln_scale + t;
                let rest = slope.exp();
                let x = low + rest;
                let whole = low == 0.0 || x.is_infinite();
                let (ln_base, ln_rise) = if whole { (ln_scale, t) } else { (x.ln(), 0.0) };
                let ln = if whole { slope } else { ln_base };
                (Point { x, base: low, rest, ln, ln_base, ln_rise, ln_rest: f64::NAN }, slope)
            }
            Onto::Between { low, high, ln_width } => {
                let width = high - low;
                let (from_low, from_high) = (-softplus(-t), -softplus(t));
                let (base, rest) =
                    if t < 0.0 { (low, width * from_low.exp()) } else { (high, -width * from_high.exp()) };
                let x = base + rest;
                let ln = if low == 0.0 { ln_width + from_low } else { x.ln() };
                let ln_rest = if high == 1.0 { ln_width + from_high } else { (-x).ln_1p() };
                (
                    Point { x, base, rest, ln, ln_base: ln, ln_rise: 0.0, ln_rest },
                    ln_width + from_low + from_high,
                )
            }
        };
        (at, Slope { natural, rest: ln_reach })
    }

    /// Where the line meets x, if it is inside the support.
    fn back(&self, x: f64) -> Option<f64> {
        let t = match self.onto {
            Onto::Line { centre, scale, .. } => ((x - centre) / scale).asinh(),
            Onto::Half { low, scale, .. } => ((x - low) / scale).ln(),
            Onto::Between { low, high, .. } => ((x - low) / (high - x)).ln(),
        };
        let t = t / self.reach(t).0;
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
        let weight = p.ln_weight(&at, slope) + unit;
        (weight, ln_ratio(&at, weight - slope.ln()))
    };
    let cuts = cuts(&map, &[p.place(), q.place()]);
    // p ln(p/q) first. Where P and Q are near, its parts cancel; those of p (q/p − 1 − ln(q/p)) do not.
    let plain = |t: f64| {
        let (weight, l) = weigh(t);
        let mass = weight.exp();
        (if mass == 0.0 { 0.0 } else { -mass * l }, mass)
    };
    let near = |t: f64| {
        let (weight, l) = weigh(t);
        let mass = weight.exp();
        (if l < 30.0 { mass * exp_gap(l) } else { (weight + l).exp() - mass * (1.0 + l) }, mass)
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

/// `∫ f` over the line, where `size` is the logarithm of how large f may be, p among it.
fn over(f: &Integrand, size: &dyn Fn(f64) -> f64, cuts: &[f64]) -> Result<f64, f64> {
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
    let found = adaptive(f, &panels)?;
    // All of P has been met, or else its bulk lies between the points; unless some has been left out beside what is
    // larger by far.
    let met = (found.mass - 1.0).abs() < MISSING || found.value == f64::INFINITY;
    let mut outside = cuts.iter().filter(|t| **t <= low || **t >= high).chain([&low, &high]);
    if met || outside.any(|t| f(*t).1 > MISSING / NOTHING) { Ok(found.value) } else { Err(f64::INFINITY) }
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
    mean_of(p, &[p.place()], &|at| (of.at(at), of.ln_size(at)))
}

/// −E_P[ln q]. Its parts, the divergence and p's entropy, may be larger by far.
pub(crate) fn cost(p: &dyn Law, q: &dyn Law) -> Result<f64, f64> {
    let unit = q.ln_unit();
    mean_of(p, &[p.place(), q.place()], &|at| {
        let cost = -(q.ln_shape(at) + unit);
        (cost, cost.abs().ln())
    })
}

/// The same of a value and the logarithm of its size; `places` are those where it may change.
fn mean_of(p: &dyn Law, places: &[(f64, f64)], of: &dyn Fn(&Point) -> (f64, f64)) -> Result<f64, f64> {
    let map = Map::of(p);
    let unit = p.ln_unit();
    let parts = |t: f64| {
        let (at, slope) = map.at(t);
        (p.ln_weight(&at, slope) + unit, of(&at))
    };
    // Their product may be in range where either is not.
    let f = |t: f64| {
        let (weight, (value, ln_size)) = parts(t);
        let mass = weight.exp();
        let product = mass * value;
        (if product.is_normal() { product } else { value.signum() * (weight + ln_size).exp() }, mass)
    };
    let size = |t: f64| {
        let (weight, (_, ln_size)) = parts(t);
        weight + ln_size.max(0.0)
    };
    over(&f, &size, &cuts(&map, places))
}

/// Where the line is cut: where distributions may have a kink, and about the bulk of them and of the map itself. Where two are
/// near each other so are their bulks, of which one is enough then; a narrow one is near nothing but its like.
fn cuts(map: &Map, places: &[(f64, f64)]) -> Vec<f64> {
    // At 0 the line is stretched anew.
    let kinks = places.iter().filter_map(|(centre, _)| map.back(*centre));
    let mut cuts: Vec<f64> = kinks.chain([0.0]).collect();
    let mut cut = |t: f64, width: f64| {
        if cuts.iter().all(|other| (t - other).abs() > APART * width) {
            cuts.push(t);
        }
    };
    for (centre, scale) in places {
        for sign in [-1.0, 1.0] {
            // Wider and wider, until nothing is narrow any more.
            let (mut inner, mut by) = (map.back(*centre), 0.5);
            while let Some(t) = map.back(centre + sign * by * scale) {
                let width = inner.map_or(1.0, |inner| (t - inner).abs());
                cut(t, width.min(1.0));
                if by >= 8.0 && width * map.reach(t).0 >= 1.0 {
                    break;
                }
                (inner, by) = (Some(t), 4.0 * by);
            }
        }
    }
    for (sign, reach) in [(-1.0, map.reach[0].0), (1.0, map.reach[1].0)] {
        let mut t = 1.0 / reach;
        while t < 4.0 {
            cut(sign * t, t.min(1.0));
            t *= 4.0;
        }
    }
    cuts
}

/// What is integrated at a point, and how much of P is there.
type Integrand<'a> = dyn Fn(f64) -> (f64, f64) + 'a;

/// An integral, and how much of P has been met.
pub(crate) struct Integral {
    pub(crate) value: f64,
    mass: f64,
}

struct Panel {
    low: f64,
    high: f64,
    value: f64,
    size: f64,
    error: f64,
    mass: f64,
}

/// `∫ f` over panels, which are halved until the error is small; infinite where f overflows.
pub(crate) fn adaptive(f: &Integrand, panels: &[(f64, f64)]) -> Result<Integral, f64> {
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
            let mass = panels.iter().map(|panel| panel.mass).sum();
            return if fine { Ok(Integral { value, mass }) } else { Err(error) };
        }
        let Panel { low, high, .. } = panels[worst];
        let middle = 0.5 * (low + high);
        panels[worst] = kronrod(f, low, middle);
        panels.push(kronrod(f, middle, high));
    }
}

fn kronrod(f: &Integrand, low: f64, high: f64) -> Panel {
    let (middle, half) = (0.5 * (low + high), 0.5 * (high - low));
    let (at_middle, mass) = f(middle);
    let weight = KRONROD[10].1;
    let (mut value, mut size, mut mass, mut gauss) =
        (weight * at_middle, weight * at_middle.abs(), weight * mass, 0.0);
    for (i, (x, weight)) in KRONROD[..10].iter().enumerate() {
        let ((a, below), (b, above)) = (f(middle - half * x), f(middle + half * x));
        value += weight * (a + b);
        size += weight * (a.abs() + b.abs());
        mass += weight * (below + above);
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
    Panel { low, high, value, size, error, mass: mass * half }
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
