//! Symmetric and triangular matrices, row by row in one slice: Cholesky's factor, solutions, and the gap between two.
//!
//! Loops run along rows, where neighbours are neighbours in memory. A matrix whose pivots lose more than three digits
//! is factored again in numbers of two parts, so that a factor is as good as f64 can hold it.

use crate::error::Error;
use crate::rows::reserve;
use crate::special::{log_gap_of, scale_gap};

/// A pivot that is no more than this part of its diagonal entry has lost digits that are worth finding again.
const LOSS: f64 = 1e-3;
/// The norm up to which a matrix is 1 plus a perturbation.
const NEAR: f64 = 0.25;

/// A square matrix of its own.
#[derive(Debug)]
pub(crate) struct Matrix {
    pub(crate) data: Vec<f64>,
    pub(crate) d: usize,
}

/// The pivot at which a matrix turned out not to be positive definite.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pivot {
    pub(crate) index: usize,
    pub(crate) value: f64,
}

impl Matrix {
    pub(crate) fn zeros(d: usize) -> Result<Matrix, Error> {
        let size = d.checked_mul(d).ok_or(Error::OutOfMemory { bytes: usize::MAX })?;
        let mut data = reserve(size)?;
        data.resize(size, 0.0);
        Ok(Matrix { data, d })
    }

    pub(crate) fn of(data: &[f64], d: usize) -> Result<Matrix, Error> {
        let mut copy = reserve(data.len())?;
        copy.extend_from_slice(data);
        Ok(Matrix { data: copy, d })
    }

    pub(crate) fn row(&self, i: usize) -> &[f64] {
        &self.data[i * self.d..(i + 1) * self.d]
    }

    pub(crate) fn row_mut(&mut self, i: usize) -> &mut [f64] {
        &mut self.data[i * self.d..(i + 1) * self.d]
    }

    pub(crate) fn diagonal(&self) -> impl Iterator<Item = f64> {
        self.data.iter().step_by(self.d + 1).copied()
    }

    /// Row i, and the rows before it.
    fn split(&mut self, i: usize) -> (&[f64], &mut [f64]) {
        let (before, from) = self.data.split_at_mut(i * self.d);
        (before, &mut from[..self.d])
    }

    fn transpose(&mut self) {
        for i in 0..self.d {
            for j in 0..i {
                self.data.swap(i * self.d + j, j * self.d + i);
            }
        }
    }

    /// The same with rows and columns in the opposite order.
    fn reversed(mut self) -> Matrix {
        self.data.reverse();
        self
    }
}

/// `x − f y`, place by place.
fn subtract(x: &mut [f64], f: f64, y: &[f64]) {
    for (x, y) in x.iter_mut().zip(y) {
        *x -= f * y;
    }
}

/// Solves L X = B for every column of B, in place. Where `lower`, so is B, and what is above its diagonal is left.
pub(crate) fn solve(l: &Matrix, b: &mut Matrix, lower: bool) {
    let d = l.d;
    for i in 0..d {
        let (before, row) = b.split(i);
        for k in 0..i {
            let end = if lower { k + 1 } else { d };
            subtract(&mut row[..end], l.data[i * d + k], &before[k * d..k * d + end]);
        }
        let end = if lower { i + 1 } else { d };
        let pivot = l.data[i * d + i];
        row[..end].iter_mut().for_each(|x| *x /= pivot);
    }
}

/// Solves L x = b in place.
pub(crate) fn solve_vector(l: &Matrix, b: &mut [f64]) {
    for i in 0..l.d {
        let dot: f64 = l.row(i)[..i].iter().zip(&*b).map(|(l, x)| l * x).sum();
        b[i] = (b[i] - dot) / l.row(i)[i];
    }
}

/// Solves Lᵀ X = B for every column of B, in place.
pub(crate) fn solve_transposed(l: &Matrix, b: &mut Matrix) {
    let d = l.d;
    for i in (0..d).rev() {
        let (rows, after) = b.data.split_at_mut((i + 1) * d);
        let row = &mut rows[i * d..];
        for k in i + 1..d {
            subtract(row, l.data[k * d + i], &after[(k - i - 1) * d..(k - i) * d]);
        }
        let pivot = l.data[i * d + i];
        row.iter_mut().for_each(|x| *x /= pivot);
    }
}

/// Solves Lᵀ x = b in place.
pub(crate) fn solve_vector_transposed(l: &Matrix, b: &mut [f64]) {
    for i in (0..l.d).rev() {
        let x = b[i] / l.row(i)[i];
        b[i] = x;
        subtract(&mut b[..i], x, &l.row(i)[..i]);
    }
}

/// The lower triangular L with L Lᵀ = A; only A's lower triangle is looked at.
pub(crate) fn cholesky(a: &[f64], d: usize) -> Result<Result<Matrix, Pivot>, Error> {
    let mut l = Matrix::of(a, d)?;
    let mut column = reserve(d)?;
    column.resize(d, 0.0);
    for j in 0..d {
        let pivot = l.data[j * d + j];
        if !(pivot > LOSS * a[j * d + j]) {
            return cholesky_twice(a, d);
        }
        let root = pivot.sqrt();
        l.data[j * d + j] = root;
        l.row_mut(j)[j + 1..].fill(0.0);
        for i in j + 1..d {
            column[i] = l.data[i * d + j] / root;
            l.data[i * d + j] = column[i];
        }
        for i in j + 1..d {
            let factor = column[i];
            subtract(&mut l.row_mut(i)[j + 1..=i], factor, &column[j + 1..=i]);
        }
    }
    Ok(Ok(l))
}

/// A number in two parts.
#[derive(Clone, Copy)]
struct Two(f64, f64);

