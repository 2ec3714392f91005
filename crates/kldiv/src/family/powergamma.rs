//! Powers of a gamma variable: halfnormal, exponential, gamma, inverse gamma, chi², chi, Weibull.
//!
//! x = s G^(1/c) with G of shape a and rate 1; the density is `|c| x^(ac − 1) e^(−(x/s)ᶜ) / (Γ(a) s^(ac))`.

use std::f64::consts::{LN_2, SQRT_2};

use crate::family::law::{Fade, Growth, Law, Moment, Point, Slope, Sum, square};
use crate::family::loggamma::log_gamma_gap;
use crate::family::params::{Bad, positive};
use crate::special::gamma::{
    digamma, digamma_difference, gamma_entropy, ln_gamma, ln_gamma_gap, ln_gamma_rest, rest_gap, trigamma,
};
use crate::special::{exp_gap, ln_ratio, log_gap_of, product_excess};

#[derive(Clone, Copy, Debug)]
pub(crate) struct PowerGamma {
    /// a
    shape: f64,
    /// c
    power: f64,
    /// ln s
    ln_scale: f64,
    /// The mode of ln x.
    ln_mode: f64,
    unit: Unit,
}

/// How s was given.
#[derive(Clone, Copy, Debug)]
enum Unit {
    /// As the rate of xᶜ, c = ±1.
    Rate(f64),
    /// As σ, with s = √2 σ and c = 2.
    Sigma(f64),
    /// As s.
    Scale(f64),
}

impl PowerGamma {
    fn new(shape: f64, power: f64, unit: Unit) -> PowerGamma {
        let ln_scale = match unit {
            Unit::Rate(rate) => -power * rate.ln(),
            Unit::Sigma(sigma) => sigma.ln() + 0.5 * LN_2,
            Unit::Scale(scale) => scale.ln(),
        };
        PowerGamma { shape, power, ln_scale, ln_mode: ln_scale + shape.ln() / power, unit }
    }

    pub(crate) fn gamma(row: &[f64]) -> Result<PowerGamma, Bad> {
        let shape = positive(row, 0, "concentration")?;
        Ok(PowerGamma::new(shape, 1.0, Unit::Rate(positive(row, 1, "rate")?)))
    }

    pub(crate) fn inverse_gamma(row: &[f64]) -> Result<PowerGamma, Bad> {
        let shape = positive(row, 0, "concentration")?;
        Ok(PowerGamma::new(shape, -1.0, Unit::Rate(positive(row, 1, "rate")?)))
    }

    pub(crate) fn exponential(row: &[f64]) -> Result<PowerGamma, Bad> {
        Ok(PowerGamma::new(1.0, 1.0, Unit::Rate(positive(row, 0, "rate")?)))
    }

    pub(crate) fn chi2(row: &[f64]) -> Result<PowerGamma, Bad> {
        Ok(PowerGamma::new(0.5 * positive(row, 0, "df")?, 1.0, Unit::Rate(0.5)))
    }

    pub(crate) fn chi(row: &[f64]) -> Result<PowerGamma, Bad> {
        Ok(PowerGamma::new(0.5 * positive(row, 0, "df")?, 2.0, Unit::Sigma(1.0)))
    }

    pub(crate) fn half_normal(row: &[f64]) -> Result<PowerGamma, Bad> {
        Ok(PowerGamma::new(0.5, 2.0, Unit::Sigma(positive(row, 0, "scale")?)))
    }

    pub(crate) fn weibull(row: &[f64]) -> Result<PowerGamma, Bad> {
        let scale = positive(row, 0, "scale")?;
        Ok(PowerGamma::new(1.0, positive(row, 1, "concentration")?, Unit::Scale(scale)))
    }

