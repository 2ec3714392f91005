//! The sums of a measure's terms in eight lanes, and how lanes are joined.
//!
//! In plain words: each lane adds what comes its way, the plain terms stretch by stretch, the exact ones with what rounding
//! takes from them beside it. At the end lanes 0 to 3 are joined with 4 to 7, of what is left the first two with the others, and the last two.

use crate::kernels::lanes::{Isa, Job, Lanes, Real, two_sum};
use crate::kernels::op::{Op, Terms};
use crate::sum::{Compensated, Total};

/// Sums of terms in lanes: plain ones, and ones with their rounding errors beside them.
#[derive(Clone, Copy)]
pub(super) struct Sums<S, const M: usize, const C: usize> {
    plain: [S; M],
    exact: [(S, S); C],
}

impl<S: Lanes<Real = f64>, const M: usize, const C: usize> Sums<S, M, C> {
    #[inline(always)]
    pub(super) fn zero() -> Self {
        Sums { plain: [S::zero(); M], exact: [(S::zero(), S::zero()); C] }
    }

    /// Begins a stretch, whose plain terms are added from zero, and gives what they are added to at its end.
    #[inline(always)]
    pub(super) fn begin(&mut self) -> [S; M] {
        std::mem::replace(&mut self.plain, [S::zero(); M])
    }

    /// Ends a stretch that began with these.
    #[inline(always)]
    pub(super) fn end(&mut self, before: &[S; M]) {
        for i in 0..M {
            self.plain[i] = before[i] + self.plain[i];
        }
    }

    /// Adds eight lanes of terms.
    #[inline(always)]
    pub(super) fn add<O: Op<M, C>, V: Lanes<Sum = S>>(&mut self, terms: &Terms<V, M, C>, part: usize) {
        self.add_plain_part(&terms.plain, part);
        self.add_exact_part::<O, V>(&terms.exact, part);
    }

    /// Adds plain terms, eight lanes after eight.
    #[inline(always)]
    pub(super) fn add_plain<V: Lanes<Sum = S>>(&mut self, plain: &[V; M]) {
        for part in 0..V::LANES / 8 {
            self.add_plain_part(plain, part);
        }
    }

    #[inline(always)]
    fn add_plain_part<V: Lanes<Sum = S>>(&mut self, plain: &[V; M], part: usize) {
        for i in 0..M {
            self.plain[i] = self.plain[i] + plain[i].part(part);
        }
    }

    /// Adds exact terms, eight lanes after eight.
    #[inline(always)]
    pub(super) fn add_exact<O: Op<M, C>, V: Lanes<Sum = S>>(&mut self, exact: &[V; C]) {
        for part in 0..V::LANES / 8 {
            self.add_exact_part::<O, V>(exact, part);
        }
    }

    #[inline(always)]
    fn add_exact_part<O: Op<M, C>, V: Lanes<Sum = S>>(&mut self, exact: &[V; C], part: usize) {
        for i in 0..C {
            let (sum, error) = self.exact[i];
            let term = exact[i].part(part);
            self.exact[i] = if O::COMPENSATE || V::Real::COMPENSATE {
                let (sum, e) = two_sum(sum, term);
                (sum, error + e)
            } else {
                (sum + term, error)
            };
        }
    }

    #[inline(always)]
    fn join(&self, other: &Self) -> Self {
        let mut joined = *self;
        for i in 0..M {
            joined.plain[i] = self.plain[i] + other.plain[i];
        }
        for i in 0..C {
            let (sum, e) = two_sum(self.exact[i].0, other.exact[i].0);
            joined.exact[i] = (sum, e + (self.exact[i].1 + other.exact[i].1));
        }
        joined
    }

    /// Two sums joined, each with itself: lanes without the bit with those that have it, the first's results in the
    /// former, the second's in the latter.
    #[inline(always)]
    fn join_across<const BIT: usize>(a: &Self, b: &Self) -> Self {
        let without = S::without_bit(BIT);
        let (a_swapped, b_swapped) = (a.swap(BIT), b.swap(BIT));
        let (mut low, mut high) = (*a, *b);
        for i in 0..M {
            low.plain[i] = S::select(without, a.plain[i], b_swapped.plain[i]);
            high.plain[i] = S::select(without, a_swapped.plain[i], b.plain[i]);
        }
        for i in 0..C {
            low.exact[i].0 = S::select(without, a.exact[i].0, b_swapped.exact[i].0);
            low.exact[i].1 = S::select(without, a.exact[i].1, b_swapped.exact[i].1);
            high.exact[i].0 = S::select(without, a_swapped.exact[i].0, b.exact[i].0);
            high.exact[i].1 = S::select(without, a_swapped.exact[i].1, b.exact[i].1);
        }
        low.join(&high)
    }

