"""The divergence and its relatives, of arrays of any number of dimensions."""

from __future__ import annotations

from typing import Any, Literal, Optional, Union

import numpy as np

from . import _kldiv
from ._errors import KLDivError

# What can be read: an ndarray, whatever has __dlpack__ (a tensor), a sequence of numbers, a Series, ...
Array = Any
# What can be written to: an ndarray or a tensor of a floating-point type.
Out = Any
# One number, or one a distribution.
Result = Union[float, "np.ndarray"]
Normalization = Literal["as_given", "normalize", "require"]
Reduction = Literal["sum", "mean", "batchmean"]
Invalid = Literal["error", "nan"]
Measure = Literal[
    "kl",
    "generalized",
    "reverse",
    "jeffreys",
    "js",
    "jensenshannon",
    "renyi",
    "entropy",
    "cross_entropy",
]

# The core's numbers.
MEASURES = {
    "kl": 0,
    "generalized": 1,
    "reverse": 2,
    "jeffreys": 3,
    "js": 4,
    "jensenshannon": 5,
    "renyi": 6,
    "entropy": 7,
    "cross_entropy": 8,
}


def number(measure: str) -> int:
    """The core's number of a measure."""
    try:
        return MEASURES[measure]
    except (KeyError, TypeError):
        known = ", ".join(map(repr, MEASURES))
        raise KLDivError(f"measure is {measure!r}; it is one of {known}", status="options") from None


def choices(
    measure: int = 0,
    parameter: Optional[float] = None,
    base: Optional[float] = None,
    normalization: Optional[str] = None,
    smoothing: float = 0.0,
    mass_tolerance: Optional[float] = None,
    weights: Optional[Array] = None,
    mask: Optional[Array] = None,
    invalid: str = "error",
    threads: int = 0,
) -> tuple[Any, ...]:
    """What concerns every function, in the order in which the extension takes it."""
    return measure, parameter, base, normalization, smoothing, mass_tolerance, weights, mask, invalid, threads


def kl(
    p: Array,
    q: Array,
    axis: int = -1,
    base: Optional[float] = None,
    *,
    normalization: Optional[Normalization] = None,
    smoothing: float = 0.0,
    mass_tolerance: Optional[float] = None,
    weights: Optional[Array] = None,
    mask: Optional[Array] = None,
    reduction: Optional[Reduction] = None,
    invalid: Invalid = "error",
    keepdims: bool = False,
    out: Optional[Out] = None,
    threads: int = 0,
) -> Result:
    """The Kullback-Leibler divergence of P from Q, ``sum p ln(p / q)``.

    A term with p = 0 is 0; where q = 0 and p is not, the divergence is infinite, which is an answer. Accurate also
    where P and Q nearly coincide.

    Parameters
    ----------
    p, q : array_like
        Probabilities, or counts. float64, float32, float16, bfloat16, int64 and uint64 are read where they lie, with
        any strides; other types are converted. Anything with ``__dlpack__`` is read where it lies too. The axes
        other than `axis` are broadcast; a vector is one distribution for all.
    axis : int
        The axis of the outcomes, in the array that has more dimensions.
    base : float, optional
        The base of the logarithm, above 1: 2 gives bits. Nats by default.
    normalization : {"as_given", "normalize", "require"}, optional
        What is done about sums that are not 1: nothing (the default), each distribution is divided by its sum, or it
        is an error if the sum is further from 1 than `mass_tolerance`.
    smoothing : float
        Added to every entry before it is normalized, ``(c + s) / (sum(c) + s * K)``; needs ``"normalize"``.
    mass_tolerance : float, optional
        1e-6 by default.
    weights : array_like, optional
        One a distribution, at least 0, broadcast: results are multiplied by it.
    mask : array_like, optional
        One a distribution, broadcast: those where it is false are not read and give 0.
    reduction : {"sum", "mean", "batchmean"}, optional
        One number for all distributions; the means are over those that the mask keeps, by weight.
    invalid : {"error", "nan"}
        Whether a bad distribution raises, or is NaN and nothing more. In either case all others are answered: the
        error has them as `result`.
    keepdims : bool
        Whether `axis` is kept in the result, with length 1.
    out : numpy.ndarray, optional
        A C-contiguous array of float64 for the results.
    threads : int
        How many threads share a large call; 0 is as many as there are cores. Results do not depend on it.

    Returns
    -------
    float or numpy.ndarray
        In nats, or to `base`: a float for one distribution, else an array of float64 without `axis`.

    Raises
    ------
    KLDivError
        A ValueError that names operand, index and value: negative, NaN and infinite entries, shapes that do not go
        together, options that make no sense.
    TypeError
        Arguments that are no numbers.

    Examples
    --------
    >>> import kldiv
    >>> round(kldiv.kl([0.5, 0.5], [0.7, 0.3]), 4)
    0.0872
    >>> round(kldiv.kl([0.5, 0.5], [0.7, 0.3], base=2), 4)
    0.1258
    >>> kldiv.kl([0.5, 0.5], [1.0, 0.0])
    inf
    >>> import numpy as np
    >>> p = np.array([[0.5, 0.5], [0.9, 0.1]])
    >>> kldiv.kl(p, [0.7, 0.3]).round(4)
    array([0.0872, 0.1163])
    >>> round(kldiv.kl([3, 1, 0], [2, 1, 1], normalization="normalize"), 4)
    0.3041
    """
    return _kldiv.rows(
        p, q, axis, keepdims, reduction, out,
        (0, None, base, normalization, smoothing, mass_tolerance, weights, mask, invalid, threads),
    )  # fmt: skip


