//! Which processor a thread runs on, and how two threads come to have different ones.
//!
//! Linux may wake a thread on the processor of the one that wakes it though another is idle, most of all in a virtual machine,
//! where one that is idle looks as if the host had taken it away. Both then take turns there, and when work is short nobody
//! separates them.

use std::cell::Cell;

thread_local! {
    /// What the calling thread may run on but for its [`rest`], and there.
    static RESTS: Cell<Option<[system::Set; 2]>> = const { Cell::new(None) };
}

/// The processor that the calling thread runs on, where the system says so.
pub(crate) fn current() -> Option<usize> {
    system::current()
}

/// Moves the calling thread elsewhere if it runs on `processor`, and may run on others. It may come back later.
pub(crate) fn leave(processor: Option<usize>) {
    if let Some(processor) = processor
        && current() == Some(processor)
        && let Some(all) = system::allowed()
        && let Some(others) = system::without(all, processor)
    {
        system::allow(&others);
        system::allow(&all);
    }
}

/// Has the calling thread, which is about to sleep, wake elsewhere than on `processor`, until it is [`awake`].
pub(crate) fn rest(processor: Option<usize>) {
    if let Some(processor) = processor
        && RESTS.get().is_none()
        && let Some(all) = system::allowed()
        && let Some(others) = system::without(all, processor)
        && system::allow(&others)
    {
        RESTS.set(Some([all, others]));
    }
}

/// Lets it run wherever it might before.
pub(crate) fn awake() {
    // Unless somebody has decided otherwise meanwhile.
    if let Some([all, others]) = RESTS.take()
        && system::allowed().is_some_and(|now| system::same(&now, &others))
    {
        system::allow(&all);
    }
}

#[cfg(target_os = "linux")]
mod system {
    use std::mem;

    use libc::{
        CPU_CLR, CPU_COUNT, CPU_EQUAL, CPU_SETSIZE, cpu_set_t, sched_getaffinity, sched_getcpu,
        sched_setaffinity,
    };

    pub(super) type Set = cpu_set_t;

    pub(super) fn current() -> Option<usize> {
        // SAFETY: it asks for nothing.
        usize::try_from(unsafe { sched_getcpu() }).ok()
    }

    /// What the calling thread may run on. Of more processors than a set has bits for the system says nothing.
    pub(super) fn allowed() -> Option<Set> {
        // SAFETY: a set is bits, of which none may be one.
        let mut set: Set = unsafe { mem::zeroed() };
        // SAFETY: there is room for a set.
        (unsafe { sched_getaffinity(0, size_of::<Set>(), &raw mut set) } == 0).then_some(set)
    }

    /// All others, if there are some.
    pub(super) fn without(all: Set, processor: usize) -> Option<Set> {
        let mut others = all;
        if processor < CPU_SETSIZE as usize {
            // SAFETY: the set has a bit for it.
            unsafe { CPU_CLR(processor, &mut others) };
        }
        // SAFETY: it is a set.
        (unsafe { CPU_COUNT(&others) } > 0).then_some(others)
    }

    pub(super) fn same(one: &Set, other: &Set) -> bool {
        // SAFETY: both are sets.
        unsafe { CPU_EQUAL(one, other) }
    }

    /// A thread that may not run where it is moves at once, and stays where it is if it may.
    pub(super) fn allow(set: &Set) -> bool {
        // SAFETY: it is a set.
        unsafe { sched_setaffinity(0, size_of::<Set>(), set) == 0 }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    pub(super) type Set = ();

    pub(super) fn current() -> Option<usize> {
        None
    }

    pub(super) fn allowed() -> Option<Set> {
        None
    }

    pub(super) fn without(_all: Set, _processor: usize) -> Option<Set> {
        None
    }

    pub(super) fn same(_one: &Set, _other: &Set) -> bool {
        true
    }

    pub(super) fn allow(_set: &Set) -> bool {
        false
    }
}

/// How many processors the calling thread may run on; 1 where the system does not say.
#[cfg(test)]
pub(crate) fn how_many() -> usize {
    #[cfg(target_os = "linux")]
    if let Some(set) = system::allowed() {
        // SAFETY: it is a set.
        return usize::try_from(unsafe { libc::CPU_COUNT(&set) }).unwrap();
    }
    1
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_thread_leaves_its_processor_and_may_run_on_it_as_before() {
        let before = how_many();
        let moved = (0..100).any(|_| {
            let from = current();
            leave(from);
            current() != from
        });
        assert_eq!(moved, before > 1);
        assert_eq!(how_many(), before);
        leave(None);
        leave(Some(usize::MAX));
    }

    #[test]
    fn a_thread_that_rests_has_all_processors_but_one_until_it_is_awake() {
        let before = how_many();
        let here = current();
        for _ in 0..2 {
            rest(here);
            assert!(before == 1 || current() != here);
            assert_eq!(how_many(), (before - 1).max(1));
        }
        awake();
        assert_eq!(how_many(), before);
        // What others decide in between stands.
        let all = system::allowed().unwrap();
        rest(here);
        let elsewhere = system::without(all, current().unwrap());
        elsewhere.inspect(|set| assert!(system::allow(set)));
        awake();
        assert!(elsewhere.is_none_or(|set| system::same(&set, &system::allowed().unwrap())));
        assert!(system::allow(&all) && RESTS.get().is_none());
    }
}
