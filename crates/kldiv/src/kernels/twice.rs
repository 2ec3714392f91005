//! Two vectors as one, so that every operation comes twice in a row: two chains side by side for a processor that
//! would wait on one. With registers of 8 f64 that gained nothing (1,000 elements took 12 % longer), with registers
//! of 4, and twice over with those of 2, it makes the eight lanes that every sum has; twice over it makes the groups of
//! `generic`.

use std::ops::{Add, Div, Mul, Sub};

use crate::kernels::lanes::{Doubles, Lanes, Numbers, Real};

/// The lanes of the first, then those of the second.
#[derive(Clone, Copy)]
pub(crate) struct Twice<V>(pub(crate) V, pub(crate) V);

macro_rules! both {
    ($($trait:ident $name:ident),*) => {$(
        impl<V: Lanes> $trait for Twice<V> {
            type Output = Self;
            #[inline(always)]
            fn $name(self, other: Self) -> Self { Twice(self.0.$name(other.0), self.1.$name(other.1)) }
        }
    )*};
}

both!(Add add, Sub sub, Mul mul, Div div);

impl<V: Lanes> Numbers for Twice<V> {
    type Real = V::Real;

    #[inline(always)]
    fn splat(x: V::Real) -> Self {
        Twice(V::splat(x), V::splat(x))
    }
    #[inline(always)]
    fn fma(self, b: Self, c: Self) -> Self {
        Twice(self.0.fma(b.0, c.0), self.1.fma(b.1, c.1))
    }
    #[inline(always)]
    fn fnma(self, b: Self, c: Self) -> Self {
        Twice(self.0.fnma(b.0, c.0), self.1.fnma(b.1, c.1))
    }
    #[inline(always)]
    fn align(p: Self, q: Self) -> (Self, Self) {
        let ((q0, k0), (q1, k1)) = (V::align(p.0, q.0), V::align(p.1, q.1));
        (Twice(q0, q1), Twice(k0, k1))
    }
}

impl<V: Lanes> Lanes for Twice<V> {
    type Mask = (V::Mask, V::Mask);
    type Unrest = V::Unrest;
    type Sum = V::Sum;
    const LANES: usize = 2 * V::LANES;
    const LEAVES_SMALL: bool = V::LEAVES_SMALL;

