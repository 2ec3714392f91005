//! The last failure of each thread.

use std::cell::RefCell;
use std::ffi::c_char;
use std::fmt::{self, Write};
use std::mem::offset_of;
use std::ptr;

use core_kldiv::{Error, Fault};

use crate::status::*;

/// What went wrong in a thread's last failed call.
///
/// operand, row, col and value are those of the first bad entry for the statuses 30 to 32 and 35; ZERO_MASS gives
/// operand and row; NOT_NORMALIZED gives operand, row and, as value, the sum; NOT_CONVERGED, as value, the divergence
/// so far in nats; DEGENERATE the operand and, of coinciding points, the row of the first sample; OPTIONS may give the
/// option's value. What does not apply is 0.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct kldiv_error {
    /// Set by the caller: sizeof(kldiv_error).
    pub struct_size: usize,
    /// The status that the call returned; KLDIV_OK if none has failed yet.
    pub status: kldiv_status,
    /// Which input: 0 is the first, 1 the second.
    pub operand: u32,
    /// Its row, from 0.
    pub row: usize,
    /// Its column, from 0.
    pub col: usize,
    /// The bad value.
    pub value: f64,
    /// A sentence that names the culprit: ASCII, ends in NUL, fit to print.
    pub message: [c_char; 256],
}

thread_local! {
    static LAST: RefCell<kldiv_error> = const { RefCell::new(kldiv_error::NONE) };
}

/// Copies what is known of the calling thread's last failed call. A call that succeeds changes nothing here.
///
/// @param error  its struct_size says how much the caller has room for, and no more is written. NULL, or a size
///               too small for the status: nothing is
/// Thread-safe. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kldiv_last_error(error: *mut kldiv_error) {
    if error.is_null() || !error.is_aligned() {
        return;
    }
    // SAFETY: the caller's struct begins with its size.
    let struct_size = unsafe { (&raw const (*error).struct_size).read() };
    let size = struct_size.min(size_of::<kldiv_error>());
    if size < offset_of!(kldiv_error, operand) {
        return;
    }
    let mut last = LAST.with_borrow(|last| *last);
    last.struct_size = struct_size;
    if let Some(room) = size.checked_sub(offset_of!(kldiv_error, message) + 1) {
        last.message[room.min(last.message.len() - 1)] = 0;
    }
    // SAFETY: the caller has room for `size` bytes, and so have we.
    unsafe { ptr::copy_nonoverlapping((&raw const last).cast::<u8>(), error.cast::<u8>(), size) };
}

impl kldiv_error {
    const NONE: kldiv_error = kldiv_error {
        struct_size: 0,
        status: KLDIV_OK,
        operand: 0,
        row: 0,
        col: 0,
        value: 0.0,
        message: [0; 256],
    };
}

/// Why a call fails.
#[derive(Debug)]
pub(crate) enum Failure {
    /// An argument makes the call meaningless: its name and what is wrong with it.
    Argument(kldiv_status, &'static str, &'static str),
    /// The core complains.
    Core(Error),
    /// A panic was caught.
    Internal,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Core(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Argument(_, name, what) => write!(f, "{name} {what}"),
            Failure::Core(error) => error.fmt(f),
            Failure::Internal => f.write_str("a fault of the library; please report it"),
        }
    }
}

impl Failure {
    /// Makes this the calling thread's last failure and says its status. Allocates nothing.
    #[cold]
    pub(crate) fn record(&self) -> kldiv_status {
        let last = self.describe();
        LAST.set(last);
        last.status
    }

