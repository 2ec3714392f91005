//! Symmetric and triangular matrices, row by row in one slice: Cholesky's factor, solutions, and the gap between two.
//!
//! What takes d³ steps runs in `kernels::triangular`. A matrix whose pivots lose more than three digits
//! is factored again in numbers of two parts, so that a factor is as good as f64 can hold it.

use std::ops::Deref;

use crate::error::Error;
use crate::kernels::dispatch;
use crate::kernels::triangular::{Cholesky, STRIP, Solve, Squares, SquaresBelow};
use crate::memory::{reserve, zeros};
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

impl Deref for Matrix {
    type Target = [f64];

    fn deref(&self) -> &[f64] {
        &self.data
    }
}

pub(crate) fn diagonal(matrix: &[f64], d: usize) -> impl Iterator<Item = f64> {
    matrix.iter().step_by(d + 1).copied()
}

/// Memory for one kernel: on the stack where a matrix is no larger than a vector.
struct Scratch {
    small: [f64; STRIP * STRIP],
    large: Vec<f64>,
}

impl Scratch {
    fn new() -> Scratch {
        Scratch { small: [0.0; STRIP * STRIP], large: Vec::new() }
    }

    fn some(&mut self, n: usize) -> Result<&mut [f64], Error> {
        if let Some(small) = self.small.get_mut(..n) {
            return Ok(small);
        }
        self.large = zeros(n)?;
        Ok(&mut self.large)
    }

    /// For a strip of d rows.
    fn strip(&mut self, d: usize) -> Result<&mut [f64], Error> {
        self.some(d.saturating_mul(STRIP))
    }

    /// For panels of d columns that hold d rows.
    fn panels(&mut self, d: usize) -> Result<&mut [f64], Error> {
        self.some(d.next_multiple_of(STRIP).saturating_mul(d))
    }
}

/// Solves L X = B for every column of B, in place. Where `lower`, B is 0 above its diagonal, and so is X.
pub(crate) fn solve(l: &[f64], b: &mut Matrix, lower: bool) -> Result<(), Error> {
    let mut scratch = Scratch::new();
    let strip = scratch.strip(b.d)?;
    dispatch(Solve { l, x: &mut b.data, d: b.d, lower, transposed: false, strip });
    Ok(())
}

/// Solves Lᵀ X = B for every column of B, in place.
pub(crate) fn solve_transposed(l: &[f64], b: &mut Matrix) -> Result<(), Error> {
    let mut scratch = Scratch::new();
    let strip = scratch.strip(b.d)?;
    dispatch(Solve { l, x: &mut b.data, d: b.d, lower: false, transposed: true, strip });
    Ok(())
}

/// Solves L x = b in place.
pub(crate) fn solve_vector(l: &[f64], b: &mut [f64]) -> Result<(), Error> {
    let mut scratch = Scratch::new();
    let d = b.len();
    let strip = scratch.strip(d)?;
    dispatch(Solve { l, x: b, d, lower: false, transposed: false, strip });
    Ok(())
}

/// Solves Lᵀ x = b in place.
pub(crate) fn solve_vector_transposed(l: &[f64], b: &mut [f64]) -> Result<(), Error> {
    let mut scratch = Scratch::new();
    let d = b.len();
    let strip = scratch.strip(d)?;
    dispatch(Solve { l, x: b, d, lower: false, transposed: true, strip });
    Ok(())
}

/// The factor of A, or of 1 + A without the ones; None where a pivot lost digits.
fn factor(a: &[f64], d: usize, one: f64) -> Result<Option<Matrix>, Error> {
    let mut l = Matrix::zeros(d)?;
    let mut scratch = Scratch::new();
    let panels = scratch.panels(d)?;
    let good = dispatch(Cholesky { a, d, one, loss: LOSS, panels, l: &mut l.data });
    Ok(good.then_some(l))
}

/// The lower triangular L with L Lᵀ = A; only A's lower triangle is looked at.
pub(crate) fn cholesky(a: &[f64], d: usize) -> Result<Result<Matrix, Pivot>, Error> {
    match factor(a, d, 0.0)? {
        Some(l) => Ok(Ok(l)),
        None => cholesky_twice(a, d),
    }
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
    solve(&upper, &mut inverse, true)?;
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
pub(crate) fn factor_gap(a: &[f64], b: &[f64], d: usize) -> Result<f64, Error> {
    let diagonal: f64 = diagonal(a, d).zip(diagonal(b, d)).map(|(a, b)| scale_gap(a, b)).sum();
    // Off the diagonal L_B⁻¹ L_A is L_B⁻¹ (L_A − L_B), which is as small as that is.
    let below = dispatch(SquaresBelow { a, b, d, strip: Scratch::new().strip(d)? });
    Ok(diagonal + 0.5 * below)
}

/// The same of symmetric matrices that are near each other, from `difference = A − B` and the factor of B; None where
/// they are not near enough.
pub(crate) fn near_gap(mut difference: Matrix, b: &[f64]) -> Result<Option<f64>, Error> {
    solve(b, &mut difference, false)?;
    difference.transpose();
    solve(b, &mut difference, false)?;
    let e = difference;
    if !(dispatch(Squares(&e.data)) < NEAR * NEAR) {
        return Ok(None);
    }
    // The factor 1 + X of 1 + E, without the ones: (1 + x)² = 1 + s on the diagonal.
    let Some(mut x) = factor(&e.data, e.d, 1.0)? else { return Ok(None) };
    let mut sum = 0.0;
    for x in x.data.iter_mut().step_by(e.d + 1) {
        let s = *x * (2.0 + *x);
        sum += 0.5 * log_gap_of(s, 1.0 + s);
        *x = 0.0;
    }
    Ok(Some(sum + 0.5 * dispatch(Squares(&x.data))))
}
