//! Which library runs, and how.

use std::ffi::c_char;
use std::sync::atomic::{AtomicU8, Ordering};

/// One number of the package's version.
const fn number(digits: &str) -> u32 {
    let (digits, mut value, mut i) = (digits.as_bytes(), 0, 0);
    while i < digits.len() {
        value = value * 10 + (digits[i] - b'0') as u32;
        i += 1;
    }
    value
}

const MAJOR: u32 = number(env!("CARGO_PKG_VERSION_MAJOR"));
const MINOR: u32 = number(env!("CARGO_PKG_VERSION_MINOR"));
const PATCH: u32 = number(env!("CARGO_PKG_VERSION_PATCH"));

/// The version of the library that runs, a number like KLDIV_VERSION: major * 10000 + minor * 100 + patch.
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn kldiv_version() -> u32 {
    MAJOR * 10_000 + MINOR * 100 + PATCH
}

/// The instruction set whose kernels run on this machine: "scalar", "avx2", ... The environment variable
/// KLDIV_ISA chooses a weaker one, never a stronger one. Results do not depend on it.
///
/// @return static text
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn kldiv_active_isa() -> *const c_char {
    // The core's name, ended by a NUL. Every thread that asks writes the same bytes.
    static NAME: [AtomicU8; 16] = [const { AtomicU8::new(0) }; 16];
    for (place, byte) in NAME[..15].iter().zip(core_kldiv::active_isa().name().bytes()) {
        place.store(byte, Ordering::Relaxed);
    }
    NAME.as_ptr().cast()
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;

    #[test]
    fn the_version_is_that_of_the_package() {
        let v = kldiv_version();
        assert_eq!(
            format!("{}.{}.{}", v / 10_000, v / 100 % 100, v % 100),
            env!("CARGO_PKG_VERSION").split('-').next().unwrap()
        );
    }

    #[test]
    fn the_active_instruction_set_is_the_cores() {
        // SAFETY: the function returns static text.
        let isa = unsafe { CStr::from_ptr(kldiv_active_isa()) };
        assert_eq!(isa.to_str(), Ok(core_kldiv::active_isa().name()));
    }
}
