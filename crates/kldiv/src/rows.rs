//! The rows of a call: which are kept, what they weigh, which thread computes them, and which bad one came first.

use std::ops::Range;

use crate::error::Error;
use crate::kernels::{self, lane_sums::SumsOf};
use crate::memory::reserve;
use crate::policy::{Invalid, Options, Reduction};
use crate::sum::{Compensated, weighted};
use crate::threads;
use crate::view::Shape;

/// Elements below which a call stays on the calling thread.
pub const PARALLEL_FROM: usize = 1 << 15;

/// Elements that are worth a task of their own.
const TASK: usize = 1 << 14;

/// Tasks for each thread, of a call that is large enough for them.
const TASKS: usize = 32;

/// Elements of short rows that are better computed together than row by row.
const RANGE: usize = 1 << 12;

/// Rows whose results are added before they are added to the others'.
const GROUP: usize = 32;

/// The rows of a call and the options that concern them.
pub(crate) struct Rows<'a> {
    pub(crate) options: &'a Options<'a>,
    shape: Shape,
    /// Whether they are shared among threads.
    pub(crate) spread: bool,
    /// How many are better computed by one thread.
    pub(crate) together: usize,
}

impl<'a> Rows<'a> {
    /// Those of a call over matrices of such a shape; checks the options.
    pub(crate) fn new(shape: Shape, options: &'a Options<'a>) -> Result<Self, Error> {
        options.check(shape.rows)?;
        let spread = options.parallel && shape.rows.saturating_mul(shape.cols) >= PARALLEL_FROM;
        Ok(Rows { options, shape, spread, together: 1 })
    }

    /// How many are a task of a call that is spread; of another, nobody is to ask how many threads there are, for that may start
    /// some. Where a task ends, another thread goes on, and has to ask for memory anew.
    fn a_task(&self) -> usize {
        let share = self.shape.rows / (TASKS * threads::count());
        TASK.div_ceil(self.shape.cols).max(self.together).max(share)
    }

    /// Lets `stretch` fill the results of rows in a row, from the given one on; the first error is what it says.
    pub(crate) fn fill(
        &self,
        out: &mut [f64],
        stretch: impl Fn(usize, &mut [f64]) -> Option<Error> + Sync,
    ) -> Option<Error> {
        // Matrices without rows need not point anywhere, not even where a row would begin.
        if out.is_empty() {
            return None;
        }
        if !self.spread {
            return stretch(0, out);
        }
        let rows = self.a_task();
        threads::chunks_mut(out, rows, |i, out| stretch(i * rows, out))
    }

    /// The sum of all results along a fixed tree, and the first error, which is one of a row's or that they have no sum. So many
    /// groups are computed together, on the stack.
    pub(crate) fn sum<const GROUPS: usize>(
        &self,
        stretch: impl Fn(usize, &mut [f64]) -> Option<Error> + Sync,
    ) -> Result<(f64, Option<Error>), Error> {
        let rows = self.shape.rows;
        // The sums of some groups, from the one of that number on.
        let groups = |from: usize, sums: &mut [Compensated]| {
            let start = from * GROUP;
            let mut values = [[0.0; GROUP]; GROUPS];
            let numbers = &mut values.as_flattened_mut()[..(sums.len() * GROUP).min(rows - start)];
            let first = stretch(start, numbers);
            kernels::dispatch(SumsOf::<GROUP> { numbers, out: sums });
            first
        };
        let count = rows.div_ceil(GROUP);
        let mut sum = Compensated::ZERO;
        let mut first = None;
        if self.spread && count > 1 {
            let at_once = self.a_task().div_ceil(GROUP).next_multiple_of(GROUPS);
            let mut sums = reserve(count)?;
            sums.resize(count, Compensated::ZERO);
            first = threads::chunks_mut(&mut sums, at_once, |task, sums| {
                let some = sums.chunks_mut(GROUPS).enumerate();
                some.fold(None, |first, (i, sums)| first.or(groups(task * at_once + i * GROUPS, sums)))
            });
            sums.iter().for_each(|part| sum.add_parts(part));
        } else {
            for from in (0..count).step_by(GROUPS) {
                let mut sums = [Compensated::ZERO; GROUPS];
                let sums = &mut sums[..GROUPS.min(count - from)];
                first = first.or(groups(from, sums));
                sums.iter().for_each(|part| sum.add_parts(part));
            }
        }
        let sum = sum.value();
        if sum.is_nan() && first.is_none() {
            first = self.without_sum(stretch);
        }
        Ok((sum, first))
    }

