//! Gumbel and Moyal: `loc − scale ln G` of a gamma variable G of shape 1 or ½. Weibull is e to the minus Gumbel.

use std::f64::consts::LN_2;

use crate::family::law::{Fade, Growth, Law, Moment, Point, Sum, square};
use crate::family::params::{Bad, positive, real};
use crate::special::gamma::{digamma, gamma_entropy, ln_gamma, ln_gamma_gap, trigamma};
use crate::special::{EULER, exp_gap, exponential_integral, log_gap_of};

#[derive(Clone, Copy, Debug)]
pub(crate) struct LogGamma {
    /// As given; for Moyal G is half the gamma variable that its density speaks of.
    loc: f64,
    scale: f64,
    shape: f64,
    /// What is subtracted from loc, in units of scale.
    shift: f64,
}

impl LogGamma {
    pub(crate) fn gumbel(row: &[f64]) -> Result<LogGamma, Bad> {
        Ok(LogGamma { loc: real(row, 0, "loc")?, scale: positive(row, 1, "scale")?, shape: 1.0, shift: 0.0 })
    }

    pub(crate) fn moyal(row: &[f64]) -> Result<LogGamma, Bad> {
        Ok(LogGamma { shape: 0.5, shift: LN_2, ..LogGamma::gumbel(row)? })
    }

    /// The same shape only.
    pub(crate) fn kl(&self, q: &LogGamma) -> Option<f64> {
        if self.shape != q.shape {
            return None;
        }
        let d = (self.scale - q.scale) / q.scale;
        Some(log_gamma_gap(
            self.shape,
            self.scale / q.scale,
            d,
            (self.loc - q.loc) / q.scale - d * self.shift,
        ))
    }

    fn start(&self) -> f64 {
        self.loc - self.scale * self.shift
    }

    fn mean(&self) -> f64 {
        let digamma = if self.shape == 1.0 { -EULER } else { digamma(self.shape) };
        self.start() - self.scale * digamma
    }
}

/// The divergence between two with shape a, r = s_p/s_q = 1 + d and m = (loc_p − loc_q)/s_q:
/// `a (eʷ − 1 − w) + a gap(a + r) + (r − 1 − ln r)`, where `w = ln Γ(a + r) − ln Γ(a + 1) − m` and the gap is that of
/// ln Γ from a + 1.
pub(crate) fn log_gamma_gap(a: f64, r: f64, d: f64, m: f64) -> f64 {
    // No part is below 0, and one of them is infinite then.
    if !(r.is_finite() && m.is_finite()) {
        return f64::INFINITY;
    }
    let gap = ln_gamma_gap(a + r, a + 1.0, d);
    let slope = if a == 1.0 { 1.0 - EULER } else { digamma(a + 1.0) };
    let w = (gap + d * slope) - m;
    a * (exp_gap(w) + gap) + log_gap_of(d, r)
}

impl Law for LogGamma {
    fn support(&self) -> (f64, f64) {
        (f64::NEG_INFINITY, f64::INFINITY)
    }

    fn fades(&self) -> (Fade, Fade) {
        (Fade::Light, Fade::Exponential(self.shape / self.scale))
    }

    fn grows(&self) -> (Growth, Growth) {
        (Growth::Exponential(1.0 / self.scale), Growth::Power(1.0))
    }

    fn place(&self) -> (f64, f64) {
        (self.loc, self.scale)
    }

    fn entropy(&self) -> f64 {
        self.scale.ln() + gamma_entropy(self.shape) - digamma(self.shape)
    }

    fn ln_shape(&self, at: &Point) -> f64 {
        let z = at.less(self.loc) / self.scale + self.shift;
        -self.shape * z - (-z).exp()
    }

    fn ln_unit(&self) -> f64 {
        -self.scale.ln() - ln_gamma(self.shape)
    }

    fn moment(&self, of: Moment) -> Option<f64> {
        let scale = self.scale;
        Some(match of {
            Moment::Mean => self.mean(),
            Moment::Square(c, s) => square(self.mean(), scale * trigamma(self.shape).sqrt(), c, s),
            Moment::Distance(c) if self.shape == 1.0 => {
                let z = (c - self.loc) / scale;
                // From far above the formula cancels, and there nearly everything is below.
                if z > 700.0 {
                    c - self.mean()
                } else {
                    (self.mean() - c) + 2.0 * scale * exponential_integral((-z).exp())
                }
            }
            Moment::Decay(c, s) => {
                let r = scale / s;
                let ln = ln_gamma(self.shape + r) - ln_gamma(self.shape);
                ((c - self.start()) / s + ln).exp()
            }
            _ => return None,
        })
    }

    fn cost(&self, p: &dyn Law) -> Option<Sum> {
        let (a, scale, start) = (self.shape, self.scale, self.start());
        let mean = p.moment(Moment::Mean).map(|mean| (mean - start) / scale);
        Sum::of(scale.ln() + ln_gamma(a)).plus(a, mean)?.plus(1.0, p.moment(Moment::Decay(start, scale)))
    }
}
