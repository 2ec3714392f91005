//! Many pairs of one family at once, by the vector kernels; of two families see [`crossings`].

use std::ops::Range;

use crate::family::crossings;
use crate::family::names::Family;
use crate::family::shares::{self, Wanted};
use crate::kernels::bounded;
use crate::kernels::entropies::{self, ByLaw, Of};
use crate::kernels::laws::{self, Located};
use crate::kernels::pairs::{self, PAIRS, Pairs, Parameter, Side};
use crate::kernels::slopes::{Gradients, Made};
use crate::kernels::{dispatch, elementary, slopes};
use crate::sum::Compensated;
use crate::view::View;

/// Writes the divergences of the rows from `start` on; what is not finite, and of two families what is no number, where a row
/// has to be looked at by itself, as all have where there is no kernel. Says whether none has to.
pub(crate) fn divergences(p: (Family, &View), q: (Family, &View), start: usize, out: &mut [f64]) -> bool {
    if p.0 == q.0 {
        return compute(p.0, p.1, q.1, Wanted::Divergences, start, out);
    }
    let (of_p, of_q) = (p.1.some_rows(start, out.len()), q.1.some_rows(start, out.len()));
    crossings::divergences((p.0, &of_p), (q.0, &of_q), out)
}

/// Writes the entropies of the rows from `start` on, in the same way.
pub(crate) fn entropies(family: Family, p: &View, start: usize, out: &mut [f64]) -> bool {
    compute(family, p, p, Wanted::Entropies, start, out)
}

fn compute(family: Family, p: &View, q: &View, wanted: Wanted, start: usize, out: &mut [f64]) -> bool {
    let (p, q) = (p.some_rows(start, out.len()), q.some_rows(start, out.len()));
    if wanted == Wanted::Divergences && crossings::take(family) {
        return crossings::divergences((family, &p), (family, &q), out) && out.iter().all(|x| x.is_finite());
    }
    if wanted == Wanted::Divergences && family == Family::MvNormalDiag {
        return diagonals(&p, &q, out);
    }
    if shares::has(family) {
        return shares::compute(family, &p, &q, wanted, out);
    }
    if let (Some(p), Some(q)) = (side::<f64>(&p), side(&q)) {
        of_sides(family, p, q, wanted, out)
    } else if let (Some(p), Some(q)) = (side::<f32>(&p), side(&q)) {
        of_sides(family, p, q, wanted, out)
    } else {
        gathered(family, &p, &q, wanted, out)
    }
}

fn of_sides<T: Parameter>(family: Family, p: Side<T>, q: Side<T>, wanted: Wanted, out: &mut [f64]) -> bool {
    match wanted {
        Wanted::Entropies => entropies_of(family, p, out),
        _ => divergences_of(family, p, q, out),
    }
}

/// By the family's kernel, if it has one.
fn divergences_of<T: Parameter>(family: Family, p: Side<T>, q: Side<T>, out: &mut [f64]) -> bool {
    match family {
        Family::Normal | Family::LogNormal => dispatch(Pairs { pair: pairs::Normal, p, q, out }),
        Family::HalfNormal => dispatch(Pairs { pair: elementary::HalfNormal, p, q, out }),
        Family::Gumbel => dispatch(Pairs { pair: elementary::Gumbel, p, q, out }),
        Family::Weibull => dispatch(Pairs { pair: elementary::Weibull, p, q, out }),
        Family::Laplace => dispatch(Pairs { pair: elementary::Laplace, p, q, out }),
        Family::Cauchy => dispatch(Pairs { pair: elementary::Cauchy, p, q, out }),
        Family::Chi2 | Family::Chi => dispatch(Pairs { pair: pairs::Chi2, p, q, out }),
        Family::Exponential => dispatch(Pairs { pair: elementary::Exponential, p, q, out }),
        Family::Beta => dispatch(Pairs { pair: pairs::Beta, p, q, out }),
        Family::Pareto => dispatch(Pairs { pair: elementary::Pareto, p, q, out }),
        Family::Bernoulli => dispatch(Pairs { pair: elementary::Bernoulli, p, q, out }),
        Family::BernoulliLogits => dispatch(Pairs { pair: elementary::BernoulliLogits, p, q, out }),
        Family::Binomial => dispatch(Pairs { pair: elementary::Binomial, p, q, out }),
        Family::Geometric => dispatch(Pairs { pair: elementary::Geometric, p, q, out }),
        Family::Poisson => dispatch(Pairs { pair: elementary::Poisson, p, q, out }),
        Family::Gamma | Family::InverseGamma => dispatch(Pairs { pair: pairs::Gamma, p, q, out }),
        _ => {
            out.fill(f64::NAN);
            false
        }
    }
}

