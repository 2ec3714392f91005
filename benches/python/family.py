"""kldiv's families beside torch.distributions, TensorFlow Probability on JAX, and loops in C, in one run.

    benches/python/run family

Contenders take turns, A B C A B C; a time is the median over rounds of a whole call, objects included, and outputs too
but for kldiv and C, which write where they are told. The answers are compared before they are timed, and before each
call that is timed there is a rest and one that is not.
"""

import ctypes
import math
import time

import jax
import torch
from library import LIBRARY, Options, View, peers
from tensorflow_probability.substrates.jax import distributions as tfd
from torch.distributions import (
    Bernoulli,
    Beta,
    Categorical,
    Dirichlet,
    Exponential,
    Gamma,
    Gumbel,
    Laplace,
    MultivariateNormal,
    Normal,
    Poisson,
    Uniform,
    kl_divergence,
)


NORMAL, GAMMA, BETA, MVNORMAL, MVNORMAL_TRIL = 1, 10, 14, 32, 33
LAPLACE, GUMBEL, EXPONENTIAL, UNIFORM, BERNOULLI, POISSON, DIRICHLET = 2, 3, 9, 17, 22, 29, 31
BERNOULLI_LOGITS, CATEGORICAL, CATEGORICAL_LOGITS = 23, 24, 25
# KLDIV_MEASURE_ENTROPY.
ENTROPY = 7


def view(tensor):
    dtype = {torch.float64: 1, torch.float32: 2}[tensor.dtype]
    return View(tensor.data_ptr(), tensor.shape[0], tensor.shape[1], tensor.stride(0), tensor.stride(1), dtype)


def kldiv(library, family, p, q, out, other=None):
    p_view, q_view = view(p), view(q)
    place = ctypes.cast(out.data_ptr(), ctypes.c_void_p)
    status = library.kldiv_family(family, ctypes.byref(p_view), other or family, ctypes.byref(q_view), None, place)
    assert status == 0, status
    return out


def entropies(library, family, p, out):
    p_view, options = view(p), Options(struct_size=ctypes.sizeof(Options), measure=ENTROPY)
    place = ctypes.cast(out.data_ptr(), ctypes.c_void_p)
    status = library.kldiv_family(family, ctypes.byref(p_view), family, None, ctypes.byref(options), place)
    assert status == 0, status
    return out


def gradients(library, family, p, q, out, by_p, by_q):
    views = [view(tensor) for tensor in (p, q, by_p, by_q)]
    p_view, q_view, p_grad, q_grad = (ctypes.byref(one) for one in views)
    place = ctypes.cast(out.data_ptr(), ctypes.c_void_p)
    status = library.kldiv_family_grad(family, p_view, family, q_view, None, None, place, p_grad, q_grad)
    assert status == 0, status
    return out


def backward(of, columns):
    """The same by torch; derivatives are left with the parameters, which are in tensors of their own."""
    for column in columns[0] + columns[1]:
        column.grad = None
    divergences = kl_divergence(*(of(*side, validate_args=False) for side in columns))
    divergences.sum().backward()
    return divergences.detach()


def compiled(of, a, b, c, d):
    """TensorFlow Probability's, compiled by JAX, on the same numbers."""
    sides = [jax.numpy.asarray(side.numpy()) for side in (a, b, c, d)]
    run = jax.jit(lambda a, b, c, d: tfd.kl_divergence(of(a, b), of(c, d)))
    return lambda: run(*sides).block_until_ready()


def loop(name, p, q):
    """The loop in C, on one thread."""
    out = torch.empty(p.shape[0], dtype=torch.float64)
    address = [ctypes.c_void_p(tensor.data_ptr()) for tensor in (p, q, out)]
    call = getattr(peers(), name)

    def run():
        call(address[0], address[1], ctypes.c_size_t(p.shape[0]), address[2])
        return out

    return run


