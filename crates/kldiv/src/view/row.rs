//! Rows of matrices, of any element type and any stride.

use std::marker::PhantomData;

use crate::view::element::{Dtype, Element};

/// Calls `$body` with `$T` standing for the type that `$dtype` names.
macro_rules! with_type {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            $crate::view::element::Dtype::F64 => {
                type $T = f64;
                $body
            }
            $crate::view::element::Dtype::F32 => {
                type $T = f32;
                $body
            }
            $crate::view::element::Dtype::F16 => {
                type $T = half::f16;
                $body
            }
            $crate::view::element::Dtype::Bf16 => {
                type $T = half::bf16;
                $body
            }
            $crate::view::element::Dtype::I64 => {
                type $T = i64;
                $body
            }
            $crate::view::element::Dtype::U64 => {
                type $T = u64;
                $body
            }
        }
    };
}

/// A row of a [`View`](super::View).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'a> {
    pub(super) data: *const u8,
    pub(super) len: usize,
    pub(super) stride: isize,
    pub(super) dtype: Dtype,
    pub(super) lifetime: PhantomData<&'a u8>,
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
            if let Some(from) = self.as_slice::<U>() {
                if T::DTYPE == Dtype::F32 {
                    // SAFETY: T is f32.
                    let out = unsafe { std::slice::from_raw_parts_mut(out.as_mut_ptr().cast::<f32>(), out.len()) };
                    // The machine may have an instruction for that.
                    return U::to_f32s(from, out);
                }
                for (place, x) in out.iter_mut().zip(from) {
                    *place = T::from_element(*x);
                }
                return;
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

/// A row of a [`ViewMut`](super::ViewMut).
#[derive(Debug)]
pub(crate) struct RowMut<'a> {
    pub(super) data: *mut u8,
    pub(super) len: usize,
    pub(super) stride: isize,
    pub(super) dtype: Dtype,
    pub(super) lifetime: PhantomData<&'a mut u8>,
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
