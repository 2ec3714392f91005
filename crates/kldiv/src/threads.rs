//! Large calls shared among threads: the calling one and those of a rayon pool.
//!
//! The calling thread takes part instead of waiting: it begins at once, with what its caches hold, while the others are
//! still being woken, which takes a tenth of a millisecond or more. Who computes what is first come, first served;
//! results never depend on it. A thread that comes when all is taken is not waited for (rayon's scopes would), and those
//! of [`with_pool`]'s pools stay awake for a tenth of a millisecond after a call, so that the next one finds them. One that
//! was woken on the caller's own processor, where it would only take turns, goes to another, and before it sleeps again it
//! keeps from there.
//!
//! What is inlined here spares the stack of the calling thread, which may be small.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rayon::{ThreadPool, Yield};

use crate::processor;

thread_local! {
    /// The pool that calls on this thread share their work with.
    static POOL: Cell<Option<NonNull<ThreadPool>>> = const { Cell::new(None) };
}

/// Runs `body` on the calling thread; large calls in it are shared among that thread and those of `pool`.
///
/// Without it they are shared with rayon's global pool or, on a thread of a pool, with that one.
///
/// ```
/// use kldiv::{Options, batch, threads};
/// use ndarray::array;
///
/// let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
/// let (p, q) = (array![[0.5, 0.5]], array![[0.7, 0.3]]);
/// let nats = threads::with_pool(&pool, || batch::rows(&p, &q, &Options::default()))?;
/// assert_eq!(format!("{:.4}", nats[0]), "0.0872");
/// # Ok::<(), kldiv::Error>(())
/// ```
pub fn with_pool<R>(pool: &ThreadPool, body: impl FnOnce() -> R) -> R {
    /// Puts what was there before back, also after a panic.
    struct Restore(Option<NonNull<ThreadPool>>);

    impl Drop for Restore {
        fn drop(&mut self) {
            POOL.set(self.0);
        }
    }

    let _restore = Restore(POOL.replace(Some(NonNull::from(pool))));
    body()
}

/// How many threads a large call is shared among.
pub fn count() -> usize {
    match pool() {
        Some(pool) => pool.current_num_threads() + 1,
        None => rayon::current_num_threads(),
    }
}

/// The pool of the innermost [`with_pool`].
fn pool<'a>() -> Option<&'a ThreadPool> {
    // SAFETY: `with_pool` borrows the pool for as long as its address is there, and no caller here keeps it for longer.
    POOL.get().map(|pool| unsafe { pool.as_ref() })
}

/// Calls `task` on each number below `tasks`, on several threads. A panic ends in the caller.
#[inline(always)]
pub fn for_each(tasks: usize, task: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    let work = || {
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            if i >= tasks {
                return;
            }
            task(i);
        }
    };
    match count().min(tasks) {
        0 | 1 => work(),
        threads => share(&work, threads - 1),
    }
}

/// Runs `work` here and on so many other threads, or fewer: who comes when it is done here comes too late, and is not waited
/// for.
fn share(work: &(dyn Fn() + Sync), others: usize) {
    let call = Arc::new(Call {
        processor: pool().and_then(|_| processor::current()),
        // SAFETY: a pointer's lifetime is all that changes.
        work: unsafe { std::mem::transmute::<*const (dyn Fn() + Sync), *const (dyn Fn() + Sync)>(work) },
        inside: AtomicUsize::new(0),
        ended: Mutex::new(None),
        left: Condvar::new(),
    });
    for _ in 0..others {
        let call = Arc::clone(&call);
        match pool() {
            Some(pool) => pool.spawn(move || {
                processor::awake();
                processor::leave(call.processor);
                call.join();
                CALLER.set(call.processor);
                drop(call);
                linger();
            }),
            // Others' pools have other work.
            None => rayon::spawn(move || call.join()),
        }
    }
    let closing = Closing(&call);
    work();
    drop(closing);
    let panic = call.ended.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(panic) = panic {
        resume_unwind(panic);
    }
}

