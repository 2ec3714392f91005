//! Densities through callbacks: kldiv_quadrature() with functions that answer anything.
#![no_main]

use std::cell::Cell;
use std::ffi::c_void;

use capi::options::kldiv_options;
use capi::quadrature::kldiv_quadrature;
use capi::status::*;
use kldiv_fuzz::input::{Bytes, Choices};
use kldiv_fuzz::laws::*;
use libfuzzer_sys::fuzz_target;

/// Two densities: bumps and steps whose parameters are the fuzzer's.
struct Densities {
    shapes: [[f64; 4]; 2],
    log: bool,
    calls: Cell<u32>,
}

impl Densities {
    fn at(&self, which: usize, x: f64) -> f64 {
        assert!(!x.is_nan());
        self.calls.set(self.calls.get() + 1);
        assert!(self.calls.get() < 2_000_000, "does not end");
        let [centre, width, tail, odd] = self.shapes[which];
        let z = (x - centre) / width;
        let log = match tail {
            t if t < 1.0 => -0.5 * z * z - (width * 2.5066282746310002).ln(),
            t if t < 2.0 => -z.abs() - (2.0 * width).ln(),
            t if t < 3.0 => -(1.0 + z * z).ln() - (width * std::f64::consts::PI).ln(),
            _ if z.abs() <= 1.0 => -(2.0 * width).ln(),
            _ => f64::NEG_INFINITY,
        };
        let value = if self.log { log } else { log.exp() };
        // A bad value in one place.
        if odd != 0.0 && z > 0.3 && z < 0.4 { odd } else { value }
    }
}

unsafe extern "C" fn p(x: f64, user: *mut c_void) -> f64 {
    // SAFETY: it is what the call was given.
    unsafe { &*user.cast::<Densities>() }.at(0, x)
}

unsafe extern "C" fn q(x: f64, user: *mut c_void) -> f64 {
    // SAFETY: it is what the call was given.
    unsafe { &*user.cast::<Densities>() }.at(1, x)
}

fuzz_target!(|data: &[u8]| {
    begin();
    let bytes = &mut Bytes(data);
    let mut choices = Choices::new(bytes, 0);
    choices.options.measure = bytes.pick(&[0, 0, 0, 0, 0, choices.options.measure]);
    let options: kldiv_options = choices.options;
    let shape = |bytes: &mut Bytes| {
        let centre = f64::from(bytes.byte() as i8) / 16.0;
        let width = (1.0 + f64::from(bytes.byte())) / 32.0;
        let odd = if bytes.below(8) == 0 { bytes.logit() } else { 0.0 };
        [centre, width, bytes.below(4) as f64, odd]
    };
    let mut densities = Densities {
        shapes: [shape(bytes), shape(bytes)],
        log: options.log_density != 0,
        calls: Cell::new(0),
    };
    let limit = |bytes: &mut Bytes, far: f64| match bytes.below(4) {
        0 => far,
        1 => bytes.any(),
        _ => f64::from(bytes.byte() as i8) / 4.0,
    };
    let (lower, upper) = (limit(bytes, f64::NEG_INFINITY), limit(bytes, f64::INFINITY));
    let breaks: Vec<f64> = (0..bytes.below(4)).map(|_| bytes.logit()).collect();
    let (mut out, mut error) = (room(1), room(1));
    // SAFETY: everything is as large as it says, and `user` is what the functions take it for.
    let code = unsafe {
        kldiv_quadrature(
            Some(p),
            Some(q),
            (&raw mut densities).cast(),
            lower,
            upper,
            breaks.as_ptr(),
            breaks.len(),
            &raw const options,
            out.as_mut_ptr(),
            error.as_mut_ptr(),
        )
    };
    results(code, &options, &out);
    if meaningless(code) {
        assert_eq!((densities.calls.get(), error[0]), (0, UNTOUCHED));
    }
    if code == KLDIV_OK && options.invalid == 0 {
        assert!(error[0] >= 0.0, "{error:?}");
    }
});
