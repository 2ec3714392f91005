//! Numbers of 106 bits with any exponent, in plain arithmetic: what answers are held against.

use std::cmp::Ordering;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// `(hi + lo) · 2^exponent` with |hi| in [1, 2), or 0.
#[derive(Clone, Copy, Debug)]
pub struct Wide {
    hi: f64,
    lo: f64,
    exponent: i64,
}

fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let back = sum - a;
    (sum, (a - (sum - back)) + (b - back))
}

fn two_product(a: f64, b: f64) -> (f64, f64) {
    let product = a * b;
    (product, a.mul_add(b, -product))
}

/// 2^k of a k that is not extreme.
fn exp2(k: i64) -> f64 {
    assert!((-1022..1024).contains(&k));
    f64::from_bits(((k + 1023) as u64) << 52)
}

impl Wide {
    pub const ZERO: Wide = Wide { hi: 0.0, lo: 0.0, exponent: 0 };
    pub const ONE: Wide = Wide { hi: 1.0, lo: 0.0, exponent: 0 };
    const LN2: Wide =
        Wide { hi: 2.0 * std::f64::consts::LN_2, lo: 2.0 * 2.3190468138462996e-17, exponent: -1 };

    /// hi is neither subnormal nor near overflow.
    fn new(hi: f64, lo: f64, exponent: i64) -> Wide {
        let (hi, lo) = two_sum(hi, lo);
        if hi == 0.0 {
            return Wide::ZERO;
        }
        let k = ((hi.to_bits() >> 52) & 0x7FF) as i64 - 1023;
        Wide { hi: hi * exp2(-k), lo: lo * exp2(-k), exponent: exponent + k }
    }

    /// The number times 2^k.
    pub fn shifted(self, k: i64) -> Wide {
        if self.hi == 0.0 { self } else { Wide { exponent: self.exponent + k, ..self } }
    }

    pub fn abs(self) -> Wide {
        if self.hi < 0.0 { -self } else { self }
    }

    pub fn is_zero(self) -> bool {
        self.hi == 0.0
    }

    pub fn max(self, other: Wide) -> Wide {
        if self < other { other } else { self }
    }

    pub fn min(self, other: Wide) -> Wide {
        if self < other { self } else { other }
    }

    /// The nearest f64, or one beside it.
    pub fn to_f64(self) -> f64 {
        match self.exponent {
            e if e > 1023 => self.hi * f64::INFINITY,
            e if e >= -1000 => (self.hi + self.lo) * exp2(e),
            e if e >= -1100 => (self.hi + self.lo) * exp2(e + 200) * exp2(-200),
            _ => 0.0,
        }
    }

    pub fn sqrt(self) -> Wide {
        if self.hi == 0.0 {
            return self;
        }
        let odd = self.exponent.rem_euclid(2);
        let x = Wide { exponent: odd, ..self };
        let near = Wide::from((self.hi * exp2(odd)).sqrt());
        let root = near + (x - near * near) / near.shifted(1);
        root.shifted((self.exponent - odd) / 2)
    }

    /// A decimal, such as `8.71e-2`.
    pub fn parse(text: &str) -> Wide {
        let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let mut exponent: i32 = exponent.parse().unwrap();
        let (negative, digits) = match digits.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, digits),
        };
        if let Some((_, fraction)) = digits.split_once('.') {
            exponent -= fraction.len() as i32;
        }
        let mut number = Wide::ZERO;
        for digit in digits.chars().filter(|c| *c != '.') {
            number = number * Wide::from(10.0) + Wide::from(f64::from(digit.to_digit(10).unwrap()));
        }
        let power = (0..exponent.abs()).fold(Wide::ONE, |power, _| power * Wide::from(10.0));
        let number = if exponent < 0 { number / power } else { number * power };
        if negative { -number } else { number }
    }
}

impl From<f64> for Wide {
    fn from(x: f64) -> Wide {
        assert!(x.is_finite(), "{x}");
        if x.abs() < exp2(-900) {
            Wide::new(x * exp2(300), 0.0, -300)
        } else if x.abs() > exp2(900) {
            Wide::new(x * exp2(-300), 0.0, 300)
        } else {
            Wide::new(x, 0.0, 0)
        }
    }
}

impl Neg for Wide {
    type Output = Wide;
    fn neg(self) -> Wide {
        Wide { hi: -self.hi, lo: -self.lo, ..self }
    }
}

impl Add for Wide {
    type Output = Wide;
    fn add(self, other: Wide) -> Wide {
        let (a, b) = if self.hi == 0.0 || (other.hi != 0.0 && other.exponent > self.exponent) {
            (other, self)
        } else {
            (self, other)
        };
        let shift = b.exponent - a.exponent;
        if b.hi == 0.0 || shift < -300 {
            return a;
        }
        let (x, y) = (b.hi * exp2(shift), b.lo * exp2(shift));
        let (hi, rest) = two_sum(a.hi, x);
        let (lo, last) = two_sum(a.lo, y);
        let (hi, rest) = two_sum(hi, rest + lo);
        Wide::new(hi, rest + last, a.exponent)
    }
}

impl Sub for Wide {
    type Output = Wide;
    fn sub(self, other: Wide) -> Wide {
        self + -other
    }
}

impl Mul for Wide {
    type Output = Wide;
    fn mul(self, other: Wide) -> Wide {
        let (hi, lo) = two_product(self.hi, other.hi);
        Wide::new(hi, lo + (self.hi * other.lo + self.lo * other.hi), self.exponent + other.exponent)
    }
}

