//! What lies beyond the last node before an end: a power of the distance, which two nodes tell and a third confirms.
//!
//! Near an end at 1 the closest number to it is 1e-16 away, and an integrand like a root's reciprocal keeps a part in
//! 1e-8 of its integral beyond that. So the rule stops at 1024 such steps, where distances still have three digits, and
//! the rest is integrated as a formula: p as a power of the distance, ln(p/q) as a straight line in its logarithm. The
//! points that say so lie at powers of 2 from the end and are exact. They say too whether there is an integral at all.

use std::f64::consts::LN_2;

use crate::error::Error;
use crate::excess::excess;
use crate::quadrature::nodes::{FURTHEST, Span};

/// The integrals that are taken together: of p, of p ln(p/q), of p ln(p/q) − p + q, and of q.
pub(crate) const P: usize = 0;
pub(crate) const F: usize = 1;
pub(crate) const G: usize = 2;
pub(crate) const Q: usize = 3;

/// What the densities are at a point.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) log_p: f64,
    pub(crate) log_q: f64,
    /// ln(p/q).
    pub(crate) log_ratio: f64,
}

/// The densities as a function of x.
pub(crate) type Densities<'a> = dyn FnMut(f64) -> Result<Sample, Error> + 'a;

/// Why an integration ends before its time.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The divergence is infinite.
    Infinite,
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop::Failed(error)
    }
}

impl Sample {
    pub(crate) fn of_logs(log_p: f64, log_q: f64) -> Sample {
        Sample { log_p, log_q, log_ratio: log_p - log_q }
    }

    /// Whether p is possible here and q is not. Below any weight's reach p counts as 0: there, far out, logarithms
    /// overflow too.
    pub(crate) fn lacks_q(&self) -> bool {
        self.log_q == f64::NEG_INFINITY && self.log_p > -1200.0
    }

    /// Whether a density is infinite here.
    pub(crate) fn is_pole(&self) -> bool {
        self.log_p == f64::INFINITY || self.log_q == f64::INFINITY
    }
}

/// An end is looked at at so many distances, each [`STEP`] times the one before.
pub(crate) const LOOKS: usize = 4;
const STEP: f64 = 8.0;
const LOG_STEP: f64 = 3.0 * LN_2;

/// What an end of a span has beyond the last node.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct End {
    /// The four integrals, and how far they may be off.
    pub(crate) tail: [f64; 4],
    pub(crate) error: [f64; 4],
    /// The mass of p where q is 0.
    pub(crate) without_q: f64,
}

impl End {
    pub(crate) fn look(densities: &mut Densities, span: &Span, end: usize) -> Result<End, Stop> {
        let infinite = end == 1 && !span.is_finite();
        let (closest, step) = if infinite { (FURTHEST, 1.0 / STEP) } else { (span.closest(end), STEP) };
        let mut samples = [Sample::of_logs(0.0, 0.0); LOOKS];
        let mut logs = [0.0; LOOKS];
        for (i, sample) in samples.iter_mut().enumerate() {
            let distance = closest * f64::powi(step, i as i32);
            *sample = densities(span.inwards(end, distance))?;
            logs[i] = distance.ln();
        }
        let mut model = End::default();
        model.integrate(&samples, &logs)?;
        Ok(model)
    }

