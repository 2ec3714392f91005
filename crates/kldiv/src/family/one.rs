//! One pair of rows of parameters: which distributions they are of, and whose formula answers them.

use crate::error::{Error, Operand};
use crate::family::beta::Beta;
use crate::family::contbernoulli::ContinuousBernoulli;
use crate::family::counts::Count;
use crate::family::kumaraswamy::Kumaraswamy;
use crate::family::laplace::Laplace;
use crate::family::law::Law;
use crate::family::loggamma::LogGamma;
use crate::family::logistic::Logistic;
use crate::family::matrix::Pivot;
use crate::family::mvnormal::{self, Form, Mvn, Unfit};
use crate::family::names::Family;
use crate::family::normal::{LogNormal, Normal};
use crate::family::params::Bad;
use crate::family::pareto::Pareto;
use crate::family::powergamma::{PowerGamma, gamma_gradient};
use crate::family::studentt::StudentT;
use crate::family::uniform::Uniform;
use crate::family::vonmises::VonMises;
use crate::family::wishart::{self, Wishart};
use crate::family::{categorical, cross, crossings, dirichlet};
use crate::policy::Measure;
use crate::view::Shape;

/// What can be wrong with a pair of rows.
pub(crate) enum Wrong {
    Parameter(Operand, Bad),
    NotPositiveDefinite(Operand, Pivot),
    NotConverged(f64),
    Other(Error),
}

impl Wrong {
    /// The error, of a row whose parameters are p and q.
    pub(crate) fn of_row(self, row: usize, p: &[f64], q: &[f64]) -> Error {
        match self {
            Wrong::Parameter(operand, Bad { col, name, expected }) => {
                let value = if operand == PARAMS[0] { p[col] } else { q[col] };
                Error::Parameter { operand, row, col, name, value, expected }
            }
            Wrong::NotPositiveDefinite(operand, Pivot { index, value }) => {
                Error::NotPositiveDefinite { operand, row, pivot: index, value }
            }
            Wrong::NotConverged(error) => Error::Inexact { row, error },
            Wrong::Other(error) => error,
        }
    }

    fn unfit((side, unfit): (u32, Unfit)) -> Wrong {
        match unfit {
            Unfit::Bad(bad) => Wrong::Parameter(PARAMS[side as usize], bad),
            Unfit::Pivot(pivot) => Wrong::NotPositiveDefinite(PARAMS[side as usize], pivot),
            Unfit::Error(error) => Wrong::Other(error),
        }
    }
}

impl From<Error> for Wrong {
    fn from(error: Error) -> Wrong {
        Wrong::Other(error)
    }
}

/// The operands.
pub(crate) const PARAMS: [Operand; 2] = [Operand::new(0, "p_params"), Operand::new(1, "q_params")];

fn of_p<T>(read: Result<T, Bad>) -> Result<T, Wrong> {
    read.map_err(|bad| Wrong::Parameter(PARAMS[0], bad))
}

fn of_q<T>(read: Result<T, Bad>) -> Result<T, Wrong> {
    read.map_err(|bad| Wrong::Parameter(PARAMS[1], bad))
}

/// Families that have a divergence from each other, or one from itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Of a real number.
    Real,
    Circle,
    Count,
    Categorical,
    Multinomial,
    Dirichlet,
    Normal(Form),
    Wishart,
    InverseWishart,
}

fn kind(family: Family) -> Kind {
    match family {
        Family::VonMises => Kind::Circle,
        Family::Bernoulli
        | Family::BernoulliLogits
        | Family::Binomial
        | Family::NegativeBinomial
        | Family::Geometric
        | Family::Poisson => Kind::Count,
        Family::Categorical | Family::CategoricalLogits => Kind::Categorical,
        Family::Multinomial => Kind::Multinomial,
        Family::Dirichlet => Kind::Dirichlet,
        Family::MvNormal => Kind::Normal(Form::Covariance),
        Family::MvNormalTril => Kind::Normal(Form::Tril),
        Family::MvNormalPrecision => Kind::Normal(Form::Precision),
        Family::MvNormalDiag => Kind::Normal(Form::Diagonal),
        Family::MvNormalLowRank => Kind::Normal(Form::LowRank),
        Family::Wishart => Kind::Wishart,
        Family::InverseWishart => Kind::InverseWishart,
        _ => Kind::Real,
    }
}

