//! Every pair of testdata/continuous.json, at the tolerance that testdata/README.md gives for its kind.

mod common;

use common::{SplitMix, Tally, number, table};
use kldiv::{Error, Family, Measure, Options, View, ViewMut, family};
use ndarray::Array2;
use serde_json::Value;

/// A row of parameters in the order of [`Family`], and the dimension that a low-rank normal needs.
fn row_of(side: &Value) -> (Family, Vec<f64>, u32) {
    let name = side["family"].as_str().unwrap();
    let params = side["params"].as_object().unwrap();
    let has = |key: &str| params.contains_key(key);
    let name = match name {
        "bernoulli" | "categorical" if has("logits") => format!("{name}_logits"),
        "mvnormal" if has("scale_tril") => "mvnormal_tril".into(),
        "mvnormal" if has("precision_matrix") => "mvnormal_precision".into(),
        "mvnormal" if has("scale_diag") => "mvnormal_diag".into(),
        "mvnormal" if has("cov_factor") => "mvnormal_lowrank".into(),
        name => name.to_owned(),
    };
    let family = Family::ALL.iter().copied().find(|family| family.name() == name).unwrap();
    let order: Vec<&str> = match family {
        Family::Normal
        | Family::Laplace
        | Family::Gumbel
        | Family::Logistic
        | Family::Moyal
        | Family::Cauchy
        | Family::LogNormal => vec!["loc", "scale"],
        Family::HalfNormal => vec!["scale"],
        Family::Exponential | Family::Poisson => vec!["rate"],
        Family::Gamma | Family::InverseGamma => vec!["concentration", "rate"],
        Family::Chi2 | Family::Chi => vec!["df"],
        Family::Beta | Family::Kumaraswamy => vec!["concentration1", "concentration0"],
        Family::ContinuousBernoulli | Family::Bernoulli | Family::Categorical | Family::Geometric => {
            vec!["probs"]
        }
        Family::BernoulliLogits | Family::CategoricalLogits => vec!["logits"],
        Family::Uniform => vec!["low", "high"],
        Family::Weibull => vec!["scale", "concentration"],
        Family::Pareto => vec!["scale", "alpha"],
        Family::StudentT => vec!["df", "loc", "scale"],
        Family::VonMises => vec!["loc", "concentration"],
        Family::Binomial | Family::NegativeBinomial | Family::Multinomial => vec!["total_count", "probs"],
        Family::Dirichlet => vec!["concentration"],
        Family::MvNormal => vec!["loc", "covariance_matrix"],
        Family::MvNormalTril => vec!["loc", "scale_tril"],
        Family::MvNormalPrecision => vec!["loc", "precision_matrix"],
        Family::MvNormalDiag => vec!["loc", "scale_diag"],
        Family::MvNormalLowRank => vec!["loc", "cov_diag", "cov_factor"],
        Family::Wishart => vec!["df", "covariance_matrix"],
        Family::InverseWishart => vec!["df", "scale_matrix"],
        other => panic!("{other:?}"),
    };
    assert_eq!(order.len(), params.len(), "{name}");
    fn flatten(x: &Value, out: &mut Vec<f64>) {
        match x {
            Value::Array(parts) => parts.iter().for_each(|x| flatten(x, out)),
            x => out.push(number(x)),
        }
    }
    let mut row = Vec::new();
    order.iter().for_each(|key| flatten(&params[*key], &mut row));
    let dim = params.get("loc").and_then(Value::as_array).map_or(0, |loc| loc.len() as u32);
    (family, row, dim)
}

const ELEMENTARY: [&str; 13] = [
    "normal",
    "lognormal",
    "laplace",
    "halfnormal",
    "exponential",
    "uniform",
    "pareto",
    "cauchy",
    "bernoulli",
    "binomial",
    "geometric",
    "poisson",
    "negativebinomial",
];
const DISCRETE: [&str; 7] =
    ["bernoulli", "binomial", "geometric", "poisson", "negativebinomial", "categorical", "multinomial"];

