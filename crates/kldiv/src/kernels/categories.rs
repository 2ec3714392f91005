//! Divergences between categorical distributions and their derivatives: eight rows at a time, a row a lane, or one, its
//! outcomes eight at a time, which gives the same bits, for sums take one outcome after another either way. Of a row that is too
//! long for that, lanes have exact sums of their own. A row that is out of the ordinary is left to whoever asked: its place is
//! NaN.
//!
//! All are `Σ p (e^δ − 1 − δ)` with δ = ln(q/p), no term of which is below 0.

use crate::kernels::exp::Exp;
use crate::kernels::lanes::{Isa, Job, Lanes, Numbers, two_difference, two_sum};
use crate::kernels::log::{Parts, Ratio};
use crate::kernels::rows::ROWS;
use crate::kernels::scalar::One;

/// An outcome of each of eight rows, or eight outcomes of one.
pub(crate) type Column = [f64; ROWS];

/// What a [`Column`] is.
pub(crate) trait Layout: Copy {
    /// Adds what a column's outcomes have to their rows' sums.
    fn add<V: Lanes<Real = f64>>(self, sum: &mut Sum<V>, x: V);
    fn add_exactly<V: Lanes<Real = f64>>(self, sum: &mut Sum<V>, x: V);
    /// The rows' sums, of all columns.
    #[inline(always)]
    fn whole<V: Lanes<Real = f64>>(self, sum: Sum<V>) -> Sum<V> {
        sum
    }
    /// The same of what [`Layout::add`] added.
    #[inline(always)]
    fn total<V: Lanes<Real = f64>>(self, sum: Sum<V>) -> V {
        sum.hi
    }
    /// The numbers of the outcomes of column `i`.
    fn numbers<V: Lanes<Real = f64>>(self, i: usize) -> V;
    /// What is true of all outcomes, of what is true of those in the same lane of columns.
    fn all<V: Lanes<Real = f64>>(self, mask: V::Mask) -> V::Mask;
    /// Which is the first of the largest, of those of lanes.
    fn first<V: Lanes<Real = f64>>(self, tops: Top<V>) -> Top<V>;
}

/// An outcome of each of eight rows.
#[derive(Clone, Copy)]
pub(crate) struct EightRows;

impl Layout for EightRows {
    #[inline(always)]
    fn add<V: Lanes<Real = f64>>(self, sum: &mut Sum<V>, x: V) {
        sum.hi = sum.hi + x;
    }

    #[inline(always)]
    fn add_exactly<V: Lanes<Real = f64>>(self, sum: &mut Sum<V>, x: V) {
        sum.add(x);
    }

    #[inline(always)]
    fn numbers<V: Lanes<Real = f64>>(self, i: usize) -> V {
        V::splat(i as f64)
    }

    #[inline(always)]
    fn all<V: Lanes<Real = f64>>(self, mask: V::Mask) -> V::Mask {
        mask
    }

    #[inline(always)]
    fn first<V: Lanes<Real = f64>>(self, tops: Top<V>) -> Top<V> {
        tops
    }
}

/// Eight outcomes of a row; those that are missing have no probability. Sums are the same in all lanes.
#[derive(Clone, Copy)]
pub(crate) struct OneRow;

impl Layout for OneRow {
    #[inline(always)]
    fn add<V: Lanes<Real = f64>>(self, sum: &mut Sum<V>, x: V) {
        let x: Column = x.to_f64s();
        let mut one = sum.hi.lane_0();
        for i in 0..ROWS {
            one += x[i];
        }
        sum.hi = V::splat(one);
    }

    #[inline(always)]
    fn add_exactly<V: Lanes<Real = f64>>(self, sum: &mut Sum<V>, x: V) {
        let x: Column = x.to_f64s();
        let mut one = Sum { hi: One::splat(sum.hi.lane_0()), lo: One::splat(sum.lo.lane_0()) };
        for i in 0..ROWS {
            one.add(One::splat(x[i]));
        }
        *sum = Sum { hi: V::splat(one.hi.lane_0()), lo: V::splat(one.lo.lane_0()) };
    }

