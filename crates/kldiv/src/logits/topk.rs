//! A teacher of which only the k most likely classes were kept, against all logits of a student.

use crate::check::{culprit_logit, needs_float, needs_shape};
use crate::error::{Error, Operand};
use crate::kernels::exp::{exp_of, parts_of};
use crate::kernels::lanes::{Numbers, Vector, two_difference};
use crate::kernels::log::{ln, ln_1p};
use crate::kernels::op::{Gap, Op};
use crate::kernels::scalar::One;
use crate::logits::compare::{Seen, exponentials, largest};
use crate::memory::reserve;
use crate::pair::ln_base;
use crate::policy::{Measure, Options, TopK};
use crate::rows::Rows;
use crate::sum::{Compensated, weighted};
use crate::view::{Dtype, Row, RowMut, Shape, View, ViewMut};

const VALUES: Operand = Operand::new(0, "values");
const INDICES: Operand = Operand::new(1, "indices");
const STUDENT: Operand = Operand::new(2, "b");

/// KL of a sparse target, `values[i, j]` for class `indices[i, j]`, against `softmax(b[i]/T)`.
///
/// What the values are is [`Options::topk`]: logits that are divided by T and made to sum to 1 by themselves, or
/// log-probabilities that are made to sum to 1, or log-probabilities whose missing mass is one more outcome, which stands
/// for all classes that are not named; the student's mass on those is its counterpart.
///
/// # Shapes
/// `values`: `[rows, k]`, any strides and floating-point type; `indices`: `rows · k`, row by row; `b`: `[rows, classes]`.
/// # Accuracy
/// In f64, from differences of logits that are taken before anything is rounded. Missing mass is 1 less the sum of the
/// given probabilities, with what their rounding left in it: below the rounding of the values' type it counts as 0
/// where no class is left for it.
/// # Errors
/// [`Error::Index`] names an index that is out of range or repeated in its row; [`Error::NotNormalized`] a row whose
/// log-probabilities sum to more than 1 and their rounding explain; [`Error::Option`] a temperature with
/// log-probabilities, or a measure other than KL; [`Error::ZeroMass`] a row that is −∞ throughout. The rest as
/// [`rows`](super::rows).
pub fn topk<'a>(
    values: impl Into<View<'a>>,
    indices: &[i64],
    b: impl Into<View<'a>>,
    options: &Options,
) -> Result<Vec<f64>, Error> {
    let (values, b) = (values.into(), b.into());
    let mut out = reserve(values.rows())?;
    out.resize(values.rows(), 0.0);
    topk_into(values, indices, b, options, None, Some(&mut out), None)?;
    Ok(out)
}

/// As [`topk`], into the caller's memory, with the gradient with respect to b, which is multiplied by `upstream[i]` (1
/// where there is none) and by the row's weight: `(q − p)/T`, and for classes that are not named q less their share of
/// the missing mass.
pub fn topk_into(
    values: View,
    indices: &[i64],
    b: View,
    options: &Options,
    upstream: Option<&[f64]>,
    out: Option<&mut [f64]>,
    grad_b: Option<&mut ViewMut>,
) -> Result<(), Error> {
    let rows = values.rows();
    needs_shape("b", b.shape(), Shape { rows, cols: b.cols() })?;
    if values.cols() == 0 || b.cols() == 0 {
        return Err(Error::Empty);
    }
    needs_shape(
        "indices",
        Shape { rows: indices.len(), cols: 1 },
        Shape { rows: values.elements(), cols: 1 },
    )?;
    for (name, len) in [("upstream", upstream.map(<[f64]>::len)), ("out", out.as_ref().map(|out| out.len()))]
    {
        if let Some(len) = len {
            needs_shape(name, Shape { rows: len, cols: 1 }, Shape { rows, cols: 1 })?;
        }
    }
    if let Some(grad) = &grad_b {
        needs_shape("grad_b", grad.shape(), b.shape())?;
        needs_float("grad_b", grad.dtype())?;
    }
    needs_float("values", values.dtype())?;
    needs_float("b", b.dtype())?;
    if !matches!(options.measure, Measure::Kl | Measure::Generalized) {
        let value = options.measure.number();
        return Err(Error::Option { name: "measure", value, expected: "sparse targets have KL" });
    }
    options.check_temperature()?;
    if options.topk == TopK::LogProbsTail {
        options.check_mass_tolerance()?;
    }
    if options.topk != TopK::LogitsRenormalized && options.temperature != 1.0 {
        let expected = "log-probabilities were made at their own temperature; leave it at 1";
        return Err(Error::Option { name: "temperature", value: options.temperature, expected });
    }
    let job =
        Job { values, indices, b, rows: Rows::new(b.shape(), options)?, scale: 1.0 / options.temperature };
    let out = out.map(ViewMut::from);
    let grad_b = grad_b.map(|grad| &*grad);
    let ln_base = ln_base(options);
    let first = job.rows.each(|i| {
        // SAFETY: each row is asked for once.
        let mut grad = grad_b.map(|grad| unsafe { grad.row_mut(i) });
        let mut first = None;
        let mut value = 0.0;
        if options.keeps(i) {
            let weight = options.weight(i);
            let by = upstream.map_or(1.0, |upstream| upstream[i]) * weight * job.scale / ln_base;
            value = match job.row(i, by, &mut grad) {
                Ok(nats) => weighted(nats / ln_base, weight),
                Err(error) => {
                    first = Some(error);
                    f64::NAN
                }
            };
        }
        if let Some(grad) = grad.as_mut().filter(|_| value.is_nan() || !options.keeps(i)) {
            grad.fill(value);
        }
        if let Some(out) = &out {
            // SAFETY: no two rows' places are the same.
            unsafe { out.row_mut(0).part(i, 1) }.write(0, &[value]);
        }
        first
    });
    job.rows.outcome(first)
}

