"""libkldiv beside PyTorch, JAX and fused C loops (training.c, one thread): what models are trained with, in one run.

    benches/python/run training [threads]

Every contender's answers are compared with f64 ones before it is timed. Contenders take turns, A B C A B C; a time is
the median over rounds, a ratio the median over rounds of that contender's time by kldiv's in the same round.
"""
import ctypes as c
import os
import statistics
import subprocess
import sys
import time

THREADS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
os.environ["OMP_NUM_THREADS"] = str(THREADS)
os.environ.setdefault("XLA_FLAGS", f"--xla_cpu_multi_thread_eigen={'true' if THREADS > 1 else 'false'}")
if THREADS == 1:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402

from library import LIBRARY, Options, View, peers  # noqa: E402

torch.set_num_threads(THREADS)
FUSED = peers()
FUSED.fused_loss.restype = c.c_float
F32, BATCHMEAN = 2, 2


def view(array):
    rows, cols = array.shape
    made = View(array.ctypes.data, rows, cols, cols, 1, F32)
    made.array = array
    return made


def options(**chosen):
    return Options(struct_size=c.sizeof(Options), threads=THREADS, **chosen)


def kldiv(name, *arguments):
    function = getattr(LIBRARY, name)
    arguments = [c.byref(x) if isinstance(x, c.Structure) else x for x in arguments]

    def run():
        status = function(*arguments)
        assert status == 0, status

    return run


def f32(array):
    return array.ctypes.data_as(c.POINTER(c.c_float))


def f64(array):
    return array.ctypes.data_as(c.POINTER(c.c_double))


def compiled(function):
    return torch.compile(function, dynamic=False)


class Case:
    """One question, asked of several contenders: a name, a call, and how to look at its answer."""

    def __init__(self, title, truth, tolerance):
        self.title, self.truth, self.tolerance, self.contenders = title, truth, tolerance, []

    def add(self, name, run, answer):
        """`answer` gives arrays like the truth's from what a run returned."""
        got = [np.asarray(x, dtype=np.float64) for x in answer(run())]
        for x, want in zip(got, self.truth, strict=True):
            error = np.max(np.abs(x - want)) / np.max(np.abs(want))
            assert error < self.tolerance, f"{self.title}: {name} is off by {error:.1e}"
        self.contenders.append((name, run))

    def race(self, seconds=6.0):
        def slice_of(run, runs):
            start = time.perf_counter()
            for _ in range(runs):
                run()
            return (time.perf_counter() - start) / runs

        runs = [max(1, round(0.02 / slice_of(run, 1))) for _, run in self.contenders]
        rounds, start = [], time.perf_counter()
        while len(rounds) < 7 or (time.perf_counter() - start < seconds and len(rounds) < 101):
            rounds.append([slice_of(run, n) for (_, run), n in zip(self.contenders, runs)])
        print(f"| {self.title} |", end="")
        for i, _ in enumerate(self.contenders):
            ms = 1e3 * statistics.median(times[i] for times in rounds)
            ratio = statistics.median(times[i] / times[0] for times in rounds)
            print(f" {ms:.2f} ms |" if i == 0 else f" {ms:.2f} ms ({ratio:.2f}) |", end="")
        print(flush=True)


def header(names):
    print("| " + " | ".join(["", *names]) + " |")
    print("|---|" + "---:|" * len(names))


