"""What a call from Python costs over the same call in C: two vectors of 64 numbers, and a batch.

    benches/python/run call

C's time is that of a loop in C over the same function pointer (call.c), so that nothing of Python is in it. The package
has to be importable: `pip install bindings/python` into the environment that benches/python/run makes.
"""

import ctypes as c
import timeit

import numpy as np

import kldiv
from library import LIBRARY, peers

try:
    from scipy.special import rel_entr
except ImportError:
    rel_entr = None

LOOP = peers().seconds_a_call
LOOP.restype = c.c_double
LOOP.argtypes = [c.c_void_p, c.c_void_p, c.c_void_p, c.c_size_t, c.c_size_t]


def best(function, number=20_000, rounds=25):
    return min(timeit.repeat(function, number=number, repeat=rounds)) / number


rng = np.random.default_rng(1)
for n in (2, 64, 1024):
    p, q = rng.random(n), rng.random(n)
    out = c.c_double()
    LIBRARY.kldiv_kl_f64(*(c.c_void_p(x.ctypes.data) for x in (p, q)), c.c_size_t(n), c.byref(out))
    assert out.value == kldiv.kl(p, q)
    function = c.cast(LIBRARY.kldiv_kl_f64, c.c_void_p)
    in_c = min(LOOP(function, p.ctypes.data, q.ctypes.data, n, 20_000) for _ in range(25))
    in_python = best(lambda: kldiv.kl(p, q)) - best(lambda: None)
    line = f"n = {n:5}  C {in_c * 1e9:7.0f} ns  Python {in_python * 1e9:7.0f} ns  over C {(in_python - in_c) * 1e9:6.0f} ns"
    if rel_entr is not None:
        scipys = best(lambda: rel_entr(p, q).sum(), 5000) - best(lambda: None)
        line += f"  rel_entr(p, q).sum() {scipys * 1e9:7.0f} ns"
    print(line)
