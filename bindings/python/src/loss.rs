//! PyTorch's KLDivLoss.

use kldiv::{Options, View, loss as core};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::arrays::Array;
use crate::batch::{common, output, returned, wanted};
use crate::grid::{Block, Grid};
use crate::options::{Choices, REDUCTIONS, word};
use crate::results::Rows;

/// The loss, reduced.
#[pyfunction]
pub(crate) fn loss<'py>(
    py: Python<'py>,
    input: &Bound<'py, PyAny>,
    target: &Bound<'py, PyAny>,
    axis: isize,
    reduction: &Bound<'py, PyAny>,
    log_target: bool,
    choices: &Bound<'py, PyTuple>,
) -> PyResult<Py<PyAny>> {
    let choices = chosen(choices, reduction, log_target)?;
    let (input, target) = (Array::of(input, "input")?, Array::of(target, "target")?);
    let mut grid = Grid::new(py, &[("input", &input), ("target", &target)], axis, true)?;
    let per_row = choices.per_row(&grid.shape)?;
    let mut value = f64::NAN;
    let outcome = if grid.whole() {
        let place = Rows::from(&mut value);
        grid.run(py, &choices.options, &per_row, choices.threads, |block, options| {
            // SAFETY: there is one block.
            let out = unsafe { place.one() };
            core::loss_into(grid.view(0, block), grid.view(1, block), options, out)
        })?
    } else {
        grid.one_by_one();
        let mut values = vec![0.0; grid.len()];
        let places = Rows::from(&mut values[0]);
        let mut single = choices.options.clone();
        (single.base, single.reduction) = (None, kldiv::Reduction::Sum);
        let outcome = grid.run(py, &single, &per_row, choices.threads, |block, options| {
            // SAFETY: each block is one row and has its own place.
            let out = unsafe { &mut places.of_block(block)[0] };
            core::loss_into(grid.view(0, block), grid.view(1, block), options, out)
        })?;
        let cols = grid.cols();
        value =
            grid.reduce(py, &choices.options, &per_row, |options| core::reduce_rows(&values, cols, options))?;
        outcome
    };
    let answer = value.into_pyobject(py)?.into_any();
    grid.end(py, outcome, Some(&answer))?;
    Ok(answer.unbind())
}

/// The loss, element by element.
#[pyfunction]
pub(crate) fn loss_pointwise<'py>(
    py: Python<'py>,
    input: &Bound<'py, PyAny>,
    target: &Bound<'py, PyAny>,
    axis: isize,
    log_target: bool,
    out: &Bound<'py, PyAny>,
    choices: &Bound<'py, PyTuple>,
) -> PyResult<Py<PyAny>> {
    let mut choices = Choices::of(choices)?;
    choices.options.log_target = log_target;
    let (input, target) = (Array::of(input, "input")?, Array::of(target, "target")?);
    let mut grid = Grid::new(py, &[("input", &input), ("target", &target)], axis, true)?;
    let out = output(py, out, &grid.full(0), common(&input, &target))?;
    grid.push(py, "out", &out)?;
    let per_row = choices.per_row(&grid.shape)?;
    let outcome = grid.run(py, &choices.options, &per_row, choices.threads, |block, options| {
        // SAFETY: each block is asked for once.
        let mut out = unsafe { grid.view_mut(2, block) };
        core::pointwise_into(grid.view(0, block), grid.view(1, block), options, &mut out)
    })?;
    let answer = out.owner();
    grid.end(py, outcome, Some(&answer))?;
    Ok(answer.unbind())
}

/// The gradients of the loss. An upstream is a number, that of the reduced loss, or an array, that of its elements.
#[pyfunction]
pub(crate) fn loss_grad<'py>(
    py: Python<'py>,
    input: &Bound<'py, PyAny>,
    target: &Bound<'py, PyAny>,
    axis: isize,
    reduction: &Bound<'py, PyAny>,
    log_target: bool,
    upstream: &Bound<'py, PyAny>,
    grad_input: &Bound<'py, PyAny>,
    grad_target: &Bound<'py, PyAny>,
    choices: &Bound<'py, PyTuple>,
) -> PyResult<(Py<PyAny>, Py<PyAny>)> {
    let choices = chosen(choices, reduction, log_target)?;
    let (input, target) = (Array::of(input, "input")?, Array::of(target, "target")?);
    let number: Option<f64> = upstream.extract().ok();
    let each =
        if number.is_none() && !upstream.is_none() { Some(Array::of(upstream, "upstream")?) } else { None };
    let mut operands = vec![("input", &input), ("target", &target)];
    operands.extend(each.iter().map(|each| ("upstream", each)));
    let mut grid = Grid::new(py, &operands, axis, true)?;
    let grads = [
        wanted(grad_input, &grid.full(0), input.dtype, "grad_input")?,
        wanted(grad_target, &grid.full(0), target.dtype, "grad_target")?,
    ];
    let [first, second] = grid.push_all(py, [("grad_input", &grads[0]), ("grad_target", &grads[1])])?;
    let per_row = choices.per_row(&grid.shape)?;
    // What the whole is divided by is not what a block is: the share of a number belongs to it.
    let mut options = choices.options.clone();
    let mut number = number;
    if each.is_none() && !grid.whole() {
        let divided = grid.reduce(py, &choices.options, &per_row, |options| {
            core::share(grid.len(), grid.cols(), options)
        })?;
        number = Some(number.unwrap_or(1.0) * divided);
        options.reduction = kldiv::Reduction::Sum;
    }
    let number = number.map(|number| [number]);
    let of_elements = each.is_some();
    let outcome = grid.run(py, &options, &per_row, choices.threads, |block: &Block, options: &Options| {
        let upstream = match &number {
            Some(number) => Some(View::from(&number[..])),
            None => of_elements.then(|| grid.view(2, block)),
        };
        // SAFETY: each block is asked for once.
        let (mut first, mut second) =
            unsafe { (first.map(|at| grid.view_mut(at, block)), second.map(|at| grid.view_mut(at, block))) };
        core::grad_into(
            grid.view(0, block),
            grid.view(1, block),
            options,
            upstream,
            first.as_mut(),
            second.as_mut(),
        )
    })?;
    grid.end(py, outcome, None)?;
    Ok((returned(py, &grads[0]), returned(py, &grads[1])))
}

fn chosen<'py>(
    choices: &Bound<'py, PyTuple>,
    reduction: &Bound<'py, PyAny>,
    log_target: bool,
) -> PyResult<Choices<'py>> {
    let mut choices = Choices::of(choices)?;
    choices.options.log_target = log_target;
    choices.options.reduction = word(reduction, "reduction", &REDUCTIONS)?;
    Ok(choices)
}
