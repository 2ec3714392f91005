"""Partial sums by key over Arrow data: one pass over columns, states that merge, the same bits for any split.

>>> import kldiv.arrow, pyarrow as pa
>>> rows = pa.table({"country": ["no", "no", "se"], "p": [0.5, 0.5, 1.0], "q": [0.25, 0.75, 1.0]})
>>> partial = kldiv.arrow.Partial()
>>> partial.update(rows, p="p", q="q", by="country")
>>> partial.values().to_pydict()
{'country': ['no', 'se'], 'value': [0.14384103622589045, 0.0]}

Needs pyarrow: extra ``kldiv[arrow]``. `kldiv.spark` and `kldiv.dask` stand on this.
"""

from __future__ import annotations

import math
from typing import Any, Iterable, Iterator, Optional, Sequence, Union

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ._errors import KLDivError
from ._kldiv import Partials
from ._measures import Invalid, Measure, Normalization

__all__ = ["STATE", "VALUE", "Partial"]

# The column that states are in, and that of values.
STATE = "kldiv_state"
VALUE = "value"
_STATE_BYTES = 1424

By = Union[None, str, Sequence[str]]


class Partial:
    """The partial sums of the groups of rows that have the same keys.

    Parameters
    ----------
    measure : {"kl", "generalized", "reverse", "jeffreys", "entropy", "cross_entropy"}
        What is answered for each group. Entropy is that of p.
    invalid : {"error", "nan"}
        Whether an update with a bad entry, or a null, in p or q raises and names it, or makes its group NaN.

    Groups come in the order in which their keys were first seen. A null is a key like any other, as in SQL's GROUP BY;
    so is NaN, and 0.0 and -0.0 are one key. Pickles, and its states are the same bytes for any split and any order.
    """

    def __init__(self, measure: Measure = "kl", *, invalid: Invalid = "error") -> None:
        self._partials = Partials(0, measure, invalid=invalid)
        self._by: Optional[list[str]] = None
        # The key columns as they came, those of a new group in each piece, and the number of each key.
        self._types: list[pa.DataType] = []
        self._pieces: list[list[pa.Array]] = []
        self._numbers: dict[Any, int] = {}

    @property
    def measure(self) -> str:
        """What it was made for."""
        return self._partials.measure

    @property
    def invalid(self) -> str:
        """What a bad entry does."""
        return self._partials.invalid

    def __len__(self) -> int:
        return len(self._partials)

    def __repr__(self) -> str:
        by = "" if self._by is None else f" by {', '.join(map(repr, self._by)) or 'nothing'}"
        return f"<kldiv.arrow.Partial({self.measure!r}) of {len(self)} groups{by}>"

    def update(self, batch: Any, p: str = "p", q: Optional[str] = "q", by: By = None) -> None:
        """Adds rows: columns `p` and `q` to the group that the columns `by` name, or to one group without any.

        Parameters
        ----------
        batch : pyarrow.RecordBatch, pyarrow.Table, pandas.DataFrame or anything that exports Arrow streams
            Columns of float64, float32, float16, int64 and uint64 without nulls are read where they lie; other
            numbers, and columns with nulls, are converted.
        p, q : str
            The columns of probabilities or counts; `q` is not looked at for entropy.
        by : str or list of str, optional
            The columns of keys, the same ones in every update: integers, floats, strings, binaries, booleans,
            decimals, dates, times, durations, or dictionaries of such.

        Raises
        ------
        KLDivError
            For the first bad entry: it names column, row and key, and none of its record batch was added.
        """
        self._update_from(0, batch, p, q, by)

    def _update_from(self, first: int, batch: Any, p: str, q: Optional[str], by: By) -> int:
        """`update`, whose errors count rows from `first`; the row that comes next."""
        names = keys_of(by)
        sides = [("p", p)] if self.measure == "entropy" else [("p", p), ("q", q)]
        for piece in _batches(batch, names, [column for _, column in sides]):
            if piece.num_rows:
                self._update(piece, sides, names, first)
            first += piece.num_rows
        return first

    def _update(self, batch: pa.RecordBatch, sides: list, names: list[str], first: int) -> None:
        keys = [batch.column(name) for name in names]
        arrays, nulls = {}, np.zeros(0, dtype=bool)

        def culprit(column: str, row: int, message: str, **about: Any) -> KLDivError:
            key = "".join(f", {name} {_shown(array[row])}" for name, array in zip(names, keys))
            at = (first + row,)
            message = f"column {column!r}, row {at[0]}{key}: {message}"
            return KLDivError(message, index=at, row=at, col=0, **about)

        for side, column in sides:
            arrays[side], is_null = _numbers_of(batch, column)
            if is_null is None:
                continue
            if self.invalid == "error":
                message = "null; drop such rows, fill them, or ask for invalid='nan'"
                raise culprit(column, int(is_null.argmax()), message, status="nan", operand=side, value=math.nan)
            nulls = is_null | nulls if nulls.size else is_null

        def add(ids: np.ndarray) -> None:
            if not nulls.any():
                return self._partials.update_by(ids, **arrays)
            self._partials.update_by(ids[~nulls], **{side: array[~nulls] for side, array in arrays.items()})
            bad = np.full(int(nulls.sum()), math.nan)
            return self._partials.update_by(ids[nulls], bad, bad)

        try:
            self._grouped(names, keys, batch.num_rows, add)
        except KLDivError as error:
            columns = dict(sides)
            if error.operand not in columns or error.index is None:
                raise
            message = str(error).partition(" is ")[2]
            raise culprit(
                columns[error.operand], error.index[0], message, status=error.status, operand=error.operand,
                value=error.value,
            ) from None  # fmt: skip

    def merge(self, states: Any, by: By = None) -> None:
        """Adds what others hold: another of these, or a batch or table that `states` gave, here or elsewhere.

        The columns of keys are `by`, or all but the states'. If it raises, none of its record batch was added.
        """
        if isinstance(states, Partial):
            if states._by is None:
                return
            by = states._by
            states = states.states()
        else:
            frame = hasattr(states, "iloc")
            states = states if frame else _table(states)
            names = list(states.columns) if frame else states.schema.names
            by = [name for name in names if name != STATE] if by is None else keys_of(by)
        for piece in _batches(states, by, [STATE]):
            if piece.num_rows:
                added = Partials.from_bytes(_state_bytes(piece.column(STATE)))
                keys = [piece.column(name) for name in by]
                self._grouped(by, keys, len(added), lambda ids: self._partials.merge_by(ids, added))

    def states(self) -> pa.RecordBatch:
        """A row a group: its keys, and its state in the binary column ``kldiv_state``, 1424 bytes each."""
        data = pa.py_buffer(bytes(self._partials))
        # Offsets of binary columns have 32 bits.
        type, width = (pa.binary(), np.int32) if data.size < 2**31 else (pa.large_binary(), np.int64)
        offsets = pa.py_buffer(np.arange(len(self) + 1, dtype=width) * width(_STATE_BYTES))
        column = pa.Array.from_buffers(type, len(self), [None, offsets, data])
        return pa.RecordBatch.from_arrays([*self._keys(), column], [*(self._by or ()), STATE])

    def values(
        self,
        base: Optional[float] = None,
        *,
        normalization: Optional[Normalization] = None,
        mass_tolerance: Optional[float] = None,
        invalid: Invalid = "error",
    ) -> pa.RecordBatch:
        """A row a group: its keys, and its measure in the column ``value``. The arguments are those of `kldiv.kl`.

        A group that has none is an error that names its key, or NaN with `invalid` "nan".
        """
        try:
            values = self._partials.values(
                base, normalization=normalization, mass_tolerance=mass_tolerance, invalid=invalid
            )
        except KLDivError as error:
            if error.row:
                keys = zip(self._by or (), (column[error.row[0]] for column in self._keys()))
                named = ", ".join(f"{name} {_shown(key)}" for name, key in keys)
                number = f"group {error.row[0]}"
                error.args = (str(error).replace(number, f"group {named}" if named else "the rows", 1),)
            raise
        return pa.RecordBatch.from_arrays([*self._keys(), pa.array(values)], [*(self._by or ()), VALUE])

    def _keys(self) -> list[pa.Array]:
        """The key columns of all groups."""
        for pieces, type in zip(self._pieces, self._types):
            if len(pieces) != 1 or pieces[0].type != type:
                pieces[:] = [pa.concat_arrays([piece.cast(type) for piece in pieces] or [pa.array([], type)])]
        return [pieces[0] for pieces in self._pieces]

    def _grouped(self, names: list[str], keys: list[pa.Array], rows: int, add: Any) -> None:
        """Calls `add` with each row's group, and forgets the new groups if it fails."""
        if self._by is None:
            if {STATE, VALUE} & set(names) or len(set(names)) < len(names):
                message = f"the key columns are {names}: each is named once, and none {STATE!r} or {VALUE!r}"
                raise KLDivError(message, status="options")
            self._types = [_key_type(name, key.type) for name, key in zip(names, keys)]
        elif names != self._by:
            message = f"the key columns are {names}, and were {self._by}: they are the same in every update and merge"
            raise KLDivError(message, status="options")
        for i, (key, type) in enumerate(zip(keys, self._types)):
            # Nothing but nulls so far: the type is the first that there is.
            if pa.types.is_null(type):
                self._types[i] = _key_type(names[i], key.type)
        before = len(self._partials)
        keys = [_as(key, type, name) for key, type, name in zip(keys, self._types, names)]
        ids, distinct = _distinct(keys, rows)
        hashed = list(zip(*map(_hashable, distinct))) if keys else [()]
        numbers, new = self._numbers, []
        # One look a distinct key; setdefault numbers the new ones in order.
        found = np.empty(len(hashed), dtype=np.uint32)
        for i, key in enumerate(hashed):
            number = numbers.setdefault(key, len(numbers))
            found[i] = number
            if number >= before + len(new):
                new.append(i)
        try:
            self._partials.resize(before + len(new))
            add(found[ids])
        except BaseException:
            self._partials.resize(before)
            for i in new:
                del numbers[hashed[i]]
            raise
        if self._by is None:
            self._by, self._pieces = names, [[] for _ in names]
        if new:
            for pieces, key in zip(self._pieces, distinct):
                pieces.append(key.take(pa.array(new, pa.int64())))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Partial):
            return NotImplemented
        if self._by != other._by or self._numbers.keys() != other._numbers.keys():
            return False
        order = Partials(len(self), self.measure, invalid=self.invalid)
        if order != Partials(len(other), other.measure, invalid=other.invalid):
            return False
        order.merge_by([self._numbers[key] for key in other._numbers], other._partials)
        return order == self._partials

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self.measure, self.invalid, self._by, self.states() if self._by is not None else None)


