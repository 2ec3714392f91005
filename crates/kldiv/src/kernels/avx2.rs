//! Vectors of AVX2 with FMA: four f64 or eight f32 in a register, two registers a vector.
//!
//! The loops are those of `generic`; what this file adds is one instruction, or a few, for each of their operations.
//! Two registers a vector make the eight lanes of a sum the same as everywhere, and give the processor two
//! independent chains to work on.

// Instructions are written as arguments of instructions.
#![allow(unused_unsafe)]

use std::arch::x86_64::*;
use std::ops::{Add, Div, Mul, Sub};

use half::f16;

use crate::kernels::lanes::{Doubles, Isa, Job, Lanes, Numbers, Real, Vector};
use crate::kernels::one_row::{Rest, Short, ShortFar};
use crate::kernels::scalar::One;
use crate::kernels::twice::Twice;

#[derive(Clone, Copy)]
pub(crate) struct F64x4<const QUIET: bool>(__m256d);

#[derive(Clone, Copy)]
pub(crate) struct F32x8<const QUIET: bool>(__m256);

/// `QUIET` kernels raise no flag but that of inexact results where they answer: what could is left to others.
pub(crate) struct Avx2<const QUIET: bool>;

impl<const QUIET: bool> Isa for Avx2<QUIET> {
    type F64 = Twice<F64x4<QUIET>>;
    type F32 = Twice<F32x8<QUIET>>;
    type One = One;
    const WIDE: bool = false;

    #[inline(always)]
    fn call<J: Job>(job: J) -> J::Output {
        // SAFETY: nobody has these vectors but inside `run_with`, whose caller vouched for the machine.
        unsafe { run_with::<J, QUIET>(job) }
    }
}

/// Runs a job with AVX2 vectors.
///
/// # Safety
/// The machine has AVX2, FMA, F16C and POPCNT.
#[inline(always)]
pub(super) unsafe fn run<J: Job>(job: J) -> J::Output {
    // SAFETY: the caller's promise.
    unsafe { run_with::<J, false>(job) }
}

/// Runs a quiet job with AVX2 vectors.
///
/// # Safety
/// As for [`run`].
#[inline(always)]
pub(super) unsafe fn run_quiet<J: Job>(job: J) -> J::Output {
    // SAFETY: the caller's promise.
    unsafe { run_with::<J, true>(job) }
}

/// What `then` makes of two slices and of [`Short`], quietly. No job, for its parts would not be in registers.
///
/// # Safety
/// As for [`run`].
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
pub(super) unsafe fn short_quiet<T: Vector, R>(
    p: &[T],
    q: &[T],
    then: impl FnOnce(&[T], &[T], Result<f64, Rest>) -> R,
) -> R {
    Short { p, q, then: move |found| then(p, q, found) }.run::<Avx2<true>>()
}

/// The same of [`ShortFar`].
///
/// # Safety
/// As for [`run`].
#[target_feature(enable = "avx2,fma,f16c,popcnt")]
pub(super) unsafe fn short_far_quiet<T: Vector, R>(
    p: &[T],
    q: &[T],
    then: impl FnOnce(&[T], &[T], Result<f64, Rest>) -> R,
) -> R {
    ShortFar(Short { p, q, then: move |found| then(p, q, found) }).run::<Avx2<true>>()
}

#[target_feature(enable = "avx2,fma,f16c,popcnt")]
unsafe fn run_with<J: Job, const QUIET: bool>(job: J) -> J::Output {
    job.run::<Avx2<QUIET>>()
}

/// An instruction of AVX2 or FMA.
macro_rules! op {
    ($instruction:ident::<$constant:tt>($($argument:expr),*)) => {{
        // SAFETY: vectors of this file exist only inside `run_with`, whose caller vouched for the machine.
        unsafe { $instruction::<{ $constant }>($($argument),*) }
    }};
    ($instruction:ident($($argument:expr),*)) => {{
        // SAFETY: as above; where memory is touched, the caller of the method vouched for it.
        unsafe { $instruction($($argument),*) }
    }};
}

