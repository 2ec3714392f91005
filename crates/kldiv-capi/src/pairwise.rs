//! Every row against every row.

use core_kldiv::View;
use core_kldiv::pairwise::{matrix_into, nearest_into};

use crate::call::Call;
use crate::error::Failure;
use crate::guard::guard;
use crate::options::kldiv_options;
use crate::status::kldiv_status;
use crate::view::kldiv_view;

/// The divergence of every row of p from every row of q, in nats, or whatever options.measure asks for:
///
///     out[i * q->rows + j] = sum over l of p[i,l] ln(p[i,l] / q[j,l])
///
/// As accurate as kldiv_rows() cell by cell, also where rows nearly coincide or have zeros; KL, REVERSE, GENERALIZED,
/// JEFFREYS and CROSS_ENTROPY at the speed of a matrix product. ENTROPY is that of p's row in each of its cells.
/// mask and weights are of the rows of p: a masked row is not read and its cells are 0, a weight multiplies a row of
/// cells. The result has the same bits for any number of threads. Working memory: at most 16 MiB, or 48 rows if
/// those are more, of each matrix as doubles (for JEFFREYS rows of twice the length), 200 KiB and 16 such rows a
/// thread, and 16 bytes a row.
///
/// @param p, q     m x cols and k x cols probabilities or counts, of any element types; they may be one view
/// @param options  NULL for the defaults: KL, in nats, inputs as given
/// @param out      m x k doubles, row after row; a bad row of p makes its row NaN, a bad row of q its column
/// @return as kldiv_rows(); the first bad entry is that of the first cell, row by row, that has one, p before q
/// Thread-safe. Since 0.1.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kldiv_pairwise(
    p: *const kldiv_view,
    q: *const kldiv_view,
    options: *const kldiv_options,
    out: *mut f64,
) -> kldiv_status {
    // SAFETY: the caller's promise, for each.
    guard(move || unsafe {
        let mut call = Call::new();
        call.read(options)?;
        let (p, q) = sides(&mut call, p, q)?;
        let out = call.array_mut(out, p.rows().saturating_mul(q.rows()), "out")?;
        call.run(work(&p, &q), |options| matrix_into(p, q, options, out))
    })
}

/// The k rows of q with the smallest divergences from each row of p, the smallest first; of equal ones the row that
/// comes first in q.
///
/// Infinite divergences come last. A bad row of q is nobody's neighbour; where fewer than k are left, and for a bad
/// row of p, the rest is SIZE_MAX and NaN. A masked row has SIZE_MAX and 0. Weights multiply what is written
/// and do not change who is near. Never has all m x q->rows divergences in memory.
///
/// @param p, q     as kldiv_pairwise()
/// @param options  NULL for the defaults: KL, in nats, inputs as given
/// @param k        how many, at most q->rows
/// @param index    m x k rows of q, from 0
/// @param out      m x k doubles, their divergences
/// @return as kldiv_pairwise(); KLDIV_ERROR_OPTIONS for a k above q->rows
/// Thread-safe. Since 0.1.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kldiv_nearest(
    p: *const kldiv_view,
    q: *const kldiv_view,
    options: *const kldiv_options,
    k: usize,
    index: *mut usize,
    out: *mut f64,
) -> kldiv_status {
    // SAFETY: the caller's promise, for each.
    guard(move || unsafe {
        let mut call = Call::new();
        call.read(options)?;
        let (p, q) = sides(&mut call, p, q)?;
        let places = p.rows().saturating_mul(k);
        let index = call.array_mut(index, places, "index")?;
        let out = call.array_mut(out, places, "out")?;
        call.run(work(&p, &q), |options| nearest_into(p, q, options, k, index, out))
    })
}

/// Both matrices, and what is said of the rows of the first.
///
/// # Safety
/// As for [`Call`].
unsafe fn sides<'a>(
    call: &mut Call<'a>,
    p: *const kldiv_view,
    q: *const kldiv_view,
) -> Result<(View<'a>, View<'a>), Failure> {
    // SAFETY: the caller's promise.
    unsafe {
        let (p, q) = (call.matrix(p, "p")?, call.matrix(q, "q")?);
        call.per_row(p.rows())?;
        Ok((p, q))
    }
}

