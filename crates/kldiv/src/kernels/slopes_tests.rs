//! The kernels of derivatives, of categories and of concentrations, by
//! name, on each instruction set that the machine has, against the scalar ones, to the bit.

use crate::kernels::categories::{Column, EightRows, Logits, LongRow, OneRow, Probabilities};
use crate::kernels::concentrations::Concentrations;
use crate::kernels::elementary::{Bernoulli, BernoulliLogits};
use crate::kernels::entropies::{OfConcentrations, OfLogits, OfProbabilities};
use crate::kernels::pairs::{Beta, Few, Gamma, Normal, Parameter, Side};
use crate::kernels::slopes::{Gradients, Made, PAIRS, Slopes};
use crate::kernels::tests::{bits_of, data, one_nan, others};
use crate::kernels::{Isa, ROWS, dispatch_to};

/// The bits of what is made of n pairs; of those that are left to others nothing but that.
fn made<T: Parameter>(pair: impl Slopes, isa: Isa, n: usize, p: Side<T>, q: Side<T>) -> Vec<[u64; 5]> {
    let mut made: Made = [[0.0; PAIRS]; 5];
    dispatch_to(isa, Gradients { pair, p, q, n, made: &mut made });
    let of = |place: usize| {
        let pair = made.each_ref().map(|column| one_nan(column[place]));
        if made[0][place].is_finite() { pair } else { [u64::MAX; 5] }
    };
    (0..n).map(of).collect()
}

macro_rules! slopes_have_the_scalar_ones_bits {
    ($($name:ident: $pair:expr;)*) => {$(
        #[test]
        fn $name() {
            let mut finite = 0;
            for (kind, (p, q)) in data::<f64>(2 * PAIRS).iter().enumerate() {
                for stretch in [1.0, 20.0] {
                    for n in [1, 5, 8, 13, PAIRS] {
                        let side = |x: &[f64]| x[..2 * n].iter().map(|x| stretch * x).collect::<Vec<f64>>();
                        let (p, q) = (side(p), side(q));
                        let column = |x: &[f64], j| x.iter().skip(j).step_by(2).copied().collect::<Vec<_>>();
                        let (first, second) = (column(&q, 0), column(&q, 1));
                        let narrow = |x: &[f64]| x.iter().map(|x| *x as f32).collect::<Vec<f32>>();
                        let wide = |x: &[f32]| x.iter().map(|x| f64::from(*x)).collect::<Vec<f64>>();
                        let (f32_p, f32_q) = (narrow(&p), narrow(&q));
                        let (wide_p, wide_q) = (wide(&f32_p), wide(&f32_q));
                        let (of_p, of_q) = (Side::Rows(&p[..]), Side::Rows(&q[..]));
                        let scalar = made($pair, Isa::Scalar, n, of_p, of_q);
                        let of_wide = made($pair, Isa::Scalar, n, Side::Rows(&wide_p), Side::Rows(&wide_q));
                        finite += scalar.iter().filter(|pair| pair[0] != u64::MAX).count();
                        for isa in others().chain([Isa::Scalar]) {
                            let what = format!("{isa:?}, kind {kind}, {stretch}, {n}");
                            assert_eq!(scalar, made($pair, isa, n, of_p, of_q), "{what}");
                            let of_q = Side::Columns(&first, &second);
                            assert_eq!(scalar, made($pair, isa, n, of_p, of_q), "columns, {what}");
                            let of_f32 = made($pair, isa, n, Side::Rows(&f32_p), Side::Rows(&f32_q));
                            assert_eq!(of_wide, of_f32, "f32, {what}");
                        }
                    }
                }
            }
            assert!(finite > 200, "no more than {finite} pairs are compared");
        }
    )*};
}

slopes_have_the_scalar_ones_bits! {
    slopes_of_normals: Normal;
    slopes_of_gammas: Gamma;
    slopes_of_betas: Beta;
    slopes_of_bernoullis: Bernoulli;
    slopes_of_bernoullis_by_logits: BernoulliLogits;
}

#[test]
fn few_pairs_of_betas() {
    let mut finite = 0;
    for (kind, (p, q)) in data::<f64>(16).iter().enumerate() {
        for n in 0..=8 {
            let run = |isa| {
                let mut out = [0.0; 8];
                let (p, q) = ([&p[..n], &p[8..8 + n]], [&q[..n], &q[8..8 + n]]);
                dispatch_to(isa, Few { pair: Beta, p, q, out: &mut out });
                bits_of(&out[..n])
            };
            let scalar = run(Isa::Scalar);
            finite += scalar.iter().filter(|x| f64::from_bits(**x).is_finite()).count();
            others().for_each(|isa| assert_eq!(scalar, run(isa), "{isa:?}, kind {kind}, {n} pairs"));
        }
    }
    assert!(finite > 50, "no more than {finite} pairs are compared");
}

/// A layout.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Laid {
    Eight,
    One,
    Long,
}

/// A job in such a layout.
macro_rules! dispatch_laid {
    ($isa:expr, $laid:expr, $layout:ident => $job:expr) => {
        match $laid {
            Laid::Eight => {
                let $layout = EightRows;
                dispatch_to($isa, $job)
            }
            Laid::One => {
                let $layout = OneRow;
                dispatch_to($isa, $job)
            }
            Laid::Long => {
                let $layout = LongRow;
                dispatch_to($isa, $job)
            }
        }
    };
}

