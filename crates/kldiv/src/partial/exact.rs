//! Sums without rounding: fixed-point numbers so wide that every f64, and the sum of 2^62 of the largest terms, is one.
//!
//! A number is 2^-1074, the smallest f64, times an integer of 34 limbs in two's complement. Adding an f64 shifts its 53
//! bits into place and adds them to two limbs; a carry beyond these is rare. Integers can be added in any order, so a
//! sum is a function of what was added and of nothing else, and it has one representation.
//!
//! A state has a few sums. Their limbs of one size lie side by side: p, q and a term are of a size more often than not,
//! and what is added to then lies in one or two lines of the cache and not in one or two for each sum.

use std::array;

/// Limbs of a number: 2176 bits, for sums up to 2^1101.
pub(super) const LIMBS: usize = 34;

/// Sums of a state.
pub(super) const SUMS: usize = 5;

/// Sums as they lie in a state: limbs from the lowest to the highest, of all sums, each in little-endian order.
pub(super) type Stored = [[u64; SUMS]; LIMBS];

/// The bit that stands for 1.
const UNIT: usize = 1074;

/// How many limbs up [`add_shifted`] adds.
const UP: usize = 1;
/// The power of 2 that numbers added by [`add_shifted`] were divided by.
pub(super) const SHIFT: i32 = 64 * UP as i32;

/// Adds a finite number to one of the sums.
#[inline(always)]
pub(super) fn add(sums: &mut Stored, which: usize, x: f64) {
    add_limbs_up(sums, which, x, 0);
}

/// Adds a finite number times 2^[`SHIFT`] to one of the sums.
#[cold]
pub(super) fn add_shifted(sums: &mut Stored, which: usize, x: f64) {
    add_limbs_up(sums, which, x, UP);
}

#[inline(always)]
fn add_limbs_up(sums: &mut Stored, which: usize, x: f64, up: usize) {
    let bits = x.to_bits();
    if bits << 1 == 0 {
        return;
    }
    let exponent = (bits >> 52) & 0x7FF;
    let normal = u64::from(exponent != 0);
    let mantissa = (bits & ((1 << 52) - 1)) | normal << 52;
    let place = exponent - normal;
    // The exponent has 11 bits, so this changes nothing but what the compiler knows.
    let limb = ((place >> 6) as usize & 31) + up;
    let negative = (bits as i64) >> 63;
    let sign = i128::from(negative) as u128;
    let shifted = ((u128::from(mantissa) << (place & 63)) ^ sign).wrapping_sub(sign);

    let (low, carry) = u64::from_le(sums[limb][which]).overflowing_add(shifted as u64);
    let (high, over) = add_with_carry(u64::from_le(sums[limb + 1][which]), (shifted >> 64) as u64, carry);
    sums[limb][which] = low.to_le();
    sums[limb + 1][which] = high.to_le();
    let beyond = negative + i64::from(over);
    if beyond != 0 {
        ripple(&mut sums[limb + 2..], which, beyond);
    }
}

#[inline(always)]
fn add_with_carry(a: u64, b: u64, carry: bool) -> (u64, bool) {
    let (partly, over) = a.overflowing_add(b);
    let (all, over_too) = partly.overflowing_add(u64::from(carry));
    (all, over | over_too)
}

/// Adds 1 or takes it off, from the lowest limb on.
#[inline(never)]
fn ripple(limbs: &mut [[u64; SUMS]], which: usize, beyond: i64) {
    for limb in limbs {
        let limb = &mut limb[which];
        let (sum, more) = match beyond {
            1 => u64::from_le(*limb).overflowing_add(1),
            _ => u64::from_le(*limb).overflowing_sub(1),
        };
        *limb = sum.to_le();
        if !more {
            return;
        }
    }
}

/// Adds other sums to these.
pub(super) fn merge(sums: &mut Stored, others: &Stored) {
    let mut carries = [false; SUMS];
    for (limbs, others) in sums.iter_mut().zip(others) {
        for i in 0..SUMS {
            let (sum, carry) = add_with_carry(u64::from_le(limbs[i]), u64::from_le(others[i]), carries[i]);
            limbs[i] = sum.to_le();
            carries[i] = carry;
        }
    }
}

pub(super) fn is_zero(sums: &Stored, which: usize) -> bool {
    sums.iter().all(|limbs| limbs[which] == 0)
}

pub(super) fn is_negative(sums: &Stored, which: usize) -> bool {
    (u64::from_le(sums[LIMBS - 1][which]) as i64) < 0
}

/// `(hi + lo) 2^exponent`, where hi is 0 or from 1 to below 2, whatever its sign, and lo is below its last place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scaled {
    pub(super) hi: f64,
    pub(super) lo: f64,
    pub(super) exponent: i32,
}