/// The relative error that a case may have.
fn tolerance(case: &Value, p: Family, q: Family) -> f64 {
    let (p, q) = (p.name(), q.name());
    let within = |families: &[&str]| {
        families.iter().any(|x| p.starts_with(x)) && families.iter().any(|x| q.starts_with(x))
    };
    let numeric = case["source"].as_str().unwrap().starts_with("quadrature");
    match case["tag"].as_str().unwrap() {
        "near" if numeric => 1e-8,
        "near" if within(&DISCRETE) || within(&ELEMENTARY) || p == "mvnormal_diag" => 1e-12,
        "near" => 1e-8,
        _ if numeric => 1e-9,
        "logits" => 1e-12,
        "extreme" if within(&ELEMENTARY) || p.starts_with("mvnormal") => 1e-12,
        "extreme" => 1e-9,
        "ill-conditioned" => 1e-10,
        _ if within(&DISCRETE) && p != q => 1e-12,
        _ if within(&ELEMENTARY) => 1e-13,
        _ => 1e-12,
    }
}

fn options<'a>(dim: u32) -> Options<'a> {
    let mut options = Options::default();
    options.dim = dim;
    options
}

#[test]
fn every_pair_of_the_table_is_within_its_tolerance() {
    let mut tally = Tally::default();
    for case in table("continuous") {
        let (p, p_row, dim) = row_of(&case["p"]);
        let (q, q_row, _) = row_of(&case["q"]);
        let want = number(&case["expect"]["kl"]);
        let got = family::kl(p, View::from(&p_row[..]), q, View::from(&q_row[..]), &options(dim)).unwrap()[0];
        let error = match want {
            want if got == want => 0.0,
            0.0 | f64::INFINITY => f64::INFINITY,
            want => ((got - want) / want).abs(),
        };
        tally.require(got >= 0.0, || format!("{}: {got:e}", case["name"]));
        let tolerance = tolerance(&case, p, q);
        let tag = case["tag"].as_str().unwrap();
        tally.count(tag, error / tolerance, 1.0, || format!("{}: {got:e}, want {want:e}", case["name"]));
    }
    tally.done("families, in units of their tolerance");
}

/// Parameters of every family that are fine, of dimension 2 where there is one.
fn fine(family: Family) -> &'static [f64] {
    match family {
        Family::StudentT => &[4.5, 0.25, 1.5],
        Family::HalfNormal | Family::Exponential | Family::Chi2 | Family::Chi | Family::Poisson => &[2.5],
        Family::ContinuousBernoulli | Family::Bernoulli | Family::Geometric => &[0.375],
        Family::BernoulliLogits => &[-0.5],
        Family::Categorical => &[0.25, 0.75],
        Family::CategoricalLogits | Family::Uniform => &[0.25, 2.0],
        Family::Binomial | Family::NegativeBinomial => &[7.0, 0.375],
        Family::Multinomial => &[7.0, 0.25, 0.75],
        Family::MvNormal | Family::MvNormalPrecision => &[0.5, 1.0, 2.0, 0.5, 0.5, 1.0],
        Family::MvNormalTril => &[0.5, 1.0, 2.0, 0.0, 0.5, 1.0],
        Family::MvNormalDiag => &[0.5, 1.0, 2.0, 0.5],
        Family::MvNormalLowRank => &[0.5, 1.0, 2.0, 0.5, 1.0, -1.0],
        Family::Wishart | Family::InverseWishart => &[3.5, 2.0, 0.5, 0.5, 1.0],
        _ => &[0.75, 2.5],
    }
}

fn measure(measure: Measure, p: (Family, &[f64]), q: (Family, &[f64])) -> Result<f64, Error> {
    let mut options = Options::from(measure);
    options.dim = 2;
    Ok(family::kl(p.0, View::from(p.1), q.0, View::from(q.1), &options)?[0])
}

fn kl(family: Family, p: &[f64], q: &[f64]) -> f64 {
    measure(Measure::Kl, (family, p), (family, q)).unwrap()
}

