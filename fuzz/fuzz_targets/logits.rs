//! Softmaxes: kldiv_logits() and kldiv_logits_grad().
#![no_main]

use std::ptr;

use capi::logits::{kldiv_logits, kldiv_logits_grad};
use kldiv_fuzz::input::{Bytes, Choices, Matrix};
use kldiv_fuzz::laws::*;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    begin();
    let bytes = &mut Bytes(data);
    let shape = (bytes.below(5), bytes.pick(&[0, 1, 2, 3, 7, 8, 9, 17, 33, 70, 130]));
    let near = bytes.flag();
    let mut copies = Vec::new();
    let a = Matrix::new(bytes, shape, true, |bytes, _, _| {
        let x = bytes.logit();
        copies.push(x);
        x
    });
    let b = Matrix::new(bytes, shape, true, |bytes, i, j| match near {
        true if bytes.below(8) > 0 => copies[i * shape.1 + j],
        _ => bytes.logit(),
    });
    let mut choices = Choices::new(bytes, shape.0);
    // Seldom a measure that there is not.
    choices.options.measure = bytes.pick(&[0, 0, 2, 4, 4, choices.options.measure]);
    let options = choices.options;
    let mut out = room(shape.0);
    // SAFETY: everything is as large as it says, here and below.
    let code =
        unsafe { kldiv_logits(&raw const a.view, &raw const b.view, &raw const options, out.as_mut_ptr()) };
    results(code, &options, &out);
    if !meaningless(code) {
        nonnegative(&out);
    }
    choices.options.threads = 2;
    let mut again = room(shape.0);
    // SAFETY: as above.
    let other = unsafe {
        kldiv_logits(&raw const a.view, &raw const b.view, &raw const choices.options, again.as_mut_ptr())
    };
    assert_eq!(code, other);
    same(&out, &again);

    let upstream: Vec<f64> = (0..shape.0).map(|_| f64::from(bytes.byte() as i8)).collect();
    let (mut of_a, mut of_b) = (Matrix::output(bytes, shape), Matrix::output(bytes, shape));
    let views = (of_a.view_mut(), of_b.view_mut());
    let wanted = bytes.byte();
    let mut again = room(shape.0);
    // SAFETY: as above.
    let code = unsafe {
        kldiv_logits_grad(
            &raw const a.view,
            &raw const b.view,
            &raw const options,
            if wanted & 1 == 0 { upstream.as_ptr() } else { ptr::null() },
            if wanted & 2 == 0 { again.as_mut_ptr() } else { ptr::null_mut() },
            if wanted & 4 == 0 { &raw const views.0 } else { ptr::null() },
            if wanted & 8 == 0 { &raw const views.1 } else { ptr::null() },
        )
    };
    status(code);
    if meaningless(code) {
        assert!(of_a.is_untouched() && of_b.is_untouched());
        return;
    }
    if wanted & 2 == 0 {
        same(&out, &again);
    }
    assert!(wanted & 4 == 0 || of_a.is_untouched());
    assert!(wanted & 8 == 0 || of_b.is_untouched());
    // Of finite weights and temperatures a gradient is a number.
    if code == 0 && options.invalid == 0 && options.weights.is_null() && options.temperature == 0.0 {
        assert!(!of_a.any_nan() && !of_b.any_nan());
    }
});
