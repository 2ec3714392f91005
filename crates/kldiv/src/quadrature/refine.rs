//! Cuts the line into spans and these into panels, and halves panels until the integrals stand.

use crate::error::Error;
use crate::memory::reserve;
use crate::quadrature::ends::{Densities, End, F, G, LOOKS, P, Q, Stop};
use crate::quadrature::nodes::{POINTS, Span, node};
use crate::quadrature::rule::{Panel, Problem};
use crate::quadrature::search::{Cut, peaks, spikes};
use crate::sum::Compensated;

/// A panel in t before it is halved.
const PANEL: f64 = 1.0;
/// Evaluations of the densities after which no more panels are halved, and after which no more mass is looked for.
const MOST_EVALUATIONS: usize = 1 << 19;
const MOST_IN_SEARCH: usize = 1 << 18;
/// How often the line is cut anew at peaks that were found.
const MOST_CUTS: usize = 8;
/// An error that rounding excuses, however small the divergence is.
const FLOOR: f64 = 1e-12;
/// How much the masses of p and q may differ from each other by rounding.
const ROUNDING: f64 = 1e-13;

/// What an integration comes to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Outcome {
    /// The divergence, in nats.
    pub(crate) value: f64,
    /// A bound of its error.
    pub(crate) error: f64,
    /// What p integrates to.
    pub(crate) mass: f64,
    /// Whether all of it is within the tolerance.
    pub(crate) converged: bool,
}

/// D(P‖Q) from `lower` to `upper`, which may be infinite, with the points where the densities are not smooth.
/// `underflows` says that a density of 0 may be one that underflowed.
pub(crate) fn integrate(
    densities: &mut Densities,
    underflows: bool,
    lower: f64,
    upper: f64,
    breaks: &[f64],
    rel_tolerance: f64,
) -> Result<Outcome, Error> {
    let spans = Vec::new();
    let mut problem = Problem { densities, underflows, spans, evaluations: 0 };
    match attempts(&mut problem, lower, upper, breaks, rel_tolerance) {
        Ok(outcome) => Ok(outcome),
        Err(Stop::Infinite) => Ok(Outcome { value: f64::INFINITY, error: 0.0, mass: 1.0, converged: true }),
        Err(Stop::Failed(error)) => Err(error),
    }
}

fn attempts(
    problem: &mut Problem,
    lower: f64,
    upper: f64,
    breaks: &[f64],
    tolerance: f64,
) -> Result<Outcome, Stop> {
    let mut cuts = reserve(breaks.len() + 1)?;
    cuts.extend(breaks.iter().map(|&x| Cut { x, scale: 1.0 }));
    cut_at_zero(&mut cuts, lower, upper);
    let mut searched = false;
    for round in 0..=MOST_CUTS {
        let last = round == MOST_CUTS;
        lay_spans(problem, &mut cuts, lower, upper)?;
        let mut panels = first_panels(problem)?;
        if !last {
            let found = peaks(problem, &panels)?;
            if add(&mut cuts, &found)? {
                continue;
            }
        }
        let totals = refine(problem, &mut panels, tolerance)?;
        if totals.mass_is_missing(tolerance) && !last {
            if !searched {
                searched = true;
                let spikes = spikes(problem, lower, upper)?;
                // Next to ends that are far off, all that people know lies about 0.
                let zero: &[Cut] = if lower < 0.0 && 0.0 < upper { &[ZERO] } else { &[] };
                if add(&mut cuts, &spikes)? | add(&mut cuts, zero)? {
                    continue;
                }
            }
            let found = look_closer(problem, &mut panels)?;
            if add(&mut cuts, &found)? {
                continue;
            }
            let totals = refine(problem, &mut panels, tolerance)?;
            return finish(problem, &panels, totals, tolerance);
        }
        return finish(problem, &panels, totals, tolerance);
    }
    unreachable!("the last round returns")
}

const ZERO: Cut = Cut { x: 0.0, scale: 1.0 };

