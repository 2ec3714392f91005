//! Two rows on one scale: each times the other's sum, so that nothing is divided before it is compared.

use crate::kernels::prepare::{Scale, Scaled};
use crate::policy::Measure;
use crate::sum::Compensated;

const ONE: Compensated = Compensated { hi: 1.0, lo: 0.0 };

/// A row's sum, with what is added to each element.
#[derive(Clone, Copy)]
pub(crate) struct RowSum {
    smoothing: f64,
    /// Two powers of 2 whose product brings it to between 2^900 and 2^901, so that its smallest parts stay normal. The first
    /// is 1 but for tiny sums.
    range: [f64; 2],
    /// The sum there.
    sum: Compensated,
}

impl RowSum {
    /// Of rows that are in range.
    pub(crate) fn as_it_is(sum: Compensated) -> RowSum {
        RowSum { smoothing: 0.0, range: [1.0, 1.0], sum }
    }

    #[inline]
    fn new(smoothing: f64, sum: Compensated) -> RowSum {
        // The exponent of a subnormal number is that of its normal multiple.
        let (normal, lift) =
            if sum.hi < f64::MIN_POSITIVE { (sum.hi * 2f64.powi(64), 64) } else { (sum.hi, 0) };
        let exponent = (normal.to_bits() >> 52) as i32 - 1023 - lift;
        let second = (900 - exponent).min(1000);
        let range = [power_of_2(900 - exponent - second), power_of_2(second)];
        RowSum { smoothing, range, sum: sum.times(range[0]).times(range[1]) }
    }

    /// An element's share of it.
    pub(crate) fn share_of(&self, x: f64) -> f64 {
        (x + self.smoothing) * self.range[0] * self.range[1] / self.sum.value()
    }

    /// Elements in this range, times a factor.
    fn scale(&self, by: Compensated) -> Scale {
        Scale::new(self.smoothing, self.range[0], by.times(self.range[1]))
    }
}

/// 2^k, of a k that a normal number has.
fn power_of_2(k: i32) -> f64 {
    f64::from_bits(((1023 + k) as u64) << 52)
}

/// A pair of rows on one scale.
pub(crate) struct Scaling {
    pub(crate) prepare: Scaled,
    /// P by the sum of Q and Q by the sum of P, whatever the measure takes.
    pub(crate) across: Scaled,
    /// The rows' sums, as scaled for the measures whose logarithms are of one row alone.
    pub(crate) masses: [RowSum; 2],
    /// What a sum of terms of scaled elements is multiplied by.
    pub(crate) scale: f64,
    /// Whether both rows sum to the same.
    pub(crate) normalized: bool,
}

impl Scaling {
    #[inline]
    pub(crate) fn new(measure: Measure, smoothing: f64, of_p: Compensated, of_q: Compensated) -> Scaling {
        let masses = [of_p, of_q].map(|sum| RowSum::new(smoothing, sum));
        let [p, q] = masses;
        // Each side times the other's sum, of which a factor between 1 and 2 is left.
        let by = |mass: RowSum| mass.sum.times(2f64.powi(-900));
        let scaled = |by_p, by_q| Scaled { p: p.scale(by_p), q: q.scale(by_q) };
        let across = scaled(by(q), by(p));
        let (prepare, scale) = match measure {
            // Logarithms of one row alone are relative to its own sum.
            Measure::Entropy | Measure::CrossEntropy => (scaled(ONE, ONE), 1.0 / p.sum.value()),
            // REVERSE is KL of the rows the other way round, and so are their scales.
            Measure::Reverse => (Scaled { p: across.q, q: across.p }, 1.0 / (p.sum.value() * by(q).value())),
            _ => (across, 1.0 / (p.sum.value() * by(q).value())),
        };
        Scaling { prepare, across, masses, scale, normalized: true }
    }

    /// What the logarithms of one row alone are relative to, of P and of Q.
    pub(crate) fn sums(&self) -> (Compensated, Compensated) {
        (self.masses[0].sum, self.masses[1].sum)
    }
}
