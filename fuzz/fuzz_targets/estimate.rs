//! Samples: kldiv_estimate_knn() and kldiv_estimate_mc().
#![no_main]

use capi::estimate::{kldiv_estimate_knn, kldiv_estimate_mc};
use kldiv_fuzz::input::{Bytes, Choices, Matrix};
use kldiv_fuzz::laws::*;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    begin();
    let bytes = &mut Bytes(data);
    let mut choices = Choices::new(bytes, 0);
    choices.options.measure = bytes.pick(&[0, 0, 0, 0, 0, choices.options.measure]);
    let options = choices.options;
    let dims = bytes.below(5);
    let points = |bytes: &mut Bytes| {
        let n = bytes.below(40);
        Matrix::new(bytes, (n, dims), false, |bytes, _, _| match bytes.below(40) {
            0 => bytes.any(),
            1 => bytes.logit(),
            _ => f64::from(bytes.byte() as i8),
        })
    };
    let (x, y) = (points(bytes), points(bytes));
    let k = bytes.below(6);
    let mut out = room(1);
    // SAFETY: everything is as large as it says, here and below.
    let code = unsafe {
        kldiv_estimate_knn(&raw const x.view, &raw const y.view, k, &raw const options, out.as_mut_ptr())
    };
    results(code, &options, &out);
    choices.options.threads = 2;
    let mut again = room(1);
    // SAFETY: as above.
    let other = unsafe {
        kldiv_estimate_knn(
            &raw const x.view,
            &raw const y.view,
            k,
            &raw const choices.options,
            again.as_mut_ptr(),
        )
    };
    assert_eq!(code, other);
    same(&out, &again);

    let n = bytes.below(40);
    let logs: Vec<f64> = (0..2 * n).map(|_| bytes.logit()).collect();
    let choices = Choices::new(bytes, n);
    let mut options = choices.options;
    options.measure = 0;
    let (mut out, mut error) = (room(1), room(1));
    // SAFETY: as above.
    let code = unsafe {
        kldiv_estimate_mc(
            logs.as_ptr(),
            logs.as_ptr().add(n),
            n,
            &raw const options,
            out.as_mut_ptr(),
            error.as_mut_ptr(),
        )
    };
    status(code);
    assert!(!meaningless(code) || (out[0] == UNTOUCHED && error[0] == UNTOUCHED));
    // Of no samples there is no mean.
    assert!(code != 0 || options.invalid != 0 || n == 0 || !out[0].is_nan());
});
