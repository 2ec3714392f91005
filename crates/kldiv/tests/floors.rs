//! Rooms lean only on floors below their own; files stay readable; lib.rs holds nothing of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms from the ground up. A room may use those of lines above its own here, none of its own line or below.
const FLOORS: &[&[&str]] = &[
    // floor 0
    &["view::element"],
    &["view::row"],
    &["view", "sum", "excess", "special::quadrature", "special::twice"],
    &["special"],
    &["special::gamma"],
    &["special::bessel"],
    &["error"],
    &["check", "policy", "processor", "memory"],
    &["threads"],
    // floor 1
    &["kernels::coefficients"],
    &["kernels::lanes"],
    &["kernels::scalar", "kernels::twice"],
    &["kernels::exp"],
    &["kernels::log"],
    &["kernels::op", "kernels::prepare", "kernels::still"],
    &["kernels::lane_sums", "kernels::renyi"],
    &["kernels::generic", "kernels::gamma", "kernels::loss", "kernels::softmax", "kernels::samples"],
    &["kernels::gradient", "kernels::pairs"],
    &["kernels::elementary"],
    &["kernels::slopes", "kernels::means"],
    &["kernels::laws", "kernels::bounded"],
    &["kernels::costs"],
    &["kernels::transpose", "kernels::product", "kernels::each", "kernels::exact_sum", "kernels::widen"],
    &["kernels::rows", "kernels::far"],
    &[
        "kernels::apart",
        "kernels::triangular",
        "kernels::vae",
        "kernels::softmax_rows",
        "kernels::categories",
    ],
    &["kernels::concentrations", "kernels::entropies", "kernels::one_row"],
    &["kernels::avx2", "kernels::avx512", "kernels::neon"],
    &["kernels"],
    &["kernels::anywhere"],
    &["kernels::tests"],
    &[
        "kernels::matrix_tests",
        "kernels::product_tests",
        "kernels::apart_tests",
        "kernels::costs_tests",
        "kernels::pairs_tests",
        "kernels::samples_tests",
        "kernels::slopes_tests",
    ],
    // floor 2
    &["rows"],
    &["scaling", "total", "lines"],
    &["pair"],
    &["pieces"],
    &["discrete"],
    &["relatives"],
    // the side wing, which floors 3 and 4 do not lean on
    &["quadrature::nodes"],
    &["quadrature::ends"],
    &["quadrature::rule"],
    &["quadrature::search"],
    &["quadrature::refine"],
    &["quadrature"],
    &["estimate::tree"],
    &["estimate::knn", "estimate::monte_carlo", "estimate::histogram"],
    &["estimate"],
    // floor 3
    &["short", "panels"],
    &["cells"],
    &["partial::exact"],
    &["partial::state"],
    &["partial::deposit", "partial::answer"],
    &["batch", "explain", "partial", "pairwise"],
    // floor 4
    &["loss", "logits::compare", "logits::few"],
    &["logits::topk"],
    &["logits"],
    // the side wing
    &["family::vae"],
    &["family::names", "family::params", "family::law"],
    &["family::shares"],
    &["family::integrate"],
    &["family::cross"],
    &["family::normal", "family::laplace", "family::loggamma", "family::logistic", "family::studentt"],
    &["family::beta", "family::pareto"],
    &["family::kumaraswamy", "family::contbernoulli", "family::uniform"],
    &["family::vonmises", "family::counts", "family::dirichlet", "family::matrix"],
    &["family::lowrank"],
    &["family::powergamma", "family::categorical", "family::mvnormal"],
    &["family::wishart"],
    &["family::crossings"],
    &["family::one", "family::blocks"],
    &["family::job"],
    &["family::gradient"],
    &["family"],
    &["family::lanes_tests"],
];

/// The rooms of floors 3 and 4, which the side wing does not use.
const UPPER: &[&str] = &["short", "batch", "explain", "partial", "pairwise", "loss", "logits"];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every file under a folder, as room and path.
fn rooms() -> BTreeMap<String, PathBuf> {
    fn walk(folder: &Path, under: &str, rooms: &mut BTreeMap<String, PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let stem = path.file_stem().unwrap().to_str().unwrap();
            if path.is_dir() {
                walk(&path, &format!("{under}{stem}::"), rooms);
            } else if path.extension().is_some_and(|extension| extension == "rs") && stem != "lib" {
                let room = if stem == "mod" {
                    under.trim_end_matches("::").into()
                } else {
                    format!("{under}{stem}")
                };
                rooms.insert(room, path);
            }
        }
    }
    let mut rooms = BTreeMap::new();
    walk(&source(), "", &mut rooms);
    rooms
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&room))
}

/// A file without its comments, doc examples included. (No string of the sources holds two slashes.)
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n")
}

