//! An installed libkldiv serves programs outside the tree, by the tools that such programs use, wherever it is moved.
//!
//! What is installed is what cargo built last: `cargo build -p kldiv-capi` comes first. `CC` and `CXX` choose the
//! compilers.
#![cfg(target_os = "linux")]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

const VERSION: &str = env!("CARGO_PKG_VERSION");
const MAJOR: &str = env!("CARGO_PKG_VERSION_MAJOR");

fn workspace(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// A directory of one test's own, empty.
fn fresh(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("install").join(name);
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    dir
}

/// What a command prints; it must succeed.
fn output(command: &mut Command) -> String {
    let output = command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}; scripts/setup installs it"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let stdout = text(&output.stdout);
    assert!(output.status.success(), "{command:?}\n{stdout}{}", text(&output.stderr));
    stdout
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

fn compiler(variable: &str, default: &str) -> Command {
    let chosen = env::var(variable).unwrap_or(default.to_owned());
    let mut words = chosen.split_whitespace();
    let mut command = Command::new(words.next().expect("a compiler"));
    command.args(words);
    command
}

fn cc() -> Command {
    let mut cc = compiler("CC", "gcc");
    cc.args(["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O2"]);
    cc
}

/// `cargo xtask` with the libraries of the profile that this test was built with.
fn xtask(arguments: &[&str]) -> Command {
    let profile = Path::new(env!("CARGO_BIN_EXE_xtask")).parent().unwrap().file_name().unwrap();
    let profile = profile.to_str().unwrap().replace("debug", "dev");
    let mut xtask = Command::new(env!("CARGO_BIN_EXE_xtask"));
    xtask.args(arguments).args(["--no-build", "--profile", &profile]).env_remove("DESTDIR");
    xtask
}

/// An installed tree that was moved afterwards: what is found there is found because nothing names the first place.
fn moved() -> &'static Path {
    static MOVED: OnceLock<PathBuf> = OnceLock::new();
    MOVED.get_or_init(|| {
        let dir = fresh("tree");
        let (first, moved) = (dir.join("first"), dir.join("moved to a place with spaces"));
        output(xtask(&["install", "--prefix", first.to_str().unwrap()]).current_dir("/"));
        fs::rename(first, &moved).unwrap();
        moved
    })
}

fn pkg_config(tree: &Path, arguments: &[&str]) -> String {
    let mut pkg_config = Command::new("pkg-config");
    pkg_config.env("PKG_CONFIG_LIBDIR", tree.join("lib/pkgconfig")).env_remove("PKG_CONFIG_PATH");
    output(pkg_config.args(arguments).arg("kldiv"))
}

/// pkg-config's answer as a shell reads it, with its backslashes before spaces.
fn flags(tree: &Path, arguments: &[&str]) -> Vec<String> {
    let mut flags = vec![String::new()];
    let text = pkg_config(tree, arguments);
    let mut characters = text.trim().chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => flags.last_mut().unwrap().extend(characters.next()),
            ' ' => flags.push(String::new()),
            _ => flags.last_mut().unwrap().push(c),
        }
    }
    flags
}

/// The example that every way of linking builds, outside the tree.
fn coin(dir: &Path) -> PathBuf {
    let source = dir.join("coin.c");
    fs::copy(workspace("bindings/c/examples/coin.c"), &source).unwrap();
    source
}

fn prints_the_coin(program: &Path, library_path: Option<&Path>) {
    let expected = fs::read_to_string(workspace("crates/kldiv-capi/tests/c/expected/coin.txt")).unwrap();
    let mut program = Command::new(program);
    program.env_remove("LD_LIBRARY_PATH").current_dir("/");
    if let Some(path) = library_path {
        program.env("LD_LIBRARY_PATH", path);
    }
    assert_eq!(output(&mut program), expected);
}

/// The shared libraries that a program asks for.
fn needed(program: &Path) -> Vec<String> {
    let dynamic = output(Command::new("readelf").arg("-dW").arg(program));
    let lines = dynamic.lines().filter(|line| line.contains("(NEEDED)"));
    lines.filter_map(|line| Some(line.split(['[', ']']).nth(1)?.to_owned())).collect()
}

fn soname() -> String {
    format!("libkldiv.so.{MAJOR}")
}

