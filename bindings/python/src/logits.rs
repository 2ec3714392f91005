//! Divergences of softmaxes, straight from logits.

use kldiv::{Options, logits as core};
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::arrays::{Array, numpy_module};
use crate::batch::{returned, wanted};
use crate::errors::Place;
use crate::grid::{Block, Grid};
use crate::options::{Choices, TOPKS, one_a_row, slice, word};
use crate::results::{Result, Rows};

/// The divergence of each row, and the gradients that are wanted.
#[pyfunction]
pub(crate) fn logits<'py>(
    py: Python<'py>,
    a: &Bound<'py, PyAny>,
    b: &Bound<'py, PyAny>,
    axis: isize,
    keepdims: bool,
    temperature: f64,
    upstream: &Bound<'py, PyAny>,
    grad_a: &Bound<'py, PyAny>,
    grad_b: &Bound<'py, PyAny>,
    out: &Bound<'py, PyAny>,
    choices: &Bound<'py, PyTuple>,
) -> PyResult<(Py<PyAny>, Py<PyAny>, Py<PyAny>)> {
    let mut choices = Choices::of(choices)?;
    choices.options.temperature = temperature;
    let (a, b) = (Array::of(a, "a")?, Array::of(b, "b")?);
    let mut grid = Grid::new(py, &[("a", &a), ("b", &b)], axis, true)?;
    let upstream = upstream_of(upstream, &grid)?;
    let mut result = Result::new(py, &grid.kept(keepdims), out)?;
    result.apart(py, &[("a", &a), ("b", &b)])?;
    let grads = [
        wanted(grad_a, &grid.full(0), a.dtype, "grad_a")?,
        wanted(grad_b, &grid.full(1), b.dtype, "grad_b")?,
    ];
    let [first, second] = grid.push_all(py, [("grad_a", &grads[0]), ("grad_b", &grads[1])])?;
    let per_row = choices.per_row(&grid.shape)?;
    let upstream = upstream.as_ref().map(|upstream| slice::<f64>(upstream));
    let places = result.rows();
    let run = |block: &Block, options: &Options| {
        let (a, b) = (grid.view(0, block), grid.view(1, block));
        // SAFETY: each block is asked for once, and has its own places.
        let out = unsafe { places.of_block(block) };
        if first.is_none() && second.is_none() {
            return core::rows_into(a, b, options, out);
        }
        // SAFETY: as above.
        let (mut first, mut second) =
            unsafe { (first.map(|at| grid.view_mut(at, block)), second.map(|at| grid.view_mut(at, block))) };
        let upstream = upstream.map(|upstream| block.of(upstream));
        core::grad_into(a, b, options, upstream, Some(out), first.as_mut(), second.as_mut())
    };
    let outcome = grid.run(py, &choices.options, &per_row, choices.threads, run)?;
    let answer = result.into_object(py)?;
    grid.end(py, outcome, Some(answer.bind(py)))?;
    Ok((answer, returned(py, &grads[0]), returned(py, &grads[1])))
}

/// The divergence of sparse targets from each row of logits, and the gradient if it is wanted.
#[pyfunction]
pub(crate) fn topk<'py>(
    py: Python<'py>,
    values: &Bound<'py, PyAny>,
    indices: &Bound<'py, PyAny>,
    b: &Bound<'py, PyAny>,
    keepdims: bool,
    kind: &Bound<'py, PyAny>,
    temperature: f64,
    upstream: &Bound<'py, PyAny>,
    grad_b: &Bound<'py, PyAny>,
    choices: &Bound<'py, PyTuple>,
) -> PyResult<(Py<PyAny>, Py<PyAny>)> {
    let mut choices = Choices::of(choices)?;
    choices.options.temperature = temperature;
    choices.options.topk = word(kind, "kind", &TOPKS)?;
    let (values, b) = (Array::of(values, "values")?, Array::of(b, "b")?);
    let mut grid = Grid::new(py, &[("values", &values), ("b", &b)], -1, false)?;
    let k = grid.cols();
    let named = numpy_module(py)?.call_method1(intern!(py, "asarray"), (indices,))?;
    if !matches!(named.getattr("dtype")?.getattr("kind")?.extract::<String>()?.as_str(), "i" | "u") {
        return Err(PyTypeError::new_err("indices have to be integers: which class each value belongs to"));
    }
    let indices = one_a_row(&named, "int64", &grid.full(0), "indices")?;
    let place = Place { name: "indices", shape: indices.shape.clone(), axis: Some(grid.axis) };
    grid.others.push(place);
    let upstream = upstream_of(upstream, &grid)?;
    let mut result = Result::new(py, &grid.kept(keepdims), py.None().bind(py))?;
    let grad = wanted(grad_b, &grid.full(1), b.dtype, "grad_b")?;
    let [at] = grid.push_all(py, [("grad_b", &grad)])?;
    let per_row = choices.per_row(&grid.shape)?;
    let upstream = upstream.as_ref().map(|upstream| slice::<f64>(upstream));
    let classes = slice::<i64>(&indices);
    let places: Rows = result.rows();
    let run = |block: &Block, options: &Options| {
        // SAFETY: each block is asked for once, and has its own places.
        let (out, mut grad) = unsafe { (places.of_block(block), at.map(|at| grid.view_mut(at, block))) };
        let classes = &classes[block.first * k..][..block.rows * k];
        let upstream = upstream.map(|upstream| block.of(upstream));
        core::topk_into(
            grid.view(0, block),
            classes,
            grid.view(1, block),
            options,
            upstream,
            Some(out),
            grad.as_mut(),
        )
    };
    let outcome = grid.run(py, &choices.options, &per_row, choices.threads, run)?;
    let answer = result.into_object(py)?;
    grid.end(py, outcome, Some(answer.bind(py)))?;
    Ok((answer, returned(py, &grad)))
}

/// What each row's gradient is multiplied by.
pub(crate) fn upstream_of<'py>(upstream: &Bound<'py, PyAny>, grid: &Grid) -> PyResult<Option<Array<'py>>> {
    if upstream.is_none() {
        return Ok(None);
    }
    one_a_row(upstream, "float64", &grid.shape, "upstream").map(Some)
}
