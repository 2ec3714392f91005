//! The logistic function to twice the digits: a number and what rounding it lost.

use std::f64::consts::LOG2_E;

/// ln 2 in two parts, the first of 42 bits: a whole number of them is exact.
const LN_2: (f64, f64) = (0.6931471805598903, 5.497923018708371e-14);
/// Terms of exp over half of ln 2 about 0.
const TERMS: u32 = 24;

type Twice = (f64, f64);

/// A sum of numbers of which the first is not the smaller.
fn sum(a: f64, b: f64) -> Twice {
    let s = a + b;
    (s, b - (s - a))
}

fn product((a, a_tail): Twice, (b, b_tail): Twice) -> Twice {
    let p = a * b;
    sum(p, a.mul_add(b, -p) + (a * b_tail + a_tail * b))
}

fn quotient((a, a_tail): Twice, (b, b_tail): Twice) -> Twice {
    let q = a / b;
    sum(q, ((-q).mul_add(b, a) + (a_tail - q * b_tail)) / b)
}

/// `eˣ/(1 + eˣ)` for x from −700 to 0, to some 26 digits.
pub(crate) fn small_sigmoid(x: f64) -> Twice {
    let k = (x * LOG2_E).round();
    let (near, by) = ((-k).mul_add(LN_2.0, x), k * LN_2.1);
    let lost = k.mul_add(LN_2.1, -by);
    let rest = near - by;
    let rest = sum(rest, ((near - rest) - by) - lost);
    // 1 + r (1 + r/2 (1 + r/3 (...))).
    let mut exp = (1.0, 0.0);
    for n in (1..=TERMS).rev() {
        let (high, low) = quotient(product(rest, exp), (f64::from(n), 0.0));
        let (one, tail) = sum(1.0, high);
        exp = sum(one, tail + low);
    }
    let unit = k.exp2();
    let exp = (exp.0 * unit, exp.1 * unit);
    let (whole, tail) = sum(1.0, exp.0);
    quotient(exp, (whole, tail + exp.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logit_has_twice_the_digits() {
        // By python-flint, at 240 bits.
        for (x, high, low) in [
            (-1e-06, 0.49999975, -2.0545814840270724e-17),
            (-0.3, 0.425557483188341, -8.05466865782085e-18),
            (-2.5, 0.07585818002124355, 5.328066821693456e-18),
            (-20.0, 2.0611536181902037e-09, -1.573719952885692e-25),
            (-300.0, 5.148200222412013e-131, 2.962376373372979e-147),
        ] {
            let (got, tail) = small_sigmoid(x);
            let error: f64 = (got - high) + (tail - low);
            assert!(error.abs() <= 1e-26 * high, "{x}: {error:e}");
        }
    }
}
