//! The sums of rows that are apart, on each instruction set that the machine has, against the scalar ones, to the bit.

use std::ops::Range;

use crate::kernels::apart::{Apart, ApartColumns, ApartRows, Feed};
use crate::kernels::far::{AreFar, seen};
use crate::kernels::generic::BLOCK;
use crate::kernels::lanes::{Real, Vector};
use crate::kernels::op::{Kl, Op};
use crate::kernels::rows::{ROWS, few_columns};
use crate::kernels::tests::{LENGTHS, bits, bits_of, data, one_nan, others};
use crate::kernels::{Isa, dispatch_to, long_stretch, rows, short, value};
#[cfg(target_arch = "x86_64")]
use crate::kernels::{
    Rest,
    anywhere::{DEFAULT, INEXACT, mxcsr, set_mxcsr, with_avx2, with_avx512},
    still::Single,
};

/// Numbers apart and near, with zeros and without, modest and not.
fn shares<T: Vector>(n: usize) -> Vec<(Vec<T>, Vec<T>)> {
    let mut kinds = data::<T>(n);
    let small = 1e8 * T::NORMAL.to_f64();
    for (p_by, q_by) in [(1e-4, 1e-5), (5.0, 1.0), (1.0, small), (small * 1e-10, 1e-3)] {
        let (p, q) = kinds[0].clone();
        let times = |x: &[T], by: f64| x.iter().map(|x| T::from_f64(x.to_f64() * by)).collect();
        kinds.push((times(&p, p_by), times(&q, q_by)));
    }
    // Apart at the beginning and near after it, and the other way round; far with zeros here and there.
    let (p, q) = kinds[0].clone();
    let swapped = |at: Range<usize>| {
        let mut near = q.clone();
        for i in at {
            near[i] = T::from_f64(p[i].to_f64() * 1.25);
        }
        (p.clone(), near)
    };
    kinds.extend([swapped(n.min(200)..n), swapped(0..n.min(200))]);
    let some_zeros = p.iter().enumerate().map(|(i, x)| if i % 77 == 70 { T::ZERO } else { *x }).collect();
    kinds.push((some_zeros, q.clone()));
    // The same with numbers of P that are subnormal, or the smallest that are not, in pieces before those with zeros.
    for small in [0.75, 1.5] {
        let tiny = |(i, x): (usize, &T)| match i % 77 {
            30 if i < 250 => T::from_f64(T::NORMAL.to_f64() * small),
            70 if i > 300 => T::ZERO,
            _ if small < 1.0 && i % 401 == 390 => T::from_f64(T::NORMAL.to_f64() * small * 1e-6),
            _ => *x,
        };
        kinds.push((p.iter().enumerate().map(tiny).collect(), q.clone()));
    }
    // So much of Q where P has nothing that sums of what seems far apart do not stand.
    let odd = |x: &[T], by: f64| {
        let scaled = |(i, x): (usize, &T)| if i % 2 == 1 { T::from_f64(x.to_f64() * by) } else { *x };
        x.iter().enumerate().map(scaled).collect()
    };
    let most = 3.9 / q.iter().map(|x| x.to_f64()).fold(0.0, f64::max);
    kinds.push((odd(&p, 0.0), odd(&q, most)));
    kinds
}

/// [`LENGTHS`], and some about those of long stretches and more than a block.
fn lengths() -> impl Iterator<Item = usize> {
    LENGTHS.into_iter().chain([255, 256, 257, 320, 500, 515, 2500])
}

/// Whether they are to be summed as such that are far apart.
fn seem_far<T: Vector>(isa: Isa, p: &[T], q: &[T]) -> bool {
    seen::<T>(p.len()).is_some_and(|seen| dispatch_to(isa, AreFar { p: &p[seen.clone()], q: &q[seen] }))
}

