//! Mergeable sums: states that were made here, states that somebody sent, and everything that is done to them.
#![no_main]

use std::ptr;

use capi::options::kldiv_options;
use capi::partial::*;
use capi::status::{KLDIV_ERROR_STATE, KLDIV_OK};
use kldiv_fuzz::input::{Bytes, Choices, Matrix};
use kldiv_fuzz::laws::*;
use libfuzzer_sys::fuzz_target;

const WORDS: usize = size_of::<kldiv_partial>() / 8;

fn empty() -> kldiv_partial {
    kldiv_partial { words: [0; WORDS] }
}

fn copy(state: &kldiv_partial) -> kldiv_partial {
    kldiv_partial { words: state.words }
}

/// A state with all pairs, or those up to and from some column.
fn made(options: &kldiv_options, parts: &[(&Matrix, &Matrix)]) -> Option<kldiv_partial> {
    let mut state = empty();
    // SAFETY: everything is as large as it says, here and below.
    let code = unsafe { kldiv_partial_init(&raw mut state, options) };
    status(code);
    if code != KLDIV_OK {
        return None;
    }
    for (p, q) in parts {
        let before = state.words;
        // SAFETY: as above.
        let code = unsafe { kldiv_partial_update(&raw mut state, &raw const p.view, &raw const q.view) };
        status(code);
        assert!(code == KLDIV_OK || state.words == before);
    }
    Some(state)
}

fn value(state: &kldiv_partial, options: &kldiv_options) -> (i32, f64) {
    let mut out = room(1);
    // SAFETY: as above.
    let code = unsafe { kldiv_partial_value(state, options, out.as_mut_ptr()) };
    status(code);
    assert!(!meaningless(code) || out[0] == UNTOUCHED);
    (code, out[0])
}

fuzz_target!(|data: &[u8]| {
    begin();
    let bytes = &mut Bytes(data);

    // What somebody sent is a state or it is none; either is found out.
    let mut sent = empty();
    for word in &mut sent.words {
        *word = bytes.word();
    }
    let mut twice = copy(&sent);
    let sound = value(&sent, &Choices::new(bytes, 0).options).0 != KLDIV_ERROR_STATE;
    // SAFETY: as below.
    let merged = unsafe { kldiv_partial_merge(&raw mut twice, &raw const sent) };
    status(merged);
    assert!(sound || (merged == KLDIV_ERROR_STATE && twice.words == sent.words));

    let choices = Choices::new(bytes, 0);
    let options = kldiv_options {
        normalization: 0,
        smoothing: 0.0,
        base: 0.0,
        mask: ptr::null(),
        weights: ptr::null(),
        ..choices.options
    };
    let shape = |bytes: &mut Bytes| (1 + bytes.below(3), 1 + bytes.below(20));
    let (first, second) = (shape(bytes), shape(bytes));
    let matrix =
        |bytes: &mut Bytes, shape| Matrix::new(bytes, shape, false, |bytes, _, _| bytes.probability());
    let (p, q) = (matrix(bytes, first), matrix(bytes, first));
    let (r, s) = (matrix(bytes, second), matrix(bytes, second));

    // Whatever the order, the same bits.
    let Some(whole) = made(&options, &[(&p, &q), (&r, &s)]) else { return };
    let Some(other) = made(&options, &[(&r, &s), (&p, &q)]) else { return };
    assert_eq!(whole.words, other.words);
    let (Some(mut left), Some(right)) = (made(&options, &[(&p, &q)]), made(&options, &[(&r, &s)])) else {
        return;
    };
    // SAFETY: as above.
    assert_eq!(unsafe { kldiv_partial_merge(&raw mut left, &raw const right) }, KLDIV_OK);
    assert_eq!(whole.words, left.words);

    let (code, answer) = value(&whole, &kldiv_options { measure: 0, ..choices.options });
    assert!(code != KLDIV_OK || options.invalid != 0 || choices.options.invalid != 0 || !answer.is_nan());

    // A single bit that is another makes it none.
    let mut damaged = copy(&whole);
    let bit = bytes.word() as usize % (64 * WORDS);
    damaged.words[bit / 64] ^= 1 << (bit % 64);
    assert_eq!(value(&damaged, &options).0, KLDIV_ERROR_STATE);
    let before = left.words;
    // SAFETY: as above.
    assert_eq!(unsafe { kldiv_partial_merge(&raw mut left, &raw const damaged) }, KLDIV_ERROR_STATE);
    assert_eq!(left.words, before);

    // By groups, some of which may be none.
    let n = bytes.below(12);
    let numbers: Vec<f64> = (0..2 * n).map(|_| bytes.probability()).collect();
    let group: Vec<u32> = (0..n).map(|_| bytes.below(4) as u32).collect();
    let mut states = [copy(&whole), left, right];
    let before = states.each_ref().map(copy);
    // SAFETY: as above.
    let code = unsafe {
        kldiv_partial_update_by(
            states.as_mut_ptr(),
            states.len(),
            group.as_ptr(),
            numbers.as_ptr().cast(),
            numbers.as_ptr().add(n).cast(),
            1,
            n,
        )
    };
    status(code);
    if code != KLDIV_OK {
        assert!(states.iter().zip(&before).all(|(now, before)| now.words == before.words));
    }
    let more: Vec<kldiv_partial> = (0..n).map(|_| copy(&whole)).collect();
    // SAFETY: as above.
    status(unsafe {
        kldiv_partial_merge_by(states.as_mut_ptr(), states.len(), group.as_ptr(), more.as_ptr(), n)
    });
});
