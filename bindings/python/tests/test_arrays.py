"""Arrays are read where they lie: any type, stride, axis and number of dimensions, and nothing is copied."""

import gc
import sys
import threading
import tracemalloc

import numpy as np
import pytest

import kldiv
from reference import bits

RNG = np.random.default_rng(7)
FLOATS = [np.float64, np.float32, np.float16]
COUNTS = [np.int64, np.uint64]


def positive(*shape, dtype=np.float64):
    if np.dtype(dtype).kind in "iu":
        return RNG.integers(1, 1000, shape).astype(dtype)
    return (RNG.random(shape) + 0.01).astype(dtype)


def one_by_one(function, p, q, axis, **options):
    """The same from vectors, one call each."""
    p, q = np.broadcast_arrays(p, q)
    p, q = np.moveaxis(p, axis, -1), np.moveaxis(q, axis, -1)
    out = np.empty(p.shape[:-1])
    for index in np.ndindex(out.shape):
        out[index] = function(np.ascontiguousarray(p[index]), np.ascontiguousarray(q[index]), **options)
    return out


@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1, -2, -3, -4])
def test_any_axis_of_any_number_of_dimensions_is_one_call_for_each_vector(axis):
    p, q = positive(3, 4, 5, 6), positive(3, 4, 5, 6)
    for measure in (kldiv.kl, kldiv.js, kldiv.jensenshannon, kldiv.psi):
        assert bits(measure(p, q, axis=axis)) == bits(one_by_one(measure, p, q, axis))
    for order in (p.transpose(2, 0, 3, 1), p[::-1, ::2, :, ::-1], np.asfortranarray(p)):
        other = positive(*order.shape)
        assert bits(kldiv.kl(order, other, axis=axis)) == bits(one_by_one(kldiv.kl, order, other, axis))


def test_shapes_broadcast_without_the_axis_of_the_outcomes():
    p, q = positive(2, 3, 1, 8), positive(4, 8)
    assert kldiv.kl(p, q).shape == (2, 3, 4)
    assert bits(kldiv.kl(p, q)) == bits(one_by_one(kldiv.kl, p, q, -1))
    one = positive(8)
    assert bits(kldiv.kl(one, q)) == bits(one_by_one(kldiv.kl, np.broadcast_to(one, q.shape), q, -1))
    assert bits(kldiv.kl(q.T, one, axis=0)) == bits(kldiv.kl(q, one))
    assert kldiv.kl(p, q, keepdims=True).shape == (2, 3, 4, 1)
    assert kldiv.kl(q.T, one, axis=0, keepdims=True).shape == (1, 4)


def test_a_stride_of_zero_repeats():
    p = np.broadcast_to(positive(3, 1), (3, 16))
    q = np.broadcast_to(positive(16), (3, 16))
    assert bits(kldiv.kl(p, q)) == bits(one_by_one(kldiv.kl, p, q, -1))


@pytest.mark.parametrize("q_type", FLOATS + COUNTS)
@pytest.mark.parametrize("p_type", FLOATS + COUNTS)
def test_types_may_differ_and_are_taken_as_they_are(p_type, q_type):
    p, q = positive(5, 33, dtype=p_type), positive(5, 33, dtype=q_type)
    got = kldiv.kl(p, q, normalization="normalize")
    exact = kldiv.kl(p.astype(np.float64), q.astype(np.float64), normalization="normalize")
    assert got.dtype == np.float64
    assert got == pytest.approx(exact, rel=1e-5, abs=1e-6)
    if np.float64 in (p_type, q_type) or p_type in COUNTS or q_type in COUNTS:
        assert got == pytest.approx(exact, rel=1e-13)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.bool_, np.longdouble])
def test_other_types_are_converted(dtype):
    p, q = (RNG.integers(1, 2 if dtype is np.bool_ else 100, (4, 9)).astype(dtype) for _ in range(2))
    assert bits(kldiv.kl(p, q)) == bits(kldiv.kl(p.astype(np.float64), q.astype(np.float64)))


def test_sequences_and_objects_become_arrays():
    fractions = __import__("fractions")
    want = kldiv.kl(np.array([0.5, 0.5]), np.array([0.75, 0.25]))
    assert kldiv.kl((0.5, 0.5), [0.75, 0.25]) == want
    half = fractions.Fraction(1, 2)
    assert kldiv.kl(np.array([half, half], dtype=object), [0.75, 0.25]) == want
    assert kldiv.kl(range(1, 4), [1, 2, 3]) == 0


def test_swapped_bytes_and_crooked_addresses_are_straightened():
    p, q = positive(6, 10), positive(6, 10)
    want = kldiv.kl(p, q)
    for dtype in (">f8", ">f4", ">f2", ">i8"):
        other = (p * 1000).astype(dtype)
        assert bits(kldiv.kl(other, q)) == bits(kldiv.kl(other.astype(other.dtype.newbyteorder("=")), q))
    records = np.zeros((6, 10), dtype=[("flag", "u1"), ("p", "f8"), ("q", "f8")])
    records["p"], records["q"] = p, q
    assert not records["p"].flags.aligned
    assert bits(kldiv.kl(records["p"], records["q"])) == bits(want)
    aligned = np.zeros((6, 10), dtype=np.dtype([("flag", "u1"), ("p", "f8"), ("q", "f8")], align=True))
    aligned["p"], aligned["q"] = p, q
    assert bits(kldiv.kl(aligned["p"], aligned["q"])) == bits(want)


