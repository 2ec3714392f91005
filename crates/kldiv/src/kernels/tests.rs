//! Each kernel by name on each instruction set that the machine has, against the scalar one, to the bit.

use half::f16;

use crate::kernels::generic::{BLOCK, Running, Sum, Write};
use crate::kernels::gradient::{Exponentials, Gradient, MixtureGradient, Slope, Softmaxes};
use crate::kernels::lanes::{Real, Vector};
use crate::kernels::log::{Ln1p, LnQuotient};
use crate::kernels::loss::{OfLogarithm, OfProbability, Part};
use crate::kernels::op::{CrossEntropy, Entropy, Gap, Halves, Jeffreys, JensenShannon, Kl, Mass, Op};
use crate::kernels::prepare::{AsGiven, Prepare, Scale, Scaled};
use crate::kernels::product::LnRatio;
use crate::kernels::renyi::{Logs, Renyi, ShiftedRenyi};
use crate::kernels::rows::{Columns, Masses, Of, ROWS, Rows, few_columns};
use crate::kernels::softmax::{Compare, Far, Frame, Largest, Position, chunk};
use crate::kernels::softmax_rows::{Column, SoftmaxRow, SoftmaxRows};
use crate::kernels::vae::{self, GaussianRows, Gaussians, Given};
use crate::kernels::widen::Widen;
use crate::kernels::{Isa, dispatch_to, far_terms};
use crate::sum::{Compensated, Total};

const LOGS: Logs = Logs { ln_p: 30.0, ln_q_by_p: -7.0 };

const SUM: Compensated = Compensated { hi: 1.25, lo: 1e-17 };

/// Lengths around each width that a loop has, and around a block.
pub(super) const LENGTHS: [usize; 18] = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 1023, 1024, 1025];

/// Pairs of vectors of each kind of data: ordinary, near each other, sparse, one-hot, subnormal and huge, bad.
pub(crate) fn data<T: Vector>(n: usize) -> Vec<(Vec<T>, Vec<T>)> {
    let mut state = 88_172_645_463_325_252_u64;
    let mut uniform = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        ((state >> 11) as f64 + 0.5) / 9_007_199_254_740_992.0
    };
    let mut pairs = |f: &mut dyn FnMut(usize, f64, f64) -> (f64, f64)| {
        let both: Vec<(f64, f64)> = (0..n).map(|i| f(i, uniform(), uniform())).collect();
        (both.iter().map(|x| T::from_f64(x.0)).collect(), both.iter().map(|x| T::from_f64(x.1)).collect())
    };
    vec![
        pairs(&mut |_, x, y| (x, y)),
        pairs(&mut |_, x, y| (x, x * (1.0 + 1e-6 * (y - 0.5)))),
        pairs(&mut |_, x, _| (x, x)),
        pairs(&mut |i, x, y| (if x < 0.5 { 0.0 } else { x }, if i % 3 == 0 && x < 0.5 { 0.0 } else { y })),
        pairs(&mut |i, _, y| (f64::from(i == n / 2), y)),
        pairs(&mut |i, x, y| (x * 10f64.powi(i as i32 % 76 - 45), y * 10f64.powi((i as i32 * 7) % 76 - 45))),
        pairs(&mut |i, x, y| (if i % 11 == 3 { -x } else { x }, if i % 7 == 5 { f64::NAN } else { y })),
        pairs(&mut |i, x, y| (if i % 13 == 4 { f64::INFINITY } else { x }, y)),
        pairs(&mut |_, x, y| (1.0 - 1e-9 * x, 1.0 + 1e-9 * y)),
    ]
}

/// The bits of a total; every NaN is the same, and nothing is left over of what is not finite.
pub(super) fn bits<const M: usize, const C: usize>(total: &Total<M, C>) -> Vec<u64> {
    let parts = |sum: &Compensated| [sum.hi, if sum.hi.is_finite() { sum.lo } else { 0.0 }];
    total.plain.iter().chain(&total.exact).flat_map(parts).map(one_nan).collect()
}

pub(super) fn one_nan(x: f64) -> u64 {
    if x.is_nan() { u64::MAX } else { x.to_bits() }
}

/// The instruction sets that this machine has, but for the scalar one.
pub(super) fn others() -> impl Iterator<Item = Isa> {
    Isa::ALL.iter().copied().filter(|isa| *isa != Isa::Scalar && *isa <= Isa::strongest())
}

