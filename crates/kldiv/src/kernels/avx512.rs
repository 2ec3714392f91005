//! Vectors of AVX-512: eight f64 or sixteen f32 in one register.
//!
//! The loops are those of `generic`; what this file adds is one instruction for each of their operations, and masks
//! that live in registers of their own.

// Instructions are written as arguments of instructions.
#![allow(unused_unsafe)]

use std::arch::asm;
use std::arch::x86_64::*;
use std::ops::{Add, Div, Mul, Sub};
use std::slice;

use half::f16;

use crate::kernels::lanes::{Doubles, Isa, Job, Lanes, Numbers, Real, Vector};
use crate::kernels::one_row::{Rest, Short, ShortFar};
use crate::kernels::still::Still;

#[derive(Clone, Copy)]
pub(crate) struct F64x8<const HOW: u8>(__m512d);

#[derive(Clone, Copy)]
pub(crate) struct F32x16<const HOW: u8>(__m512);

/// How instructions round: as the floating-point environment says.
pub(super) const AS_SET: u8 = 0;
/// As they say themselves, and they raise no flag; see [`still`](super::still).
pub(super) const STILL: u8 = 1;
/// The same where subnormal numbers count as zeros, and what could make some is left to others.
pub(super) const FLUSHED: u8 = 2;

/// One of these ways.
pub(crate) struct Avx512<const HOW: u8>;

impl<const HOW: u8> Isa for Avx512<HOW> {
    type F64 = F64x8<HOW>;
    type F32 = F32x16<HOW>;
    type One = Still<f64>;
    const WIDE: bool = true;

    #[inline(always)]
    fn call<J: Job>(job: J) -> J::Output {
        // SAFETY: nobody has these vectors but inside `run_with`, whose caller vouched for the machine.
        unsafe { run_with::<J, HOW>(job) }
    }
}

/// Runs a job with AVX-512 vectors.
///
/// # Safety
/// The machine has AVX-512 F, DQ, BW and VL, and what AVX2 asks for.
#[inline(always)]
pub(super) unsafe fn run<J: Job>(job: J) -> J::Output {
    // SAFETY: the caller's promise.
    unsafe { run_with::<J, AS_SET>(job) }
}

/// What `then` makes of two slices of equal length and of [`Short`]: in the default floating-point environment with [`AS_SET`]; with
/// one result, and no trace, in every one if `HOW` is [`STILL`], or [`FLUSHED`] where it makes zeros of subnormal numbers. No job,
/// for its parts would not be in registers; and one length, for two would be compared.
///
/// # Safety
/// As for [`run`], and from `q` on as many elements are readable.
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma,f16c,popcnt")]
pub(super) unsafe fn short<T: Vector, R, const HOW: u8>(
    p: &[T],
    q: *const T,
    then: impl FnOnce(&[T], &[T], Result<f64, Rest>) -> R,
) -> R {
    // SAFETY: the caller's promise.
    let q = unsafe { slice::from_raw_parts(q, p.len()) };
    Short { p, q, then: move |found| then(p, q, found) }.run::<Avx512<HOW>>()
}

