//! Sums of the KL of rows that are apart, as most rows are, with half the care that `generic` takes for rows that are near.
//!
//! In plain words: the curved parts of `p ln(p/q) = h − x` are added as ever. The straight ones are added to [`BIAS`],
//! a number so much larger than all that a block can bring that what rounding takes from each sum is exact after two
//! subtractions, where two numbers of any size take five (Dekker 1971, Knuth 1969); it goes to the curved parts. So the
//! straight sum of a block is exact, and its lanes are joined without care.
//!
//! Each stretch is gone through twice, first for its quotients and straight parts, then for its curved ones. A processor
//! works on what it can hold, two or three vectors with all that is done to them; with half of it, on twice as many.
//!
//! What rounding takes lies below 2^-32, and is itself rounded when it is added to h: an error of some 2^-23 u for a share
//! of 65,536 elements. It takes curved parts that sum to [`NEAR`] at least to hide that. A share with less is near, and
//! one that holds a number from 4 on, no probability, or a subnormal number that matters is none of this file's either, nor
//! is a single pair: all of these are left to `Sum`. The choice depends on nothing but the share's elements, and so do the bits.

use std::mem::MaybeUninit;

use crate::kernels::generic::{BLOCK, Loaded, STRETCH, settle, vectors};
use crate::kernels::lane_sums::{join, join_columns, join_rows, load_eight};
use crate::kernels::lanes::{Isa, Job, Lanes, Real};
use crate::kernels::log::{Quotient, Ratio};
use crate::kernels::op::Kl;
use crate::kernels::prepare::AsGiven;
use crate::kernels::rows::{ROWS, column, row};
use crate::kernels::scalar::Array;
use crate::sum::Total;

/// Where straight sums begin. Numbers below 4 against normal ones make |x| less than 2871, of which a lane has 128 in a
/// block.
const BIAS: f64 = (1 << 20) as f64;
/// The least that the curved parts of a share sum to.
const NEAR: f64 = 1.0 / (1 << 19) as f64;

/// The quotients of a stretch, between the two times it is gone through. A job has one place for them: the stack is short.
type Quotients<V> = [MaybeUninit<Quotient<V>>; STRETCH / 8];

#[inline(always)]
const fn no_quotients<V: Copy>() -> Quotients<V> {
    [const { MaybeUninit::uninit() }; STRETCH / 8]
}

/// Sums under way in the lanes of V.
#[derive(Clone, Copy)]
struct Lane<V> {
    curved: V,
    straight: V,
}

impl<V: Lanes<Real = f64>> Lane<V> {
    #[inline(always)]
    fn new() -> Self {
        Lane { curved: V::zero(), straight: V::splat(BIAS) }
    }

    /// Adds the terms of two slices of equal length, a block or less, stretch by stretch as `generic` does, and says whether
    /// it could. With `ZEROS` it can where p is 0, too, and gives the same bits.
    #[inline(always)]
    fn add_slices<const ZEROS: bool>(&mut self, p: &[f64], q: &[f64], quotients: &mut Quotients<V>) -> bool {
        let n = p.len().min(q.len());
        let mut from = 0;
        while from < n {
            let end = n.min(from + STRETCH);
            if !self.add_stretch::<ZEROS>(&p[from..end], &q[from..end], quotients) {
                return false;
            }
            from = end;
        }
        true
    }

    #[inline(always)]
    fn add_stretch<const ZEROS: bool>(&mut self, p: &[f64], q: &[f64], quotients: &mut Quotients<V>) -> bool {
        let Some(rest) = self.begin::<ZEROS>(p, q, quotients) else { return false };
        // SAFETY: it has begun with these slices, which are of equal length.
        unsafe { self.end(p, quotients, rest) };
        true
    }

    /// Adds the straight parts of a stretch, if it can, and gives what rounding took from their sum. Writes a quotient for
    /// each whole vector; the curved part of what is left is already in what it gives.
    #[inline(always)]
    fn begin<const ZEROS: bool>(&mut self, p: &[f64], q: &[f64], quotients: &mut Quotients<V>) -> Option<V> {
        let (mut at, mut n) = (0, 0);
        let mut begun = Begun::new(self.straight);
        while at + V::LANES <= p.len().min(q.len()) {
            // SAFETY: a whole vector is left in both.
            let pair = unsafe { Loaded::whole(p.as_ptr().add(at), q.as_ptr().add(at)) };
            quotients[n].write(begun.add::<ZEROS>(pair)?);
            (at, n) = (at + V::LANES, n + 1);
        }
        if let Some(pair) = vectors(&AsGiven, p, q, &mut at) {
            let quotient = begun.add::<ZEROS>(pair)?;
            begun.rest = quotient.add_curved(pair.p.hi, begun.rest);
        }
        self.straight = begun.straight;
        // No closure: it would not be compiled for the instruction set.
        if V::calm(begun.unrest) { Some(begun.rest) } else { None }
    }

