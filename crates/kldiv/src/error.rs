//! What can be wrong with a call, and where.

use crate::view::Shape;

/// What is wrong with an entry that is no probability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Below zero.
    Negative,
    /// Not a number.
    Nan,
    /// Plus or minus infinity.
    Infinite,
}

/// Which input an error speaks of: 0 is the first, 1 the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operand(pub u32);

impl std::fmt::Display for Operand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            0 => f.write_str("p"),
            1 => f.write_str("q"),
            n => write!(f, "operand {n}"),
        }
    }
}

/// Everything a call can complain about; the message names the culprit.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An entry is negative, NaN or infinite.
    #[error("{operand}[{row}, {col}] is {value}; probabilities and counts are finite and at least 0")]
    InvalidEntry {
        /// The input that holds it.
        operand: Operand,
        /// Its row, from 0.
        row: usize,
        /// Its column, from 0.
        col: usize,
        /// The entry itself.
        value: f64,
        /// What is wrong with it.
        fault: Fault,
    },
    /// A row that is to be normalised sums to zero.
    #[error("row {row} of {operand} sums to 0 and cannot be normalized; give it mass or a smoothing")]
    ZeroMass {
        /// The input that holds the row.
        operand: Operand,
        /// The row, from 0.
        row: usize,
    },
    /// A row that is required to sum to 1 does not.
    #[error("row {row} of {operand} sums to {sum}, further from 1 than {tolerance}")]
    NotNormalized {
        /// The input that holds the row.
        operand: Operand,
        /// The row, from 0.
        row: usize,
        /// What it sums to.
        sum: f64,
        /// How far from 1 it may be.
        tolerance: f64,
    },
    /// Two shapes that must agree do not.
    #[error("{what} is {found} where {expected} is needed")]
    ShapeMismatch {
        /// The argument of the wrong shape.
        what: &'static str,
        /// Its shape.
        found: Shape,
        /// The shape it must have.
        expected: Shape,
    },
    /// There are no columns: a distribution has at least one outcome.
    #[error("the inputs have 0 columns; a distribution has at least one outcome")]
    Empty,
    /// An option has a value that makes no sense.
    #[error("option {name} is {value}; {expected}")]
    Option {
        /// The option.
        name: &'static str,
        /// Its value.
        value: f64,
        /// What it should be.
        expected: &'static str,
    },
    /// The element type cannot be used in this place.
    #[error("{what} cannot have element type {dtype}")]
    Dtype {
        /// The argument.
        what: &'static str,
        /// Its element type.
        dtype: &'static str,
    },
    /// Finite entries so large that a sum of them is not.
    #[error("row {row} holds numbers whose sum overflows; divide them by their largest")]
    Overflow {
        /// The row, from 0.
        row: usize,
    },
    /// Memory for a result or a partial sum could not be had.
    #[error("out of memory: {bytes} bytes could not be reserved")]
    OutOfMemory {
        /// How much was asked for.
        bytes: usize,
    },
}

impl Error {
    /// The row that is at fault, where one row is.
    pub fn row(&self) -> Option<usize> {
        match *self {
            Error::InvalidEntry { row, .. }
            | Error::ZeroMass { row, .. }
            | Error::NotNormalized { row, .. }
            | Error::Overflow { row } => Some(row),
            _ => None,
        }
    }
}
