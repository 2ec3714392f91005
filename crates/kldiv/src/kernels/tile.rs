//! Many short rows at once: the terms of `generic` with a row a lane instead of an element a lane.

use crate::kernels::generic::{Loaded, Sums, add_vector};
use crate::kernels::lanes::{Isa, Job, Lanes, Vector};
use crate::kernels::log::Parts;
use crate::kernels::op::Op;

/// The measures of `LANES` short rows at once, a row a lane: element j of row i is at `j * LANES + i`.
pub(crate) struct Tile<'a, O, T, const M: usize, const C: usize> {
    pub(crate) op: &'a O,
    pub(crate) p: &'a [T],
    pub(crate) q: &'a [T],
    pub(crate) out: &'a mut [f64],
}

impl<O: Op<M, C>, T: Vector, const M: usize, const C: usize> Job for Tile<'_, O, T, M, C> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Tile { op, p, q, out } = self;
        let lanes = T::On::<I>::LANES;
        // The sums that wait to be joined with the next: of one column class, of two, of four.
        let mut waiting = [[Sums::<I::F64, M, C>::zero(); 2]; 3];
        for (i, class) in [0, 4, 2, 6, 1, 5, 3, 7].into_iter().enumerate() {
            let mut sums = [Sums::zero(); 2];
            for at in (class * lanes..p.len()).step_by(8 * lanes) {
                // SAFETY: a column is a vector, and `at` the first element of one.
                let (p, q) =
                    unsafe { (T::On::<I>::load(p.as_ptr().add(at)), T::On::<I>::load(q.as_ptr().add(at))) };
                let given = Loaded { p: Parts::from(p), q: Parts::from(q), live: None };
                add_vector::<O, T::On<I>, M, C, 2>(op, given, &mut sums);
            }
            // Joined as the lanes of a block are: 0 + 4 with 2 + 6, and that with the same of the odd ones.
            let mut level = 0;
            while i >> level & 1 == 1 {
                for part in 0..lanes / 8 {
                    sums[part] = waiting[level][part].join(&sums[part]);
                }
                level += 1;
            }
            if level < 3 {
                waiting[level] = sums;
            } else {
                for (out, sums) in out.chunks_mut(8).zip(&sums) {
                    out.copy_from_slice(&sums.values().to_f64s::<8>()[..out.len()]);
                }
            }
        }
    }
}

/// Brings `LANES` rows into the order of a [`Tile`]. Whoever makes one vouches for the rows: where the first begins,
/// how far apart they are, and that as many elements of each are readable as a tile has columns.
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

/// Columns of the widest tile: wider rows are as fast one at a time.
pub(crate) const TILE_COLS: usize = 16;

/// The `n` columns of `LANES` rows from `from` on, at most a vector's; the others are 1.
///
/// # Safety
/// The elements are readable.
#[inline(always)]
unsafe fn square<V: Lanes>((first, stride): (*const V::Real, isize), from: usize, n: usize) -> [V; 16] {
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
