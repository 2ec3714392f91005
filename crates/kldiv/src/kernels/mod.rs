//! Kernels: the loops that do the work, for each instruction set, and the one place that chooses among them.
//!
//! `generic` holds the loops, `op` the measures' terms, `log` the logarithm they stand on; `lanes` says what a vector
//! can do, and `scalar`, `avx2`, `avx512` and `neon` do it. All give the same bits.

use std::sync::atomic::{AtomicU8, Ordering};

pub(crate) use crate::kernels::apart::Apart;
use crate::kernels::apart::{ApartColumns, ApartRows, Feed};
use crate::kernels::each::{Chunks, Each};
use crate::kernels::exact_sum::ExactSum;
use crate::kernels::far::AreFar;
pub(crate) use crate::kernels::far::{SEEN, long_stretch, seen};
pub(crate) use crate::kernels::generic::{BLOCK, Running};
use crate::kernels::generic::{Single, Sum, ValueOfPair, Write};
use crate::kernels::lanes::{Job, Vector};
pub use crate::kernels::one_row::Rest;
use crate::kernels::one_row::{Short, ShortFar};
use crate::kernels::op::Op;
use crate::kernels::prepare::{AsGiven, Prepare};
use crate::kernels::product::{Facts, GROUP, Judge, Meet, Mixture, PANEL, Product, Products, Reach, Rule};
use crate::kernels::rows::{Columns, Masses, Rows, few_columns, row};
pub(crate) use crate::kernels::rows::{Of, ROWS};
use crate::kernels::softmax::{Compare, Distance, Far, Frame, Sums};
use crate::kernels::transpose::Transpose;
use crate::kernels::widen::Widen;
use crate::sum::{Compensated, Total};
use crate::view::Row;

#[cfg(target_arch = "x86_64")]
pub(crate) mod anywhere;
mod apart;
#[cfg(test)]
mod apart_tests;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub(crate) mod bounded;
pub(crate) mod categories;
pub(crate) mod concentrations;
#[rustfmt::skip]
mod coefficients;
pub(crate) mod costs;
#[cfg(test)]
mod costs_tests;
pub(crate) mod each;
pub(crate) mod elementary;
pub(crate) mod entropies;
pub(crate) mod exact_sum;
pub(crate) mod exp;
mod far;
mod gamma;
mod generic;
pub(crate) mod gradient;
pub(crate) mod lane_sums;
pub(crate) mod lanes;
pub(crate) mod laws;
pub(crate) mod log;
pub(crate) mod loss;
#[cfg(test)]
mod matrix_tests;
pub(crate) mod means;
#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
mod neon;
mod one_row;
pub(crate) mod op;
pub(crate) mod pairs;
#[cfg(test)]
mod pairs_tests;
pub(crate) mod prepare;
pub(crate) mod product;
#[cfg(test)]
mod product_tests;
pub(crate) mod renyi;
mod rows;
pub(crate) mod samples;
#[cfg(test)]
mod samples_tests;
pub(crate) mod scalar;
pub(crate) mod slopes;
#[cfg(test)]
mod slopes_tests;
pub(crate) mod softmax;
pub(crate) mod softmax_rows;
#[cfg(target_arch = "x86_64")]
mod still;
#[cfg(test)]
pub(crate) mod tests;
mod transpose;
pub(crate) mod triangular;
mod twice;
pub(crate) mod vae;
mod widen;

/// On other machines no way is found.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) mod anywhere {
    use std::convert::Infallible;

    use super::Rest;

    #[derive(Clone, Copy)]
    pub(crate) struct Anywhere<const LOOKS: usize>(Infallible);

    impl<const LOOKS: usize> Anywhere<LOOKS> {
        pub(crate) fn new(_: usize) -> Option<Self> {
            None
        }

        pub(crate) unsafe fn kl<T, R>(
            self,
            _: &[T],
            _: &[T],
            _: impl FnOnce(&[T], &[T], Result<f64, Rest>) -> R,
        ) -> R {
            match self.0 {}
        }
    }
}

/// An instruction set that there are kernels for; of those that one machine may have, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
#[non_exhaustive]
pub enum Isa {
    /// Plain Rust, one lane after another.
    Scalar = 1,
    /// AVX2, FMA and F16C.
    Avx2 = 2,
    /// AVX-512 F, DQ, BW and VL.
    Avx512 = 3,
    /// NEON of AArch64, which every such machine has.
    Neon = 4,
}

