//! From sums to the measure.
//!
//! Taken as given it is a sum, rounded once. Of the normalised distributions, with D = Σ p ln(p/q), P = Σp, Q = Σq and
//! t = (Q − P)/P, it is
//!
//! ```text
//! D/P + ln(Q/P) = G/P − (t − ln(1 + t)),   G = D − P + Q
//! ```
//!
//! G and t are differences of exact sums, so for totals near each other nothing is lost; for others the first form is
//! better. What cancels there is not known to more digits than the terms have: an error of some u (|D|/P + |ln(Q/P)|).

use crate::error::{Error, Operand};
use crate::kernels::lanes::Real;
use crate::kernels::log::{less_ln_1p, ln_1p, ln_ratio};
use crate::pair::ln_base;
use crate::partial::exact::{Exact, Scaled};
use crate::partial::state::{OF_P, OF_Q, Partial, TERMS};
use crate::policy::{Measure, Normalization, Options};

/// The measure in the units that the options ask for.
pub(super) fn value(state: &Partial, options: &Options) -> Result<f64, Error> {
    let invalid = state.invalid_count();
    if invalid > 0 {
        return Err(Error::InvalidPairs { invalid, count: state.count() });
    }
    check_masses(state, options)?;
    let nats = match options.normalization {
        _ if state.infinite_count() > 0 => f64::INFINITY,
        Normalization::Normalize => normalized(state),
        Normalization::AsGiven | Normalization::Require => state.sum(TERMS).round(),
    };
    Ok(nats / ln_base(options) + 0.0)
}

fn check_masses(state: &Partial, options: &Options) -> Result<(), Error> {
    let of_q = state.measure() != Measure::Entropy;
    for (operand, i, wanted) in [(Operand::P, OF_P, true), (Operand::Q, OF_Q, of_q)] {
        if !wanted {
            continue;
        }
        match options.normalization {
            Normalization::AsGiven => {}
            Normalization::Normalize if state.is_zero(i) => {
                return Err(Error::ZeroMass { operand, row: 0 });
            }
            Normalization::Normalize => {}
            Normalization::Require => {
                let tolerance = options.mass_tolerance;
                if !(state.sum(i).minus_one().round().abs() <= tolerance) {
                    let sum = state.sum(i).round();
                    return Err(Error::NotNormalized { operand, row: 0, sum, tolerance });
                }
            }
        }
    }
    Ok(())
}

/// The measure of the distributions, in nats; both have mass.
fn normalized(state: &Partial) -> f64 {
    let terms = state.sum(TERMS);
    let (p, q) = (state.sum(OF_P), state.sum(OF_Q));
    let value = match state.measure() {
        Measure::Kl => relative(terms, state, OF_P, OF_Q),
        Measure::Reverse => relative(terms, state, OF_Q, OF_P),
        Measure::Generalized => relative(terms.plus(&p).minus(&q), state, OF_P, OF_Q),
        Measure::Jeffreys => {
            let t = quotient(&q.clone().minus(&p), &p);
            let forward = quotient(&state.sum(TERMS + 1), &p);
            if t.abs() <= 0.5 {
                // J/Q + D (1/P − 1/Q)
                (quotient(&terms, &p) + forward * t) / (1.0 + t)
            } else {
                forward + quotient(&state.sum(TERMS + 2), &q)
            }
        }
        Measure::CrossEntropy => quotient(&terms, &p) + ln(&q),
        _ => quotient(&terms, &p) + ln(&p),
    };
    // Of distributions none of them is negative but by rounding.
    if value < 0.0 { 0.0 } else { value }
}

/// D/P + ln(Q/P) of the sums called p and q.
fn relative(d: Exact, state: &Partial, p: usize, q: usize) -> f64 {
    let (of_p, of_q) = (state.sum(p), state.sum(q));
    let t = quotient(&of_q.clone().minus(&of_p), &of_p);
    if t.abs() <= 0.5 {
        let gaps = d.minus(&of_p).plus(&of_q);
        quotient(&gaps, &of_p) - less_ln_1p(t)
    } else {
        quotient(&d, &of_p) + ln_of_quotient(of_q.scaled(), of_p.scaled())
    }
}

/// a/b, b above 0.
fn quotient(a: &Exact, b: &Exact) -> f64 {
    let (a, b) = (a.scaled(), b.scaled());
    let first = a.hi / b.hi;
    let rest = ((-first).mul_add(b.hi, a.hi) + a.lo - first * b.lo) / b.hi;
    let exponent = a.exponent - b.exponent;
    let half = exponent / 2;
    (first + rest) * 2f64.powi(half) * 2f64.powi(exponent - half)
}

/// ln a, a above 0.
fn ln(a: &Exact) -> f64 {
    let less_one = a.clone().minus_one().round();
    if less_one.abs() <= 0.5 {
        return ln_1p(less_one);
    }
    ln_of_quotient(a.scaled(), Scaled { hi: 1.0, lo: 0.0, exponent: 0 })
}

/// ln(a/b), both above 0.
fn ln_of_quotient(a: Scaled, b: Scaled) -> f64 {
    let k = f64::from(a.exponent - b.exponent);
    let near = ln_ratio(a.hi, b.hi) + (a.lo / a.hi - b.lo / b.hi);
    k.mul_add(f64::LN2_HIGH, k.mul_add(f64::LN2_LOW, near))
}
