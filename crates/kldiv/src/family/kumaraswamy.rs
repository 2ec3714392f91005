//! Kumaraswamy: `(1 − x^a)^b` is uniform.

use crate::family::beta::Beta;
use crate::family::integrate;
use crate::family::law::{Fade, Growth, Law, Moment, Point, Slope, Sum, square};
use crate::family::params::{Bad, positive};
use crate::special::gamma::{digamma_rise, ln_beta, trigamma};
use crate::special::{ln_gap, ln_ratio};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Kumaraswamy {
    a: f64,
    b: f64,
}

impl Kumaraswamy {
    pub(crate) fn read(row: &[f64]) -> Result<Kumaraswamy, Bad> {
        Ok(Kumaraswamy { a: positive(row, 0, "concentration1")?, b: positive(row, 1, "concentration0")? })
    }

    /// The beta distribution that it is where either parameter is 1.
    pub(crate) fn as_beta(&self) -> Option<Beta> {
        (self.a == 1.0 || self.b == 1.0).then(|| Beta::of(self.a, self.b))
    }

    /// For equal a, `b_q/b_p − 1 − ln(b_q/b_p)`; otherwise integrated, with ln(q/p) made of the differences.
    pub(crate) fn kl(&self, q: &Kumaraswamy) -> Result<f64, f64> {
        let (da, db) = (q.a - self.a, q.b - self.b);
        if da == 0.0 {
            return Ok(ln_gap(q.b, self.b, db));
        }
        let peaks = ln_ratio(q.a, self.a) + ln_ratio(q.b, self.b);
        integrate::between(self, q, None, &|at, _| {
            // 1 − x^q less 1 − x^p, by the latter.
            let low = at.ln * self.a;
            let (rest, rise) = ln_rest_of_power(at, self.a);
            let step = da * at.ln;
            let rises = if step.abs() < 0.5 && rest > -700.0 {
                (-low.exp() * step.exp_m1() / rest.exp()).ln_1p()
            } else {
                ln_rest_of_power(at, q.a).1 - rise
            };
            peaks + step + db * rest + (q.b - 1.0) * rises
        })
    }
}

/// `ln(1 − xᵃ)`, and how far it is above `ln(1 − x)`: next to 1 that is ln a.
fn ln_rest_of_power(at: &Point, a: f64) -> (f64, f64) {
    // ln x of an x near 1 comes from what is left to 1.
    let ln = if at.ln_rest < -1.0 { (-at.ln_rest.exp()).ln_1p() } else { at.ln };
    let power = a * ln;
    if power > -1e-12 {
        return (a.ln() + at.ln_rest, a.ln());
    }
    let rest = if power < -1.0 { (-power.exp()).ln_1p() } else { (-power.exp_m1()).ln() };
    (rest, rest - at.ln_rest)
}

impl Law for Kumaraswamy {
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
        // The median, and a width such as a beta distribution has.
        let centre = (-(-std::f64::consts::LN_2 / self.b).exp_m1()).powf(1.0 / self.a);
        let width = (centre * (1.0 - centre) / (1.0 + self.a + self.b)).sqrt();
        (centre, width)
    }

    fn entropy(&self) -> f64 {
        let harmonic = digamma_rise(1.0, self.b);
        (1.0 - 1.0 / self.b) + (1.0 - 1.0 / self.a) * harmonic - self.a.ln() - self.b.ln()
    }

    fn ln_shape(&self, at: &Point) -> f64 {
        (self.a - 1.0) * at.ln + (self.b - 1.0) * ln_rest_of_power(at, self.a).0
    }

    fn ln_weight(&self, at: &Point, slope: Slope) -> f64 {
        let (rest, rise) = ln_rest_of_power(at, self.a);
        self.a * at.ln + self.b * rest - rise + slope.rest + (slope.natural - at.ln - at.ln_rest)
    }

    fn ln_unit(&self) -> f64 {
        self.a.ln() + self.b.ln()
    }

    fn moment(&self, of: Moment) -> Option<f64> {
        let Kumaraswamy { a, b } = *self;
        let ln = || -digamma_rise(1.0, b) / a;
        let power_in = |k: f64, unit: f64| match 1.0 + k / a {
            raised if raised <= 0.0 => f64::INFINITY,
            raised => (b.ln() + ln_beta(raised, b) - k * unit.ln()).exp(),
        };
        let power = |k: f64| power_in(k, 1.0);
        Some(match of {
            Moment::Mean => power(1.0),
            Moment::Square(c, s) => {
                let mean = power(1.0);
                square(mean, (power(2.0) - mean * mean).max(0.0).sqrt(), c, s)
            }
            Moment::Distance(c) if c <= 0.0 => power(1.0) - c,
            Moment::Distance(c) if c >= 1.0 => c - power(1.0),
            Moment::Power(k, unit) => power_in(k, unit),
            Moment::Ln => ln(),
            Moment::LnSquare(c) => (trigamma(1.0) - trigamma(b + 1.0)) / a / a + (ln() - c) * (ln() - c),
            _ => return None,
        })
    }

    fn cost(&self, p: &dyn Law) -> Option<Sum> {
        // ln(1 − x^a) has a mean only where a is 1 or nothing is asked of it.
        let rest = if self.a == 1.0 { p.moment(Moment::LnRest) } else { None };
        Sum::of(-self.a.ln())
            .and(-self.b.ln())
            .plus(1.0 - self.a, p.moment(Moment::Ln))?
            .plus(1.0 - self.b, rest)
    }
}
