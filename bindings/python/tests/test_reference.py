"""Every reference table, through the package: values, gradients, and the same bits from every layout in memory."""

import math
import re

import numpy as np
import pytest

import densities
import kldiv
from reference import K, bits, generated, layouts, numbers, table, units_off

MEASURES = {
    "kl": kldiv.kl,
    "generalized": kldiv.generalized,
    "reverse": kldiv.reverse,
    "jensen_shannon": kldiv.js,
    "jeffreys": kldiv.jeffreys,
    "entropy": lambda p, q: kldiv.entropy(p),
    "cross_entropy": kldiv.cross_entropy,
    "renyi_0_5": lambda p, q: kldiv.renyi(p, q, 0.5),
    "renyi_2": lambda p, q: kldiv.renyi(p, q, 2),
}


def cases(name):
    return [pytest.param(case, id=case["name"]) for case in table(name)]


def judged(case, p, q):
    for field, measure in MEASURES.items():
        factor = 64 if field.startswith("renyi") and "subnormal" in case.get("tags", []) else K
        got = measure(p, q)
        off = units_off(got, case["expect"][field], case["mag"][field] or "0", len(p), case["dtype"], factor)
        assert off <= 1, f"{field}: {got!r}, want {case['expect'][field]}"


@pytest.mark.parametrize("case", cases("discrete"))
def test_two_vectors(case):
    p, q = numbers(case["p"], case["dtype"]), numbers(case["q"], case["dtype"])
    judged(case, p, q)
    for measure in MEASURES.values():
        plain = measure(p, q)
        for name, laid_out in layouts(p[None]):
            assert bits(measure(laid_out[0], q)) == bits(plain), name
        for name, laid_out in layouts(q[None]):
            assert bits(measure(p, laid_out[0])) == bits(plain), name


@pytest.mark.parametrize("case", cases("large"))
def test_long_vectors(case):
    p, q = generated(case)
    check = case["check"]
    for vector, side in ((p, "p"), (q, "q")):
        words = vector.view(np.uint64 if case["dtype"] == "f64" else np.uint32)
        assert int(words.astype(object).sum()) % 2**64 == int(str(check[f"bits_sum_{side}"]), 0)
    judged(case, p, q)


@pytest.mark.parametrize("case", cases("counts"))
def test_counts(case):
    p, q = (np.array(case[side], dtype=np.uint64) for side in ("p_counts", "q_counts"))
    fields = {"kl": kldiv.kl, "kl_reverse": kldiv.reverse, "psi": kldiv.psi, "js": kldiv.js}
    for field, measure in fields.items():
        expected = case["expect"][field]
        for dtype in (np.uint64, np.int64)[: 1 if max(p.max(), q.max()) >= 2**63 else 2]:
            got = measure(p.astype(dtype), q.astype(dtype), normalization="normalize", smoothing=case["alpha"])
            factor = 2**12 if case["name"] == "large_counts" else K
            assert units_off(got, expected, expected if expected != "inf" else "0", len(p), "f64", factor) <= 1, field


@pytest.mark.parametrize("case", cases("invalid"))
def test_what_must_be_refused(case):
    p, q = (np.array([float(x) for x in case[side]]) for side in "pq")
    with pytest.raises(kldiv.KLDivError) as raised:
        kldiv.kl(p, q)
    expect, error = case["expect"], raised.value
    allowed = expect.get("error_any_of") or [expect["error"]]
    names = {"length_mismatch": "shape_mismatch", "empty": "empty"}
    assert error.status in [names.get(x, x) for x in allowed]
    if expect.get("index") is not None:
        assert (error.operand, error.index) == (expect["argument"], (expect["index"],))
        culprit = (p if error.operand == "p" else q)[error.index]
        assert np.array_equal(error.value, culprit, equal_nan=True)
        assert str(error).startswith(f"{error.operand}[{error.col}] is ")


@pytest.mark.parametrize("case", cases("pairwise"))
def test_all_pairs(case):
    m, k, d = case["m"], case["k"], case["d"]
    p = numbers(case["p"], case["dtype"]).reshape(m, d)
    q = numbers(case["q"], case["dtype"]).reshape(k, d)
    plain = kldiv.pairwise(p, q)
    for got, expected, mag in zip(plain.ravel(), case["expect"]["kl"], case["mag"]["kl"]):
        assert units_off(got, expected, mag, d, case["dtype"]) <= 1
    for name, laid_out in layouts(p):
        assert bits(kldiv.pairwise(laid_out, q)) == bits(plain), name
    index, value = kldiv.nearest(p, q, k)
    assert np.array_equal(np.sort(plain, axis=1), value)
    assert np.array_equal(np.take_along_axis(plain, index, axis=1), value)


