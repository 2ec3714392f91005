//! Rows of few logits against each other: eight at once, a row a lane, so that what is done once a row is done once for all
//! eight; or one by itself, its outcomes eight at a time, which gives the same bits, for sums take one outcome after another
//! either way.
//!
//! Logits are f32 and all that is done with them is done in f64, which leaves so many digits that one look is enough: the
//! anchor of [`softmax`](crate::kernels::softmax) is the difference at a row's largest a, and with y = 0 there the sum of
//! p (exp(y) − 1 − y) is at most as many times the divergence as there are logits.
//!
//! What is masked (−∞) in both rows is left out. A row with a mask in one of them, with an a or a y that is far from
//! the largest or from 0, or with what is no logit, is none of this file's.

use crate::kernels::exp::{Exp, ScaledExp};
use crate::kernels::lanes::{Isa, Job, Lanes, Numbers, Real, two_difference, two_sum};
use crate::kernels::log::{Parts, Ratio};
use crate::kernels::rows::ROWS;
use crate::kernels::scalar::One;
use crate::kernels::softmax::Framed;

/// An element of each of eight rows, or eight of one.
pub(crate) type Column = [f32; ROWS];

/// The divergences of eight rows of logits that are given column by column, NaN of a row that is left to others; and, if
/// they are wanted, gradients in place of the logits, those of each row times its own factor, with respect to a and b.
pub(crate) struct SoftmaxRows<'a> {
    pub(crate) a: &'a mut [Column],
    pub(crate) b: &'a mut [Column],
    pub(crate) scale: f64,
    pub(crate) by: Option<&'a [f64; ROWS]>,
    pub(crate) out: &'a mut [f64; ROWS],
}

impl Job for SoftmaxRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let SoftmaxRows { a, b, scale, by, out } = self;
        let mut largest = Largest::<I::F64>::none();
        for (a, b) in a.iter().zip(b.iter()) {
            largest.see(load(a), load(b));
        }
        let framed = Framed::in_lanes(largest.max, largest.difference, scale);
        let mut calm = largest.is_possible();
        let mut sums = [I::F64::zero(); 3];
        for (a, b) in a.iter().zip(b.iter()) {
            let term = Term::of(&framed, load(a), load(b));
            calm = I::F64::and(calm, term.calm);
            add(term.p, term.y, Exp::of_rounded(term.y).curved(), &mut sums);
        }
        let row = Divergences::of(sums);
        *out = I::F64::select(calm, row.kl, I::F64::splat(f64::NAN)).to_f64s();
        let Some(by) = by else { return };
        // SAFETY: eight elements are a vector.
        let by = unsafe { I::F64::load(by.as_ptr()) } / row.weight;
        for (a, b) in a.iter_mut().zip(b) {
            row.write_gradients(&framed, by, a, b);
        }
    }
}

/// The same of one row, which is given eight outcomes at a time; what is missing is masked.
pub(crate) struct SoftmaxRow<'a> {
    pub(crate) a: &'a mut [Column],
    pub(crate) b: &'a mut [Column],
    pub(crate) scale: f64,
    pub(crate) by: Option<f64>,
}

impl Job for SoftmaxRow<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<I: Isa>(self) -> f64 {
        let SoftmaxRow { a, b, scale, by } = self;
        let mut largest = Largest::<One>::none();
        for (a, b) in a.iter().zip(b.iter()) {
            for i in 0..ROWS {
                largest.see(One::splat(f64::from(a[i])), One::splat(f64::from(b[i])));
            }
        }
        let (max, (hi, lo)) = (largest.max.0[0], largest.difference);
        let anchor = (I::F64::splat(hi.0[0]), I::F64::splat(lo.0[0]));
        let framed = Framed::in_lanes(I::F64::splat(max), anchor, scale);
        let mut calm = One::all(largest.is_possible());
        let mut sums = [One::zero(); 3];
        for (a, b) in a.iter().zip(b.iter()) {
            let term = Term::<I::F64>::of(&framed, load(a), load(b));
            calm &= I::F64::all(term.calm);
            let terms = [term.p, term.y, Exp::of_rounded(term.y).curved()];
            let terms: [[f64; ROWS]; 3] = [terms[0].to_f64s(), terms[1].to_f64s(), terms[2].to_f64s()];
            for i in 0..ROWS {
                add(One::splat(terms[0][i]), One::splat(terms[1][i]), One::splat(terms[2][i]), &mut sums);
            }
        }
        let row = Divergences::of([
            I::F64::splat(sums[0].0[0]),
            I::F64::splat(sums[1].0[0]),
            I::F64::splat(sums[2].0[0]),
        ]);
        if let Some(by) = by {
            let by = I::F64::splat(by) / row.weight;
            for (a, b) in a.iter_mut().zip(b) {
                row.write_gradients(&framed, by, a, b);
            }
        }
        if calm { row.kl.lane_0() } else { f64::NAN }
    }
}

