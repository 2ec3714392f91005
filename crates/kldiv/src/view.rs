//! Matrices of any element type and any strides, seen through one type.
//!
//! A [`View`] carries its element type as a value, so whatever takes one is written, and compiled, once.

use std::marker::PhantomData;

use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use ndarray::{ArrayRef2, ArrayView1, ArrayView2, ArrayViewMut2};

/// The element types a view can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dtype {
    /// IEEE binary64.
    F64,
    /// IEEE binary32.
    F32,
    /// IEEE binary16.
    F16,
    /// bfloat16.
    Bf16,
    /// Signed counts.
    I64,
    /// Unsigned counts.
    U64,
}

impl Dtype {
    /// The size of one element, in bytes; also its alignment.
    pub const fn size(self) -> usize {
        match self {
            Dtype::F64 | Dtype::I64 | Dtype::U64 => 8,
            Dtype::F32 => 4,
            Dtype::F16 | Dtype::Bf16 => 2,
        }
    }

    /// Whether it is a floating-point type.
    pub const fn is_float(self) -> bool {
        !matches!(self, Dtype::I64 | Dtype::U64)
    }

    /// Whether every value is exact in f32.
    pub(crate) const fn fits_f32(self) -> bool {
        matches!(self, Dtype::F32 | Dtype::F16 | Dtype::Bf16)
    }

    /// Its name, as it stands in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Dtype::F64 => "f64",
            Dtype::F32 => "f32",
            Dtype::F16 => "f16",
            Dtype::Bf16 => "bf16",
            Dtype::I64 => "i64",
            Dtype::U64 => "u64",
        }
    }
}

mod sealed {
    pub trait Sealed {}
}

/// A type that probabilities or counts can have: f64, f32, f16, bf16, i64, u64.
pub trait Element: sealed::Sealed + Copy + Send + Sync + 'static {
    /// The same, as a value.
    const DTYPE: Dtype;
    /// The value as f64; exact but for counts beyond 2⁵³, which are rounded.
    fn to_f64(self) -> f64;
    /// The value as f32.
    fn to_f32(self) -> f32;
    /// The f64 rounded to this type.
    fn from_f64(x: f64) -> Self;
    /// Any element as this type.
    fn from_element<T: Element>(x: T) -> Self;
    /// Elements as f32, as many as there are places.
    fn to_f32s(from: &[Self], to: &mut [f32]);
}

macro_rules! element {
    ($($t:ty, $dtype:ident, $to_f64:expr, $to_f32:expr, $from:expr, $via:ident, $slice:expr;)*) => {$(
        impl sealed::Sealed for $t {}
        impl Element for $t {
            const DTYPE: Dtype = Dtype::$dtype;
            #[inline(always)]
            fn to_f64(self) -> f64 { $to_f64(self) }
            #[inline(always)]
            fn to_f32(self) -> f32 { $to_f32(self) }
            #[inline(always)]
            fn from_f64(x: f64) -> Self { $from(x) }
            #[inline(always)]
            #[allow(clippy::unnecessary_cast)]
            fn from_element<T: Element>(x: T) -> Self { $from(x.$via()) }
            #[inline(always)]
            fn to_f32s(from: &[Self], to: &mut [f32]) { $slice(from, to) }
        }
    )*};
}

element! {
    f64, F64, |x| x, |x| x as f32, |x| x, to_f64, each_to_f32;
    f32, F32, f64::from, |x| x, |x| x as f32, to_f32, each_to_f32;
    f16, F16, f16::to_f64, f16::to_f32, f16::from_f64, to_f64, HalfFloatSliceExt::convert_to_f32_slice;
    // Without a look at whether it is a NaN, so that several go at a time.
    bf16, Bf16, bf16::to_f64, |x: bf16| f32::from_bits(u32::from(x.to_bits()) << 16), bf16::from_f64, to_f64, each_to_f32;
    i64, I64, |x| x as f64, |x| x as f32, |x| x as i64, to_f64, each_to_f32;
    u64, U64, |x| x as f64, |x| x as f32, |x| x as u64, to_f64, each_to_f32;
}

