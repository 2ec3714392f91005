//! The kernels in plain Rust, one lane after another: what every other instruction set is held to, to the bit.
//!
//! `mul_add` is the fused operation. Where the machine has none it is done in software: slow, and the same bits.

use std::ops::{Add, Div, Mul, Sub};

use crate::kernels::lanes::{Doubles, Isa, Job, Lanes, Numbers, Real};

/// N lanes in an array.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Array<R, const N: usize>(pub(crate) [R; N]);

/// A single f64, for what comes one at a time: edges of the domain, logarithms of results, explanations.
pub(crate) type One = Array<f64, 1>;

impl From<One> for f64 {
    #[inline(always)]
    fn from(x: One) -> f64 {
        x.0[0]
    }
}

pub(crate) struct Scalar;

impl Isa for Scalar {
    type F64 = Array<f64, 8>;
    type F32 = Array<f32, 16>;
    type One = One;
    const WIDE: bool = false;

    #[inline(always)]
    fn call<J: Job>(job: J) -> J::Output {
        run(job)
    }
}

#[inline(never)]
pub(super) fn run<J: Job>(job: J) -> J::Output {
    job.run::<Scalar>()
}

/// What a function gives for each lane. Chains of closures, and these operations before they are simplified at every place
/// that they are inlined to, would double the time that the kernels take to compile.
#[inline]
fn each_lane<X: Copy, const N: usize>(f: impl Fn(usize) -> X) -> [X; N] {
    let mut lanes = [f(0); N];
    for i in 1..N {
        lanes[i] = f(i);
    }
    lanes
}

impl<R: Real, const N: usize> Array<R, N> {
    #[inline]
    fn zip(self, other: Self, f: impl Fn(R, R) -> R) -> Self {
        Array(each_lane(|i| f(self.0[i], other.0[i])))
    }
}

/// Whether every machine that this is compiled for has the fused operation.
const HAS_FMA: bool = cfg!(any(target_feature = "fma", target_arch = "aarch64"));

#[inline]
fn fused<R: Real, const N: usize>(a: &Array<R, N>, b: &Array<R, N>, c: &Array<R, N>) -> Array<R, N> {
    Array(each_lane(|i| a.0[i].fma(b.0[i], c.0[i])))
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
            #[inline]
            fn $name(self, other: Self) -> Self { self.zip(other, |a, b| a $operator b) }
        }
    )*};
}

lane_by_lane!(Add add +, Sub sub -, Mul mul *, Div div /);

impl<R: Real, const N: usize> Numbers for Array<R, N> {
    type Real = R;

    #[inline]
    fn splat(x: R) -> Self {
        Array([x; N])
    }
    #[inline]
    fn fma(self, b: Self, c: Self) -> Self {
        if HAS_FMA || N == 1 { fused(&self, &b, &c) } else { fused_by_calls(&self, &b, &c) }
    }
    #[inline]
    fn fnma(self, b: Self, c: Self) -> Self {
        Array(each_lane(|i| -self.0[i])).fma(b, c)
    }
    #[inline]
    fn align(p: Self, q: Self) -> (Self, Self) {
        let pairs: [(R, R); N] = each_lane(|i| R::align(p.0[i], q.0[i]));
        (Array(each_lane(|i| pairs[i].0)), Array(each_lane(|i| pairs[i].1)))
    }
}

impl<R: Real, const N: usize> Lanes for Array<R, N> {
    type Mask = [bool; N];
    type Unrest = bool;
    type Sum = Array<f64, 8>;
    const LANES: usize = N;

