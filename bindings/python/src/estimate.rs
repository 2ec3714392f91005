//! Densities and samples.

use kldiv::estimate::{self, MonteCarlo};
use kldiv::quadrature::{Integral, kl_into};
use kldiv::{Dtype, Error, Options};
use kldiv_host::environment::{guarded, with_calls_back};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::arrays::{Array, contiguous, numpy_module};
use crate::errors::{self, Place, Places};
use crate::grid::on_threads;
use crate::options::{Choices, ESTIMATORS, slice, word};
use crate::pairwise::{matrix, two};
use crate::results::{self, new_f64};

/// The integral of two functions of Python's, and a bound of its error.
#[pyfunction]
pub(crate) fn quadrature<'py>(
    py: Python<'py>,
    p: &Bound<'py, PyAny>,
    q: &Bound<'py, PyAny>,
    lower: f64,
    upper: f64,
    breaks: Vec<f64>,
    log_density: bool,
    rel_tolerance: Option<f64>,
    choices: &Bound<'py, PyTuple>,
) -> PyResult<(f64, f64)> {
    let mut options = Choices::of(choices)?.options;
    options.log_density = log_density;
    if let Some(tolerance) = rel_tolerance {
        options.rel_tolerance = tolerance;
    }
    let raised = std::cell::Cell::new(None);
    // An exception ends the integral, since NaN is no density; nothing is called after it.
    let density = |function: &Bound<'py, PyAny>, x: f64| {
        if let Some(error) = raised.take() {
            raised.set(Some(error));
            return f64::NAN;
        }
        match with_calls_back(|| function.call1((x,)).and_then(|value| value.extract::<f64>())) {
            Ok(value) => value,
            Err(error) => {
                raised.set(Some(error));
                f64::NAN
            }
        }
    };
    let mut out = Integral { value: f64::NAN, error: f64::NAN };
    let outcome =
        guarded(|| kl_into(|x| density(p, x), |x| density(q, x), lower, upper, &breaks, &options, &mut out));
    if let Some(error) = raised.take() {
        return Err(error);
    }
    let outcome = outcome.ok_or_else(errors::fault)?;
    let result = PyTuple::new(py, [out.value, out.error])?;
    outcome.map_err(|error| errors::of_core(py, &error, 0, &Places::default(), Some(&result)))?;
    Ok((out.value, out.error))
}

/// The nearest-neighbour estimate.
#[pyfunction]
pub(crate) fn knn<'py>(
    py: Python<'py>,
    x: &Bound<'py, PyAny>,
    y: &Bound<'py, PyAny>,
    k: usize,
    choices: &Bound<'py, PyTuple>,
) -> PyResult<f64> {
    let choices = Choices::of(choices)?;
    let (x, y) = (points(x, "x")?, points(y, "y")?);
    let (a, b) = (matrix(&x, "x")?, matrix(&y, "y")?);
    let mut options = choices.options.clone();
    let mut out = f64::NAN;
    let work = a.elements().saturating_add(b.elements());
    let outcome = on_threads(py, choices.threads, work.saturating_mul(k), |parallel| {
        options.parallel = parallel;
        estimate::knn_into(a, b, k, &options, &mut out)
    })?;
    let answer = out.into_pyobject(py)?.into_any();
    outcome.map_err(|error| errors::of_core(py, &error, 0, &two([("x", &x), ("y", &y)]), Some(&answer)))?;
    Ok(out)
}

/// Points, a row each; numbers are points of a line.
fn points<'py>(given: &Bound<'py, PyAny>, name: &str) -> PyResult<Array<'py>> {
    let mut array = Array::of(given, name)?;
    if array.ndim() == 1 {
        array.shape.push(1);
        array.strides.push(0);
    }
    Ok(array)
}

/// The Monte Carlo estimate and its standard error; or, if `terms`, what it is the mean of.
#[pyfunction]
pub(crate) fn monte_carlo<'py>(
    py: Python<'py>,
    log_p: &Bound<'py, PyAny>,
    log_q: &Bound<'py, PyAny>,
    estimator: &Bound<'py, PyAny>,
    terms: bool,
    choices: &Bound<'py, PyTuple>,
) -> PyResult<(Py<PyAny>, f64)> {
    let mut choices = Choices::of(choices)?;
    choices.options.estimator = word(estimator, "estimator", &ESTIMATORS)?;
    let (log_p, log_q) = (vector(log_p, "log_p", Some("float64"))?, vector(log_q, "log_q", Some("float64"))?);
    let (p, q): (&[f64], &[f64]) = (slice(&log_p), slice(&log_q));
    let per_row = choices.per_row(&[p.len()])?;
    let mut options = per_row.on(&choices.options);
    let mut out = MonteCarlo { value: f64::NAN, standard_error: f64::NAN };
    let each = if terms { Some(Array::to_write(&new_f64(py, &[p.len()])?, "out")?) } else { None };
    let places = each.as_ref().map(results::Places::<f64>::of);
    let outcome = on_threads(py, choices.threads, p.len(), |parallel| {
        options.parallel = parallel;
        match places {
            // SAFETY: there is a place for each sample, asked for once.
            Some(places) => estimate::monte_carlo_terms_into(p, q, &options, unsafe { places.all(p.len()) }),
            None => estimate::monte_carlo_into(p, q, &options, &mut out),
        }
    })?;
    let answer = match &each {
        Some(each) => each.owner(),
        None => out.value.into_pyobject(py)?.into_any(),
    };
    outcome.map_err(|mut error| {
        // A sample is a row of the core's, and an entry of a vector's.
        if let Error::InvalidEntry { row, col, .. } = &mut error {
            std::mem::swap(row, col);
        }
        of_samples(py, &error, [("log_p", p.len()), ("log_q", q.len())], Some(&answer))
    })?;
    Ok((answer.unbind(), out.standard_error))
}