@pytest.mark.parametrize("case", cases("kldivloss"))
def test_loss(case):
    dtype, shape = case["dtype"], (case["rows"], case["cols"])
    x, t = (numbers(case[side], dtype).reshape(shape) for side in ("input", "target"))
    log_target, expect = case["log_target"], case["expect"]
    for reduction in ("sum", "mean", "batchmean"):
        got = kldiv.loss(x, t, reduction, log_target)
        mag = case["mag"][reduction]
        assert units_off(got, expect[reduction], mag or "0", x.size, dtype) <= 1, reduction
        for name, laid_out in layouts(x):
            assert bits(kldiv.loss(laid_out, t, reduction, log_target)) == bits(got), (reduction, name)
        three = np.moveaxis(np.stack([x, x]), 1, 0)
        halves = kldiv.loss(three, np.moveaxis(np.stack([t, t]), 1, 0), "sum", log_target)
        if math.isfinite(halves):
            assert halves == pytest.approx(2 * kldiv.loss(x, t, "sum", log_target), rel=1e-15, abs=1e-300)
    grad_input, grad_target = kldiv.loss_grad(x, t, "batchmean", log_target)
    assert grad_input.dtype == grad_target.dtype == x.dtype
    with np.errstate(all="ignore"):
        wide_x, wide_t = x.astype(np.float64), t.astype(np.float64)
        p, log_p = (np.exp(wide_t), wide_t) if log_target else (wide_t, np.log(wide_t))
        size = np.abs(log_p) + np.abs(wide_x)
        none = np.where(p == 0, 0, p * size)
        sizes = {
            "none": none,
            "grad_input": p / len(x),
            "grad_target": (np.where(p == 0, 0, p * (size + 1)) if log_target else size + 1) / len(x),
        }
    found = {"none": kldiv.loss(x, t, "none", log_target), "grad_input": grad_input, "grad_target": grad_target}
    for field, got in found.items():
        for g, expected, mag in zip(got.ravel(), expect[field], sizes[field].ravel()):
            mag = str(mag) if math.isfinite(mag) else "0"
            assert units_off(g, expected, mag, 1, dtype) <= 1, field