#[test]
fn every_name_of_the_shared_library_leads_to_the_versioned_file() {
    let lib = moved().join("lib");
    let file = format!("libkldiv.so.{VERSION}");
    assert!(fs::symlink_metadata(lib.join(&file)).unwrap().is_file());
    let dynamic = output(Command::new("readelf").arg("-dW").arg(lib.join(&file)));
    assert!(dynamic.contains(&format!("Library soname: [{}]", soname())), "{dynamic}");
    for name in [&soname(), "libkldiv.so"] {
        assert_eq!(fs::canonicalize(lib.join(name)).unwrap(), fs::canonicalize(lib.join(&file)).unwrap());
        assert!(fs::read_link(lib.join(name)).unwrap().is_relative());
    }
}

#[test]
fn nothing_that_is_installed_names_the_place_it_was_installed_in() {
    for file in ["pkgconfig/kldiv.pc", "cmake/kldiv/kldivConfig.cmake"] {
        let text = fs::read_to_string(moved().join("lib").join(file)).unwrap();
        assert!(!text.contains(env!("CARGO_TARGET_TMPDIR")) && !text.contains('@'), "{text}");
    }
}

#[test]
fn a_bare_compiler_links_the_shared_library() {
    let (dir, tree) = (fresh("bare"), moved());
    let program = dir.join("coin");
    let mut cc = cc();
    cc.arg("-I").arg(tree.join("include")).arg(coin(&dir)).arg("-L").arg(tree.join("lib")).arg("-lkldiv");
    output(cc.arg("-o").arg(&program));
    assert!(needed(&program).contains(&soname()));
    prints_the_coin(&program, Some(&tree.join("lib")));
}

#[test]
fn pkg_config_links_the_shared_library() {
    let (dir, tree) = (fresh("pkg-config"), moved());
    assert_eq!(pkg_config(tree, &["--modversion"]).trim(), VERSION);
    let program = dir.join("coin");
    output(cc().arg(coin(&dir)).args(flags(tree, &["--cflags", "--libs"])).arg("-o").arg(&program));
    assert!(needed(&program).contains(&soname()));
    prints_the_coin(&program, Some(&tree.join("lib")));
}

#[test]
fn pkg_config_links_a_program_that_is_static_throughout() {
    let (dir, tree) = (fresh("pkg-config-static"), moved());
    let program = dir.join("coin");
    let mut cc = cc();
    cc.arg("-static").arg(coin(&dir)).args(flags(tree, &["--static", "--cflags", "--libs"]));
    output(cc.arg("-o").arg(&program));
    assert_eq!(needed(&program), Vec::<String>::new());
    prints_the_coin(&program, None);
}

#[test]
fn pkg_config_links_the_static_library_into_a_dynamic_program() {
    let (dir, tree) = (fresh("pkg-config-archive"), moved());
    let program = dir.join("coin");
    let libdir = PathBuf::from(pkg_config(tree, &["--variable=libdir"]).trim().replace('\\', ""));
    let private = flags(tree, &["--static", "--libs-only-l"]).into_iter().filter(|flag| flag != "-lkldiv");
    let mut cc = cc();
    cc.arg(coin(&dir)).args(flags(tree, &["--cflags"])).arg(libdir.join("libkldiv.a")).args(private);
    output(cc.arg("-o").arg(&program));
    assert!(!needed(&program).contains(&soname()));
    prints_the_coin(&program, None);
}

/// A project that finds kldiv and builds the coin with a target of its.
fn cmake_project(dir: &Path, find: &str, target: &str) -> Command {
    coin(dir);
    let project = format!(
        "cmake_minimum_required(VERSION 3.10)\nproject(outside C)\n{find}\n\
         add_executable(coin coin.c)\ntarget_link_libraries(coin PRIVATE {target})\n"
    );
    fs::write(dir.join("CMakeLists.txt"), project).unwrap();
    let mut cmake = Command::new("cmake");
    cmake
        .current_dir(dir)
        .args(["-S", ".", "-B", "build"])
        .arg("-DCMAKE_PREFIX_PATH=".to_owned() + moved().to_str().unwrap());
    cmake
}

#[test]
fn find_package_links_either_library() {
    for target in ["kldiv", "kldiv_static"] {
        let dir = fresh(&format!("cmake-{target}"));
        let find = format!("find_package(kldiv {VERSION} REQUIRED)");
        output(&mut cmake_project(&dir, &find, &format!("kldiv::{target}")));
        output(Command::new("cmake").current_dir(&dir).args(["--build", "build"]));
        let program = dir.join("build/coin");
        assert_eq!(needed(&program).contains(&soname()), target == "kldiv");
        prints_the_coin(&program, None); // CMake writes where the shared library is into what it builds
    }
}

