//! Continuous Bernoulli: `e^(ηx)` on (0, 1), η = ln(λ/(1 − λ)).

use crate::family::beta::Beta;
use crate::family::law::{Fade, Growth, Law, Moment, Point, Sum, square};
use crate::family::params::{Bad, inside};
use crate::special::{
    ln_ratio, unit_exponential_gap, unit_exponential_log, unit_exponential_mean, unit_exponential_variance,
};

#[derive(Clone, Copy, Debug)]
pub(crate) struct ContinuousBernoulli {
    probs: f64,
    /// η
    slope: f64,
}

impl ContinuousBernoulli {
    pub(crate) fn read(row: &[f64]) -> Result<ContinuousBernoulli, Bad> {
        let probs = inside(row, 0, "probs")?;
        // Near λ = ½ from 2λ − 1, which is exact there.
        let slope = if (0.25..=0.75).contains(&probs) {
            ((2.0 * probs - 1.0) / (1.0 - probs)).ln_1p()
        } else {
            ln_ratio(probs, 1.0 - probs)
        };
        Ok(ContinuousBernoulli { probs, slope })
    }

    /// The beta distribution that it is where it is uniform.
    pub(crate) fn as_beta(&self) -> Option<Beta> {
        (self.slope == 0.0).then(|| Beta::of(1.0, 1.0))
    }

    pub(crate) fn kl(&self, q: &ContinuousBernoulli) -> f64 {
        let (p, by) = (self.probs, q.probs - self.probs);
        let d = if by.abs() < 0.25 * p.min(1.0 - p) {
            (by / p).ln_1p() - (-by / (1.0 - p)).ln_1p()
        } else {
            q.slope - self.slope
        };
        unit_exponential_gap(q.slope, self.slope, d)
    }
}

impl Law for ContinuousBernoulli {
    fn support(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn fades(&self) -> (Fade, Fade) {
        (Fade::Edge(1.0), Fade::Edge(1.0))
    }

    fn grows(&self) -> (Growth, Growth) {
        (Growth::Slow, Growth::Slow)
    }

    fn place(&self) -> (f64, f64) {
        (unit_exponential_mean(self.slope), unit_exponential_variance(self.slope).sqrt())
    }

    fn entropy(&self) -> f64 {
        // Below that of the uniform distribution by the divergence from it.
        -unit_exponential_gap(0.0, self.slope, -self.slope)
    }

    fn ln_shape(&self, at: &Point) -> f64 {
        // From the end where most of it is.
        if self.slope > 0.0 { -self.slope * at.ln_rest.exp() } else { self.slope * at.x }
    }

    fn ln_unit(&self) -> f64 {
        self.slope.max(0.0) - unit_exponential_log(self.slope)
    }

    fn moment(&self, of: Moment) -> Option<f64> {
        let mean = unit_exponential_mean(self.slope);
        let variance = unit_exponential_variance(self.slope);
        Some(match of {
            Moment::Mean => mean,
            Moment::Square(c, s) => square(mean, variance.sqrt(), c, s),
            Moment::Distance(c) if c <= 0.0 => mean - c,
            Moment::Distance(c) if c >= 1.0 => c - mean,
            Moment::Power(1.0, unit) => mean / unit,
            Moment::Power(2.0, unit) => (variance + mean * mean) / unit / unit,
            _ => return None,
        })
    }

    fn cost(&self, p: &dyn Law) -> Option<Sum> {
        Sum::of(unit_exponential_log(self.slope)).plus(-self.slope, p.moment(Moment::Mean))
    }
}
