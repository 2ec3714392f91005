//! The kernels in plain Rust, one lane after another: what every other instruction set is held to, to the bit.
//!
//! `mul_add` is the fused operation. Where the machine has none it is done in software: slow, and the same bits.

use std::ops::{Add, Div, Mul, Sub};

use half::f16;

use crate::kernels::lanes::{Doubles, Isa, Job, Lanes, Real, Singles};

/// N lanes in an array.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Array<R, const N: usize>(pub(crate) [R; N]);

/// A single f64, for what comes one at a time: edges of the domain, logarithms of results, explanations.
pub(crate) type One = Array<f64, 1>;

pub(crate) struct Scalar;

impl Isa for Scalar {
    type F64 = Array<f64, 8>;
    type F32 = Array<f32, 16>;
    const WIDE: bool = false;
}

#[inline(never)]
pub(super) fn run<J: Job>(job: J) -> J::Output {
    job.run::<Scalar>()
}

impl<R: Real, const N: usize> Array<R, N> {
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(R, R) -> R) -> Self {
        Array(std::array::from_fn(|i| f(self.0[i], other.0[i])))
    }
}

/// Whether every machine that this is compiled for has the fused operation.
const HAS_FMA: bool = cfg!(any(target_feature = "fma", target_arch = "aarch64"));

#[inline(always)]
fn fused<R: Real, const N: usize>(a: &Array<R, N>, b: &Array<R, N>, c: &Array<R, N>) -> Array<R, N> {
    Array(std::array::from_fn(|i| a.0[i].fma(b.0[i], c.0[i])))
}

/// The same where each lane is a call of a function: as many of them at every place would be half of the library.
#[inline(never)]
fn fused_by_calls<R: Real, const N: usize>(a: &Array<R, N>, b: &Array<R, N>, c: &Array<R, N>) -> Array<R, N> {
    fused(a, b, c)
}

macro_rules! lane_by_lane {
    ($($trait:ident $name:ident $operator:tt),*) => {$(
        impl<R: Real, const N: usize> $trait for Array<R, N> {
            type Output = Self;
            #[inline(always)]
            fn $name(self, other: Self) -> Self { self.zip(other, |a, b| a $operator b) }
        }
    )*};
}

lane_by_lane!(Add add +, Sub sub -, Mul mul *, Div div /);

impl<R: Real, const N: usize> Lanes for Array<R, N> {
    type Real = R;
    type Mask = [bool; N];
    type Unrest = bool;
    type Sum = Array<f64, 8>;
    const LANES: usize = N;