/// The same of [`ShortFar`].
///
/// # Safety
/// As above.
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma,f16c,popcnt")]
pub(super) unsafe fn short_far<T: Vector, R, const HOW: u8>(
    p: &[T],
    q: *const T,
    then: impl FnOnce(&[T], &[T], Result<f64, Rest>) -> R,
) -> R {
    // SAFETY: the caller's promise.
    let q = unsafe { slice::from_raw_parts(q, p.len()) };
    ShortFar(Short { p, q, then: move |found| then(p, q, found) }).run::<Avx512<HOW>>()
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma,f16c,popcnt")]
unsafe fn run_with<J: Job, const HOW: u8>(job: J) -> J::Output {
    job.run::<Avx512<HOW>>()
}

/// To nearest, and no flag is raised.
const STILL_ROUNDING: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;

/// An instruction of AVX-512.
macro_rules! op {
    ($instruction:ident::<$constant:tt>($($argument:expr),*)) => {{
        // SAFETY: vectors of this file exist only inside `run`, whose caller vouched for the machine.
        unsafe { $instruction::<{ $constant }>($($argument),*) }
    }};
    ($instruction:ident($($argument:expr),*)) => {{
        // SAFETY: as above; where memory is touched, the caller of the method vouched for it.
        unsafe { $instruction($($argument),*) }
    }};
}

macro_rules! operators {
    ($vector:ident: $($trait:ident $name:ident $instruction:ident $still:ident),*) => {$(
        impl<const HOW: u8> $trait for $vector<HOW> {
            type Output = Self;
            #[inline(always)]
            fn $name(self, other: Self) -> Self {
                Self(if HOW != AS_SET {
                    op!($still::<STILL_ROUNDING>(self.0, other.0))
                } else {
                    op!($instruction(self.0, other.0))
                })
            }
        }
    )*};
}

operators!(F64x8: Add add _mm512_add_pd _mm512_add_round_pd, Sub sub _mm512_sub_pd _mm512_sub_round_pd,
            Mul mul _mm512_mul_pd _mm512_mul_round_pd, Div div _mm512_div_pd _mm512_div_round_pd);
operators!(F32x16: Add add _mm512_add_ps _mm512_add_round_ps, Sub sub _mm512_sub_ps _mm512_sub_round_ps,
            Mul mul _mm512_mul_ps _mm512_mul_round_ps, Div div _mm512_div_ps _mm512_div_round_ps);

/// What is spelled the same for both vectors but for the instructions' names.
macro_rules! shared {
    ($real:ty, $mask:ty, $load:ident, $load_masked:ident, $store:ident, $min:ident, $max:ident, $range:ident,
     $cmp:ident, $cmp_masked:ident, $blend:ident, $abs:ident, $bits:ident, $splat_bits:ident, $sub_bits:ident,
     $less_bits:ident) => {
        type Mask = $mask;
        type Unrest = __m512i;
        type Sum = F64x8<HOW>;
        const LANES: usize = <$mask>::BITS as usize;
        const LEAVES_SMALL: bool = HOW == FLUSHED;

        #[inline(always)]
        unsafe fn load(from: *const $real) -> Self {
            Self(op!($load(from)))
        }
        #[inline(always)]
        unsafe fn load_first(from: *const $real, n: usize) -> Self {
            Self(op!($load_masked(Self::one().0, Self::first(n), from)))
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut $real) {
            op!($store(to, self.0))
        }
        #[inline(always)]
        fn magnitude(self) -> Self {
            Self(op!($abs(self.0)))
        }
        #[inline(always)]
        fn larger(self, other: Self) -> Self {
            Self(op!($max(self.0, other.0)))
        }
        #[inline(always)]
        fn larger_magnitude(self, other: Self) -> Self {
            const LARGER_MAGNITUDE: i32 = 0b1011;
            Self(op!($range::<LARGER_MAGNITUDE>(self.0, other.0)))
        }
        #[inline(always)]
        fn ordinary(p: Self, q: Self) -> $mask {
            // min and max give their second operand where one is NaN: between them, both are looked at.
            let (low, high) = (op!($min(q.0, p.0)), op!($max(p.0, q.0)));
            let not_small = op!($cmp::<_CMP_GE_OQ>(low, Self::splat(<$real>::SMALLEST).0));
            op!($cmp_masked::<_CMP_LE_OQ>(not_small, high, Self::splat(<$real>::LARGEST).0))
        }
        #[inline(always)]
        fn unrest(x: Self, from: $real) -> __m512i {
            op!($sub_bits(op!($bits(x.0)), op!($splat_bits(from.to_bits() as _))))
        }
        #[inline(always)]
        fn join_unrest(a: __m512i, b: __m512i) -> __m512i {
            op!(_mm512_or_si512(a, b))
        }
        #[inline(always)]
        fn calm(unrest: __m512i) -> bool {
            let upper_two = op!($splat_bits(1 << (8 * size_of::<$real>() - 2)));
            op!($less_bits(unrest, upper_two)) == <$mask>::MAX
        }
        #[inline(always)]
        fn le(self, other: Self) -> $mask {
            op!($cmp::<_CMP_LE_OQ>(self.0, other.0))
        }
        #[inline(always)]
        fn equal(self, other: Self) -> $mask {
            op!($cmp::<_CMP_EQ_OQ>(self.0, other.0))
        }
        #[inline(always)]
        fn and(a: $mask, b: $mask) -> $mask {
            a & b
        }
        #[inline(always)]
        fn or(a: $mask, b: $mask) -> $mask {
            a | b
        }
        #[inline(always)]
        fn all(mask: $mask) -> bool {
            mask == <$mask>::MAX
        }
        #[inline(always)]
        fn count(mask: $mask) -> u32 {
            mask.count_ones()
        }
        #[inline(always)]
        fn first(n: usize) -> $mask {
            ((1u32 << n) - 1) as $mask
        }
        #[inline(always)]
        fn without_bit(bit: usize) -> $mask {
            (match bit {
                1 => 0x5555u32,
                2 => 0x3333,
                4 => 0x0F0F,
                _ => 0x00FF,
            }) as $mask
        }
        #[inline(always)]
        fn select(mask: $mask, yes: Self, no: Self) -> Self {
            Self(op!($blend(mask, no.0, yes.0)))
        }
    };
}

/// The same of what formulas need.
macro_rules! numbers {
    ($real:ty, $splat:ident, $fma:ident, $still_fma:ident, $fnma:ident, $still_fnma:ident) => {
        type Real = $real;

        #[inline(always)]
        fn splat(x: $real) -> Self {
            Self(op!($splat(x)))
        }
        #[inline(always)]
        fn fma(self, b: Self, c: Self) -> Self {
            Self(if HOW != AS_SET {
                op!($still_fma::<STILL_ROUNDING>(self.0, b.0, c.0))
            } else {
                op!($fma(self.0, b.0, c.0))
            })
        }
        #[inline(always)]
        fn fnma(self, b: Self, c: Self) -> Self {
            Self(if HOW != AS_SET {
                op!($still_fnma::<STILL_ROUNDING>(self.0, b.0, c.0))
            } else {
                op!($fnma(self.0, b.0, c.0))
            })
        }
    };
}

impl<const HOW: u8> Numbers for F64x8<HOW> {
    numbers!(
        f64,
        _mm512_set1_pd,
        _mm512_fmadd_pd,
        _mm512_fmadd_round_pd,
        _mm512_fnmadd_pd,
        _mm512_fnmadd_round_pd
    );

    #[inline(always)]
    fn align(p: Self, q: Self) -> (Self, Self) {
        let (p, q) = (op!(_mm512_castpd_si512(p.0)), op!(_mm512_castpd_si512(q.0)));
        let t = op!(_mm512_add_epi64(op!(_mm512_sub_epi64(q, p)), op!(_mm512_set1_epi64(1 << 51))));
        let shift = op!(_mm512_and_si512(t, op!(_mm512_set1_epi64(!0 << 52))));
        let aligned = op!(_mm512_castsi512_pd(op!(_mm512_sub_epi64(q, shift))));
        (Self(aligned), Self(op!(_mm512_cvtepi64_pd(shift))))
    }
}

impl<const HOW: u8> Lanes for F64x8<HOW> {
    shared!(
        f64,
        u8,
        _mm512_loadu_pd,
        _mm512_mask_loadu_pd,
        _mm512_storeu_pd,
        _mm512_min_pd,
        _mm512_max_pd,
        _mm512_range_pd,
        _mm512_cmp_pd_mask,
        _mm512_mask_cmp_pd_mask,
        _mm512_mask_blend_pd,
        _mm512_abs_pd,
        _mm512_castpd_si512,
        _mm512_set1_epi64,
        _mm512_sub_epi64,
        _mm512_cmplt_epu64_mask
    );

    #[inline(always)]
    fn exp2(shifted: Self) -> Self {
        let exponent = op!(_mm512_slli_epi64::<52>(op!(_mm512_castpd_si512(shifted.0))));
        let one = op!(_mm512_set1_epi64(1f64.to_bits() as i64));
        Self(op!(_mm512_castsi512_pd(op!(_mm512_add_epi64(exponent, one)))))
    }
    #[inline(always)]
    fn eighths(shifted: Self) -> Self {
        let k = op!(_mm512_castpd_si512(shifted.0));
        let table = op!(_mm512_loadu_epi64(f64::EIGHTHS.as_ptr().cast()));
        let power = op!(_mm512_permutexvar_epi64(k, table));
        Self(op!(_mm512_castsi512_pd(op!(_mm512_add_epi64(power, op!(_mm512_slli_epi64::<49>(k)))))))
    }
    #[inline(always)]
    fn cell(self, [first, second]: [&[f64; 16]; 2]) -> (Self, Self, [Self; 2]) {
        let bits = op!(_mm512_castpd_si512(self.0));
        let from = op!(_mm512_sub_epi64(bits, op!(_mm512_set1_epi64(f64::CELLS.to_bits() as i64))));
        let places = op!(_mm512_srli_epi64::<48>(from));
        let shift = op!(_mm512_and_si512(from, op!(_mm512_set1_epi64(!0 << 52))));
        let near = Self(op!(_mm512_castsi512_pd(op!(_mm512_sub_epi64(bits, shift)))));
        let k = Self(op!(_mm512_cvtepi64_pd(shift)));
        (near, k, [Self::at(first, places), Self::at(second, places)])
    }
    #[inline(always)]
    fn swap(self, distance: usize) -> Self {
        Self(match distance {
            4 => op!(_mm512_shuffle_f64x2::<0x4E>(self.0, self.0)),
            2 => op!(_mm512_permutex_pd::<0x4E>(self.0)),
            _ => op!(_mm512_permute_pd::<0x55>(self.0)),
        })
    }
    #[inline(always)]
    unsafe fn widen(from: *const f32) -> Self {
        Self(op!(_mm512_cvtps_pd(op!(_mm256_loadu_ps(from)))))
    }
    #[inline(always)]
    fn part(self, _: usize) -> F64x8<HOW> {
        self
    }
}

impl<const HOW: u8> Numbers for F32x16<HOW> {
    numbers!(
        f32,
        _mm512_set1_ps,
        _mm512_fmadd_ps,
        _mm512_fmadd_round_ps,
        _mm512_fnmadd_ps,
        _mm512_fnmadd_round_ps
    );

    #[inline(always)]
    fn align(p: Self, q: Self) -> (Self, Self) {
        let (p, q) = (op!(_mm512_castps_si512(p.0)), op!(_mm512_castps_si512(q.0)));
        let t = op!(_mm512_add_epi32(op!(_mm512_sub_epi32(q, p)), op!(_mm512_set1_epi32(1 << 22))));
        let shift = op!(_mm512_and_si512(t, op!(_mm512_set1_epi32(!0 << 23))));
        let aligned = op!(_mm512_castsi512_ps(op!(_mm512_sub_epi32(q, shift))));
        (Self(aligned), Self(op!(_mm512_cvtepi32_ps(shift))))
    }
}

impl<const HOW: u8> Lanes for F32x16<HOW> {
    shared!(
        f32,
        u16,
        _mm512_loadu_ps,
        _mm512_mask_loadu_ps,
        _mm512_storeu_ps,
        _mm512_min_ps,
        _mm512_max_ps,
        _mm512_range_ps,
        _mm512_cmp_ps_mask,
        _mm512_mask_cmp_ps_mask,
        _mm512_mask_blend_ps,
        _mm512_abs_ps,
        _mm512_castps_si512,
        _mm512_set1_epi32,
        _mm512_sub_epi32,
        _mm512_cmplt_epu32_mask
    );

    #[inline(always)]
    fn exp2(shifted: Self) -> Self {
        let exponent = op!(_mm512_slli_epi32::<23>(op!(_mm512_castps_si512(shifted.0))));
        let one = op!(_mm512_set1_epi32(1f32.to_bits() as i32));
        Self(op!(_mm512_castsi512_ps(op!(_mm512_add_epi32(exponent, one)))))
    }
    #[inline(always)]
    fn eighths(shifted: Self) -> Self {
        let k = op!(_mm512_castps_si512(shifted.0));
        let table = op!(_mm512_broadcast_i32x8(op!(_mm256_loadu_si256(f32::EIGHTHS.as_ptr().cast()))));
        let power = op!(_mm512_permutexvar_epi32(k, table));
        Self(op!(_mm512_castsi512_ps(op!(_mm512_add_epi32(power, op!(_mm512_slli_epi32::<20>(k)))))))
    }
    #[inline(always)]
    fn cell(self, [first, second]: [&[f32; 4]; 2]) -> (Self, Self, [Self; 2]) {
        let bits = op!(_mm512_castps_si512(self.0));
        let from = op!(_mm512_sub_epi32(bits, op!(_mm512_set1_epi32(f32::CELLS.to_bits() as i32))));
        let places = op!(_mm512_srli_epi32::<21>(from));
        let shift = op!(_mm512_and_si512(from, op!(_mm512_set1_epi32(!0 << 23))));
        let near = Self(op!(_mm512_castsi512_ps(op!(_mm512_sub_epi32(bits, shift)))));
        let k = Self(op!(_mm512_cvtepi32_ps(shift)));
        // A table is a quarter of a vector, which need not be crossed.
        let at = |&[a, b, c, d]: &[f32; 4]| {
            Self(op!(_mm512_permutevar_ps(op!(_mm512_setr4_ps(a, b, c, d)), places)))
        };
        (near, k, [at(first), at(second)])
    }
    #[inline(always)]
    fn swap(self, distance: usize) -> Self {
        Self(match distance {
            8 => op!(_mm512_shuffle_f32x4::<0x4E>(self.0, self.0)),
            4 => op!(_mm512_shuffle_f32x4::<0xB1>(self.0, self.0)),
            2 => op!(_mm512_permute_ps::<0x4E>(self.0)),
            _ => op!(_mm512_permute_ps::<0xB1>(self.0)),
        })
    }
    #[inline(always)]
    unsafe fn widen(from: *const f16) -> Self {
        Self(op!(_mm512_cvtph_ps(op!(_mm256_loadu_si256(from.cast())))))
    }
    #[inline(always)]
    fn part(self, i: usize) -> F64x8<HOW> {
        let half = if i == 0 {
            op!(_mm512_castps512_ps256(self.0))
        } else {
            op!(_mm512_extractf32x8_ps::<1>(self.0))
        };
        F64x8(op!(_mm512_cvt_roundps_pd::<_MM_FROUND_NO_EXC>(half)))
    }
    #[inline(always)]
    fn four_in_step([a, b, c, d]: [Self; 4]) -> [Self; 4] {
        let [a, b, c, d] = op!(in_step([a.0, b.0, c.0, d.0]));
        [Self(a), Self(b), Self(c), Self(d)]
    }
    #[inline(always)]
    fn folded(self) -> F64x8<HOW> {
        // No half of a register says how it rounds; where none has to, a half takes half.
        if HOW != AS_SET {
            return (self + self.swap(8)).part(0);
        }
        let (low, high) = (op!(_mm512_castps512_ps256(self.0)), op!(_mm512_extractf32x8_ps::<1>(self.0)));
        F64x8(op!(_mm512_cvtps_pd(op!(_mm256_add_ps(low, high)))))
    }
}

/// Four vectors behind whatever makes them and before whatever takes them.
#[inline]
#[target_feature(enable = "avx512f")]
fn in_step([mut a, mut b, mut c, mut d]: [__m512; 4]) -> [__m512; 4] {
    // SAFETY: it is no instruction. It is not said to be pure: a compiler would put all that is before it behind a branch.
    unsafe {
        asm!(
            "/* {a} {b} {c} {d} */",
            a = inout(zmm_reg) a,
            b = inout(zmm_reg) b,
            c = inout(zmm_reg) c,
            d = inout(zmm_reg) d,
            options(nomem, nostack, preserves_flags)
        );
    }
    [a, b, c, d]
}

impl<const HOW: u8> F64x8<HOW> {
    /// What a table has in sixteen places, which are the low bits of eight integers.
    #[inline(always)]
    fn at(table: &[f64; 16], places: __m512i) -> Self {
        // SAFETY: a table is two vectors.
        let (low, high) = unsafe { (Self::load(table.as_ptr()), Self::load(table.as_ptr().add(8))) };
        Self(op!(_mm512_permutex2var_pd(low.0, places, high.0)))
    }
}

impl<const HOW: u8> Doubles for F64x8<HOW> {
    #[inline(always)]
    fn unzip(a: Self, b: Self) -> (Self, Self) {
        let even = op!(_mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14));
        let odd = op!(_mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15));
        (Self(op!(_mm512_permutex2var_pd(a.0, even, b.0))), Self(op!(_mm512_permutex2var_pd(a.0, odd, b.0))))
    }
    #[inline(always)]
    fn zipped(self) -> Self {
        self
    }
}
