"""What models are trained with, with gradients, of arrays; kldiv.torch has the same for tensors."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, Optional, Union

import numpy as np

from . import _kldiv
from ._measures import Array, Invalid, Reduction, Result, choices, number

LossReduction = Literal["none", "mean", "batchmean", "sum"]
LogitsMeasure = Literal["kl", "reverse", "js"]
TopK = Literal["logits", "logprobs", "logprobs_tail"]


class Gradients(NamedTuple):
    """A gradient for each of two inputs."""

    first: np.ndarray
    second: np.ndarray


class LogitsGradients(NamedTuple):
    """The divergences and their gradients; None where it was not asked for."""

    value: Result
    grad_a: Optional[np.ndarray]
    grad_b: Optional[np.ndarray]


class TopKGradients(NamedTuple):
    """The divergences and their gradients."""

    value: Result
    grad_b: np.ndarray


class VAEGradients(NamedTuple):
    """The divergences and their gradients; None where there is no such prior."""

    value: Result
    grad_mu: np.ndarray
    grad_logvar: np.ndarray
    grad_prior_mu: Optional[np.ndarray]
    grad_prior_logvar: Optional[np.ndarray]


def loss(
    input: Array,
    target: Array,
    reduction: LossReduction = "mean",
    log_target: bool = False,
    *,
    axis: int = -1,
    base: Optional[float] = None,
    weights: Optional[Array] = None,
    mask: Optional[Array] = None,
    invalid: Invalid = "error",
    threads: int = 0,
) -> Result:
    """PyTorch's KLDivLoss: first the input, ln q, then the target, p, or ln p with `log_target`.

    ``"none"`` gives ``target (ln target - input)``, ``"sum"`` their sum; ``"mean"`` divides by the number of elements,
    as in PyTorch, and ``"batchmean"`` by that of distributions: the mean divergence is that one. A target of 0
    contributes 0 whatever the input is.

    Examples
    --------
    >>> import kldiv, numpy as np
    >>> p, q = np.array([[0.5, 0.5], [0.9, 0.1]]), np.array([[0.7, 0.3], [0.7, 0.3]])
    >>> round(kldiv.loss(np.log(q), p, reduction="batchmean"), 4)
    0.1017
    """
    options = choices(base=base, weights=weights, mask=mask, invalid=invalid, threads=threads)
    if reduction == "none":
        return _kldiv.loss_pointwise(input, target, axis, log_target, None, options)
    return _kldiv.loss(input, target, axis, reduction, log_target, options)


def loss_grad(
    input: Array,
    target: Array,
    reduction: LossReduction = "mean",
    log_target: bool = False,
    *,
    upstream: Union[None, float, Array] = None,
    axis: int = -1,
    base: Optional[float] = None,
    weights: Optional[Array] = None,
    mask: Optional[Array] = None,
    invalid: Invalid = "error",
    threads: int = 0,
) -> Gradients:
    """The gradients of `loss` with respect to input and target, times `upstream`.

    `upstream` is a number, or for ``"none"`` an array of the inputs' shape; 1 if it is not given. With respect to a
    target of 0 the gradient is the one-sided limit, -inf.

    Examples
    --------
    >>> import kldiv, numpy as np
    >>> grad_input, grad_target = kldiv.loss_grad(np.log([0.7, 0.3]), [0.5, 0.5], reduction="sum")
    >>> grad_input
    array([-0.5, -0.5])
    """
    options = choices(base=base, weights=weights, mask=mask, invalid=invalid, threads=threads)
    if reduction == "none":
        reduction = "sum"
    return Gradients(
        *_kldiv.loss_grad(input, target, axis, reduction, log_target, upstream, True, True, options)
    )


def logits(
    a: Array,
    b: Array,
    axis: int = -1,
    base: Optional[float] = None,
    *,
    temperature: float = 1.0,
    measure: LogitsMeasure = "kl",
    weight: float = 0.5,
    weights: Optional[Array] = None,
    mask: Optional[Array] = None,
    reduction: Optional[Reduction] = None,
    invalid: Invalid = "error",
    keepdims: bool = False,
    out: Optional[Array] = None,
    threads: int = 0,
) -> Result:
    """``D(softmax(a / T) || softmax(b / T))`` of each row, straight from logits, without a temporary.

    `weight` is that of the Jensen-Shannon divergence. A logit of -inf is an impossible class. There is no factor T**2.
    The other arguments are those of `kldiv.kl`.

    Examples
    --------
    >>> import kldiv, numpy as np
    >>> teacher, student = np.array([[2.0, 0.0, -np.inf], [1.0, 1.0, 1.0]]), np.zeros((2, 3))
    >>> kldiv.logits(teacher, student, temperature=2.0).round(4)
    array([0.5164, 0.    ])
    """
    options = choices(
        number(measure), weight, base, weights=weights, mask=mask, invalid=invalid, threads=threads
    )
    value, _, _ = _kldiv.logits(a, b, axis, keepdims, temperature, None, None, None, out, options)
    return value if reduction is None else _kldiv.reduced(value, reduction, options)


def logits_grad(
    a: Array,
    b: Array,
    axis: int = -1,
    base: Optional[float] = None,
    *,
    upstream: Optional[Array] = None,
    temperature: float = 1.0,
    measure: LogitsMeasure = "kl",
    weight: float = 0.5,
    weights: Optional[Array] = None,
    mask: Optional[Array] = None,
    invalid: Invalid = "error",
    wrt: Literal["both", "a", "b"] = "both",
    threads: int = 0,
) -> LogitsGradients:
    """`logits` and its gradients, each row's times `upstream`, which is one a row or 1.

    Examples
    --------
    >>> import kldiv
    >>> value, grad_a, grad_b = kldiv.logits_grad([1.0, 0.0], [0.0, 0.0])
    >>> grad_b.round(4)
    array([-0.2311,  0.2311])
    """
    options = choices(
        number(measure), weight, base, weights=weights, mask=mask, invalid=invalid, threads=threads
    )
    both = wrt == "both"
    found = _kldiv.logits(
        a, b, axis, False, temperature, upstream, both or wrt == "a" or None, both or wrt == "b" or None, None, options
    )
    return LogitsGradients(*found)


def topk(
    values: Array,
    indices: Array,
    b: Array,
    base: Optional[float] = None,
    *,
    kind: TopK = "logits",
    temperature: float = 1.0,
    weights: Optional[Array] = None,
    mask: Optional[Array] = None,
    reduction: Optional[Reduction] = None,
    invalid: Invalid = "error",
    threads: int = 0,
) -> Result:
    """KL of a teacher of which the k most likely classes were kept, against ``softmax(b / T)``.

    `values` and `indices` are ``[..., k]``, what was kept and of which class; `b` is ``[..., classes]``. `kind` says
    what the values are: ``"logits"``, or ``"logprobs"``, made to sum to 1 by themselves, or ``"logprobs_tail"``, whose
    missing mass is one more outcome that stands for all classes that are not named.

    Examples
    --------
    >>> import kldiv, numpy as np
    >>> values, indices = np.log([0.6, 0.3]), [2, 0]
    >>> round(kldiv.topk(values, indices, np.zeros(4), kind="logprobs_tail"), 4)
    0.419
    """
    options = choices(base=base, weights=weights, mask=mask, invalid=invalid, threads=threads)
    value, _ = _kldiv.topk(values, indices, b, False, kind, temperature, None, None, options)
    return value if reduction is None else _kldiv.reduced(value, reduction, options)


def topk_grad(
    values: Array,
    indices: Array,
    b: Array,
    base: Optional[float] = None,
    *,
    upstream: Optional[Array] = None,
    kind: TopK = "logits",
    temperature: float = 1.0,
    weights: Optional[Array] = None,
    mask: Optional[Array] = None,
    invalid: Invalid = "error",
    threads: int = 0,
) -> TopKGradients:
    """`topk` and its gradient with respect to `b`, each row's times `upstream`."""
    options = choices(base=base, weights=weights, mask=mask, invalid=invalid, threads=threads)
    return TopKGradients(
        *_kldiv.topk(values, indices, b, False, kind, temperature, upstream, True, options)
    )


