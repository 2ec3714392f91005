//! Vectors of NEON: two f64 or four f32 in a register, four registers a vector.
//!
//! The loops are those of `generic`; what this file adds is one instruction, or a few, for each of their operations.
//! Four registers a vector make the eight lanes of a sum the same as everywhere, and give the processor independent
//! chains to work on. Every AArch64 machine has all of it, fused operations too, so nothing has to be asked for.
//!
//! The smaller and the larger number of a pair that NEON has is NaN if one of them is; see [`Lanes::larger`] for what is
//! wanted instead.

use std::arch::aarch64::*;
use std::arch::asm;
use std::ops::{Add, Div, Mul, Sub};

use half::f16;

use crate::kernels::lanes::{Doubles, Isa, Job, Lanes, Numbers, Real};
use crate::kernels::scalar::One;
use crate::kernels::twice::Twice;

#[derive(Clone, Copy)]
pub(crate) struct F64x2(float64x2_t);

#[derive(Clone, Copy)]
pub(crate) struct F32x4(float32x4_t);

/// Eight lanes.
type F64x8 = Twice<Twice<F64x2>>;

pub(crate) struct Neon;

impl Isa for Neon {
    type F64 = F64x8;
    type F32 = Twice<Twice<F32x4>>;
    type One = One;
    const WIDE: bool = false;

    #[inline(always)]
    fn call<J: Job>(job: J) -> J::Output {
        run(job)
    }
}

/// Runs a job with NEON vectors.
#[inline(never)]
pub(super) fn run<J: Job>(job: J) -> J::Output {
    job.run::<Neon>()
}

/// An instruction of NEON.
macro_rules! op {
    ($instruction:ident$(::<$constant:tt>)?($($argument:expr),*)) => {{
        // SAFETY: every machine that this is compiled for has NEON; where memory is touched, the caller of the method
        // vouched for it.
        #[allow(unused_unsafe)]
        unsafe { $instruction$(::<{ $constant }>)?($($argument),*) }
    }};
}

macro_rules! operators {
    ($vector:ident: $($trait:ident $name:ident $instruction:ident),*) => {$(
        impl $trait for $vector {
            type Output = Self;
            #[inline(always)]
            fn $name(self, other: Self) -> Self {
                $vector(op!($instruction(self.0, other.0)))
            }
        }
    )*};
}

operators!(F64x2: Add add vaddq_f64, Sub sub vsubq_f64, Mul mul vmulq_f64, Div div vdivq_f64);
operators!(F32x4: Add add vaddq_f32, Sub sub vsubq_f32, Mul mul vmulq_f32, Div div vdivq_f32);

/// What is spelled the same for both vectors but for the instructions' names.
macro_rules! shared {
    ($real:ty, $mask:ty, $lanes:literal, $load:ident, $store:ident, $min:ident, $max:ident, $le:ident, $equal:ident,
     $greater:ident, $and:ident, $or:ident, $as_words:ident, $select:ident, $abs:ident, $bits:ident, $splat_bits:ident,
     $sub_bits:ident, $load_bits:ident, $greater_bits:ident, $zero_bits:ident) => {
        type Mask = $mask;
        type Unrest = $mask;
        type Sum = F64x8;
        const LANES: usize = $lanes;

        #[inline(always)]
        unsafe fn load(from: *const $real) -> Self {
            Self(op!($load(from)))
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
            Self::select(op!($greater(self.0, other.0)), self, other)
        }
        #[inline(always)]
        fn larger_magnitude(self, other: Self) -> Self {
            let (a, b) = (self.magnitude(), other.magnitude());
            Self::select(b.equal(b), a.larger(b), a)
        }
        #[inline(always)]
        fn ordinary(p: Self, q: Self) -> $mask {
            // NaN if one of them is, which is neither.
            let (low, high) = (op!($min(p.0, q.0)), op!($max(p.0, q.0)));
            Self::and(
                Self::splat(<$real>::SMALLEST).le(Self(low)),
                Self(high).le(Self::splat(<$real>::LARGEST)),
            )
        }
        #[inline(always)]
        fn unrest(x: Self, from: $real) -> $mask {
            op!($sub_bits(op!($bits(x.0)), op!($splat_bits(from.to_bits()))))
        }
        #[inline(always)]
        fn join_unrest(a: $mask, b: $mask) -> $mask {
            op!($or(a, b))
        }
        #[inline(always)]
        fn calm(unrest: $mask) -> bool {
            let upper_two = op!($splat_bits(3 << (8 * size_of::<$real>() - 2)));
            op!(vmaxvq_u32(op!($as_words(op!($and(unrest, upper_two)))))) == 0
        }
        #[inline(always)]
        fn le(self, other: Self) -> $mask {
            op!($le(self.0, other.0))
        }
        #[inline(always)]
        fn equal(self, other: Self) -> $mask {
            op!($equal(self.0, other.0))
        }
        #[inline(always)]
        fn and(a: $mask, b: $mask) -> $mask {
            op!($and(a, b))
        }
        #[inline(always)]
        fn or(a: $mask, b: $mask) -> $mask {
            op!($or(a, b))
        }
        #[inline(always)]
        fn all(mask: $mask) -> bool {
            op!(vminvq_u32(op!($as_words(mask)))) != 0
        }
        #[inline(always)]
        fn first(n: usize) -> $mask {
            op!($greater_bits(op!($splat_bits(n as _)), op!($load_bits([0, 1, 2, 3].as_ptr()))))
        }
        #[inline(always)]
        fn without_bit(bit: usize) -> $mask {
            let bits = op!($and(op!($splat_bits(bit as _)), op!($load_bits([0, 1, 2, 3].as_ptr()))));
            op!($zero_bits(bits))
        }
        #[inline(always)]
        fn select(mask: $mask, yes: Self, no: Self) -> Self {
            Self(op!($select(mask, yes.0, no.0)))
        }
    };
}

