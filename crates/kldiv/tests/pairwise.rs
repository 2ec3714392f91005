//! All pairs: the reference table, every measure against 106 bits, rows that are near, sparse or bad, neighbours.

mod common;

use common::data::{KINDS, pair};
use common::layout::{LAYOUTS, Layouts, exactly};
use common::{Expected, F32, F64, K, Precision, SplitMix, Tally};
use common::{numbers, oracle, precision, table, units};
use half::{bf16, f16};
use kldiv::{
    Element, Error, Fault, Invalid, Measure, Normalization, Operand, Options, View, batch, pairwise,
};
use ndarray::{Array2, array};
use serde_json::Value;

/// Those that come from sums over panels, and two that do not.
const MEASURES: [Measure; 9] = [
    Measure::Kl,
    Measure::Generalized,
    Measure::Reverse,
    Measure::Jeffreys,
    Measure::CrossEntropy,
    Measure::Entropy,
    Measure::JENSEN_SHANNON,
    Measure::JensenShannon { weight: 0.25 },
    Measure::Renyi { alpha: 2.0 },
];

fn with(measure: Measure, normalization: Normalization) -> Options<'static> {
    let mut options = Options::from(measure);
    options.normalization = normalization;
    options
}

/// One case of the table in one pair of types, in every layout and through every way out.
fn check<P: Element, Q: Element>(tally: &mut Tally, case: &Value, precision: Precision, p: &[P], q: &[Q]) {
    let size = |name: &str| case[name].as_u64().unwrap() as usize;
    let (m, k, d) = (size("m"), size("k"), size("d"));
    let p = Layouts::new(Array2::from_shape_vec((m, d), p.to_vec()).unwrap());
    let q = Layouts::new(Array2::from_shape_vec((k, d), q.to_vec()).unwrap());
    let options = Options::default();
    let all = pairwise::matrix(p.view(0), q.view(0), &options).unwrap();
    for (cell, got) in all.iter().enumerate() {
        let (want, mag) = (&case["expect"]["kl"][cell], &case["mag"]["kl"][cell]);
        let mag = Expected::of(mag).map(|mag| match mag {
            Expected::Finite(mag) => mag,
            Expected::Infinite(_) => panic!("an infinite mag"),
        });
        let units = units(*got, Expected::of(want).unwrap(), mag, d, precision);
        let field = if precision.unit == F64.unit { "kl" } else { "kl f32" };
        tally.count(field, units, K, || format!("{} cell {cell}: {got:e}, want {want}", case["name"]));
    }
    let mut same = |way: &str, got: &Array2<f64>| {
        let bits = |x: &Array2<f64>| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        tally.require(bits(got) == bits(&all), || format!("{} {way}", case["name"]));
    };
    for i in 0..LAYOUTS.len() {
        let j = (i + 2) % LAYOUTS.len();
        same(LAYOUTS[i], &pairwise::matrix(p.view(i), q.view(j), &options).unwrap());
    }
    for rows in [1, 3, 100] {
        let blocks = pairwise::blocks(p.view(0), q.view(0), &options, rows).unwrap();
        let blocks: Vec<f64> = blocks.flat_map(|block| block.unwrap().values.into_iter()).collect();
        same("blocks", &Array2::from_shape_vec((m, k), blocks).unwrap());
    }
    let reverse = pairwise::matrix(q.view(0), p.view(0), &Measure::Reverse.into()).unwrap();
    for ((i, j), got) in all.indexed_iter() {
        let (want, mag) = (&case["expect"]["kl"][i * k + j], &case["mag"]["kl"][i * k + j]);
        let Some(Expected::Finite(mag)) = Expected::of(mag) else {
            tally.require(reverse[[j, i]] == *got, || format!("{} reverse", case["name"]));
            continue;
        };
        let units = units(reverse[[j, i]], Expected::of(want).unwrap(), Some(mag), d, precision);
        tally.count("reverse", units, K, || format!("{} cell {i}, {j}", case["name"]));
    }
}