impl Isa {
    /// Those that a machine of this kind may have.
    const ALL: &'static [Isa] = if cfg!(target_arch = "x86_64") {
        &[Isa::Scalar, Isa::Avx2, Isa::Avx512]
    } else if cfg!(all(target_arch = "aarch64", target_endian = "little")) {
        &[Isa::Scalar, Isa::Neon]
    } else {
        &[Isa::Scalar]
    };

    /// Its name, as `KLDIV_ISA` takes it.
    pub const fn name(self) -> &'static str {
        match self {
            Isa::Scalar => "scalar",
            Isa::Avx2 => "avx2",
            Isa::Avx512 => "avx512",
            Isa::Neon => "neon",
        }
    }

    /// The weaker one of that name, or this one: a name of another kind of machine's is no name.
    fn unless(self, name: Option<&str>) -> Isa {
        let named = Isa::ALL.iter().find(|isa| Some(isa.name()) == name);
        named.map_or(self, |isa| self.min(*isa))
    }

    /// Whether it is known to be the active one.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub(crate) fn is_in_use(self) -> bool {
        CHOSEN.load(Ordering::Relaxed) == self as u8
    }

    /// The strongest that this machine has.
    fn strongest() -> Isa {
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("fma")
                && is_x86_feature_detected!("f16c")
                && is_x86_feature_detected!("popcnt");
            let avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vl");
            if avx2 && avx512 {
                return Isa::Avx512;
            }
            if avx2 {
                return Isa::Avx2;
            }
        }
        if cfg!(all(target_arch = "aarch64", target_endian = "little")) { Isa::Neon } else { Isa::Scalar }
    }
}

/// The instruction set in use: the strongest that the machine has, or the weaker one that the environment variable
/// `KLDIV_ISA` (`scalar`, `avx2`, `avx512`, `neon`) named when it was first asked for. All give the same bits.
#[inline(always)]
pub fn active_isa() -> Isa {
    match CHOSEN.load(Ordering::Relaxed) {
        1 => Isa::Scalar,
        2 => Isa::Avx2,
        3 => Isa::Avx512,
        #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
        4 => Isa::Neon,
        _ => choose(),
    }
}

static CHOSEN: AtomicU8 = AtomicU8::new(0);

#[cold]
fn choose() -> Isa {
    let isa = Isa::strongest().unless(std::env::var("KLDIV_ISA").ok().as_deref());
    CHOSEN.store(isa as u8, Ordering::Relaxed);
    isa
}

/// The one dispatch point.
#[inline(always)]
pub(crate) fn dispatch<J: Job>(job: J) -> J::Output {
    dispatch_to(active_isa(), job)
}

#[inline(always)]
fn dispatch_to<J: Job>(isa: Isa, job: J) -> J::Output {
    match isa {
        // SAFETY: `active_isa` names only what this machine has.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { avx512::run(job) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { avx2::run(job) },
        #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
        Isa::Neon => neon::run(job),
        _ => scalar::run(job),
    }
}

/// The measure of two slices of equal length, at most a share, of elements as they are, if it is its terms' sum.
#[inline(always)]
pub(crate) fn value<O: Op<M, C>, T: Vector, const M: usize, const C: usize>(op: &O, p: &[T], q: &[T]) -> f64 {
    if let (&[p], &[q]) = (p, q) {
        return dispatch(ValueOfPair { op, p, q });
    }
    if p.len() > BLOCK || !O::APART {
        return value_of_sums(op, p, q);
    }
    match short(active_isa(), p, q) {
        f64::NEG_INFINITY => value_rest(op, Rest::Near, p, q),
        value if value.is_nan() => value_rest(op, Rest::Odd, p, q),
        value => value,
    }
}

/// Not inlined: the registers that it needs would be saved for short slices, too.
#[inline(never)]
fn value_of_sums<O: Op<M, C>, T: Vector, const M: usize, const C: usize>(op: &O, p: &[T], q: &[T]) -> f64 {
    sum(op, &AsGiven, p, q).difference()
}