/// The same of what formulas need.
macro_rules! numbers {
    ($real:ty, $splat:ident, $add_product:ident, $sub_product:ident) => {
        type Real = $real;

        #[inline(always)]
        fn splat(x: $real) -> Self {
            Self(op!($splat(x)))
        }
        #[inline(always)]
        fn fma(self, b: Self, c: Self) -> Self {
            Self(op!($add_product(c.0, self.0, b.0)))
        }
        #[inline(always)]
        fn fnma(self, b: Self, c: Self) -> Self {
            Self(op!($sub_product(c.0, self.0, b.0)))
        }
    };
}

/// The upper twelve bits of two 64-bit integers, which are the exponent's.
#[inline(always)]
fn exponents_f64(of: uint64x2_t) -> uint64x2_t {
    op!(vandq_u64(of, op!(vdupq_n_u64(!0 << 52))))
}

/// The upper nine of four 32-bit integers.
#[inline(always)]
fn exponents_f32(of: uint32x4_t) -> uint32x4_t {
    op!(vandq_u32(of, op!(vdupq_n_u32(!0 << 23))))
}

/// Two numbers of a table, whose places are taken modulo its length. No instruction gathers them.
#[inline(always)]
fn look_up<const N: usize>(table: &[f64; N], places: uint64x2_t) -> F64x2 {
    const { assert!(N.is_power_of_two()) };
    let first = op!(vgetq_lane_u64::<0>(places)) as usize % N;
    let second = op!(vgetq_lane_u64::<1>(places)) as usize % N;
    F64x2(op!(vcombine_f64(op!(vdup_n_f64(table[first])), op!(vdup_n_f64(table[second])))))
}

/// Where the bytes are, in a table of f32, of the numbers at four places.
#[inline(always)]
fn bytes_at(places: uint32x4_t) -> uint8x16_t {
    let first = op!(vdupq_n_u32(0x0302_0100));
    op!(vreinterpretq_u8_u32(op!(vmlaq_u32(first, places, op!(vdupq_n_u32(0x0404_0404))))))
}

impl Numbers for F64x2 {
    numbers!(f64, vdupq_n_f64, vfmaq_f64, vfmsq_f64);

    #[inline(always)]
    fn align(p: Self, q: Self) -> (Self, Self) {
        let (p, q) = (op!(vreinterpretq_u64_f64(p.0)), op!(vreinterpretq_u64_f64(q.0)));
        let shift = exponents_f64(op!(vaddq_u64(op!(vsubq_u64(q, p)), op!(vdupq_n_u64(1 << 51)))));
        let steps = op!(vcvtq_f64_s64(op!(vreinterpretq_s64_u64(shift))));
        (Self(op!(vreinterpretq_f64_u64(op!(vsubq_u64(q, shift))))), Self(steps))
    }
}

impl Lanes for F64x2 {
    shared!(
        f64,
        uint64x2_t,
        2,
        vld1q_f64,
        vst1q_f64,
        vminq_f64,
        vmaxq_f64,
        vcleq_f64,
        vceqq_f64,
        vcgtq_f64,
        vandq_u64,
        vorrq_u64,
        vreinterpretq_u32_u64,
        vbslq_f64,
        vabsq_f64,
        vreinterpretq_u64_f64,
        vdupq_n_u64,
        vsubq_u64,
        vld1q_u64,
        vcgtq_u64,
        vceqzq_u64
    );

