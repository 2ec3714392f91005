//! The race: contenders take turns, A B C A B C, so that whatever else the machine does befalls them alike.

use std::fmt::{Display, Formatter, Result};
use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::Case;

/// What a slice of one contender's time lasts at least.
const SLICE: Duration = Duration::from_micros(300);
/// What a case lasts, within the bounds on rounds.
const BUDGET: Duration = Duration::from_secs(2);
const LEAST_ROUNDS: usize = 11;
const MOST_ROUNDS: usize = 501;

/// A contender's result in one case.
struct Entry {
    name: &'static str,
    /// Median time of a call, in ns.
    ns: f64,
    /// Median over the rounds of its time by kldiv's in the same round.
    ratio: f64,
}

struct Line {
    table: &'static str,
    name: String,
    elements_per_ns: f64,
    entries: Vec<Entry>,
}

/// Results, shown as Markdown.
#[derive(Default)]
pub struct Table {
    lines: Vec<Line>,
}

impl Table {
    /// Times a case that has been checked.
    pub fn race(&mut self, case: &mut Case) {
        let mut out = vec![0.0; case.truth.len()];
        let contenders = 0..case.contenders.len();
        let mut time = |i: usize, runs: u32| {
            let start = Instant::now();
            for _ in 0..runs {
                (case.contenders[i].run)(black_box(&mut out));
                black_box(&out);
            }
            start.elapsed()
        };
        // Twice, as the first run of all pays for pages and caches.
        let runs: Vec<u32> = contenders
            .clone()
            .map(|i| {
                let once = time(i, 1).min(time(i, 1)).max(Duration::from_nanos(1));
                (SLICE.as_nanos().div_ceil(once.as_nanos())) as u32
            })
            .collect();
        let round: Duration = contenders.clone().map(|i| time(i, runs[i])).sum();
        let rounds = (BUDGET.as_nanos() / round.as_nanos()) as usize;
        let rounds = rounds.clamp(LEAST_ROUNDS, MOST_ROUNDS) | 1;
        let mut slices = vec![Vec::with_capacity(rounds); runs.len()];
        for _ in 0..rounds {
            for i in contenders.clone() {
                slices[i].push(time(i, runs[i]).as_nanos() as f64 / f64::from(runs[i]));
            }
        }
        let entries: Vec<Entry> = contenders
            .map(|i| Entry {
                name: case.contenders[i].name,
                ns: median(slices[i].iter().copied()) / case.calls as f64,
                ratio: median(slices[i].iter().zip(&slices[0]).map(|(ns, ours)| ns / ours)),
            })
            .collect();
        let elements_per_ns = case.elements as f64 / case.calls as f64 / entries[0].ns;
        self.lines.push(Line { table: case.table, name: case.name.clone(), elements_per_ns, entries });
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

impl Display for Table {
    /// A table for each kind of case; of kldiv time and rate, of the others how many times as long they take.
    fn fmt(&self, f: &mut Formatter) -> Result {
        for lines in self.lines.chunk_by(|a, b| a.table == b.table) {
            let mut names = Vec::new();
            for entry in lines.iter().flat_map(|line| &line.entries) {
                if !names.contains(&entry.name) {
                    names.push(entry.name);
                }
            }
            writeln!(f, "\n### {}\n", lines[0].table)?;
            write!(f, "| | {} | G elements/s |", names[0])?;
            names[1..].iter().try_for_each(|name| write!(f, " {name} |"))?;
            writeln!(f, "\n|---|{}", "---:|".repeat(names.len() + 1))?;
            for line in lines {
                let ours = &line.entries[0];
                write!(f, "| {} | {} | {:.2} |", line.name, Nanoseconds(ours.ns), line.elements_per_ns)?;
                for name in &names[1..] {
                    match line.entries.iter().find(|entry| entry.name == *name) {
                        Some(entry) => write!(f, " {} ({:.2}) |", Nanoseconds(entry.ns), entry.ratio)?,
                        None => write!(f, " - |")?,
                    }
                }
                writeln!(f)?;
            }
        }
        Ok(())
    }
}

struct Nanoseconds(f64);

impl Display for Nanoseconds {
    fn fmt(&self, f: &mut Formatter) -> Result {
        match self.0 {
            ns if ns < 1e4 => write!(f, "{ns:.*} ns", if ns < 100.0 { 1 } else { 0 }),
            ns if ns < 1e7 => write!(f, "{:.1} us", ns / 1e3),
            ns => write!(f, "{:.1} ms", ns / 1e6),
        }
    }
}