/// Whether two slices were fed to sums, zeros or not.
fn fed<T: Vector>(isa: Isa, p: &[T], q: &[T], to: &mut Apart) -> bool {
    let first = match to.are_far() {
        true => dispatch_to(isa, Feed::<_, false, true> { p, q, to }),
        false => dispatch_to(isa, Feed::<_, false, false> { p, q, to }),
    };
    let (p, q) = (&p[first..], &q[first..]);
    let rest = match to.are_far() {
        true => dispatch_to(isa, Feed::<_, true, true> { p, q, to }),
        false => dispatch_to(isa, Feed::<_, true, false> { p, q, to }),
    };
    rest == p.len()
}

/// Sums that are apart: the same bits on every instruction set, and in pieces; of eight rows those of each by itself.
macro_rules! what_is_apart_has_the_scalar_ones_bits {
    ($($t:ty: $sums:ident, $short:ident, $anywhere:ident, $eight_rows:ident;)*) => {$(
        #[test]
        fn $sums() {
            for n in lengths().filter(|n| *n > 1) {
                for (kind, (p, q)) in shares::<$t>(n).iter().enumerate() {
                    let in_pieces = |isa, length: usize| {
                        let total = Apart::sum::<$t, 1, 1>(seem_far(isa, p, q), |sums| {
                            p.chunks(length).zip(q.chunks(length)).all(|(p, q)| fed(isa, p, q, sums))
                        });
                        total.map(|total| bits(&total))
                    };
                    let scalar = in_pieces(Isa::Scalar, BLOCK);
                    for isa in others().chain([Isa::Scalar]) {
                        for length in [long_stretch::<$t>(), 2 * BLOCK] {
                            assert_eq!(
                                scalar,
                                in_pieces(isa, length),
                                "{isa:?}, pieces of {length} of {n}, kind {kind}"
                            );
                        }
                    }
                    // What ordinary rows have in common, and what leaves a share to `Sum`.
                    assert!(kind != 0 || scalar.is_some(), "n = {n}");
                    let left = if <$t as Real>::COMPENSATE { &[1, 2, 6, 8, 10][..] } else { &[2, 6, 8, 10] };
                    assert!(!left.contains(&kind) || scalar.is_none() || n < 12, "n = {n}, kind {kind}");
                }
            }
        }

        #[test]
        fn $short() {
            for n in lengths().filter(|n| (2..=BLOCK).contains(n)) {
                for (kind, (p, q)) in shares::<$t>(n).iter().enumerate() {
                    let value = |isa| one_nan(short(isa, p, q));
                    for isa in others() {
                        assert_eq!(value(Isa::Scalar), value(isa), "{isa:?}, n = {n}, kind {kind}");
                    }
                }
            }
        }

        #[cfg(target_arch = "x86_64")]
        #[test]
        fn $anywhere() {
            use crate::kernels::generic::ValueOfPair;

            let mut found = [0; 2];
            for n in lengths().filter(|n| (1..=BLOCK).contains(n)) {
                for (kind, (p, q)) in shares::<$t>(n).iter().enumerate() {
                    let scalar = match (&p[..], &q[..]) {
                        (&[p], &[q]) => dispatch_to(Isa::Scalar, ValueOfPair { op: &Kl, p, q }),
                        _ => short(Isa::Scalar, p, q),
                    };
                    for isa in others() {
                        let avx2 = isa == Isa::Avx2;
                        // SAFETY: the machine has the instruction sets, and the register holds that.
                        let anywhere = look(DEFAULT | INEXACT, || unsafe {
                            match isa {
                                Isa::Avx2 => with_avx2(DEFAULT | INEXACT, p, q, |_, _, found| found),
                                _ => with_avx512(p, q, |_, _, found| found),
                            }
                        });
                        let anywhere = anywhere.0;
                        found[usize::from(avx2)] += usize::from(anywhere.is_ok());
                        match anywhere {
                            Ok(value) => {
                                assert_eq!(one_nan(scalar), one_nan(value), "{isa:?}, n = {n}, kind {kind}");
                            }
                            Err(Rest::Near) => {
                                assert_eq!(scalar, f64::NEG_INFINITY, "{isa:?}, n = {n}, kind {kind}");
                            }
                            Err(Rest::Odd) => assert!(avx2 || scalar.is_nan(), "n = {n}, kind {kind}"),
                            Err(Rest::All) => assert_eq!(n, 1, "{isa:?}, kind {kind}"),
                        }
                    }
                }
            }
            for isa in others() {
                let found = found[usize::from(isa == Isa::Avx2)];
                assert!(found > 50, "{isa:?}: {found}");
            }
        }

        #[test]
        fn $eight_rows() {
            for cols in (2..=35).chain([63, 200, 256, 300, BLOCK]) {
                for (kind, (p, q)) in shares::<$t>(ROWS * cols).iter().enumerate() {
                    let values = |isa| {
                        let mut out = [0.0; ROWS];
                        let [p, q] = [p, q].map(|rows| (rows.as_ptr(), cols as isize));
                        let mut apart = [None; ROWS];
                        let (to, which) = (&mut out, &mut apart);
                        if dispatch_to(isa, ApartRows::<_, false> { p, q, cols, out: to, apart: which }) > 0
                            || dispatch_to(isa, ApartRows::<_, true> { p, q, cols, out: to, apart: which }) > 0
                        {
                            return out.map(|value| Some(one_nan(value)));
                        }
                        std::array::from_fn::<_, ROWS, _>(|i| {
                            (apart[i] == Some(true)).then_some(one_nan(out[i]))
                        })
                    };
                    let by_columns = |isa| {
                        let mut out = [0.0; ROWS];
                        let [p, q] = [p, q].map(|rows| (rows.as_ptr(), cols as isize));
                        let mut apart = [None; ROWS];
                        let job = ApartColumns { p, q, cols, out: &mut out, apart: &mut apart };
                        let all = dispatch_to(isa, job) > 0;
                        let known = |i: usize| all || apart[i] == Some(true);
                        (all || apart != [None; ROWS])
                            .then(|| std::array::from_fn::<_, ROWS, _>(|i| known(i).then_some(one_nan(out[i]))))
                    };
                    let rows: Vec<Option<u64>> = p
                        .chunks(cols)
                        .zip(q.chunks(cols))
                        .map(|(p, q)| {
                            let far = seem_far(Isa::Scalar, p, q);
                            let total = Apart::sum_as::<$t, 1, 1>(far, |sums| fed(Isa::Scalar, p, q, sums))?;
                            Some(one_nan(Op::finish(&Kl, &total, 1.0)))
                        })
                        .collect();
                    for isa in others().chain([Isa::Scalar]) {
                        assert_eq!(rows, values(isa), "{isa:?}, {cols} columns, kind {kind}");
                        if few_columns::<$t>(cols)
                            && let Some(found) = by_columns(isa)
                        {
                            assert_eq!(rows, found, "{isa:?}, {cols} columns by themselves, kind {kind}");
                        }
                    }
                    // Rows of ordinary numbers are for it, zeros of P too.
                    assert!(kind != 0 || !few_columns::<$t>(cols) || by_columns(Isa::Scalar).is_some());
                }
            }
        }
    )*};
}

