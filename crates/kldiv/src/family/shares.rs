//! Categorical distributions, by probabilities or logits, and Dirichlet ones: eight pairs of rows at a time, or one.

use crate::error::Error;
use crate::family::names::Family;
use crate::kernels::ROWS;
use crate::kernels::categories::{Column, EightRows, Kept, Layout, Logits, LongRow, OneRow, Probabilities};
use crate::kernels::concentrations::Concentrations;
use crate::kernels::dispatch;
use crate::kernels::entropies::{OfConcentrations, OfLogits, OfProbabilities};
use crate::memory::reserve;
use crate::view::{Row, View};

/// Categories up to which rows are taken together, or one as if it were: sums of more are no plain ones.
const MOST: usize = 1024;

/// What is made of rows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Divergences,
    /// Divergences and their derivatives.
    Slopes,
    /// Those of P; Q is not read.
    Entropies,
}

/// Eight pairs of rows, column by column, or one, and what becomes of them.
pub(crate) struct Eight {
    family: Family,
    categories: usize,
    p: Vec<Column>,
    q: Vec<Column>,
    kept: Vec<Kept>,
    /// Whether there is one pair, eight outcomes a column.
    alone: bool,
    /// What is wanted; NaN where a pair is to be looked at by itself.
    pub(crate) out: Column,
}

impl Eight {
    /// Memory for pairs of such a family, if it has a kernel.
    pub(crate) fn new(family: Family, categories: usize) -> Result<Option<Eight>, Error> {
        if !has(family) {
            return Ok(None);
        }
        let n = if categories > MOST { categories.div_ceil(ROWS) } else { categories };
        let [p, q] = [columns(n, [0.0; ROWS])?, columns(n, [0.0; ROWS])?];
        let kept = if family == Family::CategoricalLogits { n } else { 0 };
        let kept = columns(kept, [[0.0; ROWS]; 3])?;
        Ok(Some(Eight { family, categories, p, q, kept, alone: false, out: [f64::NAN; ROWS] }))
    }

    /// How many pairs are computed together.
    pub(crate) fn together(&self) -> usize {
        if self.categories > MOST { 1 } else { ROWS }
    }

    /// Computes what is wanted of the `n` pairs from `start` on, at most as many as there are together.
    pub(crate) fn compute(&mut self, p: &View, q: &View, start: usize, n: usize, wanted: Wanted) {
        self.alone = n == 1;
        let both = wanted != Wanted::Entropies;
        if self.alone {
            let missing = if self.family == Family::CategoricalLogits { f64::NEG_INFINITY } else { 0.0 };
            fill(p.row(start), missing, &mut self.p);
            if both {
                fill(q.row(start), missing, &mut self.q);
            }
            let columns = p.cols().div_ceil(ROWS);
            match p.cols() > MOST {
                true => self.run(LongRow, columns, wanted),
                false => self.run(OneRow, columns, wanted),
            }
        } else {
            gather(p, start, n, &mut self.p);
            if both {
                gather(q, start, n, &mut self.q);
            }
            self.run(EightRows, p.cols(), wanted);
        }
    }

    fn run(&mut self, layout: impl Layout, columns: usize, wanted: Wanted) {
        let Eight { family, categories, ref mut kept, ref mut out, .. } = *self;
        let (p, q) = (&mut self.p[..columns], &mut self.q[..columns]);
        let slopes = wanted == Wanted::Slopes;
        match (family, wanted) {
            (Family::CategoricalLogits, Wanted::Entropies) => dispatch(OfLogits { layout, a: p, out }),
            (Family::CategoricalLogits, _) => {
                dispatch(Logits { layout, a: p, b: q, kept: &mut kept[..columns], slopes, out });
            }
            (Family::Categorical, Wanted::Entropies) => dispatch(OfProbabilities { layout, p, out }),
            (Family::Categorical, _) => dispatch(Probabilities { layout, p, q, slopes, out }),
            (_, Wanted::Entropies) => dispatch(OfConcentrations { layout, categories, p, out }),
            _ => dispatch(Concentrations { layout, categories, p, q, slopes, out }),
        }
    }

    /// The divergence of pair `i` and its derivatives, if they are known.
    pub(crate) fn pair(&self, i: usize, by_p: &mut [f64], by_q: &mut [f64]) -> Option<f64> {
        for (columns, by) in [(&self.p, by_p), (&self.q, by_q)] {
            if self.alone {
                by.copy_from_slice(&columns.as_flattened()[..by.len()]);
            } else {
                columns.iter().zip(by).for_each(|(column, by)| *by = column[i]);
            }
        }
        (!self.out[i].is_nan()).then_some(self.out[i])
    }
}

/// Whether pairs of a family are computed so.
pub(crate) fn has(family: Family) -> bool {
    matches!(family, Family::Categorical | Family::CategoricalLogits | Family::Dirichlet)
}

fn columns<T: Copy>(n: usize, value: T) -> Result<Vec<T>, Error> {
    let mut columns = reserve(n)?;
    columns.resize(n, value);
    Ok(columns)
}

/// A row, and behind it what is missing in the last column.
fn fill(row: Row, missing: f64, to: &mut [Column]) {
    let to = to.as_flattened_mut();
    let (to, rest) = to.split_at_mut(row.len());
    row.copy(to);
    rest.iter_mut().take(ROWS).for_each(|to| *to = missing);
}

/// The rows column by column; the lanes that are left have the last of them again.
fn gather(of: &View, start: usize, n: usize, to: &mut [Column]) {
    for lane in 0..ROWS {
        let row = of.row(start + lane.min(n - 1));
        match row.as_slice::<f64>() {
            Some(row) => to.iter_mut().zip(row).for_each(|(to, x)| to[lane] = *x),
            None => to.iter_mut().enumerate().for_each(|(j, to)| to[lane] = row.get(j)),
        }
    }
}

/// Writes what is wanted of pairs; NaN where one is to be looked at by itself. Says whether there is none of those.
pub(crate) fn compute(family: Family, p: &View, q: &View, wanted: Wanted, out: &mut [f64]) -> bool {
    let Ok(Some(mut eight)) = Eight::new(family, p.cols()) else {
        out.fill(f64::NAN);
        return false;
    };
    let together = eight.together();
    for (i, out) in out.chunks_mut(together).enumerate() {
        eight.compute(p, q, i * together, out.len(), wanted);
        out.copy_from_slice(&eight.out[..out.len()]);
    }
    out.iter().all(|value| !value.is_nan())
}

/// The divergence of the softmax of b from that of a, if it can be had here.
pub(crate) fn of_logits(a: &[f64], b: &[f64]) -> Option<f64> {
    let mut eight = Eight::new(Family::CategoricalLogits, a.len()).ok()??;
    eight.compute(&View::from(a), &View::from(b), 0, 1, Wanted::Divergences);
    (!eight.out[0].is_nan()).then_some(eight.out[0])
}
