"""Distributions by their parameters.

>>> from kldiv import family
>>> round(family.kl(family.Normal(0, 1), family.Normal(1, 2)), 6)
0.443147
>>> round(family.normal(0, 1, 1, 2), 6)
0.443147
>>> family.kl(family.Normal([0.0, 1.0, 2.0], 1), family.Normal(0, 1))
array([0. , 0.5, 2. ])

A distribution is an object, named and parametrised as in torch.distributions; its parameters are arrays that broadcast,
so one object can be many distributions. `kl` takes any two families of a real number, any two of counts, else a family
and itself in any of its parametrisations. The functions in lower case, `normal(loc_p, scale_p, loc_q, scale_q)`, are the
short form for two of one family.

Parameters are gathered into rows, one a distribution, when the object is made; `Normal.of_rows(rows)` takes rows that
there are already, without a copy.
"""

from __future__ import annotations

import inspect
from typing import Any, Callable, Literal, NamedTuple, Optional

import numpy as np

from . import _kldiv
from ._distribution import Distribution as Distribution
from ._errors import KLDivError
from ._measures import Array, Invalid, Reduction, Result, choices, number

FamilyMeasure = Literal["kl", "generalized", "reverse", "jeffreys", "entropy", "cross_entropy"]

_NUMBERS = dict(_kldiv.families())


class Normal(Distribution):
    """The normal distribution."""

    family = "normal"

    def __init__(self, loc: Array, scale: Array) -> None:
        self._gather(("loc", loc, 0), ("scale", scale, 0))


class Laplace(Distribution):
    """The Laplace distribution."""

    family = "laplace"

    def __init__(self, loc: Array, scale: Array) -> None:
        self._gather(("loc", loc, 0), ("scale", scale, 0))


class Gumbel(Distribution):
    """The Gumbel distribution of maxima, density ``exp(-z - exp(-z)) / scale``, z = (x - loc) / scale."""

    family = "gumbel"

    def __init__(self, loc: Array, scale: Array) -> None:
        self._gather(("loc", loc, 0), ("scale", scale, 0))


class Logistic(Distribution):
    """The logistic distribution."""

    family = "logistic"

    def __init__(self, loc: Array, scale: Array) -> None:
        self._gather(("loc", loc, 0), ("scale", scale, 0))


class Moyal(Distribution):
    """The Moyal distribution, density ``exp(-(z + exp(-z)) / 2) / (scale sqrt(2 pi))``."""

    family = "moyal"

    def __init__(self, loc: Array, scale: Array) -> None:
        self._gather(("loc", loc, 0), ("scale", scale, 0))


class Cauchy(Distribution):
    """The Cauchy distribution."""

    family = "cauchy"

    def __init__(self, loc: Array, scale: Array) -> None:
        self._gather(("loc", loc, 0), ("scale", scale, 0))


class LogNormal(Distribution):
    """The lognormal distribution; `loc` and `scale` are those of ln x."""

    family = "lognormal"

    def __init__(self, loc: Array, scale: Array) -> None:
        self._gather(("loc", loc, 0), ("scale", scale, 0))


class HalfNormal(Distribution):
    """The half-normal distribution; `scale` is that of the normal one."""

    family = "halfnormal"

    def __init__(self, scale: Array) -> None:
        self._gather(("scale", scale, 0))


class Exponential(Distribution):
    """The exponential distribution."""

    family = "exponential"

    def __init__(self, rate: Array) -> None:
        self._gather(("rate", rate, 0))


class Gamma(Distribution):
    """The gamma distribution."""

    family = "gamma"

    def __init__(self, concentration: Array, rate: Array) -> None:
        self._gather(("concentration", concentration, 0), ("rate", rate, 0))


class InverseGamma(Distribution):
    """The inverse gamma distribution, density ``b^a x^(-a-1) exp(-b / x) / Gamma(a)``."""

    family = "inversegamma"

    def __init__(self, concentration: Array, rate: Array) -> None:
        self._gather(("concentration", concentration, 0), ("rate", rate, 0))


class Chi2(Distribution):
    """The chi-squared distribution."""

    family = "chi2"

    def __init__(self, df: Array) -> None:
        self._gather(("df", df, 0))


class Chi(Distribution):
    """The chi distribution."""

    family = "chi"

    def __init__(self, df: Array) -> None:
        self._gather(("df", df, 0))


class Beta(Distribution):
    """The beta distribution, density ``x^(a-1) (1-x)^(b-1) / B(a, b)``."""

    family = "beta"

    def __init__(self, concentration1: Array, concentration0: Array) -> None:
        self._gather(("concentration1", concentration1, 0), ("concentration0", concentration0, 0))


