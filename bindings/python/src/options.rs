//! What a caller chose, from Python's words to the core's.

use kldiv::{Estimator, Invalid, Measure, Normalization, Options, Reduction, TopK};
use numpy::PyUntypedArrayMethods;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

use crate::arrays::{Array, numpy_module, raw};
use crate::errors;

/// The options of a call and what is said of its rows.
pub(crate) struct Choices<'py> {
    pub(crate) options: Options<'static>,
    pub(crate) threads: u32,
    weights: Option<Bound<'py, PyAny>>,
    mask: Option<Bound<'py, PyAny>>,
}

/// Where what concerns every function stands in the tuple that it is given in: see `_options` in the package.
mod at {
    pub(super) const MEASURE: usize = 0;
    pub(super) const PARAMETER: usize = 1;
    pub(super) const BASE: usize = 2;
    pub(super) const NORMALIZATION: usize = 3;
    pub(super) const SMOOTHING: usize = 4;
    pub(super) const MASS_TOLERANCE: usize = 5;
    pub(super) const WEIGHTS: usize = 6;
    pub(super) const MASK: usize = 7;
    pub(super) const INVALID: usize = 8;
    pub(super) const THREADS: usize = 9;
}

/// Whether the choices are such that a plain KL divergence is what they ask for.
pub(crate) fn are_plain(given: &Bound<'_, PyTuple>) -> bool {
    let none = |i| given.get_borrowed_item(i).is_ok_and(|item| item.is_none());
    let zero = |i| given.get_borrowed_item(i).is_ok_and(|item| item.extract::<f64>().is_ok_and(|x| x == 0.0));
    none(at::BASE)
        && none(at::NORMALIZATION)
        && none(at::WEIGHTS)
        && none(at::MASK)
        && none(at::MASS_TOLERANCE)
        && zero(at::MEASURE)
        && zero(at::SMOOTHING)
        && zero(at::THREADS)
        && given.get_borrowed_item(at::INVALID).is_ok_and(|item| item.is(intern!(given.py(), "error")))
}

impl<'py> Choices<'py> {
    pub(crate) fn of(given: &Bound<'py, PyTuple>) -> PyResult<Choices<'py>> {
        let py = given.py();
        let mut options = Options::default();
        let parameter: Option<f64> = given.get_item(at::PARAMETER)?.extract()?;
        let weight = parameter.unwrap_or(0.5);
        options.measure = match given.get_item(at::MEASURE)?.extract()? {
            0 => Measure::Kl,
            1 => Measure::Generalized,
            2 => Measure::Reverse,
            3 => Measure::Jeffreys,
            4 => Measure::JensenShannon { weight },
            5 => Measure::JensenShannonDistance { weight },
            6 => Measure::Renyi { alpha: parameter.unwrap_or(f64::NAN) },
            7 => Measure::Entropy,
            8 => Measure::CrossEntropy,
            number => return Err(errors::error(py, "options", format!("there is no measure {number}"))),
        };
        options.base = given.get_item(at::BASE)?.extract()?;
        options.normalization = word(&given.get_item(at::NORMALIZATION)?, "normalization", &NORMALIZATIONS)?;
        options.smoothing = given.get_item(at::SMOOTHING)?.extract()?;
        if let Some(tolerance) = given.get_item(at::MASS_TOLERANCE)?.extract()? {
            options.mass_tolerance = tolerance;
        }
        options.invalid = word(&given.get_item(at::INVALID)?, "invalid", &INVALIDS)?;
        let threads = threads(&given.get_item(at::THREADS)?)?;
        let some = |i| -> PyResult<Option<Bound<'py, PyAny>>> {
            Ok(Some(given.get_item(i)?).filter(|item| !item.is_none()))
        };
        Ok(Choices { options, threads, weights: some(at::WEIGHTS)?, mask: some(at::MASK)? })
    }

    /// The mask and the weights of rows of that shape, one after another.
    pub(crate) fn per_row(&self, rows: &[usize]) -> PyResult<PerRow<'py>> {
        Ok(PerRow {
            mask: self.mask.as_ref().map(|mask| one_a_row(mask, "bool", rows, "mask")).transpose()?,
            weights: self
                .weights
                .as_ref()
                .map(|weights| one_a_row(weights, "float64", rows, "weights"))
                .transpose()?,
        })
    }
}