def keys_of(by: By) -> list[str]:
    """The names of the key columns."""
    return [by] if isinstance(by, str) else list(by or ())


def _restored(measure: Measure, invalid: Invalid, by: Optional[list[str]], states: Any) -> Partial:
    partial = Partial(measure, invalid=invalid)
    if by is not None:
        partial.merge(states, by)
        if not len(partial):
            partial._by, partial._types = by, [states.schema.field(name).type for name in by]
            partial._pieces = [[] for _ in by]
    return partial


def update_batches(
    batches: Iterable[Any],
    p: str,
    q: Optional[str],
    by: Sequence[str],
    measure: Measure,
    invalid: Invalid,
    groups: int = 1 << 16,
) -> Iterator[pa.RecordBatch]:
    """The states of batches, as batches: what runs where the data lies. It holds some `groups` groups at a time."""
    partial, row = Partial(measure, invalid=invalid), 0
    for batch in _large(batches):
        row = partial._update_from(row, batch, p, q, by)
        if len(partial) >= groups:
            yield from _small(partial.states())
            partial = Partial(measure, invalid=invalid)
    if len(partial):
        yield from _small(partial.states())


def merge_batches(
    batches: Iterable[Any],
    by: Sequence[str],
    measure: Measure,
    invalid: Invalid,
    base: Optional[float],
    normalization: Optional[Normalization],
    mass_tolerance: Optional[float],
) -> Iterator[pa.RecordBatch]:
    """The values of batches of states: what runs where all states of a key came together."""
    partial = Partial(measure, invalid=invalid)
    for batch in batches:
        partial.merge(batch, by)
    if not by and not len(partial):
        # As in SQL, nothing in one group is one group.
        partial.merge(_of_nothing(measure, invalid), by)
    if len(partial):
        values = partial.values(
            base, normalization=normalization, mass_tolerance=mass_tolerance, invalid=partial.invalid
        )
        yield from _small(values)


