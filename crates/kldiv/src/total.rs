//! The sums of a measure's terms over two rows, of any types and strides.
//!
//! A row is taken in shares of 65,536 elements, whose totals are added in order; a share is summed on one thread.
//! Rows that are slices of the kernels' type go to the kernels as they are, others through a small buffer.

use crate::kernels::lanes::Vector;
use crate::kernels::op::Op;
use crate::kernels::prepare::Prepare;
use crate::kernels::{self, Apart, Running, SEEN, long_stretch};
use crate::sum::Total;
use crate::threads;
use crate::view::Row;

/// Elements that one thread sums before totals are added.
pub(crate) const SHARE: usize = 1 << 16;
/// Elements that are converted or gathered at a time; a few buffers of them fit a small stack.
pub(crate) const PIECE: usize = 64;

/// The sums of a measure's terms over two rows of equal length.
#[inline(never)]
pub(crate) fn total<O: Op<M, C>, P: Prepare, T: Vector, const M: usize, const C: usize>(
    op: &O,
    prepare: &P,
    p: Row,
    q: Row,
    spread: bool,
) -> Total<M, C> {
    let n = p.len();
    let share = |i: usize| {
        let (start, len) = (i * SHARE, SHARE.min(n - i * SHARE));
        share_total::<O, P, T, M, C>(op, prepare, p.part(start, len), q.part(start, len))
    };
    if n <= SHARE {
        return share(0);
    }
    let shares = n.div_ceil(SHARE);
    let mut totals = Vec::new();
    let mut sum = Total::ZERO;
    if spread && totals.try_reserve_exact(shares).is_ok() {
        threads::collect_into(&mut totals, shares, 1, share);
        totals.iter().for_each(|total| sum.add(total));
    } else {
        (0..shares).for_each(|i| sum.add(&share(i)));
    }
    sum
}

fn share_total<O: Op<M, C>, P: Prepare, T: Vector, const M: usize, const C: usize>(
    op: &O,
    prepare: &P,
    p: Row,
    q: Row,
) -> Total<M, C> {
    if let (Some(p), Some(q)) = (p.as_slice::<T>(), q.as_slice::<T>()) {
        return kernels::sum(op, prepare, p, q);
    }
    let narrow = size_of::<T>() < size_of::<f64>();
    if P::AS_GIVEN && O::APART && p.len() > 1 {
        let total = match narrow {
            true => gathered_apart::<T, M, C, { long_stretch::<f32>() }>(p, q),
            false => gathered_apart::<T, M, C, { long_stretch::<f64>() }>(p, q),
        };
        if let Some(total) = total {
            return total;
        }
    }
    match narrow {
        true => gathered_sum::<O, P, T, M, C, { long_stretch::<f32>() }>(op, prepare, p, q),
        false => gathered_sum::<O, P, T, M, C, PIECE>(op, prepare, p, q),
    }
}

/// Not inlined, so that its buffers are on the stack only where they are needed.
#[inline(never)]
fn gathered_sum<O: Op<M, C>, P: Prepare, T: Vector, const M: usize, const C: usize, const N: usize>(
    op: &O,
    prepare: &P,
    p: Row,
    q: Row,
) -> Total<M, C> {
    let mut running = Running::new();
    gathered::<T, N>(p, q, |p, q| {
        kernels::extend(op, prepare, p, q, &mut running);
        true
    });
    running.finish()
}

/// The sums of KL, if they can be had that way; see [`Apart`]. Not inlined, as above.
#[inline(never)]
fn gathered_apart<T: Vector, const M: usize, const C: usize, const N: usize>(
    p: Row,
    q: Row,
) -> Option<Total<M, C>> {
    Apart::sum::<T, M, C>(seem_far::<T>(p, q), |sums| {
        gathered::<T, N>(p, q, |p, q| kernels::feed(p, q, sums))
    })
}

/// Whether rows seem far apart. Not inlined: its buffers would be on the stack below those of the sums.
#[inline(never)]
fn seem_far<T: Vector>(p: Row, q: Row) -> bool {
    let Some(seen) = kernels::seen::<T>(p.len().min(q.len())) else { return false };
    let [mut for_p, mut for_q] = [[T::ONE; SEEN]; 2];
    let p = kernels::as_or_in(p.part(seen.start, SEEN), &mut for_p);
    let q = kernels::as_or_in(q.part(seen.start, SEEN), &mut for_q);
    kernels::are_far(p, q)
}

/// Calls `each` on pieces of two rows for as long as it wants more; says whether it did.
fn gathered<T: Vector, const N: usize>(p: Row, q: Row, mut each: impl FnMut(&[T], &[T]) -> bool) -> bool {
    let mut buffers = [[T::ONE; N]; 2];
    let [for_p, for_q] = &mut buffers;
    (0..p.len()).step_by(N).all(|start| {
        let len = N.min(p.len() - start);
        let p = kernels::as_or_in(p.part(start, len), &mut for_p[..len]);
        let q = kernels::as_or_in(q.part(start, len), &mut for_q[..len]);
        each(p, q)
    })
}