/// A sum to compute with.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Exact([u64; LIMBS]);

impl Exact {
    pub(super) fn load(sums: &Stored, which: usize) -> Exact {
        Exact(array::from_fn(|i| u64::from_le(sums[i][which])))
    }

    pub(super) fn plus(mut self, other: &Exact) -> Exact {
        let mut carry = false;
        for (limb, other) in self.0.iter_mut().zip(&other.0) {
            (*limb, carry) = add_with_carry(*limb, *other, carry);
        }
        self
    }

    pub(super) fn minus(self, other: &Exact) -> Exact {
        // a − b = −(−a + b)
        self.negated().plus(other).negated()
    }

    /// The number less 1.
    pub(super) fn minus_one(mut self) -> Exact {
        let (limb, borrow) = self.0[UNIT / 64].overflowing_sub(1 << (UNIT % 64));
        self.0[UNIT / 64] = limb;
        if borrow {
            for limb in &mut self.0[UNIT / 64 + 1..] {
                let (rest, more) = limb.overflowing_sub(1);
                *limb = rest;
                if !more {
                    break;
                }
            }
        }
        self
    }

    pub(super) fn is_negative(&self) -> bool {
        (self.0[LIMBS - 1] as i64) < 0
    }

    fn negated(mut self) -> Exact {
        let mut carry = true;
        for limb in &mut self.0 {
            let (negated, over) = (!*limb).overflowing_add(u64::from(carry));
            *limb = negated;
            carry = over;
        }
        self
    }

    fn magnitude(&self) -> Exact {
        let same = self.clone();
        if self.is_negative() { same.negated() } else { same }
    }

    /// The place of the highest bit of a number that is not negative.
    fn highest(&self) -> Option<usize> {
        let limb = (0..LIMBS).rev().find(|i| self.0[*i] != 0)?;
        Some(64 * limb + 63 - self.0[limb].leading_zeros() as usize)
    }

    /// 53 bits, or as many as there are, of which the highest is at `top`.
    fn window(&self, top: usize) -> u64 {
        let start = top.saturating_sub(52);
        let (limb, shift) = (start / 64, start % 64);
        let high = self.0.get(limb + 1).copied().unwrap_or(0);
        let bits = (u128::from(high) << 64 | u128::from(self.0[limb])) >> shift;
        bits as u64 & (u64::MAX >> (63 - (top - start)))
    }

    /// The nearest f64, to even where two are; infinite beyond the largest.
    pub(super) fn round(&self) -> f64 {
        let positive = self.magnitude();
        let Some(top) = positive.highest() else { return 0.0 };
        let mantissa = positive.window(top);
        let bits = if top <= 52 {
            // The bits of a subnormal number, and of those just above, are the number.
            mantissa
        } else {
            let below = top - 53;
            let half = positive.0[below / 64] >> (below % 64) & 1 == 1;
            let rest = positive.0[..below / 64].iter().any(|limb| *limb != 0)
                || positive.0[below / 64] & ((1 << (below % 64)) - 1) != 0;
            let up = half && (rest || mantissa & 1 == 1);
            // The leading bit adds 1 to the exponent, and so does a carry.
            let exponent = (top - 52) as u64;
            ((exponent << 52) + mantissa + u64::from(up)).min(f64::INFINITY.to_bits())
        };
        let value = f64::from_bits(bits);
        if self.is_negative() { -value } else { value }
    }

