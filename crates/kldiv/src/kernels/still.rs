//! Single numbers whose operations say themselves how they round, and raise no flag: instructions of AVX-512.
//!
//! In plain words: a caller in C may have set any rounding, and whatever it finds in the register that says so afterwards was
//! there before. To look at that register twice takes longer than the divergence of a pair, or of a vector or two. One thing
//! no instruction can say: whether subnormal numbers count as zeros.

use std::arch::asm;
use std::ops::{Add, Div, Mul, Sub};

use crate::kernels::lanes::{Numbers, Real, Vector};
use crate::kernels::log::Ratio;

/// A number. There are none but where a caller vouched for the machine.
#[derive(Clone, Copy)]
pub(crate) struct Still<R>(R);

impl From<Still<f64>> for f64 {
    #[inline(always)]
    fn from(x: Still<f64>) -> f64 {
        x.0
    }
}

/// An operation of two numbers.
macro_rules! operation {
    ($real:ty: $trait:ident $name:ident $instruction:literal) => {
        impl $trait for Still<$real> {
            type Output = Self;
            #[inline(always)]
            fn $name(self, other: Self) -> Self {
                let result: $real;
                // SAFETY: two registers and a third, on a machine that has the instruction.
                unsafe {
                    asm!(
                        concat!($instruction, " {}, {}, {}, {{rn-sae}}"),
                        lateout(xmm_reg) result,
                        in(xmm_reg) self.0,
                        in(xmm_reg) other.0,
                        options(pure, nomem, nostack, preserves_flags)
                    );
                }
                Still(result)
            }
        }
    };
}

/// A fused product of two numbers, and a third.
macro_rules! fused {
    ($name:ident $instruction:literal) => {
        #[inline(always)]
        fn $name(self, b: Self, c: Self) -> Self {
            let mut result = self.0;
            // SAFETY: three registers, on a machine that has the instruction.
            unsafe {
                asm!(
                    concat!($instruction, " {}, {}, {}, {{rn-sae}}"),
                    inlateout(xmm_reg) result,
                    in(xmm_reg) b.0,
                    in(xmm_reg) c.0,
                    options(pure, nomem, nostack, preserves_flags)
                );
            }
            Still(result)
        }
    };
}

macro_rules! numbers {
    ($real:ty: $add:literal $sub:literal $mul:literal $div:literal $fma:literal $fnma:literal) => {
        operation!($real: Add add $add);
        operation!($real: Sub sub $sub);
        operation!($real: Mul mul $mul);
        operation!($real: Div div $div);

        impl Numbers for Still<$real> {
            type Real = $real;

            #[inline(always)]
            fn splat(x: $real) -> Self {
                Still(x)
            }
            fused!(fma $fma);
            fused!(fnma $fnma);
            #[inline(always)]
            fn align(p: Self, q: Self) -> (Self, Self) {
                // Integers; the one that becomes a number does so without rounding.
                let (aligned, steps) = <$real>::align(p.0, q.0);
                (Still(aligned), Still(steps))
            }
        }
    };
}

numbers!(f64: "vaddsd" "vsubsd" "vmulsd" "vdivsd" "vfmadd213sd" "vfnmadd213sd");
numbers!(f32: "vaddss" "vsubss" "vmulss" "vdivss" "vfmadd213ss" "vfnmadd213ss");

/// A type of single numbers.
pub(crate) trait Single: Vector {
    type Still: Numbers<Real = Self>;
    /// What is not subnormal, as f64.
    fn wide(x: Self::Still) -> Still<f64>;
}

impl Single for f64 {
    type Still = Still<f64>;

    #[inline(always)]
    fn wide(x: Still<f64>) -> Still<f64> {
        x
    }
}

impl Single for f32 {
    type Still = Still<f32>;

    #[inline(always)]
    fn wide(x: Still<f32>) -> Still<f64> {
        Still(f64::from(x.0))
    }
}

/// Whether a subnormal number and 0 are that number.
///
/// # Safety
/// The machine has AVX-512 F.
#[inline(always)]
pub(super) unsafe fn keeps_subnormals() -> bool {
    (Still(f64::MIN_POSITIVE / 2.0) + Still(0.0)).0.to_bits() != 0
}

/// The KL of a single pair, as [`crate::kernels::value`] has it, of numbers that leave nothing subnormal.
///
/// # Safety
/// The machine has AVX-512 F.
#[inline(always)]
pub(super) unsafe fn kl_of_pair<R: Single>(p: R, q: R) -> Option<f64> {
    if !(p.is_calm(R::LEAST) && q.is_calm(R::LEAST)) {
        return None;
    }
    let ratio = Ratio::of_given(R::Still::splat(p), R::Still::splat(q));
    Some((R::wide(ratio.curved()) - R::wide(ratio.straight())).0)
}
