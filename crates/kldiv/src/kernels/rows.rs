//! Rows of a few vectors, eight at a time: each row's eight lanes are summed as `generic` does, and then the lanes of all
//! eight rows are joined together, a row a lane at the end, along the same tree. Rows that would leave most lanes of a vector
//! empty are taken column by column instead, a row a lane from the beginning; the sums are the same.

use crate::kernels::generic::{Loaded, add_columns, add_row, careful};
use crate::kernels::lane_sums::{Sums, load_eight};
use crate::kernels::lanes::{Isa, Job, Lanes, Vector};
use crate::kernels::op::{Mass, Op};
use crate::kernels::prepare::{AsGiven, Prepare};
use crate::kernels::transpose::columns;
use crate::sum::Compensated;

/// Rows that are summed at a time.
pub(crate) const ROWS: usize = 8;

/// Row i, given where the first begins and how far apart they are.
///
/// # Safety
/// It has `cols` elements that are readable for as long as they are used.
#[inline(always)]
pub(super) unsafe fn row<'a, T>((first, stride): (*const T, isize), i: usize, cols: usize) -> &'a [T] {
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(first.offset(i as isize * stride), cols) }
}

/// What is computed of the elements of each row, and what their terms' sum is multiplied by. E is 8 where each has something of
/// its own, 1 where they share one.
#[derive(Clone, Copy)]
pub(crate) struct Of<'a, O, P, const E: usize> {
    pub(crate) ops: &'a [O; E],
    pub(crate) prepares: &'a [P; E],
    pub(crate) scales: &'a [f64; E],
}

/// The measures of eight rows of at most a block. Whoever makes one vouches for the rows: where the first of each side
/// begins, how far apart they are, and that `cols` elements of each are readable.
pub(crate) struct Rows<'a, O, P, T, const E: usize, const M: usize, const C: usize> {
    pub(crate) of: Of<'a, O, P, E>,
    pub(crate) p: (*const T, isize),
    pub(crate) q: (*const T, isize),
    pub(crate) cols: usize,
    pub(crate) out: &'a mut [f64; ROWS],
}

impl<O: Op<M, C>, P: Prepare, T: Vector, const E: usize, const M: usize, const C: usize> Job
    for Rows<'_, O, P, T, E, M, C>
{
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Rows { of, p, q, cols, out } = self;
        let mut sums = [Sums::<I::F64, M, C>::zero(); ROWS];
        let mut scales = [1.0; ROWS];
        for i in 0..ROWS {
            // SAFETY: the job's maker vouches for the rows.
            let (p, q) = unsafe { (row(p, i, cols), row(q, i, cols)) };
            let own = i % E;
            sums[i] = add_row::<I, O, P, T, M, C>(&of.ops[own], &of.prepares[own], p, q);
            scales[i] = of.scales[own];
        }
        let values = Sums::values_of_rows(&mut sums, careful::<O, T, M, C>());
        *out = (values * load_eight(&scales)).to_f64s();
    }
}

/// The sums of eight rows of at most a block, which are given as those of [`Rows`]; NaN where an entry is no probability.
pub(crate) struct Masses<'a, T> {
    pub(crate) rows: (*const T, isize),
    pub(crate) cols: usize,
    pub(crate) out: &'a mut [Compensated; ROWS],
}

impl<T: Vector> Job for Masses<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Masses { rows, cols, out } = self;
        let mut sums = [Sums::<I::F64, 0, 1>::zero(); ROWS];
        for i in 0..ROWS {
            // SAFETY: the job's maker vouches for the rows.
            let row = unsafe { row(rows, i, cols) };
            sums[i] = add_row::<I, Mass, AsGiven, T, 0, 1>(&Mass, &AsGiven, row, row);
        }
        let (hi, lo) = Sums::exact_of_rows(&mut sums);
        let (hi, lo): ([f64; ROWS], [f64; ROWS]) = (hi.to_f64s(), lo.to_f64s());
        for i in 0..ROWS {
            out[i] = Compensated { hi: hi[i], lo: lo[i] };
        }
    }
}

/// Whether rows have so [few columns](Columns) that most lanes of a vector would be empty.
pub(super) const fn few_columns<T>(cols: usize) -> bool {
    cols <= 8 && cols * size_of::<T>() < VECTOR
}

/// The bytes of a vector of any type.
const VECTOR: usize = 64;

/// The same measures of rows of few columns, which are taken column by column, a row a lane. A job of its own: one with
/// both would take the stack of both.
pub(crate) struct Columns<'a, O, T, const M: usize, const C: usize>(
    pub(crate) Rows<'a, O, AsGiven, T, 1, M, C>,
);

impl<O: Op<M, C>, T: Vector, const M: usize, const C: usize> Job for Columns<'_, O, T, M, C> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Rows { of: Of { ops: [op], .. }, p, q, cols, out } = self.0;
        let mut sums = [Sums::<I::F64, M, C>::zero(); 8];
        // SAFETY: the job's maker vouches for the rows.
        let (p, q) = unsafe { (columns::<T::On<I>>(p, cols), columns::<T::On<I>>(q, cols)) };
        for (n, sums) in sums[..cols].chunks_mut(T::On::<I>::LANES / ROWS).enumerate() {
            add_columns(op, Loaded::of(&AsGiven, p[n], q[n]), sums);
        }
        *out = Sums::values_of_columns(&sums, careful::<O, T, M, C>()).to_f64s();
    }
}
