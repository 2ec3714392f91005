//! Divergences between Dirichlet distributions and their derivatives, eight rows at a time or one, as those of
//! [`categories`](super::categories), and with the same bits either way.
//!
//! It is the sum of the gaps of ln Γ of all concentrations, less that of their sums. Where those are nearly alike, as when
//! all concentrations grow by one factor, a row is left to whoever asked: its place is NaN.

use crate::kernels::categories::{Column, Layout, Sum, load, store};
use crate::kernels::gamma::{SHAPES, digamma_difference, gamma_gap, trigamma};
use crate::kernels::lanes::{Isa, Job, Lanes, Numbers};
use crate::kernels::pairs::{SUMS_CANCEL, difference, within};

/// Of rows of concentrations. With `slopes` p and q become the derivatives by them.
pub(crate) struct Concentrations<'a, L> {
    pub(crate) layout: L,
    /// What a row has; beyond it p and q are 0.
    pub(crate) categories: usize,
    pub(crate) p: &'a mut [Column],
    pub(crate) q: &'a mut [Column],
    pub(crate) slopes: bool,
    pub(crate) out: &'a mut Column,
}

impl<L: Layout> Job for Concentrations<'_, L> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Concentrations { layout, categories, p, q, slopes, out } = self;
        let (mut of_p, mut of_q) = (Sum::<I::F64>::none(), Sum::none());
        for (p, q) in p.iter().zip(q.iter()) {
            layout.add_exactly(&mut of_p, load(p));
            layout.add_exactly(&mut of_q, load(q));
        }
        let (of_p, of_q) = (layout.whole(of_p), layout.whole(of_q));
        let by = of_q.less(&of_p);
        let (from, to) = (of_p.hi, of_q.hi);
        let mut calm = I::F64::and(within(from, SHAPES), within(to, SHAPES));
        let (bent, rise) = if slopes {
            (by * trigamma(from), digamma_difference(from, to, by))
        } else {
            (I::F64::zero(), I::F64::zero())
        };
        let mut gaps = Sum::none();
        for (i, (p, q)) in p.iter_mut().zip(q.iter_mut()).enumerate() {
            // What is missing counts as 1 and 1, of which all is 0.
            let there = I::F64::le(layout.numbers(i), I::F64::splat(categories as f64 - 1.0));
            let one = I::F64::one();
            let (x, y) = (I::F64::select(there, load(p), one), I::F64::select(there, load(q), one));
            calm = I::F64::and(calm, I::F64::and(within(x, SHAPES), within(y, SHAPES)));
            let d = y - x;
            layout.add_exactly(&mut gaps, gamma_gap(x, y, d));
            if slopes {
                store(p, d.fnma(trigamma(x), bent));
                store(q, digamma_difference(x, y, d) - rise);
            }
        }
        let gaps = layout.whole(gaps);
        let kl = difference(gaps.hi, gamma_gap(from, to, by) - gaps.lo, SUMS_CANCEL);
        store(out, I::F64::select(layout.all::<I::F64>(calm), kl, I::F64::splat(f64::NAN)));
    }
}