#[test]
fn equal_parameters_give_exactly_0_and_near_ones_a_little() {
    for &family in Family::ALL {
        let p = fine(family);
        assert_eq!(kl(family, p, p), 0.0, "{family:?}");
        // Of the last parameter alone: no matrix loses its symmetry.
        let mut last = f64::INFINITY;
        for by in [1e-3, 1e-6, 1e-9] {
            let mut q = p.to_vec();
            *q.last_mut().unwrap() *= 1.0 + by;
            let divergence = kl(family, p, &q);
            assert!(divergence > 0.0 && divergence < last, "{family:?} {by}: {divergence:e}");
            // A uniform distribution's is of the first order, all others' of the second.
            let second = divergence / if family == Family::Uniform { by } else { by * by };
            assert!((1e-3..1e3).contains(&second), "{family:?} {by}: {divergence:e}");
            last = divergence;
        }
    }
}

#[test]
fn cross_entropy_is_entropy_and_divergence() {
    for &family in Family::ALL {
        let p = fine(family);
        let mut q = p.to_vec();
        *q.last_mut().unwrap() *= 1.25;
        let get = |of| measure(of, (family, p), (family, &q)).unwrap();
        let (kl, entropy, cross) = (get(Measure::Kl), get(Measure::Entropy), get(Measure::CrossEntropy));
        assert!(
            (cross - entropy - kl).abs() < 1e-12 * (1.0 + cross.abs()),
            "{family:?}: {cross} {entropy} {kl}"
        );
        assert_eq!(get(Measure::Generalized), kl);
        let reverse = measure(Measure::Kl, (family, &q), (family, p)).unwrap();
        // Many normal pairs at once have their own road.
        let same = |a: f64, b: f64| a == b || (a - b).abs() <= 5e-15 * b;
        assert!(
            same(get(Measure::Reverse), reverse) && same(get(Measure::Jeffreys), kl + reverse),
            "{family:?}"
        );
    }
}

/// Entropies that are in every textbook.
#[test]
fn entropies_are_the_textbooks() {
    let entropy = |family, p: &[f64]| measure(Measure::Entropy, (family, p), (family, p)).unwrap();
    let pi = std::f64::consts::PI;
    let euler = 0.577_215_664_901_532_9;
    for (family, p, want) in [
        (Family::Normal, &[3.0, 2.0][..], 0.5 * (2.0 * pi * 1f64.exp() * 4.0).ln()),
        (Family::Laplace, &[3.0, 2.0], 1.0 + 4f64.ln()),
        (Family::Gumbel, &[3.0, 2.0], 2f64.ln() + euler + 1.0),
        (Family::Logistic, &[3.0, 2.0], 2f64.ln() + 2.0),
        (Family::Moyal, &[3.0, 2.0], 2f64.ln() + 0.5 * (1.0 + euler + (4.0 * pi).ln())),
        (Family::Cauchy, &[3.0, 2.0], (8.0 * pi).ln()),
        (Family::StudentT, &[1.0, 3.0, 2.0], (8.0 * pi).ln()),
        (Family::Exponential, &[4.0], 1.0 - 4f64.ln()),
        (Family::Gamma, &[1.0, 4.0], 1.0 - 4f64.ln()),
        (Family::InverseGamma, &[1.0, 4.0], 1.0 + 4f64.ln() + 2.0 * euler),
        (Family::Chi2, &[2.0], 1.0 + 2f64.ln()),
        (Family::HalfNormal, &[2.0], 0.5 * (2.0 * pi).ln() + 0.5),
        (Family::Weibull, &[2.0, 4.0], 0.75 * euler + 0.5f64.ln() + 1.0),
        (Family::Uniform, &[2.0, 6.0], 4f64.ln()),
        (Family::Beta, &[1.0, 1.0], 0.0),
        (Family::Beta, &[2.0, 1.0], 0.5 - 2f64.ln()),
        (Family::Kumaraswamy, &[2.0, 1.0], 0.5 - 2f64.ln()),
        (Family::ContinuousBernoulli, &[0.5], 0.0),
        (Family::Pareto, &[2.0, 4.0], 0.5f64.ln() + 1.25),
        (Family::VonMises, &[2.0, 0.0], (2.0 * pi).ln()),
        (Family::Bernoulli, &[0.5], 2f64.ln()),
        (Family::BernoulliLogits, &[0.0], 2f64.ln()),
        (Family::Categorical, &[3.0, 3.0, 3.0], 3f64.ln()),
        (Family::CategoricalLogits, &[7.0, 7.0, 7.0], 3f64.ln()),
        (Family::Binomial, &[2.0, 0.5], 1.5 * 2f64.ln()),
        (Family::Geometric, &[0.5], 2.0 * 2f64.ln()),
        (Family::NegativeBinomial, &[1.0, 0.5], 2.0 * 2f64.ln()),
        (Family::Poisson, &[0.0], 0.0),
        (Family::Multinomial, &[2.0, 0.5, 0.5], 1.5 * 2f64.ln()),
        (Family::Dirichlet, &[1.0, 1.0, 1.0], -(2f64.ln())),
        (Family::MvNormalDiag, &[0.0, 1.0, 2.0, 0.5], (2.0 * pi * 1f64.exp()).ln()),
        (Family::Wishart, &[2.0, 1.0], 1.0 + 2f64.ln()),
        (Family::InverseWishart, &[2.0, 8.0], 1.0 + 4f64.ln() + 2.0 * euler),
    ] {
        let got = entropy(family, p);
        assert!((got - want).abs() < 1e-14 * (1.0 + want.abs()), "{family:?} {p:?}: {got}, want {want}");
    }
}

