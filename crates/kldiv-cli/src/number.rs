//! Numbers as people read them.

/// A number in a column: so many decimals, or an exponent where those would show too little of it.
pub(crate) fn short(x: f64, decimals: usize) -> String {
    let size = x.abs();
    if x == 0.0 {
        "0".to_string()
    } else if !x.is_finite() {
        exact(x)
    } else if size >= 10f64.powi(1 - decimals as i32) && size < 1e7 {
        format!("{x:.decimals$}")
    } else {
        let digits = decimals.saturating_sub(1);
        format!("{x:.digits$e}")
    }
}

/// As [`short`], but whole numbers without decimals.
pub(crate) fn plain(x: f64, decimals: usize) -> String {
    if x.fract() == 0.0 && x.abs() < 1e15 { format!("{x}") } else { short(x, decimals) }
}

/// The shortest decimal that reads back as this number.
pub(crate) fn exact(x: f64) -> String {
    if x.is_nan() {
        "nan".to_string()
    } else if x.is_infinite() {
        if x > 0.0 { "inf" } else { "-inf" }.to_string()
    } else if x == 0.0 || (1e-5..1e17).contains(&x.abs()) {
        format!("{x}")
    } else {
        format!("{x:e}")
    }
}

/// A share of a whole, in percent.
pub(crate) fn percent(x: f64) -> String {
    if !x.is_finite() {
        return exact(x);
    }
    let text = format!("{:.1}%", 100.0 * x);
    // A share too small to show has no sign.
    if text == "-0.0%" { "0.0%".to_string() } else { text }
}

/// A whole number with its thousands apart.
pub(crate) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 row`, `2 rows`.
pub(crate) fn counted(n: u64, what: &str) -> String {
    format!("{} {what}{}", grouped(n), if n == 1 { "" } else { "s" })
}

/// A running sum that carries what its roundings took.
#[derive(Clone, Copy, Default)]
pub(crate) struct Sum {
    sum: f64,
    carried: f64,
}

impl Sum {
    pub(crate) fn add(&mut self, x: f64) {
        let sum = self.sum + x;
        let (large, small) = if self.sum.abs() >= x.abs() { (self.sum, x) } else { (x, self.sum) };
        self.carried += (large - sum) + small;
        self.sum = sum;
    }

    pub(crate) fn value(&self) -> f64 {
        // An infinite sum has carried inf − inf.
        if self.sum.is_finite() { self.sum + self.carried } else { self.sum }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        let cases =
            [(0.0, "0"), (0.5, "0.5000"), (-0.33647, "-0.3365"), (1e-9, "1.000e-9"), (f64::INFINITY, "inf")];
        for (x, text) in cases {
            assert_eq!(short(x, 4), text);
        }
        assert_eq!(
            (grouped(1234567), grouped(999), grouped(1000)),
            ("1,234,567".into(), "999".into(), "1,000".into())
        );
    }

    #[test]
    fn exact_numbers_read_back() {
        for x in [0.1, 1e300, 5e-324, -2.5, 1e-5, 123456789.123, f64::INFINITY] {
            assert_eq!(exact(x).parse::<f64>().unwrap(), x);
        }
    }

    #[test]
    fn a_sum_keeps_what_rounding_took_and_stays_infinite() {
        let mut sum = Sum::default();
        [1e16, 1.0, 1.0, -1e16].into_iter().for_each(|x| sum.add(x));
        assert_eq!(sum.value(), 2.0);
        sum.add(f64::INFINITY);
        sum.add(1.0);
        assert_eq!(sum.value(), f64::INFINITY);
    }
}
