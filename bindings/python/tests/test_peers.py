"""The same numbers as SciPy's, where SciPy's are right."""

import numpy as np
import pytest

import kldiv

special = pytest.importorskip("scipy.special")
stats = pytest.importorskip("scipy.stats")
distance = pytest.importorskip("scipy.spatial.distance")

RNG = np.random.default_rng(3)
P, Q = RNG.dirichlet(np.ones(20), (6, 4)), RNG.dirichlet(np.ones(20), (6, 4))


def test_terms_are_rel_entr_and_kl_div():
    assert kldiv.terms(P, Q) == pytest.approx(special.rel_entr(P, Q), rel=1e-12, abs=1e-16)
    assert kldiv.terms(P, Q, measure="generalized") == pytest.approx(special.kl_div(P, Q), rel=1e-9, abs=1e-15)
    assert kldiv.kl([0.0, 1.0], [0.5, 0.5]) == special.rel_entr([0.0, 1.0], [0.5, 0.5]).sum()
    assert kldiv.kl([0.5, 0.5], [1.0, 0.0]) == special.rel_entr([0.5, 0.5], [1.0, 0.0]).sum() == np.inf


@pytest.mark.parametrize("base", [None, 2, 10])
@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_entropy_is_normalized_kl(axis, base):
    counts, others = RNG.integers(1, 50, (5, 6, 7)), RNG.integers(1, 50, (5, 6, 7))
    want = stats.entropy(counts, others, axis=axis, base=base)
    assert kldiv.kl(counts, others, axis, base, normalization="normalize") == pytest.approx(want, rel=1e-11)
    want = stats.entropy(counts, axis=axis, base=base)
    assert kldiv.entropy(counts, axis, base, normalization="normalize") == pytest.approx(want, rel=1e-12)


@pytest.mark.parametrize("base", [None, 2])
def test_jensenshannon_is_scipys(base):
    for axis in (0, 1, 2):
        want = distance.jensenshannon(P * 3, Q, base, axis=axis)
        assert kldiv.jensenshannon(P * 3, Q, axis, base) == pytest.approx(want, rel=1e-9)
        kept = kldiv.jensenshannon(P, Q, axis, base, keepdims=True)
        assert kept.shape == distance.jensenshannon(P, Q, base, axis=axis, keepdims=True).shape
    assert kldiv.js(P[0, 0], Q[0, 0]) == pytest.approx(distance.jensenshannon(P[0, 0], Q[0, 0]) ** 2)


def test_pairs_are_cdist():
    rows, others = P.reshape(-1, 20), Q.reshape(-1, 20)
    want = distance.cdist(rows, others, "jensenshannon")
    assert kldiv.pairwise(rows, others, measure="jensenshannon") == pytest.approx(want, rel=1e-9)


def test_families_have_scipys_entropies():
    family = kldiv.family
    assert family.entropy(family.Gamma(2.5, 0.5)) == pytest.approx(stats.gamma(2.5, scale=2).entropy())
    assert family.entropy(family.Dirichlet([1.0, 2.0, 3.0])) == pytest.approx(stats.dirichlet([1, 2, 3]).entropy())
    covariance = np.array([[2.0, 0.3], [0.3, 1.0]])
    want = stats.multivariate_normal([0, 0], covariance).entropy()
    assert family.entropy(family.MultivariateNormal([0, 0], covariance)) == pytest.approx(want)


def test_near_equal_vectors_keep_their_digits_where_rel_entr_has_none():
    p = RNG.dirichlet(np.ones(1000))
    q = p * (1 + 1e-9 * RNG.standard_normal(1000))
    q /= q.sum()
    exact = 0.5 * (((q - p) / p) ** 2 * p).sum()
    assert kldiv.kl(p, q, normalization="normalize") == pytest.approx(exact, rel=1e-6)


def test_an_explanation_adds_up_and_prints_as_a_table():
    walk = kldiv.explain(P[0, 0], Q[0, 0], base=2, normalization="normalize")
    assert walk.total == pytest.approx(stats.entropy(P[0, 0], Q[0, 0], base=2))
    assert walk["contribution"].sum() == pytest.approx(walk.total)
    assert walk["share"].sum() == pytest.approx(1)
    assert walk["contribution"] == pytest.approx(special.rel_entr(P[0, 0], Q[0, 0]) / np.log(2))
    lines = str(walk).splitlines()
    assert len(lines) == 22 and len({len(line) for line in lines[:-1]}) == 1 and lines[-1].endswith("bits")
    top = walk.largest(3)
    assert len(top) == 3 and (np.diff(np.abs(top["contribution"])) <= 0).all()
    assert np.asarray(walk).dtype.names == ("index", "p", "q", "ratio", "log_ratio", "contribution", "share")
    assert len(kldiv.explain(np.float32([0.5, 0.5])[::-1], [0.7, 0.3], labels="ht")) == 2
