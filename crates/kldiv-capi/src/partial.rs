//! Mergeable sums.

use core_kldiv::partial::{Partial, merge_by, update_by};
use core_kldiv::{Error, Measure, View};

use crate::call::Call;
use crate::guard::guard;
use crate::options::kldiv_options;
use crate::status::kldiv_status;
use crate::view::kldiv_view;

/// The sums of the terms of a part of the outcomes of two distributions: what is merged with those of other parts, and
/// what an answer is made of. For distributions that are spread over files, machines or days.
///
/// Plain bytes, the same on every machine: it may be copied, written to disk and sent, and lies where a uint64_t may.
/// kldiv_partial_init() makes one; one of zeros is none. A magic, a version and a checksum are looked at whenever one
/// is read, and what this library did not make, or what was damaged since, is KLDIV_ERROR_STATE.
///
/// Terms are added without any rounding, and the sum is rounded once, in kldiv_partial_value(). So neither the split
/// into parts, nor the order of updates and merges, nor the number of threads changes a bit of the value or of the
/// state. One state is used by one thread at a time; others may be used meanwhile.
#[repr(C)]
pub struct kldiv_partial {
    /// Little-endian, and nobody else's business.
    pub words: [u64; 178],
}

const _: () = assert!(size_of::<kldiv_partial>() == Partial::SIZE);
const _: () = assert!(align_of::<kldiv_partial>() == align_of::<Partial>());

/// Makes a state to which nothing was added.
///
/// options.measure says what it will answer: KL, GENERALIZED, REVERSE, JEFFREYS, ENTROPY or CROSS_ENTROPY.
/// options.invalid says what a bad entry does: with ERROR an update that finds one fails and changes nothing; with
/// NAN it is counted, and the state's value is NaN. The other options are for kldiv_partial_value().
///
/// @param s        1 state, whatever it held
/// @param options  NULL for the defaults: KL, and bad entries are errors
/// @return KLDIV_OK; KLDIV_ERROR_NULL_POINTER, KLDIV_ERROR_MISALIGNED; KLDIV_ERROR_OPTIONS for another measure, and for
///         smoothing, which depends on the number of outcomes: add it to the elements, and ask for NORMALIZE
/// Thread-safe. Since 0.1.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kldiv_partial_init(
    s: *mut kldiv_partial,
    options: *const kldiv_options,
) -> kldiv_status {
    // SAFETY: the caller's promise, for each.
    guard(move || unsafe {
        let mut call = Call::new();
        call.read(options)?;
        let state = call.one_mut(s.cast::<Partial>(), "s")?;
        call.run_here(|options| state.reset(options))
    })
}

/// Adds pairs of elements: all of p, and those of q in the same places, belong to the state's two distributions.
///
/// @param s     1 state
/// @param p, q  rows x cols probabilities or counts, of any element types and strides, counts exactly; q is ignored and
///              may be NULL if the measure is ENTROPY
/// @return KLDIV_OK; KLDIV_ERROR_STATE; as kldiv_rows() for a call that makes no sense; KLDIV_ERROR_NEGATIVE,
///         KLDIV_ERROR_NAN or KLDIV_ERROR_INFINITE of the first bad entry, row by row, p before q. The state is then as
///         it was, so nothing is lost, and nothing is added twice when the call is repeated; so it is for
///         KLDIV_ERROR_OUT_OF_MEMORY
/// Thread-safe; large calls share their elements among as many threads as there are cores. Since 0.1.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kldiv_partial_update(
    s: *mut kldiv_partial,
    p: *const kldiv_view,
    q: *const kldiv_view,
) -> kldiv_status {
    // SAFETY: the caller's promise, for each.
    guard(move || unsafe {
        let mut call = Call::new();
        let state = call.one_mut(s.cast::<Partial>(), "s")?;
        state.check()?;
        call.options.measure = state.measure();
        let (p, q) = call.pair(p, q)?;
        call.run(p.elements(), |options| state.update_on(p, q, options.parallel))
    })
}

/// Adds what another state holds. Which was made first, and which is added to which, makes no difference.
///
/// @param into  1 state
/// @param from  1 state, another one, for the same measure and with the same options.invalid
/// @return KLDIV_OK; KLDIV_ERROR_NULL_POINTER, KLDIV_ERROR_MISALIGNED, KLDIV_ERROR_OVERLAP; KLDIV_ERROR_STATE, also
///         for two that do not go together. *into is then as it was
/// Thread-safe. Since 0.1.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kldiv_partial_merge(
    into: *mut kldiv_partial,
    from: *const kldiv_partial,
) -> kldiv_status {
    // SAFETY: the caller's promise, for each.
    guard(move || unsafe {
        let mut call = Call::new();
        let from = &call.array(from.cast::<Partial>(), 1, "from")?[0];
        let into = call.one_mut(into.cast::<Partial>(), "into")?;
        call.run_here(|_| {
            into.check()?;
            from.check()?;
            into.merge(from)
        })
    })
}