/// Every path that begins with `crate::`, whether in a `use` or not, with braces opened.
fn paths(code: &str) -> Vec<Vec<String>> {
    fn is_name(c: char) -> bool {
        c.is_alphanumeric() || c == '_'
    }
    /// Reads what follows `prefix::` and gives the text after it.
    fn tree<'a>(mut rest: &'a str, prefix: &[String], found: &mut Vec<Vec<String>>) -> &'a str {
        if let Some(inside) = rest.strip_prefix('{') {
            rest = inside.trim_start();
            while !rest.starts_with('}') {
                rest = tree(rest, prefix, found).trim_start();
                rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
            }
            return &rest[1..];
        }
        let end = rest.find(|c: char| !is_name(c) && c != '*').unwrap_or(rest.len());
        let mut path = prefix.to_vec();
        if &rest[..end] != "self" {
            path.push(rest[..end].to_owned());
        }
        rest = &rest[end..];
        if let Some(next) = rest.strip_prefix("::")
            && next.starts_with(|c: char| is_name(c) || c == '{' || c == '*')
        {
            return tree(next, &path, found);
        }
        found.push(path);
        let rest = rest.trim_start();
        match rest.strip_prefix("as ") {
            Some(name) => name.trim_start_matches(is_name),
            None => rest,
        }
    }
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find("crate::") {
        let before = rest[..at].chars().next_back();
        rest = &rest[at + "crate::".len()..];
        if !before.is_some_and(is_name) {
            rest = tree(rest, &[], &mut found);
        }
    }
    found
}

/// The room that a path leads into.
fn room_of(path: &[String], rooms: &BTreeMap<String, PathBuf>) -> String {
    let first = path[0].clone();
    match path.get(1).map(|item| format!("{first}::{item}")) {
        Some(inner) if rooms.contains_key(&inner) => inner,
        _ => first,
    }
}

#[test]
fn the_reader_of_paths_opens_braces_and_aliases() {
    let read = |code| -> Vec<String> { paths(code).iter().map(|path| path.join("::")).collect() };
    assert_eq!(read("use crate::a::{self, b::C, d::{E, F as G}};"), ["a", "a::b::C", "a::d::E", "a::d::F"]);
    assert_eq!(read("pub use crate::a as x; $crate::b::c! { y }"), ["a", "b::c"]);
    assert_eq!(read("pub(crate) fn x() -> crate::a::B<T> {} mycrate::no::no"), ["a::B"]);
    assert_eq!(read("use crate::a::*;"), ["a::*"]);
}

#[test]
fn every_room_has_a_floor() {
    for room in rooms().keys() {
        assert!(floor(room).is_some(), "src has a room {room} that FLOORS of tests/floors.rs does not know");
    }
}

#[test]
fn a_room_uses_only_floors_below_its_own() {
    let rooms = rooms();
    let mut wrong = Vec::new();
    let mut uses = 0;
    for (room, path) in &rooms {
        for used in paths(&code(path)) {
            // Macros of the crate's root come from `view`.
            let used = if used[0].ends_with("with_type") { "view".into() } else { room_of(&used, &rooms) };
            if &used == room {
                continue;
            }
            uses += 1;
            match (floor(&used), floor(room)) {
                _ if room.starts_with("family") && UPPER.contains(&&*used) => {
                    wrong.push(format!("{room} uses {used}"));
                }
                (Some(below), Some(own)) if below < own => {}
                _ => wrong.push(format!("{room} uses {used}")),
            }
        }
    }
    assert!(uses > 30, "only {uses} uses were found");
    wrong.dedup();
    assert!(wrong.is_empty(), "against the floors: {wrong:#?}");
}

#[test]
fn imports_within_the_crate_are_written_from_its_root() {
    for (room, path) in rooms() {
        let code = code(&path);
        assert!(!code.contains("use super::super"), "{room} climbs with super");
        for line in code.lines().filter(|line| line.trim_start().starts_with("use super::")) {
            // Unit tests import what they test.
            assert!(line.starts_with("    "), "{room}: {line}");
        }
    }
}

#[test]
fn lib_holds_documentation_and_reexports_and_nothing_else() {
    let code = code(&source().join("lib.rs"));
    let statements = code.split_inclusive(';').map(str::trim).filter(|x| !x.is_empty());
    for statement in statements {
        let mut rest = statement;
        while rest.starts_with("#") {
            rest = rest[rest.find(']').unwrap() + 1..].trim_start();
        }
        let fine = ["pub use ", "mod ", "pub mod "].iter().any(|start| rest.starts_with(start));
        assert!(fine && rest.ends_with(';'), "lib.rs has more than re-exports: {statement}");
    }
}

#[test]
fn no_source_file_is_longer_than_600_lines() {
    for (room, path) in rooms() {
        let lines = fs::read_to_string(path).unwrap().lines().count();
        assert!(lines <= 600, "{room} has {lines} lines");
    }
}

#[test]
fn only_kernels_asks_what_the_machine_can_do() {
    for (room, path) in rooms() {
        let asks = code(&path).contains("is_x86_feature_detected");
        assert!(!asks || room == "kernels", "{room} asks for features");
    }
}
