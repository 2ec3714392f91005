//! Arrays and matrices of the caller's: what they are in C, and whether they can be what they say.
//!
//! Each kind of argument has one function here that looks at it: whether it is NULL, of a known element type, aligned,
//! and of a possible size, in this order.

use std::ffi::c_void;
use std::slice;

use core_kldiv::{Dtype, Shape, View, ViewMut};

use crate::error::Failure;
use crate::status::*;

/// IEEE binary64, C's double.
pub const KLDIV_DTYPE_F64: u32 = 1;
/// IEEE binary32, C's float.
pub const KLDIV_DTYPE_F32: u32 = 2;
/// IEEE binary16, as in _Float16 or the bits of a uint16_t.
pub const KLDIV_DTYPE_F16: u32 = 3;
/// bfloat16, the upper half of a binary32.
pub const KLDIV_DTYPE_BF16: u32 = 4;
/// Signed counts, int64_t. Inputs only.
pub const KLDIV_DTYPE_I64: u32 = 5;
/// Unsigned counts, uint64_t. Inputs only.
pub const KLDIV_DTYPE_U64: u32 = 6;

/// A matrix to read: each row a distribution, each column an outcome. A plain vector is one row.
///
/// Element (i, j) lies i * row_stride + j * col_stride elements after data. A stride of 0 repeats a row or a column;
/// a negative one walks backwards. data is aligned to the element's size, and may be NULL if there are no elements.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct kldiv_view {
    /// Element (0, 0).
    pub data: *const c_void,
    /// How many rows; with none there is nothing to compute, and that is no error.
    pub rows: usize,
    /// How many columns, at least 1.
    pub cols: usize,
    /// From a row to the next, in elements.
    pub row_stride: isize,
    /// From a column to the next, in elements.
    pub col_stride: isize,
    /// KLDIV_DTYPE_...
    pub dtype: u32,
}

/// A matrix to write to: as kldiv_view, with no two positions on one element and of a floating-point type.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct kldiv_view_mut {
    /// Element (0, 0).
    pub data: *mut c_void,
    /// How many rows.
    pub rows: usize,
    /// How many columns.
    pub cols: usize,
    /// From a row to the next, in elements.
    pub row_stride: isize,
    /// From a column to the next, in elements.
    pub col_stride: isize,
    /// KLDIV_DTYPE_F64, F32, F16 or BF16.
    pub dtype: u32,
}

/// The bytes that an argument lies in, and its name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    name: &'static str,
    start: usize,
    end: usize,
}

impl Span {
    /// That of an argument that is not there.
    pub(crate) const NONE: Span = Span { name: "", start: 0, end: 0 };

    /// Whether an output shares no byte with the inputs, which stay as they are while it is written.
    #[inline(always)]
    pub(crate) fn apart(self, inputs: &[Span]) -> Result<(), Failure> {
        for input in inputs {
            if self.start < input.end && input.start < self.end {
                return Err(Failure::Argument(
                    KLDIV_ERROR_OVERLAP,
                    input.name,
                    "shares bytes with the output",
                ));
            }
        }
        Ok(())
    }
}

/// The struct behind a pointer that may not be NULL.
///
/// # Safety
/// `pointer` is NULL or its target is readable.
#[inline(always)]
pub(crate) unsafe fn read<T: Copy>(pointer: *const T, name: &'static str) -> Result<T, Failure> {
    if pointer.is_null() {
        return Err(Failure::Argument(KLDIV_ERROR_NULL_POINTER, name, "is NULL"));
    }
    if !pointer.is_aligned() {
        return Err(Failure::Argument(KLDIV_ERROR_MISALIGNED, name, "is not aligned"));
    }
    // SAFETY: neither NULL nor misaligned, and the caller vouches for the rest.
    Ok(unsafe { pointer.read() })
}

/// An array of `len` elements to read.
///
/// # Safety
/// `data` is NULL or `len` elements there are readable, and nobody writes to them during 'a.
#[inline(always)]
pub(crate) unsafe fn array<'a, T>(
    data: *const T,
    len: usize,
    name: &'static str,
) -> Result<(&'a [T], Span), Failure> {
    let span = array_span(data, len, name)?;
    // SAFETY: checked above, as far as it can be; the caller vouches for the rest.
    Ok((if len == 0 { &[] } else { unsafe { slice::from_raw_parts(data, len) } }, span))
}

