"""kldiv.arrow: partial sums by key over Arrow data."""

import datetime
import math
import pickle
import tracemalloc

import numpy as np
import pytest

import kldiv

pa = pytest.importorskip("pyarrow")
arrow = pytest.importorskip("kldiv.arrow")


def rows(count=10_000, seed=1):
    rng = np.random.default_rng(seed)
    p, q = rng.random(count), rng.random(count)
    p[rng.random(count) < 0.05] = 0.0
    q[rng.random(count) < 0.0005] = 0.0
    names = np.array([None, "no", "se", "dk", "fi", "is"], dtype=object)
    return pa.table({
        "country": pa.array(names[rng.integers(0, 6, count)]),
        "device": pa.array(rng.integers(0, 7, count), mask=rng.random(count) < 0.1),
        "p": p,
        "q": q,
    })


def by_hand(table, by, measure="kl"):
    """The same, row by row in Python: the values by key."""
    states = {}
    for row in table.to_pylist():
        state = states.setdefault(tuple(row[name] for name in by), kldiv.Partial(measure))
        state.update([row["p"]], [row["q"]])
    return {key: state.value() for key, state in states.items()}


def answers(batch, by):
    return dict(zip(zip(*(batch.column(name).to_pylist() for name in by)), batch.column("value").to_pylist()))


@pytest.mark.parametrize("by", [["country"], ["device"], ["country", "device"], ["device", "country", "country_too"]])
def test_every_key_has_the_value_of_its_rows(by):
    table = rows()
    table = table.append_column("country_too", table["country"])
    partial = arrow.Partial()
    partial.update(table, by=by)
    values = partial.values()
    assert values.schema.names == [*by, "value"]
    assert [values.schema.field(name).type for name in by] == [table.schema.field(name).type for name in by]
    assert answers(values, by) == by_hand(table, by)
    assert math.inf in answers(values, by).values()


def test_without_keys_all_rows_are_one_group():
    table = rows()
    partial = arrow.Partial("jeffreys")
    partial.update(table)
    state = kldiv.Partial("jeffreys")
    state.update(table["p"].to_numpy(), table["q"].to_numpy())
    assert partial.values().to_pydict() == {"value": [state.value()]}
    assert partial.states().column(0).to_pylist() == [bytes(state)]


def test_any_split_order_and_merge_gives_the_same_bits():
    table = rows()
    whole = arrow.Partial()
    whole.update(table, by=["country", "device"])
    rng = np.random.default_rng(2)
    for size in (1, 777, 4096):
        parts = [arrow.Partial() for _ in range(3)]
        # A batch of one row is a key at a time: some of them are enough.
        piece = table if size > 1 else table.slice(0, 500)
        starts = np.arange(0, piece.num_rows, size)
        rng.shuffle(starts)
        for i, start in enumerate(starts):
            parts[i % 3].update(piece.slice(start, size), by=["country", "device"])
        total = arrow.Partial()
        total.merge(parts[2].states())
        total.merge(pickle.loads(pickle.dumps(parts[0])))
        total.merge(pa.Table.from_batches([parts[1].states()]), by=["country", "device"])
        expected = arrow.Partial()
        expected.update(piece, by=["country", "device"])
        assert total == expected
        assert (total == whole) == (size > 1)


def test_chunks_and_slices_are_read_from_where_they_begin():
    table = rows(1000)
    chunked = pa.concat_tables([table.slice(0, 3), table.slice(3, 0), table.slice(3, 500), table.slice(503)])
    assert chunked["p"].num_chunks > 2
    whole, pieces = arrow.Partial(), arrow.Partial()
    whole.update(table, by="country")
    pieces.update(chunked, by="country")
    assert whole == pieces
    sliced = arrow.Partial()
    sliced.update(table.combine_chunks().to_batches()[0].slice(100, 50), by="country")
    assert answers(sliced.values(), ["country"]) == by_hand(table.slice(100, 50), ["country"])


@pytest.mark.parametrize("type", ["float64", "float32", "float16", "int64", "uint64"])
def test_columns_of_these_types_are_not_copied(type):
    count = 4_000_000
    batch = pa.record_batch([pa.array(np.ones(count, dtype=type)) for _ in "pq"], ["p", "q"])
    partial = kldiv.arrow.Partial()
    before, most = pa.total_allocated_bytes(), pa.default_memory_pool().max_memory()
    tracemalloc.start()
    columns = [arrow._numbers_of(batch, name)[0] for name in "pq"]
    assert [column.ctypes.data for column in columns] == [batch.column(name).buffers()[1].address for name in "pq"]
    assert tracemalloc.get_traced_memory()[1] < 100_000
    tracemalloc.stop()
    assert (pa.total_allocated_bytes(), pa.default_memory_pool().max_memory()) == (before, most)
    partial.update(batch.slice(10, 10))
    assert partial.values().column("value").to_pylist() == [0.0]