#[test]
fn a_name_chooses_only_what_is_weaker_and_of_this_kind_of_machine() {
    for strongest in Isa::ALL {
        assert_eq!(strongest.unless(None), *strongest);
        assert_eq!(strongest.unless(Some("scalar")), Isa::Scalar);
        for other in [Isa::Avx2, Isa::Avx512, Isa::Neon] {
            let chosen = if Isa::ALL.contains(&other) && other < *strongest { other } else { *strongest };
            assert_eq!(strongest.unless(Some(other.name())), chosen, "{other:?} on {strongest:?}");
        }
    }
}

/// The sums of an operation over two slices that are fed piece by piece.
fn summed<O: Op<M, C>, P: Prepare, T: Vector, const M: usize, const C: usize>(
    isa: Isa,
    op: &O,
    prepare: &P,
    (p, q): (&[T], &[T]),
    piece: usize,
) -> Total<M, C> {
    let (n, mut running) = (p.len(), Running::new());
    for (p, q) in p.chunks(piece.max(1)).zip(q.chunks(piece.max(1))) {
        dispatch_to(isa, Sum { op, prepare, p, q, last: piece >= n, running: &mut running });
    }
    running.finish()
}

/// The same, each block by itself.
fn block_by_block<O: Op<M, C>, P: Prepare, T: Vector, const M: usize, const C: usize>(
    op: &O,
    prepare: &P,
    p: &[T],
    q: &[T],
) -> Total<M, C> {
    let mut total = Total::<M, C>::ZERO;
    for (p, q) in p.chunks(BLOCK).zip(q.chunks(BLOCK)) {
        total.add(&summed(Isa::Scalar, op, prepare, (p, q), BLOCK));
    }
    total
}

/// The sums of an operation, whole and in pieces.
macro_rules! sums_have_the_scalar_ones_bits {
    ($($name:ident: $op:expr, $t:ty, $prepare:expr;)*) => {$(
        #[test]
        fn $name() {
            let (op, prepare) = ($op, $prepare);
            for n in LENGTHS {
                for (kind, (p, q)) in data::<$t>(n).iter().enumerate() {
                    let sum = |isa| bits(&summed(isa, &op, &prepare, (p, q), n));
                    let in_pieces = |isa| bits(&summed(isa, &op, &prepare, (p, q), 64));
                    let scalar = sum(Isa::Scalar);
                    assert_eq!(scalar, in_pieces(Isa::Scalar), "pieces of {n}, kind {kind}");
                    let blocks = block_by_block(&op, &prepare, p, q);
                    assert_eq!(scalar, bits(&blocks), "blocks of {n}, kind {kind}");
                    for isa in others() {
                        assert_eq!(scalar, sum(isa), "{isa:?}, n = {n}, kind {kind}");
                        assert_eq!(scalar, in_pieces(isa), "{isa:?}, pieces of {n}, kind {kind}");
                    }
                }
            }
        }
    )*};
}

fn scaled() -> impl Prepare {
    let by = Compensated { hi: 1.375, lo: 3e-17 };
    let scale = |add| Scale::new(add, 0.5, by);
    Scaled { p: scale(0.0), q: scale(0.5) }
}