/// An array of `len` elements to write to.
///
/// # Safety
/// `data` is NULL or `len` elements there are writable, and nobody touches them during 'a.
#[inline(always)]
pub(crate) unsafe fn array_mut<'a, T>(
    data: *mut T,
    len: usize,
    name: &'static str,
) -> Result<(&'a mut [T], Span), Failure> {
    let span = array_span(data, len, name)?;
    // SAFETY: checked above, as far as it can be; the caller vouches for the rest.
    Ok((if len == 0 { &mut [] } else { unsafe { slice::from_raw_parts_mut(data, len) } }, span))
}

/// One element to write to.
///
/// # Safety
/// `data` is NULL or writable, and nobody touches it during 'a.
#[inline(always)]
pub(crate) unsafe fn one_mut<'a, T>(data: *mut T, name: &'static str) -> Result<(&'a mut T, Span), Failure> {
    let span = array_span(data, 1, name)?;
    // SAFETY: checked above, as far as it can be; the caller vouches for the rest.
    Ok((unsafe { &mut *data }, span))
}

#[inline(always)]
fn array_span<T>(data: *const T, len: usize, name: &'static str) -> Result<Span, Failure> {
    if len == 0 {
        return Ok(Span { name, ..Span::NONE });
    }
    if data.is_null() {
        return Err(Failure::Argument(KLDIV_ERROR_NULL_POINTER, name, "is NULL"));
    }
    if !data.is_aligned() {
        return Err(Failure::Argument(KLDIV_ERROR_MISALIGNED, name, "is not aligned to its elements"));
    }
    let end = len
        .checked_mul(size_of::<T>())
        .filter(|&bytes| bytes <= isize::MAX as usize)
        .and_then(|bytes| data.addr().checked_add(bytes));
    match end {
        Some(end) => Ok(Span { name, start: data.addr(), end }),
        None => Err(Failure::Argument(KLDIV_ERROR_SIZE_OVERFLOW, name, TOO_LARGE)),
    }
}

const TOO_LARGE: &str = "spans more than memory can hold";

/// A matrix to read.
///
/// # Safety
/// `view` is NULL or readable; if it can be what it says, its elements are readable, and nobody writes to them during 'a.
pub(crate) unsafe fn matrix<'a>(
    view: *const kldiv_view,
    name: &'static str,
) -> Result<(View<'a>, Span), Failure> {
    // SAFETY: the caller's promise.
    let view = unsafe { read(view, name) }?;
    let (shape, dtype, span) = matrix_span(&view, name)?;
    // SAFETY: checked above, as far as it can be; the caller vouches for the rest.
    let matrix = unsafe { View::from_raw(view.data.cast(), shape, view.row_stride, view.col_stride, dtype) };
    Ok((matrix, span))
}

/// A matrix to write to.
///
/// # Safety
/// `view` is NULL or readable; if it can be what it says, its elements are writable, and nobody touches them during 'a.
pub(crate) unsafe fn matrix_mut<'a>(
    view: *const kldiv_view_mut,
    name: &'static str,
) -> Result<(ViewMut<'a>, Span), Failure> {
    // SAFETY: the caller's promise.
    let kldiv_view_mut { data, rows, cols, row_stride, col_stride, dtype } = unsafe { read(view, name) }?;
    let view = kldiv_view { data, rows, cols, row_stride, col_stride, dtype };
    let (shape, dtype, span) = matrix_span(&view, name)?;
    if coincide(&view) {
        return Err(Failure::Argument(
            KLDIV_ERROR_OVERLAP,
            name,
            "has strides that put two positions on one element",
        ));
    }
    // SAFETY: checked above, as far as it can be; the caller vouches for the rest.
    let matrix = unsafe { ViewMut::from_raw(data.cast(), shape, row_stride, col_stride, dtype) };
    Ok((matrix, span))
}

fn dtype(code: u32) -> Option<Dtype> {
    Some(match code {
        KLDIV_DTYPE_F64 => Dtype::F64,
        KLDIV_DTYPE_F32 => Dtype::F32,
        KLDIV_DTYPE_F16 => Dtype::F16,
        KLDIV_DTYPE_BF16 => Dtype::Bf16,
        KLDIV_DTYPE_I64 => Dtype::I64,
        KLDIV_DTYPE_U64 => Dtype::U64,
        _ => return None,
    })
}