    /// The number to 106 bits, wherever it lies.
    pub(super) fn scaled(&self) -> Scaled {
        let positive = self.magnitude();
        let Some(top) = positive.highest() else { return Scaled { hi: 0.0, lo: 0.0, exponent: 0 } };
        let sign = if self.is_negative() { -1.0 } else { 1.0 };
        let bits_of = |top: usize| {
            let bits = top.min(52) as i32;
            positive.window(top) as f64 * 2f64.powi(-bits)
        };
        let lo = if top > 52 { bits_of(top - 53) * 2f64.powi(-53) } else { 0.0 };
        Scaled { hi: sign * bits_of(top), lo: sign * lo, exponent: top as i32 - UNIT as i32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same sum in the middle of the others, which stay 0.
    fn sum_of(numbers: &[f64]) -> Stored {
        let mut sums = [[0; SUMS]; LIMBS];
        numbers.iter().for_each(|x| add(&mut sums, 2, *x));
        assert!(sums.iter().all(|limbs| [0, 1, 3, 4].iter().all(|i| limbs[*i] == 0)));
        sums
    }

    fn exact(numbers: &[f64]) -> Exact {
        Exact::load(&sum_of(numbers), 2)
    }

    fn rounded(numbers: &[f64]) -> f64 {
        exact(numbers).round()
    }

    /// A number of any exponent and sign.
    fn any(state: &mut u64) -> f64 {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let bits = *state ^ (*state >> 29);
        let x = f64::from_bits(bits);
        if x.is_finite() { x } else { f64::from_bits(bits & !(0x7FF << 52)) }
    }

    #[test]
    fn one_number_is_itself() {
        let mut state = 1;
        let special = [0.0, 5e-324, f64::MIN_POSITIVE, f64::from_bits((1 << 52) - 1), 1.0, f64::MAX];
        for x in special.into_iter().chain((0..20_000).map(|_| any(&mut state))) {
            assert_eq!(rounded(&[x]), x, "{x:e}");
            assert_eq!(rounded(&[-x]), -x, "{x:e}");
            assert_eq!(rounded(&[x, -x]), 0.0);
            assert_eq!(sum_of(&[x, -x]), [[0; SUMS]; LIMBS]);
        }
    }

    #[test]
    fn a_sum_of_two_is_the_rounded_sum() {
        let mut state = 2;
        for _ in 0..20_000 {
            let x = any(&mut state);
            let y = f64::from_bits((x.to_bits()).wrapping_add(any(&mut state).to_bits() >> 8));
            let y = if y.is_finite() { y } else { 1.0 };
            assert_eq!(rounded(&[x, y]), x + y, "{x:e} + {y:e}");
            assert_eq!(rounded(&[x, -y]), x - y, "{x:e} - {y:e}");
        }
    }

    #[test]
    fn ties_go_to_even_and_a_trace_breaks_them() {
        let half = f64::EPSILON / 2.0;
        assert_eq!(rounded(&[1.0, half]), 1.0);
        assert_eq!(rounded(&[1.0, half, 5e-324]), 1.0 + f64::EPSILON);
        assert_eq!(rounded(&[1.0 + f64::EPSILON, half]), 1.0 + 2.0 * f64::EPSILON);
        assert_eq!(rounded(&[1.0, half, -5e-324]), 1.0);
        assert_eq!(rounded(&[2.0 - f64::EPSILON, half]), 2.0);
        assert_eq!(rounded(&[-2.0 + f64::EPSILON, -half]), -2.0);
    }

    #[test]
    fn what_overflows_comes_back() {
        assert_eq!(rounded(&[f64::MAX, f64::MAX]), f64::INFINITY);
        assert_eq!(rounded(&[-f64::MAX, -f64::MAX]), f64::NEG_INFINITY);
        assert_eq!(rounded(&[f64::MAX, f64::MAX, -f64::MAX, 1.0]), f64::MAX);
        let mut sum = sum_of(&[f64::MAX]);
        for _ in 0..70 {
            let same = sum;
            merge(&mut sum, &same);
        }
        let sum = Exact::load(&sum, 2);
        assert_eq!((sum.round(), sum.scaled().exponent), (f64::INFINITY, 1023 + 70));
    }

    #[test]
    fn any_order_and_any_tree_give_the_same_limbs() {
        let mut state = 3;
        let numbers: Vec<f64> = (0..1000).map(|_| any(&mut state)).collect();
        let forward = sum_of(&numbers);
        let backward: Vec<f64> = numbers.iter().rev().copied().collect();
        assert_eq!(sum_of(&backward), forward);
        let mut merged = sum_of(&numbers[700..]);
        merge(&mut merged, &sum_of(&numbers[..700]));
        assert_eq!(merged, forward);
    }

    #[test]
    fn a_shifted_number_is_2_to_the_64_times_as_large() {
        for x in [1.5, -1.5, f64::MAX, -3e-310] {
            let mut sums = [[0; SUMS]; LIMBS];
            add_shifted(&mut sums, 2, x);
            let (sum, small) = (Exact::load(&sums, 2).scaled(), exact(&[x]).scaled());
            assert_eq!(sum, Scaled { exponent: small.exponent + SHIFT, ..small });
        }
    }

    #[test]
    fn differences_are_exact_and_come_in_two_parts() {
        let (big, small) = (exact(&[1e300, 1.0]), exact(&[1e300]));
        let difference = big.clone().minus(&small);
        assert_eq!((difference.round(), difference.is_negative()), (1.0, false));
        assert_eq!(small.minus(&big).round(), -1.0);
        assert_eq!(difference.minus_one().round(), 0.0);
        assert_eq!(exact(&[]).minus_one().round(), -1.0);
        assert_eq!(exact(&[1.0, 5e-324]).minus_one().round(), 5e-324);
        let parts = exact(&[-3.0, -1e-20]).scaled();
        assert_eq!((parts.hi, parts.exponent), (-1.5, 1));
        assert!((parts.lo / -5e-21 - 1.0).abs() < 1e-10, "{parts:?}");
        assert_eq!(exact(&[5e-324]).scaled(), Scaled { hi: 1.0, lo: 0.0, exponent: -1074 });
    }
}
