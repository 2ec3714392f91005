//! Pairs of vectors of every kind that has ever gone wrong.

use super::SplitMix;

pub const KINDS: [&str; 11] = [
    "independent",
    "near",
    "neighbours",
    "sparse",
    "subnormal",
    "huge",
    "any exponent",
    "same exponents",
    "one hot",
    "equal",
    "few values",
];

/// Two vectors of n numbers of a kind.
pub fn pair(kind: &str, n: usize, random: &mut SplitMix) -> (Vec<f64>, Vec<f64>) {
    let eps = 10f64.powi(-(random.below(17) as i32));
    let hot = random.below(n);
    let of = |random: &mut SplitMix, i: usize| -> (f64, f64) {
        let (u, v) = (random.unit(), random.unit());
        match kind {
            "independent" => (u, v),
            "near" => (u, u * (1.0 + eps * (v - 0.5))),
            "neighbours" => (u, f64::from_bits(u.to_bits() + random.next() % 5 - 2)),
            "sparse" => {
                let p = if random.below(3) == 0 { u } else { 0.0 };
                (p, if p == 0.0 && random.below(2) == 0 { 0.0 } else { v })
            }
            "subnormal" => {
                let subnormal =
                    |random: &mut SplitMix| f64::from_bits(random.next() >> (12 + random.below(51)));
                (subnormal(random), if random.below(4) == 0 { v } else { subnormal(random).max(5e-324) })
            }
            "huge" => {
                let p = u * 1e308;
                (
                    p,
                    if random.below(4) == 0 {
                        v
                    } else {
                        p * (0.5 + v) * 2f64.powi(-(random.below(24) as i32))
                    },
                )
            }
            "any exponent" => {
                let any = |random: &mut SplitMix| f64::from_bits(random.next() % (0x7FE0 << 48)).max(5e-324);
                (any(random), any(random))
            }
            "same exponents" => {
                let p = f64::from_bits(random.next() % (0x7FD0 << 48)).max(5e-324);
                (p, p * (1.0 + eps * (v - 0.5)))
            }
            "one hot" => (f64::from(i == hot), if i == hot { 1.0 - eps * u } else { eps * v }),
            "equal" => (u, u),
            "few values" => (random.below(4) as f64 / 4.0, (1 + random.below(4)) as f64 / 4.0),
            other => panic!("{other}"),
        }
    };
    (0..n).map(|i| of(random, i)).unzip()
}
