//! The kernels of matrices, by name, on each instruction set that the machine has, against the scalar ones, to the bit.

use crate::kernels::tests::{bits_of, data, one_nan, others};
use crate::kernels::triangular::{Cholesky, Finite, Lower, STRIP, Solve, Squares, SquaresBelow, Symmetric};
use crate::kernels::{Isa, dispatch_to};

/// Dimensions around each width that a loop over a matrix has.
fn dimensions() -> impl Iterator<Item = usize> {
    (1..=20).chain([31, 33, 64, 65])
}

/// A lower triangular matrix and a positive definite one for each kind of data; some are out of range.
fn matrices(d: usize) -> Vec<(Vec<f64>, Vec<f64>)> {
    let of = |(left, right): (Vec<f64>, Vec<f64>)| {
        let entry = |at: usize| {
            let (i, j) = (at / d, at % d);
            let unit = 0.5 / d as f64;
            let lower = if j < i { unit * left[at] } else { f64::from(i == j) * (0.5 + left[at]) };
            (lower, unit * (right[at] + right[j * d + i]) + 2.0 * f64::from(i == j))
        };
        (0..d * d).map(entry).unzip()
    };
    data::<f64>(d * d).into_iter().map(of).collect()
}

/// What a job on a matrix, or on two, gives and writes.
macro_rules! jobs_on_matrices_have_the_scalar_ones_bits {
    ($($name:ident: |$isa:ident, $d:ident, $l:ident, $a:ident| $run:expr;)*) => {$(
        #[test]
        fn $name() {
            for d in dimensions() {
                for (kind, (l, a)) in matrices(d).iter().enumerate() {
                    let run = |$isa: Isa| { let ($d, $l, $a) = (d, &l[..], &a[..]); $run };
                    let scalar = run(Isa::Scalar);
                    for isa in others() {
                        assert_eq!(scalar, run(isa), "{isa:?}, d = {d}, kind {kind}");
                    }
                }
            }
        }
    )*};
}

fn solved(isa: Isa, d: usize, l: &[f64], b: &[f64], [lower, transposed]: [bool; 2]) -> Vec<u64> {
    let (mut x, mut strip) = (b.to_vec(), vec![0.0; STRIP * d]);
    dispatch_to(isa, Solve { l, x: &mut x, d, lower, transposed, strip: &mut strip });
    bits_of(&x)
}

fn factored(isa: Isa, d: usize, a: &[f64], one: f64) -> (bool, Vec<u64>) {
    let (mut l, mut panels) = (vec![0.0; d * d], vec![0.0; d.next_multiple_of(STRIP) * d]);
    let good = dispatch_to(isa, Cholesky { a, d, one, loss: 1e-3, panels: &mut panels, l: &mut l });
    (good, if good { bits_of(&l) } else { Vec::new() })
}

jobs_on_matrices_have_the_scalar_ones_bits! {
    solutions: |isa, d, l, a| solved(isa, d, l, a, [false; 2]);
    solutions_of_the_transpose: |isa, d, l, a| solved(isa, d, l, a, [false, true]);
    solutions_of_one_column: |isa, d, l, a| solved(isa, d, l, &a[..d], [false; 2]);
    solutions_below_the_diagonal: |isa, d, l, a| {
        let lower: Vec<f64> = (0..d * d).map(|at| if at % d <= at / d { a[at] } else { 0.0 }).collect();
        solved(isa, d, l, &lower, [true, false])
    };
    squares_below_the_diagonal: |isa, d, l, a| {
        let (other, mut strip) = (matrices(d).swap_remove(0).0, vec![0.0; STRIP * d]);
        assert_eq!(a.len(), other.len());
        one_nan(dispatch_to(isa, SquaresBelow { a: &other, b: l, d, strip: &mut strip }))
    };
    squares: |isa, _d, l, a| [l, a].map(|x| one_nan(dispatch_to(isa, Squares(x))));
    factors: |isa, d, _l, a| factored(isa, d, a, 0.0);
    factors_without_ones: |isa, d, _l, a| {
        let small: Vec<f64> = a.iter().map(|x| 0.1 * (x - 2.0)).collect();
        factored(isa, d, &small, 1.0)
    };
    what_matrices_are: |isa, d, l, a| {
        [l, a].map(|a| {
            let symmetric = dispatch_to(isa, Symmetric { a, d, asymmetry: 1e-6 });
            (dispatch_to(isa, Finite(a)), dispatch_to(isa, Lower { a, d }), symmetric)
        })
    };
}