/// What [`Short`] finds, as one number, for two are not given back in registers: minus infinity of what is near, NaN of what
/// is odd.
#[inline(always)]
fn short<T: Vector>(isa: Isa, p: &[T], q: &[T]) -> f64 {
    let then = |found: Result<f64, Rest>| match found {
        Ok(value) => value,
        Err(Rest::Near) => f64::NEG_INFINITY,
        Err(_) => f64::NAN,
    };
    let far = far::may_be(p, q);
    #[cfg(target_arch = "x86_64")]
    if isa == Isa::Avx512 && p.len() == q.len() {
        // SAFETY: `active_isa` names only what this machine has, and q has as many elements as p.
        return unsafe {
            match far {
                true => {
                    avx512::short_far::<_, _, { avx512::AS_SET }>(p, q.as_ptr(), |_, _, found| then(found))
                }
                false => avx512::short::<_, _, { avx512::AS_SET }>(p, q.as_ptr(), |_, _, found| then(found)),
            }
        };
    }
    if far {
        dispatch_to(isa, ShortFar(Short { p, q, then }))
    } else {
        dispatch_to(isa, Short { p, q, then })
    }
}

/// The same of which this much is left to do. Not inlined, as above.
#[inline(never)]
pub(crate) fn value_rest<O: Op<M, C>, T: Vector, const M: usize, const C: usize>(
    op: &O,
    rest: Rest,
    p: &[T],
    q: &[T],
) -> f64 {
    match rest {
        // With zeros it may still be apart.
        Rest::Odd => {
            sum_apart::<T, M, C, true>(p, q).unwrap_or_else(|| sum_of_terms(op, &AsGiven, p, q)).difference()
        }
        Rest::Near => sum_of_terms(op, &AsGiven, p, q).difference(),
        Rest::All => value(op, p, q),
    }
}

/// The sums of a measure's terms over two slices of equal length, at most a share.
#[inline(always)]
pub(crate) fn sum<O: Op<M, C>, P: Prepare, T: Vector, const M: usize, const C: usize>(
    op: &O,
    prepare: &P,
    p: &[T],
    q: &[T],
) -> Total<M, C> {
    if let (&[p], &[q]) = (p, q) {
        return dispatch(Single { op, prepare, p, q });
    }
    if P::AS_GIVEN
        && O::APART
        && let Some(total) = sum_apart::<T, M, C, false>(p, q)
    {
        return total;
    }
    sum_of_terms(op, prepare, p, q)
}

/// The same, of slices that are not apart. Not inlined, for the stack of those who choose among measures.
#[inline(never)]
fn sum_of_terms<O: Op<M, C>, P: Prepare, T: Vector, const M: usize, const C: usize>(
    op: &O,
    prepare: &P,
    p: &[T],
    q: &[T],
) -> Total<M, C> {
    let mut running = Running::new();
    dispatch(Sum { op, prepare, p, q, last: true, running: &mut running });
    running.finish()
}

/// The sums of a share that is apart, which may be known to hold something odd.
fn sum_apart<T: Vector, const M: usize, const C: usize, const ODD: bool>(
    p: &[T],
    q: &[T],
) -> Option<Total<M, C>> {
    Apart::sum::<T, M, C>(seem_far(p, q), |to| {
        if ODD { feed_some::<T, true>(p, q, to) == p.len() } else { feed(p, q, to) }
    })
}

fn seem_far<T: Vector>(p: &[T], q: &[T]) -> bool {
    seen::<T>(p.len().min(q.len())).is_some_and(|seen| are_far(&p[seen.clone()], &q[seen]))
}

/// Whether those pairs of a share are far apart that are [`seen`].
pub(crate) fn are_far<T: Vector>(p: &[T], q: &[T]) -> bool {
    dispatch(AreFar { p, q })
}

/// Goes on with the sums of KL over a share that may be apart; see [`Apart`].
pub(crate) fn feed<T: Vector>(p: &[T], q: &[T], to: &mut Apart) -> bool {
    let n = p.len().min(q.len());
    let mut fed = feed_some::<T, false>(p, q, to);
    if fed < n {
        fed += feed_some::<T, true>(&p[fed..], &q[fed..], to);
    }
    fed == n
}

/// Says how many elements could be fed; a block with zeros may still be apart.
fn feed_some<T: Vector, const ZEROS: bool>(p: &[T], q: &[T], to: &mut Apart) -> usize {
    match to.are_far() {
        true => dispatch(Feed::<T, ZEROS, true> { p, q, to }),
        false => dispatch(Feed::<T, ZEROS, false> { p, q, to }),
    }
}

