//! What a kernel needs of a vector: a dozen operations, the same on every instruction set.

use std::ops::{Add, Div, Index, Mul, Neg, Sub};

use half::f16;

use crate::kernels::coefficients as c;
use crate::view::Element;

/// f64 or f32: a type that terms are computed in.
pub(crate) trait Real:
    Element
    + PartialOrd
    + Neg<Output = Self>
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
{
    /// The type that is half as wide.
    type Narrow: Element;
    /// As many numbers as there are cells; see [`Lanes::cell`].
    type Table: Index<usize, Output = Self> + 'static;
    /// Below it a number takes the slow path: a factor 2 above the smallest normal one.
    const SMALLEST: Self;
    /// Above it a number takes the slow path: so far below overflow that its terms do not, whatever the other is.
    const LARGEST: Self;
    const ONE: Self;
    const ZERO: Self;
    /// 2^52 (2^23 for f32): what the last bit of an exponent counts for in a number's bits.
    const STEP: Self;
    /// From this one to below 2^1024 (2^128) times that numbers are calm; see [`Lanes::unrest`]. Nothing that is computed of
    /// them leaves their type's range.
    const CALM: Self;
    /// The smallest normal number.
    const NORMAL: Self;
    /// From this p and q on nothing is subnormal that KL computes: its curved part is some `p u²` at least, if it is not 0.
    const LEAST: Self;
    const LN2: Self;
    const LN2_HIGH: Self;
    const LN2_LOW: Self;
    /// 1.5 · 2^52 (2^23 for f32): added to a number it leaves no place for a fraction.
    const ROUND: Self;
    /// 2R of `2 atanh(s) = 2s + s³ 2R(s²)`.
    const ATANH: &'static [Self];
    /// That in steps of an exponent, by which it is multiplied: `STEP`/ln 2.
    const ATANH_IN_STEPS: &'static [Self];
    /// Where the cells of [`Lanes::cell`] begin, 1 over a number of each, and −ln of those.
    const CELLS: Self;
    const INVERSES: &'static Self::Table;
    const LN_INVERSES: &'static Self::Table;
    /// `(ln(1 + r) − r)/r²` of what a cell's inverse leaves.
    const LN_1P: &'static [Self];
    const INV_LN2: Self;
    /// E of `exp(r) = 1 + r + r² E(r)`, for |r| ≤ ln 2 / 2 and for |r| ≤ 2.
    const EXP: &'static [Self];
    const EXP_WIDE: &'static [Self];
    /// `(exp(r) − 1)/r` for |r| ≤ ln 2 / 16, and what [`Lanes::eighths`] has a table of.
    const EXP_EIGHTH: &'static [Self];
    const EIGHTHS: &'static [Self; 8];
    /// Where `exp` leaves the range of normal numbers.
    const EXP_LOWEST: Self;
    const EXP_HIGHEST: Self;
    const INFINITY: Self;
    /// Powers of 2 between this and its negative are normal.
    const EXPONENTS: Self;
    /// Whether sums of differences need compensation. Those of f32 have room enough in an f64.
    const COMPENSATE: bool;
    fn fma(self, b: Self, c: Self) -> Self;
    fn magnitude(self) -> Self;
    /// Whether it is below 2^1024 (2^128) times `from` and not below that one; see [`Lanes::unrest`].
    fn is_calm(self, from: Self) -> bool;
    /// See [`Lanes::align`].
    fn align(p: Self, q: Self) -> (Self, Self);
    /// z, k·STEP and which cell; see [`Lanes::cell`].
    fn cell(self) -> (Self, Self, usize);
    /// See [`Lanes::exp2`] and [`Lanes::eighths`].
    fn exp2(shifted: Self) -> Self;
    fn eighths(shifted: Self) -> Self;
}

