//! The terms of each pair by themselves, for who adds them up in another way than lane by lane.

use crate::kernels::generic::{edge_terms, live_terms, settle, vectors};
use crate::kernels::lanes::{Isa, Job, Lanes, Vector};
use crate::kernels::op::Op;
use crate::kernels::prepare::AsGiven;

/// Pairs at a time; a multiple of any vector.
pub(crate) const CHUNK: usize = 64;

/// The terms of a chunk of pairs: first those that are added, then those that are taken off, negated. What lies behind
/// them is arbitrary.
pub(crate) type Chunks = [[f64; CHUNK]; 3];

/// Writes the terms of two slices of equal length, a chunk or less. Those of an infinite or a huge pair are infinite.
pub(crate) struct Each<'a, O, T, const M: usize, const C: usize> {
    pub(crate) op: &'a O,
    pub(crate) p: &'a [T],
    pub(crate) q: &'a [T],
    pub(crate) out: &'a mut Chunks,
}

impl<O: Op<M, C>, T: Vector, const M: usize, const C: usize> Job for Each<'_, O, T, M, C> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        const { assert!(M + C <= 3 && T::On::<I>::LANES <= CHUNK) };
        let Each { op, p, q, out } = self;
        assert!(p.len() <= CHUNK);
        let mut at = 0;
        loop {
            let from = at;
            let Some(given) = vectors::<T::On<I>, AsGiven>(&AsGiven, p, q, &mut at) else { return };
            let (pair, odd) = settle(op, &given);
            let terms = live_terms(op, &pair);
            for part in 0..T::On::<I>::LANES / 8 {
                let place = from + 8 * part;
                for (i, term) in terms.plain.iter().enumerate() {
                    // SAFETY: a vector that begins below CHUNK ends there at the latest.
                    unsafe { term.part(part).store(out[i].as_mut_ptr().add(place)) };
                }
                for (i, term) in terms.exact.iter().enumerate() {
                    let taken_off = I::F64::zero() - term.part(part);
                    // SAFETY: as above.
                    unsafe { taken_off.store(out[M + i].as_mut_ptr().add(place)) };
                }
            }
            if odd {
                let edges = edge_terms::<O, T::On<I>, M, C>(op, &given);
                for (lane, edge) in edges.iter().take(T::On::<I>::LANES).enumerate() {
                    for (i, term) in edge.plain.iter().enumerate() {
                        out[i][from + lane] += term;
                    }
                    for (i, term) in edge.exact.iter().enumerate() {
                        out[M + i][from + lane] -= term;
                    }
                }
            }
        }
    }
}
