//! The estimates from log-densities at samples of P: k1, k2 and k3.

use crate::check::needs_shape;
use crate::error::{Error, Fault, Operand};
use crate::excess::excess_of_parts;
use crate::kernels;
use crate::pair::ln_base;
use crate::policy::{Estimator, Options};
use crate::rows::Rows;
use crate::sum::weighted;
use crate::view::Shape;

const LOG_P: Operand = Operand::new(0, "log_p");
const LOG_Q: Operand = Operand::new(1, "log_q");

/// An estimate and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MonteCarlo {
    /// The mean over the samples, in nats.
    pub value: f64,
    /// The standard deviation of that mean, estimated from the samples; NaN for a single one, infinite beside an
    /// infinite mean.
    pub standard_error: f64,
}

/// The Monte Carlo estimate of D(P‖Q) from ln p and ln q at samples of P, in nats, with its standard error.
///
/// The mean of what [`Options::estimator`] names: `−r`, `r²/2` or `e^r − 1 − r`, where `r = ln q − ln p`; bias and
/// variance are said with [`Estimator`]. The standard error is the samples' standard deviation (with n − 1) over √n. A
/// mask leaves samples out. With weights the value is `Σ wᵢ kᵢ / Σ wᵢ` and the standard error
/// `√(n/(n − 1) Σ wᵢ² (kᵢ − value)²) / Σ wᵢ`.
///
/// # Shapes
/// `log_p`, `log_q`: one length, at least 1, an entry a sample.
/// # Zeros
/// A sample that Q cannot give (`log_q` is −∞) makes the estimate infinite. One that P cannot give is an error.
/// # Accuracy
/// Each k is within `8 u` of the exact one for these very numbers, relatively, also where p and q nearly coincide: k3 is
/// never formed from `e^r − 1`. So are the means of k2 and k3, whose terms are at least 0.
/// # Threads
/// Samples are shared among [`threads`](crate::threads); the result has the same bits for any number of them.
/// # Errors
/// [`Error::ShapeMismatch`], [`Error::Empty`], [`Error::Option`]; [`Error::InvalidEntry`] names the first sample with a
/// NaN, a +∞, or a `log_p` of −∞, [`Error::Overflow`] the one with the least ratio where some overflow to ∞ and others to
/// −∞; either means that the estimate is NaN.
///
/// Source: Schulman, "Approximating KL divergence", 2020.
pub fn monte_carlo(log_p: &[f64], log_q: &[f64], options: &Options) -> Result<MonteCarlo, Error> {
    let mut out = MonteCarlo { value: f64::NAN, standard_error: f64::NAN };
    monte_carlo_into(log_p, log_q, options, &mut out)?;
    Ok(out)
}

/// As [`monte_carlo`], into the caller's memory. NaN where a sample is bad.
pub fn monte_carlo_into(
    log_p: &[f64],
    log_q: &[f64],
    options: &Options,
    out: &mut MonteCarlo,
) -> Result<(), Error> {
    let samples = Samples::new(log_p, log_q, options)?;
    let rows = &samples.rows;
    let (sum, first) = rows.sum::<4>(|start, out| samples.stretch(start, out, weighted))?;
    let weight = rows.kept_weight();
    let mean = if weight == 0.0 && !sum.is_nan() { 0.0 } else { sum / weight };
    let squares = |scale: f64| {
        let square = |k: f64, weight: f64| {
            let deviation = weighted((k - mean) * scale, weight);
            deviation * deviation
        };
        rows.sum::<4>(|start, out| samples.stretch(start, out, square)).map(|(sum, _)| sum)
    };
    let (mut scale, mut sum_of_squares) = (1.0, squares(1.0)?);
    if !(1e-250..1e250).contains(&sum_of_squares) && mean.is_finite() {
        // Squares have left the range, or may have: deviations are divided by about their sum, a power of 2.
        let size = |k: f64, weight: f64| weighted(k - mean, weight).abs();
        let (size, _) = rows.sum::<4>(|start, out| samples.stretch(start, out, size))?;
        let exponent = (size.to_bits() >> 52) as i32 - 1023;
        scale = 2f64.powi(-exponent.clamp(-1000, 1000));
        sum_of_squares = squares(scale)?;
    }
    let standard_error = if mean.is_infinite() {
        f64::INFINITY
    } else {
        let n = rows.kept() as f64;
        (sum_of_squares * (n / (n - 1.0))).sqrt() / scale / weight
    };
    let unit = ln_base(options);
    *out = MonteCarlo { value: mean / unit, standard_error: standard_error / unit };
    rows.outcome(first)
}