/// Goes on with a sum over two more slices of equal length.
#[inline(always)]
pub(crate) fn extend<O: Op<M, C>, P: Prepare, T: Vector, const M: usize, const C: usize>(
    op: &O,
    prepare: &P,
    p: &[T],
    q: &[T],
    running: &mut Running<M, C>,
) {
    dispatch(Sum { op, prepare, p, q, last: false, running })
}

/// Each term of two slices of equal length, to a third; whether all are numbers.
pub(crate) fn write<O: Op<M, C>, P: Prepare, T: Vector, const M: usize, const C: usize>(
    op: &O,
    prepare: &P,
    p: &[T],
    q: &[T],
    out: &mut [T],
) -> bool {
    dispatch(Write { op, prepare, p, q, out })
}

/// The terms of each pair of a chunk; see [`Each`].
pub(crate) fn each<O: Op<M, C>, T: Vector, const M: usize, const C: usize>(
    op: &O,
    p: &[T],
    q: &[T],
    out: &mut Chunks,
) {
    dispatch(Each { op, p, q, out });
}

/// The sum of a slice without rounding, as the sum of a few numbers; see [`ExactSum`].
pub(crate) fn exact_sum<const PARTS: usize>(numbers: &[f64]) -> Option<[f64; PARTS]> {
    dispatch(ExactSum { numbers })
}

/// Brings rows, given by where the first begins and how far apart they are, into the order of columns; see [`Transpose`].
///
/// # Safety
/// As many elements of as many rows as there are columns and lanes are readable.
pub(crate) unsafe fn transpose<T: Vector>(rows: (*const T, isize), tile: &mut [T]) {
    dispatch(Transpose { rows, tile })
}

/// Writes the measures of rows, eight or more at a time, and says of how many; see [`Rows`]. `out` has places for a multiple
/// of [`ROWS`].
///
/// # Safety
/// `cols` elements, at most a block, of so many rows are readable on each side, given by where the first begins and how far
/// apart they are.
// Not inlined: each measure would have its own places on the stack of whoever chooses among them.
#[inline(never)]
pub(crate) unsafe fn rows<O: Op<M, C>, T: Vector, const M: usize, const C: usize>(
    op: &O,
    p: (*const T, isize),
    q: (*const T, isize),
    cols: usize,
    out: &mut [f64],
) -> usize {
    let mut apart = [None; ROWS];
    let few = few_columns::<T>(cols);
    let mut done = 0;
    if O::APART && cols > 1 {
        let (out, apart) = (&mut *out, &mut apart);
        done = match few {
            true => dispatch(ApartColumns { p, q, cols, out, apart }),
            false => dispatch(ApartRows::<T, false> { p, q, cols, out, apart }),
        };
    }
    // What is left begins with eight with which that ended.
    let rest = &mut out[done..];
    if rest.is_empty() {
        return done;
    }
    let from = |(first, stride): (*const T, isize)| (first.wrapping_offset(done as isize * stride), stride);
    let (p, q) = (from(p), from(q));
    if O::APART && cols > 1 {
        let (first, apart) = (&mut rest[..ROWS], &mut apart);
        if few
            && *apart == [None; ROWS]
            && dispatch(ApartRows::<T, false> { p, q, cols, out: first, apart }) > 0
        {
            return done + ROWS;
        }
        // Where there are zeros there may be more of them.
        if apart.contains(&None) {
            let answered = dispatch(ApartRows::<T, true> { p, q, cols, out: rest, apart });
            if answered > 0 {
                return done + answered;
            }
        }
    }
    let Some(out) = rest.first_chunk_mut::<ROWS>() else { return done };
    for i in 0..ROWS {
        if O::APART && apart[i] != Some(true) {
            // SAFETY: the caller's promise.
            let (p, q) = unsafe { (row(p, i, cols), row(q, i, cols)) };
            if let Some(value) = value_of_not_far::<T, M, C>(p, q) {
                (out[i], apart[i]) = (value, Some(true));
            }
        }
    }
    if apart == [Some(true); ROWS] {
        return done + ROWS;
    }
    let mut values = [0.0; ROWS];
    let of = Of { ops: &[*op], prepares: &[AsGiven], scales: &[1.0] };
    let rows = Rows { of, p, q, cols, out: &mut values };
    if few {
        dispatch(Columns(rows));
    } else {
        dispatch(rows);
    }
    for i in 0..ROWS {
        if apart[i] != Some(true) {
            out[i] = values[i];
        }
    }
    done + ROWS
}

