//! The rows of matrices.

use core_kldiv::batch::{reduce_into, rows_into, terms_into};

use crate::call::Call;
use crate::guard::guard;
use crate::options::kldiv_options;
use crate::status::kldiv_status;
use crate::view::{kldiv_view, kldiv_view_mut};

/// The divergences of all rows, as one number: those of kldiv_rows(), reduced.
///
/// SUM adds them up; MEAN divides that by the number of rows that the mask keeps, or by their weight where weights
/// are given, and is 0 where nothing is kept.
///
/// @param p, q     rows x cols probabilities or counts, of any element types; a row_stride of 0 repeats one row
/// @param options  NULL for the defaults: KL, the sum, in nats, inputs as given
/// @param out      1 double; NaN if a row is bad, 0 if there are no rows
/// @return as kldiv_rows(); KLDIV_ERROR_INFINITE also where rows overflow to both infinities
/// Thread-safe. Since 0.1.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kldiv_kl(
    p: *const kldiv_view,
    q: *const kldiv_view,
    options: *const kldiv_options,
    out: *mut f64,
) -> kldiv_status {
    // SAFETY: the caller's promise, for each.
    guard(move || unsafe {
        let mut call = Call::new();
        call.read(options)?;
        let (p, q) = call.pair(p, q)?;
        let out = call.one_mut(out, "out")?;
        call.run(p.elements(), |options| reduce_into(p, q, options, out))
    })
}

/// The divergence of each row of p from the same row of q, in nats, or whatever options.measure asks for:
///
///     out[i] = sum over j of p[i,j] ln(p[i,j] / q[i,j])
///
/// A term with p = 0 is 0; where q = 0 < p the row is infinite. A masked row is not read and gives 0. A row's
/// result is multiplied by its weight. Rows are shared among threads; the result has the same bits for any number.
///
/// @param p, q     rows x cols probabilities or counts, of any element types; a row_stride of 0 repeats one row.
///                 q may be NULL for ENTROPY
/// @param options  NULL for the defaults: KL, in nats, inputs as given
/// @param out      p->rows doubles; those of bad rows become NaN, and all others are answered
/// @return KLDIV_OK; for a call that makes no sense KLDIV_ERROR_NULL_POINTER, KLDIV_ERROR_MISALIGNED,
///         KLDIV_ERROR_SIZE_OVERFLOW, KLDIV_ERROR_OVERLAP, KLDIV_ERROR_DTYPE, KLDIV_ERROR_OPTIONS,
///         KLDIV_ERROR_SHAPE_MISMATCH, KLDIV_ERROR_EMPTY; of the first bad row KLDIV_ERROR_NEGATIVE,
///         KLDIV_ERROR_NAN, KLDIV_ERROR_INFINITE, KLDIV_ERROR_ZERO_MASS, KLDIV_ERROR_NOT_NORMALIZED;
///         KLDIV_ERROR_OUT_OF_MEMORY
/// Thread-safe. Since 0.1.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kldiv_rows(
    p: *const kldiv_view,
    q: *const kldiv_view,
    options: *const kldiv_options,
    out: *mut f64,
) -> kldiv_status {
    // SAFETY: the caller's promise, for each.
    guard(move || unsafe {
        let mut call = Call::new();
        call.read(options)?;
        let (p, q) = call.pair(p, q)?;
        let out = call.array_mut(out, p.rows(), "out")?;
        call.run(p.elements(), |options| rows_into(p, q, options, out))
    })
}

/// The terms of the sum, element by element, for any measure that is a sum (not RENYI and not
/// JENSEN_SHANNON_DISTANCE):
///
///     out[i,j] = p[i,j] ln(p[i,j] / q[i,j])
///
/// A row's terms are multiplied by its weight, those of a masked row are 0. Each is rounded to the type of out.
///
/// @param p, q     as kldiv_rows()
/// @param options  NULL for the defaults: KL, in nats, inputs as given
/// @param out      p->rows x p->cols elements of a floating-point type, any strides; bad rows become NaN
/// @return as kldiv_rows(); KLDIV_ERROR_OPTIONS for the two measures that have no terms, KLDIV_ERROR_DTYPE for an
///         output of counts
/// Thread-safe. Since 0.1.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kldiv_terms(
    p: *const kldiv_view,
    q: *const kldiv_view,
    options: *const kldiv_options,
    out: *const kldiv_view_mut,
) -> kldiv_status {
    // SAFETY: the caller's promise, for each.
    guard(move || unsafe {
        let mut call = Call::new();
        call.read(options)?;
        let (p, q) = call.pair(p, q)?;
        let mut out = call.matrix_mut(out, "out")?;
        call.run(p.elements(), |options| terms_into(p, q, options, &mut out))
    })
}

