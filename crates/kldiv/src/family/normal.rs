//! Normal and lognormal.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use crate::family::law::{Fade, Growth, Law, Moment, Point, Slope, Sum, square};
use crate::family::params::{Bad, positive, real};
use crate::special::{HALF_LN_TWO_PI, scale_gap};

/// Of x, with mean and standard deviation; also of ln x.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Normal {
    pub(crate) loc: f64,
    pub(crate) scale: f64,
}

impl Normal {
    pub(crate) fn read(row: &[f64]) -> Result<Normal, Bad> {
        Ok(Normal { loc: real(row, 0, "loc")?, scale: positive(row, 1, "scale")? })
    }

    /// With v = (σ_p/σ_q)², `½ (v − 1 − ln v) + ½ ((μ_p − μ_q)/σ_q)²`.
    #[inline]
    pub(crate) fn kl(&self, q: &Normal) -> f64 {
        let z = (self.loc - q.loc) / q.scale;
        scale_gap(self.scale, q.scale) + 0.5 * z * z
    }

    /// The derivatives of [`Normal::kl`] by μ_p, σ_p, μ_q, σ_q.
    pub(crate) fn gradient(&self, q: &Normal) -> [f64; 4] {
        let (Normal { loc: m, scale: s }, Normal { loc: n, scale: t }) = (*self, *q);
        let z = (m - n) / t;
        let stretch = (s - t) / t * ((s + t) / t);
        [z / t, stretch / s, -z / t, (-stretch - z * z) / t]
    }

    /// The logarithm of the shape at a distance from loc.
    fn ln_shape_at(&self, distance: f64) -> f64 {
        let z = distance / self.scale;
        -0.5 * z * z
    }

    fn entropy_of(&self) -> f64 {
        self.scale.ln() + HALF_LN_TWO_PI + 0.5
    }
}

impl Law for Normal {
    fn support(&self) -> (f64, f64) {
        (f64::NEG_INFINITY, f64::INFINITY)
    }

    fn fades(&self) -> (Fade, Fade) {
        (Fade::Light, Fade::Light)
    }

    fn grows(&self) -> (Growth, Growth) {
        (Growth::Power(2.0), Growth::Power(2.0))
    }

    fn place(&self) -> (f64, f64) {
        (self.loc, self.scale)
    }

    fn entropy(&self) -> f64 {
        self.entropy_of()
    }

    fn ln_shape(&self, at: &Point) -> f64 {
        self.ln_shape_at(at.less(self.loc))
    }

    fn ln_unit(&self) -> f64 {
        -self.scale.ln() - HALF_LN_TWO_PI
    }

    fn moment(&self, of: Moment) -> Option<f64> {
        Some(match of {
            Moment::Mean => self.loc,
            Moment::Square(c, s) => square(self.loc, self.scale, c, s),
            Moment::Distance(c) => {
                let d = self.loc - c;
                let z = d / self.scale;
                self.scale * (2.0 / PI).sqrt() * (-0.5 * z * z).exp() + d * pxfm::f_erf(z * FRAC_1_SQRT_2)
            }
            Moment::Decay(c, s) => {
                let r = self.scale / s;
                ((c - self.loc) / s + 0.5 * r * r).exp()
            }
            _ => return None,
        })
    }

    fn cost(&self, p: &dyn Law) -> Option<Sum> {
        let square = p.moment(Moment::Square(self.loc, self.scale));
        Sum::of(self.scale.ln()).and(HALF_LN_TWO_PI).plus(0.5, square)
    }
}

/// e to the power of a normal variable.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogNormal(pub(crate) Normal);

impl LogNormal {
    /// The mean of xᵏ.
    fn power(&self, k: f64) -> f64 {
        let Normal { loc, scale } = self.0;
        (k * loc + 0.5 * (k * scale) * (k * scale)).exp()
    }
}

impl Law for LogNormal {
    fn support(&self) -> (f64, f64) {
        (0.0, f64::INFINITY)
    }

    fn fades(&self) -> (Fade, Fade) {
        (Fade::Stretched(self.0.scale), Fade::Stretched(self.0.scale))
    }

    fn grows(&self) -> (Growth, Growth) {
        (Growth::Slow, Growth::Slow)
    }

    fn place(&self) -> (f64, f64) {
        let centre = self.0.loc.exp();
        (centre, centre * self.0.scale.min(1.0))
    }

    fn entropy(&self) -> f64 {
        self.0.entropy_of() + self.0.loc
    }

    fn ln_shape(&self, at: &Point) -> f64 {
        self.0.ln_shape_at(at.ln_less(self.0.loc)) - at.ln
    }

    fn ln_weight(&self, at: &Point, slope: Slope) -> f64 {
        self.0.ln_shape_at(at.ln_less(self.0.loc)) + slope.rest + (slope.natural - at.ln)
    }

    fn ln_unit(&self) -> f64 {
        self.0.ln_unit()
    }

    fn moment(&self, of: Moment) -> Option<f64> {
        let Normal { loc, scale } = self.0;
        Some(match of {
            Moment::Mean => self.power(1.0),
            Moment::Square(c, s) => {
                let mean = self.power(1.0);
                square(mean, mean * (scale * scale).exp_m1().sqrt(), c, s)
            }
            Moment::Distance(c) if c <= 0.0 => self.power(1.0) - c,
            Moment::Power(k, s) => (k * (loc - s.ln()) + 0.5 * (k * scale) * (k * scale)).exp(),
            Moment::Ln => loc,
            Moment::LnSquare(c) => square(loc, scale, c, 1.0),
            _ => return None,
        })
    }

    fn cost(&self, p: &dyn Law) -> Option<Sum> {
        let Normal { loc, scale } = self.0;
        Sum::of(scale.ln())
            .and(HALF_LN_TWO_PI)
            .plus(1.0, p.moment(Moment::Ln))?
            .plus(0.5 / scale / scale, p.moment(Moment::LnSquare(loc)))
    }
}
