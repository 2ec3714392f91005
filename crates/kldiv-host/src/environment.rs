//! The default floating-point environment inside a call, the host's again outside.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `body` under the default floating-point environment; nothing if it panics.
#[inline(always)]
pub fn guarded<R>(body: impl FnOnce() -> R) -> Option<R> {
    let found = Environment::get();
    if !found.computes_as_default() {
        Environment::DEFAULT.set();
    }
    let result = caught(body);
    // To set it takes longer than to look, and what a computation leaves, a flag that says inexact, most hosts have.
    if Environment::get() != found {
        found.set();
    }
    result
}

/// Not inlined, so that no floating-point operation of `body` moves across the change of environment.
#[inline(never)]
fn caught<R>(body: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(body)).ok()
}

/// Runs `body`, which calls functions of the host's, with the rest of the default environment: that of x87, which
/// nothing here computes with but a function with a `long double` does.
pub fn with_calls_back<R>(body: impl FnOnce() -> R) -> R {
    let _found = X87::set_default();
    body()
}

/// The environment of x87, flags that are set and all, given back at the end: `fnstenv`'s control, status, tags, and the
/// last operation.
#[cfg(target_arch = "x86_64")]
struct X87 {
    words: [u32; 7],
}

#[cfg(target_arch = "x86_64")]
impl X87 {
    /// Control: what a thread begins with. Status: exceptions.
    const CONTROL: u32 = 0x037F;
    const EXCEPTIONS: u32 = 0x80FF;

    fn set_default() -> X87 {
        let mut found = X87 { words: [0; 7] };
        // SAFETY: writes as many words of ours.
        unsafe { std::arch::asm!("fnstenv [{}]", in(reg) found.words.as_mut_ptr(), options(nostack)) };
        let mut default = found.words;
        default[0] = default[0] & !0xFFFF | Self::CONTROL;
        // A flag that is set and no longer masked would be an exception at the next operation.
        default[1] &= !Self::EXCEPTIONS;
        Self::load(&default);
        found
    }

    fn load(words: &[u32; 7]) {
        // SAFETY: they are what `fnstenv` wrote, but for control and exceptions, which may be anything.
        unsafe { std::arch::asm!("fldenv [{}]", in(reg) words.as_ptr(), options(nostack)) };
    }
}

#[cfg(target_arch = "x86_64")]
impl Drop for X87 {
    fn drop(&mut self) {
        Self::load(&self.words);
    }
}

#[cfg(not(target_arch = "x86_64"))]
struct X87;

#[cfg(not(target_arch = "x86_64"))]
impl X87 {
    fn set_default() -> X87 {
        X87
    }
}

/// Gives the calling thread, one of ours, the default floating-point environment.
pub(crate) fn use_default() {
    Environment::DEFAULT.set();
}

/// The floating-point control and status register of x86: rounding, flush-to-zero, denormals-are-zero and trap
/// masks, beside the flags of what has happened.
#[cfg(any(target_arch = "x86_64", all(target_arch = "x86", target_feature = "sse")))]
#[derive(Clone, Copy, PartialEq)]
struct Environment {
    mxcsr: u32,
}

#[cfg(any(target_arch = "x86_64", all(target_arch = "x86", target_feature = "sse")))]
impl Environment {
    const DEFAULT: Environment = Environment { mxcsr: 0x1F80 };

    /// Whether it differs from the default by no more than flags of what has happened.
    #[inline(always)]
    fn computes_as_default(self) -> bool {
        const HAPPENED: u32 = 0x3F;
        (self.mxcsr ^ Self::DEFAULT.mxcsr) & !HAPPENED == 0
    }

    #[inline(always)]
    fn get() -> Self {
        let mut mxcsr = 0u32;
        // SAFETY: writes the register to four bytes of ours.
        unsafe { std::arch::asm!("stmxcsr [{}]", in(reg) &raw mut mxcsr, options(nostack, preserves_flags)) };
        Environment { mxcsr }
    }

    #[inline(always)]
    fn set(self) {
        // SAFETY: the value is the default, in which Rust expects to run, or the one that the host had.
        unsafe {
            std::arch::asm!("ldmxcsr [{}]", in(reg) &raw const self.mxcsr, options(nostack, preserves_flags))
        };
    }
}

/// The floating-point control register of AArch64 (rounding, flush-to-zero, traps) and its status register, the
/// flags of what has happened.
#[cfg(target_arch = "aarch64")]
#[derive(Clone, Copy, PartialEq)]
struct Environment {
    fpcr: u64,
    fpsr: u64,
}

#[cfg(target_arch = "aarch64")]
impl Environment {
    const DEFAULT: Environment = Environment { fpcr: 0, fpsr: 0 };

    #[inline(always)]
    fn computes_as_default(self) -> bool {
        self.fpcr == Self::DEFAULT.fpcr
    }

    #[inline(always)]
    fn get() -> Self {
        let (fpcr, fpsr);
        // SAFETY: reads two registers.
        unsafe {
            std::arch::asm!("mrs {}, fpcr", "mrs {}, fpsr", out(reg) fpcr, out(reg) fpsr, options(nostack))
        };
        Environment { fpcr, fpsr }
    }

    #[inline(always)]
    fn set(self) {
        // SAFETY: the values are the default, in which Rust expects to run, or those that the host had.
        unsafe {
            std::arch::asm!("msr fpcr, {}", "msr fpsr, {}", in(reg) self.fpcr, in(reg) self.fpsr, options(nostack))
        };
    }
}

/// Other machines: taken to run as they should.
#[cfg(not(any(
    target_arch = "x86_64",
    all(target_arch = "x86", target_feature = "sse"),
    target_arch = "aarch64"
)))]
#[derive(Clone, Copy, PartialEq)]
struct Environment;

#[cfg(not(any(
    target_arch = "x86_64",
    all(target_arch = "x86", target_feature = "sse"),
    target_arch = "aarch64"
)))]
impl Environment {
    const DEFAULT: Environment = Environment;

    fn computes_as_default(self) -> bool {
        true
    }

    fn get() -> Self {
        Environment
    }

    fn set(self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_no_result() {
        assert_eq!(guarded(|| 1), Some(1));
        assert_eq!(guarded(|| std::panic::resume_unwind(Box::new(()))), None::<()>);
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn the_host_finds_its_environment_as_it_was() {
        // Rounding up, flush-to-zero, denormals-are-zero, no masks, and a flag of something that happened.
        for mxcsr in [0x1F80, 0x1FBF, 0x5FC0, 0x9FC4, 0x0000, 0xFF80] {
            let (mut inside, mut panicked) = (0, 0);
            let before = Environment::get();
            Environment { mxcsr }.set();
            let _ = guarded(|| {
                inside = Environment::get().mxcsr;
                std::hint::black_box(std::hint::black_box(1.0) / 3.0);
            });
            let after = Environment::get();
            let _ = guarded(|| {
                panicked += 1;
                std::panic::resume_unwind(Box::new(()))
            });
            let after_panic = Environment::get();
            before.set();
            assert_eq!(inside & 0xFFC0, 0x1F80, "{mxcsr:#x}");
            assert_eq!((after.mxcsr, after_panic.mxcsr, panicked), (mxcsr, mxcsr, 1));
        }
    }
}
