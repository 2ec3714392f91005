"""One pair outcome by outcome, and all pairs of rows."""

from __future__ import annotations

from typing import Any, Iterator, NamedTuple, Optional, Sequence

import numpy as np

from . import _kldiv
from ._measures import Array, Invalid, Measure, Normalization, Out, choices, number

_FIELDS = ("p", "q", "ratio", "log_ratio", "contribution", "share")
_TERM = np.dtype([("index", np.uint64)] + [(name, np.float64) for name in _FIELDS])


class Explanation:
    """How a divergence comes about, outcome by outcome; printed, a table.

    Attributes
    ----------
    terms : numpy.ndarray
        A structured array, an outcome each, with the fields ``index``, ``p``, ``q``, ``ratio``, ``log_ratio``,
        ``contribution`` and ``share``; ``explanation["ratio"]`` is one of them.
    total : float
        The divergence.
    labels : list of str
        The outcomes' names.
    """

    def __init__(self, terms: np.ndarray, total: float, labels: Sequence[Any], unit: str) -> None:
        self.terms = terms
        self.total = total
        self.labels = [str(label) for label in labels]
        self.unit = unit

    def __getitem__(self, key: Any) -> Any:
        return self.terms[key]

    def __len__(self) -> int:
        return len(self.terms)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.terms)

    def __array__(self, dtype: Any = None, copy: Optional[bool] = None) -> np.ndarray:
        return np.array(self.terms, dtype=dtype) if dtype is not None or copy else self.terms

    def largest(self, count: int = 10) -> Explanation:
        """The outcomes that contribute most, the largest first."""
        order = np.argsort(-np.abs(self.terms["contribution"]), kind="stable")[:count]
        return Explanation(self.terms[order], self.total, [self.labels[i] for i in order], self.unit)

    def __str__(self) -> str:
        heads = ["", "p", "q", "p/q", "log(p/q)", "contribution", "share"]
        lines = [heads]
        for label, term in zip(self.labels, self.terms):
            numbers = [f"{term[name]:.4g}" for name in ("p", "q", "ratio", "log_ratio", "contribution")]
            lines.append([label, *numbers, f"{term['share']:.1%}"])
        widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
        rows = [
            "  ".join([line[0].ljust(widths[0])] + [x.rjust(w) for x, w in zip(line[1:], widths[1:])])
            for line in lines
        ]
        return "\n".join([*rows, f"total {self.total:.6g} {self.unit}"])

    __repr__ = __str__


def explain(
    p: Array,
    q: Array = None,
    base: Optional[float] = None,
    *,
    labels: Optional[Sequence[Any]] = None,
    measure: Measure = "kl",
    weight: float = 0.5,
    normalization: Optional[Normalization] = None,
    smoothing: float = 0.0,
) -> Explanation:
    """One divergence worked out outcome by outcome: p, q, their ratio, its logarithm, the contribution and its share.

    `p` and `q` are one distribution each, `labels` the outcomes' names. The other arguments are those of `kldiv.terms`.

    Examples
    --------
    >>> import kldiv
    >>> kldiv.explain([0.5, 0.5], [0.7, 0.3], labels=["heads", "tails"])
             p    q     p/q  log(p/q)  contribution    share
    heads  0.5  0.7  0.7143   -0.3365       -0.1682  -193.0%
    tails  0.5  0.3   1.667    0.5108        0.2554   293.0%
    total 0.0871767 nats
    """
    options = choices(number(measure), weight, base, normalization, smoothing)
    q = p if q is None and measure == "entropy" else q
    total = _kldiv.rows(p, q, -1, False, None, None, options)
    terms = np.empty(len(p), dtype=_TERM)
    _kldiv.explain(p, q, terms.view(np.float64).reshape(len(terms), len(_FIELDS) + 1), options)
    if labels is None:
        labels = range(len(terms))
    elif len(labels) != len(terms):
        raise ValueError(f"there are {len(labels)} labels for {len(terms)} outcomes")
    unit = {None: "nats", 2: "bits", 10: "hartleys"}.get(base, f"to base {base}")
    return Explanation(terms, total, labels, unit)


class Nearest(NamedTuple):
    """The nearest rows: their places in Q, -1 where there is none, and their divergences."""

    index: np.ndarray
    value: np.ndarray


def pairwise(
    p: Array,
    q: Array = None,
    base: Optional[float] = None,
    *,
    measure: Measure = "kl",
    weight: float = 0.5,
    alpha: Optional[float] = None,
    normalization: Optional[Normalization] = None,
    smoothing: float = 0.0,
    mass_tolerance: Optional[float] = None,
    weights: Optional[Array] = None,
    mask: Optional[Array] = None,
    invalid: Invalid = "error",
    out: Optional[Out] = None,
    threads: int = 0,
) -> np.ndarray:
    """The divergence of every row of P from every row of Q, by a matrix product: ``[i, j]`` is ``kl(p[i], q[j])``.

    `p` and `q` are matrices of any strides, a distribution a row; without `q` the rows of `p` are compared with each
    other. `weight` is that of the Jensen-Shannon measures, `alpha` the order of Renyi's. `weights` and `mask` are of
    the rows of P. As accurate as `kl` pair by pair. The other arguments are those of `kl`.

    Examples
    --------
    >>> import kldiv
    >>> kldiv.pairwise([[0.5, 0.5], [0.9, 0.1]], [[0.7, 0.3], [0.5, 0.5], [0.9, 0.1]]).round(3)
    array([[0.087, 0.   , 0.511],
           [0.116, 0.368, 0.   ]])
    """
    q = p if q is None else q
    options = choices(
        number(measure), alpha if measure == "renyi" else weight,
        base, normalization, smoothing, mass_tolerance, weights, mask, invalid, threads,
    )  # fmt: skip
    return _kldiv.pairwise(p, q, out, options)


def nearest(
    p: Array,
    q: Array,
    k: int = 1,
    base: Optional[float] = None,
    *,
    measure: Measure = "kl",
    weight: float = 0.5,
    alpha: Optional[float] = None,
    normalization: Optional[Normalization] = None,
    smoothing: float = 0.0,
    mass_tolerance: Optional[float] = None,
    weights: Optional[Array] = None,
    mask: Optional[Array] = None,
    invalid: Invalid = "error",
    threads: int = 0,
) -> Nearest:
    """The `k` rows of Q with the smallest divergences from each row of P, the smallest first.

    Never has all divergences in memory. The other arguments are those of `pairwise`.

    Examples
    --------
    >>> import kldiv
    >>> found = kldiv.nearest([[0.6, 0.4]], [[0.9, 0.1], [0.5, 0.5], [0.7, 0.3]], k=2)
    >>> found.index, found.value.round(4)
    (array([[1, 2]]), array([[0.0201, 0.0226]]))
    """
    options = choices(
        number(measure), alpha if measure == "renyi" else weight,
        base, normalization, smoothing, mass_tolerance, weights, mask, invalid, threads,
    )  # fmt: skip
    return Nearest(*_kldiv.nearest(p, q, k, options))
