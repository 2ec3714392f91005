//! What a caller may choose: the measure, normalisation, reduction, units, rows kept and their weights.

use crate::error::Error;
use crate::view::Shape;

/// What is computed of each pair of rows. P is the first operand, Q the second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Measure {
    /// `Σ p ln(p/q)`, the Kullback-Leibler divergence D(P‖Q).
    #[default]
    Kl,
    /// `Σ [p ln(p/q) − p + q]`, whose every term is at least 0.
    Generalized,
    /// D(Q‖P).
    Reverse,
    /// `Σ (p − q) ln(p/q)`, D(P‖Q) + D(Q‖P); on proportions the population stability index.
    Jeffreys,
    /// `w D(P‖M) + (1 − w) D(Q‖M)` with `M = wP + (1 − w)Q`.
    JensenShannon {
        /// w, the weight of P in the mixture, from 0 to 1.
        weight: f64,
    },
    /// The square root of the Jensen-Shannon divergence, taken after the division by ln(base).
    JensenShannonDistance {
        /// w, the weight of P in the mixture, from 0 to 1.
        weight: f64,
    },
    /// `ln(Σ p^α q^(1−α)) / (α − 1)`; α = 1 is the KL divergence, α = ∞ is `ln max p/q`.
    Renyi {
        /// α, above 0; infinity is allowed.
        alpha: f64,
    },
    /// `−Σ p ln p` of P; Q is not looked at.
    Entropy,
    /// `−Σ p ln q`.
    CrossEntropy,
}

impl Measure {
    /// The Jensen-Shannon divergence with equal weights.
    pub const JENSEN_SHANNON: Measure = Measure::JensenShannon { weight: 0.5 };
    /// The Jensen-Shannon distance with equal weights.
    pub const JENSEN_SHANNON_DISTANCE: Measure = Measure::JensenShannonDistance { weight: 0.5 };

    /// Says so if it is no sum of terms, one an element.
    pub(crate) fn needs_terms(self) -> Result<(), Error> {
        let (name, value) = ("measure", self.number());
        let expected = "RENYI and JENSEN_SHANNON_DISTANCE are no sums of terms";
        match self {
            Measure::Renyi { .. } | Measure::JensenShannonDistance { .. } => {
                Err(Error::Option { name, value, expected })
            }
            _ => Ok(()),
        }
    }

    /// The error of a call that does not have this measure.
    pub(crate) fn refused(self, expected: &'static str) -> Error {
        Error::Option { name: "measure", value: self.number(), expected }
    }

    /// Its place in the list above, from 0, by which other languages know it.
    pub(crate) const fn number(self) -> f64 {
        match self {
            Measure::Kl => 0.0,
            Measure::Generalized => 1.0,
            Measure::Reverse => 2.0,
            Measure::Jeffreys => 3.0,
            Measure::JensenShannon { .. } => 4.0,
            Measure::JensenShannonDistance { .. } => 5.0,
            Measure::Renyi { .. } => 6.0,
            Measure::Entropy => 7.0,
            Measure::CrossEntropy => 8.0,
        }
    }
}

/// What is done about rows that do not sum to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Normalization {
    /// Nothing: the formula is evaluated on the numbers as they are.
    #[default]
    AsGiven,
    /// Each row is divided by its sum, without a copy and without loss near P = Q.
    Normalize,
    /// A row whose sum is further from 1 than `mass_tolerance` is an error.
    Require,
}

/// How the rows' results become one number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reduction {
    /// Their weighted sum.
    #[default]
    Sum,
    /// The sum divided by the weight of the rows that are kept.
    Mean,
    /// As `Mean` over rows; in `loss`, the sum divided by the number of rows.
    BatchMean,
}

/// What a bad row does to a call. Every good row is answered in either case, and a bad one is NaN.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Invalid {
    /// The call also returns the error of the first bad row.
    #[default]
    Error,
    /// The call succeeds.
    Nan,
}

/// What the k values of a sparse target are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TopK {
    /// Logits: the target is their softmax, and nothing beyond them.
    #[default]
    LogitsRenormalized,
    /// Log-probabilities; what they lack to 1 is one more outcome, which stands for all classes that are not named.
    LogProbsTail,
    /// Log-probabilities, divided by their sum: the target is nothing beyond them.
    LogProbsRenormalized,
}

/// Which function of the log ratio a Monte Carlo estimate averages over samples of P. With r = ln q − ln p:
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Estimator {
    /// `−r`. Without bias; its variance is that of the log ratio, and it is often negative.
    #[default]
    K1,
    /// `r² / 2`. Biased by a term of third order in the distance of P and Q; of low variance where they are near.
    K2,
    /// `e^r − 1 − r`. Without bias where P covers Q, and every term is at least 0; its variance is low where P and Q
    /// are near, and without bound where Q has heavier tails.
    K3,
}

