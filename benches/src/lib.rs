//! kldiv beside its peers, in one run: every contender is checked before it is timed.
//!
//! A room's `cases` hands its cases, one at a time, to whoever measures them: criterion in the benches, which keep
//! track of changes, and the interleaved race of the program `ratios`, which compares.

pub mod batch;
pub mod discrete;
pub mod machine;
mod pairs;
pub mod partial;
mod peers;
mod race;
pub mod training;

use criterion::{Criterion, Throughput};
use std::time::Duration;

pub use pairs::{Pairs, Truth};
pub use race::Table;

/// How far from the truth an answer in f64 may be, relative to `Σ |terms|`.
const EXACT_F64: f64 = 1e-13;
/// The same for f32 and narrower inputs.
const EXACT_F32: f64 = 1e-6;

/// A call that writes its answers, one a pair of rows.
pub type Run<'a> = Box<dyn FnMut(&mut [f64]) + 'a>;

/// One implementation, ready to run.
pub struct Contender<'a> {
    /// What it is called in tables.
    pub name: &'static str,
    /// How far from the truth its answers may be, relative to `Σ |terms|`.
    pub tolerance: f64,
    /// The call that is timed.
    pub run: Run<'a>,
}

impl<'a> Contender<'a> {
    fn new(name: &'static str, tolerance: f64, run: impl FnMut(&mut [f64]) + 'a) -> Self {
        Contender { name, tolerance, run: Box::new(run) }
    }
}

/// One question, asked of several contenders. The first is kldiv, which the others are compared with.
pub struct Case<'a> {
    /// The table it is a line of.
    pub table: &'static str,
    /// Its line's name.
    pub name: String,
    /// Elements of P, and as many of Q, that one run reads.
    pub elements: usize,
    /// Calls that one run stands for: times are per call.
    pub calls: usize,
    /// The right answers.
    pub truth: Vec<Truth>,
    /// Who is asked.
    pub contenders: Vec<Contender<'a>>,
}

impl Case<'_> {
    /// Table and line.
    pub fn title(&self) -> String {
        format!("{}, {}", self.table, self.name)
    }

    /// Compares every contender's answers with the truth. A peer that misses its tolerance is named and left out of
    /// the case, kldiv ends the program.
    pub fn check(&mut self) {
        let title = self.title();
        let truth = &self.truth;
        self.contenders.retain_mut(|contender| {
            let mut out = vec![f64::NAN; truth.len()];
            (contender.run)(&mut out);
            let error = out.iter().zip(truth).map(|(x, truth)| truth.error(*x)).fold(0.0, f64::max);
            let right = error <= contender.tolerance;
            if !right {
                let message = format!("{title}: {} is off by {error:.1e} of the terms", contender.name);
                assert!(!contender.name.contains("kldiv"), "{message}");
                eprintln!("{message}; left out");
            }
            right
        });
    }
}

/// Runs a room's cases under criterion, then those that the command line chose against each other.
pub fn bench(cases: impl Fn(&mut dyn FnMut(Case))) {
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(600))
        .configure_from_args();
    // Else cargo only wants to see that the benches run.
    let given = |name: &str| std::env::args().any(|arg| arg == name);
    let measuring = given("--bench") && !given("--test") && !given("--list");
    let mut table = Table::default();
    cases(&mut |mut case| {
        case.check();
        let mut chosen = false;
        let mut out = vec![0.0; case.truth.len()];
        let mut group = criterion.benchmark_group(case.title());
        group.throughput(Throughput::Elements(case.elements as u64));
        for Contender { name, run, .. } in &mut case.contenders {
            group.bench_function(*name, |bencher| {
                chosen = true;
                bencher.iter(|| run(&mut out));
            });
        }
        group.finish();
        if measuring && chosen {
            table.race(&mut case);
        }
    });
    criterion.final_summary();
    if measuring {
        println!("{}\n{table}", machine::description());
    }
}
