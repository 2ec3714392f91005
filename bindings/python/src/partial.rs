//! Mergeable sums: one, and those of many groups, which lie one after another.

use std::sync::Mutex;

use kldiv::partial::{self, Partial as Core};
use kldiv::{Dtype, Error, Invalid, Measure, Options, Shape, View};
use numpy::{PyArray1, PyArrayMethods, PyReadonlyArray1};
use pyo3::exceptions::PyIndexError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple, PyType};

use crate::arrays::{Array, numpy_module};
use crate::errors::{self, Place, Places};
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

fn measure_name(measure: Measure) -> &'static str {
    MEASURES.iter().find(|(_, known)| *known == measure).map_or("", |(name, _)| name)
}

fn invalid_name(invalid: Invalid) -> &'static str {
    INVALIDS.iter().find(|(_, known)| *known == invalid).map_or("", |(name, _)| name)
}

/// What a state is made with.
fn made_with(measure: &Bound<'_, PyAny>, invalid: &Bound<'_, PyAny>) -> PyResult<Options<'static>> {
    let mut options = Options::default();
    options.measure = word(measure, "measure", &MEASURES)?;
    options.invalid = word(invalid, "invalid", &INVALIDS)?;
    Ok(options)
}

/// What a value is asked for with.
fn asked_with(
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

fn raise(py: Python<'_>, error: &Error) -> PyErr {
    errors::of_core(py, error, 0, &Places::default(), None)
}

/// The same exception, whose message begins with the name of the culprit.
fn of_one(py: Python<'_>, error: PyErr, what: &str, i: usize) -> PyErr {
    let value = error.value(py);
    let named = || -> PyResult<()> {
        value.setattr(intern!(py, "args"), (format!("{what} {i}: {value}"),))?;
        value.setattr(intern!(py, "row"), (i,))
    };
    named().err().unwrap_or(error)
}

/// The bytes of any object that has some.
fn with_bytes<R>(data: &Bound<'_, PyAny>, take: impl FnOnce(&[u8]) -> PyResult<R>) -> PyResult<R> {
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
    state: Core,
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
fn emptied(state: &Core) -> Result<Core, Error> {
    let mut options = Options::default();
    (options.measure, options.invalid) = (state.measure(), state.invalid());
    Core::new(&options)
}

/// The other side of a pair; none where the measure does not look at it.
fn side<'a, 'py>(
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

/// The partial sums of many groups, which are numbered from 0: one call a batch, whatever the number of groups.
///
/// Each is a `Partial`, and takes 1424 bytes. The arguments are those of `Partial`, and how many groups there are.
///
/// Examples
/// --------
/// >>> import kldiv
/// >>> states = kldiv.Partials(2)
/// >>> states.update_by([0, 1, 0, 1], p=[0.5, 0.9, 0.5, 0.1], q=[0.7, 0.5, 0.3, 0.5])
/// >>> states.values().round(4)
/// array([0.0872, 0.3681])
#[pyclass(module = "kldiv._kldiv", name = "Partials")]
#[derive(Clone)]
pub(crate) struct Partials {
    states: Vec<Core>,
    /// One to which nothing was added.
    empty: Core,
}

#[pymethods]
impl Partials {
    #[new]
    #[pyo3(
        signature = (groups=0, measure=None, *, invalid=None),
        text_signature = "(groups=0, measure='kl', *, invalid='error')"
    )]
    fn new(
        py: Python<'_>,
        groups: usize,
        measure: Option<&Bound<'_, PyAny>>,
        invalid: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Partials> {
        let none = py.None().into_bound(py);
        let options = made_with(measure.unwrap_or(&none), invalid.unwrap_or(&none))?;
        let empty = Core::new(&options).map_err(|error| raise(py, &error))?;
        let mut partials = Partials { states: Vec::new(), empty };
        partials.resize(py, groups)?;
        Ok(partials)
    }

    /// Makes them so many: new ones are empty, those beyond are forgotten.
    fn resize(&mut self, py: Python<'_>, groups: usize) -> PyResult<()> {
        let more = groups.saturating_sub(self.states.len());
        if self.states.try_reserve(more).is_err() {
            let bytes = more.saturating_mul(Core::SIZE);
            return Err(raise(py, &Error::OutOfMemory { bytes }));
        }
        self.states.resize(groups, self.empty.clone());
        Ok(())
    }

    /// Adds pair i of `p` and `q`, vectors, to the state of its group, `group[i]`.
    ///
    /// `group` is read where it lies if it is of uint32. If it raises, all states are as they were.
    #[pyo3(signature = (group, p, q=None))]
    fn update_by(
        &mut self,
        py: Python<'_>,
        group: &Bound<'_, PyAny>,
        p: &Bound<'_, PyAny>,
        q: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let group = numbers(group)?;
        let group = group.as_slice()?;
        let p = Array::of(p, "p")?;
        let q = side(q, self.empty.measure())?.map(|q| Array::of(q, "q")).transpose()?;
        let p_row = row(py, &p, "p", group.len())?;
        let q_row = q.as_ref().map_or(Ok(p_row), |q| row(py, q, "q", group.len()))?;
        let states = &mut self.states[..];
        let outcome = on_threads(py, 1, group.len(), |_| partial::update_by(states, group, p_row, q_row))?;
        outcome.map_err(|error| of_vectors(py, &error, group.len()))
    }

    /// Adds state i of `other` to the state of its group, `group[i]`. If it raises, all states are as they were.
    fn merge_by(slf: &Bound<'_, Self>, group: &Bound<'_, PyAny>, other: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let group = numbers(group)?;
        let group = group.as_slice()?;
        if slf.is(other) {
            let copy = Bound::new(py, other.borrow().clone())?;
            return slf.borrow_mut().add(py, group, &copy.borrow().states);
        }
        slf.borrow_mut().add(py, group, &other.borrow().states)
    }

    /// The measures of all groups, an array of float64; the arguments are those of `Partial.value`.
    ///
    /// The first one that has none is an error that names its group, and has all others' values as `result`.
    #[pyo3(
        signature = (base=None, *, normalization=None, mass_tolerance=None, invalid=None),
        text_signature = "($self, base=None, *, normalization=None, mass_tolerance=None, invalid='error')"
    )]
    fn values<'py>(
        &self,
        py: Python<'py>,
        base: Option<f64>,
        normalization: Option<&Bound<'_, PyAny>>,
        mass_tolerance: Option<f64>,
        invalid: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let none = py.None().into_bound(py);
        let options =
            asked_with(base, normalization.unwrap_or(&none), mass_tolerance, invalid.unwrap_or(&none))?;
        let mut values = vec![f64::NAN; self.states.len()];
        let first = on_threads(py, 1, self.states.len().saturating_mul(100), |_| {
            let mut first = None;
            for (i, (state, value)) in self.states.iter().zip(&mut values).enumerate() {
                if let Err(error) = state.value_into(&options, value) {
                    first = first.or(Some((i, error)));
                }
            }
            first
        })?;
        let values = PyArray1::from_vec(py, values);
        match first {
            None => Ok(values),
            Some((i, error)) => {
                let error = errors::of_core(py, &error, 0, &Places::default(), Some(values.as_any()));
                Err(of_one(py, error, "group", i))
            }
        }
    }

    /// What they were made for.
    #[getter]
    fn measure(&self) -> &'static str {
        measure_name(self.empty.measure())
    }

    /// What a bad entry does: "error" or "nan".
    #[getter]
    fn invalid(&self) -> &'static str {
        invalid_name(self.empty.invalid())
    }

    /// How many pairs were added, group by group.
    #[getter]
    fn count<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<u64>> {
        self.each(py, Core::count)
    }

    /// How many of them have an infinite term.
    #[getter]
    fn infinite_count<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<u64>> {
        self.each(py, Core::infinite_count)
    }

    /// How many of them hold an entry that is no probability.
    #[getter]
    fn invalid_count<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<u64>> {
        self.each(py, Core::invalid_count)
    }

    /// The sums of p.
    #[getter]
    fn mass_p<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.each(py, Core::mass_p)
    }

    /// The sums of q.
    #[getter]
    fn mass_q<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.each(py, Core::mass_q)
    }

    /// The states of bytes, one after another, that `bytes(states)` or `bytes(state)` gave; at least one.
    #[classmethod]
    fn from_bytes(_cls: &Bound<'_, PyType>, data: &Bound<'_, PyAny>) -> PyResult<Partials> {
        let py = data.py();
        with_bytes(data, |bytes| {
            if bytes.is_empty() {
                return Err(errors::error(py, "empty", "there is no state in no bytes".to_owned()));
            }
            let mut states: Vec<Core> = Vec::new();
            if states.try_reserve_exact(bytes.len().div_ceil(Core::SIZE)).is_err() {
                return Err(raise(py, &Error::OutOfMemory { bytes: bytes.len() }));
            }
            for (i, bytes) in bytes.chunks(Core::SIZE).enumerate() {
                let state = Core::from_bytes(bytes).and_then(|state| match states.first() {
                    Some(first) if first.measure() != state.measure() => {
                        Err(Error::State { what: "is one of another measure" })
                    }
                    Some(first) if first.invalid() != state.invalid() => {
                        Err(Error::State { what: "treats bad entries differently" })
                    }
                    _ => Ok(state),
                });
                states.push(state.map_err(|error| of_one(py, raise(py, &error), "state", i))?);
            }
            let empty = emptied(&states[0]).map_err(|error| raise(py, &error))?;
            Ok(Partials { states, empty })
        })
    }

    fn __bytes__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        PyBytes::new_with(py, self.states.len() * Core::SIZE, |bytes| {
            for (bytes, state) in bytes.chunks_exact_mut(Core::SIZE).zip(&self.states) {
                bytes.copy_from_slice(state.as_bytes());
            }
            Ok(())
        })
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let py = slf.py();
        let this = slf.borrow();
        // With one more state, which is empty and says of what kind they are.
        let mut all = this.clone();
        all.states.push(this.empty.clone());
        let make = slf.get_type().getattr(intern!(py, "_restored"))?;
        PyTuple::new(py, [make, PyTuple::new(py, [all.__bytes__(py)?])?.into_any()])
    }

    #[classmethod]
    fn _restored(cls: &Bound<'_, PyType>, data: &Bound<'_, PyAny>) -> PyResult<Partials> {
        let mut all = Self::from_bytes(cls, data)?;
        all.states.pop();
        Ok(all)
    }

    fn __len__(&self) -> usize {
        self.states.len()
    }

    fn __getitem__(&self, i: isize) -> PyResult<Partial> {
        let at = if i < 0 { i + self.states.len() as isize } else { i };
        match usize::try_from(at).ok().and_then(|at| self.states.get(at)) {
            Some(state) => Ok(Partial { state: state.clone() }),
            None => Err(PyIndexError::new_err(format!("group {i} of {}", self.states.len()))),
        }
    }

    fn __eq__(&self, other: &Partials) -> bool {
        self.empty == other.empty && self.states == other.states
    }

    fn __repr__(&self) -> String {
        let of_bad = if self.empty.invalid() == Invalid::Nan { ", invalid='nan'" } else { "" };
        format!("kldiv.Partials({}, '{}'{of_bad})", self.states.len(), self.measure())
    }
}

