"""Rows of many keys for the tests of kldiv.spark and kldiv.dask, and what one machine answers for them."""

import numpy as np
import pyarrow as pa

import kldiv.arrow

ROWS, GROUPS = 100_000, 1000


def table():
    """Probabilities and counts of 1,000 keys: some zeros, and keys whose divergence is infinite."""
    rng = np.random.default_rng(9)
    key = rng.integers(0, GROUPS, ROWS)
    p, q = rng.random(ROWS) ** 4, rng.random(ROWS) ** 4
    p[rng.random(ROWS) < 0.05] = 0.0
    q[(rng.random(ROWS) < 0.2) & (key % 10 == 3)] = 0.0
    countries = np.array(["no", "se", "dk", None], dtype=object)
    return pa.table({
        "key": key,
        "country": pa.array(countries[rng.integers(0, 4, ROWS)]),
        "p": p,
        "q": q,
        "p32": p.astype(np.float32),
        "today": rng.poisson(50, ROWS),
        "last.week": rng.poisson(50, ROWS).astype(np.int32),
    })


def on_one_machine(rows, p="p", q="q", by=None, measure="kl", **options):
    partial = kldiv.arrow.Partial(measure)
    partial.update(rows, p, q, by)
    return answers(partial.values(**options).to_pydict())


def answers(columns):
    """Values by key, as bits, so that they are compared as such."""
    values = np.array(columns.pop("value"), dtype=np.float64).view(np.int64).tolist()
    keys = list(zip(*columns.values())) if columns else [()]
    assert len(keys) == len(values) == len(set(keys))
    return dict(zip(keys, values))