#[test]
fn one_entry_makes_a_matrix_what_it_is_not() {
    for d in dimensions() {
        let (l, a) = matrices(d).swap_remove(0);
        for isa in others().chain([Isa::Scalar]) {
            let lower = |l: &[f64]| dispatch_to(isa, Lower { a: l, d });
            let symmetric = |a: &[f64]| dispatch_to(isa, Symmetric { a, d, asymmetry: 1e-6 });
            assert!(dispatch_to(isa, Finite(&a)) && lower(&l) && symmetric(&a), "{isa:?}, d = {d}");
            for at in 0..d * d {
                let with = |x: &[f64], by: f64| {
                    let mut other = x.to_vec();
                    other[at] += by;
                    other
                };
                let place = (at / d).cmp(&(at % d));
                for by in [f64::INFINITY, -f64::INFINITY, f64::NAN] {
                    assert!(!dispatch_to(isa, Finite(&with(&a, by))), "{isa:?}, d = {d}, entry {at}");
                    assert!(!lower(&with(&l, by)), "{isa:?}, d = {d}, entry {at}");
                }
                assert_eq!(lower(&with(&l, 1e-300)), place.is_ge(), "{isa:?}, d = {d}, entry {at}");
                assert_eq!(symmetric(&with(&a, 1e-4)), place.is_eq(), "{isa:?}, d = {d}, entry {at}");
                assert!(symmetric(&with(&a, 1e-7)), "{isa:?}, d = {d}, entry {at}");
            }
        }
    }
}

/// Products give back what the scalar kernel took apart, to a few parts in 2^53 of what was added.
#[test]
fn factors_and_solutions_multiply_to_what_they_are_of() {
    for d in dimensions() {
        let (l, a) = matrices(d).swap_remove(0);
        let (mut factor, mut panels) = (vec![0.0; d * d], vec![0.0; d.next_multiple_of(STRIP) * d]);
        let job = Cholesky { a: &a, d, one: 0.0, loss: 1e-3, panels: &mut panels, l: &mut factor };
        assert!(dispatch_to(Isa::Scalar, job), "d = {d}");
        let check = |(i, j): (usize, usize), terms: &dyn Fn(usize) -> f64, sum: f64, what: &str| {
            let (product, size) = (0..d).map(terms).fold((0.0, 0.0), |(p, s), x| (p + x, s + x.abs()));
            let bound = (d + 4) as f64 * f64::EPSILON * size;
            assert!((product - sum).abs() <= bound, "{what}, d = {d}, ({i}, {j}): {product} for {sum}");
        };
        let solution = |transposed| {
            let (mut x, mut strip) = (a.clone(), vec![0.0; STRIP * d]);
            let job = Solve { l: &l, x: &mut x, d, lower: false, transposed, strip: &mut strip };
            dispatch_to(Isa::Scalar, job);
            x
        };
        let (x, y) = (solution(false), solution(true));
        for at in (0..d).flat_map(|i| (0..d).map(move |j| (i, j))) {
            let (i, j) = at;
            check(at, &|k| factor[i * d + k] * factor[j * d + k], a[i.max(j) * d + i.min(j)], "L Lᵀ");
            check(at, &|k| l[i * d + k] * x[k * d + j], a[i * d + j], "L X");
            check(at, &|k| l[k * d + i] * y[k * d + j], a[i * d + j], "Lᵀ X");
        }
    }
}