#[test]
fn every_cell_of_the_table_is_within_the_tolerance_in_every_type_and_layout() {
    let mut tally = Tally::default();
    for case in table("pairwise") {
        let (p, q) = (numbers(&case["p"]), numbers(&case["q"]));
        check(&mut tally, &case, F64, &p, &q);
        if precision(&case).unit == F32.unit {
            let (p32, q32): (Vec<f32>, Vec<f32>) = (exactly(&p).unwrap(), exactly(&q).unwrap());
            check(&mut tally, &case, F32, &p32, &q32);
            check(&mut tally, &case, F64, &p32, &q);
        }
        if let (Some(p), Some(q)) = (exactly::<f16>(&p), exactly::<bf16>(&q)) {
            check(&mut tally, &case, F32, &p, &q);
        }
        if let (Some(p), Some(q)) = (exactly::<u64>(&p), exactly::<i64>(&q)) {
            check(&mut tally, &case, F64, &p, &q);
        }
    }
    tally.done("pairwise");
}

/// Rows of which some are near others, and zeros where wanted.
fn family(rows: usize, cols: usize, sparse: bool, peaked: i32, random: &mut SplitMix) -> Array2<f64> {
    let mut all: Array2<f64> = Array2::zeros((rows, cols));
    for i in 0..rows {
        let near = i > 0 && random.below(4) == 0;
        let eps = 10f64.powi(-(random.below(14) as i32));
        let from = random.below(i.max(1));
        for l in 0..cols {
            let u = random.unit();
            let fresh = if sparse && random.below(3) == 0 { 0.0 } else { (-u.ln()).powi(peaked) };
            all[[i, l]] = if near { all[[from, l]] * (1.0 + eps * (u - 0.5)) } else { fresh };
        }
        let sum = all.row(i).sum();
        if sum > 0.0 && random.below(3) > 0 {
            all.row_mut(i).mapv_inplace(|x| x / sum);
        }
    }
    all
}

/// Every cell against the plain formula in 106 bits.
fn check_cells(tally: &mut Tally, p: &Array2<f64>, q: &Array2<f64>, smoothing: f64, what: &str) {
    for measure in MEASURES {
        for normalization in [Normalization::AsGiven, Normalization::Normalize] {
            let normalized = normalization == Normalization::Normalize;
            let mut options = with(measure, normalization);
            options.smoothing = if normalized { smoothing } else { 0.0 };
            let mut all = Array2::from_elem((p.nrows(), q.nrows()), f64::NAN);
            let out = all.as_slice_mut().unwrap();
            let outcome = pairwise::matrix_into(p.into(), q.into(), &options, out);
            for ((i, j), got) in all.indexed_iter() {
                let x = p.row(i).to_vec();
                let y = if measure == Measure::Entropy { x.clone() } else { q.row(j).to_vec() };
                let empty = |x: &[f64]| options.smoothing == 0.0 && x.iter().all(|x| *x == 0.0);
                if normalized && (empty(&x) || empty(&y)) {
                    let zero_mass = matches!(outcome, Err(Error::ZeroMass { .. }));
                    tally.require(got.is_nan() && zero_mass, || format!("{what} {measure:?} {i} {j}"));
                    continue;
                }
                let (want, mag) = match normalized {
                    true => oracle::normalized(&x, &y, smoothing, measure),
                    false => oracle::measure(&x, &y, measure),
                };
                let name = format!("{measure:?}{}", if normalized { " normalized" } else { "" });
                let units = units(*got, want, mag, x.len(), F64);
                tally.count(&name, units, K, || format!("{what} cell {i}, {j}: {got:e}, want {want:?}"));
            }
        }
    }
}

#[test]
fn every_measure_of_every_cell_is_within_the_tolerance_of_106_bits() {
    let (mut tally, mut random) = (Tally::default(), SplitMix(41));
    for (m, k, d) in
        [(1, 1, 1), (1, 9, 3), (9, 1, 2), (7, 13, 31), (8, 24, 33), (9, 25, 64), (3, 5, 257), (2, 27, 700)]
    {
        for (sparse, peaked) in [(false, 1), (true, 1), (false, 4)] {
            let (p, q) =
                (family(m, d, sparse, peaked, &mut random), family(k, d, sparse, peaked, &mut random));
            let smoothing = if sparse { 0.5 } else { 0.0 };
            check_cells(&mut tally, &p, &q, smoothing, &format!("{m} x {k} x {d}, sparse {sparse}"));
            check_cells(&mut tally, &p, &p, 0.0, &format!("{m} x {m} x {d} of itself, sparse {sparse}"));
        }
    }
    tally.done("pairs of families");
}