/// A line that is infinite both ways, or a part of it longer than a number can say, has to be cut somewhere.
fn cut_at_zero(cuts: &mut Vec<Cut>, lower: f64, upper: f64) {
    let (mut below, mut above) = (lower, upper);
    for cut in cuts.iter().filter(|cut| lower < cut.x && cut.x < upper) {
        if cut.x < 0.0 {
            below = below.max(cut.x);
        } else {
            above = above.min(cut.x);
        }
    }
    // Where one of the two is infinite, distances are counted from the other.
    if below < 0.0 && 0.0 < above && (above - below).is_infinite() && below.is_finite() == above.is_finite() {
        cuts.push(ZERO);
    }
}

/// Adds cuts that are not there yet; says whether there were any.
fn add(cuts: &mut Vec<Cut>, found: &[Cut]) -> Result<bool, Stop> {
    let before = cuts.len();
    if cuts.try_reserve(found.len()).is_err() {
        return Err(Error::OutOfMemory { bytes: found.len().saturating_mul(size_of::<Cut>()) }.into());
    }
    for &new in found {
        if cuts.iter().all(|cut| (cut.x - new.x).abs() > 0.25 * new.scale) {
            cuts.push(new);
        }
    }
    Ok(cuts.len() > before)
}

/// Cuts the line into spans and looks at their ends.
fn lay_spans(problem: &mut Problem, cuts: &mut Vec<Cut>, lower: f64, upper: f64) -> Result<(), Stop> {
    cuts.retain(|cut| lower < cut.x && cut.x < upper);
    sort(cuts);
    cuts.dedup_by(|a, b| a.x == b.x);
    problem.spans = reserve(cuts.len() + 2)?;
    for i in 0..=cuts.len() {
        let left = if i == 0 { Cut { x: lower, scale: 1.0 } } else { cuts[i - 1] };
        let right = if i == cuts.len() { Cut { x: upper, scale: 1.0 } } else { cuts[i] };
        let span = if left.x.is_infinite() {
            Span { from: right.x, to: left.x, size: right.scale }
        } else if right.x.is_infinite() {
            Span { from: left.x, to: right.x, size: left.scale }
        } else {
            Span { from: left.x, to: right.x, size: right.x - left.x }
        };
        if span.is_short() {
            problem.spans.push((span, [End::default(); 2]));
            continue;
        }
        let ends = [End::look(problem.densities, &span, 0)?, End::look(problem.densities, &span, 1)?];
        problem.evaluations += 2 * LOOKS;
        for end in &ends {
            if end.without_q > 0.0 && !problem.underflows {
                return Err(Stop::Infinite);
            }
        }
        problem.spans.push((span, ends));
    }
    Ok(())
}

/// Sorts in place and with little stack, which a library that is called from anywhere has to be careful with.
fn sort(cuts: &mut [Cut]) {
    for end in 1..cuts.len() {
        let mut at = end;
        while at > 0 && cuts[at - 1].x > cuts[at].x {
            cuts.swap(at - 1, at);
            at -= 1;
        }
    }
}

fn first_panels(problem: &mut Problem) -> Result<Vec<Panel>, Stop> {
    let mut panels = Vec::new();
    for span in 0..problem.spans.len() {
        let (from, to) = problem.spans[span].0.range();
        let count = ((to - from) / PANEL).ceil().max(1.0);
        if panels.try_reserve(count as usize).is_err() {
            return Err(out_of_memory(count as usize));
        }
        for i in 0..count as usize {
            let t = |i: usize| from + (to - from) * (i as f64 / count);
            panels.push(problem.panel(span, t(i), t(i + 1))?);
        }
    }
    Ok(panels)
}

fn out_of_memory(panels: usize) -> Stop {
    Error::OutOfMemory { bytes: panels.saturating_mul(size_of::<Panel>()) }.into()
}

/// The integrals of all panels and ends.
#[derive(Clone, Copy, Debug)]
struct Totals {
    sums: [f64; 4],
    error: [f64; 4],
    rounding: [f64; 3],
    /// The mass of p where q is 0.
    without_q: f64,
}

