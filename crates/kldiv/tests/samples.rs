//! Estimates from samples, held to samples.json at the tolerances of testdata/README.md, and to their laws.

mod common;

use common::{SplitMix, number, numbers, table};
use kldiv::estimate::{self, MonteCarlo};
use kldiv::{Error, Estimator, Invalid, Measure, Normalization, Operand, Options};
use ndarray::Array2;
use serde_json::Value;

fn points(x: &Value) -> Array2<f64> {
    let rows: Vec<Vec<f64>> = x.as_array().unwrap().iter().map(numbers).collect();
    let dims = rows[0].len();
    Array2::from_shape_vec((rows.len(), dims), rows.concat()).unwrap()
}

/// The next of the generator's numbers strictly between 0 and 1.
fn open_unit(random: &mut SplitMix) -> f64 {
    ((random.next() >> 11) as f64 + 0.5) * 2f64.powi(-53)
}

/// `n` standard normals.
fn normals(seed: u64, n: usize) -> Vec<f64> {
    let mut random = SplitMix(seed);
    let mut out = Vec::with_capacity(n + 1);
    while out.len() < n {
        let (u, v) = (open_unit(&mut random), open_unit(&mut random));
        let (radius, angle) = ((-2.0 * u.ln()).sqrt(), 2.0 * std::f64::consts::PI * v);
        out.extend([radius * angle.cos(), radius * angle.sin()]);
    }
    out.truncate(n);
    out
}

/// The sample that a case describes.
fn sample(of: &Value, n: usize, seed: u64) -> Array2<f64> {
    let dims = of["d"].as_u64().unwrap() as usize;
    let mut random = SplitMix(seed);
    let mut one =
        |draw: &dyn Fn(f64) -> f64| Array2::from_shape_fn((n, dims), |_| draw(open_unit(&mut random)));
    match of["base"].as_str().unwrap() {
        "normal" => {
            let (loc, factor) = (numbers(&of["loc"]), points(&of["chol"]));
            let z = Array2::from_shape_vec((n, dims), normals(seed, n * dims)).unwrap();
            Array2::from_shape_fn((n, dims), |(i, j)| {
                loc[j] + (0..dims).map(|l| factor[[j, l]] * z[[i, l]]).sum::<f64>()
            })
        }
        "exponential" => one(&|u| -u.ln() / number(&of["rate"])),
        "uniform" => one(&|u| number(&of["low"]) + (number(&of["high"]) - number(&of["low"])) * u),
        "laplace" => one(&|u| {
            let v = u - 0.5;
            number(&of["loc"]) - number(&of["scale"]) * v.signum() * (-2.0 * v.abs()).ln_1p()
        }),
        other => panic!("{other}"),
    }
}

#[test]
fn every_nearest_neighbour_case_is_within_the_tolerance() {
    let cases = table("samples");
    let data = |name: &Value| cases.iter().find(|case| &case["name"] == name).unwrap();
    let (mut worst, mut degenerate): (f64, usize) = (0.0, 0);
    for case in cases.iter().filter(|case| case["kind"] == "knn") {
        let name = &case["name"];
        let data = data(&case["x_ref"]);
        let (x, y) = (points(&data["x"]), points(&data["y"]));
        let k = case["k"].as_u64().unwrap() as usize;
        let got = estimate::knn(&x, &y, k, &Options::default());
        if case["expect"]["kl"].is_null() {
            assert!(matches!(got, Err(Error::Degenerate { .. })), "{name}: {got:?}");
            let mut out = 0.0;
            let again = estimate::knn_into((&x).into(), (&y).into(), k, &Options::default(), &mut out);
            assert!(again.is_err() && out.is_infinite(), "{name}: {out}");
            degenerate += 1;
            continue;
        }
        let error = (got.unwrap() - number(&case["expect"]["kl"])).abs();
        assert!(error <= 1e-12, "{name}: off by {error:e}");
        worst = worst.max(error);
        // Any strides, and any order of the points.
        let backwards = x.slice(ndarray::s![..;-1, ..]);
        let again = estimate::knn(backwards, &y, k, &Options::default()).unwrap();
        assert!((again - number(&case["expect"]["kl"])).abs() <= 1e-12, "{name}, backwards");
    }
    println!("nearest neighbours: the worst is off by {worst:e}; {degenerate} are degenerate");
}

