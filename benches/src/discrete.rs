//! Two vectors to one number, on one thread.

use kldiv::{Measure, Options, batch, discrete};

use crate::peers::{self, generalized_term, jensen_shannon_term, kl_term};
use crate::{Case, Contender, EXACT_F32, EXACT_F64, Pairs};

const KLDIV: &str = "kldiv";

/// Hands each case to `visit`.
pub fn cases(visit: &mut dyn FnMut(Case)) {
    for n in [1, 8, 64, 1_000, 12_000, 500_000] {
        let pairs = pairs(n);
        let kl = |p: &[f64], q: &[f64]| discrete::kl(p, q).expect("probabilities");
        let mut contenders = vec![Contender::new(KLDIV, EXACT_F64, pairs.each(kl))];
        contenders.extend(peers::libkldiv_f64(&pairs));
        contenders.extend(peers::kl_f64(&pairs));
        visit(case("KL of two f64 vectors", &pairs, kl_term, contenders));
    }
    for n in [1, 8, 64, 1_000, 12_000, 500_000] {
        let pairs = pairs(n);
        let kl = |p: &[f32], q: &[f32]| discrete::kl(p, q).expect("probabilities");
        let mut contenders = vec![Contender::new(KLDIV, EXACT_F32, pairs.each(kl))];
        contenders.extend(peers::libkldiv_f32(&pairs));
        contenders.extend(peers::kl_f32(&pairs));
        visit(case("KL of two f32 vectors", &pairs, kl_term, contenders));
    }
    let pairs = pairs(1_000);
    let generalized = |p: &[f64], q: &[f64]| discrete::generalized(p, q).expect("probabilities");
    let mut contenders = vec![Contender::new(KLDIV, EXACT_F64, pairs.each(generalized))];
    contenders.extend(peers::generalized(&pairs));
    visit(case("Generalised, two f64 vectors", &pairs, generalized_term, contenders));

    let options = Options::from(Measure::JENSEN_SHANNON);
    let js = |p: &[f64], q: &[f64]| batch::reduce(p, q, &options).expect("probabilities");
    let mut contenders = vec![Contender::new(KLDIV, EXACT_F64, pairs.each(js))];
    contenders.extend(peers::jensen_shannon(&pairs));
    visit(case("Jensen-Shannon, two f64 vectors", &pairs, jensen_shannon_term, contenders));
}

/// Short vectors come many at a time, as independent calls on different data: one pair again and again would time
/// the branch predictor.
fn pairs<T: kldiv::Element>(n: usize) -> Pairs<T> {
    Pairs::random((1024 / n).max(1), n)
}

fn case<'a, T: kldiv::Element>(
    table: &'static str,
    pairs: &'a Pairs<T>,
    term: impl Fn(f64, f64) -> f64,
    contenders: Vec<Contender<'a>>,
) -> Case<'a> {
    Case {
        table,
        name: format!("n = {}", pairs.cols),
        elements: pairs.p.len(),
        calls: pairs.rows(),
        truth: pairs.truth(term),
        contenders,
    }
}