impl Real for f64 {
    type Narrow = f32;
    type Table = [f64; 16];
    const SMALLEST: f64 = f64::from_bits(2 << 52);
    const LARGEST: f64 = f64::from_bits((1023 + 1000) << 52);
    const ONE: f64 = 1.0;
    const ZERO: f64 = 0.0;
    const STEP: f64 = 4_503_599_627_370_496.0;
    const CALM: f64 = f64::from_bits((1023 - 900) << 52);
    const NORMAL: f64 = f64::MIN_POSITIVE;
    const LEAST: f64 = f64::from_bits((1023 - 900) << 52);
    const LN2: f64 = std::f64::consts::LN_2;
    const LN2_HIGH: f64 = c::LN2_F64_HIGH;
    const LN2_LOW: f64 = c::LN2_F64_LOW;
    const ROUND: f64 = 6_755_399_441_055_744.0;
    const ATANH: &'static [f64] = &c::ATANH_F64;
    const ATANH_IN_STEPS: &'static [f64] = &c::ATANH_IN_STEPS_F64;
    const CELLS: f64 = c::CELLS_F64;
    const INVERSES: &'static [f64; 16] = &c::INVERSES_F64;
    const LN_INVERSES: &'static [f64; 16] = &c::LN_INVERSES_F64;
    const LN_1P: &'static [f64] = &c::LN_1P_F64;
    const INV_LN2: f64 = std::f64::consts::LOG2_E;
    const EXP: &'static [f64] = &c::EXP_F64;
    const EXP_WIDE: &'static [f64] = &c::EXP_WIDE_F64;
    const EXP_EIGHTH: &'static [f64] = &c::EXP_EIGHTH_F64;
    const EIGHTHS: &'static [f64; 8] = &c::EIGHTHS_F64;
    const EXP_LOWEST: f64 = -708.0;
    const EXP_HIGHEST: f64 = 709.0;
    const INFINITY: f64 = f64::INFINITY;
    const EXPONENTS: f64 = 1022.0;
    const COMPENSATE: bool = true;

    #[inline(always)]
    fn fma(self, b: f64, c: f64) -> f64 {
        self.mul_add(b, c)
    }

    #[inline(always)]
    fn magnitude(self) -> f64 {
        self.abs()
    }

    #[inline(always)]
    fn is_calm(self, from: f64) -> bool {
        self.to_bits().wrapping_sub(from.to_bits()) >> 62 == 0
    }

    #[inline(always)]
    fn align(p: f64, q: f64) -> (f64, f64) {
        let t = q.to_bits().wrapping_sub(p.to_bits()).wrapping_add(1 << 51);
        let shift = t & 0xFFF0_0000_0000_0000;
        (f64::from_bits(q.to_bits().wrapping_sub(shift)), shift as i64 as f64)
    }

    #[inline(always)]
    fn cell(self) -> (f64, f64, usize) {
        let from = self.to_bits().wrapping_sub(Self::CELLS.to_bits());
        let shift = from & 0xFFF0_0000_0000_0000;
        let z = f64::from_bits(self.to_bits().wrapping_sub(shift));
        (z, shift as i64 as f64, (from >> 48) as usize & 15)
    }

    #[inline(always)]
    fn exp2(shifted: f64) -> f64 {
        f64::from_bits((shifted.to_bits() << 52).wrapping_add(1f64.to_bits()))
    }

    #[inline(always)]
    fn eighths(shifted: f64) -> f64 {
        let k = shifted.to_bits();
        f64::from_bits(Self::EIGHTHS[k as usize & 7].to_bits().wrapping_add(k << 49))
    }
}