    fn describe(&self) -> kldiv_error {
        let mut last = kldiv_error::NONE;
        last.status = match *self {
            Failure::Argument(status, ..) => status,
            Failure::Internal => KLDIV_ERROR_INTERNAL,
            Failure::Core(ref error) => match *error {
                Error::InvalidEntry { operand, row, col, value, fault, .. } => {
                    (last.operand, last.row, last.col, last.value) = (operand.index, row, col, value);
                    of_fault(fault)
                }
                Error::ZeroMass { operand, row } => {
                    (last.operand, last.row) = (operand.index, row);
                    KLDIV_ERROR_ZERO_MASS
                }
                Error::NotNormalized { operand, row, sum, .. } => {
                    (last.operand, last.row, last.value) = (operand.index, row, sum);
                    KLDIV_ERROR_NOT_NORMALIZED
                }
                Error::Index { operand, row, col, index, .. } => {
                    (last.operand, last.row, last.col, last.value) = (operand.index, row, col, index as f64);
                    KLDIV_ERROR_INDEX
                }
                Error::Option { value, .. } => {
                    last.value = value;
                    KLDIV_ERROR_OPTIONS
                }
                Error::Density { operand, value, fault, .. } => {
                    (last.operand, last.value) = (operand.index, value);
                    of_fault(fault)
                }
                Error::NotConverged { value, .. } => {
                    last.value = value;
                    KLDIV_ERROR_NOT_CONVERGED
                }
                Error::Degenerate { operand, row, .. } => {
                    (last.operand, last.row) = (operand.index, row);
                    KLDIV_ERROR_DEGENERATE
                }
                Error::TooFew { operand, .. } => {
                    last.operand = operand.index;
                    KLDIV_ERROR_DEGENERATE
                }
                Error::ShapeMismatch { .. } => KLDIV_ERROR_SHAPE_MISMATCH,
                Error::Empty => KLDIV_ERROR_EMPTY,
                Error::Dtype { .. } => KLDIV_ERROR_DTYPE,
                Error::OutOfMemory { .. } => KLDIV_ERROR_OUT_OF_MEMORY,
                Error::State { .. } => KLDIV_ERROR_STATE,
                Error::InvalidPairs { .. } => {
                    last.value = f64::NAN;
                    KLDIV_ERROR_NAN
                }
                // Finite entries whose sum is not.
                Error::Overflow { row } => {
                    (last.row, last.value) = (row, f64::INFINITY);
                    KLDIV_ERROR_INFINITE
                }
                Error::Parameter { operand, row, col, value, .. } => {
                    (last.operand, last.row, last.col, last.value) = (operand.index, row, col, value);
                    KLDIV_ERROR_PARAMETER
                }
                // The column is that of the pivot in its matrix.
                Error::NotPositiveDefinite { operand, row, pivot, value } => {
                    (last.operand, last.row, last.col, last.value) = (operand.index, row, pivot, value);
                    KLDIV_ERROR_NOT_POSITIVE_DEFINITE
                }
                Error::UnsupportedPair { .. } => KLDIV_ERROR_UNSUPPORTED_PAIR,
                Error::Inexact { row, error } => {
                    (last.row, last.value) = (row, error);
                    KLDIV_ERROR_NOT_CONVERGED
                }
                _ => KLDIV_ERROR_INTERNAL,
            },
        };
        // A message too long is cut: the text that fits stands.
        let _ = write!(Ascii { room: &mut last.message }, "{self}");
        last
    }
}

fn of_fault(fault: Fault) -> kldiv_status {
    match fault {
        Fault::Negative => KLDIV_ERROR_NEGATIVE,
        Fault::Nan => KLDIV_ERROR_NAN,
        Fault::Infinite => KLDIV_ERROR_INFINITE,
    }
}

/// Writes text as ASCII into what room there is, leaving a NUL at its end.
struct Ascii<'a> {
    room: &'a mut [c_char],
}

