//! The diagonal Gaussian of a VAE, from means and logarithms of variances.
//!
//! ```
//! use kldiv::{Options, family::vae};
//! use ndarray::array;
//!
//! let (mu, logvar) = (array![[0.5_f32, -0.25]], array![[0.1_f32, -0.2]]);
//! let rows = vae::rows(&mu, &logvar, vae::Prior::STANDARD, &Options::default())?;
//! assert!((rows[0] - 0.1682).abs() < 1e-4);
//! # Ok::<(), kldiv::Error>(())
//! ```
//!
//! `D(N(μ, diag exp(λ)) ‖ N(m, diag exp(l)))` of each row: `Σ ½ ((μ − m)² exp(−l) + exp(λ − l) − 1 − (λ − l))`. Without
//! a prior m = l = 0, the standard normal.
//!
//! # Shapes
//! All `[rows, dimensions]`, any strides, floating-point types that may differ; a prior of one row is
//! [`View::repeated`].
//! # Accuracy
//! Each element is within a few units in the last place of its type of the exact one for the differences μ − m and λ − l,
//! however small they are; sums are in f64.
//! # Errors
//! [`Error::InvalidEntry`] names an entry that is not finite. Shapes, threads and the rest as [`batch`](crate::batch).
//!
//! Source: Kingma and Welling, "Auto-Encoding Variational Bayes", 2014, appendix B.

use std::ops::Range;

use crate::check::{needs_float, needs_shape};
use crate::error::{Error, Fault, Operand};
use crate::kernels;
use crate::kernels::lanes::Vector;
use crate::kernels::vae::{GaussianRows, Gaussians, Given, Sums};
use crate::memory::reserve;
use crate::pair::ln_base;
use crate::pieces::pieces;
use crate::policy::Options;
use crate::rows::Rows;
use crate::sum::{Compensated, weighted};
use crate::threads;
use crate::total::SHARE;
use crate::view::{RowMut, Shape, View, ViewMut};

const OPERANDS: [Operand; 4] = [
    Operand::new(0, "mu"),
    Operand::new(1, "logvar"),
    Operand::new(2, "prior_mu"),
    Operand::new(3, "prior_logvar"),
];

/// What a VAE's posterior is compared with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Prior<'a> {
    /// The means; zeros where there is none.
    pub mu: Option<View<'a>>,
    /// The logarithms of the variances; zeros where there is none.
    pub logvar: Option<View<'a>>,
}

impl Prior<'_> {
    /// The standard normal.
    pub const STANDARD: Prior<'static> = Prior { mu: None, logvar: None };
}

/// Where gradients go: each is optional, of the inputs' shape, and rounded to its own type.
#[derive(Debug, Default)]
pub struct Grads<'g, 'a> {
    /// With respect to μ: `(μ − m) exp(−l)`.
    pub mu: Option<&'g mut ViewMut<'a>>,
    /// With respect to λ: `½ (exp(λ − l) − 1)`.
    pub logvar: Option<&'g mut ViewMut<'a>>,
    /// With respect to m: `−(μ − m) exp(−l)`.
    pub prior_mu: Option<&'g mut ViewMut<'a>>,
    /// With respect to l: `½ (1 − exp(λ − l) − (μ − m)² exp(−l))`.
    pub prior_logvar: Option<&'g mut ViewMut<'a>>,
}

/// The divergence of each row, in nats unless the options have a base.
pub fn rows<'a>(
    mu: impl Into<View<'a>>,
    logvar: impl Into<View<'a>>,
    prior: Prior,
    options: &Options,
) -> Result<Vec<f64>, Error> {
    let (mu, logvar) = (mu.into(), logvar.into());
    let mut out = reserve(mu.rows())?;
    out.resize(mu.rows(), 0.0);
    rows_into(mu, logvar, prior, options, &mut out)?;
    Ok(out)
}

/// As [`rows`], into the caller's memory, one place a row.
pub fn rows_into(
    mu: View,
    logvar: View,
    prior: Prior,
    options: &Options,
    out: &mut [f64],
) -> Result<(), Error> {
    grad_into(mu, logvar, prior, options, None, Some(out), Grads::default())
}

