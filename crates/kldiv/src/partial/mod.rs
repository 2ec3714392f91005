//! Mergeable sums: a divergence of distributions that are spread over files, machines or days.
//!
//! ```
//! use kldiv::partial::Partial;
//! use kldiv::{Measure, Normalization, Options};
//!
//! // Counts of five outcomes on two machines, whose totals neither knows.
//! let mut here = Partial::new(&Measure::Kl.into())?;
//! let mut there = here.clone();
//! here.update(&[10_u64, 20, 5][..], &[12_u64, 18, 6][..])?;
//! there.update(&[40_u64, 25][..], &[30_u64, 34][..])?;
//!
//! // The bytes of one go to the other.
//! here.merge(&Partial::from_bytes(there.as_bytes())?)?;
//! let mut options = Options::default();
//! options.normalization = Normalization::Normalize;
//! assert_eq!(format!("{:.6}", here.value(&options)?), "0.031926");
//! # Ok::<(), kldiv::Error>(())
//! ```
//!
//! A [`Partial`] is made for a [`Measure`], takes in pairs of elements, adds other states, and gives the measure of all
//! that went in: KL, GENERALIZED, REVERSE, JEFFREYS, ENTROPY (which does not look at q) or CROSS_ENTROPY. It has 1424
//! bytes, plain ones, whatever went in.
//!
//! # Reproducible
//! Terms are those of [`batch`](crate::batch), and they are added without any rounding; the sum is rounded once, when
//! its value is asked for. So neither the split into parts, nor the order of updates and merges, nor the number of
//! threads or the instruction set changes a bit of the value or of the state.
//! # Accuracy
//! Values of what was given as it is are within `16 u · mag` of the exact ones, as those of [`kl`](crate::kl) and
//! [`relatives`](crate::relatives). Normalised ones, from totals that were not known beforehand, have an absolute
//! accuracy: some u times `|D|/P + |ln(Q/P)|`, D the sum as given, P and Q the totals; relative accuracy where P and Q
//! nearly agree. docs/numerics.md says more.
//! # Zeros
//! As everywhere: 0 ln(0/q) is 0; pairs whose term is infinite are counted, and make the value infinite.
//! # Errors
//! An update that fails has changed nothing: it can be repeated with better data. A state whose options said
//! [`Invalid::Nan`] takes bad pairs in, counts them, and its value is NaN. What is wrong with bytes is
//! [`Error::State`].

use std::fmt;

use crate::check::{culprit, needs_shape, same_shape};
use crate::error::{Error, Operand};
use crate::memory::reserve;
use crate::partial::deposit::{Groups, Places, deposit, is_clean};
use crate::partial::state::{COUNT, INVALID};
#[cfg(doc)]
use crate::policy::Normalization;
use crate::policy::{Invalid, Measure, Options};
use crate::rows::PARALLEL_FROM;
use crate::threads;
use crate::view::{Element, Row, Shape, View};

mod answer;
mod deposit;
mod exact;
mod state;

pub use crate::partial::state::Partial;

/// Elements that are worth a state of their own.
const TASK: usize = 1 << 14;

const GROUP: Operand = Operand::new(2, "group");

impl Partial {
    /// A state to which nothing was added.
    ///
    /// Of the options `measure` and `invalid` are kept; the others are for [`Partial::value`]. Mask and weights do not
    /// apply.
    /// # Errors
    /// [`Error::Option`] for a measure that is no sum of terms or needs a mixture, and for smoothing, which depends on
    /// the number of outcomes: add it to the elements before, and ask for [`Normalization::Normalize`].
    pub fn new(options: &Options) -> Result<Partial, Error> {
        let mut state = Partial::BLANK;
        state.reset(options)?;
        Ok(state)
    }

    /// Makes it what [`Partial::new`] gives.
    pub fn reset(&mut self, options: &Options) -> Result<(), Error> {
        check_options(options)?;
        self.make_empty(options.measure, options.invalid)
    }