def renamed(batch: pa.RecordBatch, names: Sequence[str]) -> pa.RecordBatch:
    """The same columns under these names."""
    return pa.RecordBatch.from_arrays(batch.columns, names=list(names))


def _of_nothing(measure: Measure, invalid: Invalid) -> pa.RecordBatch:
    state = bytes(Partials(1, measure, invalid=invalid))
    return pa.record_batch([pa.array([state], pa.binary())], [STATE])


def _large(batches: Iterable[Any], rows: int = 1 << 17) -> Iterator[Any]:
    """Batches put together to so many rows, since a call costs by the number of its keys too."""
    some: list[pa.RecordBatch] = []
    for batch in batches:
        if not isinstance(batch, pa.RecordBatch):
            yield batch
            continue
        some.append(batch)
        if sum(batch.num_rows for batch in some) >= rows:
            yield pa.Table.from_batches(some).combine_chunks()
            some = []
    if some:
        yield pa.Table.from_batches(some).combine_chunks()


def _small(batch: pa.RecordBatch, rows: int = 4096) -> Iterator[pa.RecordBatch]:
    for start in range(0, batch.num_rows, rows):
        yield batch.slice(start, rows)


def _table(data: Any) -> Union[pa.RecordBatch, pa.Table]:
    if isinstance(data, (pa.RecordBatch, pa.Table)):
        return data
    if hasattr(data, "__arrow_c_stream__"):
        return pa.table(data)
    if hasattr(data, "__arrow_c_array__"):
        return pa.record_batch(data)
    raise TypeError(f"{type(data).__name__} is no record batch, table or data frame, and exports no Arrow data")


