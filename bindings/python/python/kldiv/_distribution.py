"""What distributions of every family have: their parameters, gathered into rows and split again."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ._errors import KLDivError
from ._measures import Array


class Distribution:
    """One distribution, or many of one family.

    Attributes
    ----------
    rows : numpy.ndarray
        The parameters, those of a distribution along the last axis, in the order of the C library's families.
    """

    family: ClassVar[str]
    # Each parameter's name and how many of its last axes belong to one distribution.
    _layout: tuple[tuple[str, int], ...]
    _dim: int = 0

    rows: Any

    def _gather(self, *parameters: tuple[str, Any, int]) -> None:
        self._layout = tuple((name, axes) for name, _, axes in parameters)
        if len(parameters) == 1 and parameters[0][2] == 1:
            # One vector is a row as it is.
            self.rows = parameters[0][1]
            return
        arrays = [np.asarray(value) for _, value, _ in parameters]
        for (name, _, axes), array in zip(parameters, arrays):
            if array.ndim < axes:
                raise KLDivError(
                    f"{name} has {array.ndim} dimensions where {axes} are one distribution's", status="shape_mismatch"
                )
        dims = {array.shape[array.ndim - 1] for (_, _, axes), array in zip(parameters, arrays) if axes == 1}
        for (name, _, axes), array in zip(parameters, arrays):
            first = name != "cov_factor" and axes == 2 and array.shape[-1] != array.shape[-2]
            if axes == 2 and (first or (dims and array.shape[-2] not in dims)):
                raise KLDivError(
                    f"{name} of shape {array.shape} does not go with the other parameters", status="shape_mismatch"
                )
        batches = [array.shape[: array.ndim - axes] for (_, _, axes), array in zip(parameters, arrays)]
        try:
            batch = np.broadcast_shapes(*batches)
        except ValueError:
            raise KLDivError(
                f"the parameters do not broadcast: {', '.join(map(str, batches))}", status="shape_mismatch"
            ) from None
        columns = []
        for (_, _, axes), array in zip(parameters, arrays):
            own = array.shape[array.ndim - axes :]
            flat = array.reshape((*array.shape[: array.ndim - axes], int(np.prod(own))))
            columns.append(np.broadcast_to(flat, (*batch, flat.shape[-1])))
        narrow = all(column.dtype in (np.float32, np.float16) for column in columns)
        dtype = np.result_type(*columns) if narrow else np.float64
        for column in columns:
            if column.dtype.kind not in "biuf":
                raise TypeError(f"{type(self).__name__} has parameters of type {column.dtype}; they are real numbers")
        self.rows = columns[0] if len(columns) == 1 else np.concatenate(columns, axis=-1, dtype=dtype)

    @classmethod
    def of_rows(cls, rows: Array) -> Distribution:
        """Distributions whose parameters are along the last axis of `rows`, in the order of the arguments; no copy."""
        made = cls.__new__(cls)
        made._layout = ()
        made.rows = rows
        return made

    def split(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """What belongs to each parameter, by its name, of an array that is laid out as `rows`."""
        width = rows.shape[-1]
        if not self._layout:
            return {"rows": rows}
        scalars = sum(axes == 0 for _, axes in self._layout)
        if len(self._layout) == scalars:
            return {name: rows[..., i] for i, (name, _) in enumerate(self._layout)}
        if len(self._layout) == 1:
            return {self._layout[0][0]: rows}
        vectors = sum(axes == 1 for _, axes in self._layout)
        matrices = sum(axes == 2 for _, axes in self._layout)
        rest = width - scalars
        if not matrices:
            dim = rest // vectors
        else:
            dim = self._dim or next(d for d in range(1, rest + 1) if vectors * d + matrices * d * d >= rest)
        parts, at = {}, 0
        for name, axes in self._layout:
            length = (1, dim, rest - vectors * dim)[axes]
            part = rows[..., at : at + length]
            at += length
            if axes == 0:
                part = part[..., 0]
            elif axes == 2:
                part = part.reshape((*part.shape[:-1], dim, length // dim))
            parts[name] = part
        return parts

    def __repr__(self) -> str:
        if not self._layout:
            return f"{type(self).__name__}.of_rows({self.rows!r})"
        parts = self.split(np.asarray(self.rows))
        return f"{type(self).__name__}({', '.join(f'{name}={value!s}' for name, value in parts.items())})"