def race(name, contenders, rounds, tolerance=1e-6):
    first = next(iter(contenders.values()))()
    for other in contenders.values():
        error = ((torch.tensor(other().__array__()) - first).abs() / (1e-6 + first.abs())).max().item()
        assert error < tolerance, (name, error)
    times = {contender: [] for contender in contenders}
    for _ in range(rounds):
        for contender, run in contenders.items():
            # torch's threads keep their processors busy for some milliseconds after they are done, and sleep then.
            time.sleep(0.01)
            run()
            start = time.perf_counter()
            run()
            times[contender].append(time.perf_counter() - start)
    median = {contender: sorted(seconds)[rounds // 2] for contender, seconds in times.items()}
    ours = next(iter(median.values()))
    cells = [f"{seconds * 1e3:.2f} ms ({seconds / ours:.1f})" for seconds in median.values()]
    print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def main():
    library = LIBRARY
    jax.config.update("jax_enable_x64", True)
    torch.manual_seed(1)
    n = 1_000_000

    def positive():
        return torch.rand(n, dtype=torch.float64) * 5 + 0.1

    a, b, c, d = positive(), positive(), positive(), positive()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads\n")
    print("| | kldiv | torch | torch, unchecked | TFP, compiled | loop in C, one thread |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, family, of, tfp, in_c in [
        ("normal", NORMAL, Normal, tfd.Normal, "normal"),
        ("gamma", GAMMA, Gamma, tfd.Gamma, "gamma_pairs"),
        ("beta", BETA, Beta, tfd.Beta, "beta"),
    ]:
        p, q, out = torch.stack([a, b], 1), torch.stack([c, d], 1), torch.empty(n, dtype=torch.float64)
        race(
            f"{name}, 1,000,000 pairs",
            {
                "kldiv": lambda: kldiv(library, family, p, q, out),
                "torch": lambda: kl_divergence(of(a, b), of(c, d)),
                "unchecked": lambda: kl_divergence(of(a, b, validate_args=False), of(c, d, validate_args=False)),
                "TFP": compiled(tfp, a, b, c, d),
                "C": loop(in_c, p, q),
            },
            15,
        )
    positive_rows = [torch.rand(n // 8, 8, dtype=torch.float64) * 5 + 0.1 for _ in range(2)]
    chances = [torch.rand(n, 1, dtype=torch.float64) * 0.98 + 0.01 for _ in range(2)]
    both = [torch.stack([a, b], 1), torch.stack([c, d], 1)]
    for name, family, of, sides in [
        ("normal, f32, 1,000,000 pairs", NORMAL, Normal, [side.float() for side in both]),
        ("Laplace, 1,000,000 pairs", LAPLACE, Laplace, both),
        ("exponential, 1,000,000 pairs", EXPONENTIAL, Exponential, [a[:, None], c[:, None]]),
        ("Poisson, 1,000,000 pairs", POISSON, Poisson, [a[:, None], c[:, None]]),
        ("Bernoulli, 1,000,000 pairs", BERNOULLI, Bernoulli, chances),
        ("Dirichlet of 8, 125,000 pairs", DIRICHLET, Dirichlet, positive_rows),
    ]:
        out = torch.empty(sides[0].shape[0], dtype=torch.float64)
        columns = [[side] if family == DIRICHLET else side.unbind(1) for side in sides]
        # torch has its parameters in tensors of their own.
        columns = [[column.contiguous() for column in side] for side in columns]

        def of_torch(validate):
            return kl_divergence(*(of(*side, validate_args=validate) for side in columns))

        race(
            name,
            {
                "kldiv": lambda: kldiv(library, family, sides[0], sides[1], out),
                "torch": lambda: of_torch(True),
                "unchecked": lambda: of_torch(False),
            },
            15,
            1e-6 if sides[0].dtype == torch.float64 else 1e-1,
        )
    print("\n| two families, 1,000,000 pairs | kldiv | torch | torch, unchecked |\n| --- | --- | --- | --- |")
    # Rates, scales and shapes from 0.1 to 5.1, and of the bounded families what lies within.
    low, high = torch.rand(n, dtype=torch.float64) / 2, torch.rand(n, dtype=torch.float64) / 2 + 0.5
    for of, other in [
        ((NORMAL, Normal, (a, b)), (LAPLACE, Laplace, (c, d))),
        ((LAPLACE, Laplace, (a, b)), (NORMAL, Normal, (c, d))),
        ((NORMAL, Normal, (a, b)), (GUMBEL, Gumbel, (c, d + 1))),
        ((EXPONENTIAL, Exponential, (a,)), (GAMMA, Gamma, (c, d))),
        ((GAMMA, Gamma, (a, b)), (NORMAL, Normal, (c, d))),
        ((BETA, Beta, (a, b)), (NORMAL, Normal, (c, d))),
        ((UNIFORM, Uniform, (low, high)), (GAMMA, Gamma, (c, d))),
        ((BERNOULLI, Bernoulli, (chances[0][:, 0],)), (POISSON, Poisson, (c,))),
    ]:
        sides = [torch.stack(columns, 1).contiguous() for _, _, columns in (of, other)]
        out = torch.empty(n, dtype=torch.float64)

        def of_two(validate):
            return kl_divergence(*(kind(*columns, validate_args=validate) for _, kind, columns in (of, other)))

        race(
            f"{of[1].__name__} and {other[1].__name__}",
            {
                "kldiv": lambda: kldiv(library, of[0], *sides, out, other[0]),
                "torch": lambda: of_two(True),
                "unchecked": lambda: of_two(False),
            },
            15,
        )
    print("\n| value and gradients | kldiv | torch, unchecked |\n| --- | --- | --- |")
    coins = [torch.randn(n, 1, dtype=torch.float64) for _ in range(2)]
    logits = [torch.randn(n // 8, 8, dtype=torch.float64) for _ in range(2)]
    for name, family, of, sides in [
        ("normal, 1,000,000 pairs", NORMAL, Normal, both),
        ("gamma, 1,000,000 pairs", GAMMA, Gamma, both),
        ("beta, 1,000,000 pairs", BETA, Beta, both),
        ("Bernoulli, 1,000,000 pairs", BERNOULLI, Bernoulli, chances),
        ("Bernoulli by logits, 1,000,000 pairs", BERNOULLI_LOGITS, lambda x, **o: Bernoulli(logits=x, **o), coins),
        ("categorical, 8, 125,000 pairs", CATEGORICAL, Categorical, positive_rows),
        ("categorical by logits, 8, 125,000 pairs", CATEGORICAL_LOGITS, lambda x, **o: Categorical(logits=x, **o), logits),
        ("Dirichlet of 8, 125,000 pairs", DIRICHLET, Dirichlet, positive_rows),
    ]:
        rows = sides[0].shape[1] == 8
        columns = [[side.clone()] if rows else [x.contiguous() for x in side.unbind(1)] for side in sides]
        columns = [[column.requires_grad_() for column in side] for side in columns]
        made = [torch.empty(sides[0].shape[0], dtype=torch.float64), *map(torch.empty_like, sides)]
        contenders = {
            "kldiv": lambda: gradients(library, family, *sides, *made),
            "torch": lambda: backward(of, columns),
        }
        for run in contenders.values():
            run()
        for by, side in zip(made[1:], columns):
            theirs = torch.cat([column.grad.reshape(len(by), -1) for column in side], 1)
            error = ((by - theirs).abs() / (1 + by.abs())).max().item()
            assert error < 1e-6, (name, error)
        race(name, contenders, 15)
    print("\n| entropies | kldiv | torch, unchecked |\n| --- | --- | --- |")
    for name, family, of, side in [
        ("normal, 1,000,000", NORMAL, Normal, both[0]),
        ("gamma, 1,000,000", GAMMA, Gamma, both[0]),
        ("beta, 1,000,000", BETA, Beta, both[0]),
        ("Bernoulli, 1,000,000", BERNOULLI, Bernoulli, chances[0]),
        ("categorical by logits, 8, 125,000", CATEGORICAL_LOGITS, lambda x, **o: Categorical(logits=x, **o), logits[0]),
        ("Dirichlet of 8, 125,000", DIRICHLET, Dirichlet, positive_rows[0]),
    ]:
        columns = [side] if side.shape[1] == 8 else [x.contiguous() for x in side.unbind(1)]
        out = torch.empty(side.shape[0], dtype=torch.float64)
        race(
            name,
            {
                "kldiv": lambda: entropies(library, family, side, out),
                "torch": lambda: of(*columns, validate_args=False).entropy(),
            },
            15,
        )
    print("\n| | kldiv | torch | torch, unchecked |\n| --- | --- | --- | --- |")
    pairs, dim = 256, 64
    factor = torch.randn(2, pairs, dim, dim, dtype=torch.float64) / math.sqrt(dim)
    covariance = factor @ factor.transpose(-1, -2) + torch.eye(dim, dtype=torch.float64)
    tril = torch.linalg.cholesky(covariance)
    loc = torch.randn(2, pairs, dim, dtype=torch.float64)

    for name, family, key, matrix in [
        ("covariance", MVNORMAL, "covariance_matrix", covariance),
        ("Cholesky", MVNORMAL_TRIL, "scale_tril", tril),
    ]:
        rows = torch.cat([loc, matrix.flatten(2)], 2).contiguous()
        out = torch.empty(pairs, dtype=torch.float64)

        def torch_kl(validate):
            side = [MultivariateNormal(loc[i], validate_args=validate, **{key: matrix[i]}) for i in (0, 1)]
            return kl_divergence(*side)

        race(
            f"multivariate normal, {name}, d = {dim}, {pairs} pairs",
            {
                "kldiv": lambda: kldiv(library, family, rows[0], rows[1], out),
                "torch": lambda: torch_kl(True),
                "unchecked": lambda: torch_kl(False),
            },
            31,
        )


if __name__ == "__main__":
    main()
