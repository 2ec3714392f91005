//! Pareto.

use crate::family::law::{Fade, Growth, Law, Moment, Point, Slope, Sum, square};
use crate::family::params::{Bad, positive};
use crate::special::{ln_gap, ln_ratio};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Pareto {
    scale: f64,
    alpha: f64,
}

impl Pareto {
    pub(crate) fn read(row: &[f64]) -> Result<Pareto, Bad> {
        Ok(Pareto { scale: positive(row, 0, "scale")?, alpha: positive(row, 1, "alpha")? })
    }

    /// `α_q/α_p − 1 − ln(α_q/α_p) + α_q ln(m_p/m_q)`, infinite for m_p < m_q.
    pub(crate) fn kl(&self, q: &Pareto) -> f64 {
        if self.scale < q.scale {
            return f64::INFINITY;
        }
        let alphas = ln_gap(q.alpha, self.alpha, q.alpha - self.alpha);
        alphas + q.alpha * ln_ratio(self.scale, q.scale)
    }

    fn power(&self, k: f64) -> f64 {
        if k >= self.alpha { f64::INFINITY } else { self.scale.powf(k) * (self.alpha / (self.alpha - k)) }
    }
}

impl Law for Pareto {
    fn support(&self) -> (f64, f64) {
        (self.scale, f64::INFINITY)
    }

    fn fades(&self) -> (Fade, Fade) {
        (Fade::Edge(1.0), Fade::Power(self.alpha))
    }

    fn grows(&self) -> (Growth, Growth) {
        (Growth::Slow, Growth::Slow)
    }

    fn place(&self) -> (f64, f64) {
        let width = self.scale * (1.0 / self.alpha).min(1.0);
        (self.scale + width, width)
    }

    fn entropy(&self) -> f64 {
        (self.scale / self.alpha).ln() + 1.0 + 1.0 / self.alpha
    }

    fn ln_shape(&self, at: &Point) -> f64 {
        -self.alpha * at.ln_over(self.scale) - at.ln
    }

    fn ln_weight(&self, at: &Point, slope: Slope) -> f64 {
        -self.alpha * at.ln_over(self.scale) + slope.rest + (slope.natural - at.ln)
    }

    fn ln_unit(&self) -> f64 {
        self.alpha.ln()
    }

    fn moment(&self, of: Moment) -> Option<f64> {
        let Pareto { scale, alpha } = *self;
        let ln = scale.ln() + 1.0 / alpha;
        Some(match of {
            Moment::Mean => self.power(1.0),
            Moment::Square(..) if alpha <= 2.0 => f64::INFINITY,
            Moment::Square(c, s) => {
                let mean = self.power(1.0);
                square(mean, mean / (alpha * (alpha - 2.0)).sqrt(), c, s)
            }
            Moment::Distance(c) if c <= scale => self.power(1.0) - c,
            Moment::Power(k, unit) => Pareto { scale: scale / unit, alpha }.power(k),
            Moment::Ln => ln,
            Moment::LnSquare(c) => 1.0 / alpha / alpha + (ln - c) * (ln - c),
            _ => return None,
        })
    }

    fn cost(&self, p: &dyn Law) -> Option<Sum> {
        let Pareto { scale, alpha } = *self;
        Sum::of(-alpha.ln()).and(-alpha * scale.ln()).plus(1.0 + alpha, p.moment(Moment::Ln))
    }
}
