//! What can be wrong with a call, and where.

use crate::view::Shape;

/// What is wrong with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Below zero.
    Negative,
    /// Not a number.
    Nan,
    /// Plus or minus infinity.
    Infinite,
}

/// What a parameter of a distribution may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Domain {
    /// Finite.
    Real,
    /// Finite and above 0.
    Positive,
    /// Finite and at least 0.
    NotNegative,
    /// From 0 to 1.
    Probability,
    /// Between 0 and 1.
    Inside,
    /// Above 0 and at most 1.
    AboveZero,
    /// At least 0 and below 1.
    BelowOne,
    /// A whole number, at least 0.
    Whole,
    /// No NaN and below infinity.
    Logit,
    /// Above the lower end, by a finite width.
    AboveLow,
    /// Above the dimension less 1.
    AboveDimension,
    /// An entry of a row one of whose entries is above 0.
    SomeMass,
    /// An entry of a row one of whose entries is finite.
    SomeFinite,
    /// Equal to its mirror image about the diagonal.
    Symmetric,
    /// 0 above the diagonal.
    Lower,
}

impl std::fmt::Display for Domain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Domain::Real => "it is finite",
            Domain::Positive => "it is finite and above 0",
            Domain::NotNegative => "it is finite and at least 0",
            Domain::Probability => "it is from 0 to 1",
            Domain::Inside => "it is between 0 and 1",
            Domain::AboveZero => "it is above 0 and at most 1",
            Domain::BelowOne => "it is at least 0 and below 1",
            Domain::Whole => "it is a whole number, at least 0",
            Domain::Logit => "it is no NaN and below infinity",
            Domain::AboveLow => "it is above low, by a finite width",
            Domain::AboveDimension => "it is above the dimension less 1",
            Domain::SomeMass => "one of them is above 0",
            Domain::SomeFinite => "one of them is finite",
            Domain::Symmetric => "it equals its mirror image",
            Domain::Lower => "it is 0 above the diagonal",
        })
    }
}

/// Which input an error speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operand {
    /// Its place among the inputs, from 0.
    pub index: u32,
    /// Its name.
    pub name: &'static str,
}

impl Operand {
    /// The first of two distributions.
    pub const P: Operand = Operand::new(0, "p");
    /// The second of two distributions.
    pub const Q: Operand = Operand::new(1, "q");

    pub(crate) const fn new(index: u32, name: &'static str) -> Operand {
        Operand { index, name }
    }
}

impl std::fmt::Display for Operand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// A number as it is fit to print: with an exponent where it would be long without.
fn number(x: &f64) -> impl std::fmt::Display {
    struct Number(f64);

    impl std::fmt::Display for Number {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            let x = self.0;
            match x == 0.0 || !x.is_finite() || (1e-5..1e16).contains(&x.abs()) {
                true => write!(f, "{x}"),
                false => write!(f, "{x:e}"),
            }
        }
    }

    Number(*x)
}