#[test]
fn every_generated_sample_is_estimated_as_expected() {
    for case in table("samples").iter().filter(|case| case["kind"] == "stat_knn") {
        let size = |field: &str| case[field].as_u64().unwrap() as usize;
        let x = sample(&case["p"], size("n"), case["seed_x"].as_u64().unwrap());
        let y = sample(&case["q"], size("m"), case["seed_y"].as_u64().unwrap());
        let got = estimate::knn(&x, &y, size("k"), &Options::default()).unwrap();
        let expect = &case["expect"];
        let error = (got - number(&expect["estimate_for_this_seed"])).abs();
        assert!(error <= number(&expect["estimate_tolerance"]), "{}: off by {error:e}", case["name"]);
        // Another seed.
        let x = sample(&case["p"], size("n"), 71);
        let y = sample(&case["q"], size("m"), 72);
        let got = estimate::knn(&x, &y, size("k"), &Options::default()).unwrap();
        let interval = numbers(&expect["interval_any_seed"]);
        assert!(interval[0] <= got && got <= interval[1], "{}: {got}, want {interval:?}", case["name"]);
    }
}

const ESTIMATORS: [(&str, Estimator); 3] =
    [("k1", Estimator::K1), ("k2", Estimator::K2), ("k3", Estimator::K3)];

fn options(estimator: Estimator) -> Options<'static> {
    let mut options = Options::default();
    options.estimator = estimator;
    options
}

/// How far a number is from what it should be, relatively; infinities must be the same.
fn relative(got: f64, want: f64) -> f64 {
    match want {
        _ if got == want => 0.0,
        0.0 => f64::INFINITY,
        want => ((got - want) / want).abs(),
    }
}

#[test]
fn every_monte_carlo_case_is_within_the_tolerance() {
    let mut worst = [0.0f64; 3];
    for case in table("samples").iter().filter(|case| case["kind"] == "k123") {
        let (log_p, log_q) = (numbers(&case["logp"]), numbers(&case["logq"]));
        for (name, estimator) in ESTIMATORS {
            let expect = &case["expect"][name];
            let what = format!("{} {name}", case["name"]);
            let want = numbers(&expect["per_sample"]);
            let mut got = vec![f64::NAN; want.len()];
            estimate::monte_carlo_terms_into(&log_p, &log_q, &options(estimator), &mut got).unwrap();
            for (got, want) in got.iter().zip(&want) {
                let off = relative(*got, *want);
                assert!(off <= 1e-13, "{what}: {got:e}, want {want:e}");
                worst[0] = worst[0].max(off);
            }
            let MonteCarlo { value, standard_error } =
                estimate::monte_carlo(&log_p, &log_q, &options(estimator)).unwrap();
            let mean = number(&expect["mean"]);
            let off = if name == "k1" && mean.is_finite() {
                let largest = want.iter().fold(0.0, |largest: f64, k| largest.max(k.abs()));
                if value == mean { 0.0 } else { (value - mean).abs() / largest * 1e2 }
            } else {
                relative(value, mean)
            };
            assert!(off <= 1e-13, "{what}: the mean is {value:e}, want {mean:e}");
            worst[1] = worst[1].max(off);
            match &expect["standard_error"] {
                Value::Null if want.len() == 1 => assert!(standard_error.is_nan(), "{what}"),
                Value::Null => assert_eq!(standard_error, f64::INFINITY, "{what}"),
                error => {
                    let off = relative(standard_error, number(error));
                    assert!(off <= 1e-13, "{what}: the error is {standard_error:e}, want {error}");
                    worst[2] = worst[2].max(off);
                }
            }
        }
    }
    println!("terms, means and standard errors are off by {worst:?} at most");
}

