//! Arrays of any number of dimensions as blocks of rows that the core takes.
//!
//! One axis holds a distribution's outcomes; the others, broadcast, count distributions. As many of them as lie evenly
//! in every operand become the rows of one matrix; the rest is looped over. Nothing is copied.

use kldiv::{Error, Options, Shape, View, ViewMut};
use kldiv_host::environment::guarded;
use kldiv_host::pool;
use pyo3::prelude::*;

use crate::arrays::Array;
use crate::errors::{self, Place, Places};
use crate::options::PerRow;

/// Elements from which on Python's lock is let go of; what is smaller takes about as long as that.
const DETACH_FROM: usize = 1 << 11;

/// The operands of a call.
pub(crate) struct Grid<'a> {
    /// The shape of the rows: all axes but that of the outcomes, broadcast.
    pub(crate) shape: Vec<usize>,
    /// Where the axis of the outcomes stands among the broadcast axes.
    pub(crate) axis: usize,
    matrices: Vec<Matrix<'a>>,
    names: Vec<&'static str>,
    /// Operands that errors may name and that are no matrices of numbers.
    pub(crate) others: Vec<Place>,
    /// The leading axes, which are looped over.
    outer: Vec<usize>,
    blocks: usize,
    rows: usize,
}

/// An operand: where each of the rows' axes leads in it.
struct Matrix<'a> {
    array: &'a Array<'a>,
    axis: usize,
    strides: Vec<isize>,
    row_stride: isize,
}

// SAFETY: a grid only reads addresses; what they lead to is borrowed from arrays, which nobody else writes to meanwhile.
unsafe impl Sync for Grid<'_> {}
// SAFETY: as above.
unsafe impl Send for Grid<'_> {}

/// So many rows from row `first` on.
#[derive(Clone, Copy)]
pub(crate) struct Block {
    pub(crate) number: usize,
    pub(crate) first: usize,
    pub(crate) rows: usize,
}

impl Block {
    /// The block's part of what has an entry a row.
    pub(crate) fn of<'s, T>(&self, all: &'s [T]) -> &'s [T] {
        &all[self.first..][..self.rows]
    }
}

