//! Many short rows at once: transposed as they are loaded, so that a vector's lanes hold rows, not elements.
//!
//! A row's terms are the same and are added along the same tree as those of a row by itself, so its bits are too.

use crate::kernels::lanes::Vector;
use crate::kernels::{self, TILE_COLS};
use crate::pair::{Plan, with_op};
use crate::policy::{Measure, Normalization};
use crate::sum::Compensated;
use crate::view::View;

/// Rows in the largest tile.
pub(crate) const MOST: usize = 16;

/// Elements of a tile of f64, and of f32: 2 KiB either way.
const F64S: usize = 8 * TILE_COLS;
const F32S: usize = 16 * TILE_COLS;

/// Writes the measures of as many rows from `row` on as there is a tile for, and says how many; NaN where a row has
/// to be looked at by itself.
pub(crate) fn rows(plan: &Plan, p: &View, q: &View, row: usize, out: &mut [f64]) -> usize {
    if p.cols() > TILE_COLS || plan.normalization != Normalization::AsGiven {
        return 0;
    }
    let (p, q) = if plan.measure == Measure::Reverse { (q, p) } else { (p, q) };
    if p.dtype().fits_f32() && q.dtype().fits_f32() {
        tile::<f32, F32S, 16>(plan, p, q, row, out)
    } else {
        tile::<f64, F64S, 8>(plan, p, q, row, out)
    }
}

/// Not inlined, so that its buffers are on the stack only where they are needed.
#[inline(never)]
fn tile<T: Vector, const SIZE: usize, const LANES: usize>(
    plan: &Plan,
    p: &View,
    q: &View,
    row: usize,
    out: &mut [f64],
) -> usize {
    if out.len() < LANES || matches!(plan.measure, Measure::Renyi { .. }) {
        return 0;
    }
    let out = &mut out[..LANES];
    let size = LANES * p.cols();
    let mut tiles = [[T::ONE; SIZE]; 2];
    for (tile, side) in tiles.iter_mut().zip([p, q]) {
        match side.slices_from::<T>(row) {
            // SAFETY: the rows are slices, and there are as many.
            Some(rows) => unsafe { kernels::transpose(rows, &mut tile[..size]) },
            None => (0..LANES).for_each(|i| side.row(row + i).copy(&mut tile[i..size], LANES)),
        }
    }
    let [p, q] = &tiles;
    let one = Compensated { hi: 1.0, lo: 0.0 };
    with_op!(plan, false, (one, one),
        op => kernels::tile(&op, &p[..size], &q[..size], out),
        renyi _alpha => return 0);
    for value in out.iter_mut() {
        *value = plan.in_units(*value);
    }
    LANES
}
