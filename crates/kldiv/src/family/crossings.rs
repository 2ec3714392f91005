//! Pairs of two families, many at a time, by the vector kernels.

use crate::family::names::Family;
use crate::kernels::bounded;
use crate::kernels::costs::{Cost, Cross, Extreme};
use crate::kernels::laws::{self, Located};
use crate::kernels::means::{Block, Describe, Known, Moment, TOGETHER};
use crate::kernels::pairs::{self, Pairs, Side};
use crate::kernels::{dispatch, elementary};
use crate::view::View;

/// Whether such pairs have a kernel.
pub(crate) fn have(p: Family, q: Family) -> bool {
    way(p, q).is_some()
}

/// Whether they are the kernels for two of one family, too.
pub(crate) fn take(family: Family) -> bool {
    matches!(family, Family::Uniform | Family::ContinuousBernoulli)
}

/// How such pairs are computed.
#[derive(Clone, Copy)]
enum Way {
    /// As gamma distributions both.
    Gammas,
    CoinAndCount,
    /// By what Q asks for, which P may know.
    Means([Moment; 2]),
}

fn way(p: Family, q: Family) -> Option<Way> {
    use Family::{Bernoulli, Chi2, Exponential, Gamma, Poisson};
    match (p, q) {
        (Exponential | Gamma | Chi2, Exponential | Gamma | Chi2) => Some(Way::Gammas),
        (Bernoulli, Poisson) => Some(Way::CoinAndCount),
        _ => knows(p).then(|| asks(q).map(Way::Means)).flatten(),
    }
}

/// Whether a family is one of [`describe`]'s.
fn knows(p: Family) -> bool {
    asks(p).is_some() || matches!(p, Family::Logistic | Family::Cauchy)
}

/// What a family asks for as Q, if it is one of [`cross`]'s.
fn asks(q: Family) -> Option<[Moment; 2]> {
    Some(match q {
        Family::Normal => laws::Normal::ASKS,
        Family::Laplace => laws::Laplace::ASKS,
        Family::Gumbel | Family::Moyal => Extreme::ASKS,
        Family::LogNormal => laws::LogNormal::ASKS,
        Family::HalfNormal => laws::HalfNormal::ASKS,
        Family::Exponential => laws::Exponential::ASKS,
        Family::Gamma | Family::Chi2 => laws::Gamma::ASKS,
        Family::InverseGamma => laws::InverseGamma::ASKS,
        Family::Beta => bounded::Beta::ASKS,
        Family::ContinuousBernoulli => bounded::ContinuousBernoulli::ASKS,
        Family::Uniform => bounded::Uniform::ASKS,
        Family::Pareto => laws::Pareto::ASKS,
        _ => return None,
    })
}

/// Writes the divergences of pairs of rows; NaN where a pair has to be looked at by itself. Says whether none has to. Not
/// inlined, so that its buffers are on the stack only where they are needed.
#[inline(never)]
pub(crate) fn divergences(
    (p_family, p): (Family, &View),
    (q_family, q): (Family, &View),
    out: &mut [f64],
) -> bool {
    let Some(way) = way(p_family, q_family) else {
        out.fill(f64::NAN);
        return false;
    };
    let (mut for_p, mut for_q, mut made) = ([[1.0; TOGETHER]; 2], [[1.0; TOGETHER]; 2], [0.0; TOGETHER]);
    let mut known = Known::nothing();
    let mut all = true;
    for (i, out) in out.chunks_mut(TOGETHER).enumerate() {
        let n = out.len();
        let [p, q] = [p, q].map(|side| side.some_rows(i * TOGETHER, n));
        columns(p_family, &p, &mut for_p);
        columns(q_family, &q, &mut for_q);
        let [p, q] = [&for_p, &for_q].map(|[first, second]| Side::Columns(&first[..n], &second[..n]));
        match way {
            Way::Gammas => {
                dispatch(Pairs { pair: pairs::Gamma, p, q, out: &mut made[..n] });
            }
            Way::CoinAndCount => {
                dispatch(Pairs { pair: elementary::CoinAndCount, p, q, out: &mut made[..n] });
            }
            Way::Means(moments) => {
                describe(p_family, moments, &for_p, &for_q, n, &mut known);
                cross(q_family, &known, &for_q, n, &mut made);
            }
        }
        out.copy_from_slice(&made[..n]);
        all &= !out.iter().any(|x| x.is_nan());
    }
    all
}