    /// A state to which all elements of two matrices were added: [`Partial::new`] and [`Partial::update`].
    pub fn of<'a>(
        p: impl Into<View<'a>>,
        q: impl Into<View<'a>>,
        options: &Options,
    ) -> Result<Partial, Error> {
        let mut state = Partial::new(options)?;
        state.update(p, q)?;
        Ok(state)
    }

    /// Adds pairs: all elements of `p` and the same elements of `q` belong to the state's two distributions.
    ///
    /// # Shapes
    /// `p` and `q`: the same, any strides, any element types. ENTROPY does not look at q.
    /// # Threads
    /// Work from [`PARALLEL_FROM`](crate::batch::PARALLEL_FROM) elements on is shared among
    /// [`threads`](crate::threads).
    /// # Errors
    /// [`Error::ShapeMismatch`], [`Error::Empty`], [`Error::InvalidEntry`] of the first bad entry, [`Error::OutOfMemory`];
    /// the state is then as it was.
    pub fn update<'a>(&mut self, p: impl Into<View<'a>>, q: impl Into<View<'a>>) -> Result<(), Error> {
        self.update_on(p.into(), q.into(), true)
    }

    /// As [`Partial::update`], on the calling thread alone unless `parallel`.
    pub fn update_on(&mut self, p: View, q: View, parallel: bool) -> Result<(), Error> {
        let q = if self.measure() == Measure::Entropy { p } else { q };
        same_shape(&p, &q)?;
        self.has_room(p.elements() as u64)?;
        let spread = parallel && p.elements() >= PARALLEL_FROM;
        if self.invalid() == Invalid::Error
            && let Some(error) = first_bad(p, q, spread)
        {
            return Err(error);
        }
        match (p.as_one_row(), q.as_one_row()) {
            _ if spread => self.take_in_spread(p, q)?,
            (Some(p), Some(q)) => self.take_in(p, q),
            _ => (0..p.rows()).for_each(|i| self.take_in(p.row(i), q.row(i))),
        }
        self.seal();
        Ok(())
    }

    fn take_in_spread(&mut self, p: View, q: View) -> Result<(), Error> {
        match (p.as_one_row(), q.as_one_row()) {
            (Some(p), Some(q)) => self.add_tasks(p.len().div_ceil(TASK), 1, |state, i| {
                let (start, len) = (i * TASK, TASK.min(p.len() - i * TASK));
                state.take_in(p.part(start, len), q.part(start, len));
            }),
            _ => {
                let at_least = TASK.div_ceil(p.cols());
                self.add_tasks(p.rows(), at_least, |state, i| state.take_in(p.row(i), q.row(i)))
            }
        }
    }

    /// Adds what tasks add to states of their own.
    fn add_tasks(
        &mut self,
        tasks: usize,
        at_least: usize,
        task: impl Fn(&mut Partial, usize) + Sync,
    ) -> Result<(), Error> {
        // Some strips a thread, so that none waits long for the last.
        let strips = tasks.div_ceil(at_least).min(8 * threads::count()).max(1);
        let size = tasks.div_ceil(strips);
        let mut states = self.empty_ones(strips)?;
        threads::chunks_mut(&mut states, 1, |strip, states| {
            for i in strip * size..tasks.min((strip + 1) * size) {
                task(&mut states[0], i);
            }
            None::<()>
        });
        states.iter().for_each(|state| self.add_state(state));
        Ok(())
    }

    /// So many states like this one. Not on the stack, of which the calling thread may have little, nor made where more
    /// of it is needed afterwards.
    #[inline(never)]
    fn empty_ones(&self, n: usize) -> Result<Vec<Partial>, Error> {
        let mut states = reserve(n)?;
        states.resize_with(n, || self.emptied());
        Ok(states)
    }

    /// Adds a row of pairs, looked at where a bad one is an error. The state is open then.
    fn take_in(&mut self, p: Row, q: Row) {
        match self.invalid() {
            Invalid::Error => deposit(self.measure(), p, q, 0, self),
            Invalid::Nan => take_in_unseen(self.measure(), p, q, self),
        }
    }

    /// Adds what another state holds.
    ///
    /// # Errors
    /// [`Error::State`] if it is of another measure, or treats bad entries differently; nothing is added then.
    pub fn merge(&mut self, other: &Partial) -> Result<(), Error> {
        self.is_like(other)?;
        self.has_room(other.count())?;
        self.add_state(other);
        self.seal();
        Ok(())
    }

    /// The measure of all that was added, in nats or in the units of `options.base`.
    ///
    /// Of the options `normalization`, `mass_tolerance`, `base` and `invalid` are looked at. Their measure is that of
    /// the state, or the default.
    /// # Errors
    /// [`Error::Option`] for another measure or for smoothing; [`Error::ZeroMass`], [`Error::NotNormalized`] as the
    /// normalisation asks for; [`Error::InvalidPairs`] if bad entries were added. With [`Invalid::Nan`] the latter
    /// three are NaN.
    pub fn value(&self, options: &Options) -> Result<f64, Error> {
        let mut out = f64::NAN;
        self.value_into(options, &mut out)?;
        Ok(out)
    }

    /// As [`Partial::value`], into the caller's memory. NaN where a sum is bad.
    pub fn value_into(&self, options: &Options, out: &mut f64) -> Result<(), Error> {
        check_options(options)?;
        if options.measure != Measure::Kl && options.measure != self.measure() {
            return Err(options.measure.refused("the state answers another measure, for which it was made"));
        }
        let value = answer::value(self, options);
        *out = *value.as_ref().unwrap_or(&f64::NAN);
        match options.invalid {
            Invalid::Error => value.map(drop),
            Invalid::Nan => Ok(()),
        }
    }
}

