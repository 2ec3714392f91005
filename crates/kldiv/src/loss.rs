//! PyTorch's KLDivLoss: from log-probabilities, with reductions and gradients.
//!
//! ```
//! use kldiv::{Options, loss};
//! use ndarray::array;
//!
//! // In PyTorch: nn.KLDivLoss(reduction="sum")(Q.log(), P).
//! let (p, q) = (array![[0.5, 0.5]], array![[0.7_f64, 0.3]]);
//! let nats = loss::loss(&q.mapv(f64::ln), &p, &Options::default())?;
//! assert_eq!(format!("{nats:.4}"), "0.0872");
//! # Ok::<(), kldiv::Error>(())
//! ```
//!
//! The order is PyTorch's: first the input, ln q, then the target, p, or ln p with [`Options::log_target`].
//! An element is `t (ln t − x)`, or `eᵗ (t − x)`.
//!
//! # Shapes
//! `input` and `target`: `[rows, classes]`, any strides; floating-point types, which may differ.
//! # Reductions
//! SUM adds all elements; MEAN divides that by their number, BATCHMEAN by the number of rows: it is BATCHMEAN that is the
//! mean divergence. A row's elements are multiplied by its weight; with weights the number of rows is their sum, of the
//! rows that the mask keeps.
//! # Zeros
//! A target of 0, or of −∞ with `log_target`, contributes 0 whatever the input is, −∞ included. A possible target with
//! an input of −∞ makes the loss infinite.
//! # Accuracy
//! `16 u Σ t (|ln t| + |x|)`, or `16 u Σ eᵗ |t − x|`, reduced alike. Sums are in f64 whatever the types.
//! # Errors
//! [`Error::InvalidEntry`] names an input that is NaN or +∞, a target that is NaN, +∞ or, as a probability, negative.
//! [`Error::Overflow`] names a row with elements that overflow to both infinities or, where some rows overflow to ∞ and
//! others to −∞, the least of them: the sum is no number then.
//! Threads and the rest as [`batch`](crate::batch).

use std::ops::Range;

use crate::check::{culprit_logit, fault, needs_float, needs_shape, same_shape};
use crate::error::{Error, Operand};
use crate::kernels;
use crate::kernels::lanes::Vector;
use crate::kernels::loss::{OfLogarithm, OfProbability, Part};
use crate::kernels::prepare::AsGiven;
use crate::pair::ln_base;
use crate::pieces::{PIECE, pieces};
use crate::policy::{Options, Reduction};
use crate::rows::Rows;
use crate::short;
use crate::total::total;
use crate::view::{Row, RowMut, Shape, View, ViewMut};

const INPUT: Operand = Operand::new(0, "input");
const TARGET: Operand = Operand::new(1, "target");

/// The loss, reduced to one number.
pub fn loss<'a>(
    input: impl Into<View<'a>>,
    target: impl Into<View<'a>>,
    options: &Options,
) -> Result<f64, Error> {
    let mut out = 0.0;
    loss_into(input.into(), target.into(), options, &mut out)?;
    Ok(out)
}

/// As [`loss`], into the caller's memory. NaN where a row is bad.
pub fn loss_into(input: View, target: View, options: &Options, out: &mut f64) -> Result<(), Error> {
    let job = Job::new(input, target, options)?;
    let (sum, first) = job.rows.sum::<1>(|start, out| {
        short::stretch(
            &job.rows,
            start,
            out,
            |place, out| job.eight(start + place, out),
            |place| job.row(start + place),
        )
    })?;
    *out = quotient(sum, job.divisor(), job.ln_base);
    job.rows.outcome(first)
}

/// The losses of single rows of `cols` elements, each a sum in nats times its weight, as the one number that [`loss`]
/// makes of them, to the bit: for rows that do not lie in one matrix and were computed one by one.
pub fn reduce_rows(values: &[f64], cols: usize, options: &Options) -> Result<f64, Error> {
    let rows = Rows::new(Shape { rows: values.len(), cols: 1 }, options)?;
    Ok(quotient(rows.sum_of(values)?, divisor(&rows, cols), ln_base(options)))
}