#[test]
fn cells_of_odd_rows_are_those_of_single_pairs() {
    let (mut tally, mut random) = (Tally::default(), SplitMix(42));
    for cols in [1, 5, 40] {
        let (mut p, mut q) = (Vec::new(), Vec::new());
        for kind in KINDS {
            let (x, y) = pair(kind, cols, &mut random);
            p.push(x);
            q.push(y);
        }
        let (p, q) = (common::layout::matrix(&p), common::layout::matrix(&q));
        for measure in MEASURES {
            let options = Options::from(measure);
            let mut all = Array2::zeros((p.nrows(), q.nrows()));
            // Sums that overflow are errors, here as there.
            let _ = pairwise::matrix_into((&p).into(), (&q).into(), &options, all.as_slice_mut().unwrap());
            for i in 0..p.nrows() {
                let mut row = vec![0.0; q.nrows()];
                let one = View::from(p.row(i)).repeated(q.nrows());
                let _ = batch::rows_into(one, (&q).into(), &options, &mut row);
                for (j, single) in row.iter().enumerate() {
                    let what = || format!("{measure:?} {} {}: {} {single}", KINDS[i], KINDS[j], all[[i, j]]);
                    let got = all[[i, j]];
                    if !single.is_finite() || !got.is_finite() {
                        tally.require(single.to_bits() == got.to_bits(), what);
                        continue;
                    }
                    let (want, mag) =
                        oracle::measure(p.row(i).as_slice().unwrap(), q.row(j).as_slice().unwrap(), measure);
                    let renyi = matches!(measure, Measure::Renyi { .. });
                    let most = if renyi { 64.0 } else { K };
                    tally.count(&format!("{measure:?}"), units(got, want, mag, cols, F64), most, what);
                }
            }
        }
    }
    tally.done("odd rows");
}

#[test]
fn thousands_of_unrelated_and_near_rows_keep_the_tolerance() {
    let (mut tally, mut random) = (Tally::default(), SplitMix(43));
    for (rows, cols, peaked) in [(200, 256, 1), (60, 1000, 1), (100, 100, 3), (100, 256, 5)] {
        let (p, q) =
            (family(rows, cols, false, peaked, &mut random), family(rows, cols, false, peaked, &mut random));
        for measure in [Measure::Kl, Measure::JENSEN_SHANNON] {
            let all = pairwise::matrix(&p, &q, &measure.into()).unwrap();
            for ((i, j), got) in all.indexed_iter().filter(|((i, j), _)| (i + 3 * j) % 23 == 0) {
                let (want, mag) = oracle::measure(&p.row(i).to_vec(), &q.row(j).to_vec(), measure);
                let name = format!("{measure:?} {rows} x {cols}, peaked {peaked}");
                tally.count(&name, units(*got, want, mag, cols, F64), K, || format!("{i} {j}"));
            }
        }
    }
    tally.done("many rows");
}

#[test]
fn a_bad_row_costs_its_row_or_column_and_the_first_error_is_that_of_the_first_cell() {
    for measure in MEASURES {
        let (mut p, mut q) = (Array2::from_elem((10, 3), 1.0), Array2::from_elem((30, 3), 2.0));
        (p[[4, 1]], p[[7, 0]]) = (f64::NAN, -1.0);
        (q[[9, 2]], q[[25, 0]]) = (-0.5, f64::INFINITY);
        let looks_at_q = measure != Measure::Entropy;
        let mut options = Options::from(measure);
        let mut all = Array2::zeros((10, 30));
        let outcome = pairwise::matrix_into((&p).into(), (&q).into(), &options, all.as_slice_mut().unwrap());
        for ((i, j), got) in all.indexed_iter() {
            let bad = [4, 7].contains(&i) || looks_at_q && [9, 25].contains(&j);
            assert_eq!(got.is_nan(), bad, "{measure:?} {i} {j}");
        }
        let place = |error: Error| match error {
            Error::InvalidEntry { operand, row, col, fault, .. } => (operand, row, col, fault),
            other => panic!("{other}"),
        };
        let expected = match looks_at_q {
            true => (Operand::Q, 9, 2, Fault::Negative),
            false => (Operand::P, 4, 1, Fault::Nan),
        };
        assert_eq!(place(outcome.unwrap_err()), expected, "{measure:?}");
        p[[0, 2]] = f64::NAN;
        let error = pairwise::matrix(&p, &q, &options).unwrap_err();
        assert_eq!(place(error), (Operand::P, 0, 2, Fault::Nan), "{measure:?}");
        let last = pairwise::blocks(&p, &q, &options, 4).unwrap().last().unwrap();
        assert_eq!(place(last.unwrap_err()), (Operand::P, 0, 2, Fault::Nan), "{measure:?}");
        options.invalid = Invalid::Nan;
        assert!(pairwise::matrix(&p, &q, &options).unwrap()[[0, 0]].is_nan());
        assert!(pairwise::blocks(&p, &q, &options, 4).unwrap().all(|block| block.is_ok()));
    }
}