    #[inline(always)]
    fn splat(x: R) -> Self {
        Array([x; N])
    }
    #[inline(always)]
    unsafe fn load(from: *const R) -> Self {
        // SAFETY: the caller vouches for N elements.
        Array(unsafe { from.cast::<[R; N]>().read() })
    }
    #[inline(always)]
    unsafe fn load_first(from: *const R, n: usize) -> Self {
        // SAFETY: the caller vouches for n elements.
        Array(std::array::from_fn(|i| if i < n { unsafe { from.add(i).read() } } else { R::ONE }))
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut R) {
        // SAFETY: the caller vouches for N places.
        unsafe { to.cast::<[R; N]>().write(self.0) }
    }
    #[inline(always)]
    fn fma(self, b: Self, c: Self) -> Self {
        if HAS_FMA || N == 1 { fused(&self, &b, &c) } else { fused_by_calls(&self, &b, &c) }
    }
    #[inline(always)]
    fn fnma(self, b: Self, c: Self) -> Self {
        Array(self.0.map(|x| -x)).fma(b, c)
    }
    #[inline(always)]
    fn both_ordinary(p: Self, q: Self) -> bool {
        let ordinary = |x: &R| *x >= R::SMALLEST && *x <= R::LARGEST;
        p.0.iter().all(ordinary) && q.0.iter().all(ordinary)
    }
    #[inline(always)]
    fn unrest(p: Self, q: Self, from: R) -> bool {
        let calm = |x: &R| x.is_calm(from);
        !(p.0.iter().all(calm) && q.0.iter().all(calm))
    }
    #[inline(always)]
    fn join_unrest(a: bool, b: bool) -> bool {
        a | b
    }
    #[inline(always)]
    fn calm(unrest: bool) -> bool {
        !unrest
    }
    #[inline(always)]
    fn le(self, other: Self) -> [bool; N] {
        std::array::from_fn(|i| self.0[i] <= other.0[i])
    }
    #[inline(always)]
    fn equal(self, other: Self) -> [bool; N] {
        std::array::from_fn(|i| self.0[i] == other.0[i])
    }
    #[inline(always)]
    fn and(a: [bool; N], b: [bool; N]) -> [bool; N] {
        std::array::from_fn(|i| a[i] & b[i])
    }
    #[inline(always)]
    fn or(a: [bool; N], b: [bool; N]) -> [bool; N] {
        std::array::from_fn(|i| a[i] | b[i])
    }
    #[inline(always)]
    fn all(mask: [bool; N]) -> bool {
        !mask.contains(&false)
    }
    #[inline(always)]
    fn first(n: usize) -> [bool; N] {
        std::array::from_fn(|i| i < n)
    }
    #[inline(always)]
    fn select(mask: [bool; N], yes: Self, no: Self) -> Self {
        Array(std::array::from_fn(|i| if mask[i] { yes.0[i] } else { no.0[i] }))
    }
    #[inline(always)]
    fn align(p: Self, q: Self) -> (Self, Self) {
        let pairs: [(R, R); N] = std::array::from_fn(|i| R::align(p.0[i], q.0[i]));
        (Array(pairs.map(|pair| pair.0)), Array(pairs.map(|pair| pair.1)))
    }
    #[inline(always)]
    fn exp2(shifted: Self) -> Self {
        Array(shifted.0.map(R::exp2))
    }
    #[inline(always)]
    fn eighths(shifted: Self) -> Self {
        Array(shifted.0.map(R::eighths))
    }
    #[inline(always)]
    fn sixteenth(self, [first, second]: [&[R; 16]; 2]) -> (Self, Self, [Self; 2]) {
        let mut out = (self, self, [self; 2]);
        for i in 0..N {
            let (z, k, place) = self.0[i].sixteenth();
            (out.0.0[i], out.1.0[i]) = (z, k);
            (out.2[0].0[i], out.2[1].0[i]) = (first[place], second[place]);
        }
        out
    }
    #[inline(always)]
    fn magnitude(self) -> Self {
        Array(self.0.map(R::magnitude))
    }
    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        self.zip(other, |a, b| if a > b { a } else { b })
    }
    #[inline(always)]
    fn larger_magnitude(self, other: Self) -> Self {
        self.magnitude().zip(other.magnitude(), |a, b| if a > b || b.to_f64().is_nan() { a } else { b })
    }
    #[inline(always)]
    fn swap(self, distance: usize) -> Self {
        let mut swapped = self;
        for i in 0..N {
            swapped.0[i] = self.0[i ^ distance];
        }
        swapped
    }
    #[inline(always)]
    fn without_bit(bit: usize) -> [bool; N] {
        std::array::from_fn(|i| i & bit == 0)
    }
    #[inline(always)]
    fn part(self, i: usize) -> Array<f64, 8> {
        Array(std::array::from_fn(|j| self.0.get(8 * i + j).map_or(0.0, |x| x.to_f64())))
    }
}

impl<const N: usize> Doubles for Array<f64, N> {
    #[inline(always)]
    fn unzip(a: Self, b: Self) -> (Self, Self) {
        let mut out = (a, b);
        for i in 0..N {
            let at = |j: usize| if j < N { a.0[j] } else { b.0[j - N] };
            (out.0.0[i], out.1.0[i]) = (at(2 * i), at(2 * i + 1));
        }
        out
    }
}

impl<const N: usize> Singles for Array<f32, N> {
    #[inline(always)]
    unsafe fn widen(from: *const f16) -> Self {
        // SAFETY: the caller's promise.
        Array(std::array::from_fn(|i| unsafe { from.add(i).read() }.to_f32()))
    }
}
