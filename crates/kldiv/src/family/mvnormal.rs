//! Multivariate normal: with the factor of Σ_q, `½ (tr M − d − ln det M) + ½ |L_q⁻¹ (μ_p − μ_q)|²`, M = Σ_q⁻¹ Σ_p.

use std::borrow::Cow;

use crate::error::{Domain, Error};
use crate::family::lowrank;
use crate::family::matrix::{
    Matrix, Pivot, cholesky, cholesky_of_inverse, diagonal, factor_gap, near_gap, solve, solve_transposed,
    solve_vector, solve_vector_transposed, update,
};
use crate::family::normal::Normal;
use crate::family::params::{Bad, positive, real};
use crate::kernels::dispatch;
use crate::kernels::triangular::{Finite, Lower, STRIP, Symmetric};
use crate::memory::reserve;
use crate::special::HALF_LN_TWO_PI;

/// What a row of parameters holds beside the means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Covariance,
    Tril,
    Precision,
    Diagonal,
    /// Diagonal variances and a factor.
    LowRank,
}

/// A row of parameters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mvn<'a> {
    form: Form,
    pub(crate) loc: &'a [f64],
    pub(crate) rest: &'a [f64],
}

/// Either is what can be wrong with a row.
pub(crate) enum Unfit {
    Bad(Bad),
    Pivot(Pivot),
    Error(Error),
}

impl From<Bad> for Unfit {
    fn from(bad: Bad) -> Unfit {
        Unfit::Bad(bad)
    }
}

impl From<Error> for Unfit {
    fn from(error: Error) -> Unfit {
        Unfit::Error(error)
    }
}

impl Form {
    /// The dimension that a number of columns stands for.
    pub(crate) fn dimension(self, cols: usize, dim: usize) -> Option<usize> {
        match self {
            Form::Diagonal => (cols.is_multiple_of(2)).then_some(cols / 2),
            Form::LowRank => (dim > 0 && cols.is_multiple_of(dim) && cols / dim >= 2).then_some(dim),
            _ => {
                // The d with d + d² columns.
                let d = (((4 * cols + 1) as f64).sqrt() as usize).saturating_sub(1) / 2;
                (d..d + 2).find(|d| d * d + d == cols)
            }
        }
    }
}

/// How far from its mirror image an entry may be, relative to the diagonal.
const ASYMMETRY: f64 = 1e-6;

/// Checks a square matrix that stands in a row from column `start` on.
pub(crate) fn check_symmetric(row: &[f64], start: usize, d: usize, name: &'static str) -> Result<(), Bad> {
    let matrix = &row[start..start + d * d];
    // Of a small one the entries are looked at one by one.
    if d >= STRIP && dispatch(Finite(matrix)) && dispatch(Symmetric { a: matrix, d, asymmetry: ASYMMETRY }) {
        return Ok(());
    }
    for col in start..start + d * d {
        real(row, col, name)?;
    }
    let at = |i: usize, j: usize| row[start + i * d + j];
    for i in 0..d {
        for j in 0..i {
            let size = at(i, i).abs().max(at(j, j).abs());
            if (at(i, j) - at(j, i)).abs() > ASYMMETRY * size {
                return Err(Bad { col: start + i * d + j, name, expected: Domain::Symmetric });
            }
        }
    }
    Ok(())
}

/// Whether a matrix is lower triangular, its diagonal positive.
fn lower(matrix: &[f64], d: usize) -> bool {
    dispatch(Lower { a: matrix, d }) && diagonal(matrix, d).all(|x| x > 0.0)
}