/// The parameters in columns; what is a gamma distribution as one, and a single parameter twice.
fn columns(family: Family, of: &View, to: &mut [Block; 2]) {
    let n = of.rows();
    let [first, second] = to;
    of.transposed().row(0).copy(&mut first[..n]);
    match family {
        Family::Chi2 => {
            first[..n].iter_mut().for_each(|df| *df *= 0.5);
            second.fill(0.5);
        }
        Family::Exponential => {
            second.copy_from_slice(first);
            first.fill(1.0);
        }
        _ => of.transposed().row(of.cols() - 1).copy(&mut second[..n]),
    }
}

fn describe(
    family: Family,
    moments: [Moment; 2],
    p: &[Block; 2],
    q: &[Block; 2],
    n: usize,
    known: &mut Known,
) {
    match family {
        Family::Normal => dispatch(Describe { law: laws::Normal, moments, p, q, n, known }),
        Family::Laplace => dispatch(Describe { law: laws::Laplace, moments, p, q, n, known }),
        Family::Gumbel => dispatch(Describe { law: Extreme::GUMBEL, moments, p, q, n, known }),
        Family::Logistic => dispatch(Describe { law: Located::LOGISTIC, moments, p, q, n, known }),
        Family::Cauchy => dispatch(Describe { law: Located::CAUCHY, moments, p, q, n, known }),
        Family::Moyal => dispatch(Describe { law: Extreme::MOYAL, moments, p, q, n, known }),
        Family::LogNormal => dispatch(Describe { law: laws::LogNormal, moments, p, q, n, known }),
        Family::HalfNormal => dispatch(Describe { law: laws::HalfNormal, moments, p, q, n, known }),
        Family::Exponential => dispatch(Describe { law: laws::Exponential, moments, p, q, n, known }),
        Family::Gamma | Family::Chi2 => dispatch(Describe { law: laws::Gamma, moments, p, q, n, known }),
        Family::InverseGamma => dispatch(Describe { law: laws::InverseGamma, moments, p, q, n, known }),
        Family::Beta => dispatch(Describe { law: bounded::Beta, moments, p, q, n, known }),
        Family::ContinuousBernoulli => {
            dispatch(Describe { law: bounded::ContinuousBernoulli, moments, p, q, n, known });
        }
        Family::Uniform => dispatch(Describe { law: bounded::Uniform, moments, p, q, n, known }),
        Family::Pareto => dispatch(Describe { law: laws::Pareto, moments, p, q, n, known }),
        _ => *known = Known::nothing(),
    }
}

fn cross(family: Family, p: &Known, q: &[Block; 2], n: usize, out: &mut Block) {
    match family {
        Family::Normal => dispatch(Cross { cost: laws::Normal, p, q, n, out }),
        Family::Laplace => dispatch(Cross { cost: laws::Laplace, p, q, n, out }),
        Family::Gumbel => dispatch(Cross { cost: Extreme::GUMBEL, p, q, n, out }),
        Family::Moyal => dispatch(Cross { cost: Extreme::MOYAL, p, q, n, out }),
        Family::LogNormal => dispatch(Cross { cost: laws::LogNormal, p, q, n, out }),
        Family::HalfNormal => dispatch(Cross { cost: laws::HalfNormal, p, q, n, out }),
        Family::Exponential => dispatch(Cross { cost: laws::Exponential, p, q, n, out }),
        Family::Gamma | Family::Chi2 => dispatch(Cross { cost: laws::Gamma, p, q, n, out }),
        Family::InverseGamma => dispatch(Cross { cost: laws::InverseGamma, p, q, n, out }),
        Family::Beta => dispatch(Cross { cost: bounded::Beta, p, q, n, out }),
        Family::ContinuousBernoulli => dispatch(Cross { cost: bounded::ContinuousBernoulli, p, q, n, out }),
        Family::Uniform => dispatch(Cross { cost: bounded::Uniform, p, q, n, out }),
        Family::Pareto => dispatch(Cross { cost: laws::Pareto, p, q, n, out }),
        _ => out.fill(f64::NAN),
    }
}
