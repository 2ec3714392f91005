//! Diagonal Gaussians: kldiv_vae() and kldiv_vae_grad().
#![no_main]

use std::ptr;

use capi::vae::{kldiv_vae, kldiv_vae_grad};
use capi::view::kldiv_view;
use kldiv_fuzz::input::{Bytes, Choices, Matrix};
use kldiv_fuzz::laws::*;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    begin();
    let bytes = &mut Bytes(data);
    let shape = (bytes.below(5), bytes.pick(&[0, 1, 2, 3, 7, 8, 9, 17, 33, 70]));
    let near = bytes.flag();
    let matrix = |bytes: &mut Bytes| {
        Matrix::new(bytes, shape, true, |bytes, _, j| match near {
            true if bytes.below(8) > 0 => j as f64 / 8.0,
            _ => bytes.logit(),
        })
    };
    let given = [matrix(bytes), matrix(bytes), matrix(bytes), matrix(bytes)];
    let with = bytes.byte();
    let view = |i: usize| match i {
        2 | 3 if with >> i & 1 == 0 => ptr::null(),
        _ => &raw const given[i].view,
    };
    let views: [*const kldiv_view; 4] = [view(0), view(1), view(2), view(3)];
    let mut choices = Choices::new(bytes, shape.0);
    let options = choices.options;
    let mut out = room(shape.0);
    // SAFETY: everything is as large as it says, here and below.
    let code =
        unsafe { kldiv_vae(views[0], views[1], views[2], views[3], &raw const options, out.as_mut_ptr()) };
    results(code, &options, &out);
    if !meaningless(code) {
        nonnegative(&out);
    }
    choices.options.threads = 2;
    let mut again = room(shape.0);
    // SAFETY: as above.
    let other = unsafe {
        kldiv_vae(views[0], views[1], views[2], views[3], &raw const choices.options, again.as_mut_ptr())
    };
    assert_eq!(code, other);
    same(&out, &again);

    let mut grads = [0; 4].map(|_| Matrix::output(bytes, shape));
    let out_views = grads.each_mut().map(|grad| grad.view_mut());
    let wanted = bytes.byte();
    let place = |i: usize| if wanted >> i & 1 == 0 { &raw const out_views[i] } else { ptr::null() };
    let mut again = room(shape.0);
    // SAFETY: as above.
    let code = unsafe {
        kldiv_vae_grad(
            views[0],
            views[1],
            views[2],
            views[3],
            &raw const options,
            ptr::null(),
            again.as_mut_ptr(),
            place(0),
            place(1),
            place(2),
            place(3),
        )
    };
    status(code);
    for (i, grad) in grads.iter().enumerate() {
        assert!(!(meaningless(code) || wanted >> i & 1 == 1) || grad.is_untouched());
    }
    if !meaningless(code) {
        same(&out, &again);
    }
});
