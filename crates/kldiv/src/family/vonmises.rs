//! Von Mises, on the circle.

use crate::family::params::{Bad, not_negative, real};
use crate::special::HALF_LN_TWO_PI;
use crate::special::bessel::{ln_i0_gap, ln_i0_scaled, mean_cosine, one_less_mean_cosine};

#[derive(Clone, Copy, Debug)]
pub(crate) struct VonMises {
    loc: f64,
    concentration: f64,
}

impl VonMises {
    pub(crate) fn read(row: &[f64]) -> Result<VonMises, Bad> {
        Ok(VonMises { loc: real(row, 0, "loc")?, concentration: not_negative(row, 1, "concentration")? })
    }

    /// The gap of ln I₀ from κ_p to κ_q, and `κ_q A(κ_p) (1 − cos(μ_p − μ_q))` with A = I₁/I₀.
    pub(crate) fn kl(&self, q: &VonMises) -> f64 {
        let (k, l) = (self.concentration, q.concentration);
        let half = (0.5 * (self.loc - q.loc)).sin();
        ln_i0_gap(l, k, l - k) + 2.0 * l * mean_cosine(k) * half * half
    }

    /// `ln 2π I₀(κ) − κ A(κ)`.
    pub(crate) fn entropy(&self) -> f64 {
        let k = self.concentration;
        2.0 * HALF_LN_TWO_PI + ln_i0_scaled(k) + k * one_less_mean_cosine(k)
    }
}
