//! What holds of every call, whatever it is given.

use std::ptr;
use std::sync::Once;

use capi::discrete::kldiv_kl_f64;
use capi::error::{kldiv_error, kldiv_last_error};
use capi::options::kldiv_options;
use capi::status::*;

/// To be called first: has broken laws printed. The library silences panics when it is first called, for the sake of its
/// hosts.
pub fn begin() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let mut out = 0.0;
        // SAFETY: nothing is read of no numbers.
        let status = unsafe { kldiv_kl_f64(ptr::null(), ptr::null(), 0, &raw mut out) };
        assert_eq!(status, KLDIV_ERROR_EMPTY);
        std::panic::set_hook(Box::new(|panic| {
            eprintln!("{panic}");
            std::process::abort();
        }));
    });
}

/// What results are before a call.
pub const UNTOUCHED: f64 = -7.25;

/// Room for results.
pub fn room(n: usize) -> Vec<f64> {
    vec![UNTOUCHED; n]
}

/// Whether the call made no sense, so that it wrote nothing.
pub fn meaningless(status: kldiv_status) -> bool {
    (10..30).contains(&status) || status == KLDIV_ERROR_STATE
}

/// A status is one of those that there are, and never a fault of the library; it is what the last error says.
pub fn status(status: kldiv_status) {
    let known = matches!(status, 0 | 10..=15 | 20 | 21 | 30..=35 | 40..=42 | 50 | 51 | 60);
    assert!(known, "status {status}");
    if status == KLDIV_OK {
        return;
    }
    let mut error = kldiv_error {
        struct_size: size_of::<kldiv_error>(),
        status: 0,
        operand: 0,
        row: 0,
        col: 0,
        value: 0.0,
        message: [0; 256],
    };
    // SAFETY: it is as large as it says.
    unsafe { kldiv_last_error(&raw mut error) };
    assert_eq!(error.status, status);
    let text: Vec<u8> = error.message.iter().map(|c| *c as u8).take_while(|c| *c != 0).collect();
    assert!(!text.is_empty() && text.len() < 256 && text.is_ascii(), "{text:?}");
}

/// Results of a call, one a row: none is written if the call made no sense; a NaN is a bad row, and is said to be one.
pub fn results(code: kldiv_status, options: &kldiv_options, out: &[f64]) {
    status(code);
    if meaningless(code) {
        assert!(out.iter().all(|x| x.to_bits() == UNTOUCHED.to_bits()), "{code}: {out:?}");
        return;
    }
    let nans = out.iter().any(|x| x.is_nan());
    match code {
        KLDIV_OK if options.invalid == 0 => assert!(!nans, "{out:?}"),
        KLDIV_OK => {}
        // What was found so far may be given, where there is but one result.
        KLDIV_ERROR_NOT_CONVERGED | KLDIV_ERROR_DEGENERATE => {}
        _ => assert!(nans || out.is_empty(), "{code}: {out:?}"),
    }
}

/// None is below zero.
pub fn nonnegative(out: &[f64]) {
    assert!(out.iter().all(|x| x.is_nan() || *x >= 0.0), "{out:?}");
}

/// Two results have the same bits; one NaN is like another.
pub fn same(a: &[f64], b: &[f64]) {
    let same = |(x, y): (&f64, &f64)| x.to_bits() == y.to_bits() || (x.is_nan() && y.is_nan());
    assert!(a.len() == b.len() && a.iter().zip(b).all(same), "{a:?} {b:?}");
}
