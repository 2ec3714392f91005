//! The kernels of matrix products, by name, on each instruction set that the machine has, against the scalar ones, to the bit.

use crate::kernels::product::{
    Facts, GROUP, Judge, Meet, Mixture, PANEL, Product, Products, Reach, Rule, STRETCH,
};
use crate::kernels::tests::{bits_of, data, one_nan, others};
use crate::kernels::{Isa, dispatch_to};

/// The sums of products as bits, of the scalar kernel four rows and a panel at a time.
fn products(isa: Isa, group: bool, left: &[f64], right: &[f64]) -> Vec<u64> {
    let mut to = Products::new().expect("memory");
    let n = left.len();
    let panels = [&right[..n], &right[n..2 * n], &right[2 * n..]];
    if group {
        let to = &mut to;
        dispatch_to(isa, Product::<PANEL, GROUP> { left, row: 0, right: panels, place: 0, to });
    } else {
        for (place, panel) in panels.into_iter().enumerate() {
            for row in [0, PANEL / 2] {
                let to = &mut to;
                dispatch_to(isa, Product::<{ PANEL / 2 }, 1> { left, row, right: [panel], place, to });
            }
        }
    }
    [bits_of(&to.hi), bits_of(&to.lo)].concat()
}

/// Panels of n columns of each kind of data: one on the left, a group on the right.
fn panels(n: usize) -> Vec<(Vec<f64>, Vec<f64>)> {
    let mut kinds = data::<f64>(GROUP * PANEL * n);
    kinds.iter_mut().for_each(|(left, _)| left.truncate(PANEL * n));
    kinds
}

#[test]
fn products_of_panels() {
    for n in [1, 2, 7, 31, 32, 33, STRETCH - 1, STRETCH, STRETCH + 1, 3 * STRETCH + 5] {
        for (kind, (left, right)) in panels(n).iter().enumerate() {
            let scalar = products(Isa::Scalar, false, left, right);
            for isa in others() {
                assert_eq!(scalar, products(isa, false, left, right), "{isa:?}, n = {n}, kind {kind}");
                assert_eq!(scalar, products(isa, true, left, right), "{isa:?}, groups, n = {n}, kind {kind}");
            }
        }
    }
}

#[test]
fn mixtures_of_panels() {
    for n in [1, 2, 7, 8, 9, 100] {
        for (kind, (left, right)) in panels(n).iter().enumerate() {
            // Shares are never negative.
            let [left, right] =
                [left, &right[..PANEL * n]].map(|x| x.iter().map(|x| x.abs()).collect::<Vec<_>>());
            let centre: Vec<f64> = (1..=n).map(|j| 1.0 / j as f64).collect();
            let sums = |isa| {
                let mut to = Products::new().expect("memory");
                for row in (0..PANEL).step_by(2) {
                    let (left, right, centre, to) = (&left[..], &right[..], &centre[..], &mut to);
                    dispatch_to(isa, Mixture::<2> { left, row, right, centre, place: 1, to });
                }
                [bits_of(&to.hi), bits_of(&to.lo)].concat()
            };
            for isa in others() {
                assert_eq!(sums(Isa::Scalar), sums(isa), "{isa:?}, n = {n}, kind {kind}");
            }
        }
    }
}

#[test]
fn cells_are_judged() {
    let rule = Rule { straight: 0.5, curved: 1.0, beside: 2.0, limit: 8.0, by_reach: 3.0, by_span: 1.5 };
    for (kind, (left, right)) in panels(6).iter().enumerate() {
        let facts = |x: &[f64]| {
            let of = |i: usize| std::array::from_fn(|lane| x[i * PANEL + lane]);
            let (constant, sum, sum_low) = (of(0), of(1), of(2).map(|x: f64| x * 1e-17));
            Facts { constant, sum, sum_low, reach: of(3), span: of(4), doubt: of(5) }
        };
        let mut sums = Products::new().expect("memory");
        for (i, sum) in sums.hi.iter_mut().enumerate() {
            *sum = left[i % left.len()] * right[i % right.len()];
        }
        let results = |isa| {
            let mut out = vec![0.0; PANEL * PANEL];
            let (left, right, products) = (&facts(left), &facts(right), &sums);
            let judge = Judge { rule: &rule, left, right, products, place: 2, out: &mut out, width: PANEL };
            let all = dispatch_to(isa, judge);
            (all, bits_of(&out))
        };
        for isa in others() {
            assert_eq!(results(Isa::Scalar), results(isa), "{isa:?}, kind {kind}");
        }
    }
}

#[test]
fn rows_that_meet_and_rows_that_reach() {
    for n in [1, 3, 8, 31, 33, STRETCH + 3] {
        for (kind, (left, right)) in panels(n).iter().enumerate() {
            let words =
                |x: &[f64]| x[..PANEL * n].iter().map(|x| x.to_bits() & x.to_bits() >> 3 & 0x11).collect();
            let (on_left, on_right): (Vec<u64>, Vec<u64>) = (words(left), words(right));
            let met = |isa| {
                let mut out = vec![1.0; PANEL * PANEL];
                dispatch_to(isa, Meet { left: &on_left, right: &on_right, out: &mut out, width: PANEL });
                bits_of(&out)
            };
            let reach = |isa| one_nan(dispatch_to(isa, Reach { x: left, weight: &right[..left.len()] }));
            for isa in others() {
                assert_eq!(met(Isa::Scalar), met(isa), "{isa:?}, n = {n}, kind {kind}");
                assert_eq!(reach(Isa::Scalar), reach(isa), "{isa:?}, n = {n}, kind {kind}");
            }
        }
    }
}
