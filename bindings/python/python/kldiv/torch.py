"""kldiv for PyTorch: losses over `torch.autograd.Function`s that read and write CPU tensors where they lie.

>>> import torch, kldiv.torch
>>> loss = kldiv.torch.KLDivLoss(reduction="batchmean")
>>> q, p = torch.tensor([[0.7, 0.3]]), torch.tensor([[0.5, 0.5]])
>>> round(loss(q.log(), p).item(), 4)
0.0872

Tensors are float64, float32, float16 or bfloat16, of any strides, on the CPU; elsewhere a TypeError says so. What is
computed has one derivative; asking for a second one is an error of PyTorch's. Sums are taken in float64.
"""

from __future__ import annotations

import functools
import warnings
from typing import Any, Callable, Literal, Optional

import torch
from torch import Tensor, nn
from torch.autograd import Function

from . import _kldiv
from ._measures import choices, number

Measure = Literal["kl", "reverse", "js"]
TopK = Literal["logits", "logprobs", "logprobs_tail"]

__all__ = ["DistillationLoss", "KLDivLoss", "VAELoss", "kl_div", "logits", "topk", "vae"]


def _check(**tensors: Optional[Tensor]) -> None:
    for name, tensor in tensors.items():
        if tensor is None:
            continue
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{name} is a {type(tensor).__name__}; it has to be a tensor")
        if tensor.device.type != "cpu":
            raise TypeError(
                f"{name} is on the device {tensor.device}; kldiv computes on the CPU: move it there first, with .cpu()"
            )
        if tensor.layout is not torch.strided:
            raise TypeError(f"{name} has the layout {tensor.layout}; it has to be dense, as .to_dense() makes it")
        if not tensor.is_floating_point():
            raise TypeError(f"{name} has elements of type {tensor.dtype}; they have to be floating-point numbers")


def _plain(tensor: Tensor) -> Tensor:
    """The tensor's own memory, as it can be exported."""
    return tensor.detach().resolve_neg()


def _wanted(like: Tensor, needed: bool) -> Optional[Tensor]:
    return torch.empty(like.shape, dtype=like.dtype) if needed else None


class _NoSecond(Function):
    """A gradient, which depends on what it was made of and has no derivative."""

    @staticmethod
    def forward(ctx: Any, grad: Tensor, *inputs: Tensor) -> Tensor:
        return grad.view_as(grad)

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> Any:
        raise RuntimeError("kldiv.torch has first derivatives only: a gradient of a gradient was asked for")


def _once(backward: Callable[..., Any]) -> Callable[..., Any]:
    """A backward pass whose results say so if they are to be differentiated again."""

    @functools.wraps(backward)
    def once(ctx: Any, upstream: Tensor) -> Any:
        with torch.no_grad():
            grads = backward(ctx, upstream)
        if not torch.is_grad_enabled():
            return grads
        inputs = [upstream, *(x for x in ctx.saved_tensors if x is not None)]
        return tuple(None if grad is None else _NoSecond.apply(grad, *inputs) for grad in grads)

    return once


class _Loss(Function):
    """The loss, reduced to a sum or a mean over the elements."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, target: Tensor, reduction: str, log_target: bool) -> Tensor:
        ctx.save_for_backward(input, target)
        ctx.reduction, ctx.log_target = reduction, log_target
        value = _kldiv.loss(_plain(input), _plain(target), -1, reduction, log_target, choices())
        return torch.tensor(value, dtype=torch.promote_types(input.dtype, target.dtype))

    @staticmethod
    @_once
    def backward(ctx: Any, upstream: Tensor) -> Any:
        input, target = ctx.saved_tensors
        grads = [_wanted(x, needed) for x, needed in zip((input, target), ctx.needs_input_grad)]
        _kldiv.loss_grad(
            _plain(input), _plain(target), -1, ctx.reduction, ctx.log_target, upstream.item(), *grads, choices()
        )
        return (*grads, None, None)


class _Elements(Function):
    """The loss, element by element."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, target: Tensor, log_target: bool) -> Tensor:
        ctx.save_for_backward(input, target)
        ctx.log_target = log_target
        out = torch.empty(input.shape, dtype=torch.promote_types(input.dtype, target.dtype))
        _kldiv.loss_pointwise(_plain(input), _plain(target), -1, log_target, out, choices())
        return out

    @staticmethod
    @_once
    def backward(ctx: Any, upstream: Tensor) -> Any:
        input, target = ctx.saved_tensors
        grads = [_wanted(x, needed) for x, needed in zip((input, target), ctx.needs_input_grad)]
        _kldiv.loss_grad(
            _plain(input), _plain(target), -1, "sum", ctx.log_target, _plain(upstream), *grads, choices()
        )
        return (*grads, None)


