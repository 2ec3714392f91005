//! Divergences of softmaxes, straight from logits: what distillation trains on.
//!
//! ```
//! use kldiv::{Options, logits};
//!
//! let teacher = ndarray::array![[2.0_f32, 1.0, 0.1], [f32::NEG_INFINITY, 3.0, 0.0]];
//! let student = ndarray::array![[1.5_f32, 1.2, 0.0], [f32::NEG_INFINITY, 3.0, 0.0]];
//! let rows = logits::rows(&teacher, &student, &Options::default())?;
//! assert!((rows[0] - 0.0488).abs() < 1e-4);
//! assert_eq!(rows[1], 0.0);
//! # Ok::<(), kldiv::Error>(())
//! ```
//!
//! `D(softmax(a/T) ‖ softmax(b/T))` of each row, with T of [`Options::temperature`], without a factor T². The measure is
//! KL, REVERSE or JENSEN_SHANNON with its weight; GENERALIZED is KL here.
//!
//! # Shapes
//! `a` and `b`: `[rows, classes]`, any strides, any floating-point types.
//! # Masks
//! A logit of −∞ is an impossible class. Impossible in both it contributes nothing; possible in `a` alone, D is
//! infinite. A row that is −∞ throughout is [`Error::ZeroMass`]. NaN and +∞ are [`Error::InvalidEntry`].
//! # Accuracy
//! Differences of logits are taken before anything is rounded: near-equal rows, also those that differ by a constant,
//! keep their digits, and no result is negative. With s = (a − max a)/T, r likewise of b, l = ln(p/q) and c = |l| at the
//! largest a, KL is within `16 u Σ [(p l − p + q)(1 + min(|s|, |r|)) + |q − p| (|l| + 2c)]` of the exact value.
//! A class that is less than e^−700 times as likely as the likeliest counts as impossible in a sum, and in gradients of
//! Jensen-Shannon. Logits beyond 2e307 that differ by as much are [`Error::Overflow`].
//! # Memory
//! Nothing that grows with the row but 80 bytes for each 65,536 classes of a longer one.
//! # Threads, errors
//! As [`batch`](crate::batch): the bits do not depend on threads, strides or instruction sets; a bad row costs no
//! other.

mod compare;
mod few;
mod topk;

pub use self::topk::{topk, topk_into};

use std::ops::Range;

use crate::check::{culprit_logit, needs_float, needs_shape, same_shape};
use crate::error::{Error, Operand};
use crate::kernels;
use crate::kernels::gradient::{Gain, Gradient, MixtureGradient, Slope, Softmaxes};
use crate::kernels::log::ln_1p;
use crate::kernels::op::{Halves, JensenShannon};
use crate::kernels::softmax::Frame;
use crate::logits::compare::Summary;
use crate::memory::reserve;
use crate::pair::ln_base;
use crate::pieces::shares;
use crate::policy::{Measure, Options};
use crate::rows::Rows;
use crate::sum::weighted;
use crate::total::total;
use crate::view::{Row, RowMut, Shape, View, ViewMut};

const A: Operand = Operand::new(0, "a");
const B: Operand = Operand::new(1, "b");

/// The divergence of each row: `out[i] = D(softmax(a[i]/T) ‖ softmax(b[i]/T))`, in nats unless the options have a base.
///
/// One pass over logits that do not fit a cache (two for Jensen-Shannon). See the [module](self) for the rest.
pub fn rows<'a>(
    a: impl Into<View<'a>>,
    b: impl Into<View<'a>>,
    options: &Options,
) -> Result<Vec<f64>, Error> {
    let (a, b) = (a.into(), b.into());
    let mut out = reserve(a.rows())?;
    out.resize(a.rows(), 0.0);
    rows_into(a, b, options, &mut out)?;
    Ok(out)
}

/// As [`rows`], into the caller's memory, one place a row.
pub fn rows_into(a: View, b: View, options: &Options, out: &mut [f64]) -> Result<(), Error> {
    grad_into(a, b, options, None, Some(out), None, None)
}

