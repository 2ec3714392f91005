//! Distributions by their parameters: kldiv_family() and kldiv_family_grad().
#![no_main]

use std::ptr;

use capi::family::{kldiv_family, kldiv_family_grad};
use kldiv_fuzz::input::{Bytes, Choices, Matrix};
use kldiv_fuzz::laws::*;
use libfuzzer_sys::fuzz_target;

/// A number to be a parameter.
fn parameter(bytes: &mut Bytes) -> f64 {
    match bytes.below(8) {
        0 => bytes.logit(),
        1 => bytes.probability(),
        2 => bytes.any(),
        _ => f64::from(bytes.byte()) / 32.0,
    }
}

fuzz_target!(|data: &[u8]| {
    begin();
    let bytes = &mut Bytes(data);
    let p_family = bytes.below(40) as u32;
    let q_family = if bytes.below(4) == 0 { bytes.below(40) as u32 } else { p_family };
    let rows = bytes.below(3);
    let near = bytes.flag();
    let mut copies = Vec::new();
    let p_cols = bytes.below(8);
    let q_cols = if bytes.below(4) == 0 { bytes.below(8) } else { p_cols };
    let p = Matrix::new(bytes, (rows, p_cols), true, |bytes, _, _| {
        let x = parameter(bytes);
        copies.push(x);
        x
    });
    let q = Matrix::new(bytes, (rows, q_cols), true, |bytes, i, j| match copies.get(i * p_cols + j) {
        Some(x) if near && bytes.below(4) > 0 => *x,
        _ => parameter(bytes),
    });
    let mut choices = Choices::new(bytes, rows);
    choices.options.measure = bytes.pick(&[0, 0, 0, choices.options.measure]);
    let options = choices.options;
    let mut out = room(rows);
    // SAFETY: everything is as large as it says, here and below.
    let code = unsafe {
        kldiv_family(
            p_family,
            &raw const p.view,
            q_family,
            &raw const q.view,
            &raw const options,
            out.as_mut_ptr(),
        )
    };
    status(code);
    // A pair may be unsupported, which is known before anything is read; a row may not converge, which leaves its value.
    match code {
        42 => assert!(out.iter().all(|x| *x == UNTOUCHED)),
        50 => {}
        _ => results(code, &options, &out),
    }
    if !meaningless(code) && code != 42 && options.measure <= 3 {
        nonnegative(&out);
    }

    let (mut of_p, mut of_q) = (Matrix::output(bytes, (rows, p_cols)), Matrix::output(bytes, (rows, q_cols)));
    let views = (of_p.view_mut(), of_q.view_mut());
    // SAFETY: as above.
    let code = unsafe {
        kldiv_family_grad(
            p_family,
            &raw const p.view,
            q_family,
            &raw const q.view,
            &raw const options,
            ptr::null(),
            ptr::null_mut(),
            &raw const views.0,
            &raw const views.1,
        )
    };
    status(code);
    assert!(!meaningless(code) || (of_p.is_untouched() && of_q.is_untouched()));
});
