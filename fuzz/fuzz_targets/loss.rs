//! KLDivLoss: kldiv_loss(), kldiv_loss_pointwise() and kldiv_loss_grad().
#![no_main]

use std::ptr;

use capi::loss::{kldiv_loss, kldiv_loss_grad, kldiv_loss_pointwise};
use kldiv_fuzz::input::{Bytes, Choices, Matrix};
use kldiv_fuzz::laws::*;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    begin();
    let bytes = &mut Bytes(data);
    let shape = (bytes.below(5), bytes.pick(&[0, 1, 2, 3, 7, 8, 9, 17, 33, 70]));
    let mut choices = Choices::new(bytes, shape.0);
    let options = choices.options;
    let input = Matrix::new(bytes, shape, true, |bytes, _, _| bytes.logit());
    let target = Matrix::new(bytes, shape, options.log_target != 0, |bytes, _, _| match options.log_target {
        0 => bytes.probability(),
        _ => bytes.logit(),
    });
    let mut out = room(1);
    // SAFETY: everything is as large as it says, here and below.
    let code = unsafe {
        kldiv_loss(&raw const input.view, &raw const target.view, &raw const options, out.as_mut_ptr())
    };
    results(code, &options, &out);
    choices.options.threads = 2;
    let mut again = room(1);
    // SAFETY: as above.
    let other = unsafe {
        kldiv_loss(
            &raw const input.view,
            &raw const target.view,
            &raw const choices.options,
            again.as_mut_ptr(),
        )
    };
    assert_eq!(code, other);
    same(&out, &again);

    let mut each = Matrix::output(bytes, shape);
    let view = each.view_mut();
    // SAFETY: as above.
    let code = unsafe {
        kldiv_loss_pointwise(
            &raw const input.view,
            &raw const target.view,
            &raw const options,
            &raw const view,
        )
    };
    status(code);
    assert!(!meaningless(code) || each.is_untouched());
    assert!(code != 0 || options.invalid != 0 || !each.any_nan());

    let upstream = match bytes.below(3) {
        0 => None,
        1 => Some(Matrix::new(bytes, (1, 1), true, |bytes, _, _| bytes.logit())),
        _ => Some(Matrix::new(bytes, shape, true, |bytes, _, _| f64::from(bytes.byte() as i8))),
    };
    let (mut of_input, mut of_target) = (Matrix::output(bytes, shape), Matrix::output(bytes, shape));
    let views = (of_input.view_mut(), of_target.view_mut());
    let wanted = bytes.below(4);
    // SAFETY: as above.
    let code = unsafe {
        kldiv_loss_grad(
            &raw const input.view,
            &raw const target.view,
            &raw const options,
            upstream.as_ref().map_or(ptr::null(), |upstream| &raw const upstream.view),
            if wanted & 1 == 0 { &raw const views.0 } else { ptr::null() },
            if wanted & 2 == 0 { &raw const views.1 } else { ptr::null() },
        )
    };
    status(code);
    if meaningless(code) {
        assert!(of_input.is_untouched() && of_target.is_untouched());
    }
    assert!(wanted & 1 == 0 || of_input.is_untouched());
    assert!(wanted & 2 == 0 || of_target.is_untouched());
});