fn check_options(options: &Options) -> Result<(), Error> {
    Options { mask: None, weights: None, ..options.clone() }.check(1)?;
    if options.smoothing > 0.0 {
        let expected = "parts do not know the number of outcomes; add it to the elements before";
        return Err(Error::Option { name: "smoothing", value: options.smoothing, expected });
    }
    Ok(())
}

/// The first bad entry of two matrices, row by row.
fn first_bad(p: View, q: View, spread: bool) -> Option<Error> {
    let of = |side: View| match side.as_one_row() {
        Some(row) if spread => {
            let shares = row.len().div_ceil(TASK);
            let clean = |i: usize| is_clean(row.part(i * TASK, TASK.min(row.len() - i * TASK)));
            threads::first(shares, 1, |i| if clean(i) { None } else { Some(()) }).is_none()
        }
        Some(row) => is_clean(row),
        None => (0..side.rows()).all(|i| is_clean(side.row(i))),
    };
    if of(p) && (p.is_same(&q) || of(q)) {
        return None;
    }
    (0..p.rows()).find_map(|i| culprit(p.row(i), q.row(i), i))
}

/// Adds pairs to the states that are their places, which are open then; bad ones by their number alone.
fn take_in_unseen(measure: Measure, p: Row, q: Row, places: &mut impl Places) {
    if is_clean(p) && is_clean(q) {
        return deposit(measure, p, q, 0, places);
    }
    let is_bad = |i: &usize| !(is_clean(p.part(*i, 1)) && is_clean(q.part(*i, 1)));
    let mut start = 0;
    while start < p.len() {
        let end = (start..p.len()).find(is_bad).unwrap_or(p.len());
        deposit(measure, p.part(start, end - start), q.part(start, end - start), start, places);
        if end < p.len() {
            let state = places.at(end);
            state.count_up(COUNT, 1);
            state.count_up(INVALID, 1);
        }
        start = end + 1;
    }
}

