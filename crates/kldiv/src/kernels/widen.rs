//! f16 as f32, by the instruction that machines have for it.

use half::f16;

use crate::kernels::lanes::{Isa, Job, Lanes, Singles};

/// Widens as many numbers as there are places.
pub(crate) struct Widen<'a> {
    pub(crate) from: &'a [f16],
    pub(crate) to: &'a mut [f32],
}

impl Job for Widen<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let n = self.from.len().min(self.to.len());
        let mut at = 0;
        while at + I::F32::LANES <= n {
            // SAFETY: a whole vector is left in both.
            unsafe { I::F32::widen(self.from.as_ptr().add(at)).store(self.to.as_mut_ptr().add(at)) };
            at += I::F32::LANES;
        }
        for (from, to) in self.from[at..n].iter().zip(&mut self.to[at..n]) {
            *to = from.to_f32();
        }
    }
}
