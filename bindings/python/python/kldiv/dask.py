"""Divergences by key of a Dask DataFrame: exact sums where the data lies, a shuffle of states, the same bits always.

Needs Dask with pandas and pyarrow: extra ``kldiv[dask]``. docs/dask.md is the guide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterable, Literal, Optional, Sequence, Union

import pandas as pd
import pyarrow as pa

from ._kldiv import Partial
from ._measures import Invalid, Measure, Normalization
from .arrow import STATE, VALUE, check_columns, keys_of, merge_batches, update_batches

if TYPE_CHECKING:
    import dask.dataframe as dd

__all__ = ["kl"]


def kl(
    ddf: dd.DataFrame,
    p: str = "p",
    q: Optional[str] = "q",
    by: Union[None, str, Sequence[str]] = None,
    base: Optional[float] = None,
    *,
    measure: Measure = "kl",
    normalization: Optional[Normalization] = None,
    mass_tolerance: Optional[float] = None,
    invalid: Invalid = "error",
    shuffle: Literal["states", "rows"] = "states",
    npartitions: Optional[int] = None,
) -> dd.DataFrame:
    """The divergence of columns `p` and `q` by key, as a DataFrame of the keys and ``value``.

    The result is lazy; `npartitions` is how many partitions it has, as many as `ddf` by default. Its values' bits do
    not depend on how the rows are partitioned. A missing key is a key like any other. The other arguments are those of
    `kldiv.spark.kl`.

    Examples
    --------
    >>> import kldiv.dask
    >>> kldiv.dask.kl(ddf, p="today", q="last_week", by="country").compute()  # doctest: +SKIP
    """
    # What can be said here is not said by a worker.
    Partial(measure, invalid=invalid).value(
        base, normalization=normalization, mass_tolerance=mass_tolerance, invalid="nan"
    )
    if shuffle not in ("states", "rows"):
        raise ValueError(f"shuffle is {shuffle!r}; it is one of 'states', 'rows'")
    keys = keys_of(by)
    sides = [p] if measure == "entropy" or q is None else [p, q]
    columns = list(dict.fromkeys([*keys, *sides]))
    check_columns(columns, list(ddf.columns))
    rows = ddf[columns]
    known = ddf._meta[keys]
    # Categories may differ from partition to partition; their values may not.
    types = known.dtypes.items()
    plain = {name: type.categories.dtype for name, type in types if isinstance(type, pd.CategoricalDtype)}
    known = known.astype(plain).reset_index(drop=True)
    partial_sums = known.assign(**{STATE: pd.Series(dtype=pd.ArrowDtype(pa.binary()))})
    values = known.assign(**{VALUE: pd.Series(dtype="float64")})

    update = {"p": p, "q": q, "by": keys, "measure": measure, "invalid": invalid}
    merge = {
        "by": keys, "measure": measure, "invalid": invalid,
        "base": base, "normalization": normalization, "mass_tolerance": mass_tolerance,
    }  # fmt: skip
    npartitions = npartitions or ddf.npartitions
    if shuffle == "rows" and keys:
        together = rows.shuffle(on=keys, npartitions=npartitions)
        return together.map_partitions(_both, update, merge, values, meta=values)
    states = rows.map_partitions(_update, update, partial_sums, meta=partial_sums)
    if keys:
        states = states.shuffle(on=keys, npartitions=npartitions)
    else:
        states = states.repartition(npartitions=1)
    return states.map_partitions(_merge, merge, values, meta=values)


def _update(part: pd.DataFrame, options: dict[str, Any], like: pd.DataFrame) -> pd.DataFrame:
    return _framed(update_batches([part], **options), like)


def _merge(part: pd.DataFrame, options: dict[str, Any], like: pd.DataFrame) -> pd.DataFrame:
    return _framed(merge_batches([part], **options), like)


def _both(part: pd.DataFrame, update: dict[str, Any], merge: dict[str, Any], like: pd.DataFrame) -> pd.DataFrame:
    return _framed(merge_batches(update_batches([part], **update), **merge), like)


def _framed(batches: Iterable[pa.RecordBatch], like: pd.DataFrame) -> pd.DataFrame:
    """A frame of the same columns and types as that one."""
    batches = list(batches)
    if not batches:
        return like.iloc[:0].copy()
    table = pa.Table.from_batches(batches)
    frame = pd.DataFrame({
        name: pd.Series(table.column(name), dtype=dtype)
        if isinstance(dtype, pd.ArrowDtype)
        else table.column(name).to_pandas().astype(dtype)
        for name, dtype in like.dtypes.items()
    })
    return frame[list(like.columns)]