    /// The same with the lanes of every sum moved; see [`Lanes::swap`].
    #[inline(always)]
    fn swap(&self, distance: usize) -> Self {
        let mut swapped = *self;
        for sum in &mut swapped.plain {
            *sum = sum.swap(distance);
        }
        for (sum, error) in &mut swapped.exact {
            (*sum, *error) = (sum.swap(distance), error.swap(distance));
        }
        swapped
    }

    /// The eight lanes joined, along the fixed tree; with care if the exact sums were added so.
    #[inline(always)]
    pub(super) fn total(&self, careful: bool) -> Total<M, C> {
        let mut total = Total::ZERO;
        if !careful {
            for i in 0..M {
                total.plain[i].hi = join(self.plain[i]);
            }
            for i in 0..C {
                total.exact[i].hi = join(self.exact[i].0);
            }
            return total;
        }
        let four = self.join(&self.swap(4));
        let two = four.join(&four.swap(2));
        let one = two.join(&two.swap(1));
        for i in 0..M {
            total.plain[i].hi = one.plain[i].lane_0();
        }
        for i in 0..C {
            total.exact[i] = Compensated { hi: one.exact[i].0.lane_0(), lo: one.exact[i].1.lane_0() };
        }
        total
    }

    /// The measures of eight rows, a row a lane, if they are their sums.
    #[inline(always)]
    pub(super) fn values_of_rows(rows: &mut [Self; 8], careful: bool) -> S {
        if !careful {
            let (plain, exact) = Self::firsts(rows);
            return join_rows(plain) - join_rows(exact);
        }
        Self::joined_rows(rows).values()
    }

    /// The sums of eight rows joined with care, a row a lane.
    #[inline(always)]
    fn joined_rows(rows: &mut [Self; 8]) -> Self {
        // Lanes 0 to 3 with 4 to 7, of rows i and i + 4 at once; then of what is left, by twos and by ones.
        for i in 0..4 {
            rows[i] = Self::join_across::<4>(&rows[i], &rows[i + 4]);
        }
        for i in 0..2 {
            rows[i] = Self::join_across::<2>(&rows[i], &rows[i + 2]);
        }
        Self::join_across::<1>(&rows[0], &rows[1])
    }

    /// The first exact sums of eight rows, a row a lane, in two parts.
    #[inline(always)]
    pub(super) fn exact_of_rows(rows: &mut [Self; 8]) -> (S, S) {
        Self::joined_rows(rows).exact[0]
    }

    /// The measures where each sum has the i-th lane of all eight rows.
    #[inline(always)]
    pub(super) fn values_of_columns(columns: &[Self; 8], careful: bool) -> S {
        if !careful {
            let (plain, exact) = Self::firsts(columns);
            return join_columns(plain) - join_columns(exact);
        }
        let [a, b, c, d, e, f, g, h] = columns;
        let (low, high) = (a.join(e).join(&c.join(g)), b.join(f).join(&d.join(h)));
        low.join(&high).values()
    }

    /// The first plain and the first exact sum of each.
    #[inline(always)]
    fn firsts(sums: &[Self; 8]) -> ([S; 8], [S; 8]) {
        let (mut plain, mut exact) = ([S::zero(); 8], [S::zero(); 8]);
        for i in 0..8 {
            plain[i] = sums[i].plain[0];
            if C > 0 {
                exact[i] = sums[i].exact[0].0;
            }
        }
        (plain, exact)
    }

    /// Each lane's measure, if that is its sum; see [`Op::finish`], whose bits these are.
    #[inline(always)]
    fn values(&self) -> S {
        if C == 0 {
            return self.plain[0];
        }
        let (x, error) = self.exact[0];
        let (value, rest) = two_sum(self.plain[0], S::zero() - x);
        let whole = value + (rest - error);
        // An infinite sum has no rounding error.
        let finite = S::le(S::splat(-f64::MAX), value);
        S::select(S::and(finite, S::le(value, S::splat(f64::MAX))), whole, value)
    }

    /// The lanes in memory.
    #[inline(always)]
    pub(super) fn lanes(&self) -> LaneSums<M, C> {
        let mut lanes = LaneSums::ZERO;
        for i in 0..M {
            lanes.plain[i] = self.plain[i].to_f64s();
        }
        for i in 0..C {
            lanes.exact[i] = (self.exact[i].0.to_f64s(), self.exact[i].1.to_f64s());
        }
        lanes
    }

    #[inline(always)]
    pub(super) fn from_lanes(lanes: &LaneSums<M, C>) -> Self {
        let mut sums = Sums::zero();
        for i in 0..M {
            sums.plain[i] = load_eight(&lanes.plain[i]);
        }
        for i in 0..C {
            sums.exact[i] = (load_eight(&lanes.exact[i].0), load_eight(&lanes.exact[i].1));
        }
        sums
    }
}

