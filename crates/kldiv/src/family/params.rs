//! Reading a row of parameters: each has a name and a domain.

use crate::error::Domain;

/// A parameter outside its domain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bad {
    pub(crate) col: usize,
    pub(crate) name: &'static str,
    pub(crate) expected: Domain,
}

fn take(row: &[f64], col: usize, name: &'static str, expected: Domain, fine: bool) -> Result<f64, Bad> {
    if fine { Ok(row[col]) } else { Err(Bad { col, name, expected }) }
}

pub(crate) fn real(row: &[f64], col: usize, name: &'static str) -> Result<f64, Bad> {
    take(row, col, name, Domain::Real, row[col].is_finite())
}

pub(crate) fn positive(row: &[f64], col: usize, name: &'static str) -> Result<f64, Bad> {
    take(row, col, name, Domain::Positive, row[col] > 0.0 && row[col].is_finite())
}

pub(crate) fn not_negative(row: &[f64], col: usize, name: &'static str) -> Result<f64, Bad> {
    take(row, col, name, Domain::NotNegative, row[col] >= 0.0 && row[col].is_finite())
}

/// From 0 to 1, both included.
pub(crate) fn probability(row: &[f64], col: usize, name: &'static str) -> Result<f64, Bad> {
    take(row, col, name, Domain::Probability, (0.0..=1.0).contains(&row[col]))
}

/// Between 0 and 1.
pub(crate) fn inside(row: &[f64], col: usize, name: &'static str) -> Result<f64, Bad> {
    take(row, col, name, Domain::Inside, row[col] > 0.0 && row[col] < 1.0)
}

/// Finite, from 0 on and whole.
pub(crate) fn whole(row: &[f64], col: usize, name: &'static str) -> Result<f64, Bad> {
    let x = row[col];
    take(row, col, name, Domain::Whole, x >= 0.0 && x.is_finite() && x.fract() == 0.0)
}

/// Neither NaN nor +∞.
pub(crate) fn logit(row: &[f64], col: usize, name: &'static str) -> Result<f64, Bad> {
    take(row, col, name, Domain::Logit, row[col] < f64::INFINITY)
}