/// The gradients of [`rows`], each row's multiplied by `upstream[i]` (1 where there is none) and by its weight; and the
/// divergences themselves, to `out`, if that is wanted: all in one pass. A masked row gets 0, a bad one NaN.
///
/// # Errors
/// Those of `rows`; [`Error::Dtype`] for an output of counts.
pub fn grad_into(
    mu: View,
    logvar: View,
    prior: Prior,
    options: &Options,
    upstream: Option<&[f64]>,
    out: Option<&mut [f64]>,
    grads: Grads,
) -> Result<(), Error> {
    let zeros = zeros(mu.shape());
    let inputs = [mu, logvar, prior.mu.unwrap_or(zeros), prior.logvar.unwrap_or(zeros)];
    for (input, operand) in inputs.iter().zip(OPERANDS) {
        needs_shape(operand.name, input.shape(), mu.shape())?;
        needs_float(operand.name, input.dtype())?;
    }
    if mu.cols() == 0 {
        return Err(Error::Empty);
    }
    let rows = Rows::new(mu.shape(), options)?;
    for (name, len) in [("upstream", upstream.map(<[f64]>::len)), ("out", out.as_ref().map(|out| out.len()))]
    {
        if let Some(len) = len {
            needs_shape(name, Shape { rows: len, cols: 1 }, Shape { rows: mu.rows(), cols: 1 })?;
        }
    }
    let wanted: [Option<&ViewMut>; 4] = [
        grads.mu.map(|grad| &*grad),
        grads.logvar.map(|grad| &*grad),
        grads.prior_mu.map(|grad| &*grad),
        grads.prior_logvar.map(|grad| &*grad),
    ];
    let names = ["grad_mu", "grad_logvar", "grad_prior_mu", "grad_prior_logvar"];
    for (grad, name) in wanted.iter().zip(names) {
        if let Some(grad) = grad {
            needs_shape(name, grad.shape(), mu.shape())?;
            needs_float(name, grad.dtype())?;
        }
    }
    let job = Job {
        standard: prior.mu.is_none() && prior.logvar.is_none(),
        narrow: inputs.iter().all(|input| input.dtype().fits_f32()),
        out: out.map(ViewMut::from),
        ln_base: ln_base(options),
        inputs,
        wanted,
        upstream,
        rows,
    };
    let first = job.rows.ranges(job.rows.a_range().min(TOGETHER), |rows| match job.narrow {
        true => job.some::<f32>(rows),
        false => job.some::<f64>(rows),
    });
    job.rows.outcome(first)
}

/// Rows that are given to a kernel at a time, at most; long ones go one by one, each to the next thread that is free.
const TOGETHER: usize = 8;

/// A call, checked.
struct Job<'a> {
    inputs: [View<'a>; 4],
    wanted: [Option<&'a ViewMut<'a>>; 4],
    standard: bool,
    narrow: bool,
    upstream: Option<&'a [f64]>,
    out: Option<ViewMut<'a>>,
    ln_base: f64,
    rows: Rows<'a>,
}

impl Job<'_> {
    /// Answers rows in a row, and says what the first error is.
    fn some<T: Vector>(&self, rows: Range<usize>) -> Option<Error> {
        let mut sums = [f64::NAN; TOGETHER];
        if rows.clone().all(|i| self.rows.options.keeps(i)) {
            self.sums_of_slices::<T>(&rows, &mut sums);
        }
        let mut first = None;
        for (i, value) in rows.clone().zip(&mut sums) {
            *value = if value.is_nan() {
                self.one::<T>(i, &mut first)
            } else {
                weighted(*value / self.ln_base, self.rows.options.weight(i))
            };
        }
        if let Some(out) = &self.out {
            // SAFETY: no two rows' places are the same.
            unsafe { out.row_mut(0).part(rows.start, rows.len()) }.write(0, &sums[..rows.len()]);
        }
        first
    }

    /// Writes the sums of rows that are slices, and their gradients; a sum that is NaN is of a row that is left.
    fn sums_of_slices<T: Vector>(&self, rows: &Range<usize>, sums: &mut [f64; TOGETHER]) {
        let cols = self.inputs[0].cols();
        let (mut given, mut out) = ([(std::ptr::null(), 0); 4], [(std::ptr::null_mut(), 0); 4]);
        for (place, input) in given.iter_mut().zip(&self.inputs[..if self.standard { 2 } else { 4 }]) {
            let Some(slices) = input.slices_from::<T>(rows.start) else { return };
            *place = slices;
        }
        for (place, grad) in out.iter_mut().zip(self.wanted) {
            let Some(grad) = grad else { continue };
            let Some(slices) = grad.slices_from::<T>(rows.start) else { return };
            *place = slices;
        }
        if cols > SHARE {
            return;
        }
        let mut by = [0.0; TOGETHER];
        for (i, by) in rows.clone().zip(&mut by) {
            *by = self.by(i);
        }
        let (by, sums) = (&by[..rows.len()], &mut sums[..]);
        if self.standard {
            kernels::dispatch(GaussianRows::<T, false> { given, cols, by, out, sums });
        } else {
            kernels::dispatch(GaussianRows::<T, true> { given, cols, by, out, sums });
        }
    }

    /// What row `i`'s gradients are multiplied by.
    fn by(&self, i: usize) -> f64 {
        self.upstream.map_or(1.0, |upstream| upstream[i]) * self.rows.options.weight(i) / self.ln_base
    }

    /// The value of row `i`, whose gradients it writes; the error, if it is the first. Not inlined: the stack is short.
    #[inline(never)]
    fn one<T: Vector>(&self, i: usize, first: &mut Option<Error>) -> f64 {
        let mut value = 0.0;
        let mut grads = [const { None }; 4];
        for (row, grad) in grads.iter_mut().zip(self.wanted) {
            // SAFETY: each row is asked for once at a time.
            *row = grad.map(|grad| unsafe { grad.row_mut(i) });
        }
        let keeps = self.rows.options.keeps(i);
        if keeps {
            let sum = row::<T>(&self.inputs, i, self.standard, self.by(i), &grads, self.rows.spread);
            value = weighted(sum / self.ln_base, self.rows.options.weight(i));
            if sum.is_nan() {
                first.get_or_insert_with(|| culprit(&self.inputs, i));
            }
        }
        if value.is_nan() || !keeps {
            grads.iter_mut().flatten().for_each(|grad| grad.fill(value));
        }
        value
    }
}