    /// Adds the curved parts of the whole vectors of a stretch, and what [`Lane::begin`] gave.
    ///
    /// # Safety
    /// It has written the quotients of this p.
    #[inline(always)]
    unsafe fn end(&mut self, p: &[f64], quotients: &Quotients<V>, rest: V) {
        let (mut at, mut n, mut sum) = (0, 0, rest);
        // Where a 0 was set right the quotient is 0, and so is the part.
        while at + V::LANES <= p.len() {
            // SAFETY: a whole vector is left, and there are as many quotients as there are vectors.
            let (p, quotient) = unsafe { (V::load(p.as_ptr().add(at)), quotients[n].assume_init()) };
            sum = quotient.add_curved(p, sum);
            (at, n) = (at + V::LANES, n + 1);
        }
        self.curved = self.curved + sum;
    }

    /// The curved and the straight sums.
    #[inline(always)]
    fn sums(&self) -> (V, V) {
        (self.curved, self.straight - V::splat(BIAS))
    }

    /// The lanes joined.
    #[inline(always)]
    fn total(&self) -> Total<1, 1> {
        let ((curved, straight), mut total) = (self.sums(), Total::ZERO);
        (total.plain[0].hi, total.exact[0].hi) = (join(curved), join(straight));
        total
    }
}

/// A stretch that is gone through for the first time.
struct Begun<V: Lanes> {
    straight: V,
    rest: V,
    unrest: V::Unrest,
}

impl<V: Lanes<Real = f64>> Begun<V> {
    #[inline(always)]
    fn new(straight: V) -> Self {
        Begun { straight, rest: V::zero(), unrest: unrest(V::one(), V::one()) }
    }

    #[inline(always)]
    fn add<const ZEROS: bool>(&mut self, mut pair: Loaded<V>) -> Option<Quotient<V>> {
        if ZEROS {
            let (settled, odd) = settle(&Kl, &pair);
            if odd {
                return None;
            }
            pair = settled;
        }
        self.unrest = V::join_unrest(self.unrest, unrest(pair.p.hi, pair.q.hi));
        let ratio = Ratio::of(pair.p, pair.q);
        let straight = ratio.straight();
        let sum = self.straight + straight;
        self.rest = self.rest - (straight - (sum - self.straight));
        self.straight = sum;
        Some(ratio.quotient())
    }
}

/// What says whether all lanes are normal numbers below 4.
#[inline(always)]
fn unrest<V: Lanes>(p: V, q: V) -> V::Unrest {
    V::unrest(p, q, V::Real::NORMAL)
}

/// Whether the sums of a share are of rows that are apart.
#[inline(always)]
fn are_apart(total: &Total<1, 1>) -> bool {
    total.plain[0].hi >= NEAR
}

/// The KL of two slices of equal length, from 2 elements to a block. Minus infinity if they are near, NaN if they hold what
/// is none of this file's.
pub(crate) struct Short<'a> {
    pub(crate) p: &'a [f64],
    pub(crate) q: &'a [f64],
}

impl Job for Short<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<I: Isa>(self) -> f64 {
        let Short { p, q } = self;
        let (mut lane, mut quotients) = (Lane::<I::F64>::new(), no_quotients());
        // A single stretch needs no loop around it.
        let could = match p.len() {
            ..=STRETCH => lane.add_stretch::<false>(p, q, &mut quotients),
            _ => lane.add_slices::<false>(p, q, &mut quotients),
        };
        if !could {
            return f64::NAN;
        }
        let total = lane.total();
        if are_apart(&total) { total.difference() } else { f64::NEG_INFINITY }
    }
}

/// A share's sums under way: it is fed slices of whole stretches, but for the last one, whose lengths divide the block.
pub(crate) struct Apart {
    lanes: Lane<Array<f64, 8>>,
    /// Elements in the block under way.
    filled: usize,
    total: Total<1, 1>,
}

impl Apart {
    pub(crate) fn new() -> Self {
        Apart { lanes: Lane::new(), filled: 0, total: Total::ZERO }
    }

    fn close(&mut self) {
        self.total.add(&self.lanes.total());
        *self = Apart { total: self.total, ..Apart::new() };
    }