impl<'a> Grid<'a> {
    /// That of operands whose outcomes are along `axis`, counted in the one with the most axes; an operand with one axis
    /// is one distribution.
    pub(crate) fn new(
        py: Python<'_>,
        operands: &[(&'static str, &'a Array<'a>)],
        axis: isize,
        same_columns: bool,
    ) -> PyResult<Grid<'a>> {
        let ndim = operands.iter().map(|(_, array)| array.ndim()).max().unwrap_or(0);
        let from_end = if axis < 0 { axis } else { axis - ndim as isize };
        if from_end < -(ndim as isize) || from_end >= 0 {
            let message = if ndim == 0 {
                "a single number is no distribution: there has to be an axis of outcomes".to_owned()
            } else {
                format!("axis {axis} is out of bounds for arrays of {ndim} dimensions")
            };
            return Err(errors::error(py, "shape_mismatch", message));
        }
        let mut matrices = Vec::with_capacity(operands.len());
        let mut shape: Vec<usize> = Vec::new();
        for (name, array) in operands {
            let own = array.ndim();
            let at = own as isize + from_end;
            let at = if own == 1 { 0 } else { at };
            if own == 0 || at < 0 {
                let message = format!("{name} of shape {:?} has no axis {axis} of outcomes", array.shape);
                return Err(errors::error(py, "shape_mismatch", message));
            }
            let axis = at as usize;
            let rows = without(&array.shape, axis);
            if !broadcast(&mut shape, &rows)
                || same_columns
                    && array.shape[axis] != matrices.first().map_or(array.shape[axis], Matrix::cols)
            {
                return Err(disagree(py, operands));
            }
            matrices.push(Matrix { array, axis, strides: Vec::new(), row_stride: 0 });
        }
        let mut grid = Grid {
            axis: (shape.len() + 1).saturating_add_signed(from_end),
            names: operands.iter().map(|(name, _)| *name).collect(),
            matrices,
            others: Vec::new(),
            outer: Vec::new(),
            blocks: 1,
            rows: 1,
            shape,
        };
        grid.lay_out();
        Ok(grid)
    }

    /// Finds the longest run of trailing axes that every operand steps through evenly.
    fn lay_out(&mut self) {
        for matrix in &mut self.matrices {
            let own = without(&matrix.array.shape, matrix.axis);
            let own_strides = without(&matrix.array.strides, matrix.axis);
            let missing = self.shape.len() - own.len();
            matrix.strides = vec![0; self.shape.len()];
            for (i, (len, stride)) in own.iter().zip(own_strides).enumerate() {
                matrix.strides[missing + i] = if *len == 1 { 0 } else { stride };
            }
        }
        self.rows = 1;
        let mut inner = self.shape.len();
        while inner > 0 {
            let (len, rows) = (self.shape[inner - 1], self.rows);
            let evenly = |matrix: &Matrix| matrix.strides[inner - 1] == matrix.row_stride * rows as isize;
            if len != 1 && rows != 1 && !self.matrices.iter().all(evenly) {
                break;
            }
            if len != 1 && rows == 1 {
                self.matrices.iter_mut().for_each(|matrix| matrix.row_stride = matrix.strides[inner - 1]);
            }
            self.rows *= len;
            inner -= 1;
        }
        self.outer = self.shape[..inner].to_vec();
        self.blocks = self.outer.iter().product();
        if self.rows == 0 || self.blocks == 0 {
            (self.rows, self.blocks, self.outer) = (0, 1, Vec::new());
        }
    }

    /// Adds an output of the rows' shape, with columns of its own.
    pub(crate) fn push(&mut self, py: Python<'_>, name: &'static str, array: &'a Array<'a>) -> PyResult<()> {
        let fits = array.ndim() == self.shape.len() + 1 && without(&array.shape, self.axis) == self.shape;
        if !fits {
            let message = format!(
                "{name} has the shape {:?} where the rows have the shape {:?}",
                array.shape, self.shape
            );
            return Err(errors::error(py, "shape_mismatch", message));
        }
        for (other, matrix) in self.names.iter().zip(&self.matrices) {
            if array.overlaps(matrix.array) {
                return Err(errors::error(py, "overlap", format!("{name} shares memory with {other}")));
            }
        }
        if overlaps_itself(array) {
            return Err(errors::error(py, "overlap", format!("two elements of {name} are one")));
        }
        self.names.push(name);
        self.matrices.push(Matrix { array, axis: self.axis, strides: Vec::new(), row_stride: 0 });
        self.matrices.iter_mut().for_each(|matrix| matrix.row_stride = 0);
        self.lay_out();
        Ok(())
    }

    /// Adds the outputs that there are, and says which operands they are.
    pub(crate) fn push_all<const N: usize>(
        &mut self,
        py: Python<'_>,
        outputs: [(&'static str, &'a Option<Array<'a>>); N],
    ) -> PyResult<[Option<usize>; N]> {
        let mut at = [None; N];
        for (at, (name, array)) in at.iter_mut().zip(outputs) {
            if let Some(array) = array {
                *at = Some(self.matrices.len());
                self.push(py, name, array)?;
            }
        }
        Ok(at)
    }

    /// Makes each row a block of its own.
    pub(crate) fn one_by_one(&mut self) {
        if self.rows > 0 {
            (self.rows, self.blocks, self.outer) = (1, self.len(), self.shape.clone());
        }
    }

    /// How many rows there are in all.
    pub(crate) fn len(&self) -> usize {
        self.shape.iter().product()
    }

    pub(crate) fn cols(&self) -> usize {
        self.matrices.first().map_or(0, Matrix::cols)
    }

    /// The shape of an output element by element, with as many columns as that operand has.
    pub(crate) fn full(&self, operand: usize) -> Vec<usize> {
        let mut shape = self.shape.clone();
        shape.insert(self.axis, self.matrices[operand].cols());
        shape
    }

    /// Whether all rows are in one block.
    pub(crate) fn whole(&self) -> bool {
        self.blocks == 1
    }

    /// One number of what was computed block by block.
    pub(crate) fn reduce(
        &self,
        py: Python<'_>,
        options: &Options,
        per_row: &PerRow,
        reduce: impl FnOnce(&Options) -> Result<f64, Error>,
    ) -> PyResult<f64> {
        let options = per_row.on(options);
        let reduced = guarded(|| reduce(&options)).ok_or_else(errors::fault)?;
        reduced.map_err(|error| errors::of_core(py, &error, 0, &Default::default(), None))
    }

    fn block(&self, number: usize) -> Block {
        Block { number, first: number * self.rows, rows: self.rows }
    }

    /// An operand's rows in a block: the first one's address, and the strides.
    fn part(&self, operand: usize, block: &Block) -> (*mut u8, Shape, isize, isize) {
        let matrix = &self.matrices[operand];
        let mut offset = 0;
        let mut rest = block.number;
        for (len, stride) in self.outer.iter().zip(&matrix.strides).rev() {
            offset += (rest % len) as isize * stride;
            rest /= len;
        }
        let data = matrix.array.data.wrapping_offset(offset * matrix.array.dtype.size() as isize);
        let shape = Shape { rows: block.rows, cols: matrix.cols() };
        (data, shape, matrix.row_stride, matrix.array.strides[matrix.axis])
    }

    pub(crate) fn view(&self, operand: usize, block: &Block) -> View<'a> {
        let (data, shape, row_stride, col_stride) = self.part(operand, block);
        // SAFETY: all elements are the array's, which is borrowed for 'a.
        unsafe { View::from_raw(data, shape, row_stride, col_stride, self.matrices[operand].array.dtype) }
    }

    /// # Safety
    /// The operand is one that was pushed, and each block is asked for once.
    pub(crate) unsafe fn view_mut(&self, operand: usize, block: &Block) -> ViewMut<'a> {
        let (data, shape, row_stride, col_stride) = self.part(operand, block);
        // SAFETY: all elements are the array's, which is writable and shares none with others.
        unsafe { ViewMut::from_raw(data, shape, row_stride, col_stride, self.matrices[operand].array.dtype) }
    }

    /// The result's shape with the axis of the outcomes kept, 1 long.
    pub(crate) fn kept(&self, keepdims: bool) -> Vec<usize> {
        let mut shape = self.shape.clone();
        if keepdims {
            shape.insert(self.axis, 1);
        }
        shape
    }

    fn places(&self) -> Places {
        let place = |(name, matrix): (&&'static str, &Matrix)| Place {
            name,
            shape: matrix.array.shape.clone(),
            axis: Some(matrix.axis),
        };
        Places {
            rows: self.shape.clone(),
            operands: self.names.iter().zip(&self.matrices).map(place).collect(),
        }
    }

    /// Lets the core compute block by block, on as many threads as are allowed; the first error is the first row's.
    pub(crate) fn run(
        &self,
        py: Python<'_>,
        options: &Options,
        per_row: &PerRow,
        threads: u32,
        compute: impl Fn(&Block, &Options) -> Result<(), Error> + Sync,
    ) -> PyResult<Outcome> {
        let (mask, weights) = (per_row.mask(), per_row.weights());
        let work = self.len().saturating_mul(self.cols());
        let one = |number: usize, parallel: bool| {
            let block = self.block(number);
            let mut options = options.clone();
            options.parallel = parallel;
            options.mask = mask.map(|mask| block.of(mask));
            options.weights = weights.map(|weights| block.of(weights));
            compute(&block, &options).err().map(|error| (error, block.first))
        };
        let all = |parallel: bool| {
            if self.blocks == 1 {
                one(0, parallel)
            } else if parallel {
                kldiv::threads::first(self.blocks, 1, |i| one(i, true))
            } else {
                (0..self.blocks).fold(None, |first, i| {
                    let error = one(i, false);
                    first.or(error)
                })
            }
        };
        let first = on_threads(py, threads, work, all)?;
        Ok(Outcome { first })
    }

    /// The exception of an outcome, if it is one; `result` has the answers of the rows that were good.
    pub(crate) fn end(
        &self,
        py: Python<'_>,
        outcome: Outcome,
        result: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        match outcome.first {
            None => Ok(()),
            Some((error, first)) => Err(errors::of_core(py, &error, first, &self.places(), result)),
        }
    }
}

impl Matrix<'_> {
    fn cols(&self) -> usize {
        self.array.shape[self.axis]
    }
}