/// The same of entropies.
fn entropies_of<T: Parameter>(family: Family, p: Side<T>, out: &mut [f64]) -> bool {
    let q = p;
    match family {
        Family::Normal => dispatch(Pairs { pair: Of(ByLaw(laws::Normal)), p, q, out }),
        Family::HalfNormal => dispatch(Pairs { pair: Of(ByLaw(laws::HalfNormal)), p, q, out }),
        Family::Laplace => dispatch(Pairs { pair: Of(ByLaw(laws::Laplace)), p, q, out }),
        Family::Gumbel => dispatch(Pairs { pair: Of(ByLaw(Located::GUMBEL)), p, q, out }),
        Family::Logistic => dispatch(Pairs { pair: Of(ByLaw(Located::LOGISTIC)), p, q, out }),
        Family::Cauchy => dispatch(Pairs { pair: Of(ByLaw(Located::CAUCHY)), p, q, out }),
        Family::Moyal => dispatch(Pairs { pair: Of(ByLaw(Located::MOYAL)), p, q, out }),
        Family::Uniform => dispatch(Pairs { pair: Of(ByLaw(bounded::Uniform)), p, q, out }),
        Family::LogNormal => dispatch(Pairs { pair: Of(ByLaw(laws::LogNormal)), p, q, out }),
        Family::Exponential => dispatch(Pairs { pair: Of(ByLaw(laws::Exponential)), p, q, out }),
        Family::Pareto => dispatch(Pairs { pair: Of(ByLaw(laws::Pareto)), p, q, out }),
        Family::Gamma => dispatch(Pairs { pair: Of(ByLaw(laws::Gamma)), p, q, out }),
        Family::InverseGamma => dispatch(Pairs { pair: Of(ByLaw(laws::InverseGamma)), p, q, out }),
        Family::Beta => dispatch(Pairs { pair: Of(ByLaw(bounded::Beta)), p, q, out }),
        Family::ContinuousBernoulli => {
            dispatch(Pairs { pair: Of(ByLaw(bounded::ContinuousBernoulli)), p, q, out })
        }
        Family::Weibull => dispatch(Pairs { pair: Of(entropies::Weibull), p, q, out }),
        Family::Chi2 => dispatch(Pairs { pair: Of(entropies::Chi2), p, q, out }),
        Family::Chi => dispatch(Pairs { pair: Of(entropies::Chi), p, q, out }),
        Family::Kumaraswamy => dispatch(Pairs { pair: Of(entropies::Kumaraswamy), p, q, out }),
        Family::Bernoulli => dispatch(Pairs { pair: Of(entropies::Bernoulli), p, q, out }),
        Family::BernoulliLogits => dispatch(Pairs { pair: Of(entropies::BernoulliLogits), p, q, out }),
        Family::Geometric => dispatch(Pairs { pair: Of(entropies::Geometric), p, q, out }),
        _ => {
            out.fill(f64::NAN);
            false
        }
    }
}

/// Whether a family has a kernel for derivatives.
pub(crate) fn has_slopes(family: Family) -> bool {
    use Family::{Bernoulli, BernoulliLogits, Beta, Gamma, Normal};
    matches!(family, Normal | Gamma | Beta | Bernoulli | BernoulliLogits)
}

/// The divergences and their derivatives, of at most [`slopes::PAIRS`] rows of such a family; what is not finite where a row
/// has to be looked at by itself.
pub(crate) fn slopes(family: Family, p: &View, q: &View, rows: Range<usize>, made: &mut Made) {
    let [p, q] = [p, q].map(|side| side.some_rows(rows.start, rows.len()));
    if let (Some(p), Some(q)) = (side::<f64>(&p), side(&q)) {
        slopes_of_sides(family, p, q, rows.len(), made);
    } else if let (Some(p), Some(q)) = (side::<f32>(&p), side(&q)) {
        slopes_of_sides(family, p, q, rows.len(), made);
    } else {
        slopes_gathered(family, &p, &q, made);
    }
}

