"""libkldiv beside SciPy: contenders take turns, answers are compared before anything is timed. See `benches/python/run`."""

import ctypes
import os
import platform
import statistics
import time

import numpy
import scipy
from library import LIBRARY, Options, View, peers
from scipy import LowLevelCallable
from scipy.integrate import quad
from scipy.spatial import cKDTree

kldiv, densities = LIBRARY, peers()
DENSITY = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double, ctypes.c_void_p)
INFINITY = float("inf")
ROUNDS = 9


def view(array):
    rows, cols = array.shape
    return View(array.ctypes.data, rows, cols, cols, 1, 1)


def chosen(**choices):
    return Options(struct_size=ctypes.sizeof(Options), **choices)


def must(status):
    assert status == 0, status


def race(contenders):
    """Median times, and medians over the rounds of each contender's time by the first one's, after a round to warm up."""
    times = [[] for _ in contenders]
    for round in range(ROUNDS + 1):
        for run, slots in zip(contenders, times):
            start = time.perf_counter()
            run()
            if round:
                slots.append(time.perf_counter() - start)
    ratios = [statistics.median(b / a for a, b in zip(times[0], slots)) for slots in times]
    return [statistics.median(slots) for slots in times], ratios


def show(seconds):
    return f"{seconds * 1e3:.1f} ms" if seconds > 1e-3 else f"{seconds * 1e6:.1f} us"


def line(name, times, ratios):
    cells = [show(times[0])] + [f"{show(t)} ({r:.2f})" for t, r in zip(times[1:], ratios[1:])]
    print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def neighbours(n, dims, k):
    random = numpy.random.default_rng(dims)
    x, y = random.normal(size=(n, dims)), random.normal(0.3, 1.2, size=(n, dims))
    views = ctypes.byref(view(x)), ctypes.byref(view(y))
    out = ctypes.c_double()

    def ours(threads):
        options = chosen(threads=threads)
        must(kldiv.kldiv_estimate_knn(*views, ctypes.c_size_t(k), ctypes.byref(options), ctypes.byref(out)))
        return out.value

    def scipys(workers):
        rho = cKDTree(x).query(x, k=k + 1, workers=workers)[0][:, -1]
        nu = cKDTree(y).query(x, k=[k], workers=workers)[0][:, -1]
        return dims / n * numpy.log(nu / rho).sum() + numpy.log(n / (n - 1))

    assert abs(ours(1) - scipys(1)) < 1e-12 and ours(1) == ours(2), (ours(1), ours(2), scipys(1))
    runs = [lambda: ours(1), lambda: scipys(1), lambda: ours(2), lambda: scipys(2)]
    line(f"{n:,} + {n:,} points, d = {dims}, k = {k}", *race(runs))


def log_densities(n, estimator):
    random = numpy.random.default_rng(n)
    log_p = random.normal(-2, 1, n)
    log_q = log_p + random.normal(0, 0.3, n)
    places = log_p.ctypes.data_as(ctypes.c_void_p), log_q.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(n)
    out, error = ctypes.c_double(), ctypes.c_double()

    def ours(threads):
        options = ctypes.byref(chosen(threads=threads, estimator=estimator))
        must(kldiv.kldiv_estimate_mc(*places, options, ctypes.byref(out), ctypes.byref(error)))
        return out.value, error.value

    def numpys():
        r = log_q - log_p
        k = [lambda: -r, lambda: r * r / 2, lambda: numpy.expm1(r) - r][estimator]()
        return k.mean(), k.std(ddof=1) / n**0.5

    assert numpy.allclose(ours(1), numpys(), rtol=1e-9, atol=0) and ours(1) == ours(2), (ours(1), numpys())
    runs = [lambda: ours(1), numpys, lambda: ours(2)]
    line(f"k{estimator + 1}, {n:,} samples", *race(runs))


def quadrature(title, name, lower, upper, exact):
    p, q, f = (getattr(densities, f"{name}_{part}") for part in "pqf")
    for function in (p, q, f):
        function.restype, function.argtypes = ctypes.c_double, [ctypes.c_double, ctypes.c_void_p]
    kldiv.kldiv_quadrature.argtypes = [ctypes.c_void_p] * 3 + [ctypes.c_double] * 2 + [ctypes.c_void_p, ctypes.c_size_t] + [
        ctypes.c_void_p
    ] * 3
    options, out, error = chosen(log_density=1), ctypes.c_double(), ctypes.c_double()
    pointers = [ctypes.cast(function, ctypes.c_void_p) for function in (p, q)]
    arguments = (*pointers, None, lower, upper, None, 0)
    places = ctypes.byref(options), ctypes.byref(out), ctypes.byref(error)
    whole = LowLevelCallable(f)

    def ours():
        must(kldiv.kldiv_quadrature(*arguments, *places))
        return out.value

    def scipys():
        return quad(whole, lower, upper, epsabs=0, epsrel=1e-9, limit=200, full_output=1)[0]

    errors = [abs(run() - exact) / exact for run in (ours, scipys)]
    assert errors[0] < 1e-9
    times, ratios = race([ours, scipys])
    peer = f"{show(times[1])} ({ratios[1]:.2f})"
    print(f"| {title} | {show(times[0])} | {errors[0]:.0e} | {peer} | {errors[1]:.0e} |", flush=True)


print(f"{platform.machine()}, {os.cpu_count()} cores; Python {platform.python_version()}, numpy {numpy.__version__}, SciPy {scipy.__version__}")
print("\n| | kldiv | cKDTree | kldiv, 2 threads | cKDTree, 2 workers |\n|---|---:|---:|---:|---:|")
for dims, k in [(2, 1), (2, 5), (8, 1), (8, 5)]:
    neighbours(10_000, dims, k)
print("\n| | kldiv | numpy | kldiv, 2 threads |\n|---|---:|---:|---:|")
for n in 1_000, 2_000_000:
    for estimator in range(3):
        log_densities(n, estimator)
print("\n| | kldiv | its error | quad | its error |\n|---|---:|---:|---:|---:|")
quadrature("two normals", "normals", -INFINITY, INFINITY, 0.4431471805599453094)
quadrature("a mixture and a normal", "mixture", -INFINITY, INFINITY, 0.4359738849686177152)
quadrature("modes at -50 and 50, and a normal", "far", -INFINITY, INFINITY, 3.2190758248682007492)
quadrature("arcsine and uniform", "arcsine", 0.0, 1.0, 0.2415644752704904447)