/// A family's kind and the dimension that its columns stand for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Side {
    pub(crate) family: Family,
    kind: Kind,
    pub(crate) dimension: usize,
}

impl Side {
    /// What a number of columns means to a family, if anything.
    pub(crate) fn new(what: &'static str, family: Family, shape: Shape, dim: usize) -> Result<Side, Error> {
        if shape.cols == 0 {
            return Err(Error::Empty);
        }
        let kind = kind(family);
        let wrong = |cols| {
            let expected = Shape { rows: shape.rows, cols };
            Err(Error::ShapeMismatch { what, found: shape, expected })
        };
        let dimension = match kind {
            Kind::Real | Kind::Circle | Kind::Count => {
                let cols = family.scalar_params();
                return if shape.cols == cols {
                    Ok(Side { family, kind, dimension: 1 })
                } else {
                    wrong(cols)
                };
            }
            Kind::Normal(Form::LowRank) if dim == 0 => {
                let (name, value) = ("dim", 0.0);
                let expected = "the dimension of a multivariate normal of low rank has to be given";
                return Err(Error::Option { name, value, expected });
            }
            Kind::Categorical | Kind::Dirichlet => Some(shape.cols),
            Kind::Multinomial => (shape.cols > 1).then(|| shape.cols - 1),
            Kind::Normal(form) => form.dimension(shape.cols, dim),
            Kind::Wishart | Kind::InverseWishart => wishart::dimension(shape.cols),
        };
        match dimension {
            Some(dimension) => Ok(Side { family, kind, dimension }),
            // The next larger number that would do.
            None => wrong(match kind {
                Kind::Multinomial => 2,
                Kind::Normal(Form::Diagonal) => shape.cols + 1,
                Kind::Normal(Form::LowRank) => dim * (shape.cols.div_ceil(dim)).max(2),
                Kind::Normal(_) => (1..).map(|d| d * d + d).find(|cols| *cols > shape.cols).unwrap_or(2),
                _ => (1..).map(|d| d * d + 1).find(|cols| *cols > shape.cols).unwrap_or(2),
            }),
        }
    }

    /// Whether even two of this family are integrated.
    fn integrated(&self) -> bool {
        matches!(self.family, Family::Logistic | Family::StudentT | Family::Kumaraswamy)
    }

    /// Roughly what a row costs, in elements of a sum.
    pub(crate) fn work(&self, other: &Side) -> usize {
        match self.kind {
            Kind::Real | Kind::Count
                if self.family != other.family && crossings::have(self.family, other.family) =>
            {
                32
            }
            Kind::Real if self.family != other.family || self.integrated() => 4096,
            Kind::Count if self.family != other.family => 4096,
            Kind::Real | Kind::Count | Kind::Circle => 16,
            Kind::Categorical => 2 * self.dimension,
            Kind::Multinomial | Kind::Dirichlet => 32 * self.dimension,
            Kind::Normal(Form::Diagonal) => 8 * self.dimension,
            _ => self.dimension.saturating_pow(3) + 16,
        }
    }
}

/// Says so if two families have nothing to do with each other, or their dimensions differ.
pub(crate) fn related(p: &Side, q: &Side, q_shape: Shape) -> Result<(), Error> {
    let same = match (p.kind, q.kind) {
        (Kind::Normal(_), Kind::Normal(_)) => true,
        (p, q) => p == q,
    };
    if !same {
        return Err(Error::UnsupportedPair { p: p.family.name(), q: q.family.name() });
    }
    if p.dimension != q.dimension {
        let cols = match q.kind {
            Kind::Normal(Form::Diagonal) => 2 * p.dimension,
            Kind::Normal(Form::LowRank) | Kind::Categorical | Kind::Dirichlet => p.dimension,
            Kind::Multinomial => p.dimension + 1,
            Kind::Normal(_) => p.dimension * (p.dimension + 1),
            _ => p.dimension * p.dimension + 1,
        };
        let expected = Shape { cols, ..q_shape };
        return Err(Error::ShapeMismatch { what: "q_params", found: q_shape, expected });
    }
    Ok(())
}