sums_have_the_scalar_ones_bits! {
    kl_of_f64: Kl, f64, AsGiven;
    kl_of_f32: Kl, f32, AsGiven;
    kl_of_scaled: Kl, f64, scaled();
    gap_of_f64: Gap, f64, AsGiven;
    gap_of_f32: Gap, f32, AsGiven;
    gap_of_scaled: Gap, f64, scaled();
    jeffreys_of_f64: Jeffreys, f64, AsGiven;
    jeffreys_of_f32: Jeffreys, f32, AsGiven;
    jeffreys_of_scaled: Jeffreys, f64, scaled();
    jensen_shannon_of_f64: JensenShannon::new(0.5), f64, AsGiven;
    jensen_shannon_of_f32: JensenShannon::new(0.25), f32, AsGiven;
    jensen_shannon_of_scaled: JensenShannon::new(0.1), f64, scaled();
    entropy_of_f64: Entropy { sum: SUM }, f64, AsGiven;
    entropy_of_f32: Entropy { sum: SUM }, f32, AsGiven;
    entropy_of_scaled: Entropy { sum: SUM }, f64, scaled();
    cross_entropy_of_f64: CrossEntropy { sum: SUM }, f64, AsGiven;
    cross_entropy_of_f32: CrossEntropy { sum: SUM }, f32, AsGiven;
    cross_entropy_of_scaled: CrossEntropy { sum: SUM }, f64, scaled();
    loss_of_f64: OfProbability { part: Part::Value, by: 1.0 }, f64, AsGiven;
    loss_of_f32: OfProbability { part: Part::Value, by: 1.0 }, f32, AsGiven;
    loss_of_logarithms_of_f64: OfLogarithm { part: Part::Value, by: 1.0 }, f64, AsGiven;
    loss_of_logarithms_of_f32: OfLogarithm { part: Part::Value, by: 1.0 }, f32, AsGiven;
    halves_of_f64: Halves(JensenShannon::new(0.3)), f64, AsGiven;
    halves_of_logits: Halves(JensenShannon::new(0.3)), f64, Softmaxes { frame: FRAME, unit: 0.01 };
    renyi_of_f64: Renyi::new(0.3), f64, AsGiven;
    renyi_of_scaled: Renyi::new(2.5), f64, scaled();
    shifted_renyi_of_f64: ShiftedRenyi { renyi: Renyi::new(40.0), largest: LOGS }, f64, AsGiven;
    mass_of_f64: Mass, f64, AsGiven;
    mass_of_f32: Mass, f32, AsGiven;
}

/// The terms of an operation, one by one.
macro_rules! terms_have_the_scalar_ones_bits {
    ($($name:ident: $op:expr, $t:ty;)*) => {$(
        #[test]
        fn $name() {
            let op = $op;
            for n in LENGTHS {
                for (kind, (p, q)) in data::<$t>(n).iter().enumerate() {
                    let terms = |isa| {
                        let mut out = vec![<$t>::ZERO; n];
                        let numbers = dispatch_to(isa, Write { op: &op, prepare: &AsGiven, p, q, out: &mut out });
                        (numbers, bits_of(&out))
                    };
                    for isa in others() {
                        assert_eq!(terms(Isa::Scalar), terms(isa), "{isa:?}, n = {n}, kind {kind}");
                    }
                }
            }
        }
    )*};
}

terms_have_the_scalar_ones_bits! {
    terms_of_kl: Kl, f64;
    terms_of_gap: Gap, f64;
    terms_of_jeffreys: Jeffreys, f64;
    terms_of_jensen_shannon: JensenShannon::new(0.5), f64;
    terms_of_entropy: Entropy { sum: SUM }, f64;
    terms_of_cross_entropy: CrossEntropy { sum: SUM }, f64;
    terms_of_ln_ratio: LnRatio, f64;
    losses_of_f64: OfProbability { part: Part::Value, by: 0.3 }, f64;
    losses_of_f32: OfProbability { part: Part::Value, by: 0.3 }, f32;
    losses_of_logarithms_of_f64: OfLogarithm { part: Part::Value, by: 0.3 }, f64;
    losses_of_logarithms_of_f32: OfLogarithm { part: Part::Value, by: 0.3 }, f32;
    slopes_by_input_of_f32: OfProbability { part: Part::ByInput, by: 0.3 }, f32;
    slopes_by_target_of_f32: OfProbability { part: Part::ByTarget, by: 0.3 }, f32;
    slopes_by_target_of_f64: OfProbability { part: Part::ByTarget, by: 0.3 }, f64;
    slopes_by_input_of_logarithms_of_f32: OfLogarithm { part: Part::ByInput, by: 0.3 }, f32;
    slopes_by_target_of_logarithms_of_f64: OfLogarithm { part: Part::ByTarget, by: 0.3 }, f64;
}

/// The bits of a slice; every NaN is the same.
pub(super) fn bits_of<T: Vector>(x: &[T]) -> Vec<u64> {
    x.iter().map(|x| one_nan(x.to_f64())).collect()
}

const FRAME: Frame =
    Frame { max: 30.0, anchor: Compensated { hi: 0.75, lo: 1e-17 }, rest: 1e-40, scale: 0.4 };

/// Logits of each kind: the data above as they are, spread wide, shifted, with masks.
fn logits<T: Vector>(n: usize) -> Vec<(Vec<T>, Vec<T>)> {
    let mut kinds = data::<T>(n);
    for (kind, by, masks) in [(0, 60.0, false), (0, 900.0, false), (1, 1.0, true), (0, 30.0, true)] {
        let of = |x: &[T], step: usize| -> Vec<T> {
            let each = x.iter().enumerate().map(|(i, x)| match masks && i % step == 3 {
                true => -T::INFINITY,
                false => T::from_f64((x.to_f64() - 0.5) * by),
            });
            each.collect()
        };
        let made = (of(&kinds[kind].0, 7), of(&kinds[kind].1, 11));
        kinds.push(made);
    }
    kinds
}