#[test]
fn what_normalization_asks_is_asked_of_both_sides() {
    let (p, q) = (array![[0.5, 0.5], [0.0, 0.0]], array![[0.25, 0.75], [1.0, 1.0]]);
    for measure in [Measure::Kl, Measure::JENSEN_SHANNON] {
        let mut all = [0.0; 4];
        let options = with(measure, Normalization::Normalize);
        let error = pairwise::matrix_into((&p).into(), (&q).into(), &options, &mut all).unwrap_err();
        assert_eq!(error, Error::ZeroMass { operand: Operand::P, row: 1 });
        assert!(all[0] > 0.0 && all[1] == 0.0 && all[2].is_nan() && all[3].is_nan(), "{all:?}");
        let options = with(measure, Normalization::Require);
        let error = pairwise::matrix_into((&p).into(), (&q).into(), &options, &mut all).unwrap_err();
        assert!(matches!(error, Error::NotNormalized { operand: Operand::Q, row: 1, .. }), "{error}");
        assert!(all[0] > 0.0 && all[1..].iter().all(|x| x.is_nan()), "{all:?}");
    }
}

#[test]
fn masked_rows_are_not_read_and_weights_multiply_rows() {
    let p = array![[0.5, 0.5], [f64::NAN, 1.0], [0.25, 0.75]];
    let q = array![[0.5, 0.5], [1.0, 0.0]];
    let (mask, weights) = ([1, 0, 1], [1.0, 1.0, 2.0]);
    for measure in MEASURES {
        let plain = pairwise::matrix(&p.select(ndarray::Axis(0), &[0, 2]), &q, &measure.into()).unwrap();
        let mut options = Options::from(measure);
        options.mask = Some(&mask);
        options.weights = Some(&weights);
        let all = pairwise::matrix(&p, &q, &options).unwrap();
        for j in 0..2 {
            assert_eq!([all[[0, j]], all[[1, j]]], [plain[[0, j]], 0.0], "{measure:?}");
            assert_eq!(all[[2, j]], 2.0 * plain[[1, j]], "{measure:?}");
        }
        let nothing = [0; 3];
        options.mask = Some(&nothing);
        let bad = array![[f64::NAN, -1.0]];
        assert_eq!(pairwise::matrix(&p, &bad, &options).unwrap(), Array2::<f64>::zeros((3, 1)));
    }
}

#[test]
fn units_and_smoothing_are_those_of_single_pairs() {
    let p = array![[3.0, 0.0, 1.0], [1.0, 1.0, 9.0]];
    let q = array![[1.0, 2.0, 0.0], [4.0, 4.0, 1.0], [3.0, 0.0, 1.0]];
    for measure in MEASURES {
        let mut options = with(measure, Normalization::Normalize);
        (options.base, options.smoothing) = (Some(2.0), 0.5);
        let all = pairwise::matrix(&p, &q, &options).unwrap();
        for ((i, j), got) in all.indexed_iter() {
            let single = batch::rows(p.row(i), q.row(j), &options).unwrap()[0];
            assert!((got - single).abs() <= 1e-14 * single.abs(), "{measure:?}: {got} {single}");
        }
    }
}

