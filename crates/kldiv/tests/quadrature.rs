//! Quadrature, held to quadrature.json and to closed forms.

mod common;

use std::f64::consts::{LN_2, PI};

use common::{number, numbers, table};
use kldiv::quadrature::{self, Integral};
use kldiv::{Error, Options};
use serde_json::Value;

const INFINITY: f64 = f64::INFINITY;

/// ln Γ(x) for x > 0, by Stirling's series from 15 on.
fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut product) = (x, 1.0);
    while x < 15.0 {
        product *= x;
        x += 1.0;
    }
    let terms = [1.0 / 12.0, -1.0 / 360.0, 1.0 / 1260.0, -1.0 / 1680.0, 1.0 / 1188.0, -691.0 / 360_360.0];
    let series: f64 = terms.iter().enumerate().map(|(i, c)| c * x.powi(-1 - 2 * i as i32)).sum();
    (x - 0.5) * x.ln() - x + 0.5 * (2.0 * PI).ln() + series - product.ln()
}

/// The standard normal's probability of less than x, for moderate x.
fn normal_below(x: f64) -> f64 {
    let (mut term, mut sum) = (x, x);
    for n in 1..200 {
        term *= -x * x / 2.0 / f64::from(n);
        sum += term / f64::from(2 * n + 1);
    }
    0.5 + sum / (2.0 * PI).sqrt()
}

fn ln_sum_exp(terms: &[f64]) -> f64 {
    let most = terms.iter().copied().fold(-INFINITY, f64::max);
    if most == -INFINITY {
        return most;
    }
    most + terms.iter().map(|x| (x - most).exp()).sum::<f64>().ln()
}

type Density = Box<dyn Fn(f64) -> f64>;

fn normal(loc: f64, scale: f64) -> impl Fn(f64) -> f64 {
    let constant = scale.ln() + 0.5 * (2.0 * PI).ln();
    move |x| -0.5 * ((x - loc) / scale).powi(2) - constant
}

fn laplace(loc: f64, scale: f64) -> impl Fn(f64) -> f64 {
    let constant = (2.0 * scale).ln();
    move |x| -((x - loc) / scale).abs() - constant
}

