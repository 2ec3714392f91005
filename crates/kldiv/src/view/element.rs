//! The types of a matrix's elements.

use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};

/// The element types a view can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dtype {
    /// IEEE binary64.
    F64,
    /// IEEE binary32.
    F32,
    /// IEEE binary16.
    F16,
    /// bfloat16.
    Bf16,
    /// Signed counts.
    I64,
    /// Unsigned counts.
    U64,
}

impl Dtype {
    /// The size of one element, in bytes; also its alignment.
    pub const fn size(self) -> usize {
        match self {
            Dtype::F64 | Dtype::I64 | Dtype::U64 => 8,
            Dtype::F32 => 4,
            Dtype::F16 | Dtype::Bf16 => 2,
        }
    }

    /// Whether it is a floating-point type.
    pub const fn is_float(self) -> bool {
        !matches!(self, Dtype::I64 | Dtype::U64)
    }

    /// Whether every value is exact in f32.
    pub(crate) const fn fits_f32(self) -> bool {
        matches!(self, Dtype::F32 | Dtype::F16 | Dtype::Bf16)
    }

    /// Its name, as it stands in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Dtype::F64 => "f64",
            Dtype::F32 => "f32",
            Dtype::F16 => "f16",
            Dtype::Bf16 => "bf16",
            Dtype::I64 => "i64",
            Dtype::U64 => "u64",
        }
    }
}

mod sealed {
    pub trait Sealed {}
}

/// A type that probabilities or counts can have: f64, f32, f16, bf16, i64, u64.
pub trait Element: sealed::Sealed + Copy + Send + Sync + 'static {
    /// The same, as a value.
    const DTYPE: Dtype;
    /// The value as f64; exact but for counts beyond 2⁵³, which are rounded.
    fn to_f64(self) -> f64;
    /// The value as f32.
    fn to_f32(self) -> f32;
    /// The f64 rounded to this type.
    fn from_f64(x: f64) -> Self;
    /// Any element as this type.
    fn from_element<T: Element>(x: T) -> Self;
    /// Elements as f32, as many as there are places.
    fn to_f32s(from: &[Self], to: &mut [f32]);
}

macro_rules! element {
    ($($t:ty, $dtype:ident, $to_f64:expr, $to_f32:expr, $from:expr, $via:ident, $slice:expr;)*) => {$(
        impl sealed::Sealed for $t {}
        impl Element for $t {
            const DTYPE: Dtype = Dtype::$dtype;
            #[inline(always)]
            fn to_f64(self) -> f64 { $to_f64(self) }
            #[inline(always)]
            fn to_f32(self) -> f32 { $to_f32(self) }
            #[inline(always)]
            fn from_f64(x: f64) -> Self { $from(x) }
            #[inline(always)]
            #[allow(clippy::unnecessary_cast)]
            fn from_element<T: Element>(x: T) -> Self { $from(x.$via()) }
            #[inline(always)]
            fn to_f32s(from: &[Self], to: &mut [f32]) { $slice(from, to) }
        }
    )*};
}

element! {
    f64, F64, |x| x, |x| x as f32, |x| x, to_f64, each_to_f32;
    f32, F32, f64::from, |x| x, |x| x as f32, to_f32, each_to_f32;
    f16, F16, f16::to_f64, f16::to_f32, f16::from_f64, to_f64, HalfFloatSliceExt::convert_to_f32_slice;
    // Without a look at whether it is a NaN, so that several go at a time.
    bf16, Bf16, bf16::to_f64, |x: bf16| f32::from_bits(u32::from(x.to_bits()) << 16), bf16::from_f64, to_f64, each_to_f32;
    i64, I64, |x| x as f64, |x| x as f32, |x| x as i64, to_f64, each_to_f32;
    u64, U64, |x| x as f64, |x| x as f32, |x| x as u64, to_f64, each_to_f32;
}

fn each_to_f32<T: Element>(from: &[T], to: &mut [f32]) {
    for (x, place) in from.iter().zip(to) {
        *place = x.to_f32();
    }
}