    /// Of two gamma variables to the same power, or of two of shape 1.
    pub(crate) fn kl(&self, q: &PowerGamma) -> Option<f64> {
        match (self.unit, q.unit) {
            (Unit::Rate(s), Unit::Rate(t)) if self.power == q.power => {
                Some(gamma_gap(self.shape, s, q.shape, t))
            }
            (Unit::Sigma(s), Unit::Sigma(t)) => {
                let (a, b) = (self.shape, q.shape);
                let stretch = (s - t) / t * ((s + t) / t);
                let ratio = a / b * (s / t) * (s / t);
                let above = match a / b {
                    1.0 => stretch,
                    0.5..2.0 => ((a - b) * (s / t) * (s / t) + b * stretch) / b,
                    _ => ratio - 1.0,
                };
                let ln = || ln_ratio(a, b) + 2.0 * ln_ratio(s, t);
                Some(rest_gap(b, a, b - a) + b * means_gap(above, ratio, ln))
            }
            _ if self.shape == 1.0 && q.shape == 1.0 && self.power > 0.0 && q.power > 0.0 => {
                // −ln x is a Gumbel variable with location −ln s and scale 1/c.
                let ln = match (self.unit, q.unit) {
                    (Unit::Scale(s), Unit::Scale(t)) => ln_ratio(t, s),
                    _ => q.ln_scale - self.ln_scale,
                };
                let d = (q.power - self.power) / self.power;
                Some(log_gamma_gap(1.0, q.power / self.power, d, q.power * ln))
            }
            _ => None,
        }
    }

    /// s
    fn scale(&self) -> f64 {
        match self.unit {
            Unit::Rate(rate) if self.power == 1.0 => 1.0 / rate,
            Unit::Rate(rate) => rate,
            Unit::Sigma(sigma) => SQRT_2 * sigma,
            Unit::Scale(scale) => scale,
        }
    }

    /// The logarithm of the density of ln x.
    fn ln_bell(&self, at: &Point) -> f64 {
        // a ln a − a is taken out of ln Γ(a) and of a z − eᶻ, where it would cancel for large a.
        -self.shape * exp_gap(self.power * at.ln_less(self.ln_mode))
    }

    /// The mean of xᵏ, infinite where it is.
    fn power_mean(&self, k: f64, unit: f64) -> f64 {
        let (a, h) = (self.shape, k / self.power);
        if a + h <= 0.0 {
            return f64::INFINITY;
        }
        let by = k * (self.ln_scale - unit.ln());
        match (self.unit, h) {
            (_, 1.0) if k != 1.0 => a * by.exp(),
            (Unit::Rate(rate), _) if k == 1.0 && h == 1.0 => a / rate / unit,
            (Unit::Rate(rate), _) if k == 1.0 && h == -1.0 => rate / (a - 1.0) / unit,
            (_, -1.0) => by.exp() / (a - 1.0),
            _ => (rise(a, h) + by).exp(),
        }
    }
}

/// `ln Γ(a + h) − ln Γ(a)`.
fn rise(a: f64, h: f64) -> f64 {
    if a < 12.0 { ln_gamma(a + h) - ln_gamma(a) } else { ln_gamma_gap(a + h, a, h) + h * digamma(a) }
}

/// `v − 1 − ln v` of a ratio of means, for `ln` where the ratio has left the range.
fn means_gap(above: f64, ratio: f64, ln: impl Fn() -> f64) -> f64 {
    if ratio.is_normal() { log_gap_of(above, ratio) } else { above - ln() }
}

/// The divergence between gamma distributions of shapes a, b and rates s, t: with equal means it would be the gap of
/// `ln Γ(a) − a ln a + a`; the means, of ratio v, add `b (v − 1 − ln v)`.
#[inline]
pub(crate) fn gamma_gap(a: f64, s: f64, b: f64, t: f64) -> f64 {
    let rest = rest_gap(b, a, b - a);
    let (shapes, rates) = (a / b, t / s);
    let ratio = shapes * rates;
    if ratio > 1e290 {
        // Times b it may be in range again.
        return rest + if rates.is_normal() { a * rates } else { a * t / s };
    }
    let means = if ratio.is_normal() {
        log_gap_of(product_excess(a, t, b, s), ratio)
    } else {
        exp_gap(ln_ratio(a, b) + ln_ratio(t, s))
    };
    rest + b * means
}

