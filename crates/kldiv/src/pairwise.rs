//! Every row of P against every row of Q: at the speed of a matrix product, and right where the product is wrong.
//!
//! ```
//! use kldiv::{Options, pairwise};
//! use ndarray::array;
//!
//! let p = array![[0.5, 0.5], [0.9, 0.1]];
//! let q = array![[0.7, 0.3], [0.9, 0.1], [0.5, 0.5]];
//! let all = pairwise::matrix(&p, &q, &Options::default())?;
//! assert_eq!(all.dim(), (2, 3));
//! assert!((all[[0, 0]] - 0.0872).abs() < 1e-4 && all[[1, 1]] == 0.0);
//!
//! let nearest = pairwise::nearest(&p, &q, &Options::default(), 1)?;
//! assert_eq!(nearest.index, array![[2], [1]]);
//! # Ok::<(), kldiv::Error>(())
//! ```
//!
//! `out[i,j] = Σₗ p[i,l] ln(p[i,l] / q[j,l])`, or whatever [`Options::measure`] asks for; [`Measure::Entropy`] is that
//! of P's row whatever Q's is.
//!
//! # Shapes
//! `p` is `[m, outcomes]`, `q` is `[k, outcomes]`, with any strides and element types; the result is `[m, k]`. Mask and
//! weights are of P's rows: a masked row is not read and its cells are 0, a weight multiplies a row of cells.
//! # Zeros
//! As everywhere: `p > 0 = q` is infinite, `0 ln(0/q)` is 0.
//! # Accuracy
//! That of [`batch::rows`](crate::batch::rows) for every cell: within `16 u · mag`, also for rows that nearly coincide.
//! KL, reverse, generalised, Jeffreys and cross entropy come from a matrix product of f64, Jensen-Shannon from sums
//! with one logarithm an element, where 3.5 standard deviations of a cell's rounding errors, taken as independent and
//! bounded for these two rows, keep within `14 u · mag`. Other cells are computed one by one, and so is all of Renyi.
//! docs/numerics.md has the estimate.
//! # Threads
//! Blocks of cells are shared among the calling thread and those of a rayon pool; see [`threads`](crate::threads). A cell's bits depend on its
//! two rows and on the mean that all are compared with, of rows of Q (Jensen-Shannon: of P too); not on the threads.
//! The symmetric measures of a view against itself (Jensen-Shannon with equal weights, Renyi of order 1/2) are
//! computed once for both halves.
//! # Memory
//! Beyond the result: at most 16 MiB, or 48 rows if those are more, of each matrix as f64 (for Jeffreys rows of twice
//! the length), 200 KiB and 16 such rows a thread, and 16 bytes a row.
//! # Errors
//! [`Error::ShapeMismatch`], [`Error::Empty`] (0 columns) and [`Error::Option`] before anything is computed. A bad row
//! of P makes its row of cells NaN, a bad row of Q its column; all other cells are answered. The error that is
//! returned is that of the first cell, row by row, that has one, p before q; with [`Invalid::Nan`] it is `Ok`.

use std::cmp::Ordering;
use std::sync::{Mutex, PoisonError};

use ndarray::Array2;

use crate::cells::{Pairs, Sink};
use crate::check::needs_shape;
use crate::error::Error;
use crate::memory::{Heap, reserve, zeros};
use crate::policy::Options;
#[cfg(doc)]
use crate::policy::{Invalid, Measure};
use crate::rows::Rows;
use crate::sum::weighted;
use crate::view::{Dtype, Shape, View, ViewMut};

/// The measure of every row of `p` against every row of `q`: `out[i,j]` is that of rows i and j.
///
/// See the [module](self) for shapes, accuracy, threads, memory and errors.
pub fn matrix<'a>(
    p: impl Into<View<'a>>,
    q: impl Into<View<'a>>,
    options: &Options,
) -> Result<Array2<f64>, Error> {
    let (p, q) = (p.into(), q.into());
    let shape = Shape { rows: p.rows(), cols: q.rows() };
    let mut out = zeros(cells(shape)?)?;
    matrix_into(p, q, options, &mut out)?;
    array(shape, out)
}

/// As [`matrix`], into the caller's memory, one place a cell, row after row.
pub fn matrix_into(p: View, q: View, options: &Options, out: &mut [f64]) -> Result<(), Error> {
    let pairs = Pairs::new(p, q, options)?;
    let (shape, found) = (pairs.shape(), Shape { rows: 1, cols: out.len() });
    needs_shape("out", found, Shape { rows: 1, cols: cells(shape)? })?;
    pairs.compute(0, shape.rows, &Matrix::new(&pairs.rows, 0, shape, out))?;
    pairs.outcome()
}

/// How many cells there are.
fn cells(shape: Shape) -> Result<usize, Error> {
    shape.rows.checked_mul(shape.cols).ok_or(Error::OutOfMemory { bytes: usize::MAX })
}

