//! What the libraries export is what the header declares, nothing else, and what it was at the last blessing.
//!
//! abi/ has that: symbols.txt each function and the version it came with, numbers.txt the header's numbers, and
//! libkldiv.abi the functions' types as libabigail sees them in the debug information. A change that was meant is
//! written there by `KLDIV_BLESS=1 cargo test -p kldiv-capi --test header --test symbols`.
//!
//! Cargo does not build the libraries for tests: `cargo build -p kldiv-capi` comes first.
#![cfg(target_os = "linux")]

use std::collections::{BTreeSet, HashMap, HashSet};
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

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn header() -> String {
    fs::read_to_string(here("../../include/kldiv.h")).unwrap()
}

/// A file of abi/ that must be what is found now; with KLDIV_BLESS it is made so.
fn as_blessed(name: &str, found: &str) {
    let path = here("abi").join(name);
    if env::var_os("KLDIV_BLESS").is_some() {
        fs::write(&path, found).unwrap();
    }
    let blessed = fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    let (before, now) = (lines(&blessed), lines(found));
    let (gone, new) = (before.difference(&now), now.difference(&before));
    assert!(
        blessed == found,
        "abi/{name}: gone {:?}, new {:?}; KLDIV_BLESS=1 writes it anew",
        gone.collect::<Vec<_>>(),
        new.collect::<Vec<_>>()
    );
}

/// The functions of include/kldiv.h: what follows a type and stands before a parenthesis, outside of comments and of
/// the preprocessor's lines.
fn declared() -> BTreeSet<String> {
    let code = without_comments(&header()).replace("\\\n", " ");
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

/// A function's comment ends with the version it came with.
#[test]
fn no_function_came_or_went_unnoticed() {
    let header = header();
    let since = |name: &String| {
        let is_declaration = |line: &str| {
            let before = line.split_once(&format!("{name}(")).map_or("", |(before, _)| before);
            before.ends_with([' ', '*']) && !before.starts_with(['/', ' '])
        };
        // The main page, too, speaks of functions, and it comes first.
        let mut lines = header.lines().rev().skip_while(|line| !is_declaration(line));
        let since = lines.find_map(|line| line.split_once("Since "));
        let version = since.map_or("", |(_, version)| version.trim_end_matches('.'));
        assert!(version.split('.').all(|part| part.parse::<u32>().is_ok()), "{name}: Since {version:?}");
        format!("{name} {version}\n")
    };
    as_blessed("symbols.txt", &declared().iter().map(since).collect::<String>());
}

/// Only additions are compatible: what a number meant, it means for good.
#[test]
fn no_number_of_the_header_changed_unnoticed() {
    let numbers = header()
        .lines()
        .filter_map(|line| line.strip_prefix("#define KLDIV_")?.split_once(' '))
        .filter(|(name, _)| !name.starts_with("VERSION"))
        .filter_map(|(name, rest)| Some((name, rest.split_whitespace().next()?)))
        .filter(|(_, number)| number.parse::<u32>().is_ok())
        .map(|(name, number)| format!("KLDIV_{name} {number}\n"))
        .collect::<String>();
    assert!(numbers.contains("KLDIV_OK 0\n"), "the header was not understood: {numbers}");
    as_blessed("numbers.txt", &numbers);
}

#[test]
fn no_type_of_the_abi_changed_unnoticed() {
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join("libkldiv.abi");
    let flags =
        ["--no-corpus-path", "--no-comp-dir-path", "--no-show-locs", "--no-elf-needed", "--no-architecture"];
    let abidw = Command::new("abidw").args(flags).arg(library("libkldiv.so")).output();
    let abidw = abidw.expect("abidw is not on PATH: apt-get install abigail-tools");
    assert!(abidw.status.success(), "{}", String::from_utf8_lossy(&abidw.stderr));
    fs::write(&built, exported(&String::from_utf8_lossy(&abidw.stdout))).unwrap();

    let blessed = here("abi/libkldiv.abi");
    if env::var_os("KLDIV_BLESS").is_some() {
        fs::copy(&built, &blessed).unwrap();
    }
    let abidiff = Command::new("abidiff").arg(&blessed).arg(&built).output().unwrap();
    assert!(
        abidiff.status.success(),
        "the ABI is not abi/libkldiv.abi's; KLDIV_BLESS=1 writes it anew\n{}",
        String::from_utf8_lossy(&abidiff.stdout)
    );
}

/// What abidw wrote, without Rust's insides: the functions of the header and the types that they lead to. abidw puts
/// an element on a line, indented by its depth.
fn exported(corpus: &str) -> String {
    let lines = &corpus.lines().collect::<Vec<_>>()[..];
    let element = |start: usize| {
        let indent = lines[start].len() - lines[start].trim_start().len();
        let inside = |line: &&&str| {
            !line.trim_start().starts_with("</") || line.len() - line.trim_start().len() > indent
        };
        let length = match lines[start].ends_with("/>") {
            true => 1,
            false => lines[start..].iter().take_while(inside).count() + 1,
        };
        lines[start..start + length]
            .iter()
            .map(|line| format!("    {}\n", &line[indent..]))
            .collect::<String>()
    };
    let starts = |part: &'static str| (0..lines.len()).filter(move |&i| lines[i].contains(part));
    let types: HashMap<_, _> =
        starts(" id='type-id-").map(|i| (until_quote(lines[i].split_once(" id='").unwrap().1), i)).collect();

    let mut functions: Vec<_> = starts(" elf-symbol-id='kldiv_").map(element).collect();
    functions.sort();
    assert!(!functions.is_empty(), "libkldiv.so is without debug information; a dev build has it");
    let (mut reached, mut seen) = (Vec::new(), HashSet::new());
    let mut waiting: Vec<_> = functions.iter().rev().cloned().collect();
    while let Some(text) = waiting.pop() {
        for part in text.split(" type-id='").skip(1) {
            let id = until_quote(part).to_owned();
            if let Some(&start) = types.get(id.as_str())
                && seen.insert(id)
            {
                reached.push(element(start));
                waiting.push(reached[reached.len() - 1].clone());
            }
        }
    }
    let symbols = lines.iter().take_while(|line| !line.contains("<abi-instr")).copied().collect::<Vec<_>>();
    let mut body = reached.concat() + &functions.concat();
    let mut ids: Vec<_> = seen.into_iter().collect();
    ids.sort_by_key(|id| body.find(&format!("'{id}'")));
    for (number, id) in ids.iter().enumerate() {
        body = body.replace(&format!("'{id}'"), &format!("'t{}'", number + 1));
    }
    format!(
        "{}\n  <abi-instr address-size='64' path='kldiv.h' language='LANG_C99'>\n{body}  </abi-instr>\n</abi-corpus>\n",
        symbols.join("\n")
    )
}

fn until_quote(text: &str) -> &str {
    text.split('\'').next().unwrap()
}