/// Everything a call can complain about; the message names the culprit.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An entry is negative, NaN or infinite.
    #[error("{operand}[{row}, {col}] is {}; {expected}", number(value))]
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
        /// What it should be.
        expected: &'static str,
    },
    /// A row that is to be normalised has no mass: all zeros, or logits of −∞ throughout.
    #[error("row {row} of {operand} has no mass and cannot be normalized; no outcome in it is possible")]
    ZeroMass {
        /// The input that holds the row.
        operand: Operand,
        /// The row, from 0.
        row: usize,
    },
    /// A row that is required to sum to 1 does not.
    #[error("row {row} of {operand} sums to {}, further from 1 than {}", number(sum), number(tolerance))]
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
    /// An index names no class, or one that another index of its row names too.
    #[error("{operand}[{row}, {col}] is {index}; {expected}")]
    Index {
        /// The input that holds it.
        operand: Operand,
        /// Its row, from 0.
        row: usize,
        /// Its place in the row, from 0.
        col: usize,
        /// The index itself.
        index: i64,
        /// What it should be.
        expected: &'static str,
    },
    /// An option has a value that makes no sense.
    #[error("option {name} is {}; {expected}", number(value))]
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
    /// An integral has not been brought within its tolerance, or P does not integrate to 1.
    #[error(
        "the integral is {} give or take {}, short of the tolerance; p integrates to {}",
        number(value),
        number(error),
        number(mass)
    )]
    NotConverged {
        /// The divergence so far, in nats.
        value: f64,
        /// What its error may be, in nats; infinite where nothing is known.
        error: f64,
        /// What p integrates to.
        mass: f64,
    },
    /// A density, or its logarithm, has a value that none has.
    #[error("{operand}({}) is {}; {expected}", number(x), number(value))]
    Density {
        /// The density.
        operand: Operand,
        /// Where.
        x: f64,
        /// Its value there.
        value: f64,
        /// What is wrong with it.
        fault: Fault,
        /// What it should be.
        expected: &'static str,
    },
    /// Coinciding points of samples leave the nearest-neighbour estimate undefined.
    #[error("row {row} of x coincides with {k} or more other points of {operand}; take a k that is larger")]
    Degenerate {
        /// The sample that holds the other points.
        operand: Operand,
        /// The first point of x that is at fault, from 0.
        row: usize,
        /// The order of the neighbour, whose distance is 0.
        k: usize,
        /// What the formula tends to: infinity if points of x coincide, minus infinity if points of x and y do, NaN if
        /// both occur.
        limit: f64,
    },
    /// A sample has too few points.
    #[error("{operand} has {found} points where at least {needed} are needed")]
    TooFew {
        /// The sample.
        operand: Operand,
        /// How many points it has.
        found: usize,
        /// How many it must have.
        needed: usize,
    },
    /// A parameter of a distribution is outside its domain.
    #[error("{name} in {operand}[{row}, {col}] is {}; {expected}", number(value))]
    Parameter {
        /// The input that holds it.
        operand: Operand,
        /// Its row, from 0.
        row: usize,
        /// Its column, from 0.
        col: usize,
        /// Its name.
        name: &'static str,
        /// Its value.
        value: f64,
        /// What it should be.
        expected: Domain,
    },
    /// A matrix that must be positive definite is not.
    #[error(
        "the matrix in row {row} of {operand} is not positive definite: pivot {pivot} is {}",
        number(value)
    )]
    NotPositiveDefinite {
        /// The input that holds it.
        operand: Operand,
        /// Its row, from 0.
        row: usize,
        /// The place on the diagonal, from 0, at which its factorisation ended.
        pivot: usize,
        /// What was found there in place of a positive number.
        value: f64,
    },
    /// There is no divergence between distributions of two families, or no gradient of it.
    #[error("there is no answer for {p} against {q}")]
    UnsupportedPair {
        /// The family of the first distribution.
        p: &'static str,
        /// The family of the second.
        q: &'static str,
    },
    /// An integral or a sum without a closed form did not reach its tolerance.
    #[error("row {row} could not be integrated: the error is about {}", number(error))]
    Inexact {
        /// The row, from 0.
        row: usize,
        /// An estimate of the error that was left.
        error: f64,
    },
    /// A partial sum is not one that this library made, or does not go with another; the message says why.
    #[error("the state {what}")]
    State {
        /// What is wrong with it.
        what: &'static str,
    },
    /// A partial sum was fed entries that are no probabilities.
    #[error("{invalid} of the {count} pairs that were added hold a negative, NaN or infinite number")]
    InvalidPairs {
        /// How many pairs.
        invalid: u64,
        /// Of how many.
        count: u64,
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
            | Error::Index { row, .. }
            | Error::NotNormalized { row, .. }
            | Error::Degenerate { row, .. }
            | Error::Overflow { row }
            | Error::Parameter { row, .. }
            | Error::NotPositiveDefinite { row, .. }
            | Error::Inexact { row, .. } => Some(row),
            _ => None,
        }
    }

    /// What is written in place of a single answer, in nats.
    pub(crate) fn so_far(&self) -> f64 {
        match *self {
            Error::NotConverged { value, .. } => value,
            Error::Degenerate { limit, .. } => limit,
            _ => f64::NAN,
        }
    }
}
