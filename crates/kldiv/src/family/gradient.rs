//! Divergences with their derivatives by the parameters.

use std::ops::Range;

use crate::check::{needs_float, needs_shape};
use crate::error::Error;
use crate::family::blocks::{has_slopes, slopes};
use crate::family::job::{Job, row_of};
use crate::family::names::Family;
use crate::family::one::gradient;
use crate::family::shares::{Eight, Wanted};
use crate::kernels::slopes::{Made, PAIRS};
use crate::memory::zeros;
use crate::policy::{Measure, Options};
use crate::sum::weighted;
use crate::view::{Dtype, Shape, View, ViewMut};

/// The divergences and their derivatives by the parameters: `grad[i, j] = upstream[i] ∂out[i]/∂params[i, j]`.
///
/// For pairs of one family: normal, gamma, beta, Bernoulli, categorical (either by probabilities or logits), Dirichlet,
/// multivariate normal by Cholesky factors. Others are [`Error::UnsupportedPair`], other measures [`Error::Option`].
/// Probabilities of a categorical distribution are divided by their sum, and the derivative is that of the whole. By a
/// probability of 0 it is the limit from inside; by an entry above the diagonal of a factor it is 0.
///
/// `upstream` has an entry a row, None being 1; `out`, `grad_p` and `grad_q` are written where they are given, the
/// gradients of the shape of their parameters. A row's weight multiplies all of it; a masked or bad row's gradients are
/// 0 or NaN. See the [module](crate::family) for the rest.
#[allow(clippy::too_many_arguments, reason = "both sides have three")]
pub fn kl_grad(
    p_family: Family,
    p_params: View,
    q_family: Family,
    q_params: View,
    options: &Options,
    upstream: Option<&[f64]>,
    out: Option<&mut [f64]>,
    grad_p: Option<&mut ViewMut>,
    grad_q: Option<&mut ViewMut>,
) -> Result<(), Error> {
    if options.measure != Measure::Kl {
        return Err(options.measure.refused("gradients are those of KL"));
    }
    if !(p_family == q_family && GRADIENTS.contains(&p_family)) {
        return Err(Error::UnsupportedPair { p: p_family.name(), q: q_family.name() });
    }
    let job = Job::new(p_family, p_params, q_family, q_params, options)?;
    let column = |len| Shape { rows: len, cols: 1 };
    let out = out.map(|out| {
        // SAFETY: the elements are the slice's own, which is borrowed for as long.
        unsafe { ViewMut::from_raw(out.as_mut_ptr().cast(), column(out.len()), 1, 1, Dtype::F64) }
    });
    let grads = [grad_p.map(|grad| &*grad), grad_q.map(|grad| &*grad)];
    let to = Targets { job: &job, upstream, out: out.as_ref(), grads };
    to.check()?;
    let first = job.rows.ranges(PAIRS, |rows| to.range(rows));
    job.rows.outcome(first)
}

/// The families whose divergences have gradients.
const GRADIENTS: [Family; 9] = [
    Family::Normal,
    Family::Gamma,
    Family::Beta,
    Family::Bernoulli,
    Family::BernoulliLogits,
    Family::Categorical,
    Family::CategoricalLogits,
    Family::Dirichlet,
    Family::MvNormalTril,
];

/// Where results go, and what they are multiplied by.
struct Targets<'a, 'b> {
    job: &'b Job<'a>,
    upstream: Option<&'b [f64]>,
    out: Option<&'b ViewMut<'b>>,
    grads: [Option<&'b ViewMut<'b>>; 2],
}

impl Targets<'_, '_> {
    /// Whether all have the shapes and types that they need. Not inlined: kernels have their places on the same stack.
    #[inline(never)]
    fn check(&self) -> Result<(), Error> {
        let (p, q) = (self.job.p.shape(), self.job.q.shape());
        let column = |len| Shape { rows: len, cols: 1 };
        if let Some(upstream) = self.upstream {
            needs_shape("upstream", column(upstream.len()), column(p.rows))?;
        }
        if let Some(out) = self.out {
            needs_shape("out", out.shape(), column(p.rows))?;
        }
        for (what, grad, shape) in [("grad_p_params", self.grads[0], p), ("grad_q_params", self.grads[1], q)]
        {
            if let Some(grad) = grad {
                needs_shape(what, grad.shape(), shape)?;
                needs_float(what, grad.dtype())?;
            }
        }
        Ok(())
    }

    /// Writes the results of at most [`PAIRS`] rows; says what the first bad one's error is.
    fn range(&self, rows: Range<usize>) -> Option<Error> {
        let side = &self.job.sides[0];
        if has_slopes(side.family) {
            return self.pairs(rows);
        }
        match Eight::new(side.family, side.dimension) {
            Ok(Some(eight)) => self.shares(rows, eight),
            _ => self.rows(rows, &mut None, |_, _| None),
        }
    }

    /// The same of families that have a kernel. Not inlined: what is made is on the stack of these alone.
    #[inline(never)]
    fn pairs(&self, rows: Range<usize>) -> Option<Error> {
        let job = self.job;
        let mut made = [[f64::NAN; PAIRS]; 5];
        slopes(job.sides[0].family, &job.p, &job.q, rows.clone(), &mut made);
        let is_good =
            |column: &[f64; PAIRS]| column[..rows.len()].iter().fold(true, |good, x| good & x.is_finite());
        if made.iter().all(is_good) && rows.clone().all(|i| job.rows.options.keeps(i)) {
            self.write_all(rows, &mut made);
            return None;
        }
        self.rows(rows, &mut None, |place, memory| {
            let [value, a, b, c, d] = made.each_ref().map(|column| column[place]);
            let cols = job.p.cols();
            memory.by_p.copy_from_slice(&[a, b][..cols]);
            memory.by_q.copy_from_slice(&[c, d][..cols]);
            [value, a, b, c, d].iter().all(|x| x.is_finite()).then_some(value)
        })
    }