    /// The integrals over the distances below the closest, in the logarithm y of the distance, where each integrand h
    /// falls off towards the end as e^(cy).
    fn integrate(&mut self, samples: &[Sample; LOOKS], logs: &[f64; LOOKS]) -> Result<(), Stop> {
        let q = Fall::of(samples.each_ref().map(|sample| sample.log_q), logs);
        (self.tail[Q], self.error[Q]) = q.integral();
        if samples[0].log_p < -1200.0 {
            (self.tail[G], self.error[G]) = (self.tail[Q], self.error[Q]);
            return Ok(());
        }
        let p = Fall::of(samples.each_ref().map(|sample| sample.log_p), logs);
        (self.tail[P], self.error[P]) = p.integral();
        if samples[0].lacks_q() && samples[1].lacks_q() {
            self.without_q = self.tail[P];
            return Ok(());
        }
        let ratios = samples.map(|sample| sample.log_ratio);
        let first = ratios[0];
        let steps: [f64; 3] = std::array::from_fn(|i| ratios[i + 1] - ratios[i]);
        let size = samples.iter().map(|sample| sample.log_p.abs() + sample.log_q.abs()).sum::<f64>();
        let rounding = 8.0 * f64::EPSILON * size;
        let c = p.rate;
        let settles = 4.0 * steps[0].abs() <= steps[1].abs() && 4.0 * steps[1].abs() <= steps[2].abs();
        if settles || steps.iter().all(|step| step.abs() <= rounding) {
            // ln(p/q) tends to a value that it has all but reached.
            self.tail[F] = self.tail[P] * first;
            self.error[F] = self.tail[P] * (steps[0].abs() + rounding) + self.error[P] * first.abs();
        } else if (steps[1] - steps[0]).abs() <= 1e-3 * steps[0].abs() + rounding {
            let bend = (steps[1] - steps[0]).abs();
            self.tail[F] = p.height * (first / c - steps[0] / LOG_STEP / (c * c));
            let bent = self.tail[P] * bend * (1.0 + 1.0 / c);
            self.error[F] = bent + self.tail[F].abs() * p.doubt * (1.0 + 1.0 / c);
        } else {
            // It is more than a straight line, a power as well, whose reach is all that can be told.
            let f = Fall::of(std::array::from_fn(|i| samples[i].log_p + ratios[i].abs().ln()), logs);
            if first > 0.0 && ratios[1] > 0.0 && f.rate <= 1e-9 && f.inside <= 1e-3 && c > 0.0 {
                return Err(Stop::Infinite);
            }
            let (reach, error) = f.integral();
            self.tail[F] = if reach.is_finite() { reach.copysign(first) } else { 0.0 };
            self.error[F] = error + reach;
        }
        if first.abs() < 0.01 {
            self.tail[G] = self.tail[P] * excess(-first);
            self.error[G] = self.tail[G] + self.error[F];
        } else {
            self.tail[G] = self.tail[F] - self.tail[P] + self.tail[Q];
            self.error[G] = self.error[F] + self.error[P] + self.error[Q];
        }
        Ok(())
    }
}

/// An integrand in y that falls off towards an end.
struct Fall {
    /// Its value at the closest distance.
    height: f64,
    /// The c of e^(cy), and the same one step further inside.
    rate: f64,
    inside: f64,
    /// How far the rate may be off, relatively.
    doubt: f64,
}

impl Fall {
    /// From the logarithms of a function of x at the distances.
    fn of(values: [f64; LOOKS], logs: &[f64; LOOKS]) -> Fall {
        let logs: [f64; LOOKS] = std::array::from_fn(|i| values[i] + logs[i]);
        let [rate, inside, further] = std::array::from_fn(|i| (logs[i + 1] - logs[i]) / LOG_STEP);
        let height = logs[0].exp();
        let (bend, bend_inside) = (rate - inside, inside - further);
        if 4.0 * bend.abs() <= bend_inside.abs() {
            // A smooth factor's bend is so many times less with each step, and is known beyond.
            let ratio = if bend == 0.0 { 0.0 } else { bend / bend_inside };
            let left = bend * ratio / (1.0 - ratio);
            let doubt = (left.abs() + 1e-13) / rate.abs();
            return Fall { height, rate: rate + left, inside, doubt };
        }
        let rounding = 8.0 * f64::EPSILON * (logs[0].abs() + logs[1].abs());
        Fall { height, rate, inside, doubt: (bend.abs() + rounding) / rate.abs() }
    }

    /// The integral beyond, and its error; infinite where it does not fall off.
    fn integral(&self) -> (f64, f64) {
        if self.height == 0.0 {
            (0.0, 0.0)
        } else if self.rate > 0.0 {
            let integral = self.height / self.rate;
            (integral, integral * self.doubt.min(1.0))
        } else {
            (f64::INFINITY, f64::INFINITY)
        }
    }
}
