//! Divergences of softmaxes.

use core_kldiv::logits::{grad_into, rows_into, topk_into};

use crate::call::{Call, optional};
use crate::guard::guard;
use crate::options::kldiv_options;
use crate::status::kldiv_status;
use crate::view::{kldiv_view, kldiv_view_mut};

/// The divergence of two softmaxes, row by row, straight from logits:
///
///     out[i] = D(softmax(a[i] / T) || softmax(b[i] / T)),    T = options.temperature, without a factor T^2
///
/// The measure is KL (GENERALIZED is the same), REVERSE or JENSEN_SHANNON with its js_weight. One pass over the logits
/// (two for JENSEN_SHANNON) and no temporary; accurate also where the rows nearly coincide or differ by a constant, and
/// never negative. A logit of -infinity is an impossible class; possible in a and impossible in b, D is infinite. A
/// masked row is not read and gives 0; a row's result is multiplied by its weight.
///
/// @param a, b     rows x cols logits of floating-point types; a row_stride of 0 repeats one row
/// @param options  NULL for the defaults: KL, T = 1, in nats; measure, temperature, js_weight, base, mask and weights
///                 apply
/// @param out      a->rows doubles; those of bad rows become NaN, and all others are answered
/// @return as kldiv_rows(); KLDIV_ERROR_NAN or KLDIV_ERROR_INFINITE for a logit that is NaN or +infinity,
///         KLDIV_ERROR_ZERO_MASS for a row that is -infinity throughout, KLDIV_ERROR_DTYPE for counts
/// Thread-safe. Since 0.1.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kldiv_logits(
    a: *const kldiv_view,
    b: *const kldiv_view,
    options: *const kldiv_options,
    out: *mut f64,
) -> kldiv_status {
    // SAFETY: the caller's promise, for each.
    guard(move || unsafe {
        let mut call = Call::new();
        call.read(options)?;
        let (a, b) = (call.matrix(a, "a")?, call.matrix(b, "b")?);
        call.per_row(a.rows())?;
        let out = call.array_mut(out, a.rows(), "out")?;
        call.run(a.elements(), |options| rows_into(a, b, options, out))
    })
}

/// kldiv_logits() and its gradients with respect to a and b:
///
///     grad_a[i,j] = upstream[i] w[i] p (ln(p / q) - D) / T        of KL, with p and q the softmaxes
///     grad_b[i,j] = upstream[i] w[i] (q - p) / T
///
/// A masked logit gets 0, and so does a masked row. Where D is infinite, no change of a finite logit makes it finite:
/// grad_a is 0 and grad_b is (q - p) / T there.
///
/// @param a, b, options  as kldiv_logits()
/// @param upstream       NULL for 1, or a->rows doubles
/// @param out            NULL, or a->rows doubles
/// @param grad_a, grad_b NULL, or rows x cols elements of a floating-point type; bad rows become NaN
/// @return as kldiv_logits()
/// Thread-safe. Since 0.1.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kldiv_logits_grad(
    a: *const kldiv_view,
    b: *const kldiv_view,
    options: *const kldiv_options,
    upstream: *const f64,
    out: *mut f64,
    grad_a: *const kldiv_view_mut,
    grad_b: *const kldiv_view_mut,
) -> kldiv_status {
    // SAFETY: the caller's promise, for each.
    guard(move || unsafe {
        let mut call = Call::new();
        call.read(options)?;
        let (a, b) = (call.matrix(a, "a")?, call.matrix(b, "b")?);
        call.per_row(a.rows())?;
        let upstream = optional(upstream, |upstream| call.array(upstream, a.rows(), "upstream"))?;
        let out = optional(out, |out| call.array_mut(out, a.rows(), "out"))?;
        let mut grad_a = optional(grad_a, |grad| call.matrix_mut(grad, "grad_a"))?;
        let mut grad_b = optional(grad_b, |grad| call.matrix_mut(grad, "grad_b"))?;
        call.run(a.elements(), |options| {
            grad_into(a, b, options, upstream, out, grad_a.as_mut(), grad_b.as_mut())
        })
    })
}

/// KL of a teacher of which only the k most likely classes were kept, against softmax(b / T):
///
///     out[i] = sum over j < k of p[j] ln(p[j] / q[indices[i * k + j]])       p of values[i]
///
/// options.topk says what the values are: logits, whose softmax at T is p (LOGITS_RENORMALIZED); log-probabilities,
/// divided by their sum (LOGPROBS_RENORMALIZED); or log-probabilities whose missing mass is one more outcome that
/// stands for all classes that are not named (LOGPROBS_TAIL), and adds its own term.
///
/// @param values    rows x k numbers of a floating-point type
/// @param indices   rows * k classes, row by row, from 0 to b->cols - 1, none twice in a row
/// @param b         rows x cols logits of the student
/// @param options   NULL for the defaults; topk, temperature (1 for log-probabilities), base, mask and weights apply
/// @param upstream  NULL for 1, or rows doubles that the gradient's rows are multiplied by
/// @param out       NULL, or rows doubles
/// @param grad_b    NULL, or rows x cols elements of a floating-point type; bad rows become NaN
/// @return as kldiv_logits(); KLDIV_ERROR_INDEX for an index that is out of range or stands twice,
///         KLDIV_ERROR_NOT_NORMALIZED for log-probabilities that sum to more than 1,
///         KLDIV_ERROR_OPTIONS for a temperature with log-probabilities or a measure other than KL
/// Thread-safe. Since 0.1.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kldiv_logits_topk(
    values: *const kldiv_view,
    indices: *const i64,
    b: *const kldiv_view,
    options: *const kldiv_options,
    upstream: *const f64,
    out: *mut f64,
    grad_b: *const kldiv_view_mut,
) -> kldiv_status {
    // SAFETY: the caller's promise, for each.
    guard(move || unsafe {
        let mut call = Call::new();
        call.read(options)?;
        let values = call.matrix(values, "values")?;
        let indices = call.array(indices, values.elements(), "indices")?;
        let b = call.matrix(b, "b")?;
        call.per_row(values.rows())?;
        let upstream = optional(upstream, |upstream| call.array(upstream, values.rows(), "upstream"))?;
        let out = optional(out, |out| call.array_mut(out, values.rows(), "out"))?;
        let mut grad_b = optional(grad_b, |grad| call.matrix_mut(grad, "grad_b"))?;
        call.run(b.elements(), |options| {
            topk_into(values, indices, b, options, upstream, out, grad_b.as_mut())
        })
    })
}
