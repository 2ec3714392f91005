//! Rows of any types and strides as slices of one type: all at once where they are that, else in small pieces.

use crate::kernels;
use crate::kernels::lanes::Vector;
use crate::threads;
use crate::total::SHARE;
use crate::view::{Row, RowMut};

/// Elements that are converted or gathered at a time; what the kernels add up in one go. A quarter of it is a multiple of any
/// vector.
pub(crate) const PIECE: usize = 64;

/// Calls `each` on all of the rows, which are equally long. An output that is not wanted is an empty slice.
pub(crate) fn pieces<T: Vector, const I: usize, const O: usize>(
    inputs: [Row; I],
    outputs: &mut [Option<RowMut>; O],
    mut each: impl FnMut([&[T]; I], [&mut [T]; O]),
) {
    let mut slices: [&[T]; I] = [&[]; I];
    let whole = inputs.iter().zip(&mut slices).all(|(row, slice)| match row.as_slice() {
        Some(found) => {
            *slice = found;
            true
        }
        None => false,
    });
    if whole && outputs.iter().flatten().all(RowMut::is_slice::<T>) {
        let outputs = outputs.each_mut().map(|out| match out {
            Some(out) => out.as_slice_mut().unwrap_or(&mut []),
            None => &mut [],
        });
        return each(slices, outputs);
    }
    // Stacks are small: the more rows there are, the less of each.
    match (I + O) * size_of::<T>() {
        0..=8 => gathered::<T, I, O, { 2 * PIECE }>(inputs, outputs, each),
        9..=24 => gathered::<T, I, O, PIECE>(inputs, outputs, each),
        25..=32 => gathered::<T, I, O, { PIECE / 2 }>(inputs, outputs, each),
        _ => gathered::<T, I, O, { PIECE / 4 }>(inputs, outputs, each),
    }
}

/// Not inlined, so that its buffers are on the stack only where they are needed.
#[inline(never)]
fn gathered<T: Vector, const I: usize, const O: usize, const N: usize>(
    inputs: [Row; I],
    outputs: &mut [Option<RowMut>; O],
    mut each: impl FnMut([&[T]; I], [&mut [T]; O]),
) {
    let n = inputs[0].len();
    let mut given = [[T::ONE; N]; I];
    let mut made = [[T::ONE; N]; O];
    for start in (0..n).step_by(N) {
        let len = N.min(n - start);
        let mut slices: [&[T]; I] = [&[]; I];
        for ((row, buffer), slice) in inputs.iter().zip(&mut given).zip(&mut slices) {
            *slice = kernels::as_or_in(row.part(start, len), &mut buffer[..len]);
        }
        let mut wanted = outputs.iter().map(|out| if out.is_some() { len } else { 0 });
        each(slices, made.each_mut().map(|buffer| &mut buffer[..wanted.next().unwrap_or(0)]));
        for (out, buffer) in outputs.iter_mut().zip(&made) {
            if let Some(out) = out {
                out.write(start, &buffer[..len]);
            }
        }
    }
}

/// Calls [`pieces`] on shares of the rows, on several threads if `spread` and there are several shares.
pub(crate) fn shares<T: Vector, const I: usize, const O: usize>(
    inputs: [Row; I],
    outputs: &[Option<RowMut>; O],
    spread: bool,
    each: impl Fn([&[T]; I], [&mut [T]; O]) + Sync,
) {
    let n = inputs[0].len();
    let share = |i: usize| {
        let (start, len) = (i * SHARE, SHARE.min(n - i * SHARE));
        let mut parts = [const { None }; O];
        for (part, row) in parts.iter_mut().zip(outputs) {
            // SAFETY: no two shares have an element in common.
            *part = row.as_ref().map(|row| unsafe { row.part(start, len) });
        }
        pieces(inputs.map(|row| row.part(start, len)), &mut parts, &each);
    };
    let shares = n.div_ceil(SHARE);
    if spread && shares > 1 {
        threads::for_each(shares, share);
    } else {
        (0..shares).for_each(share);
    }
}
