//! Student's t, and Cauchy, which is the one with a single degree of freedom.

use crate::family::integrate;
use crate::family::law::{Fade, Growth, Law, Moment, Point, Sum, square};
use crate::family::params::{Bad, positive, real};
use crate::special::gamma::{digamma_rise, ln_beta, ln_gamma_gap};
use crate::special::ln_ratio;

#[derive(Clone, Copy, Debug)]
pub(crate) struct StudentT {
    df: f64,
    loc: f64,
    scale: f64,
    /// The logarithm of the density at its peak.
    peak: f64,
}

impl StudentT {
    fn new(df: f64, loc: f64, scale: f64) -> StudentT {
        let peak = -ln_beta(0.5 * df, 0.5) - 0.5 * df.ln() - scale.ln();
        StudentT { df, loc, scale, peak }
    }

    pub(crate) fn read(row: &[f64]) -> Result<StudentT, Bad> {
        Ok(StudentT::new(positive(row, 0, "df")?, real(row, 1, "loc")?, positive(row, 2, "scale")?))
    }

    pub(crate) fn cauchy(row: &[f64]) -> Result<StudentT, Bad> {
        Ok(StudentT::new(1.0, real(row, 0, "loc")?, positive(row, 1, "scale")?))
    }

    /// For two Cauchy distributions `ln(1 + ((s_p − s_q)² + (loc_p − loc_q)²) / (4 s_p s_q))`; otherwise integrated, with
    /// ln(q/p) made of the differences of the parameters.
    pub(crate) fn kl(&self, q: &StudentT) -> Result<f64, f64> {
        let (stretch, shift) = ((self.scale - q.scale) / q.scale, (self.loc - q.loc) / q.scale);
        if self.df == 1.0 && q.df == 1.0 {
            let (d, m) = (self.scale - q.scale, self.loc - q.loc);
            let (x, y) = (d.abs().max(m.abs()), d.abs().min(m.abs()));
            if x == 0.0 {
                return Ok(0.0);
            }
            let t = 0.25 * (x / self.scale) * (x / q.scale) * (1.0 + (y / x) * (y / x));
            if t.is_finite() && t > f64::MIN_POSITIVE {
                return Ok(t.ln_1p());
            }
            if t > 1.0 {
                return Ok(
                    ln_ratio(x, self.scale) + ln_ratio(x, q.scale) + ((y / x) * (y / x)).ln_1p() - 4f64.ln()
                );
            }
            return Ok(t);
        }
        let wider = (q.df - self.df) / self.df;
        if stretch == 0.0 && shift == 0.0 && wider == 0.0 {
            return Ok(0.0);
        }
        let peaks = if wider.abs() < 0.5 {
            ln_ratio(self.scale, q.scale) + unit_peak_rise(self.df, q.df)
        } else {
            q.peak - self.peak
        };
        integrate::between(self, q, None, &|at, ln_p| {
            let z = at.less(self.loc) / self.scale;
            // How far q's z is from p's, in units of p's; for small degrees of freedom there is much beyond the range.
            let far = z.abs() >= FAR;
            let d = if far { stretch + shift / z } else { z * stretch + shift };
            if d.abs() > if far { 0.5 } else { 1.0 + 0.5 * z.abs() } || wider.abs() >= 0.5 {
                return q.ln_density(at) - ln_p;
            }
            let ln = self.ln_spread(at);
            let more = if far {
                // Divided by z², beside which 1 is nothing.
                (d * (2.0 + d) - wider) * (self.df / q.df)
            } else {
                (d * (2.0 * z + d) - wider * z * z) / q.df / (1.0 + z * z / self.df)
            };
            peaks - 0.5 * (q.df + 1.0) * more.ln_1p() - 0.5 * (q.df - self.df) * ln
        })
    }

    /// `ln(1 + z²/df)`, also where z has left the range.
    fn ln_spread(&self, at: &Point) -> f64 {
        match (at.less(self.loc) / self.scale).abs() {
            z if z < FAR => (z * z / self.df).ln_1p(),
            z if z.is_finite() => 2.0 * z.ln() - self.df.ln(),
            _ => 2.0 * (at.ln - self.scale.ln()) - self.df.ln(),
        }
    }
}

/// From this z on, 1 is nothing beside z²/df, and before it z² is in range.
const FAR: f64 = 1e100;

/// By how much ln of the peak at scale 1 rises from v to w degrees of freedom: `Γ((v + 1)/2)/Γ(v/2)` by tangents and gaps,
/// and √v.
fn unit_peak_rise(v: f64, w: f64) -> f64 {
    let d = 0.5 * (w - v);
    let gap = |raised: f64| ln_gamma_gap(0.5 * w + raised, 0.5 * v + raised, d);
    d * digamma_rise(0.5 * v, 0.5) + (gap(0.5) - gap(0.0)) - 0.5 * ln_ratio(w, v)
}

impl Law for StudentT {
    fn support(&self) -> (f64, f64) {
        (f64::NEG_INFINITY, f64::INFINITY)
    }

    fn fades(&self) -> (Fade, Fade) {
        (Fade::Power(self.df), Fade::Power(self.df))
    }

    fn grows(&self) -> (Growth, Growth) {
        (Growth::Slow, Growth::Slow)
    }

    fn place(&self) -> (f64, f64) {
        (self.loc, self.scale)
    }

    fn entropy(&self) -> f64 {
        0.5 * (self.df + 1.0) * digamma_rise(0.5 * self.df, 0.5) - self.peak
    }

    fn ln_unit(&self) -> f64 {
        self.peak
    }

    fn ln_shape(&self, at: &Point) -> f64 {
        -0.5 * (self.df + 1.0) * self.ln_spread(at)
    }

    fn moment(&self, of: Moment) -> Option<f64> {
        let StudentT { df, loc, scale, .. } = *self;
        match of {
            Moment::Mean if df > 1.0 => Some(loc),
            Moment::Square(c, s) if df > 2.0 => Some(square(loc, scale * (df / (df - 2.0)).sqrt(), c, s)),
            Moment::Distance(c) if df > 1.0 && c == loc => {
                Some(2.0 * scale * df.sqrt() / (df - 1.0) * (-ln_beta(0.5 * df, 0.5)).exp())
            }
            _ => None,
        }
    }

    fn cost(&self, _: &dyn Law) -> Option<Sum> {
        None
    }
}
