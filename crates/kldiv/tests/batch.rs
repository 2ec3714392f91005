//! Rows in matrices: a batch is its rows one at a time, to the bit, in every type, layout and shape.

mod common;

use common::SplitMix;
use common::data::{KINDS, pair};
use common::layout::{LAYOUTS, Layouts, exactly};
use common::measures::{ALL, options};
use half::{bf16, f16};
use kldiv::batch::{reduce, rows, rows_into, terms_into};
use kldiv::{Element, Error, Measure, Normalization, Options, View, ViewMut};
use ndarray::{Array2, ArrayView2, Axis};

/// The answers of the matrices' rows one at a time, each row by itself and contiguous.
fn one_at_a_time<P: Element, Q: Element>(
    p: &ArrayView2<P>,
    q: &ArrayView2<Q>,
    options: &Options,
) -> Vec<Result<f64, Error>> {
    let rows = p.rows().into_iter().zip(q.rows());
    rows.map(|(p, q)| reduce(&p.to_vec()[..], &q.to_vec()[..], options)).collect()
}

fn same_bits(got: f64, want: &Result<f64, Error>) -> bool {
    match want {
        Ok(want) => got.to_bits() == want.to_bits(),
        Err(_) => got.is_nan(),
    }
}

/// Rows that go through the kinds of data, in types that may not hold them all.
fn of_kinds<P: Element, Q: Element>(rows: usize, cols: usize, seed: u64) -> (Array2<P>, Array2<Q>) {
    fn fit<T: Element>(x: f64) -> T {
        let y = T::from_f64(if T::DTYPE.is_float() { x } else { x * 100.0 });
        if y.to_f64().is_finite() { y } else { T::from_f64(1.0) }
    }
    let mut random = SplitMix(seed);
    let (mut p, mut q) = (Vec::new(), Vec::new());
    for i in 0..rows {
        let (a, b) = pair(KINDS[i % KINDS.len()], cols, &mut random);
        p.extend(a.into_iter().map(fit::<P>));
        q.extend(b.into_iter().map(fit::<Q>));
    }
    (Array2::from_shape_vec((rows, cols), p).unwrap(), Array2::from_shape_vec((rows, cols), q).unwrap())
}

fn batch_is_one_at_a_time<P: Element, Q: Element>(shapes: &[(usize, usize)]) {
    for &(rows, cols) in shapes {
        let (p, q) = of_kinds::<P, Q>(rows, cols, 7 * cols as u64);
        let names = (P::DTYPE.name(), Q::DTYPE.name());
        for measure in ALL {
            for (normalization, smoothing) in [
                (Normalization::AsGiven, 0.0),
                (Normalization::Normalize, 0.0),
                (Normalization::Normalize, 0.5),
                (Normalization::Require, 0.0),
            ] {
                let mut options =
                    options! { measure: measure, normalization: normalization, smoothing: smoothing };
                // Some rows' sums are within it of 1.
                options.mass_tolerance = 0.25;
                let want = one_at_a_time(&p.view(), &q.view(), &options);
                let check = |got: &[f64], want: &[Result<f64, Error>], what: &str| {
                    for (i, (got, want)) in got.iter().zip(want).enumerate() {
                        let inputs = || {
                            format!("{:?} {:?}", p.row(i).mapv(|x| x.to_f64()), q.row(i).mapv(|x| x.to_f64()))
                        };
                        assert!(
                            same_bits(*got, want),
                            "{names:?} {rows} x {cols} {what}, row {i}: {got:e}, alone {want:?}, {options:?} {}",
                            inputs()
                        );
                    }
                };
                let mut out = vec![7.0; rows];
                let (p_layouts, q_layouts) = (Layouts::new(p.clone()), Layouts::new(q.clone()));
                for i in 0..LAYOUTS.len() {
                    let _ = rows_into(
                        p_layouts.view(i),
                        q_layouts.view((3 * i) % LAYOUTS.len()),
                        &options,
                        &mut out,
                    );
                    check(&out, &want, LAYOUTS[i]);
                }
                // One row against many, either way, by a stride of 0.
                for i in [0, rows - 1] {
                    let p_row = p.row(i).insert_axis(Axis(0)).broadcast((rows, cols)).unwrap().to_owned();
                    let want = one_at_a_time(&p_row.view(), &q.view(), &options);
                    let view = View::from(p.row(i)).repeated(rows);
                    let _ = rows_into(view, (&q).into(), &options, &mut out);
                    check(&out, &want, "one p");
                    let q_row = q.row(i).insert_axis(Axis(0)).broadcast((rows, cols)).unwrap().to_owned();
                    let want = one_at_a_time(&p.view(), &q_row.view(), &options);
                    let _ = rows_into((&p).into(), View::from(q.row(i)).repeated(rows), &options, &mut out);
                    check(&out, &want, "one q");
                }
                // One column for all.
                let column = q.column(0).insert_axis(Axis(1));
                let column = column.broadcast((rows, cols)).unwrap();
                let want = one_at_a_time(&p.view(), &column, &options);
                let _ = rows_into((&p).into(), column.into(), &options, &mut out);
                check(&out, &want, "one column");
            }
        }
    }
}

