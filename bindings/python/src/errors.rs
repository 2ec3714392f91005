//! What the core complains about as Python's exceptions, with the place in the caller's own array.

use kldiv::{Error, Fault, Operand};
use pyo3::exceptions::{PyMemoryError, PyRuntimeError, PyTypeError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple};

/// How the rows of a call lie in one of its operands.
#[derive(Clone, Default)]
pub(crate) struct Place {
    pub(crate) name: &'static str,
    pub(crate) shape: Vec<usize>,
    /// Which axis the columns are; none for parameters and samples, whose place is a row and a column.
    pub(crate) axis: Option<usize>,
}

impl Place {
    /// The operand's own index of a row of the call, whose rows have the shape `rows`; without the columns' axis.
    fn row(&self, rows: &[usize], row: usize) -> Vec<usize> {
        let mut index = vec![0; rows.len()];
        let mut rest = row;
        for (place, len) in index.iter_mut().zip(rows).skip(1).rev() {
            *place = rest % len.max(&1);
            rest /= len.max(&1);
        }
        // What is left counts along the first axis, which an operand with rows of its own may have more of.
        index.iter_mut().take(1).for_each(|place| *place = rest);
        let Some(axis) = self.axis else { return index };
        let mut own = self.shape.clone();
        own.remove(axis);
        let skipped = index.len() - own.len().min(index.len());
        index[skipped..].iter().zip(&own).map(|(i, len)| if *len == 1 { 0 } else { *i }).collect()
    }

    /// With the columns' axis.
    fn entry(&self, mut row: Vec<usize>, col: usize) -> Vec<usize> {
        row.insert(self.axis.unwrap_or(row.len()), col);
        row
    }
}

/// The operands of a call and the shape of its rows.
#[derive(Default)]
pub(crate) struct Places {
    pub(crate) rows: Vec<usize>,
    pub(crate) operands: Vec<Place>,
}

/// The type that the package raises.
fn exception(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static TYPE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let get = || PyResult::Ok(py.import("kldiv._errors")?.getattr("KLDivError")?.unbind());
    Ok(TYPE.get_or_try_init(py, get)?.bind(py))
}

fn raised(py: Python<'_>, message: String, about: &Bound<'_, PyDict>) -> PyErr {
    match exception(py).and_then(|exception| exception.call((message,), Some(about))) {
        Ok(value) => PyErr::from_value(value),
        Err(error) => error,
    }
}

/// An error with nothing to say but its message.
pub(crate) fn error(py: Python<'_>, status: &str, message: String) -> PyErr {
    let about = PyDict::new(py);
    match about.set_item("status", status) {
        Ok(()) => raised(py, message, &about),
        Err(error) => error,
    }
}

/// The status of an error, named as in the C library.
fn status(error: &Error) -> &'static str {
    match error {
        Error::InvalidEntry { fault, .. } | Error::Density { fault, .. } => match fault {
            Fault::Negative => "negative",
            Fault::Nan => "nan",
            Fault::Infinite => "infinite",
        },
        Error::ZeroMass { .. } => "zero_mass",
        Error::NotNormalized { .. } => "not_normalized",
        Error::ShapeMismatch { .. } => "shape_mismatch",
        Error::Empty => "empty",
        Error::Index { .. } => "index",
        Error::Option { .. } => "options",
        Error::Dtype { .. } => "dtype",
        Error::Overflow { .. } => "infinite",
        Error::NotConverged { .. } | Error::Inexact { .. } => "not_converged",
        Error::Degenerate { .. } | Error::TooFew { .. } => "degenerate",
        Error::Parameter { .. } => "parameter",
        Error::NotPositiveDefinite { .. } => "not_positive_definite",
        Error::UnsupportedPair { .. } => "unsupported_pair",
        Error::State { .. } => "state",
        Error::InvalidPairs { .. } => "nan",
        Error::OutOfMemory { .. } => "out_of_memory",
        _ => "internal",
    }
}

/// The exception of an error whose row counts from `first`; `result` is what was answered all the same.
pub(crate) fn of_core(
    py: Python<'_>,
    found: &Error,
    first: usize,
    places: &Places,
    result: Option<&Bound<'_, PyAny>>,
) -> PyErr {
    match found {
        Error::Dtype { .. } => return PyTypeError::new_err(found.to_string()),
        Error::OutOfMemory { .. } => return PyMemoryError::new_err(found.to_string()),
        _ => {}
    }
    describe(py, found, first, places, result).unwrap_or_else(|error| error)
}