def test_what_holds_no_real_numbers_is_a_type_error():
    for bad in (["a", "b"], [1j, 2], None, np.array(["2020-01-01"], dtype="datetime64[D]"), {"a": 1}):
        with pytest.raises(TypeError):
            kldiv.kl(bad, [0.5, 0.5])
    with pytest.raises(TypeError, match="masked"):
        kldiv.kl(np.ma.array([0.5, 0.5], mask=[0, 1]), [0.5, 0.5])


def peak(call):
    """The most that a call has in memory at once; numpy's arrays are counted too."""
    gc.collect()
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("dtype", FLOATS + COUNTS)
def test_no_array_is_copied_whatever_its_layout(dtype):
    p = positive(40, 60, 70, dtype=dtype)
    q = positive(40, 60, 70, dtype=dtype)
    p.flags.writeable = False
    one = positive(70, dtype=dtype)
    calls = {
        "as it is": lambda: kldiv.kl(p, q, reduction="sum"),
        "another axis": lambda: kldiv.kl(p, q, axis=0, reduction="sum"),
        "the middle axis": lambda: kldiv.kl(p, q, axis=1, reduction="sum"),
        "backwards": lambda: kldiv.kl(p[::-1, :, ::-1], q, reduction="sum"),
        "every second": lambda: kldiv.kl(p[:, ::2], q[:, 1::2], reduction="sum"),
        "columns first": lambda: kldiv.kl(p.T, q.T, axis=0, reduction="sum"),
        "one against many": lambda: kldiv.kl(p, one, reduction="sum"),
        "normalized": lambda: kldiv.kl(p, q, normalization="normalize", reduction="sum"),
        "all pairs": lambda: kldiv.nearest(p[:, 0], q[::-1, 0], k=1),
    }
    for name, call in calls.items():
        call()
        # A result for each vector is fine, a copy of the smallest operand is not.
        assert peak(call) < 30_000 < p.nbytes / 8, name
    if np.dtype(dtype).kind == "f":
        assert peak(lambda: kldiv.logits(p, q, reduction="sum")) < 30_000
        assert peak(lambda: kldiv.loss(-p, q)) < p.nbytes + 30_000


def test_results_are_written_where_the_caller_says():
    p, q = positive(5, 7), positive(5, 7)
    out = np.empty(5)
    assert kldiv.kl(p, q, out=out) is out
    assert bits(out) == bits(kldiv.kl(p, q))
    terms = np.full((7, 10), np.nan, dtype=np.float32)[:, ::2].T
    assert kldiv.terms(p, q, out=terms) is terms
    assert bits(terms.copy()) == bits(kldiv.terms(p, q).astype(np.float32))
    with pytest.raises(TypeError):
        kldiv.kl(p, q, out=np.empty(5, dtype=np.float32))
    with pytest.raises(ValueError, match="shape"):
        kldiv.kl(p, q, out=np.empty(6))
    with pytest.raises(ValueError, match="shares memory"):
        kldiv.kl(p, q, out=p[0, :5])
    with pytest.raises(ValueError, match="shares memory"):
        kldiv.terms(p, q, out=p)
    with pytest.raises(ValueError, match="are one"):
        kldiv.terms(p, q, out=np.lib.stride_tricks.as_strided(np.empty(7), (5, 7), (0, 8), writeable=True))
    read_only = np.empty(5)
    read_only.flags.writeable = False
    with pytest.raises(TypeError, match="writable"):
        kldiv.kl(p, q, out=read_only)


def test_terms_have_the_type_of_their_inputs():
    for p_type, q_type, want in [
        (np.float32, np.float32, np.float32),
        (np.float16, np.float16, np.float16),
        (np.float16, np.float32, np.float32),
        (np.float32, np.float64, np.float64),
        (np.int64, np.float32, np.float64),
    ]:
        assert kldiv.terms(positive(4, dtype=p_type), positive(4, dtype=q_type)).dtype == want


def test_masks_and_weights_broadcast_over_the_rows():
    p, q = positive(3, 4, 6), positive(3, 4, 6)
    rows = kldiv.kl(p, q)
    mask, weights = RNG.random((3, 4)) < 0.5, RNG.random(4)
    assert bits(kldiv.kl(p, q, mask=mask)) == bits(np.where(mask, rows, 0.0))
    assert bits(kldiv.kl(p, q, weights=weights)) == bits(rows * weights)
    assert bits(kldiv.kl(p, q, mask=mask[:, :1])) == bits(np.where(mask[:, :1], rows, 0.0))
    mean = kldiv.kl(p, q, mask=mask, weights=weights, reduction="mean")
    assert mean == pytest.approx(np.average(rows, weights=mask * weights))
    across = kldiv.kl(p.swapaxes(0, 1), q.swapaxes(0, 1), mask=mask.T, weights=weights[:, None], reduction="mean")
    assert across == pytest.approx(mean, rel=1e-14)
    with pytest.raises(ValueError, match="mask"):
        kldiv.kl(p, q, mask=[True, False])
    bad = p.copy()
    bad[0, 0, 0] = np.nan
    assert kldiv.kl(bad, q, mask=np.arange(12).reshape(3, 4) != 0)[0, 0] == 0