@pytest.mark.parametrize("type", [pa.int8(), pa.int16(), pa.int32(), pa.uint8(), pa.uint32(), pa.decimal128(21, 2)])
def test_other_numbers_are_converted(type):
    table = pa.table({"p": pa.array([3, 0, 5]).cast(type), "q": pa.array([2, 1, 4]).cast(type)})
    partial = arrow.Partial()
    partial.update(table)
    state = kldiv.Partial()
    state.update([3, 0, 5], [2, 1, 4])
    assert partial.values().column("value").to_pylist() == [state.value()]


def test_a_dictionary_is_its_values():
    table = rows(500)
    encoded = table.set_column(0, "country", table["country"].dictionary_encode())
    one, other = arrow.Partial(), arrow.Partial()
    one.update(table, by="country")
    other.update(encoded, by="country")
    assert one == other


@pytest.mark.parametrize(
    "keys",
    [
        pa.array([1, None, 1], pa.int8()),
        pa.array([True, False, True]),
        pa.array(["a", None, "a"], pa.large_string()),
        pa.array([b"a", b"", b"a"]),
        pa.array([0.0, math.nan, -0.0]),
        pa.array([math.nan, None, math.nan]),
        pa.array([datetime.date(2026, 1, 1), None, datetime.date(2026, 1, 1)]),
        pa.array([1, 2, 1], pa.timestamp("ns", "UTC")),
        pa.array([1, 2, 1], pa.time32("s")),
        pa.array([1, 2, 1], pa.duration("us")),
        pa.array([1, 2, 1]).cast(pa.decimal128(25, 3)),
        pa.array([None, None, None]),
    ],
    ids=lambda keys: str(keys.type),
)
def test_keys_of_every_plain_type_are_told_apart(keys):
    partial = arrow.Partial()
    for _ in range(2):
        partial.update(pa.table({"key": keys, "p": [0.5, 1.0, 0.5], "q": [0.7, 1.0, 0.3]}), by="key")
        partial = pickle.loads(pickle.dumps(partial))
    values = partial.values()
    expected = 2 * kldiv.kl([0.5, 0.5], [0.7, 0.3])
    assert values.column("key").type == keys.type
    if keys.null_count == 3:
        assert values.num_rows == 1
    else:
        assert values.column("key").cast(pa.string()).to_pylist() == keys.slice(0, 2).cast(pa.string()).to_pylist()
        assert values.column("value").to_pylist() == pytest.approx([expected, 0.0], abs=1e-15)


def test_a_column_of_nothing_but_nulls_takes_the_type_of_the_next():
    partial = arrow.Partial()
    partial.update(pa.table({"key": pa.array([None]), "p": [1.0], "q": [1.0]}), by="key")
    partial.update(pa.table({"key": ["a", None], "p": [1.0, 1.0], "q": [1.0, 1.0]}), by="key")
    assert partial.states().column("key") == pa.array([None, "a"])


def test_pandas_and_whatever_exports_arrow_streams_are_taken():
    pd = pytest.importorskip("pandas")
    table = rows(500)
    expected = arrow.Partial()
    expected.update(table, by="country")
    frame = pd.DataFrame({name: table[name].to_pandas() for name in ("country", "p", "q")})

    class Stream:
        def __arrow_c_stream__(self, requested_schema=None):
            return table.__arrow_c_stream__(requested_schema)

    for data in (frame, frame.astype({"country": "category"}), Stream()):
        partial = arrow.Partial()
        partial.update(data, by="country")
        assert partial == expected
    # NaN is no null there.
    frame.loc[3, "q"] = math.nan
    with pytest.raises(kldiv.KLDivError, match="column 'q', row 3, country .*: NaN;"):
        arrow.Partial().update(frame, by="country")


def test_a_bad_entry_names_column_row_and_key_and_its_batch_is_not_added():
    partial = arrow.Partial()
    partial.update(pa.table({"c": ["no"], "a": [0.5], "b": [0.5]}), p="a", q="b", by="c")
    before = pickle.dumps(partial.states().to_pydict())
    for bad, status, said in [(-1.0, "negative", "-1"), (math.inf, "infinite", "inf"), (None, "nan", "null")]:
        pieces = [pa.table({"c": ["no", "se"], "a": [0.5, 0.5], "b": [0.5, x]}) for x in (0.5, bad)]
        with pytest.raises(kldiv.KLDivError, match=f"^column 'b', row 3, c 'se': {said}; ") as error:
            arrow.Partial().update(pa.concat_tables(pieces), p="a", q="b", by="c")
        assert (error.value.status, error.value.operand, error.value.index) == (status, "q", (3,))
        with pytest.raises(kldiv.KLDivError):
            partial.update(pieces[1], p="a", q="b", by="c")
        assert pickle.dumps(partial.states().to_pydict()) == before
    # What was refused left no key behind.
    partial.update(pieces[0], p="a", q="b", by="c")
    assert partial.states().column("c").to_pylist() == ["no", "se"]