#[inline(always)]
fn load<V: Lanes<Real = f64>>(column: &Column) -> V {
    let mut wide = [0.0; ROWS];
    for i in 0..ROWS {
        wide[i] = f64::from(column[i]);
    }
    // SAFETY: eight elements are a vector.
    unsafe { V::load(wide.as_ptr()) }
}

#[inline(always)]
fn store<V: Lanes<Real = f64>>(column: &mut Column, x: V) {
    let x: [f64; ROWS] = x.to_f64s();
    for i in 0..ROWS {
        column[i] = x[i] as f32;
    }
}

/// The first largest a of each row so far, and the difference a − b there.
struct Largest<V> {
    max: V,
    difference: (V, V),
}

impl<V: Lanes<Real = f64>> Largest<V> {
    #[inline(always)]
    fn none() -> Self {
        Largest { max: V::splat(f64::NEG_INFINITY), difference: (V::zero(), V::zero()) }
    }

    #[inline(always)]
    fn see(&mut self, a: V, b: V) {
        let (hi, lo) = two_difference(a, b);
        let no_larger = V::le(a, self.max);
        self.max = V::select(no_larger, self.max, a);
        self.difference.0 = V::select(no_larger, self.difference.0, hi);
        self.difference.1 = V::select(no_larger, self.difference.1, lo);
    }

    /// Whether the largest is not minus infinity: something is possible.
    #[inline(always)]
    fn is_possible(&self) -> V::Mask {
        V::le(self.max.magnitude(), V::splat(f64::LARGEST))
    }
}

/// What a sum needs of an outcome of each row, or of eight outcomes of one.
struct Term<V: Lanes> {
    /// exp((a − max)/T), 0 of what is masked in both.
    p: V,
    y: V,
    calm: V::Mask,
}

impl<V: Lanes<Real = f64>> Term<V> {
    #[inline(always)]
    fn of(framed: &Framed<V>, a: V, b: V) -> Self {
        let (zero, lowest) = (V::zero(), V::splat(f64::NEG_INFINITY));
        let masked = V::and(V::equal(a, lowest), V::equal(b, lowest));
        let (s, y) = framed.exponents(a, b);
        let (s, y) = (V::select(masked, zero, s), V::select(masked, zero, y));
        let p = V::select(masked, zero, ScaledExp::of(1.0).exp(s));
        Term { p, y, calm: Framed::calm(s, y) }
    }
}

/// Adds p, p times a curved part, and p y to sums.
#[inline(always)]
fn add<V: Numbers>(p: V, y: V, curved: V, sums: &mut [V; 3]) {
    sums[0] = sums[0] + p;
    sums[1] = p.fma(curved, sums[1]);
    sums[2] = p.fma(y, sums[2]);
}

/// What the sums of a row, or of eight, come to.
struct Divergences<V> {
    kl: V,
    /// The logarithm of the mean of exp(y).
    ln_mean: V,
    weight: V,
}

impl<V: Lanes<Real = f64>> Divergences<V> {
    #[inline(always)]
    fn of([weight, curved, straight]: [V; 3]) -> Self {
        let (zero, one) = (V::zero(), V::one());
        let (curved, mean) = (curved / weight, straight / weight);
        // The mean of exp(y) less 1, of which no more than one is lost: y is 0 somewhere.
        let excess = curved + mean;
        let (hi, lo) = two_sum(one, excess);
        let ratio = Ratio::of(one.into(), Parts { hi, lo: Some(lo) });
        // Two forms of one number: both parts of the first are small where y is, those of the second where it is not.
        let (near, far) = (ratio.gap(), ratio.ln());
        let is_near = V::le(curved + near, mean.magnitude() + far.magnitude());
        let kl = V::select(is_near, curved - near, far - mean).larger(zero);
        Divergences { kl, ln_mean: far, weight }
    }

    /// In place of logits, what `by` times p/`weight` makes of the gradients with respect to them.
    #[inline(always)]
    fn write_gradients(&self, framed: &Framed<V>, by: V, a: &mut Column, b: &mut Column) {
        let term = Term::of(framed, load(a), load(b));
        // ln(q/p), which may be less than the exponential takes.
        let (y, p) = (term.y - self.ln_mean, term.p * by);
        let gain = Exp::of_rounded(y.larger(V::splat(f64::EXP_LOWEST))).less_one();
        store(a, p * (V::zero() - y - self.kl));
        store(b, p * gain);
    }
}