class Kumaraswamy(Distribution):
    """The Kumaraswamy distribution, density ``a b x^(a-1) (1-x^a)^(b-1)``."""

    family = "kumaraswamy"

    def __init__(self, concentration1: Array, concentration0: Array) -> None:
        self._gather(("concentration1", concentration1, 0), ("concentration0", concentration0, 0))


class ContinuousBernoulli(Distribution):
    """The continuous Bernoulli distribution, density ``C l^x (1-l)^(1-x)``."""

    family = "continuousbernoulli"

    def __init__(self, probs: Array) -> None:
        self._gather(("probs", probs, 0))


class Uniform(Distribution):
    """The uniform distribution."""

    family = "uniform"

    def __init__(self, low: Array, high: Array) -> None:
        self._gather(("low", low, 0), ("high", high, 0))


class Weibull(Distribution):
    """The Weibull distribution, density ``(k/s) (x/s)^(k-1) exp(-(x/s)^k)``."""

    family = "weibull"

    def __init__(self, scale: Array, concentration: Array) -> None:
        self._gather(("scale", scale, 0), ("concentration", concentration, 0))


class Pareto(Distribution):
    """The Pareto distribution, density ``alpha m^alpha x^(-alpha-1)`` from m on."""

    family = "pareto"

    def __init__(self, scale: Array, alpha: Array) -> None:
        self._gather(("scale", scale, 0), ("alpha", alpha, 0))


class StudentT(Distribution):
    """Student's t distribution; `scale` is not the standard deviation."""

    family = "studentt"

    def __init__(self, df: Array, loc: Array, scale: Array) -> None:
        self._gather(("df", df, 0), ("loc", loc, 0), ("scale", scale, 0))


class VonMises(Distribution):
    """The von Mises distribution, over one turn."""

    family = "vonmises"

    def __init__(self, loc: Array, concentration: Array) -> None:
        self._gather(("loc", loc, 0), ("concentration", concentration, 0))


class Binomial(Distribution):
    """The binomial distribution."""

    family = "binomial"

    def __init__(self, total_count: Array, probs: Array) -> None:
        self._gather(("total_count", total_count, 0), ("probs", probs, 0))


class NegativeBinomial(Distribution):
    """The negative binomial distribution; `probs` is that of what is counted, as in PyTorch."""

    family = "negativebinomial"

    def __init__(self, total_count: Array, probs: Array) -> None:
        self._gather(("total_count", total_count, 0), ("probs", probs, 0))


class Geometric(Distribution):
    """The geometric distribution, ``(1-s)^k s`` from k = 0."""

    family = "geometric"

    def __init__(self, probs: Array) -> None:
        self._gather(("probs", probs, 0))


class Poisson(Distribution):
    """The Poisson distribution; the rate may be 0."""

    family = "poisson"

    def __init__(self, rate: Array) -> None:
        self._gather(("rate", rate, 0))


def _one_of(given: dict[str, Any]) -> tuple[str, Any]:
    """The one parameter that is given."""
    found = [(name, value) for name, value in given.items() if value is not None]
    if len(found) != 1:
        raise TypeError(f"one of {', '.join(given)} has to be given, and no more than one")
    return found[0]


class Bernoulli(Distribution):
    """The Bernoulli distribution, by the probability of 1 or by its logit."""

    family = "bernoulli"

    def __init__(self, probs: Optional[Array] = None, logits: Optional[Array] = None) -> None:
        name, value = _one_of({"probs": probs, "logits": logits})
        self.family = "bernoulli" if name == "probs" else "bernoulli_logits"  # type: ignore[misc]
        self._gather((name, value, 0))


class Categorical(Distribution):
    """The categorical distribution: probabilities, divided by their sum, or logits, along the last axis."""

    family = "categorical"

    def __init__(self, probs: Optional[Array] = None, logits: Optional[Array] = None) -> None:
        name, value = _one_of({"probs": probs, "logits": logits})
        self.family = "categorical" if name == "probs" else "categorical_logits"  # type: ignore[misc]
        self._gather((name, value, 1))


class Multinomial(Distribution):
    """The multinomial distribution; probabilities are along the last axis and divided by their sum."""

    family = "multinomial"

    def __init__(self, total_count: Array, probs: Array) -> None:
        self._gather(("total_count", total_count, 0), ("probs", probs, 1))


class Dirichlet(Distribution):
    """The Dirichlet distribution; concentrations are along the last axis."""

    family = "dirichlet"

    def __init__(self, concentration: Array) -> None:
        self._gather(("concentration", concentration, 1))