#[cfg(test)]
mod tests {
    use std::ptr::null;

    use super::*;
    use crate::options::*;
    use crate::status::*;
    use crate::view::{KLDIV_DTYPE_F32, KLDIV_DTYPE_F64, KLDIV_DTYPE_I64};

    fn view<T>(data: &[T], rows: usize, dtype: u32) -> kldiv_view {
        let cols = data.len() / rows;
        kldiv_view { data: data.as_ptr().cast(), rows, cols, row_stride: cols as isize, col_stride: 1, dtype }
    }

    fn output<T>(data: &mut [T], rows: usize, dtype: u32) -> kldiv_view_mut {
        let kldiv_view { rows, cols, row_stride, col_stride, .. } = view(data, rows, dtype);
        kldiv_view_mut { data: data.as_mut_ptr().cast(), rows, cols, row_stride, col_stride, dtype }
    }

    const P: [f64; 4] = [0.5, 0.5, 1.0, 0.0];
    const Q: [f32; 4] = [0.75, 0.25, 0.5, 0.5];

    /// The rows of P and Q and the status, with options and one entry of Q changed.
    fn rows(options: &kldiv_options, q: [f32; 4]) -> (kldiv_status, [f64; 2]) {
        let mut out = [-1.0; 2];
        // SAFETY: the views lie in arrays that live, and each row has its place.
        let status = unsafe {
            kldiv_rows(
                &view(&P, 2, KLDIV_DTYPE_F64),
                &view(&q, 2, KLDIV_DTYPE_F32),
                options,
                out.as_mut_ptr(),
            )
        };
        (status, out)
    }

    #[test]
    fn rows_of_two_types_are_answered_in_order() {
        let (status, out) = rows(&kldiv_options::DEFAULT, Q);
        assert_eq!(status, KLDIV_OK);
        let expected = [0.5 * (4.0f64 / 3.0).ln(), 2.0f64.ln()];
        assert!(out.iter().zip(expected).all(|(out, expected)| (out - expected).abs() < 1e-15), "{out:?}");
    }

    #[test]
    fn a_bad_row_costs_no_other() {
        let bad = [Q[0], -1.0, Q[2], Q[3]];
        let (status, [first, second]) = rows(&kldiv_options::DEFAULT, bad);
        assert_eq!((status, first.is_nan(), second), (KLDIV_ERROR_NEGATIVE, true, 2.0f64.ln()));
        let lenient = kldiv_options { invalid: KLDIV_INVALID_NAN, ..kldiv_options::DEFAULT };
        let (status, [first, second]) = rows(&lenient, bad);
        assert_eq!((status, first.is_nan(), second), (KLDIV_OK, true, 2.0f64.ln()));
    }

    #[test]
    fn options_reach_the_core() {
        let mask = [0u8, 1];
        let bits = kldiv_options { base: 2.0, mask: mask.as_ptr(), ..kldiv_options::DEFAULT };
        assert_eq!(rows(&bits, Q), (KLDIV_OK, [0.0, 1.0]));
        let without_order = kldiv_options { measure: KLDIV_MEASURE_RENYI, ..kldiv_options::DEFAULT };
        assert_eq!(rows(&without_order, Q), (KLDIV_ERROR_OPTIONS, [-1.0; 2]));
    }

    #[test]
    fn one_number_is_the_rows_reduced() {
        let (_, [first, second]) = rows(&kldiv_options::DEFAULT, Q);
        for (reduction, expected) in
            [(KLDIV_REDUCTION_SUM, first + second), (KLDIV_REDUCTION_MEAN, (first + second) / 2.0)]
        {
            let options = kldiv_options { reduction, ..kldiv_options::DEFAULT };
            let mut out = -1.0;
            let (p, q) = (view(&P, 2, KLDIV_DTYPE_F64), view(&Q, 2, KLDIV_DTYPE_F32));
            // SAFETY: the views lie in arrays that live.
            let status = unsafe { kldiv_kl(&p, &q, &options, &mut out) };
            assert_eq!((status, (out - expected).abs() < 1e-15), (KLDIV_OK, true));
        }
    }

    #[test]
    fn no_rows_give_no_results() {
        let empty = kldiv_view { data: null(), rows: 0, ..view(&P, 2, KLDIV_DTYPE_F64) };
        let mut out = -1.0;
        // SAFETY: there is nothing to read, and for kldiv_rows nowhere to write.
        unsafe {
            assert_eq!(kldiv_rows(&empty, &empty, null(), std::ptr::null_mut()), KLDIV_OK);
            assert_eq!(kldiv_kl(&empty, &empty, null(), &mut out), KLDIV_OK);
        }
        assert_eq!(out, 0.0);
    }

