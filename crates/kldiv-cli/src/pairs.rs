//! Two inputs side by side, some rows at a time: as much as memory should hold, however long the files are.

use kldiv::{Options, View};

use crate::failure::{Result, fail};
use crate::input::{Block, Given, Source, open_rows};
use crate::number::{Sum, counted};
use crate::output::Item;
use crate::progress::Progress;

/// One of them.
struct Side {
    source: Box<dyn Source>,
    block: Option<Block>,
    /// The rows of the block that are done.
    done: usize,
    /// The next block, where one was read to see whether there is more than one row.
    ahead: Option<Block>,
    /// Whether its only row stands for as many as the other side has.
    single: bool,
    rows: u64,
}

impl Side {
    fn open(argument: &str, role: &str, progress: &Progress) -> Result<Side> {
        let mut source = open_rows(argument, role, progress)?;
        let block = source.next()?;
        let Some(rows) = block.as_ref().map(|block| block.rows) else {
            return fail(format!("{} has no rows", source.origin().name));
        };
        let ahead = if rows == 1 { source.next()? } else { None };
        let single = rows == 1 && ahead.is_none();
        Ok(Side { source, block, done: 0, ahead, single, rows: rows as u64 })
    }

    fn name(&self) -> &str {
        &self.source.origin().name
    }

    /// The block with the next rows, if there are any.
    fn fill(&mut self) -> Result {
        if self.single || self.block.as_ref().is_some_and(|block| self.done < block.rows) {
            return Ok(());
        }
        self.block = match self.ahead.take() {
            Some(block) => Some(block),
            None => self.source.next()?,
        };
        self.done = 0;
        self.rows += self.block.as_ref().map_or(0, |block| block.rows as u64);
        Ok(())
    }

    fn left(&self) -> usize {
        self.block.as_ref().map_or(0, |block| block.rows - self.done)
    }

    /// The next `rows` rows as the library sees them.
    fn part<'a>(&self, block: &'a Block, rows: usize) -> Part<'a> {
        let given = Given { from: self.done, repeated: self.single, ..Given::all(block) };
        let view = if self.single { block.part(0, 1).repeated(rows) } else { block.part(self.done, rows) };
        Part { view, given }
    }
}

/// Rows of P beside rows of Q; one row beside many stands for as many.
pub(crate) struct Pairs {
    p: Side,
    /// None where Q is not looked at.
    q: Option<Side>,
}

/// Some rows of one side, as the library sees them and as people do.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    pub(crate) view: View<'a>,
    pub(crate) given: Given<'a>,
}

/// What a computation is given: rows of P and of Q, options, a place for each result.
pub(crate) type Compute<'a> = dyn Fn(Part, Part, &Options, &mut [f64]) -> Result + 'a;

/// The results of successive rows, and the rows themselves.
pub(crate) struct Results<'a> {
    pub(crate) values: &'a [f64],
    pub(crate) p: Given<'a>,
    pub(crate) q: Given<'a>,
}

impl Results<'_> {
    /// What a pair of rows is called: as the side that has more of them, and P if both have.
    pub(crate) fn name(&self, row: usize) -> Item {
        if self.p.repeated { self.q.row_name(row) } else { self.p.row_name(row) }
    }
}

impl Pairs {
    pub(crate) fn open(p: &str, q: Option<&str>, progress: &Progress) -> Result<Pairs> {
        let p = Side::open(p, "p", progress)?;
        let q = q.map(|q| Side::open(q, "q", progress)).transpose()?;
        Ok(Pairs { p, q })
    }

    /// Whether there is one pair only.
    pub(crate) fn is_one(&self) -> bool {
        self.p.single && self.q.as_ref().is_none_or(|q| q.single)
    }

    /// Says so if the rows of P and of Q are of different lengths.
    pub(crate) fn need_same_columns(&self) -> Result {
        let (Some(p), Some((q_side, q))) =
            (&self.p.block, self.q.as_ref().and_then(|q| q.block.as_ref().map(|block| (q, block))))
        else {
            return Ok(());
        };
        if p.cols == q.cols {
            return Ok(());
        }
        let outcomes = counted(p.cols as u64, "outcome");
        fail(format!("{} has {outcomes} a row where {} has {}", self.p.name(), q_side.name(), q.cols))
    }

