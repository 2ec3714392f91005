//! The cells of an all-pairs call, block by block: from a matrix product where that is good enough, and one pair of
//! rows at a time where it is not.

use std::sync::{Mutex, PoisonError};

use crate::check::needs_shape;
use crate::error::{Error, Operand};
use crate::kernels;
use crate::kernels::product::{BLOCK, GROUP, PANEL, Products, Rule, STRETCH};
use crate::memory::{Heap, reserve, zeros};
use crate::pair::Plan;
use crate::panels::{Centre, Factor, Form, Hand, Packed, Packer, ROUNDED_GAP, Side};
use crate::policy::{Measure, Normalization, Options};
use crate::rows::Rows;
use crate::threads;
use crate::view::{Shape, View};

/// Elements of each side that are ready for the product at a time, at most: 16 MiB.
const READY: usize = 1 << 21;

/// Rows and columns of a block of cells, at most.
const ROWS: usize = 64;
const COLS: usize = 192;

/// How many u mag a product may be off by estimate; what is left of 16 is for what surrounds it.
const LIMIT: f64 = 14.0;

/// A sum's rounding errors are taken as independent, each of variance u²/6 times the square of the rounded sum: an error
/// is up to u times the power of 2 below the sum, evenly spread. That many standard deviations are allowed for.
const DEVIATIONS: f64 = 3.5;

/// For how many more steps the rounding of a product's factors counts.
const ROUNDED_FACTORS: f64 = 4.0;

/// Rows and columns of a block that may be mirrored; divides what is made ready at a time, whole [`GROUP`]s of panels.
const SQUARE: usize = 48;

/// Elements of the rows of both sides of a block that is computed pair by pair, about: 256 KiB of f64.
const NEARBY: usize = 1 << 15;

/// The error that comes first: by row, by column, and p before q.
type First = Option<((usize, usize, u32), Error)>;

/// A checked call.
pub(crate) struct Pairs<'a> {
    pub(crate) rows: Rows<'a>,
    shape: Shape,
    plan: Plan,
    /// Whether blocks are shared among threads.
    spread: bool,
    p: Side<'a>,
    q: Side<'a>,
    product: Option<Product>,
    /// Whether p is q and the measure the same both ways.
    symmetric: bool,
    /// The first row of p that is looked at, if there is anything to do.
    first_kept: Option<usize>,
    first: Mutex<First>,
}

/// How a measure is made from sums over two panels.
struct Product {
    /// Whether they are sums over mixtures, not of products.
    mixes: bool,
    p: Form,
    q: Form,
    centre: Centre,
    rule: Rule,
    /// The whole of Q, where that is little enough to be kept.
    kept: Option<Heap<Packed>>,
}

impl Product {
    /// How the measure of the plan is, if it is.
    fn new(plan: &Plan, p: &Side, q: &Side) -> Result<Option<Product>, Error> {
        const GIVEN: &[Factor] = &[Factor::Given];
        const LOG: &[Factor] = &[Factor::Log];
        let normalized = plan.normalization == Normalization::Normalize;
        let (of_p, of_q): (&'static [Factor], &'static [Factor]) = match plan.measure {
            Measure::Kl | Measure::Generalized | Measure::CrossEntropy => (GIVEN, LOG),
            Measure::Reverse => (LOG, GIVEN),
            Measure::Jeffreys => (&[Factor::Given, Factor::Log], &[Factor::Log, Factor::Given]),
            Measure::JensenShannon { .. } | Measure::JensenShannonDistance { .. } => {
                (&[Factor::Share], &[Factor::Share])
            }
            _ => return Ok(None),
        };
        let shares = match plan.measure {
            Measure::JensenShannon { weight } | Measure::JensenShannonDistance { weight } => {
                Some((weight, 1.0 - weight))
            }
            _ => None,
        };
        let centred = plan.measure != Measure::CrossEntropy;
        let cols = p.view.cols();
        let centre = match shares {
            Some(_) => Centre::mean_of(plan, &[p, q])?,
            None if centred => Centre::mean_of(plan, &[q])?,
            None => Centre::one(cols)?,
        };
        let narrow = !normalized && p.view.dtype().fits_f32() && q.view.dtype().fits_f32();
        let limit = match normalized && shares.is_none() {
            true => LIMIT - ROUNDED_GAP,
            false => LIMIT * if narrow { 2f64.powi(29) } else { 1.0 },
        };
        // Of normalised rows the gap is taken, which the rounding of their sums does not touch.
        let (straight, curved, beside) = match plan.measure {
            Measure::Kl if !normalized => (0.0, 1.0, 1.0),
            Measure::Kl | Measure::Generalized => (1.0, 1.0, -2.0 / limit),
            Measure::Reverse if !normalized => (0.0, -1.0, 1.0),
            Measure::Reverse => (-1.0, -1.0, -2.0 / limit),
            _ => (0.0, 0.0, 0.0),
        };
        let by_reach = DEVIATIONS / 6f64.sqrt();
        // A sum may be no larger than one product, and all sums of a stretch that follow it as large.
        let steps = (cols * of_p.len()).min(BLOCK + STRETCH / BLOCK) as f64 + ROUNDED_FACTORS;
        // The spans of mixtures have their steps in them.
        let by_span = if shares.is_some() { by_reach } else { by_reach * steps.sqrt() };
        let rule = Rule { straight, curved, beside, limit, by_reach, by_span };
        let (w, v) = shares.unwrap_or((0.0, 0.0));
        let p = Form { factors: of_p, centred, share: w };
        let q = Form { factors: of_q, centred, share: v };
        Ok(Some(Product { mixes: shares.is_some(), p, q, centre, rule, kept: None }))
    }
}

