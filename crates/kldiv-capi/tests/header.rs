//! include/kldiv.h says what the sources say.
//!
//! The header is kldiv.h.in, in which a line `@file.rs@` stands for the public items of src/file.rs as cbindgen
//! writes them in C. `KLDIV_BLESS=1 cargo test -p kldiv-capi --test header` writes it anew.

use std::fs;
use std::path::{Path, PathBuf};

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(here(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

const HEADER: &str = "../../include/kldiv.h";

/// The public items of one source file, in C.
fn items(file: &str) -> String {
    let config = cbindgen::Config::from_file(here("cbindgen.toml")).unwrap();
    let source = here("src").join(file);
    let bindings = cbindgen::Builder::new().with_config(config).with_src(source).generate().unwrap();
    let mut text = Vec::new();
    bindings.write(&mut text);
    compact(&String::from_utf8(text).unwrap())
}

/// The same without repetition: a constant and its comment on one line, a gap where its number does not follow the
/// last one's, and no word `struct` where a type is used.
fn compact(text: &str) -> String {
    let lines: Vec<_> = text.trim().lines().collect();
    let (mut compact, mut expected, mut i) = (Vec::new(), None, 0);
    while i < lines.len() {
        let constant = lines.get(i + 1).and_then(|line| line.strip_prefix("#define "));
        if let (Some(comment), Some(constant)) = (lines[i].strip_prefix("/// "), constant) {
            let number: i64 = constant.rsplit(' ').next().unwrap().parse().unwrap();
            if expected.is_some_and(|expected| expected != number) {
                compact.push(String::new());
            }
            compact.push(format!("{:<50} ///< {comment}", lines[i + 1]));
            expected = Some(number + 1);
            let gap = lines.get(i + 2).is_some_and(|line| line.is_empty());
            let more = lines.get(i + 4).is_some_and(|line| line.starts_with("#define "));
            i += if gap && more { 3 } else { 2 };
        } else if lines[i].starts_with("typedef ") {
            compact.push(lines[i].to_owned());
            i += 1;
        } else {
            compact.push(lines[i].replace("struct kldiv_", "kldiv_"));
            i += 1;
        }
    }
    compact.join("\n")
}

fn generated() -> String {
    let mut header = String::new();
    for line in read("kldiv.h.in").lines() {
        match line.strip_prefix('@').and_then(|line| line.strip_suffix(".rs@")) {
            Some(file) => header.push_str(&items(&format!("{file}.rs"))),
            None => header.push_str(line),
        }
        header.push('\n');
    }
    header
        .replace("@MAJOR@", env!("CARGO_PKG_VERSION_MAJOR"))
        .replace("@MINOR@", env!("CARGO_PKG_VERSION_MINOR"))
        .replace("@PATCH@", env!("CARGO_PKG_VERSION_PATCH"))
}

#[test]
fn the_header_is_that_of_the_sources() {
    let generated = generated();
    if std::env::var_os("KLDIV_BLESS").is_some() {
        fs::write(here(HEADER), &generated).unwrap();
    }
    let committed = read(HEADER).replace("\r\n", "\n");
    for (number, (committed, generated)) in committed.lines().zip(generated.lines()).enumerate() {
        assert_eq!(
            committed,
            generated,
            "include/kldiv.h, line {}; KLDIV_BLESS=1 writes it anew",
            number + 1
        );
    }
    assert_eq!(committed, generated);
}

#[test]
fn every_public_file_has_its_place() {
    let (template, modules) = (read("kldiv.h.in"), read("src/lib.rs"));
    let public = modules.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    for name in public {
        assert!(template.contains(&format!("\n@{name}.rs@\n")), "kldiv.h.in has no place for {name}.rs");
    }
}

#[test]
fn the_header_is_ascii_and_begins_with_the_whole_coin() {
    let header = generated();
    assert!(header.is_ascii());
    assert!(header.lines().all(|line| line.len() <= 120), "a line is too long to read");
    let beginning = header.lines().take(60).collect::<Vec<_>>().join("\n");
    let program = between(&beginning, "\n@code\n", "\n@endcode\n");
    assert!(program.starts_with("#include <kldiv.h>") && program.ends_with("\n}"));
}

#[test]
fn the_version_is_that_of_the_package() {
    let header = generated();
    let number = |name: &str| {
        let define = format!("#define KLDIV_VERSION_{name} ");
        header.lines().find_map(|line| line.strip_prefix(&define)).unwrap().to_owned()
    };
    let version = ["MAJOR", "MINOR", "PATCH"].map(number).join(".");
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
}

#[test]
fn the_initialiser_lists_every_option_in_order() {
    let header = generated();
    let fields = between(&header, "typedef struct kldiv_options {", "} kldiv_options;")
        .lines()
        .filter(|line| line.ends_with(';'))
        .map(|line| line.trim_end_matches(';').rsplit([' ', '*']).next().unwrap().to_owned());
    let listed = between(&header, "#define KLDIV_OPTIONS_INIT", "\n\n").lines().filter_map(|line| {
        Some(between(line, "/* ", " */")).filter(|name| !name.is_empty()).map(str::to_owned)
    });
    assert_eq!(listed.collect::<Vec<_>>(), fields.collect::<Vec<_>>());
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let Some((_, rest)) = text.split_once(start) else { return "" };
    rest.split_once(end).map_or("", |(inside, _)| inside)
}

/// Defaults that are told in words: (in the header, in the sources).
#[test]
fn the_defaults_in_words_are_the_cores() {
    let tolerance = core_kldiv::Options::MASS_TOLERANCE;
    assert!(generated().contains(&format!("under REQUIRE; 0: {tolerance:e}.")));
}
