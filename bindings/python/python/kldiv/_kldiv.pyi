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

class Partial:
    def __init__(self, measure: str = "kl", *, invalid: str = "error") -> None: ...
    measure: str
    invalid: str
    count: int
    infinite_count: int
    invalid_count: int
    mass_p: float
    mass_q: float
    def update(self, p: Any, q: Any = None, *, threads: int = 0) -> None: ...
    def merge(self, other: Partial) -> None: ...
    def value(
        self,
        base: Optional[float] = None,
        *,
        normalization: Optional[str] = None,
        mass_tolerance: Optional[float] = None,
        invalid: str = "error",
    ) -> float: ...
    @classmethod
    def from_bytes(cls, data: Any) -> Partial: ...
    def __bytes__(self) -> bytes: ...
    def __add__(self, other: Partial) -> Partial: ...
    def __iadd__(self, other: Partial) -> Partial: ...

class Partials:
    def __init__(self, groups: int = 0, measure: str = "kl", *, invalid: str = "error") -> None: ...
    measure: str
    invalid: str
    count: np.ndarray
    infinite_count: np.ndarray
    invalid_count: np.ndarray
    mass_p: np.ndarray
    mass_q: np.ndarray
    def resize(self, groups: int) -> None: ...
    def update_by(self, group: Any, p: Any, q: Any = None) -> None: ...
    def merge_by(self, group: Any, other: Partials) -> None: ...
    def values(
        self,
        base: Optional[float] = None,
        *,
        normalization: Optional[str] = None,
        mass_tolerance: Optional[float] = None,
        invalid: str = "error",
    ) -> np.ndarray: ...
    @classmethod
    def from_bytes(cls, data: Any) -> Partials: ...
    def __bytes__(self) -> bytes: ...
    def __len__(self) -> int: ...
    def __getitem__(self, i: int) -> Partial: ...
