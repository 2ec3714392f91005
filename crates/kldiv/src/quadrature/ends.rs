//! What lies beyond the last node before an end: a power of the distance, which two nodes tell and a third confirms.
//!
//! Near an end at 1 the closest number to it is 1e-16 away, and an integrand like a root's reciprocal keeps a part in
//! 1e-8 of its integral beyond that. So the rule stops at 1024 such steps, where distances still have three digits, and
//! the rest is integrated as a formula: p as a power of the distance, ln(p/q) as a straight line in its logarithm. The
//! three points that say so lie at powers of 2 from the end and are exact. The same says whether there is an integral.

use crate::error::Error;
use crate::excess::excess;
use crate::quadrature::nodes::{FURTHEST, STEP, Span};

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

/// An end of a span.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct End {
    /// The powers of the distance that p and q go by.
    pub(crate) powers: [f64; 2],
    /// What the integrals have beyond the last node, and how far that may be off.
    pub(crate) tail: [f64; 4],
    pub(crate) error: [f64; 4],
    /// The mass of p where q is 0.
    pub(crate) without_q: f64,
}

impl End {
    pub(crate) fn look(densities: &mut Densities, span: &Span, end: usize) -> Result<End, Stop> {
        let infinite = end == 1 && !span.is_finite();
        let (closest, step) = if infinite { (FURTHEST, 1.0 / 32.0) } else { (span.closest(end), 32.0) };
        let mut samples = [Sample::of_logs(0.0, 0.0); 3];
        let mut logs = [0.0; 3];
        for (i, sample) in samples.iter_mut().enumerate() {
            let distance = closest * f64::powi(step, i as i32);
            *sample = densities(span.inwards(end, distance))?;
            logs[i] = distance.ln();
        }
        let towards_end = if infinite { -1.0 } else { 1.0 };
        let power = |of: fn(&Sample) -> f64| {
            let power = (of(&samples[1]) - of(&samples[0])) / STEP * towards_end;
            if power.is_finite() { power } else { 0.0 }
        };
        let mut model =
            End { powers: [power(|sample| sample.log_p), power(|sample| sample.log_q)], ..End::default() };
        model.integrate(&samples, &logs)?;
        Ok(model)
    }

    /// The integrals over the distances below the closest, in the logarithm y of the distance, where each integrand h
    /// falls off towards the end as e^(cy).
    fn integrate(&mut self, samples: &[Sample; 3], logs: &[f64; 3]) -> Result<(), Stop> {
        let q = Fall::of(samples.each_ref().map(|sample| sample.log_q), logs);
        (self.tail[Q], self.error[Q]) = q.integral();
        let p = Fall::of(samples.each_ref().map(|sample| sample.log_p), logs);
        if samples[0].log_p < -1200.0 {
            (self.tail[G], self.error[G]) = (self.tail[Q], self.error[Q]);
            return Ok(());
        }
        (self.tail[P], self.error[P]) = p.integral();
        if samples[0].lacks_q() && samples[1].lacks_q() {
            self.without_q = self.tail[P];
            return Ok(());
        }
        let ratios = samples.map(|sample| sample.log_ratio);
        let [first, second, third] = ratios;
        let bend = (third - 2.0 * second + first).abs();
        let rounding = 8.0 * f64::EPSILON * samples.iter().map(|s| s.log_p.abs() + s.log_q.abs()).sum::<f64>();
        let c = p.rate;
        if bend <= 1e-3 * (second - first).abs() + rounding {
            let slope = (second - first) / STEP;
            self.tail[F] = p.height * (first / c - slope / (c * c));
            let bent = p.height / c * bend * (1.0 + 1.0 / c);
            self.error[F] = bent + self.tail[F].abs() * p.doubt() * (1.0 + 1.0 / c);
        } else {
            // ln(p/q) is more than a straight line: a power as well, whose reach is all that can be told.
            let f = Fall::of(std::array::from_fn(|i| samples[i].log_p + ratios[i].abs().ln()), logs);
            if first > 0.0 && second > 0.0 && f.rate <= 1e-9 && f.rate_inside <= 1e-3 && p.rate > 0.0 {
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
    rate_inside: f64,
}

impl Fall {
    /// From the logarithms of a function of x at the three distances.
    fn of(values: [f64; 3], logs: &[f64; 3]) -> Fall {
        let logs: [f64; 3] = std::array::from_fn(|i| values[i] + logs[i]);
        Fall {
            height: logs[0].exp(),
            rate: (logs[1] - logs[0]) / STEP,
            rate_inside: (logs[2] - logs[1]) / STEP,
        }
    }

    /// How far the rate may be off, relatively. A smooth factor bends it 32 times less with each step towards the end;
    /// whatever bends it more than that would is believed to go on.
    fn doubt(&self) -> f64 {
        let bend = (self.rate - self.rate_inside).abs() / self.rate;
        1e-13 + if bend < 1e-6 { bend / 16.0 } else { bend }
    }

    /// The integral beyond, and its error; infinite where it does not fall off.
    fn integral(&self) -> (f64, f64) {
        if self.height == 0.0 {
            (0.0, 0.0)
        } else if self.rate > 0.0 {
            let integral = self.height / self.rate;
            (integral, integral * self.doubt().min(1.0))
        } else {
            (f64::INFINITY, f64::INFINITY)
        }
    }
}
