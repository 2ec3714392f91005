//! Arrays of Python's as the core takes them: an address, an element type, a shape and strides, never a copy.
//!
//! numpy's arrays are read where they lie, and so is whatever speaks DLPack (PyTorch's tensors, JAX's arrays), which also
//! brings bfloat16. All else becomes a numpy array first, and an array is converted only where its element type, its byte
//! order or its alignment leave no choice.

use std::ffi::{CStr, c_void};
use std::os::raw::c_long;

use kldiv::Dtype;
use numpy::npyffi::objects::PyArrayObject;
use numpy::npyffi::{NPY_ARRAY_ALIGNED, NPY_ARRAY_WRITEABLE, NPY_TYPES, PyDataType_ELSIZE};
use numpy::{PyArrayDescr, PyArrayDescrMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict, PyTuple};

/// An array of any number of dimensions, and whatever keeps its elements alive.
pub(crate) struct Array<'py> {
    pub(crate) data: *mut u8,
    pub(crate) dtype: Dtype,
    pub(crate) shape: Vec<usize>,
    /// In elements.
    pub(crate) strides: Vec<isize>,
    writable: bool,
    /// The object as the caller knows it.
    owner: Bound<'py, PyAny>,
    /// What it was exported as, which keeps the elements too.
    _export: Option<Bound<'py, PyAny>>,
}

