//! A call: its two sides, its rows, and what is asked of each pair.

use crate::check::needs_shape;
use crate::error::Error;
use crate::family::blocks::{divergences, entropies};
use crate::family::names::Family;
use crate::family::one::{Side, related, value};
use crate::memory::zeros;
use crate::policy::{Measure, Options};
use crate::rows::Rows;
use crate::view::{Shape, View};

/// A call, checked.
pub(crate) struct Job<'a> {
    pub(crate) p: View<'a>,
    pub(crate) q: View<'a>,
    pub(crate) sides: [Side; 2],
    pub(crate) rows: Rows<'a>,
    pub(crate) measure: Measure,
    pub(crate) ln_base: f64,
}

impl<'a> Job<'a> {
    pub(crate) fn new(
        p_family: Family,
        p: View<'a>,
        q_family: Family,
        q: View<'a>,
        options: &'a Options<'a>,
    ) -> Result<Self, Error> {
        let rows = p.rows();
        needs_shape("q_params", Shape { rows: q.rows(), ..q.shape() }, Shape { rows, ..q.shape() })?;
        let p_side = Side::new("p_params", p_family, p.shape(), options.dim as usize)?;
        let q_side = Side::new("q_params", q_family, q.shape(), options.dim as usize)?;
        related(&p_side, &q_side, q.shape())?;
        let work = p_side.work(&q_side);
        let rows = Rows::new(Shape { rows, cols: work }, options)?;
        let ln_base = options.base.map_or(1.0, f64::ln);
        Ok(Job { p, q, sides: [p_side, q_side], rows, measure: options.measure, ln_base })
    }

    /// Writes the results of the rows from `start` on; says what the first bad one's error is.
    pub(crate) fn stretch(&self, start: usize, out: &mut [f64]) -> Option<Error> {
        let mut first = None;
        let (mut p_buffer, mut q_buffer) = match self.buffers() {
            Ok(buffers) => buffers,
            Err(error) => {
                out.fill(f64::NAN);
                return Some(error);
            }
        };
        let [family, other] = self.sides.each_ref().map(|side| side.family);
        let (p, q) = (&self.p, &self.q);
        let finite = match self.measure {
            Measure::Kl | Measure::Generalized => divergences((family, p), (other, q), start, out),
            Measure::Reverse => divergences((other, q), (family, p), start, out),
            Measure::Jeffreys | Measure::CrossEntropy => {
                sums((family, p), (other, q), self.measure, start, out)
            }
            Measure::Entropy => entropies(family, p, start, out),
            _ => {
                out.fill(f64::NAN);
                false
            }
        };
        let options = self.rows.options;
        let plain = options.mask.is_none() && options.weights.is_none() && self.ln_base == 1.0;
        if plain && finite {
            return None;
        }
        // A kernel leaves what is not finite where a row has to be looked at by itself, one for two families what is no number.
        let settled = |value: f64| value.is_finite() || family != other && value == f64::INFINITY;
        for (i, out) in out.iter_mut().enumerate() {
            if plain && settled(*out) {
                continue;
            }
            let row = start + i;
            *out = if !options.keeps(row) {
                0.0
            } else if settled(*out) {
                self.rows.answer(row, Ok(self.in_units(*out)), &mut first)
            } else {
                let p = row_of(&self.p, row, &mut p_buffer);
                let q = row_of(&self.q, row, &mut q_buffer);
                let value = value((&self.sides[0], p), (&self.sides[1], q), self.measure);
                let value = value.map(|value| self.in_units(value)).map_err(|wrong| wrong.of_row(row, p, q));
                self.rows.answer(row, value, &mut first)
            };
        }
        first
    }

    #[inline(always)]
    fn in_units(&self, nats: f64) -> f64 {
        if self.ln_base == 1.0 { nats } else { nats / self.ln_base }
    }

    /// Memory for a row of either side, where its rows are not slices of f64 as they are.
    pub(crate) fn buffers(&self) -> Result<(Vec<f64>, Vec<f64>), Error> {
        let buffer = |view: &View| match view.rows() > 0 && view.row(0).as_slice::<f64>().is_some() {
            true => Ok(Vec::new()),
            false => zeros(view.cols()),
        };
        Ok((buffer(&self.p)?, buffer(&self.q)?))
    }
}

/// What a sum of a divergence and an entropy is at least of their sizes: what cancels more is left.
const LEFT: f64 = 1.0 / 16.0;

/// The sums of the divergences and, for the Jeffreys divergence, those the other way round, or else the entropies, as
/// [`divergences`] writes what it can. Not inlined, so that its buffer is on the stack only where it is needed.
#[inline(never)]
fn sums(p: (Family, &View), q: (Family, &View), measure: Measure, start: usize, out: &mut [f64]) -> bool {
    let mut finite = divergences(p, q, start, out);
    let mut others = [0.0; 32];
    for (i, out) in out.chunks_mut(others.len()).enumerate() {
        let others = &mut others[..out.len()];
        let start = start + 32 * i;
        finite &= match measure {
            Measure::Jeffreys => divergences(q, p, start, others),
            _ => entropies(p.0, p.1, start, others),
        };
        for (kl, other) in out.iter_mut().zip(others) {
            let (sum, sizes) = (*kl + *other, *kl + other.abs());
            *kl = if sum.abs() >= LEFT * sizes { sum } else { f64::NAN };
            finite &= sum.is_finite() && !kl.is_nan();
        }
    }
    finite
}

/// Row `i` where it is, or in the buffer. Not inlined: what it takes on the stack is gone when the row is computed.
#[inline(never)]
pub(crate) fn row_of<'b>(of: &View<'b>, i: usize, buffer: &'b mut [f64]) -> &'b [f64] {
    of.row(i).as_or_in(buffer)
}
