//! Short rows, eight at a time, so that what comes after a row's terms is done once for all eight.
//!
//! Terms and their sums are those of a row by itself, and so are its bits.

use crate::kernels::lanes::Vector;
use crate::kernels::{self, BLOCK};
use crate::pair::{Plan, with_op};
use crate::policy::{Measure, Normalization};
use crate::sum::Compensated;
use crate::view::View;

/// How many rows there are at a time.
pub(crate) const ROWS: usize = kernels::ROWS;

/// Columns up to which rows that are no slices are gathered all eight at once; a buffer of them is 1 KiB.
const GATHERED: usize = 16;

/// Writes the measures of eight rows from `row` on, if there is a way, and says how many it wrote; NaN where a row has to
/// be looked at by itself.
pub(crate) fn rows(plan: &Plan, p: &View, q: &View, row: usize, out: &mut [f64]) -> usize {
    let alike =
        plan.normalization == Normalization::AsGiven && !matches!(plan.measure, Measure::Renyi { .. });
    let Some(out) = out.first_chunk_mut().filter(|_| alike && p.cols() <= BLOCK) else { return 0 };
    let (p, q) = if plan.measure == Measure::Reverse { (q, p) } else { (p, q) };
    if p.dtype().fits_f32() && q.dtype().fits_f32() {
        eight::<f32>(plan, p, q, row, out)
    } else {
        eight::<f64>(plan, p, q, row, out)
    }
}

fn eight<T: Vector>(plan: &Plan, p: &View, q: &View, row: usize, out: &mut [f64; ROWS]) -> usize {
    match (p.slices_from::<T>(row), q.slices_from::<T>(row)) {
        // SAFETY: the rows are slices, and there are as many.
        (Some(p_rows), Some(q_rows)) => unsafe { measure(plan, p_rows, q_rows, p.cols(), out) },
        _ if p.cols() <= GATHERED => gathered::<T>(plan, p, q, row, out),
        _ => return 0,
    }
    ROWS
}

/// Not inlined, so that its buffers are on the stack only where they are needed.
#[inline(never)]
fn gathered<T: Vector>(plan: &Plan, p: &View, q: &View, row: usize, out: &mut [f64; ROWS]) {
    let mut buffers = [[T::ONE; ROWS * GATHERED]; 2];
    let cols = p.cols();
    for (buffer, side) in buffers.iter_mut().zip([p, q]) {
        for (i, place) in buffer.chunks_exact_mut(cols).take(ROWS).enumerate() {
            side.row(row + i).copy(place);
        }
    }
    let [p, q] = buffers.each_ref().map(|buffer| (buffer.as_ptr(), cols as isize));
    // SAFETY: eight rows were gathered into each.
    unsafe { measure(plan, p, q, cols, out) }
}

/// # Safety
/// `cols` elements of eight rows are readable on each side, given by where the first begins and how far apart they are.
unsafe fn measure<T: Vector>(
    plan: &Plan,
    p: (*const T, isize),
    q: (*const T, isize),
    cols: usize,
    out: &mut [f64; ROWS],
) {
    let one = Compensated { hi: 1.0, lo: 0.0 };
    with_op!(plan, false, (one, one),
        // SAFETY: the caller's promise.
        op => unsafe { kernels::rows(&op, p, q, cols, out) },
        renyi _alpha => out.fill(f64::NAN));
    for value in out.iter_mut() {
        *value = plan.in_units(*value);
    }
}