    #[inline(always)]
    unsafe fn load_first(from: *const f64, n: usize) -> Self {
        match n {
            0 => Self::one(),
            1 => Self(op!(vld1q_lane_f64::<0>(from, Self::one().0))),
            _ => Self(op!(vld1q_f64(from))),
        }
    }
    #[inline(always)]
    unsafe fn widen(from: *const f32) -> Self {
        Self(op!(vcvt_f64_f32(op!(vld1_f32(from)))))
    }
    #[inline(always)]
    fn count(mask: uint64x2_t) -> u32 {
        // What is true is −1.
        op!(vaddvq_u64(mask)).wrapping_neg() as u32
    }
    #[inline(always)]
    fn exp2(shifted: Self) -> Self {
        let exponent = op!(vshlq_n_u64::<52>(op!(vreinterpretq_u64_f64(shifted.0))));
        let one = op!(vdupq_n_u64(1f64.to_bits()));
        Self(op!(vreinterpretq_f64_u64(op!(vaddq_u64(exponent, one)))))
    }
    #[inline(always)]
    fn eighths(shifted: Self) -> Self {
        let k = op!(vreinterpretq_u64_f64(shifted.0));
        let power = op!(vreinterpretq_u64_f64(look_up(f64::EIGHTHS, k).0));
        Self(op!(vreinterpretq_f64_u64(op!(vaddq_u64(power, op!(vshlq_n_u64::<49>(k)))))))
    }
    #[inline(always)]
    fn cell(self, [first, second]: [&[f64; 16]; 2]) -> (Self, Self, [Self; 2]) {
        let bits = op!(vreinterpretq_u64_f64(self.0));
        let from = op!(vsubq_u64(bits, op!(vdupq_n_u64(f64::CELLS.to_bits()))));
        let shift = exponents_f64(from);
        let near = Self(op!(vreinterpretq_f64_u64(op!(vsubq_u64(bits, shift)))));
        let k = Self(op!(vcvtq_f64_s64(op!(vreinterpretq_s64_u64(shift)))));
        let places = op!(vshrq_n_u64::<48>(from));
        (near, k, [look_up(first, places), look_up(second, places)])
    }
    #[inline(always)]
    fn swap(self, _: usize) -> Self {
        Self(op!(vextq_f64::<1>(self.0, self.0)))
    }
    #[inline(always)]
    fn part(self, _: usize) -> F64x8 {
        Self::part_of_two(self, Self::zero(), 0)
    }
    #[inline(always)]
    fn part_of_two(a: Self, b: Self, _: usize) -> F64x8 {
        Twice(Twice(a, b), Twice::zero())
    }
    #[inline(always)]
    fn part_of_four([a, b, c, d]: [Self; 4], _: usize) -> F64x8 {
        Twice(Twice(a, b), Twice(c, d))
    }
}

impl Numbers for F32x4 {
    numbers!(f32, vdupq_n_f32, vfmaq_f32, vfmsq_f32);

    #[inline(always)]
    fn align(p: Self, q: Self) -> (Self, Self) {
        let (p, q) = (op!(vreinterpretq_u32_f32(p.0)), op!(vreinterpretq_u32_f32(q.0)));
        let shift = exponents_f32(op!(vaddq_u32(op!(vsubq_u32(q, p)), op!(vdupq_n_u32(1 << 22)))));
        let steps = op!(vcvtq_f32_s32(op!(vreinterpretq_s32_u32(shift))));
        (Self(op!(vreinterpretq_f32_u32(op!(vsubq_u32(q, shift))))), Self(steps))
    }
}

/// As it is: what the other type's masks are seen as, so that whether all is true is asked of both in one way.
#[inline(always)]
fn words(mask: uint32x4_t) -> uint32x4_t {
    mask
}

impl Lanes for F32x4 {
    shared!(
        f32,
        uint32x4_t,
        4,
        vld1q_f32,
        vst1q_f32,
        vminq_f32,
        vmaxq_f32,
        vcleq_f32,
        vceqq_f32,
        vcgtq_f32,
        vandq_u32,
        vorrq_u32,
        words,
        vbslq_f32,
        vabsq_f32,
        vreinterpretq_u32_f32,
        vdupq_n_u32,
        vsubq_u32,
        vld1q_u32,
        vcgtq_u32,
        vceqzq_u32
    );