impl Partials {
    fn add(&mut self, py: Python<'_>, group: &[u32], from: &[Core]) -> PyResult<()> {
        let states = &mut self.states[..];
        let work = from.len().saturating_mul(100);
        let outcome = on_threads(py, 1, work, |_| partial::merge_by(states, group, from))?;
        outcome.map_err(|error| of_vectors(py, &error, group.len()))
    }

    fn each<'py, T: numpy::Element>(
        &self,
        py: Python<'py>,
        of: impl Fn(&Core) -> T,
    ) -> Bound<'py, PyArray1<T>> {
        PyArray1::from_vec(py, self.states.iter().map(of).collect())
    }
}

/// Numbers of groups: as they lie if they are of uint32, else as such.
fn numbers<'py>(given: &Bound<'py, PyAny>) -> PyResult<PyReadonlyArray1<'py, u32>> {
    let py = given.py();
    if let Ok(array) = given.extract::<PyReadonlyArray1<u32>>()
        && array.as_slice().is_ok()
    {
        return Ok(array);
    }
    let array = Array::of(given, "group")?;
    let number = |i: usize| -> Option<i64> {
        let at = array.data.wrapping_offset(i as isize * array.strides[0] * 8);
        // SAFETY: an element of the array, which is aligned.
        match array.dtype {
            Dtype::I64 => Some(unsafe { at.cast::<i64>().read() }),
            Dtype::U64 => i64::try_from(unsafe { at.cast::<u64>().read() }).ok().or(Some(i64::MAX)),
            _ => None,
        }
    };
    if array.ndim() != 1 || array.shape[0] > 0 && number(0).is_none() {
        let message = "group has to be a vector of integers, the numbers of the groups".to_owned();
        return Err(errors::error(py, "shape_mismatch", message));
    }
    let mut numbers = Vec::with_capacity(array.shape[0]);
    for i in 0..array.shape[0] {
        let group = number(i).unwrap_or(-1);
        numbers.push(u32::try_from(group).map_err(|_| {
            let message =
                format!("group[{i}] is {group}; groups are numbered from 0 to below the number of states");
            errors::error(py, "index", message)
        })?);
    }
    Ok(PyArray1::from_vec(py, numbers).readonly())
}

/// A vector of so many elements.
fn row<'a>(py: Python<'_>, array: &'a Array, name: &str, len: usize) -> PyResult<View<'a>> {
    if array.shape != [len] {
        let message = format!("{name} has the shape {:?}; there are {len} numbers of groups", array.shape);
        return Err(errors::error(py, "shape_mismatch", message));
    }
    let shape = Shape { rows: 1, cols: len };
    // SAFETY: the elements are the array's, which is borrowed as long.
    Ok(unsafe { View::from_raw(array.data, shape, 0, array.strides[0], array.dtype) })
}

fn of_vectors(py: Python<'_>, error: &Error, len: usize) -> PyErr {
    let place = |name| Place { name, shape: vec![len], axis: Some(0) };
    let operands = vec![place("p"), place("q"), place("group")];
    errors::of_core(py, error, 0, &Places { rows: Vec::new(), operands }, None)
}
