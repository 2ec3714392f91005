//! ln Γ and what of it differences leave.
//!
//! Above [`LARGE`] everything is Stirling's: `ln Γ(a) = a ln a − a − ½ ln a + ½ ln 2π + r(a)`, where the gaps of the
//! first parts have closed forms of one sign and that of r is small. Below it the arguments are raised by
//! `Γ(a + 1) = a Γ(a)`, and each step adds a gap of −ln, which is at least 0.

use crate::special::{
    HALF_LN_TWO_PI, cross_product, entropy_gap, ln_gap, ln_ratio, log_gap_of, octave, polynomial,
};

/// From here on Stirling's series has all digits.
const LARGE: f64 = 12.0;

/// Below this Γ(a) is 1/a to all digits.
const TINY: f64 = 1e-17;

/// `B₂ₙ / (2n (2n − 1))`: the series of r in odd powers of 1/a.
pub(crate) const STIRLING: [f64; 9] = [
    1.0 / 12.0,
    -1.0 / 360.0,
    1.0 / 1260.0,
    -1.0 / 1680.0,
    1.0 / 1188.0,
    -691.0 / 360_360.0,
    1.0 / 156.0,
    -3617.0 / 122_400.0,
    43_867.0 / 244_188.0,
];

pub(crate) fn ln_gamma(a: f64) -> f64 {
    if a < TINY {
        -a.ln()
    } else if a >= LARGE {
        ln_gamma_rest(a) + a * (a.ln() - 1.0)
    } else {
        pxfm::f_lgamma(a)
    }
}

pub(crate) fn digamma(a: f64) -> f64 {
    if a < TINY { -1.0 / a } else { pxfm::f_digamma(a) }
}

pub(crate) fn trigamma(a: f64) -> f64 {
    if a < TINY { 1.0 / a / a } else { pxfm::f_trigamma(a) }
}

/// r, Stirling's remainder, for large a.
fn stirling(a: f64) -> f64 {
    polynomial(&STIRLING, 1.0 / (a * a)) / a
}

/// Its derivative.
fn stirling_slope(a: f64) -> f64 {
    let z = 1.0 / (a * a);
    let sum = STIRLING.iter().enumerate().rev().fold(0.0, |sum, (i, c)| sum * z - (2 * i + 1) as f64 * c);
    sum * z
}

/// The gap of Σ cₙ x⁻ⁿ, where `c` gives cₙ for n from 1; y and x are large, d = y − x.
///
/// That of x⁻ⁿ is `d² u v² Σ (n − i) uⁱ vⁿ⁻¹⁻ⁱ` with u = 1/y, v = 1/x: nothing cancels in it.
pub(crate) fn inverse_powers_gap(c: impl Iterator<Item = f64>, y: f64, x: f64, d: f64) -> f64 {
    let (u, v) = (1.0 / y, 1.0 / x);
    let (mut sum, mut powers, mut weighted, mut power) = (0.0, 0.0, 0.0, 1.0);
    for c in c {
        powers = powers * v + power;
        weighted = weighted * v + powers;
        power *= u;
        sum += c * weighted;
    }
    (d * v) * ((d * u) * v) * sum
}

/// [`stirling_slope`] at y less that at x: r of x⁻ⁿ has the slope −n x⁻ⁿ⁻¹, and `u^m − v^m` is u − v, or −d u v, times a
/// sum of one sign.
fn stirling_slope_difference(y: f64, x: f64, d: f64) -> f64 {
    let (u, v) = (1.0 / y, 1.0 / x);
    let (mut sum, mut powers, mut power) = (0.0, 1.0, 1.0);
    for n in 1..2 * STIRLING.len() {
        power *= u;
        powers = powers * v + power;
        if n % 2 == 1 {
            sum += STIRLING[n / 2] * n as f64 * powers;
        }
    }
    (d * u) * v * sum
}

fn stirling_gap(y: f64, x: f64, d: f64) -> f64 {
    let odd = STIRLING.iter().flat_map(|c| [*c, 0.0]);
    inverse_powers_gap(odd, y, x, d)
}

/// How often two arguments are raised until both are large.
fn steps(y: f64, x: f64) -> u32 {
    (LARGE - y.min(x)).ceil().max(0.0) as u32
}

/// The gap of ln Γ from x to y = x + d: `ln Γ(y) − ln Γ(x) − d ψ(x)`.
pub(crate) fn ln_gamma_gap(y: f64, x: f64, d: f64) -> f64 {
    let steps = steps(y, x);
    let mut sum = 0.0;
    for k in 0..steps {
        let k = f64::from(k);
        sum += ln_gap(y + k, x + k, d);
    }
    let (y, x) = (y + f64::from(steps), x + f64::from(steps));
    sum + (entropy_gap(y, x, d) + 0.5 * ln_gap(y, x, d) + stirling_gap(y, x, d))
}