def test_bad_entries_and_nulls_can_make_their_group_nan():
    table = pa.table({
        "c": ["no", "se", "dk", "no", "fi"],
        "p": pa.array([5, None, 4, 3, 2]),
        "q": [5.0, 0.5, math.nan, 3.0, None],
    })
    partial = arrow.Partial(invalid="nan")
    partial.update(table, by="c")
    values = partial.values(invalid="nan").column("value").to_pylist()
    assert values[0] == 0.0
    assert np.isnan(values).tolist() == [False, True, True, True]
    with pytest.raises(kldiv.KLDivError, match="^group c 'se': 1 of the 1 pairs"):
        partial.values()


def test_a_group_without_mass_is_named():
    partial = arrow.Partial()
    partial.update(pa.table({"c": ["no", None], "p": [1, 0], "q": [1, 1]}), by="c")
    with pytest.raises(kldiv.KLDivError, match="^group c None: p has no mass"):
        partial.values(normalization="normalize")


def test_what_makes_no_sense_is_refused():
    table = pa.table({"value": ["a"], "list": [[1]], "p": [1.0], "q": [1.0], "text": ["x"]})
    partial = arrow.Partial()
    with pytest.raises(kldiv.KLDivError, match="there is no column 'country'"):
        partial.update(table, by="country")
    with pytest.raises(kldiv.KLDivError, match="each is named once, and none 'kldiv_state' or 'value'"):
        partial.update(table, by="value")
    with pytest.raises(TypeError, match="column 'list' is of type list<.*>, which cannot be a key"):
        partial.update(table, by="list")
    with pytest.raises(TypeError, match="column 'text' is of type string; probabilities"):
        partial.update(table, q="text")
    with pytest.raises(TypeError, match="list is no record batch"):
        partial.update([1, 2])
    partial.update(table, by="text")
    with pytest.raises(kldiv.KLDivError, match=r"key columns are \[\], and were \['text'\]"):
        partial.update(table)
    with pytest.raises(kldiv.KLDivError, match="measure is \"js\""):
        arrow.Partial("js")


def test_states_that_are_damaged_short_missing_or_of_another_measure_are_refused():
    partial = arrow.Partial()
    partial.update(pa.table({"c": ["no", "se"], "p": [0.5, 0.5], "q": [0.5, 0.5]}), by="c")
    states = partial.states().to_pydict()
    whole = states["kldiv_state"][1]
    for second, message in [
        (whole[:-1], "row 1: 1423 bytes"),
        (whole[:99] + b"?" + whole[100:], "state 1: .*damaged"),
        (None, "row 1: null"),
        (bytes(kldiv.Partial("reverse")), "state 1: .*another measure"),
    ]:
        wrong = pa.table({"c": states["c"], "kldiv_state": pa.array([whole, second], pa.binary())})
        total = arrow.Partial()
        with pytest.raises(kldiv.KLDivError, match=message) as error:
            total.merge(wrong)
        assert error.value.status == "state"
        assert len(total) == 0
    jeffreys = arrow.Partial("jeffreys")
    with pytest.raises(kldiv.KLDivError, match="another measure"):
        jeffreys.merge(partial)


@pytest.mark.parametrize("type", [pa.binary(), pa.large_binary(), pa.binary(1424)])
def test_states_in_any_binary_column_merge(type):
    partial = arrow.Partial()
    partial.update(rows(1000), by=["country", "device"])
    states = partial.states()
    column = pa.array(states.column("kldiv_state").to_pylist(), type)
    states = pa.record_batch([*states.columns[:2], column], states.schema.names)
    total = arrow.Partial()
    total.merge(states.slice(5, 9))
    total.merge(states.slice(0, 5))
    total.merge(pa.Table.from_batches([states.slice(14)]))
    assert total == partial


def test_an_empty_one_is_one_too():
    partial = arrow.Partial()
    partial.update(rows(100).slice(0, 0), by="country")
    assert partial.values().num_rows == 0
    again = pickle.loads(pickle.dumps(partial))
    assert again == partial
    again.merge(partial)
    again.update(rows(100), by="country")
    assert len(again) == 6


def test_the_examples_of_docstrings_run():
    import doctest

    found = doctest.testmod(arrow)
    assert found.attempted > 0 and found.failed == 0
    runner = doctest.DocTestRunner()
    for thing in (kldiv.Partial, kldiv.Partials):
        for test in doctest.DocTestFinder(recurse=False).find(thing, thing.__name__, globs={}):
            runner.run(test)
    assert runner.tries > 0 and runner.failures == 0
