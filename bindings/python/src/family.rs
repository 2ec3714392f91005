//! Distributions by their parameters.

use kldiv::{Family, Options, family as core};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::arrays::Array;
use crate::batch::{returned, wanted};
use crate::errors;
use crate::grid::{Block, Grid};
use crate::logits::upstream_of;
use crate::options::{Choices, slice};
use crate::results::Result;

/// The divergence of each pair, and the gradients that are wanted. Parameters are along the last axis.
#[pyfunction]
pub(crate) fn family<'py>(
    py: Python<'py>,
    p_family: u32,
    p: &Bound<'py, PyAny>,
    q_family: u32,
    q: &Bound<'py, PyAny>,
    dim: u32,
    upstream: &Bound<'py, PyAny>,
    grad_p: &Bound<'py, PyAny>,
    grad_q: &Bound<'py, PyAny>,
    choices: &Bound<'py, PyTuple>,
) -> PyResult<(Py<PyAny>, Py<PyAny>, Py<PyAny>)> {
    let mut choices = Choices::of(choices)?;
    choices.options.dim = dim;
    let known = |number| {
        let missing = || errors::error(py, "options", format!("there is no family {number}"));
        Family::from_number(number).ok_or_else(missing)
    };
    let (p_family, q_family) = (known(p_family)?, known(q_family)?);
    let (p, q) = (Array::of(p, "p")?, Array::of(q, "q")?);
    let mut grid = Grid::new(py, &[("p", &p), ("q", &q)], -1, false)?;
    let upstream = upstream_of(upstream, &grid)?;
    let mut result = Result::new(py, &grid.shape, py.None().bind(py))?;
    let grads = [
        wanted(grad_p, &grid.full(0), p.dtype, "grad_p")?,
        wanted(grad_q, &grid.full(1), q.dtype, "grad_q")?,
    ];
    let [first, second] = grid.push_all(py, [("grad_p", &grads[0]), ("grad_q", &grads[1])])?;
    let per_row = choices.per_row(&grid.shape)?;
    let upstream = upstream.as_ref().map(|upstream| slice::<f64>(upstream));
    let places = result.rows();
    let run = |block: &Block, options: &Options| {
        let (p, q) = (grid.view(0, block), grid.view(1, block));
        // SAFETY: each block is asked for once, and has its own places.
        let out = unsafe { places.of_block(block) };
        if first.is_none() && second.is_none() {
            return core::kl_into(p_family, p, q_family, q, options, out);
        }
        // SAFETY: as above.
        let (mut first, mut second) =
            unsafe { (first.map(|at| grid.view_mut(at, block)), second.map(|at| grid.view_mut(at, block))) };
        let upstream = upstream.map(|upstream| block.of(upstream));
        core::kl_grad(p_family, p, q_family, q, options, upstream, Some(out), first.as_mut(), second.as_mut())
    };
    let outcome = grid.run(py, &choices.options, &per_row, choices.threads, run)?;
    let answer = result.into_object(py)?;
    grid.end(py, outcome, Some(answer.bind(py)))?;
    Ok((answer, returned(py, &grads[0]), returned(py, &grads[1])))
}

/// Each family's name and number.
#[pyfunction]
pub(crate) fn families() -> Vec<(&'static str, u32)> {
    Family::ALL.iter().map(|family| (family.name(), *family as u32)).collect()
}