/// The logarithm of the density that a case describes.
fn log_density(of: &Value) -> Density {
    let params = of["params"].clone();
    let get = |name: &str| number(&params[name]);
    let inside = |low: f64, high: f64, density: Density| -> Density {
        Box::new(move |x| if low <= x && x <= high { density(x) } else { -INFINITY })
    };
    let mixture = |component: &dyn Fn(f64, f64) -> Density| -> Density {
        let [weights, locs, scales] = ["weights", "locs", "scales"].map(|name| numbers(&params[name]));
        let parts: Vec<(f64, Density)> =
            (0..weights.len()).map(|i| (weights[i].ln(), component(locs[i], scales[i]))).collect();
        Box::new(move |x| {
            let terms: Vec<f64> = parts.iter().map(|(weight, part)| weight + part(x)).collect();
            ln_sum_exp(&terms)
        })
    };
    match of["formula"].as_str().unwrap() {
        "normal" => Box::new(normal(get("loc"), get("scale"))),
        "normal_mixture" => mixture(&|loc, scale| Box::new(normal(loc, scale))),
        "laplace" => Box::new(laplace(get("loc"), get("scale"))),
        "laplace_mixture" => mixture(&|loc, scale| Box::new(laplace(loc, scale))),
        "cauchy" => {
            let (loc, scale) = (get("loc"), get("scale"));
            Box::new(move |x| -(PI * scale).ln() - ((x - loc) / scale).powi(2).ln_1p())
        }
        "studentt" => {
            let (df, loc, scale) = (get("df"), get("loc"), get("scale"));
            let constant =
                ln_gamma((df + 1.0) / 2.0) - ln_gamma(df / 2.0) - 0.5 * (df * PI).ln() - scale.ln();
            Box::new(move |x| constant - (df + 1.0) / 2.0 * (((x - loc) / scale).powi(2) / df).ln_1p())
        }
        "truncated_normal" => {
            let [loc, scale, low, high] = ["loc", "scale", "low", "high"].map(get);
            let below = |x: f64| if x == INFINITY { 1.0 } else { normal_below((x - loc) / scale) };
            let constant = (below(high) - below(low)).ln();
            let density = normal(loc, scale);
            inside(low, high, Box::new(move |x| density(x) - constant))
        }
        "exponential" => {
            let rate = get("rate");
            inside(0.0, INFINITY, Box::new(move |x| rate.ln() - rate * x))
        }
        "gamma" => {
            let (a, b) = (get("concentration"), get("rate"));
            let constant = a * b.ln() - ln_gamma(a);
            inside(0.0, INFINITY, Box::new(move |x| constant + (a - 1.0) * x.ln() - b * x))
        }
        "weibull" => {
            let (scale, k) = (get("scale"), get("concentration"));
            let density = move |x: f64| (k / scale).ln() + (k - 1.0) * (x / scale).ln() - (x / scale).powf(k);
            inside(0.0, INFINITY, Box::new(density))
        }
        "lognormal" => {
            let density = normal(get("loc"), get("scale"));
            inside(0.0, INFINITY, Box::new(move |x| density(x.ln()) - x.ln()))
        }
        "uniform" => {
            let (low, high) = (get("low"), get("high"));
            inside(low, high, Box::new(move |_| -(high - low).ln()))
        }
        "triangular" => {
            let [low, mode, high] = ["low", "mode", "high"].map(get);
            let density = move |x: f64| {
                let share = if x < mode { (x - low) / (mode - low) } else { (high - x) / (high - mode) };
                (2.0 / (high - low)).ln() + share.ln()
            };
            inside(low, high, Box::new(density))
        }
        "beta" => {
            let (a, b) = (get("concentration1"), get("concentration0"));
            let constant = ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b);
            let density = move |x: f64| constant + (a - 1.0) * x.ln() + (b - 1.0) * (-x).ln_1p();
            inside(0.0, 1.0, Box::new(density))
        }
        "neglog" => inside(0.0, 1.0, Box::new(|x: f64| (-x.ln()).ln())),
        "cosine" => {
            let (a, n) = (get("amplitude"), get("frequency"));
            inside(0.0, 1.0, Box::new(move |x| (a * (2.0 * PI * n * x).cos()).ln_1p()))
        }
        "quartic" => {
            let (loc, scale) = (get("loc"), get("scale"));
            let constant = (2.0 * scale).ln() + ln_gamma(1.25);
            Box::new(move |x| -((x - loc) / scale).powi(4) - constant)
        }
        "piecewise_constant" => {
            let (edges, heights) = (numbers(&params["edges"]), numbers(&params["heights"]));
            let (low, high) = (edges[0], edges[edges.len() - 1]);
            let density = move |x: f64| {
                let piece = edges.partition_point(|edge| *edge <= x).clamp(1, heights.len()) - 1;
                heights[piece].ln()
            };
            inside(low, high, Box::new(density))
        }
        other => panic!("{other}"),
    }
}

fn logs() -> Options<'static> {
    let mut options = Options::default();
    options.log_density = true;
    options
}

#[test]
fn the_tests_own_functions_are_right() {
    for (x, want) in [(0.5, 0.5 * PI.ln()), (1.0, 0.0), (5.0, 24f64.ln()), (1.25, -0.098_271_836_421_813_17)]
    {
        assert!((ln_gamma(x) - want).abs() < 1e-14, "{x}");
    }
    assert!((normal_below(2.0) - 0.977_249_868_051_820_8).abs() < 1e-15);
}

