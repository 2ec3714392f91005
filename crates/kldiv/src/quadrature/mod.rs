//! The divergence of any two densities, by numerical integration.
//!
//! ```
//! use kldiv::{Options, quadrature};
//!
//! // ln of the normal densities with mean 0, deviation 1, and with mean 1, deviation 2.
//! let ln_p = |x: f64| -0.5 * x * x - 0.918_938_533_204_672_7;
//! let ln_q = |x: f64| -0.125 * (x - 1.0) * (x - 1.0) - 1.612_085_713_764_618;
//! let mut options = Options::default();
//! options.log_density = true;
//! let found = quadrature::kl(ln_p, ln_q, f64::NEG_INFINITY, f64::INFINITY, &[], &options)?;
//! assert!((found.value - 0.443_147_180_559_945_3).abs() <= found.error);
//! assert!(found.error < 1e-9);
//! # Ok::<(), kldiv::Error>(())
//! ```

mod ends;
mod nodes;
mod refine;
mod rule;
mod search;

pub(crate) use crate::quadrature::ends::Sample;
pub(crate) use crate::quadrature::refine::{Outcome, integrate};

use crate::error::{Error, Fault, Operand};
use crate::pair::{ln_base, single};
use crate::policy::Options;

/// An integral and what it may be off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Integral {
    /// The divergence.
    pub value: f64,
    /// A bound of its error, in the same units.
    pub error: f64,
}

/// `∫ p(x) ln(p(x)/q(x)) dx` from `lower` to `upper`, in nats, with a bound of its error.
///
/// `p` and `q` give the densities at x, or with [`Options::log_density`] their logarithms: these are needed wherever q
/// underflows, and are the better choice always. `lower` and `upper` enclose the support of P and may be infinite.
/// `breaks` are the points between where a density or its slope jumps or is infinite; those outside do no harm. The
/// answer is found without them too, but then takes more evaluations.
///
/// The rule of Gauss and Kronrod, of 21 points, on panels of a variable in which ends are infinitely far (that of the
/// tanh-sinh rule), halved until the error is within [`Options::rel_tolerance`]; beyond the last node before an end, the
/// formula that the densities follow there. p itself is integrated along with it: where that does not give 1 within the
/// tolerance, narrow peaks and what lies about 0 are searched for, and if nothing is found the answer is no answer. A spike
/// that no node falls on is so never passed over.
///
/// # Zeros
/// Where p is 0 nothing is added, whatever q is. Where q is 0 and p is not, on more than single points, the divergence is
/// infinite, and so it is where the integral diverges towards an end. Of densities (not logarithms), a q that has become tiny
/// before it becomes 0 is taken to have underflowed, if p has less mass there than the tolerance; `error` then counts that
/// mass a million times, and what is too much for the tolerance is [`Error::NotConverged`].
/// # Accuracy
/// The error is at most `error`, and that at most `rel_tolerance` times the value, or 1e-12 where that is more. Where p and q
/// both integrate to 1 the value is at least 0, and relatively accurate where they nearly coincide, as far as ln p − ln q is.
/// What lies further than 1e150 from the finite end or break point next to an infinite end is left to the formula.
/// # Threads
/// The functions are called on the calling thread, some hundreds to thousands of times.
/// # Errors
/// [`Error::Option`] for limits that are none; [`Error::Density`] names the first x where a function gave no density;
/// [`Error::NotConverged`] holds the value so far.
///
/// Source: Takahasi and Mori, "Double exponential formulas for numerical integration", 1974; Piessens and others,
/// "QUADPACK", 1983.
pub fn kl(
    p: impl FnMut(f64) -> f64,
    q: impl FnMut(f64) -> f64,
    lower: f64,
    upper: f64,
    breaks: &[f64],
    options: &Options,
) -> Result<Integral, Error> {
    let mut out = Integral { value: f64::NAN, error: f64::NAN };
    kl_into(p, q, lower, upper, breaks, options, &mut out)?;
    Ok(out)
}

/// As [`kl`], into the caller's memory: also the value so far and its bound, where that is all there is.
pub fn kl_into(
    mut p: impl FnMut(f64) -> f64,
    mut q: impl FnMut(f64) -> f64,
    lower: f64,
    upper: f64,
    breaks: &[f64],
    options: &Options,
    out: &mut Integral,
) -> Result<(), Error> {
    Options { mask: None, weights: None, ..options.clone() }.check(1)?;
    options.needs_kl()?;
    let wrong = |name, value, expected| Err(Error::Option { name, value, expected });
    if !(lower < f64::INFINITY) {
        return wrong("lower", lower, "a lower limit is finite or minus infinity");
    }
    if !(upper > lower) {
        return wrong("upper", upper, "an upper limit is above the lower one");
    }
    if !(options.rel_tolerance > 0.0 && options.rel_tolerance < 1.0) {
        return wrong("rel_tolerance", options.rel_tolerance, "it is above 0 and below 1");
    }
    if let Some(&bad) = breaks.iter().find(|x| x.is_nan()) {
        return wrong("breaks", bad, "break points are numbers");
    }
    let log_density = options.log_density;
    let mut densities = |x: f64| {
        let (p, q) = (p(x), q(x));
        if log_density { of_logs(x, p, q) } else { of_densities(x, p, q) }
    };
    let found = integrate(&mut densities, !log_density, lower, upper, breaks, options.rel_tolerance);
    let answer = match found {
        Ok(Outcome { value, error, mass, converged }) => {
            out.error = error / ln_base(options);
            if converged { Ok(value) } else { Err(Error::NotConverged { value, error, mass }) }
        }
        Err(error) => {
            out.error = f64::NAN;
            Err(error)
        }
    };
    single(options, answer, &mut out.value)
}

/// What two logarithms of densities say.
fn of_logs(x: f64, p: f64, q: f64) -> Result<Sample, Error> {
    for (value, operand) in [(p, Operand::P), (q, Operand::Q)] {
        if value.is_nan() {
            let (fault, expected) = (Fault::Nan, "the logarithm of a density is a number");
            return Err(Error::Density { operand, x, value, fault, expected });
        }
    }
    Ok(Sample::of_logs(p, q))
}

/// What two densities say; where they are near each other their ratio's logarithm is taken from their difference.
fn of_densities(x: f64, p: f64, q: f64) -> Result<Sample, Error> {
    for (value, operand) in [(p, Operand::P), (q, Operand::Q)] {
        if !(value >= 0.0) {
            let fault = if value.is_nan() { Fault::Nan } else { Fault::Negative };
            let expected = "a density is at least 0";
            return Err(Error::Density { operand, x, value, fault, expected });
        }
    }
    let mut sample = Sample::of_logs(p.ln(), q.ln());
    if 0.5 * q <= p && p <= 2.0 * q && q < f64::INFINITY {
        sample.log_ratio = ((p - q) / q).ln_1p();
    }
    Ok(sample)
}
