//! Functions of numbers, in the forms that divergences are made of: what is left where two nearly equal things cancel.
//!
//! A gap is what a convex function lies above its tangent: `F(y) − F(x) − (y − x) F'(x)`, at least 0, and as small as
//! (y − x)² where y is near x. Each is made here of parts of one sign, so it keeps its relative accuracy there.

pub(crate) mod bessel;
pub(crate) mod gamma;
pub(crate) mod quadrature;
pub(crate) mod twice;

/// ln 2π / 2.
pub(crate) const HALF_LN_TWO_PI: f64 = 0.918_938_533_204_672_8;
/// Euler's constant, γ.
pub(crate) const EULER: f64 = 0.577_215_664_901_532_9;

/// Σ cᵢ xⁱ.
pub(crate) fn polynomial(c: &[f64], x: f64) -> f64 {
    c.iter().rev().fold(0.0, |sum, c| sum * x + c)
}

/// `t − ln(1 + t)` with the ratio `1 + t` at hand, which t has lost if it is near −1.
#[inline]
pub(crate) fn log_gap_of(t: f64, ratio: f64) -> f64 {
    if (-1.0 / 3.0..=0.5).contains(&t) {
        // ln(1 + t) = 2 atanh s with s = t / (2 + t), and t − 2s = ts.
        let s = t / (2.0 + t);
        let z = s * s;
        s * (t - 2.0 * z * ATANH.iter().rev().fold(0.0, |sum, c| sum * z + c))
    } else if t == f64::INFINITY {
        t
    } else {
        t - ratio.ln()
    }
}

/// `(atanh(s)/s − 1)/s²` in powers of s².
const ATANH: [f64; 12] = {
    let mut c = [0.0; 12];
    let mut i = 0;
    while i < 12 {
        c[i] = 1.0 / (2 * i + 3) as f64;
        i += 1;
    }
    c
};

/// The gap of −ln: `d/x − ln(y/x)` for y = x + d above 0.
#[inline]
pub(crate) fn ln_gap(y: f64, x: f64, d: f64) -> f64 {
    let t = d / x;
    if t.abs() < 0.3 {
        return log_gap_of(t, 1.0 + t);
    }
    let ratio = y / x;
    if ratio.is_normal() { log_gap_of(t, ratio) } else { t - (y.ln() - x.ln()) }
}

/// The gap of x ln x: `y ln(y/x) − d` for y = x + d; either may be 0.
#[inline]
pub(crate) fn entropy_gap(y: f64, x: f64, d: f64) -> f64 {
    if y == 0.0 {
        x
    } else if x == 0.0 {
        f64::INFINITY
    } else {
        y * ln_gap(x, y, -d)
    }
}

/// The gap of exp at 0: `eˣ − 1 − x`.
#[inline]
pub(crate) fn exp_gap(x: f64) -> f64 {
    if x.abs() < 0.5 { x * x * polynomial(&EXP, x) } else { x.exp_m1() - x }
}

/// 1/(k + 2)!
const EXP: [f64; 14] = {
    let mut c = [0.5; 14];
    let mut i = 1;
    while i < 14 {
        c[i] = c[i - 1] / (i + 2) as f64;
        i += 1;
    }
    c
};

/// `ln(y/x)` of numbers above 0, wherever they lie.
pub(crate) fn ln_ratio(y: f64, x: f64) -> f64 {
    let d = y - x;
    if d.abs() < 0.5 * x {
        return (d / x).ln_1p();
    }
    let ratio = y / x;
    if ratio.is_normal() { ratio.ln() } else { y.ln() - x.ln() }
}

/// `½ (v − 1 − ln v)`, v = (s/t)².
#[inline]
pub(crate) fn scale_gap(s: f64, t: f64) -> f64 {
    let ratio = s / t;
    let square = ratio * ratio;
    let above = (s - t) / t * ((s + t) / t);
    if square.is_normal() {
        0.5 * log_gap_of(above, square)
    } else if square > 1.0 {
        // Half of it may be a number.
        0.5 * ratio * ratio
    } else {
        0.5 * above - ln_ratio(s, t)
    }
}

/// `ln(1 + eˣ)`.
pub(crate) fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// `1 / (1 + e⁻ˣ)`.
pub(crate) fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let e = x.exp();
        e / (1.0 + e)
    }
}