/// Where results go.
pub(crate) trait Sink: Sync {
    /// The results of rows from `row` on against rows of q from `col` on, each row's `width` after another.
    fn take(&self, row: usize, col: usize, width: usize, values: &mut [f64]);
}

/// Rows of p and of q.
#[derive(Clone, Copy)]
struct Block {
    row: usize,
    rows: usize,
    col: usize,
    cols: usize,
}

impl Block {
    /// The rows and columns from `at` on, so many of them or as many as there are.
    fn part(&self, at: (usize, usize), size: (usize, usize)) -> Block {
        Block {
            row: self.row + at.0,
            rows: size.0.min(self.rows - at.0),
            col: self.col + at.1,
            cols: size.1.min(self.cols - at.1),
        }
    }
}

/// What a task works with.
struct Scratch {
    products: Products,
    /// A block's results, [`COLS`] to a row.
    values: Vec<f64>,
}

impl Scratch {
    fn new() -> Result<Scratch, Error> {
        Ok(Scratch { products: Products::new()?, values: zeros(ROWS * COLS)? })
    }
}

/// Whether exchanging P and Q changes nothing.
fn same_both_ways(measure: Measure) -> bool {
    match measure {
        Measure::JensenShannon { weight } | Measure::JensenShannonDistance { weight } => weight == 0.5,
        Measure::Renyi { alpha } => alpha == 0.5,
        _ => false,
    }
}

impl<'a> Pairs<'a> {
    pub(crate) fn new(p: View<'a>, q: View<'a>, options: &'a Options<'a>) -> Result<Heap<Self>, Error> {
        let mut pairs = Pairs::checked(p, q, options)?;
        pairs.look()?;
        Ok(pairs)
    }

    // Not inlined, like others below: what is on the stack while rows are looked at is to be little.
    #[inline(never)]
    fn checked(p: View<'a>, q: View<'a>, options: &'a Options<'a>) -> Result<Heap<Self>, Error> {
        needs_shape("q", q.shape(), Shape { cols: p.cols(), ..q.shape() })?;
        if p.cols() == 0 {
            return Err(Error::Empty);
        }
        let work = Shape { rows: p.rows(), cols: q.elements() };
        let rows = Rows::new(work, options)?;
        let plan = Plan::new(options);
        let first_kept = (0..p.rows()).find(|i| options.keeps(*i)).filter(|_| q.rows() > 0);
        let symmetric = options.mask.is_none() && p.is_same(&q) && same_both_ways(plan.measure);
        // What nobody asked for is not read.
        let nothing = |x: View<'a>| x.first_rows(0);
        let shape = Shape { rows: p.rows(), cols: q.rows() };
        let p = if first_kept.is_some() { p } else { nothing(p) };
        let q = if first_kept.is_some() && plan.measure != Measure::Entropy { q } else { nothing(q) };
        let p = Side::new(p, Operand::P, options.mask);
        let q = Side::new(q, Operand::Q, None);
        let (spread, product, first) = (rows.spread, None, Mutex::new(None));
        Heap::new(Pairs { rows, shape, plan, spread, p, q, product, symmetric, first_kept, first })
    }

    /// Looks at the rows.
    #[inline(never)]
    fn look(&mut self) -> Result<(), Error> {
        self.plan.spread = self.spread;
        self.p.add_up(&self.plan)?;
        self.q.add_up(&self.plan)?;
        if self.first_kept.is_some() {
            self.product = Product::new(&self.plan, &self.p, &self.q)?;
        }
        // Cells are spread over threads, not what is within them.
        self.plan.spread = false;
        Ok(())
    }

    /// Rows of p and rows of q.
    pub(crate) fn shape(&self) -> Shape {
        self.shape
    }

