//! What libraries are called on a system, and what a program that links the static one needs beside it.

use std::process::{Command, Stdio};

/// The release; its first number is that of the ABI, which sonames have (crates/kldiv-capi/build.rs).
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The number of the ABI.
pub(crate) const MAJOR: &str = env!("CARGO_PKG_VERSION_MAJOR");

/// One system's ways.
pub(crate) struct Platform {
    /// What cargo builds, and what linkers look for: `libkldiv.so`.
    pub(crate) link: String,
    /// What programs record: `libkldiv.so.0`.
    pub(crate) soname: String,
    /// The file itself: `libkldiv.so.0.1.0`.
    pub(crate) file: String,
    /// What CMake compares sonames with; macOS has its `install_name` in it.
    pub(crate) cmake_soname: String,
    /// Linker flags that the static library needs.
    pub(crate) private: Vec<String>,
    /// The size of a pointer.
    pub(crate) pointer_bits: u32,
}

impl Platform {
    /// This machine's, or that of a target triple.
    pub(crate) fn of(target: Option<&str>) -> Result<Self, String> {
        let cfg = rustc(&["--print", "cfg"], target)?.0;
        let value = |key: &str| {
            let start = format!("{key}=\"");
            cfg.lines().find_map(|line| line.strip_prefix(&start)?.strip_suffix('"')).unwrap_or("")
        };
        let os = value("target_os");
        let (link, soname, file) = match os {
            "linux" | "android" | "freebsd" | "netbsd" | "openbsd" | "dragonfly" => {
                ("libkldiv.so".to_owned(), format!("libkldiv.so.{MAJOR}"), format!("libkldiv.so.{VERSION}"))
            }
            "macos" => (
                "libkldiv.dylib".to_owned(),
                format!("libkldiv.{MAJOR}.dylib"),
                format!("libkldiv.{VERSION}.dylib"),
            ),
            _ => return Err(format!("install knows Linux, the BSDs and macOS, not {os}")),
        };
        let cmake_soname = if os == "macos" { format!("@rpath/{soname}") } else { soname.clone() };
        Ok(Platform {
            link,
            soname,
            file,
            cmake_soname,
            private: private(target)?,
            pointer_bits: value("target_pointer_width").parse().unwrap_or(64),
        })
    }
}

/// What rustc says of a static library that has nothing but the standard library in it, for no crate of kldiv's adds
/// to that. Without what every compiler driver links by itself: `-lgcc_s` would keep `-static` from working.
fn private(target: Option<&str>) -> Result<Vec<String>, String> {
    let empty = std::env::temp_dir().join(format!("kldiv-xtask-{}.a", std::process::id()));
    let output = empty.to_str().ok_or("the temporary directory's name is not UTF-8")?;
    let said =
        rustc(&["--crate-type", "staticlib", "--print", "native-static-libs", "-o", output, "-"], target);
    let _ = std::fs::remove_file(&empty);
    let said = said?.1;
    let flags = said.lines().find_map(|line| line.split_once("native-static-libs: "));
    let flags = flags.ok_or(format!("rustc does not say what a static library needs:\n{said}"))?.1;
    let driver = ["-lgcc_s", "-lc", "-lSystem"];
    Ok(flags.split_whitespace().filter(|flag| !driver.contains(flag)).map(str::to_owned).collect())
}

/// What rustc prints, to stdout and to stderr, compiling nothing.
fn rustc(arguments: &[&str], target: Option<&str>) -> Result<(String, String), String> {
    let mut command = Command::new(std::env::var_os("RUSTC").unwrap_or("rustc".into()));
    command.args(arguments).stdin(Stdio::null());
    if let Some(target) = target {
        command.args(["--target", target]);
    }
    let output = command.output().map_err(|error| format!("rustc: {error}"))?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    if output.status.success() { Ok((stdout, stderr)) } else { Err(stderr) }
}
