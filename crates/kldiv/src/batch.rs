//! Row by row over matrices: any strides, any element types, one row against many, all of the pool's threads.
//!
//! ```
//! use kldiv::{Options, batch};
//! use ndarray::array;
//!
//! let p = array![[0.5, 0.5], [0.9, 0.1]];
//! let q = array![[0.7_f32, 0.3], [0.9, 0.1]];
//! let rows = batch::rows(&p, &q, &Options::default())?;
//! assert!((rows[0] - 0.0872).abs() < 1e-4);
//! # Ok::<(), kldiv::Error>(())
//! ```
//!
//! # Shapes
//! Rows are distributions, columns outcomes; both matrices are `[rows, outcomes]`, with any strides. Distributions
//! that lie along the other axis are `View::from(&p).transposed()`; one distribution against many is
//! `View::from(&p).repeated(rows)`.
//! # Threads
//! Work from [`PARALLEL_FROM`] elements on is shared among the threads of the rayon pool that the caller is in, by
//! rows and, where rows are long, within them. A row's bits depend neither on that nor on its strides.
//! # Errors
//! [`Error::ShapeMismatch`], [`Error::Empty`] (0 columns) and [`Error::Option`] before anything is computed. Of bad
//! rows the first is named, by [`Error::InvalidEntry`], [`Error::ZeroMass`] or [`Error::NotNormalized`]; the `_into`
//! functions have then written NaN for each of them and the answers of all other rows, and with [`Invalid::Nan`]
//! they return `Ok`.

use rayon::prelude::*;

use crate::check::{needs_shape, same_shape};
use crate::error::Error;
use crate::pair::{Plan, weighted};
use crate::policy::{Invalid, Measure, Options, Reduction};
use crate::sum::Compensated;
use crate::tile;
use crate::view::{Shape, View, ViewMut};

/// Elements below which a call stays on the calling thread.
pub const PARALLEL_FROM: usize = 1 << 15;

/// Elements that are worth a task of their own.
const TASK: usize = 1 << 14;

/// Rows whose results are added before they are added to the others'.
const GROUP: usize = 32;

/// The measure of each row of `p` against the same row of `q`: `out[i]` is that of row i.
///
/// See the [module](self) for shapes, threads and errors; see [`Measure`] for the formulas.
pub fn rows<'a>(
    p: impl Into<View<'a>>,
    q: impl Into<View<'a>>,
    options: &Options,
) -> Result<Vec<f64>, Error> {
    let (p, q) = (p.into(), q.into());
    let mut out = reserve(p.rows())?;
    out.resize(p.rows(), 0.0);
    rows_into(p, q, options, &mut out)?;
    Ok(out)
}

/// As [`rows`], into the caller's memory, one place a row.
pub fn rows_into(p: View, q: View, options: &Options, out: &mut [f64]) -> Result<(), Error> {
    let job = Job::new(p, q, options)?;
    needs_shape("out", Shape { rows: out.len(), cols: 1 }, Shape { rows: p.rows(), cols: 1 })?;
    let first = if job.plan.spread {
        let rows = job.rows_a_task();
        let tasks = out.par_chunks_mut(rows).enumerate();
        tasks.map(|(i, out)| job.rows(i * rows, out)).reduce(|| None, Option::or)
    } else {
        job.rows(0, out)
    };
    job.outcome(first)
}

/// The measures of the rows as one number: [`Reduction::Sum`] is `Σ wᵢ Dᵢ` over the rows that the mask keeps, and
/// [`Reduction::Mean`] and [`Reduction::BatchMean`] are that divided by `Σ wᵢ`, or 0 where no weight is kept.
///
/// See the [module](self) for shapes, threads and errors.
pub fn reduce<'a>(p: impl Into<View<'a>>, q: impl Into<View<'a>>, options: &Options) -> Result<f64, Error> {
    let mut out = 0.0;
    reduce_into(p.into(), q.into(), options, &mut out)?;
    Ok(out)
}

/// As [`reduce`], into the caller's memory. NaN where a row is bad.
pub fn reduce_into(p: View, q: View, options: &Options, out: &mut f64) -> Result<(), Error> {
    let job = Job::new(p, q, options)?;
    let groups = p.rows().div_ceil(GROUP);
    let group = |i: usize| {
        let (start, len) = (i * GROUP, GROUP.min(p.rows() - i * GROUP));
        let mut values = [0.0; GROUP];
        let first = job.rows(start, &mut values[..len]);
        let mut sum = Compensated::ZERO;
        values[..len].iter().for_each(|value| sum.add(*value));
        (sum, first)
    };
    let mut sum = Compensated::ZERO;
    let mut first = None;
    let mut add = |(part, error): (Compensated, Option<Error>)| {
        sum.add_parts(&part);
        first = first.take().or(error);
    };
    if job.plan.spread && groups > 1 {
        let mut parts = reserve(groups)?;
        let at_least = TASK.div_ceil(GROUP * p.cols());
        (0..groups).into_par_iter().with_min_len(at_least).map(group).collect_into_vec(&mut parts);
        parts.into_iter().for_each(add);
    } else {
        (0..groups).map(group).for_each(&mut add);
    }
    let sum = sum.value();
    *out = match options.reduction {
        Reduction::Sum => sum,
        Reduction::Mean | Reduction::BatchMean => match job.kept_weight() {
            0.0 if !sum.is_nan() => 0.0,
            weight => sum / weight,
        },
    };
    job.outcome(first)
}