    /// Keeps Q ready for several calls of [`Pairs::compute`], if it is little enough.
    pub(crate) fn keep_ready(&mut self) -> Result<(), Error> {
        let Some(product) = &self.product else { return Ok(()) };
        let rows = self.shape.cols;
        if rows <= self.at_a_time(product.q) {
            let kept = self.pack(product, Hand::Right, 0, rows)?;
            if let Some(product) = &mut self.product {
                product.kept = Some(kept);
            }
        }
        Ok(())
    }

    /// Gives all cells of some rows of p to a sink; bad ones are NaN. Masked ones are not given.
    pub(crate) fn compute(&self, first: usize, count: usize, sink: &impl Sink) -> Result<(), Error> {
        let Some(first_kept) = self.first_kept else { return Ok(()) };
        let all = Block { row: first, rows: count, col: 0, cols: self.shape.cols };
        self.find_faults(first_kept, all);
        match &self.product {
            Some(product) => self.by_product(product, all, sink),
            None => self.by_pairs(all, sink),
        }
    }

    /// How the call ends.
    pub(crate) fn outcome(&self) -> Result<(), Error> {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.rows.outcome(first.map(|(_, error)| error))
    }

    fn note(&self, place: (usize, usize, u32), error: Error) {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        if first.as_ref().is_none_or(|(before, _)| place < *before) {
            *first = Some((place, error));
        }
    }

    /// Notes the first bad row on each side, in the order of cells.
    #[inline(never)]
    fn find_faults(&self, first_kept: usize, of: Block) {
        if let Some((i, error)) =
            (of.row..of.row + of.rows).find_map(|i| Some((i, self.p.fault(&self.plan, i)?)))
        {
            self.note((i, 0, 0), error);
        }
        if let Some((j, error)) =
            (0..self.q.view.rows()).find_map(|j| Some((j, self.q.fault(&self.plan, j)?)))
        {
            self.note((first_kept, j, 1), error);
        }
    }

    /// The exact measure of one pair of rows, of which nothing is wrong by themselves; else NaN.
    #[inline(never)]
    fn exact(&self, i: usize, j: usize) -> f64 {
        // One and the same number on both sides of the diagonal.
        let (i, j) = if self.symmetric { (i.min(j), i.max(j)) } else { (i, j) };
        if self.p.is_bad(&self.plan, i) || self.q.is_bad(&self.plan, j) {
            return f64::NAN;
        }
        self.plan.value_of_sums(self.p.row(i), self.q.row(j), i).unwrap_or_else(|error| {
            self.note((i, j, 2), error);
            f64::NAN
        })
    }

    /// Runs tasks, on one thread or several.
    fn each_task(&self, tasks: usize, task: impl Fn(usize) -> Result<(), Error> + Sync) -> Result<(), Error> {
        if self.spread {
            threads::first(tasks, 1, |i| task(i).err()).map_or(Ok(()), Err)
        } else {
            (0..tasks).try_for_each(task)
        }
    }

    /// Computes blocks pair by pair.
    #[inline(never)]
    fn by_pairs(&self, all: Block, sink: &impl Sink) -> Result<(), Error> {
        let side = NEARBY / self.p.view.cols() / 2;
        let side = side.next_power_of_two().clamp(PANEL, ROWS);
        let mirrored = self.mirrors(all);
        let (down, across) = (all.rows.div_ceil(side), all.cols.div_ceil(side));
        self.each_task(down * across, |task| {
            let block = all.part((task / across * side, task % across * side), (side, side));
            if mirrored && block.row > block.col {
                return Ok(());
            }
            let mut values = reserve(block.rows * block.cols)?;
            for i in block.row..block.row + block.rows {
                if !self.p.keeps(i) {
                    values.resize(values.len() + block.cols, 0.0);
                } else if self.plan.measure == Measure::Entropy {
                    let value = self.entropy(i);
                    values.resize(values.len() + block.cols, value);
                } else {
                    values.extend((block.col..block.col + block.cols).map(|j| self.exact(i, j)));
                }
            }
            self.give(block, mirrored, &mut values, sink)
        })
    }

    /// Whether blocks below the diagonal are those above it, mirrored.
    fn mirrors(&self, all: Block) -> bool {
        self.symmetric && all.rows == all.cols
    }

    /// Gives a block to a sink, and the one that mirrors it.
    fn give(&self, block: Block, mirrored: bool, values: &mut [f64], sink: &impl Sink) -> Result<(), Error> {
        if mirrored && block.row < block.col {
            let mut mirror = reserve(values.len())?;
            for j in 0..block.cols {
                mirror.extend((0..block.rows).map(|i| values[i * block.cols + j]));
            }
            sink.take(block.col, block.row, block.rows, &mut mirror);
        }
        sink.take(block.row, block.col, block.cols, values);
        Ok(())
    }

    fn entropy(&self, i: usize) -> f64 {
        if self.p.is_bad(&self.plan, i) {
            return f64::NAN;
        }
        self.plan.value_of_sums(self.p.row(i), self.p.row(i), i).unwrap_or_else(|error| {
            self.note((i, 0, 2), error);
            f64::NAN
        })
    }

