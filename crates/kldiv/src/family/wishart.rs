//! Wishart and inverse Wishart.
//!
//! As between gamma distributions, the divergence is that of one mean, made of the degrees of freedom alone, and for the
//! means M = nV the part `n_q · ½ (tr M_q⁻¹M_p − d − ln det M_q⁻¹M_p)`. Of the inverse the matrices change places.

use std::f64::consts::{LN_2, PI};

use crate::error::{Domain, Error};
use crate::family::matrix::{Matrix, cholesky, diagonal, factor_gap, near_gap};
use crate::family::mvnormal::{Unfit, check_symmetric};
use crate::family::params::{Bad, positive};
use crate::special::gamma::{digamma, ln_gamma, rest_gap};
use crate::special::{cross_product, log_gap_of};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Wishart<'a> {
    df: f64,
    matrix: &'a [f64],
    d: usize,
    inverse: bool,
}

/// The d of 1 + d² columns.
pub(crate) fn dimension(cols: usize) -> Option<usize> {
    let d = (cols.saturating_sub(1) as f64).sqrt().round() as usize;
    (d > 0 && d * d + 1 == cols).then_some(d)
}

impl<'a> Wishart<'a> {
    pub(crate) fn read(row: &'a [f64], d: usize, inverse: bool) -> Result<Wishart<'a>, Bad> {
        let df = positive(row, 0, "df")?;
        if !(df > d as f64 - 1.0) {
            return Err(Bad { col: 0, name: "df", expected: Domain::AboveDimension });
        }
        check_symmetric(row, 1, d, if inverse { "scale_matrix" } else { "covariance_matrix" })?;
        Ok(Wishart { df, matrix: &row[1..], d, inverse })
    }

    fn factor(&self) -> Result<Matrix, Unfit> {
        cholesky(self.matrix, self.d)?.map_err(Unfit::Pivot)
    }

    pub(crate) fn kl(&self, q: &Wishart) -> Result<f64, (u32, Unfit)> {
        let lp = self.factor().map_err(|unfit| (0, unfit))?;
        let lq = q.factor().map_err(|unfit| (1, unfit))?;
        let (n, m) = (self.df, q.df);
        // A against B, each a multiple of its matrix; for the inverse B is p's.
        let matrices = if self.inverse {
            means_gap((q.matrix, n, &lq), (self.matrix, m, &lp), self.d)
        } else {
            means_gap((self.matrix, n, &lp), (q.matrix, m, &lq), self.d)
        };
        let matrices = matrices.map_err(|error| (0, Unfit::Error(error)))?;
        Ok(shapes_gap(0.5 * m, 0.5 * n, 0.5 * (m - n), self.d) + m * matrices)
    }

    pub(crate) fn entropy(&self) -> Result<f64, Unfit> {
        let (n, d) = (self.df, self.d as f64);
        let ln_det: f64 = 2.0 * diagonal(&self.factor()?, self.d).map(f64::ln).sum::<f64>();
        let halves = || (0..self.d).map(|i| 0.5 * (n - i as f64));
        let ln_gamma = 0.25 * d * (d - 1.0) * PI.ln() + halves().map(ln_gamma).sum::<f64>();
        let digamma: f64 = halves().map(digamma).sum();
        Ok(if self.inverse {
            ln_gamma + 0.5 * n * d + 0.5 * (d + 1.0) * (ln_det - d * LN_2) - 0.5 * (n + d + 1.0) * digamma
        } else {
            0.5 * (d + 1.0) * ln_det + 0.5 * d * (d + 1.0) * LN_2 + ln_gamma - 0.5 * (n - d - 1.0) * digamma
                + 0.5 * n * d
        })
    }
}

/// `½ (tr R − d − ln det R)`, R = (mB)⁻¹ nA, of matrices with their factors.
fn means_gap(
    (a, n, la): (&[f64], f64, &Matrix),
    (b, m, lb): (&[f64], f64, &Matrix),
    d: usize,
) -> Result<f64, Error> {
    let near = |i: usize| {
        let at = i * (d + 1);
        (n * a[at] - m * b[at]).abs() < 0.2 * m * b[at]
    };
    if (0..d).all(near) {
        let mut difference = Matrix::zeros(d)?;
        for i in 0..d {
            for j in 0..=i {
                let x = cross_product(n, a[i * d + j], m, b[i * d + j]) / m;
                difference.data[i * d + j] = x;
                difference.data[j * d + i] = x;
            }
        }
        if let Some(gap) = near_gap(difference, lb)? {
            return Ok(gap);
        }
    }
    let root = (n / m).sqrt();
    let mut scaled = Matrix::of(&la.data, d)?;
    scaled.data.iter_mut().for_each(|x| *x *= root);
    factor_gap(&scaled, lb, d)
}

/// The gap of `ln Γ_d(a) − d (a ln a − a)` from a to b = a + by, which is that of
/// `ln Γ(x) − x ln x + x` at each x = a − i/2 and what x ln x differs by from a ln a.
fn shapes_gap(b: f64, a: f64, by: f64, d: usize) -> f64 {
    let part = |i: usize| {
        let c = 0.5 * i as f64;
        let (x, y) = (a - c, b - c);
        // Shares x/a and c/a against y/b and c/b.
        let share = |from: f64, to: f64, t: f64| to * log_gap_of(t / to / a, (from / to) * (b / a));
        let entropy = if i == 0 { 0.0 } else { share(x, y, -by * c) + share(c, c, by * c) };
        rest_gap(y, x, by) + entropy
    };
    (0..d).map(part).sum()
}
