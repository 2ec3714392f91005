//! Uniform.

use crate::error::Domain;
use crate::family::beta::Beta;
use crate::family::law::{Fade, Growth, Law, Moment, Point, Sum, square};
use crate::family::params::{Bad, real};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Uniform {
    low: f64,
    high: f64,
}

impl Uniform {
    pub(crate) fn read(row: &[f64]) -> Result<Uniform, Bad> {
        let (low, high) = (real(row, 0, "low")?, real(row, 1, "high")?);
        if low < high && (high - low).is_finite() {
            Ok(Uniform { low, high })
        } else {
            Err(Bad { col: 1, name: "high", expected: Domain::AboveLow })
        }
    }

    /// The beta distribution that it is between 0 and 1.
    pub(crate) fn as_beta(&self) -> Option<Beta> {
        (self.low == 0.0 && self.high == 1.0).then(|| Beta::of(1.0, 1.0))
    }

    fn width(&self) -> f64 {
        self.high - self.low
    }

    /// The logarithm of how much wider q is, where p is within it.
    pub(crate) fn kl(&self, q: &Uniform) -> f64 {
        if self.low < q.low || self.high > q.high {
            return f64::INFINITY;
        }
        let (below, above) = (self.low - q.low, q.high - self.high);
        let more = (below + above) / self.width();
        if more.is_finite() { more.ln_1p() } else { q.width().ln() - self.width().ln() }
    }

    /// The mean of f, which is F' and smooth over the whole width, where differences of F would cancel; `integral` is F
    /// over the width.
    fn mean(&self, f: impl Fn(f64) -> f64, integral: impl Fn(f64) -> f64) -> f64 {
        if self.width() < 0.1 * self.low.abs().max(self.high.abs()) {
            crate::special::quadrature::gauss(self.low, self.high, f) / self.width()
        } else {
            let up_to = integral(self.high);
            if up_to == f64::INFINITY { up_to } else { up_to - integral(self.low) }
        }
    }
}

/// `x ln x`, 0 at 0.
fn x_ln(x: f64) -> f64 {
    if x == 0.0 { 0.0 } else { x * x.ln() }
}

impl Law for Uniform {
    fn support(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    fn fades(&self) -> (Fade, Fade) {
        (Fade::Edge(1.0), Fade::Edge(1.0))
    }

    fn grows(&self) -> (Growth, Growth) {
        (Growth::Slow, Growth::Slow)
    }

    fn place(&self) -> (f64, f64) {
        (self.low + 0.5 * self.width(), 0.25 * self.width())
    }

    fn entropy(&self) -> f64 {
        self.width().ln()
    }

    fn ln_shape(&self, _: &Point) -> f64 {
        0.0
    }

    fn ln_unit(&self) -> f64 {
        -self.width().ln()
    }

    fn moment(&self, of: Moment) -> Option<f64> {
        let Uniform { low, high } = *self;
        let (width, middle) = (self.width(), self.low + 0.5 * self.width());
        let positive = low >= 0.0;
        Some(match of {
            Moment::Mean => middle,
            Moment::Square(c, s) => square(middle, width / 12f64.sqrt(), c, s),
            Moment::Distance(c) if c <= low || c >= high => (middle - c).abs(),
            Moment::Distance(c) => {
                0.5 * ((c - low) * ((c - low) / width) + (high - c) * ((high - c) / width))
            }
            Moment::Decay(c, s) => {
                let w = width / s;
                ((c - low) / s).exp() * (-(-w).exp_m1() / w)
            }
            Moment::Power(k, unit) if positive => {
                let integral =
                    |x: f64| if x == 0.0 { 0.0 } else { (x / unit).powf(k) * (x / width) / (k + 1.0) };
                match k {
                    -1.0 if low == 0.0 => f64::INFINITY,
                    -1.0 => self.mean(|x| unit / x, |x| unit / width * x.ln()),
                    _ if k < -1.0 && low == 0.0 => f64::INFINITY,
                    _ => self.mean(|x| (x / unit).powf(k), integral),
                }
            }
            Moment::Ln if positive => self.mean(f64::ln, |x| (x_ln(x) - x) / width),
            Moment::LnSquare(c) if positive => {
                let integral =
                    |x: f64| if x == 0.0 { 0.0 } else { x / width * ((x.ln() - c - 1.0).powi(2) + 1.0) };
                self.mean(|x| (x.ln() - c) * (x.ln() - c), integral)
            }
            Moment::LnRest if high <= 1.0 => {
                let rest = Uniform { low: 1.0 - high, high: 1.0 - low };
                return rest.moment(Moment::Ln);
            }
            _ => return None,
        })
    }

    fn cost(&self, _: &dyn Law) -> Option<Sum> {
        Some(Sum::of(self.width().ln()))
    }
}
