//! Sums of rows that are apart, as most rows are, with half the care that `generic` takes for rows that are near.
//!
//! In plain words: the curved parts of `p ln(p/q) = h − x` are added as ever. The straight ones are added to [`BIAS`],
//! a number so much larger than all that a block can bring that what rounding takes from each sum is exact after two
//! subtractions, where two numbers of any size take five (Dekker 1971, Knuth 1969); it goes to the curved parts. So the
//! straight sum of a block is exact, and its lanes are joined without care.
//!
//! What rounding takes lies below 2^-32, and is itself rounded when it is added to h: an error of some 2^-23 u for a share
//! of 65,536 elements. It takes curved parts that sum to [`NEAR`] at least to hide that. A share with less is near, and
//! one that holds a number from 4 on, no probability, or a subnormal number that matters is none of this file's either, nor
//! is a single pair: all of these are left to `Sum`. The choice depends on nothing but the share's elements, and so do the bits.

use crate::kernels::generic::{BLOCK, Loaded, STRETCH, settle, vectors};
use crate::kernels::lane_sums::{join, join_rows, load_eight};
use crate::kernels::lanes::{Isa, Job, Lanes, Real};
use crate::kernels::op::Op;
use crate::kernels::prepare::AsGiven;
use crate::kernels::rows::{ROWS, row};
use crate::kernels::scalar::Array;
use crate::sum::Total;

/// Where straight sums begin. Numbers below 4 against normal ones make |x| less than 2871, of which a lane has 128 in a
/// block.
const BIAS: f64 = (1 << 20) as f64;
/// The least that the curved parts of a share sum to.
const NEAR: f64 = 1.0 / (1 << 19) as f64;

/// The sums of a share, if it is apart.
fn if_apart<const M: usize, const C: usize>(total: Total<M, C>) -> Option<Total<M, C>> {
    (total.plain[0].hi >= NEAR).then_some(total)
}

/// Sums under way in the lanes of V.
#[derive(Clone, Copy)]
pub(super) struct Lane<V, const M: usize, const C: usize> {
    plain: [V; M],
    biased: [V; C],
}

impl<V: Lanes<Real = f64>, const M: usize, const C: usize> Lane<V, M, C> {
    #[inline(always)]
    pub(super) fn new() -> Self {
        Lane { plain: [V::zero(); M], biased: [V::splat(BIAS); C] }
    }

    #[inline(always)]
    fn add<O: Op<M, C>>(&mut self, op: &O, pair: &Loaded<V>) {
        let exact = op.add_plain(pair.p, pair.q, &mut self.plain);
        for i in 0..C {
            let sum = self.biased[i] + exact[i];
            self.plain[0] = self.plain[0] - (exact[i] - (sum - self.biased[i]));
            self.biased[i] = sum;
        }
    }

    /// Adds the terms of two slices of equal length, a block or less, stretch by stretch as `generic` does, and says whether
    /// it could. With `ZEROS` it can where p is 0, too, and gives the same bits.
    #[inline(always)]
    pub(super) fn add_slices<O: Op<M, C>, const ZEROS: bool>(
        &mut self,
        op: &O,
        p: &[f64],
        q: &[f64],
    ) -> bool {
        let n = p.len().min(q.len());
        let mut from = 0;
        while from < n {
            let end = n.min(from + STRETCH);
            let mut stretch = Lane { biased: self.biased, ..Lane::new() };
            if !stretch.add_stretch::<O, ZEROS>(op, &p[from..end], &q[from..end]) {
                return false;
            }
            self.biased = stretch.biased;
            for i in 0..M {
                self.plain[i] = self.plain[i] + stretch.plain[i];
            }
            from = end;
        }
        true
    }

    #[inline(always)]
    fn add_stretch<O: Op<M, C>, const ZEROS: bool>(&mut self, op: &O, p: &[f64], q: &[f64]) -> bool {
        let mut at = 0;
        while let Some(given) = vectors::<V, AsGiven>(&AsGiven, p, q, &mut at) {
            if modest(&given) {
                self.add(op, &given);
                continue;
            }
            if !ZEROS {
                return false;
            }
            let (pair, odd) = settle(op, &given);
            if odd || !modest(&pair) {
                return false;
            }
            self.add(op, &pair);
        }
        true
    }

    /// The plain and the exact sums.
    #[inline(always)]
    pub(super) fn sums(&self) -> ([V; M], [V; C]) {
        let mut exact = self.biased;
        for x in &mut exact {
            *x = *x - V::splat(BIAS);
        }
        (self.plain, exact)
    }

    /// The lanes joined.
    #[inline(always)]
    fn total(&self) -> Total<M, C> {
        let ((plain, exact), mut total) = (self.sums(), Total::ZERO);
        for i in 0..M {
            total.plain[i].hi = join(plain[i]);
        }
        for i in 0..C {
            total.exact[i].hi = join(exact[i]);
        }
        total
    }
}

/// Whether all lanes are normal numbers below 4.
#[inline(always)]
fn modest<V: Lanes>(pair: &Loaded<V>) -> bool {
    V::calm(V::unrest(pair.p.hi, pair.q.hi, V::Real::NORMAL))
}