/// Rows that are apart, eight after eight, but for one row of the fourth eight.
#[test]
fn eights_one_after_another_end_with_one_that_is_not_all_apart() {
    const EIGHTS: usize = 5;
    for cols in [2, 5, 7, 8, 16, 17, 100] {
        let (p, q) = &shares::<f64>(EIGHTS * ROWS * cols)[0];
        // None of them only seems far apart.
        let q: Vec<f64> = q.iter().map(|q| 0.7 * q).collect();
        let odd = (3 * ROWS + 5) * cols;
        for (kind, entry) in [(0, p[odd]), (1, -1.0)] {
            let mut p = p.clone();
            p[odd] = entry;
            let run = |isa, eights: Range<usize>| {
                let mut out = vec![0.0; ROWS * eights.len()];
                let from = ROWS * eights.start * cols;
                let [p, q] = [&p[from..], &q[from..]].map(|rows| (rows.as_ptr(), cols as isize));
                let mut apart = [None; ROWS];
                let (to, which) = (&mut out[..], &mut apart);
                let done = match few_columns::<f64>(cols) {
                    true => dispatch_to(isa, ApartColumns { p, q, cols, out: to, apart: which }),
                    false => dispatch_to(isa, ApartRows::<_, false> { p, q, cols, out: to, apart: which }),
                };
                out.truncate(done);
                bits_of(&out)
            };
            let each: Vec<u64> = (0..EIGHTS).flat_map(|i| run(Isa::Scalar, i..i + 1)).collect();
            let done = if kind == 0 { EIGHTS * ROWS } else { 3 * ROWS };
            for isa in others().chain([Isa::Scalar]) {
                let all = run(isa, 0..EIGHTS);
                assert_eq!(all.len(), done, "{isa:?}, {cols} columns");
                assert_eq!(all, each[..done], "{isa:?}, {cols} columns");
            }
        }
    }
}