/// What a job writes for two rows of logits.
macro_rules! jobs_on_logits_have_the_scalar_ones_bits {
    ($($name:ident: $t:ty, |$isa:ident, $a:ident, $b:ident| $run:expr;)*) => {$(
        #[test]
        fn $name() {
            for n in LENGTHS {
                for (kind, (a, b)) in logits::<$t>(n).iter().enumerate() {
                    let run = |$isa: Isa, $a: &[$t], $b: &[$t]| $run;
                    let scalar = run(Isa::Scalar, a, b);
                    for isa in others() {
                        assert_eq!(scalar, run(isa, a, b), "{isa:?}, n = {n}, kind {kind}");
                    }
                }
            }
        }
    )*};
}

fn compared<T: Vector, const WIDE: bool>(isa: Isa, a: &[T], b: &[T]) -> Vec<u64> {
    let (far, frame) = (far_terms, if WIDE { &FRAME.rounded::<T>() } else { &FRAME });
    let mut whole = [[0.0; 8]; 3];
    dispatch_to(isa, Compare::<T, WIDE> { a, b, frame, far, sums: &mut whole });
    let mut pieces = [[0.0; 8]; 3];
    for (a, b) in a.chunks(chunk::<T>()).zip(b.chunks(chunk::<T>())) {
        dispatch_to(isa, Compare::<T, WIDE> { a, b, frame, far, sums: &mut pieces });
    }
    assert_eq!(bits_of(&whole.concat()), bits_of(&pieces.concat()), "{isa:?}");
    bits_of(&whole.concat())
}

/// Every vector taken as one that lies far.
fn far<T: Vector>(isa: Isa, a: &[T], b: &[T]) -> Vec<u64> {
    let mut sums = [[0.0; 8]; 3];
    for (a, b) in a.chunks(chunk::<T>()).zip(b.chunks(chunk::<T>())) {
        dispatch_to(isa, Far { a, b, frame: &FRAME, vectors: u32::MAX, sums: &mut sums });
    }
    bits_of(&sums.concat())
}

fn gradients<T: Vector>(isa: Isa, a: &[T], b: &[T]) -> Vec<u64> {
    let slope = Slope { frame: FRAME, kl: 0.25, by: 0.3 };
    let (mut of_a, mut of_b) = (vec![T::ZERO; a.len()], vec![T::ZERO; a.len()]);
    let (x, y) = (&mut of_a, &mut of_b);
    dispatch_to(isa, Gradient { a, b, slope: &slope, of_a: x, of_b: y });
    [bits_of(&of_a), bits_of(&of_b)].concat()
}

fn exponentials<T: Vector>(isa: Isa, x: &[T]) -> Vec<u64> {
    let (mut out, mut sums) = (vec![T::ZERO; x.len()], [0.0; 8]);
    dispatch_to(
        isa,
        Exponentials {
            x,
            max: Compensated { hi: 1.5, lo: 1e-9 },
            scale: 0.7,
            by: 0.3,
            out: &mut out,
            sums: &mut sums,
        },
    );
    [bits_of(&out), bits_of(&sums)].concat()
}

fn gaussians<T: Vector>(isa: Isa, a: &[T], b: &[T], prior: bool) -> Vec<u64> {
    let (prior_mu, prior_logvar) = if prior { (b, a) } else { (&b[..0], &a[..0]) };
    let given = Given { mu: a, logvar: b, prior_mu, prior_logvar };
    let mut out = [(); 4].map(|()| vec![T::ZERO; a.len()]);
    let mut sums = vae::Sums::ZERO;
    let places = out.each_mut().map(|out| &mut out[..]);
    dispatch_to(isa, Gaussians { given, by: 0.3, out: places, sums: &mut sums });
    let total = sums.total();
    [bits_of(&out.concat()), bits_of(&[total.hi, total.lo])].concat()
}

