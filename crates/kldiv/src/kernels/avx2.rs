//! Vectors of AVX2 with FMA: eight f64 or sixteen f32 in two registers.
//!
//! The loops are those of `generic`; what this file adds is the instructions for each of their operations. Two
//! registers a vector make the eight lanes of a sum the same as everywhere, and give the processor two independent
//! chains to work on.

// Instructions are written as arguments of instructions.
#![allow(unused_unsafe)]

use std::arch::x86_64::*;
use std::ops::{Add, Div, Mul, Sub};

use crate::kernels::Job;
use crate::kernels::lanes::{Isa, Lanes, Real};

#[derive(Clone, Copy)]
pub(crate) struct F64x8([__m256d; 2]);

#[derive(Clone, Copy)]
pub(crate) struct F32x16([__m256; 2]);

pub(crate) struct Avx2;

impl Isa for Avx2 {
    type F64 = F64x8;
    type F32 = F32x16;
}

/// Runs a job with AVX2 vectors.
///
/// # Safety
/// The machine has AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn run<J: Job>(job: J) -> J::Output {
    job.run::<Avx2>()
}

/// An instruction of AVX2 or FMA.
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

/// The same for both registers. A closure would do, but it would not be compiled for AVX2.
macro_rules! each {
    ($i:ident => $value:expr) => {
        [
            {
                let $i = 0;
                $value
            },
            {
                let $i = 1;
                $value
            },
        ]
    };
}

macro_rules! operators {
    ($vector:ident: $($trait:ident $name:ident $instruction:ident),*) => {$(
        impl $trait for $vector {
            type Output = Self;
            #[inline(always)]
            fn $name(self, other: Self) -> Self {
                $vector(each!(i => op!($instruction(self.0[i], other.0[i]))))
            }
        }
    )*};
}

operators!(F64x8: Add add _mm256_add_pd, Sub sub _mm256_sub_pd, Mul mul _mm256_mul_pd, Div div _mm256_div_pd);
operators!(F32x16: Add add _mm256_add_ps, Sub sub _mm256_sub_ps, Mul mul _mm256_mul_ps, Div div _mm256_div_ps);

/// What is spelled the same for both vectors but for the instructions' names.
macro_rules! shared {
    ($real:ty, $register:ty, $half:literal, $splat:ident, $load:ident, $load_masked:ident, $to_integer:ident, $store:ident,
     $fma:ident, $fnma:ident, $min:ident, $max:ident, $cmp:ident, $and:ident, $or:ident, $sign_bits:ident,
     $blend:ident) => {
        type Real = $real;
        type Mask = [$register; 2];
        type Sum = F64x8;
        const LANES: usize = 2 * $half;

        #[inline(always)]
        fn splat(x: $real) -> Self {
            Self([op!($splat(x)); 2])
        }
        #[inline(always)]
        unsafe fn load(from: *const $real) -> Self {
            Self([op!($load(from)), op!($load(from.wrapping_add($half)))])
        }
        #[inline(always)]
        unsafe fn load_first(from: *const $real, n: usize) -> Self {
            let mask = Self::first(n);
            let (low, high) = (op!($to_integer(mask[0])), op!($to_integer(mask[1])));
            let loaded =
                [op!($load_masked(from, low)), op!($load_masked(from.wrapping_add($half), high))];
            Self::select(mask, Self(loaded), Self::one())
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut $real) {
            op!($store(to, self.0[0]));
            op!($store(to.wrapping_add($half), self.0[1]))
        }
        #[inline(always)]
        fn fma(self, b: Self, c: Self) -> Self {
            Self(each!(i => op!($fma(self.0[i], b.0[i], c.0[i]))))
        }
        #[inline(always)]
        fn fnma(self, b: Self, c: Self) -> Self {
            Self(each!(i => op!($fnma(self.0[i], b.0[i], c.0[i]))))
        }
        #[inline(always)]
        fn both_ordinary(p: Self, q: Self) -> bool {
            let (smallest, largest) = (op!($splat(<$real>::SMALLEST)), op!($splat(<$real>::LARGEST)));
            let ordinary = each!(i => {
                // min and max give their second operand where one is NaN: between them, both are looked at.
                let (low, high) = (op!($min(q.0[i], p.0[i])), op!($max(p.0[i], q.0[i])));
                op!($and(op!($cmp::<_CMP_GE_OQ>(low, smallest)), op!($cmp::<_CMP_LE_OQ>(high, largest))))
            });
            Self::all(ordinary)
        }
        #[inline(always)]
        fn le(self, other: Self) -> [$register; 2] {
            each!(i => op!($cmp::<_CMP_LE_OQ>(self.0[i], other.0[i])))
        }
        #[inline(always)]
        fn equal(self, other: Self) -> [$register; 2] {
            each!(i => op!($cmp::<_CMP_EQ_OQ>(self.0[i], other.0[i])))
        }
        #[inline(always)]
        fn and(a: [$register; 2], b: [$register; 2]) -> [$register; 2] {
            each!(i => op!($and(a[i], b[i])))
        }
        #[inline(always)]
        fn or(a: [$register; 2], b: [$register; 2]) -> [$register; 2] {
            each!(i => op!($or(a[i], b[i])))
        }
        #[inline(always)]
        fn all(mask: [$register; 2]) -> bool {
            op!($sign_bits(op!($and(mask[0], mask[1])))) == (1 << $half) - 1
        }
        #[inline(always)]
        fn select(mask: [$register; 2], yes: Self, no: Self) -> Self {
            Self(each!(i => op!($blend(no.0[i], yes.0[i], mask[i]))))
        }
    };
}