/// The gradients of [`rows`] with respect to a and b, each row's multiplied by `upstream[i]` (1 where there is none) and
/// by its weight; and the divergences themselves, to `out`, if that is wanted.
///
/// For KL, `∂/∂a = p (ln(p/q) − D) / T` and `∂/∂b = (q − p) / T`. A masked logit gets 0. Where the divergence is
/// infinite no change of a finite logit makes it finite: the gradient with respect to a is 0 there, that with respect to
/// b is (q − p)/T. A masked row gets 0, a bad one NaN.
///
/// `grad_a` and `grad_b`: `[rows, classes]`, any strides and floating-point types, rounded once. See the [module](self).
///
/// # Errors
/// Those of `rows`; [`Error::Dtype`] for an output of counts.
pub fn grad_into(
    a: View,
    b: View,
    options: &Options,
    upstream: Option<&[f64]>,
    out: Option<&mut [f64]>,
    grad_a: Option<&mut ViewMut>,
    grad_b: Option<&mut ViewMut>,
) -> Result<(), Error> {
    let job = Job::new(a, b, options)?;
    let one_a_row = Shape { rows: a.rows(), cols: 1 };
    for (name, len) in [("upstream", upstream.map(<[f64]>::len)), ("out", out.as_ref().map(|out| out.len()))]
    {
        if let Some(len) = len {
            needs_shape(name, Shape { rows: len, cols: 1 }, one_a_row)?;
        }
    }
    let gradient = |name, grad: &ViewMut| {
        needs_shape(name, grad.shape(), a.shape())?;
        needs_float(name, grad.dtype())
    };
    grad_a.as_ref().map_or(Ok(()), |grad| gradient("grad_a", grad))?;
    grad_b.as_ref().map_or(Ok(()), |grad| gradient("grad_b", grad))?;
    let wanted = Wanted {
        out: out.map(ViewMut::from),
        grads: [grad_a.map(|grad| &*grad), grad_b.map(|grad| &*grad)],
        upstream,
    };
    let first = job.rows.ranges(job.together(), |rows| job.some(rows, &wanted));
    job.rows.outcome(first)
}

/// From such a divergence on the normaliser of q is better known from b than from its quotient with that of p, which is good
/// to what p and q differ by.
const OWN: f64 = 1.0;

/// The same of f64, whose sums have no digits to lose, where many outcomes are likely.
const OWN_OF_MANY: f64 = 1.0 / 16.0;

/// Sums of exp((a − max)/T) below this may be of outcomes that are equally certain, and then are near an integer.
const SEVERAL: f64 = 4.0;

/// A call, checked.
struct Job<'a> {
    a: View<'a>,
    b: View<'a>,
    rows: Rows<'a>,
    narrow: bool,
    /// The weight of the Jensen-Shannon divergence, if that is it.
    mixture: Option<f64>,
    scale: f64,
    ln_base: f64,
}

/// What is asked for.
struct Wanted<'a> {
    out: Option<ViewMut<'a>>,
    /// With respect to a and to b.
    grads: [Option<&'a ViewMut<'a>>; 2],
    upstream: Option<&'a [f64]>,
}

/// A row as its gradient needs it.
struct Compared {
    summary: Summary,
    /// In nats.
    value: f64,
    /// D(P‖M) and D(Q‖M).
    halves: (f64, f64),
}

impl<'a> Job<'a> {
    fn new(a: View<'a>, b: View<'a>, options: &'a Options<'a>) -> Result<Self, Error> {
        needs_shape("b", b.shape(), a.shape())?;
        same_shape(&a, &b)?;
        needs_float("a", a.dtype())?;
        needs_float("b", b.dtype())?;
        let rows = Rows::new(a.shape(), options)?;
        options.check_temperature()?;
        let mixture = match options.measure {
            Measure::Kl | Measure::Generalized | Measure::Reverse => None,
            Measure::JensenShannon { weight } => Some(weight),
            other => {
                let expected = "logits have KL, REVERSE and JENSEN_SHANNON";
                return Err(Error::Option { name: "measure", value: other.number(), expected });
            }
        };
        let (scale, ln_base) = (1.0 / options.temperature, ln_base(options));
        // A temperature may be too high for f32 to hold its inverse.
        let narrow = a.dtype().fits_f32() && b.dtype().fits_f32() && (1e-30..1e30).contains(&scale);
        Ok(Job { a, b, rows, narrow, mixture, scale, ln_base })
    }

