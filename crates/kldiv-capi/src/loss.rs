//! PyTorch's KLDivLoss.

use core_kldiv::loss::{grad_into, loss_into, pointwise_into};

use crate::call::{Call, optional};
use crate::guard::guard;
use crate::options::kldiv_options;
use crate::status::kldiv_status;
use crate::view::{kldiv_view, kldiv_view_mut};

/// PyTorch's nn.KLDivLoss, reduced: first the input, ln q, then the target, p, or ln p with options.log_target.
///
///     *out = sum over i, j of w[i] target (ln target - input)             target = target[i,j], input = input[i,j]
///     *out = sum over i, j of w[i] exp(target) (target - input)           with log_target
///
/// MEAN divides that by the number of elements, BATCHMEAN by the number of rows: the mean divergence is BATCHMEAN.
/// With a mask or weights the number of rows is the weight that is kept. A target of 0 (a logarithm of -infinity)
/// contributes 0 whatever the input is; where a target is possible and its input -infinity the loss is infinite.
///
/// @param input    rows x cols log-probabilities of a floating-point type
/// @param target   rows x cols probabilities or, with log_target, log-probabilities
/// @param options  NULL for the defaults: the sum, in nats; log_target, reduction, base, mask and weights apply
/// @param out      1 double; NaN if a row is bad, 0 if there are no rows
/// @return as kldiv_rows(); KLDIV_ERROR_NAN or KLDIV_ERROR_INFINITE for an input that is NaN or +infinity;
///         KLDIV_ERROR_INFINITE also where finite elements overflow to both infinities, in a row or of different rows
/// Thread-safe. Since 0.1.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kldiv_loss(
    input: *const kldiv_view,
    target: *const kldiv_view,
    options: *const kldiv_options,
    out: *mut f64,
) -> kldiv_status {
    // SAFETY: the caller's promise, for each.
    guard(move || unsafe {
        let mut call = Call::new();
        call.read(options)?;
        let (input, target) = (call.matrix(input, "input")?, call.matrix(target, "target")?);
        call.per_row(input.rows())?;
        let out = call.one_mut(out, "out")?;
        call.run(input.elements(), |options| loss_into(input, target, options, out))
    })
}

/// The elements of kldiv_loss(), times their rows' weights, not reduced: PyTorch's reduction="none".
///
/// @param input, target, options  as kldiv_loss()
/// @param out      input->rows x input->cols elements of a floating-point type, any strides; bad rows become NaN
/// @return as kldiv_loss(); KLDIV_ERROR_DTYPE for an output of counts
/// Thread-safe. Since 0.1.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kldiv_loss_pointwise(
    input: *const kldiv_view,
    target: *const kldiv_view,
    options: *const kldiv_options,
    out: *const kldiv_view_mut,
) -> kldiv_status {
    // SAFETY: the caller's promise, for each.
    guard(move || unsafe {
        let mut call = Call::new();
        call.read(options)?;
        let (input, target) = (call.matrix(input, "input")?, call.matrix(target, "target")?);
        call.per_row(input.rows())?;
        let mut out = call.matrix_mut(out, "out")?;
        call.run(input.elements(), |options| pointwise_into(input, target, options, &mut out))
    })
}

/// The gradients of kldiv_loss():
///
///     grad_input  = -target, or -exp(target)
///     grad_target = ln target - input + 1, or exp(target) (target - input + 1)
///
/// times the row's weight and upstream, divided as the reduction divides. With respect to a target of 0 it is the
/// one-sided limit, -infinity where the input is finite and infinity where it is not; with respect to a logarithm of
/// -infinity it is 0. Masked rows get 0.
///
/// @param input, target, options  as kldiv_loss()
/// @param upstream     NULL for 1; 1 x 1, the gradient of the reduced loss; or rows x cols, that of
///                     kldiv_loss_pointwise(), where nothing is divided
/// @param grad_input   NULL, or rows x cols elements of a floating-point type; bad rows become NaN
/// @param grad_target  the same with respect to target
/// @return as kldiv_loss(); KLDIV_ERROR_DTYPE for an output of counts
/// Thread-safe. Since 0.1.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kldiv_loss_grad(
    input: *const kldiv_view,
    target: *const kldiv_view,
    options: *const kldiv_options,
    upstream: *const kldiv_view,
    grad_input: *const kldiv_view_mut,
    grad_target: *const kldiv_view_mut,
) -> kldiv_status {
    // SAFETY: the caller's promise, for each.
    guard(move || unsafe {
        let mut call = Call::new();
        call.read(options)?;
        let (input, target) = (call.matrix(input, "input")?, call.matrix(target, "target")?);
        call.per_row(input.rows())?;
        let upstream = optional(upstream, |upstream| call.matrix(upstream, "upstream"))?;
        let mut grad_input = optional(grad_input, |grad| call.matrix_mut(grad, "grad_input"))?;
        let mut grad_target = optional(grad_target, |grad| call.matrix_mut(grad, "grad_target"))?;
        call.run(input.elements(), |options| {
            grad_into(input, target, options, upstream, grad_input.as_mut(), grad_target.as_mut())
        })
    })
}
