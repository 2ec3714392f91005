//! The modified Bessel functions I₀ and I₁, as far as the von Mises distribution asks for them.

use crate::special::gamma::inverse_powers_gap;
use crate::special::quadrature::gauss;
use crate::special::{HALF_LN_TWO_PI, ln_gap};

/// From here on the asymptotic series has all digits.
const LARGE: f64 = 40.0;

/// `ln(I₀(x) e⁻ˣ √(2πx))` in powers of 1/x, from the first on: the logarithm of the series with coefficients
/// `((2n − 1)!!)² / (n! 8ⁿ)`.
const ASYMPTOTIC: [f64; 18] = {
    let mut series = [1.0; 19];
    let mut log = [0.0; 18];
    let mut n = 1;
    while n <= 18 {
        let odd = (2 * n - 1) as f64;
        series[n] = series[n - 1] * odd * odd / (8 * n) as f64;
        let mut rest = n as f64 * series[n];
        let mut k = 1;
        while k < n {
            rest -= k as f64 * log[k - 1] * series[n - k];
            k += 1;
        }
        log[n - 1] = rest / n as f64;
        n += 1;
    }
    log
};

/// `ln I₀(x) − x`, x ≥ 0.
pub(crate) fn ln_i0_scaled(x: f64) -> f64 {
    if x >= LARGE {
        let inverse = 1.0 / x;
        let series = ASYMPTOTIC.iter().rev().fold(0.0, |sum, c| (sum + c) * inverse);
        series - HALF_LN_TWO_PI - 0.5 * x.ln()
    } else {
        pxfm::f_i0e(x).ln()
    }
}

/// `1 − I₁(x)/I₀(x)`, x ≥ 0: one less the mean cosine.
pub(crate) fn one_less_mean_cosine(x: f64) -> f64 {
    if x >= LARGE {
        let inverse = 1.0 / x;
        let slope =
            ASYMPTOTIC.iter().enumerate().rev().fold(0.0, |sum, (i, c)| (sum + (i + 1) as f64 * c) * inverse);
        (0.5 + slope) * inverse
    } else {
        let (i0, i1) = (pxfm::f_i0e(x), pxfm::f_i1e(x));
        (i0 - i1) / i0
    }
}

/// `I₁(x)/I₀(x)`, x ≥ 0: the mean cosine.
pub(crate) fn mean_cosine(x: f64) -> f64 {
    if x < 4.0 { pxfm::f_i1e(x) / pxfm::f_i0e(x) } else { 1.0 - one_less_mean_cosine(x) }
}

/// `(I₁/I₀)'`, the variance of the cosine.
fn cosine_variance(x: f64) -> f64 {
    let mean = mean_cosine(x);
    let by_x = if x < 1e-6 { 0.5 } else { mean / x };
    1.0 - by_x - mean * mean
}

/// The gap of ln I₀ from x to y = x + d.
pub(crate) fn ln_i0_gap(y: f64, x: f64, d: f64) -> f64 {
    let gap = if y.min(x) >= LARGE {
        0.5 * ln_gap(y, x, d) + inverse_powers_gap(ASYMPTOTIC.iter().copied(), y, x, d)
    } else if d.abs() <= 1.0 + 0.25 * x {
        d * d * gauss(0.0, 1.0, |t| (1.0 - t) * cosine_variance(x + t * d))
    } else {
        ln_i0_scaled(y) - ln_i0_scaled(x) + d * one_less_mean_cosine(x)
    };
    gap.max(0.0)
}
