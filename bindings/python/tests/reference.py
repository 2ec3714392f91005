"""The tables of testdata and the tolerance that its README gives."""

import json
import math
import os
from decimal import Decimal, getcontext
from pathlib import Path

import numpy as np

getcontext().prec = 60

K = 16
TESTDATA = Path(os.environ.get("TESTDATA", Path(__file__).resolve().parents[3] / "testdata"))
DTYPES = {"f64": np.float64, "f32": np.float32}
U = {"f64": Decimal(2) ** -53, "f32": Decimal(2) ** -24}
TINY = {"f64": Decimal(2) ** -1074, "f32": Decimal(2) ** -149}
LARGEST = {"f64": Decimal(float(np.finfo(np.float64).max)), "f32": Decimal(float(np.finfo(np.float32).max))}


def table(name):
    return json.loads((TESTDATA / f"{name}.json").read_text())


def numbers(values, dtype):
    """The inputs of a case, exactly."""
    array = np.array([float(x) for x in values], dtype=np.float64)
    narrow = array.astype(DTYPES[dtype])
    assert np.array_equal(narrow.astype(np.float64), array, equal_nan=True)
    return narrow


def units_off(got, expected, mag, terms, dtype, factor=K):
    """How far off an answer is, as a part of what it may be off; infinity if it cannot pass."""
    got = float(got)
    if expected is None:
        return 0.0
    if math.isnan(got):
        return math.inf
    if expected in ("inf", "-inf"):
        return 0.0 if got == float(expected) else math.inf
    value = Decimal(expected)
    if math.isinf(got):
        return 0.0 if abs(value) > LARGEST[dtype] and (got > 0) == (value > 0) else math.inf
    beyond = abs(Decimal(got) - value) - (terms + 2) * TINY[dtype]
    if beyond <= 0:
        return 0.0
    allowed = factor * U[dtype] * abs(Decimal(mag))
    return float(beyond / allowed) if allowed > 0 else math.inf


def layouts(array):
    """The same matrix in memory in every way: (name, array)."""
    rows, cols = array.shape
    yield "contiguous", array
    yield "columns first", np.asfortranarray(array)
    apart = np.full((2 * rows, 3 * cols), np.nan, dtype=array.dtype)
    apart[::2, 1::3] = array
    yield "apart", apart[::2, 1::3]
    backwards = np.ascontiguousarray(array[::-1, ::-1])
    yield "backwards", backwards[::-1, ::-1]
    deep = np.full((rows, cols, 2), np.nan, dtype=array.dtype)
    deep[:, :, 1] = array
    yield "in a deeper array", deep[:, :, 1]
    read_only = array.copy()
    read_only.flags.writeable = False
    yield "read-only", read_only
    if rows == 1:
        yield "repeated", np.broadcast_to(array[0], array.shape)


def bits(x):
    """What tells two results of one type apart."""
    x = np.asarray(x)
    return x.dtype, x.shape, x.tobytes()


def splitmix64(seed, count):
    """The generator of testdata's README."""
    mask = (1 << 64) - 1
    states = (np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)) & np.uint64(mask)
    z = states
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def generated(case):
    """The vectors of a case of large.json."""
    dtype, n = case["dtype"], case["n"]
    t = DTYPES[dtype]
    with np.errstate(over="ignore"):
        z = splitmix64(int(case["seed"], 16), 2 * n)
    z1, z2 = z[::2], z[1::2]
    drop, scale = (11, 2.0**-53) if dtype == "f64" else (40, 2.0**-24)
    u1, u2 = (((x >> np.uint64(drop)) + np.uint64(1)).astype(np.float64) * scale for x in (z1, z2))
    u1, u2 = u1.astype(t), u2.astype(t)
    shift = t(2.0 ** -case["shift"])
    kind = case["kind"]
    if kind == "near":
        p = u1 * shift
        q = p * (t(1) + t(case["eps"]) * (u2 - t(0.5)))
        return p, q
    if kind == "heavy":
        for _ in range(3 if dtype == "f64" else 2):
            u1, u2 = u1 * u1, u2 * u2
    p, q = u1 * shift, u2 * shift
    if kind == "sparse":
        p = np.where((z1 & np.uint64(7)) < 5, t(0), p)
        q = np.where((p == 0) & ((z2 & np.uint64(7)) == 0), t(0), q)
    return p, q
