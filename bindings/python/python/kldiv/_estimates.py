"""Densities and samples."""

from __future__ import annotations

from typing import Callable, Iterable, Literal, NamedTuple, Optional

import numpy as np

from . import _kldiv
from ._measures import Array, Invalid, Measure, choices, number


class Integral(NamedTuple):
    """A divergence and a bound of its error."""

    value: float
    error: float


class Estimate(NamedTuple):
    """An estimate and its standard error."""

    value: float
    standard_error: float


def quadrature(
    p: Callable[[float], float],
    q: Callable[[float], float],
    lower: float,
    upper: float,
    base: Optional[float] = None,
    *,
    breaks: Iterable[float] = (),
    log_density: bool = False,
    rel_tolerance: Optional[float] = None,
    invalid: Invalid = "error",
) -> Integral:
    """The divergence of two densities on a line, by numerical integration, with a bound of the error.

    Parameters
    ----------
    p, q : callable
        The densities at a float or, with `log_density`, their logarithms, which are the better choice wherever q
        underflows. They are called some hundreds to thousands of times; what they raise is raised.
    lower, upper : float
        What encloses the support of P; either may be infinite.
    breaks : iterable of float
        Where a density or its slope jumps or is infinite. The answer is found without them too, with more calls.
    rel_tolerance : float, optional
        The relative error to reach, 1e-9 by default. Where it is not reached, or P does not integrate to 1, that is an
        error of status ``"not_converged"``.

    Examples
    --------
    >>> import kldiv, math
    >>> def log_normal(loc, scale):
    ...     return lambda x: -0.5 * ((x - loc) / scale) ** 2 - math.log(scale * math.sqrt(2 * math.pi))
    >>> found = kldiv.quadrature(log_normal(0, 1), log_normal(1, 2), -math.inf, math.inf, log_density=True)
    >>> round(found.value, 9), found.error < 1e-9
    (0.443147181, True)
    """
    options = choices(base=base, invalid=invalid)
    return Integral(
        *_kldiv.quadrature(p, q, lower, upper, list(breaks), log_density, rel_tolerance, options)
    )


def knn(
    x: Array,
    y: Array,
    k: int = 1,
    base: Optional[float] = None,
    *,
    invalid: Invalid = "error",
    threads: int = 0,
) -> float:
    """The k-nearest-neighbour estimate of the divergence from points `x` of P and `y` of Q, a row each.

    It may be negative. Points that coincide leave it undefined, which is an error of status ``"degenerate"``; a larger
    `k` helps. Source: Wang, Kulkarni and Verdu, 2009.

    Examples
    --------
    >>> import kldiv, numpy as np
    >>> rng = np.random.default_rng(1)
    >>> x, y = rng.normal(size=(2000, 2)), rng.normal(loc=1, size=(2000, 2))
    >>> abs(kldiv.knn(x, y, k=5) - 1.0) < 0.1
    True
    """
    return _kldiv.knn(x, y, k, choices(base=base, invalid=invalid, threads=threads))


def monte_carlo(
    log_p: Array,
    log_q: Array,
    estimator: Literal["k1", "k2", "k3"] = "k1",
    base: Optional[float] = None,
    *,
    weights: Optional[Array] = None,
    mask: Optional[Array] = None,
    invalid: Invalid = "error",
    threads: int = 0,
) -> Estimate:
    """The Monte Carlo estimate from ln p and ln q at samples of P, with its standard error.

    With ``r = log_q - log_p`` the mean of ``-r`` (k1), ``r**2 / 2`` (k2, biased) or ``exp(r) - 1 - r`` (k3, every term
    at least 0). Source: Schulman, "Approximating KL divergence", 2020.

    Examples
    --------
    >>> import kldiv, numpy as np
    >>> x = np.random.default_rng(1).normal(size=10_000)
    >>> log_p, log_q = -(x**2) / 2, -((x - 0.1) ** 2) / 2
    >>> value, standard_error = kldiv.monte_carlo(log_p, log_q, "k3")
    >>> abs(value - 0.005) < 5 * standard_error < 0.001
    True
    """
    options = choices(base=base, weights=weights, mask=mask, invalid=invalid, threads=threads)
    return Estimate(*_kldiv.monte_carlo(log_p, log_q, estimator, False, options))


def monte_carlo_terms(
    log_p: Array,
    log_q: Array,
    estimator: Literal["k1", "k2", "k3"] = "k1",
    base: Optional[float] = None,
    *,
    weights: Optional[Array] = None,
    mask: Optional[Array] = None,
    invalid: Invalid = "error",
    threads: int = 0,
) -> np.ndarray:
    """What `monte_carlo` is the mean of, one a sample.

    Examples
    --------
    >>> import kldiv
    >>> kldiv.monte_carlo_terms([-1.0, -2.0], [-1.5, -1.5], "k2")
    array([0.125, 0.125])
    """
    options = choices(base=base, weights=weights, mask=mask, invalid=invalid, threads=threads)
    return _kldiv.monte_carlo(log_p, log_q, estimator, True, options)[0]


def histogram(
    x: Array,
    y: Array,
    base: Optional[float] = None,
    *,
    measure: Measure = "kl",
    weight: float = 0.5,
    alpha: Optional[float] = None,
    smoothing: float = 0.0,
    miller_madow: bool = False,
) -> float:
    """The divergence of two samples of numbers, counted in shared bins: numpy's for both together, by its rule "auto".

    An empty bin of `y` makes it infinite unless `smoothing` adds to every count. `miller_madow` takes the bias of first
    order off. Integers get bins at least 1 wide.

    Examples
    --------
    >>> import kldiv, numpy as np
    >>> rng = np.random.default_rng(1)
    >>> x, y = rng.normal(size=5000), rng.normal(loc=0.5, size=5000)
    >>> abs(kldiv.histogram(x, y, smoothing=0.5) - 0.125) < 0.03
    True
    """
    parameter = alpha if measure == "renyi" else weight
    options = choices(number(measure), parameter, base, "normalize", smoothing)
    return _kldiv.plug_in(x, y, True, miller_madow, options)


def counts(
    p: Array,
    q: Array,
    base: Optional[float] = None,
    *,
    measure: Measure = "kl",
    weight: float = 0.5,
    alpha: Optional[float] = None,
    smoothing: float = 0.0,
    miller_madow: bool = False,
) -> float:
    """The plug-in estimate from two vectors of counts, with Miller and Madow's correction of its bias if asked for.

    Examples
    --------
    >>> import kldiv
    >>> p, q = [30, 50, 20], [25, 45, 30]
    >>> round(kldiv.counts(p, q), 5), round(kldiv.counts(p, q, miller_madow=True), 5)
    (0.02628, 0.00639)
    """
    parameter = alpha if measure == "renyi" else weight
    options = choices(number(measure), parameter, base, "normalize", smoothing)
    return _kldiv.plug_in(p, q, False, miller_madow, options)


def bin_edges(x: Array, y: Array) -> np.ndarray:
    """The edges of the bins that `histogram` counts in, one more than there are bins.

    Examples
    --------
    >>> import kldiv
    >>> kldiv.bin_edges([0.0, 1.0, 2.0], [1.0, 3.0])
    array([0.  , 0.75, 1.5 , 2.25, 3.  ])
    """
    return _kldiv.bin_edges(x, y)
