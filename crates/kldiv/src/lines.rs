//! Rows of a matrix whose neighbours in memory are of different rows, some at a time as lines of their own.
//!
//! Read one after another, each of its elements would cost a cache line, which has often gone by the time that the next
//! row wants it. Read side by side, a line of memory serves as many rows as it has elements.

use crate::error::Error;
use crate::memory::reserve;
use crate::view::{Element, Shape, View};

/// Rows that are copied at a time, at most: some lines of memory one after another take less than one by one.
pub(crate) const LINES: usize = 64;

/// Elements of a side that are copied at a time, so that a copy stays in a core's cache.
const ELEMENTS: usize = 1 << 15;

/// Columns up to which rows are copied: eight at a time.
const COLS: usize = ELEMENTS / 8;

/// How far apart lines of so many elements begin: an odd number of lines of memory, for at a distance of a power of 2 they
/// would be in each other's way.
fn width<T>(cols: usize) -> usize {
    ((cols * size_of::<T>()).div_ceil(64) | 1) * 64 / size_of::<T>()
}

/// Memory for the lines of one side.
pub(crate) struct Lines<'a> {
    view: View<'a>,
    f32s: Vec<f32>,
    f64s: Vec<f64>,
}

impl<'a> Lines<'a> {
    /// Whether a matrix is better copied.
    pub(crate) fn serve(view: &View) -> bool {
        view.has_rows_side_by_side() && view.dtype().is_float() && (2..=COLS).contains(&view.cols())
    }

    /// How many rows of so many columns are copied at a time.
    pub(crate) fn at_a_time(cols: usize) -> usize {
        (ELEMENTS / cols).clamp(1, LINES)
    }

    pub(crate) fn new(view: View<'a>) -> Result<Lines<'a>, Error> {
        let mut lines = Lines { view, f32s: Vec::new(), f64s: Vec::new() };
        if !Lines::serve(&view) {
            return Ok(lines);
        }
        if view.dtype().fits_f32() {
            lines.f32s = memory_for(view.shape())?;
        } else {
            lines.f64s = memory_for(view.shape())?;
        }
        Ok(lines)
    }

    /// The rows from `start` on, at most [`Lines::at_a_time`]: copies, if they are better copied.
    pub(crate) fn rows(&mut self, start: usize, rows: usize) -> View<'_> {
        let view = self.view.some_rows(start, rows);
        if !Lines::serve(&view) {
            view
        } else if view.dtype().fits_f32() {
            copied(&view, &mut self.f32s)
        } else {
            copied(&view, &mut self.f64s)
        }
    }
}

fn memory_for<T: Element>(Shape { rows, cols }: Shape) -> Result<Vec<T>, Error> {
    let size = rows.min(Lines::at_a_time(cols)) * width::<T>(cols);
    let mut lines = reserve(size)?;
    lines.resize(size, T::from_f64(0.0));
    Ok(lines)
}

fn copied<'a, T: Element>(view: &View, lines: &'a mut [T]) -> View<'a> {
    let Shape { rows, cols } = view.shape();
    let (columns, width) = (view.transposed(), width::<T>(cols));
    let mut buffer = [T::from_f64(0.0); LINES];
    for j in 0..cols {
        let column = columns.row(j).as_or_in(&mut buffer[..rows]);
        for (i, x) in column.iter().enumerate() {
            lines[i * width + j] = *x;
        }
    }
    let shape = Shape { rows, cols };
    // SAFETY: that many elements of as many lines were written, and they are borrowed for 'a.
    unsafe { View::from_raw(lines.as_ptr().cast(), shape, width as isize, 1, T::DTYPE) }
}