impl Real for f32 {
    type Narrow = f16;
    type Table = [f32; 4];
    const SMALLEST: f32 = f32::from_bits(2 << 23);
    const LARGEST: f32 = f32::from_bits((127 + 115) << 23);
    const ONE: f32 = 1.0;
    const ZERO: f32 = 0.0;
    const STEP: f32 = 8_388_608.0;
    const CALM: f32 = f32::from_bits((127 - 100) << 23);
    const NORMAL: f32 = f32::MIN_POSITIVE;
    const LEAST: f32 = f32::from_bits((127 - 60) << 23);
    const LN2: f32 = std::f32::consts::LN_2;
    const LN2_HIGH: f32 = c::LN2_F32_HIGH;
    const LN2_LOW: f32 = c::LN2_F32_LOW;
    const ROUND: f32 = 12_582_912.0;
    const ATANH: &'static [f32] = &c::ATANH_F32;
    const ATANH_IN_STEPS: &'static [f32] = &c::ATANH_IN_STEPS_F32;
    const CELLS: f32 = c::CELLS_F32;
    const INVERSES: &'static [f32; 4] = &c::INVERSES_F32;
    const LN_INVERSES: &'static [f32; 4] = &c::LN_INVERSES_F32;
    const LN_1P: &'static [f32] = &c::LN_1P_F32;
    const INV_LN2: f32 = std::f32::consts::LOG2_E;
    const EXP: &'static [f32] = &c::EXP_F32;
    const EXP_WIDE: &'static [f32] = &c::EXP_WIDE_F32;
    const EXP_EIGHTH: &'static [f32] = &c::EXP_EIGHTH_F32;
    const EIGHTHS: &'static [f32; 8] = &c::EIGHTHS_F32;
    const EXP_LOWEST: f32 = -87.0;
    const EXP_HIGHEST: f32 = 88.0;
    const INFINITY: f32 = f32::INFINITY;
    const EXPONENTS: f32 = 126.0;
    const COMPENSATE: bool = false;

    #[inline(always)]
    fn fma(self, b: f32, c: f32) -> f32 {
        self.mul_add(b, c)
    }

    #[inline(always)]
    fn magnitude(self) -> f32 {
        self.abs()
    }

    #[inline(always)]
    fn is_calm(self, from: f32) -> bool {
        self.to_bits().wrapping_sub(from.to_bits()) >> 30 == 0
    }

    #[inline(always)]
    fn align(p: f32, q: f32) -> (f32, f32) {
        let t = q.to_bits().wrapping_sub(p.to_bits()).wrapping_add(1 << 22);
        let shift = t & 0xFF80_0000;
        (f32::from_bits(q.to_bits().wrapping_sub(shift)), shift as i32 as f32)
    }

    #[inline(always)]
    fn cell(self) -> (f32, f32, usize) {
        let from = self.to_bits().wrapping_sub(Self::CELLS.to_bits());
        let shift = from & 0xFF80_0000;
        let z = f32::from_bits(self.to_bits().wrapping_sub(shift));
        (z, shift as i32 as f32, (from >> 21) as usize & 3)
    }

    #[inline(always)]
    fn exp2(shifted: f32) -> f32 {
        f32::from_bits((shifted.to_bits() << 23).wrapping_add(1f32.to_bits()))
    }

    #[inline(always)]
    fn eighths(shifted: f32) -> f32 {
        let k = shifted.to_bits();
        f32::from_bits(Self::EIGHTHS[k as usize & 7].to_bits().wrapping_add(k << 20))
    }
}

/// What formulas need of numbers, one or a vector of them. Every operation is the IEEE one.
pub(crate) trait Numbers:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
    /// The type of one number.
    type Real: Real;

    fn splat(x: Self::Real) -> Self;
    /// `self · b + c`, rounded once.
    fn fma(self, b: Self, c: Self) -> Self;
    /// `c − self · b`, rounded once.
    fn fnma(self, b: Self, c: Self) -> Self;
    /// `(q·2^−k, k·STEP)` with q·2^−k within a factor 1.502 of p. Both must be ordinary.
    ///
    /// The difference of two floating-point numbers' bits is about `STEP` times that of their base-2 logarithms; rounded
    /// to a whole exponent it is k steps, and subtracting it from q's bits divides q by 2^k.
    fn align(p: Self, q: Self) -> (Self, Self);
}

/// A vector of [`Real`]s. Lane by lane every operation is the same, so every implementation gives the same bits.
pub(crate) trait Lanes: Numbers {
    /// One truth a lane.
    type Mask: Copy;
    /// See [`Lanes::unrest`].
    type Unrest: Copy;
    /// Eight lanes of f64, which sums run in.
    type Sum: Lanes<Real = f64>;
    /// How many lanes there are: a power of 2. What loops take has a multiple of 8, or 1; less is a part of such a vector.
    const LANES: usize;
    /// Whether numbers from which a subnormal one could come are left to others.
    const LEAVES_SMALL: bool = false;