/// `a b − c d`, right to a rounding or two also where the products nearly cancel.
#[inline]
pub(crate) fn cross_product(a: f64, b: f64, c: f64, d: f64) -> f64 {
    let cd = c * d;
    let error = (-c).mul_add(d, cd);
    a.mul_add(b, -cd) + error
}

/// The power of 2 that a number above 0 has as its exponent; dividing by it is exact.
#[inline]
pub(crate) fn octave(x: f64) -> f64 {
    f64::from_bits(x.max(f64::MIN_POSITIVE).to_bits() & f64::INFINITY.to_bits())
}

/// `(a / c) (b / d) − 1`, right to a rounding or two also where it is near 0, of numbers above 0 whose products may
/// leave the range while their ratios do not.
#[inline]
pub(crate) fn product_excess(a: f64, b: f64, c: f64, d: f64) -> f64 {
    let (one, other) = (octave(c), octave(d));
    let (c, d) = (c / one, d / other);
    cross_product(a / one, b / other, c, d) / (c * d)
}

/// The exponential integral `E₁(x) = ∫ₓ^∞ e⁻ᵗ/t dt`, x > 0.
pub(crate) fn exponential_integral(x: f64) -> f64 {
    if x <= 1.5 {
        let (mut term, mut sum) = (1.0, 0.0);
        for k in 1..40 {
            term *= -x / f64::from(k);
            sum -= term / f64::from(k);
        }
        return sum - EULER - x.ln();
    }
    if x > 750.0 {
        return 0.0;
    }
    // The continued fraction 1/(x + 1 − 1/(x + 3 − 4/(x + 5 − ...))), from its end.
    let terms = 20 + (150.0 / x) as u32;
    let mut tail = x + f64::from(2 * terms + 1);
    for k in (1..=terms).rev() {
        tail = x + f64::from(2 * k - 1) - f64::from(k) * f64::from(k) / tail;
    }
    (-x).exp() / tail
}

/// The gap of `ln((eˣ − 1)/x)`, the log-partition of e^(xt) over t in (0, 1), from x to y.
pub(crate) fn unit_exponential_gap(y: f64, x: f64, d: f64) -> f64 {
    if d.abs() <= 1.0 {
        // ∫ (y − t) F''(t) dt, whose integrand has one sign.
        return d * d * quadrature::gauss(0.0, 1.0, |t| (1.0 - t) * unit_exponential_variance(x + t * d));
    }
    let gap = unit_exponential_log(y) - unit_exponential_log(x) - d * unit_exponential_mean(x);
    gap.max(0.0)
}

/// `ln((eˣ − 1)/x)`.
pub(crate) fn unit_exponential_log(x: f64) -> f64 {
    let size = x.abs();
    let log = if size < 0.01 {
        let square = size * size;
        square * (1.0 / 24.0 - square / 2880.0) - 0.5 * size
    } else {
        (-(-size).exp_m1() / size).ln()
    };
    x.max(0.0) + log
}

/// Its derivative, `1/(1 − e⁻ˣ) − 1/x`.
pub(crate) fn unit_exponential_mean(x: f64) -> f64 {
    if x.abs() < 1.0 {
        // ½ and the integral of the variance.
        return 0.5 + x * quadrature::gauss(0.0, 1.0, |t| unit_exponential_variance(x * t));
    }
    -1.0 / (-x).exp_m1() - 1.0 / x
}

/// Its second derivative, `1/x² − 1/(4 sinh²(x/2))`.
pub(crate) fn unit_exponential_variance(x: f64) -> f64 {
    if x.abs() < 1.0 {
        return polynomial(&UNIT_EXPONENTIAL, x * x);
    }
    let sinh = (0.5 * x).sinh();
    1.0 / (x * x) - 0.25 / (sinh * sinh)
}

/// `B₂ₙ (2n − 1)/(2n)!`
const UNIT_EXPONENTIAL: [f64; 12] = [
    1.0 / 12.0,
    -1.0 / 240.0,
    1.0 / 6048.0,
    -1.0 / 172_800.0,
    1.878_908_128_908_129e-7,
    -5.812_609_152_556_243e-9,
    1.739_729_748_989_008_4e-10,
    -5.084_520_444_483_875e-12,
    1.459_630_549_567_233_5e-13,
    -4.132_250_527_260_318e-15,
    1.156_890_593_955_648_2e-16,
    -3.209_526_877_736_88e-18,
];
