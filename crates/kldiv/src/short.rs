//! Short rows, eight at a time, so that what comes after a row's terms is done once for all eight.
//!
//! Terms and their sums are those of a row by itself, and so are its bits.

use crate::error::Error;
use crate::kernels::lanes::Vector;
use crate::kernels::{self, BLOCK};
use crate::pair::{Plan, with_op};
use crate::policy::{Measure, Normalization};
use crate::rows::Rows;
use crate::sum::{Compensated, weighted};
use crate::view::View;

/// How many rows there are at a time.
const ROWS: usize = kernels::ROWS;

/// Columns up to which rows that are no slices are gathered all eight at once; a buffer of them is 1 KiB.
const GATHERED: usize = 16;

/// Fills the results of rows in a row, from `start` on, times their weights; says what the first error is.
///
/// `some` writes those of as many rows as it can in one go, by their place in `out`, and says of how many; NaN where a row has
/// to be looked at by itself. `one` is asked for all others that are kept.
pub(crate) fn stretch(
    rows: &Rows,
    start: usize,
    out: &mut [f64],
    some: impl Fn(usize, &mut [f64]) -> usize,
    one: impl Fn(usize) -> Result<f64, Error>,
) -> Option<Error> {
    let mut first = None;
    let mut done = 0;
    while done < out.len() {
        let rest = &mut out[done..];
        let keeps = |i: usize| rows.options.keeps(start + done + i);
        let at_a_time = rest.len().min(ROWS);
        let kept = match rows.options.mask {
            None => at_a_time,
            Some(_) => (0..at_a_time).take_while(|i| keeps(*i)).count(),
        };
        let answered = some(done, &mut rest[..kept]);
        // Most often nothing is left to do.
        let found = &rest[..answered];
        if answered > 0
            && rows.options.weights.is_none()
            && !found.iter().fold(false, |any, x| any | x.is_nan())
        {
            done += answered;
            continue;
        }
        for (i, out) in rest[..answered.max(1)].iter_mut().enumerate() {
            let place = done + i;
            *out = if i < answered && !out.is_nan() {
                weighted(*out, rows.options.weight(start + place))
            } else if keeps(i) {
                rows.answer(start + place, one(place), &mut first)
            } else {
                0.0
            };
        }
        done += answered.max(1);
    }
    first
}

/// Writes the measures of eight rows from `row` on, if there is a way, and says how many it wrote; NaN where a row has to
/// be looked at by itself.
pub(crate) fn rows(plan: &Plan, p: &View, q: &View, row: usize, out: &mut [f64]) -> usize {
    if plan.normalization != Normalization::AsGiven || matches!(plan.measure, Measure::Renyi { .. }) {
        return 0;
    }
    let (p, q) = if plan.measure == Measure::Reverse { (q, p) } else { (p, q) };
    if p.dtype().fits_f32() && q.dtype().fits_f32() {
        // SAFETY: eight rows are readable.
        eight::<f32>(p, q, row, out, |p, q, cols, out| unsafe { measure(plan, p, q, cols, out) })
    } else {
        // SAFETY: as above.
        eight::<f64>(p, q, row, out, |p, q, cols, out| unsafe { measure(plan, p, q, cols, out) })
    }
}

/// Rows of one type: where the first begins and how far apart they are.
type Lines<T> = (*const T, isize);

/// Calls `measure` on eight rows from `row` on, as they are or gathered, if there are so many and it is better so; says how
/// many.
pub(crate) fn eight<T: Vector>(
    p: &View,
    q: &View,
    row: usize,
    out: &mut [f64],
    measure: impl Fn(Lines<T>, Lines<T>, usize, &mut [f64; ROWS]),
) -> usize {
    let Some(out) = out.first_chunk_mut().filter(|_| p.cols() <= BLOCK) else { return 0 };
    match (p.slices_from::<T>(row), q.slices_from::<T>(row)) {
        (Some(p_rows), Some(q_rows)) => measure(p_rows, q_rows, p.cols(), out),
        _ if p.cols() <= GATHERED => gathered::<T>(p, q, row, out, measure),
        _ => return 0,
    }
    ROWS
}

/// Not inlined, so that its buffers are on the stack only where they are needed.
#[inline(never)]
fn gathered<T: Vector>(
    p: &View,
    q: &View,
    row: usize,
    out: &mut [f64; ROWS],
    measure: impl Fn(Lines<T>, Lines<T>, usize, &mut [f64; ROWS]),
) {
    let mut buffers = [[T::ONE; ROWS * GATHERED]; 2];
    let cols = p.cols();
    for (buffer, side) in buffers.iter_mut().zip([p, q]) {
        for (i, place) in buffer.chunks_exact_mut(cols).take(ROWS).enumerate() {
            side.row(row + i).copy(place);
        }
    }
    let [p, q] = buffers.each_ref().map(|buffer| (buffer.as_ptr(), cols as isize));
    measure(p, q, cols, out);
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
