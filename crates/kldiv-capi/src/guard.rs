//! What surrounds every computation: the default floating-point environment inside, the host's again outside, and
//! no panic across the boundary.

use std::sync::atomic::{AtomicBool, Ordering};

use kldiv_host::environment::guarded;
pub(crate) use kldiv_host::environment::with_calls_back;

use crate::error::Failure;
use crate::status::{KLDIV_OK, kldiv_status};

/// Runs `body` under the default floating-point environment and says how it ended; a failure, also a panic, becomes
/// the thread's last one.
#[inline(always)]
pub(crate) fn guard(body: impl FnOnce() -> Result<(), Failure>) -> kldiv_status {
    silence();
    let status = guarded(|| match body() {
        Ok(()) => KLDIV_OK,
        Err(failure) => failure.record(),
    });
    status.unwrap_or_else(|| Failure::Internal.record())
}

/// Panics print nothing: a host's standard error is not ours. The hook belongs to this library's copy of std.
#[inline(always)]
fn silence() {
    static SILENT: AtomicBool = AtomicBool::new(cfg!(test));
    #[cold]
    fn now() {
        std::panic::set_hook(Box::new(|_| {}));
        SILENT.store(true, Ordering::Relaxed);
    }
    if !SILENT.load(Ordering::Relaxed) {
        now();
    }
}

#[cfg(test)]
mod tests {
    use core_kldiv::Error;

    use super::*;
    use crate::status::{KLDIV_ERROR_EMPTY, KLDIV_ERROR_INTERNAL};

    #[test]
    fn a_panic_becomes_a_status() {
        assert_eq!(guard(|| panic!("caught")), KLDIV_ERROR_INTERNAL);
    }

    #[test]
    fn a_failure_becomes_its_status() {
        assert_eq!(guard(|| Ok(())), KLDIV_OK);
        assert_eq!(guard(|| Err(Error::Empty.into())), KLDIV_ERROR_EMPTY);
    }
}
