"""The extension: what the package's functions stand on. `options` is what `_measures.choices` makes."""

from typing import Any, Callable, Optional, Union

import numpy as np

__version__: str
active_isa: str

_Options = tuple[Any, ...]
_Result = Union[float, np.ndarray]

def rows(
    p: Any, q: Any, axis: int, keepdims: bool, reduction: Optional[str], out: Any, choices: _Options
) -> _Result: ...
def reduced(values: Any, reduction: str, choices: _Options) -> float: ...
def terms(p: Any, q: Any, axis: int, out: Any, choices: _Options) -> np.ndarray: ...
def explain(p: Any, q: Any, out: np.ndarray, choices: _Options) -> None: ...
def pairwise(p: Any, q: Any, out: Any, choices: _Options) -> np.ndarray: ...
def nearest(p: Any, q: Any, k: int, choices: _Options) -> tuple[np.ndarray, np.ndarray]: ...
def loss(
    input: Any, target: Any, axis: int, reduction: str, log_target: bool, choices: _Options
) -> float: ...
def loss_pointwise(
    input: Any, target: Any, axis: int, log_target: bool, out: Any, choices: _Options
) -> np.ndarray: ...
def loss_grad(
    input: Any,
    target: Any,
    axis: int,
    reduction: str,
    log_target: bool,
    upstream: Any,
    grad_input: Any,
    grad_target: Any,
    choices: _Options,
) -> tuple[Any, Any]: ...
def logits(
    a: Any,
    b: Any,
    axis: int,
    keepdims: bool,
    temperature: float,
    upstream: Any,
    grad_a: Any,
    grad_b: Any,
    out: Any,
    choices: _Options,
) -> tuple[_Result, Any, Any]: ...
def topk(
    values: Any,
    indices: Any,
    b: Any,
    keepdims: bool,
    kind: str,
    temperature: float,
    upstream: Any,
    grad_b: Any,
    choices: _Options,
) -> tuple[_Result, Any]: ...
def vae(
    inputs: list[Any], axis: int, keepdims: bool, upstream: Any, grads: list[Any], choices: _Options
) -> tuple[_Result, list[Any]]: ...
def family(
    p_family: int,
    p: Any,
    q_family: int,
    q: Any,
    dim: int,
    upstream: Any,
    grad_p: Any,
    grad_q: Any,
    choices: _Options,
) -> tuple[_Result, Any, Any]: ...
def families() -> list[tuple[str, int]]: ...
def quadrature(
    p: Callable[[float], float],
    q: Callable[[float], float],
    lower: float,
    upper: float,
    breaks: list[float],
    log_density: bool,
    rel_tolerance: Optional[float],
    choices: _Options,
) -> tuple[float, float]: ...
def knn(x: Any, y: Any, k: int, choices: _Options) -> float: ...
def monte_carlo(
    log_p: Any, log_q: Any, estimator: str, terms: bool, choices: _Options
) -> tuple[Any, float]: ...
def plug_in(first: Any, second: Any, samples: bool, miller_madow: bool, choices: _Options) -> float: ...
def bin_edges(x: Any, y: Any) -> np.ndarray: ...