    #[inline]
    unsafe fn load(from: *const R) -> Self {
        // SAFETY: the caller vouches for N elements.
        Array(unsafe { from.cast::<[R; N]>().read() })
    }
    #[inline]
    unsafe fn widen(from: *const R::Narrow) -> Self {
        // SAFETY: the caller's promise.
        Array(each_lane(|i| R::from_element(unsafe { from.add(i).read() })))
    }
    #[inline]
    unsafe fn load_first(from: *const R, n: usize) -> Self {
        // SAFETY: the caller vouches for n elements.
        Array(each_lane(|i| if i < n { unsafe { from.add(i).read() } } else { R::ONE }))
    }
    #[inline]
    unsafe fn store(self, to: *mut R) {
        // SAFETY: the caller vouches for N places.
        unsafe { to.cast::<[R; N]>().write(self.0) }
    }
    #[inline]
    fn ordinary(p: Self, q: Self) -> [bool; N] {
        let ordinary = |x: R| x >= R::SMALLEST && x <= R::LARGEST;
        each_lane(|i| ordinary(p.0[i]) && ordinary(q.0[i]))
    }
    #[inline]
    fn unrest(x: Self, from: R) -> bool {
        !x.0.iter().all(|x| x.is_calm(from))
    }
    #[inline]
    fn join_unrest(a: bool, b: bool) -> bool {
        a | b
    }
    #[inline]
    fn calm(unrest: bool) -> bool {
        !unrest
    }
    #[inline]
    fn le(self, other: Self) -> [bool; N] {
        each_lane(|i| self.0[i] <= other.0[i])
    }
    #[inline]
    fn equal(self, other: Self) -> [bool; N] {
        each_lane(|i| self.0[i] == other.0[i])
    }
    #[inline]
    fn and(a: [bool; N], b: [bool; N]) -> [bool; N] {
        each_lane(|i| a[i] & b[i])
    }
    #[inline]
    fn or(a: [bool; N], b: [bool; N]) -> [bool; N] {
        each_lane(|i| a[i] | b[i])
    }
    #[inline]
    fn all(mask: [bool; N]) -> bool {
        !mask.contains(&false)
    }
    #[inline]
    fn count(mask: [bool; N]) -> u32 {
        mask.map(u32::from).iter().sum()
    }
    #[inline]
    fn first(n: usize) -> [bool; N] {
        each_lane(|i| i < n)
    }
    #[inline]
    fn select(mask: [bool; N], yes: Self, no: Self) -> Self {
        Array(each_lane(|i| if mask[i] { yes.0[i] } else { no.0[i] }))
    }
    #[inline]
    fn exp2(shifted: Self) -> Self {
        Array(each_lane(|i| R::exp2(shifted.0[i])))
    }
    #[inline]
    fn eighths(shifted: Self) -> Self {
        Array(each_lane(|i| R::eighths(shifted.0[i])))
    }
    #[inline]
    fn cell(self, [first, second]: [&R::Table; 2]) -> (Self, Self, [Self; 2]) {
        let mut out = (self, self, [self; 2]);
        for i in 0..N {
            let (z, k, place) = self.0[i].cell();
            (out.0.0[i], out.1.0[i]) = (z, k);
            (out.2[0].0[i], out.2[1].0[i]) = (first[place], second[place]);
        }
        out
    }
    #[inline]
    fn magnitude(self) -> Self {
        Array(each_lane(|i| R::magnitude(self.0[i])))
    }
    #[inline]
    fn larger(self, other: Self) -> Self {
        self.zip(other, |a, b| if a > b { a } else { b })
    }
    #[inline]
    fn larger_magnitude(self, other: Self) -> Self {
        self.magnitude().zip(other.magnitude(), |a, b| if a > b || b.to_f64().is_nan() { a } else { b })
    }
    #[inline]
    fn swap(self, distance: usize) -> Self {
        let mut swapped = self;
        for i in 0..N {
            swapped.0[i] = self.0[i ^ distance];
        }
        swapped
    }
    #[inline]
    fn without_bit(bit: usize) -> [bool; N] {
        each_lane(|i| i & bit == 0)
    }
    #[inline]
    fn part(self, i: usize) -> Array<f64, 8> {
        Array(each_lane(|j| self.0.get(8 * i + j).map_or(0.0, |x| x.to_f64())))
    }
    #[inline]
    fn folded(self) -> Array<f64, 8> {
        if N <= 8 { self.part(0) } else { Array(each_lane(|i| (self.0[i] + self.0[8 + i]).to_f64())) }
    }
}

impl<const N: usize> Doubles for Array<f64, N> {
    #[inline]
    fn unzip(a: Self, b: Self) -> (Self, Self) {
        let mut out = (a, b);
        for i in 0..N {
            let at = |j: usize| if j < N { a.0[j] } else { b.0[j - N] };
            (out.0.0[i], out.1.0[i]) = (at(2 * i), at(2 * i + 1));
        }
        out
    }
    #[inline]
    fn zipped(self) -> Self {
        self
    }
}