impl Totals {
    fn of(problem: &Problem, panels: &[Panel]) -> Totals {
        let mut totals = Totals { sums: [0.0; 4], error: [0.0; 4], rounding: [0.0; 3], without_q: 0.0 };
        let mut sums = [Compensated::ZERO; 4];
        for panel in panels {
            totals.without_q += panel.without_q;
            for j in 0..4 {
                sums[j].add(panel.sums[j]);
                totals.error[j] += panel.error[j];
            }
            for j in 0..3 {
                totals.rounding[j] += panel.rounding[j];
            }
        }
        for end in problem.spans.iter().flat_map(|(_, ends)| ends) {
            totals.without_q += end.without_q;
            for j in 0..4 {
                sums[j].add(end.tail[j]);
                totals.error[j] += end.error[j];
            }
        }
        for j in 0..4 {
            totals.sums[j] += sums[j].value();
        }
        totals
    }

    /// What the errors of the integrals of p and of p ln(p/q) may be.
    fn allowed(&self, tolerance: f64) -> [f64; 2] {
        let rounding = |j: usize| (4.0 * self.rounding[j]).min(FLOOR);
        [(0.5 * tolerance).max(rounding(P)), (0.5 * tolerance * self.sums[F].abs()).max(rounding(F))]
    }

    fn within(&self, tolerance: f64) -> bool {
        let [p, f] = self.allowed(tolerance);
        self.error[P] <= p && self.error[F] <= f
    }

    fn mass_is_missing(&self, tolerance: f64) -> bool {
        1.0 - self.sums[P] > tolerance + self.error[P] + self.rounding[P]
    }
}

/// Halves every panel whose error is more than its share, until the sum is within the tolerance or patience ends.
fn refine(problem: &mut Problem, panels: &mut Vec<Panel>, tolerance: f64) -> Result<Totals, Stop> {
    loop {
        let totals = Totals::of(problem, panels);
        if totals.within(tolerance) || problem.evaluations > MOST_EVALUATIONS {
            return Ok(totals);
        }
        let share = totals.allowed(tolerance).map(|allowed| 0.5 * allowed / panels.len() as f64);
        let rough = |panel: &Panel| {
            let excess = |j: usize| panel.error[j] > share[j].max(2.0 * panel.rounding[j]);
            let wide = panel.to - panel.from > 1e-14 * panel.from.abs().max(panel.to.abs()).max(1e-3);
            wide && (excess(P) || excess(F) || !share[F].is_finite())
        };
        if !halve(problem, panels, rough)? {
            return Ok(totals);
        }
    }
}

/// Puts two halves in the place of each panel that `rough` picks; says whether there was one.
fn halve(
    problem: &mut Problem,
    panels: &mut Vec<Panel>,
    rough: impl Fn(&Panel) -> bool,
) -> Result<bool, Stop> {
    let count = panels.iter().filter(|panel| rough(panel)).count();
    if count == 0 {
        return Ok(false);
    }
    let mut halves = reserve(panels.len() + count)?;
    for panel in panels.drain(..) {
        if rough(&panel) {
            let middle = 0.5 * (panel.from + panel.to);
            let mut pair = [
                problem.panel(panel.span, panel.from, middle)?,
                problem.panel(panel.span, middle, panel.to)?,
            ];
            // Beside a kink the two rules may agree by chance. By how much the halves moved the sum is what the whole was
            // off by, and the half that has the kink by less; smooth functions move far less than estimated.
            for j in 0..4 {
                let moved = (pair[0].sums[j] + pair[1].sums[j] - panel.sums[j]).abs();
                let rougher = usize::from(pair[1].error[j] > pair[0].error[j]);
                pair[rougher].error[j] = pair[rougher].error[j].max(moved);
            }
            halves.extend(pair);
        } else {
            halves.push(panel);
        }
    }
    *panels = halves;
    Ok(true)
}

