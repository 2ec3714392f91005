//! The two-line call: plain vectors, nothing to choose.

use core_kldiv::Element;
use core_kldiv::discrete::{Anywhere, Rest, kl_rest};

use crate::error::Failure;
use crate::guard::guard;
use crate::status::{KLDIV_OK, kldiv_status};
use crate::view;

/// The Kullback-Leibler divergence of two vectors of probabilities, in nats:
///
///     *out = sum p[i] ln(p[i] / q[i])
///
/// 0 ln(0 / q) is 0; p[i] > 0 = q[i] makes it infinite. Taken as given: p and q need not sum to 1. The result is
/// accurate also where p and q nearly coincide. Runs on the calling thread and allocates nothing.
/// Source: Kullback and Leibler, "On Information and Sufficiency", 1951.
///
/// @param p, q  n probabilities each, n at least 1
/// @param out   1 double; on failure left alone for statuses 10 to 21, else NaN
/// @return KLDIV_OK, KLDIV_ERROR_NULL_POINTER, KLDIV_ERROR_MISALIGNED, KLDIV_ERROR_SIZE_OVERFLOW,
///         KLDIV_ERROR_OVERLAP, KLDIV_ERROR_EMPTY, KLDIV_ERROR_NEGATIVE, KLDIV_ERROR_NAN, KLDIV_ERROR_INFINITE
/// Thread-safe. Since 0.1.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kldiv_kl_f64(p: *const f64, q: *const f64, n: usize, out: *mut f64) -> kldiv_status {
    // SAFETY: the contract is the same.
    unsafe { kl_of(p, q, n, out) }
}

/// kldiv_kl_f64() for floats; the sum is one of doubles, and so is the answer.
///
/// @param p, q  n probabilities each, n at least 1
/// @param out   1 double
/// @return as kldiv_kl_f64()
/// Thread-safe. Since 0.1.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kldiv_kl_f32(p: *const f32, q: *const f32, n: usize, out: *mut f64) -> kldiv_status {
    // SAFETY: the contract is the same.
    unsafe { kl_of(p, q, n, out) }
}

/// # Safety
/// `p` and `q` are NULL or `n` elements are readable there; `out` is NULL or writable.
#[inline(always)]
unsafe fn kl_of<T: Element>(p: *const T, q: *const T, n: usize, out: *mut f64) -> kldiv_status {
    // SAFETY: the caller's promise.
    unsafe {
        match Anywhere::new() {
            None => guarded_kl_of(p, q, n, out, Rest::All),
            // A pair by itself, with no place on the stack: to make one takes as long as half a logarithm.
            Some(anywhere) if n == 1 && kl_anywhere(&anywhere, p, q, 1, out).is_ok() => KLDIV_OK,
            Some(_) => kl_of_many(p, q, n, out),
        }
    }
}

/// Not inlined, for the stack's sake, as is what follows it.
///
/// # Safety
/// As above.
#[inline(never)]
unsafe extern "C" fn kl_of_many<T: Element>(
    p: *const T,
    q: *const T,
    n: usize,
    out: *mut f64,
) -> kldiv_status {
    let mut found = Err(Rest::All);
    // SAFETY: the caller's promise.
    unsafe {
        if let Some(anywhere) = Anywhere::new() {
            found = kl_anywhere(&anywhere, p, q, n, out);
        }
        match found {
            Ok(()) => KLDIV_OK,
            Err(rest) => guarded_kl_of(p, q, n, out, rest),
        }
    }
}

/// Writes KL if it takes no more than integers and instructions that have no need of an environment.
///
/// # Safety
/// As above.
#[inline(always)]
unsafe fn kl_anywhere<T: Element>(
    anywhere: &Anywhere,
    p: *const T,
    q: *const T,
    n: usize,
    out: *mut f64,
) -> Result<(), Rest> {
    // SAFETY: the caller's promise.
    let Ok((p, q, out)) = (unsafe { arguments(p, q, n, out) }) else { return Err(Rest::All) };
    *out = anywhere.kl(p, q)?;
    Ok(())
}