/// Each term of the measure, element by element, rounded to the type of `out`; a row's terms sum to its measure.
///
/// Not for the Renyi divergence and the Jensen-Shannon distance, which are no sums ([`Error::Option`]). `out` has
/// the inputs' shape and a floating-point type ([`Error::Dtype`]). See the [module](self) for the rest.
pub fn terms_into(p: View, q: View, options: &Options, out: &mut ViewMut) -> Result<(), Error> {
    let job = Job::new(p, q, options)?;
    options.measure.needs_terms()?;
    needs_shape("out", out.shape(), p.shape())?;
    if !out.dtype().is_float() {
        return Err(Error::Dtype { what: "out", dtype: out.dtype().name() });
    }
    let out = &*out;
    let row = |i: usize| {
        // SAFETY: each row is asked for once.
        let mut out = unsafe { out.row_mut(i) };
        if !options.keeps(i) {
            out.fill(0.0);
            return None;
        }
        let error = job.plan.terms(p.row(i), job.q.row(i), i, options.weight(i), &mut out).err();
        if error.is_some() {
            out.fill(f64::NAN);
        }
        error
    };
    let first = if job.plan.spread {
        let tasks = (0..p.rows()).into_par_iter().with_min_len(job.rows_a_task());
        tasks.map(row).reduce(|| None, Option::or)
    } else {
        (0..p.rows()).fold(None, |first, i| first.or(row(i)))
    };
    job.outcome(first)
}

/// A vector with room for `n` elements.
fn reserve<T>(n: usize) -> Result<Vec<T>, Error> {
    let mut vec = Vec::new();
    match vec.try_reserve_exact(n) {
        Ok(()) => Ok(vec),
        Err(_) => Err(Error::OutOfMemory { bytes: n.saturating_mul(size_of::<T>()) }),
    }
}

/// A call, checked.
struct Job<'a> {
    p: View<'a>,
    q: View<'a>,
    options: &'a Options<'a>,
    plan: Plan,
}

impl<'a> Job<'a> {
    fn new(p: View<'a>, q: View<'a>, options: &'a Options<'a>) -> Result<Self, Error> {
        let q = if options.measure == Measure::Entropy { p } else { q };
        same_shape(&p, &q)?;
        options.check(p.rows())?;
        let mut plan = Plan::new(options);
        plan.spread &= p.rows().saturating_mul(p.cols()) >= PARALLEL_FROM;
        Ok(Job { p, q, options, plan })
    }

    fn rows_a_task(&self) -> usize {
        TASK.div_ceil(self.p.cols())
    }

    /// Writes the results of the rows from `start` on; says what the first bad one's error is.
    fn rows(&self, start: usize, out: &mut [f64]) -> Option<Error> {
        let mut first = None;
        let mut done = 0;
        while done < out.len() {
            let row = start + done;
            let rest = &mut out[done..];
            let kept = (0..rest.len().min(tile::MOST)).take_while(|i| self.options.keeps(row + i)).count();
            let tiled = tile::rows(&self.plan, &self.p, &self.q, row, &mut rest[..kept]);
            for (i, out) in rest[..tiled].iter_mut().enumerate() {
                *out = weighted(*out, self.options.weight(row + i));
            }
            for (i, out) in rest[..tiled.max(1)].iter_mut().enumerate() {
                // A tile leaves NaN where a row has to be looked at by itself.
                if tiled == 0 || out.is_nan() {
                    *out = self.row(row + i).unwrap_or_else(|error| {
                        first.get_or_insert(error);
                        f64::NAN
                    });
                }
            }
            done += tiled.max(1);
        }
        first
    }

    fn row(&self, i: usize) -> Result<f64, Error> {
        if !self.options.keeps(i) {
            return Ok(0.0);
        }
        let value = self.plan.value(self.p.row(i), self.q.row(i), i)?;
        Ok(weighted(value, self.options.weight(i)))
    }

    fn kept_weight(&self) -> f64 {
        let mut sum = Compensated::ZERO;
        let kept = (0..self.p.rows()).filter(|i| self.options.keeps(*i));
        kept.for_each(|i| sum.add(self.options.weight(i)));
        sum.value()
    }

    fn outcome(&self, first: Option<Error>) -> Result<(), Error> {
        match first {
            Some(error) if self.options.invalid == Invalid::Error => Err(error),
            _ => Ok(()),
        }
    }
}