fn work(p: &View, q: &View) -> usize {
    p.rows().saturating_mul(q.elements())
}

#[cfg(test)]
mod tests {
    use std::ptr::null;

    use super::*;
    use crate::options::*;
    use crate::status::*;
    use crate::view::{KLDIV_DTYPE_F32, KLDIV_DTYPE_F64};

    fn view<T>(data: &[T], rows: usize, dtype: u32) -> kldiv_view {
        let cols = data.len() / rows;
        kldiv_view { data: data.as_ptr().cast(), rows, cols, row_stride: cols as isize, col_stride: 1, dtype }
    }

    const P: [f64; 4] = [0.5, 0.5, 1.0, 0.0];
    const Q: [f32; 6] = [0.5, 0.5, 0.75, 0.25, 1.0, 0.0];

    fn cells(options: *const kldiv_options, q: [f32; 6]) -> (kldiv_status, [f64; 6]) {
        let mut out = [-1.0; 6];
        let (p, q) = (view(&P, 2, KLDIV_DTYPE_F64), view(&q, 3, KLDIV_DTYPE_F32));
        // SAFETY: the views lie in arrays that live, and each cell has its place.
        let status = unsafe { kldiv_pairwise(&p, &q, options, out.as_mut_ptr()) };
        (status, out)
    }

    #[test]
    fn all_pairs_are_answered_row_by_row() {
        let (status, out) = cells(null(), Q);
        let ln = f64::ln;
        let expected = [0.0, 0.5 * ln(4.0 / 3.0), f64::INFINITY, ln(2.0), ln(4.0 / 3.0), 0.0];
        assert_eq!(status, KLDIV_OK);
        for (got, want) in out.iter().zip(expected) {
            assert!(got == &want || (got - want).abs() < 1e-15, "{out:?}");
        }
    }

    #[test]
    fn a_bad_row_of_q_costs_its_column() {
        let (status, out) = cells(null(), [0.5, 0.5, -0.75, 0.25, 1.0, 0.0]);
        assert_eq!(status, KLDIV_ERROR_NEGATIVE);
        assert_eq!(out.map(f64::is_nan), [false, true, false, false, true, false]);
    }

    #[test]
    fn neighbours_come_in_order_and_no_more_than_there_are() {
        let (p, q) = (view(&P, 2, KLDIV_DTYPE_F64), view(&Q, 3, KLDIV_DTYPE_F32));
        let (mut index, mut out) = ([9; 8], [-1.0; 8]);
        // SAFETY: the views lie in arrays that live, and each neighbour has its place.
        unsafe {
            assert_eq!(
                kldiv_nearest(&p, &q, null(), 4, index.as_mut_ptr(), out.as_mut_ptr()),
                KLDIV_ERROR_OPTIONS
            );
            assert_eq!((index, out), ([9; 8], [-1.0; 8]));
            assert_eq!(kldiv_nearest(&p, &q, null(), 2, index.as_mut_ptr(), out.as_mut_ptr()), KLDIV_OK);
        }
        assert_eq!(index[..4], [0, 1, 2, 1]);
        assert_eq!([out[0], out[2]], [0.0, 0.0]);
    }

    #[test]
    fn the_entropy_of_p_still_asks_how_many_rows_q_has() {
        let entropy = kldiv_options { measure: KLDIV_MEASURE_ENTROPY, ..kldiv_options::DEFAULT };
        let (status, out) = cells(&entropy, [-1.0; 6]);
        let ln2 = 2f64.ln();
        assert_eq!((status, out), (KLDIV_OK, [ln2, ln2, ln2, 0.0, 0.0, 0.0]));
        let p = view(&P, 2, KLDIV_DTYPE_F64);
        let mut out = [0.0; 6];
        // SAFETY: the view lies in an array that lives.
        let status = unsafe { kldiv_pairwise(&p, null(), &entropy, out.as_mut_ptr()) };
        assert_eq!(status, KLDIV_ERROR_NULL_POINTER);
    }
}
