//! What the tests share: the reference tables, the tables' tolerance, numbers to compare with, inputs.

// Each test uses a part of it.
#![allow(dead_code, unreachable_pub, unused_imports)]

pub mod data;
pub mod layout;
pub mod measures;
pub mod oracle;
pub mod softmax;
pub mod wide;

use serde_json::Value;

pub use wide::Wide;

/// K of the tables' tolerance.
pub const K: f64 = 16.0;

/// A table of testdata.
pub fn table(name: &str) -> Vec<Value> {
    let path = format!("{}/../../testdata/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let table: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert!(!table.is_empty());
    table
}

/// A number of a table; the ones that JSON lacks are strings.
pub fn number(x: &Value) -> f64 {
    match x {
        Value::String(text) => text.parse().unwrap(),
        x => x.as_f64().unwrap(),
    }
}

pub fn numbers(x: &Value) -> Vec<f64> {
    x.as_array().unwrap().iter().map(number).collect()
}

pub fn tagged(case: &Value, tag: &str) -> bool {
    case["tags"].as_array().is_some_and(|tags| tags.iter().any(|x| x == tag))
}

/// An answer that is finite, to 106 bits, or infinite.
#[derive(Clone, Copy, Debug)]
pub enum Expected {
    Finite(Wide),
    Infinite(f64),
}

impl Expected {
    /// Nothing, where the table has `null`.
    pub fn of(x: &Value) -> Option<Expected> {
        let text = match x {
            Value::Null => return None,
            x => x.as_str().unwrap(),
        };
        Some(match text {
            "inf" => Expected::Infinite(f64::INFINITY),
            "-inf" => Expected::Infinite(f64::NEG_INFINITY),
            text => Expected::Finite(Wide::parse(text)),
        })
    }
}

/// What a result may be away from the exact one.
#[derive(Clone, Copy, Debug)]
pub struct Precision {
    /// The unit roundoff.
    pub unit: f64,
    pub tiny: f64,
    pub largest: f64,
}

pub const F64: Precision = Precision { unit: f64::EPSILON / 2.0, tiny: 5e-324, largest: f64::MAX };
pub const F32: Precision =
    Precision { unit: f32::EPSILON as f64 / 2.0, tiny: 1.401_298_464_324_817e-45, largest: f32::MAX as f64 };

pub fn precision(case: &Value) -> Precision {
    match case["dtype"].as_str().unwrap() {
        "f64" => F64,
        "f32" => F32,
        other => panic!("{other}"),
    }
}

/// The error of `got` in units of u·mag beyond (N + 2)·tiny; infinite where it cannot pass.
pub fn units(got: f64, expected: Expected, mag: Option<Wide>, n: usize, precision: Precision) -> f64 {
    let pass = |passes: bool| if passes { 0.0 } else { f64::INFINITY };
    let want = match expected {
        Expected::Infinite(infinity) => return pass(got == infinity),
        Expected::Finite(want) => want,
    };
    if got.is_infinite() {
        let beyond = want.abs() > Wide::from(precision.largest);
        return pass(beyond && (got > 0.0) == (want > Wide::ZERO));
    }
    if got.is_nan() {
        return f64::INFINITY;
    }
    let error = (Wide::from(got) - want).abs() - Wide::from(precision.tiny) * Wide::from(n as f64 + 2.0);
    if error <= Wide::ZERO {
        return 0.0;
    }
    let unit = mag.expect("a finite answer has a mag") * Wide::from(precision.unit);
    if unit.is_zero() { f64::INFINITY } else { (error / unit).to_f64() }
}

/// The worst case of each field, and whatever failed.
#[derive(Default)]
pub struct Tally {
    worst: Vec<(String, f64, String)>,
    failures: Vec<(String, String)>,
    checks: usize,
}

impl Tally {
    /// Counts a result that is `units` off where `most` are allowed.
    pub fn count(&mut self, field: &str, units: f64, most: f64, what: impl Fn() -> String) {
        self.checks += 1;
        if !(units <= most) {
            self.failures.push((field.to_owned(), format!("{units:.4} units, {}", what())));
        }
        match self.worst.iter_mut().find(|(name, ..)| name == field) {
            Some((_, worst, _)) if *worst >= units => {}
            Some(entry) => (entry.1, entry.2) = (units, what()),
            None => self.worst.push((field.to_owned(), units, what())),
        }
    }

    pub fn require(&mut self, passes: bool, what: impl Fn() -> String) {
        self.checks += 1;
        if !passes {
            self.failures.push(("required".into(), what()));
        }
    }

    /// Prints the worst of each field and fails if anything did.
    pub fn done(self, title: &str) {
        println!("{title}: {} checks; worst, in units of u mag:", self.checks);
        for (field, units, what) in &self.worst {
            println!("  {field:24} {units:9.4}  {what}");
        }
        assert!(self.checks > 0);
        let mut shown = String::new();
        let mut fields: Vec<&str> = self.failures.iter().map(|(field, _)| field.as_str()).collect();
        fields.dedup();
        fields.sort();
        fields.dedup();
        for field in fields {
            let of_field = || self.failures.iter().filter(|(of, _)| of == field).map(|(_, what)| what);
            shown += &format!("  {field}: {} failures\n", of_field().count());
            of_field().take(3).for_each(|what| shown += &format!("    {what}\n"));
        }
        assert!(self.failures.is_empty(), "{title}: {} failures:\n{shown}", self.failures.len());
    }
}

/// splitmix64, as testdata/README.md has it.
#[derive(Clone, Debug)]
pub struct SplitMix(pub u64);

impl SplitMix {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// In (0, 1].
    pub fn unit(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 * 2f64.powi(-53)
    }

    /// In [0, n).
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}