/// `ln Γ(a) − a ln a + a`, what is left of ln Γ without its large part.
pub(crate) fn ln_gamma_rest(a: f64) -> f64 {
    if a >= LARGE { HALF_LN_TWO_PI - 0.5 * a.ln() + stirling(a) } else { ln_gamma(a) - a * a.ln() + a }
}

/// `ln Γ(a + 1) − (a + ½) ln a + a − ½ ln 2π`, Stirling's remainder.
pub(crate) fn stirling_remainder(a: f64) -> f64 {
    if a >= LARGE { stirling(a) } else { ln_gamma(a) + (0.5 - a) * a.ln() + a - HALF_LN_TWO_PI }
}

/// `ψ(a) − ln a`.
pub(crate) fn digamma_rest(a: f64) -> f64 {
    if a >= LARGE { stirling_slope(a) - 0.5 / a } else { digamma(a) - a.ln() }
}

/// The gap of `ln Γ(a) − a ln a + a` from x to y = x + d: between two gamma distributions of one mean.
pub(crate) fn rest_gap(y: f64, x: f64, d: f64) -> f64 {
    let gap = if y.min(x) >= LARGE {
        0.5 * ln_gap(y, x, d) + stirling_gap(y, x, d)
    } else if 2.0 * y.min(x) >= y.max(x) {
        ln_gamma_gap(y, x, d) - entropy_gap(y, x, d)
    } else {
        ln_gamma_rest(y) - ln_gamma_rest(x) - d * digamma_rest(x)
    };
    gap.max(0.0)
}

/// `ψ(a + b) − ψ(a)`, b ≥ 0.
pub(crate) fn digamma_rise(a: f64, b: f64) -> f64 {
    digamma_difference(a + b, a, b)
}

/// `ψ(y) − ψ(x)`, d = y − x.
pub(crate) fn digamma_difference(y: f64, x: f64, d: f64) -> f64 {
    let steps = steps(y, x);
    let mut sum = 0.0;
    for k in 0..steps {
        let k = f64::from(k);
        sum += d / (x + k) / (y + k);
    }
    let (y, x) = (y + f64::from(steps), x + f64::from(steps));
    let t = d / x;
    let log = if t.abs() < 0.5 { t.ln_1p() } else { y.ln() - x.ln() };
    sum + (log + 0.5 * t / y + stirling_slope_difference(y, x, d))
}

/// `ln B(a, b) = ln Γ(a) + ln Γ(b) − ln Γ(a + b)`, large and unequal arguments included.
pub(crate) fn ln_beta(a: f64, b: f64) -> f64 {
    let (a, b) = (a.min(b), a.max(b));
    let s = a + b;
    if b < LARGE {
        return ln_gamma(a) + ln_gamma(b) - ln_gamma(s);
    }
    let rest = if a < LARGE { ln_gamma(a) } else { ln_gamma_rest(a) };
    let large = -0.5 * (a / b).ln_1p();
    // Γ(b)/Γ(s) = exp(−a ln s − b ln(s/b) + a + ...), of which `rest` has a ln a − a for large a.
    let power = if a < LARGE { a - a * s.ln() } else { -a * ((b / a).ln_1p()) };
    rest - large + (stirling(b) - stirling(s)) + power - b * (a / b).ln_1p()
}

/// `a + ln Γ(a) + (1 − a) ψ(a)`: the entropy of a gamma distribution of rate 1.
pub(crate) fn gamma_entropy(a: f64) -> f64 {
    if a >= LARGE {
        0.5 * a.ln() + HALF_LN_TWO_PI + stirling(a) + (a - 1.0) * (0.5 / a - stirling_slope(a))
    } else {
        a + ln_gamma(a) + (1.0 - a) * digamma(a)
    }
}

/// Two numbers that are neighbours of two others: `from + step = to`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) by: f64,
}

impl Step {
    pub(crate) fn new(from: f64, to: f64) -> Step {
        Step { from, to, by: to - from }
    }

    pub(crate) fn plus(self, other: Step) -> Step {
        Step { from: self.from + other.from, to: self.to + other.to, by: self.by + other.by }
    }

    fn raised(self, by: f64) -> Step {
        Step { from: self.from + by, to: self.to + by, by: self.by }
    }

    /// In units of its beginning's and of its end's.
    fn over(self, from: f64, to: f64) -> Step {
        Step { from: self.from / from, to: self.to / to, by: self.by / to }
    }
}