impl Div for Wide {
    type Output = Wide;
    fn div(self, other: Wide) -> Wide {
        assert!(other.hi != 0.0);
        let mut quotient = Wide::ZERO;
        let mut rest = self;
        for _ in 0..3 {
            let digit = Wide::new(rest.hi / other.hi, 0.0, rest.exponent - other.exponent);
            quotient = quotient + digit;
            rest = rest - digit * other;
        }
        quotient
    }
}

impl PartialEq for Wide {
    fn eq(&self, other: &Wide) -> bool {
        (*self - *other).hi == 0.0
    }
}

impl PartialOrd for Wide {
    fn partial_cmp(&self, other: &Wide) -> Option<Ordering> {
        (*self - *other).hi.partial_cmp(&0.0)
    }
}

/// `x³/3 + x⁵/5 + ...` for |x| ≤ 1/3.
fn atanh_rest(x: Wide) -> Wide {
    let z = x * x;
    let sum =
        (1..36).rev().fold(Wide::ZERO, |sum, j| (sum + Wide::ONE / Wide::from(f64::from(2 * j + 1))) * z);
    sum * x
}

fn near(a: Wide, b: Wide) -> bool {
    a <= b.shifted(1) && b <= a.shifted(1)
}

/// `ln(a/b)`, relatively accurate however near a and b are; both above 0.
pub fn ln_ratio(a: Wide, b: Wide) -> Wide {
    if near(a, b) {
        let x = (a - b) / (a + b);
        return (x + atanh_rest(x)).shifted(1);
    }
    let ratio = a / b;
    let k = ratio.exponent;
    let rest = ratio.shifted(-k);
    let x = (rest - Wide::ONE) / (rest + Wide::ONE);
    Wide::from(k as f64) * Wide::LN2 + (x + atanh_rest(x)).shifted(1)
}

/// `ln(1 + y)`, relatively accurate near 0.
pub fn ln_1p(y: Wide) -> Wide {
    if y.abs() < Wide::from(0.25) {
        let x = y / (y + Wide::from(2.0));
        return (x + atanh_rest(x)).shifted(1);
    }
    ln_ratio(Wide::ONE + y, Wide::ONE)
}

/// `a ln(a/b) − a + b` for `a − b = difference`, relatively accurate; both above 0.
pub fn gap(a: Wide, b: Wide, difference: Wide) -> Wide {
    if near(a, b) {
        let x = difference / (a + b);
        return difference * x + a.shifted(1) * atanh_rest(x);
    }
    a * ln_ratio(a, b) - difference
}

/// A sum of f64s without any error.
#[derive(Clone, Debug)]
pub struct ExactSum {
    /// Digits in base 2^32, the first of which counts 2^−1074.
    limbs: [i64; 72],
}

impl ExactSum {
    pub fn new() -> Self {
        ExactSum { limbs: [0; 72] }
    }

    /// Adds `times · x`.
    pub fn add(&mut self, x: f64, times: i64) {
        let bits = x.to_bits();
        let (exponent, fraction) = ((bits >> 52) & 0x7FF, bits & ((1 << 52) - 1));
        assert!(exponent < 0x7FF);
        let (mantissa, place) =
            if exponent == 0 { (fraction, 0) } else { (fraction | 1 << 52, exponent as usize - 1) };
        let sign = if x < 0.0 { -times } else { times };
        let shifted = u128::from(mantissa) << (place % 32);
        for i in 0..3 {
            self.limbs[place / 32 + i] += sign * ((shifted >> (32 * i)) as u32 as i64);
        }
    }

    pub fn of(numbers: &[f64]) -> Wide {
        let mut sum = ExactSum::new();
        numbers.iter().for_each(|x| sum.add(*x, 1));
        sum.value()
    }

    /// The sum to 106 bits.
    pub fn value(&self) -> Wide {
        let mut limbs = self.limbs;
        for i in 0..limbs.len() - 1 {
            let carry = limbs[i] >> 32;
            limbs[i] -= carry << 32;
            limbs[i + 1] += carry;
        }
        if limbs[limbs.len() - 1] < 0 {
            let negated = ExactSum { limbs: limbs.map(|x| -x) };
            return -negated.value();
        }
        limbs
            .iter()
            .enumerate()
            .rev()
            .fold(Wide::ZERO, |sum, (i, limb)| sum + Wide::from(*limb as f64).shifted(32 * i as i64 - 1074))
    }
}

/// `exp(x)`, relatively accurate; 0 far below what any number here is multiplied with.
pub fn exp(x: Wide) -> Wide {
    if x < Wide::from(-1e12) {
        return Wide::ZERO;
    }
    // exp(x) = 2^k exp(r), |r| ≤ ln 2 / 2, in turn the square of its half's.
    let k = (x.to_f64() / std::f64::consts::LN_2).round();
    let half = expm1((x - Wide::from(k) * Wide::LN2).shifted(-1));
    let exp = (half + Wide::ONE) * (half + Wide::ONE);
    exp.shifted(k as i64)
}

/// `exp(x) − 1`, relatively accurate near 0.
pub fn expm1(x: Wide) -> Wide {
    if x.abs() > Wide::from(0.25) {
        return exp(x) - Wide::ONE;
    }
    let sum = (2..30).rev().fold(Wide::ZERO, |sum, j| (sum + Wide::ONE) * x / Wide::from(f64::from(j)));
    x + x * sum
}