/// A change of variable, one to one, changes no divergence.
#[test]
fn variables_that_are_functions_of_each_other_have_one_divergence() {
    let same = |(f, p, q): (Family, [f64; 2], [f64; 2]), (g, r, s): (Family, [f64; 2], [f64; 2])| {
        let (a, b) = (kl(f, &p, &q), kl(g, &r, &s));
        assert!((a - b).abs() <= 1e-14 * b, "{f:?} {a}, {g:?} {b}");
    };
    same((Family::Normal, [0.5, 1.5], [1.0, 2.0]), (Family::LogNormal, [0.5, 1.5], [1.0, 2.0]));
    same((Family::Gamma, [0.5, 1.5], [1.0, 2.0]), (Family::InverseGamma, [0.5, 1.5], [1.0, 2.0]));
    // −ln of an exponential variable is a Gumbel one, of a Weibull one too.
    let (k, l) = (1.5, 2.0);
    let weibull = (Family::Weibull, [2.0, k], [3.0, l]);
    same(weibull, (Family::Gumbel, [-(2f64.ln()), 1.0 / k], [-(3f64.ln()), 1.0 / l]));
    let chi2 = measure(Measure::Kl, (Family::Chi2, &[3.0]), (Family::Chi2, &[7.0])).unwrap();
    assert_eq!(chi2, kl(Family::Chi, &[3.0], &[7.0]));
    let gamma = kl(Family::Gamma, &[1.5, 0.5], &[3.5, 0.5]);
    assert!((chi2 - gamma).abs() <= 1e-14 * chi2, "chi2 {chi2}, gamma {gamma}");
    same((Family::Dirichlet, [0.3, 2.5], [4.0, 0.5]), (Family::Beta, [0.3, 2.5], [4.0, 0.5]));
}