def _reduction(size_average: Optional[bool], reduce: Optional[bool], reduction: str) -> str:
    """What PyTorch's deprecated arguments mean, where they are given."""
    if size_average is None and reduce is None:
        return reduction
    average = size_average is None or size_average
    meant = "none" if reduce is False else "mean" if average else "sum"
    warnings.warn(f"size_average and reduce are deprecated; use reduction={meant!r}", stacklevel=3)
    return meant


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: Optional[bool] = None,
    reduce: Optional[bool] = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """`torch.nn.functional.kl_div`, its arguments and its reductions, with right answers for zeros.

    A target of 0 (a logarithm of -inf) contributes 0 whatever the input is, and the gradient with respect to it is the
    one-sided limit; PyTorch has NaN for an input of -inf there. A negative target, NaN and +inf are errors.

    Examples
    --------
    >>> import torch, kldiv.torch
    >>> x, t = torch.tensor([[0.7, 0.3, 0.0]]).log(), torch.tensor([[0.5, 0.5, 0.0]])
    >>> round(kldiv.torch.kl_div(x, t, reduction="batchmean").item(), 4)
    0.0872
    """
    reduction = _reduction(size_average, reduce, reduction)
    if reduction not in ("none", "mean", "batchmean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    _check(input=input, target=target)
    batch = input.size(0) if input.dim() else 1
    input, target = torch.broadcast_tensors(input, target)
    if reduction == "none":
        single = input.dim() == 0
        each = _Elements.apply(*((x.reshape(1) if single else x) for x in (input, target)), log_target)
        return each.reshape(()) if single else each
    if input.dim() == 0:
        input, target = input.reshape(1), target.reshape(1)
    if reduction == "batchmean":
        return _Loss.apply(input, target, "sum", log_target) / batch
    return _Loss.apply(input, target, reduction, log_target)


class KLDivLoss(nn.Module):
    """`torch.nn.KLDivLoss`: the same arguments, defaults and reductions, see `kl_div`.

    ``"mean"``, the default, divides by the number of elements, as PyTorch does; the mean divergence is
    ``"batchmean"``.
    """

    def __init__(
        self,
        size_average: Optional[bool] = None,
        reduce: Optional[bool] = None,
        reduction: str = "mean",
        log_target: bool = False,
    ) -> None:
        super().__init__()
        self.reduction = _reduction(size_average, reduce, reduction)
        self.log_target = log_target

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return kl_div(input, target, reduction=self.reduction, log_target=self.log_target)

    def extra_repr(self) -> str:
        return f"reduction={self.reduction!r}, log_target={self.log_target}"


def _of_rows(values: Any, *inputs: Tensor) -> Tensor:
    """Divergences of rows as a tensor: float32, or float64 where an input is."""
    wide = any(x.dtype == torch.float64 for x in inputs)
    return torch.as_tensor(values).to(torch.float64 if wide else torch.float32)


class _Logits(Function):
    @staticmethod
    def forward(
        ctx: Any, a: Tensor, b: Tensor, mask: Optional[Tensor], temperature: float, measure: str, weight: float
    ) -> Tensor:
        ctx.save_for_backward(a, b)
        ctx.temperature, ctx.options = temperature, choices(number(measure), weight, mask=mask)
        found = _kldiv.logits(_plain(a), _plain(b), -1, False, temperature, None, None, None, None, ctx.options)
        return _of_rows(found[0], a, b)

    @staticmethod
    @_once
    def backward(ctx: Any, upstream: Tensor) -> Any:
        a, b = ctx.saved_tensors
        grads = [_wanted(x, needed) for x, needed in zip((a, b), ctx.needs_input_grad)]
        upstream = upstream.to(torch.float64)
        _kldiv.logits(_plain(a), _plain(b), -1, False, ctx.temperature, upstream, *grads, None, ctx.options)
        return (*grads, None, None, None, None)


def logits(
    a: Tensor,
    b: Tensor,
    temperature: float = 1.0,
    *,
    measure: Measure = "kl",
    weight: float = 0.5,
    mask: Optional[Tensor] = None,
) -> Tensor:
    """``D(softmax(a / T) || softmax(b / T))`` over the last axis, a value a row, differentiable in both.

    One pass over the logits and no temporary. A logit of -inf is an impossible class and gets the gradient 0; rows where
    `mask` is false are not read and give 0. There is no factor T**2. float32, or float64 where an input is.

    Examples
    --------
    >>> import torch, kldiv.torch
    >>> a, b = torch.tensor([[2.0, 0.0]]), torch.zeros(1, 2, requires_grad=True)
    >>> kldiv.torch.logits(a, b).sum().backward()
    >>> b.grad.numpy().round(4)
    array([[-0.3808,  0.3808]], dtype=float32)
    """
    _check(a=a, b=b)
    a, b = torch.broadcast_tensors(a, b)
    return _Logits.apply(a, b, mask, temperature, measure, weight)


class _TopK(Function):
    @staticmethod
    def forward(
        ctx: Any, values: Tensor, indices: Tensor, b: Tensor, mask: Optional[Tensor], temperature: float, kind: str
    ) -> Tensor:
        ctx.save_for_backward(values, indices, b)
        ctx.temperature, ctx.kind, ctx.options = temperature, kind, choices(mask=mask)
        found = _kldiv.topk(_plain(values), indices, _plain(b), False, kind, temperature, None, None, ctx.options)
        return _of_rows(found[0], b)

    @staticmethod
    @_once
    def backward(ctx: Any, upstream: Tensor) -> Any:
        values, indices, b = ctx.saved_tensors
        grad = _wanted(b, True)
        upstream = upstream.to(torch.float64)
        _kldiv.topk(
            _plain(values), indices, _plain(b), False, ctx.kind, ctx.temperature, upstream, grad, ctx.options
        )
        return None, None, grad, None, None, None


def topk(
    values: Tensor,
    indices: Tensor,
    b: Tensor,
    temperature: float = 1.0,
    *,
    kind: TopK = "logits",
    mask: Optional[Tensor] = None,
) -> Tensor:
    """KL of a teacher's k most likely classes against ``softmax(b / T)``, a value a row, differentiable in `b`.

    `values`, `indices` and `kind` are those of `kldiv.topk`; with log-probabilities the temperature is 1.
    """
    _check(values=values, b=b)
    if indices.dtype != torch.int64:
        raise TypeError(f"indices have elements of type {indices.dtype}; they have to be int64")
    if values.requires_grad:
        raise TypeError("values require a gradient, which there is not; detach the teacher's values")
    return _TopK.apply(values, indices, b, mask, temperature, kind)


class DistillationLoss(nn.Module):
    """A student's logits against a teacher's: KL of their softmaxes at a temperature, times its square.

    Parameters
    ----------
    temperature : float
        T of ``softmax(logits / T)``.
    reduction : {"batchmean", "mean", "sum", "none"}
        Over rows: the mean, which "batchmean" and "mean" both are, the sum, or a value a row.
    direction : {"forward", "reverse", "js"}
        ``D(teacher || student)``, as Hinton and others have it; ``D(student || teacher)``, as on-policy distillation
        does; or the Jensen-Shannon divergence with the teacher's `weight`.
    scale : bool
        Whether the loss is multiplied by T**2, which keeps gradients of the same size at any temperature (Hinton,
        Vinyals and Dean, "Distilling the Knowledge in a Neural Network", 2015).
    weight : float
        Of the teacher in the mixture of "js".

    Examples
    --------
    >>> import torch, kldiv.torch
    >>> loss = kldiv.torch.DistillationLoss(temperature=2.0)
    >>> student = torch.zeros(2, 3, requires_grad=True)
    >>> teacher = torch.tensor([[2.0, 0.0, -1.0], [0.0, 0.0, 0.0]])
    >>> value = loss(student, teacher)
    >>> value.backward()
    >>> round(value.item(), 4)
    0.3853
    """

    def __init__(
        self,
        temperature: float = 1.0,
        reduction: Literal["batchmean", "mean", "sum", "none"] = "batchmean",
        direction: Literal["forward", "reverse", "js"] = "forward",
        *,
        scale: bool = True,
        weight: float = 0.5,
    ) -> None:
        super().__init__()
        if reduction not in ("batchmean", "mean", "sum", "none"):
            raise ValueError(f"{reduction} is not a valid value for reduction")
        if direction not in ("forward", "reverse", "js"):
            raise ValueError(f"{direction} is not a valid value for direction")
        self.temperature = temperature
        self.reduction = reduction
        self.direction = direction
        self.scale = scale
        self.weight = weight

    def forward(self, student: Tensor, teacher: Tensor, mask: Optional[Tensor] = None) -> Tensor:
        """The loss of logits whose last axis is the classes; rows where `mask` is false do not count."""
        measure: Measure = "kl" if self.direction == "forward" else "reverse" if self.direction == "reverse" else "js"
        rows = logits(teacher, student, self.temperature, measure=measure, weight=self.weight, mask=mask)
        if self.scale:
            rows = rows * self.temperature**2
        if self.reduction == "none":
            return rows
        if self.reduction == "sum":
            return rows.sum()
        kept = rows.numel() if mask is None else int(torch.broadcast_to(mask != 0, rows.shape).sum())
        return rows.sum() / max(kept, 1)

    def extra_repr(self) -> str:
        return (
            f"temperature={self.temperature}, reduction={self.reduction!r}, direction={self.direction!r}, "
            f"scale={self.scale}"
        )


class _VAE(Function):
    @staticmethod
    def forward(ctx: Any, *inputs: Optional[Tensor]) -> Tensor:
        ctx.save_for_backward(*inputs)
        plain = [None if x is None else _plain(x) for x in inputs]
        value, _ = _kldiv.vae(plain, -1, False, None, [None] * 4, choices())
        return _of_rows(value, *(x for x in inputs if x is not None))

    @staticmethod
    @_once
    def backward(ctx: Any, upstream: Tensor) -> Any:
        inputs = ctx.saved_tensors
        grads = [None if x is None else _wanted(x, needed) for x, needed in zip(inputs, ctx.needs_input_grad)]
        plain = [None if x is None else _plain(x) for x in inputs]
        _kldiv.vae(plain, -1, False, upstream.to(torch.float64), grads, choices())
        return tuple(grads)


def vae(
    mu: Tensor, logvar: Tensor, prior_mu: Optional[Tensor] = None, prior_logvar: Optional[Tensor] = None
) -> Tensor:
    """The divergence of a VAE's diagonal posterior from its prior, a value a row, differentiable in all.

    Without priors the standard normal.

    Examples
    --------
    >>> import torch, kldiv.torch
    >>> kldiv.torch.vae(torch.tensor([[1.0, 0.0]]), torch.zeros(1, 2))
    tensor([0.5000])
    """
    _check(mu=mu, logvar=logvar, prior_mu=prior_mu, prior_logvar=prior_logvar)
    given = [x for x in (mu, logvar, prior_mu, prior_logvar) if x is not None]
    alike = iter(torch.broadcast_tensors(*given))
    return _VAE.apply(*(None if x is None else next(alike) for x in (mu, logvar, prior_mu, prior_logvar)))


class VAELoss(nn.Module):
    """The KL term of a VAE's loss, of `mu` and `logvar`: the mean over rows ("batchmean", "mean"), "sum" or "none"."""

    def __init__(self, reduction: Literal["batchmean", "mean", "sum", "none"] = "batchmean") -> None:
        super().__init__()
        if reduction not in ("batchmean", "mean", "sum", "none"):
            raise ValueError(f"{reduction} is not a valid value for reduction")
        self.reduction = reduction

    def forward(
        self,
        mu: Tensor,
        logvar: Tensor,
        prior_mu: Optional[Tensor] = None,
        prior_logvar: Optional[Tensor] = None,
    ) -> Tensor:
        rows = vae(mu, logvar, prior_mu, prior_logvar)
        if self.reduction == "none":
            return rows
        return rows.sum() if self.reduction == "sum" else rows.sum() / max(rows.numel(), 1)

    def extra_repr(self) -> str:
        return f"reduction={self.reduction!r}"
