//! The divergence's relatives, of two vectors: all in nats, taken as given, on the calling thread.
//!
//! Shapes, threads and errors are those of [`kl`](crate::kl); a [`Measure`] in [`Options`](crate::Options) gives the
//! same of matrices, in other units, normalised or smoothed. Every value is within `16 u · mag` of the exact one for
//! these very numbers, u as for `kl`; mag is said with each.

use crate::discrete::measure;
use crate::error::Error;
use crate::policy::Measure;
use crate::view::Element;

/// D(Q‖P): the divergence the other way round, `Σ q ln(q/p)`. Infinite where `p[i] = 0 < q[i]`.
pub fn reverse<P: Element, Q: Element>(p: &[P], q: &[Q]) -> Result<f64, Error> {
    measure(p, q, Measure::Reverse)
}

/// The Jeffreys divergence, `Σ (p − q) ln(p/q)`, which is D(P‖Q) + D(Q‖P).
///
/// On proportions this is the population stability index. Every term is at least 0; where just one of p and q is 0
/// it is infinite. mag is the value itself.
///
/// Source: Jeffreys, "An invariant form for the prior probability in estimation problems", 1946.
pub fn jeffreys<P: Element, Q: Element>(p: &[P], q: &[Q]) -> Result<f64, Error> {
    measure(p, q, Measure::Jeffreys)
}

/// The Jensen-Shannon divergence, `(D(P‖M) + D(Q‖M)) / 2` with `M = (P + Q) / 2`; from 0 to ln 2 for distributions.
///
/// Never infinite. mag is the value itself: near P = Q it is taken from p − q, not from a rounded mixture.
/// [`Measure::JensenShannon`] takes other weights.
///
/// Source: Lin, "Divergence measures based on the Shannon entropy", 1991.
pub fn js<P: Element, Q: Element>(p: &[P], q: &[Q]) -> Result<f64, Error> {
    measure(p, q, Measure::JENSEN_SHANNON)
}

/// The Jensen-Shannon distance, the square root of [`js`]: a metric, and what SciPy calls `jensenshannon`.
///
/// Source: Endres and Schindelin, "A new metric for probability distributions", 2003.
pub fn js_distance<P: Element, Q: Element>(p: &[P], q: &[Q]) -> Result<f64, Error> {
    measure(p, q, Measure::JENSEN_SHANNON_DISTANCE)
}

/// The Renyi divergence of order α, `ln(Σ p^α q^(1−α)) / (α − 1)`, without renormalisation.
///
/// α = 1 is [`kl`](crate::kl), α = ∞ is `ln max p/q`. For α > 1 it is infinite where `q[i] = 0 < p[i]`; for α < 1
/// where no outcome has both. For vectors normalised only to rounding the formula does not tend to KL as α tends to
/// 1: what the sums lack of 1 is divided by α − 1. mag is `|R| + min(1, what the powers' sum differs from 1 by)`.
///
/// # Errors
/// [`Error::Option`] if α is not above 0; else as for `kl`.
///
/// Source: Renyi, "On measures of entropy and information", 1961.
pub fn renyi<P: Element, Q: Element>(p: &[P], q: &[Q], alpha: f64) -> Result<f64, Error> {
    measure(p, q, Measure::Renyi { alpha })
}

/// The entropy, `−Σ p ln p`. mag is `Σ |p ln p|`.
///
/// Source: Shannon, "A mathematical theory of communication", 1948.
pub fn entropy<P: Element>(p: &[P]) -> Result<f64, Error> {
    measure(p, p, Measure::Entropy)
}

/// The cross entropy, `−Σ p ln q`; infinite where `q[i] = 0 < p[i]`. mag is `Σ |p ln q|`.
pub fn cross_entropy<P: Element, Q: Element>(p: &[P], q: &[Q]) -> Result<f64, Error> {
    measure(p, q, Measure::CrossEntropy)
}

#[cfg(test)]
mod tests {
    use super::*;

    const P: [f64; 2] = [0.5, 0.5];
    const Q: [f64; 2] = [0.7, 0.3];

    /// Each value of the coin as discrete.json has it, to its last digit but one.
    #[test]
    fn the_coins_relatives() {
        let close = |got: Result<f64, Error>, want: f64| {
            let got = got.unwrap();
            assert!((got / want - 1.0).abs() < 4e-16, "{got}, want {want}");
        };
        close(reverse(&P, &Q), 8.228_287_850_505_178e-2);
        close(jeffreys(&P, &Q), 0.169_459_572_077_440_7);
        close(js(&P, &Q), 2.100_592_570_183_705e-2);
        close(js_distance(&P, &Q), 2.100_592_570_183_705e-2_f64.sqrt());
        close(renyi(&P, &Q, 0.5), 4.263_867_546_168_935e-2);
        close(renyi(&P, &Q, 2.0), 0.174_353_387_144_777_8);
        close(entropy(&P), std::f64::consts::LN_2);
        close(cross_entropy(&P, &Q), 0.780_323_874_132_334_2);
    }

    #[test]
    fn an_order_that_is_none_is_refused() {
        for alpha in [0.0, -1.0, f64::NAN] {
            assert!(matches!(renyi(&P, &Q, alpha), Err(Error::Option { name: "alpha", .. })));
        }
    }
}