    /// Rows that are made ready at a time.
    fn at_a_time(&self, form: Form) -> usize {
        let elements = self.p.view.cols() * form.factors.len();
        (READY / elements).max(1).next_multiple_of(SQUARE)
    }

    #[inline(never)]
    fn pack(&self, product: &Product, hand: Hand, first: usize, rows: usize) -> Result<Heap<Packed>, Error> {
        let plan = Plan { spread: self.spread, ..self.plan };
        let (side, form) = match hand {
            Hand::Left => (&self.p, product.p),
            Hand::Right => (&self.q, product.q),
        };
        let weights = &product.centre.weights(&form)?;
        Packer { plan: &plan, side, form, hand, centre: &product.centre, weights }.pack(first, rows)
    }

    /// Computes blocks by the product, and pair by pair what it is not good enough for.
    #[inline(never)]
    fn by_product(&self, product: &Product, all: Block, sink: &impl Sink) -> Result<(), Error> {
        let at_a_time = (self.at_a_time(product.p), self.at_a_time(product.q));
        let mirrored = self.mirrors(all);
        for col in (0..all.cols).step_by(at_a_time.1) {
            let cols = at_a_time.1.min(all.cols - col);
            let made;
            let q = match &product.kept {
                Some(kept) => kept,
                None => {
                    made = self.pack(product, Hand::Right, col, cols)?;
                    &made
                }
            };
            for row in (0..all.rows).step_by(at_a_time.0) {
                let rows = at_a_time.0.min(all.rows - row);
                let p = self.pack(product, Hand::Left, all.row + row, rows)?;
                let ready = Block { row: all.row + row, rows, col, cols };
                // Enough blocks for many threads, and large ones where there are many rows.
                let height = (rows / 16).next_multiple_of(PANEL).clamp(PANEL, ROWS);
                let size = if mirrored { (SQUARE, SQUARE) } else { (height, COLS) };
                let (down, across) = (rows.div_ceil(size.0), cols.div_ceil(size.1));
                self.each_task(down * across, |task| {
                    let block = ready.part((task / across * size.0, task % across * size.1), size);
                    if mirrored && block.row > block.col {
                        return Ok(());
                    }
                    let mut scratch = Scratch::new()?;
                    if !self.block(product, (&p, q), block, &mut scratch) {
                        self.redo(block, &mut scratch.values);
                    }
                    self.give(block, mirrored, &mut scratch.values, sink)
                })?;
            }
        }
        Ok(())
    }

    /// The cells of a block, by the product; NaN where it is not good enough. Says whether it is everywhere.
    #[inline(never)]
    fn block(
        &self,
        product: &Product,
        (p, q): (&Packed, &Packed),
        block: Block,
        scratch: &mut Scratch,
    ) -> bool {
        let Scratch { products, values } = scratch;
        let mut all_good = true;
        let (top, left) = ((block.row - p.first) / PANEL, (block.col - q.first) / PANEL);
        let (down, across) = (block.rows.div_ceil(PANEL), block.cols.div_ceil(PANEL));
        for group in (0..across).step_by(GROUP) {
            let count = GROUP.min(across - group);
            for panel in 0..down {
                let (x, y) = (p.panels(top + panel, 1), q.panels(left + group, count));
                match product.mixes {
                    true => kernels::mixture(x, y, product.centre.r(), products),
                    false => kernels::product(x, y, products),
                }
                for place in 0..count {
                    let (i, j) = (panel * PANEL, (group + place) * PANEL);
                    let (x, y) = (top + panel, left + group + place);
                    let out = &mut values[i * COLS + j..];
                    let good = kernels::judge(
                        &product.rule,
                        (p.facts(x), q.facts(y)),
                        (products, place),
                        (&mut *out, COLS),
                    );
                    if p.has_zeros(x) || q.has_zeros(y) {
                        kernels::meet((p.words(x), q.words(y)), (&mut *out, COLS));
                    }
                    all_good &= good;
                }
            }
        }
        for i in 1..block.rows {
            values.copy_within(i * COLS..i * COLS + block.cols, i * block.cols);
        }
        values.truncate(block.rows * block.cols);
        if !self.plan.is_in_nats() {
            values.iter_mut().for_each(|value| *value = self.plan.in_units(*value));
        }
        all_good
    }

    /// Computes those cells of a block that the product is not good enough for.
    fn redo(&self, block: Block, values: &mut [f64]) {
        for (i, values) in (block.row..).zip(values.chunks_mut(block.cols)) {
            if !self.p.keeps(i) {
                continue;
            }
            for (j, value) in (block.col..).zip(values) {
                if value.is_nan() {
                    *value = self.exact(i, j);
                }
            }
        }
    }
}