#[test]
fn find_package_takes_the_versions_that_the_library_serves() {
    let later = format!("{MAJOR}.999");
    let next = format!("{}", MAJOR.parse::<u32>().unwrap() + 1);
    let cases = [
        ("", true),
        (MAJOR, true),
        (&format!("{VERSION} EXACT"), true),
        (&format!("{MAJOR}...<{next}"), true),
        (&later, false),
        (&next, false),
        (&format!("{later}...{next}"), false),
    ];
    let dir = fresh("cmake-versions");
    for (wanted, found) in cases {
        let find = format!(
            "find_package(kldiv {wanted})\nif(NOT kldiv_FOUND)\n  message(FATAL_ERROR \"not found\")\nendif()"
        );
        let status = cmake_project(&dir, &find, "kldiv::kldiv").output().unwrap().status;
        assert_eq!(status.success(), found, "find_package(kldiv {wanted})");
    }
}

#[test]
fn an_incomplete_tree_is_not_found() {
    let dir = fresh("cmake-incomplete");
    let tree = dir.join("tree/lib/cmake");
    fs::create_dir_all(&tree).unwrap();
    for file in ["kldivConfig.cmake", "kldivConfigVersion.cmake"] {
        fs::copy(moved().join("lib/cmake/kldiv").join(file), tree.join(file)).unwrap();
    }
    let mut cmake = cmake_project(&dir, "find_package(kldiv REQUIRED)", "kldiv::kldiv");
    let said = cmake.arg(format!("-Dkldiv_DIR={}", tree.display())).output().unwrap();
    assert!(!said.status.success());
    let said = words(&String::from_utf8_lossy(&said.stderr)).join(" ");
    assert!(said.contains("the installation of kldiv is not complete"), "{said}");
}

/// Files of a directory and of those in it, in order.
fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect();
    files.sort();
    files
}

#[test]
fn a_package_is_staged_and_uninstall_leaves_nothing() {
    let dir = fresh("package");
    let options = ["--prefix=/usr", "--libdir", "lib/triple", "--destdir", dir.to_str().unwrap()];
    let command = |name| [&[name], &options[..]].concat();
    output(&mut xtask(&command("install")));
    let kept = dir.join("usr/lib/triple/another");
    fs::write(&kept, "").unwrap();
    let found: Vec<_> =
        files(&dir).iter().map(|path| path.strip_prefix(&dir).unwrap().display().to_string()).collect();
    let expected = [
        "usr/include/kldiv.h",
        "usr/include/kldiv.hpp",
        "usr/lib/triple/another",
        "usr/lib/triple/cmake/kldiv/kldivConfig.cmake",
        "usr/lib/triple/cmake/kldiv/kldivConfigVersion.cmake",
        "usr/lib/triple/libkldiv.a",
        "usr/lib/triple/libkldiv.so",
        &format!("usr/lib/triple/{}", soname()),
        &format!("usr/lib/triple/libkldiv.so.{VERSION}"),
        "usr/lib/triple/pkgconfig/kldiv.pc",
    ];
    assert_eq!(found, expected);
    let pc = fs::read_to_string(dir.join("usr/lib/triple/pkgconfig/kldiv.pc")).unwrap();
    assert!(
        pc.starts_with("prefix=/usr\nincludedir=${prefix}/include\nlibdir=${prefix}/lib/triple\n"),
        "{pc}"
    );
    output(&mut xtask(&command("uninstall")));
    assert_eq!(files(&dir), [kept]);
}

#[test]
fn what_makes_no_sense_is_refused_in_words() {
    let says = |arguments: &[&str], words: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_xtask")).args(arguments).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && stderr.contains(words), "{arguments:?}: {stderr}");
    };
    says(&[], "is no command");
    says(&["install", "--perfix", "/usr"], "'--perfix' is no option");
    says(&["install", "--prefix"], "--prefix needs a value");
    says(&["install", "--no-build=1"], "--no-build takes no value");
    says(&["install", "--no-build", "--prefix", "/usr/../tmp"], "has .. in it");
    says(&["install", "--no-build", "--target", "wasm32-wasip1"], "install knows Linux, the BSDs and macOS");
}
