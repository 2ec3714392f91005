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
//! Work from [`PARALLEL_FROM`] elements on is shared among [`threads`](crate::threads), by rows and,
//! where rows are long, within them. A row's bits depend neither on that nor on its strides.
//! # Errors
//! [`Error::ShapeMismatch`], [`Error::Empty`] (0 columns) and [`Error::Option`] before anything is computed. Of bad
//! rows the first is named, by [`Error::InvalidEntry`], [`Error::ZeroMass`] or [`Error::NotNormalized`]; the `_into`
//! functions have then written NaN for each of them and the answers of all other rows, and with [`Invalid::Nan`]
//! they return `Ok`.

use crate::check::{needs_float, needs_shape, same_shape};
use crate::error::Error;
use crate::lines::Lines;
use crate::memory::reserve;
use crate::pair::Plan;
#[cfg(doc)]
use crate::policy::{Invalid, Reduction};
use crate::policy::{Measure, Options};
pub use crate::rows::PARALLEL_FROM;
use crate::rows::Rows;
use crate::short;
use crate::view::{Row, Shape, View, ViewMut};

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
    let first = job.rows.fill(out, |start, out| job.stretch(start, out));
    job.rows.outcome(first)
}

/// The measures of the rows as one number: [`Reduction::Sum`] is `Σ wᵢ Dᵢ` over the rows that the mask keeps, and
/// [`Reduction::Mean`] and [`Reduction::BatchMean`] are that divided by `Σ wᵢ`, or 0 where no weight is kept. Where rows
/// overflow to both infinities it is no number, and [`Error::Overflow`] names the least of them.
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
    let (sum, first) = job.rows.sum::<1>(|start, out| job.stretch(start, out))?;
    *out = job.rows.reduced(sum);
    job.rows.outcome(first)
}

/// The results of [`rows`] as the one number that [`reduce`] makes of them, to the bit: for rows that do not lie in one
/// matrix and were computed piece by piece.
pub fn reduce_rows(values: &[f64], options: &Options) -> Result<f64, Error> {
    let rows = Rows::new(Shape { rows: values.len(), cols: 1 }, options)?;
    Ok(rows.reduced(rows.sum_of(values)?))
}

/// Each term of the measure, element by element, rounded to the type of `out`; a row's terms sum to its measure.
///
/// Not for the Renyi divergence and the Jensen-Shannon distance, which are no sums ([`Error::Option`]). `out` has
/// the inputs' shape and a floating-point type ([`Error::Dtype`]). See the [module](self) for the rest.
pub fn terms_into(p: View, q: View, options: &Options, out: &mut ViewMut) -> Result<(), Error> {
    let job = Job::new(p, q, options)?;
    options.measure.needs_terms()?;
    needs_shape("out", out.shape(), p.shape())?;
    needs_float("out", out.dtype())?;
    let out = &*out;
    let first = job.rows.each(|i| {
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
    });
    job.rows.outcome(first)
}

/// A call, checked.
struct Job<'a> {
    p: View<'a>,
    q: View<'a>,
    rows: Rows<'a>,
    plan: Plan,
}

impl<'a> Job<'a> {
    fn new(p: View<'a>, q: View<'a>, options: &'a Options<'a>) -> Result<Self, Error> {
        let q = if options.measure == Measure::Entropy { p } else { q };
        same_shape(&p, &q)?;
        let mut rows = Rows::new(p.shape(), options)?;
        if Lines::serve(&p) || Lines::serve(&q) {
            rows.together = Lines::at_a_time(p.cols());
        }
        let mut plan = Plan::new(options);
        plan.spread = rows.spread;
        Ok(Job { p, q, rows, plan })
    }

    /// Writes the results of the rows from `start` on; says what the first bad one's error is.
    fn stretch(&self, start: usize, out: &mut [f64]) -> Option<Error> {
        if Lines::serve(&self.p) || Lines::serve(&self.q) {
            return self.stretch_of_lines(start, out);
        }
        self.stretch_of(self.p.some_rows(start, out.len()), self.q.some_rows(start, out.len()), start, out)
    }

    /// The same of rows that are copied first, some at a time; masked ones are not read. Not inlined: the stack is short.
    #[inline(never)]
    fn stretch_of_lines(&self, start: usize, out: &mut [f64]) -> Option<Error> {
        // Without memory rows are read where they are.
        let (Ok(mut p), Ok(mut q)) = (Lines::new(self.p), Lines::new(self.q)) else {
            return self.stretch_of(
                self.p.some_rows(start, out.len()),
                self.q.some_rows(start, out.len()),
                start,
                out,
            );
        };
        let mut first = None;
        let at_a_time = Lines::at_a_time(self.p.cols());
        for (block, out) in out.chunks_mut(at_a_time).enumerate() {
            let (row, rows) = (start + block * at_a_time, out.len());
            let error = if (row..row + rows).all(|i| self.rows.options.keeps(i)) {
                self.stretch_of(p.rows(row, rows), q.rows(row, rows), row, out)
            } else {
                self.stretch_of(self.p.some_rows(row, rows), self.q.some_rows(row, rows), row, out)
            };
            first = first.or(error);
        }
        first
    }

    /// The same of views of those rows alone.
    fn stretch_of(&self, p: View, q: View, start: usize, out: &mut [f64]) -> Option<Error> {
        short::stretch(
            &self.rows,
            start,
            out,
            |place, out| short::rows(&self.plan, &p, &q, place, out),
            |place| self.one(p.row(place), q.row(place), start + place),
        )
    }

    /// A row's measure. Not inlined: the stack is short.
    #[inline(never)]
    fn one(&self, p: Row, q: Row, i: usize) -> Result<f64, Error> {
        self.plan.value(p, q, i)
    }
}