    #[inline(always)]
    fn numbers<V: Lanes<Real = f64>>(self, i: usize) -> V {
        let mut numbers = [0.0; ROWS];
        for lane in 0..ROWS {
            numbers[lane] = (ROWS * i + lane) as f64;
        }
        load(&numbers)
    }

    #[inline(always)]
    fn all<V: Lanes<Real = f64>>(self, mask: V::Mask) -> V::Mask {
        V::first(if V::all(mask) { ROWS } else { 0 })
    }

    #[inline(always)]
    fn first<V: Lanes<Real = f64>>(self, tops: Top<V>) -> Top<V> {
        let (most, at): (Column, Column) = (tops.most.to_f64s(), tops.at.to_f64s());
        let mut first = 0;
        for i in 1..ROWS {
            if most[i] > most[first] || (most[i] == most[first] && at[i] < at[first]) {
                first = i;
            }
        }
        let of = |x: V| V::splat(x.to_f64s::<ROWS>()[first]);
        Top {
            most: of(tops.most),
            at: of(tops.at),
            difference: (of(tops.difference.0), of(tops.difference.1)),
        }
    }
}

/// Eight outcomes of a long row, as [`OneRow`] has them; each lane has the sums of its own.
#[derive(Clone, Copy)]
pub(crate) struct LongRow;

impl Layout for LongRow {
    #[inline(always)]
    fn add<V: Lanes<Real = f64>>(self, sum: &mut Sum<V>, x: V) {
        sum.add(x);
    }

    #[inline(always)]
    fn add_exactly<V: Lanes<Real = f64>>(self, sum: &mut Sum<V>, x: V) {
        sum.add(x);
    }

    #[inline(always)]
    fn whole<V: Lanes<Real = f64>>(self, sum: Sum<V>) -> Sum<V> {
        let mut whole = Sum::none();
        OneRow.add_exactly(&mut whole, sum.hi);
        OneRow.add_exactly(&mut whole, sum.lo);
        whole
    }

    #[inline(always)]
    fn total<V: Lanes<Real = f64>>(self, sum: Sum<V>) -> V {
        let whole = self.whole(sum);
        whole.hi + whole.lo
    }

    #[inline(always)]
    fn numbers<V: Lanes<Real = f64>>(self, i: usize) -> V {
        OneRow.numbers(i)
    }

    #[inline(always)]
    fn all<V: Lanes<Real = f64>>(self, mask: V::Mask) -> V::Mask {
        OneRow.all::<V>(mask)
    }

    #[inline(always)]
    fn first<V: Lanes<Real = f64>>(self, tops: Top<V>) -> Top<V> {
        OneRow.first(tops)
    }
}

/// How far logarithms may be apart: all exponentials are ordinary numbers.
pub(super) const FAR: f64 = 600.0;

/// Below it a divergence may be that of sums which two parts cannot tell apart.
const LEAST: f64 = f64::from_bits((1023 - 100) << 52);

/// Of rows of probabilities, each divided by its sum. With `slopes` p and q become the derivatives by them.
pub(crate) struct Probabilities<'a, L> {
    pub(crate) layout: L,
    pub(crate) p: &'a mut [Column],
    pub(crate) q: &'a mut [Column],
    pub(crate) slopes: bool,
    pub(crate) out: &'a mut Column,
}

