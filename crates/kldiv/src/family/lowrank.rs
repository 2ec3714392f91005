//! Two multivariate normals of covariances `D + U Uᵀ`, D diagonal and U of few columns, without a matrix of d by d.
//!
//! In units of Q's D, with E = D_p/D_q, V and W the factors and X = L⁻¹ Vᵀ for `1 + Vᵀ V = L Lᵀ` (Woodbury 1950),
//!
//! ```text
//! 2 KL = Σ (E − 1 − ln E) + |W|² − |X E^½|² − |X W|² + ln det(1 + Vᵀ V) − ln det(1 + U_pᵀ D_p⁻¹ U_p) + |z|² − |X z|²
//! ```

use crate::error::Error;
use crate::family::matrix::{Matrix, cholesky, diagonal};
use crate::memory::zeros;
use crate::special::ln_gap;

/// How much smaller the sum may be than its parts together.
const CANCELS: f64 = 1.0 / 64.0;

/// Variances, and a factor, a row of `rank` for each.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'a> {
    variances: &'a [f64],
    factor: &'a [f64],
    rank: usize,
}

impl<'a> Parts<'a> {
    /// Of what a row of parameters holds beside the means.
    pub(crate) fn new(rest: &'a [f64], d: usize) -> Self {
        let (variances, factor) = rest.split_at(d);
        Parts { variances, factor, rank: factor.len() / d }
    }

    /// The factor's columns one behind the other, in units of the roots of such variances.
    fn columns(&self, variances: &[f64]) -> Result<Vec<f64>, Error> {
        let d = variances.len();
        let mut columns = zeros(self.factor.len())?;
        for (i, (variance, row)) in
            variances.iter().zip(self.factor.chunks_exact(self.rank.max(1))).enumerate()
        {
            let scale = 1.0 / variance.sqrt();
            for (j, x) in row.iter().enumerate() {
                columns[j * d + i] = x * scale;
            }
        }
        Ok(columns)
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    // Eight sums, which a compiler keeps in registers.
    let mut sums = [0.0; 8];
    let (a, b) = (a.chunks_exact(8), b.chunks_exact(8));
    let last: f64 = a.remainder().iter().zip(b.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a.zip(b) {
        for i in 0..8 {
            sums[i] += a[i] * b[i];
        }
    }
    sums.iter().sum::<f64>() + last
}

/// The factor of `1 + Vᵀ V` for columns of length d, unless columns are so much alike that what they differ by was lost.
fn factor_of(columns: &[f64], d: usize) -> Result<Option<Matrix>, Error> {
    let rank = columns.len() / d;
    let mut square = Matrix::zeros(rank)?;
    for i in 0..rank {
        for j in 0..=i {
            let x = dot(&columns[i * d..][..d], &columns[j * d..][..d]) + f64::from(i == j);
            square.data[i * rank + j] = x;
            square.data[j * rank + i] = x;
        }
    }
    let apart = |l: &Matrix| (0..rank).all(|i| l.row(i)[i] * l.row(i)[i] >= CANCELS * square.row(i)[i]);
    Ok(cholesky(&square, rank)?.ok().filter(apart))
}

fn ln_det(l: &Matrix) -> f64 {
    2.0 * diagonal(l, l.d).map(f64::ln).sum::<f64>()
}

/// The divergence, with `shift` = μ_p − μ_q; none where its parts cancel or leave the range, or ranks are no low ones.
pub(crate) fn kl(p: Parts, q: Parts, shift: &[f64]) -> Result<Option<f64>, Error> {
    let d = shift.len();
    if 2 * (p.rank + q.rank) > d {
        return Ok(None);
    }
    let own = factor_of(&p.columns(p.variances)?, d)?;
    let mut x = q.columns(q.variances)?;
    let (Some(own), Some(l)) = (own, factor_of(&x, d)?) else { return Ok(None) };
    // X row by row, in place of V's columns.
    for i in 0..q.rank {
        let (above, row) = x.split_at_mut(i * d);
        let row = &mut row[..d];
        for (above, by) in above.chunks_exact(d).zip(&l.row(i)[..i]) {
            row.iter_mut().zip(above).for_each(|(x, above)| *x -= by * above);
        }
        let by = 1.0 / l.row(i)[i];
        row.iter_mut().for_each(|x| *x *= by);
    }
    let w = p.columns(q.variances)?;
    let mut scaled = zeros(2 * d)?;
    let (ratios, z) = scaled.split_at_mut(d);
    let mut gaps = 0.0;
    for i in 0..d {
        let (from, to) = (p.variances[i], q.variances[i]);
        gaps += ln_gap(from, to, from - to);
        ratios[i] = from / to;
        z[i] = shift[i] / to.sqrt();
    }
    let (mut more, mut less) = (dot(&w, &w) + dot(z, z), 0.0);
    for row in x.chunks_exact(d) {
        less += row.iter().zip(&*ratios).map(|(x, ratio)| x * x * ratio).sum::<f64>();
        less += w.chunks_exact(d).map(|column| dot(row, column)).map(|x| x * x).sum::<f64>();
        let along = dot(row, z);
        less += along * along;
    }
    more += gaps + ln_det(&l);
    less += ln_det(&own);
    let kl = 0.5 * (more - less);
    // What a determinant has beside its ones is rounded as they are.
    let ones = (p.rank + q.rank) as f64;
    Ok((kl.is_finite() && kl >= CANCELS * (more + less + ones)).then_some(kl))
}