/// A matrix of zeros of any shape, in next to no memory.
fn zeros(shape: Shape) -> View<'static> {
    static ZERO: f32 = 0.0;
    let one = View::from(std::slice::from_ref(&ZERO));
    one.spread(shape)
}

/// The sum of row `i`; writes its gradients. NaN if an entry is not finite.
fn row<T: Vector>(
    inputs: &[View; 4],
    i: usize,
    standard: bool,
    by: f64,
    grads: &[Option<RowMut>; 4],
    spread: bool,
) -> f64 {
    let inputs = inputs.each_ref().map(|input| input.row(i));
    let n = inputs[0].len();
    let share = |i: usize| {
        let (start, len) = (i * SHARE, SHARE.min(n - i * SHARE));
        let mut out = [const { None }; 4];
        for (part, grad) in out.iter_mut().zip(grads) {
            // SAFETY: no two shares have an element in common.
            *part = grad.as_ref().map(|grad| unsafe { grad.part(start, len) });
        }
        let mut sums = Sums::ZERO;
        let inputs = inputs.map(|row| row.part(start, len));
        if standard {
            pieces::<T, 2, 4>([inputs[0], inputs[1]], &mut out, |[mu, logvar], out| {
                let given = Given { mu, logvar, prior_mu: &[], prior_logvar: &[] };
                kernels::dispatch(Gaussians { given, by, out, sums: &mut sums });
            });
        } else {
            pieces::<T, 4, 4>(inputs, &mut out, |[mu, logvar, prior_mu, prior_logvar], out| {
                let given = Given { mu, logvar, prior_mu, prior_logvar };
                kernels::dispatch(Gaussians { given, by, out, sums: &mut sums });
            });
        }
        sums.total()
    };
    let shares = n.div_ceil(SHARE);
    let mut totals = Vec::new();
    let mut total = Compensated::ZERO;
    if spread && shares > 1 && totals.try_reserve_exact(shares).is_ok() {
        threads::collect_into(&mut totals, shares, 1, share);
        totals.iter().for_each(|share| total.add_parts(share));
    } else {
        (0..shares).for_each(|i| total.add_parts(&share(i)));
    }
    total.value()
}

/// The first entry of row `i` that is not finite.
#[cold]
fn culprit(inputs: &[View; 4], i: usize) -> Error {
    let found = inputs.iter().zip(OPERANDS).find_map(|(input, operand)| {
        let row = input.row(i);
        (0..row.len()).find_map(|col| {
            let value = row.get(col);
            let fault = if value.is_nan() { Fault::Nan } else { Fault::Infinite };
            let expected = "means and logarithms of variances are finite";
            let error = Error::InvalidEntry { operand, row: i, col, value, fault, expected };
            (!value.is_finite()).then_some(error)
        })
    });
    found.unwrap_or(Error::Overflow { row: i })
}
