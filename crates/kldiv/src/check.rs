//! Finding the culprit. Kernels only notice that a row holds something that is no probability; this finds it.

use crate::error::{Error, Fault, Operand};
use crate::view::{Dtype, Row, Shape, View};

/// What is wrong with a number that should be a probability or a count.
pub(crate) fn fault(x: f64) -> Option<Fault> {
    if x.is_nan() {
        Some(Fault::Nan)
    } else if x.is_infinite() {
        Some(Fault::Infinite)
    } else if x < 0.0 {
        Some(Fault::Negative)
    } else {
        None
    }
}

/// The first entry of a pair of rows that is no probability; p is looked at before q.
pub(crate) fn culprit(p: Row, q: Row, row: usize) -> Option<Error> {
    culprit_in(p, Operand::P, row).or_else(|| culprit_in(q, Operand::Q, row))
}

/// The first entry of one row that is no probability.
pub(crate) fn culprit_in(side: Row, operand: Operand, row: usize) -> Option<Error> {
    (0..side.len()).find_map(|col| {
        let value = side.get(col);
        let fault = fault(value)?;
        let expected = "probabilities and counts are finite and at least 0";
        Some(Error::InvalidEntry { operand, row, col, value, fault, expected })
    })
}

/// The first entry of rows of logits or log-probabilities that is none: NaN or +∞.
pub(crate) fn culprit_logit(sides: &[(Row, Operand)], row: usize) -> Option<Error> {
    sides.iter().find_map(|&(side, operand)| {
        (0..side.len()).find_map(|col| {
            let value = side.get(col);
            let fault = match value {
                _ if value.is_nan() => Fault::Nan,
                f64::INFINITY => Fault::Infinite,
                _ => return None,
            };
            let expected = "logits and log-probabilities are finite or negative infinity";
            Some(Error::InvalidEntry { operand, row, col, value, fault, expected })
        })
    })
}

/// Says whether two matrices can be compared row by row.
pub(crate) fn same_shape(p: &View, q: &View) -> Result<(), Error> {
    needs_shape("q", q.shape(), p.shape())?;
    if p.cols() == 0 {
        return Err(Error::Empty);
    }
    Ok(())
}

/// Says whether an argument has the shape that it needs.
pub(crate) fn needs_shape(what: &'static str, found: Shape, expected: Shape) -> Result<(), Error> {
    if found == expected { Ok(()) } else { Err(Error::ShapeMismatch { what, found, expected }) }
}

/// Says whether an output can hold numbers that are no counts.
pub(crate) fn needs_float(what: &'static str, dtype: Dtype) -> Result<(), Error> {
    if dtype.is_float() { Ok(()) } else { Err(Error::Dtype { what, dtype: dtype.name() }) }
}