/// Up to three rows at once, each of which is what it is by itself.
fn rows_of_gaussians<T: Vector, const PRIOR: bool>(isa: Isa, a: &[T], b: &[T]) -> Vec<u64> {
    let rows = a.len().clamp(1, 3);
    let cols = a.len() / rows;
    let mut given = [(std::ptr::null(), 0); 4];
    for (place, x) in given.iter_mut().zip([a, b, b, a]).take(if PRIOR { 4 } else { 2 }) {
        *place = (x.as_ptr(), cols as isize);
    }
    let mut gradients = [(); 4].map(|()| vec![T::ZERO; rows * cols]);
    let mut sums = [0.0; 3];
    let out = gradients.each_mut().map(|gradient| (gradient.as_mut_ptr(), cols as isize));
    let (by, places) = (&[0.3; 3][..rows], &mut sums[..rows]);
    dispatch_to(isa, GaussianRows::<T, PRIOR> { given, cols, by, out, sums: places });
    for i in 0..rows {
        let row = i * cols..(i + 1) * cols;
        let alone = gaussians(isa, &a[row.clone()], &b[row.clone()], PRIOR);
        let (hi, lo) = (f64::from_bits(alone[4 * cols]), f64::from_bits(alone[4 * cols + 1]));
        let together = gradients.each_ref().map(|gradient| bits_of(&gradient[row.clone()]));
        assert_eq!(together.concat(), alone[..4 * cols], "{isa:?}, row {i}");
        assert_eq!(bits_of(&[sums[i]]), bits_of(&[Compensated { hi, lo }.value()]), "{isa:?}, row {i}");
    }
    [bits_of(&gradients.concat()), bits_of(&sums)].concat()
}

/// Eight rows of few logits, each of which has the bits that it has by itself; of rows that are left only that they are.
fn rows_of_logits(isa: Isa, a: &[f32], b: &[f32]) -> Vec<u64> {
    let cols = a.len().clamp(1, 48);
    let at = |x: &[f32], i, j| x.get((i * cols + j) % x.len().max(1)).copied().unwrap_or(1.0);
    let bits = |kl: f64, gradients: [Vec<f32>; 2]| match kl.is_nan() {
        true => vec![one_nan(kl)],
        false => [bits_of(&[kl]), bits_of(&gradients.concat())].concat(),
    };
    let columns = |x| (0..cols).map(|j| std::array::from_fn(|i| at(x, i, j))).collect::<Vec<Column>>();
    let (mut tiles, mut out) = ([a, b].map(columns), [0.0; ROWS]);
    let [of_a, of_b] = tiles.each_mut();
    dispatch_to(isa, SoftmaxRows { a: of_a, b: of_b, scale: 0.4, by: Some(&[0.3; ROWS]), out: &mut out });
    let together =
        |i: usize| bits(out[i], tiles.each_ref().map(|tile| tile.iter().map(|column| column[i]).collect()));
    let alone = |i: usize| {
        let outcome = |x, j| if j < cols { at(x, i, j) } else { f32::NEG_INFINITY };
        let eights = |x| {
            let of_eight = |n| std::array::from_fn(|j| outcome(x, ROWS * n + j));
            (0..cols.div_ceil(ROWS)).map(of_eight).collect::<Vec<Column>>()
        };
        let mut tiles = [a, b].map(eights);
        let [a, b] = tiles.each_mut();
        let kl = dispatch_to(isa, SoftmaxRow { a, b, scale: 0.4, by: Some(0.3) });
        bits(kl, tiles.map(|tile| tile.as_flattened()[..cols].to_vec()))
    };
    (0..ROWS).for_each(|i| assert_eq!(together(i), alone(i), "{isa:?}, row {i}"));
    (0..ROWS).flat_map(together).collect()
}

/// Where elements are first; the last one, and one that is nowhere.
fn positions<T: Vector>(isa: Isa, x: &[T]) -> Vec<Option<usize>> {
    let wanted = [x.last().copied().unwrap_or(T::ONE), T::from_f64(1234.5)];
    let found = wanted.map(|of| dispatch_to(isa, Position { x, of }));
    assert_eq!(found, wanted.map(|of| x.iter().position(|x| *x == of)), "{isa:?}");
    found.into()
}

/// Logarithms of ratios of positive numbers, and of 1 and more, one at a time.
fn of_logarithms(isa: Isa, a: &[f64], b: &[f64]) -> Vec<u64> {
    let mut all = Vec::new();
    for (x, y) in a.iter().zip(b).filter(|(x, y)| x.is_finite() && y.is_finite()) {
        let (ln, less) = dispatch_to(isa, Ln1p(x.max(-1.0)));
        let ratio = dispatch_to(isa, LnQuotient(x.abs().max(5e-324), y.abs().max(5e-324)));
        all.extend([ln, less, ratio].map(one_nan));
    }
    all
}