struct Job<'a> {
    values: View<'a>,
    indices: &'a [i64],
    b: View<'a>,
    rows: Rows<'a>,
    scale: f64,
}

/// A mass below this is known by its logarithm alone.
const TINY: f64 = 1e-280;

/// A named class: its index, the teacher's value, the student's logit.
struct Named {
    class: usize,
    value: f64,
    logit: f64,
}

impl Job<'_> {
    /// The classes that row `i` names, in the order of their indices.
    fn named(&self, i: usize) -> Result<Vec<Named>, Error> {
        let k = self.values.cols();
        let (values, b) = (self.values.row(i), self.b.row(i));
        let indices = &self.indices[i * k..(i + 1) * k];
        if let Some(error) = culprit_logit(&[(values, VALUES)], i) {
            return Err(error);
        }
        let wrong = |col: usize, expected| Error::Index {
            operand: INDICES,
            row: i,
            col,
            index: indices[col],
            expected,
        };
        if let Some(col) = indices.iter().position(|&index| !(0..b.len() as i64).contains(&index)) {
            return Err(wrong(col, "an index is from 0 to the number of classes less 1"));
        }
        let mut order = reserve(k)?;
        order.extend(0..k);
        order.sort_unstable_by_key(|&col| (indices[col], col));
        let again = order.windows(2).filter(|pair| indices[pair[0]] == indices[pair[1]]);
        if let Some(col) = again.map(|pair| pair[1]).min() {
            return Err(wrong(col, "an index stands once in its row"));
        }
        let mut named = reserve(k)?;
        named.extend(order.iter().map(|&col| {
            let class = indices[col] as usize;
            Named { class, value: values.get(col), logit: b.get(class) }
        }));
        Ok(named)
    }

    /// The divergence of row `i`; writes its gradient.
    fn row(&self, i: usize, by: f64, grad: &mut Option<RowMut>) -> Result<f64, Error> {
        let b = self.b.row(i);
        let named = self.named(i)?;
        let (rest_max, rest_weight) = self.rest(&b, &named);
        let top = Top::of(&named, self.scale);
        if rest_max.is_nan() || rest_weight.is_nan() || top.kl.is_nan() {
            return Err(culprit_logit(&[(b, STUDENT)], i).unwrap_or(Error::Overflow { row: i }));
        }
        if top.weight_p == 0.0 {
            return Err(Error::ZeroMass { operand: VALUES, row: i });
        }
        if top.weight_q == 0.0 && rest_weight == 0.0 {
            return Err(Error::ZeroMass { operand: STUDENT, row: i });
        }
        // The student's mass on named classes and on the others.
        let max = top.max_q.max(rest_max);
        let of_top = top.weight_q * exp_of((top.max_q - max) * self.scale);
        let of_rest = rest_weight * exp_of((rest_max - max) * self.scale);
        let weight = of_top + of_rest;
        let (q_top, q_rest) = (of_top / weight, of_rest / weight);
        let (p_top, missing) = self.masses(i, &named, rest_weight == 0.0)?;
        // Of each side's logarithm, what is left of it where the side itself is too small for a number.
        let ln_of = |max_of: f64, weight_of: f64| (max_of - max) * self.scale + ln(weight_of) - ln(weight);
        let ln_top = ln_of(top.max_q, top.weight_q);
        // −ln of the student's mass on the named classes, or the divergence between the two ways of dividing 1 in two.
        let between = if missing == 0.0 {
            if q_top > TINY { ln_1p(q_rest / q_top) } else { -ln_top }
        } else if q_top > TINY && q_rest > TINY {
            Gap.edge(p_top, q_top).plain[0] + Gap.edge(missing, q_rest).plain[0]
        } else {
            let of_top = if p_top > 0.0 { p_top * (ln(p_top) - ln_top) } else { 0.0 };
            of_top + missing * (ln(missing) - ln_of(rest_max, rest_weight))
        };
        let value = weighted(top.kl, p_top) + between;
        if let Some(grad) = grad {
            // The same number twice; the smaller masses have more of its digits.
            let more = if missing < 0.5 { q_rest - missing } else { p_top - q_top };
            let rest_by = if rest_weight > 0.0 { by * more / rest_weight } else { 0.0 };
            self.write_all(&b, if rest_weight > 0.0 { rest_max } else { 0.0 }, rest_by, grad);
            let shift = ln_top - ln(p_top);
            for named in &named {
                let p = exp_of((named.value - top.max_p) * self.scale) / top.weight_p * p_top;
                let y = top.exponent(named, self.scale) + shift;
                let gradient = if named.logit == f64::NEG_INFINITY {
                    0.0
                } else if y.abs() < 1.0 {
                    p * parts_of(y).0
                } else {
                    exp_of((named.logit - max) * self.scale) / weight - p
                };
                grad.write(named.class, &[by * gradient]);
            }
        }
        Ok(value)
    }

    /// The teacher's mass on named classes and that on others, of which there are none if it is `closed`.
    fn masses(&self, i: usize, named: &[Named], closed: bool) -> Result<(f64, f64), Error> {
        if self.rows.options.topk != TopK::LogProbsTail {
            return Ok((1.0, 0.0));
        }
        let (mut sum, mut rounding) = (Compensated::ZERO, 0.0);
        for Named { value, .. } in named {
            let p = exp_of(*value);
            sum.add(p);
            if p > 0.0 {
                rounding += p * value.abs();
            }
        }
        let missing = -sum.minus(Compensated { hi: 1.0, lo: 0.0 });
        let ulp = match self.values.dtype() {
            Dtype::F64 => 2f64.powi(-52),
            Dtype::F32 => 2f64.powi(-23),
            Dtype::F16 => 2f64.powi(-10),
            _ => 2f64.powi(-7),
        };
        let tolerance = self.rows.options.mass_tolerance + ulp * rounding;
        if -missing > tolerance || (closed && missing > tolerance && named.len() == self.b.cols()) {
            return Err(Error::NotNormalized { operand: VALUES, row: i, sum: sum.value(), tolerance });
        }
        let whole = missing <= 0.0 || (closed && missing <= tolerance);
        // Where little is named, 1 less the missing mass has none of its digits.
        Ok(if whole { (1.0, 0.0) } else { (sum.value(), missing) })
    }

    /// The largest logit that is not named, and the sum of exp((b − largest)/T) over those.
    fn rest(&self, b: &Row, named: &[Named]) -> (f64, f64) {
        if b.dtype().fits_f32() { self.rest_of::<f32>(b, named) } else { self.rest_of::<f64>(b, named) }
    }

    fn rest_of<T: Vector>(&self, b: &Row, named: &[Named]) -> (f64, f64) {
        let max = runs(b, named).map(|run| largest::<T>(run)).fold(f64::NEG_INFINITY, f64::max);
        let frame = Compensated { hi: if max == f64::NEG_INFINITY { 0.0 } else { max }, lo: 0.0 };
        let mut sum = Compensated::ZERO;
        runs(b, named).for_each(|run| sum.add(exponentials::<T>(run, frame, self.scale, 1.0, None)));
        (max, sum.value())
    }

    /// Writes `by exp((b − max)/T)` everywhere.
    fn write_all(&self, b: &Row, max: f64, by: f64, grad: &RowMut) {
        let max = Compensated { hi: max, lo: 0.0 };
        if b.dtype().fits_f32() {
            exponentials::<f32>(*b, max, self.scale, by, Some(grad));
        } else {
            exponentials::<f64>(*b, max, self.scale, by, Some(grad));
        }
    }
}