/// One case, through logarithms or densities; the worst relative error and the number of evaluations.
fn check(case: &Value, breaks: &[f64], tolerance: f64, log: bool) -> (f64, usize) {
    let name = case["name"].as_str().unwrap();
    let (p, q) = (log_density(&case["p"]), log_density(&case["q"]));
    let support = numbers(&case["support"]);
    let mut calls = 0;
    let mut options = Options::default();
    options.log_density = log;
    let of = |x: f64| if log { x } else { x.exp() };
    let counted = |x: f64| {
        calls += 1;
        of(p(x))
    };
    let got = quadrature::kl(counted, |x| of(q(x)), support[0], support[1], breaks, &options);
    let want = number(&case["expect"]["kl"]);
    println!("{name:40} {breaks:?} {got:?} {calls} calls, want {want}");
    if want == INFINITY {
        let infinite = matches!(got, Ok(Integral { value: INFINITY, .. }));
        assert!(infinite || matches!(got, Err(Error::NotConverged { .. })), "{name}: {got:?}");
        return (0.0, calls);
    }
    let Integral { value, error } = got.unwrap_or_else(|error| panic!("{name}: {error}"));
    let off = (value - want).abs();
    assert!(off <= error, "{name}: off by {off:e}, more than {error:e}");
    assert!(value >= 0.0, "{name}: {value}");
    if name.contains("near_equal") || want == 0.0 {
        assert!(off <= 1e-14, "{name}: off by {off:e}");
        return (0.0, calls);
    }
    let off = off / want;
    assert!(off <= tolerance, "{name}: off by {off:e}, relatively");
    (off, calls)
}

#[test]
fn every_case_is_within_the_tolerance_with_and_without_break_points() {
    let (mut worst, mut most) = ([0.0f64; 2], [0; 2]);
    for case in table("quadrature") {
        let breaks = numbers(&case["breakpoints"]);
        for (i, (breaks, tolerance)) in [(&breaks[..], 1e-9), (&[][..], 1e-7)].into_iter().enumerate() {
            let (off, calls) = check(&case, breaks, tolerance, true);
            (worst[i], most[i]) = (worst[i].max(off), most[i].max(calls));
        }
    }
    println!("relative errors up to {worst:?}, calls of p up to {most:?}");
}

#[test]
fn densities_need_no_logarithms_where_p_is_negligible_once_q_has_underflowed() {
    for case in table("quadrature") {
        let breaks = numbers(&case["breakpoints"]);
        if case["name"] == "studentt_vs_normal" {
            // It has 1e-8 of its mass where q is below the smallest number.
            let (p, q) = (log_density(&case["p"]), log_density(&case["q"]));
            let (p, q) = (|x| p(x).exp(), |x| q(x).exp());
            let found = quadrature::kl(p, q, -INFINITY, INFINITY, &[], &Options::default());
            assert!(matches!(found, Err(Error::NotConverged { .. })), "{found:?}");
            continue;
        }
        check(&case, &breaks, 1e-9, false);
        check(&case, &[], 1e-7, false);
    }
}

/// A mixture with an eighth of its mass in a spike.
fn spiked(loc: f64, scale: f64) -> impl Fn(f64) -> f64 {
    let (wide, spike) = (normal(0.0, 1.0), normal(loc, scale));
    move |x| ln_sum_exp(&[0.875f64.ln() + wide(x), 0.125f64.ln() + spike(x)])
}

/// What a step of the numbers near loc is of a deviation there, with room: no function of x can say more.
fn steps(loc: f64, scale: f64) -> f64 {
    1e3 * f64::EPSILON * loc.abs() / scale
}

#[test]
fn a_spike_is_found_or_said_to_be_missing() {
    let q = normal(0.0, 1.0);
    // About 1/8 (ln(1/8/scale) - 1/2 + z^2/2) + 7/8 ln(7/8), and what the two share.
    for (loc, scale) in [(1.0, 1e-6), (0.5, 1e-6), (-0.3, 1e-6), (2.75, 1e-9), (0.0, 1e-12), (37.0, 1e-4)] {
        let want = 0.125 * ((0.125f64 / scale).ln() - 0.5 + loc * loc / 2.0) + 0.875 * 0.875f64.ln();
        for breaks in [&[loc][..], &[]] {
            let mut options = logs();
            options.rel_tolerance = 1e-9 + steps(loc, scale);
            let found = quadrature::kl(spiked(loc, scale), &q, -INFINITY, INFINITY, breaks, &options);
            println!("{loc} {scale} {breaks:?} {found:?} {want}");
            let found = found.unwrap();
            assert!((found.value - want).abs() < 40.0 * scale + 1e-8, "{loc} {scale}");
        }
    }
    let hidden = std::f64::consts::FRAC_1_SQRT_2;
    let found = quadrature::kl(spiked(hidden, 1e-9), &q, -INFINITY, INFINITY, &[], &logs());
    let Err(Error::NotConverged { value, error, mass }) = found else { panic!("{found:?}") };
    assert!((mass - 0.875).abs() < 1e-6 && value.is_finite() && error > 0.1, "{value} {error} {mass}");
}

