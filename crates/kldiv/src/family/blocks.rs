//! Many pairs of normal distributions at once: columns are gathered, and the logarithms are those of the vector kernels.
//!
//! With r = σ_p/σ_q, `½ (r² − 1) − ln r = (r − 1 − ln r) + ½ (r − 1)²`, and σ_q times the first is a term of the
//! generalised divergence between σ_q and σ_p, which has all its digits however near they are.

use crate::error::Error;
use crate::pair::Plan;
use crate::policy::{Measure, Options};
use crate::rows::reserve;
use crate::view::{Dtype, Shape, View, ViewMut};

/// Rows that are gathered at a time.
const BLOCK: usize = 256;
/// Scales whose squares and quotients stay in range; others are looked at one by one.
const ORDINARY: std::ops::RangeInclusive<f64> = 1e-140..=1e140;

/// Memory for a block's columns.
pub(crate) struct Block {
    plan: Plan,
    columns: Vec<f64>,
}

impl Block {
    pub(crate) fn new() -> Result<Block, Error> {
        let mut options = Options::from(Measure::Generalized);
        options.parallel = false;
        let mut columns = reserve(5 * BLOCK)?;
        columns.resize(5 * BLOCK, 0.0);
        Ok(Block { plan: Plan::new(&options), columns })
    }

    /// Writes the divergences of the rows from `start` on; NaN where a row has to be looked at by itself.
    pub(crate) fn normal(&mut self, p: &View, q: &View, start: usize, out: &mut [f64]) {
        for (i, out) in out.chunks_mut(BLOCK).enumerate() {
            self.few(p, q, start + i * BLOCK, out);
        }
    }

    fn few(&mut self, p: &View, q: &View, start: usize, out: &mut [f64]) {
        let n = out.len();
        let mut columns = self.columns.chunks_exact_mut(BLOCK).map(|column| &mut column[..n]);
        let mut next = || columns.next().unwrap_or_default();
        let (m, s, k, t, gaps) = (next(), next(), next(), next(), next());
        let sides = [(p, 0, &mut *m), (p, 1, &mut *s), (q, 0, &mut *k), (q, 1, &mut *t)];
        for (view, col, column) in sides {
            view.transposed().row(col).part(start, n).copy(column);
        }
        let ordinary = |s: &f64| ORDINARY.contains(s);
        if !(s.iter().all(ordinary) && t.iter().all(ordinary)) {
            // Their places are NaN at the end; the kernels are given something that they know.
            for (s, t) in s.iter_mut().zip(&mut *t) {
                if !(ordinary(s) && ordinary(t)) {
                    (*s, *t) = (f64::NAN, 1.0);
                }
            }
        }
        let shape = Shape { rows: 1, cols: n };
        // SAFETY: the elements are the buffer's own, and nobody else touches them while this lives.
        let room = unsafe { ViewMut::from_raw(gaps.as_mut_ptr().cast(), shape, n as isize, 1, Dtype::F64) };
        // SAFETY: there is one row, asked for once.
        let mut room = unsafe { room.row_mut(0) };
        // A NaN among them is an error there and a NaN here.
        let _ = self.plan.terms(View::from(&*t).row(0), View::from(&*s).row(0), 0, 1.0, &mut room);
        for i in 0..n {
            let inverse = 1.0 / t[i];
            let (d, z) = ((s[i] - t[i]) * inverse, (m[i] - k[i]) * inverse);
            out[i] = gaps[i] * inverse + 0.5 * (d * d + z * z);
            if !(out[i] < f64::INFINITY) {
                out[i] = f64::NAN;
            }
        }
    }
}