/// Not inlined, so that its buffers are on the stack only where they are needed.
#[inline(never)]
fn slopes_gathered(family: Family, p: &View, q: &View, made: &mut Made) {
    let mut buffers = [[[1.0; slopes::PAIRS]; 2]; 2];
    let [for_p, for_q] = &mut buffers;
    slopes_of_sides(family, columns(p, for_p), columns(q, for_q), p.rows(), made);
}

/// By the family's kernel.
fn slopes_of_sides<T: Parameter>(family: Family, p: Side<T>, q: Side<T>, n: usize, made: &mut Made) {
    match family {
        Family::Normal => dispatch(Gradients { pair: pairs::Normal, p, q, n, made }),
        Family::Gamma => dispatch(Gradients { pair: pairs::Gamma, p, q, n, made }),
        Family::Beta => dispatch(Gradients { pair: pairs::Beta, p, q, n, made }),
        Family::Bernoulli => dispatch(Gradients { pair: elementary::Bernoulli, p, q, n, made }),
        Family::BernoulliLogits => dispatch(Gradients { pair: elementary::BernoulliLogits, p, q, n, made }),
        _ => {}
    }
}

/// Of multivariate normal distributions with diagonal covariances: a dimension of as many pairs as are taken together, and then
/// the next. Not inlined, so that its buffers are on the stack only where they are needed.
#[inline(never)]
fn diagonals(p: &View, q: &View, out: &mut [f64]) -> bool {
    let d = p.cols() / 2;
    let (mut buffers, mut made) = ([[1.0; PAIRS]; 4], [0.0; PAIRS]);
    for (i, out) in out.chunks_mut(PAIRS).enumerate() {
        let n = out.len();
        let [p, q] = [p, q].map(|side| side.some_rows(i * PAIRS, n).transposed());
        let mut sums = [Compensated::ZERO; PAIRS];
        for j in 0..d {
            let [loc_p, scale_p, loc_q, scale_q] = buffers.each_mut().map(|buffer| &mut buffer[..n]);
            p.row(j).copy(loc_p);
            p.row(d + j).copy(scale_p);
            q.row(j).copy(loc_q);
            q.row(d + j).copy(scale_q);
            let (p, q) = (Side::Columns(&*loc_p, &*scale_p), Side::Columns(&*loc_q, &*scale_q));
            dispatch(Pairs { pair: pairs::Normal, p, q, out: &mut made[..n] });
            sums.iter_mut().zip(&made[..n]).for_each(|(sum, kl)| sum.add(*kl));
        }
        out.iter_mut().zip(&sums).for_each(|(out, sum)| *out = sum.value());
    }
    out.iter().all(|kl| kl.is_finite())
}

/// Where the parameters are, the first and the last, if a kernel can read them there.
fn side<'a, T: Parameter>(of: &View<'a>) -> Option<Side<'a, T>> {
    let (columns, last) = (of.transposed(), of.cols() - 1);
    if last > 0
        && let Some(rows) = of.as_one_row().and_then(|row| row.as_slice())
    {
        return Some(Side::Rows(rows));
    }
    if let (Some(first), Some(second)) = (columns.row(0).as_slice(), columns.row(last).as_slice()) {
        return Some(Side::Columns(first, second));
    }
    (of.dtype() == T::DTYPE && of.is_repeated()).then(|| {
        let parameter = |i: usize| T::from_f64(of.row(0).get(i));
        Side::Fixed(parameter(0), parameter(last))
    })
}

/// Not inlined, so that its buffers are on the stack only where they are needed.
#[inline(never)]
fn gathered(family: Family, p: &View, q: &View, wanted: Wanted, out: &mut [f64]) -> bool {
    let mut finite = true;
    let mut buffers = [[[1.0; PAIRS]; 2]; 2];
    for (i, out) in out.chunks_mut(PAIRS).enumerate() {
        let [for_p, for_q] = &mut buffers;
        let [p, q] = [p, q].map(|side| side.some_rows(i * PAIRS, out.len()));
        finite &= of_sides(family, columns(&p, for_p), columns(&q, for_q), wanted, out);
    }
    finite
}

/// The parameters where they are, if a kernel can read them there, or converted.
fn columns<'a, const N: usize>(of: &View<'a>, buffers: &'a mut [[f64; N]; 2]) -> Side<'a, f64> {
    side(of).unwrap_or_else(|| {
        let [first, second] = buffers.each_mut().map(|buffer| &mut buffer[..of.rows()]);
        of.transposed().row(0).copy(first);
        of.transposed().row(of.cols() - 1).copy(second);
        Side::Columns(first, second)
    })
}