/// What is being shared.
struct Call {
    /// Where the calling thread was when it asked for help, if those who come may go elsewhere.
    processor: Option<usize>,
    /// Gone once nobody is inside and nobody may enter.
    work: *const (dyn Fn() + Sync),
    /// How many other threads are at it, and [`CLOSED`].
    inside: AtomicUsize,
    /// A panic of one of them.
    ended: Mutex<Option<Box<dyn Any + Send>>>,
    /// Told by the last of them to leave.
    left: Condvar,
}

// SAFETY: what `work` points to is shared among those inside, and may be.
unsafe impl Send for Call {}
// SAFETY: as above.
unsafe impl Sync for Call {}

/// Nobody may enter.
const CLOSED: usize = 1 << (usize::BITS - 1);

impl Call {
    /// Takes part, if it is not too late.
    fn join(&self) {
        let enter = |inside: usize| (inside < CLOSED).then_some(inside + 1);
        if self.inside.fetch_update(Ordering::AcqRel, Ordering::Acquire, enter).is_err() {
            return;
        }
        // SAFETY: `Closing` waits for whoever has entered.
        let work = unsafe { &*self.work };
        let ended = catch_unwind(AssertUnwindSafe(work)).err();
        let mut first = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if first.is_none() {
            *first = ended;
        }
        if self.inside.fetch_sub(1, Ordering::AcqRel) == CLOSED + 1 {
            self.left.notify_one();
        }
    }
}