fn each_to_f32<T: Element>(from: &[T], to: &mut [f32]) {
    for (x, place) in from.iter().zip(to) {
        *place = x.to_f32();
    }
}

/// Calls `$body` with `$T` standing for the type that `$dtype` names.
macro_rules! with_type {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            $crate::view::Dtype::F64 => {
                type $T = f64;
                $body
            }
            $crate::view::Dtype::F32 => {
                type $T = f32;
                $body
            }
            $crate::view::Dtype::F16 => {
                type $T = half::f16;
                $body
            }
            $crate::view::Dtype::Bf16 => {
                type $T = half::bf16;
                $body
            }
            $crate::view::Dtype::I64 => {
                type $T = i64;
                $body
            }
            $crate::view::Dtype::U64 => {
                type $T = u64;
                $body
            }
        }
    };
}

/// Rows and columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// How many rows.
    pub rows: usize,
    /// How many columns.
    pub cols: usize,
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} x {}", self.rows, self.cols)
    }
}

/// A matrix to read: rows are distributions, columns outcomes. Strides count elements; a stride of 0 repeats.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    data: *const u8,
    shape: Shape,
    row_stride: isize,
    col_stride: isize,
    dtype: Dtype,
    lifetime: PhantomData<&'a u8>,
}

// SAFETY: a view only reads, what it reads is borrowed for 'a, and every element type is Sync.
unsafe impl Send for View<'_> {}
// SAFETY: as above.
unsafe impl Sync for View<'_> {}

impl<'a> View<'a> {
    /// A view of raw memory.
    ///
    /// # Safety
    /// Every element `data + i * row_stride + j * col_stride` with `i < rows`, `j < cols` must be readable, aligned
    /// and of type `dtype`, and not written to while the view lives.
    pub unsafe fn from_raw(
        data: *const u8,
        shape: Shape,
        row_stride: isize,
        col_stride: isize,
        dtype: Dtype,
    ) -> Self {
        View { data, shape, row_stride, col_stride, dtype, lifetime: PhantomData }
    }

    /// Rows and columns.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.shape.rows
    }

    /// How many columns.
    pub fn cols(&self) -> usize {
        self.shape.cols
    }

    /// How many elements, those counted again that a stride of 0 repeats.
    pub fn elements(&self) -> usize {
        self.shape.rows.saturating_mul(self.shape.cols)
    }

    /// The element type.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// The transposed matrix: the same elements, columns as rows.
    #[must_use]
    pub fn transposed(self) -> Self {
        View {
            shape: Shape { rows: self.shape.cols, cols: self.shape.rows },
            row_stride: self.col_stride,
            col_stride: self.row_stride,
            ..self
        }
    }

    /// One row of one distribution standing for `rows` equal ones.
    #[must_use]
    pub fn repeated(self, rows: usize) -> Self {
        View { shape: Shape { rows, ..self.shape }, row_stride: 0, ..self }
    }

    /// Its first element in every place of a matrix.
    pub(crate) fn spread(self, shape: Shape) -> Self {
        View { shape, row_stride: 0, col_stride: 0, ..self }
    }

    /// All elements, row after row, as one row, if they lie evenly spaced.
    pub(crate) fn as_one_row(self) -> Option<Row<'a>> {
        let Shape { rows, cols } = self.shape;
        let across = self.col_stride.checked_mul(cols as isize);
        let stride = match (rows, cols) {
            (1, _) => self.col_stride,
            (_, 1) => self.row_stride,
            _ if across == Some(self.row_stride) => self.col_stride,
            _ => return None,
        };
        let View { data, dtype, .. } = self;
        Some(Row { data, len: self.elements(), stride, dtype, lifetime: PhantomData })
    }

    /// The rows before row `rows`.
    pub(crate) fn first_rows(self, rows: usize) -> Self {
        debug_assert!(rows <= self.shape.rows);
        View { shape: Shape { rows, ..self.shape }, ..self }
    }

    /// So many rows from `start` on.
    pub(crate) fn some_rows(self, start: usize, rows: usize) -> Self {
        debug_assert!(start + rows <= self.shape.rows);
        let data = self.data.wrapping_offset(start as isize * self.row_stride * self.dtype.size() as isize);
        View { data, ..self.first_rows(rows) }
    }

    /// Whether an element is nearer to those of other rows than to others of its own.
    pub(crate) fn has_rows_side_by_side(&self) -> bool {
        self.shape.rows > 1
            && self.row_stride != 0
            && self.row_stride.unsigned_abs() < self.col_stride.unsigned_abs()
    }

    /// Whether both are the same elements of the same memory.
    pub(crate) fn is_same(&self, other: &View) -> bool {
        let layout = |x: &View| (x.data, x.shape, x.row_stride, x.col_stride, x.dtype);
        layout(self) == layout(other)
    }

    /// Where row `row` begins and how far apart rows are, if they are slices of type `T`.
    pub(crate) fn slices_from<T: Element>(&self, row: usize) -> Option<(*const T, isize)> {
        let slices = self.dtype == T::DTYPE && (self.col_stride == 1 || self.shape.cols == 1);
        slices.then(|| (self.row(row).data.cast(), self.row_stride))
    }

    pub(crate) fn row(&self, i: usize) -> Row<'a> {
        debug_assert!(i < self.shape.rows);
        // SAFETY: row i is within the matrix that `from_raw` was promised.
        let data = unsafe { self.data.offset(i as isize * self.row_stride * self.dtype.size() as isize) };
        Row { data, len: self.shape.cols, stride: self.col_stride, dtype: self.dtype, lifetime: PhantomData }
    }
}

