//! A result has the same bits for any number of threads, any strides and any instruction set.

mod common;

use std::process::Command;

use common::SplitMix;
use common::data::{KINDS, pair};
use common::layout::{LAYOUTS, Layouts};
use common::measures::ALL;
use half::{bf16, f16};
use kldiv::batch::{reduce, rows_into, terms_into};
use kldiv::partial::Partial;
use kldiv::{Element, Measure, Normalization, Options, View, ViewMut, active_isa};
use ndarray::Array2;

/// What a hidden test prints before its answer.
const ANSWER: &str = "hash and instruction set: ";

/// FNV-1a over the bits of numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Hash(u64);

impl Hash {
    fn add(&mut self, x: f64) {
        for byte in x.to_bits().to_le_bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3);
        }
    }

    fn add_bytes(&mut self, bytes: &[u8]) {
        for word in bytes.chunks_exact(8) {
            self.add(f64::from_le_bytes(word.try_into().unwrap()));
        }
    }

    fn add_all(&mut self, numbers: &[f64]) {
        numbers.iter().for_each(|x| self.add(*x));
    }
}

/// The options that are tried with every measure.
fn options(measure: Measure, parallel: bool) -> impl Iterator<Item = Options<'static>> {
    [(Normalization::AsGiven, 0.0), (Normalization::Normalize, 0.0), (Normalization::Normalize, 0.5)]
        .into_iter()
        .map(move |(normalization, smoothing)| {
            let mut options = Options::from(measure);
            (options.normalization, options.smoothing, options.parallel) =
                (normalization, smoothing, parallel);
            options
        })
}

/// Every answer about two matrices; bad rows and sums that overflow are NaN in the hash too.
fn hash_pair(hash: &mut Hash, p: View, q: View, options: &Options, terms: bool) {
    let mut out = vec![0.0; p.rows()];
    let error = rows_into(p, q, options, &mut out).is_err();
    hash.add(f64::from(u8::from(error)));
    hash.add_all(&out);
    if options.normalization == Normalization::AsGiven
        && let Ok(mut state) = Partial::new(options)
    {
        let _ = state.update_on(p, q, options.parallel);
        hash.add_bytes(state.as_bytes());
        hash.add(state.value(&Options::default()).unwrap_or(f64::NAN));
    }
    if p.rows() > 1 {
        hash.add(reduce(p, q, options).unwrap_or(f64::NAN));
    }
    if terms && !matches!(options.measure, Measure::Renyi { .. } | Measure::JensenShannonDistance { .. }) {
        let mut out = Array2::zeros((p.rows(), p.cols()));
        let _ = terms_into(p, q, options, &mut ViewMut::from(out.view_mut()));
        hash.add_all(out.as_slice().unwrap());
    }
}

/// Rows that go through the kinds of data.
fn rows_of_kinds<T: Element>(rows: usize, cols: usize, seed: u64) -> (Array2<T>, Array2<T>) {
    let mut random = SplitMix(seed);
    let (mut p, mut q) = (Vec::new(), Vec::new());
    for i in 0..rows {
        let (a, b) = pair(KINDS[i % KINDS.len()], cols, &mut random);
        // What overflows the type would be an invalid entry.
        let fit = |x: f64| T::from_f64(if T::from_f64(x).to_f64().is_finite() { x } else { 1.0 });
        p.extend(a.into_iter().map(fit));
        q.extend(b.into_iter().map(fit));
    }
    (Array2::from_shape_vec((rows, cols), p).unwrap(), Array2::from_shape_vec((rows, cols), q).unwrap())
}

/// A row of numbers near each other with zeros and a few subnormals among them.
fn long<T: Element>(n: usize, seed: u64) -> (Array2<T>, Array2<T>) {
    let mut random = SplitMix(seed);
    let (p, q): (Vec<T>, Vec<T>) = (0..n)
        .map(|_| {
            let (u, v) = (random.unit(), random.unit());
            match random.below(500) {
                0 => (T::from_f64(0.0), T::from_f64(v)),
                1 => (T::from_f64(u * 2f64.powi(-130)), T::from_f64(v * 2f64.powi(-1030))),
                _ => (T::from_f64(u), T::from_f64(u * (0.9 + 0.2 * v))),
            }
        })
        .map(|(p, q)| if q.to_f64() == 0.0 { (T::from_f64(0.0), q) } else { (p, q) })
        .unzip();
    (Array2::from_shape_vec((1, n), p).unwrap(), Array2::from_shape_vec((1, n), q).unwrap())
}