/// What one element's part in the loss of `rows` rows of `cols` elements is multiplied by: 1, or one over what the
/// reduction divides by; 0 where no weight is kept.
pub fn share(rows: usize, cols: usize, options: &Options) -> Result<f64, Error> {
    let rows = Rows::new(Shape { rows, cols: 1 }, options)?;
    Ok(share_of(divisor(&rows, cols)))
}

/// Where no weight is kept, none is left to divide.
fn share_of(divisor: f64) -> f64 {
    if divisor == 0.0 { 0.0 } else { 1.0 / divisor }
}

/// The sum, divided by what it is divided by; where no weight is kept, 0.
fn quotient(sum: f64, divisor: f64, ln_base: f64) -> f64 {
    match divisor {
        0.0 if !sum.is_nan() => 0.0,
        divisor => sum / divisor / ln_base,
    }
}

/// What the sum of all elements is divided by.
fn divisor(rows: &Rows, cols: usize) -> f64 {
    match rows.options.reduction {
        Reduction::Sum => 1.0,
        Reduction::Mean => rows.kept_weight() * cols as f64,
        Reduction::BatchMean => rows.kept_weight(),
    }
}

/// Each element of the loss, times its row's weight, rounded to the type of `out`: PyTorch's `reduction="none"`.
///
/// # Errors
/// [`Error::Dtype`] for an output of counts; else as [`loss`]. A bad row is NaN, a masked one 0.
pub fn pointwise_into(input: View, target: View, options: &Options, out: &mut ViewMut) -> Result<(), Error> {
    let job = Job::new(input, target, options)?;
    job.writable("out", out)?;
    job.rows.outcome(job.write(&[(Part::Value, Some(out))], 1.0 / job.ln_base, None))
}

/// The gradients of the loss with respect to input and target: `−t` and `ln t − x + 1`, or `−eᵗ` and `eᵗ (t − x + 1)`,
/// divided as the reduction divides, times `upstream`, which is 1 where there is none.
///
/// An upstream of one element belongs to the reduced loss; one of the inputs' shape to [`pointwise_into`], where nothing
/// is divided. With respect to a target of 0 the gradient is the one-sided limit: −∞, or ∞ where the input is −∞; with
/// respect to a logarithm of −∞ it is 0. A masked row gets 0, a bad one NaN.
///
/// # Errors
/// [`Error::ShapeMismatch`] for an upstream or an output of another shape, [`Error::Dtype`] for an output of counts; else
/// as [`loss`].
pub fn grad_into(
    input: View,
    target: View,
    options: &Options,
    upstream: Option<View>,
    grad_input: Option<&mut ViewMut>,
    grad_target: Option<&mut ViewMut>,
) -> Result<(), Error> {
    let job = Job::new(input, target, options)?;
    let one = Shape { rows: 1, cols: 1 };
    let share = share_of(job.divisor());
    let (mut scale, mut each) = (1.0 / job.ln_base, None);
    match upstream {
        Some(upstream) => {
            if upstream.shape() != one {
                needs_shape("upstream", upstream.shape(), input.shape())?;
            }
            needs_float("upstream", upstream.dtype())?;
            if upstream.shape() == one {
                scale *= upstream.row(0).get(0) * share;
            } else {
                each = Some(upstream);
            }
        }
        None => scale *= share,
    }
    let (grad_input, grad_target) = (grad_input.map(|grad| &*grad), grad_target.map(|grad| &*grad));
    grad_input.map_or(Ok(()), |grad| job.writable("grad_input", grad))?;
    grad_target.map_or(Ok(()), |grad| job.writable("grad_target", grad))?;
    let wanted = [(Part::ByInput, grad_input), (Part::ByTarget, grad_target)];
    job.rows.outcome(job.write(&wanted, scale, each))
}

/// A call, checked.
struct Job<'a> {
    input: View<'a>,
    target: View<'a>,
    rows: Rows<'a>,
    narrow: bool,
    ln_base: f64,
}