/// `a' b − a b'` of two steps from a to a' and from b to b', which is `b Δa − a Δb` as well: the form whose parts are
/// smaller has lost less.
fn turn(a: Step, b: Step) -> f64 {
    let by_steps = a.by.abs() * b.from + b.by.abs() * a.from;
    if by_steps <= a.to * b.from + b.to * a.from {
        cross_product(a.by, b.from, b.by, a.from)
    } else {
        cross_product(a.to, b.from, b.to, a.from)
    }
}

/// The gap of −ln on the step `a` less that on the step `s`, where `s = a + b` and `w = turn / (a s')`.
fn ln_gap_difference(a: Step, s: Step, w: f64) -> f64 {
    if w.abs() < 0.5 {
        let ratio = (a.to / a.from) * (s.from / s.to);
        w * (s.by / s.from) + log_gap_of(w, ratio)
    } else {
        ln_gap(a.to, a.from, a.by) - ln_gap(s.to, s.from, s.by)
    }
}

/// [`stirling_gap`] on the step `a` less that on the step `s = a + b`, where `c = turn(a, b)`. b may be tiny.
///
/// From x to y = x (1 + δ) = x/ρ the gap of x⁻ᵐ is x⁻ᵐ h, `h = ρᵐ − 1 + mδ`. With `ε = δₐ − δₛ` and `k = a/s` the two
/// gaps' difference is `a⁻ᵐ (ε T + hₛ (1 − kᵐ))`, where T is the sum of `1 − ρₐⁱ ρₛᵐ⁺¹⁻ⁱ` for i from 1 to m. What comes
/// with m + 1 is of the same sign in all of them; a⁻ᵐ is within each, for powers of ρ alone may overflow.
fn stirling_gap_difference(a: Step, b: Step, s: Step, c: f64) -> f64 {
    let (v, u, w) = (1.0 / a.from, 1.0 / a.to, s.from / a.from / s.to);
    let (of_a, of_s) = (v * (a.by / a.to), v * (s.by / s.to));
    let (epsilon, delta) = (c / a.from / s.from, s.by / s.from);
    let (k, rest) = (a.from / s.from, b.from / s.from);
    let (mut sum, mut power) = (0.0, 1.0);
    let (mut mixed, mut mixed_sum, mut alone, mut alone_sum, mut less) = (a.by / a.to, 0.0, 0.0, 0.0, 0.0);
    for m in 1..2 * STIRLING.len() {
        mixed = mixed * w + power * of_s;
        alone = alone * w + power * of_s;
        mixed_sum = mixed_sum * u + (power * of_a) * (m - 1) as f64 + mixed;
        alone_sum = alone_sum * v + delta * alone;
        less = less * k + rest;
        power *= v;
        if m % 2 == 1 {
            sum += STIRLING[m / 2] * (epsilon * mixed_sum + alone_sum * less);
        }
    }
    sum
}

/// The gap of ln B: `gap(a) + gap(b) − gap(a + b)` of ln Γ, the divergence between two beta distributions.
pub(crate) fn ln_beta_gap(a: Step, b: Step) -> f64 {
    // The larger one is paired with the sum, whose gap is near its own; what b adds is then of one sign.
    let (a, b) = if a.from >= b.from { (a, b) } else { (b, a) };
    let s = a.plus(b);
    let steps = steps(a.to, a.from);
    let c = turn(a, b);
    let mut sum = 0.0;
    for k in 0..steps {
        let (by, a, s) = (f64::from(k), a.raised(f64::from(k)), s.raised(f64::from(k)));
        let w = if k == 0 {
            // Products of tiny numbers underflow, and those of their shares do not.
            let (from, to) = (octave(a.from), octave(s.to));
            turn(a.over(from, to), b.over(from, to)) / (a.from / from) / (s.to / to)
        } else {
            (c - by * b.by) / a.from / s.to
        };
        sum += ln_gap_difference(a, s, w);
    }
    let by = f64::from(steps);
    let (a, s, c) = (a.raised(by), s.raised(by), c - by * b.by);
    let part = |from: f64, to: f64, c: f64| {
        let (t, ratio) = (c / to / s.from, (from / to) * (s.to / s.from));
        if t < 1e290 {
            to * log_gap_of(t, ratio)
        } else {
            c / s.from - to * (ln_ratio(from, to) + ln_ratio(s.to, s.from))
        }
    };
    let proportions = part(a.from, a.to, -c) + part(b.from, b.to, c);
    let large = 0.5 * ln_gap_difference(a, s, c / a.from / s.to) + stirling_gap_difference(a, b, s, c);
    (sum + proportions + rest_gap(b.to, b.from, b.by) + large).max(0.0)
}