macro_rules! operators {
    ($vector:ident: $($trait:ident $name:ident $instruction:ident),*) => {$(
        impl<const QUIET: bool> $trait for $vector<QUIET> {
            type Output = Self;
            #[inline(always)]
            fn $name(self, other: Self) -> Self {
                Self(op!($instruction(self.0, other.0)))
            }
        }
    )*};
}

operators!(F64x4: Add add _mm256_add_pd, Sub sub _mm256_sub_pd, Mul mul _mm256_mul_pd, Div div _mm256_div_pd);
operators!(F32x8: Add add _mm256_add_ps, Sub sub _mm256_sub_ps, Mul mul _mm256_mul_ps, Div div _mm256_div_ps);

/// What is spelled the same for both vectors but for the instructions' names.
macro_rules! shared {
    ($real:ty, $register:ty, $lanes:literal, $load:ident, $load_masked:ident, $to_integer:ident, $store:ident,
     $min:ident, $max:ident, $cmp:ident, $and:ident, $or:ident, $sign_bits:ident, $blend:ident, $and_not:ident,
     $splat_bits:ident, $sub_bits:ident) => {
        type Mask = $register;
        type Unrest = __m256i;
        type Sum = Twice<F64x4<QUIET>>;
        const LANES: usize = $lanes;
        const LEAVES_SMALL: bool = QUIET;

        #[inline(always)]
        unsafe fn load(from: *const $real) -> Self {
            Self(op!($load(from)))
        }
        #[inline(always)]
        unsafe fn load_first(from: *const $real, n: usize) -> Self {
            let mask = Self::first(n);
            Self::select(mask, Self(op!($load_masked(from, op!($to_integer(mask))))), Self::one())
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut $real) {
            op!($store(to, self.0))
        }
        #[inline(always)]
        fn magnitude(self) -> Self {
            Self(op!($and_not(Self::splat(-0.0).0, self.0)))
        }
        #[inline(always)]
        fn larger(self, other: Self) -> Self {
            Self(op!($max(self.0, other.0)))
        }
        #[inline(always)]
        fn larger_magnitude(self, other: Self) -> Self {
            let (a, b) = (self.magnitude(), other.magnitude());
            Self::select(b.equal(b), a.larger(b), a)
        }
        #[inline(always)]
        fn ordinary(p: Self, q: Self) -> $register {
            // min and max give their second operand where one is NaN: between them, both are looked at.
            let (low, high) = (op!($min(q.0, p.0)), op!($max(p.0, q.0)));
            Self::and(
                Self::splat(<$real>::SMALLEST).le(Self(low)),
                Self(high).le(Self::splat(<$real>::LARGEST)),
            )
        }
        #[inline(always)]
        fn unrest(x: Self, from: $real) -> __m256i {
            op!($sub_bits(op!($to_integer(x.0)), op!($splat_bits(from.to_bits() as _))))
        }
        #[inline(always)]
        fn join_unrest(a: __m256i, b: __m256i) -> __m256i {
            op!(_mm256_or_si256(a, b))
        }
        #[inline(always)]
        fn calm(unrest: __m256i) -> bool {
            let upper_two = op!($splat_bits(3 << (8 * size_of::<$real>() - 2)));
            op!(_mm256_testz_si256(unrest, upper_two)) == 1
        }
        #[inline(always)]
        fn le(self, other: Self) -> $register {
            op!($cmp::<_CMP_LE_OQ>(self.0, other.0))
        }
        #[inline(always)]
        fn equal(self, other: Self) -> $register {
            op!($cmp::<_CMP_EQ_OQ>(self.0, other.0))
        }
        #[inline(always)]
        fn and(a: $register, b: $register) -> $register {
            op!($and(a, b))
        }
        #[inline(always)]
        fn or(a: $register, b: $register) -> $register {
            op!($or(a, b))
        }
        #[inline(always)]
        fn all(mask: $register) -> bool {
            op!($sign_bits(mask)) == (1 << $lanes) - 1
        }
        #[inline(always)]
        fn count(mask: $register) -> u32 {
            op!($sign_bits(mask)).count_ones()
        }
        #[inline(always)]
        fn select(mask: $register, yes: Self, no: Self) -> Self {
            Self(op!($blend(no.0, yes.0, mask)))
        }
    };
}