fn hash_short<T: Element>(hash: &mut Hash, rows: usize, cols: usize, parallel: bool) {
    let (p, q) = rows_of_kinds::<T>(rows, cols, cols as u64);
    let (p, q) = (Layouts::new(p), Layouts::new(q));
    for measure in ALL {
        for options in options(measure, parallel) {
            let start = *hash;
            let mut of_layouts = (0..LAYOUTS.len()).map(|i| {
                let mut hash = start;
                hash_pair(&mut hash, p.view(i), q.view((2 * i) % LAYOUTS.len()), &options, cols < 50);
                hash
            });
            let plain = of_layouts.next().unwrap();
            for (other, layout) in of_layouts.zip(&LAYOUTS[1..]) {
                let name = T::DTYPE.name();
                assert_eq!(plain, other, "{layout}, {rows} x {cols} of {name}, {options:?}");
            }
            *hash = plain;
        }
    }
}

fn hash_long<T: Element>(hash: &mut Hash, n: usize, measures: &[Measure], parallel: bool) {
    let (p, q) = long::<T>(n, 5);
    for measure in measures {
        for options in options(*measure, parallel) {
            hash_pair(hash, View::from(&p), View::from(&q), &options, *measure == Measure::Kl);
        }
    }
}

/// The hash of every answer about a large corpus.
fn corpus(parallel: bool) -> Hash {
    let mut hash = Hash(0xCBF2_9CE4_8422_2325);
    for cols in [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 40, 257, 1025] {
        hash_short::<f64>(&mut hash, 40, cols, parallel);
        hash_short::<f32>(&mut hash, 40, cols, parallel);
    }
    hash_short::<f16>(&mut hash, 40, 19, parallel);
    hash_short::<bf16>(&mut hash, 40, 19, parallel);
    // Many short rows, more than one task of them.
    hash_short::<f64>(&mut hash, 9_000, 5, parallel);
    hash_short::<f32>(&mut hash, 3_000, 18, parallel);
    let few = [Measure::Kl];
    hash_long::<f64>(&mut hash, 3_000_000, &few, parallel);
    hash_long::<f32>(&mut hash, 3_000_000, &few, parallel);
    hash_long::<f64>(&mut hash, 150_001, &ALL, parallel);
    hash_long::<f32>(&mut hash, 150_001, &ALL, parallel);
    hash_long::<bf16>(&mut hash, 150_001, &[Measure::Kl], parallel);
    hash
}

fn in_pool(threads: usize) -> Hash {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        assert_eq!(rayon::current_num_threads(), threads);
        corpus(true)
    })
}

#[test]
fn one_two_and_seven_threads_and_none_give_the_same_bits() {
    let alone = corpus(false);
    for threads in [1, 2, 7] {
        assert_eq!(in_pool(threads), alone, "{threads} threads");
    }
}

/// The answers about rows, and the error if there is one.
fn answers(p: View, q: View, options: &Options) -> (Vec<u64>, Option<String>) {
    let mut out = vec![-1.0; p.rows()];
    let error = rows_into(p, q, options, &mut out).err();
    let bits = out.iter().map(|x: &f64| if x.is_nan() { 0 } else { x.to_bits() }).collect();
    (bits, error.map(|error| error.to_string()))
}

