//! The kernels of pairs of parameters, by name, on each instruction set that the machine has, against the scalar ones, to the
//! bit.

use crate::kernels::bounded;
use crate::kernels::elementary;
use crate::kernels::entropies::{self, ByLaw, Of};
use crate::kernels::laws::{self, Located};
use crate::kernels::pairs::{Beta, Chi2, Gamma, Normal, PAIRS, Pair, Pairs, Parameter, Side};
use crate::kernels::tests::{bits_of, data, others};
use crate::kernels::{Isa, dispatch_to};

/// The bits of what is computed of pairs.
fn values<T: Parameter>(pair: impl Pair, isa: Isa, n: usize, p: Side<T>, q: Side<T>) -> Vec<u64> {
    let mut out = vec![0.0; n];
    let finite = dispatch_to(isa, Pairs { pair, p, q, out: &mut out });
    assert_eq!(finite, out.iter().all(|x| x.is_finite()));
    bits_of(&out)
}

/// Parameters of each kind of data, of either sign and out of range too.
macro_rules! pairs_have_the_scalar_ones_bits {
    ($($name:ident: $pair:expr;)*) => {$(
        #[test]
        fn $name() {
            for (kind, (p, q)) in data::<f64>(2 * PAIRS).iter().enumerate() {
                for stretch in [1.0, 20.0] {
                    for n in [1, 5, 8, 13, PAIRS] {
                        let side = |x: &[f64]| x[..2 * n].iter().map(|x| stretch * x).collect::<Vec<f64>>();
                        let (p, q) = (side(p), side(q));
                        let what = format!("kind {kind}, {stretch}, {n}");
                        let (of_p, of_q) = (Side::Rows(&p), Side::Rows(&q));
                        let scalar = values($pair, Isa::Scalar, n, of_p, of_q);
                        let column = |x: &[f64], j| x.iter().skip(j).step_by(2).copied().collect::<Vec<_>>();
                        let (first, second) = (column(&q, 0), column(&q, 1));
                        let fixed: Vec<_> = (0..n).flat_map(|_| [p[0], p[1]]).collect();
                        let with_fixed = values($pair, Isa::Scalar, n, Side::Rows(&fixed), of_q);
                        for isa in others().chain([Isa::Scalar]) {
                            assert_eq!(scalar, values($pair, isa, n, of_p, of_q), "{isa:?}, {what}");
                            let of_q = Side::Columns(&first, &second);
                            assert_eq!(scalar, values($pair, isa, n, of_p, of_q), "{isa:?}, columns, {what}");
                            let of_p = Side::Fixed(p[0], p[1]);
                            assert_eq!(with_fixed, values($pair, isa, n, of_p, of_q), "{isa:?}, fixed, {what}");
                        }
                        // Parameters of f32 are the same numbers.
                        let narrow = |x: &[f64]| x.iter().map(|x| *x as f32).collect::<Vec<f32>>();
                        let wide = |x: &[f32]| x.iter().map(|x| f64::from(*x)).collect::<Vec<f64>>();
                        let (p, q) = (narrow(&p), narrow(&q));
                        let (wide_p, wide_q) = (wide(&p), wide(&q));
                        let scalar = values($pair, Isa::Scalar, n, Side::Rows(&wide_p), Side::Rows(&wide_q));
                        for isa in others().chain([Isa::Scalar]) {
                            let made = values($pair, isa, n, Side::Rows(&p), Side::Rows(&q));
                            assert_eq!(scalar, made, "{isa:?}, f32, {what}");
                        }
                    }
                }
            }
        }
    )*};
}

pairs_have_the_scalar_ones_bits! {
    pairs_of_normals: Normal;
    pairs_of_gammas: Gamma;
    pairs_of_betas: Beta;
    pairs_of_chi_squares: Chi2;
    pairs_of_exponentials: elementary::Exponential;
    pairs_of_half_normals: elementary::HalfNormal;
    pairs_of_poissons: elementary::Poisson;
    pairs_of_bernoullis: elementary::Bernoulli;
    pairs_of_bernoullis_by_logits: elementary::BernoulliLogits;
    pairs_of_gumbels: elementary::Gumbel;
    pairs_of_weibulls: elementary::Weibull;
    pairs_of_coins_and_counts: elementary::CoinAndCount;
    pairs_of_geometrics: elementary::Geometric;
    pairs_of_binomials: elementary::Binomial;
    pairs_of_laplaces: elementary::Laplace;
    pairs_of_cauchys: elementary::Cauchy;
    pairs_of_paretos: elementary::Pareto;
    entropies_by_scales: Of(ByLaw(Located::MOYAL));
    entropies_of_log_normals: Of(ByLaw(laws::LogNormal));
    entropies_of_uniforms: Of(ByLaw(bounded::Uniform));
    entropies_of_exponentials: Of(ByLaw(laws::Exponential));
    entropies_of_paretos: Of(ByLaw(laws::Pareto));
    entropies_of_weibulls: Of(entropies::Weibull);
    entropies_of_gammas: Of(ByLaw(laws::Gamma));
    entropies_of_inverse_gammas: Of(ByLaw(laws::InverseGamma));
    entropies_of_chi_squares: Of(entropies::Chi2);
    entropies_of_chis: Of(entropies::Chi);
    entropies_of_betas: Of(ByLaw(bounded::Beta));
    entropies_of_kumaraswamys: Of(entropies::Kumaraswamy);
    entropies_of_continuous_bernoullis: Of(ByLaw(bounded::ContinuousBernoulli));
    entropies_of_bernoullis: Of(entropies::Bernoulli);
    entropies_of_bernoullis_by_logits: Of(entropies::BernoulliLogits);
    entropies_of_geometrics: Of(entropies::Geometric);
}