impl<'a, T: Element> From<ArrayView2<'a, T>> for View<'a> {
    fn from(array: ArrayView2<'a, T>) -> Self {
        let (rows, cols) = array.dim();
        let strides = array.strides();
        // SAFETY: ndarray vouches for the elements, and they are borrowed for 'a.
        unsafe {
            View::from_raw(array.as_ptr().cast(), Shape { rows, cols }, strides[0], strides[1], T::DTYPE)
        }
    }
}

impl<'a, T: Element> From<&'a ArrayRef2<T>> for View<'a> {
    fn from(array: &'a ArrayRef2<T>) -> Self {
        array.view().into()
    }
}

impl<'a, T: Element> From<&'a ndarray::Array2<T>> for View<'a> {
    fn from(array: &'a ndarray::Array2<T>) -> Self {
        array.view().into()
    }
}

impl<'a, T: Element> From<ArrayView1<'a, T>> for View<'a> {
    fn from(array: ArrayView1<'a, T>) -> Self {
        array.insert_axis(ndarray::Axis(0)).into()
    }
}

impl<'a, T: Element> From<&'a [T]> for View<'a> {
    fn from(row: &'a [T]) -> Self {
        let shape = Shape { rows: 1, cols: row.len() };
        // SAFETY: the elements are the slice's own, one after another.
        unsafe { View::from_raw(row.as_ptr().cast(), shape, row.len() as isize, 1, T::DTYPE) }
    }
}

/// A matrix to write to.
#[derive(Debug)]
pub struct ViewMut<'a> {
    data: *mut u8,
    shape: Shape,
    row_stride: isize,
    col_stride: isize,
    dtype: Dtype,
    lifetime: PhantomData<&'a mut u8>,
}

// SAFETY: whoever holds a ViewMut alone may write what it spans, from any thread.
unsafe impl Send for ViewMut<'_> {}
// SAFETY: shared, it gives out nothing but `row_mut`, whose contract keeps rows apart.
unsafe impl Sync for ViewMut<'_> {}

impl<'a> ViewMut<'a> {
    /// A view of raw memory to write to.
    ///
    /// # Safety
    /// As [`View::from_raw`], writable, with no two positions on the same element, and not touched by anyone else
    /// while the view lives.
    pub unsafe fn from_raw(
        data: *mut u8,
        shape: Shape,
        row_stride: isize,
        col_stride: isize,
        dtype: Dtype,
    ) -> Self {
        ViewMut { data, shape, row_stride, col_stride, dtype, lifetime: PhantomData }
    }