impl<'a> Job<'a> {
    fn new(input: View<'a>, target: View<'a>, options: &'a Options<'a>) -> Result<Self, Error> {
        needs_shape("target", target.shape(), input.shape())?;
        same_shape(&input, &target)?;
        needs_float("input", input.dtype())?;
        if options.log_target {
            needs_float("target", target.dtype())?;
        }
        let rows = Rows::new(input.shape(), options)?;
        let narrow = input.dtype().fits_f32() && target.dtype().fits_f32();
        Ok(Job { input, target, rows, narrow, ln_base: ln_base(options) })
    }

    fn writable(&self, name: &'static str, out: &ViewMut) -> Result<(), Error> {
        needs_shape(name, out.shape(), self.input.shape())?;
        needs_float(name, out.dtype())
    }

    fn divisor(&self) -> f64 {
        divisor(&self.rows, self.input.cols())
    }

    /// The sum of row `i`, in nats and without its weight. Not inlined: the stack is short.
    #[inline(never)]
    fn row(&self, i: usize) -> Result<f64, Error> {
        let (part, by) = (Part::Value, 1.0);
        let sum = match (self.rows.options.log_target, self.narrow) {
            (true, true) => self.total::<_, f32>(&OfLogarithm { part, by }, i),
            (true, false) => self.total::<_, f64>(&OfLogarithm { part, by }, i),
            (false, true) => self.total::<_, f32>(&OfProbability { part, by }, i),
            (false, false) => self.total::<_, f64>(&OfProbability { part, by }, i),
        };
        if sum.is_nan() { Err(self.culprit(i)) } else { Ok(sum) }
    }

    /// The sums of eight rows from row `i` on, if there is a way; says how many it wrote. See [`short::stretch`].
    fn eight(&self, i: usize, out: &mut [f64]) -> usize {
        let (part, by) = (Part::Value, 1.0);
        match (self.rows.options.log_target, self.narrow) {
            (true, true) => self.eight_with::<_, f32>(&OfLogarithm { part, by }, i, out),
            (true, false) => self.eight_with::<_, f64>(&OfLogarithm { part, by }, i, out),
            (false, true) => self.eight_with::<_, f32>(&OfProbability { part, by }, i, out),
            (false, false) => self.eight_with::<_, f64>(&OfProbability { part, by }, i, out),
        }
    }

    fn eight_with<O: kernels::op::Op<1, 0>, T: Vector>(&self, op: &O, i: usize, out: &mut [f64]) -> usize {
        short::eight::<T>(&self.target, &self.input, i, out, |target, input, cols, out| {
            // SAFETY: eight rows are readable.
            unsafe { kernels::rows(op, target, input, cols, out) };
        })
    }

    fn total<O: kernels::op::Op<1, 0>, T: Vector>(&self, op: &O, i: usize) -> f64 {
        let (target, input) = (self.target.row(i), self.input.row(i));
        total::<_, _, T, 1, 0>(op, &AsGiven, target, input, self.rows.spread).plain[0].value()
    }

    /// Writes those parts that are wanted, times `scale`, a row's weight and, element by element, `each`. A masked row is 0
    /// everywhere, one with a bad entry NaN; says which entry is the first of these.
    fn write(&self, wanted: &[(Part, Option<&ViewMut>)], scale: f64, each: Option<View>) -> Option<Error> {
        self.rows.ranges(self.rows.a_range(), |rows| {
            // Rows that nothing tells apart are one, unless one of them is bad.
            let alike = each.is_none() && self.rows.alike(&rows);
            if alike
                && wanted
                    .iter()
                    .all(|(part, out)| out.is_none_or(|out| self.write_as_one(&rows, *part, scale, out)))
            {
                return None;
            }
            rows.fold(None, |first, i| first.or(self.write_row(i, wanted, scale, each)))
        })
    }

