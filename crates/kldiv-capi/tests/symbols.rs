//! What the libraries export is what the header declares, and nothing else.
//!
//! Cargo does not build the libraries for tests: `cargo build -p kldiv-capi` comes first.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A library of the profile that this test was built with.
fn library(name: &str) -> PathBuf {
    let library = env::current_exe().unwrap().parent().unwrap().with_file_name(name);
    assert!(library.exists(), "{} is missing: run cargo build -p kldiv-capi first", library.display());
    library
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The symbols that `nm` finds, each line of which ends in one.
fn symbols(library: &Path, flags: &[&str]) -> BTreeSet<String> {
    let listed =
        output(Command::new("nm").args(flags).args(["--defined-only", "--format=posix"]).arg(library));
    // In the posix format a line is `name type value size`; an archive's members are `archive[member]:`.
    listed.lines().filter_map(|line| line.split_once(' ')).map(|(name, _)| name.to_owned()).collect()
}

/// The functions of include/kldiv.h: what follows a type and stands before a parenthesis, outside of comments and of
/// the preprocessor's lines.
fn declared() -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../include/kldiv.h");
    let code = without_comments(&fs::read_to_string(path).unwrap()).replace("\\\n", " ");
    let code: String = code.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    let functions: BTreeSet<_> = code
        .split([';', '{', '}'])
        .filter(|statement| !statement.contains("typedef"))
        .filter_map(|statement| statement.split_once('('))
        .filter_map(|(before, _)| before.split(|c: char| !c.is_alphanumeric() && c != '_').next_back())
        .filter(|name| name.starts_with("kldiv_"))
        .map(str::to_owned)
        .collect();
    assert!(functions.contains("kldiv_kl_f64"), "the header was not understood: {functions:?}");
    functions
}

fn without_comments(header: &str) -> String {
    let mut code = String::new();
    let mut rest = header;
    while let Some(start) = rest.find('/') {
        let (before, comment) = rest.split_at(start);
        code.push_str(before);
        rest = match comment.as_bytes() {
            [b'/', b'*', ..] => &comment[comment.find("*/").expect("a comment ends") + 2..],
            [b'/', b'/', ..] => comment.find('\n').map_or("", |end| &comment[end..]),
            _ => {
                code.push('/');
                &comment[1..]
            }
        };
    }
    code + rest
}

#[test]
fn the_shared_library_exports_what_the_header_declares_and_nothing_else() {
    assert_eq!(symbols(&library("libkldiv.so"), &["-D"]), declared());
}

#[test]
fn the_static_library_has_every_declared_function() {
    let defined = symbols(&library("libkldiv.a"), &["-g"]);
    let missing: Vec<_> = declared().into_iter().filter(|name| !defined.contains(name)).collect();
    assert!(missing.is_empty(), "libkldiv.a lacks {missing:?}");
}

#[test]
fn the_shared_library_has_a_soname() {
    let dynamic = output(Command::new("readelf").arg("-dW").arg(library("libkldiv.so")));
    let soname = dynamic.lines().find(|line| line.contains("(SONAME)"));
    assert!(soname.is_some_and(|line| line.contains("[libkldiv.so.")), "{soname:?}");
}