def kldivloss(rows, cols):
    rng = np.random.default_rng(1)
    log_q = np.log(rng.dirichlet(np.ones(cols), rows)).astype(np.float32)
    p = rng.dirichlet(np.ones(cols), rows).astype(np.float32)
    t, x = p.astype(np.float64), log_q.astype(np.float64)
    truth = [np.sum(t * (np.log(np.where(t > 0, t, 1)) - x)) / rows, -t / rows]
    case = Case(f"KLDivLoss batchmean, value and gradient, {rows} x {cols} f32", truth, 1e-4)

    value, grad, chosen = np.zeros(1), np.empty_like(p), options(reduction=BATCHMEAN)
    forward = kldiv("kldiv_loss", view(log_q), view(p), chosen, f64(value))
    backward = kldiv("kldiv_loss_grad", view(log_q), view(p), chosen, None, view(grad), None)
    case.add("kldiv", lambda: (forward(), backward()), lambda _: [value[0], grad])

    size, by = c.c_size_t(p.size), c.c_float(1 / rows)

    def fused():
        value[0] = FUSED.fused_loss(f32(log_q), f32(p), size) / rows
        FUSED.fused_loss_grad(f32(p), by, f32(grad), size)

    case.add("fused C", fused, lambda _: [value[0], grad])

    tq, tp = torch.from_numpy(log_q), torch.from_numpy(p)

    def eager(leaf):
        loss = F.kl_div(leaf, tp, reduction="batchmean")
        loss.backward()
        return loss

    def step(function):
        leaf = tq.clone().requires_grad_()

        def run():
            leaf.grad = None
            return function(leaf), leaf

        return run

    answer = lambda out: [out[0].detach(), out[1].grad]
    case.add("PyTorch", step(eager), answer)
    forward_only = compiled(lambda leaf: F.kl_div(leaf, tp, reduction="batchmean"))

    def with_compile(leaf):
        loss = forward_only(leaf)
        loss.backward()
        return loss

    case.add("torch.compile", step(with_compile), answer)
    jq, jp = jnp.asarray(log_q), jnp.asarray(p)
    grad_of = jax.jit(jax.value_and_grad(lambda x, t: jnp.sum(jax.scipy.special.xlogy(t, t) - t * x) / rows))
    case.add("JAX", lambda: jax.block_until_ready(grad_of(jq, jp)), lambda out: out)
    return case


def logits(rows, cols, backward):
    rng = np.random.default_rng(2)
    a = rng.normal(0, 3, (rows, cols)).astype(np.float32)
    b = (a + rng.normal(0, 1, (rows, cols))).astype(np.float32)

    def log_softmax(x):
        x = x.astype(np.float64)
        x = x - x.max(1, keepdims=True)
        return x - np.log(np.exp(x).sum(1, keepdims=True))

    la, lb = log_softmax(a), log_softmax(b)
    truth = [np.sum(np.exp(la) * (la - lb), 1)] + ([np.exp(lb) - np.exp(la)] if backward else [])
    what = "value and gradient" if backward else "value"
    case = Case(f"softmax logits, {what}, {rows} x {cols} f32", truth, 1e-4)

    out, grad = np.zeros(rows), np.empty_like(b)
    if backward:
        run = kldiv("kldiv_logits_grad", view(a), view(b), options(), None, f64(out), None, view(grad))
        fused = lambda: FUSED.fused_logits_grad(f32(a), f32(b), c.c_size_t(rows), c.c_size_t(cols), f64(out), f32(grad))
    else:
        run = kldiv("kldiv_logits", view(a), view(b), options(), f64(out))
        fused = lambda: FUSED.fused_logits(f32(a), f32(b), c.c_size_t(rows), c.c_size_t(cols), f64(out))
    ours = lambda _: [out, grad] if backward else [out]
    case.add("kldiv", run, ours)
    case.add("fused C", fused, ours)

    ta, tb = torch.from_numpy(a), torch.from_numpy(b)

    def divergence(x):
        target = F.log_softmax(ta, 1)
        return F.kl_div(F.log_softmax(x, 1), target, reduction="none", log_target=True).sum(1)

    def forward_of(function):
        def run():
            with torch.no_grad():
                return [function(tb)]

        return run

    def step_of(function):
        leaf = tb.clone().requires_grad_()

        def run():
            leaf.grad = None
            value = function(leaf)
            value.sum().backward()
            return [value.detach(), leaf.grad]

        return run

    kind = step_of if backward else forward_of
    case.add("PyTorch", kind(divergence), lambda out: out)
    case.add("torch.compile", kind(compiled(divergence)), lambda out: out)
    ja, jb = jnp.asarray(a), jnp.asarray(b)

    def of_jax(x, y):
        p, q = jax.nn.log_softmax(x), jax.nn.log_softmax(y)
        return jnp.sum(jnp.exp(p) * (p - q), 1)

    if backward:

        def both(x, y):
            value, pull = jax.vjp(lambda y: of_jax(x, y), y)
            return value, pull(jnp.ones_like(value))[0]

        both = jax.jit(both)
        case.add("JAX", lambda: jax.block_until_ready(both(ja, jb)), lambda out: out)
    else:
        forward = jax.jit(of_jax)
        case.add("JAX", lambda: [jax.block_until_ready(forward(ja, jb))], lambda out: out)
    return case


