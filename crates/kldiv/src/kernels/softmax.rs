//! Two rows of logits compared as distributions, without making either.
//!
//! With p = exp((a − max)/T) and y = (anchor − (a − b))/T + rest, q is p exp(y) times a constant. What is summed is p,
//! p (exp(y) − 1 − y) ≥ 0 and p y. Differences are taken before anything is rounded, so that near-equal rows keep their
//! digits, and the anchor, some value of a − b, only has to be near enough to the others that y is small where
//! a and b differ by little more than a constant.
//!
//! Rows that are known to be [`Distance::Wide`] have nothing that cancels: there p and q are taken each by itself, which is
//! half the work.
//!
//! In plain words: take some logits of each, add up their terms vector by vector in the arithmetic of their type, and
//! add those sums to eight lanes of f64. Departures: in a vector that is not calm outcomes that are masked (−∞) in both
//! rows are left out, and so is what a row's last vector has beyond its end; one that is not calm then, with a deep logit,
//! a large difference or a mask in one row, is left to [`Far`], in f64 and, where that is not enough, one element at
//! a time.

use crate::kernels::exp::{Exp, ScaledExp, parts_of, times_exp};
use crate::kernels::lanes::{Isa, Job, Lanes, Numbers, Real, Vector, fetch_ahead, two_difference};
use crate::kernels::scalar::One;
use crate::sum::Compensated;
use crate::view::Element;

/// Elements whose terms are added before they are added to the lanes: 64 of f64, 128 of f32.
pub(crate) const fn chunk<T>() -> usize {
    512 / size_of::<T>()
}

/// How far apart two rows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Distance {
    /// Anything; differences are exact.
    Any,
    /// So far that their divergence keeps its digits without that. The frame's [`max_of_b`](Frame::max_of_b) must be a
    /// number of the logits' type, and its scale one of [`SCALES`](crate::kernels::exp::SCALES).
    Wide,
}

/// What exponents and differences of logits are relative to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    /// The largest a, or a number that is near it.
    pub(crate) max: f64,
    /// What a − b is compared with, and what that is short of, over T, where it is too little to leave a digit there: next to
    /// an outcome that is all but certain, all else may be as little as 1e-300.
    pub(crate) anchor: Compensated,
    pub(crate) rest: f64,
    /// 1/T.
    pub(crate) scale: f64,
}

impl Frame {
    /// The frame with an anchor for which [`max_of_b`](Self::max_of_b) is a number of a type.
    pub(crate) fn rounded<T: Element>(&self) -> Frame {
        let max_of_b = T::from_f64(self.max_of_b().value()).to_f64();
        let mut anchor = Compensated { hi: self.max, lo: 0.0 };
        anchor.add(-max_of_b);
        Frame { anchor: anchor.tidy(), rest: 0.0, ..*self }
    }

    /// What b is compared with so that q comes in the units of p, but for the rest: max less the anchor.
    pub(crate) fn max_of_b(&self) -> Compensated {
        let mut max = Compensated { hi: self.max, lo: 0.0 };
        max.add(-self.anchor.hi);
        max.lo -= self.anchor.lo;
        max.tidy()
    }
}

/// Eight lanes each of the sums of p, of p (exp(y) − 1 − y) and of p y.
pub(crate) type Sums = [[f64; 8]; 3];

/// How much of the range of the exponential is calm.
const CALM: f64 = -0.85;

/// A frame in every lane.
#[derive(Clone, Copy)]
pub(super) struct Framed<V> {
    max: V,
    anchor: (V, V),
    rest: V,
    scale: V,
}

impl<V: Lanes> Framed<V> {
    #[inline(always)]
    pub(super) fn of(frame: &Frame) -> Self {
        let (max, rest, scale) = (V::constant(frame.max), V::constant(frame.rest), V::constant(frame.scale));
        Framed { max, anchor: in_two(frame.anchor), rest, scale }
    }

    /// A frame of its own in each lane.
    #[inline(always)]
    pub(super) fn in_lanes(max: V, anchor: (V, V), scale: f64) -> Self {
        Framed { max, anchor, rest: V::zero(), scale: V::constant(scale) }
    }