fn columns_answer_like_rows<T: Element>(rows: usize, cols: usize) {
    let mut random = SplitMix(rows as u64 * 7919 + cols as u64);
    let mut matrix = || Array2::from_shape_simple_fn((rows, cols), || T::from_f64(random.unit()));
    let (mut p, mut q) = (matrix(), matrix());
    // A row that is bad and one that is infinite, if there are so many.
    if rows > 20 {
        p[[17, cols / 2]] = T::from_f64(-1.0);
        q[[rows - 1, cols - 1]] = T::from_f64(0.0);
    }
    let (p_columns, q_columns) =
        (p.t().as_standard_layout().into_owned(), q.t().as_standard_layout().into_owned());
    let columns = [View::from(&p_columns).transposed(), View::from(&q_columns).transposed()];
    let weights: Vec<f64> = (0..rows).map(|i| 0.5 + i as f64).collect();
    let mask: Vec<u8> = (0..rows).map(|i| u8::from(i % 21 != 3)).collect();
    for (measure, normalization, masked) in [
        (Measure::Kl, Normalization::AsGiven, false),
        (Measure::Kl, Normalization::AsGiven, true),
        (Measure::JENSEN_SHANNON, Normalization::Normalize, false),
        (Measure::Renyi { alpha: 2.5 }, Normalization::AsGiven, false),
        (Measure::Entropy, Normalization::AsGiven, false),
    ] {
        let mut options = Options::from(measure);
        (options.normalization, options.weights) = (normalization, Some(&weights[..]));
        options.mask = masked.then_some(&mask);
        let wanted = answers(View::from(&p), View::from(&q), &options);
        for (x, y) in [(columns[0], columns[1]), (columns[0], View::from(&q)), (View::from(&p), columns[1])] {
            assert_eq!(answers(x, y, &options), wanted, "{rows} x {cols}, {measure:?}, mask: {masked}");
        }
    }
}

#[test]
fn rows_that_lie_side_by_side_in_memory_have_the_bits_and_errors_of_others() {
    for rows in [1, 2, 15, 16, 17, 40] {
        for cols in [1, 2, 5, 64, 65, 130] {
            columns_answer_like_rows::<f64>(rows, cols);
            columns_answer_like_rows::<f32>(rows, cols);
            columns_answer_like_rows::<f16>(rows, cols);
            columns_answer_like_rows::<bf16>(rows, cols);
        }
    }
    // Around the longest rows that are copied, on several threads.
    for cols in [4095, 4096, 4097] {
        columns_answer_like_rows::<f64>(40, cols);
        columns_answer_like_rows::<f32>(40, cols);
    }
}

/// Run as a child process, with `KLDIV_ISA` set.
#[test]
#[ignore = "run by the test below, in a process of its own"]
fn print_the_hash_and_the_instruction_set() {
    println!("\n{ANSWER}{:016x} {}", in_pool(2).0, active_isa().name());
}

/// The instruction sets of this machine that there are kernels for.
fn available() -> Vec<&'static str> {
    let mut names = vec!["scalar"];
    #[cfg(target_arch = "x86_64")]
    {
        let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        if avx2 {
            names.push("avx2");
        }
        if avx2
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
        {
            names.push("avx512");
        }
    }
    if cfg!(all(target_arch = "aarch64", target_endian = "little")) {
        names.push("neon");
    }
    names
}

/// The hash that a child process prints, and the instruction set it ran on.
fn child(isa: Option<&str>) -> (String, String) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "print_the_hash_and_the_instruction_set", "--ignored", "--nocapture"]);
    match isa {
        Some(isa) => command.env("KLDIV_ISA", isa),
        None => command.env_remove("KLDIV_ISA"),
    };
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{isa:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    let answer = text.lines().find_map(|line| line.strip_prefix(ANSWER)).expect(&text);
    let (hash, name) = answer.split_once(' ').unwrap();
    (hash.to_owned(), name.to_owned())
}

#[test]
fn every_instruction_set_gives_the_same_bits() {
    let available = available();
    let (strongest_hash, strongest) = child(None);
    assert_eq!(
        Some(&strongest.as_str()),
        available.last(),
        "the strongest is taken where nothing is asked for"
    );
    for isa in ["scalar", "avx2", "avx512", "neon"] {
        if !available.contains(&isa) {
            println!("{isa}: skipped, this machine lacks it");
            assert!(child(Some(isa)).1 != isa, "{isa} was claimed where the machine lacks it");
            continue;
        }
        let (hash, name) = child(Some(isa));
        assert_eq!(name, isa, "KLDIV_ISA={isa} did not take");
        assert_eq!(hash, strongest_hash, "{isa} against {strongest}");
        println!("{isa}: {hash}");
    }
}
