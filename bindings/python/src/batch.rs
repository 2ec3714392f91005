//! The rows of arrays.

use kldiv::{Dtype, Measure, Options, batch, discrete};
use kldiv_host::environment::guarded;
use numpy::npyffi::NPY_ARRAY_ALIGNED;
use numpy::{PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyTuple};

use crate::arrays::{Array, dtype_of, empty, numpy_dtype, raw};
use crate::errors;
use crate::grid::{Block, Grid};
use crate::options::{Choices, REDUCTIONS, are_plain, slice, word};
use crate::results::{Result, Rows};

/// The measure of each row, or of all as one number.
#[pyfunction]
pub(crate) fn rows<'py>(
    py: Python<'py>,
    p: &Bound<'py, PyAny>,
    q: &Bound<'py, PyAny>,
    axis: isize,
    keepdims: bool,
    reduction: &Bound<'py, PyAny>,
    out: &Bound<'py, PyAny>,
    choices: &Bound<'py, PyTuple>,
) -> PyResult<Py<PyAny>> {
    let plain =
        !keepdims && reduction.is_none() && out.is_none() && (axis == -1 || axis == 0) && are_plain(choices);
    if plain && let Some(value) = two_vectors(p, q) {
        return Ok(value.into_pyobject(py)?.into_any().unbind());
    }
    let mut choices = Choices::of(choices)?;
    let (p, q) = sides(p, q, choices.options.measure)?;
    let grid = Grid::new(py, &[("p", &p), ("q", &q)], axis, true)?;
    let per_row = choices.per_row(&grid.shape)?;
    let rows_of = |block: &Block, places: Rows, options: &Options| {
        // SAFETY: each block has its own part.
        batch::rows_into(grid.view(0, block), grid.view(1, block), options, unsafe { places.of_block(block) })
    };
    if reduction.is_none() {
        let mut result = Result::new(py, &grid.kept(keepdims), out)?;
        result.apart(py, &[("p", &p), ("q", &q)])?;
        let places = result.rows();
        let run = |block: &Block, options: &Options| rows_of(block, places, options);
        let outcome = grid.run(py, &choices.options, &per_row, choices.threads, run)?;
        let answer = result.into_object(py)?;
        grid.end(py, outcome, Some(answer.bind(py)))?;
        return Ok(answer);
    }
    if !out.is_none() {
        return Err(PyTypeError::new_err("out is for the results of rows; a reduction gives one number"));
    }
    choices.options.reduction = word(reduction, "reduction", &REDUCTIONS)?;
    let mut value = f64::NAN;
    let outcome = if grid.whole() {
        let place = Rows::from(&mut value);
        grid.run(py, &choices.options, &per_row, choices.threads, |block, options| {
            // SAFETY: there is one block.
            let out = unsafe { place.one() };
            batch::reduce_into(grid.view(0, block), grid.view(1, block), options, out)
        })?
    } else {
        let mut values = vec![0.0; grid.len()];
        let places = Rows::from(&mut values[0]);
        let run = |block: &Block, options: &Options| rows_of(block, places, options);
        let outcome = grid.run(py, &choices.options, &per_row, choices.threads, run)?;
        value =
            grid.reduce(py, &choices.options, &per_row, |options| batch::reduce_rows(&values, options))?;
        outcome
    };
    let answer = value.into_pyobject(py)?.into_any();
    grid.end(py, outcome, Some(&answer))?;
    Ok(answer.unbind())
}

/// The terms of the measure, element by element.
#[pyfunction]
pub(crate) fn terms<'py>(
    py: Python<'py>,
    p: &Bound<'py, PyAny>,
    q: &Bound<'py, PyAny>,
    axis: isize,
    out: &Bound<'py, PyAny>,
    choices: &Bound<'py, PyTuple>,
) -> PyResult<Py<PyAny>> {
    let choices = Choices::of(choices)?;
    let (p, q) = sides(p, q, choices.options.measure)?;
    let mut grid = Grid::new(py, &[("p", &p), ("q", &q)], axis, true)?;
    let out = output(py, out, &grid.full(0), common(&p, &q))?;
    grid.push(py, "out", &out)?;
    let per_row = choices.per_row(&grid.shape)?;
    let outcome = grid.run(py, &choices.options, &per_row, choices.threads, |block, options| {
        // SAFETY: each block is asked for once.
        let mut out = unsafe { grid.view_mut(2, block) };
        batch::terms_into(grid.view(0, block), grid.view(1, block), options, &mut out)
    })?;
    let answer = out.owner();
    grid.end(py, outcome, Some(&answer))?;
    Ok(answer.unbind())
}