    /// # Safety
    /// `LANES` elements from `from` on are readable.
    unsafe fn load(from: *const Self::Real) -> Self;
    /// The first `n` lanes; the rest are 1 and their memory is not touched.
    /// # Safety
    /// `n <= LANES` elements from `from` on are readable.
    unsafe fn load_first(from: *const Self::Real, n: usize) -> Self;
    /// As many narrower numbers.
    /// # Safety
    /// `LANES` elements from `from` on are readable.
    unsafe fn widen(from: *const <Self::Real as Real>::Narrow) -> Self;
    /// # Safety
    /// `LANES` elements from `to` on are writable.
    unsafe fn store(self, to: *mut Self::Real);
    /// Stores the first `n` lanes; the memory of the rest is not touched.
    /// # Safety
    /// `n <= LANES` elements from `to` on are writable.
    #[inline(always)]
    unsafe fn store_first(self, to: *mut Self::Real, n: usize) {
        let mut stored = [Self::Real::ZERO; 16];
        // SAFETY: a vector is at most 16 elements, and pieces of n in powers of 2 are n.
        unsafe {
            self.store(stored.as_mut_ptr());
            let mut at = 0;
            copy_if::<_, 16>(&stored, to, n, &mut at);
            copy_if::<_, 8>(&stored, to, n, &mut at);
            copy_if::<_, 4>(&stored, to, n, &mut at);
            copy_if::<_, 2>(&stored, to, n, &mut at);
            copy_if::<_, 1>(&stored, to, n, &mut at);
        }
    }
    /// True in the lanes where both are from `SMALLEST` to `LARGEST`; never for a NaN.
    fn ordinary(p: Self, q: Self) -> Self::Mask;
    /// Whether all are.
    #[inline(always)]
    fn both_ordinary(p: Self, q: Self) -> bool {
        Self::all(Self::ordinary(p, q))
    }
    /// What says whether lanes are calm, joined; it takes less than to look at each. Numbers are from `from` on to below
    /// 2^1024 (2^128) times that if the upper two bits are 0 where `from`'s bits are subtracted from theirs.
    fn unrest(x: Self, from: Self::Real) -> Self::Unrest;
    fn join_unrest(a: Self::Unrest, b: Self::Unrest) -> Self::Unrest;
    /// That of two vectors.
    #[inline(always)]
    fn unrest_of(p: Self, q: Self, from: Self::Real) -> Self::Unrest {
        Self::join_unrest(Self::unrest(p, from), Self::unrest(q, from))
    }
    /// The same of normal numbers below 4; where [what is small is left to others](Self::LEAVES_SMALL), of those below 2 that
    /// are not.
    #[inline(always)]
    fn unrest_below_4(p: Self, q: Self) -> Self::Unrest {
        if !Self::LEAVES_SMALL {
            return Self::unrest_of(p, q, Self::Real::NORMAL);
        }
        let below_2 = Self::unrest_of(p, q, Self::Real::ZERO);
        Self::join_unrest(below_2, Self::unrest_of(p, q, Self::Real::LEAST))
    }
    /// Whether all are calm; never of a NaN.
    fn calm(unrest: Self::Unrest) -> bool;
    fn le(self, other: Self) -> Self::Mask;
    fn equal(self, other: Self) -> Self::Mask;
    fn and(a: Self::Mask, b: Self::Mask) -> Self::Mask;
    fn or(a: Self::Mask, b: Self::Mask) -> Self::Mask;
    fn all(mask: Self::Mask) -> bool;
    /// How many are true.
    fn count(mask: Self::Mask) -> u32;
    /// True in the first `n` lanes.
    fn first(n: usize) -> Self::Mask;
    fn select(mask: Self::Mask, yes: Self, no: Self) -> Self;
    /// 2^k of integers whose power is normal. They come as k + `ROUND`, which holds k in its low bits.
    fn exp2(shifted: Self) -> Self;
    /// 2^(k/8), of the same.
    fn eighths(shifted: Self) -> Self;
    /// Of ordinary x = z · 2^k with z from `CELLS` to twice that: z, k·STEP, and what two tables have for the cell of that
    /// range which z is in. Cells are even in the bits of z. Of other numbers it is any finite ones.
    fn cell(self, tables: [&<Self::Real as Real>::Table; 2]) -> (Self, Self, [Self; 2]);
    fn magnitude(self) -> Self;
    /// Lane by lane this one where it is greater, else the other.
    fn larger(self, other: Self) -> Self;
    /// Lane by lane the larger magnitude; the number where one is a NaN.
    fn larger_magnitude(self, other: Self) -> Self;
    /// Each lane's value in the lane `distance` away: that of lane i goes to lane `i xor distance`, for powers of 2
    /// below `LANES`.
    fn swap(self, distance: usize) -> Self;
    /// True in the lanes whose number lacks the bit.
    fn without_bit(bit: usize) -> Self::Mask;
    /// Lanes `8i` to `8i + 7` as f64.
    fn part(self, i: usize) -> Self::Sum;
    /// The sums of lanes that are eight apart, added as they are, as f64.
    #[inline(always)]
    fn folded(self) -> Self::Sum {
        const { assert!(Self::LANES <= 8) };
        self.part(0)
    }