    #[inline(always)]
    unsafe fn load_first(from: *const f32, n: usize) -> Self {
        let ones = Self::one().0;
        Self(match n {
            0 => ones,
            1 => op!(vld1q_lane_f32::<0>(from, ones)),
            2 => op!(vcombine_f32(op!(vld1_f32(from)), op!(vdup_n_f32(1.0)))),
            3 => {
                let two = op!(vcombine_f32(op!(vld1_f32(from)), op!(vdup_n_f32(1.0))));
                op!(vld1q_lane_f32::<2>(from.add(2), two))
            }
            _ => op!(vld1q_f32(from)),
        })
    }
    #[inline(always)]
    unsafe fn widen(from: *const f16) -> Self {
        let halves = op!(vld1_u16(from.cast()));
        let wide: float32x4_t;
        // SAFETY: two registers. The function for this instruction is younger than the oldest compiler we ask for.
        unsafe {
            asm!(
                "fcvtl {:v}.4s, {:v}.4h",
                lateout(vreg) wide,
                in(vreg) halves,
                options(pure, nomem, nostack, preserves_flags)
            );
        }
        Self(wide)
    }
    #[inline(always)]
    fn count(mask: uint32x4_t) -> u32 {
        // What is true is −1.
        op!(vaddvq_u32(mask)).wrapping_neg()
    }
    #[inline(always)]
    fn exp2(shifted: Self) -> Self {
        let exponent = op!(vshlq_n_u32::<23>(op!(vreinterpretq_u32_f32(shifted.0))));
        let one = op!(vdupq_n_u32(1f32.to_bits()));
        Self(op!(vreinterpretq_f32_u32(op!(vaddq_u32(exponent, one)))))
    }
    #[inline(always)]
    fn eighths(shifted: Self) -> Self {
        let k = op!(vreinterpretq_u32_f32(shifted.0));
        let [low @ .., _, _, _, _] = f32::EIGHTHS;
        let [_, _, _, _, high @ ..] = f32::EIGHTHS;
        let table = uint8x16x2_t(bytes_of(low), bytes_of(high));
        let power = op!(vqtbl2q_u8(table, bytes_at(op!(vandq_u32(k, op!(vdupq_n_u32(7)))))));
        let power = op!(vreinterpretq_u32_u8(power));
        Self(op!(vreinterpretq_f32_u32(op!(vaddq_u32(power, op!(vshlq_n_u32::<20>(k)))))))
    }
    #[inline(always)]
    fn cell(self, [first, second]: [&[f32; 4]; 2]) -> (Self, Self, [Self; 2]) {
        let bits = op!(vreinterpretq_u32_f32(self.0));
        let from = op!(vsubq_u32(bits, op!(vdupq_n_u32(f32::CELLS.to_bits()))));
        let shift = exponents_f32(from);
        let near = Self(op!(vreinterpretq_f32_u32(op!(vsubq_u32(bits, shift)))));
        let k = Self(op!(vcvtq_f32_s32(op!(vreinterpretq_s32_u32(shift)))));
        let places = bytes_at(op!(vandq_u32(op!(vshrq_n_u32::<21>(from)), op!(vdupq_n_u32(3)))));
        let at = |table| Self(op!(vreinterpretq_f32_u8(op!(vqtbl1q_u8(bytes_of(table), places)))));
        (near, k, [at(first), at(second)])
    }
    #[inline(always)]
    fn swap(self, distance: usize) -> Self {
        Self(match distance {
            2 => op!(vextq_f32::<2>(self.0, self.0)),
            _ => op!(vrev64q_f32(self.0)),
        })
    }
    #[inline(always)]
    fn part(self, _: usize) -> F64x8 {
        Self::part_of_two(self, Self::zero(), 0)
    }
    #[inline(always)]
    fn part_of_two(a: Self, b: Self, _: usize) -> F64x8 {
        Twice(a.as_f64(), b.as_f64())
    }
}

impl F32x4 {
    #[inline(always)]
    fn as_f64(self) -> Twice<F64x2> {
        let low = op!(vcvt_f64_f32(op!(vget_low_f32(self.0))));
        Twice(F64x2(low), F64x2(op!(vcvt_high_f64_f32(self.0))))
    }
}

/// Four numbers of a table as bytes.
#[inline(always)]
fn bytes_of(table: &[f32; 4]) -> uint8x16_t {
    op!(vreinterpretq_u8_f32(op!(vld1q_f32(table.as_ptr()))))
}

impl Doubles for F64x2 {
    #[inline(always)]
    fn unzip(a: Self, b: Self) -> (Self, Self) {
        (Self(op!(vuzp1q_f64(a.0, b.0))), Self(op!(vuzp2q_f64(a.0, b.0))))
    }
    #[inline(always)]
    fn zipped(self) -> Self {
        self
    }
}
