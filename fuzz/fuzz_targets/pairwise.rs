//! Every row against every row: kldiv_pairwise() and kldiv_nearest().
#![no_main]

use capi::batch::kldiv_rows;
use capi::options::*;
use capi::pairwise::{kldiv_nearest, kldiv_pairwise};
use kldiv_fuzz::input::{Bytes, Choices, Matrix};
use kldiv_fuzz::laws::*;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    begin();
    let bytes = &mut Bytes(data);
    let cols = bytes.pick(&[0, 1, 2, 3, 8, 9, 33]);
    let (m, k) = (bytes.below(10), bytes.below(10));
    // Rows near one another, or not.
    let near = bytes.flag();
    let base: Vec<f64> = (0..cols).map(|_| bytes.probability()).collect();
    let mut number = |bytes: &mut Bytes, _: usize, j: usize| match near {
        true if bytes.below(8) > 0 => base[j],
        _ => bytes.probability(),
    };
    let p = Matrix::new(bytes, (m, cols), false, &mut number);
    let q = Matrix::new(bytes, (k, cols), false, &mut number);
    let mut choices = Choices::new(bytes, m);
    let options = choices.options;
    let mut out = room(m * k);
    // SAFETY: everything is as large as it says, here and below.
    let code =
        unsafe { kldiv_pairwise(&raw const p.view, &raw const q.view, &raw const options, out.as_mut_ptr()) };
    results(code, &options, &out);
    choices.options.threads = 2;
    let mut again = room(m * k);
    // SAFETY: as above.
    let other = unsafe {
        kldiv_pairwise(&raw const p.view, &raw const q.view, &raw const choices.options, again.as_mut_ptr())
    };
    assert_eq!(code, other);
    same(&out, &again);
    if meaningless(code) {
        return;
    }
    if (KLDIV_MEASURE_GENERALIZED..=KLDIV_MEASURE_JENSEN_SHANNON_DISTANCE).contains(&options.measure)
        && options.measure != KLDIV_MEASURE_REVERSE
    {
        nonnegative(&out);
    }

    // A cell is bad or infinite exactly where the pair of rows is.
    if k > 0 {
        for i in (0..m).filter(|i| choices.keeps(*i)) {
            let (mut x, mut rows) = (p.view, room(k));
            let size = |dtype| match dtype {
                2 => 4,
                3 | 4 => 2,
                _ => 8,
            };
            // SAFETY: row i is within the memory.
            x.data = unsafe { x.data.offset(i as isize * x.row_stride * size(x.dtype)) };
            (x.rows, x.row_stride) = (k, 0);
            let plain = kldiv_options {
                mask: std::ptr::null(),
                weights: std::ptr::null(),
                invalid: KLDIV_INVALID_NAN,
                ..options
            };
            // SAFETY: as above.
            let code =
                unsafe { kldiv_rows(&raw const x, &raw const q.view, &raw const plain, rows.as_mut_ptr()) };
            assert_eq!(code, 0);
            if options.weights.is_null() {
                for (cell, row) in out[i * k..].iter().zip(&rows) {
                    assert_eq!(
                        (cell.is_nan(), cell.is_infinite()),
                        (row.is_nan(), row.is_infinite()),
                        "{cell} {row}"
                    );
                }
            }
        }
    }

    let nearest = bytes.below(k + 2);
    let (mut index, mut distances) = (vec![usize::MAX - 1; m * nearest], room(m * nearest));
    // SAFETY: as above.
    let code = unsafe {
        kldiv_nearest(
            &raw const p.view,
            &raw const q.view,
            &raw const options,
            nearest,
            index.as_mut_ptr(),
            distances.as_mut_ptr(),
        )
    };
    status(code);
    if meaningless(code) {
        assert!(index.iter().all(|i| *i == usize::MAX - 1));
        return;
    }
    for i in (0..m).filter(|i| choices.keeps(*i)) {
        let row = &out[i * k..][..k];
        for (at, distance) in index[i * nearest..].iter().zip(&distances[i * nearest..]).take(nearest) {
            match row.get(*at) {
                Some(cell) => same(&[*cell], &[*distance]),
                None => assert!(*at == usize::MAX && distance.is_nan()),
            }
        }
        if options.weights.is_null() {
            let found = &distances[i * nearest..][..nearest];
            assert!(found.is_sorted_by(|a, b| b.is_nan() || a <= b), "{found:?}");
        }
    }
});
