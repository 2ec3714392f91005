//! What a call can answer.

use std::ffi::{CStr, c_char};

/// KLDIV_OK, or what was wrong. The numbers are fixed: 10 to 21, 42 and 60 speak of arguments that make the call
/// meaningless (nothing was written), 30 to 41, 50 and 51 of values in the data, 90 and 99 of the machine and the
/// library.
pub type kldiv_status = i32;

/// The call succeeded.
pub const KLDIV_OK: kldiv_status = 0;

/// A pointer that must not be NULL is.
pub const KLDIV_ERROR_NULL_POINTER: kldiv_status = 10;
/// A pointer is not aligned to what it points to.
pub const KLDIV_ERROR_MISALIGNED: kldiv_status = 11;
/// Sizes and strides span more than memory can hold.
pub const KLDIV_ERROR_SIZE_OVERFLOW: kldiv_status = 12;
/// An output shares bytes with an input or with itself.
pub const KLDIV_ERROR_OVERLAP: kldiv_status = 13;
/// An element type is unknown, or cannot be used here.
pub const KLDIV_ERROR_DTYPE: kldiv_status = 14;
/// An option makes no sense.
pub const KLDIV_ERROR_OPTIONS: kldiv_status = 15;

/// Two shapes that must agree do not.
pub const KLDIV_ERROR_SHAPE_MISMATCH: kldiv_status = 20;
/// There are no outcomes: 0 columns.
pub const KLDIV_ERROR_EMPTY: kldiv_status = 21;

/// A probability or count is negative.
pub const KLDIV_ERROR_NEGATIVE: kldiv_status = 30;
/// An entry is not a number.
pub const KLDIV_ERROR_NAN: kldiv_status = 31;
/// An entry is infinite that must not be, or a sum overflows.
pub const KLDIV_ERROR_INFINITE: kldiv_status = 32;
/// A row that is to be normalized sums to 0.
pub const KLDIV_ERROR_ZERO_MASS: kldiv_status = 33;
/// A row that is required to sum to 1 does not.
pub const KLDIV_ERROR_NOT_NORMALIZED: kldiv_status = 34;
/// An index is out of range.
pub const KLDIV_ERROR_INDEX: kldiv_status = 35;

/// A distribution's parameter is outside its domain.
pub const KLDIV_ERROR_PARAMETER: kldiv_status = 40;
/// A matrix that must be positive definite is not.
pub const KLDIV_ERROR_NOT_POSITIVE_DEFINITE: kldiv_status = 41;
/// There is no answer for this pair of families.
pub const KLDIV_ERROR_UNSUPPORTED_PAIR: kldiv_status = 42;

/// The tolerance was not reached.
pub const KLDIV_ERROR_NOT_CONVERGED: kldiv_status = 50;
/// The samples do not determine an estimate.
pub const KLDIV_ERROR_DEGENERATE: kldiv_status = 51;

/// A state is not one that this library made.
pub const KLDIV_ERROR_STATE: kldiv_status = 60;

/// Memory could not be had.
pub const KLDIV_ERROR_OUT_OF_MEMORY: kldiv_status = 90;
/// A fault of the library; please report it.
pub const KLDIV_ERROR_INTERNAL: kldiv_status = 99;

/// What a status means, in a sentence. kldiv_last_error() says more of a particular failure.
///
/// @return static text, also for a number that is no status
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn kldiv_status_message(status: kldiv_status) -> *const c_char {
    message(status).as_ptr()
}

fn message(status: kldiv_status) -> &'static CStr {
    match status {
        KLDIV_OK => c"success",
        KLDIV_ERROR_NULL_POINTER => c"a pointer that must not be NULL is NULL",
        KLDIV_ERROR_MISALIGNED => c"a pointer is not aligned to what it points to",
        KLDIV_ERROR_SIZE_OVERFLOW => c"sizes and strides span more than memory can hold",
        KLDIV_ERROR_OVERLAP => c"an output shares bytes with an input or with itself",
        KLDIV_ERROR_DTYPE => c"an element type is unknown or cannot be used here",
        KLDIV_ERROR_OPTIONS => c"an option makes no sense",
        KLDIV_ERROR_SHAPE_MISMATCH => c"two shapes that must agree do not",
        KLDIV_ERROR_EMPTY => c"the inputs have no outcomes",
        KLDIV_ERROR_NEGATIVE => c"a probability or count is negative",
        KLDIV_ERROR_NAN => c"an entry is not a number",
        KLDIV_ERROR_INFINITE => c"an entry is infinite where that has no meaning",
        KLDIV_ERROR_ZERO_MASS => c"a row that is to be normalized sums to 0",
        KLDIV_ERROR_NOT_NORMALIZED => c"a row that is required to sum to 1 does not",
        KLDIV_ERROR_INDEX => c"an index is out of range",
        KLDIV_ERROR_PARAMETER => c"a distribution's parameter is outside its domain",
        KLDIV_ERROR_NOT_POSITIVE_DEFINITE => c"a matrix that must be positive definite is not",
        KLDIV_ERROR_UNSUPPORTED_PAIR => c"there is no answer for this pair of families",
        KLDIV_ERROR_NOT_CONVERGED => c"the tolerance was not reached",
        KLDIV_ERROR_DEGENERATE => c"the samples do not determine an estimate",
        KLDIV_ERROR_STATE => c"a state is not one that this library made",
        KLDIV_ERROR_OUT_OF_MEMORY => c"memory could not be had",
        KLDIV_ERROR_INTERNAL => c"a fault of the library; please report it",
        _ => c"not a status of this library",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers of the constants above, read from the text: none can be forgotten.
    fn declared() -> Vec<kldiv_status> {
        let constants = include_str!("status.rs").lines().filter(|line| line.starts_with("pub const KLDIV_"));
        constants
            .map(|line| line.rsplit(' ').next().unwrap().trim_end_matches(';').parse().unwrap())
            .collect()
    }

    #[test]
    fn every_status_has_a_message_of_its_own() {
        let mut messages: Vec<_> = declared().into_iter().chain([-1]).map(message).collect();
        messages.sort();
        messages.dedup();
        assert_eq!(messages.len(), declared().len() + 1);
        assert_eq!(declared().len(), 23);
    }

    #[test]
    fn messages_are_ascii() {
        assert!(declared().into_iter().all(|status| message(status).to_bytes().is_ascii()));
    }
}
