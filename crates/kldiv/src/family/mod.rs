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
mod dirichlet;
mod integrate;
mod kumaraswamy;
mod laplace;
mod law;
mod loggamma;
mod logistic;
mod matrix;
mod mvnormal;
mod names;
mod normal;
mod one;
mod params;
mod pareto;
mod powergamma;
mod studentt;
mod uniform;
pub mod vae;
mod vonmises;
mod wishart;

use crate::check::{needs_float, needs_shape};
use crate::error::Error;
use crate::family::blocks::divergences;
pub use crate::family::names::Family;
use crate::family::one::{Side, gradient, related, value};
use crate::policy::{Measure, Options};
use crate::rows::{Rows, reserve, zeros};
use crate::sum::weighted;
use crate::view::{Dtype, Shape, View, ViewMut};

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

/// The divergences and their derivatives by the parameters: `grad[i, j] = upstream[i] ∂out[i]/∂params[i, j]`.
///
/// For pairs of one family: normal, gamma, beta, Bernoulli, categorical (either by probabilities or logits), Dirichlet,
/// multivariate normal by Cholesky factors. Others are [`Error::UnsupportedPair`], other measures [`Error::Option`].
/// Probabilities of a categorical distribution are divided by their sum, and the derivative is that of the whole. By a
/// probability of 0 it is the limit from inside; by an entry above the diagonal of a factor it is 0.
///
/// `upstream` has an entry a row, None being 1; `out`, `grad_p` and `grad_q` are written where they are given, the
/// gradients of the shape of their parameters. A row's weight multiplies all of it; a masked or bad row's gradients are
/// 0 or NaN. See the [module](self) for the rest.
#[allow(clippy::too_many_arguments, reason = "both sides have three")]
pub fn kl_grad(
    p_family: Family,
    p_params: View,
    q_family: Family,
    q_params: View,
    options: &Options,
    upstream: Option<&[f64]>,
    out: Option<&mut [f64]>,
    grad_p: Option<&mut ViewMut>,
    grad_q: Option<&mut ViewMut>,
) -> Result<(), Error> {
    if options.measure != Measure::Kl {
        return Err(options.measure.refused("gradients are those of KL"));
    }
    if !(p_family == q_family && GRADIENTS.contains(&p_family)) {
        return Err(Error::UnsupportedPair { p: p_family.name(), q: q_family.name() });
    }
    let job = Job::new(p_family, p_params, q_family, q_params, options)?;
    let rows = p_params.rows();
    let column = |len| Shape { rows: len, cols: 1 };
    if let Some(upstream) = upstream {
        needs_shape("upstream", column(upstream.len()), column(rows))?;
    }
    if let Some(out) = &out {
        needs_shape("out", column(out.len()), column(rows))?;
    }
    let (grad_p, grad_q) = (grad_p.map(|grad| &*grad), grad_q.map(|grad| &*grad));
    let grads = [("grad_p_params", grad_p, p_params.shape()), ("grad_q_params", grad_q, q_params.shape())];
    for (what, grad, shape) in grads {
        if let Some(grad) = grad {
            needs_shape(what, grad.shape(), shape)?;
            needs_float(what, grad.dtype())?;
        }
    }
    let out = out.map(|out| {
        // SAFETY: the elements are the slice's own, which is borrowed for as long.
        unsafe { ViewMut::from_raw(out.as_mut_ptr().cast(), column(rows), 1, 1, Dtype::F64) }
    });
    let first = job.rows.each(|i| {
        let write = |target: Option<&ViewMut>, values: Result<&[f64], f64>| {
            let Some(target) = target else { return };
            // SAFETY: each row is asked for once.
            let mut row = unsafe { target.row_mut(i) };
            match values {
                Ok(values) => row.write(0, values),
                Err(value) => row.fill(value),
            }
        };
        let fill = |value: f64| {
            write(out.as_ref(), Err(value));
            write(grad_p, Err(value));
            write(grad_q, Err(value));
        };
        if !options.keeps(i) {
            fill(0.0);
            return None;
        }
        let weight = options.weight(i);
        let factor = upstream.map_or(1.0, |upstream| upstream[i]);
        match job.gradient(i) {
            Ok((value, mut by_p, mut by_q)) => {
                let scale = |x: &mut f64| *x = weighted(weighted(*x / job.ln_base, weight), factor);
                by_p.iter_mut().for_each(scale);
                by_q.iter_mut().for_each(scale);
                write(out.as_ref(), Ok(&[weighted(value / job.ln_base, weight)]));
                write(grad_p, Ok(&by_p));
                write(grad_q, Ok(&by_q));
                None
            }
            Err(error) => {
                fill(f64::NAN);
                Some(error)
            }
        }
    });
    job.rows.outcome(first)
}