/// Cells of the distance against those of the divergence, in nats and in bits.
fn distances_are_roots<T: Element>(p: &Array2<T>, q: &Array2<T>) {
    for normalization in [Normalization::AsGiven, Normalization::Normalize] {
        let matrix = |measure, base| {
            let mut options = with(measure, normalization);
            options.base = base;
            pairwise::matrix(p, q, &options).unwrap()
        };
        for base in [None, Some(2.0)] {
            let divergences = matrix(Measure::JENSEN_SHANNON, base);
            let distances = matrix(Measure::JENSEN_SHANNON_DISTANCE, base);
            assert_eq!(distances, divergences.mapv(f64::sqrt), "{} columns", p.ncols());
        }
    }
}

#[test]
fn jensen_shannon_distances_are_the_roots_of_divergences_in_every_type() {
    let mut random = SplitMix(44);
    for cols in [2, 33, 64, 300] {
        let [p, q] = [5, 12].map(|rows| family(rows, cols, false, 1, &mut random));
        distances_are_roots(&p, &q);
        distances_are_roots(&p.mapv(|x| x as f32), &q.mapv(|x| x as f32));
        distances_are_roots(&p.mapv(bf16::from_f64), &q.mapv(bf16::from_f64));
        let counts = |x: f64| (1e6 * x) as u64 + 1;
        distances_are_roots(&p.mapv(counts), &q.mapv(counts));
    }
    // scipy.spatial.distance.jensenshannon([0.5, 0.5], [0.7, 0.3]).
    let (p, q) = (array![[0.5_f32, 0.5]], array![[0.7_f32, 0.3]]);
    let coin = pairwise::matrix(&p, &q, &Measure::JENSEN_SHANNON_DISTANCE.into()).unwrap()[[0, 0]];
    assert!((coin - 0.144_934_2).abs() < 1e-7, "{coin}");
    let nearest = pairwise::nearest(&p, &q, &Measure::JENSEN_SHANNON_DISTANCE.into(), 1).unwrap();
    assert_eq!(nearest.value[[0, 0]], coin);
}

#[test]
fn shapes_without_cells_give_none_and_wrong_ones_are_refused() {
    let (p, none) = (array![[0.5, 0.5]], Array2::<f64>::zeros((0, 2)));
    let options = Options::default();
    assert_eq!(pairwise::matrix(&p, &none, &options).unwrap().dim(), (1, 0));
    assert_eq!(pairwise::matrix(&none, &p, &options).unwrap().dim(), (0, 1));
    assert_eq!(pairwise::nearest(&none, &p, &options, 1).unwrap().index.dim(), (0, 1));
    assert_eq!(pairwise::nearest(&p, &none, &options, 0).unwrap().index.dim(), (1, 0));
    let wide = array![[0.25, 0.25, 0.5]];
    assert!(matches!(pairwise::matrix(&p, &wide, &options), Err(Error::ShapeMismatch { what: "q", .. })));
    let empty = Array2::<f64>::zeros((1, 0));
    assert!(matches!(pairwise::matrix(&empty, &empty, &options), Err(Error::Empty)));
    let result = pairwise::matrix_into((&p).into(), (&p).into(), &options, &mut [0.0; 2]);
    assert!(matches!(result, Err(Error::ShapeMismatch { what: "out", .. })));
    assert!(matches!(pairwise::nearest(&p, &p, &options, 2), Err(Error::Option { name: "k", .. })));
    assert!(matches!(pairwise::blocks(&p, &p, &options, 0), Err(Error::Option { name: "rows", .. })));
}

#[test]
fn neighbours_are_the_smallest_cells_and_ties_go_to_the_first() {
    let mut random = SplitMix(44);
    for (m, k, d) in [(1, 1, 1), (5, 40, 3), (70, 400, 20), (3, 1000, 2)] {
        let mut q = family(k, d, true, 1, &mut random);
        for j in (0..k).step_by(3) {
            // Equal rows, so that there are ties.
            let row = q.row(random.below(k)).to_owned();
            q.row_mut(j).assign(&row);
        }
        let p = family(m, d, true, 1, &mut random);
        for measure in MEASURES {
            let options = Options::from(measure);
            let all = pairwise::matrix(&p, &q, &options).unwrap();
            for wanted in [1, k.min(7), k] {
                let nearest = pairwise::nearest(&p, &q, &options, wanted).unwrap();
                for i in 0..m {
                    let mut order: Vec<usize> = (0..k).collect();
                    order.sort_by(|a, b| all[[i, *a]].total_cmp(&all[[i, *b]]));
                    assert_eq!(nearest.index.row(i).to_vec(), order[..wanted], "{measure:?}");
                    let values: Vec<f64> = order[..wanted].iter().map(|j| all[[i, *j]]).collect();
                    assert_eq!(nearest.value.row(i).to_vec(), values);
                }
            }
        }
    }
}