    /// Rows and columns.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The element type.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// Row `i`, to write to.
    ///
    /// # Safety
    /// No two threads may hold the same row at once.
    pub(crate) unsafe fn row_mut(&self, i: usize) -> RowMut<'a> {
        debug_assert!(i < self.shape.rows);
        // SAFETY: row i is within the matrix that `from_raw` was promised.
        let data = unsafe { self.data.offset(i as isize * self.row_stride * self.dtype.size() as isize) };
        RowMut {
            data,
            len: self.shape.cols,
            stride: self.col_stride,
            dtype: self.dtype,
            lifetime: PhantomData,
        }
    }
}

impl<'a, T: Element> From<ArrayViewMut2<'a, T>> for ViewMut<'a> {
    fn from(mut array: ArrayViewMut2<'a, T>) -> Self {
        let (rows, cols) = array.dim();
        let (row_stride, col_stride) = (array.strides()[0], array.strides()[1]);
        // SAFETY: ndarray vouches for the elements, which are distinct and borrowed for 'a.
        unsafe {
            ViewMut::from_raw(
                array.as_mut_ptr().cast(),
                Shape { rows, cols },
                row_stride,
                col_stride,
                T::DTYPE,
            )
        }
    }
}

impl<'a, T: Element> From<&'a mut [T]> for ViewMut<'a> {
    fn from(row: &'a mut [T]) -> Self {
        let shape = Shape { rows: 1, cols: row.len() };
        // SAFETY: the elements are the slice's own, one after another.
        unsafe { ViewMut::from_raw(row.as_mut_ptr().cast(), shape, row.len() as isize, 1, T::DTYPE) }
    }
}

/// A row of a [`View`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'a> {
    data: *const u8,
    len: usize,
    stride: isize,
    dtype: Dtype,
    lifetime: PhantomData<&'a u8>,
}

// SAFETY: as for View.
unsafe impl Send for Row<'_> {}
// SAFETY: as for View.
unsafe impl Sync for Row<'_> {}

impl<'a> Row<'a> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// The elements from `start` on, `len` of them.
    pub(crate) fn part(&self, start: usize, len: usize) -> Row<'a> {
        debug_assert!(start + len <= self.len);
        // SAFETY: `start` is within the row.
        let data = unsafe { self.data.offset(start as isize * self.stride * self.dtype.size() as isize) };
        Row { data, len, ..*self }
    }

    /// The row as a slice, if it is one of type `T`.
    pub(crate) fn as_slice<T: Element>(&self) -> Option<&'a [T]> {
        let fits = self.dtype == T::DTYPE && (self.stride == 1 || self.len <= 1);
        let data = if self.len == 0 { std::ptr::dangling() } else { self.data.cast() };
        // SAFETY: the elements are of type T, one after another, and readable for 'a; no elements need no memory.
        fits.then(|| unsafe { std::slice::from_raw_parts(data, self.len) })
    }

    /// The row as a slice of type `T`: itself, if it is one, or converted into `buffer`, which is as long.
    pub(crate) fn as_or_in<'b, T: Element>(&self, buffer: &'b mut [T]) -> &'b [T]
    where
        'a: 'b,
    {
        if let Some(slice) = self.as_slice() {
            return slice;
        }
        self.copy(buffer);
        buffer
    }

    /// Element `i` as f64.
    pub(crate) fn get(&self, i: usize) -> f64 {
        debug_assert!(i < self.len);
        with_type!(self.dtype, T => {
            // SAFETY: element i is within the row and of type T.
            unsafe { self.data.cast::<T>().offset(i as isize * self.stride).read().to_f64() }
        })
    }

    /// What [`Row::get`] takes from element `i`: 0 but for counts beyond 2^53.
    pub(crate) fn rest(&self, i: usize) -> f64 {
        debug_assert!(i < self.len);
        let from = self.data.wrapping_offset(i as isize * self.stride * self.dtype.size() as isize);
        let count = match self.dtype {
            // SAFETY: element i is within the row and of that type.
            Dtype::I64 => i128::from(unsafe { from.cast::<i64>().read() }),
            // SAFETY: as above.
            Dtype::U64 => i128::from(unsafe { from.cast::<u64>().read() }),
            _ => return 0.0,
        };
        (count - count as f64 as i128) as f64
    }

    /// Copies the row, converted, into a buffer that is as long.
    pub(crate) fn copy<T: Element>(&self, out: &mut [T]) {
        debug_assert_eq!(out.len(), self.len);
        with_type!(self.dtype, U => {
            if let (Some(from), Dtype::F32) = (self.as_slice::<U>(), T::DTYPE) {
                // SAFETY: T is f32.
                let out = unsafe { std::slice::from_raw_parts_mut(out.as_mut_ptr().cast::<f32>(), out.len()) };
                // The machine may have an instruction for that.
                return U::to_f32s(from, out);
            }
            let mut from = self.data.cast::<U>();
            if self.stride == 2 {
                // A column of two: with the stride known, several at a time.
                for (i, place) in out.iter_mut().enumerate() {
                    // SAFETY: there are as many elements in the row, of type U.
                    *place = T::from_element(unsafe { from.add(2 * i).read() });
                }
                return;
            }
            for place in out {
                // SAFETY: there are as many elements in the row, of type U.
                *place = T::from_element(unsafe { from.read() });
                from = from.wrapping_offset(self.stride);
            }
        })
    }
}