/// A distribution of a real number.
enum Real {
    Normal(Normal),
    LogNormal(LogNormal),
    Laplace(Laplace),
    LogGamma(LogGamma),
    PowerGamma(PowerGamma),
    Logistic(Logistic),
    StudentT(StudentT),
    Beta(Beta),
    Kumaraswamy(Kumaraswamy),
    ContinuousBernoulli(ContinuousBernoulli),
    Uniform(Uniform),
    Pareto(Pareto),
}

impl Real {
    #[inline]
    fn read(family: Family, row: &[f64]) -> Result<Real, Bad> {
        Ok(match family {
            Family::Normal => Real::Normal(Normal::read(row)?),
            Family::LogNormal => Real::LogNormal(LogNormal(Normal::read(row)?)),
            Family::Laplace => Real::Laplace(Laplace::read(row)?),
            Family::Gumbel => Real::LogGamma(LogGamma::gumbel(row)?),
            Family::Moyal => Real::LogGamma(LogGamma::moyal(row)?),
            Family::HalfNormal => Real::PowerGamma(PowerGamma::half_normal(row)?),
            Family::Exponential => Real::PowerGamma(PowerGamma::exponential(row)?),
            Family::Gamma => Real::PowerGamma(PowerGamma::gamma(row)?),
            Family::InverseGamma => Real::PowerGamma(PowerGamma::inverse_gamma(row)?),
            Family::Chi2 => Real::PowerGamma(PowerGamma::chi2(row)?),
            Family::Chi => Real::PowerGamma(PowerGamma::chi(row)?),
            Family::Weibull => Real::PowerGamma(PowerGamma::weibull(row)?),
            Family::Logistic => Real::Logistic(Logistic::read(row)?),
            Family::StudentT => Real::StudentT(StudentT::read(row)?),
            Family::Cauchy => Real::StudentT(StudentT::cauchy(row)?),
            Family::Beta => Real::Beta(Beta::read(row)?),
            Family::Kumaraswamy => Real::Kumaraswamy(Kumaraswamy::read(row)?),
            Family::ContinuousBernoulli => Real::ContinuousBernoulli(ContinuousBernoulli::read(row)?),
            Family::Uniform => Real::Uniform(Uniform::read(row)?),
            _ => Real::Pareto(Pareto::read(row)?),
        })
    }

    fn law(&self) -> &dyn Law {
        match self {
            Real::Normal(law) => law,
            Real::LogNormal(law) => law,
            Real::Laplace(law) => law,
            Real::LogGamma(law) => law,
            Real::PowerGamma(law) => law,
            Real::Logistic(law) => law,
            Real::StudentT(law) => law,
            Real::Beta(law) => law,
            Real::Kumaraswamy(law) => law,
            Real::ContinuousBernoulli(law) => law,
            Real::Uniform(law) => law,
            Real::Pareto(law) => law,
        }
    }

    /// As a beta distribution, if it is one.
    fn as_beta(&self) -> Option<Beta> {
        match self {
            Real::Beta(law) => Some(*law),
            Real::Kumaraswamy(law) => law.as_beta(),
            Real::ContinuousBernoulli(law) => law.as_beta(),
            Real::Uniform(law) => law.as_beta(),
            _ => None,
        }
    }

