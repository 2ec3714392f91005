//! The same matrix in memory in every way that strides can tell.

use kldiv::{Element, Shape, View};
use ndarray::{Array2, ArrayView2, Axis, s};

/// Rows of equal length as a matrix.
pub fn matrix<T: Element>(rows: &[Vec<T>]) -> Array2<T> {
    let cols = rows.first().map_or(0, Vec::len);
    Array2::from_shape_vec((rows.len(), cols), rows.concat()).unwrap()
}

/// Views of the same elements: contiguous, of a transposed array, every third column, every second row, both axes
/// backwards. What lies between is NaN or the like, where the type has it, so that a wrong stride shows.
pub struct Layouts<T> {
    rows: usize,
    cols: usize,
    plain: Array2<T>,
    transposed: Array2<T>,
    thirds: Array2<T>,
    every_second_row: Array2<T>,
    backwards: Array2<T>,
}

pub const LAYOUTS: [&str; 5] = ["plain", "transposed", "every third column", "every second row", "backwards"];

impl<T: Element> Layouts<T> {
    pub fn new(plain: Array2<T>) -> Self {
        let (rows, cols) = plain.dim();
        let filler = T::from_f64(f64::NAN);
        let transposed = plain.t().as_standard_layout().into_owned();
        let mut thirds = Array2::from_elem((rows, 3 * cols), filler);
        thirds.slice_mut(s![.., ..;3]).assign(&plain);
        let mut every_second_row = Array2::from_elem((2 * rows, cols), filler);
        every_second_row.slice_mut(s![..;2, ..]).assign(&plain);
        let mut backwards = plain.clone();
        backwards.invert_axis(Axis(0));
        backwards.invert_axis(Axis(1));
        let backwards = backwards.as_standard_layout().into_owned();
        Layouts { rows, cols, plain, transposed, thirds, every_second_row, backwards }
    }

    /// Element `i`, row by row.
    pub fn element(&self, i: usize) -> T {
        self.plain[(i / self.cols, i % self.cols)]
    }

    pub fn view(&self, layout: usize) -> View<'_> {
        let view: ArrayView2<T> = match layout {
            0 => self.plain.view(),
            1 => self.transposed.t(),
            2 => self.thirds.slice(s![.., ..;3]),
            3 => self.every_second_row.slice(s![..;2, ..]),
            4 => self.backwards.slice(s![..;-1, ..;-1]),
            _ => unreachable!(),
        };
        let view = View::from(view);
        assert_eq!(view.shape(), Shape { rows: self.rows, cols: self.cols });
        view
    }
}

/// The numbers in a narrower type, if they are all exact there and none overflows.
pub fn exactly<T: Element>(x: &[f64]) -> Option<Vec<T>> {
    x.iter().map(|&x| Some(T::from_f64(x)).filter(|y| y.to_f64() == x)).collect()
}
