//! Every row against every row, and one pair outcome by outcome.

use kldiv::explain::{Term, explain_into};
use kldiv::pairwise::{matrix_into, nearest_into};
use kldiv::{Shape, View};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::arrays::{Array, contiguous, empty, numpy_dtype};
use crate::errors::{self, Place, Places};
use crate::grid::on_threads;
use crate::options::Choices;
use crate::results::Result;

/// A matrix of rows, or a vector, which is one row.
pub(crate) fn matrix<'a>(array: &'a Array<'_>, name: &str) -> PyResult<View<'a>> {
    let (shape, row_stride, col_stride) = match (&array.shape[..], &array.strides[..]) {
        ([cols], [stride]) => (Shape { rows: 1, cols: *cols }, 0, *stride),
        ([rows, cols], [row, col]) => (Shape { rows: *rows, cols: *cols }, *row, *col),
        _ => {
            let message =
                format!("{name} has {} dimensions; it has to be a matrix, a row each", array.ndim());
            return Err(errors::error(array.py(), "shape_mismatch", message));
        }
    };
    // SAFETY: the elements are the array's, which is borrowed for as long.
    Ok(unsafe { View::from_raw(array.data, shape, row_stride, col_stride, array.dtype) })
}

/// Where errors of two matrices are found.
pub(crate) fn two(operands: [(&'static str, &Array); 2]) -> Places {
    let place = |(name, array): (&'static str, &Array)| Place {
        name,
        shape: array.shape.clone(),
        axis: Some(array.ndim() - 1),
    };
    Places { rows: vec![0], operands: operands.map(place).into() }
}

/// The measure of all pairs.
#[pyfunction]
pub(crate) fn pairwise<'py>(
    py: Python<'py>,
    p: &Bound<'py, PyAny>,
    q: &Bound<'py, PyAny>,
    out: &Bound<'py, PyAny>,
    choices: &Bound<'py, PyTuple>,
) -> PyResult<Py<PyAny>> {
    let choices = Choices::of(choices)?;
    let (p, q) = (Array::of(p, "p")?, Array::of(q, "q")?);
    let (rows, cols) = (matrix(&p, "p")?, matrix(&q, "q")?);
    let mut result = Result::new(py, &[rows.rows(), cols.rows()], out)?;
    result.apart(py, &[("p", &p), ("q", &q)])?;
    let places = result.rows();
    let per_row = choices.per_row(&[rows.rows()])?;
    let (mut options, cells) = (per_row.on(&choices.options), rows.rows().saturating_mul(cols.rows()));
    let outcome = on_threads(py, choices.threads, rows.rows().saturating_mul(cols.elements()), |parallel| {
        options.parallel = parallel;
        // SAFETY: the result has so many places, asked for once.
        matrix_into(rows, cols, &options, unsafe { places.all(cells) })
    })?;
    let answer = result.into_object(py)?;
    let found = |error| errors::of_core(py, &error, 0, &two([("p", &p), ("q", &q)]), Some(answer.bind(py)));
    outcome.map_err(found)?;
    Ok(answer)
}

/// The rows of q that are nearest to each row of p.
#[pyfunction]
pub(crate) fn nearest<'py>(
    py: Python<'py>,
    p: &Bound<'py, PyAny>,
    q: &Bound<'py, PyAny>,
    k: usize,
    choices: &Bound<'py, PyTuple>,
) -> PyResult<(Py<PyAny>, Py<PyAny>)> {
    let choices = Choices::of(choices)?;
    let (p, q) = (Array::of(p, "p")?, Array::of(q, "q")?);
    let (rows, others) = (matrix(&p, "p")?, matrix(&q, "q")?);
    if k > others.rows() {
        let message = format!("k is {k}; q has no more than {} rows", others.rows());
        return Err(errors::error(py, "options", message));
    }
    let shape = [rows.rows(), k];
    let cells = rows.rows().saturating_mul(k);
    let mut values = Result::new(py, &shape, py.None().bind(py))?;
    // The index of no row is -1 here, all bits set, as it is in the core.
    let index = empty(py, &shape, &numpy_dtype(py, kldiv::Dtype::I64)?)?;
    let index = Array::of(&index, "index")?;
    let (places, index_places) = (values.rows(), crate::results::Places::<usize>::of(&index));
    let per_row = choices.per_row(&[rows.rows()])?;
    let mut options = per_row.on(&choices.options);
    let outcome =
        on_threads(py, choices.threads, rows.rows().saturating_mul(others.elements()), |parallel| {
            options.parallel = parallel;
            // SAFETY: both have so many places, asked for once.
            let (index, values) = unsafe { (index_places.all(cells), places.all(cells)) };
            nearest_into(rows, others, &options, k, index, values)
        })?;
    let answer = values.into_object(py)?;
    let found = |error| errors::of_core(py, &error, 0, &two([("p", &p), ("q", &q)]), Some(answer.bind(py)));
    outcome.map_err(found)?;
    Ok((index.owner().unbind(), answer))
}

/// The terms of one pair, into a structured array of the core's terms.
#[pyfunction]
pub(crate) fn explain<'py>(
    py: Python<'py>,
    p: &Bound<'py, PyAny>,
    q: &Bound<'py, PyAny>,
    out: &Bound<'py, PyAny>,
    choices: &Bound<'py, PyTuple>,
) -> PyResult<()> {
    let choices = Choices::of(choices)?;
    let (p, q) = (Array::of(p, "p")?, Array::of(q, "q")?);
    if p.ndim() != 1 || q.ndim() != 1 {
        let message = format!("p {:?} and q {:?} have to be one distribution each", p.shape, q.shape);
        return Err(errors::error(py, "shape_mismatch", message));
    }
    let (len, width) = (p.shape[0], size_of::<Term>() / size_of::<f64>());
    let places = Array::to_write(out, "out")?;
    if places.shape != [len, width] || places.strides != contiguous(&[len, width]) {
        return Err(PyTypeError::new_err("out has to hold as many terms as there are outcomes"));
    }
    let (a, b) = (matrix(&p, "p")?, matrix(&q, "q")?);
    let terms = crate::results::Places::<Term>::of(&places);
    let options = &choices.options;
    // SAFETY: a term is as many doubles as the array has columns (its index is as long as one), asked for once.
    let outcome = on_threads(py, 1, len, |_| explain_into(a, b, options, unsafe { terms.all(len) }))?;
    outcome.map_err(|error| errors::of_core(py, &error, 0, &two([("p", &p), ("q", &q)]), None))
}