def vae(rows, cols):
    rng = np.random.default_rng(3)
    mu = rng.normal(0, 1, (rows, cols)).astype(np.float32)
    logvar = rng.normal(-1, 1, (rows, cols)).astype(np.float32)
    m, l = mu.astype(np.float64), logvar.astype(np.float64)
    truth = [0.5 * np.sum(m * m + np.expm1(l) - l, 1), m, 0.5 * np.expm1(l)]
    case = Case(f"VAE, value and gradients, {rows} x {cols} f32", truth, 1e-4)

    out, by_mu, by_logvar = np.zeros(rows), np.empty_like(mu), np.empty_like(mu)
    ours = lambda _: [out, by_mu, by_logvar]
    case.add(
        "kldiv",
        kldiv(
            "kldiv_vae_grad", view(mu), view(logvar), None, None, options(), None, f64(out), view(by_mu), view(by_logvar),
            None, None,
        ),
        ours,
    )
    shape = c.c_size_t(rows), c.c_size_t(cols)
    fused = lambda: FUSED.fused_vae_grad(f32(mu), f32(logvar), *shape, f64(out), f32(by_mu), f32(by_logvar))
    case.add("fused C", fused, ours)

    def divergence(m, l):
        return -0.5 * torch.sum(1 + l - m.pow(2) - l.exp(), 1)

    def step_of(function):
        m, l = (torch.from_numpy(x).clone().requires_grad_() for x in (mu, logvar))

        def run():
            m.grad = l.grad = None
            value = function(m, l)
            value.sum().backward()
            return [value.detach(), m.grad, l.grad]

        return run

    case.add("PyTorch", step_of(divergence), lambda out: out)
    case.add("torch.compile", step_of(compiled(divergence)), lambda out: out)
    jm, jl = jnp.asarray(mu), jnp.asarray(logvar)

    def both(m, l):
        value, pull = jax.vjp(lambda m, l: -0.5 * jnp.sum(1 + l - m * m - jnp.exp(l), 1), m, l)
        return value, *pull(jnp.ones_like(value))

    both = jax.jit(both)
    case.add("JAX", lambda: jax.block_until_ready(both(jm, jl)), lambda out: out)
    return case


def memory(what):
    """The most memory that a call takes beyond its arguments, in matrices, by the high-water mark of a process that has
    made nothing else of that size."""
    rows, cols = 64, 200_000
    run = calls(8, 100)[what]
    run()
    run = calls(rows, cols)[what]

    def peak():
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) * 1024

    before = peak()
    run()
    print(f"{(peak() - before) / (rows * cols * 4):.2f}", end="")


def calls(rows, cols):
    rng = np.random.default_rng(4)
    a, b = (rng.standard_normal((rows, cols), dtype=np.float32) for _ in range(2))
    out = np.zeros(rows)
    ta, tb = torch.from_numpy(a), torch.from_numpy(b)
    value = lambda x: F.kl_div(F.log_softmax(x, 1), F.log_softmax(ta, 1), reduction="batchmean", log_target=True)

    def with_gradient():
        grad = np.empty_like(b)
        kldiv("kldiv_logits_grad", view(a), view(b), options(), None, f64(out), None, view(grad))()

    def eager():
        with torch.no_grad():
            value(tb)

    return {
        "kldiv": kldiv("kldiv_logits", view(a), view(b), options(), f64(out)),
        "kldiv with the gradient": with_gradient,
        "PyTorch": eager,
        "PyTorch with the gradient": lambda: value(tb.requires_grad_()).backward(),
    }


def main():
    print(f"PyTorch {torch.__version__.split('+')[0]}, JAX {jax.__version__}, {THREADS} thread(s)\n")
    header(["kldiv", "fused C", "PyTorch", "torch.compile", "JAX"])
    for case in (
        lambda: kldivloss(4096, 1024),
        lambda: logits(64, 50_000, False),
        lambda: logits(64, 50_000, True),
        lambda: vae(4096, 1024),
        lambda: kldivloss(4096, 10),
        lambda: logits(4096, 10, True),
        lambda: vae(4096, 20),
    ):
        case().race()
    print("\nPeak memory beyond the arguments, in matrices: ", end="", flush=True)
    for i, what in enumerate(("kldiv", "kldiv with the gradient", "PyTorch", "PyTorch with the gradient")):
        print(f"{', ' if i else ''}{what} ", end="", flush=True)
        subprocess.run([sys.executable, __file__, str(THREADS), what], check=True)
    print()


if len(sys.argv) > 2:
    memory(sys.argv[2])
else:
    main()