    /// Two logits whose exponents are 0 or little more.
    #[inline(always)]
    pub(super) fn calmest(&self) -> (V, V) {
        (self.max, self.max - self.anchor.0)
    }

    /// (a − max)/T and y.
    #[inline(always)]
    pub(super) fn exponents(&self, a: V, b: V) -> (V, V) {
        let (difference, rest) = two_difference(a, b);
        let y = (self.anchor.0 - difference) + (self.anchor.1 - rest);
        ((a - self.max) * self.scale, y.fma(self.scale, self.rest))
    }

    /// The lanes whose exponentials, and products of them, are ordinary numbers; never those of a NaN or an infinity.
    #[inline(always)]
    pub(super) fn calm(s: V, y: V) -> V::Mask {
        V::and(Self::calm_exponent(s), Self::calm_exponent(y))
    }

    /// The same of one exponent.
    #[inline(always)]
    pub(super) fn calm_exponent(x: V) -> V::Mask {
        V::le(x.magnitude(), V::constant(CALM * V::Real::EXP_LOWEST.to_f64()))
    }

    /// The terms of calm lanes, added to sums.
    #[inline(always)]
    fn add_terms(p: V, y: V, sums: &mut [V; 3]) {
        sums[0] = sums[0] + p;
        sums[1] = p.fma(Exp::of_rounded(y).curved(), sums[1]);
        sums[2] = p.fma(y, sums[2]);
    }
}

/// A number in two of the lanes' own.
#[inline(always)]
pub(super) fn in_two<V: Lanes>(x: Compensated) -> (V, V) {
    let high = V::Real::from_f64(x.hi);
    (V::splat(high), V::constant((x.hi - high.to_f64()) + x.lo))
}

/// Two vectors without those outcomes that are masked in both.
#[derive(Clone, Copy)]
pub(super) struct Unmasked<V: Lanes> {
    pub(super) a: V,
    pub(super) b: V,
    masked: V::Mask,
}

impl<V: Lanes> Unmasked<V> {
    /// `n` logits of each; what is missing is masked. In place of what is masked are those of `calm`.
    ///
    /// # Safety
    /// There are as many.
    #[inline(always)]
    pub(super) unsafe fn first(a: *const V::Real, b: *const V::Real, n: usize, calm: (V, V)) -> Self {
        let (first, lowest) = (V::first(n), V::zero() - V::splat(V::Real::INFINITY));
        // SAFETY: the caller's promise.
        let (a, b) = unsafe { (V::load_first(a, n), V::load_first(b, n)) };
        let (a, b) = (V::select(first, a, lowest), V::select(first, b, lowest));
        let masked = V::and(V::equal(a, lowest), V::equal(b, lowest));
        Unmasked { a: V::select(masked, calm.0, a), b: V::select(masked, calm.1, b), masked }
    }

    /// Nothing where they were.
    #[inline(always)]
    pub(super) fn only(&self, x: V) -> V {
        V::select(self.masked, V::zero(), x)
    }
}

/// How vectors are looked at.
trait Look<V: Lanes> {
    /// Adds what is summed of two vectors, if both are calm.
    fn add(&self, a: V, b: V, sums: &mut [V; 3]) -> bool;
    /// The same of some outcomes.
    fn add_unmasked(&self, of: Unmasked<V>, sums: &mut [V; 3]) -> bool;
    /// Two logits that are as calm as can be.
    fn calmest(&self) -> (V, V);
    /// The terms that such sums stand for.
    fn terms(&self, sums: [V::Sum; 3]) -> [V::Sum; 3];
}

/// See [`Distance::Any`].
struct Any<V> {
    framed: Framed<V>,
    exp: ScaledExp<V>,
}

impl<V: Lanes> Look<V> for Any<V> {
    #[inline(always)]
    fn add(&self, a: V, b: V, sums: &mut [V; 3]) -> bool {
        let (s, y) = self.framed.exponents(a, b);
        let calm = V::all(Framed::calm(s, y));
        if calm {
            Framed::add_terms(self.exp.exp(s), y, sums);
        }
        calm
    }

