//! Pairs of rows to measure, and the right answers.

use kldiv::{Element, View};
use ndarray::ArrayView2;

/// The right answer, and the sum of the magnitudes of its terms.
#[derive(Clone, Copy)]
pub struct Truth {
    value: f64,
    magnitude: f64,
}

impl Truth {
    pub(crate) fn new(value: f64, magnitude: f64) -> Self {
        Truth { value, magnitude }
    }

    /// That of a sum of answers.
    pub(crate) fn sum<'a>(parts: impl Iterator<Item = &'a Truth>) -> Self {
        parts.fold(Truth::new(0.0, 0.0), |sum, part| {
            Truth::new(sum.value + part.value, sum.magnitude + part.magnitude)
        })
    }

    /// The error of `x`, relative to the magnitude of the terms; infinite where it is NaN.
    pub(crate) fn error(&self, x: f64) -> f64 {
        let error = (x - self.value).abs() / self.magnitude;
        if error.is_nan() { f64::INFINITY } else { error }
    }
}

/// Rows of P and as many rows of Q, one after another.
pub struct Pairs<T> {
    /// P.
    pub p: Vec<T>,
    /// Q.
    pub q: Vec<T>,
    /// The length of a row.
    pub cols: usize,
}

impl<T: Element> Pairs<T> {
    /// Rows from a flat Dirichlet distribution, the same on every run and far apart, so that every peer can be right
    /// about them. The shift keeps the least of a row within what f16 can hold. Rows of one element are not
    /// normalised, for nothing would be left to compute.
    pub(crate) fn random(rows: usize, cols: usize) -> Self {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut exponential = || {
            // Knuth's MMIX generator; its upper bits are good enough to time with.
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            1e-3 - (((state >> 11) as f64 + 0.5) / (1u64 << 53) as f64).ln()
        };
        let mut side = || {
            let mut side = Vec::with_capacity(rows * cols);
            let mut row = vec![0.0; cols];
            for _ in 0..rows {
                row.fill_with(&mut exponential);
                let sum = if cols == 1 { 1.0 } else { row.iter().sum() };
                side.extend(row.iter().map(|x| T::from_f64(x / sum)));
            }
            side
        };
        Pairs { p: side(), q: side(), cols }
    }

    pub(crate) fn rows(&self) -> usize {
        self.p.len() / self.cols
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[T], &[T])> {
        self.p.chunks_exact(self.cols).zip(self.q.chunks_exact(self.cols))
    }

    /// A call for each pair of rows.
    pub(crate) fn each<'a>(&'a self, f: impl Fn(&[T], &[T]) -> f64 + 'a) -> impl FnMut(&mut [f64]) + 'a {
        move |out| self.iter().zip(out).for_each(|((p, q), out)| *out = f(p, q))
    }

    /// P and Q as matrices.
    pub(crate) fn matrices(&self) -> (ArrayView2<'_, T>, ArrayView2<'_, T>) {
        let matrix = |side| ArrayView2::from_shape((self.rows(), self.cols), side).expect("whole rows");
        (matrix(&self.p), matrix(&self.q))
    }

    /// P and Q as kldiv sees them.
    pub(crate) fn views(&self) -> (View<'_>, View<'_>) {
        let (p, q) = self.matrices();
        (p.into(), q.into())
    }

    /// The sum of `term` over each pair of rows, from std's logarithm and a compensated sum: right to a few units in
    /// the last place of the magnitude, as rows that are far apart lose nothing in `ln(p/q)`.
    pub(crate) fn truth(&self, term: impl Fn(f64, f64) -> f64) -> Vec<Truth> {
        let row = |(p, q): (&[T], &[T])| {
            let (mut sum, mut lost, mut magnitude) = (0.0f64, 0.0, 0.0);
            for (p, q) in p.iter().zip(q) {
                let x = term(p.to_f64(), q.to_f64());
                let next = sum + x;
                lost += if sum.abs() >= x.abs() { (sum - next) + x } else { (x - next) + sum };
                sum = next;
                magnitude += x.abs();
            }
            Truth { value: sum + lost, magnitude }
        };
        self.iter().map(row).collect()
    }
}