    /// By the families' own formula where they share one.
    fn kl(&self, q: &Real) -> Result<f64, f64> {
        let own = match (self, q) {
            (Real::Normal(p), Real::Normal(q)) => Some(p.kl(q)),
            (Real::LogNormal(p), Real::LogNormal(q)) => Some(p.0.kl(&q.0)),
            (Real::Laplace(p), Real::Laplace(q)) => Some(p.kl(q)),
            (Real::LogGamma(p), Real::LogGamma(q)) => p.kl(q),
            (Real::PowerGamma(p), Real::PowerGamma(q)) => p.kl(q),
            (Real::Logistic(p), Real::Logistic(q)) => Some(p.kl(q)?),
            (Real::StudentT(p), Real::StudentT(q)) => Some(p.kl(q)?),
            (Real::Beta(p), Real::Beta(q)) => Some(p.kl(q)),
            (Real::Kumaraswamy(p), Real::Kumaraswamy(q)) => Some(p.kl(q)?),
            (Real::ContinuousBernoulli(p), Real::ContinuousBernoulli(q)) => Some(p.kl(q)),
            (Real::Uniform(p), Real::Uniform(q)) => Some(p.kl(q)),
            (Real::Pareto(p), Real::Pareto(q)) => Some(p.kl(q)),
            // Such have a formula in which nothing cancels where they are near each other.
            _ => self.as_beta().zip(q.as_beta()).map(|(p, q)| p.kl(&q)),
        };
        match own {
            Some(kl) => Ok(kl),
            None => cross::divergence(self.law(), q.law()),
        }
    }
}

fn count(family: Family, row: &[f64]) -> Result<Count, Bad> {
    match family {
        Family::Bernoulli => Count::bernoulli(row),
        Family::BernoulliLogits => Count::bernoulli_logits(row),
        Family::Binomial => Count::binomial(row),
        Family::NegativeBinomial => Count::negative_binomial(row),
        Family::Geometric => Count::geometric(row),
        _ => Count::poisson(row),
    }
}

/// What is asked of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Divergence,
    Entropy,
    CrossEntropy,
}

/// A measure of one pair of rows.
pub(crate) fn value(p: (&Side, &[f64]), q: (&Side, &[f64]), measure: Measure) -> Result<f64, Wrong> {
    let value = match measure {
        Measure::Reverse => match one(q, p, Asked::Divergence) {
            // Whoever is called first by the measure, the parameters are where they are.
            Err(Wrong::Parameter(operand, bad)) => Err(Wrong::Parameter(other(operand), bad)),
            Err(Wrong::NotPositiveDefinite(operand, pivot)) => {
                Err(Wrong::NotPositiveDefinite(other(operand), pivot))
            }
            value => value,
        },
        Measure::Jeffreys => Ok(one(p, q, Asked::Divergence)? + one(q, p, Asked::Divergence)?),
        Measure::Entropy => one(p, p, Asked::Entropy),
        Measure::CrossEntropy => one(p, q, Asked::CrossEntropy),
        _ => one(p, q, Asked::Divergence),
    }?;
    // Parts of it have left the range of numbers in both directions.
    if value.is_nan() { Err(Wrong::NotConverged(f64::INFINITY)) } else { Ok(value) }
}

fn other(operand: Operand) -> Operand {
    PARAMS[1 - operand.index as usize]
}

/// A divergence and an entropy that are both known.
fn known(
    asked: Asked,
    kl: impl FnOnce() -> Result<f64, Wrong>,
    entropy: impl FnOnce() -> Result<f64, Wrong>,
) -> Result<f64, Wrong> {
    match asked {
        Asked::Divergence => kl(),
        Asked::Entropy => entropy(),
        Asked::CrossEntropy => match kl()? {
            f64::INFINITY => Ok(f64::INFINITY),
            kl => Ok(kl + entropy()?),
        },
    }
}