/// How a call ended: with the first bad row's error and the row that its rows count from, or well.
#[must_use]
pub(crate) struct Outcome {
    first: Option<(Error, usize)>,
}

/// Runs `body` as the C library does: in the default floating-point environment, on the library's own threads, and
/// without Python's lock where that is worth while. `body` is told whether it may share its work among threads.
pub(crate) fn on_threads<R: Send>(
    py: Python<'_>,
    threads: u32,
    work: usize,
    body: impl FnOnce(bool) -> R + Send,
) -> PyResult<R> {
    let run = || guarded(|| pool::run(threads, work, body));
    let result = if work < DETACH_FROM { run() } else { py.detach(run) };
    result.ok_or_else(errors::fault)
}

fn without<T: Copy>(all: &[T], axis: usize) -> Vec<T> {
    let mut rest = all.to_vec();
    rest.remove(axis);
    rest
}

/// Makes `shape` that of both; whether it can be.
fn broadcast(shape: &mut Vec<usize>, other: &[usize]) -> bool {
    while shape.len() < other.len() {
        shape.insert(0, 1);
    }
    let skipped = shape.len() - other.len();
    for (len, other) in shape[skipped..].iter_mut().zip(other) {
        match (*len, *other) {
            (a, b) if a == b => {}
            (1, b) => *len = b,
            (_, 1) => {}
            _ => return false,
        }
    }
    true
}

fn disagree(py: Python<'_>, operands: &[(&'static str, &Array)]) -> PyErr {
    let shapes: Vec<_> = operands.iter().map(|(name, array)| format!("{name} {:?}", array.shape)).collect();
    errors::error(py, "shape_mismatch", format!("the shapes do not go together: {}", shapes.join(", ")))
}

/// Whether an axis of more than one element stands still, or the others fit between its steps by no means.
fn overlaps_itself(array: &Array) -> bool {
    if array.shape.contains(&0) {
        return false;
    }
    let mut axes: Vec<_> = array.shape.iter().zip(&array.strides).filter(|(len, _)| **len > 1).collect();
    axes.sort_by_key(|(_, stride)| stride.unsigned_abs());
    let mut reach = 0;
    for (len, stride) in axes {
        if stride.unsigned_abs() <= reach {
            return true;
        }
        reach += (len - 1) * stride.unsigned_abs();
    }
    false
}