/// The measure of all that was added, in nats or in the units of options.base.
///
/// options.normalization NORMALIZE gives that of the distributions that the elements are counts or weights of, without
/// their totals being known beforehand: to an absolute accuracy of some 1e-16 times |D / P| + |ln(Q / P)|, D the
/// value of what was given, P and Q the totals, and to a relative one where P and Q nearly agree. REQUIRE holds both
/// totals to mass_tolerance. AS_GIVEN is as accurate as kldiv_rows().
///
/// @param s        1 state
/// @param options  NULL for the defaults: nats, elements as given. measure is the state's own, or 0; mask and weights
///                 do not apply
/// @param out      1 double; INFINITY if a term is, NaN for a total that is an error and where bad entries were added
/// @return KLDIV_OK; KLDIV_ERROR_NULL_POINTER, KLDIV_ERROR_MISALIGNED, KLDIV_ERROR_OVERLAP; KLDIV_ERROR_OPTIONS, also
///         for another measure and for smoothing; KLDIV_ERROR_STATE; and unless options.invalid is NAN
///         KLDIV_ERROR_ZERO_MASS, KLDIV_ERROR_NOT_NORMALIZED, or KLDIV_ERROR_NAN for bad entries
/// Thread-safe. Since 0.1.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kldiv_partial_value(
    s: *const kldiv_partial,
    options: *const kldiv_options,
    out: *mut f64,
) -> kldiv_status {
    // SAFETY: the caller's promise, for each.
    guard(move || unsafe {
        let mut call = Call::new();
        call.read(options)?;
        let state = &call.array(s.cast::<Partial>(), 1, "s")?[0];
        let out = call.one_mut(out, "out")?;
        call.run_here(|options| {
            state.check()?;
            state.value_into(options, out)
        })
    })
}

/// Adds pair i of elements to the state of its group, s[group[i]]: one call a batch, whatever the number of groups.
///
/// @param s       groups states, made by kldiv_partial_init(); those that are named, for one measure
/// @param groups  how many
/// @param group   n numbers below groups
/// @param p, q    n probabilities or counts each, one after another; q is ignored and may be NULL if the measure is
///                ENTROPY
/// @param dtype   KLDIV_DTYPE_..., of both
/// @param n       how many pairs; with none there is nothing to do
/// @return as kldiv_partial_update(), the first bad entry with row 0; KLDIV_ERROR_INDEX for a number that is not
///         below groups (operand 2, row 0, the value is that number); KLDIV_ERROR_STATE if one of the states that are
///         named is none, or they do not go together; KLDIV_ERROR_OUT_OF_MEMORY: it takes a bit a group. All states
///         are then as they were
/// Thread-safe; the calling thread alone. Since 0.1.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kldiv_partial_update_by(
    s: *mut kldiv_partial,
    groups: usize,
    group: *const u32,
    p: *const std::ffi::c_void,
    q: *const std::ffi::c_void,
    dtype: u32,
    n: usize,
) -> kldiv_status {
    // SAFETY: the caller's promise, for each.
    guard(move || unsafe {
        let mut call = Call::new();
        let states = call.array_mut(s.cast::<Partial>(), groups, "s")?;
        let group = call.array(group, n, "group")?;
        check_named(states, group)?;
        let row = |data| kldiv_view { data, rows: 1, cols: n, row_stride: 0, col_stride: 1, dtype };
        let p = call.matrix(&row(p), "p")?;
        let q: View = match measure_named(states, group) {
            Some(Measure::Entropy) => p,
            _ => call.matrix(&row(q), "q")?,
        };
        call.run_here(|_| update_by(states, group, p, q))
    })
}

/// Adds state i of from to the state of its group, s[group[i]].
///
/// @param s       groups states
/// @param groups  how many
/// @param group   n numbers below groups
/// @param from    n states, apart from s
/// @param n       how many; with none there is nothing to do
/// @return as kldiv_partial_merge(); KLDIV_ERROR_INDEX and KLDIV_ERROR_OUT_OF_MEMORY as kldiv_partial_update_by().
///         All of s are then as they were
/// Thread-safe; the calling thread alone. Since 0.1.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kldiv_partial_merge_by(
    s: *mut kldiv_partial,
    groups: usize,
    group: *const u32,
    from: *const kldiv_partial,
    n: usize,
) -> kldiv_status {
    // SAFETY: the caller's promise, for each.
    guard(move || unsafe {
        let mut call = Call::new();
        let states = call.array_mut(s.cast::<Partial>(), groups, "s")?;
        let group = call.array(group, n, "group")?;
        let from = call.array(from.cast::<Partial>(), n, "from")?;
        call.run_here(|_| {
            check_named(states, group)?;
            from.iter().try_for_each(Partial::check)?;
            merge_by(states, group, from)
        })
    })
}

/// The measure of the first state that is named.
fn measure_named(states: &[Partial], group: &[u32]) -> Option<Measure> {
    Some(states.get(*group.first()? as usize)?.measure())
}

/// Says whether the states that are named are such, each once: they come from the caller's memory, and a look at one
/// takes as long as some pairs.
fn check_named(states: &[Partial], group: &[u32]) -> Result<(), Error> {
    let words = states.len().div_ceil(64);
    let mut seen: Vec<u64> = Vec::new();
    seen.try_reserve_exact(words).map_err(|_| Error::OutOfMemory { bytes: words.saturating_mul(8) })?;
    seen.resize(words, 0);
    for group in group.iter().map(|group| *group as usize) {
        // What is not there is the core's to complain about.
        let Some(state) = states.get(group) else { continue };
        if seen[group / 64] >> (group % 64) & 1 == 0 {
            seen[group / 64] |= 1 << (group % 64);
            state.check()?;
        }
    }
    Ok(())
}
