//! Sums without rounding: that of a slice as a few numbers, a vector of elements at a time.

use crate::kernels::lane_sums::join;
use crate::kernels::lanes::{Isa, Job, Lanes, Numbers};

/// `PARTS` numbers whose sum is exactly that of a slice of at most [`MOST`]; `None` where it takes more, or one is huge
/// or none.
///
/// Adding and subtracting a large number rounds to multiples of its last place: what that leaves of each element is on one
/// grid, and sums on a grid lose nothing as long as they are below 2^53 of its steps. What it takes is exact too, and is
/// treated likewise on a finer grid, and at last nothing is left.
pub(crate) struct ExactSum<'a, const PARTS: usize> {
    pub(crate) numbers: &'a [f64],
}

/// Elements that a sum may have.
pub(crate) const MOST: usize = 256;

/// From one grid to the next: the rests of [`MOST`] elements add up to at most 128 steps of theirs.
const FINER: f64 = 1.0 / (1u64 << 44) as f64;

/// From here on a grid would be beyond every number.
const HUGE: f64 = f64::from_bits((1023 + 1000) << 52);

impl<const PARTS: usize> Job for ExactSum<'_, PARTS> {
    type Output = Option<[f64; PARTS]>;

    #[inline(always)]
    fn run<I: Isa>(self) -> Option<[f64; PARTS]> {
        let (whole, last) = self.numbers.as_chunks::<8>();
        const { assert!(I::F64::LANES == 8) };
        let mut rest = I::F64::zero();
        if !last.is_empty() {
            // SAFETY: so many are left.
            let filled = unsafe { I::F64::load_first(last.as_ptr(), last.len()) };
            rest = I::F64::select(I::F64::first(last.len()), filled, rest);
        }
        let mut magnitudes = rest.magnitude();
        for eight in whole {
            // SAFETY: eight elements are a vector.
            magnitudes = magnitudes + unsafe { I::F64::load(eight.as_ptr()) }.magnitude();
        }
        let bound = join(magnitudes);
        // Not of a NaN.
        if !(bound < HUGE) || self.numbers.len() > MOST {
            return None;
        }
        // 1.5 · 2^(e + 2) where the bound is from 2^e to below 2^(e + 1): with an element added it still has that exponent, and
        // a step is 2^(e − 50). Of subnormal numbers, where it is 0, nothing has to be taken.
        let mut shift = f64::from_bits(bound.to_bits() & f64::INFINITY.to_bits()) * 6.0;
        let mut shifts = [I::F64::zero(); PARTS];
        for to in &mut shifts {
            *to = I::F64::splat(shift);
            shift *= FINER;
        }
        let mut sums = [I::F64::zero(); PARTS];
        let mut left = split(rest, &shifts, &mut sums).magnitude();
        for eight in whole {
            // SAFETY: as above.
            let x = unsafe { I::F64::load(eight.as_ptr()) };
            left = left.larger(split(x, &shifts, &mut sums).magnitude());
        }
        if !I::F64::all(I::F64::equal(left, I::F64::zero())) {
            return None;
        }
        let mut parts = [0.0; PARTS];
        for (part, sum) in parts.iter_mut().zip(sums) {
            *part = join(sum);
        }
        Some(parts)
    }
}

/// Adds the multiples of each grid, and gives what is left.
#[inline(always)]
fn split<V: Lanes<Real = f64>, const PARTS: usize>(
    mut x: V,
    shifts: &[V; PARTS],
    sums: &mut [V; PARTS],
) -> V {
    for (sum, shift) in sums.iter_mut().zip(shifts) {
        let on_grid = (x + *shift) - *shift;
        *sum = *sum + on_grid;
        x = x - on_grid;
    }
    x
}