/// Dropped, lets nobody enter any more, and waits for those that have.
struct Closing<'a>(&'a Call);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        let Call { inside, ended, left, .. } = self.0;
        inside.fetch_or(CLOSED, Ordering::AcqRel);
        // They have a task left each at most, and to be woken takes longer than most tasks.
        let start = Instant::now();
        while inside.load(Ordering::Acquire) != CLOSED {
            if start.elapsed() < AWAKE {
                thread::yield_now();
                continue;
            }
            let mut guard = ended.lock().unwrap_or_else(PoisonError::into_inner);
            while inside.load(Ordering::Acquire) != CLOSED {
                guard = left.wait(guard).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

/// How long a thread that has nothing to do stays awake: no longer than it takes to be woken.
const AWAKE: Duration = Duration::from_micros(100);

thread_local! {
    static LINGERS: Cell<bool> = const { Cell::new(false) };

    /// Where the last call came from.
    static CALLER: Cell<Option<usize>> = const { Cell::new(None) };

    /// Whether the calling thread has no other work than this library's.
    static OWN: Cell<bool> = const { Cell::new(false) };
}

/// Says that the calling thread, one of a pool's, has no other work than this library's: asleep, it keeps from the processor of
/// the last call.
#[doc(hidden)]
pub fn work_for_nobody_else() {
    OWN.set(true);
}

/// Waits for the next call on a thread of a pool, which then has not to be woken for it.
fn linger() {
    if LINGERS.replace(true) {
        return; // This call came while it did, and it goes on.
    }
    let mut since = Instant::now();
    while since.elapsed() < AWAKE {
        match rayon::yield_now() {
            Some(Yield::Executed) => since = Instant::now(),
            Some(Yield::Idle) => thread::yield_now(),
            None => break,
        }
    }
    LINGERS.set(false);
    if OWN.get() {
        processor::rest(CALLER.get());
    }
}

/// The same for `n` of anything, `at_least` of them a task.
#[inline(always)]
fn for_each_range(n: usize, at_least: usize, each: impl Fn(usize, usize) + Sync) {
    let size = at_least.max(1);
    for_each(n.div_ceil(size), |i| each(i * size, n.min((i + 1) * size)));
}

/// Calls `of` on every number below `n`, `at_least` of them a task, and gives what it gave for the smallest number that it
/// gave something for.
pub fn first<T: Send>(n: usize, at_least: usize, of: impl Fn(usize) -> Option<T> + Sync) -> Option<T> {
    let first: Mutex<Option<(usize, T)>> = Mutex::new(None);
    for_each_range(n, at_least, |start, end| {
        for i in start..end {
            if let Some(found) = of(i) {
                let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
                if first.as_ref().is_none_or(|(place, _)| i < *place) {
                    *first = Some((i, found));
                }
            }
        }
    });
    first.into_inner().unwrap_or_else(PoisonError::into_inner).map(|(_, found)| found)
}

/// The address of a slice's elements, each of which is used by one thread.
struct Elements<T>(*mut T);

// SAFETY: an element goes to whoever asks for it, and nobody asks for one twice.
unsafe impl<T: Send> Sync for Elements<T> {}

impl<T> Elements<T> {
    fn at(&self, i: usize) -> *mut T {
        self.0.wrapping_add(i)
    }
}

/// Calls `each` on the chunks of a slice, `size` long but for the last one, and their numbers; says what [`first`] does.
pub(crate) fn chunks_mut<T: Send, R: Send>(
    items: &mut [T],
    size: usize,
    each: impl Fn(usize, &mut [T]) -> Option<R> + Sync,
) -> Option<R> {
    let n = items.len();
    let elements = Elements(items.as_mut_ptr());
    first(n.div_ceil(size), 1, |i| {
        let (start, end) = (i * size, n.min((i + 1) * size));
        // SAFETY: chunks do not overlap, and each is asked for once.
        each(i, unsafe { std::slice::from_raw_parts_mut(elements.at(start), end - start) })
    })
}

/// Fills a vector that has room for `n` with what `of` makes of the numbers below that.
pub(crate) fn collect_into<T: Send>(
    out: &mut Vec<T>,
    n: usize,
    at_least: usize,
    of: impl Fn(usize) -> T + Sync,
) {
    out.clear();
    out.reserve_exact(n);
    let places = Elements(out.as_mut_ptr());
    for_each_range(n, at_least, |start, end| {
        for i in start..end {
            // SAFETY: there is room for n, and each place is written once.
            unsafe { places.at(i).write(of(i)) };
        }
    });
    // SAFETY: all were written; had one panicked, this would not be reached.
    unsafe { out.set_len(n) };
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::thread::ThreadId;

    use rayon::ThreadPoolBuilder;

    use super::*;

    fn pool_of(threads: usize) -> ThreadPool {
        ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
    }

    #[test]
    fn every_number_is_asked_once_whatever_the_threads_are() {
        for threads in [1, 2, 5] {
            for n in [0, 1, 2, 7, 1000] {
                let asked: Vec<AtomicUsize> = (0..n).map(|_| AtomicUsize::new(0)).collect();
                let ask = || {
                    for_each(n, |i| {
                        asked[i].fetch_add(1, Ordering::Relaxed);
                    })
                };
                with_pool(&pool_of(threads), ask);
                pool_of(threads).install(ask);
                ask();
                assert!(asked.iter().all(|count| count.load(Ordering::Relaxed) == 3));
            }
        }
    }

    #[test]
    fn the_calling_thread_and_those_of_the_pool_take_part() {
        let (pool, seen) = (pool_of(2), Mutex::new(BTreeSet::<String>::new()));
        let name = |id: ThreadId| format!("{id:?}");
        with_pool(&pool, || {
            assert_eq!(count(), 3);
            let start = Instant::now();
            // As many tasks as there are threads, each of which ends when all have begun.
            for_each(3, |_| {
                seen.lock().unwrap().insert(name(thread::current().id()));
                while seen.lock().unwrap().len() < 3 && start.elapsed() < Duration::from_secs(60) {
                    thread::yield_now();
                }
            });
        });
        let seen = seen.into_inner().unwrap();
        assert_eq!((seen.len(), seen.contains(&name(thread::current().id()))), (3, true));
        assert!(POOL.get().is_none());
    }

    #[test]
    fn a_thread_that_is_busy_is_not_waited_for_and_comes_too_late() {
        let (pool, asked) = (pool_of(1), AtomicUsize::new(0));
        let (release, busy) = std::sync::mpsc::channel::<()>();
        pool.spawn(move || busy.recv().unwrap());
        with_pool(&pool, || {
            for _ in 0..10 {
                for_each(10, |_| {
                    asked.fetch_add(1, Ordering::Relaxed);
                });
            }
        });
        assert_eq!(asked.load(Ordering::Relaxed), 100);
        release.send(()).unwrap();
        // Behind all that was left in the pool's queue.
        pool.install(|| assert_eq!(asked.load(Ordering::Relaxed), 100));
    }

    #[test]
    fn calls_in_a_row_do_not_pile_up_on_a_thread_that_stays_awake() {
        let (pool, asked) = (pool_of(2), AtomicUsize::new(0));
        with_pool(&pool, || {
            for _ in 0..200_000 {
                for_each(3, |_| {
                    asked.fetch_add(1, Ordering::Relaxed);
                });
            }
        });
        assert_eq!(asked.into_inner(), 600_000);
    }

    #[test]
    fn a_thread_of_ours_keeps_from_the_callers_processor_while_it_sleeps_and_no_other_does() {
        let of_others = ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let ours = ThreadPoolBuilder::new().num_threads(1).start_handler(|_| work_for_nobody_else());
        for (pool, keeps) in [(of_others, false), (ours.build().unwrap(), cfg!(target_os = "linux"))] {
            let processors = || pool.install(processor::how_many);
            let before = processors();
            let asleep = if keeps { (before - 1).max(1) } else { before };
            let start = Instant::now();
            let in_time = || start.elapsed() < Duration::from_secs(60);
            let caller = thread::current().id();
            for _ in 0..3 {
                // What the other thread may run on when it helps.
                let seen = Mutex::new(None);
                with_pool(&pool, || {
                    for_each(2, |_| {
                        if thread::current().id() != caller {
                            *seen.lock().unwrap() = Some(processor::how_many());
                        }
                        while seen.lock().unwrap().is_none() && in_time() {
                            thread::yield_now();
                        }
                    });
                });
                assert_eq!(seen.into_inner().unwrap(), Some(before));
                // It waits for another call first.
                while processors() != asleep && in_time() {
                    thread::sleep(10 * AWAKE);
                }
                assert_eq!(processors(), asleep);
            }
        }
    }

    #[test]
    fn a_panic_of_another_thread_ends_in_the_caller_when_all_have_left() {
        let (pool, caller, begun) = (pool_of(1), thread::current().id(), AtomicUsize::new(0));
        let caught = catch_unwind(AssertUnwindSafe(|| {
            with_pool(&pool, || {
                for_each(2, |_| {
                    begun.fetch_add(1, Ordering::Relaxed);
                    while begun.load(Ordering::Relaxed) < 2 {
                        thread::yield_now();
                    }
                    if thread::current().id() != caller {
                        resume_unwind(Box::new("another's"));
                    }
                });
            });
        }));
        assert_eq!(caught.unwrap_err().downcast_ref(), Some(&"another's"));
    }

    #[test]
    fn results_are_in_order_and_the_first_finding_is_that_of_the_smallest_number() {
        with_pool(&pool_of(3), || {
            let mut squares = Vec::new();
            collect_into(&mut squares, 1000, 7, |i| i * i);
            assert!(squares.iter().enumerate().all(|(i, square)| *square == i * i));
            assert_eq!(first(1000, 7, |i| (i % 100 == 99).then_some(i)), Some(99));
            assert_eq!(first(1000, 7, |_| None::<()>), None);
            let mut items = vec![0; 25];
            let sizes = chunks_mut(&mut items, 4, |i, chunk| {
                chunk.fill(i + 1);
                (chunk.len() < 4).then_some(chunk.len())
            });
            assert_eq!((sizes, items[0], items[24]), (Some(1), 1, 7));
        });
    }

    #[test]
    fn calls_within_calls_share_what_is_left() {
        with_pool(&pool_of(2), || {
            let sum = AtomicUsize::new(0);
            for_each(10, |i| {
                for_each(10, |j| {
                    sum.fetch_add(10 * i + j, Ordering::Relaxed);
                })
            });
            assert_eq!(sum.into_inner(), 4950);
        });
    }

    #[test]
    fn a_panic_ends_in_the_caller_and_the_pool_is_forgotten() {
        let pool = pool_of(2);
        for bad in [0, 50, 99] {
            let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                with_pool(&pool, || {
                    for_each(100, |i| {
                        if i == bad {
                            std::panic::resume_unwind(Box::new(()))
                        }
                    });
                });
            }));
            assert!(caught.is_err() && POOL.get().is_none());
        }
    }
}