/// The same of what formulas need.
macro_rules! numbers {
    ($real:ty, $splat:ident, $fma:ident, $fnma:ident) => {
        type Real = $real;

        #[inline(always)]
        fn splat(x: $real) -> Self {
            Self(op!($splat(x)))
        }
        #[inline(always)]
        fn fma(self, b: Self, c: Self) -> Self {
            Self(op!($fma(self.0, b.0, c.0)))
        }
        #[inline(always)]
        fn fnma(self, b: Self, c: Self) -> Self {
            Self(op!($fnma(self.0, b.0, c.0)))
        }
    };
}

/// The upper twelve bits of four 64-bit integers, the others 0, as signed numbers.
#[inline(always)]
fn exponents<const QUIET: bool>(of: __m256i) -> F64x4<QUIET> {
    // There is no conversion of 64-bit integers: k + 2048 in the low bits of 2^104 is that number of steps.
    const MAGIC: u64 = ((1023 + 104) << 52) + 0x800;
    let k = op!(_mm256_xor_si256(op!(_mm256_srli_epi64::<52>(of)), op!(_mm256_set1_epi64x(MAGIC as i64))));
    F64x4(op!(_mm256_sub_pd(op!(_mm256_castsi256_pd(k)), op!(_mm256_set1_pd(f64::from_bits(MAGIC))))))
}

impl<const QUIET: bool> Numbers for F64x4<QUIET> {
    numbers!(f64, _mm256_set1_pd, _mm256_fmadd_pd, _mm256_fnmadd_pd);

    #[inline(always)]
    fn align(p: Self, q: Self) -> (Self, Self) {
        let (p, q) = (op!(_mm256_castpd_si256(p.0)), op!(_mm256_castpd_si256(q.0)));
        let t = op!(_mm256_add_epi64(op!(_mm256_sub_epi64(q, p)), op!(_mm256_set1_epi64x(1 << 51))));
        let shift = op!(_mm256_and_si256(t, op!(_mm256_set1_epi64x(!0 << 52))));
        (Self(op!(_mm256_castsi256_pd(op!(_mm256_sub_epi64(q, shift))))), exponents(t))
    }
}

impl<const QUIET: bool> Lanes for F64x4<QUIET> {
    shared!(
        f64,
        __m256d,
        4,
        _mm256_loadu_pd,
        _mm256_maskload_pd,
        _mm256_castpd_si256,
        _mm256_storeu_pd,
        _mm256_min_pd,
        _mm256_max_pd,
        _mm256_cmp_pd,
        _mm256_and_pd,
        _mm256_or_pd,
        _mm256_movemask_pd,
        _mm256_blendv_pd,
        _mm256_andnot_pd,
        _mm256_set1_epi64x,
        _mm256_sub_epi64
    );