impl<L: Layout> Job for Probabilities<'_, L> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Probabilities { layout, p, q, slopes, out } = self;
        let (zero, one) = (I::F64::zero(), I::F64::one());
        let (mut of_p, mut of_q) = (Sum::none(), Sum::none());
        for (p, q) in p.iter().zip(q.iter()) {
            layout.add_exactly(&mut of_p, load::<I::F64>(p));
            layout.add_exactly(&mut of_q, load::<I::F64>(q));
        }
        let (of_p, of_q) = (layout.whole(of_p), layout.whole(of_q));
        let shrink = of_p.over(&of_q);
        let (by_p, by_q) = (one / of_p.hi, one / of_q.hi);
        let mut calm = I::F64::ordinary(of_p.hi, of_q.hi);
        let (mut kl, mut same) = (Sum::none(), I::F64::first(ROWS));
        for (p, q) in p.iter_mut().zip(q.iter_mut()) {
            let (x, y) = (load::<I::F64>(p), load::<I::F64>(q));
            same = I::F64::and(same, I::F64::equal(x, y));
            // Where P has nothing the term is what Q has.
            let (gone, share) = (I::F64::equal(x, zero), y * by_q);
            calm = I::F64::and(calm, I::F64::le(zero, y));
            let (x, y) = (I::F64::select(gone, of_p.hi, x), I::F64::select(gone, of_q.hi, y));
            // q by P's sum instead of Q's, in two parts: sums may be far apart, and rows near each other nevertheless.
            let hi = y * shrink.hi;
            let lo = y.fma(shrink.lo, y.fma(shrink.hi, zero - hi));
            let d = Ratio::of(x.into(), Parts { hi, lo: Some(lo) }).ln();
            let fits = I::F64::and(I::F64::ordinary(x, y), I::F64::ordinary(hi, hi));
            calm = I::F64::and(calm, I::F64::and(fits, I::F64::le(d.magnitude(), I::F64::splat(FAR))));
            let (term, gain) = term(x * by_p, share, d);
            layout.add(&mut kl, I::F64::select(gone, share, term));
            if slopes {
                store(p, I::F64::select(gone, I::F64::splat(f64::INFINITY), d));
                store(q, I::F64::select(gone, by_q, gain / y));
            }
        }
        let kl = layout.total(kl);
        let tells = I::F64::or(layout.all::<I::F64>(same), I::F64::le(I::F64::splat(LEAST), kl));
        calm = I::F64::and(layout.all::<I::F64>(calm), tells);
        if slopes {
            for p in p {
                store(p, (zero - load::<I::F64>(p) - kl) * by_p);
            }
        }
        store(out, I::F64::select(calm, kl, I::F64::splat(f64::NAN)));
    }
}

/// A sum in two parts.
pub(crate) struct Sum<V> {
    pub(super) hi: V,
    pub(super) lo: V,
}

impl<V: Lanes<Real = f64>> Sum<V> {
    #[inline(always)]
    pub(super) fn none() -> Self {
        Sum { hi: V::zero(), lo: V::zero() }
    }

    #[inline(always)]
    fn add(&mut self, x: V) {
        let (hi, lost) = two_sum(self.hi, x);
        (self.hi, self.lo) = (hi, self.lo + lost);
    }

    #[inline(always)]
    pub(super) fn less(&self, other: &Self) -> V {
        let (hi, lost) = two_difference(self.hi, other.hi);
        hi + (lost + (self.lo - other.lo))
    }

    #[inline(always)]
    fn over(&self, other: &Self) -> Self {
        let hi = self.hi / other.hi;
        let rest = hi.fnma(other.hi, self.hi) + hi.fnma(other.lo, self.lo);
        Sum { hi, lo: rest / other.hi }
    }
}

/// What is to be kept of an outcome of eight rows: the probabilities and how logits are apart.
pub(crate) type Kept = [Column; 3];

/// Of the softmaxes of rows of logits. With `slopes` a and b become the derivatives by them.
pub(crate) struct Logits<'a, L> {
    pub(crate) layout: L,
    pub(crate) a: &'a mut [Column],
    pub(crate) b: &'a mut [Column],
    /// As many as there are outcomes, to be written over.
    pub(crate) kept: &'a mut [Kept],
    pub(crate) slopes: bool,
    pub(crate) out: &'a mut Column,
}