/// The derivatives of [`gamma_gap`] by a, s, b, t.
pub(crate) fn gamma_gradient(a: f64, s: f64, b: f64, t: f64) -> [f64; 4] {
    let d = b - a;
    let above = b * product_excess(a, t, b, s);
    [(t - s) / s - d * trigamma(a), -above / s, digamma_difference(b, a, d) - ln_ratio(t, s), above / t]
}

impl Law for PowerGamma {
    fn support(&self) -> (f64, f64) {
        (0.0, f64::INFINITY)
    }

    fn fades(&self) -> (Fade, Fade) {
        let (edge, c) = (self.shape * self.power, self.power);
        match c {
            c if c < 0.0 => (Fade::Light, Fade::Power(-edge)),
            1.0 => (Fade::Edge(edge), Fade::Exponential((-self.ln_scale).exp())),
            _ => (Fade::Edge(edge), if c < 1.0 { Fade::Stretched(1.0 / c) } else { Fade::Light }),
        }
    }

    fn grows(&self) -> (Growth, Growth) {
        let end = Growth::Power(self.power.abs());
        if self.power < 0.0 { (end, Growth::Slow) } else { (Growth::Slow, end) }
    }

    fn place(&self) -> (f64, f64) {
        let centre = self.ln_mode.exp();
        (centre, centre * (1.0 / (self.shape.sqrt() * self.power.abs())).min(1.0))
    }

    fn entropy(&self) -> f64 {
        let (a, c) = (self.shape, self.power);
        let turn = if c == 1.0 { 0.0 } else { (1.0 / c - 1.0) * digamma(a) - c.abs().ln() };
        self.ln_scale + gamma_entropy(a) + turn
    }

    fn ln_shape(&self, at: &Point) -> f64 {
        self.ln_bell(at) - at.ln
    }

    fn ln_weight(&self, at: &Point, slope: Slope) -> f64 {
        self.ln_bell(at) + slope.rest + (slope.natural - at.ln)
    }

    fn ln_unit(&self) -> f64 {
        self.power.abs().ln() - ln_gamma_rest(self.shape)
    }

    fn moment(&self, of: Moment) -> Option<f64> {
        let (a, c) = (self.shape, self.power);
        Some(match of {
            Moment::Mean => self.power_mean(1.0, 1.0),
            Moment::Square(from, unit) => {
                let h = 1.0 / c;
                if a + 2.0 * h <= 0.0 {
                    return Some(f64::INFINITY);
                }
                let mean = self.power_mean(1.0, 1.0);
                // E x²/(E x)² − 1, from gaps about a + h whose tangents cancel.
                let spread = if c == 1.0 {
                    1.0 / a
                } else {
                    (ln_gamma_gap(a, a + h, -h) + ln_gamma_gap(a + 2.0 * h, a + h, h)).exp_m1()
                };
                square(mean, mean * spread.sqrt(), from, unit)
            }
            Moment::Distance(from) if from <= 0.0 => self.power_mean(1.0, 1.0) - from,
            Moment::Power(k, unit) => self.power_mean(k, unit),
            Moment::Ln => self.ln_scale + digamma(a) / c,
            Moment::LnSquare(from) => {
                let d = self.ln_scale + digamma(a) / c - from;
                trigamma(a) / c / c + d * d
            }
            Moment::Decay(from, s) if c == 1.0 => (from / s - a * ((self.ln_scale).exp() / s).ln_1p()).exp(),
            _ => return None,
        })
    }

    fn cost(&self, p: &dyn Law) -> Option<Sum> {
        let (a, c) = (self.shape, self.power);
        // E (x/s)ᶜ; a mean that left the range may be in it in units of s.
        let power = if c == 1.0 { p.moment(Moment::Mean) } else { None };
        let power = power.map(|mean| mean / self.scale()).filter(|power| power.is_normal());
        let power = power.or_else(|| p.moment(Moment::Power(c, self.scale())));
        Sum::of(ln_gamma(a) - c.abs().ln())
            .and(a * c * self.ln_scale)
            .plus(1.0 - a * c, p.moment(Moment::Ln))?
            .plus(1.0, power)
    }
}