fn array<T>(shape: Shape, values: Vec<T>) -> Result<Array2<T>, Error> {
    let bytes = values.len().saturating_mul(size_of::<T>());
    Array2::from_shape_vec((shape.rows, shape.cols), values).map_err(|_| Error::OutOfMemory { bytes })
}

/// Results as a matrix.
struct Matrix<'a> {
    rows: &'a Rows<'a>,
    first: usize,
    out: ViewMut<'a>,
}

impl<'a> Matrix<'a> {
    /// The rows from `first` on; as long as they are not given they are 0.
    fn new(rows: &'a Rows<'a>, first: usize, shape: Shape, out: &'a mut [f64]) -> Self {
        for (i, out) in out.chunks_mut(shape.cols.max(1)).enumerate() {
            if !rows.options.keeps(first + i) {
                out.fill(0.0);
            }
        }
        // SAFETY: the elements are the slice's own, row after row, and borrowed for 'a.
        let out =
            unsafe { ViewMut::from_raw(out.as_mut_ptr().cast(), shape, shape.cols as isize, 1, Dtype::F64) };
        Matrix { rows, first, out }
    }
}

impl Sink for Matrix<'_> {
    fn take(&self, row: usize, col: usize, width: usize, values: &mut [f64]) {
        for (i, values) in (row..).zip(values.chunks_mut(width)) {
            if !self.rows.options.keeps(i) {
                continue;
            }
            let weight = self.rows.options.weight(i);
            if weight != 1.0 {
                values.iter_mut().for_each(|value| *value = weighted(*value, weight));
            }
            // SAFETY: each cell is given once, and the row is in use for no longer than this.
            unsafe { self.out.row_mut(i - self.first).part(col, width) }.write(0, values);
        }
    }
}

/// Rows of a result that is too large for memory: see [`blocks`].
#[derive(Debug)]
pub struct RowBlock {
    /// The row of P that the block begins with.
    pub first: usize,
    /// The results of that row and the next ones, against all rows of Q.
    pub values: Array2<f64>,
}

/// The rows of [`matrix`], so many at a time.
///
/// Cells have the bits that they have in [`matrix`]. Where rows are bad and [`Options::invalid`] is
/// [`Invalid::Error`], the error comes after all blocks. If memory cannot be had that error is the last item.
///
/// ```
/// use kldiv::{Options, pairwise};
/// use ndarray::array;
///
/// let p = array![[0.5, 0.5], [0.9, 0.1], [0.2, 0.8]];
/// let mut rows = 0;
/// for block in pairwise::blocks(&p, &p, &Options::default(), 2)? {
///     rows += block?.values.nrows();
/// }
/// assert_eq!(rows, 3);
/// # Ok::<(), kldiv::Error>(())
/// ```
pub fn blocks<'a>(
    p: impl Into<View<'a>>,
    q: impl Into<View<'a>>,
    options: &'a Options<'a>,
    rows: usize,
) -> Result<Blocks<'a>, Error> {
    if rows == 0 {
        return Err(Error::Option { name: "rows", value: 0.0, expected: "a block has at least one row" });
    }
    let mut pairs = Pairs::new(p.into(), q.into(), options)?;
    pairs.keep_ready()?;
    Ok(Blocks { pairs, rows, next: 0, ended: false })
}

/// The iterator that [`blocks`] gives.
pub struct Blocks<'a> {
    pairs: Heap<Pairs<'a>>,
    rows: usize,
    next: usize,
    ended: bool,
}

impl Blocks<'_> {
    fn block(&self, first: usize, rows: usize) -> Result<RowBlock, Error> {
        let shape = Shape { rows, ..self.pairs.shape() };
        let mut out = zeros(cells(shape)?)?;
        self.pairs.compute(first, rows, &Matrix::new(&self.pairs.rows, first, shape, &mut out))?;
        Ok(RowBlock { first, values: array(shape, out)? })
    }
}

impl Iterator for Blocks<'_> {
    type Item = Result<RowBlock, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let (first, all) = (self.next, self.pairs.shape().rows);
        if first == all {
            self.ended = true;
            return self.pairs.outcome().err().map(Err);
        }
        let rows = self.rows.min(all - first);
        self.next += rows;
        let block = self.block(first, rows);
        self.ended = block.is_err();
        Some(block)
    }
}

/// What stands for a neighbour that there is none of.
pub const NONE: usize = usize::MAX;

/// The rows of Q that are nearest to each row of P: see [`nearest`].
#[derive(Debug)]
pub struct Nearest {
    /// Their places in Q, nearest first; [`NONE`] where there is none.
    pub index: Array2<usize>,
    /// Their measures, times the row's weight.
    pub value: Array2<f64>,
}

