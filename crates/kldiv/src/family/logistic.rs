//! Logistic.

use std::f64::consts::PI;

use crate::family::integrate;
use crate::family::law::{Fade, Growth, Law, Moment, Point, Sum, square};
use crate::family::params::{Bad, positive, real};
use crate::special::{ln_ratio, sigmoid, softplus};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Logistic {
    loc: f64,
    scale: f64,
}

impl Logistic {
    pub(crate) fn read(row: &[f64]) -> Result<Logistic, Bad> {
        Ok(Logistic { loc: real(row, 0, "loc")?, scale: positive(row, 1, "scale")? })
    }

    /// Integrated, with ln(q/p) made of the differences of the parameters.
    pub(crate) fn kl(&self, q: &Logistic) -> Result<f64, f64> {
        let stretch = (self.scale - q.scale) / q.scale;
        let shift = (self.loc - q.loc) / q.scale;
        if stretch == 0.0 && shift == 0.0 {
            return Ok(0.0);
        }
        let ln = ln_ratio(self.scale, q.scale);
        integrate::between(self, q, None, &|at, ln_p| {
            let z = at.less(self.loc) / self.scale;
            let d = z * stretch + shift;
            if d.abs() > 1.0 {
                return q.ln_density(at) - ln_p;
            }
            ln - d - 2.0 * (sigmoid(-z) * (-d).exp_m1()).ln_1p()
        })
    }
}

impl Law for Logistic {
    fn support(&self) -> (f64, f64) {
        (f64::NEG_INFINITY, f64::INFINITY)
    }

    fn fades(&self) -> (Fade, Fade) {
        (Fade::Exponential(1.0 / self.scale), Fade::Exponential(1.0 / self.scale))
    }

    fn grows(&self) -> (Growth, Growth) {
        (Growth::Power(1.0), Growth::Power(1.0))
    }

    fn place(&self) -> (f64, f64) {
        (self.loc, self.scale)
    }

    fn entropy(&self) -> f64 {
        self.scale.ln() + 2.0
    }

    fn ln_shape(&self, at: &Point) -> f64 {
        let z = (at.less(self.loc) / self.scale).abs();
        -z - 2.0 * (-z).exp().ln_1p()
    }

    fn ln_unit(&self) -> f64 {
        -self.scale.ln()
    }

    fn moment(&self, of: Moment) -> Option<f64> {
        let Logistic { loc, scale } = *self;
        Some(match of {
            Moment::Mean => loc,
            Moment::Square(c, s) => square(loc, PI / 3f64.sqrt() * scale, c, s),
            Moment::Distance(c) => {
                let d = (loc - c).abs();
                d + 2.0 * scale * softplus(-d / scale)
            }
            Moment::Decay(c, s) => {
                let r = scale / s;
                ((c - loc) / s).exp() * (PI * r / (PI * r).sin())
            }
            _ => return None,
        })
    }

    fn cost(&self, _: &dyn Law) -> Option<Sum> {
        None
    }
}