@pytest.mark.parametrize("case", cases("logits"))
def test_logits(case):
    dtype, shape = case["dtype"], (case["rows"], case["cols"])
    a, b = (numbers(case[side], dtype).reshape(shape) for side in "ab")
    found = kldiv.logits_grad(a, b, temperature=case["T"])
    reverse = kldiv.logits(a, b, temperature=case["T"], measure="reverse")
    for field, got in (("kl", found.value), ("kl_reverse", reverse)):
        for row, g in enumerate(got):
            mag = case["mag"][field][row]
            assert units_off(g, case["expect"][field][row], mag or "0", shape[1], dtype) <= 1, field
    for field in ("grad_a", "grad_b"):
        for i, g in enumerate(getattr(found, field).ravel()):
            mag = case["mag"][field][i // shape[1]]
            assert units_off(g, case["expect"][field][i], mag or "0", shape[1], dtype) <= 1, field
    for name, laid_out in layouts(a):
        again = kldiv.logits_grad(laid_out, b, temperature=case["T"])
        assert all(bits(x) == bits(y) for x, y in zip(again, found)), name
    classes = np.broadcast_to(np.arange(shape[1])[::-1], shape)
    sparse = kldiv.topk(a[:, ::-1], classes, b, temperature=case["T"])
    for row, g in enumerate(sparse):
        assert units_off(g, case["expect"]["kl"][row], case["mag"]["kl"][row] or "0", shape[1], dtype) <= 1


@pytest.mark.parametrize("case", cases("vae"))
def test_vae(case):
    inputs = [np.array(case[x], dtype=np.float64) for x in ("mu", "logvar", "prior_mu", "prior_logvar") if x in case]
    found = kldiv.vae_grad(*inputs)
    expect = case["expect"]
    for row, got in enumerate(found.value):
        assert units_off(got, expect["kl_rows"][row], expect["kl_rows"][row], case["dims"], "f64") <= 1
    for name, wanted in expect["grad_sum"].items():
        got = getattr(found, f"grad_{name}")
        for g, want in zip(got.ravel(), np.array(wanted, dtype=object).ravel()):
            assert units_off(g, want, want, 1, "f64") <= 1, name


@pytest.mark.parametrize("case", cases("bins"))
def test_bins(case):
    x, y = (np.array(case[side]) for side in "xy")
    edges = case.get("edges", case.get("expect", {}).get("edges") if isinstance(case.get("expect"), dict) else None)
    if case["dtype"] == "f32":
        x, y = x.astype(np.float32), y.astype(np.float32)
    assert np.allclose(kldiv.bin_edges(x, y), edges, rtol=1e-15, atol=0)


SAMPLES = {case["name"]: case for case in table("samples")}


@pytest.mark.parametrize("case", [pytest.param(c, id=n) for n, c in SAMPLES.items() if c["kind"] in ("knn", "k123")])
def test_samples(case):
    if case["kind"] == "knn":
        data = SAMPLES[case["x_ref"]]
        x, y = np.array(data["x"], dtype=float), np.array(data["y"], dtype=float)
        if "degenerate" in case["expect"]:
            try:
                assert not math.isnan(kldiv.knn(x, y, case["k"]))
            except kldiv.KLDivError as error:
                assert error.status == "degenerate"
            return
        assert kldiv.knn(x, y, case["k"]) == pytest.approx(float(case["expect"]["kl"]), abs=1e-12)
        return
    log_p, log_q = (np.array([float(x) for x in case[side]]) for side in ("logp", "logq"))
    for estimator in ("k1", "k2", "k3"):
        expect = case["expect"][estimator]
        value, standard_error = kldiv.monte_carlo(log_p, log_q, estimator)
        largest = max(abs(float(x)) for x in expect["per_sample"])
        assert value == pytest.approx(float(expect["mean"]), rel=1e-13, abs=1e-15 * largest)
        if expect.get("standard_error") is not None:
            assert standard_error == pytest.approx(float(expect["standard_error"]), rel=1e-12)
        each = kldiv.monte_carlo_terms(log_p, log_q, estimator)
        assert each == pytest.approx([float(x) for x in expect["per_sample"]], rel=1e-13)


ELEMENTARY = "normal lognormal halfnormal laplace exponential uniform pareto logistic cauchy gumbel moyal".split()
DISCRETE = "bernoulli binomial geometric negativebinomial poisson categorical multinomial".split()
CLASSES = {
    re.sub("[^a-z0-9]", "", name.lower()): getattr(kldiv.family, name)
    for name in vars(kldiv.family)
    if isinstance(getattr(kldiv.family, name), type) and issubclass(getattr(kldiv.family, name), kldiv.family.Distribution)
}


def distribution(side):
    name, params = side["family"], side["params"]
    params = {key: np.array(value, dtype=float) for key, value in params.items()}
    if name == "mvnormal":
        name = "lowrankmultivariatenormal" if "cov_factor" in params else "multivariatenormal"
    return CLASSES[name](**params)


@pytest.mark.parametrize("case", cases("continuous"))
def test_families(case):
    p, q = distribution(case["p"]), distribution(case["q"])
    got, expected = kldiv.family.kl(p, q), case["expect"]["kl"]
    if expected == "inf" or case["tag"] == "equal":
        assert got == float(expected)
        return
    names = {case["p"]["family"], case["q"]["family"]}
    quick = names <= set(ELEMENTARY) or names <= set(DISCRETE)
    if case["source"].startswith("quadrature"):
        tolerance = 1e-8 if case["tag"] == "near" else 1e-9
    elif case["tag"] == "near":
        tolerance = 1e-12 if quick else 1e-8
    elif case["tag"] in ("extreme", "ill-conditioned"):
        tolerance = 1e-9
    else:
        tolerance = 1e-12
    assert got == pytest.approx(float(expected), rel=tolerance, abs=0)
    assert not (case["tag"] == "equal") or got == 0


@pytest.mark.parametrize("case", cases("quadrature"))
def test_densities(case):
    made = [getattr(densities, case[side]["formula"])(**case[side]["params"]) for side in "pq"]
    lower, upper = map(float, case["support"])
    expected = float(case["expect"]["kl"])
    try:
        value, error = kldiv.quadrature(*made, lower, upper, breaks=case["breakpoints"], log_density=True)
    except kldiv.KLDivError as failure:
        assert math.isinf(expected) and failure.status == "not_converged"
        return
    assert value == expected or abs(value - expected) <= max(error, 1e-9 * expected, 1e-14)
    if math.isfinite(expected):
        assert error <= max(1e-9 * abs(value), 1e-12)
