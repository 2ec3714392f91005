//! Families of distributions.

use core_kldiv::{Family, Measure, family};

use crate::call::{Call, optional};
use crate::error::Failure;
use crate::guard::guard;
use crate::options::kldiv_options;
use crate::status::{KLDIV_ERROR_OPTIONS, kldiv_status};
use crate::view::{kldiv_view, kldiv_view_mut};

/// loc, scale
pub const KLDIV_FAMILY_NORMAL: u32 = 1;
/// loc, scale
pub const KLDIV_FAMILY_LAPLACE: u32 = 2;
/// loc, scale; exp(-z - exp(-z))/scale, z = (x - loc)/scale.
pub const KLDIV_FAMILY_GUMBEL: u32 = 3;
/// loc, scale
pub const KLDIV_FAMILY_LOGISTIC: u32 = 4;
/// loc, scale; exp(-(z + exp(-z))/2)/(scale sqrt(2 pi)).
pub const KLDIV_FAMILY_MOYAL: u32 = 5;
/// loc, scale
pub const KLDIV_FAMILY_CAUCHY: u32 = 6;
/// loc, scale, of ln x.
pub const KLDIV_FAMILY_LOGNORMAL: u32 = 7;
/// scale, of the normal distribution whose half it is.
pub const KLDIV_FAMILY_HALFNORMAL: u32 = 8;
/// rate
pub const KLDIV_FAMILY_EXPONENTIAL: u32 = 9;
/// concentration, rate
pub const KLDIV_FAMILY_GAMMA: u32 = 10;
/// concentration, rate: density b^a x^(-a-1) e^(-b/x)/Gamma(a).
pub const KLDIV_FAMILY_INVERSEGAMMA: u32 = 11;
/// df
pub const KLDIV_FAMILY_CHI2: u32 = 12;
/// df
pub const KLDIV_FAMILY_CHI: u32 = 13;
/// concentration1 a, concentration0 b; x^(a-1) (1-x)^(b-1)/B(a,b).
pub const KLDIV_FAMILY_BETA: u32 = 14;
/// concentration1 a, concentration0 b; a b x^(a-1) (1-x^a)^(b-1).
pub const KLDIV_FAMILY_KUMARASWAMY: u32 = 15;
/// probs: density C l^x (1-l)^(1-x).
pub const KLDIV_FAMILY_CONTINUOUSBERNOULLI: u32 = 16;
/// low, high
pub const KLDIV_FAMILY_UNIFORM: u32 = 17;
/// scale, concentration: density (k/s) (x/s)^(k-1) exp(-(x/s)^k).
pub const KLDIV_FAMILY_WEIBULL: u32 = 18;
/// scale, alpha: density alpha m^alpha x^(-alpha-1) from m on.
pub const KLDIV_FAMILY_PARETO: u32 = 19;
/// df, loc, scale; scale is not the standard deviation.
pub const KLDIV_FAMILY_STUDENTT: u32 = 20;
/// loc, concentration, over one turn.
pub const KLDIV_FAMILY_VONMISES: u32 = 21;
/// probs, of 1.
pub const KLDIV_FAMILY_BERNOULLI: u32 = 22;
/// logits: ln(p/(1 - p)).
pub const KLDIV_FAMILY_BERNOULLI_LOGITS: u32 = 23;
/// probs, divided by their sum.
pub const KLDIV_FAMILY_CATEGORICAL: u32 = 24;
/// logits: their softmax; -infinity is an outcome that cannot be.
pub const KLDIV_FAMILY_CATEGORICAL_LOGITS: u32 = 25;
/// total_count, probs
pub const KLDIV_FAMILY_BINOMIAL: u32 = 26;
/// total_count r, probs s, of what is counted; (1-s)^r s^k.
pub const KLDIV_FAMILY_NEGATIVEBINOMIAL: u32 = 27;
/// probs: (1-s)^k s from k = 0.
pub const KLDIV_FAMILY_GEOMETRIC: u32 = 28;
/// rate, which may be 0.
pub const KLDIV_FAMILY_POISSON: u32 = 29;
/// total_count, then probs, divided by their sum.
pub const KLDIV_FAMILY_MULTINOMIAL: u32 = 30;
/// concentration, one an outcome.
pub const KLDIV_FAMILY_DIRICHLET: u32 = 31;
/// d loc, then d*d covariance_matrix, row by row.
pub const KLDIV_FAMILY_MVNORMAL: u32 = 32;
/// d loc, then d*d scale_tril: the lower L with covariance L L^T.
pub const KLDIV_FAMILY_MVNORMAL_TRIL: u32 = 33;
/// d loc, then d*d precision_matrix.
pub const KLDIV_FAMILY_MVNORMAL_PRECISION: u32 = 34;
/// d loc, then d standard deviations.
pub const KLDIV_FAMILY_MVNORMAL_DIAG: u32 = 35;
/// d loc, d variances v, then d*r W: covariance W W^T + diag v.
pub const KLDIV_FAMILY_MVNORMAL_LOWRANK: u32 = 36;
/// df, then d*d covariance_matrix V: mean df*V.
pub const KLDIV_FAMILY_WISHART: u32 = 37;
/// df, then d*d scale_matrix.
pub const KLDIV_FAMILY_INVERSEWISHART: u32 = 38;