class MultivariateNormal(Distribution):
    """The multivariate normal distribution, by its covariance matrix, precision matrix or Cholesky factor, or by the
    standard deviations of independent coordinates."""

    family = "mvnormal"

    def __init__(
        self,
        loc: Array,
        covariance_matrix: Optional[Array] = None,
        precision_matrix: Optional[Array] = None,
        scale_tril: Optional[Array] = None,
        scale_diag: Optional[Array] = None,
    ) -> None:
        name, value = _one_of(
            {
                "covariance_matrix": covariance_matrix,
                "precision_matrix": precision_matrix,
                "scale_tril": scale_tril,
                "scale_diag": scale_diag,
            }
        )
        families = {"precision_matrix": "precision", "scale_tril": "tril", "scale_diag": "diag"}
        if name in families:
            self.family = f"mvnormal_{families[name]}"  # type: ignore[misc]
        self._gather(("loc", loc, 1), (name, value, 1 if name == "scale_diag" else 2))


class LowRankMultivariateNormal(Distribution):
    """The multivariate normal distribution with covariance ``W W^T + diag(v)``: W is `cov_factor`, v `cov_diag`."""

    family = "mvnormal_lowrank"

    def __init__(self, loc: Array, cov_factor: Array, cov_diag: Array) -> None:
        self._dim = np.shape(loc)[-1] if np.ndim(loc) else 0
        self._gather(("loc", loc, 1), ("cov_diag", cov_diag, 1), ("cov_factor", cov_factor, 2))


class Wishart(Distribution):
    """The Wishart distribution with mean ``df * covariance_matrix``."""

    family = "wishart"

    def __init__(self, df: Array, covariance_matrix: Array) -> None:
        self._gather(("df", df, 0), ("covariance_matrix", covariance_matrix, 2))


class InverseWishart(Distribution):
    """The inverse Wishart distribution."""

    family = "inversewishart"

    def __init__(self, df: Array, scale_matrix: Array) -> None:
        self._gather(("df", df, 0), ("scale_matrix", scale_matrix, 2))


class Gradients(NamedTuple):
    """Divergences, and their gradients by the parameters of P and of Q, each by its name."""

    value: Result
    grad_p: dict[str, np.ndarray]
    grad_q: dict[str, np.ndarray]


def _call(p: Distribution, q: Distribution, upstream: Any, grads: Optional[bool], options: Any) -> Any:
    for distribution in (p, q):
        if not isinstance(distribution, Distribution):
            raise TypeError(f"{distribution!r} is no distribution of kldiv.family")
    dims = {x._dim for x in (p, q)} - {0}
    if len(dims) > 1:
        raise KLDivError(f"the distributions have {p._dim} and {q._dim} dimensions", status="shape_mismatch")
    dim = dims.pop() if dims else 0
    numbers = _NUMBERS[p.family], _NUMBERS[q.family]
    return _kldiv.family(numbers[0], p.rows, numbers[1], q.rows, dim, upstream, grads, grads, options)


def kl(
    p: Distribution,
    q: Distribution,
    base: Optional[float] = None,
    *,
    measure: FamilyMeasure = "kl",
    weights: Optional[Array] = None,
    mask: Optional[Array] = None,
    reduction: Optional[Reduction] = None,
    invalid: Invalid = "error",
    threads: int = 0,
) -> Result:
    """The divergence of each pair of distributions, whose shapes broadcast.

    Where there is no closed form it is integrated or summed, never sampled. `measure` may be "reverse", "jeffreys",
    "entropy" (of P) and "cross_entropy" too. The other arguments are those of `kldiv.kl`.

    Examples
    --------
    >>> from kldiv import family
    >>> family.kl(family.Gamma([1.0, 2.0], 1), family.Exponential(1)).round(6)
    array([0.      , 0.422784])
    >>> family.kl(family.Normal(0, 1), family.Normal(0, -1))
    Traceback (most recent call last):
    kldiv._errors.KLDivError: scale of q is -1; it is finite and above 0
    """
    options = choices(number(measure), None, base, weights=weights, mask=mask, invalid=invalid, threads=threads)
    value, _, _ = _call(p, q, None, None, options)
    return value if reduction is None else _kldiv.reduced(value, reduction, options)


