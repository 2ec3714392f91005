"""kldiv.Partial and kldiv.Partials."""

import copy
import math
import pickle
import random

import numpy as np
import pytest

import kldiv

MEASURES = ["kl", "generalized", "reverse", "jeffreys", "entropy", "cross_entropy"]


def term(measure, p, q):
    """A term by the formula, in double precision."""

    def kl(p, q):
        return 0.0 if p == 0 else math.inf if q == 0 else p * math.log(p / q)

    return {
        "kl": lambda: kl(p, q),
        "generalized": lambda: kl(p, q) - p + q,
        "reverse": lambda: kl(q, p),
        "jeffreys": lambda: kl(p, q) + kl(q, p),
        "entropy": lambda: -kl(p, 1.0),
        "cross_entropy": lambda: 0.0 if p == 0 else math.inf if q == 0 else -p * math.log(q),
    }[measure]()


def pairs(rows, seed=1, zeros=0.1):
    rng = np.random.default_rng(seed)
    p, q = rng.random(rows), rng.random(rows)
    both = rng.random(rows) < zeros
    p[both] = q[both] = 0.0
    return p, q


@pytest.mark.parametrize("measure", MEASURES)
def test_a_value_is_the_sum_of_its_terms(measure):
    p, q = pairs(1000)
    state = kldiv.Partial(measure)
    state.update(p, q)
    terms = [term(measure, a, b) for a, b in zip(p, q)]
    assert state.value() == pytest.approx(math.fsum(terms), abs=1e-13 * math.fsum(map(abs, terms)))
    assert state.value(2) == pytest.approx(state.value() / math.log(2), rel=1e-15)
    assert (state.measure, state.invalid, state.count) == (measure, "error", 1000)
    assert state.mass_p == math.fsum(p)
    assert state.mass_q == (0.0 if measure == "entropy" else math.fsum(q))


def test_entropy_needs_no_q_and_the_others_do():
    state = kldiv.Partial("entropy")
    state.update([0.5, 0.5])
    assert state.value(2) == 1.0
    with pytest.raises(TypeError, match="q is missing"):
        kldiv.Partial().update([0.5, 0.5])


@pytest.mark.parametrize("measure", MEASURES)
def test_any_tree_of_updates_and_merges_gives_the_same_bytes(measure):
    p, q = pairs(3000, seed=2)
    whole = kldiv.Partial(measure)
    whole.update(p, q)
    for seed in range(5):
        rng = random.Random(seed)
        cuts = sorted(rng.sample(range(1, 3000), 20))
        parts = list(zip([0, *cuts], [*cuts, 3000]))
        rng.shuffle(parts)
        states = [kldiv.Partial(measure) for _ in range(4)]
        for start, end in parts:
            rng.choice(states).update(p[start:end], q[start:end])
        while len(states) > 1:
            other = states.pop(rng.randrange(len(states)))
            states[rng.randrange(len(states))] += kldiv.Partial.from_bytes(bytes(other))
        assert states[0] == whole
        assert bytes(states[0]) == bytes(whole)
        assert states[0].value() == whole.value()


def test_arrays_of_any_strides_types_and_dimensions_are_taken():
    rng = np.random.default_rng(3)
    p, q = rng.integers(1, 200, (4, 5, 6)), rng.integers(1, 200, (4, 5, 6))
    expected = kldiv.Partial()
    expected.update(p.ravel(), q.ravel())
    for change in [
        lambda a: a.transpose(2, 0, 1),
        lambda a: a[::-1, ::-1, ::-1],
        lambda a: np.repeat(a, 3, axis=1)[:, ::3],
        lambda a: a.astype(np.uint64),
        lambda a: a.astype(np.float64)[:, ::-1].T,
        lambda a: a.ravel().tolist(),
    ]:
        state = kldiv.Partial()
        state.update(change(p), change(q))
        assert state == expected


def test_a_large_update_is_the_same_on_any_number_of_threads():
    p, q = pairs(300_000, seed=4)
    states = [kldiv.Partial() for _ in range(3)]
    for threads, state in zip((0, 1, 2), states):
        state.update(p, q, threads=threads)
    assert states[0] == states[1] == states[2]


def test_totals_need_not_be_known_beforehand():
    counts_p, counts_q = np.array([10, 20, 5, 40, 25]), np.array([12, 18, 6, 30, 34])
    state = kldiv.Partial()
    state.update(counts_p[:2], counts_q[:2])
    state.update(counts_p[2:], counts_q[2:])
    expected = kldiv.kl(counts_p, counts_q, normalization="normalize")
    assert state.value(normalization="normalize") == pytest.approx(expected, rel=1e-15)
    with pytest.raises(kldiv.KLDivError) as error:
        state.value(normalization="require")
    assert error.value.status == "not_normalized"
    assert math.isnan(state.value(normalization="require", invalid="nan"))