def _batches(data: Any, keys: Sequence[str], others: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The named columns as record batches, where they lie."""
    names = list(dict.fromkeys([*keys, *others]))
    if hasattr(data, "iloc") and hasattr(data, "columns"):
        check_columns(names, list(data.columns))
        # In pandas a key that is NaN is one that is missing. In p and q it is NaN: that is no null.
        columns = [pa.array(data[name], from_pandas=name in keys) for name in names]
        data = pa.Table.from_arrays(columns, names)
    data = _table(data)
    check_columns(names, data.schema.names)
    if isinstance(data, pa.RecordBatch):
        yield pa.RecordBatch.from_arrays([data.column(name) for name in names], names)
    else:
        yield from data.select(names).to_batches()


def check_columns(names: Iterable[str], known: list[Any]) -> None:
    for name in names:
        if known.count(name) != 1:
            what = "there is no column" if name not in known else "there is more than one column"
            raise KLDivError(f"{what} {name!r}; the columns are {known}", status="options")


def _numbers_of(batch: pa.RecordBatch, name: str) -> tuple[np.ndarray, Optional[np.ndarray]]:
    """A column's numbers, where they lie if they can be read there, and where it has nulls, if it has any."""
    column, types = batch.column(name), pa.types
    if types.is_dictionary(column.type):
        column = column.dictionary_decode()
    given = column.type
    if types.is_null(given) or types.is_decimal(given):
        column = column.cast(pa.float64())
    elif types.is_boolean(given) or types.is_signed_integer(given):
        column = column.cast(pa.int64())
    elif types.is_unsigned_integer(given):
        column = column.cast(pa.uint64())
    elif not types.is_floating(given):
        raise TypeError(f"column {name!r} is of type {given}; probabilities and counts are numbers")
    if not column.null_count:
        return column.to_numpy(zero_copy_only=True), None
    # The numbers as they lie, whatever stands where there is none.
    values = pa.Array.from_buffers(column.type, len(column), [None, column.buffers()[1]], offset=column.offset)
    return values.to_numpy(zero_copy_only=True), column.is_null().to_numpy(zero_copy_only=False)


def _key_type(name: str, type: pa.DataType) -> pa.DataType:
    """The type that a column of keys is compared and kept in."""
    types = pa.types
    if types.is_dictionary(type):
        return _key_type(name, type.value_type)
    if getattr(types, "is_string_view", lambda _: False)(type):
        return pa.large_string()
    if getattr(types, "is_binary_view", lambda _: False)(type):
        return pa.large_binary()
    if types.is_nested(type) or types.is_float16(type):
        raise TypeError(f"column {name!r} is of type {type}, which cannot be a key")
    return type


def _as(column: pa.Array, type: pa.DataType, name: str) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if column.type == type:
        return column
    try:
        return column.cast(type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise TypeError(f"column {name!r} was of type {type} and is of type {column.type}: {error}") from None


def _distinct(keys: list[pa.Array], rows: int) -> tuple[np.ndarray, list[pa.Array]]:
    """Numbers of the distinct rows of keys, in order of their first row, and those rows."""
    ids = np.zeros(rows, dtype=np.int64)
    for i, key in enumerate(keys):
        encoded = key.dictionary_encode(null_encoding="encode")
        indices = encoded.indices.to_numpy(zero_copy_only=False)
        if len(keys) == 1:
            return indices, [encoded.dictionary]
        if i == 0:
            ids = indices
        else:
            # A pair of numbers is one number; then these are numbered anew, so that they stay below the rows.
            pairs = ids.astype(np.int64) * len(encoded.dictionary) + indices
            ids = pa.array(pairs).dictionary_encode().indices.to_numpy(zero_copy_only=False)
    firsts = pa.array(np.flatnonzero(np.diff(np.maximum.accumulate(ids), prepend=-1)))
    return ids, [key.take(firsts) for key in keys]


def _hashable(column: pa.Array) -> list[Any]:
    """Its values as Python compares them."""
    if pa.types.is_temporal(column.type):
        return column.view(pa.int32() if column.type.bit_width == 32 else pa.int64()).to_pylist()
    values = column.to_pylist()
    if pa.types.is_floating(column.type):
        # One object, which is found though it equals nothing.
        return [math.nan if x != x else x for x in values]
    return values


def _shown(key: pa.Scalar) -> str:
    try:
        return repr(key.as_py())
    except (ValueError, ImportError):  # times that Python has no type for
        return str(key)


def _state_bytes(column: pa.Array) -> pa.Buffer:
    """The bytes of all states, where they lie."""
    types = pa.types
    if column.null_count:
        row = column.is_null().to_numpy(zero_copy_only=False).argmax()
        raise KLDivError(f"column {STATE!r}, row {row}: null; states are {_STATE_BYTES} bytes each", status="state")
    if types.is_fixed_size_binary(column.type) and column.type.byte_width == _STATE_BYTES:
        return column.buffers()[1].slice(column.offset * _STATE_BYTES, len(column) * _STATE_BYTES)
    if not (types.is_binary(column.type) or types.is_large_binary(column.type)):
        column = column.cast(pa.large_binary())
    lengths = pc.binary_length(column)
    wrong = np.flatnonzero(lengths.to_numpy(zero_copy_only=False) != _STATE_BYTES)
    if wrong.size:
        row = int(wrong[0])
        message = f"column {STATE!r}, row {row}: {lengths[row]} bytes; states are {_STATE_BYTES} bytes each"
        raise KLDivError(message, status="state")
    width = np.int64 if types.is_large_binary(column.type) else np.int32
    _, offsets, data = column.buffers()
    start = int(np.frombuffer(offsets, dtype=width)[column.offset])
    return data.slice(start, len(column) * _STATE_BYTES)
