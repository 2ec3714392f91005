//! Mergeable sums.

use std::sync::Mutex;

use kldiv::partial::Partial as Core;
use kldiv::{Error, Invalid, Measure, Options};
use numpy::PyReadonlyArray1;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple, PyType};

use crate::arrays::{Array, numpy_module};
use crate::errors::{self, Places};
use crate::grid::{Grid, on_threads};
use crate::options::{INVALIDS, NORMALIZATIONS, PerRow, threads, word};

/// The measures that can be summed in parts.
const MEASURES: [(&str, Measure); 6] = [
    ("kl", Measure::Kl),
    ("generalized", Measure::Generalized),
    ("reverse", Measure::Reverse),
    ("jeffreys", Measure::Jeffreys),
    ("entropy", Measure::Entropy),
    ("cross_entropy", Measure::CrossEntropy),
];

pub(crate) fn measure_name(measure: Measure) -> &'static str {
    MEASURES.iter().find(|(_, known)| *known == measure).map_or("", |(name, _)| name)
}

pub(crate) fn invalid_name(invalid: Invalid) -> &'static str {
    INVALIDS.iter().find(|(_, known)| *known == invalid).map_or("", |(name, _)| name)
}

/// What a state is made with.
pub(crate) fn made_with(
    measure: &Bound<'_, PyAny>,
    invalid: &Bound<'_, PyAny>,
) -> PyResult<Options<'static>> {
    let mut options = Options::default();
    options.measure = word(measure, "measure", &MEASURES)?;
    options.invalid = word(invalid, "invalid", &INVALIDS)?;
    Ok(options)
}

/// What a value is asked for with.
pub(crate) fn asked_with(
    base: Option<f64>,
    normalization: &Bound<'_, PyAny>,
    mass_tolerance: Option<f64>,
    invalid: &Bound<'_, PyAny>,
) -> PyResult<Options<'static>> {
    let mut options = Options::default();
    options.base = base;
    options.normalization = word(normalization, "normalization", &NORMALIZATIONS)?;
    options.mass_tolerance = mass_tolerance.unwrap_or(options.mass_tolerance);
    options.invalid = word(invalid, "invalid", &INVALIDS)?;
    Ok(options)
}

pub(crate) fn raise(py: Python<'_>, error: &Error) -> PyErr {
    errors::of_core(py, error, 0, &Places::default(), None)
}

/// The same exception, whose message begins with the name of the culprit.
pub(crate) fn of_one(py: Python<'_>, error: PyErr, what: &str, i: usize) -> PyErr {
    let value = error.value(py);
    let named = || -> PyResult<()> {
        value.setattr(intern!(py, "args"), (format!("{what} {i}: {value}"),))?;
        value.setattr(intern!(py, "row"), (i,))
    };
    named().err().unwrap_or(error)
}

/// The bytes of any object that has some.
pub(crate) fn with_bytes<R>(data: &Bound<'_, PyAny>, take: impl FnOnce(&[u8]) -> PyResult<R>) -> PyResult<R> {
    if let Ok(bytes) = data.cast::<PyBytes>() {
        return take(bytes.as_bytes());
    }
    let py = data.py();
    if data.call_method0(intern!(py, "__len__")).is_ok_and(|len| len.eq(0).unwrap_or(false)) {
        return take(&[]);
    }
    let array = numpy_module(py)?.call_method1(intern!(py, "frombuffer"), (data, "uint8"))?;
    let array: PyReadonlyArray1<u8> = array.extract()?;
    take(array.as_slice()?)
}