#[test]
fn any_place_and_size_will_do() {
    for (loc, scale) in
        [(1e6, 1e-3), (-50.0, 1.0), (1e-3, 1e-9), (0.0, 1e-140), (1e100, 1e98), (12345.678, 0.01)]
    {
        let (p, q) = (normal(loc, scale), normal(loc + scale, 2.0 * scale));
        let mut options = logs();
        options.rel_tolerance = 1e-9 + steps(loc, scale);
        let found = quadrature::kl(p, q, -INFINITY, INFINITY, &[], &options).unwrap();
        println!("{loc} {scale} {found:?}");
        let off = (found.value - 0.443_147_180_559_945_3).abs();
        assert!(off <= found.error && found.error <= options.rel_tolerance, "{loc} {scale} {found:?}");
    }
}

#[test]
fn ends_and_break_points_that_are_far_off_hide_nothing() {
    let want = 2f64.ln() + 0.125 - 0.5;
    for far in [1e3, 1e6, 1e8, 1e12, 1e100, 1e200, 1e300, f64::MAX] {
        for (lower, upper, breaks) in [
            (-far, far, &[][..]),
            (-far, INFINITY, &[]),
            (-INFINITY, far, &[]),
            (-INFINITY, INFINITY, &[far]),
            (-INFINITY, INFINITY, &[-far, far]),
        ] {
            for log in [true, false] {
                let value = |x: f64| if log { x } else { x.exp() };
                let (p, q) = (|x| value(normal(0.0, 1.0)(x)), |x| value(normal(0.0, 2.0)(x)));
                let mut options = logs();
                options.log_density = log;
                let found = quadrature::kl(p, q, lower, upper, breaks, &options);
                println!("{lower} {upper} {breaks:?} {log} {found:?}");
                assert!((found.unwrap().value - want).abs() < 1e-9, "{lower} {upper} {breaks:?} {log}");
            }
        }
    }
}

#[test]
fn near_densities_have_a_divergence_that_is_relatively_accurate() {
    for shift in [1e-3, 1e-6, 1e-9, 1e-12] {
        let (p, q) = (normal(0.0, 1.0), move |x| normal(0.0, 1.0)(x - shift));
        // ln p - ln q is exact to rounding of its own size if it is formed from x alone.
        let found = quadrature::kl(p, q, -INFINITY, INFINITY, &[], &logs()).unwrap();
        let want = shift * shift / 2.0;
        println!("{shift:e} {found:?}");
        assert!(
            (found.value - want).abs() <= found.error.min(1e-14) && found.value >= 0.0,
            "{shift:e} {found:?}"
        );
    }
}

#[test]
fn singular_ends_are_integrated_to_the_end_wherever_they_are() {
    let beta = |a: f64, b: f64| {
        log_density(&serde_json::json!({
            "formula": "beta", "params": {"concentration1": a, "concentration0": b}
        }))
    };
    let digamma = |x: f64| {
        let h = 1e-4;
        let d = |h: f64| (ln_gamma(x + h) - ln_gamma(x - h)) / (2.0 * h);
        (4.0 * d(h) - d(2.0 * h)) / 3.0
    };
    for (a, b) in [(0.1, 0.1), (0.5, 0.2), (0.02, 3.0), (3.0, 0.05)] {
        let ln_beta = ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b);
        let want =
            -ln_beta + (a - 1.0) * digamma(a) + (b - 1.0) * digamma(b) - (a + b - 2.0) * digamma(a + b);
        let found = quadrature::kl(beta(a, b), |_| 0.0, 0.0, 1.0, &[], &logs()).unwrap();
        println!("beta({a}, {b}) {found:?} {want}");
        assert!((found.value / want - 1.0).abs() < 1e-7, "beta({a}, {b}): {found:?}, want {want}");
        // The same on [5, 6].
        let moved = |x: f64| beta(a, b)(x - 5.0);
        if a >= 0.1 && b >= 0.1 {
            let found = quadrature::kl(moved, |_| 0.0, 5.0, 6.0, &[], &logs()).unwrap();
            assert!((found.value / want - 1.0).abs() < 1e-7, "beta({a}, {b}) from 5: {found:?}, want {want}");
        }
    }
}