/// The measure of two samples counted in shared bins, or of counts.
#[pyfunction]
pub(crate) fn plug_in<'py>(
    py: Python<'py>,
    first: &Bound<'py, PyAny>,
    second: &Bound<'py, PyAny>,
    samples: bool,
    miller_madow: bool,
    choices: &Bound<'py, PyTuple>,
) -> PyResult<f64> {
    let mut choices = Choices::of(choices)?;
    choices.options.miller_madow = miller_madow;
    let names = if samples { ["x", "y"] } else { ["p", "q"] };
    let (a, b) = (vector(first, names[0], None)?, vector(second, names[1], None)?);
    let (a, b, options) = (Slice::of(&a), Slice::of(&b), &choices.options);
    let outcome = on_threads(py, 1, a.len().saturating_add(b.len()), |_| a.plug_in(&b, samples, options))?;
    let lens = [(names[0], a.len()), (names[1], b.len())];
    outcome.map_err(|error| of_samples(py, &error, lens, None))
}

/// The edges of the bins that samples are counted in.
#[pyfunction]
pub(crate) fn bin_edges<'py>(
    py: Python<'py>,
    x: &Bound<'py, PyAny>,
    y: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let (x, y) = (vector(x, "x", None)?, vector(y, "y", None)?);
    let (x, y) = (Slice::of(&x), Slice::of(&y));
    let outcome = on_threads(py, 1, x.len().saturating_add(y.len()), |_| x.bin_edges(&y))?;
    let edges = outcome.map_err(|error| of_samples(py, &error, [("x", x.len()), ("y", y.len())], None))?;
    Ok(numpy::PyArray1::from_vec(py, edges).into_any())
}

/// The elements of a vector, as the core's functions of slices take them.
enum Slice<'a> {
    F64(&'a [f64]),
    I64(&'a [i64]),
    U64(&'a [u64]),
}

/// Calls with `$x` and `$y` standing for the slices.
macro_rules! with_slices {
    ($a:expr, $b:expr, |$x:ident, $y:ident| $body:expr) => {
        match ($a, $b) {
            (Slice::F64($x), Slice::F64($y)) => $body,
            (Slice::F64($x), Slice::I64($y)) => $body,
            (Slice::F64($x), Slice::U64($y)) => $body,
            (Slice::I64($x), Slice::F64($y)) => $body,
            (Slice::I64($x), Slice::I64($y)) => $body,
            (Slice::I64($x), Slice::U64($y)) => $body,
            (Slice::U64($x), Slice::F64($y)) => $body,
            (Slice::U64($x), Slice::I64($y)) => $body,
            (Slice::U64($x), Slice::U64($y)) => $body,
        }
    };
}

impl<'a> Slice<'a> {
    /// Of an array that `vector` made.
    fn of(array: &'a Array) -> Slice<'a> {
        match array.dtype {
            Dtype::I64 => Slice::I64(slice(array)),
            Dtype::U64 => Slice::U64(slice(array)),
            _ => Slice::F64(slice(array)),
        }
    }

    fn len(&self) -> usize {
        match self {
            Slice::F64(all) => all.len(),
            Slice::I64(all) => all.len(),
            Slice::U64(all) => all.len(),
        }
    }

    fn plug_in(&self, other: &Slice, samples: bool, options: &Options) -> Result<f64, Error> {
        with_slices!(self, other, |x, y| if samples {
            estimate::histogram(x, y, options)
        } else {
            estimate::counts(x, y, options)
        })
    }

    fn bin_edges(&self, other: &Slice) -> Result<Vec<f64>, Error> {
        with_slices!(self, other, |x, y| estimate::bin_edges(x, y))
    }
}

/// A vector whose elements follow one another: of that type, or integers as they are and all else float64. Copied only
/// where it is not so already.
fn vector<'py>(given: &Bound<'py, PyAny>, name: &str, dtype: Option<&str>) -> PyResult<Array<'py>> {
    let py = given.py();
    let found = Array::of(given, name)?;
    if found.ndim() != 1 {
        let message = format!("{name} has {} dimensions; it has to be a vector", found.ndim());
        return Err(errors::error(py, "shape_mismatch", message));
    }
    let dtype = dtype.unwrap_or(match found.dtype {
        Dtype::I64 => "int64",
        Dtype::U64 => "uint64",
        _ => "float64",
    });
    let as_it_is = matches!(
        (found.dtype, dtype),
        (Dtype::F64, "float64") | (Dtype::I64, "int64") | (Dtype::U64, "uint64")
    );
    if as_it_is && found.strides == contiguous(&found.shape) {
        return Ok(found);
    }
    let made = numpy_module(py)?.call_method1(intern!(py, "ascontiguousarray"), (given, dtype))?;
    Array::of(&made, name)
}

/// The exception of vectors, an entry of which is a row of the core's.
fn of_samples(
    py: Python<'_>,
    error: &Error,
    operands: [(&'static str, usize); 2],
    result: Option<&Bound<'_, PyAny>>,
) -> PyErr {
    let place = |(name, len): (&'static str, usize)| Place { name, shape: vec![len], axis: Some(0) };
    errors::of_core(py, error, 0, &Places { rows: Vec::new(), operands: operands.map(place).into() }, result)
}