def kl_grad(
    p: Distribution,
    q: Distribution,
    base: Optional[float] = None,
    *,
    upstream: Optional[Array] = None,
    weights: Optional[Array] = None,
    mask: Optional[Array] = None,
    invalid: Invalid = "error",
    threads: int = 0,
) -> Gradients:
    """The divergences and their gradients by the parameters, each pair's times `upstream`.

    For two of one family among Normal, Gamma, Beta, Bernoulli, Categorical, Dirichlet and MultivariateNormal by
    `scale_tril`. Gradients have the shape of both sides, broadcast: one distribution against many has one for each.

    Examples
    --------
    >>> from kldiv import family
    >>> value, grad_p, grad_q = family.kl_grad(family.Normal(0.0, 1.0), family.Normal(1.0, 1.0))
    >>> value, float(grad_q["loc"])
    (0.5, 1.0)
    """
    options = choices(0, None, base, weights=weights, mask=mask, invalid=invalid, threads=threads)
    value, grad_p, grad_q = _call(p, q, upstream, True, options)
    return Gradients(value, p.split(grad_p), q.split(grad_q))


def entropy(p: Distribution, base: Optional[float] = None, **options: Any) -> Result:
    """The entropy of each distribution; of a real number the differential one.

    Examples
    --------
    >>> from kldiv import family
    >>> round(family.entropy(family.Normal(0, 1)), 6)
    1.418939
    """
    return kl(p, p, base, measure="entropy", **options)


def _between(family: type[Distribution], name: str) -> Callable[..., Result]:
    """The divergence of two distributions of one family from their parameters, P's first."""
    own = list(inspect.signature(family.__init__).parameters.values())[1:]
    names = [parameter.name for parameter in own]
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter(f"{name}_{side}", kind) for side in "pq" for name in names]
    options = [x for x in inspect.signature(kl).parameters.values() if x.name not in "pq"]
    options = [x.replace(kind=inspect.Parameter.KEYWORD_ONLY) for x in options]
    bound = inspect.Signature([*parameters, *options])

    def between(*args: Any, **kwargs: Any) -> Result:
        given = bound.bind(*args, **kwargs).arguments
        p, q = (family(*(given.pop(f"{name}_{side}") for name in names)) for side in "pq")
        return kl(p, q, **given)

    between.__name__ = between.__qualname__ = name
    between.__signature__ = bound  # type: ignore[attr-defined]
    listed = ", ".join(parameter.name for parameter in parameters)
    between.__doc__ = (
        f"``kl({family.__name__}(...), {family.__name__}(...))`` of {listed}; options as `kl` has them."
    )
    return between


normal = _between(Normal, "normal")
laplace = _between(Laplace, "laplace")
gumbel = _between(Gumbel, "gumbel")
logistic = _between(Logistic, "logistic")
moyal = _between(Moyal, "moyal")
cauchy = _between(Cauchy, "cauchy")
lognormal = _between(LogNormal, "lognormal")
halfnormal = _between(HalfNormal, "halfnormal")
exponential = _between(Exponential, "exponential")
gamma = _between(Gamma, "gamma")
inversegamma = _between(InverseGamma, "inversegamma")
chi2 = _between(Chi2, "chi2")
chi = _between(Chi, "chi")
beta = _between(Beta, "beta")
kumaraswamy = _between(Kumaraswamy, "kumaraswamy")
continuousbernoulli = _between(ContinuousBernoulli, "continuousbernoulli")
uniform = _between(Uniform, "uniform")
weibull = _between(Weibull, "weibull")
pareto = _between(Pareto, "pareto")
studentt = _between(StudentT, "studentt")
vonmises = _between(VonMises, "vonmises")
binomial = _between(Binomial, "binomial")
negativebinomial = _between(NegativeBinomial, "negativebinomial")
geometric = _between(Geometric, "geometric")
poisson = _between(Poisson, "poisson")
multinomial = _between(Multinomial, "multinomial")
dirichlet = _between(Dirichlet, "dirichlet")
wishart = _between(Wishart, "wishart")
inversewishart = _between(InverseWishart, "inversewishart")


def bernoulli(probs_p: Array, probs_q: Array, **options: Any) -> Result:
    """``kl(Bernoulli(probs_p), Bernoulli(probs_q))``; options as `kl` has them."""
    return kl(Bernoulli(probs_p), Bernoulli(probs_q), **options)


def categorical(probs_p: Array, probs_q: Array, **options: Any) -> Result:
    """``kl(Categorical(probs_p), Categorical(probs_q))``; options as `kl` has them."""
    return kl(Categorical(probs_p), Categorical(probs_q), **options)


def mvnormal(
    loc_p: Array, covariance_matrix_p: Array, loc_q: Array, covariance_matrix_q: Array, **options: Any
) -> Result:
    """``kl(MultivariateNormal(...), MultivariateNormal(...))`` of covariance matrices; options as `kl` has them."""
    p, q = MultivariateNormal(loc_p, covariance_matrix_p), MultivariateNormal(loc_q, covariance_matrix_q)
    return kl(p, q, **options)