    #[inline(always)]
    fn add_unmasked(&self, of: Unmasked<V>, sums: &mut [V; 3]) -> bool {
        let (s, y) = self.framed.exponents(of.a, of.b);
        let calm = V::all(Framed::calm(s, y));
        if calm {
            Framed::add_terms(of.only(self.exp.exp(s)), y, sums);
        }
        calm
    }

    #[inline(always)]
    fn calmest(&self) -> (V, V) {
        self.framed.calmest()
    }

    #[inline(always)]
    fn terms(&self, sums: [V::Sum; 3]) -> [V::Sum; 3] {
        sums
    }
}

/// See [`Distance::Wide`].
struct Wide<V> {
    max: V,
    max_of_b: V,
    scale: f64,
    /// The largest calm magnitude.
    calm: V,
    exp: ScaledExp<V>,
}

impl<V: Lanes> Wide<V> {
    #[inline(always)]
    fn of(frame: &Frame) -> Self {
        Wide {
            max: V::constant(frame.max),
            max_of_b: V::constant(frame.max_of_b().value()),
            scale: frame.scale,
            calm: V::constant(CALM * V::Real::EXP_LOWEST.to_f64() / frame.scale),
            exp: ScaledExp::of(frame.scale),
        }
    }
}

impl<V: Lanes> Look<V> for Wide<V> {
    /// p, q and p y T. A NaN may pass where the other logit is calm: the sums are NaN then.
    #[inline(always)]
    fn add(&self, a: V, b: V, sums: &mut [V; 3]) -> bool {
        let (s, r) = (a - self.max, b - self.max_of_b);
        let calm = V::all(V::le(s.larger_magnitude(r), self.calm));
        if calm {
            let p = self.exp.exp(s);
            sums[0] = sums[0] + p;
            sums[1] = sums[1] + self.exp.exp(r);
            sums[2] = p.fma(r - s, sums[2]);
        }
        calm
    }

    #[inline(always)]
    fn add_unmasked(&self, of: Unmasked<V>, sums: &mut [V; 3]) -> bool {
        let (s, r) = (of.a - self.max, of.b - self.max_of_b);
        let calm = V::all(V::le(s.larger_magnitude(r), self.calm));
        if calm {
            let p = of.only(self.exp.exp(s));
            sums[0] = sums[0] + p;
            sums[1] = sums[1] + of.only(self.exp.exp(r));
            sums[2] = p.fma(r - s, sums[2]);
        }
        calm
    }

    #[inline(always)]
    fn calmest(&self) -> (V, V) {
        (self.max, self.max_of_b)
    }

    #[inline(always)]
    fn terms(&self, [p, q, straight]: [V::Sum; 3]) -> [V::Sum; 3] {
        let straight = straight * V::Sum::splat(self.scale);
        [p, (q - p) - straight, straight]
    }
}

/// Adds the terms of two slices of equal length, [`Distance::Wide`] or any, to sums. All slices of a row but the last are
/// of whole chunks.
pub(crate) struct Compare<'a, T, const WIDE: bool> {
    pub(crate) a: &'a [T],
    pub(crate) b: &'a [T],
    pub(crate) frame: &'a Frame,
    /// Runs a [`Far`], apart from the loop.
    pub(crate) far: fn(&[T], &[T], &Frame, u32) -> Sums,
    pub(crate) sums: &'a mut Sums,
}

impl<T: Vector, const WIDE: bool> Job for Compare<'_, T, WIDE> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let frame = self.frame;
        if WIDE {
            self.chunks::<I, _>(&Wide::of(frame));
        } else {
            self.chunks::<I, _>(&Any { framed: Framed::of(frame), exp: ScaledExp::of(1.0) });
        }
    }
}

