"""All pairs beside its peers, as Markdown: one thread each, taking turns, answers checked first.

    benches/python/run pairwise

Times are medians; a number in parentheses is the median over the rounds of a contender's time divided by the first one's
in the same round.
"""

import os

for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ[name] = "1"

import ctypes
import statistics
import time

import numpy as np
import torch
from library import LIBRARY, Options, View, peers as c_peers
from scipy.spatial.distance import cdist

torch.set_num_threads(1)
KL, JEFFREYS, JENSEN_SHANNON = 0, 3, 4
DTYPES = {np.dtype("f8"): 1, np.dtype("f4"): 2}


def view(x):
    return View(x.ctypes.data, x.shape[0], x.shape[1], x.shape[1], 1, DTYPES[x.dtype])


def kldiv(library, measure, p, q):
    out = np.zeros((len(p), len(q)))
    options = Options(struct_size=ctypes.sizeof(Options), measure=measure, threads=1)
    views = view(p), view(q)

    def run():
        status = library.kldiv_pairwise(ctypes.byref(views[0]), ctypes.byref(views[1]), ctypes.byref(options),
                                        ctypes.c_void_p(out.ctypes.data))
        assert status == 0, status
        return out

    return run


def numpy_product(p, q):
    def run():
        return (p * np.log(p)).sum(1)[:, None] - p @ np.log(q).T
    return run


def torch_product(p, q):
    p, q = torch.from_numpy(p), torch.from_numpy(q)

    def run():
        return ((p * p.log()).sum(1, keepdim=True) - p @ q.log().T).numpy()
    return run


def bare_product(p, q):
    """No divergence: the logarithms of both sides and one matrix product, the least that a product form can take."""
    p64, q64 = p.astype("f8"), q.astype("f8")
    out = np.zeros((len(p), len(q)))

    def run():
        np.log(p64)
        return np.matmul(p64, np.log(q64).T, out=out)
    return run


def direct(peers, name, p, q):
    out = np.zeros((len(p), len(q)))
    function = getattr(peers, name)

    def run():
        function(ctypes.c_void_p(p.ctypes.data), ctypes.c_void_p(q.ctypes.data), ctypes.c_size_t(len(p)),
                 ctypes.c_size_t(len(q)), ctypes.c_size_t(p.shape[1]), ctypes.c_void_p(out.ctypes.data))
        return out
    return run


def race(title, contenders, rounds):
    """contenders: (name, run, tolerance or None)"""
    truth = contenders[0][1]().copy()
    for name, run, tolerance in contenders:
        got = run()
        if tolerance is not None:
            worst = np.max(np.abs(got - truth) / np.abs(truth).clip(1e-300))
            assert worst <= tolerance, (title, name, worst)
    times = [[] for _ in contenders]
    for _ in range(rounds):
        for slot, (_, run, _) in zip(times, contenders):
            start = time.perf_counter()
            run()
            slot.append(time.perf_counter() - start)
    print(f"| {title} | " + " | ".join(
        f"{name} {statistics.median(slot) * 1e3:.1f} ms"
        f" ({statistics.median(a / b for a, b in zip(slot, times[0])):.2f})"
        for (name, _, _), slot in zip(contenders, times)) + " |", flush=True)


def check_against_exact(library, p, q, out):
    """Some cells against the exact sum of the rounded terms of single pairs, which the reference tables vouch for."""
    one = ctypes.c_double()
    for i in range(0, len(p), 97):
        for j in range(0, len(q), 89):
            x, y = p[i].astype("f8"), q[j].astype("f8")
            assert library.kldiv_kl_f64(ctypes.c_void_p(x.ctypes.data), ctypes.c_void_p(y.ctypes.data),
                                        ctypes.c_size_t(len(x)), ctypes.byref(one)) == 0
            u = 2.0**-53 if p.dtype == np.dtype("f8") else 2.0**-24
            mag = one.value + 2 * abs(x.sum() - y.sum())
            assert abs(out[i, j] - one.value) <= 20 * u * mag, (i, j, out[i, j], one.value)


def main():
    library, peers = LIBRARY, c_peers()
    library.kldiv_active_isa.restype = ctypes.c_char_p
    print(f"kernels {library.kldiv_active_isa().decode()}, numpy {np.__version__}, "
          f"torch {torch.__version__.split('+')[0]}, one thread each, load {os.getloadavg()[0]:.1f}\n")
    random = np.random.default_rng(7)
    for m, d, rounds in ((1000, 256, 11), (4000, 128, 5)):
        p, q = (random.dirichlet(np.ones(d), m) for _ in range(2))
        near = p.copy()
        near[::10] = q[::10] * (1 + 1e-3 * (random.random((len(q[::10]), d)) - 0.5))
        size = f"{m} x {m} x {d}"
        ours = kldiv(library, KL, p, q)
        check_against_exact(library, p, q, ours())
        contenders = [("kldiv", ours, None), ("product + logs", bare_product(p, q), None),
                      ("near partners", kldiv(library, KL, near, q), None),
                      ("Jeffreys", kldiv(library, JEFFREYS, p, q), None),
                      ("numpy", numpy_product(p, q), 1e-9), ("torch", torch_product(p, q), 1e-9)]
        if m == 1000:
            contenders.append(("C, libmvec", direct(peers, "kl_pairs", p, q), 1e-9))
        race(f"KL f64, {size}", contenders, rounds)
        p32, q32 = p.astype("f4"), q.astype("f4")
        ours = kldiv(library, KL, p32, q32)
        check_against_exact(library, p32, q32, ours())
        contenders = [("kldiv", ours, None), ("f64 product + logs", bare_product(p32, q32), None),
                      ("torch f32", torch_product(p32, q32), 1e-3)]
        race(f"KL f32, {size}", contenders, rounds)
        if m == 1000:
            contenders = [("kldiv", kldiv(library, JENSEN_SHANNON, p, q), None),
                          ("of itself", kldiv(library, JENSEN_SHANNON, p, p), None),
                          ("C, libmvec", direct(peers, "js_pairs", p, q), 1e-9),
                          ("scipy cdist", lambda: cdist(p, q, "jensenshannon") ** 2, 1e-9)]
            race(f"Jensen-Shannon f64, {size}", contenders, 5)


if __name__ == "__main__":
    main()
