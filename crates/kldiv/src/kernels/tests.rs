//! Each kernel by name on each instruction set that the machine has, against the scalar one, to the bit.

use crate::kernels::generic::{Extend, Running, Sum, Write};
use crate::kernels::lanes::Vector;
use crate::kernels::op::{
    CrossEntropy, Entropy, Gap, Jeffreys, JensenShannon, Kl, Mass, Op, Renyi, ShiftedRenyi,
};
use crate::kernels::prepare::{AsGiven, Prepare, Scale, Scaled};
use crate::kernels::tile::{Tile, Transpose};
use crate::kernels::{Isa, TILE_COLS, dispatch_to};
use crate::sum::{Compensated, Total};

const SUM: Compensated = Compensated { hi: 1.25, lo: 1e-17 };

/// Lengths around each width that a loop has, and around a block.
const LENGTHS: [usize; 18] = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 1023, 1024, 1025];

/// Pairs of vectors of each kind of data: ordinary, near each other, sparse, one-hot, subnormal and huge, bad.
fn data<T: Vector>(n: usize) -> Vec<(Vec<T>, Vec<T>)> {
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

/// The bits of a total; every NaN is the same.
fn bits<const M: usize, const C: usize>(total: &Total<M, C>) -> Vec<u64> {
    let parts = total.plain.iter().chain(&total.exact).flat_map(|sum| [sum.hi, sum.lo]);
    parts.map(one_nan).collect()
}

fn one_nan(x: f64) -> u64 {
    if x.is_nan() { u64::MAX } else { x.to_bits() }
}

/// The instruction sets that this machine has, but for the scalar one.
fn others() -> impl Iterator<Item = Isa> {
    Isa::ALL.into_iter().filter(|isa| *isa != Isa::Scalar && *isa <= Isa::strongest())
}

/// The sums of an operation, whole and in pieces.
macro_rules! sums_have_the_scalar_ones_bits {
    ($($name:ident: $op:expr, $t:ty, $prepare:expr;)*) => {$(
        #[test]
        fn $name() {
            let (op, prepare) = ($op, $prepare);
            for n in LENGTHS {
                for (kind, (p, q)) in data::<$t>(n).iter().enumerate() {
                    let sum = |isa| bits(&dispatch_to(isa, Sum { op: &op, prepare: &prepare, p, q }));
                    let in_pieces = |isa| {
                        let mut running = Running::new();
                        for (p, q) in p.chunks(64).zip(q.chunks(64)) {
                            let running = &mut running;
                            dispatch_to(isa, Extend { op: &op, prepare: &prepare, p, q, running });
                        }
                        bits(&running.finish())
                    };
                    let scalar = sum(Isa::Scalar);
                    assert_eq!(scalar, in_pieces(Isa::Scalar), "pieces of {n}, kind {kind}");
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
    let scale = |add| Scale { add, range: [4.0, 0.125], by };
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
    renyi_of_f64: Renyi::new(0.3), f64, AsGiven;
    renyi_of_scaled: Renyi::new(2.5), f64, scaled();
    shifted_renyi_of_f64: ShiftedRenyi { renyi: Renyi::new(40.0), shift: 300.0 }, f64, AsGiven;
    mass_of_f64: Mass, f64, AsGiven;
    mass_of_f32: Mass, f32, AsGiven;
}

/// The terms of an operation, one by one.
macro_rules! terms_have_the_scalar_ones_bits {
    ($($name:ident: $op:expr;)*) => {$(
        #[test]
        fn $name() {
            let op = $op;
            for n in LENGTHS {
                for (kind, (p, q)) in data::<f64>(n).iter().enumerate() {
                    let terms = |isa| {
                        let mut out = vec![0.0; n];
                        dispatch_to(isa, Write { op: &op, prepare: &AsGiven, p, q, out: &mut out });
                        out.into_iter().map(one_nan).collect::<Vec<_>>()
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
    terms_of_kl: Kl;
    terms_of_gap: Gap;
    terms_of_jeffreys: Jeffreys;
    terms_of_jensen_shannon: JensenShannon::new(0.5);
    terms_of_entropy: Entropy { sum: SUM };
    terms_of_cross_entropy: CrossEntropy { sum: SUM };
}

/// A tile of short rows: the same bits on every instruction set, and those of each row by itself.
macro_rules! tiles_have_the_bits_of_rows {
    ($($name:ident: $t:ty, $lanes:literal;)*) => {$(
        #[test]
        fn $name() {
            for cols in 1..=TILE_COLS {
                for (kind, (p, q)) in data::<$t>($lanes * cols).iter().enumerate() {
                    let values = |isa| {
                        let [p, q] = [p, q].map(|rows| {
                            let mut tile = vec![<$t>::default(); $lanes * cols];
                            dispatch_to(isa, Transpose { rows: (rows.as_ptr(), cols as isize), tile: &mut tile });
                            tile
                        });
                        let mut out = [0.0; $lanes];
                        dispatch_to(isa, Tile { op: &Kl, p: &p, q: &q, out: &mut out });
                        out.map(one_nan)
                    };
                    let rows: Vec<u64> = p
                        .chunks(cols)
                        .zip(q.chunks(cols))
                        .map(|(p, q)| {
                            let total = dispatch_to(Isa::Scalar, Sum { op: &Kl, prepare: &AsGiven, p, q });
                            one_nan(Op::finish(&Kl, &total, 1.0))
                        })
                        .collect();
                    for isa in others().chain([Isa::Scalar]) {
                        assert_eq!(rows, values(isa), "{isa:?}, {cols} columns, kind {kind}");
                    }
                }
            }
        }
    )*};
}

tiles_have_the_bits_of_rows! {
    tile_of_f64: f64, 8;
    tile_of_f32: f32, 16;
}
