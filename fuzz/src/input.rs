//! Arguments made of a fuzzer's bytes: numbers that are hard, matrices of any type and stride, choices good and bad.

use std::ffi::c_void;
use std::ptr;

use capi::options::kldiv_options;
use capi::view::*;

/// Bytes that are read from the front; zeros follow the last.
pub struct Bytes<'a>(pub &'a [u8]);

impl Bytes<'_> {
    pub fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }

    /// A number below `n`, which is at most 256.
    pub fn below(&mut self, n: usize) -> usize {
        usize::from(self.byte()) % n
    }

    pub fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    pub fn word(&mut self) -> u64 {
        (0..8).fold(0, |word, _| word << 8 | u64::from(self.byte()))
    }

    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// Any number at all.
    pub fn any(&mut self) -> f64 {
        f64::from_bits(self.word())
    }

    /// A number to be a probability: seldom a bad one, often a hard one.
    pub fn probability(&mut self) -> f64 {
        const HARD: [f64; 12] = [
            0.0,
            -0.0,
            1.0,
            0.5,
            5e-324,
            f64::MIN_POSITIVE,
            1e-45,
            f64::MAX,
            3e38,
            1e-300,
            0.1,
            9007199254740992.0,
        ];
        match self.below(16) {
            0..6 => f64::from(self.byte()) / 255.0,
            6..9 => self.pick(&HARD),
            // Near one half, and near nothing in particular.
            9..12 => 0.5 * (1.0 + f64::from(self.byte()) * 2f64.powi(-(self.below(60) as i32))),
            12..15 => 2f64.powi(self.below(256) as i32 - 128) * f64::from(self.byte()),
            _ => self.any(),
        }
    }

    /// A number to be a logit or a logarithm.
    pub fn logit(&mut self) -> f64 {
        match self.below(16) {
            0..8 => f64::from(self.byte() as i8) / 16.0,
            8 => f64::NEG_INFINITY,
            9..11 => f64::from(self.byte() as i8) * 2f64.powi(-(self.below(60) as i32)),
            11..13 => f64::from(self.byte() as i8) * 100.0,
            13 => self.pick(&[0.0, -0.0, 1e-320, 1e308, -1e308, 88.7, -745.0]),
            14 => 1e4 + f64::from(self.byte()) * 2f64.powi(-(self.below(40) as i32)),
            _ => self.any(),
        }
    }

    /// A number to be a choice: mostly none.
    pub fn choice(&mut self, of: &[f64]) -> f64 {
        match self.below(12) {
            0..7 => 0.0,
            7..11 => self.pick(of),
            _ => self.any(),
        }
    }
}

/// Numbers in memory, and a view of them.
pub struct Matrix {
    // Words, so that every type is aligned.
    memory: Vec<u64>,
    pub view: kldiv_view,
}

const SIZES: [(u32, usize); 6] = [
    (KLDIV_DTYPE_F64, 8),
    (KLDIV_DTYPE_F32, 4),
    (KLDIV_DTYPE_F16, 2),
    (KLDIV_DTYPE_BF16, 2),
    (KLDIV_DTYPE_I64, 8),
    (KLDIV_DTYPE_U64, 8),
];

/// The bits of a number in a type; rounding does not matter here.
fn bits(x: f64, dtype: u32) -> u64 {
    match dtype {
        KLDIV_DTYPE_F32 => u64::from((x as f32).to_bits()),
        KLDIV_DTYPE_BF16 => u64::from((x as f32).to_bits() >> 16),
        KLDIV_DTYPE_F16 => {
            // The exponent moved from one bias to the other; what is too small becomes 0, what is too large infinite.
            let x = x as f32;
            let (sign, exponent) = ((x.to_bits() >> 16) as u16 & 0x8000, x.abs().log2().floor() as i32);
            let bits = match x.abs() {
                y if y.is_nan() => 0x7e00,
                y if y >= 65520.0 => 0x7c00,
                y if y < 2f32.powi(-14) => (y * 2f32.powi(24)) as u16,
                _ => ((exponent + 15) as u16) << 10 | (x.to_bits() >> 13) as u16 & 0x3ff,
            };
            u64::from(sign | bits)
        }
        KLDIV_DTYPE_I64 => x as i64 as u64,
        KLDIV_DTYPE_U64 => x as u64,
        _ => x.to_bits(),
    }
}

impl Matrix {
    /// Of a shape, of a type that is one of floating-point numbers if `floats` says so, and laid out somehow.
    pub fn new(
        bytes: &mut Bytes,
        (rows, cols): (usize, usize),
        floats: bool,
        mut number: impl FnMut(&mut Bytes, usize, usize) -> f64,
    ) -> Matrix {
        let (dtype, size) = SIZES[bytes.below(if floats { 4 } else { 6 })];
        let mut matrix = Matrix::room(bytes, (rows, cols), dtype, size, true);
        for i in 0..rows {
            for j in 0..cols {
                let x = number(bytes, i, j);
                matrix.set(i, j, bits(x, dtype), size);
            }
        }
        matrix
    }

    /// For an output: numbers to be written over, all of them [`UNTOUCHED`](crate::laws::UNTOUCHED).
    pub fn output(bytes: &mut Bytes, (rows, cols): (usize, usize)) -> Matrix {
        let (dtype, size) = SIZES[bytes.below(4)];
        let mut matrix = Matrix::room(bytes, (rows, cols), dtype, size, false);
        matrix.memory.fill(u64::from_ne_bytes([FILLING; 8]));
        matrix
    }