    #[inline(always)]
    unsafe fn load(from: *const V::Real) -> Self {
        // SAFETY: the caller vouches for the lanes of both.
        unsafe { Twice(V::load(from), V::load(from.add(V::LANES))) }
    }
    #[inline(always)]
    unsafe fn widen(from: *const <V::Real as Real>::Narrow) -> Self {
        // SAFETY: as for `load`.
        unsafe { Twice(V::widen(from), V::widen(from.add(V::LANES))) }
    }
    #[inline(always)]
    unsafe fn load_first(from: *const V::Real, n: usize) -> Self {
        let first = n.min(V::LANES);
        // SAFETY: the caller vouches for n elements; a vector that begins behind them touches none.
        unsafe { Twice(V::load_first(from, first), V::load_first(from.add(first), n - first)) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut V::Real) {
        // SAFETY: the caller vouches for the lanes of both.
        unsafe {
            self.0.store(to);
            self.1.store(to.add(V::LANES));
        }
    }
    #[inline(always)]
    fn ordinary(p: Self, q: Self) -> Self::Mask {
        (V::ordinary(p.0, q.0), V::ordinary(p.1, q.1))
    }
    #[inline(always)]
    fn unrest(x: Self, from: V::Real) -> V::Unrest {
        V::unrest_of(x.0, x.1, from)
    }
    #[inline(always)]
    fn join_unrest(a: V::Unrest, b: V::Unrest) -> V::Unrest {
        V::join_unrest(a, b)
    }
    #[inline(always)]
    fn calm(unrest: V::Unrest) -> bool {
        V::calm(unrest)
    }
    #[inline(always)]
    fn le(self, other: Self) -> Self::Mask {
        (self.0.le(other.0), self.1.le(other.1))
    }
    #[inline(always)]
    fn equal(self, other: Self) -> Self::Mask {
        (self.0.equal(other.0), self.1.equal(other.1))
    }
    #[inline(always)]
    fn and(a: Self::Mask, b: Self::Mask) -> Self::Mask {
        (V::and(a.0, b.0), V::and(a.1, b.1))
    }
    #[inline(always)]
    fn or(a: Self::Mask, b: Self::Mask) -> Self::Mask {
        (V::or(a.0, b.0), V::or(a.1, b.1))
    }
    #[inline(always)]
    fn all(mask: Self::Mask) -> bool {
        V::all(V::and(mask.0, mask.1))
    }
    #[inline(always)]
    fn count(mask: Self::Mask) -> u32 {
        V::count(mask.0) + V::count(mask.1)
    }
    #[inline(always)]
    fn first(n: usize) -> Self::Mask {
        (V::first(n.min(V::LANES)), V::first(n.saturating_sub(V::LANES)))
    }
    #[inline(always)]
    fn select(mask: Self::Mask, yes: Self, no: Self) -> Self {
        Twice(V::select(mask.0, yes.0, no.0), V::select(mask.1, yes.1, no.1))
    }
    #[inline(always)]
    fn exp2(shifted: Self) -> Self {
        Twice(V::exp2(shifted.0), V::exp2(shifted.1))
    }
    #[inline(always)]
    fn eighths(shifted: Self) -> Self {
        Twice(V::eighths(shifted.0), V::eighths(shifted.1))
    }
    #[inline(always)]
    fn cell(self, tables: [&<V::Real as Real>::Table; 2]) -> (Self, Self, [Self; 2]) {
        let ((z, k, [a, b]), (y, j, [c, d])) = (self.0.cell(tables), self.1.cell(tables));
        (Twice(z, y), Twice(k, j), [Twice(a, c), Twice(b, d)])
    }
    #[inline(always)]
    fn magnitude(self) -> Self {
        Twice(self.0.magnitude(), self.1.magnitude())
    }
    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        Twice(self.0.larger(other.0), self.1.larger(other.1))
    }
    #[inline(always)]
    fn larger_magnitude(self, other: Self) -> Self {
        Twice(self.0.larger_magnitude(other.0), self.1.larger_magnitude(other.1))
    }
    #[inline(always)]
    fn swap(self, distance: usize) -> Self {
        if distance == V::LANES {
            Twice(self.1, self.0)
        } else {
            Twice(self.0.swap(distance), self.1.swap(distance))
        }
    }
    #[inline(always)]
    fn without_bit(bit: usize) -> Self::Mask {
        if bit == V::LANES {
            (V::first(V::LANES), V::first(0))
        } else {
            (V::without_bit(bit), V::without_bit(bit))
        }
    }
    #[inline(always)]
    fn part(self, i: usize) -> V::Sum {
        V::part_of_two(self.0, self.1, i)
    }
    #[inline(always)]
    fn part_of_two(a: Self, b: Self, i: usize) -> V::Sum {
        V::part_of_four([a.0, a.1, b.0, b.1], i)
    }
    #[inline(always)]
    fn in_step(self) -> Self {
        let [a, b] = V::two_in_step([self.0, self.1]);
        Twice(a, b)
    }
    #[inline(always)]
    fn two_in_step([a, b]: [Self; 2]) -> [Self; 2] {
        let [a, b, c, d] = V::four_in_step([a.0, a.1, b.0, b.1]);
        [Twice(a, b), Twice(c, d)]
    }
    #[inline(always)]
    fn folded(self) -> V::Sum {
        if Self::LANES > 8 { (self.0 + self.1).folded() } else { self.part(0) }
    }
}

impl<V: Doubles> Doubles for Twice<V> {
    #[inline(always)]
    fn unzip(a: Self, b: Self) -> (Self, Self) {
        let ((first, second), (third, fourth)) = (V::unzip(a.0, a.1), V::unzip(b.0, b.1));
        (Twice(first, third), Twice(second, fourth))
    }
    #[inline(always)]
    fn zipped(self) -> Self {
        Twice(self.0.zipped(), self.1.zipped())
    }
}
