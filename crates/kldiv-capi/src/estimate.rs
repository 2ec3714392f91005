//! Estimates from samples.

use core_kldiv::estimate::{MonteCarlo, POINT, knn_into, monte_carlo_into};

use crate::call::{Call, optional};
use crate::guard::guard;
use crate::options::kldiv_options;
use crate::status::kldiv_status;
use crate::view::kldiv_view;

/// The k-nearest-neighbour estimate of the divergence from points of P and points of Q:
///
///     *out = d/n sum over i of ln(nu_i / rho_i) + ln(m / (n - 1))
///
/// rho_i is the Euclidean distance of point i of x to the k-th nearest of the other points of x, nu_i that to the k-th
/// nearest point of y. Equal distances count with multiplicity; only point i itself is left out. Its bias falls slowly
/// with n in many dimensions; a larger k lowers the variance and raises the bias. It may be negative. Points are shared
/// among threads; the result has the same bits for any number. Source: Wang, Kulkarni and Verdu, 2009.
///
/// @param x        n x d points of P, of any element type, n > k
/// @param y        m x d points of Q, m >= k
/// @param k        which neighbour, from 1
/// @param options  NULL for the defaults; mask and weights do not apply
/// @param out      1 double; for points that coincide what the formula tends to: INFINITY if they are of x, -INFINITY
///                 if of x and y, NaN if both; for other failures of the points NaN
/// @return KLDIV_OK; as kldiv_rows() for a call that makes no sense (KLDIV_ERROR_OPTIONS: k is 0); KLDIV_ERROR_NAN,
///         KLDIV_ERROR_INFINITE for a coordinate; KLDIV_ERROR_DEGENERATE for too few points (the operand is the sample)
///         and for points that coincide, so that rho or nu is 0 (the operand is the sample that holds the others, 0 for
///         x; the row is that of x); KLDIV_ERROR_OUT_OF_MEMORY
/// Thread-safe. Since 0.1.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kldiv_estimate_knn(
    x: *const kldiv_view,
    y: *const kldiv_view,
    k: usize,
    options: *const kldiv_options,
    out: *mut f64,
) -> kldiv_status {
    // SAFETY: the caller's promise, for each.
    guard(move || unsafe {
        let mut call = Call::new();
        call.read(options)?;
        let (x, y) = (call.matrix(x, "x")?, call.matrix(y, "y")?);
        let out = call.one_mut(out, "out")?;
        call.run(x.rows().saturating_mul(POINT), |options| knn_into(x, y, k, options, out))
    })
}

/// The Monte Carlo estimate of the divergence from ln p and ln q at samples of P, with its standard error. With
/// r = log_q - log_p it is the mean of what options.estimator asks for:
///
///     K1  -r             no bias; the variance of the log ratio, often negative
///     K2  r^2 / 2        biased by a term of third order where P and Q are near; of low variance there
///     K3  e^r - 1 - r    no bias where P covers Q, every term at least 0; of low variance where P and Q are near
///
/// A sample that Q cannot give (log_q is -INFINITY) makes it infinite. Samples are shared among threads; the result has
/// the same bits for any number. Source: Schulman, "Approximating KL divergence", 2020.
///
/// @param log_p, log_q    n log-densities each, of the same samples, n at least 1
/// @param options         NULL for the defaults: K1, in nats. The mask leaves samples out, weights weigh them
/// @param out             1 double; NaN if a sample is bad
/// @param standard_error  1 double: the samples' standard deviation over the root of n, NaN for n = 1, INFINITY for an
///                        infinite *out; NULL: not wanted
/// @return KLDIV_OK; as kldiv_rows() for a call that makes no sense; KLDIV_ERROR_NAN or KLDIV_ERROR_INFINITE of the
///         first bad sample (the row): +INFINITY, or -INFINITY in log_p; KLDIV_ERROR_INFINITE also where some ratios
///         overflow to infinity and others to -infinity; KLDIV_ERROR_OUT_OF_MEMORY
/// Thread-safe. Since 0.1.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kldiv_estimate_mc(
    log_p: *const f64,
    log_q: *const f64,
    n: usize,
    options: *const kldiv_options,
    out: *mut f64,
    standard_error: *mut f64,
) -> kldiv_status {
    // SAFETY: the caller's promise, for each.
    guard(move || unsafe {
        let mut call = Call::new();
        call.read(options)?;
        let (log_p, log_q) = (call.array(log_p, n, "log_p")?, call.array(log_q, n, "log_q")?);
        call.per_row(n)?;
        let out = call.one_mut(out, "out")?;
        let standard_error = optional(standard_error, |place| call.one_mut(place, "standard_error"))?;
        call.run(n, |options| {
            let before = standard_error.as_deref().copied().unwrap_or(0.0);
            let mut found = MonteCarlo { value: *out, standard_error: before };
            let ended = monte_carlo_into(log_p, log_q, options, &mut found);
            *out = found.value;
            if let Some(standard_error) = standard_error {
                *standard_error = found.standard_error;
            }
            ended
        })
    })
}

