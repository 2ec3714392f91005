//! Short rows, eight at a time, so that what comes after a row's terms is done once for all eight.
//!
//! Terms and their sums are those of a row by itself, and so are its bits.

use crate::error::Error;
use crate::kernels::lanes::Vector;
use crate::kernels::op::Op;
use crate::kernels::prepare::Scaled;
use crate::kernels::{self, BLOCK, Of};
use crate::pair::{Plan, with_op};
use crate::policy::{Measure, Normalization};
use crate::rows::Rows;
use crate::scaling::Scaling;
use crate::sum::{Compensated, weighted};
use crate::view::View;

/// How many rows there are at a time, and how many eights may be.
const ROWS: usize = kernels::ROWS;
const MANY: usize = 16 * ROWS;

/// Columns up to which rows that are no slices are gathered all eight at once; a buffer of them is 1 KiB.
const GATHERED: usize = 16;

const ONE: Compensated = Compensated { hi: 1.0, lo: 0.0 };

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
        let at_a_time = rest.len().min(MANY);
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

/// Writes the measures of eight rows from `row` on or of more eights, if there is a way, and says how many it wrote; NaN where
/// a row has to be looked at by itself.
pub(crate) fn rows(plan: &Plan, p: &View, q: &View, row: usize, out: &mut [f64]) -> usize {
    if matches!(plan.measure, Measure::Renyi { .. }) {
        return 0;
    }
    let (p, q) = if plan.measure == Measure::Reverse { (q, p) } else { (p, q) };
    if plan.normalization == Normalization::Normalize {
        // SAFETY: eight rows are readable.
        eight::<f64>(p, q, row, out, |x, y, _, out| unsafe { normalized(plan, (p, x), (q, y), row, out) })
    } else if p.dtype().fits_f32() && q.dtype().fits_f32() {
        many::<f32>(plan, p, q, row, out)
    } else {
        many::<f64>(plan, p, q, row, out)
    }
}

/// The same of rows as they are given. Where sums are asked for it is eight.
fn many<T: Vector>(plan: &Plan, p: &View, q: &View, row: usize, out: &mut [f64]) -> usize {
    if plan.normalization != Normalization::Require
        && p.cols() <= BLOCK
        && let (Some(x), Some(y)) = (p.slices_from::<T>(row), q.slices_from::<T>(row))
    {
        let whole = out.len() / ROWS * ROWS;
        // SAFETY: there are as many rows as places.
        return unsafe { given(plan, (p, x), (q, y), row, &mut out[..whole]) };
    }
    eight::<T>(p, q, row, out, |x, y, _, out| {
        // SAFETY: eight rows are readable.
        unsafe { given(plan, (p, x), (q, y), row, out) };
    })
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

/// The measures of rows as they are, and how many it wrote; NaN where a sum is not what it is required to be.
///
/// # Safety
/// On each side, a view and where its rows from `row` on are, as many rows as there are places are readable; these are a
/// multiple of eight, and eight where sums are asked for.
unsafe fn given<T: Vector>(
    plan: &Plan,
    (p, x): (&View, Lines<T>),
    (q, y): (&View, Lines<T>),
    row: usize,
    out: &mut [f64],
) -> usize {
    let done = with_op!(plan, false, (ONE, ONE),
        // SAFETY: the caller's promise.
        op => unsafe { kernels::rows(&op, x, y, p.cols(), out) },
        renyi _alpha => { out.fill(f64::NAN); out.len() });
    for value in &mut out[..done] {
        *value = plan.in_units(*value);
    }
    if plan.normalization == Normalization::Require {
        // SAFETY: the caller's promise.
        for masses in unsafe { [masses(plan, (p, x), row), masses(plan, (q, y), row)] } {
            for (value, mass) in out.iter_mut().zip(masses) {
                *value = if plan.allows(mass) { *value } else { f64::NAN };
            }
        }
    }
    done
}

/// The measures of rows divided by their sums; NaN where these are no sums to divide by.
///
/// # Safety
/// As for [`given`], of eight.
unsafe fn normalized(
    plan: &Plan,
    (p, x): (&View, Lines<f64>),
    (q, y): (&View, Lines<f64>),
    row: usize,
    out: &mut [f64; ROWS],
) {
    // SAFETY: the caller's promise.
    let of_p = unsafe { masses(plan, (p, x), row) };
    // SAFETY: as above.
    let of_q = if plan.measure == Measure::Entropy { of_p } else { unsafe { masses(plan, (q, y), row) } };
    let mut scalings = Scalings::NONE;
    for i in 0..ROWS {
        let (of_p, of_q) = if plan.measure == Measure::Reverse { (of_q, of_p) } else { (of_p, of_q) };
        if plan.allows(of_p[i]) && plan.allows(of_q[i]) {
            scalings.set(i, &Scaling::new(plan.measure, plan.smoothing, of_p[i], of_q[i]));
        }
    }
    let Scalings { prepares, scales, sums } = &scalings;
    with_op!(plan, true, (ONE, ONE),
        op => {
            let of = Of { ops: &sums.map(|sums| op.of_sums(sums)), prepares, scales };
            // SAFETY: the caller's promise.
            unsafe { kernels::rows_each(of, x, y, p.cols(), out) }
        },
        renyi _alpha => out.fill(f64::NAN));
    for value in out.iter_mut() {
        *value = plan.in_units(*value);
    }
}

/// The scalings of eight rows, each of its parts side by side.
struct Scalings {
    prepares: [Scaled; ROWS],
    scales: [f64; ROWS],
    sums: [(Compensated, Compensated); ROWS],
}

impl Scalings {
    /// Of rows that cannot be scaled.
    const NONE: Scalings =
        Scalings { prepares: [Scaled::NONE; ROWS], scales: [f64::NAN; ROWS], sums: [(ONE, ONE); ROWS] };

    #[inline(always)]
    fn set(&mut self, i: usize, scaling: &Scaling) {
        (self.prepares[i], self.scales[i], self.sums[i]) = (scaling.prepare, scaling.scale, scaling.sums());
    }
}

/// The sums of eight rows, smoothed. Those of a type are added as [`Plan::mass`] adds them.
///
/// # Safety
/// As for [`given`], of eight.
unsafe fn masses<T: Vector>(plan: &Plan, (side, rows): (&View, Lines<T>), row: usize) -> [Compensated; ROWS] {
    let cols = side.cols();
    // SAFETY: eight rows are readable, by the caller's promise, and where the view says that they are slices.
    let sums = unsafe {
        if side.dtype().fits_f32() == T::DTYPE.fits_f32() {
            kernels::masses(rows, cols)
        } else if let Some(rows) = side.slices_from::<f32>(row) {
            kernels::masses(rows, cols)
        } else {
            return std::array::from_fn(|i| plan.mass(side.row(row + i)));
        }
    };
    sums.map(|sum| plan.smoothed(sum, cols))
}