impl Two {
    fn sum(a: f64, b: f64) -> Two {
        let s = a + b;
        let back = s - a;
        Two(s, (a - (s - back)) + (b - back))
    }

    fn minus_product(self, x: Two, y: Two) -> Two {
        let high = x.0 * y.0;
        let low = x.0.mul_add(y.0, -high) + (x.0 * y.1 + x.1 * y.0);
        let sum = Two::sum(self.0, -high);
        let low = sum.1 + (self.1 - low);
        Two::sum(sum.0, low)
    }

    fn by(self, y: Two) -> Two {
        let first = self.0 / y.0;
        let rest = self.minus_product(Two(first, 0.0), y);
        Two::sum(first, (rest.0 + rest.1) / y.0)
    }

    fn root(self) -> Two {
        let first = self.0.sqrt();
        let rest = self.minus_product(Two(first, 0.0), Two(first, 0.0));
        Two::sum(first, (rest.0 + rest.1) / (2.0 * first))
    }
}

/// As [`cholesky`], in numbers of two parts.
#[cold]
fn cholesky_twice(a: &[f64], d: usize) -> Result<Result<Matrix, Pivot>, Error> {
    let mut l: Vec<Two> = reserve(d * d)?;
    l.extend(a.iter().map(|x| Two(*x, 0.0)));
    for i in 0..d {
        for j in 0..=i {
            let mut sum = l[i * d + j];
            for k in 0..j {
                sum = sum.minus_product(l[i * d + k], l[j * d + k]);
            }
            if i > j {
                l[i * d + j] = sum.by(l[j * d + j]);
                continue;
            }
            // Beyond the digits of the entries themselves there is nothing to be positive.
            if !(sum.0 > 0.0) || !sum.0.is_finite() {
                return Ok(Err(Pivot { index: i, value: sum.0 }));
            }
            l[i * d + i] = sum.root();
        }
    }
    let mut rounded = Matrix::zeros(d)?;
    for i in 0..d {
        for j in 0..=i {
            rounded.data[i * d + j] = l[i * d + j].0;
        }
    }
    Ok(Ok(rounded))
}

/// The factor of the inverse of A.
pub(crate) fn cholesky_of_inverse(a: &[f64], d: usize) -> Result<Result<Matrix, Pivot>, Error> {
    // A backwards is R Rᵀ; forwards again R is upper triangular, and L is the inverse of its transpose.
    let backwards = Matrix::of(a, d)?.reversed();
    let factor = match cholesky(&backwards.data, d)? {
        Ok(factor) => factor,
        Err(pivot) => return Ok(Err(Pivot { index: d - 1 - pivot.index, ..pivot })),
    };
    let mut upper = factor.reversed();
    upper.transpose();
    let mut inverse = Matrix::zeros(d)?;
    inverse.data.iter_mut().step_by(d + 1).for_each(|x| *x = 1.0);
    solve(&upper, &mut inverse, true);
    Ok(Ok(inverse))
}

/// The factor of L Lᵀ + v vᵀ, in place of L; v is used up.
pub(crate) fn update(l: &mut Matrix, v: &mut [f64]) {
    let d = l.d;
    for k in 0..d {
        let (old, x) = (l.data[k * d + k], v[k]);
        let new = old.hypot(x);
        let (cos, sin) = (old / new, x / new);
        l.data[k * d + k] = new;
        for i in k + 1..d {
            let (entry, x) = (l.data[i * d + k], v[i]);
            l.data[i * d + k] = cos * entry + sin * x;
            v[i] = cos * x - sin * entry;
        }
    }
}

/// `½ (tr M − d − ln det M)` of `M = B⁻¹A`, from the factors of both: with W = L_B⁻¹ L_A, the gaps of its diagonal and
/// half the squares below it.
pub(crate) fn factor_gap(a: &Matrix, b: &Matrix) -> Result<f64, Error> {
    let d = a.d;
    let diagonal: f64 = a.diagonal().zip(b.diagonal()).map(|(a, b)| scale_gap(a, b)).sum();
    // Off the diagonal L_B⁻¹ L_A is L_B⁻¹ (L_A − L_B), which is as small as that is.
    let mut w = Matrix::zeros(d)?;
    for i in 0..d {
        for j in 0..=i {
            w.data[i * d + j] = a.data[i * d + j] - b.data[i * d + j];
        }
    }
    solve(b, &mut w, true);
    let below: f64 = (0..d).map(|i| w.row(i)[..i].iter().map(|x| x * x).sum::<f64>()).sum();
    Ok(diagonal + 0.5 * below)
}

/// The same of symmetric matrices that are near each other, from `difference = A − B` and the factor of B; None where
/// they are not near enough.
pub(crate) fn near_gap(mut difference: Matrix, b: &Matrix) -> Option<f64> {
    let d = b.d;
    solve(b, &mut difference, false);
    difference.transpose();
    solve(b, &mut difference, false);
    let mut e = difference;
    let norm: f64 = e.data.iter().map(|x| x * x).sum();
    if !(norm < NEAR * NEAR) {
        return None;
    }
    // The factor 1 + X of 1 + E, without the ones: (1 + x)² = 1 + s on the diagonal.
    let mut sum = 0.0;
    for j in 0..d {
        let s = e.data[j * d + j];
        sum += 0.5 * log_gap_of(s, 1.0 + s);
        let x = s / (1.0 + (1.0 + s).sqrt());
        let mut column = 0.0;
        for i in j + 1..d {
            let entry = e.data[i * d + j] / (1.0 + x);
            e.data[i * d + j] = entry;
            column += entry * entry;
        }
        sum += 0.5 * column;
        for i in j + 1..d {
            let factor = e.data[i * d + j];
            for k in j + 1..=i {
                e.data[i * d + k] -= factor * e.data[k * d + j];
            }
        }
    }
    Some(sum)
}