/// The lanes joined, along the fixed tree, where nothing is lost or nothing has to be kept.
#[inline(always)]
pub(super) fn join<S: Lanes<Real = f64>>(x: S) -> f64 {
    joined(x).lane_0()
}

/// The same, in every lane.
#[inline(always)]
pub(super) fn joined<S: Lanes<Real = f64>>(mut x: S) -> S {
    for distance in [4, 2, 1] {
        if distance < S::LANES {
            x = x + x.swap(distance);
        }
    }
    x
}

/// The same of two vectors at once: lanes 0 to 3 have the sum of the first, lanes 4 to 7 that of the second.
#[inline(always)]
pub(super) fn joined_both<S: Lanes<Real = f64>>(a: S, b: S) -> S {
    let mut x = across::<S, 4>(a, b);
    for distance in [2, 1] {
        x = x + x.swap(distance);
    }
    x
}

/// The same of eight vectors at once: lane i has the sum of the i-th.
#[inline(always)]
pub(super) fn join_rows<S: Lanes<Real = f64>>(mut x: [S; 8]) -> S {
    for i in 0..4 {
        x[i] = across::<S, 4>(x[i], x[i + 4]);
    }
    for i in 0..2 {
        x[i] = across::<S, 2>(x[i], x[i + 2]);
    }
    across::<S, 1>(x[0], x[1])
}

/// The same where every vector has the i-th lane of eight sums.
#[inline(always)]
pub(super) fn join_columns<S: Lanes<Real = f64>>(x: [S; 8]) -> S {
    ((x[0] + x[4]) + (x[2] + x[6])) + ((x[1] + x[5]) + (x[3] + x[7]))
}

/// Two vectors, each with itself: lanes without the bit with those that have it, the first's sums in the former, the
/// second's in the latter.
#[inline(always)]
fn across<S: Lanes<Real = f64>, const BIT: usize>(a: S, b: S) -> S {
    let without = S::without_bit(BIT);
    S::select(without, a, b.swap(BIT)) + S::select(without, a.swap(BIT), b)
}

#[inline(always)]
pub(super) fn load_eight<S: Lanes<Real = f64>>(lanes: &[f64; 8]) -> S {
    // SAFETY: eight elements are a sum's vector.
    unsafe { S::load(lanes.as_ptr()) }
}

/// Eight lanes of sums in memory.
#[derive(Clone, Copy)]
pub(super) struct LaneSums<const M: usize, const C: usize> {
    plain: [[f64; 8]; M],
    exact: [([f64; 8], [f64; 8]); C],
}

impl<const M: usize, const C: usize> LaneSums<M, C> {
    pub(super) const ZERO: Self = LaneSums { plain: [[0.0; 8]; M], exact: [([0.0; 8], [0.0; 8]); C] };

    /// Adds terms that were computed by themselves.
    pub(super) fn add(&mut self, lane: usize, terms: &Terms<f64, M, C>) {
        for i in 0..M {
            self.plain[i][lane] += terms.plain[i];
        }
        for i in 0..C {
            let (sums, errors) = &mut self.exact[i];
            let mut sum = Compensated { hi: sums[lane], lo: errors[lane] };
            sum.add(terms.exact[i]);
            (sums[lane], errors[lane]) = (sum.hi, sum.lo);
        }
    }
}

/// The sums of any numbers, of each so many in a row: in eight lanes, and then of those, with what rounding takes.
pub(crate) struct SumsOf<'a, const EACH: usize> {
    pub(crate) numbers: &'a [f64],
    pub(crate) out: &'a mut [Compensated],
}

impl<const EACH: usize> Job for SumsOf<'_, EACH> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        for (numbers, out) in self.numbers.chunks(EACH).zip(self.out) {
            let (mut sums, mut lost) = (I::F64::zero(), I::F64::zero());
            for at in (0..numbers.len()).step_by(I::F64::LANES) {
                let left = (numbers.len() - at).min(I::F64::LANES);
                // SAFETY: so many are left.
                let mut x = unsafe { I::F64::load_first(numbers.as_ptr().add(at), left) };
                if left < I::F64::LANES {
                    x = I::F64::select(I::F64::first(left), x, I::F64::zero());
                }
                let (sum, rest) = two_sum(sums, x);
                (sums, lost) = (sum, lost + rest);
            }
            for distance in [4, 2, 1] {
                let (sum, rest) = two_sum(sums, sums.swap(distance));
                (sums, lost) = (sum, (lost + lost.swap(distance)) + rest);
            }
            *out = Compensated { hi: sums.lane_0(), lo: lost.lane_0() };
        }
    }
}
