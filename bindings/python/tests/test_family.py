"""Distributions as objects and as functions: shapes, parametrisations, gradients."""

import inspect

import numpy as np
import pytest

import kldiv
from kldiv import family

RNG = np.random.default_rng(11)


def test_parameters_broadcast():
    loc, scale = RNG.random((3, 1)), 1 + RNG.random(4)
    got = family.kl(family.Normal(loc, scale), family.Normal(0.0, 1.0))
    assert got.shape == (3, 4)
    assert got == pytest.approx((scale**2 + loc**2 - 1) / 2 - np.log(scale), rel=1e-12)
    assert isinstance(family.kl(family.Normal(0, 1), family.Normal(1, 1)), float)
    assert (family.normal(loc, scale, 0.0, 1.0) == got).all()
    assert family.normal(loc_p=0, scale_p=1, loc_q=1, scale_q=1, base=2) == pytest.approx(0.5 / np.log(2))
    assert family.kl(family.Normal(loc, scale), family.Normal(0, 1), reduction="mean") == pytest.approx(got.mean())
    assert family.kl(family.Normal(loc, scale), family.Normal(0, 1), mask=[1, 0, 1, 1])[:, 1].tolist() == [0, 0, 0]


def test_every_family_of_the_core_has_a_class():
    classes = [x for x in vars(family).values() if inspect.isclass(x) and issubclass(x, family.Distribution)]
    variants = {"bernoulli_logits", "categorical_logits", "mvnormal_tril", "mvnormal_precision", "mvnormal_diag"}
    assert {x.family for x in classes if x is not family.Distribution} | variants == set(family._NUMBERS)


def test_functions_have_signatures_and_refuse_what_they_do_not_know():
    names = list(inspect.signature(family.gamma).parameters)
    assert names[:4] == ["concentration_p", "rate_p", "concentration_q", "rate_q"] and "base" in names
    with pytest.raises(TypeError):
        family.gamma(1, 2, 3)


def test_parametrisations_agree():
    loc = RNG.standard_normal((5, 3))
    tril = np.tril(RNG.standard_normal((5, 3, 3))) + 3 * np.eye(3)
    covariance = tril @ tril.swapaxes(-1, -2)
    covariance = (covariance + covariance.swapaxes(-1, -2)) / 2
    precision = np.linalg.inv(covariance)
    precision = (precision + precision.swapaxes(-1, -2)) / 2
    q = family.MultivariateNormal(np.zeros(3), np.eye(3))
    want = family.kl(family.MultivariateNormal(loc, covariance), q)
    assert want.shape == (5,)
    assert family.kl(family.MultivariateNormal(loc, scale_tril=tril), q) == pytest.approx(want, rel=1e-10)
    assert family.kl(family.MultivariateNormal(loc, precision_matrix=precision), q) == pytest.approx(want, rel=1e-8)
    diag = family.kl(family.MultivariateNormal(loc, scale_diag=[1.0, 2.0, 3.0]), q)
    assert diag == pytest.approx(family.kl(family.MultivariateNormal(loc, np.diag([1.0, 4.0, 9.0])), q), rel=1e-12)
    factor, cov_diag = RNG.standard_normal((3, 2)), np.array([1.0, 2.0, 3.0])
    low = family.LowRankMultivariateNormal(loc, factor, cov_diag)
    full = factor @ factor.T + np.diag(cov_diag)
    full = (full + full.T) / 2
    assert family.kl(low, q) == pytest.approx(family.kl(family.MultivariateNormal(loc, full), q), rel=1e-10)
    probs = RNG.dirichlet(np.ones(4), 6)
    other = np.full(4, 0.25)
    by_logits = family.kl(family.Categorical(logits=np.log(probs)), family.Categorical(other))
    assert by_logits == pytest.approx(family.categorical(probs, other), rel=1e-12)
    assert family.bernoulli(0.3, 0.6) == pytest.approx(kldiv.kl([0.3, 0.7], [0.6, 0.4]))


def test_rows_of_parameters_are_taken_without_a_copy():
    rows = RNG.random((2, 1000))
    p = family.Normal.of_rows(rows.T)
    assert np.shares_memory(p.rows, rows)
    assert (family.kl(p, family.Normal(0, 1)) == family.normal(rows[0], rows[1], 0, 1)).all()
    probs = RNG.dirichlet(np.ones(4), 6)
    assert family.Categorical(probs).rows is probs


@pytest.mark.parametrize(
    "p, q",
    [
        (family.Normal([0.3, -1.0], [1.5, 0.7]), family.Normal(0.1, 2.0)),
        (family.Gamma(2.0, [0.5, 3.0]), family.Gamma(1.5, 1.0)),
        (family.Beta([2.0, 0.7], 3.0), family.Beta(1.0, 1.0)),
        (family.Bernoulli([0.2, 0.9]), family.Bernoulli(0.4)),
        (family.Dirichlet([[1.0, 2.0, 3.0], [0.5, 0.5, 4.0]]), family.Dirichlet([1.0, 1.0, 1.0])),
    ],
)
def test_gradients_are_slopes(p, q):
    value, grad_p, grad_q = family.kl_grad(p, q)
    assert value == pytest.approx(family.kl(p, q), rel=1e-14)
    for side, grads in (("p", grad_p), ("q", grad_q)):
        of = p if side == "p" else q
        rows = np.broadcast_to(np.asarray(of.rows, dtype=float), (2, np.shape(of.rows)[-1]))
        flat = np.concatenate([x.reshape(2, -1) for x in grads.values()], axis=-1)
        for column in range(rows.shape[-1]):
            step = np.zeros(rows.shape[-1])
            step[column] = 1e-6
            moved = [type(of).of_rows(rows + sign * step) for sign in (1, -1)]
            up, down = (family.kl(*((x, q) if side == "p" else (p, x))) for x in moved)
            assert flat[:, column] == pytest.approx((up - down) / 2e-6, rel=1e-6, abs=1e-8)


def test_gradients_come_back_in_the_shape_of_their_parameters():
    loc, tril = RNG.standard_normal((5, 3)), np.broadcast_to(2 * np.eye(3), (5, 3, 3))
    p = family.MultivariateNormal(loc, scale_tril=tril)
    _, grad_p, grad_q = family.kl_grad(p, family.MultivariateNormal(np.zeros(3), scale_tril=np.eye(3)))
    assert {name: grad.shape for name, grad in grad_p.items()} == {"loc": (5, 3), "scale_tril": (5, 3, 3)}
    assert grad_p["loc"] == pytest.approx(loc) and grad_q["loc"] == pytest.approx(-loc)
    doubled = family.kl_grad(p, p, upstream=np.full(5, 2.0))
    assert doubled.grad_p["loc"].shape == (5, 3)