    /// Results that overflow to both infinities have no sum. The least of them is named: what is above 0 may be infinite
    /// by right, what is below only by overflow.
    #[cold]
    fn without_sum(&self, stretch: impl Fn(usize, &mut [f64]) -> Option<Error>) -> Option<Error> {
        let (mut least, mut row) = (f64::INFINITY, 0);
        for i in 0..self.shape.rows {
            let mut value = [0.0];
            stretch(i, &mut value);
            if value[0].is_nan() {
                return None;
            }
            if value[0] < least {
                (least, row) = (value[0], i);
            }
        }
        Some(Error::Overflow { row })
    }

    /// The sum of results that are known, along the same tree.
    pub(crate) fn sum_of(&self, values: &[f64]) -> Result<f64, Error> {
        let (sum, first) = self.sum::<4>(|start, out| {
            out.copy_from_slice(&values[start..][..out.len()]);
            None
        })?;
        self.outcome(first)?;
        Ok(sum)
    }

    /// Calls `row` on each, and says what the first error is.
    pub(crate) fn each(&self, row: impl Fn(usize) -> Option<Error> + Sync) -> Option<Error> {
        self.ranges(1, |rows| row(rows.start))
    }

    /// The same of ranges of rows, so many each but for the last one.
    pub(crate) fn ranges(
        &self,
        size: usize,
        range: impl Fn(Range<usize>) -> Option<Error> + Sync,
    ) -> Option<Error> {
        let rows = self.shape.rows;
        let ranges = rows.div_ceil(size);
        let one = |i: usize| range(i * size..rows.min((i + 1) * size));
        if self.spread {
            threads::first(ranges, self.a_task().div_ceil(size), one)
        } else {
            (0..ranges).fold(None, |first, i| first.or(one(i)))
        }
    }

    /// How many rows are worth a range of their own.
    pub(crate) fn a_range(&self) -> usize {
        (RANGE / self.shape.cols).max(1)
    }

    /// Whether nothing tells them apart: all are kept, and they have no weights.
    pub(crate) fn alike(&self, rows: &Range<usize>) -> bool {
        self.options.weights.is_none() && rows.clone().all(|i| self.options.keeps(i))
    }

    /// A row's value times its weight, or NaN and, if it is the first, the error.
    pub(crate) fn answer(&self, row: usize, value: Result<f64, Error>, first: &mut Option<Error>) -> f64 {
        match value {
            Ok(value) => weighted(value, self.options.weight(row)),
            Err(error) => {
                first.get_or_insert(error);
                f64::NAN
            }
        }
    }

    /// The rows' sum as the reduction wants it: itself, or divided by the weight that is kept; 0 if none is.
    pub(crate) fn reduced(&self, sum: f64) -> f64 {
        match self.options.reduction {
            Reduction::Sum => sum,
            Reduction::Mean | Reduction::BatchMean => match self.kept_weight() {
                0.0 if !sum.is_nan() => 0.0,
                weight => sum / weight,
            },
        }
    }

    /// How many are kept.
    pub(crate) fn kept(&self) -> usize {
        match self.options.mask {
            None => self.shape.rows,
            Some(_) => (0..self.shape.rows).filter(|i| self.options.keeps(*i)).count(),
        }
    }

    pub(crate) fn kept_weight(&self) -> f64 {
        let Some(weights) = self.options.weights else { return self.kept() as f64 };
        let mut sum = Compensated::ZERO;
        let kept = weights.iter().enumerate().filter(|(i, _)| self.options.keeps(*i));
        kept.for_each(|(_, weight)| sum.add(*weight));
        sum.value()
    }

    /// How the call ends, if that was the first error.
    pub(crate) fn outcome(&self, first: Option<Error>) -> Result<(), Error> {
        match first {
            Some(error) if self.options.invalid == Invalid::Error => Err(error),
            _ => Ok(()),
        }
    }
}