    /// The share's sums, once everything was fed, if it is apart.
    pub(crate) fn finish<const M: usize, const C: usize>(mut self) -> Option<Total<M, C>> {
        if self.filled > 0 {
            self.close();
        }
        if !are_apart(&self.total) {
            return None;
        }
        let mut total = Total::ZERO;
        total.add(&self.total);
        Some(total)
    }
}

/// Feeds two slices of equal length to a share's sums, if they allow it; says so.
pub(crate) struct Feed<'a, const ZEROS: bool> {
    pub(crate) p: &'a [f64],
    pub(crate) q: &'a [f64],
    pub(crate) to: &'a mut Apart,
}

impl<const ZEROS: bool> Job for Feed<'_, ZEROS> {
    type Output = bool;

    #[inline(always)]
    fn run<I: Isa>(self) -> bool {
        let Feed { p, q, to } = self;
        let (curved, straight) = (load_eight(&to.lanes.curved.0), load_eight(&to.lanes.straight.0));
        let mut lane = Lane::<I::F64> { curved, straight };
        if !lane.add_slices::<ZEROS>(p, q, &mut no_quotients()) {
            return false;
        }
        to.lanes = Lane { curved: Array(lane.curved.to_f64s()), straight: Array(lane.straight.to_f64s()) };
        to.filled += p.len();
        if to.filled == BLOCK {
            to.close();
        }
        true
    }
}

/// The KL of eight rows of at most a block, and which of them are apart; see [`crate::kernels::rows::Rows`], whose promises
/// these are.
pub(crate) struct ApartRows<'a> {
    pub(crate) p: (*const f64, isize),
    pub(crate) q: (*const f64, isize),
    pub(crate) cols: usize,
    pub(crate) out: &'a mut [f64; ROWS],
}

impl Job for ApartRows<'_> {
    type Output = [bool; ROWS];

    #[inline(always)]
    fn run<I: Isa>(self) -> [bool; ROWS] {
        let ApartRows { p, q, cols, out } = self;
        let (mut curved, mut straight) = ([I::F64::zero(); ROWS], [I::F64::zero(); ROWS]);
        let mut apart = [true; ROWS];
        let mut quotients = no_quotients();
        for i in 0..ROWS {
            // SAFETY: the job's maker vouches for the rows.
            let (p, q) = unsafe { (row(p, i, cols), row(q, i, cols)) };
            let mut lane = Lane::<I::F64>::new();
            let could = match cols {
                ..=STRETCH => lane.add_stretch::<false>(p, q, &mut quotients),
                _ => lane.add_slices::<false>(p, q, &mut quotients),
            };
            if !could {
                lane = Lane::new();
                apart[i] = lane.add_slices::<true>(p, q, &mut quotients);
            }
            (curved[i], straight[i]) = lane.sums();
        }
        let curved = join_rows(curved);
        let values: [f64; ROWS] = (curved - join_rows(straight)).to_f64s();
        let curved: [f64; ROWS] = curved.to_f64s();
        for i in 0..ROWS {
            apart[i] &= curved[i] >= NEAR;
        }
        *out = values;
        apart
    }
}

/// The same of rows of few columns, which are taken column by column, if all rows allow it; see
/// [`crate::kernels::rows::Columns`].
pub(crate) struct ApartColumns<'a>(pub(crate) ApartRows<'a>);

impl Job for ApartColumns<'_> {
    type Output = Option<[bool; ROWS]>;

    #[inline(always)]
    fn run<I: Isa>(self) -> Option<[bool; ROWS]> {
        let ApartRows { p, q, cols, out } = self.0;
        let (mut curved, mut straight) = ([I::F64::zero(); 8], [I::F64::zero(); 8]);
        for j in 0..cols {
            // SAFETY: the job's maker vouches for the rows; a column is a vector.
            let pair = unsafe { Loaded::<I::F64>::whole(column(p, j).as_ptr(), column(q, j).as_ptr()) };
            let mut begun = Begun::new(I::F64::splat(BIAS));
            let quotient = begun.add::<true>(pair)?;
            if !I::F64::calm(begun.unrest) {
                return None;
            }
            curved[j] = quotient.add_curved(pair.p.hi, begun.rest);
            straight[j] = begun.straight - I::F64::splat(BIAS);
        }
        let curved = join_columns(curved);
        *out = (curved - join_columns(straight)).to_f64s();
        Some(curved.to_f64s::<ROWS>().map(|curved| curved >= NEAR))
    }
}