    /// The same of two vectors, one behind the other.
    #[inline(always)]
    fn part_of_two(a: Self, b: Self, i: usize) -> Self::Sum {
        let parts = Self::LANES / 8;
        if i < parts { a.part(i) } else { b.part(i - parts) }
    }
    /// The same of four.
    #[inline(always)]
    fn part_of_four([a, b, c, d]: [Self; 4], i: usize) -> Self::Sum {
        let parts = 2 * Self::LANES / 8;
        if i < parts { Self::part_of_two(a, b, i) } else { Self::part_of_two(c, d, i - parts) }
    }
    /// As it is, all vectors of it before what is made of any: a processor that waits for one has the others, where a compiler
    /// would go on with the first for as long as it can. With few registers nothing is said.
    #[inline(always)]
    fn in_step(self) -> Self {
        self
    }
    /// The same of two vectors.
    #[inline(always)]
    fn two_in_step(two: [Self; 2]) -> [Self; 2] {
        two
    }
    /// The same of four.
    #[inline(always)]
    fn four_in_step(four: [Self; 4]) -> [Self; 4] {
        four
    }
    /// The nearest integer of each lane; lanes are within a quarter of `ROUND`.
    #[inline(always)]
    fn round(self) -> Self {
        let shift = Self::splat(Self::Real::ROUND);
        (self + shift) - shift
    }
    #[inline(always)]
    fn constant(x: f64) -> Self {
        Self::splat(Self::Real::from_f64(x))
    }
    #[inline(always)]
    fn one() -> Self {
        Self::splat(Self::Real::ONE)
    }
    #[inline(always)]
    fn zero() -> Self {
        Self::splat(Self::Real::ZERO)
    }
    /// The first lane, as f64.
    #[inline(always)]
    fn lane_0(self) -> f64 {
        self.to_f64s::<16>()[0]
    }
    /// The lanes as an array of f64 of which the first `LANES` are set; `N` is at least that.
    #[inline(always)]
    fn to_f64s<const N: usize>(self) -> [f64; N] {
        let mut stored = [Self::Real::ZERO; N];
        const { assert!(Self::LANES <= N) };
        // SAFETY: there are N >= LANES places.
        unsafe { self.store(stored.as_mut_ptr()) };
        let mut out = [0.0; N];
        for i in 0..N {
            out[i] = stored[i].to_f64();
        }
        out
    }
}

/// Copies the `SIZE` elements at `at`, if that power of 2 is in `n`: a copy whose length is known needs no call.
///
/// # Safety
/// There are so many of both.
#[inline(always)]
unsafe fn copy_if<R: Copy, const SIZE: usize>(from: &[R; 16], to: *mut R, n: usize, at: &mut usize) {
    if n & SIZE != 0 {
        // SAFETY: the caller's promise.
        unsafe { to.add(*at).copy_from_nonoverlapping(from.as_ptr().add(*at), SIZE) };
        *at += SIZE;
    }
}