impl<'py> Array<'py> {
    /// An input: whatever holds numbers.
    pub(crate) fn of(object: &Bound<'py, PyAny>, name: &str) -> PyResult<Array<'py>> {
        let py = object.py();
        if let Ok(array) = object.cast::<PyUntypedArray>() {
            return Self::of_numpy(array, name);
        }
        if object.hasattr(intern!(py, "__dlpack__"))?
            && let Some(array) = Self::of_dlpack(object, name)?
        {
            return Ok(array);
        }
        if object.is_none() {
            return Err(PyTypeError::new_err(format!(
                "{name} is None; it has to be an array of real numbers"
            )));
        }
        let made = numpy_module(py)?.call_method1(intern!(py, "asarray"), (object,))?;
        Self::of_numpy(made.cast()?, name)
    }

    /// An input of one element type: a mask or weights, contiguous.
    pub(crate) fn of_type(object: &Bound<'py, PyAny>, dtype: &str) -> PyResult<Bound<'py, PyUntypedArray>> {
        let py = object.py();
        let made = numpy_module(py)?.call_method1(intern!(py, "asarray"), (object, dtype))?;
        Ok(made.cast_into()?)
    }

    /// An output, which has to be of a floating-point type as it is.
    pub(crate) fn to_write(object: &Bound<'py, PyAny>, name: &str) -> PyResult<Array<'py>> {
        let found = match object.cast::<PyUntypedArray>() {
            Ok(array) => Self::in_place(array),
            Err(_) if object.hasattr(intern!(object.py(), "__dlpack__"))? => Self::of_dlpack(object, name)?,
            Err(_) => None,
        };
        match found {
            Some(array) if array.writable && array.dtype.is_float() => Ok(array),
            _ => Err(PyTypeError::new_err(format!(
                "{name} has to be a writable array of float64, float32, float16 or bfloat16"
            ))),
        }
    }

    fn of_numpy(array: &Bound<'py, PyUntypedArray>, name: &str) -> PyResult<Array<'py>> {
        if let Some(found) = Self::in_place(array) {
            if !array.is_exact_instance_of::<PyUntypedArray>() {
                refuse_masked(array, name)?;
            }
            return Ok(found);
        }
        refuse_masked(array, name)?;
        let py = array.py();
        let (kind, size) = (array.dtype().kind(), array.dtype().itemsize());
        let dtype = match (kind, size) {
            (b'b' | b'i', _) => "int64",
            (b'u', _) => "uint64",
            (b'f', 2) => "float16",
            (b'f', 4) => "float32",
            (b'f' | b'O', _) => "float64",
            _ if is_bfloat16(&array.dtype()) => {
                let copy = array.call_method0(intern!(py, "copy"))?;
                return Self::in_place(copy.cast()?).ok_or_else(|| refused(&array.dtype(), name));
            }
            _ => return Err(refused(&array.dtype(), name)),
        };
        let made = array.call_method1(intern!(py, "astype"), (dtype,))?;
        Self::in_place(made.cast()?).ok_or_else(|| refused(&array.dtype(), name))
    }

    /// The array as it lies, if its elements are of a type that the core knows, aligned and of this machine's byte order.
    fn in_place(array: &Bound<'py, PyUntypedArray>) -> Option<Array<'py>> {
        let raw = raw(array);
        let dtype = dtype_of(array)?;
        if raw.flags & NPY_ARRAY_ALIGNED == 0 {
            return None;
        }
        let size = dtype.size() as isize;
        let shape = array.shape().to_vec();
        let mut strides = array.strides().to_vec();
        for (stride, len) in strides.iter_mut().zip(&shape) {
            if *stride % size != 0 {
                if *len > 1 {
                    return None;
                }
                *stride = 0;
            }
            *stride /= size;
        }
        Some(Array {
            data: raw.data.cast(),
            dtype,
            shape,
            strides,
            writable: raw.flags & NPY_ARRAY_WRITEABLE != 0,
            owner: array.clone().into_any(),
            _export: None,
        })
    }

    /// What an object exports by DLPack; nothing if its elements are of a type that has to be converted.
    fn of_dlpack(object: &Bound<'py, PyAny>, name: &str) -> PyResult<Option<Array<'py>>> {
        let py = object.py();
        let device = object.call_method0(intern!(py, "__dlpack_device__"))?;
        let (device, _): (i32, i32) = device.extract()?;
        if device != dlpack::CPU && device != dlpack::PINNED {
            return Err(PyTypeError::new_err(format!(
                "{name} lies on a device; kldiv computes on the CPU: move it there first, with .cpu() for a tensor"
            )));
        }
        let export = object.call_method0(intern!(py, "__dlpack__"))?;
        let capsule = export.cast::<PyCapsule>()?;
        let tensor = capsule.pointer_checked(Some(dlpack::NAME))?.cast::<dlpack::Tensor>();
        // SAFETY: a capsule of this name points to a tensor that lives as long as the capsule, which is kept.
        let tensor = unsafe { tensor.as_ref() };
        let Some(dtype) = tensor.dtype.of_core() else { return Ok(None) };
        let ndim = tensor.ndim as usize;
        let read = |from: *const i64| -> Vec<i64> {
            // SAFETY: a tensor has so many sizes and, where they are not NULL, strides.
            if ndim == 0 { Vec::new() } else { unsafe { std::slice::from_raw_parts(from, ndim) }.to_vec() }
        };
        let shape: Vec<usize> = read(tensor.shape).into_iter().map(|n| n as usize).collect();
        let strides = if tensor.strides.is_null() {
            contiguous(&shape)
        } else {
            read(tensor.strides).into_iter().map(|n| n as isize).collect()
        };
        let data = tensor.data.cast::<u8>().wrapping_add(tensor.byte_offset as usize);
        let aligned = data.align_offset(dtype.size()) == 0;
        let owner = object.clone();
        Ok(aligned.then_some(Array {
            data,
            dtype,
            shape,
            strides,
            writable: true,
            owner,
            _export: Some(export),
        }))
    }

    /// Bytes, which are read as such.
    pub(crate) fn bytes(
        data: *mut u8,
        shape: Vec<usize>,
        strides: Vec<isize>,
        owner: Bound<'py, PyAny>,
    ) -> Self {
        Array { data, dtype: Dtype::U64, shape, strides, writable: false, owner, _export: None }
    }

    pub(crate) fn py(&self) -> Python<'py> {
        self.owner.py()
    }

    pub(crate) fn ndim(&self) -> usize {
        self.shape.len()
    }

    /// The bytes that its elements lie in.
    pub(crate) fn span(&self) -> (usize, usize) {
        if self.shape.contains(&0) {
            return (0, 0);
        }
        let size = self.dtype.size() as isize;
        let (mut first, mut last) = (self.data as isize, self.data as isize + size);
        for (len, stride) in self.shape.iter().zip(&self.strides) {
            let reach = (*len as isize - 1) * stride * size;
            if reach < 0 { first += reach } else { last += reach }
        }
        (first as usize, last as usize)
    }

    pub(crate) fn overlaps(&self, other: &Array) -> bool {
        let ((a, b), (c, d)) = (self.span(), other.span());
        a.max(c) < b.min(d)
    }

    /// The object that was written to, as the caller knows it.
    pub(crate) fn owner(&self) -> Bound<'py, PyAny> {
        self.owner.clone()
    }
}

/// Strides of an array whose elements follow one another, the last axis fastest.
pub(crate) fn contiguous(shape: &[usize]) -> Vec<isize> {
    let mut strides = vec![1; shape.len()];
    for i in (1..shape.len()).rev() {
        strides[i - 1] = strides[i] * shape[i].max(1) as isize;
    }
    strides
}

/// The struct behind an array.
pub(crate) fn raw<'a>(
    array: &'a Bound<'_, PyUntypedArray>,
) -> &'a numpy::npyffi::objects::PyArrayObject_fields {
    let object: *mut PyArrayObject = array.as_array_ptr();
    // SAFETY: the object is an array, and borrowed for as long.
    unsafe { &(*object).fields }
}

/// The core's element type of an array, if it has one and its bytes are in this machine's order.
pub(crate) fn dtype_of(array: &Bound<'_, PyUntypedArray>) -> Option<Dtype> {
    // SAFETY: an array has a description, which lives as long.
    let descr = unsafe { &(*raw(array).descr).fields };
    let swapped = if cfg!(target_endian = "little") { b'>' } else { b'<' };
    if descr.byteorder as u8 == swapped {
        return None;
    }
    const LONG_IS_64: bool = size_of::<c_long>() == 8;
    const fn is(number: i32, of: NPY_TYPES) -> bool {
        number == of as i32
    }
    match descr.type_num {
        n if is(n, NPY_TYPES::NPY_DOUBLE) => Some(Dtype::F64),
        n if is(n, NPY_TYPES::NPY_FLOAT) => Some(Dtype::F32),
        n if is(n, NPY_TYPES::NPY_HALF) => Some(Dtype::F16),
        n if is(n, NPY_TYPES::NPY_LONGLONG) || LONG_IS_64 && is(n, NPY_TYPES::NPY_LONG) => Some(Dtype::I64),
        n if is(n, NPY_TYPES::NPY_ULONGLONG) || LONG_IS_64 && is(n, NPY_TYPES::NPY_ULONG) => Some(Dtype::U64),
        n if n >= NPY_TYPES::NPY_USERDEF as i32 && is_bfloat16(&array.dtype()) => Some(Dtype::Bf16),
        _ => None,
    }
}

/// Whether it is the bfloat16 of ml_dtypes, which JAX and others share.
fn is_bfloat16(dtype: &Bound<'_, PyArrayDescr>) -> bool {
    // SAFETY: the description lives as long as the reference to it.
    let size = unsafe { PyDataType_ELSIZE(dtype.py(), dtype.as_dtype_ptr()) };
    size == 2 && dtype.typeobj().name().is_ok_and(|name| name == "bfloat16")
}

fn refused(dtype: &Bound<'_, PyArrayDescr>, name: &str) -> PyErr {
    PyTypeError::new_err(format!(
        "{name} has elements of type {dtype}; probabilities and counts are real numbers"
    ))
}

fn refuse_masked(array: &Bound<'_, PyUntypedArray>, name: &str) -> PyResult<()> {
    if array.hasattr(intern!(array.py(), "mask"))? {
        return Err(PyTypeError::new_err(format!(
            "{name} is a masked array; give its data, filled, and the rows to keep as mask="
        )));
    }
    Ok(())
}

pub(crate) fn numpy_module(py: Python<'_>) -> PyResult<Bound<'_, PyModule>> {
    py.import(intern!(py, "numpy"))
}

/// The name by which numpy knows a type; bfloat16 is that of ml_dtypes.
pub(crate) fn numpy_dtype<'py>(py: Python<'py>, dtype: Dtype) -> PyResult<Bound<'py, PyAny>> {
    let name = match dtype {
        Dtype::F64 => "float64",
        Dtype::F32 => "float32",
        Dtype::F16 => "float16",
        Dtype::Bf16 => return py.import(intern!(py, "ml_dtypes"))?.getattr(intern!(py, "bfloat16")),
        Dtype::I64 => "int64",
        Dtype::U64 => "uint64",
        _ => return Err(PyTypeError::new_err("an element type that numpy does not have")),
    };
    Ok(pyo3::types::PyString::new(py, name).into_any())
}

/// A new array.
pub(crate) fn empty<'py>(
    py: Python<'py>,
    shape: &[usize],
    dtype: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let options = PyDict::new(py);
    options.set_item(intern!(py, "dtype"), dtype)?;
    numpy_module(py)?.call_method(intern!(py, "empty"), (PyTuple::new(py, shape)?,), Some(&options))
}

/// The structs of DLPack, version 0, as its header has them.
mod dlpack {
    use super::*;

    pub(super) const NAME: &CStr = c"dltensor";
    pub(super) const CPU: i32 = 1;
    pub(super) const PINNED: i32 = 3;

    #[repr(C)]
    pub(super) struct Type {
        code: u8,
        bits: u8,
        lanes: u16,
    }

    impl Type {
        pub(super) fn of_core(&self) -> Option<Dtype> {
            match (self.code, self.bits, self.lanes) {
                (2, 64, 1) => Some(Dtype::F64),
                (2, 32, 1) => Some(Dtype::F32),
                (2, 16, 1) => Some(Dtype::F16),
                (4, 16, 1) => Some(Dtype::Bf16),
                (0, 64, 1) => Some(Dtype::I64),
                (1, 64, 1) => Some(Dtype::U64),
                _ => None,
            }
        }
    }

    #[repr(C)]
    pub(super) struct Tensor {
        pub(super) data: *mut c_void,
        _device: [i32; 2],
        pub(super) ndim: i32,
        pub(super) dtype: Type,
        pub(super) shape: *const i64,
        pub(super) strides: *const i64,
        pub(super) byte_offset: u64,
    }
}