jobs_on_logits_have_the_scalar_ones_bits! {
    rows_of_few_logits: f32, |isa, a, b| rows_of_logits(isa, a, b);
    compare_of_f64: f64, |isa, a, b| compared::<f64, false>(isa, a, b);
    compare_of_wide_f64: f64, |isa, a, b| compared::<f64, true>(isa, a, b);
    compare_of_f32: f32, |isa, a, b| compared::<f32, false>(isa, a, b);
    compare_of_wide_f32: f32, |isa, a, b| compared::<f32, true>(isa, a, b);
    far_of_f64: f64, |isa, a, b| far(isa, a, b);
    far_of_f32: f32, |isa, a, b| far(isa, a, b);
    largest_of_f64: f64, |isa, a, _b| dispatch_to(isa, Largest(a)).to_bits();
    largest_of_f32: f32, |isa, a, _b| dispatch_to(isa, Largest(a)).to_bits();
    position_in_f64: f64, |isa, a, _b| positions(isa, a);
    position_in_f32: f32, |isa, a, _b| positions(isa, a);
    logarithms: f64, |isa, a, b| of_logarithms(isa, a, b);
    gradient_of_f64: f64, |isa, a, b| gradients(isa, a, b);
    gradient_of_f32: f32, |isa, a, b| gradients(isa, a, b);
    exponentials_of_f64: f64, |isa, a, _b| exponentials(isa, a);
    exponentials_of_f32: f32, |isa, a, _b| exponentials(isa, a);
    gaussians_of_f64: f64, |isa, a, b| gaussians(isa, a, b, false);
    gaussians_of_f32: f32, |isa, a, b| gaussians(isa, a, b, false);
    gaussians_with_prior_of_f64: f64, |isa, a, b| gaussians(isa, a, b, true);
    gaussians_with_prior_of_f32: f32, |isa, a, b| gaussians(isa, a, b, true);
    rows_of_gaussians_of_f64: f64, |isa, a, b| rows_of_gaussians::<f64, false>(isa, a, b);
    rows_of_gaussians_of_f32: f32, |isa, a, b| rows_of_gaussians::<f32, false>(isa, a, b);
    rows_of_gaussians_with_prior_of_f64: f64, |isa, a, b| rows_of_gaussians::<f64, true>(isa, a, b);
    rows_of_gaussians_with_prior_of_f32: f32, |isa, a, b| rows_of_gaussians::<f32, true>(isa, a, b);
    mixture_gradient_of_f64: f64, |isa, a, b| {
        let (mut of_a, mut of_b) = (vec![0.0; a.len()], vec![0.0; a.len()]);
        let softmaxes = &Softmaxes { frame: FRAME, unit: 0.01 };
        let (weights, halves, by) = ((0.3, 0.7), (0.1, 0.2), 0.5);
        let (x, y) = (&mut of_a[..], &mut of_b[..]);
        dispatch_to(isa, MixtureGradient { a, b, softmaxes, weights, halves, by, of_a: x, of_b: y });
        [bits_of(&of_a), bits_of(&of_b)].concat()
    };
}

/// Eight rows at a time: the same bits on every instruction set, and those of each row by itself.
macro_rules! eight_rows_have_the_bits_of_each {
    ($($name:ident: $t:ty;)*) => {$(
        #[test]
        fn $name() {
            for cols in (1..=35).chain([63, 200, BLOCK]) {
                for (kind, (p, q)) in data::<$t>(ROWS * cols).iter().enumerate() {
                    let values = |isa, by_columns| {
                        let mut out = [0.0; ROWS];
                        let [p, q] = [p, q].map(|rows| (rows.as_ptr(), cols as isize));
                        let of = Of { ops: &[Kl], prepares: &[AsGiven], scales: &[1.0] };
                        let rows = Rows { of, p, q, cols, out: &mut out };
                        if by_columns { dispatch_to(isa, Columns(rows)) } else { dispatch_to(isa, rows) }
                        out.map(one_nan)
                    };
                    let rows: Vec<u64> = p
                        .chunks(cols)
                        .zip(q.chunks(cols))
                        .map(|(p, q)| {
                            let total = summed(Isa::Scalar, &Kl, &AsGiven, (p, q), cols);
                            one_nan(Op::finish(&Kl, &total, 1.0))
                        })
                        .collect();
                    for isa in others().chain([Isa::Scalar]) {
                        assert_eq!(rows, values(isa, false), "{isa:?}, {cols} columns, kind {kind}");
                        if few_columns::<$t>(cols) {
                            assert_eq!(rows, values(isa, true), "{isa:?}, {cols} columns by themselves, kind {kind}");
                        }
                    }
                }
            }
        }
    )*};
}

