//! The texts that are installed beside the libraries, and the paths that they name.

use std::path::{Component, Path, PathBuf};

use crate::install::Options;
use crate::platform::{MAJOR, Platform, VERSION};

const PKG_CONFIG: &str = include_str!("../templates/kldiv.pc.in");
const CMAKE: &str = include_str!("../templates/kldivConfig.cmake.in");
const CMAKE_VERSION: &str = include_str!("../templates/kldivConfigVersion.cmake.in");

/// kldiv.pc. It finds the tree from where it is itself, so that the tree can be moved; not so below /usr, where
/// pkg-config has to see that the directories are the system's, and in a tree of which a part is elsewhere.
pub(crate) fn pkg_config(options: &Options, platform: &Platform) -> String {
    let (prefix, libdir, includedir) = (&options.prefix, options.libdir(), options.includedir());
    let inside = libdir.starts_with(prefix) && includedir.starts_with(prefix);
    let below = |dir: &Path| match dir.strip_prefix(prefix) {
        Ok(rest) => Path::new("${prefix}").join(rest),
        Err(_) => dir.to_owned(),
    };
    let moved = inside && prefix != Path::new("/usr");
    let root = if moved {
        Path::new("${pcfiledir}").join(relative(&libdir.join("pkgconfig"), prefix))
    } else {
        prefix.clone()
    };
    fill(
        PKG_CONFIG,
        &[
            ("PREFIX", &show(&root)),
            ("INCLUDEDIR", &show(&below(&includedir))),
            ("LIBDIR", &show(&below(&libdir))),
            ("DESCRIPTION", "the Kullback-Leibler divergence, its relatives and their gradients"),
            ("VERSION", VERSION),
            ("PRIVATE", &platform.private.join(" ")),
        ],
    )
}

/// kldivConfig.cmake.
pub(crate) fn cmake(options: &Options, platform: &Platform) -> String {
    let (here, includedir) = (options.libdir().join("cmake/kldiv"), options.includedir());
    let includedir = if includedir.starts_with(&options.prefix) && here.starts_with(&options.prefix) {
        Path::new("${CMAKE_CURRENT_LIST_DIR}").join(relative(&here, &includedir))
    } else {
        includedir
    };
    fill(
        CMAKE,
        &[
            ("INCLUDEDIR", &show(&includedir)),
            ("SHARED", &platform.file),
            ("SONAME", &platform.cmake_soname),
            ("STATIC", "libkldiv.a"),
            ("PRIVATE_LIST", &platform.private.join(";")),
        ],
    )
}

/// kldivConfigVersion.cmake.
pub(crate) fn cmake_version(platform: &Platform) -> String {
    let bits = platform.pointer_bits;
    fill(
        CMAKE_VERSION,
        &[
            ("VERSION", VERSION),
            ("MAJOR", MAJOR),
            ("POINTER_BITS", &bits.to_string()),
            ("POINTER_BYTES", &(bits / 8).to_string()),
        ],
    )
}

fn fill(template: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(template.to_owned(), |text, (name, value)| text.replace(&format!("@{name}@"), value))
}

fn show(path: &Path) -> String {
    path.display().to_string()
}

/// The way from one directory to another; both are absolute and without `..`.
fn relative(from: &Path, to: &Path) -> PathBuf {
    let common = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(common).map(|_| Component::ParentDir);
    up.chain(to.components().skip(common)).collect()
}