impl<T: Vector, const WIDE: bool> Compare<'_, T, WIDE> {
    #[inline(always)]
    fn chunks<I: Isa, L: Look<T::On<I>>>(self, look: &L) {
        let Compare { a, b, frame, far: far_terms, sums, .. } = self;
        let lanes = T::On::<I>::LANES;
        let mut totals = load::<I::F64>(sums);
        let n = a.len().min(b.len());
        let mut start = 0;
        while start < n {
            let end = n.min(start + chunk::<T>());
            let mut sums = [T::On::<I>::zero(); 3];
            let mut far = 0u32;
            let mut at = start;
            while at < end {
                let len = lanes.min(end - at);
                if len == lanes {
                    fetch_ahead(a.as_ptr().wrapping_add(at));
                    fetch_ahead(b.as_ptr().wrapping_add(at));
                    // SAFETY: a whole vector is left in both.
                    let (a, b) = unsafe {
                        (T::On::<I>::load(a.as_ptr().add(at)), T::On::<I>::load(b.as_ptr().add(at)))
                    };
                    if look.add(a, b, &mut sums) {
                        at += lanes;
                        continue;
                    }
                }
                // SAFETY: so many are left in both.
                let some =
                    unsafe { Unmasked::first(a.as_ptr().add(at), b.as_ptr().add(at), len, look.calmest()) };
                if !look.add_unmasked(some, &mut sums) {
                    far |= 1 << ((at - start) / lanes);
                }
                at += len;
            }
            for part in 0..lanes / 8 {
                let [p, curved, straight] = sums;
                let terms = look.terms([p.part(part), curved.part(part), straight.part(part)]);
                for i in 0..3 {
                    totals[i] = totals[i] + terms[i];
                }
            }
            if far != 0 {
                let far = far_terms(&a[start..end], &b[start..end], frame, far);
                let far = load::<I::F64>(&far);
                for i in 0..3 {
                    totals[i] = totals[i] + far[i];
                }
            }
            start = end;
        }
        for i in 0..3 {
            sums[i] = totals[i].to_f64s();
        }
    }
}

#[inline(always)]
fn load<S: Lanes<Real = f64>>(sums: &Sums) -> [S; 3] {
    let mut loaded = [S::zero(); 3];
    for i in 0..3 {
        // SAFETY: eight elements are a sum's vector.
        loaded[i] = unsafe { S::load(sums[i].as_ptr()) };
    }
    loaded
}

/// Adds the terms of those vectors of a chunk whose bits are set.
pub(crate) struct Far<'a, T> {
    pub(crate) a: &'a [T],
    pub(crate) b: &'a [T],
    pub(crate) frame: &'a Frame,
    pub(crate) vectors: u32,
    pub(crate) sums: &'a mut Sums,
}

impl<T: Vector> Job for Far<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Far { a, b, frame, vectors, sums } = self;
        let (framed, exp) = (Framed::<I::F64>::of(frame), ScaledExp::of(1.0));
        let lanes = T::On::<I>::LANES;
        let mut totals = load::<I::F64>(sums);
        for i in 0..a.len().min(b.len()).div_ceil(8) {
            if vectors >> (8 * i / lanes) & 1 == 0 {
                continue;
            }
            let n = (a.len() - 8 * i).min(8);
            let (mut x, mut y) = ([0.0; 8], [0.0; 8]);
            for j in 0..n {
                (x[j], y[j]) = (a[8 * i + j].to_f64(), b[8 * i + j].to_f64());
            }
            // SAFETY: eight elements each.
            let (va, vb) = unsafe { (I::F64::load(x.as_ptr()), I::F64::load(y.as_ptr())) };
            let (s, e) = framed.exponents(va, vb);
            let calm = I::F64::and(Framed::calm(s, e), I::F64::first(n));
            let p = exp.exp(I::F64::select(calm, s, I::F64::zero()));
            let zero = I::F64::zero();
            Framed::add_terms(I::F64::select(calm, p, zero), I::F64::select(calm, e, zero), &mut totals);
            if !I::F64::all(calm) {
                let calm = I::F64::select(calm, I::F64::one(), zero).to_f64s::<8>();
                let mut edges = [[0.0; 8]; 3];
                for j in 0..n {
                    if calm[j] == 0.0 {
                        let edge = edge(x[j], y[j], frame);
                        for k in 0..3 {
                            edges[k][j] = edge[k];
                        }
                    }
                }
                let edges = load::<I::F64>(&edges);
                for k in 0..3 {
                    totals[k] = totals[k] + edges[k];
                }
            }
        }
        for i in 0..3 {
            sums[i] = totals[i].to_f64s();
        }
    }
}