impl<L: Layout> Job for Logits<'_, L> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Logits { layout, a, b, kept, slopes, out } = self;
        let (zero, one) = (I::F64::zero(), I::F64::one());
        let (mut top_a, mut top_b) = (Top::<I::F64>::none(), Top::none());
        for (i, (a, b)) in a.iter().zip(b.iter()).enumerate() {
            let (x, y, number) = (load::<I::F64>(a), load::<I::F64>(b), layout.numbers(i));
            let difference = two_difference(y, x);
            top_a.see(number, x, difference);
            top_b.see(number, y, difference);
        }
        let (top_a, top_b) = (layout.first(top_a), layout.first(top_b));
        let anchor = top_a.difference;
        let finite = |x: I::F64| I::F64::le(x.magnitude(), I::F64::splat(f64::MAX));
        let mut calm = I::F64::and(finite(top_a.most), finite(top_b.most));
        let mut near = I::F64::first(ROWS);
        let (mut others_p, mut others_q, mut rise) = (Sum::none(), Sum::none(), Sum::none());
        let (lowest, masked) = (I::F64::splat(-FAR), I::F64::splat(f64::NEG_INFINITY));
        for (i, ((a, b), kept)) in a.iter_mut().zip(b.iter_mut()).zip(kept.iter_mut()).enumerate() {
            let (x, y) = (load::<I::F64>(a), load::<I::F64>(b));
            // What cannot be in P, and in neither.
            let gone = I::F64::equal(x, masked);
            let gone_in_both = I::F64::and(gone, I::F64::equal(y, masked));
            let far_a = I::F64::select(gone, zero, x - top_a.most);
            let far_b = I::F64::select(gone_in_both, zero, y - top_b.most);
            let inside = I::F64::and(I::F64::le(lowest, far_a), I::F64::le(lowest, far_b));
            calm = I::F64::and(calm, inside);
            let p = I::F64::select(gone, zero, Exp::of(far_a).value());
            let q = I::F64::select(gone_in_both, zero, Exp::of(far_b).value());
            let number = layout.numbers(i);
            layout.add(&mut others_p, I::F64::select(top_a.is(number), zero, p));
            layout.add(&mut others_q, I::F64::select(top_b.is(number), zero, q));
            // Less what the logits of the likeliest outcome differ by: all of a row may have a large part in common.
            let (hi, lo) = two_difference(y, x);
            let (step, lost) = two_difference(hi, anchor.0);
            let d = step + (lost + (lo - anchor.1));
            let close = I::F64::le(d.magnitude(), one);
            let d = I::F64::select(close, d, zero);
            near = I::F64::and(near, I::F64::or(close, gone_in_both));
            layout.add(&mut rise, p * Exp::of(d).less_one());
            store(a, far_a);
            store(b, far_b);
            [p, q, d].into_iter().zip(kept).for_each(|(x, to)| store(to, x));
        }
        let (calm, near) = (layout.all::<I::F64>(calm), layout.all::<I::F64>(near));
        let (others_p, others_q, rise) = (layout.total(others_p), layout.total(others_q), layout.total(rise));
        let (by_p, by_q) = (one / (one + others_p), one / (one + others_q));
        // The normalisers' difference: where all logits are near each other, from what they differ by.
        let (ln_p, ln_q, rise) = (ln_1p(others_p), ln_1p(others_q), ln_1p(rise * by_p));
        // What outcomes have in either gradient, but for the likeliest of P.
        let (mut kl, mut losses, mut gains) = (Sum::none(), Sum::none(), Sum::none());
        for (i, ((a, b), kept)) in a.iter_mut().zip(b.iter_mut()).zip(kept.iter_mut()).enumerate() {
            let [p, q, d] = [load::<I::F64>(&kept[0]), load(&kept[1]), load(&kept[2])];
            let apart = (load::<I::F64>(b) - ln_q) - (load::<I::F64>(a) - ln_p);
            let d = I::F64::select(near, d - rise, apart);
            let (p, q) = (p * by_p, q * by_q);
            let (term, gain) = term(p, q, d);
            let gone = I::F64::equal(p, zero);
            let gain = I::F64::select(gone, q, gain);
            layout.add(&mut kl, I::F64::select(gone, q, term));
            if slopes {
                store(&mut kept[0], p);
                store(a, zero - d);
                store(b, gain);
                layout.add(&mut gains, I::F64::select(top_a.is(layout.numbers(i)), zero, gain));
            }
        }
        let kl = layout.total(kl);
        store(out, I::F64::select(calm, kl, I::F64::splat(f64::NAN)));
        if !slopes {
            return;
        }
        for (i, (a, kept)) in a.iter_mut().zip(kept.iter()).enumerate() {
            let by_a = load::<I::F64>(&kept[0]) * (load::<I::F64>(a) - kl);
            store(a, by_a);
            layout.add(&mut losses, I::F64::select(top_a.is(layout.numbers(i)), zero, by_a));
        }
        let (losses, gains) = (layout.total(losses), layout.total(gains));
        // Either gradient sums to 0: where an outcome is nearly certain, the others tell its own.
        let likely = I::F64::le(others_p, I::F64::splat(1f64.next_down()));
        let in_both = I::F64::and(likely, I::F64::le(others_q, I::F64::splat(1f64.next_down())));
        let in_both = I::F64::and(in_both, I::F64::equal(top_a.at, top_b.at));
        for (i, (a, b)) in a.iter_mut().zip(b).enumerate() {
            let top = top_a.is(layout.numbers(i));
            let (of_a, of_b) = (I::F64::and(likely, top), I::F64::and(in_both, top));
            store(a, I::F64::select(of_a, zero - losses, load(a)));
            store(b, I::F64::select(of_b, zero - gains, load(b)));
        }
    }
}

