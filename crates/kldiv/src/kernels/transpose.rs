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
    let upper = V::without_bit(D);
    for i in 0..V::LANES {
        if i & D == 0 {
            let (a, b) = (square[i], square[i + D]);
            square[i] = V::select(upper, a, b.swap(D));
            square[i + D] = V::select(upper, a.swap(D), b);
        }
    }
}