/// The stretches of a row between named classes.
fn runs<'r>(b: &'r Row<'r>, named: &'r [Named]) -> impl Iterator<Item = Row<'r>> {
    let starts = std::iter::once(0).chain(named.iter().map(|named| named.class + 1));
    let ends = named.iter().map(|named| named.class).chain(std::iter::once(b.len()));
    starts.zip(ends).filter(|(start, end)| start < end).map(|(start, end)| b.part(start, end - start))
}

/// Teacher and student over the named classes alone.
struct Top {
    /// The largest value, and the sum of exp((value − largest)/T).
    max_p: f64,
    weight_p: f64,
    /// The same of the student's logits.
    max_q: f64,
    weight_q: f64,
    /// What a logit less its value is, on average: T times the difference of the normalisers.
    delta: Compensated,
    /// Between the two, each made to sum to 1.
    kl: f64,
}

impl Top {
    fn of(named: &[Named], scale: f64) -> Top {
        let (mut max_p, mut max_q) = (f64::NEG_INFINITY, f64::NEG_INFINITY);
        let mut invalid = false;
        for Named { value, logit, .. } in named {
            invalid |= value.is_nan() || !(*logit < f64::INFINITY);
            (max_p, max_q) = (max_p.max(*value), max_q.max(*logit));
        }
        let (mut weight_p, mut weight_q) = (Compensated::ZERO, Compensated::ZERO);
        for Named { value, logit, .. } in named {
            if max_p > f64::NEG_INFINITY {
                weight_p.add(exp_of((value - max_p) * scale));
            }
            if max_q > f64::NEG_INFINITY {
                weight_q.add(exp_of((logit - max_q) * scale));
            }
        }
        let (weight_p, weight_q) = (weight_p.value(), weight_q.value());
        let delta = Compensated { hi: 0.0, lo: 0.0 };
        let mut top = Top { max_p, weight_p, max_q, weight_q, delta, kl: f64::INFINITY };
        if invalid {
            top.kl = f64::NAN;
        } else if weight_p == 0.0 {
            top.kl = 0.0;
        } else if weight_q > 0.0 {
            top.compare(named, scale);
        }
        top
    }