impl<'a> Mvn<'a> {
    pub(crate) fn read(row: &'a [f64], d: usize, form: Form) -> Result<Mvn<'a>, Bad> {
        for col in 0..d {
            real(row, col, "loc")?;
        }
        match form {
            Form::Covariance => check_symmetric(row, d, d, "covariance_matrix")?,
            Form::Precision => check_symmetric(row, d, d, "precision_matrix")?,
            Form::Diagonal => {
                for col in d..2 * d {
                    positive(row, col, "scale_diag")?;
                }
            }
            Form::LowRank => {
                for col in d..2 * d {
                    positive(row, col, "cov_diag")?;
                }
                for col in 2 * d..row.len() {
                    real(row, col, "cov_factor")?;
                }
            }
            Form::Tril if d >= STRIP && lower(&row[d..], d) => {}
            Form::Tril => {
                for i in 0..d {
                    for j in 0..d {
                        let col = d + i * d + j;
                        if i == j {
                            positive(row, col, "scale_tril")?;
                        } else if real(row, col, "scale_tril")? != 0.0 && j > i {
                            return Err(Bad { col, name: "scale_tril", expected: Domain::Lower });
                        }
                    }
                }
            }
        }
        Ok(Mvn { form, loc: &row[..d], rest: &row[d..] })
    }

    fn d(&self) -> usize {
        self.loc.len()
    }

    /// The factor of the covariance.
    fn factor(&self) -> Result<Cow<'a, [f64]>, Unfit> {
        let d = self.d();
        let factor = match self.form {
            Form::Covariance => cholesky(self.rest, d)?,
            Form::Precision => cholesky_of_inverse(self.rest, d)?,
            Form::Tril => return Ok(Cow::Borrowed(self.rest)),
            Form::Diagonal => {
                let mut l = Matrix::zeros(d)?;
                l.data.iter_mut().step_by(d + 1).zip(self.rest).for_each(|(l, s)| *l = *s);
                Ok(l)
            }
            Form::LowRank => {
                let mut l = Matrix::zeros(d)?;
                let (diagonal, factor) = self.rest.split_at(d);
                l.data.iter_mut().step_by(d + 1).zip(diagonal).for_each(|(l, v)| *l = v.sqrt());
                let rank = factor.len() / d;
                let mut column: Vec<f64> = reserve(d)?;
                for r in 0..rank {
                    column.clear();
                    column.extend(factor.iter().skip(r).step_by(rank));
                    update(&mut l, &mut column);
                }
                Ok(l)
            }
        };
        factor.map(|l| Cow::Owned(l.data)).map_err(Unfit::Pivot)
    }

    /// μ_p − μ_q.
    fn shift(&self, q: &Mvn) -> Result<Vec<f64>, Error> {
        let mut shift = reserve(self.d())?;
        shift.extend(self.loc.iter().zip(q.loc).map(|(p, q)| p - q));
        Ok(shift)
    }
}

fn half_square(x: &[f64]) -> f64 {
    0.5 * x.iter().map(|x| x * x).sum::<f64>()
}

/// A factor, or whose matrix had none: 0 is p's.
fn of<T>(side: u32, factor: Result<T, Unfit>) -> Result<T, (u32, Unfit)> {
    factor.map_err(|unfit| (side, unfit))
}

/// A pair of symmetric matrices with their factors: the gap from the difference where they are near.
pub(crate) fn symmetric_gap(
    (a, la): (&[f64], &[f64]),
    (b, lb): (&[f64], &[f64]),
    d: usize,
) -> Result<f64, Error> {
    if a == b {
        return Ok(0.0);
    }
    let near = |i: usize| (a[i * (d + 1)] - b[i * (d + 1)]).abs() < 0.2 * b[i * (d + 1)];
    if (0..d).all(near) {
        let mut difference = Matrix::zeros(d)?;
        for i in 0..d {
            for j in 0..=i {
                let x = a[i * d + j] - b[i * d + j];
                difference.data[i * d + j] = x;
                difference.data[j * d + i] = x;
            }
        }
        if let Some(gap) = near_gap(difference, lb)? {
            return Ok(gap);
        }
    }
    factor_gap(la, lb, d)
}

pub(crate) fn kl(p: &Mvn, q: &Mvn) -> Result<f64, (u32, Unfit)> {
    if p.form == Form::Diagonal && q.form == Form::Diagonal {
        let side = |x: &Mvn, i: usize| Normal { loc: x.loc[i], scale: x.rest[i] };
        return Ok((0..p.d()).map(|i| side(p, i).kl(&side(q, i))).sum());
    }
    let mut shift = of(0, p.shift(q).map_err(Unfit::from))?;
    let d = p.d();
    if p.form == Form::LowRank && q.form == Form::LowRank {
        let (of_p, of_q) = (lowrank::Parts::new(p.rest, d), lowrank::Parts::new(q.rest, d));
        if let Some(kl) = of(0, lowrank::kl(of_p, of_q, &shift).map_err(Unfit::from))? {
            return Ok(kl);
        }
    }
    let outcome = |gap: Result<f64, Error>| of(0, gap.map_err(Unfit::from));
    if p.form == Form::Precision && q.form == Form::Precision {
        // In precisions the sides change places, and (μ_p − μ_q)ᵀ Λ_q (μ_p − μ_q) needs no solution.
        let factor = |x: &Mvn| match cholesky(x.rest, d) {
            Ok(Ok(factor)) => Ok(factor),
            Ok(Err(pivot)) => Err(Unfit::Pivot(pivot)),
            Err(error) => Err(Unfit::Error(error)),
        };
        let (lp, lq) = (of(0, factor(p))?, of(1, factor(q))?);
        let gap = outcome(symmetric_gap((q.rest, &lq), (p.rest, &lp), d))?;
        let dot = |j: usize| (j..d).map(|i| lq.data[i * d + j] * shift[i]).sum::<f64>();
        return Ok(gap + 0.5 * (0..d).map(|j| dot(j) * dot(j)).sum::<f64>());
    }
    let (lp, lq) = (of(0, p.factor())?, of(1, q.factor())?);
    let gap = outcome(if p.form == Form::Covariance && q.form == Form::Covariance {
        symmetric_gap((p.rest, &lp), (q.rest, &lq), d)
    } else {
        factor_gap(&lp, &lq, d)
    })?;
    of(0, solve_vector(&lq, &mut shift).map_err(Unfit::from))?;
    Ok(gap + half_square(&shift))
}