    fn in_units(&self, nats: f64) -> f64 {
        nats / self.ln_base
    }

    /// Whether the second row is the one that is taken for real.
    fn reversed(&self) -> bool {
        self.rows.options.measure == Measure::Reverse
    }

    /// How many rows are taken at a time.
    fn together(&self) -> usize {
        let few = self.narrow && self.mixture.is_none() && self.a.cols() <= few::FEW;
        if few { few::ROWS } else { 1 }
    }

    /// Answers rows in a row, as many as are taken at a time or fewer, and says what the first error is.
    fn some(&self, rows: Range<usize>, wanted: &Wanted) -> Option<Error> {
        let mut values = [f64::NAN; few::ROWS];
        if self.together() > 1 {
            let mut by = [0.0; few::ROWS];
            for (i, by) in rows.clone().zip(&mut by) {
                *by = self.by(i, wanted);
            }
            let (mut sides, mut grads) = ([&self.a, &self.b], wanted.grads);
            if self.reversed() {
                sides.swap(0, 1);
                grads.swap(0, 1);
            }
            let keeps = |i| self.rows.options.keeps(i);
            few::rows(sides, rows.clone(), keeps, self.scale, &by, grads, &mut values);
        }
        let mut first = None;
        for (i, value) in rows.clone().zip(&mut values) {
            *value = if value.is_nan() || !self.rows.options.keeps(i) {
                self.one(i, wanted, &mut first)
            } else {
                weighted(self.in_units(*value), self.rows.options.weight(i))
            };
        }
        if let Some(out) = &wanted.out {
            // SAFETY: `out` is one row, and no two rows' places in it are the same.
            unsafe { out.row_mut(0).part(rows.start, rows.len()) }.write(0, &values[..rows.len()]);
        }
        first
    }

    /// The value of row `i`, whose gradients it writes; the error, if it is the first. Not inlined: the stack is short.
    #[inline(never)]
    fn one(&self, i: usize, wanted: &Wanted, first: &mut Option<Error>) -> f64 {
        let mut grads = [None, None];
        for (row, grad) in grads.iter_mut().zip(wanted.grads) {
            // SAFETY: each row is asked for once at a time.
            *row = grad.map(|grad| unsafe { grad.row_mut(i) });
        }
        let mut value = 0.0;
        let keeps = self.rows.options.keeps(i);
        if keeps {
            let compared = self.compare(i);
            if let Ok(compared) = &compared {
                self.gradients(i, compared, self.by(i, wanted), &mut grads);
            }
            let nats = compared.map(|compared| self.in_units(compared.value));
            value = self.rows.answer(i, nats, first);
        }
        if value.is_nan() || !keeps {
            grads.iter_mut().flatten().for_each(|grad| grad.fill(value));
        }
        value
    }

    /// What row `i`'s gradients are multiplied by.
    fn by(&self, i: usize, wanted: &Wanted) -> f64 {
        let upstream = wanted.upstream.map_or(1.0, |upstream| upstream[i]);
        upstream * self.rows.options.weight(i) * self.scale / self.ln_base
    }

    /// The two rows, P's first.
    fn sides(&self, i: usize) -> (Row<'a>, Row<'a>) {
        let (a, b) = (self.a.row(i), self.b.row(i));
        if self.reversed() { (b, a) } else { (a, b) }
    }