/// The measure of two slices of equal length, from 2 elements to a block, if it is its terms' sum. Minus infinity if they
/// are near, NaN if they hold what is not modest.
pub(crate) struct Short<'a, O, const M: usize, const C: usize> {
    pub(crate) op: &'a O,
    pub(crate) p: &'a [f64],
    pub(crate) q: &'a [f64],
}

impl<O: Op<M, C>, const M: usize, const C: usize> Job for Short<'_, O, M, C> {
    type Output = f64;

    #[inline(always)]
    fn run<I: Isa>(self) -> f64 {
        let Short { op, p, q } = self;
        let mut lane = Lane::<I::F64, M, C>::new();
        // A single stretch needs no loop around it.
        let could = match p.len() {
            ..=STRETCH => lane.add_stretch::<O, false>(op, p, q),
            _ => lane.add_slices::<O, false>(op, p, q),
        };
        if !could {
            return f64::NAN;
        }
        if_apart(lane.total()).map_or(f64::NEG_INFINITY, |total| total.difference())
    }
}

/// A share's sums under way: it is fed slices of whole stretches, but for the last one, whose lengths divide the block.
pub(crate) struct Apart<const M: usize, const C: usize> {
    plain: [[f64; 8]; M],
    biased: [[f64; 8]; C],
    /// Elements in the block under way.
    filled: usize,
    total: Total<M, C>,
}

impl<const M: usize, const C: usize> Apart<M, C> {
    pub(crate) fn new() -> Self {
        Apart { plain: [[0.0; 8]; M], biased: [[BIAS; 8]; C], filled: 0, total: Total::ZERO }
    }

    fn close(&mut self) {
        let lane = Lane { plain: self.plain.map(Array), biased: self.biased.map(Array) };
        self.total.add(&lane.total());
        *self = Apart { total: self.total, ..Apart::new() };
    }

    /// The share's sums, once everything was fed, if it is apart.
    pub(crate) fn finish(mut self) -> Option<Total<M, C>> {
        if self.filled > 0 {
            self.close();
        }
        if_apart(self.total)
    }
}

/// Feeds the terms of two slices of equal length to a share's sums, if they allow it; says so.
pub(crate) struct Feed<'a, O, const M: usize, const C: usize, const ZEROS: bool> {
    pub(crate) op: &'a O,
    pub(crate) p: &'a [f64],
    pub(crate) q: &'a [f64],
    pub(crate) to: &'a mut Apart<M, C>,
}

impl<O: Op<M, C>, const M: usize, const C: usize, const ZEROS: bool> Job for Feed<'_, O, M, C, ZEROS> {
    type Output = bool;

    #[inline(always)]
    fn run<I: Isa>(self) -> bool {
        let Feed { op, p, q, to } = self;
        let mut lane = Lane::<I::F64, M, C>::new();
        for i in 0..M {
            lane.plain[i] = load_eight(&to.plain[i]);
        }
        for i in 0..C {
            lane.biased[i] = load_eight(&to.biased[i]);
        }
        if !lane.add_slices::<O, ZEROS>(op, p, q) {
            return false;
        }
        for i in 0..M {
            to.plain[i] = lane.plain[i].to_f64s();
        }
        for i in 0..C {
            to.biased[i] = lane.biased[i].to_f64s();
        }
        to.filled += p.len();
        if to.filled == BLOCK {
            to.close();
        }
        true
    }
}

/// The measures of eight rows of at most a block, if they are their sums, and which of them are apart; see
/// [`crate::kernels::rows::Rows`], whose promises these are.
pub(crate) struct ApartRows<'a, O, const M: usize, const C: usize> {
    pub(crate) op: &'a O,
    pub(crate) p: (*const f64, isize),
    pub(crate) q: (*const f64, isize),
    pub(crate) cols: usize,
    pub(crate) out: &'a mut [f64; ROWS],
}

impl<O: Op<M, C>, const M: usize, const C: usize> Job for ApartRows<'_, O, M, C> {
    type Output = [bool; ROWS];

    #[inline(always)]
    fn run<I: Isa>(self) -> [bool; ROWS] {
        let ApartRows { op, p, q, cols, out } = self;
        let (mut curved, mut straight) = ([I::F64::zero(); ROWS], [I::F64::zero(); ROWS]);
        let mut apart = [true; ROWS];
        for i in 0..ROWS {
            // SAFETY: the job's maker vouches for the rows.
            let (p, q) = unsafe { (row(p, i, cols), row(q, i, cols)) };
            let mut lane = Lane::<I::F64, M, C>::new();
            let could = match cols {
                ..=STRETCH => lane.add_stretch::<O, false>(op, p, q),
                _ => lane.add_slices::<O, false>(op, p, q),
            };
            if !could {
                lane = Lane::new();
                apart[i] = lane.add_slices::<O, true>(op, p, q);
            }
            let (plain, exact) = lane.sums();
            curved[i] = plain[0];
            straight[i] = if C > 0 { exact[0] } else { I::F64::zero() };
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