/// Rows of which some are near, some far apart, and some only where they are asked whether they are.
#[test]
fn eight_rows_have_the_values_of_each_by_itself() {
    fn held<T: Vector>() {
        for cols in [64, 65, 100, 128, 129, 256, 257, 500, BLOCK] {
            let (mut p, mut q) = shares::<T>(ROWS * cols)[0].clone();
            // Too large to be summed as far apart, one with zeros.
            (p[1], p[5 * cols + 1], p[5 * cols + 7]) = (T::from_f64(3.0), T::from_f64(3.0), T::ZERO);
            let mut only_seem_far = 0;
            for (i, (p, q)) in p.chunks(cols).zip(q.chunks_mut(cols)).enumerate() {
                if i % 4 < 2 {
                    continue;
                }
                let asked = if i % 4 == 2 { seen::<T>(cols).unwrap() } else { 0..0 };
                for j in (0..cols).filter(|j| !asked.contains(j)) {
                    q[j] = T::from_f64(p[j].to_f64() * (1.0 + 0.1 * (j % 3) as f64));
                }
                let as_seems =
                    Apart::sum_as::<T, 1, 1>(seem_far(Isa::Scalar, p, q), |to| fed(Isa::Scalar, p, q, to));
                only_seem_far += usize::from(as_seems.is_none());
            }
            assert!(only_seem_far > 0, "{cols} columns");
            let (mut out, stride) = ([0.0; ROWS], cols as isize);
            // SAFETY: so many are there.
            let done = unsafe { rows(&Kl, (p.as_ptr(), stride), (q.as_ptr(), stride), cols, &mut out) };
            assert_eq!(done, ROWS);
            let each = p.chunks(cols).zip(q.chunks(cols)).map(|(p, q)| value(&Kl, p, q));
            assert_eq!(bits_of(&out), bits_of(&each.collect::<Vec<f64>>()), "{cols} columns");
        }
    }
    held::<f64>();
    held::<f32>();
}

what_is_apart_has_the_scalar_ones_bits! {
    f64: sums_of_f64_that_are_apart, short_sums_of_f64_that_are_apart, short_sums_of_f64_in_any_environment, eight_rows_of_f64_that_are_apart;
    f32: sums_of_f32_that_are_apart, short_sums_of_f32_that_are_apart, short_sums_of_f32_in_any_environment, eight_rows_of_f32_that_are_apart;
}

/// What is found where the environment's register holds that, and what it holds then.
#[cfg(target_arch = "x86_64")]
fn look<R>(register: u32, find: impl FnOnce() -> R) -> (R, u32) {
    // SAFETY: nothing is computed before the register is as it was but what is tested.
    unsafe {
        set_mxcsr(register);
        let found = find();
        let after = mxcsr();
        set_mxcsr(DEFAULT);
        (found, after)
    }
}