    fn compare(&self, i: usize) -> Result<Compared, Error> {
        let (p, q) = self.sides(i);
        let summary = if self.narrow {
            compare::rows::<f32>(p, q, self.scale, self.rows.spread)
        } else {
            compare::rows::<f64>(p, q, self.scale, self.rows.spread)
        }?;
        if summary.kl.is_nan() {
            let sides = [(self.a.row(i), A), (self.b.row(i), B)];
            return Err(culprit_logit(&sides, i).unwrap_or(Error::Overflow { row: i }));
        }
        let impossible = summary.impossible();
        let (no_a, no_b) = if self.reversed() { (impossible.1, impossible.0) } else { impossible };
        for (impossible, operand) in [(no_a, A), (no_b, B)] {
            if impossible {
                return Err(Error::ZeroMass { operand, row: i });
            }
        }
        let (value, halves) = match self.mixture {
            None => (summary.kl, (0.0, 0.0)),
            Some(weight) => {
                let softmaxes = self.softmaxes(&self.for_q(summary, p, q));
                let op = Halves(JensenShannon::new(weight));
                let sums = total::<_, _, f64, _, _>(&op, &softmaxes, p, q, self.rows.spread);
                let halves = (sums.plain[0].value(), sums.plain[1].value());
                (weighted(halves.0, weight) + weighted(halves.1, 1.0 - weight), halves)
            }
        };
        Ok(Compared { summary, value, halves })
    }

    /// The summary as it is good for q itself.
    fn for_q(&self, summary: Summary, p: Row, q: Row) -> Summary {
        let many = !self.narrow && summary.weight >= SEVERAL;
        let near = summary.kl < if many { OWN_OF_MANY } else { OWN };
        let own = match summary {
            summary if near => summary,
            apart if self.narrow => compare::with_own_normalisers::<f32>(apart, q, self.scale),
            apart => compare::with_own_normalisers::<f64>(apart, q, self.scale),
        };
        // Next to an outcome that is all but certain, or several that are equally so, all else is too little for sums of
        // the whole to tell: q is made to sum to 1 once more.
        let certain = if near && own.weight < SEVERAL { own.weight.round() } else { 1.0 };
        let others = (own.weight - certain).abs() / own.weight;
        let unit = if self.narrow { compare::unit::<f32>() } else { compare::unit::<f64>() };
        if own.kl == 0.0 || own.kl < 8.0 * (others - unit) {
            return own;
        }
        let sums = total::<_, _, f64, _, _>(&Gain, &self.softmaxes(&own), p, q, self.rows.spread);
        own.raised(-ln_1p(sums.exact[0].value()), self.scale, unit)
    }

    fn softmaxes(&self, summary: &Summary) -> Softmaxes {
        let frame = Frame { max: summary.max, anchor: summary.delta, rest: summary.rest, scale: self.scale };
        Softmaxes { frame, unit: 1.0 / summary.weight }
    }

    /// Writes those gradients with respect to a and to b that are wanted.
    fn gradients(&self, i: usize, compared: &Compared, by: f64, grads: &mut [Option<RowMut>; 2]) {
        if grads.iter().all(Option::is_none) {
            return;
        }
        let spread = self.rows.spread;
        let (p, q) = self.sides(i);
        // Of P and Q, as the kernels know them.
        if self.reversed() {
            grads.swap(0, 1);
        }
        let Softmaxes { frame, unit } = self.softmaxes(&self.for_q(compared.summary, p, q));
        if let Some(weight) = self.mixture {
            let (halves, weights) = (compared.halves, (weight, 1.0 - weight));
            let softmaxes = &Softmaxes { frame, unit };
            shares::<f64, 2, 2>([p, q], grads, spread, |[a, b], [of_a, of_b]| {
                kernels::dispatch(MixtureGradient { a, b, softmaxes, weights, halves, by, of_a, of_b });
            });
            return;
        }
        let slope = &Slope { frame, kl: compared.summary.kl, by: by * unit };
        if self.narrow {
            shares::<f32, 2, 2>([p, q], grads, spread, |[a, b], [of_a, of_b]| {
                kernels::dispatch(Gradient { a, b, slope, of_a, of_b });
            });
        } else {
            shares::<f64, 2, 2>([p, q], grads, spread, |[a, b], [of_a, of_b]| {
                kernels::dispatch(Gradient { a, b, slope, of_a, of_b });
            });
        }
    }
}
