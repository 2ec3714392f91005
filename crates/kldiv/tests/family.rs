//! Every pair of testdata/continuous.json, at the tolerance that testdata/README.md gives for its kind.

mod common;

use common::{Tally, number, table};
use kldiv::{Family, Options, View, family};
use serde_json::Value;

/// A row of parameters in the order of [`Family`], and the dimension that a low-rank normal needs.
fn row_of(side: &Value) -> (Family, Vec<f64>, usize) {
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
    let dim = params.get("loc").and_then(Value::as_array).map_or(0, Vec::len);
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

fn options<'a>(dim: usize) -> Options<'a> {
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