/// A divergence in parts: what is added to it, and to others that it is merged with, is one pair of distributions.
///
/// Terms are added without any rounding and the sum is rounded once, by `value`. So neither the split into parts, nor the
/// order of updates and merges, nor the number of threads changes a bit of a value or of a state. A state has 1424
/// bytes, whatever went in; `bytes(state)`, `Partial.from_bytes` and pickle carry it to other processes and machines.
///
/// Parameters
/// ----------
/// measure : {"kl", "generalized", "reverse", "jeffreys", "entropy", "cross_entropy"}
///     What it will answer. Entropy is that of p.
/// invalid : {"error", "nan"}
///     Whether an update with a bad entry raises and changes nothing, or counts it, and the value is NaN.
///
/// Examples
/// --------
/// >>> import kldiv
/// >>> here, there = kldiv.Partial(), kldiv.Partial()
/// >>> here.update([10, 20, 5], [12, 18, 6])    # counts, whose totals neither knows
/// >>> there.update([40, 25], [30, 34])
/// >>> here += kldiv.Partial.from_bytes(bytes(there))
/// >>> round(here.value(normalization="normalize"), 6)
/// 0.031926
#[pyclass(module = "kldiv._kldiv", name = "Partial")]
#[derive(Clone)]
pub(crate) struct Partial {
    pub(crate) state: Core,
}

