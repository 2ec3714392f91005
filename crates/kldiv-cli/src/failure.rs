//! Why the command stops early.

use std::fmt::Display;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::sync::atomic::{AtomicBool, Ordering};

use kldiv::Error;

/// What ends the command before its work is done.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something is wrong, in one line that names the culprit.
    Wrong(String),
    /// Nobody reads the output any more, which is no fault.
    NobodyReads,
    /// Everything was computed and written; a limit that was asked for is exceeded.
    Exceeded(String),
}

pub(crate) type Result<T = ()> = std::result::Result<T, Failure>;

/// A failure in one line, whatever line breaks its parts may bring.
pub(crate) fn wrong(message: impl Display) -> Failure {
    Failure::Wrong(message.to_string().split_whitespace().collect::<Vec<_>>().join(" "))
}

/// `Err` of [`wrong`].
pub(crate) fn fail<T>(message: impl Display) -> Result<T> {
    Err(wrong(message))
}

/// What writing ended with.
pub(crate) fn writing(error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::NobodyReads,
        _ => wrong(format!("cannot write the output: {error}")),
    }
}

/// An error of the library, where it speaks of no file: options, memory.
pub(crate) fn of_options(error: &Error) -> Failure {
    match error {
        Error::Option { name: "measure", expected, .. } => wrong(format!("--measure: {expected}")),
        Error::Option { name, value, expected } => {
            wrong(format!("--{} {value}: {expected}", name.replace('_', "-")))
        }
        other => wrong(other),
    }
}

/// Whether a panic is expected, and nothing to speak of.
static EXPECTED: AtomicBool = AtomicBool::new(false);

/// From now on a panic, which is a fault of the command, says so in one line.
pub(crate) fn no_backtraces() {
    set_hook(Box::new(|panic| {
        if !EXPECTED.load(Ordering::Relaxed) {
            eprintln!(
                "kldiv: a fault of this program, please report it: {}",
                panic.to_string().replace('\n', " ")
            );
        }
    }));
}

/// What a reader of untrusted files makes of one. Some panic where a file is damaged in ways they did not think of.
pub(crate) fn guarded<T>(name: &str, read: impl FnOnce() -> Result<T>) -> Result<T> {
    EXPECTED.store(true, Ordering::Relaxed);
    let result = catch_unwind(AssertUnwindSafe(read));
    EXPECTED.store(false, Ordering::Relaxed);
    result.unwrap_or_else(|_| fail(format!("{name} is damaged: it does not hold what it promises")))
}