    /// Whether that could be done, and every element is a number.
    fn write_as_one(&self, rows: &Range<usize>, part: Part, by: f64, out: &ViewMut) -> bool {
        // SAFETY: each row is asked for once at a time.
        let out = unsafe { out.rows_as_one(rows.start, rows.len()) };
        let as_one = |view: View<'a>| view.some_rows(rows.start, rows.len()).as_one_row();
        match (as_one(self.target), as_one(self.input), out) {
            (Some(target), Some(input), Some(mut out)) => {
                self.write_part([target, input], part, by, None, &mut out)
            }
            _ => false,
        }
    }

    /// Not inlined: the stack is short.
    #[inline(never)]
    fn write_row(
        &self,
        i: usize,
        wanted: &[(Part, Option<&ViewMut>)],
        scale: f64,
        each: Option<View>,
    ) -> Option<Error> {
        let options = self.rows.options;
        let mut first = None;
        for (part, out) in wanted {
            let Some(out) = out else { continue };
            // SAFETY: each row of each is asked for once at a time.
            let mut out = unsafe { out.row_mut(i) };
            if !options.keeps(i) {
                out.fill(0.0);
                continue;
            }
            let (rows, by) = ([self.target.row(i), self.input.row(i)], scale * options.weight(i));
            if !self.write_part(rows, *part, by, each.map(|each| each.row(i)), &mut out) {
                out.fill(f64::NAN);
                first = first.or_else(|| Some(self.culprit(i)));
            }
        }
        first
    }

    /// Writes a part of a target and an input, times `by` and, element by element, `each`; says whether every element is a
    /// number.
    fn write_part(&self, given: [Row; 2], part: Part, by: f64, each: Option<Row>, out: &mut RowMut) -> bool {
        match (self.rows.options.log_target, self.narrow) {
            (true, true) => write::<_, f32>(&OfLogarithm { part, by }, given, each, out),
            (true, false) => write::<_, f64>(&OfLogarithm { part, by }, given, each, out),
            (false, true) => write::<_, f32>(&OfProbability { part, by }, given, each, out),
            (false, false) => write::<_, f64>(&OfProbability { part, by }, given, each, out),
        }
    }

    /// The first bad entry of row `i`.
    #[cold]
    fn culprit(&self, i: usize) -> Error {
        let (input, target) = (self.input.row(i), self.target.row(i));
        if let Some(error) = culprit_logit(&[(input, INPUT)], i) {
            return error;
        }
        if self.rows.options.log_target {
            return culprit_logit(&[(target, TARGET)], i).unwrap_or(Error::Overflow { row: i });
        }
        let found = (0..target.len()).find_map(|col| {
            let value = target.get(col);
            let expected = "probabilities and counts are finite and at least 0";
            Some(Error::InvalidEntry { operand: TARGET, row: i, col, value, fault: fault(value)?, expected })
        });
        found.unwrap_or(Error::Overflow { row: i })
    }
}

/// See [`Job::write_part`].
fn write<O: kernels::op::Op<1, 0>, T: Vector>(
    op: &O,
    given: [Row; 2],
    each: Option<Row>,
    out: &mut RowMut,
) -> bool {
    let mut numbers = true;
    let Some(each) = each else {
        pieces::<T, 2, 1>(given, &mut [Some(out.whole())], |[target, input], [out]| {
            numbers &= kernels::write(op, &AsGiven, target, input, out);
        });
        return numbers;
    };
    let mut values = [T::ZERO; PIECE];
    let n = each.len();
    for start in (0..n).step_by(PIECE) {
        let len = PIECE.min(n - start);
        let values = &mut values[..len];
        let made = ViewMut::from(&mut *values);
        // SAFETY: nobody else has the buffer.
        let mut row = [Some(unsafe { made.row_mut(0) })];
        pieces::<T, 2, 1>(given.map(|row| row.part(start, len)), &mut row, |[target, input], [out]| {
            numbers &= kernels::write(op, &AsGiven, target, input, out);
        });
        for (j, value) in values.iter_mut().enumerate() {
            let upstream = each.get(start + j);
            // Nothing of an infinite gradient is nothing.
            *value = if upstream == 0.0 { T::ZERO } else { *value * T::from_f64(upstream) };
        }
        out.write(start, values);
    }
    numbers
}
