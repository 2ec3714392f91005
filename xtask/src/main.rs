//! What cargo alone does not do for kldiv: `cargo xtask install` puts the C library in place.

mod files;
mod install;
mod platform;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask install    builds libkldiv and puts it in place, with its headers, pkg-config and CMake files
cargo xtask uninstall  removes what the same install would put there

  --prefix DIR      where everything goes: /usr/local
  --libdir DIR      the libraries, below the prefix unless it begins with /: lib
  --includedir DIR  the headers, likewise: include
  --destdir DIR     put before every path, for packages; what is written into files does not name it: $DESTDIR
  --profile NAME    the profile of cargo's that is built and installed: release
  --target TRIPLE   built for another machine than this one
  --no-build        installs what was built before
";

fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("cargo xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut arguments: impl Iterator<Item = String>) -> Result<(), String> {
    let command = arguments.next().unwrap_or_default();
    match command.as_str() {
        "install" => install::install(&options(arguments)?),
        "uninstall" => install::uninstall(&options(arguments)?),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(())
        }
        _ => Err(format!("'{command}' is no command\n\n{HELP}")),
    }
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<install::Options, String> {
    let mut options = install::Options::default();
    while let Some(argument) = arguments.next() {
        let (name, mut given) = match argument.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (argument.as_str(), None),
        };
        let mut value = || given.take().or_else(|| arguments.next()).ok_or(format!("{name} needs a value"));
        match name {
            "--prefix" => options.prefix = value()?.into(),
            "--libdir" => options.libdir = value()?.into(),
            "--includedir" => options.includedir = value()?.into(),
            "--destdir" => options.destdir = Some(value()?.into()),
            "--profile" => options.profile = value()?,
            "--target" => options.target = Some(value()?),
            "--no-build" => options.build = false,
            _ => return Err(format!("'{argument}' is no option\n\n{HELP}")),
        }
        if given.is_some() {
            return Err(format!("{name} takes no value"));
        }
    }
    Ok(options)
}
