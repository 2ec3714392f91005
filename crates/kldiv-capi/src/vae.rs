//! The diagonal Gaussian of a VAE.

use core_kldiv::family::vae::{Grads, Prior, grad_into, rows_into};

use crate::call::{Call, optional};
use crate::guard::guard;
use crate::options::kldiv_options;
use crate::status::kldiv_status;
use crate::view::{kldiv_view, kldiv_view_mut};

/// A VAE's posterior against its prior, row by row, from means and logarithms of variances:
///
///     out[i] = sum over j of ((mu - m)^2 exp(-l) + exp(logvar - l) - 1 - (logvar - l)) / 2
///
/// with m and l those of the prior, 0 where it is NULL: the standard normal. Accurate also where mu and logvar are near
/// the prior's. A masked row is not read and gives 0; a row's result is multiplied by its weight.
///
/// @param mu, logvar               rows x cols numbers of floating-point types
/// @param prior_mu, prior_logvar   NULL, or the same of the prior; a row_stride of 0 repeats one row
/// @param options  NULL for the defaults; base, mask and weights apply
/// @param out      mu->rows doubles; those of bad rows become NaN, and all others are answered
/// @return as kldiv_rows(); KLDIV_ERROR_NAN or KLDIV_ERROR_INFINITE for an entry that is not finite, KLDIV_ERROR_DTYPE
///         for counts
/// Thread-safe. Since 0.1.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kldiv_vae(
    mu: *const kldiv_view,
    logvar: *const kldiv_view,
    prior_mu: *const kldiv_view,
    prior_logvar: *const kldiv_view,
    options: *const kldiv_options,
    out: *mut f64,
) -> kldiv_status {
    // SAFETY: the caller's promise, for each.
    guard(move || unsafe {
        let mut call = Call::new();
        call.read(options)?;
        let (mu, logvar) = (call.matrix(mu, "mu")?, call.matrix(logvar, "logvar")?);
        let prior = Prior {
            mu: optional(prior_mu, |prior| call.matrix(prior, "prior_mu"))?,
            logvar: optional(prior_logvar, |prior| call.matrix(prior, "prior_logvar"))?,
        };
        call.per_row(mu.rows())?;
        let out = call.array_mut(out, mu.rows(), "out")?;
        call.run(mu.elements(), |options| rows_into(mu, logvar, prior, options, out))
    })
}

/// kldiv_vae() and its gradients, in one pass:
///
///     grad_mu           =  upstream[i] w[i] (mu - m) exp(-l)
///     grad_logvar       =  upstream[i] w[i] (exp(logvar - l) - 1) / 2
///     grad_prior_mu     = -grad_mu
///     grad_prior_logvar =  upstream[i] w[i] (1 - exp(logvar - l) - (mu - m)^2 exp(-l)) / 2
///
/// @param mu, logvar, prior_mu, prior_logvar, options  as kldiv_vae()
/// @param upstream  NULL for 1, or mu->rows doubles
/// @param out       NULL, or mu->rows doubles
/// @param grad_mu, grad_logvar, grad_prior_mu, grad_prior_logvar  NULL, or rows x cols elements of a floating-point
///                  type; bad rows become NaN, masked ones 0
/// @return as kldiv_vae()
/// Thread-safe. Since 0.1.
#[unsafe(no_mangle)]
#[must_use]
#[allow(clippy::too_many_arguments, reason = "one for each matrix")]
pub unsafe extern "C" fn kldiv_vae_grad(
    mu: *const kldiv_view,
    logvar: *const kldiv_view,
    prior_mu: *const kldiv_view,
    prior_logvar: *const kldiv_view,
    options: *const kldiv_options,
    upstream: *const f64,
    out: *mut f64,
    grad_mu: *const kldiv_view_mut,
    grad_logvar: *const kldiv_view_mut,
    grad_prior_mu: *const kldiv_view_mut,
    grad_prior_logvar: *const kldiv_view_mut,
) -> kldiv_status {
    // SAFETY: the caller's promise, for each.
    guard(move || unsafe {
        let mut call = Call::new();
        call.read(options)?;
        let (mu, logvar) = (call.matrix(mu, "mu")?, call.matrix(logvar, "logvar")?);
        let prior = Prior {
            mu: optional(prior_mu, |prior| call.matrix(prior, "prior_mu"))?,
            logvar: optional(prior_logvar, |prior| call.matrix(prior, "prior_logvar"))?,
        };
        call.per_row(mu.rows())?;
        let upstream = optional(upstream, |upstream| call.array(upstream, mu.rows(), "upstream"))?;
        let out = optional(out, |out| call.array_mut(out, mu.rows(), "out"))?;
        let mut of_mu = optional(grad_mu, |grad| call.matrix_mut(grad, "grad_mu"))?;
        let mut of_logvar = optional(grad_logvar, |grad| call.matrix_mut(grad, "grad_logvar"))?;
        let mut of_prior_mu = optional(grad_prior_mu, |grad| call.matrix_mut(grad, "grad_prior_mu"))?;
        let mut of_prior_logvar =
            optional(grad_prior_logvar, |grad| call.matrix_mut(grad, "grad_prior_logvar"))?;
        call.run(mu.elements(), |options| {
            let grads = Grads {
                mu: of_mu.as_mut(),
                logvar: of_logvar.as_mut(),
                prior_mu: of_prior_mu.as_mut(),
                prior_logvar: of_prior_logvar.as_mut(),
            };
            grad_into(mu, logvar, prior, options, upstream, out, grads)
        })
    })
}