/// Rows of 1 to 40 columns, with more rows than a tile or two.
fn short() -> Vec<(usize, usize)> {
    (1..=40).map(|cols| (37, cols)).collect()
}

const FEW: [(usize, usize); 6] = [(35, 1), (35, 5), (37, 16), (50, 31), (18, 33), (3, 300)];

#[test]
fn a_batch_of_f64_is_its_rows_one_at_a_time_to_the_bit() {
    batch_is_one_at_a_time::<f64, f64>(&short());
    batch_is_one_at_a_time::<f64, f64>(&[(2, 1023), (2, 1024), (2, 1025), (2, 2500), (7000, 5)]);
}

#[test]
fn a_batch_of_f32_is_its_rows_one_at_a_time_to_the_bit() {
    batch_is_one_at_a_time::<f32, f32>(&short());
    batch_is_one_at_a_time::<f32, f32>(&[(2, 1023), (2, 1024), (2, 1025), (2, 2500), (7000, 5)]);
}

#[test]
fn a_batch_of_long_rows_is_its_rows_one_at_a_time_to_the_bit() {
    for measure in ALL {
        for normalization in [Normalization::AsGiven, Normalization::Normalize] {
            let mut options = options! { measure: measure, normalization: normalization };
            for cols in [65_535, 65_536, 65_537, 140_000] {
                let mut random = SplitMix(cols as u64);
                let (p, q) = pair("independent", 2 * cols, &mut random);
                let p = Array2::from_shape_vec((2, cols), p).unwrap();
                let q = Array2::from_shape_vec((2, cols), q).unwrap().mapv(|x| x as f32);
                let want = one_at_a_time(&p.view(), &q.view(), &options);
                for parallel in [false, true] {
                    options.parallel = parallel;
                    let got = rows(&p, &q, &options).unwrap();
                    assert!(
                        got.iter().zip(&want).all(|(got, want)| same_bits(*got, want)),
                        "{cols} {options:?}"
                    );
                    let transposed = p.t().as_standard_layout().into_owned();
                    let got = rows(transposed.t(), &q, &options).unwrap();
                    assert!(
                        got.iter().zip(&want).all(|(got, want)| same_bits(*got, want)),
                        "{cols} {options:?}"
                    );
                }
            }
        }
    }
}

macro_rules! mixed {
    ($($name:ident: $p:ty, $($q:ty),*;)*) => {$(
        #[test]
        fn $name() {
            $(batch_is_one_at_a_time::<$p, $q>(&FEW);)*
        }
    )*};
}

mixed! {
    a_batch_of_f64_and_others_is_its_rows_one_at_a_time_to_the_bit: f64, f32, f16, i64;
    a_batch_of_f32_and_others_is_its_rows_one_at_a_time_to_the_bit: f32, f64, bf16, u64;
    a_batch_of_f16_and_others_is_its_rows_one_at_a_time_to_the_bit: f16, f16, bf16, f32;
    a_batch_of_bf16_and_others_is_its_rows_one_at_a_time_to_the_bit: bf16, bf16, f64, i64;
    a_batch_of_counts_and_others_is_its_rows_one_at_a_time_to_the_bit: i64, i64, u64, f32;
    a_batch_of_unsigned_counts_and_others_is_its_rows_one_at_a_time_to_the_bit: u64, u64, f16, f64;
}

#[test]
fn terms_are_rounded_to_the_type_that_they_are_written_to() {
    let (p, q) = pair("independent", 300, &mut SplitMix(3));
    let options = options! { measure: Measure::Generalized };
    fn written<T: Element>(p: &[f64], q: &[f64], options: &Options) -> Vec<T> {
        let mut out = Array2::from_elem((1, p.len()), T::from_f64(0.0));
        terms_into(p.into(), q.into(), options, &mut ViewMut::from(out.view_mut())).unwrap();
        out.into_raw_vec_and_offset().0
    }
    let exact: Vec<f64> = written(&p, &q, &options);
    let narrow: Vec<f32> = written(&p, &q, &options);
    let half: Vec<f16> = written(&p, &q, &options);
    let brain: Vec<bf16> = written(&p, &q, &options);
    for (i, x) in exact.iter().enumerate() {
        assert_eq!(narrow[i], *x as f32);
        assert_eq!(half[i], f16::from_f64(*x));
        assert_eq!(brain[i], bf16::from_f64(*x));
    }
    assert!(exactly::<f32>(&exact).is_none());
}