fn one((p_side, p): (&Side, &[f64]), (q_side, q): (&Side, &[f64]), asked: Asked) -> Result<f64, Wrong> {
    let (p_family, q_family) = (p_side.family, q_side.family);
    let d = p_side.dimension;
    match p_side.kind {
        Kind::Real => {
            let (p, q) = (of_p(Real::read(p_family, p))?, of_q(Real::read(q_family, q))?);
            match asked {
                Asked::Divergence => p.kl(&q),
                Asked::Entropy => Ok(p.law().entropy()),
                Asked::CrossEntropy => cross::cross_entropy(p.law(), q.law()),
            }
            .map_err(Wrong::NotConverged)
        }
        Kind::Circle => {
            let (p, q) = (of_p(VonMises::read(p))?, of_q(VonMises::read(q))?);
            known(asked, || Ok(p.kl(&q)), || Ok(p.entropy()))
        }
        Kind::Count => {
            let (of, against) = (of_p(count(p_family, p))?, of_q(count(q_family, q))?);
            if asked == Asked::CrossEntropy
                && let Some(cost) = of.cost(&against)
            {
                return Ok(cost);
            }
            let sum = Wrong::NotConverged;
            let kl = || match (of, against) {
                (Count::Coin { logit }, Count::Coin { logit: other }) => {
                    Ok(categorical::logits_kl(&[0.0, logit], &[0.0, other]))
                }
                (Count::Binomial { n: 1.0, hit, .. }, Count::Coin { logit }) => {
                    Ok(categorical::coin_and_logit(hit, logit))
                }
                (Count::Coin { logit }, Count::Binomial { n: 1.0, hit, .. }) => {
                    Ok(categorical::logit_and_coin(logit, hit))
                }
                _ => of.kl(&against).map_err(sum),
            };
            known(asked, kl, || of.entropy().map_err(sum))
        }
        Kind::Categorical => categories((p_family, p), (q_family, q), asked),
        Kind::Multinomial => {
            let (p, q) = (of_p(categorical::multinomial(p))?, of_q(categorical::multinomial(q))?);
            let entropy = || categorical::multinomial_entropy(p).map_err(Wrong::NotConverged);
            known(asked, || Ok(categorical::multinomial_kl(p, q)), entropy)
        }
        Kind::Dirichlet => {
            let (p, q) = (of_p(dirichlet::check(p))?, of_q(dirichlet::check(q))?);
            known(asked, || Ok(dirichlet::kl(p, q)), || Ok(dirichlet::entropy(p)))
        }
        Kind::Normal(form) => {
            let Kind::Normal(other) = q_side.kind else { return Ok(f64::NAN) };
            let (p, q) = (of_p(Mvn::read(p, d, form))?, of_q(Mvn::read(q, d, other))?);
            let entropy = || mvnormal::entropy(&p).map_err(|unfit| Wrong::unfit((0, unfit)));
            known(asked, || mvnormal::kl(&p, &q).map_err(Wrong::unfit), entropy)
        }
        Kind::Wishart | Kind::InverseWishart => {
            let inverse = p_side.kind == Kind::InverseWishart;
            let (p, q) = (of_p(Wishart::read(p, d, inverse))?, of_q(Wishart::read(q, d, inverse))?);
            let entropy = || p.entropy().map_err(|unfit| Wrong::unfit((0, unfit)));
            known(asked, || p.kl(&q).map_err(Wrong::unfit), entropy)
        }
    }
}

/// Of probabilities, of logits, or of one and the other.
fn categories(p: (Family, &[f64]), q: (Family, &[f64]), asked: Asked) -> Result<f64, Wrong> {
    let logits = Family::CategoricalLogits;
    let read = |(family, row)| {
        if family == logits { categorical::check_logits(row) } else { categorical::check(row, 0) }
    };
    let ((p_family, p), (q_family, q)) = ((p.0, of_p(read(p))?), (q.0, of_q(read(q))?));
    let entropy = || match p_family == logits {
        true => categorical::logits_entropy(p),
        false => categorical::measure(p, p, Measure::Entropy),
    };
    let kl = match (p_family == logits, q_family == logits) {
        _ if asked == Asked::Entropy => Ok(0.0),
        (true, true) => Ok(categorical::logits_kl(p, q)),
        (false, false) => Ok(categorical::measure(p, q, Measure::Kl)),
        // Logarithms of probabilities are logits.
        (one, _) => {
            let mut logs = crate::memory::reserve(p.len())?;
            logs.extend(if one { q } else { p }.iter().map(|x| x.ln()));
            Ok(if one { categorical::logits_kl(p, &logs) } else { categorical::logits_kl(&logs, q) })
        }
    };
    known(asked, || kl, || Ok(entropy()))
}

