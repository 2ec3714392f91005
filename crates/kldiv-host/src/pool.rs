//! The library's own threads: a rayon pool for each process and number of threads.
//!
//! A process that forks has, in its child, neither the parent's threads nor any hope that a lock which one of them
//! held is ever released. So what is known of pools belongs to a process and is found by its number; a child starts
//! anew, and never looks into or frees what it inherited.

use std::collections::BTreeMap;
use std::io;
use std::num::NonZero;
use std::process;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use kldiv::batch::PARALLEL_FROM;
use kldiv::threads;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::environment;

/// More threads than this are not started, whatever a caller asks for.
const MOST_THREADS: usize = 1024;

/// Ends the threads and waits until they are gone. Calls that are under way finish on the threads they have; a later
/// call starts new ones.
pub fn shutdown() {
    let process = PROCESS.load(Ordering::Acquire);
    // SAFETY: once published, a process's pools are never freed.
    if let Some(pools) = unsafe { process.as_ref() }
        && pools.pid == process::id()
    {
        let ended = std::mem::take(&mut *pools.lock());
        drop(ended);
    }
}

/// Runs `body` where `threads` (0: as many as there are cores), the calling one among them, may share `work` elements, and
/// tells it whether they do.
pub fn run<R>(threads: u32, work: usize, body: impl FnOnce(bool) -> R) -> R {
    if threads == 1 || work < PARALLEL_FROM {
        return body(false);
    }
    match pool(threads) {
        Some(pool) => threads::with_pool(&pool.rayon, || body(true)),
        None => body(false),
    }
}

/// The pool that makes `threads` threads with the calling one; `None` if one thread is enough or more cannot be had.
fn pool(threads: u32) -> Option<Arc<Pool>> {
    let pools = pools();
    let threads = if threads == 0 { pools.cores } else { threads as usize }.min(MOST_THREADS);
    if threads <= 1 {
        return None;
    }
    let mut started = pools.lock();
    if let Some(pool) = started.get(&threads) {
        return Some(Arc::clone(pool));
    }
    let pool = Arc::new(Pool::start(threads - 1).ok()?);
    started.insert(threads, Arc::clone(&pool));
    Some(pool)
}

/// A rayon pool that, dropped, waits for its threads to end.
struct Pool {
    rayon: ThreadPool,
    _threads: Threads,
}

impl Pool {
    fn start(threads: usize) -> io::Result<Pool> {
        let mut started = Threads(Vec::new());
        let rayon = ThreadPoolBuilder::new()
            .num_threads(threads)
            .spawn_handler(|worker| {
                let name = format!("kldiv-{}", worker.index());
                let run = || {
                    environment::use_default();
                    threads::work_for_nobody_else();
                    worker.run();
                };
                started.0.push(thread::Builder::new().name(name).spawn(run)?);
                Ok(())
            })
            .build()
            .map_err(io::Error::other)?;
        Ok(Pool { rayon, _threads: started })
    }
}

/// Threads that are waited for once nothing holds them: declared after the pool that they serve.
struct Threads(Vec<JoinHandle<()>>);

impl Drop for Threads {
    fn drop(&mut self) {
        for thread in self.0.drain(..) {
            // A thread that panicked has ended too.
            let _ = thread.join();
        }
    }
}

/// The pools of one process.
struct Pools {
    pid: u32,
    /// Asked for once: it takes the system longer to say than a small call to compute.
    cores: usize,
    by_threads: Mutex<BTreeMap<usize, Arc<Pool>>>,
}

impl Pools {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<usize, Arc<Pool>>> {
        self.by_threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

static PROCESS: AtomicPtr<Pools> = AtomicPtr::new(ptr::null_mut());

/// Those of this process.
fn pools() -> &'static Pools {
    let pid = process::id();
    let mut found = PROCESS.load(Ordering::Acquire);
    loop {
        // SAFETY: once published, a process's pools are never freed.
        match unsafe { found.as_ref() } {
            Some(pools) if pools.pid == pid => return pools,
            _ => {}
        }
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let ours = Box::into_raw(Box::new(Pools { pid, cores, by_threads: Mutex::default() }));
        match PROCESS.compare_exchange(found, ours, Ordering::AcqRel, Ordering::Acquire) {
            // SAFETY: just made, and published for good.
            Ok(_) => return unsafe { &*ours },
            Err(theirs) => {
                // SAFETY: just made, and nobody else has seen it.
                drop(unsafe { Box::from_raw(ours) });
                found = theirs;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    const LARGE: usize = PARALLEL_FROM;

    fn sum(parallel: bool) -> usize {
        let sum = AtomicUsize::new(0);
        if parallel {
            threads::for_each(1000, |i| {
                sum.fetch_add(i, Ordering::Relaxed);
            });
        }
        sum.into_inner()
    }

    #[test]
    fn small_work_and_one_thread_stay_on_the_calling_thread() {
        let caller = thread::current().id();
        for (threads, work) in [(1, LARGE), (0, LARGE - 1), (2, 0)] {
            assert_eq!(run(threads, work, |parallel| (parallel, thread::current().id())), (false, caller));
        }
    }

    #[test]
    fn large_work_has_as_many_threads_as_asked_for() {
        for wanted in [2, 3, 5] {
            let (shared, seen) = run(wanted, LARGE, |parallel| (parallel, threads::count()));
            assert_eq!((shared, seen), (true, wanted as usize));
        }
    }

    #[test]
    fn shutdown_amid_calls_harms_none() {
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        assert_eq!(run(2, LARGE, sum), 499_500);
                    }
                });
            }
            for _ in 0..50 {
                shutdown();
            }
        });
    }

    #[test]
    fn a_panic_on_a_worker_reaches_the_caller() {
        let caught = std::panic::catch_unwind(|| run(2, LARGE, |_| std::panic::resume_unwind(Box::new(()))));
        assert!(caught.is_err());
        assert_eq!(run(2, LARGE, sum), 499_500);
    }
}
