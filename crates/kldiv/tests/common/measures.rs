//! The measures that tests go through, and their values of two vectors.

use kldiv::batch::reduce;
use kldiv::{Error, Measure, Normalization, Options};

pub const HALF_AND_TWO: [Measure; 2] = [Measure::Renyi { alpha: 0.5 }, Measure::Renyi { alpha: 2.0 }];

/// Those that are sums of terms.
pub const SUMS: [Measure; 7] = [
    Measure::Kl,
    Measure::Generalized,
    Measure::Reverse,
    Measure::Jeffreys,
    Measure::JENSEN_SHANNON,
    Measure::Entropy,
    Measure::CrossEntropy,
];

pub const ALL: [Measure; 12] = [
    Measure::Kl,
    Measure::Generalized,
    Measure::Reverse,
    Measure::Jeffreys,
    Measure::JENSEN_SHANNON,
    Measure::JensenShannon { weight: 0.1 },
    Measure::JENSEN_SHANNON_DISTANCE,
    Measure::Renyi { alpha: 0.3 },
    Measure::Renyi { alpha: 2.5 },
    Measure::Renyi { alpha: f64::INFINITY },
    Measure::Entropy,
    Measure::CrossEntropy,
];

/// `Options` is non-exhaustive outside of its crate.
macro_rules! options {
    ($($field:ident: $value:expr),* $(,)?) => {{
        #[allow(unused_mut)]
        let mut options = kldiv::Options::default();
        $(options.$field = $value;)*
        options
    }};
}
pub(crate) use options;

pub fn value(p: &[f64], q: &[f64], measure: Measure) -> Result<f64, Error> {
    reduce(p, q, &Options::from(measure))
}

pub fn normalized(p: &[f64], q: &[f64], measure: Measure) -> Result<f64, Error> {
    reduce(p, q, &options! { measure: measure, normalization: Normalization::Normalize })
}