#[test]
fn every_parameter_outside_its_domain_is_named() {
    for &family in Family::ALL {
        let p = fine(family);
        for col in 0..p.len() {
            for bad in [f64::NAN, f64::INFINITY] {
                let mut q = p.to_vec();
                q[col] = bad;
                let error = measure(Measure::Kl, (family, p), (family, &q)).unwrap_err();
                let Error::Parameter { operand, row, col: found, value, name, .. } = error else {
                    panic!("{family:?} {col}: {error}")
                };
                // Of a matrix that is no mirror image the first entry is named.
                assert_eq!((operand.index, row, name.is_empty()), (1, 0, false), "{family:?}");
                assert!(found == col && value.to_bits() == bad.to_bits(), "{family:?} {col}: {found}");
                for asked in [Measure::Reverse, Measure::Jeffreys, Measure::CrossEntropy, Measure::Entropy] {
                    // Entropy has one operand, which is p.
                    let (p, place) = if asked == Measure::Entropy { (&q[..], 0) } else { (p, 1) };
                    let error = measure(asked, (family, p), (family, &q)).unwrap_err();
                    let named = matches!(error, Error::Parameter { operand, .. } if operand.index == place);
                    assert!(named, "{family:?} {asked:?}: {error}");
                }
            }
        }
    }
    for (family, params, col) in [
        (Family::Normal, &[0.0, 0.0][..], 1),
        (Family::Uniform, &[1.0, 1.0], 1),
        (Family::Bernoulli, &[1.5], 0),
        (Family::ContinuousBernoulli, &[1.0], 0),
        (Family::Binomial, &[2.5, 0.5], 0),
        (Family::Geometric, &[0.0], 0),
        (Family::NegativeBinomial, &[2.0, 1.0], 1),
        (Family::Poisson, &[-1.0], 0),
        (Family::Categorical, &[0.0, 0.0], 0),
        (Family::CategoricalLogits, &[f64::NEG_INFINITY, f64::NEG_INFINITY], 0),
        (Family::MvNormal, &[0.0, 0.0, 1.0, 0.5, 0.25, 1.0], 4),
        (Family::MvNormalTril, &[0.0, 0.0, 1.0, 0.5, 0.25, 1.0], 3),
        (Family::Wishart, &[1.0, 1.0, 0.0, 0.0, 1.0], 0),
    ] {
        for asked in [Measure::Kl, Measure::Entropy, Measure::CrossEntropy] {
            let error = measure(asked, (family, params), (family, params)).unwrap_err();
            assert!(
                matches!(error, Error::Parameter { col: c, operand, .. } if c == col && operand.index == 0),
                "{error}"
            );
        }
    }
}

/// Of families whose pairs are computed together.
#[test]
fn parameters_out_of_range_are_named_or_taken_by_themselves_among_others() {
    let options = Options::default();
    let families = [Family::Normal, Family::LogNormal, Family::Gamma, Family::InverseGamma, Family::Beta];
    for family in families {
        let (p, q) = many(family, 13);
        let expected = family::kl(family, &p, family, &q, &options).unwrap();
        let positive = if matches!(family, Family::Normal | Family::LogNormal) { 1..2 } else { 0..2 };
        for col in positive {
            for bad in [-1.0, -1e-160, 0.0, -0.0] {
                for side in [0, 1] {
                    let mut sides = [p.clone(), q.clone()];
                    sides[side][[5, col]] = bad;
                    let error = family::kl(family, &sides[0], family, &sides[1], &options).unwrap_err();
                    let Error::Parameter { operand, row, col: found, value, .. } = error else {
                        panic!("{family:?} {col} {bad}: {error}")
                    };
                    assert_eq!(
                        (operand.index as usize, row, found, value),
                        (side, 5, col, bad),
                        "{family:?}"
                    );
                }
            }
            for far in [1e-160, 1e160] {
                let (mut p, mut q) = (p.clone(), q.clone());
                (p[[5, col]], q[[5, col]]) = (far, 2.0 * far);
                let together = family::kl(family, &p, family, &q, &options).unwrap();
                let each = family::kl(family, &q, family, &p, &Options::from(Measure::Reverse)).unwrap();
                for i in 0..13 {
                    let want = if i == 5 { each[i] } else { expected[i] };
                    assert_eq!(together[i].to_bits(), want.to_bits(), "{family:?} {col} {far} row {i}");
                }
            }
        }
    }
}