#[test]
fn every_generated_monte_carlo_sample_is_estimated_as_expected() {
    for case in table("samples").iter().filter(|case| case["kind"] == "stat_k123") {
        let of = |side: &str| (number(&case[side]["loc"]), number(&case[side]["scale"]));
        let ((p_loc, p_scale), (q_loc, q_scale)) = (of("p"), of("q"));
        let n = case["n"].as_u64().unwrap() as usize;
        let run = |seed: u64, estimator| {
            let x: Vec<f64> = normals(seed, n).iter().map(|z| p_loc + p_scale * z).collect();
            let log = |loc: f64, scale: f64| -> Vec<f64> {
                let constant = scale.ln() + 0.5 * (2.0 * std::f64::consts::PI).ln();
                x.iter().map(|x| -0.5 * ((x - loc) / scale).powi(2) - constant).collect()
            };
            estimate::monte_carlo(&log(p_loc, p_scale), &log(q_loc, q_scale), &options(estimator)).unwrap()
        };
        for (name, estimator) in ESTIMATORS {
            let expect = &case["expect"][name];
            let got = run(case["seed_x"].as_u64().unwrap(), estimator).value;
            let error = (got - number(&expect["estimate_for_this_seed"])).abs();
            assert!(error <= 1e-7, "{} {name}: off by {error:e}", case["name"]);
            let MonteCarlo { value, standard_error } = run(97, estimator);
            let interval = numbers(&expect["interval_any_seed"]);
            assert!(interval[0] <= value && value <= interval[1], "{} {name}: {value}", case["name"]);
            if name == "k1" {
                let from_truth = (value - number(&case["expect"]["kl_true"])).abs();
                assert!(from_truth < 5.0 * standard_error, "{}: {from_truth:e}", case["name"]);
            }
        }
    }
}

#[test]
fn estimates_have_the_same_bits_for_any_number_of_threads() {
    let x = Array2::from_shape_vec((6000, 3), normals(1, 18_000)).unwrap();
    let y = Array2::from_shape_vec((5000, 3), normals(2, 15_000)).unwrap();
    let (log_p, log_q) = (normals(3, 100_000), normals(4, 100_000));
    let all = || {
        let knn = estimate::knn(&x, &y, 4, &Options::default()).unwrap();
        let k3 = estimate::monte_carlo(&log_p, &log_q, &options(Estimator::K3)).unwrap();
        [knn, k3.value, k3.standard_error].map(f64::to_bits)
    };
    let one = {
        let mut alone = Options::default();
        alone.parallel = false;
        estimate::knn(&x, &y, 4, &alone).unwrap().to_bits()
    };
    let plain = all();
    assert_eq!(plain[0], one);
    for threads in [1, 2, 3, 5, 8] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(pool.install(all), plain, "{threads}");
    }
}

#[test]
fn what_cannot_be_estimated_is_refused_by_name() {
    let x = ndarray::array![[0.0, 1.0], [2.0, 3.0]];
    let y = ndarray::array![[0.5, 1.0], [2.0, f64::NAN]];
    let plain = Options::default();
    let good = ndarray::array![[0.5, 1.0]];
    let (in_x, in_y) = ("x", "y");
    assert!(matches!(
        estimate::knn(&x, &y, 1, &plain),
        Err(Error::InvalidEntry { operand: Operand { index: 1, name }, row: 1, col: 1, .. }) if name == in_y
    ));
    assert!(matches!(
        estimate::knn(&x, &good, 2, &plain),
        Err(Error::TooFew { operand: Operand { index: 0, name }, found: 2, needed: 3 }) if name == in_x
    ));
    assert!(matches!(
        estimate::knn(&x, &good.slice_move(ndarray::s![..0, ..]), 1, &plain),
        Err(Error::TooFew { operand: Operand { index: 1, .. }, found: 0, needed: 1 })
    ));
    assert!(matches!(estimate::knn(&x, &x, 0, &plain), Err(Error::Option { name: "k", .. })));
    assert!(matches!(
        estimate::knn(&x, &ndarray::array![[1.0]], 1, &plain),
        Err(Error::ShapeMismatch { what: "y", .. })
    ));
    let nothing = Array2::<f64>::zeros((3, 0));
    assert!(matches!(estimate::knn(&nothing, &nothing, 1, &plain), Err(Error::Empty)));
    let mut reverse = Options::default();
    reverse.measure = Measure::Reverse;
    assert!(matches!(estimate::knn(&x, &x, 1, &reverse), Err(Error::Option { name: "measure", .. })));
    assert!(matches!(estimate::monte_carlo(&[], &[], &plain), Err(Error::Empty)));
    assert!(matches!(estimate::monte_carlo(&[0.0], &[], &plain), Err(Error::ShapeMismatch { .. })));
    // A lenient call gives NaN.
    let mut lenient = Options::default();
    lenient.invalid = Invalid::Nan;
    assert!(estimate::knn(&x, &y, 1, &lenient).unwrap().is_nan());
    assert!(estimate::monte_carlo(&[f64::NAN], &[0.0], &lenient).unwrap().value.is_nan());
}