    #[inline(always)]
    fn first(n: usize) -> __m256d {
        let (n, lanes) = (op!(_mm256_set1_epi64x(n as i64)), op!(_mm256_setr_epi64x(0, 1, 2, 3)));
        op!(_mm256_castsi256_pd(op!(_mm256_cmpgt_epi64(n, lanes))))
    }
    #[inline(always)]
    fn exp2(shifted: Self) -> Self {
        let exponent = op!(_mm256_slli_epi64::<52>(op!(_mm256_castpd_si256(shifted.0))));
        let one = op!(_mm256_set1_epi64x(1f64.to_bits() as i64));
        Self(op!(_mm256_castsi256_pd(op!(_mm256_add_epi64(exponent, one)))))
    }
    #[inline(always)]
    fn eighths(shifted: Self) -> Self {
        let k = op!(_mm256_castpd_si256(shifted.0));
        // Places are below eight, and the table has as many numbers.
        let places = op!(_mm256_and_si256(k, op!(_mm256_set1_epi64x(7))));
        let power = op!(_mm256_castpd_si256(op!(_mm256_i64gather_pd::<8>(f64::EIGHTHS.as_ptr(), places))));
        Self(op!(_mm256_castsi256_pd(op!(_mm256_add_epi64(power, op!(_mm256_slli_epi64::<49>(k)))))))
    }
    #[inline(always)]
    fn cell(self, [first, second]: [&[f64; 16]; 2]) -> (Self, Self, [Self; 2]) {
        let bits = op!(_mm256_castpd_si256(self.0));
        let from = op!(_mm256_sub_epi64(bits, op!(_mm256_set1_epi64x(f64::CELLS.to_bits() as i64))));
        let shift = op!(_mm256_and_si256(from, op!(_mm256_set1_epi64x(!0 << 52))));
        let near = Self(op!(_mm256_castsi256_pd(op!(_mm256_sub_epi64(bits, shift)))));
        let places = op!(_mm256_srli_epi64::<48>(from));
        let places = op!(_mm256_and_si256(places, op!(_mm256_set1_epi64x(15))));
        // Places are below sixteen, and each table has as many numbers.
        let first = Self(op!(_mm256_i64gather_pd::<8>(first.as_ptr(), places)));
        let second = Self(op!(_mm256_i64gather_pd::<8>(second.as_ptr(), places)));
        (near, exponents(from), [first, second])
    }
    #[inline(always)]
    fn without_bit(bit: usize) -> __m256d {
        Self::zero().equal(Self(op!(_mm256_setr_pd(
            0.0,
            (bit & 1) as f64,
            (bit & 2) as f64,
            (bit & 3) as f64
        ))))
    }
    #[inline(always)]
    fn swap(self, distance: usize) -> Self {
        Self(match distance {
            2 => op!(_mm256_permute4x64_pd::<0x4E>(self.0)),
            _ => op!(_mm256_permute_pd::<0x5>(self.0)),
        })
    }
    #[inline(always)]
    unsafe fn widen(from: *const f32) -> Self {
        Self(op!(_mm256_cvtps_pd(op!(_mm_loadu_ps(from)))))
    }
    #[inline(always)]
    fn part(self, _: usize) -> Twice<F64x4<QUIET>> {
        Twice(self, Self::zero())
    }
    #[inline(always)]
    fn part_of_two(a: Self, b: Self, _: usize) -> Twice<F64x4<QUIET>> {
        Twice(a, b)
    }
}

impl<const QUIET: bool> Numbers for F32x8<QUIET> {
    numbers!(f32, _mm256_set1_ps, _mm256_fmadd_ps, _mm256_fnmadd_ps);

    #[inline(always)]
    fn align(p: Self, q: Self) -> (Self, Self) {
        let (p, q) = (op!(_mm256_castps_si256(p.0)), op!(_mm256_castps_si256(q.0)));
        let t = op!(_mm256_add_epi32(op!(_mm256_sub_epi32(q, p)), op!(_mm256_set1_epi32(1 << 22))));
        let shift = op!(_mm256_and_si256(t, op!(_mm256_set1_epi32(!0 << 23))));
        let steps = op!(_mm256_cvtepi32_ps(shift));
        (Self(op!(_mm256_castsi256_ps(op!(_mm256_sub_epi32(q, shift))))), Self(steps))
    }
}

impl<const QUIET: bool> Lanes for F32x8<QUIET> {
    shared!(
        f32,
        __m256,
        8,
        _mm256_loadu_ps,
        _mm256_maskload_ps,
        _mm256_castps_si256,
        _mm256_storeu_ps,
        _mm256_min_ps,
        _mm256_max_ps,
        _mm256_cmp_ps,
        _mm256_and_ps,
        _mm256_or_ps,
        _mm256_movemask_ps,
        _mm256_blendv_ps,
        _mm256_andnot_ps,
        _mm256_set1_epi32,
        _mm256_sub_epi32
    );