def generalized(
    p: Array,
    q: Array,
    axis: int = -1,
    base: Optional[float] = None,
    *,
    normalization: Optional[Normalization] = None,
    smoothing: float = 0.0,
    mass_tolerance: Optional[float] = None,
    weights: Optional[Array] = None,
    mask: Optional[Array] = None,
    reduction: Optional[Reduction] = None,
    invalid: Invalid = "error",
    keepdims: bool = False,
    out: Optional[Out] = None,
    threads: int = 0,
) -> Result:
    """The generalized divergence, ``sum (p ln(p / q) - p + q)``, whose every term is at least 0.

    It is `scipy.special.kl_div`, summed. Arguments and results are those of `kl`.

    Examples
    --------
    >>> import kldiv
    >>> round(kldiv.generalized([1.0, 2.0], [1.5, 1.0]), 4)
    0.4808
    """
    return _kldiv.rows(
        p, q, axis, keepdims, reduction, out,
        (1, None, base, normalization, smoothing, mass_tolerance, weights, mask, invalid, threads),
    )  # fmt: skip


def reverse(
    p: Array,
    q: Array,
    axis: int = -1,
    base: Optional[float] = None,
    *,
    normalization: Optional[Normalization] = None,
    smoothing: float = 0.0,
    mass_tolerance: Optional[float] = None,
    weights: Optional[Array] = None,
    mask: Optional[Array] = None,
    reduction: Optional[Reduction] = None,
    invalid: Invalid = "error",
    keepdims: bool = False,
    out: Optional[Out] = None,
    threads: int = 0,
) -> Result:
    """The divergence of Q from P, ``sum q ln(q / p)``. Arguments and results are those of `kl`.

    Examples
    --------
    >>> import kldiv
    >>> kldiv.reverse([0.5, 0.5], [0.7, 0.3]) == kldiv.kl([0.7, 0.3], [0.5, 0.5])
    True
    """
    return _kldiv.rows(
        p, q, axis, keepdims, reduction, out,
        (2, None, base, normalization, smoothing, mass_tolerance, weights, mask, invalid, threads),
    )  # fmt: skip


def jeffreys(
    p: Array,
    q: Array,
    axis: int = -1,
    base: Optional[float] = None,
    *,
    normalization: Optional[Normalization] = None,
    smoothing: float = 0.0,
    mass_tolerance: Optional[float] = None,
    weights: Optional[Array] = None,
    mask: Optional[Array] = None,
    reduction: Optional[Reduction] = None,
    invalid: Invalid = "error",
    keepdims: bool = False,
    out: Optional[Out] = None,
    threads: int = 0,
) -> Result:
    """Jeffreys' divergence, ``sum (p - q) ln(p / q)``: both directions, added up.

    Arguments and results are those of `kl`.

    Examples
    --------
    >>> import kldiv
    >>> round(kldiv.jeffreys([0.5, 0.5], [0.7, 0.3]), 4)
    0.1695
    """
    return _kldiv.rows(
        p, q, axis, keepdims, reduction, out,
        (3, None, base, normalization, smoothing, mass_tolerance, weights, mask, invalid, threads),
    )  # fmt: skip


