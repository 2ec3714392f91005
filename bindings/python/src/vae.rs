//! Diagonal Gaussians by mean and logarithm of variance.

use kldiv::Options;
use kldiv::family::vae::{Grads, Prior, grad_into};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::arrays::Array;
use crate::batch::{returned, wanted};
use crate::grid::{Block, Grid};
use crate::logits::upstream_of;
use crate::options::{Choices, slice};
use crate::results::Result;

const NAMES: [&str; 4] = ["mu", "logvar", "prior_mu", "prior_logvar"];
const GRADS: [&str; 4] = ["grad_mu", "grad_logvar", "grad_prior_mu", "grad_prior_logvar"];

/// The divergence of each row, and the gradients that are wanted of the inputs that there are.
#[pyfunction]
pub(crate) fn vae<'py>(
    py: Python<'py>,
    inputs: [Bound<'py, PyAny>; 4],
    axis: isize,
    keepdims: bool,
    upstream: &Bound<'py, PyAny>,
    grads: [Bound<'py, PyAny>; 4],
    choices: &Bound<'py, PyTuple>,
) -> PyResult<(Py<PyAny>, [Py<PyAny>; 4])> {
    let choices = Choices::of(choices)?;
    let mut arrays: [Option<Array>; 4] = Default::default();
    for ((array, input), name) in arrays.iter_mut().zip(&inputs).zip(NAMES) {
        if !input.is_none() {
            *array = Some(Array::of(input, name)?);
        }
    }
    let given = arrays.iter().zip(NAMES).enumerate();
    let given: Vec<_> =
        given.filter_map(|(i, (array, name))| array.as_ref().map(|array| (i, name, array))).collect();
    let operands: Vec<_> = given.iter().map(|(_, name, array)| (*name, *array)).collect();
    let mut grid = Grid::new(py, &operands, axis, true)?;
    let at_input: [Option<usize>; 4] =
        std::array::from_fn(|input| given.iter().position(|(i, ..)| *i == input));
    let upstream = upstream_of(upstream, &grid)?;
    let mut result = Result::new(py, &grid.kept(keepdims), py.None().bind(py))?;
    let mut outputs: [Option<Array>; 4] = Default::default();
    for (i, output) in outputs.iter_mut().enumerate() {
        if let Some(array) = &arrays[i] {
            *output = wanted(&grads[i], &grid.full(0), array.dtype, GRADS[i])?;
        }
    }
    let [a, b, c, d] = &outputs;
    let at = grid.push_all(py, [(GRADS[0], a), (GRADS[1], b), (GRADS[2], c), (GRADS[3], d)])?;
    let per_row = choices.per_row(&grid.shape)?;
    let upstream = upstream.as_ref().map(|upstream| slice::<f64>(upstream));
    let places = result.rows();
    let run = |block: &Block, options: &Options| {
        let view = |input: usize| at_input[input].map(|at| grid.view(at, block));
        let (Some(mu), Some(logvar)) = (view(0), view(1)) else { return Err(kldiv::Error::Empty) };
        let prior = Prior { mu: view(2), logvar: view(3) };
        // SAFETY: each block is asked for once, and has its own places.
        let (out, mut grads) =
            unsafe { (places.of_block(block), at.map(|at| at.map(|at| grid.view_mut(at, block)))) };
        let [mu_grad, logvar_grad, prior_mu, prior_logvar] = grads.each_mut().map(Option::as_mut);
        let grads = Grads { mu: mu_grad, logvar: logvar_grad, prior_mu, prior_logvar };
        let upstream = upstream.map(|upstream| block.of(upstream));
        grad_into(mu, logvar, prior, options, upstream, Some(out), grads)
    };
    let outcome = grid.run(py, &choices.options, &per_row, choices.threads, run)?;
    let answer = result.into_object(py)?;
    grid.end(py, outcome, Some(answer.bind(py)))?;
    Ok((answer, outputs.each_ref().map(|output| returned(py, output))))
}
