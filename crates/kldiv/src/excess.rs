//! e^x − 1 − x: what an exponential exceeds its tangent by. It is at least 0, and is 0 for x = 0 alone.

/// `e^x − 1 − x`, relatively accurate for every x.
pub(crate) fn excess(x: f64) -> f64 {
    if x.abs() >= 1.0 {
        return if x == f64::INFINITY { x } else { x.exp_m1() - x };
    }
    // Σ xⁿ/n! from n = 2 on, as x²/2 (1 + x/3 (1 + x/4 (...))).
    let mut sum = 1.0;
    for n in (3..=20).rev() {
        sum = 1.0 + x / f64::from(n) * sum;
    }
    0.5 * x * x * sum
}

/// The same for x given in two parts, `hi + lo`.
pub(crate) fn excess_of_parts(hi: f64, lo: f64) -> f64 {
    let value = excess(hi);
    if value.is_finite() { value + lo * hi.exp_m1() } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_to_the_last_digits() {
        // e^x - 1 - x, computed with 40 digits for the very binary numbers and rounded once.
        for (x, want) in [
            (0.5, 0.148_721_270_700_128_14),
            (-0.5, 0.106_530_659_712_633_42),
            (1.0, 0.718_281_828_459_045_2),
            (-1.0, 0.367_879_441_171_442_33),
            (0.9375, 0.616_089_458_062_926_9),
            (-0.9375, 0.329_105_626_676_799),
            (2f64.powi(-40), 4.135_903_062_766_392e-25),
            (-745.5, 744.5),
        ] {
            let got = excess(x);
            assert!((got / want - 1.0).abs() < 8e-16, "{x}: {got:e}, want {want:e}");
        }
        assert_eq!((excess(0.0), excess(-0.0)), (0.0, 0.0));
        assert_eq!((excess(f64::INFINITY), excess(f64::NEG_INFINITY)), (f64::INFINITY, f64::INFINITY));
        assert!(excess(f64::NAN).is_nan());
    }

    #[test]
    fn a_second_part_counts() {
        let (hi, lo) = (600.0, 5e-14);
        let ratio = excess_of_parts(hi, lo) / excess(hi);
        assert!((ratio - 1.0 - lo).abs() < 5e-16, "{ratio}");
        assert_eq!(excess_of_parts(800.0, 1e-14), f64::INFINITY);
    }
}