def psi(
    p: Array,
    q: Array,
    axis: int = -1,
    base: Optional[float] = None,
    *,
    normalization: Optional[Normalization] = "normalize",
    smoothing: float = 0.0,
    mass_tolerance: Optional[float] = None,
    weights: Optional[Array] = None,
    mask: Optional[Array] = None,
    reduction: Optional[Reduction] = None,
    invalid: Invalid = "error",
    keepdims: bool = False,
    out: Optional[Out] = None,
    threads: int = 0,
) -> Result:
    """The population stability index: Jeffreys' divergence of proportions, from counts or shares.

    Both sides are normalized. An empty bin on one side makes it infinite unless `smoothing` adds to every count.
    Arguments and results are those of `kl`.

    Examples
    --------
    >>> import kldiv
    >>> expected, actual = [120, 300, 380, 200], [90, 280, 400, 230]
    >>> round(kldiv.psi(expected, actual), 4)
    0.0152
    >>> kldiv.psi([5, 0, 5], [4, 1, 5])
    inf
    >>> round(kldiv.psi([5, 0, 5], [4, 1, 5], smoothing=0.5), 4)
    0.113
    """
    return _kldiv.rows(
        p, q, axis, keepdims, reduction, out,
        (3, None, base, normalization, smoothing, mass_tolerance, weights, mask, invalid, threads),
    )  # fmt: skip


def js(
    p: Array,
    q: Array,
    axis: int = -1,
    base: Optional[float] = None,
    *,
    weight: float = 0.5,
    normalization: Optional[Normalization] = None,
    smoothing: float = 0.0,
    mass_tolerance: Optional[float] = None,
    weights: Optional[Array] = None,
    mask: Optional[Array] = None,
    reduction: Optional[Reduction] = None,
    invalid: Invalid = "error",
    keepdims: bool = False,
    out: Optional[Out] = None,
    threads: int = 0,
) -> Result:
    """The Jensen-Shannon divergence, ``w D(P || M) + (1 - w) D(Q || M)`` with ``M = w P + (1 - w) Q``.

    `weight` is w, from 0 to 1. The other arguments and the result are those of `kl`. `jensenshannon` is its root.

    Examples
    --------
    >>> import kldiv
    >>> round(kldiv.js([1.0, 0.0], [0.0, 1.0], base=2), 4)
    1.0
    """
    return _kldiv.rows(
        p, q, axis, keepdims, reduction, out,
        (4, weight, base, normalization, smoothing, mass_tolerance, weights, mask, invalid, threads),
    )  # fmt: skip


def jensenshannon(
    p: Array,
    q: Array,
    axis: int = -1,
    base: Optional[float] = None,
    *,
    weight: float = 0.5,
    normalization: Optional[Normalization] = "normalize",
    smoothing: float = 0.0,
    mass_tolerance: Optional[float] = None,
    weights: Optional[Array] = None,
    mask: Optional[Array] = None,
    reduction: Optional[Reduction] = None,
    invalid: Invalid = "error",
    keepdims: bool = False,
    out: Optional[Out] = None,
    threads: int = 0,
) -> Result:
    """The Jensen-Shannon distance, the root of the divergence, of normalized P and Q: SciPy's `jensenshannon`.

    `weight` is that of P in the mixture, from 0 to 1. The other arguments and the result are those of `kl`; as in
    SciPy both sides are normalized unless `normalization` says otherwise.

    Examples
    --------
    >>> import kldiv
    >>> round(kldiv.jensenshannon([1.0, 0.0], [0.5, 0.5]), 4)
    0.4645
    """
    return _kldiv.rows(
        p, q, axis, keepdims, reduction, out,
        (5, weight, base, normalization, smoothing, mass_tolerance, weights, mask, invalid, threads),
    )  # fmt: skip


