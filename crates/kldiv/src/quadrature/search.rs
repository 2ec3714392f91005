//! Finding what the nodes may have stepped over: peaks narrower than their distance, and mass that is missing.

use crate::memory::reserve;
use crate::quadrature::ends::Stop;
use crate::quadrature::nodes::{POINTS, node};
use crate::quadrature::rule::{Panel, Problem};

/// A point that the line is cut at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    pub(crate) x: f64,
    /// The width of what lies there, as far as it is known.
    pub(crate) scale: f64,
}

/// A peak this much above its neighbours, in logarithms, is not resolved by them.
const STEEP: f64 = 1.0;
/// A peak with less mass than e to this is of no account.
const NEGLIGIBLE: f64 = -60.0;
/// More are not looked for at once.
const MOST: usize = 64;

/// The peaks of p and q that stand between two neighbouring nodes.
pub(crate) fn peaks(problem: &mut Problem, panels: &[Panel]) -> Result<Vec<Cut>, Stop> {
    let mut found = reserve(MOST)?;
    for density in 0..2 {
        let height = |at: usize| panels[at / POINTS].logs[density][at % POINTS];
        let t = |at: usize| {
            let panel = &panels[at / POINTS];
            0.5 * ((panel.from + panel.to) + (panel.to - panel.from) * node(at % POINTS).0)
        };
        for at in 1..(panels.len() * POINTS).saturating_sub(1) {
            let (before, here, after) = (height(at - 1), height(at), height(at + 1));
            let span = panels[at / POINTS].span;
            let same_span = panels[(at - 1) / POINTS].span == span && panels[(at + 1) / POINTS].span == span;
            if same_span && here > before + STEEP && here > after + STEEP && found.len() < MOST {
                let x = [at - 1, at, at + 1].map(|at| problem.spans[span].0.place(t(at)).x);
                if let Some(cut) = climb(problem, density, x, here)? {
                    found.push(cut);
                }
            }
        }
    }
    Ok(found)
}

fn height(problem: &mut Problem, density: usize, x: f64) -> Result<f64, Stop> {
    let sample = problem.sample(x)?;
    Ok(if density == 0 { sample.log_p } else { sample.log_q })
}

/// The top of a peak between the outer two of three points, the middle one higher than both; by golden section.
fn climb(
    problem: &mut Problem,
    density: usize,
    points: [f64; 3],
    height_inside: f64,
) -> Result<Option<Cut>, Stop> {
    const GOLDEN: f64 = 0.381_966_011_250_105_1;
    let [mut low, mut top, mut high] = points;
    let mut best = height_inside;
    for _ in 0..200 {
        let wider = if (high - top).abs() > (top - low).abs() { high } else { low };
        let x = top + GOLDEN * (wider - top);
        if x == top || x == wider {
            break;
        }
        let found = height(problem, density, x)?;
        let up = wider == high;
        if found > best {
            *if up { &mut low } else { &mut high } = top;
            (top, best) = (x, found);
        } else {
            *if up { &mut high } else { &mut low } = x;
            if best - found < 1e-3 && (high - low).abs() < 1e-3 * (points[2] - points[0]).abs() {
                break;
            }
        }
    }
    let scale = width(problem, density, top, best, (points[2] - points[0]).abs())?;
    Ok((best + scale.ln() > NEGLIGIBLE).then_some(Cut { x: top, scale }))
}

/// The distance from a peak's top within which the logarithm falls by about 1, to a factor of 2.
fn width(problem: &mut Problem, density: usize, top: f64, best: f64, most: f64) -> Result<f64, Stop> {
    let mut width = (top.abs() * f64::EPSILON).max(f64::MIN_POSITIVE);
    while width < most {
        let sides = [height(problem, density, top - width)?, height(problem, density, top + width)?];
        if sides.iter().all(|side| best - side > 0.5) {
            break;
        }
        width *= 2.0;
    }
    Ok(width)
}

/// Spikes of p at numbers of three digits, which is where people put them.
pub(crate) fn spikes(problem: &mut Problem, lower: f64, upper: f64) -> Result<Vec<Cut>, Stop> {
    let mut found = reserve(MOST)?;
    for unit in [1e3, 1e2, 1e1, 1.0] {
        let beside = 0.37 / unit;
        for i in -999..=999 {
            let x = f64::from(i) / unit;
            if !(lower < x - beside && x + beside < upper) || found.len() == MOST {
                continue;
            }
            let top = height(problem, 0, x)?;
            if top == f64::NEG_INFINITY {
                continue;
            }
            let sides = [height(problem, 0, x - beside)?, height(problem, 0, x + beside)?];
            if sides.iter().all(|side| top > side + STEEP) {
                let scale = width(problem, 0, x, top, beside)?;
                found.push(Cut { x, scale });
            }
        }
    }
    Ok(found)
}
