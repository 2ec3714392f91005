//! Pairs of vectors of every kind that has ever gone wrong.

use serde_json::Value;

use super::{SplitMix, number};

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

/// The vectors of a case of large.json.
pub fn generate(case: &Value) -> (Vec<f64>, Vec<f64>) {
    let seed = case["seed"].as_str().unwrap().trim_start_matches("0x");
    let mut random = SplitMix(u64::from_str_radix(seed, 16).unwrap());
    let n = case["n"].as_u64().unwrap() as usize;
    let (eps, shift) = (number(&case["eps"]), case["shift"].as_i64().unwrap() as i32);
    let scale = 2f64.powi(-shift);
    let kind = case["kind"].as_str().unwrap();
    let narrow = case["dtype"] == "f32";
    // One operation of f32 is one of f64 rounded: the double rounding of +, −, × is innocuous.
    let round = |x: f64| if narrow { f64::from(x as f32) } else { x };
    let draw = |z: u64| match narrow {
        true => ((z >> 40) + 1) as f64 * 2f64.powi(-24),
        false => ((z >> 11) + 1) as f64 * 2f64.powi(-53),
    };
    let heavy = |u: f64| (0..if narrow { 2 } else { 3 }).fold(u, |u, _| round(u * u));
    let pairs = (0..n).map(|_| {
        let (z1, z2) = (random.next(), random.next());
        let (u1, u2) = (draw(z1), draw(z2));
        match kind {
            "near" => {
                let p = round(u1 * scale);
                (p, round(p * round(1.0 + round(eps * round(u2 - 0.5)))))
            }
            "independent" => (round(u1 * scale), round(u2 * scale)),
            "heavy" => (round(heavy(u1) * scale), round(heavy(u2) * scale)),
            "sparse" => {
                let empty = z1 & 7 < 5;
                let p = if empty { 0.0 } else { round(u1 * scale) };
                (p, if empty && z2 & 7 == 0 { 0.0 } else { round(u2 * scale) })
            }
            other => panic!("{other}"),
        }
    });
    pairs.unzip()
}