eight_rows_have_the_bits_of_each! {
    eight_rows_of_f64: f64;
    eight_rows_of_f32: f32;
}

/// Eight rows of which each has a scale of its own, or all are summed for one.
#[test]
fn eight_scaled_rows_have_the_bits_of_each() {
    let prepare = |i: usize| {
        let by = |x: f64| Compensated { hi: 1.0 + x, lo: 3e-17 * x };
        let add = [0.0, 0.25][i % 2];
        Scaled { p: Scale::new(add, 0.5, by(i as f64 / 7.0)), q: Scale::new(add, 1.0, by(0.125)) }
    };
    let (prepares, scales) = (std::array::from_fn(prepare), std::array::from_fn(|i| 1.0 / (3.0 + i as f64)));
    let of = Of { ops: &[Gap; ROWS], prepares: &prepares, scales: &scales };
    // What is beside a sum that is no number is not asked for.
    let parts = |hi: f64, lo: f64| [one_nan(hi), if hi.is_finite() { lo.to_bits() } else { 0 }];
    for cols in (1..=35).chain([63, 200, BLOCK]) {
        for (kind, (p, q)) in data::<f64>(ROWS * cols).iter().enumerate() {
            let (mut measures, mut masses) = (Vec::new(), Vec::new());
            for (i, (p, q)) in p.chunks(cols).zip(q.chunks(cols)).enumerate() {
                let total = summed(Isa::Scalar, &Gap, &prepares[i], (p, q), cols);
                measures.push(one_nan(Op::finish(&Gap, &total, scales[i])));
                let total = summed(Isa::Scalar, &Mass, &AsGiven, (p, p), cols);
                masses.push(parts(total.exact[0].hi, total.exact[0].lo));
            }
            let [p, q] = [p, q].map(|rows| (rows.as_ptr(), cols as isize));
            for isa in others().chain([Isa::Scalar]) {
                let mut out = [0.0; ROWS];
                dispatch_to(isa, Rows { of, p, q, cols, out: &mut out });
                assert_eq!(measures, out.map(one_nan), "{isa:?}, {cols} columns, kind {kind}");
                let mut out = [Compensated::ZERO; ROWS];
                dispatch_to(isa, Masses { rows: p, cols, out: &mut out });
                let made: Vec<_> = out.iter().map(|x| parts(x.hi, x.lo)).collect();
                assert_eq!(masses, made, "{isa:?}, sums of {cols} columns, kind {kind}");
            }
        }
    }
}

/// Vectors of every length that begin and end within one, and whole ones.
fn widens_as_the_scalar_kernel_does<T: Vector>(all: &[T::Narrow]) {
    for n in [0, 1, 7, 8, 15, 16, 17, all.len()] {
        let run = |isa| {
            let mut to = vec![T::ZERO; n];
            dispatch_to(isa, Widen { from: &all[..n], to: &mut to });
            // What is in a NaN beside that it is one is not asked for.
            to.iter()
                .map(|x| x.to_f64())
                .map(|x| if x.is_nan() { 0 } else { x.to_bits() })
                .collect::<Vec<_>>()
        };
        let scalar = run(Isa::Scalar);
        for isa in others() {
            assert_eq!(scalar, run(isa), "{isa:?}, n = {n}");
        }
    }
}

#[test]
fn every_f16_is_widened_as_the_scalar_kernel_does() {
    widens_as_the_scalar_kernel_does::<f32>(&(0..=u16::MAX).map(f16::from_bits).collect::<Vec<_>>());
}

#[test]
fn f32s_of_all_sizes_are_widened_as_the_scalar_kernel_does() {
    widens_as_the_scalar_kernel_does::<f64>(
        &(0..=u16::MAX).map(|i| f32::from_bits(u32::from(i) * 65_537)).collect::<Vec<_>>(),
    );
}