pub(crate) const NORMALIZATIONS: [(&str, Normalization); 3] = [
    ("as_given", Normalization::AsGiven),
    ("normalize", Normalization::Normalize),
    ("require", Normalization::Require),
];
pub(crate) const INVALIDS: [(&str, Invalid); 2] = [("error", Invalid::Error), ("nan", Invalid::Nan)];
pub(crate) const REDUCTIONS: [(&str, Reduction); 3] =
    [("sum", Reduction::Sum), ("mean", Reduction::Mean), ("batchmean", Reduction::BatchMean)];
pub(crate) const ESTIMATORS: [(&str, Estimator); 3] =
    [("k1", Estimator::K1), ("k2", Estimator::K2), ("k3", Estimator::K3)];
pub(crate) const TOPKS: [(&str, TopK); 3] = [
    ("logits", TopK::LogitsRenormalized),
    ("logprobs_tail", TopK::LogProbsTail),
    ("logprobs", TopK::LogProbsRenormalized),
];

/// What a word stands for; the default for None.
pub(crate) fn word<T: Copy + Default>(
    given: &Bound<'_, PyAny>,
    name: &str,
    words: &[(&'static str, T)],
) -> PyResult<T> {
    if given.is_none() {
        return Ok(T::default());
    }
    let text = given.cast::<PyString>()?.to_cow()?;
    match words.iter().find(|(word, _)| *word == text) {
        Some((_, value)) => Ok(*value),
        None => {
            let known: Vec<_> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
            let message = format!("{name} is {text:?}; it is one of {}", known.join(", "));
            Err(errors::error(given.py(), "options", message))
        }
    }
}

/// How many threads; 0 is as many as there are cores.
pub(crate) fn threads(given: &Bound<'_, PyAny>) -> PyResult<u32> {
    let threads: i64 = given.extract()?;
    u32::try_from(threads).map_err(|_| {
        errors::error(
            given.py(),
            "options",
            format!("threads is {threads}; it is at least 0, which is all cores"),
        )
    })
}

/// Arrays with an entry a row, kept as long as they are read.
#[derive(Default)]
pub(crate) struct PerRow<'py> {
    mask: Option<Array<'py>>,
    weights: Option<Array<'py>>,
}

impl PerRow<'_> {
    /// The options with these.
    pub(crate) fn on<'a>(&'a self, options: &Options<'a>) -> Options<'a> {
        let mut options = options.clone();
        (options.mask, options.weights) = (self.mask(), self.weights());
        options
    }

    pub(crate) fn mask(&self) -> Option<&[u8]> {
        self.mask.as_ref().map(|mask| slice(mask))
    }

    pub(crate) fn weights(&self) -> Option<&[f64]> {
        self.weights.as_ref().map(|weights| slice(weights))
    }
}

/// The elements of a contiguous array, which `one_a_row` made sure of.
pub(crate) fn slice<'a, T>(array: &'a Array<'_>) -> &'a [T] {
    let len = array.shape.iter().product();
    // SAFETY: contiguous, of the type that was asked for, and kept by the array; Python's side may not write meanwhile.
    if len == 0 { &[] } else { unsafe { std::slice::from_raw_parts(array.data.cast(), len) } }
}

/// One entry a row, rows of that shape one after another; copied only where it is not so already.
pub(crate) fn one_a_row<'py>(
    given: &Bound<'py, PyAny>,
    dtype: &str,
    rows: &[usize],
    name: &str,
) -> PyResult<Array<'py>> {
    let py = given.py();
    let array = Array::of_type(given, dtype)?;
    let numpy = numpy_module(py)?;
    let fits = array.shape().len() <= rows.len()
        && array.shape().iter().rev().zip(rows.iter().rev()).all(|(own, len)| *own == 1 || own == len);
    if !fits {
        let message =
            format!("{name} has the shape {:?} where there are rows of the shape {rows:?}", array.shape());
        return Err(errors::error(py, "shape_mismatch", message));
    }
    let array = numpy.call_method1(intern!(py, "broadcast_to"), (array, PyTuple::new(py, rows)?))?;
    let array = numpy.call_method1(intern!(py, "ascontiguousarray"), (array,))?;
    let array = if dtype == "bool" { array.call_method1(intern!(py, "view"), ("uint8",))? } else { array };
    if dtype != "bool" {
        return Array::of(&array, name);
    }
    let shape = rows.to_vec();
    let strides = crate::arrays::contiguous(&shape);
    let data = raw(array.cast()?).data.cast();
    Ok(Array::bytes(data, shape, strides, array))
}
