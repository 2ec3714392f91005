//! Two rows on one scale: each times the other's sum, so that nothing is divided before it is compared.

use crate::kernels::prepare::{Scale, Scaled};
use crate::policy::Measure;
use crate::sum::Compensated;

const ONE: Compensated = Compensated { hi: 1.0, lo: 0.0 };

/// Two powers of 2 whose product brings a sum to between 2^900 and 2^901, and the sum there.
fn near_2_900(sum: Compensated) -> ([f64; 2], Compensated) {
    // The exponent of a subnormal number is that of its normal multiple.
    let lift = if sum.hi < f64::MIN_POSITIVE { 64 } else { 0 };
    let bits = (sum.hi * 2f64.powi(lift)).to_bits();
    let exponent = (bits >> 52) as i32 - 1023 - lift;
    let half = (900 - exponent) / 2;
    let range = [2f64.powi(half), 2f64.powi(900 - exponent - half)];
    (range, sum.times(range[0]).times(range[1]))
}

/// A pair of rows on one scale.
pub(crate) struct Scaling {
    pub(crate) prepare: Scaled,
    /// P by the sum of Q and Q by the sum of P, whatever the measure takes.
    pub(crate) across: Scaled,
    /// The sums of the rows as scaled, for the measures whose logarithms are of one row alone.
    pub(crate) sums: (Compensated, Compensated),
    /// What a sum of terms of scaled elements is multiplied by.
    pub(crate) scale: f64,
    /// Whether both rows sum to the same.
    pub(crate) normalized: bool,
}

impl Scaling {
    pub(crate) fn new(measure: Measure, smoothing: f64, of_p: Compensated, of_q: Compensated) -> Scaling {
        let (p, sum_p) = near_2_900(of_p);
        let (q, sum_q) = near_2_900(of_q);
        // Each side times the other's sum, of which a factor between 1 and 2 is left.
        let by = |sum: Compensated| sum.times(2f64.powi(-900));
        let p = Scale { add: smoothing, range: p, by: by(sum_q) };
        let q = Scale { add: smoothing, range: q, by: by(sum_p) };
        let across = Scaled { p, q };
        let (prepare, scale) = match measure {
            // Logarithms of one row alone are relative to its own sum.
            Measure::Entropy | Measure::CrossEntropy => {
                (Scaled { p: Scale { by: ONE, ..p }, q: Scale { by: ONE, ..q } }, 1.0 / sum_p.value())
            }
            // REVERSE is KL of the rows the other way round, and so are their scales.
            Measure::Reverse => (Scaled { p: q, q: p }, 1.0 / (sum_p.value() * by(sum_q).value())),
            _ => (across, 1.0 / (sum_p.value() * by(sum_q).value())),
        };
        Scaling { prepare, across, sums: (sum_p, sum_q), scale, normalized: true }
    }
}