#[test]
fn what_has_no_answer_is_refused() {
    let normal = (Family::Normal, fine(Family::Normal));
    for q in [Family::Poisson, Family::Dirichlet, Family::VonMises, Family::MvNormalDiag] {
        let error = measure(Measure::Kl, normal, (q, fine(q))).unwrap_err();
        assert!(
            matches!(error, Error::UnsupportedPair { p: "normal", q: name } if name == q.name()),
            "{error}"
        );
    }
    for of in [Measure::JENSEN_SHANNON, Measure::Renyi { alpha: 2.0 }] {
        assert!(matches!(measure(of, normal, normal), Err(Error::Option { name: "measure", .. })));
    }
    let wide = measure(Measure::Kl, normal, (Family::Normal, &[0.0, 1.0, 2.0]));
    assert!(matches!(wide, Err(Error::ShapeMismatch { what: "q_params", .. })));
    let other = measure(Measure::Kl, (Family::Dirichlet, &[1.0, 1.0]), (Family::Dirichlet, &[1.0, 1.0, 1.0]));
    assert!(matches!(other, Err(Error::ShapeMismatch { what: "q_params", .. })));
    let low_rank = (Family::MvNormalLowRank, View::from(fine(Family::MvNormalLowRank)));
    let error = family::kl(low_rank.0, low_rank.1, low_rank.0, low_rank.1, &Options::default()).unwrap_err();
    assert!(matches!(error, Error::Option { name: "dim", .. }), "{error}");
}

/// Many pairs of every family, as one matrix a side.
fn many(family: Family, rows: usize) -> (Array2<f64>, Array2<f64>) {
    let mut random = SplitMix(family as u64);
    let one = fine(family);
    let side = || Array2::from_shape_fn((rows, one.len()), |(_, j)| one[j]);
    let (mut p, mut q) = (side(), side());
    for row in p.rows_mut().into_iter().chain(q.rows_mut()) {
        let last = row.len() - 1;
        row.into_slice().unwrap()[last] *= 0.8 + 0.2 * random.unit();
    }
    (p, q)
}

#[test]
fn a_row_has_the_same_bits_alone_among_many_and_on_any_number_of_threads() {
    for &family in Family::ALL {
        // Enough for more than one task.
        let slow = [
            Family::Logistic,
            Family::StudentT,
            Family::Kumaraswamy,
            Family::Wishart,
            Family::InverseWishart,
        ];
        let rows = if slow.contains(&family) { 100 } else { 3000 };
        let (p, mut q) = many(family, rows);
        if family == Family::Uniform {
            q.column_mut(1).fill(2.0);
        }
        let mut options = Options::default();
        options.dim = 2;
        let alone = |i: usize| {
            let (p, q) = (p.row(i).to_vec(), q.row(i).to_vec());
            family::kl(family, View::from(&p[..]), family, View::from(&q[..]), &options).unwrap()[0]
        };
        let mut expected = None;
        for threads in [1, 2, 3, 7] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let got = pool.install(|| family::kl(family, &p, family, &q, &options).unwrap());
            let bits: Vec<u64> = got.iter().map(|x| x.to_bits()).collect();
            assert_eq!(*expected.get_or_insert(bits.clone()), bits, "{family:?}");
            for i in [0, 1, rows / 2, rows - 1] {
                assert_eq!(alone(i).to_bits(), bits[i], "{family:?} row {i}");
            }
        }
    }
}

#[test]
fn one_distribution_stands_against_many_in_any_layout() {
    let (p, _) = many(Family::Gamma, 50);
    let q = [1.5, 2.0];
    let repeated = View::from(&q[..]).repeated(50);
    let straight = family::kl(Family::Gamma, &p, Family::Gamma, repeated, &Options::default()).unwrap();
    let columns = Array2::from_shape_fn((2, 50), |(j, i)| p[[i, j]]);
    let turned = View::from(&columns).transposed();
    assert_eq!(
        family::kl(Family::Gamma, turned, Family::Gamma, repeated, &Options::default()).unwrap(),
        straight
    );
    for i in 0..50 {
        assert_eq!(kl(Family::Gamma, p.row(i).as_slice().unwrap(), &q), straight[i]);
    }
    let mask: Vec<u8> = (0..50).map(|i| (i % 2) as u8).collect();
    let weights: Vec<f64> = (0..50).map(f64::from).collect();
    let mut options = Options::default();
    (options.mask, options.weights, options.base) = (Some(&mask[..]), Some(&weights[..]), Some(2.0));
    let bits = family::kl(Family::Gamma, &p, Family::Gamma, repeated, &options).unwrap();
    for i in 0..50 {
        let want = if i % 2 == 1 { straight[i] / 2f64.ln() * i as f64 } else { 0.0 };
        assert!((bits[i] - want).abs() <= 1e-15 * want, "{i}");
    }
}