def renyi(
    p: Array,
    q: Array,
    alpha: float,
    axis: int = -1,
    base: Optional[float] = None,
    *,
    normalization: Optional[Normalization] = None,
    smoothing: float = 0.0,
    mass_tolerance: Optional[float] = None,
    weights: Optional[Array] = None,
    mask: Optional[Array] = None,
    reduction: Optional[Reduction] = None,
    invalid: Invalid = "error",
    keepdims: bool = False,
    out: Optional[Out] = None,
    threads: int = 0,
) -> Result:
    """Renyi's divergence of order alpha, ``ln(sum p^alpha q^(1 - alpha)) / (alpha - 1)``.

    `alpha` is above 0; 1 is the Kullback-Leibler divergence, infinity the logarithm of the largest p / q. The other
    arguments and the result are those of `kl`.

    Examples
    --------
    >>> import kldiv
    >>> round(kldiv.renyi([0.5, 0.5], [0.7, 0.3], alpha=2), 4)
    0.1744
    """
    return _kldiv.rows(
        p, q, axis, keepdims, reduction, out,
        (6, float(alpha), base, normalization, smoothing, mass_tolerance, weights, mask, invalid, threads),
    )  # fmt: skip


def entropy(
    p: Array,
    axis: int = -1,
    base: Optional[float] = None,
    *,
    normalization: Optional[Normalization] = None,
    smoothing: float = 0.0,
    mass_tolerance: Optional[float] = None,
    weights: Optional[Array] = None,
    mask: Optional[Array] = None,
    reduction: Optional[Reduction] = None,
    invalid: Invalid = "error",
    keepdims: bool = False,
    out: Optional[Out] = None,
    threads: int = 0,
) -> Result:
    """The entropy, ``-sum p ln p``. Arguments and results are those of `kl`.

    Examples
    --------
    >>> import kldiv
    >>> kldiv.entropy([0.5, 0.5], base=2)
    1.0
    """
    return _kldiv.rows(
        p, None, axis, keepdims, reduction, out,
        (7, None, base, normalization, smoothing, mass_tolerance, weights, mask, invalid, threads),
    )  # fmt: skip


def cross_entropy(
    p: Array,
    q: Array,
    axis: int = -1,
    base: Optional[float] = None,
    *,
    normalization: Optional[Normalization] = None,
    smoothing: float = 0.0,
    mass_tolerance: Optional[float] = None,
    weights: Optional[Array] = None,
    mask: Optional[Array] = None,
    reduction: Optional[Reduction] = None,
    invalid: Invalid = "error",
    keepdims: bool = False,
    out: Optional[Out] = None,
    threads: int = 0,
) -> Result:
    """The cross entropy, ``-sum p ln q``. Arguments and results are those of `kl`.

    Examples
    --------
    >>> import kldiv
    >>> round(kldiv.cross_entropy([0.5, 0.5], [0.7, 0.3]), 4)
    0.7803
    """
    return _kldiv.rows(
        p, q, axis, keepdims, reduction, out,
        (8, None, base, normalization, smoothing, mass_tolerance, weights, mask, invalid, threads),
    )  # fmt: skip


def terms(
    p: Array,
    q: Array = None,
    axis: int = -1,
    base: Optional[float] = None,
    *,
    measure: Measure = "kl",
    weight: float = 0.5,
    normalization: Optional[Normalization] = None,
    smoothing: float = 0.0,
    mass_tolerance: Optional[float] = None,
    weights: Optional[Array] = None,
    mask: Optional[Array] = None,
    invalid: Invalid = "error",
    out: Optional[Out] = None,
    threads: int = 0,
) -> np.ndarray:
    """The terms of the sum, element by element: SciPy's `rel_entr` for the measure "kl", `kl_div` for "generalized".

    Any measure that is a sum, which Renyi's divergence and the Jensen-Shannon distance are not. The result has the
    broadcast shape of `p` and `q` and the floating-point type of both (float64 for counts), or is `out`, an array or a
    tensor of any floating-point type and any strides. The other arguments are those of `kl`.

    Examples
    --------
    >>> import kldiv
    >>> kldiv.terms([0.5, 0.5], [0.7, 0.3]).round(3)
    array([-0.168,  0.255])
    """
    options = choices(
        number(measure), weight, base, normalization, smoothing, mass_tolerance, weights, mask, invalid, threads
    )
    return _kldiv.terms(p, q, axis, out, options)