/// Halves all panels until a peak shows that had not been seen.
fn look_closer(problem: &mut Problem, panels: &mut Vec<Panel>) -> Result<Vec<Cut>, Stop> {
    while problem.evaluations < MOST_IN_SEARCH {
        halve(problem, panels, |_| true)?;
        let found = peaks(problem, panels)?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}

/// What ln(p/q) is taken to be at most where q has underflowed.
const UNDERFLOWN: f64 = 1e6;

/// The answer that the integrals make.
fn finish(problem: &mut Problem, panels: &[Panel], totals: Totals, tolerance: f64) -> Result<Outcome, Stop> {
    let Totals { sums, error, rounding, without_q } = totals;
    let mass = sums[P];
    if without_q > 0.0 && ends_in_a_jump(problem, panels)? {
        return Err(Stop::Infinite);
    }
    // Where both integrate to the same, what they differ by is rounding, and the gap alone is the divergence.
    let apart = (sums[P] - sums[Q]).abs();
    let (mut value, mut bound) = if apart + error[Q] <= ROUNDING {
        (sums[G], error[G] + rounding[G] + apart + error[Q])
    } else {
        (sums[F], error[F] + rounding[F])
    };
    let underflown = without_q * UNDERFLOWN;
    bound += (mass - 1.0).abs() * (1.0 + value.abs()) + underflown;
    let mass_stands = (mass - 1.0).abs() <= tolerance + error[P] + rounding[P];
    if value < 0.0 && -value <= bound && mass_stands && sums[Q] <= 1.0 + tolerance {
        value = 0.0;
    }
    let bound_is_met = bound <= (tolerance * value.abs()).max(FLOOR);
    let converged = totals.within(tolerance) && mass_stands && bound_is_met;
    Ok(Outcome { value, error: if bound.is_nan() { f64::INFINITY } else { bound }, mass, converged })
}

/// Whether q, where it becomes 0 and p does not, was too large just before to have underflowed, or is 0 everywhere.
fn ends_in_a_jump(problem: &mut Problem, panels: &[Panel]) -> Result<bool, Stop> {
    /// Above ln q of a number that is far from underflowing.
    const LARGE: f64 = -660.0;
    let has_q = |panel: &Panel, i: usize| panel.logs[1][i] > f64::NEG_INFINITY;
    if panels.iter().all(|panel| (0..POINTS).all(|i| !has_q(panel, i))) {
        return Ok(true);
    }
    for span in 0..problem.spans.len() {
        let of_span = panels.iter().filter(|panel| panel.span == span);
        let mut before: Option<(bool, f64)> = None;
        let (mut lacking, mut any) = (0.0, false);
        for (panel, i) in of_span.flat_map(|panel| (0..POINTS).map(move |i| (panel, i))) {
            let t = 0.5 * ((panel.from + panel.to) + (panel.to - panel.from) * node(i).0);
            let here = (has_q(panel, i), t);
            lacking += panel.without_q;
            any |= here.0;
            if let Some(before) = before
                && before.0 != here.0
                && last_of_q(problem, span, before, here)? > LARGE
            {
                return Ok(true);
            }
            before = Some(here);
        }
        // A span without any q: what is beyond its ends?
        if lacking > 0.0 && !any {
            let (line, _) = problem.spans[span];
            for (end, outwards) in [(line.from, line.from - line.to), (line.to, line.to - line.from)] {
                if end.is_finite() {
                    let step = line.closest(usize::from(end == line.to)).copysign(outwards);
                    if problem.sample(end + step)?.log_q > LARGE {
                        return Ok(true);
                    }
                }
            }
        }
    }
    Ok(false)
}

/// ln q at the last point before it becomes 0, between two places of which one lacks it; −∞ where p is negligible.
fn last_of_q(
    problem: &mut Problem,
    span: usize,
    before: (bool, f64),
    after: (bool, f64),
) -> Result<f64, Stop> {
    let (mut with, mut without) = if before.0 { (before.1, after.1) } else { (after.1, before.1) };
    let (mut last, mut lacking) = (f64::NEG_INFINITY, true);
    for _ in 0..64 {
        let middle = 0.5 * (with + without);
        let x = problem.spans[span].0.place(middle).x;
        let found = problem.sample(x)?;
        if found.log_q > f64::NEG_INFINITY {
            (with, last) = (middle, found.log_q);
        } else {
            (without, lacking) = (middle, found.lacks_q());
        }
    }
    Ok(if lacking { last } else { f64::NEG_INFINITY })
}