def test_an_infinite_term_is_an_answer_that_is_counted():
    state = kldiv.Partial()
    state.update([0.5, 0.5], [0.0, 1.0])
    assert state.value() == math.inf
    assert state.infinite_count == 1


@pytest.mark.parametrize("bad, status", [(-1.0, "negative"), (math.nan, "nan"), (math.inf, "infinite")])
def test_a_bad_entry_is_named_and_changes_nothing(bad, status):
    state = kldiv.Partial()
    state.update([0.25], [0.5])
    before = bytes(state)
    p, q = np.full((3, 4), 0.5), np.full((3, 4), 0.5)
    q[1, 2] = bad
    with pytest.raises(kldiv.KLDivError) as error:
        state.update(p, q)
    assert (error.value.status, error.value.operand, error.value.index) == (status, "q", (1, 2))
    assert bytes(state) == before
    # In arrays that are no single matrix too.
    p, q = np.full((3, 4, 5), 0.5)[:, ::2], np.full((3, 4, 5), 0.5)[:, ::2]
    q[2, 1, 4] = bad
    with pytest.raises(kldiv.KLDivError) as error:
        state.update(p, q)
    assert error.value.index == (2, 1, 4)
    assert bytes(state) == before


def test_a_bad_entry_can_make_the_value_nan():
    state = kldiv.Partial(invalid="nan")
    state.update([0.5, math.nan], [0.5, 0.5])
    assert (state.count, state.invalid_count) == (2, 1)
    assert math.isnan(state.value(invalid="nan"))
    with pytest.raises(kldiv.KLDivError) as error:
        state.value()
    assert error.value.status == "nan"


def test_what_makes_no_sense_is_refused():
    with pytest.raises(kldiv.KLDivError, match="measure is \"js\"; it is one of \"kl\""):
        kldiv.Partial("js")
    with pytest.raises(kldiv.KLDivError, match="invalid is \"skip\""):
        kldiv.Partial(invalid="skip")
    with pytest.raises(kldiv.KLDivError, match=r"p has the shape \[2\] and q \[3\]"):
        kldiv.Partial().update([0.5, 0.5], [0.2, 0.3, 0.5])
    with pytest.raises(kldiv.KLDivError) as error:
        kldiv.Partial("kl").merge(kldiv.Partial("jeffreys"))
    assert error.value.status == "state"
    with pytest.raises(kldiv.KLDivError, match="another measure"):
        kldiv.Partial("kl") + kldiv.Partial("jeffreys")


def test_states_are_copied_pickled_added_and_compared():
    state = kldiv.Partial("jeffreys", invalid="nan")
    state.update([0.5, 0.5], [0.7, 0.3])
    for other in [pickle.loads(pickle.dumps(state)), copy.copy(state), copy.deepcopy(state)]:
        assert other == state
        assert other.invalid == "nan"
        other.update([1], [1])
        assert other != state
    twice = state + state
    doubled = copy.copy(state)
    doubled += doubled
    assert doubled == twice
    assert twice.count == 4
    assert state.count == 2
    assert sum([state, state], kldiv.Partial("jeffreys", invalid="nan")) == twice
    assert state != "a state"
    with pytest.raises(TypeError):
        hash(state)
    assert repr(state) == "<kldiv.Partial('jeffreys', invalid='nan') of 2 pairs>"


def test_damaged_and_foreign_bytes_are_refused():
    state = kldiv.Partial()
    state.update([0.5, 0.5], [0.7, 0.3])
    data = bytes(state)
    assert len(data) == 1424
    assert kldiv.Partial.from_bytes(bytearray(data)) == kldiv.Partial.from_bytes(memoryview(data)) == state
    for i in range(0, 1424, 7):
        damaged = bytearray(data)
        damaged[i] ^= 0x10
        with pytest.raises(kldiv.KLDivError) as error:
            kldiv.Partial.from_bytes(bytes(damaged))
        assert error.value.status == "state"
    for wrong in [b"", data[:-1], data + b"\0"]:
        with pytest.raises(kldiv.KLDivError, match="1424 bytes"):
            kldiv.Partial.from_bytes(wrong)


def grouped(rows=5000, groups=37, seed=5):
    p, q = pairs(rows, seed)
    return p, q, np.random.default_rng(seed).integers(0, groups, rows)