/// The families whose divergences have gradients.
const GRADIENTS: [Family; 9] = [
    Family::Normal,
    Family::Gamma,
    Family::Beta,
    Family::Bernoulli,
    Family::BernoulliLogits,
    Family::Categorical,
    Family::CategoricalLogits,
    Family::Dirichlet,
    Family::MvNormalTril,
];

/// A call, checked.
struct Job<'a> {
    p: View<'a>,
    q: View<'a>,
    sides: [Side; 2],
    rows: Rows<'a>,
    measure: Measure,
    ln_base: f64,
}

impl<'a> Job<'a> {
    fn new(
        p_family: Family,
        p: View<'a>,
        q_family: Family,
        q: View<'a>,
        options: &'a Options<'a>,
    ) -> Result<Self, Error> {
        let rows = p.rows();
        needs_shape("q_params", Shape { rows: q.rows(), ..q.shape() }, Shape { rows, ..q.shape() })?;
        let p_side = Side::new("p_params", p_family, p.shape(), options.dim as usize)?;
        let q_side = Side::new("q_params", q_family, q.shape(), options.dim as usize)?;
        related(&p_side, &q_side, q.shape())?;
        let work = p_side.work(&q_side);
        let rows = Rows::new(Shape { rows, cols: work }, options)?;
        let ln_base = options.base.map_or(1.0, f64::ln);
        Ok(Job { p, q, sides: [p_side, q_side], rows, measure: options.measure, ln_base })
    }

    /// Writes the results of the rows from `start` on; says what the first bad one's error is.
    fn stretch(&self, start: usize, out: &mut [f64]) -> Option<Error> {
        let mut first = None;
        let (mut p_buffer, mut q_buffer) = match self.buffers() {
            Ok(buffers) => buffers,
            Err(error) => {
                out.fill(f64::NAN);
                return Some(error);
            }
        };
        let [family, other] = self.sides.each_ref().map(|side| side.family);
        let mut finite = false;
        if family == other && matches!(self.measure, Measure::Kl | Measure::Generalized) {
            finite = divergences(family, &self.p, &self.q, start, out);
        } else {
            out.fill(f64::NAN);
        }
        let options = self.rows.options;
        let plain = options.mask.is_none() && options.weights.is_none() && self.ln_base == 1.0;
        if plain && finite {
            return None;
        }
        for (i, out) in out.iter_mut().enumerate() {
            if plain && out.is_finite() {
                continue;
            }
            let row = start + i;
            // A kernel leaves what is not finite where a row has to be looked at by itself.
            *out = if !options.keeps(row) {
                0.0
            } else if out.is_finite() {
                self.rows.answer(row, Ok(self.in_units(*out)), &mut first)
            } else {
                let p = self.p.row(row).as_or_in(&mut p_buffer);
                let q = self.q.row(row).as_or_in(&mut q_buffer);
                let value = value((&self.sides[0], p), (&self.sides[1], q), self.measure);
                let value = value.map(|value| self.in_units(value)).map_err(|wrong| wrong.of_row(row, p, q));
                self.rows.answer(row, value, &mut first)
            };
        }
        first
    }

    #[inline(always)]
    fn in_units(&self, nats: f64) -> f64 {
        if self.ln_base == 1.0 { nats } else { nats / self.ln_base }
    }

    /// Memory for a row of either side, where its rows are not slices of f64 as they are.
    fn buffers(&self) -> Result<(Vec<f64>, Vec<f64>), Error> {
        let buffer = |view: &View| match view.rows() > 0 && view.row(0).as_slice::<f64>().is_some() {
            true => Ok(Vec::new()),
            false => zeros(view.cols()),
        };
        Ok((buffer(&self.p)?, buffer(&self.q)?))
    }

    /// A row's divergence in nats, and its derivatives.
    fn gradient(&self, row: usize) -> Result<(f64, Vec<f64>, Vec<f64>), Error> {
        let (mut p_buffer, mut q_buffer) = self.buffers()?;
        let (mut by_p, mut by_q) = (zeros(self.p.cols())?, zeros(self.q.cols())?);
        let p = self.p.row(row).as_or_in(&mut p_buffer);
        let q = self.q.row(row).as_or_in(&mut q_buffer);
        let sides = ((&self.sides[0], p), (&self.sides[1], q));
        match gradient(sides.0, sides.1, &mut by_p, &mut by_q) {
            Ok(value) => Ok((value, by_p, by_q)),
            Err(wrong) => Err(wrong.of_row(row, p, q)),
        }
    }
}