/// The divergence of one pair of rows, and its derivatives by either's parameters.
pub(crate) fn gradient(
    (p_side, p): (&Side, &[f64]),
    (q_side, q): (&Side, &[f64]),
    by_p: &mut [f64],
    by_q: &mut [f64],
) -> Result<f64, Wrong> {
    match p_side.family {
        family @ (Family::Categorical | Family::CategoricalLogits | Family::Dirichlet) => {
            gradient_of_shares(family, p, q, by_p, by_q)
        }
        _ => gradient_of_few((p_side, p), (q_side, q), by_p, by_q),
    }
}

/// Of distributions of categories or of their shares. Not inlined, for the stack of the kernels below it.
#[inline(never)]
fn gradient_of_shares(
    family: Family,
    p: &[f64],
    q: &[f64],
    by_p: &mut [f64],
    by_q: &mut [f64],
) -> Result<f64, Wrong> {
    Ok(match family {
        Family::Categorical => {
            let (p, q) = (of_p(categorical::check(p, 0))?, of_q(categorical::check(q, 0))?);
            categorical::gradient(p, q, by_p, by_q)
        }
        Family::CategoricalLogits => {
            let (a, b) = (of_p(categorical::check_logits(p))?, of_q(categorical::check_logits(q))?);
            categorical::logits_gradient(a, b, by_p, by_q)
        }
        _ => {
            let (p, q) = (of_p(dirichlet::check(p))?, of_q(dirichlet::check(q))?);
            dirichlet::gradient(p, q, by_p, by_q)
        }
    })
}

#[inline(never)]
fn gradient_of_few(
    (p_side, p): (&Side, &[f64]),
    (q_side, q): (&Side, &[f64]),
    by_p: &mut [f64],
    by_q: &mut [f64],
) -> Result<f64, Wrong> {
    let kl = one((p_side, p), (q_side, q), Asked::Divergence)?;
    match p_side.family {
        Family::Normal => {
            let (p, q) = (of_p(Normal::read(p))?, of_q(Normal::read(q))?);
            let [m, s, n, t] = p.gradient(&q);
            by_p.copy_from_slice(&[m, s]);
            by_q.copy_from_slice(&[n, t]);
        }
        Family::Gamma => {
            let [a, s, b, t] = gamma_gradient(p[0], p[1], q[0], q[1]);
            by_p.copy_from_slice(&[a, s]);
            by_q.copy_from_slice(&[b, t]);
        }
        Family::Beta => {
            let (p, q) = (of_p(Beta::read(p))?, of_q(Beta::read(q))?);
            let [a, b, c, d] = p.gradient(&q);
            by_p.copy_from_slice(&[a, b]);
            by_q.copy_from_slice(&[c, d]);
        }
        Family::Bernoulli => (by_p[0], by_q[0]) = categorical::coin_gradient(p[0], q[0]),
        Family::BernoulliLogits => {
            let (mut p_by, mut q_by) = ([0.0; 2], [0.0; 2]);
            categorical::logits_gradient(&[0.0, p[0]], &[0.0, q[0]], &mut p_by, &mut q_by);
            (by_p[0], by_q[0]) = (p_by[1], q_by[1]);
        }
        _ => {
            let d = p_side.dimension;
            let (p, q) = (of_p(Mvn::read(p, d, Form::Tril))?, of_q(Mvn::read(q, d, Form::Tril))?);
            mvnormal::gradient(&p, &q, by_p, by_q)?;
        }
    }
    Ok(kl)
}
