//! The C ABI from C: each program of `c/` is compiled against include/kldiv.h, linked with libkldiv.so and run.
//!
//! Warnings are errors, in C99 and, where a program is portable, in C++11. `CC` and `CXX` choose the compilers.
//! Cargo does not build the shared library for tests: `cargo build -p kldiv-capi` comes first.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

/// A language, and how its compiler is called.
struct Language {
    name: &'static str,
    variable: &'static str,
    compiler: &'static str,
    flags: &'static [&'static str],
}

const C99: Language = Language { name: "c99", variable: "CC", compiler: "gcc", flags: &["-std=c99"] };
const CXX11: Language =
    Language { name: "cxx11", variable: "CXX", compiler: "g++", flags: &["-x", "c++", "-std=c++11"] };

/// `-ffp-contract=off` and `-frounding-math` because reference.c and environment.c mean the operations they write.
const FLAGS: [&str; 8] =
    ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O2", "-g", "-ffp-contract=off", "-frounding-math"];

impl Language {
    fn command(&self) -> Command {
        let chosen = env::var(self.variable).unwrap_or(self.compiler.to_owned());
        let mut words = chosen.split_whitespace();
        let mut command = Command::new(words.next().expect("a compiler"));
        command.args(words);
        command
    }
}

fn workspace(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c")
}

fn table(name: &str) -> PathBuf {
    workspace("testdata").join(name)
}

/// Where programs go, each under a name of its own: tests run at the same time.
fn built(file: impl AsRef<Path>) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("c").join(file)
}

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}\n{}{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
        output.status,
    );
    output
}

/// The shared library of the profile that this test was built with, under the name that programs record.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let library = env::current_exe().unwrap().parent().unwrap().with_file_name("libkldiv.so");
        assert!(library.exists(), "{} is missing: run cargo build -p kldiv-capi first", library.display());
        let modified = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
        let (when, source) = ["crates/kldiv/src", "crates/kldiv-capi/src"]
            .map(|dir| newest_source(&workspace(dir)))
            .into_iter()
            .max()
            .unwrap();
        assert!(
            when <= modified(&library),
            "{} is older than {}: run cargo build -p kldiv-capi first",
            library.display(),
            source.display()
        );

        let dynamic = run(Command::new("readelf").arg("-dW").arg(&library));
        let dynamic = String::from_utf8_lossy(&dynamic.stdout);
        let soname =
            dynamic.lines().find(|line| line.contains("(SONAME)")).expect("libkldiv.so has a soname");
        let soname = soname.split(['[', ']']).nth(1).unwrap();
        fs::create_dir_all(built("")).unwrap();
        let _ = fs::remove_file(built(soname));
        std::os::unix::fs::symlink(&library, built(soname)).unwrap();
        built(soname)
    })
}

/// The source that changed last, and when.
fn newest_source(dir: &Path) -> (SystemTime, PathBuf) {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let sources = entries.filter(|path| path.is_dir() || path.extension() == Some(OsStr::new("rs")));
    sources
        .map(|path| match path.is_dir() {
            true => newest_source(&path),
            false => (fs::metadata(&path).unwrap().modified().unwrap(), path),
        })
        .max()
        .expect("a directory of sources")
}

fn executable(program: &str, language: &Language) -> PathBuf {
    built(format!("{program}.{}", language.name))
}

fn object(source: &str, language: &Language) -> PathBuf {
    let object = built(format!("{source}.{}.o", language.name));
    let mut compile = language.command();
    compile.args(language.flags).args(FLAGS).arg("-I").arg(workspace("include"));
    compile.arg("-c").arg(sources().join(source)).arg("-o").arg(&object);
    run(&mut compile);
    object
}

/// `-z now`: binding symbols on first use takes stack of the caller's, which threads.c measures.
fn link(program: &str, objects: &[PathBuf], language: &Language) -> PathBuf {
    let program = executable(program, language);
    let mut link = language.command();
    link.args(objects).arg(library()).arg("-o").arg(&program);
    link.arg(format!("-Wl,-rpath,{}", built("").display()));
    link.args(["-Wl,-z,now", "-rdynamic", "-pthread", "-ldl", "-lm"]);
    run(&mut link);
    program
}