/// P and Q; what has no use for Q gets P in its place.
fn sides<'py>(
    p: &Bound<'py, PyAny>,
    q: &Bound<'py, PyAny>,
    measure: Measure,
) -> PyResult<(Array<'py>, Array<'py>)> {
    let q = if measure == Measure::Entropy { p } else { q };
    Ok((Array::of(p, "p")?, Array::of(q, "q")?))
}

/// A gradient's array: none where it is not wanted (None), a new one of that type (True), or the caller's.
pub(crate) fn wanted<'py>(
    given: &Bound<'py, PyAny>,
    shape: &[usize],
    dtype: Dtype,
    name: &str,
) -> PyResult<Option<Array<'py>>> {
    let py = given.py();
    if given.is_none() {
        return Ok(None);
    }
    if given.is(PyBool::new(py, true)) {
        let dtype = if dtype.is_float() { dtype } else { Dtype::F64 };
        return Array::to_write(&empty(py, shape, &numpy_dtype(py, dtype)?)?, name).map(Some);
    }
    Array::to_write(given, name).map(Some)
}

/// What the caller gets for an array that was written to.
pub(crate) fn returned(py: Python<'_>, array: &Option<Array>) -> Py<PyAny> {
    array.as_ref().map_or_else(|| py.None(), |array| array.owner().unbind())
}

/// The array for results element by element: the caller's, or a new one of that type.
pub(crate) fn output<'py>(
    py: Python<'py>,
    out: &Bound<'py, PyAny>,
    shape: &[usize],
    dtype: Dtype,
) -> PyResult<Array<'py>> {
    if out.is_none() {
        Array::to_write(&empty(py, shape, &numpy_dtype(py, dtype)?)?, "out")
    } else {
        Array::to_write(out, "out")
    }
}

/// The type that holds both: that of numpy's rules, where counts are float64.
pub(crate) fn common(p: &Array, q: &Array) -> Dtype {
    match (p.dtype, q.dtype) {
        (a, b) if a == b && a.is_float() => a,
        (Dtype::F64 | Dtype::I64 | Dtype::U64, _) | (_, Dtype::F64 | Dtype::I64 | Dtype::U64) => Dtype::F64,
        _ => Dtype::F32,
    }
}

/// The plain divergence of two vectors of float64 that lie one element after another: the call that has to be quick.
fn two_vectors(p: &Bound<'_, PyAny>, q: &Bound<'_, PyAny>) -> Option<f64> {
    let value = guarded(|| discrete::kl(vector(p)?, vector(q)?).ok());
    value.flatten()
}

/// The elements of such a vector that is short enough for the calling thread.
fn vector<'a>(object: &'a Bound<'_, PyAny>) -> Option<&'a [f64]> {
    let array = object.cast::<PyUntypedArray>().ok()?;
    let ([len], [stride]) = (array.shape(), array.strides()) else { return None };
    let plain = dtype_of(array) == Some(Dtype::F64)
        && (*stride == 8 || *len == 1)
        && *len < batch::PARALLEL_FROM
        && *len > 0
        && raw(array).flags & NPY_ARRAY_ALIGNED != 0
        && array.is_exact_instance_of::<PyUntypedArray>();
    // SAFETY: so many elements of float64, one after another, which the array keeps; Python's lock is held.
    plain.then(|| unsafe { std::slice::from_raw_parts(raw(array).data.cast(), *len) })
}

/// Results of rows as one number.
#[pyfunction]
pub(crate) fn reduced(
    py: Python<'_>,
    values: &Bound<'_, PyAny>,
    reduction: &Bound<'_, PyAny>,
    choices: &Bound<'_, PyTuple>,
) -> PyResult<f64> {
    let mut choices = Choices::of(choices)?;
    choices.options.reduction = word(reduction, "reduction", &REDUCTIONS)?;
    let values = Array::of(values, "values")?;
    let per_row = choices.per_row(&values.shape)?;
    let options = per_row.on(&choices.options);
    let values: &[f64] = slice(&values);
    let reduced = guarded(|| batch::reduce_rows(values, &options)).ok_or_else(errors::fault)?;
    reduced.map_err(|error| errors::of_core(py, &error, 0, &Default::default(), None))
}