/// The choices of a call. `Options::default()` is: KL, in nats, inputs as given, every row, all threads.
///
/// ```
/// use kldiv::{Normalization, Options};
///
/// let mut options = Options::default();
/// options.base = Some(2.0);
/// options.normalization = Normalization::Normalize;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options<'a> {
    /// What is computed.
    pub measure: Measure,
    /// What is done about sums that are not 1.
    pub normalization: Normalization,
    /// How rows become one number, where one number is asked for.
    pub reduction: Reduction,
    /// What a bad row does.
    pub invalid: Invalid,
    /// The base of the logarithm, above 1; `None` is e. Results are divided by `ln(base)`.
    pub base: Option<f64>,
    /// α ≥ 0 of additive smoothing, `(c + α) / (Σc + αK)` on both sides; needs [`Normalization::Normalize`].
    pub smoothing: f64,
    /// How far from 1 a sum may be under [`Normalization::Require`].
    pub mass_tolerance: f64,
    /// One entry a row, nonzero to keep it. A masked row is not read and gives 0.
    pub mask: Option<&'a [u8]>,
    /// One entry a row, at least 0. A row's result is multiplied by its weight.
    pub weights: Option<&'a [f64]>,
    /// Whether large work is shared among [`threads`](crate::threads).
    pub parallel: bool,
    /// `loss`: whether the target is ln p.
    pub log_target: bool,
    /// `logits`: T of `softmax(a/T)`, above 0.
    pub temperature: f64,
    /// `logits`: what sparse targets are.
    pub topk: TopK,
    /// Monte Carlo: what is averaged.
    pub estimator: Estimator,
    /// Quadrature: whether the functions return logarithms of densities.
    pub log_density: bool,
    /// Quadrature: the relative error to reach, above 0 and below 1.
    pub rel_tolerance: f64,
    /// Estimates from counts: whether the plug-in value's bias is taken off to first order, as Miller and Madow do.
    pub miller_madow: bool,
    /// In `family`: the dimension of a multivariate normal of low rank; 0 is none.
    pub dim: u32,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Options {
            measure: Measure::Kl,
            normalization: Normalization::AsGiven,
            reduction: Reduction::Sum,
            invalid: Invalid::Error,
            base: None,
            smoothing: 0.0,
            mass_tolerance: Self::MASS_TOLERANCE,
            mask: None,
            weights: None,
            parallel: true,
            log_target: false,
            temperature: 1.0,
            topk: TopK::LogitsRenormalized,
            estimator: Estimator::K1,
            log_density: false,
            rel_tolerance: Self::REL_TOLERANCE,
            miller_madow: false,
            dim: 0,
        }
    }
}

impl From<Measure> for Options<'_> {
    fn from(measure: Measure) -> Self {
        Options { measure, ..Options::default() }
    }
}

impl Options<'_> {
    /// The default of `mass_tolerance`.
    pub const MASS_TOLERANCE: f64 = 1e-6;
    /// The default of `rel_tolerance`.
    pub const REL_TOLERANCE: f64 = 1e-9;

    /// Says which option makes no sense for `rows` rows, among those that concern every call, or this one.
    pub(crate) fn check(&self, rows: usize) -> Result<(), Error> {
        let wrong = |name, value, expected| Err(Error::Option { name, value, expected });
        match self.measure {
            Measure::Renyi { alpha } if !(alpha > 0.0) => {
                return wrong("alpha", alpha, "the order of a Renyi divergence is above 0");
            }
            Measure::JensenShannon { weight } | Measure::JensenShannonDistance { weight }
                if !(0.0..=1.0).contains(&weight) =>
            {
                return wrong("js_weight", weight, "the weight of P in the mixture is from 0 to 1");
            }
            _ => {}
        }
        if let Some(base) = self.base
            && !(base > 1.0 && base.is_finite())
        {
            return wrong("base", base, "the base of a logarithm is finite and above 1 here");
        }
        if !(self.smoothing >= 0.0 && self.smoothing.is_finite()) {
            return wrong("smoothing", self.smoothing, "additive smoothing is finite and at least 0");
        }
        if self.smoothing > 0.0 && self.normalization != Normalization::Normalize {
            return wrong("smoothing", self.smoothing, "it needs normalization NORMALIZE");
        }
        if self.normalization == Normalization::Require {
            self.check_mass_tolerance()?;
        }
        let one_a_row = |what, found| {
            let expected = Shape { rows, cols: 1 };
            Err(Error::ShapeMismatch { what, found: Shape { rows: found, cols: 1 }, expected })
        };
        if let Some(mask) = self.mask
            && mask.len() != rows
        {
            return one_a_row("mask", mask.len());
        }
        if let Some(weights) = self.weights {
            if weights.len() != rows {
                return one_a_row("weights", weights.len());
            }
            if let Some(&bad) = weights.iter().find(|w| !(**w >= 0.0 && w.is_finite())) {
                return wrong("weights", bad, "weights are finite and at least 0");
            }
        }
        Ok(())
    }

    /// Says whether the tolerance of a sum is one.
    pub(crate) fn check_mass_tolerance(&self) -> Result<(), Error> {
        if self.mass_tolerance >= 0.0 && self.mass_tolerance.is_finite() {
            return Ok(());
        }
        let expected = "it is finite and at least 0";
        Err(Error::Option { name: "mass_tolerance", value: self.mass_tolerance, expected })
    }

    /// Says whether the temperature is one.
    pub(crate) fn check_temperature(&self) -> Result<(), Error> {
        if self.temperature > 0.0 && self.temperature.is_finite() && self.temperature.recip().is_finite() {
            return Ok(());
        }
        let expected = "a temperature is finite and above 0, and so is its inverse";
        Err(Error::Option { name: "temperature", value: self.temperature, expected })
    }

    /// Says so if another measure is asked for where there is an answer to KL alone.
    pub(crate) fn needs_kl(&self) -> Result<(), Error> {
        let (name, value) = ("measure", self.measure.number());
        let expected = "densities and samples have an answer to KL alone";
        if self.measure == Measure::Kl { Ok(()) } else { Err(Error::Option { name, value, expected }) }
    }

    /// Whether row `i` is read and answered.
    pub(crate) fn keeps(&self, i: usize) -> bool {
        self.mask.is_none_or(|mask| mask[i] != 0)
    }

    /// The weight of row `i`.
    pub(crate) fn weight(&self, i: usize) -> f64 {
        self.weights.map_or(1.0, |weights| weights[i])
    }
}
