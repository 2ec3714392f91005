"""The divergence and its relatives, of arrays of any number of dimensions."""

from __future__ import annotations

from typing import Any, Literal, Optional, Union

import numpy as np

from . import _kldiv

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

_MEASURES = {
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


def _measure(name: str) -> int:
    try:
        return _MEASURES[name]
    except (KeyError, TypeError):
        known = ", ".join(map(repr, _MEASURES))
        raise _error(f"measure is {name!r}; it is one of {known}") from None


def _error(message: str) -> Exception:
    from ._errors import KLDivError

    return KLDivError(message, status="options")


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
