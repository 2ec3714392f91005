//! Rows of probabilities and counts: kldiv_rows(), kldiv_kl(), kldiv_terms(), kldiv_explain(), kldiv_kl_f64().
#![no_main]

use capi::batch::{kldiv_kl, kldiv_rows, kldiv_terms};
use capi::discrete::kldiv_kl_f64;
use capi::explain::{kldiv_explain, kldiv_term};
use capi::options::*;
use kldiv_fuzz::input::{Bytes, Choices, Matrix};
use kldiv_fuzz::laws::*;
use libfuzzer_sys::fuzz_target;

/// Measures that are never negative, whatever the numbers sum to.
const NONNEGATIVE: [u32; 4] = [
    KLDIV_MEASURE_GENERALIZED,
    KLDIV_MEASURE_JEFFREYS,
    KLDIV_MEASURE_JENSEN_SHANNON,
    KLDIV_MEASURE_JENSEN_SHANNON_DISTANCE,
];
/// And those that are not where the rows are normalised.
const OF_DISTRIBUTIONS: [u32; 3] = [KLDIV_MEASURE_KL, KLDIV_MEASURE_REVERSE, KLDIV_MEASURE_RENYI];

fuzz_target!(|data: &[u8]| {
    begin();
    let bytes = &mut Bytes(data);
    let shape = (bytes.below(5), bytes.pick(&[0, 1, 2, 3, 5, 7, 8, 9, 17, 33, 65, 70, 130]));
    // Q near P, or by itself.
    let near = bytes.flag();
    let mut copies = Vec::new();
    let p = Matrix::new(bytes, shape, false, |bytes, _, _| {
        let x = bytes.probability();
        copies.push(x);
        x
    });
    let q = Matrix::new(bytes, shape, false, |bytes, i, j| match near {
        true if bytes.below(8) > 0 => copies[i * shape.1 + j],
        _ => bytes.probability(),
    });
    let mut choices = Choices::new(bytes, shape.0);
    let options = choices.options;
    let mut out = room(shape.0);
    // SAFETY: everything is as large as it says, here and below.
    let code =
        unsafe { kldiv_rows(&raw const p.view, &raw const q.view, &raw const options, out.as_mut_ptr()) };
    results(code, &options, &out);
    let measure = options.measure;
    if NONNEGATIVE.contains(&measure)
        || (OF_DISTRIBUTIONS.contains(&measure) && options.normalization == KLDIV_NORMALIZATION_NORMALIZE)
    {
        if !meaningless(code) {
            nonnegative(&out);
        }
    }

    // The same bits on two threads, and row by row.
    choices.options.threads = 2;
    let mut again = room(shape.0);
    // SAFETY: as above.
    let other = unsafe {
        kldiv_rows(&raw const p.view, &raw const q.view, &raw const choices.options, again.as_mut_ptr())
    };
    assert_eq!(code, other);
    same(&out, &again);
    let plain = kldiv_options {
        mask: std::ptr::null(),
        weights: std::ptr::null(),
        invalid: KLDIV_INVALID_NAN,
        ..options
    };
    if !meaningless(code) {
        for i in 0..shape.0 {
            let (mut x, mut y) = (p.view, q.view);
            let size = |dtype| match dtype {
                2 => 4,
                3 | 4 => 2,
                _ => 8,
            };
            // SAFETY: row i is within the memory.
            unsafe {
                x.data = x.data.offset(i as isize * x.row_stride * size(x.dtype));
                y.data = y.data.offset(i as isize * y.row_stride * size(y.dtype));
            }
            (x.rows, y.rows) = (1, 1);
            let mut one = room(1);
            // SAFETY: as above.
            let code = unsafe { kldiv_rows(&raw const x, &raw const y, &raw const plain, one.as_mut_ptr()) };
            assert_eq!(code, 0);
            if !choices.keeps(i) {
                assert_eq!(out[i], 0.0);
            } else if options.weights.is_null() {
                same(&out[i..=i], &one);
            }
        }
    }

    // One number of all; a row that is bad makes it NaN.
    let mut one = room(1);
    // SAFETY: as above.
    let reduced =
        unsafe { kldiv_kl(&raw const p.view, &raw const q.view, &raw const options, one.as_mut_ptr()) };
    // Renyi divergences of what does not sum to 1 may be infinite both ways, which have no sum.
    let infinities = [f64::INFINITY, f64::NEG_INFINITY];
    if code == 0 && infinities.iter().all(|x| out.contains(x)) {
        assert!(one[0].is_nan());
    } else {
        assert_eq!(code, reduced);
    }
    if !meaningless(code) && out.iter().any(|x| x.is_nan()) {
        assert!(one[0].is_nan());
    }

    let mut terms = Matrix::output(bytes, shape);
    let view = terms.view_mut();
    // SAFETY: as above.
    let of_terms =
        unsafe { kldiv_terms(&raw const p.view, &raw const q.view, &raw const options, &raw const view) };
    status(of_terms);
    if meaningless(of_terms) {
        assert!(terms.is_untouched());
    } else {
        assert_eq!(of_terms, code);
        assert!(code != 0 || options.invalid != 0 || !terms.any_nan());
    }

    if shape.0 == 1 {
        let nothing = || kldiv_term {
            index: 0,
            p: 0.0,
            q: 0.0,
            ratio: 0.0,
            log_ratio: 0.0,
            contribution: 0.0,
            share: 0.0,
        };
        let mut explained: Vec<kldiv_term> = (0..shape.1).map(|_| nothing()).collect();
        // SAFETY: as above.
        let code = unsafe {
            kldiv_explain(&raw const p.view, &raw const q.view, &raw const options, explained.as_mut_ptr())
        };
        status(code);
        if code == 0 && options.invalid == 0 {
            for (i, term) in explained.iter().enumerate() {
                assert_eq!(term.index, i);
                assert!(!term.contribution.is_nan() && !term.share.is_nan() && term.ratio >= 0.0);
            }
        }
    }

    // The two-line call, with as many numbers as there are.
    let numbers: Vec<f64> = (0..2 * shape.1).map(|_| bytes.probability()).collect();
    let (x, y) = numbers.split_at(shape.1);
    let mut one = room(1);
    // SAFETY: as above.
    let code = unsafe { kldiv_kl_f64(x.as_ptr(), y.as_ptr(), shape.1, one.as_mut_ptr()) };
    results(code, &kldiv_options { invalid: 0, ..options }, &one);
});