/// The divergence of each pair of distributions, whose parameters are the rows of p_params and q_params:
///
///     out[i] = integral, or sum, of p(x) ln(p(x) / q(x))
///
/// Any two families of a real number go together, and any two of counts; otherwise a family and itself, in any of its
/// parametrisations. Where there is no closed form the divergence is integrated or summed, never sampled. It is
/// infinite where P has mass and Q has none, and where the mean of -ln q is infinite; equal parameters give exactly 0.
/// Of the measures there are KL, GENERALIZED (the same), REVERSE, JEFFREYS, ENTROPY (q is ignored; q_params may be
/// NULL) and CROSS_ENTROPY.
///
/// @param p_family, q_family  KLDIV_FAMILY_...; each says what the columns are
/// @param p_params, q_params  rows x parameters; a row_stride of 0 repeats one distribution
/// @param options  NULL for the defaults: KL, in nats; options.dim is needed for MVNORMAL_LOWRANK
/// @param out      p_params->rows doubles; those of bad rows become NaN, and all others are answered
/// @return KLDIV_OK; for a call that makes no sense KLDIV_ERROR_NULL_POINTER, KLDIV_ERROR_MISALIGNED,
///         KLDIV_ERROR_SIZE_OVERFLOW, KLDIV_ERROR_OVERLAP, KLDIV_ERROR_DTYPE, KLDIV_ERROR_OPTIONS (a number that is no
///         family is one), KLDIV_ERROR_SHAPE_MISMATCH, KLDIV_ERROR_EMPTY, KLDIV_ERROR_UNSUPPORTED_PAIR; of the first
///         bad row KLDIV_ERROR_PARAMETER, KLDIV_ERROR_NOT_POSITIVE_DEFINITE, KLDIV_ERROR_NOT_CONVERGED;
///         KLDIV_ERROR_OUT_OF_MEMORY
/// Thread-safe. Since 0.1.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kldiv_family(
    p_family: u32,
    p_params: *const kldiv_view,
    q_family: u32,
    q_params: *const kldiv_view,
    options: *const kldiv_options,
    out: *mut f64,
) -> kldiv_status {
    // SAFETY: the caller's promise, for each.
    guard(move || unsafe {
        let mut call = Call::new();
        call.read(options)?;
        let p_family = known(p_family, "p_family")?;
        let p = call.matrix(p_params, "p_params")?;
        let (q_family, q) = if call.options.measure == Measure::Entropy {
            (p_family, p)
        } else {
            (known(q_family, "q_family")?, call.matrix(q_params, "q_params")?)
        };
        call.per_row(p.rows())?;
        let out = call.array_mut(out, p.rows(), "out")?;
        call.run(work(p.elements()), |options| family::kl_into(p_family, p, q_family, q, options, out))
    })
}

