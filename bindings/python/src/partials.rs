//! The partial sums of many groups, which lie one after another.

use kldiv::partial::{self, Partial as Core};
use kldiv::{Dtype, Error, Invalid, Shape, View};
use numpy::{PyArray1, PyArrayMethods, PyReadonlyArray1};
use pyo3::exceptions::PyIndexError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple, PyType};

use crate::arrays::Array;
use crate::errors::{self, Place, Places};
use crate::grid::on_threads;
use crate::partial::{
    Partial, asked_with, emptied, invalid_name, made_with, measure_name, of_one, raise, side, with_bytes,
};

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
        match array.dtype {
            // SAFETY: an element of the array, which is aligned and of this type.
            Dtype::I64 => Some(unsafe { at.cast::<i64>().read() }),
            Dtype::U64 => {
                // SAFETY: as above.
                let number = unsafe { at.cast::<u64>().read() };
                Some(i64::try_from(number).unwrap_or(i64::MAX))
            }
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