/// `½ ln det(2πe Σ)`.
pub(crate) fn entropy(p: &Mvn) -> Result<f64, Unfit> {
    let scales: f64 = match p.form {
        Form::Diagonal => p.rest.iter().map(|s| s.ln()).sum(),
        _ => diagonal(&p.factor()?, p.d()).map(f64::ln).sum(),
    };
    Ok(p.d() as f64 * (HALF_LN_TWO_PI + 0.5) + scales)
}

/// The derivatives of [`kl`] of two with factors by μ_p, L_p, μ_q, L_q; 0 above the diagonal.
pub(crate) fn gradient(p: &Mvn, q: &Mvn, by_p: &mut [f64], by_q: &mut [f64]) -> Result<(), Error> {
    let d = p.d();
    let (lp, lq) = (Matrix::of(p.rest, d)?, Matrix::of(q.rest, d)?);
    // z = L_q⁻¹ (μ_p − μ_q), and X = L_q⁻¹ (L_p − L_q), which is W − 1.
    let mut z = p.shift(q)?;
    solve_vector(&lq, &mut z)?;
    let mut x = Matrix::zeros(d)?;
    for (x, (p, q)) in x.data.iter_mut().zip(p.rest.iter().zip(q.rest)) {
        *x = p - q;
    }
    solve(&lq, &mut x, true)?;
    let (loc_p, scale_p) = by_p.split_at_mut(d);
    let (loc_q, scale_q) = by_q.split_at_mut(d);
    // S = W Wᵀ + z zᵀ − 1 = X + Xᵀ + X Xᵀ + z zᵀ.
    let mut s = Matrix::zeros(d)?;
    for i in 0..d {
        for j in 0..=i {
            let dot: f64 = x.row(i)[..=j].iter().zip(&x.row(j)[..=j]).map(|(a, b)| a * b).sum();
            let transposed = if i == j { x.row(i)[j] } else { 0.0 };
            let entry = x.row(i)[j] + transposed + dot + z[i] * z[j];
            s.data[i * d + j] = entry;
            s.data[j * d + i] = entry;
        }
    }
    // By L_q: −L_q⁻ᵀ (1 + S) and 1/L_q on the diagonal, whose 1 are each other's.
    solve_transposed(&lq, &mut s)?;
    // By L_p: L_q⁻ᵀ W less 1/L_p on the diagonal.
    let mut w = Matrix::of(&x.data, d)?;
    w.data.iter_mut().step_by(d + 1).for_each(|w| *w += 1.0);
    solve_transposed(&lq, &mut w)?;
    solve_transposed(&lq, &mut x)?;
    for i in 0..d {
        for j in 0..d {
            let at = i * d + j;
            (scale_p[at], scale_q[at]) = if j > i {
                (0.0, 0.0)
            } else if j == i {
                // L_q⁻ᵀ W = L_q⁻ᵀ X + L_q⁻ᵀ, and the last has 1/L_q there.
                let (l, m) = (lp.data[at], lq.data[at]);
                (x.data[at] + (l - m) / m / l, -s.data[at])
            } else {
                (w.data[at], -s.data[at])
            };
        }
    }
    solve_vector_transposed(&lq, &mut z)?;
    for i in 0..d {
        (loc_p[i], loc_q[i]) = (z[i], -z[i]);
    }
    Ok(())
}