/// The exponents of any two numbers, and how that of b is above that of a; NaN for what is no logit.
pub(super) fn any_exponents(a: f64, b: f64, frame: &Frame) -> [f64; 3] {
    if !(a < f64::INFINITY && b < f64::INFINITY) {
        return [f64::NAN; 3];
    }
    let max = frame.max_of_b();
    let r = ((b - max.hi) - max.lo).mul_add(frame.scale, frame.rest);
    let (s, y) = Framed::<One>::of(frame).exponents(One::splat(a), One::splat(b));
    [s.0[0], r, y.0[0]]
}

/// The terms of any two numbers: NaN for what is no logit, infinite where a is possible and b is not.
fn edge(a: f64, b: f64, frame: &Frame) -> [f64; 3] {
    let [s, r, y] = any_exponents(a, b, frame);
    let p = times_exp(1.0, s);
    if a > f64::NEG_INFINITY && b == f64::NEG_INFINITY {
        return [0.0, f64::INFINITY, 0.0];
    }
    if y.abs() < 1.0 {
        return [p, times_exp(parts_of(y).1, s), times_exp(y, s)];
    }
    let q = times_exp(1.0, r);
    if !(s > f64::NEG_INFINITY) {
        return [p, q, p];
    }
    let straight = times_exp(y, s);
    [p, q - p - straight, straight]
}

/// The largest element.
pub(crate) struct Largest<'a, T>(pub(crate) &'a [T]);

impl<T: Vector> Job for Largest<'_, T> {
    type Output = T;

    #[inline(always)]
    fn run<I: Isa>(self) -> T {
        let lanes = T::On::<I>::LANES;
        let lowest = T::On::<I>::zero() - T::On::<I>::splat(T::INFINITY);
        let mut largest = [lowest; 4];
        let mut at = 0;
        while at + 4 * lanes <= self.0.len() {
            for i in 0..4 {
                // SAFETY: four vectors are left.
                let x = unsafe { T::On::<I>::load(self.0.as_ptr().add(at + i * lanes)) };
                largest[i] = x.larger(largest[i]);
            }
            at += 4 * lanes;
        }
        let mut one = largest[0].larger(largest[1]).larger(largest[2].larger(largest[3]));
        let mut distance = lanes / 2;
        while distance > 0 {
            one = one.larger(one.swap(distance));
            distance /= 2;
        }
        let mut largest = T::from_f64(one.lane_0());
        for &x in &self.0[at..] {
            if x > largest {
                largest = x;
            }
        }
        largest
    }
}

/// Where a number is first.
pub(crate) struct Position<'a, T> {
    pub(crate) x: &'a [T],
    pub(crate) of: T,
}

impl<T: Vector> Job for Position<'_, T> {
    type Output = Option<usize>;

    #[inline(always)]
    fn run<I: Isa>(self) -> Option<usize> {
        let Position { x, of } = self;
        let (lanes, number, one) = (T::On::<I>::LANES, T::On::<I>::splat(of), T::On::<I>::one());
        let mut at = 0;
        // Four vectors at a time, for as long as it is in none of them.
        while at + 4 * lanes <= x.len() {
            let mut found = T::On::<I>::first(0);
            for i in 0..4 {
                // SAFETY: four vectors are left.
                let x = unsafe { T::On::<I>::load(x.as_ptr().add(at + i * lanes)) };
                found = T::On::<I>::or(found, x.equal(number));
            }
            if !T::On::<I>::all(one.le(T::On::<I>::select(found, T::On::<I>::zero(), one))) {
                break;
            }
            at += 4 * lanes;
        }
        while at < x.len() && x[at] != of {
            at += 1;
        }
        if at < x.len() { Some(at) } else { None }
    }
}