/// The same for KL, and its derivatives by the parameters, for pairs of one family among NORMAL, GAMMA, BETA,
/// BERNOULLI, CATEGORICAL (either by probabilities or by LOGITS), DIRICHLET and MVNORMAL_TRIL:
///
///     grad_p_params[i,j] = upstream[i] * d out[i] / d p_params[i,j]
///
/// Probabilities of CATEGORICAL are divided by their sum, and the derivative is that of the whole. By a probability of
/// 0 it is the limit from inside; by an entry above the diagonal of a factor it is 0.
///
/// @param p_family, p_params, q_family, q_params, options  as kldiv_family()
/// @param upstream       p_params->rows doubles, or NULL: 1
/// @param out            p_params->rows doubles, or NULL: not wanted
/// @param grad_p_params  of the shape of p_params, of a floating-point type, any strides; or NULL: not wanted
/// @param grad_q_params  of the shape of q_params, likewise
/// @return as kldiv_family(); KLDIV_ERROR_OPTIONS for another measure, KLDIV_ERROR_UNSUPPORTED_PAIR for other pairs
/// Thread-safe. Since 0.1.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kldiv_family_grad(
    p_family: u32,
    p_params: *const kldiv_view,
    q_family: u32,
    q_params: *const kldiv_view,
    options: *const kldiv_options,
    upstream: *const f64,
    out: *mut f64,
    grad_p_params: *const kldiv_view_mut,
    grad_q_params: *const kldiv_view_mut,
) -> kldiv_status {
    // SAFETY: the caller's promise, for each.
    guard(move || unsafe {
        let mut call = Call::new();
        call.read(options)?;
        let (p_family, q_family) = (known(p_family, "p_family")?, known(q_family, "q_family")?);
        let p = call.matrix(p_params, "p_params")?;
        let q = call.matrix(q_params, "q_params")?;
        call.per_row(p.rows())?;
        let upstream = optional(upstream, |upstream| call.array(upstream, p.rows(), "upstream"))?;
        let out = optional(out, |out| call.array_mut(out, p.rows(), "out"))?;
        let mut grad_p = optional(grad_p_params, |grad| call.matrix_mut(grad, "grad_p_params"))?;
        let mut grad_q = optional(grad_q_params, |grad| call.matrix_mut(grad, "grad_q_params"))?;
        call.run(work(p.elements()), move |options| {
            let (grad_p, grad_q) = (grad_p.as_mut(), grad_q.as_mut());
            family::kl_grad(p_family, p, q_family, q, options, upstream, out, grad_p, grad_q)
        })
    })
}

/// The family of a number.
fn known(number: u32, name: &'static str) -> Result<Family, Failure> {
    Family::from_number(number).ok_or(Failure::Argument(
        KLDIV_ERROR_OPTIONS,
        name,
        "is no family of this release",
    ))
}

/// About how much a parameter costs, in elements of a sum.
fn work(elements: usize) -> usize {
    elements.saturating_mul(16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_has_its_number_and_no_other() {
        let text = include_str!("family.rs");
        let declared: Vec<(&str, u32)> = text
            .lines()
            .filter_map(|line| {
                line.strip_prefix("pub const KLDIV_FAMILY_")?.strip_suffix(';')?.split_once(": u32 = ")
            })
            .map(|(name, number)| (name, number.parse().unwrap()))
            .collect();
        assert_eq!(declared.len(), Family::ALL.len());
        for ((name, number), family) in declared.into_iter().zip(Family::ALL) {
            assert_eq!((name.to_lowercase().as_str(), number), (family.name(), *family as u32));
            assert_eq!(Family::from_number(number), Some(*family));
        }
        assert_eq!(Family::from_number(0), None);
    }
}