#[test]
fn bad_rows_are_no_neighbours() {
    let p = array![[0.5, 0.5], [-1.0, 0.5], [0.1, 0.9]];
    let q = array![[0.5, f64::NAN], [0.1, 0.9], [0.5, 0.5]];
    let (mut index, mut value) = ([0; 9], [0.0; 9]);
    let mask = [1, 1, 0];
    let mut options = Options::default();
    options.mask = Some(&mask);
    let result = pairwise::nearest_into((&p).into(), (&q).into(), &options, 3, &mut index, &mut value);
    assert!(matches!(result, Err(Error::InvalidEntry { operand: Operand::Q, row: 0, col: 1, .. })));
    let none = pairwise::NONE;
    assert_eq!(index, [2, 1, none, none, none, none, none, none, none]);
    assert!(value[0] == 0.0 && value[1] > 0.0 && value[2..6].iter().all(|x| x.is_nan()));
    assert_eq!(value[6..], [0.0; 3]);
    options.invalid = Invalid::Nan;
    assert!(pairwise::nearest(&p, &q, &options, 3).is_ok());
}

/// The bits of a matrix and of neighbours.
fn bits(p: &Array2<f64>, q: &Array2<f64>, options: &Options) -> Vec<u64> {
    let all = pairwise::matrix(p, q, options).unwrap();
    let nearest = pairwise::nearest(p, q, options, 3).unwrap();
    let values = all.iter().chain(&nearest.value).map(|x| x.to_bits());
    values.chain(nearest.index.iter().map(|i| *i as u64)).collect()
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let mut random = SplitMix(45);
    let (p, q) = (family(150, 70, true, 1, &mut random), family(230, 70, true, 1, &mut random));
    for measure in MEASURES {
        let mut alone = Options::from(measure);
        alone.parallel = false;
        for q in [&p, &q] {
            let expected = bits(&p, q, &alone);
            for threads in [1, 2, 7] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let got = pool.install(|| bits(&p, q, &measure.into()));
                assert!(got == expected, "{measure:?} with {threads} threads");
            }
        }
    }
}

#[test]
fn symmetric_measures_of_rows_against_themselves_are_symmetric_and_zero_on_the_diagonal() {
    let mut random = SplitMix(46);
    for (rows, cols) in [(1, 4), (49, 30), (130, 300)] {
        let p = family(rows, cols, true, 1, &mut random);
        let copy = p.clone();
        for measure in
            [Measure::JENSEN_SHANNON, Measure::JENSEN_SHANNON_DISTANCE, Measure::Renyi { alpha: 0.5 }]
        {
            let all = pairwise::matrix(&p, &p, &measure.into()).unwrap();
            assert_eq!(all, all.t(), "{measure:?}");
            if !matches!(measure, Measure::Renyi { .. }) {
                assert!(all.diag().iter().all(|x| *x == 0.0), "{measure:?}");
                // The same of a copy, which nobody knows to be one.
                assert_eq!(all, pairwise::matrix(&p, &copy, &measure.into()).unwrap(), "{measure:?}");
            }
        }
    }
}

#[test]
fn rows_of_a_result_come_in_blocks_with_the_same_bits() {
    let mut random = SplitMix(47);
    let p = family(100, 40, true, 1, &mut random);
    for measure in MEASURES {
        let options = Options::from(measure);
        let all = pairwise::matrix(&p, &p, &options).unwrap();
        for rows in [1, 33, 100, 1000] {
            let mut next = 0;
            for block in pairwise::blocks(&p, &p, &options, rows).unwrap() {
                let block = block.unwrap();
                assert_eq!(block.first, next);
                next += block.values.nrows();
                let expected = all.slice(ndarray::s![block.first..next, ..]);
                assert_eq!(block.values, expected, "{measure:?}");
            }
            assert_eq!(next, 100);
        }
    }
}
