//! The library's own threads.

pub(crate) use kldiv_host::pool::run;

/// Ends the library's threads and waits until they are gone; needed only before the library is unloaded. Calls that
/// are under way finish on the threads they have; a later call starts new ones.
///
/// Thread-safe. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn kldiv_shutdown() {
    kldiv_host::pool::shutdown();
}
