//! How two distributions of a real number make a divergence.
//!
//! `D(P‖Q) = −H(P) − E_P[ln q]`. P knows its entropy and the means of a few functions, its moments; −ln q is a constant
//! and a few of those functions, its cost. Where P lacks a moment, or the two parts cancel, the divergence is
//! integrated. Whether it is infinite is decided before, from the supports and from how p fades and −ln q grows.

use crate::family::integrate;
use crate::family::law::{Fade, Growth, Law, Moment, Point, Slope, Sum};

/// Whether the mean of what grows so is infinite under what fades so.
fn diverges(fade: Fade, growth: Growth) -> bool {
    match (fade, growth) {
        (_, Growth::Slow) | (Fade::Light, _) => false,
        (Fade::Edge(a) | Fade::Power(a), Growth::Power(k)) => k >= a,
        (Fade::Exponential(r), Growth::Exponential(g)) => g >= r,
        (Fade::Exponential(_) | Fade::Stretched(_), Growth::Power(_)) => false,
        (Fade::Edge(_) | Fade::Power(_) | Fade::Stretched(_), Growth::Exponential(_)) => true,
    }
}

/// Whether −E_P[ln q] is infinite.
fn infinite(p: &dyn Law, q: &dyn Law) -> bool {
    let ((p_low, p_high), (q_low, q_high)) = (p.support(), q.support());
    p_low < q_low
        || p_high > q_high
        || p_low == q_low && diverges(p.fades().0, q.grows().0)
        || p_high == q_high && diverges(p.fades().1, q.grows().1)
}

/// The smallest part of its summands' size that a difference may be before it is integrated instead.
const CANCELLED: f64 = 0.02;

/// D(P‖Q) of any two; the error is that of an integral which did not converge.
pub(crate) fn divergence(p: &dyn Law, q: &dyn Law) -> Result<f64, f64> {
    if infinite(p, q) {
        return Ok(f64::INFINITY);
    }
    let by_means = |p: &dyn Law| Some(q.cost(p)?.and(-p.entropy()));
    // Infinite is what is larger than any number.
    let good = |kl: &Sum| kl.value == f64::INFINITY || kl.value > CANCELLED * kl.size;
    let means = by_means(p);
    match means {
        Some(kl) if good(&kl) => return Ok(kl.value),
        _ => {}
    }
    let about = means.map(|kl| kl.value).filter(|value| value.is_finite());
    integrate::divergence(p, q, about)
        .or_else(|error| by_means(&Measured(p)).filter(good).map(|kl| kl.value).ok_or(error))
}

/// A distribution whose means are integrated one by one where they have no formula, for where −ln q leaves the range and
/// its parts' means do not.
struct Measured<'a>(&'a dyn Law);

impl Law for Measured<'_> {
    fn support(&self) -> (f64, f64) {
        self.0.support()
    }

    fn fades(&self) -> (Fade, Fade) {
        self.0.fades()
    }

    fn grows(&self) -> (Growth, Growth) {
        self.0.grows()
    }

    fn place(&self) -> (f64, f64) {
        self.0.place()
    }

    fn entropy(&self) -> f64 {
        self.0.entropy()
    }

    fn ln_shape(&self, at: &Point) -> f64 {
        self.0.ln_shape(at)
    }

    fn ln_weight(&self, at: &Point, slope: Slope) -> f64 {
        self.0.ln_weight(at, slope)
    }

    fn ln_unit(&self) -> f64 {
        self.0.ln_unit()
    }

    fn moment(&self, of: Moment) -> Option<f64> {
        self.0.moment(of).or_else(|| integrate::mean(self.0, of).ok())
    }

    fn cost(&self, p: &dyn Law) -> Option<Sum> {
        self.0.cost(p)
    }
}

/// −E_P[ln q] of any two.
pub(crate) fn cross_entropy(p: &dyn Law, q: &dyn Law) -> Result<f64, f64> {
    if infinite(p, q) {
        return Ok(f64::INFINITY);
    }
    match q.cost(p) {
        Some(cost) if !cost.value.is_nan() => Ok(cost.value),
        _ => integrate::cost(p, q).or_else(|_| Ok(integrate::divergence(p, q, None)? + p.entropy())),
    }
}