/// What is needed of vectors of f64 alone.
pub(crate) trait Doubles: Lanes<Real = f64> {
    /// Of the lanes of a and b, one after another, the first, the third, … and the second, the fourth, …, but not in this
    /// order: results are brought into it by `zipped`, one instead of all that they are made of.
    fn unzip(a: Self, b: Self) -> (Self, Self);
    /// What was made of what `unzip` gave, in the order of the pairs, or what is in that in the order of `unzip`: twice, it
    /// changes nothing.
    fn zipped(self) -> Self;
}

/// `c[0] + c[1] x + c[2] x² + …`, its even and its odd powers side by side.
#[inline(always)]
pub(crate) fn polynomial<V: Numbers>(x: V, c: &[V::Real]) -> V {
    if let [a, b, c] = c {
        return V::splat(*c).fma(x, V::splat(*b)).fma(x, V::splat(*a));
    }
    polynomial_of(x, x * x, c)
}

/// The same where x² is at hand.
#[inline(always)]
pub(crate) fn polynomial_of<V: Numbers>(x: V, x2: V, c: &[V::Real]) -> V {
    every_other(x2, c, 1).fma(x, every_other(x2, c, 0))
}

/// `c[j] + c[j + 2] x2 + c[j + 4] x2² + …`.
#[inline(always)]
fn every_other<V: Numbers>(x2: V, c: &[V::Real], j: usize) -> V {
    let mut i = j + (c.len() - 1 - j) / 2 * 2;
    let mut sum = V::splat(c[i]);
    while i > j {
        i -= 2;
        sum = sum.fma(x2, V::splat(c[i]));
    }
    sum
}

/// a + b and its rounding error (Knuth).
#[inline(always)]
pub(crate) fn two_sum<V: Lanes>(a: V, b: V) -> (V, V) {
    let sum = a + b;
    let back = sum - a;
    (sum, (a - (sum - back)) + (b - back))
}

/// a − b and its rounding error.
#[inline(always)]
pub(crate) fn two_difference<V: Lanes>(a: V, b: V) -> (V, V) {
    let difference = a - b;
    let back = a - difference;
    (difference, (a - (difference + back)) + (back - b))
}

/// The vectors of one instruction set.
pub(crate) trait Isa {
    /// 8 lanes.
    type F64: Lanes<Real = f64, Sum = Self::F64> + Doubles;
    /// 16 lanes.
    type F32: Lanes<Real = f32, Sum = Self::F64>;
    /// A single number.
    type One: Numbers<Real = f64> + Into<f64>;
    /// Whether there are registers enough for the terms of four vectors side by side.
    const WIDE: bool;
    /// Runs a job, in a call of its own.
    fn call<J: Job>(job: J) -> J::Output;
}

/// Runs a job that is rarely needed, in a call of its own: within a loop it would take registers from what is not rare.
#[cold]
#[inline(never)]
pub(crate) fn rarely<I: Isa, J: Job>(job: J) -> J::Output {
    I::call(job)
}

/// Runs a job in a call of its own that the compiler does not undo.
#[inline(never)]
pub(crate) fn separately<I: Isa, J: Job>(job: J) -> J::Output {
    I::call(job)
}

/// The vectors of `Self` on an instruction set.
pub(crate) trait Vector: Real {
    type On<I: Isa>: Lanes<Real = Self, Sum = I::F64>;
}

impl Vector for f64 {
    type On<I: Isa> = I::F64;
}

impl Vector for f32 {
    type On<I: Isa> = I::F32;
}

/// A piece of work that runs with the vectors of any instruction set. `run` must be `#[inline(always)]`, so that it
/// is compiled for the instruction set it is called from.
pub(crate) trait Job {
    type Output;
    fn run<I: Isa>(self) -> Self::Output;
}

/// Asks for the line of memory a page further on, where it will soon be read, if it is there. A processor that sees a
/// stream asks by itself, but not beyond the page.
#[inline(always)]
pub(crate) fn fetch_ahead<T>(from: *const T) {
    let ahead = from.wrapping_byte_add(4096);
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 has the instruction, and it may be given any address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(ahead.cast());
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: every AArch64 has the instruction, and it may be given any address.
    unsafe {
        std::arch::asm!("prfm pldl1keep, [{}]", in(reg) ahead, options(nomem, nostack, preserves_flags));
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = ahead;
}
