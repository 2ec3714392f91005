"""What kldiv raises."""

from __future__ import annotations

from typing import Any, Optional


class KLDivError(ValueError):
    """An input, an option or a shape that has no answer; the message names the culprit.

    Attributes
    ----------
    status : str
        What is wrong, in the C library's words: ``"negative"``, ``"nan"``, ``"infinite"``, ``"zero_mass"``,
        ``"not_normalized"``, ``"shape_mismatch"``, ``"empty"``, ``"options"``, ``"overlap"``, ``"index"``,
        ``"parameter"``, ``"not_positive_definite"``, ``"unsupported_pair"``, ``"not_converged"``, ``"degenerate"``.
    operand : str or None
        The argument's name: ``"p"``, ``"q"``, ...
    index : tuple of int or None
        The entry in that argument: ``argument[error.index]`` is the culprit.
    row : tuple of int or None
        The distribution that it belongs to: ``index`` without the axis of the outcomes.
    col : int or None
        Its place in the distribution.
    value : float or None
        The entry itself; of ``"not_normalized"`` the sum, of ``"not_converged"`` the value so far.
    result : numpy.ndarray, float or None
        What was answered all the same: bad rows are NaN, all others have their results.

    Examples
    --------
    >>> import kldiv
    >>> try:
    ...     kldiv.kl([[0.5, 0.5], [0.9, 0.1]], [[0.7, 0.3], [1.1, -0.1]])
    ... except kldiv.KLDivError as error:
    ...     print(error)
    ...     print(error.operand, error.index, error.value, error.result.round(4))
    q[1, 1] is -0.1; probabilities and counts are finite and at least 0
    q (1, 1) -0.1 [0.0872    nan]
    """

    def __init__(
        self,
        message: str,
        *,
        status: str = "internal",
        operand: Optional[str] = None,
        index: Optional[tuple[int, ...]] = None,
        row: Optional[tuple[int, ...]] = None,
        col: Optional[int] = None,
        value: Optional[float] = None,
        result: Any = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.operand = operand
        self.index = index
        self.row = row
        self.col = col
        self.value = value
        self.result = result