/// Each sample's k by itself, in nats or whatever the base asks for: `out[i]` is that of sample i, NaN where it is bad,
/// 0 where the mask leaves it out, times its weight. See [`monte_carlo`] for the rest.
pub fn monte_carlo_terms_into(
    log_p: &[f64],
    log_q: &[f64],
    options: &Options,
    out: &mut [f64],
) -> Result<(), Error> {
    let samples = Samples::new(log_p, log_q, options)?;
    needs_shape("out", Shape { rows: out.len(), cols: 1 }, Shape { rows: log_p.len(), cols: 1 })?;
    let unit = ln_base(options);
    let first = samples
        .rows
        .fill(out, |start, out| samples.stretch(start, out, |k, weight| weighted(k, weight) / unit));
    samples.rows.outcome(first)
}

/// A call, checked.
struct Samples<'a> {
    log_p: &'a [f64],
    log_q: &'a [f64],
    rows: Rows<'a>,
}

impl<'a> Samples<'a> {
    fn new(log_p: &'a [f64], log_q: &'a [f64], options: &'a Options<'a>) -> Result<Self, Error> {
        let shape = Shape { rows: log_p.len(), cols: 1 };
        needs_shape("log_q", Shape { rows: log_q.len(), cols: 1 }, shape)?;
        if log_p.is_empty() {
            return Err(Error::Empty);
        }
        options.needs_kl()?;
        Ok(Samples { log_p, log_q, rows: Rows::new(shape, options)? })
    }

    /// Writes what becomes of the samples from `start` on; says what the first bad one's error is.
    fn stretch(&self, start: usize, out: &mut [f64], of: impl Fn(f64, f64) -> f64) -> Option<Error> {
        let options = self.rows.options;
        if options.mask.is_none() && self.kernel(start, out) && options.weights.is_none() {
            out.iter_mut().for_each(|k| *k = of(*k, 1.0));
            return None;
        }
        let mut first = None;
        for (i, out) in out.iter_mut().enumerate().map(|(i, out)| (start + i, out)) {
            if !options.keeps(i) {
                *out = 0.0;
                continue;
            }
            // What a mask leaves out is not looked at, and so are others by themselves.
            if options.mask.is_some() {
                self.kernel(i, std::slice::from_mut(out));
            }
            let k = if out.is_nan() { self.edge(i) } else { Ok(*out) };
            *out = k.map_or_else(
                |error| {
                    first.get_or_insert(error);
                    f64::NAN
                },
                |k| of(k, options.weight(i)),
            );
        }
        first
    }

    /// Writes the k of samples, NaN for those that have to be looked at; says whether there are none.
    fn kernel(&self, start: usize, out: &mut [f64]) -> bool {
        let [log_p, log_q] = [self.log_p, self.log_q].map(|logs| &logs[start..][..out.len()]);
        kernels::dispatch(kernels::samples::Samples {
            estimator: self.rows.options.estimator,
            log_p,
            log_q,
            out,
        })
    }

