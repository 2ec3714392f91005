//! Matrices of any element type and any strides, seen through one type.
//!
//! A [`View`] carries its element type as a value, so whatever takes one is written, and compiled, once.

mod element;
mod row;

use std::marker::PhantomData;

use ndarray::{ArrayRef2, ArrayView1, ArrayView2, ArrayViewMut2};

pub use element::{Dtype, Element};
pub(crate) use row::{Row, RowMut};

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

    /// The first row standing for `rows` equal ones; a view without rows stays without.
    #[must_use]
    pub fn repeated(self, rows: usize) -> Self {
        let rows = if self.shape.rows == 0 { 0 } else { rows };
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

    /// Whether all rows are the same elements.
    pub(crate) fn is_repeated(&self) -> bool {
        self.row_stride == 0
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

    /// As one to read.
    fn read(&self) -> View<'a> {
        let ViewMut { data, shape, row_stride, col_stride, dtype, .. } = *self;
        View { data, shape, row_stride, col_stride, dtype, lifetime: PhantomData }
    }

    /// The elements of so many rows from `start` on, row after row, as one row to write to, if they lie evenly spaced.
    ///
    /// # Safety
    /// As [`ViewMut::row_mut`] for each of the rows.
    pub(crate) unsafe fn rows_as_one(&self, start: usize, rows: usize) -> Option<RowMut<'a>> {
        let Row { data, len, stride, dtype, .. } = self.read().some_rows(start, rows).as_one_row()?;
        Some(RowMut { data: data.cast_mut(), len, stride, dtype, lifetime: PhantomData })
    }

    /// Where row `row` begins and how far apart rows are, if they are slices of type `T`.
    pub(crate) fn slices_from<T: Element>(&self, row: usize) -> Option<(*mut T, isize)> {
        self.read().slices_from(row).map(|(first, stride): (*const T, isize)| (first.cast_mut(), stride))
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

    /// The elements of column `col` from row `start` on, `rows` of them, as a row to write to.
    ///
    /// # Safety
    /// As [`ViewMut::row_mut`] for each of the rows.
    pub(crate) unsafe fn column_mut(&self, col: usize, start: usize, rows: usize) -> RowMut<'a> {
        let transposed = ViewMut {
            shape: Shape { rows: self.shape.cols, cols: self.shape.rows },
            row_stride: self.col_stride,
            col_stride: self.row_stride,
            ..*self
        };
        // SAFETY: the caller's promise, and nobody else has the elements of these rows.
        unsafe { transposed.row_mut(col).part(start, rows) }
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