/// A program of bindings/c, which is built as its README says.
fn example(name: &str, language: &Language) -> PathBuf {
    let library = library();
    let (source, program) = (workspace("bindings/c/examples").join(name), format!("example_{name}"));
    let object = built(format!("{program}.{}.o", language.name));
    let mut compile = language.command();
    compile.args(language.flags).args(FLAGS).arg("-I").arg(workspace("include"));
    compile.arg("-c").arg(source.with_extension("c")).arg("-o").arg(&object);
    run(&mut compile);
    let program = executable(&program, language);
    let mut link = language.command();
    link.arg(object).arg(library).arg("-o").arg(&program);
    run(link.arg(format!("-Wl,-rpath,{}", built("").display())).arg("-lm"));
    program
}

/// Each program is built once, whichever tests run it.
fn build(program: &'static str, language: &Language) -> PathBuf {
    static BUILT: Mutex<BTreeSet<(&str, &str)>> = Mutex::new(BTreeSet::new());
    library();
    let mut built_so_far = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if !built_so_far.contains(&(program, language.name)) {
        link(program, &[object(&format!("{program}.c"), language)], language);
        built_so_far.insert((program, language.name));
    }
    executable(program, language)
}

/// Runs a program and sees that it checked something and found nothing.
fn passes(command: &mut Command) {
    let output = run(command);
    let text = String::from_utf8_lossy(&output.stdout);
    println!("{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.trim_end().ends_with(" checks passed"), "{command:?} ended without its last line");
}

fn program_passes(program: impl AsRef<OsStr>) {
    passes(&mut Command::new(program));
}

#[test]
fn every_reference_value_holds_from_c() {
    let program = build("reference", &C99);
    for name in ["discrete.json", "invalid.json", "counts.json", "large.json", "pairwise.json"] {
        passes(Command::new(&program).arg(table(name)));
    }
}

#[test]
fn every_reference_value_holds_from_cpp() {
    let program = build("reference", &CXX11);
    for name in ["discrete.json", "invalid.json", "counts.json", "pairwise.json"] {
        passes(Command::new(&program).arg(table(name)));
    }
}

/// What models are trained with.
const TRAINING: [&str; 3] = ["logits.json", "kldivloss.json", "vae.json"];

#[test]
fn every_reference_value_of_training_holds_from_c() {
    let program = build("reference_training", &C99);
    for name in TRAINING {
        passes(Command::new(&program).arg(table(name)));
    }
}

#[test]
fn every_reference_value_of_training_holds_from_cpp() {
    let program = build("reference_training", &CXX11);
    for name in TRAINING {
        passes(Command::new(&program).arg(table(name)));
    }
}

#[test]
fn the_examples_say_what_they_should() {
    for name in ["coin", "distillation", "vae"] {
        let expected =
            fs::read_to_string(sources().join("expected").join(name).with_extension("txt")).unwrap();
        for language in [C99, CXX11] {
            let output = run(&mut Command::new(example(name, &language)));
            assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{name}.c as {}", language.name);
        }
    }
}

#[test]
fn the_example_with_data_of_its_own_reads_it() {
    let data = workspace("bindings/c/examples/languages");
    for language in [C99, CXX11] {
        let mut program = Command::new(example("languages", &language));
        let output = run(program.arg(data.join("letters.tsv")).arg(data.join("initials.tsv")));
        assert!(String::from_utf8_lossy(&output.stdout).contains("nearest, with smoothing 0.5"));
    }
}

#[test]
fn every_density_and_sample_holds_from_c_and_cpp() {
    for language in [C99, CXX11] {
        let program = build("densities", &language);
        for name in ["quadrature.json", "samples.json"] {
            passes(Command::new(&program).arg(table(name)));
        }
    }
}

/// The columns of normals.c: name, value, its error, what it is off by.
#[test]
fn two_normals_agree_by_formula_quadrature_and_samples() {
    library();
    let object = built("normals.c99.o");
    let mut compile = C99.command();
    compile.args(C99.flags).args(FLAGS).arg("-I").arg(workspace("include"));
    compile.arg("-c").arg(workspace("bindings/c/examples/normals.c")).arg("-o").arg(&object);
    run(&mut compile);
    let text = run(&mut Command::new(link("normals", &[object], &C99))).stdout;
    let text = String::from_utf8_lossy(&text).into_owned();
    let numbers = |name: &str| -> Vec<f64> {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{text}"));
        line[38..].split_whitespace().map(|word| word.parse().unwrap()).collect()
    };
    assert!((numbers("formula")[0] - 0.443_147_181).abs() < 1e-9, "{text}");
    let [_, bound, off] = numbers("quadrature")[..] else { panic!("{text}") };
    assert!(off <= bound && bound < 1e-9, "{text}");
    for estimate in ["log-densities at 20,000 points, k1", "log-densities at 20,000 points, k3"] {
        let [_, error, off] = numbers(estimate)[..] else { panic!("{text}") };
        assert!(off < 4.0 * error, "{text}");
    }
    assert!(numbers("20,000 + 20,000 points")[1] < 0.05, "{text}");
}

#[test]
fn families_hold_from_c_and_cpp() {
    for language in [&C99, &CXX11] {
        passes(Command::new(build("family", language)).arg(table("continuous.json")));
    }
}

/// The programs of wrong calls and of wrong rows.
const STRICT: [&str; 4] = ["strict_calls", "strict_rows", "strict_training", "strict_training_rows"];

#[test]
fn wrong_calls_are_refused_and_cost_no_good_row() {
    for program in STRICT {
        program_passes(build(program, &C99));
    }
}

#[test]
fn wrong_calls_are_refused_from_cpp() {
    for program in STRICT {
        program_passes(build(program, &CXX11));
    }
}

#[test]
fn wrong_calls_for_all_pairs_are_refused() {
    program_passes(build("pairwise_calls", &C99));
    program_passes(build("pairwise_calls", &CXX11));
}

/// What partial.c splits and merges.
const IN_PARTS: [&str; 3] = ["discrete.json", "counts.json", "partial.json"];

#[test]
fn sums_in_parts_hold_from_c_and_cpp() {
    for language in [&C99, &CXX11] {
        passes(Command::new(build("partial", language)).args(IN_PARTS.map(table)));
    }
}

#[test]
fn valgrind_finds_nothing_in_sums_in_parts() {
    passes(valgrind().arg(build("partial", &C99)).args(IN_PARTS[1..].iter().map(|name| table(name))));
}

#[test]
fn nothing_beside_the_arguments_is_touched() {
    program_passes(build("guard_pages", &C99));
}

#[test]
fn nothing_beside_the_arguments_is_touched_from_cpp() {
    program_passes(build("guard_pages", &CXX11));
}

#[test]
fn the_floating_point_environment_changes_no_result_and_is_left_as_found() {
    let program = build("environment", &C99);
    let plugin = built("environment_fast_math.so");
    let mut compile = C99.command();
    compile.args(C99.flags).args(&FLAGS[..5]).args(["-ffast-math", "-shared", "-fPIC"]);
    compile.arg(sources().join("environment_fast_math.c")).arg("-o").arg(&plugin);
    run(&mut compile);
    // Each with its way for short vectors, where the machine has it.
    for isa in ["avx512", "avx2"] {
        passes(Command::new(&program).arg(&plugin).env("KLDIV_ISA", isa));
    }
}

#[test]
fn threads_forks_and_shutdowns_change_no_result() {
    program_passes(build("threads", &C99));
}

#[test]
fn the_header_serves_c_and_cpp_in_one_program() {
    library();
    let objects = [object("two_units_a.c", &C99), object("two_units_b.c", &CXX11)];
    program_passes(link("two_units", &objects, &CXX11));
}

/// Valgrind, with a kernel that it knows: it has no AVX-512.
fn valgrind() -> Command {
    let found = Command::new("valgrind").arg("--version").output();
    assert!(found.is_ok(), "valgrind is not on PATH: apt-get install valgrind");
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--quiet", "--error-exitcode=9", "--leak-check=full"]);
    valgrind.args(["--show-leak-kinds=definite", "--errors-for-leak-kinds=definite"]);
    if env::var("KLDIV_ISA").as_deref() != Ok("scalar") {
        valgrind.env("KLDIV_ISA", "avx2");
    }
    valgrind
}

#[test]
fn valgrind_finds_nothing_in_wrong_calls() {
    for program in STRICT {
        passes(valgrind().arg(build(program, &C99)));
    }
}

#[test]
fn valgrind_finds_nothing_in_families() {
    passes(valgrind().arg(build("family", &C99)).arg(table("continuous.json")));
}

#[test]
fn valgrind_finds_nothing_in_all_pairs() {
    passes(valgrind().arg(build("pairwise_calls", &C99)));
}

#[test]
fn valgrind_finds_nothing_in_the_small_reference_tables() {
    let program = build("reference", &C99);
    for name in ["discrete.json", "invalid.json", "counts.json", "pairwise.json"] {
        passes(valgrind().arg(&program).arg(table(name)));
    }
    let program = build("reference_training", &C99);
    for name in TRAINING {
        passes(valgrind().arg(&program).arg(table(name)));
    }
}