    #[test]
    fn entropy_needs_no_q() {
        let p = view(&P, 2, KLDIV_DTYPE_F64);
        let (mut out, mut terms) = ([-1.0; 2], [-1.0f32; 4]);
        let entropy = kldiv_options { measure: KLDIV_MEASURE_ENTROPY, ..kldiv_options::DEFAULT };
        // SAFETY: the view lies in an array that lives, and each result has its place.
        unsafe {
            assert_eq!(kldiv_rows(&p, null(), &entropy, out.as_mut_ptr()), KLDIV_OK);
            assert_eq!(kldiv_terms(&p, null(), &entropy, &output(&mut terms, 2, KLDIV_DTYPE_F32)), KLDIV_OK);
            assert_eq!(kldiv_rows(&p, null(), null(), out.as_mut_ptr()), KLDIV_ERROR_NULL_POINTER);
        }
        assert!((out[0] - 2.0f64.ln()).abs() < 1e-15 && out[1] == 0.0);
        assert_eq!(terms[0] + terms[1], 2.0f32.ln());
    }

    #[test]
    fn terms_are_written_in_the_type_and_strides_of_the_output() {
        let (p, q) = (view(&P, 2, KLDIV_DTYPE_F64), view(&Q, 2, KLDIV_DTYPE_F32));
        let mut terms = [-1.0f32; 5];
        let upside_down = kldiv_view_mut {
            data: (&raw mut terms[4]).cast(),
            row_stride: -3,
            col_stride: -1,
            ..output(&mut [0.0f32; 4], 2, KLDIV_DTYPE_F32)
        };
        // SAFETY: five places hold two rows that are three apart.
        assert_eq!(unsafe { kldiv_terms(&p, &q, null(), &upside_down) }, KLDIV_OK);
        let [d, c, untouched, b, a] = terms;
        assert_eq!((c, d, untouched), (2.0f32.ln(), 0.0, -1.0));
        assert!((a + b - (0.5 * (4.0f32 / 3.0).ln())).abs() < 1e-7);
    }

    #[test]
    fn a_meaningless_call_writes_nothing() {
        let (p, q) = (view(&P, 2, KLDIV_DTYPE_F64), view(&Q, 2, KLDIV_DTYPE_F32));
        let mut out = [-1.0; 4];
        let place = out.as_mut_ptr();
        let terms = output(&mut out, 2, KLDIV_DTYPE_F64);
        let no_cols = kldiv_view { cols: 0, ..p };
        let counts = kldiv_view_mut { dtype: KLDIV_DTYPE_I64, ..terms };
        let small = kldiv_view_mut { rows: 1, ..terms };
        let distance =
            kldiv_options { measure: KLDIV_MEASURE_JENSEN_SHANNON_DISTANCE, ..kldiv_options::DEFAULT };
        let on_weights = kldiv_options { weights: place, ..kldiv_options::DEFAULT };
        let unset = kldiv_options { struct_size: 0, ..kldiv_options::DEFAULT };
        // SAFETY: whatever is not refused lies in arrays that live.
        unsafe {
            assert_eq!(kldiv_rows(null(), &q, null(), place), KLDIV_ERROR_NULL_POINTER);
            assert_eq!(kldiv_rows(&p, &q, null(), std::ptr::null_mut()), KLDIV_ERROR_NULL_POINTER);
            assert_eq!(kldiv_kl(&p, &q, null(), std::ptr::null_mut()), KLDIV_ERROR_NULL_POINTER);
            assert_eq!(kldiv_terms(&p, &q, null(), null()), KLDIV_ERROR_NULL_POINTER);
            assert_eq!(kldiv_rows(&p, &q, &unset, place), KLDIV_ERROR_OPTIONS);
            assert_eq!(kldiv_rows(&p, &q, &on_weights, place), KLDIV_ERROR_OVERLAP);
            assert_eq!(
                kldiv_rows(&p, &kldiv_view { rows: 1, ..q }, null(), place),
                KLDIV_ERROR_SHAPE_MISMATCH
            );
            assert_eq!(kldiv_rows(&no_cols, &no_cols, null(), place), KLDIV_ERROR_EMPTY);
            assert_eq!(kldiv_terms(&p, &q, null(), &counts), KLDIV_ERROR_DTYPE);
            assert_eq!(kldiv_terms(&p, &q, null(), &small), KLDIV_ERROR_SHAPE_MISMATCH);
            assert_eq!(kldiv_terms(&p, &q, &distance, &terms), KLDIV_ERROR_OPTIONS);
        }
        assert_eq!(out, [-1.0; 4]);
    }
}
