//! The divergence's relatives, of two vectors.
use crate::discrete::measure;
use crate::error::Error;
use crate::policy::Measure;
use crate::view::Element;

/// The Renyi divergence.
pub fn renyi<P: Element, Q: Element>(p: &[P], q: &[Q], alpha: f64) -> Result<f64, Error> {
    measure(p, q, Measure::Renyi { alpha })
}