/// Eight rows of each kind of data, of so many categories, near and far from each other and out of range, by `run`: the
/// divergences, and the derivatives of rows that are not left to others. Together and one by one they are the same,
/// and as a long row nearly. More than `least` rows have to be computed.
fn compare_categories(
    missing: f64,
    least: usize,
    run: impl Fn(Isa, (usize, Laid), &mut [Column], &mut [Column], bool) -> Column,
) {
    let mut compared = 0;
    for (kind, (p, q)) in data::<f64>(40 * ROWS).iter().enumerate() {
        for stretch in [1.0, 100.0] {
            for n in [1, 2, 3, 8, 9, 33, 40] {
                let entry = |x: &[f64], i: usize, j: usize| match (i * n + j) % 11 {
                    10 if kind % 2 == 0 => missing,
                    _ => stretch * x[i * n + j],
                };
                let columns = |x: &[f64]| -> Vec<Column> {
                    (0..n).map(|j| std::array::from_fn(|i| entry(x, i, j))).collect()
                };
                let row = |x: &[f64], i: usize| -> Vec<Column> {
                    let of = |j| if j < n { entry(x, i, j) } else { missing };
                    (0..n.div_ceil(ROWS)).map(|at| std::array::from_fn(|lane| of(at * ROWS + lane))).collect()
                };
                // Of each row its divergence and, if there is one, the derivatives.
                let of = |isa, row: &dyn Fn(&[f64]) -> Vec<Column>, laid, i: usize| {
                    let alone = laid != Laid::Eight;
                    let (mut a, mut b) = (row(p), row(q));
                    let kl = run(isa, (n, laid), &mut a, &mut b, false)[i];
                    let (mut a, mut b) = (row(p), row(q));
                    assert_eq!(one_nan(run(isa, (n, laid), &mut a, &mut b, true)[i]), one_nan(kl));
                    let slopes = |by: &[Column]| -> Vec<u64> {
                        let by = |j: usize| if alone { by[j / ROWS][j % ROWS] } else { by[j][i] };
                        (0..n).filter(|_| !kl.is_nan()).map(|j| one_nan(by(j))).collect()
                    };
                    (one_nan(kl), slopes(&a), slopes(&b))
                };
                for i in 0..ROWS {
                    let what = format!("kind {kind}, {stretch}, {n} categories, row {i}");
                    let scalar = of(Isa::Scalar, &columns, Laid::Eight, i);
                    let long = of(Isa::Scalar, &|x| row(x, i), Laid::Long, 0);
                    let (a, b) = (f64::from_bits(scalar.0), f64::from_bits(long.0));
                    assert!(
                        scalar.0 == long.0 || (a - b).abs() <= 1e-13 * a.abs(),
                        "long, {what}: {a:e}, {b:e}"
                    );
                    compared += usize::from(!scalar.1.is_empty());
                    for isa in others().chain([Isa::Scalar]) {
                        assert_eq!(scalar, of(isa, &columns, Laid::Eight, i), "{isa:?}, {what}");
                        assert_eq!(scalar, of(isa, &|x| row(x, i), Laid::One, 0), "{isa:?}, alone, {what}");
                        assert_eq!(long, of(isa, &|x| row(x, i), Laid::Long, 0), "{isa:?}, long, {what}");
                    }
                }
            }
        }
    }
    assert!(compared > least, "no more than {compared} rows are compared");
}

#[test]
fn divergences_and_slopes_of_categories_by_logits() {
    compare_categories(f64::NEG_INFINITY, 400, |isa, (_, laid), a, b, slopes| {
        let (mut out, mut kept) = ([0.0; ROWS], vec![[[0.0; ROWS]; 3]; a.len()]);
        let (kept, out_there) = (&mut kept[..], &mut out);
        dispatch_laid!(isa, laid, layout => Logits { layout, a, b, kept, slopes, out: out_there });
        out
    });
}

#[test]
fn divergences_and_slopes_of_categories_by_probabilities() {
    compare_categories(0.0, 400, |isa, (_, laid), p, q, slopes| {
        let mut out = [0.0; ROWS];
        dispatch_laid!(isa, laid, layout => Probabilities { layout, p, q, slopes, out: &mut out });
        out
    });
}

#[test]
fn divergences_and_slopes_of_concentrations() {
    compare_categories(0.0, 200, |isa, (categories, laid), p, q, slopes| {
        let mut out = [0.0; ROWS];
        dispatch_laid!(isa, laid, layout => Concentrations { layout, categories, p, q, slopes, out: &mut out });
        out
    });
}

/// A test of the entropies of rows.
macro_rules! entropies_have_the_scalar_ones_bits {
    ($($name:ident: $missing:expr, $least:expr, $n:ident, $p:ident, $layout:ident, $out:ident => $job:expr;)*) => {$(
        #[test]
        fn $name() {
            compare_categories($missing, $least, |isa, ($n, laid), p, _, _| {
                let (mut out, $p) = ([0.0; ROWS], &*p);
                let $out = &mut out;
                dispatch_laid!(isa, laid, $layout => $job);
                out
            });
        }
    )*};
}

entropies_have_the_scalar_ones_bits! {
    entropies_of_categories: 0.0, 400, _n, p, layout, out => OfProbabilities { layout, p, out };
    entropies_of_categories_by_logits: f64::NEG_INFINITY, 400, _n, a, layout, out => OfLogits { layout, a, out };
    entropies_of_concentrations: 0.0, 200, categories, p, layout, out => OfConcentrations { layout, categories, p, out };
}