/// Adds pair i to state `group[i]`, for all i: one call a batch, whatever the number of groups.
///
/// # Shapes
/// `p` and `q`: one row of as many elements as there are groups given, any strides, any element types. Groups are
/// dense numbers, from 0 to below the number of states. All states that are named are of one measure. ENTROPY does
/// not look at q.
/// # Threads
/// The calling thread alone. Allocates nothing.
/// # Errors
/// [`Error::ShapeMismatch`], [`Error::Index`] for a group without a state, [`Error::State`] for states of different
/// measures, [`Error::InvalidEntry`] (row 0) of the first bad entry. All states are then as they were.
pub fn update_by<'a>(
    states: &mut [Partial],
    group: &[u32],
    p: impl Into<View<'a>>,
    q: impl Into<View<'a>>,
) -> Result<(), Error> {
    let (p, q) = (p.into(), q.into());
    let shape = Shape { rows: 1, cols: group.len() };
    needs_shape("p", p.shape(), shape)?;
    check_groups(states, group)?;
    let Some(&first) = group.first() else { return Ok(()) };
    let like = &states[first as usize];
    let (measure, pairs) = (like.measure(), group.len() as u64);
    let q = if measure == Measure::Entropy { p } else { q };
    needs_shape("q", q.shape(), shape)?;
    for group in group {
        let state = &states[*group as usize];
        like.is_like(state)?;
        state.has_room(pairs)?;
    }
    if like.invalid() == Invalid::Error
        && let Some(error) = first_bad(p, q, false)
    {
        return Err(error);
    }
    let (p, q) = (p.row(0), q.row(0));
    match states[first as usize].invalid() {
        Invalid::Error => deposit(measure, p, q, 0, &mut Groups { states, group }),
        Invalid::Nan => take_in_unseen(measure, p, q, &mut Groups { states, group }),
    }
    seal_all(states, group);
    Ok(())
}

/// Adds state i of `from` to state `group[i]`, for all i.
///
/// # Errors
/// [`Error::ShapeMismatch`], [`Error::Index`] for a group without a state, [`Error::State`] for states of different
/// measures. All states are then as they were.
pub fn merge_by(states: &mut [Partial], group: &[u32], from: &[Partial]) -> Result<(), Error> {
    let (found, expected) = (Shape { rows: 1, cols: from.len() }, Shape { rows: 1, cols: group.len() });
    needs_shape("from", found, expected)?;
    check_groups(states, group)?;
    let mut pairs = 0u64;
    for (group, from) in group.iter().zip(from) {
        let state = &states[*group as usize];
        state.is_like(from)?;
        pairs = pairs.saturating_add(from.count());
        state.has_room(pairs)?;
    }
    for (group, from) in group.iter().zip(from) {
        states[*group as usize].add_state(from);
    }
    seal_all(states, group);
    Ok(())
}

/// Says whether every group has a state.
fn check_groups(states: &[Partial], group: &[u32]) -> Result<(), Error> {
    // No shortcut: all at once is faster.
    let largest = group.iter().fold(0, |largest, group| largest.max(*group));
    if group.is_empty() || (largest as usize) < states.len() {
        return Ok(());
    }
    let col = group.iter().position(|group| *group as usize >= states.len()).unwrap_or(0);
    let expected = "groups are numbered from 0 to below the number of states";
    Err(Error::Index { operand: GROUP, row: 0, col, index: i64::from(group[col]), expected })
}

fn seal_all(states: &mut [Partial], group: &[u32]) {
    for group in group {
        let state = &mut states[*group as usize];
        if state.is_open() {
            state.seal();
        }
    }
}

/// Adds pairs. What is no probability is counted, whatever the options said of it, and the value is then an error or
/// NaN.
impl<P: Element, Q: Element> Extend<(P, Q)> for Partial {
    fn extend<I: IntoIterator<Item = (P, Q)>>(&mut self, pairs: I) {
        let mut pairs = pairs.into_iter();
        loop {
            let mut buffers = ([P::from_f64(0.0); BUFFER], [Q::from_f64(0.0); BUFFER]);
            let mut n = 0;
            for ((x, y), (p, q)) in buffers.0.iter_mut().zip(&mut buffers.1).zip(pairs.by_ref()) {
                (*x, *y) = (p, q);
                n += 1;
            }
            let (p, q) = (View::from(&buffers.0[..n]).row(0), View::from(&buffers.1[..n]).row(0));
            let measure = self.measure();
            take_in_unseen(measure, p, if measure == Measure::Entropy { p } else { q }, self);
            if n < BUFFER {
                break;
            }
        }
        self.seal();
    }
}

/// Pairs of an iterator at a time.
const BUFFER: usize = 256;

impl fmt::Debug for Partial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Partial")
            .field("measure", &self.measure())
            .field("count", &self.count())
            .field("infinite_count", &self.infinite_count())
            .field("invalid_count", &self.invalid_count())
            .field("mass_p", &self.mass_p())
            .field("mass_q", &self.mass_q())
            .finish_non_exhaustive()
    }
}
