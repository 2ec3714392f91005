//! Builds libkldiv and puts it, with what its users' tools look for, below a prefix; and takes it away again.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use crate::files;
use crate::platform::Platform;

/// What the command line asks for.
pub(crate) struct Options {
    pub(crate) prefix: PathBuf,
    pub(crate) libdir: PathBuf,
    pub(crate) includedir: PathBuf,
    pub(crate) destdir: Option<PathBuf>,
    pub(crate) profile: String,
    pub(crate) target: Option<String>,
    pub(crate) build: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            prefix: "/usr/local".into(),
            libdir: "lib".into(),
            includedir: "include".into(),
            destdir: std::env::var_os("DESTDIR").filter(|dir| !dir.is_empty()).map(PathBuf::from),
            profile: "release".into(),
            target: None,
            build: true,
        }
    }
}

impl Options {
    /// Where the libraries will be.
    pub(crate) fn libdir(&self) -> PathBuf {
        self.prefix.join(&self.libdir)
    }

    /// Where the headers will be.
    pub(crate) fn includedir(&self) -> PathBuf {
        self.prefix.join(&self.includedir)
    }

    /// The same options with a prefix from the root on; a relative one is from the current directory.
    fn checked(&self) -> Result<Options, String> {
        let here = std::env::current_dir().map_err(|error| format!("the current directory: {error}"))?;
        let prefix = here.join(&self.prefix).components().collect();
        for dir in [&prefix, &self.libdir, &self.includedir] {
            if dir.components().any(|part| part == Component::ParentDir) {
                return Err(format!("{} has .. in it; name the directory itself", dir.display()));
            }
        }
        Ok(Options {
            prefix,
            libdir: self.libdir.clone(),
            includedir: self.includedir.clone(),
            destdir: self.destdir.as_ref().map(|dir| here.join(dir)),
            profile: self.profile.clone(),
            target: self.target.clone(),
            build: self.build,
        })
    }

    /// Where a path is while it is put in place: below the staging directory, if there is one.
    fn staged(&self, path: &Path) -> PathBuf {
        match &self.destdir {
            Some(destdir) => destdir.join(path.strip_prefix("/").unwrap_or(path)),
            None => path.to_owned(),
        }
    }
}

/// What an installed path is.
enum Content {
    Copy { of: PathBuf, mode: u32 },
    Text(String),
    Link(String),
}

/// Everything that is installed.
fn plan(options: &Options, platform: &Platform) -> Result<Vec<(PathBuf, Content)>, String> {
    let built = built(options)?;
    let (include, lib) = (options.includedir(), options.libdir());
    let header = |name: &str| {
        (include.join(name), Content::Copy { of: root().join("include").join(name), mode: 0o644 })
    };
    let cmake = lib.join("cmake/kldiv");
    Ok(vec![
        header("kldiv.h"),
        header("kldiv.hpp"),
        (lib.join(&platform.file), Content::Copy { of: built.join(&platform.link), mode: 0o755 }),
        (lib.join(&platform.soname), Content::Link(platform.file.clone())),
        (lib.join(&platform.link), Content::Link(platform.soname.clone())),
        (lib.join("libkldiv.a"), Content::Copy { of: built.join("libkldiv.a"), mode: 0o644 }),
        (lib.join("pkgconfig/kldiv.pc"), Content::Text(files::pkg_config(options, platform))),
        (cmake.join("kldivConfig.cmake"), Content::Text(files::cmake(options, platform))),
        (cmake.join("kldivConfigVersion.cmake"), Content::Text(files::cmake_version(platform))),
    ])
}

/// Builds what is missing and puts everything in place. A file that is there is replaced in one step: a program that
/// runs with the old library keeps it.
pub(crate) fn install(options: &Options) -> Result<(), String> {
    let options = options.checked()?;
    let platform = Platform::of(options.target.as_deref())?;
    if options.build {
        let mut build = cargo("build");
        build.args(["--package", "kldiv-capi", "--profile", &options.profile]);
        if let Some(target) = &options.target {
            build.args(["--target", target]);
        }
        let status = build.status().map_err(|error| format!("cargo: {error}"))?;
        if !status.success() {
            return Err("libkldiv could not be built".into());
        }
    }
    for (path, content) in plan(&options, &platform)? {
        let path = options.staged(&path);
        put(&path, &content).map_err(|error| format!("{}: {error}", path.display()))?;
        println!("{}", path.display());
    }
    Ok(())
}

/// Removes the files that an install with the same options puts there, and the directory that is kldiv's alone.
pub(crate) fn uninstall(options: &Options) -> Result<(), String> {
    let options = options.checked()?;
    let platform = Platform::of(options.target.as_deref())?;
    for (path, _) in plan(&options, &platform)? {
        let path = options.staged(&path);
        match fs::remove_file(&path) {
            Ok(()) => println!("{}", path.display()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(format!("{}: {error}", path.display())),
        }
    }
    let _ = fs::remove_dir(options.staged(&options.libdir().join("cmake/kldiv")));
    Ok(())
}

fn put(path: &Path, content: &Content) -> io::Result<()> {
    let dir = path.parent().expect("a file is in a directory");
    fs::create_dir_all(dir)?;
    let name = path.file_name().expect("a file has a name").to_string_lossy();
    let fresh = dir.join(format!(".{name}.{}", std::process::id()));
    let written = match content {
        Content::Copy { of, mode } => fs::copy(of, &fresh)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", of.display())))
            .and_then(|_| permit(&fresh, *mode)),
        Content::Text(text) => fs::write(&fresh, text).and_then(|()| permit(&fresh, 0o644)),
        Content::Link(to) => link(to, &fresh),
    };
    let put = written.and_then(|()| fs::rename(&fresh, path));
    if put.is_err() {
        let _ = fs::remove_file(&fresh);
    }
    put
}

#[cfg(unix)]
fn permit(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(unix)]
fn link(to: &str, path: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(to, path)
}

#[cfg(not(unix))]
fn permit(_: &Path, _: u32) -> io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
fn link(_: &str, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

fn cargo(command: &str) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.args([command, "--locked", "--manifest-path"]).arg(root().join("Cargo.toml"));
    cargo
}

/// The workspace.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is in the workspace")
}

/// The directory that cargo puts the libraries of a profile in.
fn built(options: &Options) -> Result<PathBuf, String> {
    let output = cargo("metadata")
        .args(["--offline", "--no-deps", "--format-version", "1"])
        .output()
        .map_err(|error| format!("cargo: {error}"))?;
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)
        .map_err(|_| format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)))?;
    let target = metadata["target_directory"].as_str().map_or(root().join("target"), PathBuf::from);
    let target = options.target.iter().fold(target, |dir, triple| dir.join(triple));
    Ok(target.join(if options.profile == "dev" { "debug" } else { &options.profile }))
}
