//! Where results of one number a row go: a float for one row, an array of the rows' shape, or the caller's own array.

use kldiv::Dtype;
use numpy::PyArrayDyn;
use numpy::ndarray::IxDyn;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::arrays::{Array, contiguous};
use crate::errors;
use crate::grid::Block;

pub(crate) struct Result<'py> {
    array: Option<Array<'py>>,
    number: f64,
}

impl<'py> Result<'py> {
    /// Of that shape: a single number where it has no axes, unless `out` is given, which is used then.
    pub(crate) fn new(py: Python<'py>, shape: &[usize], out: &Bound<'py, PyAny>) -> PyResult<Self> {
        let array = if !out.is_none() {
            Some(given(out, shape)?)
        } else if shape.is_empty() {
            None
        } else {
            Some(Array::to_write(&new_f64(py, shape)?, "out")?)
        };
        Ok(Result { array, number: f64::NAN })
    }

    /// Refuses an output that shares memory with an input.
    pub(crate) fn apart(&self, py: Python<'_>, inputs: &[(&str, &Array)]) -> PyResult<()> {
        let Some(array) = &self.array else { return Ok(()) };
        match inputs.iter().find(|(_, input)| array.overlaps(input)) {
            Some((name, _)) => Err(errors::error(py, "overlap", format!("out shares memory with {name}"))),
            None => Ok(()),
        }
    }

    /// The places that it has, as long as it is not moved.
    pub(crate) fn rows(&mut self) -> Rows {
        match &self.array {
            Some(array) => Places::of(array),
            None => Places::from(&mut self.number),
        }
    }

    pub(crate) fn into_object(self, py: Python<'py>) -> PyResult<Py<PyAny>> {
        match self.array {
            Some(array) => Ok(array.owner().unbind()),
            None => Ok(self.number.into_pyobject(py)?.into_any().unbind()),
        }
    }
}

fn given<'py>(out: &Bound<'py, PyAny>, shape: &[usize]) -> PyResult<Array<'py>> {
    let array = Array::to_write(out, "out")?;
    if array.dtype != Dtype::F64 {
        return Err(PyTypeError::new_err("out has to be an array of float64, as the results are"));
    }
    if array.shape != shape || array.strides != contiguous(shape) {
        let message =
            format!("out has the shape {:?}; it has to be C-contiguous, of shape {shape:?}", array.shape);
        return Err(errors::error(out.py(), "shape_mismatch", message));
    }
    Ok(array)
}

pub(crate) fn new_f64<'py>(py: Python<'py>, shape: &[usize]) -> PyResult<Bound<'py, PyAny>> {
    Ok(PyArrayDyn::<f64>::zeros(py, IxDyn(shape), false).into_any())
}

/// One place a row, given out block by block.
pub(crate) type Rows = Places<f64>;

/// Places to write to from any thread.
pub(crate) struct Places<T>(*mut T);

impl<T> Clone for Places<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Places<T> {}

// SAFETY: an address, which functions follow whose contracts keep threads apart.
unsafe impl<T: Send> Send for Places<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Places<T> {}

impl<T> Places<T> {
    /// The places that begin with that one.
    pub(crate) fn from(first: &mut T) -> Self {
        Places(first)
    }

    /// Those of an array whose elements follow one another.
    pub(crate) fn of(array: &Array) -> Self {
        Places(array.data.cast())
    }

    /// A block's places.
    ///
    /// # Safety
    /// There is a place for each row of the call, they outlive 'a, and each block is asked for once.
    pub(crate) unsafe fn of_block<'a>(self, block: &Block) -> &'a mut [T] {
        // SAFETY: the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.0.add(block.first), block.rows) }
    }

    /// The first `len` places.
    ///
    /// # Safety
    /// There are so many, they outlive 'a and are asked for once.
    pub(crate) unsafe fn all<'a>(self, len: usize) -> &'a mut [T] {
        // SAFETY: the caller's promise.
        if len == 0 { &mut [] } else { unsafe { std::slice::from_raw_parts_mut(self.0, len) } }
    }

    /// The one place of a single number.
    ///
    /// # Safety
    /// It outlives 'a and is asked for once.
    pub(crate) unsafe fn one<'a>(self) -> &'a mut T {
        // SAFETY: the caller's promise.
        unsafe { &mut *self.0 }
    }
}
