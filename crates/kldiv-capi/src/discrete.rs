//! The two-line call: plain vectors, nothing to choose.

use std::hint::assert_unchecked;
use std::slice;

use core_kldiv::Element;
use core_kldiv::discrete::{Anywhere, Rest, SHORT, kl_rest};

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
        match Anywhere::<0>::new::<T>(n) {
            Some(unseen) if are_plain(p, q, n, out) => plain_kl_of(unseen, p, q, n, out),
            _ => kl_of_after_a_look(p, q, n, out),
        }
    }
}

/// # Safety
/// As above.
#[inline(never)]
unsafe extern "C" fn kl_of_after_a_look<T: Element>(
    p: *const T,
    q: *const T,
    n: usize,
    out: *mut f64,
) -> kldiv_status {
    // SAFETY: the caller's promise.
    unsafe {
        match Anywhere::<1>::new::<T>(n) {
            Some(seen) if are_plain(p, q, n, out) => plain_kl_of(seen, p, q, n, out),
            _ => guarded_kl_of(p, q, n, out, Rest::All),
        }
    }
}

/// # Safety
/// As above, and the arguments are plain.
#[inline(always)]
unsafe fn plain_kl_of<const LOOKS: usize, T: Element>(
    anywhere: Anywhere<LOOKS>,
    p: *const T,
    q: *const T,
    n: usize,
    out: *mut f64,
) -> kldiv_status {
    // SAFETY: the caller's promise. A pair by itself has no place on the stack: to make one takes as long as half a logarithm.
    unsafe { if n == 1 { kl_anywhere(anywhere, p, q, 1, out) } else { kl_of_many(anywhere, p, q, n, out) } }
}

/// Not inlined, for the stack's sake, as is what follows it.
///
/// # Safety
/// As above, and the arguments are plain.
#[inline(never)]
unsafe fn kl_of_many<const LOOKS: usize, T: Element>(
    anywhere: Anywhere<LOOKS>,
    p: *const T,
    q: *const T,
    n: usize,
    out: *mut f64,
) -> kldiv_status {
    // SAFETY: the caller's promise.
    unsafe {
        assert_unchecked(n > 0 && n <= SHORT && !p.is_null() && !q.is_null());
        kl_anywhere(anywhere, p, q, n, out)
    }
}

/// KL by no more than integers and instructions that have no need of an environment, if they suffice.
///
/// # Safety
/// As above.
#[inline(always)]
unsafe fn kl_anywhere<const LOOKS: usize, T: Element>(
    anywhere: Anywhere<LOOKS>,
    p: *const T,
    q: *const T,
    n: usize,
    out: *mut f64,
) -> kldiv_status {
    // SAFETY: the caller's promise: the arguments are neither NULL nor misaligned, and the place is apart from the vectors.
    unsafe {
        let (p, q) = (slice::from_raw_parts(p, n), slice::from_raw_parts(q, n));
        anywhere.kl(p, q, move |p, q, n, found| match found {
            Ok(value) => {
                *out = value;
                KLDIV_OK
            }
            Err(rest) => guarded_kl_of(p, q, n, out, rest),
        })
    }
}

/// Whether [`arguments`] would find nothing, at a glance; of what is not short, or where no program is, it says no.
#[inline(always)]
fn are_plain<T>(p: *const T, q: *const T, n: usize, out: *mut f64) -> bool {
    let (p, q, out) = (p.addr(), q.addr(), out.addr());
    if n == 0 || n > SHORT {
        return false;
    }
    let place = size_of::<f64>();
    let shared =
        |from: usize| out.wrapping_sub(from).wrapping_add(place - 1) < n * size_of::<T>() + place - 1;
    let misaligned = (p | q) & (align_of::<T>() - 1) | out & (align_of::<f64>() - 1);
    let in_range = |address: usize| address.cast_signed() > 0;
    in_range(p) && in_range(q) && in_range(out) && misaligned == 0 && !shared(p) && !shared(q)
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
