"""Divergences by key of a Spark DataFrame: exact sums where the data lies, a shuffle of states, the same bits always.

Needs PySpark 3.3 or newer, and kldiv on the workers: extra ``kldiv[spark]``. docs/spark.md is the guide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterator, Literal, Optional, Sequence, Union

from ._kldiv import Partial
from ._measures import Invalid, Measure, Normalization
from .arrow import STATE, VALUE, check_columns, keys_of, merge_batches, renamed, update_batches

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

__all__ = ["kl"]


def kl(
    df: DataFrame,
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
) -> DataFrame:
    """The divergence of columns `p` and `q` by key, as a DataFrame of the keys and ``value``.

    Parameters
    ----------
    df : pyspark.sql.DataFrame
    p, q : str
        The columns of probabilities or counts, of any numeric type; `q` is not looked at for entropy.
    by : str or list of str, optional
        The columns of keys; null is a key like any other. Without any, all rows are one group: one row, one value.
    base : float, optional
        The base of the logarithm. Nats by default.
    measure : {"kl", "generalized", "reverse", "jeffreys", "entropy", "cross_entropy"}
    normalization, mass_tolerance, invalid
        As in `kldiv.kl`: "normalize" takes counts, whose totals need not be known; with `invalid` "nan" a group with a
        negative number, NaN or null is NaN, else the job fails and names column, row of the partition and key.
    shuffle : {"states", "rows"}
        What travels: a state of 1424 bytes for each key in each partition, which is little when a key has hundreds of
        rows in a partition; or the rows themselves, which is less when it has few. The values are the same.

    Returns
    -------
    pyspark.sql.DataFrame
        Lazy, with the columns `by` and ``value``. The values' bits do not depend on how the rows are partitioned.

    Examples
    --------
    >>> import kldiv.spark
    >>> kldiv.spark.kl(df, p="today", q="last_week", by="country", normalization="normalize")  # doctest: +SKIP
    DataFrame[country: string, value: double]
    """
    from pyspark.sql.types import BinaryType, DoubleType, StructField, StructType

    # What can be said on the driver is not said by a worker.
    Partial(measure, invalid=invalid).value(
        base, normalization=normalization, mass_tolerance=mass_tolerance, invalid="nan"
    )
    keys = keys_of(by)
    sides = [p] if measure == "entropy" or q is None else [p, q]
    columns = list(dict.fromkeys([*keys, *sides]))
    check_columns(columns, df.columns)
    if shuffle not in ("states", "rows"):
        raise ValueError(f"shuffle is {shuffle!r}; it is one of 'states', 'rows'")
    # On the way columns have numbers for names: mapInArrow takes no names with dots.
    rows = df.selectExpr(*[f"{_quoted(name)} AS `{i}`" for i, name in enumerate(columns)])
    fields = [StructField(str(i), df.schema[name].dataType, True) for i, name in enumerate(keys)]
    together = [field.name for field in fields]
    partial_sums = StructType([*fields, StructField(STATE, BinaryType(), False)])
    values = StructType([*fields, StructField(VALUE, DoubleType(), False)])

    def update(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        named = (renamed(batch, columns) for batch in batches)
        for states in update_batches(named, p, q, keys, measure, invalid):
            yield renamed(states, [*together, STATE])

    def merge(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        named = (renamed(batch, [*keys, STATE]) for batch in batches)
        for answers in merge_batches(named, keys, measure, invalid, base, normalization, mass_tolerance):
            yield renamed(answers, [*together, VALUE])

    def both(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return merge(update(batches))

    if shuffle == "rows" and keys:
        answers = rows.repartition(*together).mapInArrow(both, values)
    else:
        states = rows.mapInArrow(update, partial_sums)
        if keys:
            states = states.repartition(*together)
        else:
            # As in SQL, no rows in one group are one group; Spark may run nothing for no rows.
            nothing = bytearray(bytes(Partial(measure, invalid=invalid)))
            states = states.union(df.sparkSession.createDataFrame([(nothing,)], partial_sums)).repartition(1)
        answers = states.mapInArrow(merge, values)
    return answers.toDF(*keys, VALUE)


def _quoted(name: str) -> str:
    """A column's name as Spark reads it, whatever is in it."""
    return "`" + name.replace("`", "``") + "`"