def test_one_number_has_the_same_bits_from_every_layout_and_number_of_threads():
    p, q = positive(50, 30, 64), positive(50, 30, 64)
    for reduction in ("sum", "mean", "batchmean"):
        want = kldiv.kl(p, q, reduction=reduction, threads=1)
        apart_p, apart_q = np.zeros((50, 31, 64)), np.zeros((50, 33, 64))
        apart_p[:, :30], apart_q[:, :30] = p, q
        for threads in (0, 1, 2, 5):
            assert kldiv.kl(p, q, reduction=reduction, threads=threads) == want
            assert kldiv.kl(apart_p[:, :30], apart_q[:, :30], reduction=reduction, threads=threads) == want
            assert kldiv.loss(-apart_p[:, :30], q, reduction, threads=threads) == kldiv.loss(-p, q, reduction)
    grads = kldiv.loss_grad(-p, q, "mean")
    apart = kldiv.loss_grad(-apart_p[:, :30], q, "mean")
    assert all(bits(x) == bits(y) for x, y in zip(grads, apart))


def test_no_rows_give_no_results_and_no_columns_are_an_error():
    assert kldiv.kl(np.empty((0, 3)), np.empty((0, 3))).shape == (0,)
    assert kldiv.kl(np.empty((2, 0, 3)), np.empty((0, 3))).shape == (2, 0)
    assert kldiv.kl(np.empty((0, 3)), np.empty((0, 3)), reduction="mean") == 0
    with pytest.raises(kldiv.KLDivError) as raised:
        kldiv.kl(np.empty((2, 0)), np.empty((2, 0)))
    assert raised.value.status == "empty"


def test_pythons_lock_is_let_go_of_while_the_core_works():
    p, q = (np.broadcast_to(positive(5000), (20_000, 5000)) for _ in range(2))
    counted, stop = [0], threading.Event()

    def count():
        while not stop.is_set():
            counted[0] += 1

    interval = sys.getswitchinterval()
    # The other thread gets the lock when it is given, and takes it only after longer than the call lasts.
    sys.setswitchinterval(1)
    thread = threading.Thread(target=count)
    try:
        thread.start()
        before = counted[0]
        kldiv.kl(p, q, threads=1)
        during = counted[0] - before
    finally:
        stop.set()
        sys.setswitchinterval(interval)
        thread.join()
    assert during > 0


def test_bfloat16_of_ml_dtypes_is_read_where_it_lies():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    p, q = (positive(40, 5000).astype(ml_dtypes.bfloat16) for _ in range(2))
    got = kldiv.kl(p[:, ::-1], q[:, ::-1])
    assert got == pytest.approx(kldiv.kl(p[:, ::-1].astype(np.float64), q[:, ::-1].astype(np.float64)), rel=1e-5)
    assert kldiv.terms(p, q).dtype == ml_dtypes.bfloat16
    assert peak(lambda: kldiv.kl(p[:, ::-1], q)) < 10_000


def test_what_speaks_dlpack_is_read_where_it_lies():
    class Tensor:
        def __init__(self, array):
            self.array = array

        def __dlpack__(self, **options):
            return self.array.__dlpack__(**options)

        def __dlpack_device__(self):
            return self.array.__dlpack_device__()

    p, q = positive(300, 64), positive(300, 64)
    assert bits(kldiv.kl(Tensor(p[::2, ::-1]), Tensor(q[::2]))) == bits(kldiv.kl(p[::2, ::-1], q[::2]))
    assert peak(lambda: kldiv.kl(Tensor(p), Tensor(q), reduction="sum")) < 10_000
    device = Tensor(p)
    device.__class__ = type("OnDevice", (Tensor,), {"__dlpack_device__": lambda self: (2, 0)})
    with pytest.raises(TypeError, match="lies on a device"):
        kldiv.kl(device, q)


def test_the_hosts_floating_point_environment_changes_nothing():
    torch = pytest.importorskip("torch")
    p, q = np.array([1e-310, 0.5]), np.array([3e-310, 0.5])
    want = kldiv.kl(p, q)
    assert torch.set_flush_denormal(True)
    try:
        got, vectors, flushed = kldiv.kl(p, q), kldiv.kl(p[None], q[None]), p * 1.0
    finally:
        torch.set_flush_denormal(False)
    assert flushed[0] == 0, "the test needs flush-to-zero"
    assert got == vectors[0] == want != 0


def test_a_child_of_fork_computes_too():
    import multiprocessing

    p, q = positive(2000, 64), positive(2000, 64)
    want = kldiv.kl(p, q, reduction="sum")
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply_async(_in_child, (p, q)).get(timeout=60) == want


def _in_child(p, q):
    return kldiv.kl(p, q, reduction="sum")
