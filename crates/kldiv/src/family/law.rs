//! What a distribution of one real number knows, and how two of them make a divergence.
//!
//! `D(P‖Q) = −H(P) − E_P[ln q]`. P knows its entropy and the means of a few functions, its [`Moment`]s; −ln q is a
//! constant and a few of those functions, its cost. Where P lacks a moment, or the two parts cancel, the divergence is
//! integrated. Whether it is infinite is decided before, from the supports and from how p fades and −ln q grows.

use crate::family::integrate;

/// A function whose mean a distribution may know.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Moment {
    /// x
    Mean,
    /// (x − c)²
    Square(f64),
    /// |x − c|
    Distance(f64),
    /// e^(−(x − c)/s)
    Decay(f64, f64),
    /// (x/s)ᵏ, of x > 0; k is not 0.
    Power(f64, f64),
    /// ln x
    Ln,
    /// (ln x − c)²
    LnSquare(f64),
    /// ln(1 − x)
    LnRest,
}

/// How a density fades towards an end of its support.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fade {
    /// At a finite end e: like |x − e|^(a − 1).
    Edge(f64),
    /// Like |x|^(−a − 1).
    Power(f64),
    /// Slower than any exponential, faster than any power.
    Stretched,
    /// Like e^(−r|x|).
    Exponential(f64),
    /// Faster than any of those.
    Light,
}

/// How −ln q grows towards an end of its support.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Growth {
    /// Not at all, or like a logarithm or its square.
    Slow,
    /// Like |x|ᵏ, or at a finite end e like |x − e|⁻ᵏ.
    Power(f64),
    /// Like e^(r|x|).
    Exponential(f64),
}

/// Whether the mean of what grows so is infinite under what fades so.
fn diverges(fade: Fade, growth: Growth) -> bool {
    match (fade, growth) {
        (_, Growth::Slow) | (Fade::Light, _) => false,
        (Fade::Edge(a) | Fade::Power(a), Growth::Power(k)) => k >= a,
        (Fade::Exponential(r), Growth::Exponential(g)) => g >= r,
        (Fade::Exponential(_) | Fade::Stretched, Growth::Power(_)) => false,
        (Fade::Edge(_) | Fade::Power(_) | Fade::Stretched, Growth::Exponential(_)) => true,
    }
}

/// A point of a support, with what x itself may have lost of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    pub(crate) x: f64,
    /// ln x, where x > 0.
    pub(crate) ln: f64,
    /// ln(1 − x), where 0 < x < 1.
    pub(crate) ln_rest: f64,
}

/// A sum and the sum of its parts' sizes, which says how much of it cancelled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sum {
    pub(crate) value: f64,
    size: f64,
}

impl Sum {
    pub(crate) fn of(x: f64) -> Sum {
        Sum { value: x, size: x.abs() }
    }

    /// Adds a constant.
    pub(crate) fn and(self, x: f64) -> Sum {
        Sum { value: self.value + x, size: self.size + x.abs() }
    }

    /// Adds a factor times a mean, if that is known; a factor of 0 needs none.
    pub(crate) fn plus(self, factor: f64, mean: Option<f64>) -> Option<Sum> {
        if factor == 0.0 { Some(self) } else { Some(self.and(factor * mean?)) }
    }
}

/// A distribution of one real number, with its parameters.
pub(crate) trait Law {
    /// The ends of the support.
    fn support(&self) -> (f64, f64);
    /// How the density fades at either end.
    fn fades(&self) -> (Fade, Fade);
    /// How −ln of the density grows at either end.
    fn grows(&self) -> (Growth, Growth);
    /// Where most of it is, and how wide that is; of a positive variable the mode of ln x.
    fn place(&self) -> (f64, f64);
    fn entropy(&self) -> f64;
    fn ln_density(&self, at: &Point) -> f64;
    /// The mean of a function, where it is finite and has a formula.
    fn moment(&self, of: Moment) -> Option<f64>;
    /// −E_P[ln q] of this as q, where P's moments suffice.
    fn cost(&self, p: &dyn Law) -> Option<Sum>;
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
    if let Some(cost) = q.cost(p) {
        let kl = cost.and(-p.entropy());
        if kl.value > CANCELLED * kl.size {
            return Ok(kl.value);
        }
    }
    integrate::divergence(p, q)
}

/// −E_P[ln q] of any two.
pub(crate) fn cross_entropy(p: &dyn Law, q: &dyn Law) -> Result<f64, f64> {
    if infinite(p, q) {
        return Ok(f64::INFINITY);
    }
    match q.cost(p) {
        Some(cost) if !cost.value.is_nan() => Ok(cost.value),
        _ => Ok(integrate::divergence(p, q)? + p.entropy()),
    }
}