    /// The same of categorical distributions.
    #[inline(never)]
    fn shares(&self, rows: Range<usize>, mut eight: Eight) -> Option<Error> {
        let mut first = None;
        let mut memory = None;
        let together = eight.together();
        for start in rows.clone().step_by(together) {
            let n = together.min(rows.end - start);
            eight.compute(&self.job.p, &self.job.q, start, n, Wanted::Slopes);
            let error = self.rows(start..start + n, &mut memory, |place, memory| {
                eight.pair(place, &mut memory.by_p, &mut memory.by_q)
            });
            first = first.or(error);
        }
        first
    }

    /// Row by row, in memory that is there for the next one, too; `known` says the value of one that is known, and has put its
    /// derivatives in there.
    fn rows(
        &self,
        rows: Range<usize>,
        memory: &mut Option<Memory>,
        known: impl Fn(usize, &mut Memory) -> Option<f64>,
    ) -> Option<Error> {
        let mut first = None;
        for (place, i) in rows.enumerate() {
            if !self.job.rows.options.keeps(i) {
                self.fill(i, 0.0);
                continue;
            }
            let result = Memory::of(self.job, memory).and_then(|memory| {
                let value = match known(place, memory) {
                    Some(value) => value,
                    None => self.row(i, memory)?,
                };
                self.write(i, value, memory);
                Ok(())
            });
            if let Err(error) = result {
                self.fill(i, f64::NAN);
                first.get_or_insert(error);
            }
        }
        first
    }

    /// The results of a range of pairs that are all good.
    #[inline(never)]
    fn write_all(&self, rows: Range<usize>, made: &mut Made) {
        let (start, n, cols) = (rows.start, rows.len(), self.job.p.cols());
        if self.job.ln_base != 1.0 || self.job.rows.options.weights.is_some() || self.upstream.is_some() {
            for (place, i) in rows.enumerate() {
                let (by_value, by_slope) = self.factors(i);
                made[0][place] = by_value(made[0][place]);
                made[1..].iter_mut().for_each(|column| column[place] = by_slope(column[place]));
            }
        }
        for (to, columns) in
            self.targets().into_iter().zip([&made[..1], &made[1..][..cols], &made[3..][..cols]])
        {
            let Some(to) = to else { continue };
            for (j, column) in columns.iter().enumerate() {
                // SAFETY: each row is asked for once.
                unsafe { to.column_mut(j, start, n) }.write(0, &column[..n]);
            }
        }
    }

    /// The value of one row by itself, and its derivatives. Not inlined, for the stack of those who do not need it.
    #[inline(never)]
    fn row(&self, i: usize, memory: &mut Memory) -> Result<f64, Error> {
        let job = self.job;
        let Memory { buffers: (p_buffer, q_buffer), by_p, by_q } = memory;
        let (p, q) = (row_of(&job.p, i, p_buffer), row_of(&job.q, i, q_buffer));
        let value = gradient((&job.sides[0], p), (&job.sides[1], q), by_p, by_q);
        value.map_err(
            #[cold]
            #[inline(never)]
            |wrong| wrong.of_row(i, p, q),
        )
    }

    /// What the value and the slopes of a row are in units, weighted, and the latter times what comes from upstream.
    fn factors(&self, i: usize) -> (impl Fn(f64) -> f64, impl Fn(f64) -> f64) {
        let (ln_base, weight) = (self.job.ln_base, self.job.rows.options.weight(i));
        let factor = self.upstream.map_or(1.0, |upstream| upstream[i]);
        let value = move |x: f64| weighted(x / ln_base, weight);
        (value, move |x| weighted(value(x), factor))
    }

    /// The results of a row, which are in nats.
    #[inline(never)]
    fn write(&self, i: usize, value: f64, memory: &mut Memory) {
        let (by_value, by_slope) = self.factors(i);
        let Memory { by_p, by_q, .. } = memory;
        by_p.iter_mut().chain(by_q.iter_mut()).for_each(|x| *x = by_slope(*x));
        let value = by_value(value);
        for (to, values) in self.targets().into_iter().zip([&[value][..], by_p, by_q]) {
            if let Some(to) = to {
                // SAFETY: each row is asked for once.
                unsafe { to.row_mut(i) }.write(0, values);
            }
        }
    }

    fn fill(&self, i: usize, value: f64) {
        for to in self.targets().into_iter().flatten() {
            // SAFETY: each row is asked for once.
            unsafe { to.row_mut(i) }.fill(value);
        }
    }

    fn targets(&self) -> [Option<&ViewMut<'_>>; 3] {
        [self.out, self.grads[0], self.grads[1]]
    }
}

/// What a row by itself needs.
struct Memory {
    buffers: (Vec<f64>, Vec<f64>),
    by_p: Vec<f64>,
    by_q: Vec<f64>,
}

impl Memory {
    fn of<'a>(job: &Job, memory: &'a mut Option<Memory>) -> Result<&'a mut Memory, Error> {
        match memory {
            Some(memory) => Ok(memory),
            None => Ok(memory.insert(Memory::new(job)?)),
        }
    }

    #[cold]
    #[inline(never)]
    fn new(job: &Job) -> Result<Memory, Error> {
        Ok(Memory { buffers: job.buffers()?, by_p: zeros(job.p.cols())?, by_q: zeros(job.q.cols())? })
    }
}