fn matrix_span(view: &kldiv_view, name: &'static str) -> Result<(Shape, Dtype, Span), Failure> {
    let wrong = |status, what| Err(Failure::Argument(status, name, what));
    let Some(dtype) = dtype(view.dtype) else {
        return wrong(KLDIV_ERROR_DTYPE, "has an unknown element type");
    };
    let shape = Shape { rows: view.rows, cols: view.cols };
    if view.rows == 0 || view.cols == 0 {
        return Ok((shape, dtype, Span { name, ..Span::NONE }));
    }
    if view.data.is_null() {
        return wrong(KLDIV_ERROR_NULL_POINTER, "has elements and its data is NULL");
    }
    if !view.data.addr().is_multiple_of(dtype.size()) {
        return wrong(KLDIV_ERROR_MISALIGNED, "has data that is not aligned to its elements");
    }
    match extent(view, dtype.size()) {
        Some((start, end)) => Ok((shape, dtype, Span { name, start, end })),
        None => wrong(KLDIV_ERROR_SIZE_OVERFLOW, TOO_LARGE),
    }
}

/// Where the first byte of a matrix with elements lies, and where the one past its last; `None` if they are further
/// apart than pointers can be, wrap around, or there are more elements than can be counted.
fn extent(view: &kldiv_view, size: usize) -> Option<(usize, usize)> {
    isize::try_from(view.rows.checked_mul(view.cols)?).ok()?;
    let (mut before, mut after) = (0usize, size);
    for (len, stride) in [(view.rows, view.row_stride), (view.cols, view.col_stride)] {
        let reach = (len - 1).checked_mul(stride.unsigned_abs())?.checked_mul(size)?;
        let side = if stride < 0 { &mut before } else { &mut after };
        *side = side.checked_add(reach)?;
    }
    isize::try_from(before.checked_add(after)?).ok()?;
    let data = view.data.addr();
    Some((data.checked_sub(before)?, data.checked_add(after)?))
}