#[test]
fn results_are_in_the_base_asked_for() {
    let (x, y) = (ndarray::array![[0.0], [1.0], [3.0]], ndarray::array![[0.5], [2.5], [7.0]]);
    let mut bits = Options::default();
    bits.base = Some(2.0);
    let nats = estimate::knn(&x, &y, 1, &Options::default()).unwrap();
    assert_eq!(estimate::knn(&x, &y, 1, &bits).unwrap(), nats / 2f64.ln());
    let (log_p, log_q) = ([-1.0, -2.0], [-1.5, -1.75]);
    let of = |options| estimate::monte_carlo(&log_p, &log_q, options).unwrap();
    let (nats, bits) = (of(&Options::default()), of(&bits));
    assert_eq!(bits.value, nats.value / 2f64.ln());
    assert_eq!(bits.standard_error, nats.standard_error / 2f64.ln());
}

#[test]
fn raw_samples_are_the_plug_in_of_their_counts_in_shared_bins() {
    let (x, y) = (normals(5, 4000), normals(6, 3000));
    let edges = estimate::bin_edges(&x, &y).unwrap();
    let count = |sample: &[f64]| -> Vec<u64> {
        let last = edges.len() - 2;
        let of = |i: usize| {
            let inside = |x: &&f64| edges[i] <= **x && (**x < edges[i + 1] || i == last);
            sample.iter().filter(inside).count() as u64
        };
        (0..=last).map(of).collect()
    };
    let (p, q) = (count(&x), count(&y));
    assert_eq!((p.iter().sum::<u64>(), q.iter().sum::<u64>()), (4000, 3000));
    let mut smoothed = Options::default();
    smoothed.smoothing = 0.5;
    smoothed.normalization = Normalization::Normalize;
    for measure in [Measure::Kl, Measure::Jeffreys, Measure::JENSEN_SHANNON_DISTANCE] {
        smoothed.measure = measure;
        let from_samples = estimate::histogram(&x, &y, &smoothed).unwrap();
        assert_eq!(from_samples, estimate::counts(&p, &q, &smoothed).unwrap());
        let row = kldiv::batch::rows(&p[..], &q[..], &smoothed).unwrap()[0];
        assert!((from_samples / row - 1.0).abs() < 1e-15);
    }
    // P is Q here, so what is left after the correction is smaller.
    let plain = estimate::counts(&p, &q, &smoothed_kl(false)).unwrap();
    let corrected = estimate::counts(&p, &q, &smoothed_kl(true)).unwrap();
    assert!(corrected.abs() < plain / 2.0, "{corrected} and {plain}");
}

fn smoothed_kl(miller_madow: bool) -> Options<'static> {
    let mut options = Options::default();
    options.smoothing = 0.5;
    options.normalization = Normalization::Normalize;
    options.miller_madow = miller_madow;
    options
}

/// Edges that numpy 2.4's `histogram_bin_edges(concatenate([x, y]), "auto")` gave, each to the last bit.
#[test]
fn bins_are_numpys() {
    for case in table("bins") {
        let (x, y) = (numbers(&case["x"]), numbers(&case["y"]));
        let got = match case["dtype"].as_str().unwrap() {
            "int" => {
                let integers = |x: &[f64]| x.iter().map(|x| *x as i64).collect::<Vec<_>>();
                estimate::bin_edges(&integers(&x), &integers(&y))
            }
            _ => estimate::bin_edges(&x, &y),
        };
        assert_eq!(got.unwrap(), numbers(&case["edges"]), "{}", case["name"]);
    }
}
