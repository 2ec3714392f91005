//! The other definition, `∫ p ln(p/q) dx`: divergences between members of families of distributions.
//!
//! ```
//! use kldiv::{Family, Options, family};
//! use ndarray::array;
//!
//! // Two pairs of normal distributions: a row is loc and scale.
//! let p = array![[0.0, 1.0], [0.0, 1.0]];
//! let q = array![[1.0, 2.0], [1e-9, 1.0]];
//! let nats = family::kl(Family::Normal, &p, Family::Normal, &q, &Options::default())?;
//! assert!((nats[0] - 0.4431471805599453).abs() < 1e-15);
//! assert!((nats[1] / 5e-19 - 1.0).abs() < 1e-12);
//! # Ok::<(), kldiv::Error>(())
//! ```
//!
//! # Pairs
//! Any two families of a real number, any two of counts; otherwise a family and itself, in any of its
//! parametrisations. Where there is no closed form the divergence is integrated or summed to a relative error of 1e-9 or
//! better, mostly 1e-13. Other pairs are [`Error::UnsupportedPair`].
//! # Shapes
//! Parameters are `[rows, parameters]`, a distribution a row, in the order that [`Family`] gives; both sides have the
//! same rows, and `View::from(&p).repeated(rows)` is one distribution against many.
//! # Zeros
//! Where P has mass and Q has none the divergence is infinite, and so it is where the mean of −ln q is. Equal
//! parameters give exactly 0; nothing is below 0. Parameters on a boundary are what the mathematics makes of them:
//! Poisson(0) against Poisson(1) is 1.
//! # Accuracy
//! Within a family each formula is a sum of parts of one sign, made of the parameters' differences: a relative error of
//! some 1e-15 also where parameters nearly coincide (docs/numerics.md). Full covariance matrices are limited by their
//! condition.
//! # Measures
//! [`Measure::Kl`] and [`Measure::Generalized`], which is the same here; reverse, Jeffreys, entropy, cross entropy.
//! The other measures are [`Error::Option`].
//! # Threads
//! Rows are shared among [`threads`](crate::threads); a row's bits do not depend on that.
//! # Errors
//! [`Error::ShapeMismatch`], [`Error::Empty`], [`Error::Option`] and [`Error::UnsupportedPair`] before anything is
//! computed. Of bad rows the first is named, by [`Error::Parameter`], [`Error::NotPositiveDefinite`] or
//! [`Error::Inexact`]; the others are answered.

mod beta;
mod blocks;
mod categorical;
mod contbernoulli;
mod counts;
mod cross;
mod crossings;
mod dirichlet;
mod gradient;
mod integrate;
mod job;
mod kumaraswamy;
#[cfg(test)]
mod lanes_tests;
mod laplace;
mod law;
mod loggamma;
mod logistic;
mod lowrank;
mod matrix;
mod mvnormal;
mod names;
mod normal;
mod one;
mod params;
mod pareto;
mod powergamma;
mod shares;
mod studentt;
mod uniform;
pub mod vae;
mod vonmises;
mod wishart;

use crate::check::needs_shape;
use crate::error::Error;
pub use crate::family::gradient::kl_grad;
use crate::family::job::Job;
pub use crate::family::names::Family;
use crate::memory::reserve;
use crate::policy::{Measure, Options};
use crate::view::{Shape, View};

/// The divergence of each pair of rows, or another measure: `out[i]` is that of row i.
///
/// See the [module](self) for pairs, shapes, accuracy and errors.
pub fn kl<'a>(
    p_family: Family,
    p_params: impl Into<View<'a>>,
    q_family: Family,
    q_params: impl Into<View<'a>>,
    options: &Options,
) -> Result<Vec<f64>, Error> {
    let (p, q) = (p_params.into(), q_params.into());
    let mut out = reserve(p.rows())?;
    out.resize(p.rows(), 0.0);
    kl_into(p_family, p, q_family, q, options, &mut out)?;
    Ok(out)
}

/// As [`kl`], into the caller's memory, one place a row. For [`Measure::Entropy`] q is not looked at.
pub fn kl_into(
    p_family: Family,
    p_params: View,
    q_family: Family,
    q_params: View,
    options: &Options,
    out: &mut [f64],
) -> Result<(), Error> {
    let (q_family, q_params) = match options.measure {
        Measure::Entropy => (p_family, p_params),
        _ => (q_family, q_params),
    };
    if let measure @ (Measure::JensenShannon { .. }
    | Measure::JensenShannonDistance { .. }
    | Measure::Renyi { .. }) = options.measure
    {
        return Err(measure.refused("families have KL, GENERALIZED, REVERSE, JEFFREYS and the entropies"));
    }
    let job = Job::new(p_family, p_params, q_family, q_params, options)?;
    needs_shape("out", Shape { rows: out.len(), cols: 1 }, Shape { rows: p_params.rows(), cols: 1 })?;
    let first = job.rows.fill(out, |start, out| job.stretch(start, out));
    job.rows.outcome(first)
}