/// Whether two positions of a matrix are on one element: |Δi · row_stride| = |Δj · col_stride| for some steps
/// Δi < rows, Δj < cols that are not both 0. The smallest such are the strides, exchanged and without what they share.
fn coincide(view: &kldiv_view) -> bool {
    let (row, col) = (view.row_stride.unsigned_abs(), view.col_stride.unsigned_abs());
    if view.rows == 0 || view.cols == 0 {
        return false;
    }
    if row == 0 || col == 0 {
        return (row == 0 && view.rows > 1) || (col == 0 && view.cols > 1);
    }
    let (mut divisor, mut rest) = (row, col);
    while rest != 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    col / divisor < view.rows && row / divisor < view.cols
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status<T>(result: Result<T, Failure>) -> kldiv_status {
        match result {
            Ok(_) => KLDIV_OK,
            Err(Failure::Argument(status, ..)) => status,
            Err(other) => panic!("{other}"),
        }
    }

    fn view(
        data: *const f64,
        (rows, cols): (usize, usize),
        (row_stride, col_stride): (isize, isize),
    ) -> kldiv_view {
        kldiv_view { data: data.cast(), rows, cols, row_stride, col_stride, dtype: KLDIV_DTYPE_F64 }
    }

    fn read_status(view: &kldiv_view) -> kldiv_status {
        // SAFETY: the struct is readable; the elements are not looked at here.
        status(unsafe { matrix(view, "p") })
    }

    fn write_status(view: &kldiv_view) -> kldiv_status {
        let kldiv_view { data, rows, cols, row_stride, col_stride, dtype } = *view;
        let view = kldiv_view_mut { data: data.cast_mut(), rows, cols, row_stride, col_stride, dtype };
        // SAFETY: as above.
        status(unsafe { matrix_mut(&view, "out") })
    }

    #[test]
    fn null_is_fine_for_no_elements_only() {
        let null = std::ptr::null();
        assert_eq!(read_status(&view(null, (0, 3), (3, 1))), KLDIV_OK);
        assert_eq!(read_status(&view(null, (3, 0), (0, 1))), KLDIV_OK);
        assert_eq!(read_status(&view(null, (1, 3), (3, 1))), KLDIV_ERROR_NULL_POINTER);
        // SAFETY: NULL is allowed.
        unsafe {
            assert_eq!(status(matrix(std::ptr::null(), "p")), KLDIV_ERROR_NULL_POINTER);
            assert_eq!(status(array::<f64>(null, 0, "p")), KLDIV_OK);
            assert_eq!(status(array::<f64>(null, 1, "p")), KLDIV_ERROR_NULL_POINTER);
        }
    }

    #[test]
    fn misaligned_data_is_refused() {
        let data = [0.0; 4];
        let odd = data.as_ptr().wrapping_byte_add(4);
        assert_eq!(read_status(&view(odd, (1, 3), (3, 1))), KLDIV_ERROR_MISALIGNED);
        assert_eq!(
            read_status(&kldiv_view { dtype: KLDIV_DTYPE_F32, ..view(odd, (1, 3), (3, 1)) }),
            KLDIV_OK
        );
        // SAFETY: only looked at.
        assert_eq!(status(unsafe { array(odd, 3, "p") }), KLDIV_ERROR_MISALIGNED);
    }

    #[test]
    fn element_types_are_checked() {
        let data = [0.0; 4];
        for dtype in 0..10 {
            let view = kldiv_view { dtype, ..view(data.as_ptr(), (1, 4), (4, 1)) };
            let known = (1..=6).contains(&dtype);
            let expected = if known { KLDIV_OK } else { KLDIV_ERROR_DTYPE };
            assert_eq!((read_status(&view), write_status(&view)), (expected, expected));
        }
    }

    #[test]
    fn spans_beyond_memory_are_refused() {
        let data = [0.0; 4];
        let most = isize::MAX as usize;
        for (shape, strides) in [
            ((1, most / 8 + 1), (0, 1)),
            ((usize::MAX, usize::MAX), (0, 0)),
            ((3, 3), (isize::MAX, isize::MAX)),
            ((2, 1), (isize::MIN, 1)),
            ((2, 2), (-(1 << 59), 1 << 59)),
            ((most, 2), (0, 0)),
        ] {
            assert_eq!(
                read_status(&view(data.as_ptr(), shape, strides)),
                KLDIV_ERROR_SIZE_OVERFLOW,
                "{shape:?} {strides:?}"
            );
        }
        assert_eq!(read_status(&view(data.as_ptr(), (most, 1), (0, 1))), KLDIV_OK);
        assert_eq!(read_status(&view(data.as_ptr(), (1, 1), (isize::MIN, isize::MAX))), KLDIV_OK);
        // SAFETY: only looked at.
        assert_eq!(status(unsafe { array(data.as_ptr(), most / 8 + 1, "p") }), KLDIV_ERROR_SIZE_OVERFLOW);
    }

    #[test]
    fn a_span_reaches_as_far_as_the_strides_do() {
        let data = [0.0; 16];
        let start = data.as_ptr().addr();
        let of = |view: &kldiv_view| {
            matrix_span(view, "p").map(|(.., span)| (span.start - start, span.end - start))
        };
        assert_eq!(of(&view(&data[0], (2, 3), (4, 1))).unwrap(), (0, 56));
        assert_eq!(of(&view(&data[7], (2, 3), (4, -1))).unwrap(), (40, 96));
        assert_eq!(of(&view(&data[15], (2, 3), (-4, -2))).unwrap(), (56, 128));
        assert_eq!(of(&view(&data[1], (9, 1), (0, 5))).unwrap(), (8, 16));
    }

    #[test]
    fn outputs_share_no_byte_with_inputs() {
        let at = |start, end| Span { name: "p", start, end };
        assert!(at(8, 16).apart(&[at(0, 8), at(16, 24), Span::NONE]).is_ok());
        assert!(at(8, 16).apart(&[at(0, 8), at(15, 24)]).is_err());
        assert!(at(8, 16).apart(&[at(0, 32)]).is_err());
        assert!(Span::NONE.apart(&[at(0, 32)]).is_ok());
    }

    #[test]
    fn two_positions_on_one_element_are_found_exactly() {
        let data = [0.0; 1];
        for rows in 1..5 {
            for cols in 1..5 {
                for row_stride in -5..6 {
                    for col_stride in -5..6 {
                        let view = view(data.as_ptr(), (rows, cols), (row_stride, col_stride));
                        let mut places: Vec<isize> = (0..rows as isize)
                            .flat_map(|i| (0..cols as isize).map(move |j| i * row_stride + j * col_stride))
                            .collect();
                        places.sort();
                        places.dedup();
                        let expected =
                            if places.len() < rows * cols { KLDIV_ERROR_OVERLAP } else { KLDIV_OK };
                        assert_eq!(
                            write_status(&view),
                            expected,
                            "{rows} x {cols}, strides {row_stride} and {col_stride}"
                        );
                    }
                }
            }
        }
    }
}
