//! Beta.

use crate::family::law::{Fade, Growth, Law, Moment, Point, Slope, Sum, square};
use crate::family::params::{Bad, positive};
use crate::special::gamma::{
    Step, digamma, digamma_difference, digamma_rise, gamma_entropy, ln_beta, ln_beta_gap, ln_gamma,
    ln_gamma_gap, trigamma,
};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Beta {
    a: f64,
    b: f64,
}

impl Beta {
    pub(crate) fn read(row: &[f64]) -> Result<Beta, Bad> {
        Ok(Beta { a: positive(row, 0, "concentration1")?, b: positive(row, 1, "concentration0")? })
    }

    /// Of parameters that are good.
    pub(crate) fn of(a: f64, b: f64) -> Beta {
        Beta { a, b }
    }

    /// The gap of ln B.
    pub(crate) fn kl(&self, q: &Beta) -> f64 {
        ln_beta_gap(Step::new(self.a, q.a), Step::new(self.b, q.b))
    }

    /// The derivatives of [`Beta::kl`] by a_p, b_p, a_q, b_q.
    pub(crate) fn gradient(&self, q: &Beta) -> [f64; 4] {
        let (a, b) = (Step::new(self.a, q.a), Step::new(self.b, q.b));
        let s = a.plus(b);
        let by_p = |x: Step| s.by * trigamma(s.from) - x.by * trigamma(x.from);
        let by_q = |x: Step| digamma_difference(x.to, x.from, x.by) - digamma_difference(s.to, s.from, s.by);
        [by_p(a), by_p(b), by_q(a), by_q(b)]
    }

    /// The mean of (x/unit)ᵏ.
    fn power(&self, k: f64, unit: f64) -> f64 {
        let Beta { a, b } = *self;
        match k {
            _ if a + k <= 0.0 => f64::INFINITY,
            1.0 => a / (a + b) / unit,
            -1.0 => (a + b - 1.0) / (a - 1.0) * unit,
            _ => (self.ln_power(k) - k * unit.ln()).exp(),
        }
    }

    /// The logarithm of the mean of xᵏ.
    fn ln_power(&self, k: f64) -> f64 {
        let Beta { a, b } = *self;
        let rise = |x: f64| ln_gamma_gap(x + k, x, k);
        if a + b < 12.0 {
            ln_beta(a + k, b) - ln_beta(a, b)
        } else if a + k.min(0.0) > 1e-3 {
            rise(a) - rise(a + b) - k * digamma_rise(a, b)
        } else {
            ln_gamma(a + k) - ln_gamma(a) - rise(a + b) - k * digamma(a + b)
        }
    }
}

impl Law for Beta {
    fn support(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn fades(&self) -> (Fade, Fade) {
        (Fade::Edge(self.a), Fade::Edge(self.b))
    }

    fn grows(&self) -> (Growth, Growth) {
        (Growth::Slow, Growth::Slow)
    }

    fn place(&self) -> (f64, f64) {
        let s = self.a + self.b;
        let mean = self.a / s;
        (mean, (mean * (self.b / s) / (s + 1.0)).sqrt())
    }

    fn entropy(&self) -> f64 {
        let s = self.a + self.b;
        gamma_entropy(self.a) + gamma_entropy(self.b) - gamma_entropy(s) - digamma(s)
    }

    fn ln_shape(&self, at: &Point) -> f64 {
        (self.a - 1.0) * at.ln + (self.b - 1.0) * at.ln_rest
    }

    fn ln_weight(&self, at: &Point, slope: Slope) -> f64 {
        self.a * at.ln + self.b * at.ln_rest + slope.rest + (slope.natural - at.ln - at.ln_rest)
    }

    fn ln_unit(&self) -> f64 {
        -ln_beta(self.a, self.b)
    }

    fn moment(&self, of: Moment) -> Option<f64> {
        let Beta { a, b } = *self;
        let s = a + b;
        let ln = || -digamma_rise(a, b);
        Some(match of {
            Moment::Mean => a / s,
            Moment::Square(c, unit) => square(a / s, self.place().1, c, unit),
            Moment::Distance(c) if c <= 0.0 => a / s - c,
            Moment::Distance(c) if c >= 1.0 => c - a / s,
            Moment::Power(k, unit) => self.power(k, unit),
            Moment::Ln => ln(),
            Moment::LnSquare(c) => trigamma(a) - trigamma(s) + (ln() - c) * (ln() - c),
            Moment::LnRest => -digamma_rise(b, a),
            _ => return None,
        })
    }

    fn cost(&self, p: &dyn Law) -> Option<Sum> {
        Sum::of(ln_beta(self.a, self.b))
            .plus(1.0 - self.a, p.moment(Moment::Ln))?
            .plus(1.0 - self.b, p.moment(Moment::LnRest))
    }
}
