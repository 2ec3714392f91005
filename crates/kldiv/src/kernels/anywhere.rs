//! KL of short vectors in whatever floating-point environment a caller is, which is left as it was: for the C ABI.
//!
//! In plain words: to look at the environment waits for all that was computed before, and takes as long as a logarithm. With
//! AVX-512 nobody looks: instructions say themselves how they round, and that they raise no flag. With AVX2 it is looked at
//! once: where it is the default one, what raises no flag but that of inexact results has nothing to put back if that one is up,
//! as it is soon in any program, and else one thing that is known.
//! What is near, long or not ordinary is left to those who look twice.

use crate::kernels::generic::{BLOCK, STRETCH, ValueOfPair};
use crate::kernels::one_row::Rest;
use crate::kernels::op::Kl;
use crate::kernels::{Isa, avx2, avx512, far, still};

/// That there is a way for this call, which looks at the environment never (AVX-512) or once (AVX2).
#[derive(Clone, Copy)]
pub(crate) struct Anywhere<const LOOKS: usize> {
    /// The environment's register as it was found.
    found: [u32; LOOKS],
}

impl<const LOOKS: usize> Anywhere<LOOKS> {
    /// One for vectors of so many bytes.
    #[inline(always)]
    pub(crate) fn new(bytes: usize) -> Option<Self> {
        if LOOKS == 0 {
            return Isa::Avx512.is_in_use().then_some(Anywhere { found: [0; LOOKS] });
        }
        // Of longer ones, what is asked of numbers that raise no other flag takes more than the second look.
        if bytes > 1024 || !Isa::Avx2.is_in_use() {
            return None;
        }
        let found = mxcsr();
        (found & !FLAGS == DEFAULT).then_some(Anywhere { found: [found; LOOKS] })
    }

    /// KL of two slices of equal length as [`crate::kernels::value`] gives it, of what is short, ordinary, and apart or a single
    /// pair. `then` gets the slices, and that or what is left to do.
    ///
    /// # Safety
    /// The environment is as it was when the way was found.
    #[inline(always)]
    pub(crate) unsafe fn kl<T: still::Single, R>(
        self,
        p: &[T],
        q: &[T],
        then: impl FnOnce(&[T], &[T], Result<f64, Rest>) -> R,
    ) -> R {
        // SAFETY: that way was found, and so the instruction set is in use; the caller's promise.
        unsafe {
            match self.found.first() {
                None => with_avx512(p, q, then),
                Some(found) => with_avx2(*found, p, q, then),
            }
        }
    }
}

/// # Safety
/// The active instruction set is AVX-512.
#[inline(always)]
pub(super) unsafe fn with_avx512<T: still::Single, R>(
    p: &[T],
    q: &[T],
    then: impl FnOnce(&[T], &[T], Result<f64, Rest>) -> R,
) -> R {
    // SAFETY: the caller's promise, for each; and `Short` may be run so.
    unsafe {
        if let (&[x], &[y]) = (p, q) {
            return then(p, q, still::kl_of_pair(x, y).ok_or(Rest::All));
        }
        if p.len() > BLOCK {
            return then(p, q, Err(Rest::All));
        }
        let far = far::may_be(p, q);
        if still::keeps_subnormals() {
            return match far {
                true => avx512::short_far::<_, _, { avx512::STILL }>(p, q.as_ptr(), then),
                false => avx512::short::<_, _, { avx512::STILL }>(p, q.as_ptr(), then),
            };
        }
        // Where numbers have to be looked at twice, it is the environment that takes less of long vectors.
        match far {
            _ if p.len() > 4 * STRETCH => then(p, q, Err(Rest::All)),
            true => avx512::short_far::<_, _, { avx512::FLUSHED }>(p, q.as_ptr(), then),
            false => avx512::short::<_, _, { avx512::FLUSHED }>(p, q.as_ptr(), then),
        }
    }
}

/// # Safety
/// The active instruction set is AVX2, and the environment's register holds `found`, which is the default but for flags.
#[inline(always)]
pub(super) unsafe fn with_avx2<T: still::Single, R>(
    found: u32,
    p: &[T],
    q: &[T],
    then: impl FnOnce(&[T], &[T], Result<f64, Rest>) -> R,
) -> R {
    // SAFETY: the caller's promise, for each.
    unsafe {
        if let (&[x], &[y]) = (p, q) {
            if !(x.is_calm(T::LEAST) && y.is_calm(T::LEAST)) {
                return then(p, q, Err(Rest::All));
            }
            let value = avx2::run_quiet(ValueOfPair { op: &Kl, p: x, q: y });
            if found & INEXACT == 0 {
                set_mxcsr_elsewhere(found);
            }
            return then(p, q, Ok(value));
        }
        let then = move |p: &[T], q: &[T], value| then(p, q, put_back(found, value));
        if far::may_be(p, q) { avx2::short_far_quiet(p, q, then) } else { avx2::short_quiet(p, q, then) }
    }
}

/// A value, once the register holds what it held before that was computed.
///
/// # Safety
/// As for [`with_avx2`], but for flags.
#[inline(always)]
unsafe fn put_back(found: u32, value: Result<f64, Rest>) -> Result<f64, Rest> {
    match value {
        Ok(value) if found & INEXACT != 0 => Ok(value),
        Ok(mut value) => {
            // SAFETY: as for `set_mxcsr`; the value goes through it, so that no part of it is computed afterwards.
            unsafe {
                std::arch::asm!(
                    "ldmxcsr [{}] /* {} */",
                    in(reg) &raw const found,
                    inout(xmm_reg) value,
                    options(nostack, preserves_flags)
                );
            }
            Ok(value)
        }
        // What was no answer may have raised any flag.
        Err(rest) => {
            // SAFETY: the caller's promise.
            unsafe { set_mxcsr(found) };
            Err(rest)
        }
    }
}

/// [`set_mxcsr`] in a call of its own, which alone has a place on the stack.
///
/// # Safety
/// The same.
#[cold]
#[inline(never)]
unsafe fn set_mxcsr_elsewhere(to: u32) {
    // SAFETY: the caller's promise.
    unsafe { set_mxcsr(to) };
}

/// The register that says how to round and what traps, and what was flagged: as a thread has it that begins.
pub(super) const DEFAULT: u32 = 0x1F80;
pub(super) const INEXACT: u32 = 0x20;
const FLAGS: u32 = 0x3F;

#[inline(always)]
pub(super) fn mxcsr() -> u32 {
    let mut found = 0;
    // SAFETY: writes the register to four bytes of ours.
    unsafe { std::arch::asm!("stmxcsr [{}]", in(reg) &raw mut found, options(nostack, preserves_flags)) };
    found
}

/// # Safety
/// It is the default but for flags.
#[inline(always)]
pub(super) unsafe fn set_mxcsr(to: u32) {
    // SAFETY: the caller's promise: nothing computes in another way for it.
    unsafe { std::arch::asm!("ldmxcsr [{}]", in(reg) &raw const to, options(nostack, preserves_flags)) };
}
