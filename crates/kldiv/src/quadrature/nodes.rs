//! The rule, and the change of variable that it is applied after.

use std::f64::consts::{FRAC_PI_2, LN_2, PI};

/// Nodes of the Gauss-Kronrod rule of 21 points on [−1, 1], from the outermost to the centre; every other one, from the
/// second on, belongs to the Gauss rule of 10. (Piessens and others, QUADPACK, 1983.)
const NODES: [f64; 11] = [
    0.995_657_163_025_808_1,
    0.973_906_528_517_171_7,
    0.930_157_491_355_708_2,
    0.865_063_366_688_984_5,
    0.780_817_726_586_416_9,
    0.679_409_568_299_024_4,
    0.562_757_134_668_604_7,
    0.433_395_394_129_247_2,
    0.294_392_862_701_460_2,
    0.148_874_338_981_631_2,
    0.0,
];

/// The 21 points' weights at these nodes.
const KRONROD: [f64; 11] = [
    0.011_694_638_867_371_874,
    0.032_558_162_307_964_725,
    0.054_755_896_574_351_995,
    0.075_039_674_810_919_96,
    0.093_125_454_583_697_6,
    0.109_387_158_802_297_64,
    0.123_491_976_262_065_85,
    0.134_709_217_311_473_34,
    0.142_775_938_577_060_09,
    0.147_739_104_901_338_49,
    0.149_445_554_002_916_9,
];

/// The 10 points' weights at every other node.
const GAUSS: [f64; 5] = [
    0.066_671_344_308_688_14,
    0.149_451_349_150_580_6,
    0.219_086_362_515_982_04,
    0.269_266_719_309_996_35,
    0.295_524_224_714_752_9,
];

pub(crate) const POINTS: usize = 21;

/// Node `i` of the rule, from −1 to 1, with its Kronrod weight and its Gauss weight.
pub(crate) fn node(i: usize) -> (f64, f64, f64) {
    let j = i.min(POINTS - 1 - i);
    let gauss = if j % 2 == 1 { GAUSS[j / 2] } else { 0.0 };
    (if i < POINTS / 2 { -NODES[j] } else { NODES[j] }, KRONROD[j], gauss)
}

/// A stretch of the line that the densities are taken to be smooth in, but for its ends.
///
/// With t from −∞ to ∞ it is `a + L/(1 + e^(−π sinh t))` if both ends are finite (tanh-sinh) and `a ± S e^(π/2 sinh t)`
/// if one is: whatever an end is like, the integrand dies away towards it in t, and a power of the distance becomes
/// a smooth function. A stretch too short for that is taken as it is, with t from −1 to 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    /// The finite end, or the lower one.
    pub(crate) from: f64,
    /// The other end.
    pub(crate) to: f64,
    /// For an infinite end, the distance that t = 0 lies at; else the length.
    pub(crate) size: f64,
}

/// Where a node lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) x: f64,
    /// The logarithm of dx/dt.
    pub(crate) log_weight: f64,
    /// The end that it is nearer to: 0 for `from`, 1 for `to`.
    pub(crate) end: usize,
    /// The logarithm of the distance to it, which rounding x may have spoiled.
    pub(crate) log_distance: f64,
}

/// Distances from an infinite end stop here, so that squares and reciprocals of x have room.
pub(crate) const FURTHEST: f64 = f64::from_bits((1023 + 500) << 52);

impl Span {
    pub(crate) fn is_finite(&self) -> bool {
        self.to.is_finite()
    }

    /// Whether numbers near an end are too far apart, beside the length, to tell how the densities end there.
    pub(crate) fn is_short(&self) -> bool {
        self.is_finite() && self.size < 16.0 * 1024.0 * self.closest(0).max(self.closest(1))
    }

    /// The distance to a finite end from which on the densities are looked at: 1024 units in the last place of the
    /// end, a power of 2, so that points at that distance and multiples of it are exact.
    pub(crate) fn closest(&self, end: usize) -> f64 {
        let end = if end == 0 { self.from } else { self.to };
        let exponent = (end.abs().to_bits() >> 52) as i32 - 1023 - 52 + 10;
        2f64.powi(exponent.max(-500))
    }