impl Lanes for F64x8 {
    shared!(
        f64,
        __m256d,
        4,
        _mm256_set1_pd,
        _mm256_loadu_pd,
        _mm256_maskload_pd,
        _mm256_castpd_si256,
        _mm256_storeu_pd,
        _mm256_fmadd_pd,
        _mm256_fnmadd_pd,
        _mm256_min_pd,
        _mm256_max_pd,
        _mm256_cmp_pd,
        _mm256_and_pd,
        _mm256_or_pd,
        _mm256_movemask_pd,
        _mm256_blendv_pd
    );

    #[inline(always)]
    fn first(n: usize) -> [__m256d; 2] {
        let n = op!(_mm256_set1_epi64x(n as i64));
        let lanes = [op!(_mm256_setr_epi64x(0, 1, 2, 3)), op!(_mm256_setr_epi64x(4, 5, 6, 7))];
        each!(i => op!(_mm256_castsi256_pd(op!(_mm256_cmpgt_epi64(n, lanes[i])))))
    }
    #[inline(always)]
    fn align(p: Self, q: Self) -> (Self, Self) {
        // There is no conversion of 64-bit integers: k + 2048 in the low bits of 2^52 is that number.
        let half = op!(_mm256_set1_epi64x(1 << 51));
        let exponent = op!(_mm256_set1_epi64x(!0 << 52));
        let magic = op!(_mm256_set1_epi64x(0x4330_0000_0000_0800));
        let offset = op!(_mm256_set1_pd(4_503_599_627_372_544.0));
        let pairs = each!(i => {
            let (p, q) = (op!(_mm256_castpd_si256(p.0[i])), op!(_mm256_castpd_si256(q.0[i])));
            let t = op!(_mm256_add_epi64(op!(_mm256_sub_epi64(q, p)), half));
            let shift = op!(_mm256_and_si256(t, exponent));
            let k = op!(_mm256_xor_si256(op!(_mm256_srli_epi64::<52>(t)), magic));
            let k = op!(_mm256_sub_pd(op!(_mm256_castsi256_pd(k)), offset));
            (op!(_mm256_castsi256_pd(op!(_mm256_sub_epi64(q, shift)))), k)
        });
        (Self(each!(i => pairs[i].0)), Self(each!(i => pairs[i].1)))
    }
    #[inline(always)]
    fn exp2(k: Self) -> Self {
        // k + 1.5 · 2^52 holds k in its low bits.
        let (shift, bias) = (op!(_mm256_set1_pd(f64::ROUND)), op!(_mm256_set1_epi64x(1023)));
        Self(each!(i => {
            let k = op!(_mm256_castpd_si256(op!(_mm256_add_pd(k.0[i], shift))));
            op!(_mm256_castsi256_pd(op!(_mm256_slli_epi64::<52>(op!(_mm256_add_epi64(k, bias))))))
        }))
    }
    #[inline(always)]
    fn part(self, _: usize) -> F64x8 {
        self
    }
}

impl Lanes for F32x16 {
    shared!(
        f32,
        __m256,
        8,
        _mm256_set1_ps,
        _mm256_loadu_ps,
        _mm256_maskload_ps,
        _mm256_castps_si256,
        _mm256_storeu_ps,
        _mm256_fmadd_ps,
        _mm256_fnmadd_ps,
        _mm256_min_ps,
        _mm256_max_ps,
        _mm256_cmp_ps,
        _mm256_and_ps,
        _mm256_or_ps,
        _mm256_movemask_ps,
        _mm256_blendv_ps
    );

    #[inline(always)]
    fn first(n: usize) -> [__m256; 2] {
        let n = op!(_mm256_set1_epi32(n as i32));
        let lanes = [
            op!(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)),
            op!(_mm256_setr_epi32(8, 9, 10, 11, 12, 13, 14, 15)),
        ];
        each!(i => op!(_mm256_castsi256_ps(op!(_mm256_cmpgt_epi32(n, lanes[i])))))
    }
    #[inline(always)]
    fn align(p: Self, q: Self) -> (Self, Self) {
        let half = op!(_mm256_set1_epi32(1 << 22));
        let exponent = op!(_mm256_set1_epi32(!0 << 23));
        let pairs = each!(i => {
            let (p, q) = (op!(_mm256_castps_si256(p.0[i])), op!(_mm256_castps_si256(q.0[i])));
            let t = op!(_mm256_add_epi32(op!(_mm256_sub_epi32(q, p)), half));
            let shift = op!(_mm256_and_si256(t, exponent));
            let k = op!(_mm256_cvtepi32_ps(op!(_mm256_srai_epi32::<23>(t))));
            (op!(_mm256_castsi256_ps(op!(_mm256_sub_epi32(q, shift)))), k)
        });
        (Self(each!(i => pairs[i].0)), Self(each!(i => pairs[i].1)))
    }
    #[inline(always)]
    fn exp2(k: Self) -> Self {
        let bias = op!(_mm256_set1_epi32(127));
        Self(each!(i => {
            let biased = op!(_mm256_add_epi32(op!(_mm256_cvtps_epi32(k.0[i])), bias));
            op!(_mm256_castsi256_ps(op!(_mm256_slli_epi32::<23>(biased))))
        }))
    }
    #[inline(always)]
    fn part(self, i: usize) -> F64x8 {
        let register = self.0[i];
        let (low, high) = (op!(_mm256_castps256_ps128(register)), op!(_mm256_extractf128_ps::<1>(register)));
        F64x8([op!(_mm256_cvtps_pd(low)), op!(_mm256_cvtps_pd(high))])
    }
}