@pytest.mark.parametrize("type", [np.uint32, np.int64, np.uint8])
def test_groups_are_as_many_states(type):
    p, q, group = grouped()
    states = kldiv.Partials(37)
    states.update_by(group.astype(type), p, q)
    for i in range(37):
        one = kldiv.Partial()
        one.update(p[group == i], q[group == i])
        assert states[i] == one
        assert states.values()[i] == one.value()
        assert (states.count[i], states.mass_p[i], states.mass_q[i]) == (one.count, one.mass_p, one.mass_q)
    assert states[-1] == states[36]
    with pytest.raises(IndexError):
        states[37]


def test_groups_merge_in_any_order_to_the_same_bytes():
    p, q, group = grouped()
    whole = kldiv.Partials(37)
    whole.update_by(group, p, q)
    backwards = kldiv.Partials(37)
    for start in range(0, 5000, 700)[::-1]:
        part = slice(start, start + 700)
        numbers, ids = np.unique(group[part], return_inverse=True)
        states = kldiv.Partials(len(numbers))
        states.update_by(ids, p[part][::-1][::-1], q[part])
        backwards.merge_by(numbers, kldiv.Partials.from_bytes(bytes(states)))
    assert backwards == whole
    assert bytes(backwards) == bytes(whole)
    one = kldiv.Partials(1)
    one.merge_by(np.zeros(37, np.uint32), whole)
    total = kldiv.Partial()
    total.update(p, q)
    assert one[0] == total
    one.merge_by([0], one)
    assert one[0] == total + total


def test_groups_are_pickled_with_their_kind_and_resized():
    states = kldiv.Partials(0, "jeffreys", invalid="nan")
    again = pickle.loads(pickle.dumps(states))
    assert (len(again), again.measure, again.invalid) == (0, "jeffreys", "nan")
    again.resize(3)
    assert again != states
    again.update_by([2], [0.5], [0.25])
    assert pickle.loads(pickle.dumps(again)) == again
    assert again.count.tolist() == [0, 0, 1]
    again.resize(2)
    assert again == kldiv.Partials(2, "jeffreys", invalid="nan")


def test_a_bad_row_or_group_is_named_and_changes_no_group():
    states = kldiv.Partials(3)
    states.update_by([0, 1, 2], [0.5, 0.5, 0.5], [0.5, 0.25, 0.25])
    before = bytes(states)
    with pytest.raises(kldiv.KLDivError) as error:
        states.update_by([0, 1, 2], [0.5, 0.5, 0.5], [0.5, 0.5, -0.5])
    assert (error.value.operand, error.value.index) == ("q", (2,))
    for group in ([0, 3, 1], np.array([0, 3, 1], np.uint32)):
        with pytest.raises(kldiv.KLDivError, match=r"group\[1\] is 3") as error:
            states.update_by(group, [0.5] * 3, [0.5] * 3)
        assert error.value.status == "index"
    with pytest.raises(kldiv.KLDivError, match=r"group\[0\] is -1"):
        states.update_by([-1, 0, 0], [0.5] * 3, [0.5] * 3)
    with pytest.raises(kldiv.KLDivError, match=r"q has the shape \[2\]; there are 3"):
        states.update_by([0, 0, 0], [0.5] * 3, [0.5] * 2)
    with pytest.raises(kldiv.KLDivError):
        states.merge_by([0], kldiv.Partials(1, "reverse"))
    with pytest.raises(kldiv.KLDivError, match="group has to be a vector of integers"):
        states.update_by([0.0, 1.0, 2.0], [0.5] * 3, [0.5] * 3)
    assert bytes(states) == before


def test_a_group_without_a_value_is_named_and_the_others_have_theirs():
    states = kldiv.Partials(3)
    states.update_by([0, 2], [1, 1], [1, 1])
    with pytest.raises(kldiv.KLDivError, match="group 1: p has no mass") as error:
        states.values(normalization="normalize")
    assert error.value.row == (1,)
    assert np.array_equal(error.value.result, [0.0, math.nan, 0.0], equal_nan=True)
    assert np.isnan(states.values(normalization="normalize", invalid="nan")).tolist() == [False, True, False]


def test_a_damaged_state_among_many_is_named():
    states = kldiv.Partials(3)
    data = bytearray(bytes(states))
    data[1424 + 50] ^= 1
    with pytest.raises(kldiv.KLDivError, match="state 1: "):
        kldiv.Partials.from_bytes(bytes(data))
    mixed = bytes(kldiv.Partial("kl")) + bytes(kldiv.Partial("reverse"))
    with pytest.raises(kldiv.KLDivError, match="state 1: .*another measure"):
        kldiv.Partials.from_bytes(mixed)