    /// The t between which the rule is applied; what lies beyond is left to the ends' models.
    pub(crate) fn range(&self) -> (f64, f64) {
        if self.is_short() {
            (-1.0, 1.0)
        } else if self.is_finite() {
            let t = |end| ((self.closest(end).ln() - self.size.ln()) / PI).asinh();
            (t(0), -t(1))
        } else {
            let t = |distance: f64| ((distance.ln() - self.size.ln()) / FRAC_PI_2).asinh();
            (t(self.closest(0)), t(FURTHEST))
        }
    }

    pub(crate) fn place(&self, t: f64) -> Place {
        let size = self.size.ln();
        if self.is_short() {
            let x = 0.5 * ((self.from + self.to) + self.size * t);
            let log_distance = (0.5 * self.size * (1.0 + t)).ln();
            return Place { x, log_weight: size - LN_2, end: 0, log_distance };
        }
        if self.is_finite() {
            let (steep, growth) = (PI * t.sinh().abs(), (PI * t.cosh()).ln());
            let share = (-steep).exp();
            let log_distance = size - steep - share.ln_1p();
            let distance = if share < f64::MIN_POSITIVE {
                log_distance.exp()
            } else {
                self.size * (share / (1.0 + share))
            };
            let (end, x) = if t < 0.0 { (0, self.from + distance) } else { (1, self.to - distance) };
            Place { x, log_weight: log_distance + growth - share.ln_1p(), end, log_distance }
        } else {
            let steep = FRAC_PI_2 * t.sinh();
            let log_distance = size + steep;
            let distance = self.size * steep.exp();
            let x = if self.to > 0.0 { self.from + distance } else { self.from - distance };
            Place { x, log_weight: log_distance + (FRAC_PI_2 * t.cosh()).ln(), end: 0, log_distance }
        }
    }

    /// The logarithm of the distance of a point from an end.
    pub(crate) fn log_distance(&self, end: usize, x: f64) -> f64 {
        (x - if end == 0 { self.from } else { self.to }).abs().ln()
    }

    /// The point at a distance from an end, going inwards; from an infinite end distances are from the other one.
    pub(crate) fn inwards(&self, end: usize, distance: f64) -> f64 {
        match (end, self.is_finite()) {
            (0, true) => self.from + distance,
            (_, true) => self.to - distance,
            (_, false) => self.from + distance.copysign(self.to),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_is_exact_for_polynomials_of_its_degree() {
        for degree in 0..=31 {
            let exact = if degree % 2 == 0 { 2.0 / f64::from(degree + 1) } else { 0.0 };
            let (mut kronrod, mut gauss) = (0.0, 0.0);
            for (x, k, g) in (0..POINTS).map(node) {
                kronrod += k * x.powi(degree);
                gauss += g * x.powi(degree);
            }
            assert!((kronrod - exact).abs() < 1e-15, "{degree}: {kronrod}");
            assert!(degree > 19 || (gauss - exact).abs() < 1e-15, "{degree}: {gauss}");
        }
    }

    #[test]
    fn the_weight_is_the_derivative_of_the_place() {
        let spans = [
            Span { from: -1.0, to: 2.0, size: 3.0 },
            Span { from: 1.0, to: f64::INFINITY, size: 0.5 },
            Span { from: 1.0, to: f64::NEG_INFINITY, size: 2.0 },
        ];
        for span in spans {
            for t in [-1.3, -0.2, 0.1, 0.9] {
                let h = 1e-6;
                let slope = (span.place(t + h).x - span.place(t - h).x).abs() / (2.0 * h);
                let place = span.place(t);
                assert!((slope / place.log_weight.exp() - 1.0).abs() < 1e-8, "{span:?} {t}");
                let end = if place.end == 0 { span.from } else { span.to };
                assert!(((place.x - end).abs() / place.log_distance.exp() - 1.0).abs() < 1e-14);
            }
        }
    }
}