/// The `k` rows of `q` with the smallest measures from each row of `p`, the smallest first, and of equal ones the row
/// that comes first.
///
/// `k` is at most the number of rows of Q ([`Error::Option`]). Infinite measures come last. A bad row of Q is nobody's
/// neighbour; where fewer than `k` are left, and where the row of P is bad, the rest is [`NONE`] and NaN. A masked row
/// has [`NONE`] and 0. Weights do not change who is near.
///
/// # Memory
/// Instead of a place for each cell: 16 bytes a neighbour, and some 60 a row of P.
///
/// See the [module](self) for the rest.
pub fn nearest<'a>(
    p: impl Into<View<'a>>,
    q: impl Into<View<'a>>,
    options: &Options,
    k: usize,
) -> Result<Nearest, Error> {
    let (p, q) = (p.into(), q.into());
    // Looked at first: there may be no memory for places that nobody needs.
    let shape = Shape { rows: p.rows(), cols: needs_neighbours(k, q.rows())? };
    let mut value = zeros(cells(shape)?)?;
    let mut index = reserve(value.len())?;
    index.resize(value.len(), NONE);
    nearest_into(p, q, options, k, &mut index, &mut value)?;
    Ok(Nearest { index: array(shape, index)?, value: array(shape, value)? })
}

fn needs_neighbours(k: usize, rows: usize) -> Result<usize, Error> {
    let expected = "Q has fewer rows";
    if k <= rows { Ok(k) } else { Err(Error::Option { name: "k", value: k as f64, expected }) }
}

/// As [`nearest`], into the caller's memory, `k` places a row of P in each.
pub fn nearest_into(
    p: View,
    q: View,
    options: &Options,
    k: usize,
    index: &mut [usize],
    value: &mut [f64],
) -> Result<(), Error> {
    let pairs = Pairs::new(p, q, options)?;
    let wanted =
        Shape { rows: 1, cols: cells(Shape { rows: p.rows(), cols: needs_neighbours(k, q.rows())? })? };
    needs_shape("index", Shape { rows: 1, cols: index.len() }, wanted)?;
    needs_shape("out", Shape { rows: 1, cols: value.len() }, wanted)?;
    if wanted.cols == 0 {
        return Ok(());
    }
    index.fill(NONE);
    value.fill(f64::NAN);
    let mut rows = reserve(p.rows())?;
    let places = index.chunks_mut(k).zip(value.chunks_mut(k));
    rows.extend(places.map(|(index, value)| Mutex::new(Neighbours { index, value, found: 0 })));
    pairs.compute(0, p.rows(), &Near { options, rows: &rows })?;
    for (i, row) in rows.iter().enumerate() {
        let Neighbours { value, .. } = &mut *row.lock().unwrap_or_else(PoisonError::into_inner);
        let weight = options.weight(i);
        for value in value.iter_mut() {
            *value = if options.keeps(i) { weighted(*value, weight) } else { 0.0 };
        }
    }
    pairs.outcome()
}

/// The nearest so far, in order; those that are not found yet are NaN.
struct Neighbours<'a> {
    index: &'a mut [usize],
    value: &'a mut [f64],
    found: usize,
}

impl Neighbours<'_> {
    /// Takes a row of Q in if it is among the nearest. In whatever order rows come, the same ones stay.
    fn take(&mut self, index: usize, value: f64) {
        let most = self.index.len();
        if value.is_nan() || self.found == most && !self.comes_after(most - 1, index, value) {
            return;
        }
        let (mut low, mut high) = (0, self.found);
        while low < high {
            let middle = low.midpoint(high);
            if self.comes_after(middle, index, value) { high = middle } else { low = middle + 1 }
        }
        self.found = most.min(self.found + 1);
        self.index.copy_within(low..self.found - 1, low + 1);
        self.value.copy_within(low..self.found - 1, low + 1);
        (self.index[low], self.value[low]) = (index, value);
    }

    /// Whether what was found comes after a row of Q.
    fn comes_after(&self, found: usize, index: usize, value: f64) -> bool {
        match self.value[found].partial_cmp(&value) {
            Some(Ordering::Equal) => self.index[found] > index,
            order => order == Some(Ordering::Greater),
        }
    }
}

/// Results of which the smallest of each row are kept.
struct Near<'a> {
    options: &'a Options<'a>,
    rows: &'a [Mutex<Neighbours<'a>>],
}

impl Sink for Near<'_> {
    fn take(&self, row: usize, col: usize, width: usize, values: &mut [f64]) {
        for (i, values) in (row..).zip(values.chunks(width)) {
            if !self.options.keeps(i) {
                continue;
            }
            let mut row = self.rows[i].lock().unwrap_or_else(PoisonError::into_inner);
            for (j, value) in (col..).zip(values) {
                row.take(j, *value);
            }
        }
    }
}
