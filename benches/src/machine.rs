//! What figures are worth nothing without.

use std::fs::read_to_string;
use std::hint::black_box;
use std::time::Instant;

/// Processor, caches, kernels and compilers, in a sentence.
pub fn description() -> String {
    let cpuinfo = read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = cpuinfo.lines().find(|line| line.split(':').next().is_some_and(|key| key.trim() == name));
        line.and_then(|line| line.split(':').nth(1)).map_or("?", str::trim)
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!(
        "{} (family {}, model {}), {cores} cores at {:.1} GHz, {}; kldiv's {} kernels; C by gcc {}.",
        field("model name"),
        field("cpu family"),
        field("model"),
        gigahertz(),
        caches(),
        kldiv::active_isa().name(),
        env!("GCC_VERSION"),
    )
}

/// The clock as it runs now, which decides and which nothing reports reliably: the fastest of some chains of dependent
/// operations that take a cycle each.
fn gigahertz() -> f64 {
    const STEPS: u32 = 100_000;
    let k = black_box(0x5555_5555_5555_5555_u64);
    let chain = |_| {
        let start = Instant::now();
        let x = (0..STEPS).fold(black_box(1), |x: u64, _| (x ^ k).wrapping_add(k));
        black_box(x);
        f64::from(2 * STEPS) / start.elapsed().as_nanos() as f64
    };
    (0..100).map(chain).fold(0.0, f64::max)
}

fn caches() -> String {
    let cache = |i: usize| {
        let read = |name| {
            let path = format!("/sys/devices/system/cpu/cpu0/cache/index{i}/{name}");
            read_to_string(path).map(|text| text.trim().to_owned())
        };
        let kind = read("type").ok()?;
        (kind != "Instruction").then_some(format!("L{} {}", read("level").ok()?, read("size").ok()?))
    };
    (0..8).filter_map(cache).collect::<Vec<_>>().join(", ")
}