    #[inline(always)]
    fn first(n: usize) -> __m256 {
        let n = op!(_mm256_set1_epi32(n as i32));
        let lanes = op!(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
        op!(_mm256_castsi256_ps(op!(_mm256_cmpgt_epi32(n, lanes))))
    }
    #[inline(always)]
    fn exp2(shifted: Self) -> Self {
        let exponent = op!(_mm256_slli_epi32::<23>(op!(_mm256_castps_si256(shifted.0))));
        let one = op!(_mm256_set1_epi32(1f32.to_bits() as i32));
        Self(op!(_mm256_castsi256_ps(op!(_mm256_add_epi32(exponent, one)))))
    }
    #[inline(always)]
    fn eighths(shifted: Self) -> Self {
        let k = op!(_mm256_castps_si256(shifted.0));
        let table = op!(_mm256_loadu_si256(f32::EIGHTHS.as_ptr().cast()));
        let power = op!(_mm256_permutevar8x32_epi32(table, k));
        Self(op!(_mm256_castsi256_ps(op!(_mm256_add_epi32(power, op!(_mm256_slli_epi32::<20>(k)))))))
    }
    #[inline(always)]
    fn cell(self, [first, second]: [&[f32; 4]; 2]) -> (Self, Self, [Self; 2]) {
        let bits = op!(_mm256_castps_si256(self.0));
        let from = op!(_mm256_sub_epi32(bits, op!(_mm256_set1_epi32(f32::CELLS.to_bits() as i32))));
        let places = op!(_mm256_srli_epi32::<21>(from));
        let shift = op!(_mm256_and_si256(from, op!(_mm256_set1_epi32(!0 << 23))));
        let near = Self(op!(_mm256_castsi256_ps(op!(_mm256_sub_epi32(bits, shift)))));
        let k = Self(op!(_mm256_cvtepi32_ps(shift)));
        // A table is half a vector, which need not be crossed.
        let at = |&[a, b, c, d]: &[f32; 4]| {
            Self(op!(_mm256_permutevar_ps(op!(_mm256_setr_ps(a, b, c, d, a, b, c, d)), places)))
        };
        (near, k, [at(first), at(second)])
    }
    #[inline(always)]
    fn without_bit(bit: usize) -> __m256 {
        let lanes = op!(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
        let bits = op!(_mm256_and_si256(lanes, op!(_mm256_set1_epi32(bit as i32))));
        op!(_mm256_castsi256_ps(op!(_mm256_cmpeq_epi32(bits, op!(_mm256_setzero_si256())))))
    }
    #[inline(always)]
    fn swap(self, distance: usize) -> Self {
        Self(match distance {
            4 => op!(_mm256_permute2f128_ps::<0x01>(self.0, self.0)),
            2 => op!(_mm256_permute_ps::<0x4E>(self.0)),
            _ => op!(_mm256_permute_ps::<0xB1>(self.0)),
        })
    }
    #[inline(always)]
    unsafe fn widen(from: *const f16) -> Self {
        Self(op!(_mm256_cvtph_ps(op!(_mm_loadu_si128(from.cast())))))
    }
    #[inline(always)]
    fn part(self, _: usize) -> Twice<F64x4<QUIET>> {
        let (low, high) = (op!(_mm256_castps256_ps128(self.0)), op!(_mm256_extractf128_ps::<1>(self.0)));
        Twice(F64x4(op!(_mm256_cvtps_pd(low))), F64x4(op!(_mm256_cvtps_pd(high))))
    }
}

impl<const QUIET: bool> Doubles for F64x4<QUIET> {
    #[inline(always)]
    fn unzip(a: Self, b: Self) -> (Self, Self) {
        (Self(op!(_mm256_unpacklo_pd(a.0, b.0))), Self(op!(_mm256_unpackhi_pd(a.0, b.0))))
    }
    #[inline(always)]
    fn zipped(self) -> Self {
        Self(op!(_mm256_permute4x64_pd::<0xD8>(self.0)))
    }
}