    /// Computes all results, so many at a time.
    pub(crate) fn each(
        &mut self,
        options: &Options,
        compute: &Compute,
        take: &mut dyn FnMut(Results) -> Result,
    ) -> Result {
        let one = self.is_one();
        let (mut begun, mut values) = (false, Vec::new());
        loop {
            self.p.fill()?;
            if let Some(q) = &mut self.q {
                q.fill()?;
            }
            let p_left = if self.p.single { usize::MAX } else { self.p.left() };
            let q_left = self.q.as_ref().map_or(usize::MAX, |q| if q.single { usize::MAX } else { q.left() });
            let rows = if one { usize::from(!begun) } else { p_left.min(q_left) };
            if rows == 0 {
                return self.both_ended(p_left, q_left);
            }
            let Some(p_block) = &self.p.block else { return Ok(()) };
            let p = self.p.part(p_block, rows);
            let q = match &self.q {
                Some(side) => side.block.as_ref().map_or(p, |block| side.part(block, rows)),
                None => p,
            };
            values.resize(rows, 0.0);
            compute(p, q, options, &mut values)?;
            take(Results { values: &values, p: p.given, q: q.given })?;
            begun = true;
            self.p.done += rows;
            if let Some(q) = &mut self.q {
                q.done += rows;
            }
        }
    }

    fn both_ended(&self, p_left: usize, q_left: usize) -> Result {
        let Some(q) = &self.q else { return Ok(()) };
        let (shorter, longer) = match (p_left, q_left) {
            (0, more) if more > 0 && !q.single => (&self.p, q),
            (more, 0) if more > 0 && !self.p.single => (q, &self.p),
            _ => return Ok(()),
        };
        let rows = counted(shorter.rows, "row");
        fail(format!(
            "{} has {rows} and {} more; each row needs its own, or one for all",
            shorter.name(),
            longer.name()
        ))
    }
}

/// What is kept of all results while they pass by.
#[derive(Default)]
pub(crate) struct Summary {
    pub(crate) rows: u64,
    pub(crate) infinite: u64,
    pub(crate) first_infinite: Option<Item>,
    /// What makes it so, where a zero does.
    pub(crate) why: Option<String>,
    sum: Sum,
}

impl Summary {
    pub(crate) fn take(&mut self, results: &Results) {
        for (i, value) in results.values.iter().enumerate() {
            self.sum.add(*value);
            if value.is_infinite() {
                self.infinite += 1;
                if self.first_infinite.is_none() {
                    self.first_infinite = Some(results.name(i));
                    self.why = ruled_out(&results.p, &results.q, i);
                }
            }
        }
        self.rows += results.values.len() as u64;
    }

    pub(crate) fn sum(&self) -> f64 {
        self.sum.value()
    }

    pub(crate) fn mean(&self) -> f64 {
        self.sum() / self.rows as f64
    }

    pub(crate) fn items(&self) -> [(&'static str, Item); 3] {
        [
            ("count", Item::Count(self.rows)),
            ("sum", Item::Number(self.sum())),
            ("mean", Item::Number(self.mean())),
        ]
    }
}

/// Where one side is 0 and the other is not.
fn ruled_out(p: &Given, q: &Given, row: usize) -> Option<String> {
    if p.block.cols != q.block.cols {
        return None;
    }
    let zero_beside = |zero: &Given, other: &Given| {
        let col =
            (0..zero.block.cols).find(|col| zero.get(row, *col) == 0.0 && other.get(row, *col) > 0.0)?;
        Some(format!(
            "{} is 0 where {} is {}",
            zero.place(row, col),
            other.place(row, col),
            other.get(row, col)
        ))
    };
    zero_beside(q, p).or_else(|| zero_beside(p, q))
}
