//! The divergence of two densities.

use std::ffi::c_void;

use core_kldiv::quadrature::{Integral, kl_into};

use crate::call::{Call, optional};
use crate::error::Failure;
use crate::guard::{guard, with_calls_back};
use crate::options::{kldiv_density, kldiv_options};
use crate::status::{KLDIV_ERROR_NULL_POINTER, kldiv_status};

/// The divergence of two densities on a line, by numerical integration, with a bound of its error:
///
///     *out = integral from lower to upper of p(x) ln(p(x) / q(x)) dx
///
/// The functions return densities or, with options.log_density, their logarithms, -INFINITY for a density of 0:
/// logarithms are needed wherever q underflows. Where p is 0 nothing is added; where q is 0 and p is not, on more than
/// single points, or where the integral diverges, the answer is infinite. p is integrated too: where that does not give
/// 1 within options.rel_tolerance, peaks between the points are searched for, and if none is found the status is
/// KLDIV_ERROR_NOT_CONVERGED.
///
/// @param p, q      called on the calling thread, in the default floating-point environment, some hundreds to thousands
///                  of times, at points strictly between lower and upper; they must not throw or leave by longjmp
/// @param user      passed through
/// @param lower, upper  what encloses the support of P; either may be infinite
/// @param breaks    n_breaks points where a density or its slope jumps or is infinite, in any order; those outside
///                  do no harm. NULL if there are none. The answer is found without them too, with more calls
/// @param options   NULL for the defaults: densities, a relative error of 1e-9, nats
/// @param out       1 double; for KLDIV_ERROR_NOT_CONVERGED the value so far, for other failures of the functions NaN
/// @param error     1 double, a bound of the error of *out, also for KLDIV_ERROR_NOT_CONVERGED; NULL: not wanted
/// @return KLDIV_OK; as kldiv_rows() for a call that makes no sense (KLDIV_ERROR_OPTIONS: limits or breaks that are
///         none); KLDIV_ERROR_NEGATIVE, KLDIV_ERROR_NAN, KLDIV_ERROR_INFINITE for a value that no density has;
///         KLDIV_ERROR_NOT_CONVERGED where the bound is more than rel_tolerance of the value (and than 1e-12);
///         KLDIV_ERROR_OUT_OF_MEMORY. With KLDIV_INVALID_NAN the last five are KLDIV_OK and NaN
/// Thread-safe. Since 0.1.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kldiv_quadrature(
    p: kldiv_density,
    q: kldiv_density,
    user: *mut c_void,
    lower: f64,
    upper: f64,
    breaks: *const f64,
    n_breaks: usize,
    options: *const kldiv_options,
    out: *mut f64,
    error: *mut f64,
) -> kldiv_status {
    // SAFETY: the caller's promise, for each.
    guard(move || unsafe {
        let mut call = Call::new();
        call.read(options)?;
        let missing = |name| Failure::Argument(KLDIV_ERROR_NULL_POINTER, name, "is NULL");
        let (p, q) = (p.ok_or(missing("p"))?, q.ok_or(missing("q"))?);
        let breaks = call.array(breaks, n_breaks, "breaks")?;
        let out = call.one_mut(out, "out")?;
        let error = optional(error, |error| call.one_mut(error, "error"))?;
        call.run_here(|options| {
            let mut found = Integral { value: *out, error: error.as_deref().copied().unwrap_or(0.0) };
            let (p, q) = (|x| p(x, user), |x| q(x, user));
            let ended = with_calls_back(|| kl_into(p, q, lower, upper, breaks, options, &mut found));
            *out = found.value;
            if let Some(error) = error {
                *error = found.error;
            }
            ended
        })
    })
}

#[cfg(test)]
mod tests {
    use std::ptr::{null, null_mut};

    use super::*;
    use crate::options::KLDIV_INVALID_NAN;
    use crate::status::*;

    /// Uniform on (0, *user).
    unsafe extern "C" fn uniform(x: f64, user: *mut c_void) -> f64 {
        // SAFETY: the tests pass a number.
        let width = unsafe { *user.cast::<f64>() };
        if (0.0..=width).contains(&x) { 1.0 / width } else { 0.0 }
    }

    unsafe extern "C" fn standard(_: f64, _: *mut c_void) -> f64 {
        1.0
    }

    unsafe extern "C" fn half(_: f64, _: *mut c_void) -> f64 {
        0.5
    }

    fn of(p: kldiv_density, q: kldiv_density, upper: f64, options: &kldiv_options) -> (i32, f64, f64) {
        let (mut width, mut out, mut error) = (2.0, -1.0, -1.0);
        let user = (&raw mut width).cast();
        // SAFETY: the functions take a number, and each result has its place.
        let status =
            unsafe { kldiv_quadrature(p, q, user, 0.0, upper, null(), 0, options, &mut out, &mut error) };
        (status, out, error)
    }

    #[test]
    fn a_density_is_integrated_with_its_bound() {
        let (status, out, error) = of(Some(standard), Some(uniform), 1.0, &kldiv_options::DEFAULT);
        assert_eq!(status, KLDIV_OK);
        assert!((out - 2f64.ln()).abs() <= error && error < 1e-12, "{out} {error}");
    }

    #[test]
    fn what_is_short_of_the_tolerance_is_still_written() {
        let (status, out, error) = of(Some(half), Some(standard), 1.0, &kldiv_options::DEFAULT);
        assert_eq!(status, KLDIV_ERROR_NOT_CONVERGED);
        assert!((out - 0.5 * 0.5f64.ln()).abs() < 1e-12 && error > 0.5, "{out} {error}");
        let lenient = kldiv_options { invalid: KLDIV_INVALID_NAN, ..kldiv_options::DEFAULT };
        let (status, out, _) = of(Some(half), Some(standard), 1.0, &lenient);
        assert_eq!((status, out.is_nan()), (KLDIV_OK, true));
    }

    #[test]
    fn a_meaningless_call_writes_nothing() {
        let options = kldiv_options::DEFAULT;
        assert_eq!(of(None, Some(standard), 1.0, &options), (KLDIV_ERROR_NULL_POINTER, -1.0, -1.0));
        assert_eq!(of(Some(standard), None, 1.0, &options), (KLDIV_ERROR_NULL_POINTER, -1.0, -1.0));
        assert_eq!(of(Some(standard), Some(standard), -1.0, &options), (KLDIV_ERROR_OPTIONS, -1.0, -1.0));
        let mut out = -1.0;
        let place = &raw mut out;
        let call = |breaks: *const f64, count, out: *mut f64, error: *mut f64| {
            let user = null_mut();
            // SAFETY: what is NULL may be, and the functions take it.
            unsafe {
                kldiv_quadrature(
                    Some(standard),
                    Some(half),
                    user,
                    0.0,
                    1.0,
                    breaks,
                    count,
                    &options,
                    out,
                    error,
                )
            }
        };
        assert_eq!(call(null(), 1, place, null_mut()), KLDIV_ERROR_NULL_POINTER);
        assert_eq!(call(place, 1, place, null_mut()), KLDIV_ERROR_OVERLAP);
        assert_eq!(call(null(), 0, place, place), KLDIV_ERROR_OVERLAP);
        assert_eq!(call(null(), 0, null_mut(), null_mut()), KLDIV_ERROR_NULL_POINTER);
        assert_eq!(out, -1.0);
    }
}