/// Of shares p and q = p e^δ, `p (e^δ − 1 − δ)` and q − p.
#[inline(always)]
fn term<V: Lanes<Real = f64>>(p: V, q: V, d: V) -> (V, V) {
    let exp = Exp::of(d);
    // From their ratio where they are near.
    let near = V::le(d.magnitude(), V::one());
    let gain = V::select(near, p * exp.less_one(), q - p);
    (V::select(near, p * exp.curved(), p.fnma(d, gain)), gain)
}

/// ln(1 + x) of x > −1 that are not near that.
#[inline(always)]
pub(super) fn ln_1p<V: Lanes<Real = f64>>(x: V) -> V {
    let (hi, lo) = two_sum(V::one(), x);
    Ratio::of(V::one().into(), Parts { hi, lo: Some(lo) }).ln()
}

/// The first largest logit so far, its number, and what the logits of that outcome differ by.
pub(crate) struct Top<V> {
    pub(super) most: V,
    at: V,
    difference: (V, V),
}

impl<V: Lanes<Real = f64>> Top<V> {
    #[inline(always)]
    pub(super) fn none() -> Self {
        Top { most: V::splat(f64::NEG_INFINITY), at: V::zero(), difference: (V::zero(), V::zero()) }
    }

    #[inline(always)]
    pub(super) fn see(&mut self, number: V, x: V, difference: (V, V)) {
        let no_larger = V::le(x, self.most);
        self.most = V::select(no_larger, self.most, x);
        self.at = V::select(no_larger, self.at, number);
        self.difference.0 = V::select(no_larger, self.difference.0, difference.0);
        self.difference.1 = V::select(no_larger, self.difference.1, difference.1);
    }

    /// Whether that is its number.
    #[inline(always)]
    pub(super) fn is(&self, number: V) -> V::Mask {
        V::equal(self.at, number)
    }
}

#[inline(always)]
pub(super) fn load<V: Lanes<Real = f64>>(column: &Column) -> V {
    const { assert!(V::LANES <= ROWS) };
    // SAFETY: a vector is no longer than a column.
    unsafe { V::load(column.as_ptr()) }
}

#[inline(always)]
pub(super) fn store<V: Lanes<Real = f64>>(column: &mut Column, x: V) {
    const { assert!(V::LANES <= ROWS) };
    // SAFETY: as above.
    unsafe { x.store(column.as_mut_ptr()) };
}