def vae(
    mu: Array,
    logvar: Array,
    prior_mu: Optional[Array] = None,
    prior_logvar: Optional[Array] = None,
    axis: int = -1,
    base: Optional[float] = None,
    *,
    weights: Optional[Array] = None,
    mask: Optional[Array] = None,
    reduction: Optional[Reduction] = None,
    invalid: Invalid = "error",
    keepdims: bool = False,
    threads: int = 0,
) -> Result:
    """The divergence of a VAE's posterior from its prior, from means and logarithms of variances, row by row.

    Without priors the standard normal. The other arguments are those of `kldiv.kl`.

    Examples
    --------
    >>> import kldiv
    >>> kldiv.vae([[1.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]])
    array([0.5, 0. ])
    """
    options = choices(base=base, weights=weights, mask=mask, invalid=invalid, threads=threads)
    inputs = [mu, logvar, prior_mu, prior_logvar]
    value, _ = _kldiv.vae(inputs, axis, keepdims, None, [None] * 4, options)
    return value if reduction is None else _kldiv.reduced(value, reduction, options)


def vae_grad(
    mu: Array,
    logvar: Array,
    prior_mu: Optional[Array] = None,
    prior_logvar: Optional[Array] = None,
    axis: int = -1,
    base: Optional[float] = None,
    *,
    upstream: Optional[Array] = None,
    weights: Optional[Array] = None,
    mask: Optional[Array] = None,
    invalid: Invalid = "error",
    threads: int = 0,
) -> VAEGradients:
    """`vae` and its gradients, each row's times `upstream`.

    Examples
    --------
    >>> import kldiv
    >>> kldiv.vae_grad([1.0, 0.0], [0.0, 0.0]).grad_mu
    array([1., 0.])
    """
    options = choices(base=base, weights=weights, mask=mask, invalid=invalid, threads=threads)
    inputs: list[Any] = [mu, logvar, prior_mu, prior_logvar]
    value, grads = _kldiv.vae(inputs, axis, False, upstream, [True] * 4, options)
    return VAEGradients(value, *grads)