    fn room(bytes: &mut Bytes, (rows, cols): (usize, usize), dtype: u32, size: usize, input: bool) -> Matrix {
        let gap = 1 + bytes.below(3);
        let (mut row_stride, mut col_stride) = match bytes.below(4) {
            // Column by column.
            0 => (gap as isize, (rows * gap) as isize),
            _ => ((cols * gap) as isize, gap as isize),
        };
        let elements = rows.max(1) * cols.max(1) * gap;
        let memory = vec![0u64; (elements * size).div_ceil(8)];
        // Walked backwards, or one row for all.
        let mut first = 0;
        for (stride, count) in [(&mut row_stride, rows), (&mut col_stride, cols)] {
            match bytes.below(8) {
                0 => {
                    first += *stride * (count.max(1) as isize - 1);
                    *stride = -*stride;
                }
                1 if input => *stride = 0,
                _ => {}
            }
        }
        // SAFETY: the first element is within the memory, as is every other from there.
        let data = unsafe { memory.as_ptr().cast::<u8>().offset(first * size as isize) }.cast::<c_void>();
        let data = if rows * cols == 0 && bytes.flag() { ptr::null() } else { data };
        Matrix { memory, view: kldiv_view { data, rows, cols, row_stride, col_stride, dtype } }
    }

    fn set(&mut self, i: usize, j: usize, bits: u64, size: usize) {
        let start = (self.view.data as usize - self.memory.as_ptr() as usize) as isize;
        let at =
            start + (i as isize * self.view.row_stride + j as isize * self.view.col_stride) * size as isize;
        let at = at as usize;
        // SAFETY: the element lies within the memory.
        let memory = unsafe {
            std::slice::from_raw_parts_mut(self.memory.as_mut_ptr().cast::<u8>(), 8 * self.memory.len())
        };
        memory[at..at + size].copy_from_slice(&bits.to_ne_bytes()[..size]);
    }

    /// The view as one to write to.
    pub fn view_mut(&mut self) -> kldiv_view_mut {
        let kldiv_view { data, rows, cols, row_stride, col_stride, dtype } = self.view;
        kldiv_view_mut { data: data.cast_mut(), rows, cols, row_stride, col_stride, dtype }
    }

    /// Whether nothing was written.
    pub fn is_untouched(&self) -> bool {
        self.memory.iter().all(|word| *word == u64::from_ne_bytes([FILLING; 8]))
    }

    /// Whether an element is NaN.
    pub fn any_nan(&self) -> bool {
        let size = SIZES.iter().find(|(dtype, _)| *dtype == self.view.dtype).map_or(8, |(_, size)| *size);
        let kldiv_view { data, rows, cols, row_stride, col_stride, dtype } = self.view;
        let is_nan = |i: usize, j: usize| {
            let at = (i as isize * row_stride + j as isize * col_stride) * size as isize;
            let mut bits = [0; 8];
            // SAFETY: the element lies within the memory.
            let element = unsafe { std::slice::from_raw_parts(data.cast::<u8>().offset(at), size) };
            bits[..size].copy_from_slice(element);
            let bits = u64::from_ne_bytes(bits);
            match dtype {
                KLDIV_DTYPE_F32 => f32::from_bits(bits as u32).is_nan(),
                KLDIV_DTYPE_F16 => bits & 0x7fff > 0x7c00,
                KLDIV_DTYPE_BF16 => bits & 0x7fff > 0x7f80,
                _ => f64::from_bits(bits).is_nan(),
            }
        };
        (0..rows).any(|i| (0..cols).any(|j| is_nan(i, j)))
    }
}

/// What outputs are filled with: a number in every type, and not a NaN.
const FILLING: u8 = 0x2a;

/// A call's choices, with what they point to.
pub struct Choices {
    pub options: kldiv_options,
    pub mask: Vec<u8>,
    pub weights: Vec<f64>,
}

impl Choices {
    /// Of a call with so many rows.
    pub fn new(bytes: &mut Bytes, rows: usize) -> Choices {
        let seldom =
            |bytes: &mut Bytes, n: usize| if bytes.below(4) == 0 { bytes.below(n) as u32 } else { 0 };
        let mask = (0..rows).map(|_| bytes.byte() & 3).collect();
        let weights = (0..rows).map(|_| bytes.choice(&[1.0, 0.5, 3.0, 1e-300, -1.0])).collect();
        let mut choices = Choices {
            options: kldiv_options {
                struct_size: size_of::<kldiv_options>(),
                measure: bytes.below(10) as u32,
                normalization: seldom(bytes, 4),
                reduction: seldom(bytes, 4),
                invalid: seldom(bytes, 2),
                log_target: seldom(bytes, 2),
                threads: 1,
                estimator: seldom(bytes, 4),
                topk: seldom(bytes, 4),
                log_density: seldom(bytes, 2),
                dim: seldom(bytes, 5),
                base: bytes.choice(&[2.0, 10.0, 1.0]),
                alpha: bytes.pick(&[0.5, 2.0, 0.01, 1.0, 10.0, f64::INFINITY, 0.999, 1.5, 0.0]),
                temperature: bytes.choice(&[0.5, 2.0, 1e-3, 1e3]),
                js_weight: bytes.choice(&[0.1, 0.5, 1.0, 1e-300]),
                smoothing: bytes.choice(&[1.0, 0.5, 1e-300]),
                mass_tolerance: bytes.choice(&[1.0, 1e300]),
                rel_tolerance: bytes.choice(&[1e-3, 1e-6]),
                mask: ptr::null(),
                weights: ptr::null(),
            },
            mask,
            weights,
        };
        if bytes.below(4) == 0 {
            choices.options.mask = choices.mask.as_ptr();
        }
        if bytes.below(4) == 0 {
            choices.options.weights = choices.weights.as_ptr();
        }
        choices
    }

    /// Whether a row is kept.
    pub fn keeps(&self, i: usize) -> bool {
        self.options.mask.is_null() || self.mask[i] != 0
    }
}
