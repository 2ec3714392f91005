//! Rows of a few vectors, eight at a time: each row's eight lanes are summed as `generic` does, and then the lanes of all
//! eight rows are joined together, a row a lane at the end, along the same tree.

use crate::kernels::generic::add_row;
use crate::kernels::lane_sums::Sums;
use crate::kernels::lanes::{Isa, Job, Vector};
use crate::kernels::op::Op;

/// Rows that are summed at a time.
pub(crate) const ROWS: usize = 8;

/// The measures of eight rows of at most a block. Whoever makes one vouches for the rows: where the first of each side
/// begins, how far apart they are, and that `cols` elements of each are readable.
pub(crate) struct Rows<'a, O, T, const M: usize, const C: usize> {
    pub(crate) op: &'a O,
    pub(crate) p: (*const T, isize),
    pub(crate) q: (*const T, isize),
    pub(crate) cols: usize,
    pub(crate) out: &'a mut [f64; ROWS],
}

impl<O: Op<M, C>, T: Vector, const M: usize, const C: usize> Job for Rows<'_, O, T, M, C> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Rows { op, p, q, cols, out } = self;
        let mut sums = [Sums::<I::F64, M, C>::zero(); ROWS];
        for i in 0..ROWS {
            // SAFETY: the job's maker vouches for the rows.
            let (p, q) = unsafe {
                (
                    std::slice::from_raw_parts(p.0.offset(i as isize * p.1), cols),
                    std::slice::from_raw_parts(q.0.offset(i as isize * q.1), cols),
                )
            };
            sums[i] = add_row::<I, O, T, M, C>(op, p, q);
        }
        // Lanes 0 to 3 with 4 to 7, of rows i and i + 4 at once; then of what is left, by twos and by ones.
        for i in 0..4 {
            sums[i] = Sums::join_across::<4>(&sums[i], &sums[i + 4]);
        }
        for i in 0..2 {
            sums[i] = Sums::join_across::<2>(&sums[i], &sums[i + 2]);
        }
        *out = crate::kernels::lanes::Lanes::to_f64s(Sums::join_across::<1>(&sums[0], &sums[1]).values());
    }
}
