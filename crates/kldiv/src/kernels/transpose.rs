//! Rows brought into columns: as many rows as a vector has lanes, so that a vector holds one element of each.

use crate::kernels::lanes::{Isa, Job, Lanes, Vector};

/// Brings `LANES` rows into the order of columns, one vector after another. Whoever makes one vouches for the rows:
/// where the first begins, how far apart they are, and that as many elements of each are readable as there are columns.
pub(crate) struct Transpose<'a, T> {
    pub(crate) rows: (*const T, isize),
    pub(crate) tile: &'a mut [T],
}

impl<T: Vector> Job for Transpose<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let lanes = T::On::<I>::LANES;
        for (i, columns) in self.tile.chunks_mut(lanes * lanes).enumerate() {
            let n = columns.len() / lanes;
            // SAFETY: the job's maker vouches for the rows.
            let square = unsafe { square::<T::On<I>>(self.rows, i * lanes, n) };
            for (j, column) in columns.chunks_exact_mut(lanes).enumerate() {
                // SAFETY: a column is a vector.
                unsafe { square[j].store(column.as_mut_ptr()) }
            }
        }
    }
}

/// The `n` columns of `LANES` rows from `from` on, at most a vector's; the others are 1.
///
/// # Safety
/// The elements are readable.
#[inline(always)]
pub(super) unsafe fn square<V: Lanes>(
    (first, stride): (*const V::Real, isize),
    from: usize,
    n: usize,
) -> [V; 16] {
    let mut square = [V::one(); 16];
    for i in 0..V::LANES {
        // SAFETY: as much is read as the row holds.
        square[i] = unsafe {
            let row = first.offset(i as isize * stride).add(from);
            if n == V::LANES { V::load(row) } else { V::load_first(row, n) }
        };
    }
    // Blocks change places across the diagonal, then the blocks within them.
    if V::LANES == 16 {
        swap_blocks::<V, 8>(&mut square);
    }
    swap_blocks::<V, 4>(&mut square);
    swap_blocks::<V, 2>(&mut square);
    swap_blocks::<V, 1>(&mut square);
    square
}

/// Transposes a square matrix of blocks of D × D, two by two.
#[inline(always)]
fn swap_blocks<V: Lanes, const D: usize>(square: &mut [V; 16]) {
    for i in 0..V::LANES {
        if i & D == 0 {
            (square[i], square[i + D]) = exchange::<V, D>(square[i], square[i + D]);
        }
    }
}

/// Two vectors, the blocks of D lanes of the first that are the second of a pair in the place of those of the second that
/// are the first of one.
#[inline(always)]
fn exchange<V: Lanes, const D: usize>(a: V, b: V) -> (V, V) {
    let upper = V::without_bit(D);
    (V::select(upper, a, b.swap(D)), V::select(upper, a.swap(D), b))
}

/// Eight rows of at most eight elements as vectors of as many columns as they hold, one behind the other; missing ones
/// are 1.
///
/// # Safety
/// `cols` elements of each row are readable.
#[inline(always)]
pub(super) unsafe fn columns<V: Lanes>((first, stride): (*const V::Real, isize), cols: usize) -> [V; 8] {
    let mut columns = [V::one(); 8];
    if V::LANES == 8 {
        // SAFETY: the caller's promise.
        let square = unsafe { square::<V>((first, stride), 0, cols) };
        columns.copy_from_slice(&square[..8]);
        return columns;
    }
    // Two rows a vector; from here on places are written in bits, those of a vector's number before those of its lanes.
    // Rows are r2 r1 r0 and columns c2 c1 c0, and (r2 r0, r1 c2 c1 c0) is what is loaded.
    let half = V::first(8);
    for i in 0..4 {
        let row = ((i & 2) * 2 + (i & 1)) as isize;
        // SAFETY: the caller's promise.
        let (low, high) = unsafe {
            let (low, high) = (first.offset(row * stride), first.offset((row + 2) * stride));
            (V::load_first(low, cols), V::load_first(high, cols))
        };
        columns[i] = V::select(half, low, high.swap(8));
    }
    let [a, b, c, d, ..] = columns;
    // (r2 c0, r1 c2 c1 r0), (r2 r1, c0 c2 c1 r0), (c2 r1, c0 r2 c1 r0) and (c2 c1, c0 r2 r1 r0).
    let ((a, b), (c, d)) = (exchange::<V, 1>(a, b), exchange::<V, 1>(c, d));
    let ((a, b), (c, d)) = (exchange::<V, 8>(a, b), exchange::<V, 8>(c, d));
    let ((a, c), (b, d)) = (exchange::<V, 4>(a, c), exchange::<V, 4>(b, d));
    let ((a, b), (c, d)) = (exchange::<V, 2>(a, b), exchange::<V, 2>(c, d));
    columns[..4].copy_from_slice(&[a, b, c, d]);
    columns
}