    /// ln(q/p) of a class, of what is normalised over the named ones.
    fn exponent(&self, Named { value, logit, .. }: &Named, scale: f64) -> f64 {
        let (difference, rest) = two_difference(One::splat(*logit), One::splat(*value));
        ((difference.0[0] + self.delta.hi) + (rest.0[0] + self.delta.lo)) * scale
    }

    fn compare(&mut self, named: &[Named], scale: f64) {
        self.delta = Compensated { hi: self.max_p, lo: 0.0 };
        self.delta.add(-self.max_q);
        self.delta.add((ln(self.weight_p) - ln(self.weight_q)) / scale);
        let own = self.delta;
        // The first look finds the mean difference, the second what is left around it.
        for look in 0..2 {
            let (mut curved, mut straight) = (Compensated::ZERO, Compensated::ZERO);
            for class in named {
                let Named { value, logit, .. } = class;
                let p = exp_of((value - self.max_p) * scale) / self.weight_p;
                // Relative to P's normaliser, as delta has it.
                let q = exp_of(((logit - self.max_p) + self.delta.value()) * scale) / self.weight_p;
                let y = self.exponent(class, scale);
                if *value > f64::NEG_INFINITY && *logit == f64::NEG_INFINITY {
                    self.delta = own;
                    return;
                } else if p == 0.0 {
                    curved.add(q);
                } else if y.abs() < 700.0 {
                    curved.add(p * parts_of(y).1);
                    straight.add(p * y);
                } else {
                    // So far apart that nothing cancels.
                    curved.add(q - p - p * y);
                    straight.add(p * y);
                }
            }
            let Some(seen) = Seen::of(curved.value(), straight.value()) else { break };
            if look == 0 {
                self.delta.add(-seen.mean / scale);
            } else {
                self.delta.add(-seen.ln_mean / scale);
                self.kl = seen.kl;
                return;
            }
        }
        self.delta = own;
        let mut sum = Compensated::ZERO;
        for Named { value, logit, .. } in named {
            let p = exp_of((value - self.max_p) * scale) / self.weight_p;
            if p > 0.0 {
                sum.add(p * ((value - self.max_p) - (logit - self.max_q)) * scale);
            }
        }
        self.kl = (sum.value() - ln(self.weight_p) + ln(self.weight_q)).max(0.0);
    }
}
