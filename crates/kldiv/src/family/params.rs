//! Reading a row of parameters: each has a name and a domain.

/// A parameter outside its domain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bad {
    pub(crate) col: usize,
    pub(crate) name: &'static str,
    pub(crate) expected: &'static str,
}

fn take(row: &[f64], col: usize, name: &'static str, expected: &'static str, fine: bool) -> Result<f64, Bad> {
    if fine { Ok(row[col]) } else { Err(Bad { col, name, expected }) }
}

pub(crate) fn real(row: &[f64], col: usize, name: &'static str) -> Result<f64, Bad> {
    take(row, col, name, "it is finite", row[col].is_finite())
}

pub(crate) fn positive(row: &[f64], col: usize, name: &'static str) -> Result<f64, Bad> {
    take(row, col, name, "it is finite and above 0", row[col] > 0.0 && row[col].is_finite())
}

pub(crate) fn not_negative(row: &[f64], col: usize, name: &'static str) -> Result<f64, Bad> {
    take(row, col, name, "it is finite and at least 0", row[col] >= 0.0 && row[col].is_finite())
}

/// From 0 to 1, both included.
pub(crate) fn probability(row: &[f64], col: usize, name: &'static str) -> Result<f64, Bad> {
    take(row, col, name, "it is from 0 to 1", (0.0..=1.0).contains(&row[col]))
}

/// Between 0 and 1.
pub(crate) fn inside(row: &[f64], col: usize, name: &'static str) -> Result<f64, Bad> {
    take(row, col, name, "it is between 0 and 1", row[col] > 0.0 && row[col] < 1.0)
}

/// Finite, from 0 on and whole.
pub(crate) fn whole(row: &[f64], col: usize, name: &'static str) -> Result<f64, Bad> {
    let x = row[col];
    take(row, col, name, "it is a whole number, at least 0", x >= 0.0 && x.is_finite() && x.fract() == 0.0)
}

/// Neither NaN nor +∞.
pub(crate) fn logit(row: &[f64], col: usize, name: &'static str) -> Result<f64, Bad> {
    take(row, col, name, "it is no NaN and below infinity", row[col] < f64::INFINITY)
}