#[test]
fn gradients_are_the_slopes() {
    let cases: [(Family, &[f64], &[f64]); 9] = [
        (Family::Normal, &[0.5, 1.5], &[-0.25, 0.75]),
        (Family::Gamma, &[0.5, 1.5], &[2.5, 0.75]),
        (Family::Beta, &[0.5, 1.5], &[2.5, 14.0]),
        (Family::Bernoulli, &[0.375], &[0.75]),
        (Family::BernoulliLogits, &[0.375], &[-0.75]),
        (Family::Categorical, &[0.5, 1.5, 3.0], &[0.25, 1.0, 0.5]),
        (Family::CategoricalLogits, &[0.5, 1.5, 3.0], &[0.25, 1.0, 0.5]),
        (Family::Dirichlet, &[0.5, 1.5, 3.0], &[0.25, 1.0, 0.5]),
        (Family::MvNormalTril, &[0.5, 1.5, 1.5, 0.0, -0.5, 0.75], &[0.25, 1.0, 0.5, 0.0, 0.75, 1.25]),
    ];
    for (family, p, q) in cases {
        let (mut by_p, mut by_q) = (Array2::<f64>::zeros((1, p.len())), Array2::<f64>::zeros((1, q.len())));
        let (mut out, upstream, weights) = ([0.0], [3.0], [0.5]);
        let mut options = Options::default();
        options.weights = Some(&weights);
        family::kl_grad(
            family,
            View::from(p),
            family,
            View::from(q),
            &options,
            Some(&upstream),
            Some(&mut out),
            Some(&mut ViewMut::from(by_p.view_mut())),
            Some(&mut ViewMut::from(by_q.view_mut())),
        )
        .unwrap();
        let value = 0.5 * kl(family, p, q);
        assert!((out[0] - value).abs() <= 5e-15 * value, "{family:?}");
        for (side, grad) in [by_p, by_q].into_iter().enumerate() {
            for col in 0..p.len() {
                if [p, q][side][col] == 0.0 {
                    assert_eq!(grad[[0, col]], 0.0);
                    continue;
                }
                let at = |by: f64| {
                    let mut sides = [p.to_vec(), q.to_vec()];
                    sides[side][col] += by;
                    kl(family, &sides[0], &sides[1])
                };
                // Five points: the error is of the fourth order.
                let h = 1e-3;
                let slope = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
                let got = grad[[0, col]] / 1.5;
                assert!(
                    (got - slope).abs() < 1e-8 * (1.0 + slope.abs()),
                    "{family:?} {side} {col}: {got}, {slope}"
                );
            }
        }
    }
}

#[test]
fn gradients_at_the_edge_are_the_limits_and_others_are_refused() {
    let grad = |family, p: &[f64], q: &[f64]| {
        let (mut by_p, mut by_q) = (Array2::<f64>::zeros((1, p.len())), Array2::<f64>::zeros((1, q.len())));
        let (mut p_out, mut q_out) = (ViewMut::from(by_p.view_mut()), ViewMut::from(by_q.view_mut()));
        let (p, q) = (View::from(p), View::from(q));
        let options = Options::default();
        family::kl_grad(family, p, family, q, &options, None, None, Some(&mut p_out), Some(&mut q_out))?;
        Ok((by_p.into_raw_vec_and_offset().0, by_q.into_raw_vec_and_offset().0))
    };
    assert_eq!(grad(Family::Bernoulli, &[0.0], &[0.5]), Ok((vec![f64::NEG_INFINITY], vec![2.0])));
    assert_eq!(grad(Family::Bernoulli, &[0.5], &[0.5]), Ok((vec![0.0], vec![0.0])));
    let (p, q) = grad(Family::CategoricalLogits, &[0.0, f64::NEG_INFINITY], &[0.0, 0.0]).unwrap();
    assert!(p == [0.0, 0.0] && q == [-0.5, 0.5], "{p:?} {q:?}");
    let error: Result<_, Error> = grad(Family::Laplace, &[0.0, 1.0], &[0.0, 1.0]);
    assert!(matches!(error, Err(Error::UnsupportedPair { .. })));
}