impl Write for Ascii<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            match std::mem::take(&mut self.room) {
                [place, rest @ ..] if !rest.is_empty() => {
                    *place = if c.is_ascii() { c as c_char } else { b'?' as c_char };
                    self.room = rest;
                }
                _ => return Err(fmt::Error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use core_kldiv::{Domain, Operand, Shape};

    use super::*;

    fn text(error: &kldiv_error) -> String {
        error.message.iter().take_while(|&&c| c != 0).map(|&c| c as u8 as char).collect()
    }

    fn last(struct_size: usize) -> kldiv_error {
        let mut error = kldiv_error { struct_size, message: [b'#' as c_char; 256], ..kldiv_error::NONE };
        // SAFETY: the struct is ours and at least as long as it says.
        unsafe { kldiv_last_error(&mut error) };
        error
    }

    #[test]
    fn the_first_bad_entry_can_be_asked_for() {
        let (operand, fault, expected) = (Operand::Q, Fault::Negative, "probabilities are at least 0");
        let bad = Error::InvalidEntry { operand, row: 2, col: 3, value: -0.1, fault, expected };
        assert_eq!(Failure::from(bad).record(), KLDIV_ERROR_NEGATIVE);
        let error = last(size_of::<kldiv_error>());
        assert_eq!(
            (error.status, error.operand, error.row, error.col, error.value),
            (KLDIV_ERROR_NEGATIVE, 1, 2, 3, -0.1)
        );
        assert!(text(&error).starts_with("q[2, 3] is -0.1"), "{}", text(&error));
    }

    #[test]
    fn a_thread_without_a_failure_has_none() {
        std::thread::spawn(|| {
            let error = last(size_of::<kldiv_error>());
            assert_eq!((error.status, text(&error)), (KLDIV_OK, String::new()));
        })
        .join()
        .unwrap();
    }

    #[test]
    fn an_older_caller_gets_what_it_has_room_for() {
        Failure::Argument(KLDIV_ERROR_NULL_POINTER, "p", "is NULL").record();
        let before_message = offset_of!(kldiv_error, message);
        let error = last(before_message);
        assert_eq!((error.status, error.message[0]), (KLDIV_ERROR_NULL_POINTER, b'#' as c_char));
        let error = last(before_message + 4);
        assert_eq!(text(&error), "p i");
        assert_eq!(error.message[4], b'#' as c_char);
        for too_small in [0, 8] {
            assert_eq!(last(too_small).status, KLDIV_OK);
        }
    }

    #[test]
    fn a_later_caller_keeps_what_lies_beyond() {
        Failure::Internal.record();
        let error = last(size_of::<kldiv_error>() + 64);
        assert_eq!(error.status, KLDIV_ERROR_INTERNAL);
        assert_eq!(error.struct_size, size_of::<kldiv_error>() + 64);
    }

    #[test]
    fn a_null_pointer_is_no_one_to_tell() {
        // SAFETY: NULL is allowed.
        unsafe { kldiv_last_error(ptr::null_mut()) };
    }

    #[test]
    fn a_message_is_ascii_and_cut_to_fit() {
        let long: &'static str = Box::leak("é!".repeat(300).into_boxed_str());
        let failure = Failure::Argument(KLDIV_ERROR_DTYPE, "q", long);
        let error = failure.describe();
        assert_eq!(text(&error).len(), 255);
        assert!(text(&error).starts_with("q ?!?!"));
    }

    #[test]
    fn every_complaint_of_the_core_has_its_status() {
        let shape = Shape { rows: 1, cols: 2 };
        let entry = |fault| {
            let (operand, expected) = (Operand::P, "something else");
            Error::InvalidEntry { operand, row: 0, col: 0, value: 0.0, fault, expected }
        };
        let statuses = [
            (entry(Fault::Negative), KLDIV_ERROR_NEGATIVE),
            (entry(Fault::Nan), KLDIV_ERROR_NAN),
            (entry(Fault::Infinite), KLDIV_ERROR_INFINITE),
            (Error::ZeroMass { operand: Operand::Q, row: 7 }, KLDIV_ERROR_ZERO_MASS),
            (
                Error::NotNormalized { operand: Operand::Q, row: 7, sum: 2.0, tolerance: 0.1 },
                KLDIV_ERROR_NOT_NORMALIZED,
            ),
            (Error::ShapeMismatch { what: "q", found: shape, expected: shape }, KLDIV_ERROR_SHAPE_MISMATCH),
            (Error::Empty, KLDIV_ERROR_EMPTY),
            (
                Error::Index { operand: Operand::P, row: 0, col: 1, index: -3, expected: "not below 0" },
                KLDIV_ERROR_INDEX,
            ),
            (Error::Option { name: "base", value: 0.5, expected: "above 1" }, KLDIV_ERROR_OPTIONS),
            (Error::Dtype { what: "out", dtype: "i64" }, KLDIV_ERROR_DTYPE),
            (Error::OutOfMemory { bytes: 8 }, KLDIV_ERROR_OUT_OF_MEMORY),
            (Error::State { what: "is damaged" }, KLDIV_ERROR_STATE),
            (Error::InvalidPairs { invalid: 1, count: 2 }, KLDIV_ERROR_NAN),
            (Error::NotConverged { value: 0.5, error: 0.1, mass: 0.9 }, KLDIV_ERROR_NOT_CONVERGED),
            (
                Error::Density {
                    operand: Operand::Q,
                    x: 0.5,
                    value: -1.0,
                    fault: Fault::Negative,
                    expected: "at least 0",
                },
                KLDIV_ERROR_NEGATIVE,
            ),
            (Error::Degenerate { operand: Operand::P, row: 3, k: 1, limit: 0.0 }, KLDIV_ERROR_DEGENERATE),
            (Error::TooFew { operand: Operand::P, found: 1, needed: 2 }, KLDIV_ERROR_DEGENERATE),
            (
                Error::Parameter {
                    operand: Operand::P,
                    row: 1,
                    col: 1,
                    name: "scale",
                    value: -1.0,
                    expected: Domain::Positive,
                },
                KLDIV_ERROR_PARAMETER,
            ),
            (
                Error::NotPositiveDefinite { operand: Operand::Q, row: 1, pivot: 2, value: -1.0 },
                KLDIV_ERROR_NOT_POSITIVE_DEFINITE,
            ),
            (Error::UnsupportedPair { p: "normal", q: "poisson" }, KLDIV_ERROR_UNSUPPORTED_PAIR),
            (Error::Inexact { row: 1, error: 0.5 }, KLDIV_ERROR_NOT_CONVERGED),
        ];
        for (error, status) in statuses {
            let message = error.to_string();
            let described = Failure::from(error).describe();
            assert_eq!(described.status, status);
            assert_eq!(text(&described), message);
        }
    }
}
