//! f16 as f32 and f32 as f64, by the instructions that machines have for them.

use crate::kernels::lanes::{Isa, Job, Lanes, Real, Vector};

/// Widens as many numbers as there are places.
pub(crate) struct Widen<'a, T: Real> {
    pub(crate) from: &'a [T::Narrow],
    pub(crate) to: &'a mut [T],
}

impl<T: Vector> Job for Widen<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let lanes = T::On::<I>::LANES;
        let n = self.from.len().min(self.to.len());
        let mut at = 0;
        while at + lanes <= n {
            // SAFETY: a whole vector is left in both.
            unsafe { T::On::<I>::widen(self.from.as_ptr().add(at)).store(self.to.as_mut_ptr().add(at)) };
            at += lanes;
        }
        for (from, to) in self.from[at..n].iter().zip(&mut self.to[at..n]) {
            *to = T::from_element(*from);
        }
    }
}