    /// The k of any sample.
    fn edge(&self, i: usize) -> Result<f64, Error> {
        let (log_p, log_q) = (self.log_p[i], self.log_q[i]);
        for (value, operand) in [(log_p, LOG_P), (log_q, LOG_Q)] {
            let (fault, expected) = if value.is_nan() {
                (Fault::Nan, "log-densities are numbers")
            } else if value == f64::INFINITY {
                (Fault::Infinite, "log-densities at samples are below infinity")
            } else if value == f64::NEG_INFINITY && operand == LOG_P {
                (Fault::Infinite, "a sample of P is possible under P")
            } else {
                continue;
            };
            return Err(Error::InvalidEntry { operand, row: i, col: 0, value, fault, expected });
        }
        // The difference and what rounding took from it (two-sum).
        let r = log_q - log_p;
        let back = r + log_p;
        let lost = (log_q - back) - (log_p - (back - r));
        let lost = if lost.is_finite() { lost } else { 0.0 };
        Ok(match self.rows.options.estimator {
            Estimator::K1 => -r,
            Estimator::K2 => 0.5 * r * r,
            Estimator::K3 => excess_of_parts(r, lost),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn k3(log_p: &[f64], log_q: &[f64]) -> MonteCarlo {
        let options = Options { estimator: Estimator::K3, ..Options::default() };
        monte_carlo(log_p, log_q, &options).unwrap()
    }

    #[test]
    fn k3_does_not_cancel() {
        let r = 2f64.powi(-30);
        let MonteCarlo { value, .. } = k3(&[-1.0], &[-1.0 + r]);
        assert!((value / (r * r / 2.0 + r * r * r / 6.0) - 1.0).abs() < 4e-16);
    }

    #[test]
    fn the_part_of_the_difference_that_rounding_takes_is_not_lost() {
        // ln q - ln p = 500 + 2^-60 exactly, whose power e^r shows the second part.
        let (log_p, log_q) = (-(2f64.powi(-46)), 500.0);
        let r = log_q - log_p;
        let MonteCarlo { value, .. } = k3(&[log_p], &[log_q]);
        let exact = 500f64.exp() * (1.0 + 2f64.powi(-46));
        assert!((value / exact - 1.0).abs() < 4e-16, "{value:e} {r}");
    }

    #[test]
    fn a_mask_and_weights_choose_and_weigh_samples() {
        let (log_p, log_q) = ([-1.0, f64::NAN, -2.0, -3.0], [-1.5, 0.0, -2.25, -2.0]);
        let (mask, weights) = ([1, 0, 1, 1], [1.0, 9.0, 2.0, 1.0]);
        let options = Options { mask: Some(&mask), weights: Some(&weights), ..Options::default() };
        let MonteCarlo { value, standard_error } = monte_carlo(&log_p, &log_q, &options).unwrap();
        assert_eq!(value, 0.0);
        let squares: f64 = 0.25 + 0.25 + 1.0;
        assert!((standard_error - (1.5 * squares).sqrt() / 4.0).abs() < 1e-15);
    }

    #[test]
    fn squares_out_of_range_do_not_spoil_the_standard_error() {
        for size in [1e-200, 1e200] {
            let got = monte_carlo(&[0.0, 0.0], &[-size, size], &Options::default()).unwrap();
            assert_eq!((got.value, (got.standard_error / size * 1e15).round()), (0.0, 1e15));
        }
    }

    #[test]
    fn what_is_no_log_density_is_named() {
        let of = |log_p, log_q| monte_carlo(&[-1.0, log_p], &[-1.0, log_q], &Options::default());
        assert!(matches!(of(f64::NAN, 0.0), Err(Error::InvalidEntry { operand: LOG_P, row: 1, .. })));
        assert!(matches!(of(-1.0, f64::INFINITY), Err(Error::InvalidEntry { operand: LOG_Q, row: 1, .. })));
        assert!(matches!(of(f64::NEG_INFINITY, 0.0), Err(Error::InvalidEntry { operand: LOG_P, .. })));
        assert_eq!(of(-1.0, f64::NEG_INFINITY).unwrap().value, f64::INFINITY);
    }

    #[test]
    fn ratios_that_overflow_to_both_infinities_have_no_mean() {
        let (log_p, log_q) = ([-1.0, 1e308, -1e308], [-1.5, -1e308, 1e308]);
        let mut out = MonteCarlo { value: 0.0, standard_error: 0.0 };
        let said = monte_carlo_into(&log_p, &log_q, &Options::default(), &mut out);
        assert_eq!(said, Err(Error::Overflow { row: 2 }));
        assert!(out.value.is_nan() && out.standard_error.is_nan());
        assert_eq!(monte_carlo(&log_p[..2], &log_q[..2], &Options::default()).unwrap().value, f64::INFINITY);
    }
}