/// Each length and kind, as it is and with a number that is as small.
#[cfg(target_arch = "x86_64")]
fn with_small_numbers<T: Vector>(small: T) -> impl Iterator<Item = (bool, Vec<T>, Vec<T>)> {
    let short = lengths().filter(|n| (2..=BLOCK).contains(n));
    short.flat_map(|n| shares::<T>(n).into_iter()).flat_map(move |(p, q)| {
        let mut with = q.clone();
        with[q.len() / 2] = small;
        [(false, p.clone(), q), (true, p, with)]
    })
}

/// In any floating-point environment what is found is what is found in the usual one, and where subnormal numbers count as
/// zeros what holds a number that could make some is left.
#[cfg(target_arch = "x86_64")]
#[test]
fn what_is_found_does_not_depend_on_the_environment() {
    if others().all(|isa| isa != Isa::Avx512) {
        return;
    }
    const UPWARD: u32 = 0x4000;
    const FLUSHED: [u32; 3] = [0x8000, 0x0040, 0x8040];
    fn found<T: Single>(more: u32, p: &[T], q: &[T]) -> Result<u64, Rest> {
        // SAFETY: the machine has the instruction set.
        let (found, after) = look(DEFAULT | more, || unsafe { with_avx512(p, q, |_, _, found| found) });
        assert_eq!(after, DEFAULT | more);
        found.map(one_nan)
    }
    fn compare<T: Single>() {
        let mut taken = [0; 2];
        for (small, p, q) in with_small_numbers(T::from_f64(T::LEAST.to_f64() * 0.99)) {
            let usual = found(0, &p, &q);
            assert_eq!(found(UPWARD, &p, &q).ok(), usual.ok(), "n = {}, {small}", p.len());
            for more in FLUSHED {
                let flushed = found(more, &p, &q);
                if let Ok(bits) = flushed {
                    assert_eq!(usual.ok(), Some(bits), "{more:#x}, n = {}, {small}", p.len());
                }
                taken[usize::from(small)] += usize::from(flushed.is_ok());
            }
        }
        assert!(taken[0] > 200 && taken[1] == 0, "{taken:?}");
    }
    compare::<f64>();
    compare::<f32>();
    // From the least on.
    let (p, q) = ([0.5, f64::LEAST], [0.7, 0.3]);
    let usual = found(0, &p, &q).ok();
    assert!(usual.is_some() && found(FLUSHED[2], &p, &q).ok() == usual, "{usual:?}");
}

/// What is found after one look at the environment is what is found as ever, and leaves no flag; what holds a number that could
/// raise one is left.
#[cfg(target_arch = "x86_64")]
#[test]
fn what_is_found_after_a_look_leaves_no_flag() {
    if others().all(|isa| isa != Isa::Avx2) {
        return;
    }
    fn compare<T: Single>() {
        const FLAGS: [u32; 5] = [INEXACT, INEXACT | 0x02, INEXACT | 0x1D, 0, 0x10];
        let mut taken = [0; 2];
        for (small, p, q) in with_small_numbers(T::from_f64(T::LEAST.to_f64() * 0.99)) {
            for flags in FLAGS.map(|flags| DEFAULT | flags) {
                // SAFETY: the machine has the instruction set, and the register holds that.
                let find = || unsafe { with_avx2(flags, &p, &q, |_, _, found| found) };
                let (found, after) = look(flags, find);
                assert_eq!(after, flags, "{found:?}, n = {}, {small}", p.len());
                if let Ok(found) = found {
                    let scalar = short(Isa::Scalar, &p, &q);
                    assert_eq!(one_nan(found), one_nan(scalar), "n = {}, {small}", p.len());
                }
                taken[usize::from(small)] += usize::from(found.is_ok());
            }
            let (one_p, one_q) = (&p[..1], &q[..1]);
            // SAFETY: as above.
            let (_, after) =
                look(DEFAULT, || unsafe { with_avx2(DEFAULT, one_p, one_q, |_, _, found| found) });
            assert_eq!(after, DEFAULT, "a pair");
        }
        assert!(taken[0] > 200 && taken[1] == 0, "{taken:?}");
    }
    compare::<f64>();
    compare::<f32>();
}