#[test]
fn divergence_is_seen_whatever_makes_it() {
    let cauchy = |x: f64| -PI.ln() - (x * x).ln_1p();
    let infinite = |found: Result<Integral, Error>| {
        println!("{found:?}");
        assert!(matches!(found, Ok(Integral { value: INFINITY, .. })), "{found:?}");
    };
    infinite(quadrature::kl(cauchy, normal(3.0, 2.0), -INFINITY, INFINITY, &[], &logs()));
    infinite(quadrature::kl(cauchy, laplace(0.0, 1.0), -INFINITY, INFINITY, &[], &logs()));
    infinite(quadrature::kl(|_| 0.0, |x: f64| -1.0 / x, 0.0, 1.0, &[], &logs()));
    infinite(quadrature::kl(|_| 0.0, |x: f64| -1.0 / (1.0 - x), 0.0, 1.0, &[], &logs()));
    // As densities: a normal reaches beyond any interval, by however little.
    let uniform = |x: f64| if x.abs() < 20.0 { 1.0 / 40.0 } else { 0.0 };
    let p = |x: f64| normal(0.0, 1.0)(x).exp();
    for breaks in [&[][..], &[-20.0, 20.0]] {
        infinite(quadrature::kl(p, uniform, -INFINITY, INFINITY, breaks, &Options::default()));
    }
    // A lone zero of q costs nothing.
    let dip = |x: f64| 12.0 * (x - 0.5) * (x - 0.5);
    let found = quadrature::kl(|_| 1.0, dip, 0.0, 1.0, &[], &Options::default()).unwrap();
    assert!((found.value - (2.0 - 3f64.ln())).abs() < 1e-8, "{found:?}");
}

#[test]
fn what_is_no_density_is_named() {
    let of = |p: fn(f64) -> f64, q: fn(f64) -> f64| quadrature::kl(p, q, 0.0, 1.0, &[], &Options::default());
    let bad = |found: Result<Integral, Error>, name: &str| {
        let Err(Error::Density { operand, value, x, .. }) = found else { panic!("{found:?}") };
        assert!(operand.name == name && !(value >= 0.0) && (0.0..=1.0).contains(&x));
    };
    bad(of(|x| x - 0.5, |_| 1.0), "p");
    bad(of(|_| 1.0, |x| if x > 0.7 { f64::NAN } else { 1.0 }), "q");
    let half = of(|_| 0.5, |_| 1.0);
    let Err(Error::NotConverged { mass, value, .. }) = half else { panic!("{half:?}") };
    assert!((mass - 0.5).abs() < 1e-12 && (value - 0.5 * 0.5f64.ln()).abs() < 1e-12);
    for (lower, upper, option) in [
        (f64::NAN, 1.0, "lower"),
        (INFINITY, INFINITY, "lower"),
        (1.0, 1.0, "upper"),
        (0.0, f64::NAN, "upper"),
    ] {
        let found = quadrature::kl(|_| 1.0, |_| 1.0, lower, upper, &[], &Options::default());
        assert!(matches!(found, Err(Error::Option { name, .. }) if name == option), "{found:?}");
    }
    let found = quadrature::kl(|_| 1.0, |_| 1.0, 0.0, 1.0, &[f64::NAN], &Options::default());
    assert!(matches!(found, Err(Error::Option { name: "breaks", .. })));
}

#[test]
fn a_base_divides_the_value_and_its_bound() {
    let mut bits = logs();
    bits.base = Some(2.0);
    let of = |options| quadrature::kl(normal(0.0, 1.0), normal(1.0, 2.0), -INFINITY, INFINITY, &[], options);
    let (nats, bits) = (of(&logs()).unwrap(), of(&bits).unwrap());
    assert_eq!((bits.value, bits.error), (nats.value / LN_2, nats.error / LN_2));
}