#[pymethods]
impl Partial {
    #[new]
    #[pyo3(signature = (measure=None, *, invalid=None), text_signature = "(measure='kl', *, invalid='error')")]
    fn new(
        py: Python<'_>,
        measure: Option<&Bound<'_, PyAny>>,
        invalid: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Partial> {
        let none = py.None().into_bound(py);
        let options = made_with(measure.unwrap_or(&none), invalid.unwrap_or(&none))?;
        Ok(Partial { state: Core::new(&options).map_err(|error| raise(py, &error))? })
    }

    /// Adds all pairs of elements of `p` and `q`, arrays of one shape; probabilities or counts, which are taken exactly.
    ///
    /// Arrays are read where they lie, as by `kl`. Entropy needs no `q`. If it raises, the state is as it was.
    #[pyo3(signature = (p, q=None, *, threads=None), text_signature = "($self, p, q=None, *, threads=0)")]
    fn update(
        &mut self,
        py: Python<'_>,
        p: &Bound<'_, PyAny>,
        q: Option<&Bound<'_, PyAny>>,
        threads: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let threads = threads.map_or(Ok(0), self::threads)?;
        let p = Array::of(p, "p")?;
        let q = side(q, self.state.measure())?.map(|q| Array::of(q, "q")).transpose()?;
        let mut operands = vec![("p", &p)];
        if let Some(q) = &q {
            same_shape(py, &p, q)?;
            operands.push(("q", q));
        }
        let grid = Grid::new(py, &operands, -1, true)?;
        // Blocks come in any order, which makes no difference.
        let sum = Mutex::new(self.state.clone());
        let add = |added: &Core| match sum.lock() {
            Ok(mut sum) => sum.merge(added),
            Err(_) => Err(Error::State { what: "is lost" }),
        };
        let empty = emptied(&self.state).map_err(|error| raise(py, &error))?;
        let (of_pairs, options) = (q.is_some(), Options::default());
        let outcome = grid.run(py, &options, &PerRow::default(), threads, |block, options| {
            let mut added = empty.clone();
            let p = grid.view(0, block);
            added.update_on(p, if of_pairs { grid.view(1, block) } else { p }, options.parallel)?;
            add(&added)
        })?;
        grid.end(py, outcome, None)?;
        self.state = sum.into_inner().map_err(|_| errors::fault())?;
        Ok(())
    }

    /// Adds what another state of the same kind holds; `+=` is the same.
    fn merge(slf: &Bound<'_, Self>, other: &Bound<'_, Self>) -> PyResult<()> {
        // The other may be this one.
        let from = other.borrow().state.clone();
        slf.borrow_mut().state.merge(&from).map_err(|error| raise(slf.py(), &error))
    }

    fn __iadd__(slf: &Bound<'_, Self>, other: &Bound<'_, Self>) -> PyResult<()> {
        Self::merge(slf, other)
    }

    fn __add__(&self, py: Python<'_>, other: &Bound<'_, Self>) -> PyResult<Partial> {
        let mut sum = self.clone();
        sum.state.merge(&other.borrow().state).map_err(|error| raise(py, &error))?;
        Ok(sum)
    }

    /// The measure of all that was added, in nats or to `base`; `normalization`, `mass_tolerance` and `invalid` are as in
    /// `kl`. "normalize" answers for the distributions that the elements are counts of, whose totals need not be known
    /// beforehand.
    #[pyo3(
        signature = (base=None, *, normalization=None, mass_tolerance=None, invalid=None),
        text_signature = "($self, base=None, *, normalization=None, mass_tolerance=None, invalid='error')"
    )]
    fn value(
        &self,
        py: Python<'_>,
        base: Option<f64>,
        normalization: Option<&Bound<'_, PyAny>>,
        mass_tolerance: Option<f64>,
        invalid: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<f64> {
        let none = py.None().into_bound(py);
        let options =
            asked_with(base, normalization.unwrap_or(&none), mass_tolerance, invalid.unwrap_or(&none))?;
        let value = on_threads(py, 1, 1, |_| self.state.value(&options))?;
        value.map_err(|error| raise(py, &error))
    }

    /// What it was made for.
    #[getter]
    fn measure(&self) -> &'static str {
        measure_name(self.state.measure())
    }

    /// What a bad entry does: "error" or "nan".
    #[getter]
    fn invalid(&self) -> &'static str {
        invalid_name(self.state.invalid())
    }

    /// How many pairs were added.
    #[getter]
    fn count(&self) -> u64 {
        self.state.count()
    }

    /// How many of them have an infinite term.
    #[getter]
    fn infinite_count(&self) -> u64 {
        self.state.infinite_count()
    }

    /// How many of them hold an entry that is no probability; they are in no sum.
    #[getter]
    fn invalid_count(&self) -> u64 {
        self.state.invalid_count()
    }

    /// The sum of p, rounded once.
    #[getter]
    fn mass_p(&self) -> f64 {
        self.state.mass_p()
    }

    /// The sum of q, rounded once; 0 for entropy.
    #[getter]
    fn mass_q(&self) -> f64 {
        self.state.mass_q()
    }

    /// The state of bytes that `bytes(state)` gave, here or elsewhere; of others an error of status "state".
    #[classmethod]
    fn from_bytes(_cls: &Bound<'_, PyType>, data: &Bound<'_, PyAny>) -> PyResult<Partial> {
        with_bytes(data, |bytes| {
            Core::from_bytes(bytes).map(|state| Partial { state }).map_err(|error| raise(data.py(), &error))
        })
    }

    fn __bytes__<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.state.as_bytes())
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let py = slf.py();
        let make = slf.get_type().getattr(intern!(py, "from_bytes"))?;
        let bytes = slf.borrow().__bytes__(py);
        PyTuple::new(py, [make, PyTuple::new(py, [bytes])?.into_any()])
    }

    fn __copy__(&self) -> Partial {
        self.clone()
    }

    fn __deepcopy__(&self, _memo: &Bound<'_, PyAny>) -> PyResult<Partial> {
        Ok(self.clone())
    }

    fn __eq__(&self, other: &Partial) -> bool {
        self.state == other.state
    }

    fn __repr__(&self) -> String {
        let of_bad = if self.state.invalid() == Invalid::Nan { ", invalid='nan'" } else { "" };
        format!("<kldiv.Partial('{}'{of_bad}) of {} pairs>", self.measure(), self.state.count())
    }
}

/// A state of the same kind to which nothing was added.
pub(crate) fn emptied(state: &Core) -> Result<Core, Error> {
    let mut options = Options::default();
    (options.measure, options.invalid) = (state.measure(), state.invalid());
    Core::new(&options)
}

/// The other side of a pair; none where the measure does not look at it.
pub(crate) fn side<'a, 'py>(
    q: Option<&'a Bound<'py, PyAny>>,
    measure: Measure,
) -> PyResult<Option<&'a Bound<'py, PyAny>>> {
    let q = q.filter(|q| !q.is_none());
    match measure {
        Measure::Entropy => Ok(None),
        _ if q.is_none() => {
            Err(pyo3::exceptions::PyTypeError::new_err("q is missing; only entropy does without"))
        }
        _ => Ok(q),
    }
}

fn same_shape(py: Python<'_>, p: &Array, q: &Array) -> PyResult<()> {
    if p.shape == q.shape {
        return Ok(());
    }
    let message = format!("p has the shape {:?} and q {:?}; pairs are of one shape", p.shape, q.shape);
    Err(errors::error(py, "shape_mismatch", message))
}