/// A panic that was caught.
pub(crate) fn fault() -> PyErr {
    PyRuntimeError::new_err("a fault of the library; please report it")
}

fn describe(
    py: Python<'_>,
    found: &Error,
    first: usize,
    places: &Places,
    result: Option<&Bound<'_, PyAny>>,
) -> PyResult<PyErr> {
    let about = PyDict::new(py);
    about.set_item(intern!(py, "status"), status(found))?;
    if let Some(result) = result {
        about.set_item(intern!(py, "result"), result)?;
    }
    let (operand, row, col, value) = match *found {
        Error::InvalidEntry { operand, row, col, value, .. }
        | Error::Parameter { operand, row, col, value, .. } => {
            (Some(operand), Some(row), Some(col), Some(value))
        }
        Error::Index { operand, row, col, index, .. } => {
            (Some(operand), Some(row), Some(col), Some(index as f64))
        }
        Error::ZeroMass { operand, row } | Error::Degenerate { operand, row, .. } => {
            (Some(operand), Some(row), None, None)
        }
        Error::NotNormalized { operand, row, sum, .. } => (Some(operand), Some(row), None, Some(sum)),
        Error::NotPositiveDefinite { operand, row, pivot, value } => {
            (Some(operand), Some(row), Some(pivot), Some(value))
        }
        Error::Density { operand, value, .. } => (Some(operand), None, None, Some(value)),
        Error::TooFew { operand, .. } => (Some(operand), None, None, None),
        Error::Overflow { row } => (None, Some(row), None, Some(f64::INFINITY)),
        Error::Inexact { row, error } => (None, Some(row), None, Some(error)),
        Error::NotConverged { value, .. } => (None, None, None, Some(value)),
        Error::Option { value, .. } => (None, None, None, Some(value)),
        _ => (None, None, None, None),
    };
    if let Some(operand) = operand {
        about.set_item(intern!(py, "operand"), name_of(operand))?;
    }
    if let Some(value) = value {
        about.set_item(intern!(py, "value"), value)?;
    }
    let mut at = None;
    if let Some(row) = row {
        let unknown = Place::default();
        let place = places
            .operands
            .iter()
            .find(|place| operand.is_some_and(|operand| name_of(operand) == place.name));
        let place = place.unwrap_or(&unknown);
        let row = place.row(&places.rows, first + row);
        about.set_item(intern!(py, "row"), PyTuple::new(py, &row)?)?;
        if let Some(col) = col {
            let index = place.entry(row.clone(), col);
            about.set_item(intern!(py, "col"), col)?;
            about.set_item(intern!(py, "index"), PyTuple::new(py, &index)?)?;
            at = Some(listed(&index));
        } else {
            at = Some(listed(&row));
        }
    }
    let at = at.unwrap_or_default();
    let message = match found {
        Error::InvalidEntry { operand, value, expected, .. } => {
            format!("{operand}{at} is {value}; {expected}")
        }
        Error::Index { operand, index, expected, .. } => format!("{operand}{at} is {index}; {expected}"),
        Error::Parameter { operand, name, value, expected, .. } => {
            let row = row.map_or(String::new(), |row| {
                let index = Place::default().row(&places.rows, first + row);
                if index.is_empty() { String::new() } else { listed(&index) }
            });
            format!("{name} of {}{row} is {value}; {expected}", name_of(*operand))
        }
        Error::ZeroMass { operand, .. } => {
            format!(
                "{} has no mass and cannot be normalized; no outcome in it is possible",
                of_row(operand.name, &at)
            )
        }
        Error::NotNormalized { operand, sum, tolerance, .. } => {
            format!("{} sums to {sum}, further from 1 than {tolerance}", of_row(operand.name, &at))
        }
        other => other.to_string(),
    };
    Ok(raised(py, message, &about))
}

/// The name of an operand here; where the core speaks of parameters, Python has a distribution.
fn name_of(operand: Operand) -> &'static str {
    operand.name.trim_end_matches("_params")
}

fn listed(index: &[usize]) -> String {
    format!("{index:?}")
}

fn of_row(name: &str, at: &str) -> String {
    if at == "[]" { name.to_owned() } else { format!("row {at} of {name}") }
}