/// # Safety
/// As above.
#[inline(never)]
unsafe extern "C" fn guarded_kl_of<T: Element>(
    p: *const T,
    q: *const T,
    n: usize,
    out: *mut f64,
    rest: Rest,
) -> kldiv_status {
    guard(move || {
        // SAFETY: the caller's promise.
        let (p, q, out) = unsafe { arguments(p, q, n, out) }?;
        match kl_rest(rest, p, q) {
            Ok(value) => *out = value,
            Err(error) => {
                if error.row().is_some() {
                    *out = f64::NAN;
                }
                return Err(error.into());
            }
        }
        Ok(())
    })
}

/// # Safety
/// As above, and nobody else touches `out` during 'a.
#[inline(always)]
unsafe fn arguments<'a, T>(
    p: *const T,
    q: *const T,
    n: usize,
    out: *mut f64,
) -> Result<(&'a [T], &'a [T], &'a mut f64), Failure> {
    // SAFETY: the caller's promise, for each.
    unsafe {
        let (p, p_span) = view::array(p, n, "p")?;
        let (q, q_span) = view::array(q, n, "q")?;
        let (out, out_span) = view::one_mut(out, "out")?;
        out_span.apart(&[p_span, q_span])?;
        Ok((p, q, out))
    }
}

#[cfg(test)]
mod tests {
    use std::ptr::null;

    use super::*;
    use crate::status::*;

    /// The call on two slices, and what stands in an output that held -1.
    fn kl_f64(p: &[f64], q: &[f64]) -> (kldiv_status, f64) {
        let mut out = -1.0;
        // SAFETY: slices of one length and a place of ours.
        let status = unsafe { kldiv_kl_f64(p.as_ptr(), q.as_ptr(), p.len().min(q.len()), &mut out) };
        (status, out)
    }

    #[test]
    fn the_coin() {
        let (status, nats) = kl_f64(&[0.5, 0.5], &[0.7, 0.3]);
        assert_eq!((status, format!("{nats:.4}")), (KLDIV_OK, "0.0872".to_owned()));
        let mut out = 0.0;
        // SAFETY: arrays of two and a place of ours.
        let status = unsafe { kldiv_kl_f32([0.5, 0.5].as_ptr(), [0.7, 0.3].as_ptr(), 2, &mut out) };
        assert_eq!((status, format!("{out:.4}")), (KLDIV_OK, "0.0872".to_owned()));
    }

    #[test]
    fn an_impossible_outcome_is_infinite() {
        assert_eq!(kl_f64(&[0.5, 0.5], &[1.0, 0.0]), (KLDIV_OK, f64::INFINITY));
    }

    #[test]
    fn a_bad_entry_has_its_status_and_leaves_nan() {
        for (bad, status) in
            [(-0.1, KLDIV_ERROR_NEGATIVE), (f64::NAN, KLDIV_ERROR_NAN), (f64::INFINITY, KLDIV_ERROR_INFINITE)]
        {
            let (found, out) = kl_f64(&[0.5, 0.5], &[0.7, bad]);
            assert_eq!((found, out.is_nan()), (status, true));
        }
    }

    #[test]
    fn a_meaningless_call_writes_nothing() {
        let mut block = [0.5, 0.5, 0.7, 0.3];
        let (p, q, mut out) = (block.as_ptr(), block.as_mut_ptr().wrapping_add(2), -1.0);
        let place = &raw mut out;
        // SAFETY: whatever is not refused lies in the block.
        unsafe {
            assert_eq!(kldiv_kl_f64(p, q, 0, place), KLDIV_ERROR_EMPTY);
            assert_eq!(kldiv_kl_f64(null(), null(), 0, place), KLDIV_ERROR_EMPTY);
            assert_eq!(kldiv_kl_f64(null(), q, 2, place), KLDIV_ERROR_NULL_POINTER);
            assert_eq!(kldiv_kl_f64(p, null(), 2, place), KLDIV_ERROR_NULL_POINTER);
            assert_eq!(kldiv_kl_f64(p, q, 2, std::ptr::null_mut()), KLDIV_ERROR_NULL_POINTER);
            assert_eq!(kldiv_kl_f64(p.wrapping_byte_add(1), q, 1, place), KLDIV_ERROR_MISALIGNED);
            assert_eq!(kldiv_kl_f64(p, q, usize::MAX / 8, place), KLDIV_ERROR_SIZE_OVERFLOW);
            assert_eq!(kldiv_kl_f64(p, q, 2, q), KLDIV_ERROR_OVERLAP);
        }
        assert_eq!((out, block), (-1.0, [0.5, 0.5, 0.7, 0.3]));
    }
}
