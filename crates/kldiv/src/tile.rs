//! Many short rows at once: transposed into a small tile, so that a vector's lanes hold rows, not elements.
//!
//! A row's terms are the same and are added along the same tree as those of a row by itself, so its bits are too.

use crate::kernels::{self, lanes::Vector};
use crate::pair::{Plan, with_op};
use crate::policy::{Measure, Normalization};
use crate::sum::{Compensated, Total};
use crate::view::View;

/// Rows in the largest tile.
pub(crate) const MOST: usize = 16;

/// Columns above which rows are better taken one at a time.
const COLS: usize = 32;

/// Elements of a tile of f64, and of f32: 2 KiB either way.
const F64S: usize = 8 * COLS;
const F32S: usize = 16 * COLS;

/// Writes the measures of as many rows from `row` on as there is a tile for, and says how many; NaN where a row has
/// to be looked at by itself.
pub(crate) fn rows(plan: &Plan, p: &View, q: &View, row: usize, out: &mut [f64]) -> usize {
    if p.cols() > COLS || plan.normalization != Normalization::AsGiven {
        return 0;
    }
    let (p, q) = if plan.measure == Measure::Reverse { (q, p) } else { (p, q) };
    if p.dtype().fits_f32() && q.dtype().fits_f32() {
        tile::<f32, F32S, 16>(plan, p, q, row, out)
    } else {
        tile::<f64, F64S, 8>(plan, p, q, row, out)
    }
}

fn tile<T: Vector, const SIZE: usize, const LANES: usize>(
    plan: &Plan,
    p: &View,
    q: &View,
    row: usize,
    out: &mut [f64],
) -> usize {
    let size = LANES * p.cols();
    let one: Compensated = Compensated { hi: 1.0, lo: 0.0 };
    if out.len() < LANES {
        return 0;
    }
    let out = &mut out[..LANES];
    let mut tiles = [[T::ONE; SIZE]; 2];
    for (tile, side) in tiles.iter_mut().zip([p, q]) {
        for i in 0..LANES {
            side.row(row + i).copy(&mut tile[i..size], LANES);
        }
    }
    let [p, q] = &tiles;
    with_op!(plan, false, (one, one),
        op => {
            let mut totals = [Total::ZERO; LANES];
            kernels::tile(&op, &p[..size], &q[..size], &mut totals);
            for (out, total) in out.iter_mut().zip(&totals) {
                *out = plan.finish_tile(&op, total);
            }
            LANES
        },
        renyi _alpha => 0)
}
