//! The command `kldiv`: divergences explained, plotted, and computed from files.
//!
//! `input` is the one way in and `output` the one way out; a file beside them for each subcommand. All that is computed is
//! computed by the library. Errors are one line on standard error and exit status 2.

mod args;
mod bars;
mod compare;
mod explain;
mod failure;
mod family;
mod input;
mod number;
mod output;
mod pairs;
mod pairwise;
mod plot;
mod progress;
mod rest;
mod rows;
mod words;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::args::{Cli, Command};
use crate::failure::{Failure, Result, fail, writing};

fn main() -> ExitCode {
    failure::no_backtraces();
    let cli = Cli::parse_from(std::env::args_os().map(not_an_option));
    match run(cli.command) {
        Ok(()) | Err(Failure::NobodyReads) => ExitCode::SUCCESS,
        Err(Failure::Wrong(message)) => {
            eprintln!("kldiv: {message}");
            ExitCode::from(2)
        }
        Err(Failure::Exceeded(message)) => {
            eprintln!("kldiv: {message}");
            ExitCode::from(1)
        }
    }
}

/// Numbers that begin with a minus and columns of standard input are no options: clap leaves alone what begins with a
/// space.
fn not_an_option(argument: OsString) -> OsString {
    let is_data = |c: char| c.is_ascii_digit() || c == '.' || c == ':';
    match argument.to_str() {
        Some(text) if text.strip_prefix('-').is_some_and(|rest| rest.starts_with(is_data)) => {
            format!(" {text}").into()
        }
        _ => argument,
    }
}

fn run(command: Command) -> Result {
    match command {
        Command::Explain(args) => explain::run(&args),
        Command::Rows(args) => rows::run(&args),
        Command::Pairwise(args) => pairwise::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Family(args) => family::run(&args),
        Command::Completions(args) => {
            let mut script = Vec::new();
            clap_complete::generate(args.shell, &mut Cli::command(), "kldiv", &mut script);
            print(&script)
        }
        Command::Man(args) => {
            let mut cli = Cli::command();
            cli.build();
            let page = match args.command {
                None => cli,
                Some(name) => match cli.find_subcommand(&name) {
                    Some(command) => command.clone(),
                    None => return fail(format!("there is no subcommand {name}")),
                },
            };
            let mut text = Vec::new();
            clap_mangen::Man::new(page).render(&mut text).map_err(writing)?;
            print(&text)
        }
    }
}

fn print(bytes: &[u8]) -> Result {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(writing)
}
