//! Sparse targets: kldiv_logits_topk().
#![no_main]

use std::ptr;

use capi::logits::kldiv_logits_topk;
use kldiv_fuzz::input::{Bytes, Choices, Matrix};
use kldiv_fuzz::laws::*;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    begin();
    let bytes = &mut Bytes(data);
    let rows = bytes.below(4);
    let (cols, k) = (bytes.pick(&[0, 1, 2, 3, 8, 17, 70]), bytes.below(6));
    let mut choices = Choices::new(bytes, rows);
    choices.options.measure = bytes.pick(&[0, 0, 0, 0, choices.options.measure]);
    let options = choices.options;
    let b = Matrix::new(bytes, (rows, cols), true, |bytes, _, _| bytes.logit());
    let values = Matrix::new(bytes, (rows, k), true, |bytes, _, _| match options.topk {
        0 => bytes.logit(),
        _ => -f64::from(bytes.byte()) / 16.0,
    });
    // Mostly good: one after another from somewhere.
    let indices: Vec<i64> = (0..rows * k)
        .map(|i| match bytes.below(16) {
            0 => bytes.word() as i64,
            1 => bytes.below(cols + 1) as i64,
            _ => (i % k.max(1)) as i64,
        })
        .collect();
    let upstream: Vec<f64> = (0..rows).map(|_| f64::from(bytes.byte() as i8)).collect();
    let mut of_b = Matrix::output(bytes, (rows, cols));
    let view = of_b.view_mut();
    let wanted = bytes.byte();
    let mut out = room(rows);
    // SAFETY: everything is as large as it says.
    let code = unsafe {
        kldiv_logits_topk(
            &raw const values.view,
            indices.as_ptr(),
            &raw const b.view,
            &raw const options,
            if wanted & 1 == 0 { upstream.as_ptr() } else { ptr::null() },
            out.as_mut_ptr(),
            if wanted & 2 == 0 { &raw const view } else { ptr::null() },
        )
    };
    results(code, &options, &out);
    if meaningless(code) || wanted & 2 != 0 {
        assert!(of_b.is_untouched());
    }
    if !meaningless(code) {
        nonnegative(&out);
    }
});
