//! Laplace.

use std::f64::consts::SQRT_2;

use crate::family::law::{Fade, Growth, Law, Moment, Point, Sum, square};
use crate::family::params::{Bad, positive, real};
use crate::special::{exp_gap, ln_gap};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Laplace {
    loc: f64,
    scale: f64,
}

impl Laplace {
    pub(crate) fn read(row: &[f64]) -> Result<Laplace, Bad> {
        Ok(Laplace { loc: real(row, 0, "loc")?, scale: positive(row, 1, "scale")? })
    }

    /// With r = b_p/b_q and u = |μ_p − μ_q|/b_p, `(r − 1 − ln r) + r (e⁻ᵘ − 1 + u)`.
    pub(crate) fn kl(&self, q: &Laplace) -> f64 {
        let u = (self.loc - q.loc).abs() / self.scale;
        let gap = ln_gap(self.scale, q.scale, self.scale - q.scale);
        let r = self.scale / q.scale;
        // For large u, r u may be finite where u is not. A gap that is infinite has nothing to be added.
        match u {
            _ if gap == f64::INFINITY => gap,
            0.0..1e3 => gap + r * exp_gap(-u),
            _ => gap + ((self.loc - q.loc).abs() / q.scale - r),
        }
    }
}

impl Law for Laplace {
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
        1.0 + (2.0 * self.scale).ln()
    }

    fn ln_shape(&self, at: &Point) -> f64 {
        -at.less(self.loc).abs() / self.scale
    }

    fn ln_unit(&self) -> f64 {
        -(2.0 * self.scale).ln()
    }

    fn moment(&self, of: Moment) -> Option<f64> {
        let Laplace { loc, scale } = *self;
        Some(match of {
            Moment::Mean => loc,
            Moment::Square(c, s) => square(loc, SQRT_2 * scale, c, s),
            Moment::Distance(c) => (loc - c).abs() + scale * (-(loc - c).abs() / scale).exp(),
            Moment::Decay(c, s) => ((c - loc) / s).exp() / ((1.0 - scale / s) * (1.0 + scale / s)),
            _ => return None,
        })
    }

    fn cost(&self, p: &dyn Law) -> Option<Sum> {
        Sum::of((2.0 * self.scale).ln()).plus(1.0 / self.scale, p.moment(Moment::Distance(self.loc)))
    }
}