/// The KL of a row that cannot be summed as far apart though it seems so, if it is apart.
#[inline(never)]
fn value_of_not_far<T: Vector, const M: usize, const C: usize>(p: &[T], q: &[T]) -> Option<f64> {
    if !seem_far(p, q) {
        return None;
    }
    Some(Apart::sum_as::<T, M, C>(false, |to| feed(p, q, to))?.difference())
}

/// The measures of eight rows of f64, each of which has something of its own; see [`Rows`].
///
/// # Safety
/// As for [`rows`].
#[inline(never)]
pub(crate) unsafe fn rows_each<O: Op<M, C>, P: Prepare, const M: usize, const C: usize>(
    of: Of<O, P, ROWS>,
    p: (*const f64, isize),
    q: (*const f64, isize),
    cols: usize,
    out: &mut [f64; ROWS],
) {
    dispatch(Rows { of, p, q, cols, out });
}

/// The sums of eight rows; see [`Masses`].
///
/// # Safety
/// As for [`rows`], of one side.
pub(crate) unsafe fn masses<T: Vector>(rows: (*const T, isize), cols: usize) -> [Compensated; ROWS] {
    let mut out = [Compensated::ZERO; ROWS];
    dispatch(Masses { rows, cols, out: &mut out });
    out
}

/// [`Row::as_or_in`], with the machine's own instruction for what is half as wide.
pub(crate) fn as_or_in<'b, T: Vector>(row: Row<'b>, buffer: &'b mut [T]) -> &'b [T] {
    let Some(from) = row.as_slice::<T::Narrow>() else { return row.as_or_in(buffer) };
    dispatch(Widen { from, to: buffer });
    buffer
}

/// Adds the terms of two slices of logits to sums; see [`Compare`].
pub(crate) fn compare<T: Vector>(a: &[T], b: &[T], frame: &Frame, distance: Distance, sums: &mut Sums) {
    match distance {
        Distance::Any => dispatch(Compare::<T, false> { a, b, frame, far: far_terms, sums }),
        Distance::Wide => dispatch(Compare::<T, true> { a, b, frame, far: far_terms, sums }),
    }
}

#[cold]
#[inline(never)]
fn far_terms<T: Vector>(a: &[T], b: &[T], frame: &Frame, vectors: u32) -> Sums {
    let mut sums = [[0.0; 8]; 3];
    dispatch(Far { a, b, frame, vectors, sums: &mut sums });
    sums
}

/// The products of a panel with up to [`GROUP`] others that lie one after another; see [`Product`].
pub(crate) fn product(left: &[f64], right: &[f64], to: &mut Products) {
    let panels = right.chunks_exact(left.len());
    if active_isa() == Isa::Avx512 && panels.len() == GROUP {
        let (a, rest) = right.split_at(left.len());
        let (b, c) = rest.split_at(left.len());
        return dispatch(Product::<PANEL, GROUP> { left, row: 0, right: [a, b, c], place: 0, to });
    }
    for (place, panel) in panels.enumerate() {
        for row in [0, PANEL / 2] {
            dispatch(Product::<{ PANEL / 2 }, 1> { left, row, right: [panel], place, to });
        }
    }
}

/// The sums over mixtures of a panel with up to [`GROUP`] others that lie one after another; see [`Mixture`].
pub(crate) fn mixture(left: &[f64], right: &[f64], centre: &[f64], to: &mut Products) {
    for (place, right) in right.chunks_exact(left.len()).enumerate() {
        for row in (0..PANEL).step_by(2) {
            dispatch(Mixture::<2> { left, row, right, centre, place, to });
        }
    }
}

/// Makes results of products, and says whether all are good enough; see [`Judge`].
pub(crate) fn judge(
    rule: &Rule,
    (left, right): (&Facts, &Facts),
    (products, place): (&Products, usize),
    (out, width): (&mut [f64], usize),
) -> bool {
    dispatch(Judge { rule, left, right, products, place, out, width })
}

/// Makes results infinite whose rows have a bit in common; see [`Meet`].
pub(crate) fn meet((left, right): (&[u64], &[u64]), (out, width): (&mut [f64], usize)) {
    dispatch(Meet { left, right, out, width })
}

/// The fourth power of how far weighted elements reach; see [`Reach`].
pub(crate) fn reach(x: &[f64], weight: &[f64]) -> f64 {
    dispatch(Reach { x, weight })
}
