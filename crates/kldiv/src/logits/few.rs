//! Rows of few logits: eight of them brought into columns, compared a row a lane, and gradients brought back; or one by one.

use std::ops::Range;

use crate::kernels;
use crate::kernels::softmax_rows::{Column, SoftmaxRow, SoftmaxRows};
use crate::view::{Row, RowMut, View, ViewMut};

/// How many rows there are at a time.
pub(super) const ROWS: usize = kernels::ROWS;

/// Logits up to which a row has few; a buffer of eight is 1.5 KiB.
pub(super) const FEW: usize = 48;

/// Up to so many rows are sooner compared one by one.
const ALONE: usize = 2;

/// Writes the divergences in nats of at most eight rows of P and Q, and those gradients that are wanted, each row's times
/// its own factor; NaN, and no gradients, of a row that is to be looked at by itself. Rows that are not kept are neither read
/// nor written.
#[inline(never)]
pub(super) fn rows(
    [p, q]: [&View; 2],
    rows: Range<usize>,
    keeps: impl Fn(usize) -> bool,
    scale: f64,
    by: &[f64; ROWS],
    grads: [Option<&ViewMut>; 2],
    out: &mut [f64; ROWS],
) {
    let kept = rows.enumerate().filter(|(_, i)| keeps(*i));
    if kept.clone().count() <= ALONE {
        for (lane, i) in kept {
            out[lane] = alone([p.row(i), q.row(i)], scale, by[lane], grads, i);
        }
        return;
    }
    together([p, q], kept, scale, by, grads, out);
}

/// One row, its outcomes eight at a time.
fn alone(rows: [Row; 2], scale: f64, by: f64, grads: [Option<&ViewMut>; 2], i: usize) -> f64 {
    let cols = rows[0].len();
    let mut tiles = [[[f32::NEG_INFINITY; ROWS]; FEW / ROWS]; 2];
    for (tile, row) in tiles.iter_mut().zip(rows) {
        row.copy(&mut tile.as_flattened_mut()[..cols]);
    }
    let [a, b] = tiles.each_mut().map(|tile| &mut tile[..cols.div_ceil(ROWS)]);
    let wanted = grads.iter().any(Option::is_some);
    let kl = kernels::dispatch(SoftmaxRow { a, b, scale, by: wanted.then_some(by) });
    for (grad, tile) in grads.into_iter().zip(&tiles) {
        if let Some(grad) = grad.filter(|_| !kl.is_nan()) {
            // SAFETY: each row is asked for once at a time.
            unsafe { grad.row_mut(i) }.write(0, &tile.as_flattened()[..cols]);
        }
    }
    kl
}

/// Rows in columns, a row a lane.
fn together(
    [p, q]: [&View; 2],
    rows: impl Iterator<Item = (usize, usize)> + Clone,
    scale: f64,
    by: &[f64; ROWS],
    grads: [Option<&ViewMut>; 2],
    out: &mut [f64; ROWS],
) {
    let cols = p.cols();
    let mut tiles = [[[0.0; ROWS]; FEW]; 2];
    let [a, b] = tiles.each_mut().map(|tile| &mut tile[..cols]);
    for (lane, i) in rows.clone() {
        fill(a, lane, p.row(i));
        fill(b, lane, q.row(i));
    }
    let wanted = grads.iter().any(Option::is_some);
    kernels::dispatch(SoftmaxRows { a, b, scale, by: wanted.then_some(by), out });
    for (grad, tile) in grads.into_iter().zip(&tiles) {
        let Some(grad) = grad else { continue };
        for (lane, i) in rows.clone() {
            if !out[lane].is_nan() {
                // SAFETY: each row is asked for once at a time.
                drain(&tile[..cols], lane, unsafe { grad.row_mut(i) });
            }
        }
    }
}

fn fill(tile: &mut [Column], lane: usize, row: Row) {
    let mut buffer = [0.0; FEW];
    let row = kernels::as_or_in(row, &mut buffer[..tile.len()]);
    for (column, x) in tile.iter_mut().zip(row) {
        column[lane] = *x;
    }
}

fn drain(tile: &[Column], lane: usize, mut row: RowMut) {
    let mut buffer = [0.0; FEW];
    for (x, column) in buffer.iter_mut().zip(tile) {
        *x = column[lane];
    }
    row.write(0, &buffer[..tile.len()]);
}
