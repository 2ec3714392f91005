//! The kernels for pairs of two families, by name, on each instruction set that the machine has, against the scalar ones, to
//! the bit.

use crate::kernels::bounded;
use crate::kernels::costs::{Cost, Cross, Extreme};
use crate::kernels::laws::{self, Located};
use crate::kernels::means::{Block, Describe, Known, Law, Moment, TOGETHER};
use crate::kernels::tests::{bits_of, data, others};
use crate::kernels::{Isa, dispatch_to};

/// Parameters of a kind, of either sign and out of range too.
fn sides(stretch: f64) -> Vec<[[Block; 2]; 2]> {
    let blocks = |x: &[f64]| {
        let block = |x: &[f64]| -> Block { std::array::from_fn(|i| stretch * x[i]) };
        [block(x), block(&x[TOGETHER..])]
    };
    data::<f64>(2 * TOGETHER).iter().map(|(p, q)| [blocks(p), blocks(q)]).collect()
}

const MOMENTS: [[Moment; 2]; 4] = [
    [Moment::Mean, Moment::Variance],
    [Moment::Ln, Moment::LnVariance],
    [Moment::LnRest, Moment::Inverse],
    [Moment::Distance, Moment::Decay],
];

/// The bits of all that is known.
fn known(law: impl Law, isa: Isa, moments: [Moment; 2], [p, q]: &[[Block; 2]; 2]) -> Vec<u64> {
    let mut known = Known::nothing();
    dispatch_to(isa, Describe { law, moments, p, q, n: TOGETHER, known: &mut known });
    let Known { unit, entropy, support, moments } = &known;
    [unit, entropy, &support[0], &support[1], &moments[0], &moments[1]]
        .into_iter()
        .flat_map(|x| bits_of(x))
        .collect()
}

macro_rules! laws_have_the_scalar_ones_bits {
    ($($name:ident: $law:expr;)*) => {$(
        #[test]
        fn $name() {
            for stretch in [1.0, 20.0] {
                for (kind, sides) in sides(stretch).iter().enumerate() {
                    for moments in MOMENTS {
                        let scalar = known($law, Isa::Scalar, moments, sides);
                        for isa in others() {
                            let made = known($law, isa, moments, sides);
                            assert_eq!(scalar, made, "{isa:?}, {moments:?}, kind {kind}, {stretch}");
                        }
                    }
                }
            }
        }
    )*};
}

laws_have_the_scalar_ones_bits! {
    what_normals_know: laws::Normal;
    what_laplaces_know: laws::Laplace;
    what_gumbels_know: Extreme::GUMBEL;
    what_logistics_know: Located::LOGISTIC;
    what_cauchys_know: Located::CAUCHY;
    what_moyals_know: Extreme::MOYAL;
    what_log_normals_know: laws::LogNormal;
    what_half_normals_know: laws::HalfNormal;
    what_exponentials_know: laws::Exponential;
    what_gammas_know: laws::Gamma;
    what_inverse_gammas_know: laws::InverseGamma;
    what_betas_know: bounded::Beta;
    what_continuous_bernoullis_know: bounded::ContinuousBernoulli;
    what_uniforms_know: bounded::Uniform;
    what_paretos_know: laws::Pareto;
}

/// The bits of the divergences of what knows so much.
fn crossed<C: Cost>(cost: C, isa: Isa, p: &Known, q: &[Block; 2]) -> Vec<u64> {
    let mut out = [0.0; TOGETHER];
    dispatch_to(isa, Cross { cost, p, q, n: TOGETHER, out: &mut out });
    bits_of(&out)
}

macro_rules! costs_have_the_scalar_ones_bits {
    ($($name:ident: $cost:expr;)*) => {$(
        #[test]
        fn $name() {
            fn asked<C: Cost>(_: &C) -> [Moment; 2] {
                C::ASKS
            }
            for stretch in [1.0, 20.0] {
                for (kind, sides) in sides(stretch).iter().enumerate() {
                    let mut of_p = [Known::nothing(), Known::nothing()];
                    let [p, q] = sides;
                    let moments = asked(&$cost);
                    let [first, second] = &mut of_p;
                    dispatch_to(Isa::Scalar, Describe { law: laws::Normal, moments, p, q, n: TOGETHER, known: first });
                    dispatch_to(Isa::Scalar, Describe { law: bounded::Uniform, moments, p, q, n: TOGETHER, known: second });
                    for known in &of_p {
                        let scalar = crossed($cost, Isa::Scalar, known, q);
                        for isa in others() {
                            assert_eq!(scalar, crossed($cost, isa, known, q), "{isa:?}, kind {kind}, {stretch}");
                        }
                    }
                }
            }
        }
    )*};
}

costs_have_the_scalar_ones_bits! {
    costs_of_normals: laws::Normal;
    costs_of_laplaces: laws::Laplace;
    costs_of_gumbels: Extreme::GUMBEL;
    costs_of_moyals: Extreme::MOYAL;
    costs_of_log_normals: laws::LogNormal;
    costs_of_half_normals: laws::HalfNormal;
    costs_of_exponentials: laws::Exponential;
    costs_of_gammas: laws::Gamma;
    costs_of_inverse_gammas: laws::InverseGamma;
    costs_of_betas: bounded::Beta;
    costs_of_continuous_bernoullis: bounded::ContinuousBernoulli;
    costs_of_uniforms: bounded::Uniform;
    costs_of_paretos: laws::Pareto;
}