#[cfg(test)]
mod tests {
    use std::ptr::{null, null_mut};

    use super::*;
    use crate::options::*;
    use crate::status::*;
    use crate::view::KLDIV_DTYPE_F64;

    fn line(data: &[f64]) -> kldiv_view {
        let rows = data.len();
        kldiv_view {
            data: data.as_ptr().cast(),
            rows,
            cols: 1,
            row_stride: 1,
            col_stride: 1,
            dtype: KLDIV_DTYPE_F64,
        }
    }

    fn knn(x: &[f64], y: &[f64], k: usize) -> (kldiv_status, f64) {
        let mut out = -1.0;
        // SAFETY: the views lie in slices, and the result has its place.
        let status = unsafe { kldiv_estimate_knn(&line(x), &line(y), k, null(), &mut out) };
        (status, out)
    }

    #[test]
    fn neighbours_are_found_and_degenerate_points_reported() {
        let (x, y) = ([0.0, 1.0, 3.0], [0.5, 2.5, 7.0]);
        let (status, out) = knn(&x, &y, 1);
        let want = (0.5 * 0.5 * 0.25f64).ln() / 3.0 + 1.5f64.ln();
        assert!(status == KLDIV_OK && (out - want).abs() < 1e-15, "{out}, want {want}");
        assert_eq!(knn(&[0.0, 0.0, 1.0], &y, 1), (KLDIV_ERROR_DEGENERATE, f64::INFINITY));
        assert_eq!(knn(&x, &[1.0, 2.0], 1), (KLDIV_ERROR_DEGENERATE, f64::NEG_INFINITY));
        assert_eq!(knn(&x, &y, 3).0, KLDIV_ERROR_DEGENERATE);
        assert_eq!(knn(&x, &y, 0), (KLDIV_ERROR_OPTIONS, -1.0));
    }

    #[test]
    fn log_densities_give_a_mean_and_its_error() {
        let (log_p, log_q) = ([-1.0, -2.0], [-1.5, -2.25]);
        let (mut out, mut error) = (-1.0, -1.0);
        // SAFETY: slices of two and places of ours; what is NULL may be.
        unsafe {
            let (p, q) = (log_p.as_ptr(), log_q.as_ptr());
            assert_eq!(kldiv_estimate_mc(p, q, 2, null(), &mut out, &mut error), KLDIV_OK);
            assert_eq!((out, error), (0.375, 0.125));
            assert_eq!(kldiv_estimate_mc(p, q, 2, null(), &mut out, null_mut()), KLDIV_OK);
            let mask = [0u8, 1];
            let options = kldiv_options {
                estimator: KLDIV_ESTIMATOR_K2,
                mask: mask.as_ptr(),
                ..kldiv_options::DEFAULT
            };
            assert_eq!(kldiv_estimate_mc(p, q, 2, &options, &mut out, &mut error), KLDIV_OK);
            assert_eq!((out, error.is_nan()), (0.03125, true));
            out = -1.0;
            assert_eq!(kldiv_estimate_mc(p, q, 0, null(), &mut out, null_mut()), KLDIV_ERROR_EMPTY);
            let place = &raw mut out;
            assert_eq!(kldiv_estimate_mc(p, place, 1, null(), place, null_mut()), KLDIV_ERROR_OVERLAP);
            assert_eq!(kldiv_estimate_mc(p, q, 1, null(), place, place), KLDIV_ERROR_OVERLAP);
            assert_eq!(kldiv_estimate_mc(p, null(), 1, null(), place, null_mut()), KLDIV_ERROR_NULL_POINTER);
        }
        assert_eq!(out, -1.0);
    }
}