/// A row of a [`ViewMut`].
#[derive(Debug)]
pub(crate) struct RowMut<'a> {
    data: *mut u8,
    len: usize,
    stride: isize,
    dtype: Dtype,
    lifetime: PhantomData<&'a mut u8>,
}

// SAFETY: as for ViewMut.
unsafe impl Send for RowMut<'_> {}
// SAFETY: as for ViewMut; shared, it gives out nothing but `part`.
unsafe impl Sync for RowMut<'_> {}

impl<'a> RowMut<'a> {
    /// The elements from `start` on, `len` of them.
    ///
    /// # Safety
    /// No two threads may hold the same element at once.
    pub(crate) unsafe fn part(&self, start: usize, len: usize) -> RowMut<'a> {
        debug_assert!(start + len <= self.len);
        // SAFETY: `start` is within the row.
        let data = unsafe { self.data.offset(start as isize * self.stride * self.dtype.size() as isize) };
        RowMut { data, len, ..*self }
    }

    /// All of it, while nobody else has it.
    pub(crate) fn whole(&mut self) -> RowMut<'_> {
        RowMut {
            data: self.data,
            len: self.len,
            stride: self.stride,
            dtype: self.dtype,
            lifetime: PhantomData,
        }
    }

    /// Whether the row is a slice of type `T`.
    pub(crate) fn is_slice<T: Element>(&self) -> bool {
        self.dtype == T::DTYPE && (self.stride == 1 || self.len <= 1)
    }

    /// The row as a slice, if it is one of type `T`.
    pub(crate) fn as_slice_mut<T: Element>(&mut self) -> Option<&mut [T]> {
        if !self.is_slice::<T>() {
            return None;
        }
        // SAFETY: the elements are of type T, one after another, and this row's alone.
        Some(unsafe { std::slice::from_raw_parts_mut(self.data.cast(), self.len) })
    }

    /// Writes `values` from element `start` on, rounded to the row's type.
    pub(crate) fn write<U: Element>(&mut self, start: usize, values: &[U]) {
        debug_assert!(start + values.len() <= self.len);
        if self.is_slice::<U>() {
            let data = self.data.cast::<U>().wrapping_add(start);
            // SAFETY: the elements are within the row, one after another, of type U, and this row's alone.
            unsafe { data.copy_from_nonoverlapping(values.as_ptr(), values.len()) };
            return;
        }
        with_type!(self.dtype, T => {
            let data = self.data.cast::<T>();
            for (i, &x) in values.iter().enumerate() {
                // SAFETY: the element is within the row, of type T, and this row's alone.
                unsafe { data.offset((start + i) as isize * self.stride).write(T::from_element(x)) }
            }
        });
    }

    /// Writes `value` everywhere.
    pub(crate) fn fill(&mut self, value: f64) {
        for i in 0..self.len {
            self.write(i, &[value]);
        }
    }
}
