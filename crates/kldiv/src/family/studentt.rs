//! Student's t, and Cauchy, which is the one with a single degree of freedom.

use crate::family::integrate;
use crate::family::law::{Fade, Growth, Law, Moment, Point, Sum, square};
use crate::family::params::{Bad, positive, real};
use crate::special::gamma::{digamma_rise, ln_beta};
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
        let peaks = if wider == 0.0 { ln_ratio(self.scale, q.scale) } else { q.peak - self.peak };
        integrate::between(self, q, &|at, ln_p| {
            let z = (at.x - self.loc) / self.scale;
            let d = z * stretch + shift;
            if !(z.is_finite() && d.abs() <= 1.0 + 0.5 * z.abs() && wider.abs() < 0.5) {
                return q.ln_density(at) - ln_p;
            }
            // u = z²/df of either; at first of p.
            let u = z * z / self.df;
            let (one, more) = if z.abs() < 1e100 {
                (1.0 + u, (d * (2.0 * z + d) - wider * z * z) / q.df)
            } else {
                // Divided by z², where 1 is nothing.
                (1.0 / self.df, (d / z * (2.0 + d / z) - wider) / q.df)
            };
            let rise = (more / one).ln_1p();
            let ln = if z.abs() < 1e100 { u.ln_1p() } else { 2.0 * z.abs().ln() - self.df.ln() };
            peaks - 0.5 * (q.df + 1.0) * rise - 0.5 * (q.df - self.df) * ln
        })
    }
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
        let z = ((at.x - self.loc) / self.scale).abs();
        let ln = match z {
            z if z < 1e100 => (z * z / self.df).ln_1p(),
            z if z.is_finite() => 2.0 * z.ln() - self.df.ln(),
            _ => 2.0 * (at.ln - self.scale.ln()) - self.df.ln(),
        };
        -0.5 * (self.df + 1.0) * ln
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
