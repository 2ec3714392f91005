"""What cannot be answered says so, and where the culprit is in the caller's own array."""

import pickle

import numpy as np
import pytest

import kldiv


def refused(status, call, *arguments, **options):
    with pytest.raises(kldiv.KLDivError) as raised:
        call(*arguments, **options)
    error = raised.value
    assert isinstance(error, ValueError)
    assert error.status == status, error
    return error


def test_an_entry_is_named_by_its_index_in_its_own_array():
    p, q = np.full((3, 4, 5), 0.2), np.full((4, 1, 5), 0.2)
    for axis in range(3):
        bad = p.copy()
        bad[2, 1, 3] = -0.25
        error = refused("negative", kldiv.kl, bad, p, axis=axis)
        assert error.operand == "p" and error.index == (2, 1, 3) and error.value == -0.25
        assert error.col == (2, 1, 3)[axis] and error.row == tuple(np.delete((2, 1, 3), axis))
        assert str(error).startswith("p[2, 1, 3] is -0.25; ")
    one = np.array([0.5, np.nan, 0.25, 0.25, 0.0])
    error = refused("nan", kldiv.kl, p, one)
    assert error.operand == "q" and error.index == (1,) and str(error).startswith("q[1] is NaN; ")
    wide = np.broadcast_to(q[:, :, None], (4, 1, 3, 5)).copy()
    wide[3, 0, 1, 4] = np.inf
    error = refused("infinite", kldiv.kl, np.full((2, 1, 6, 1, 5), 0.2), wide)
    assert error.operand == "q" and np.isinf(wide[error.index])


def test_the_first_bad_entry_is_named_by_any_number_of_threads():
    p = np.random.default_rng(0).random((60, 30, 41, 16))
    p[31, 5, 2, 7], p[31, 5, 3, 1], p[59, 0, 0, 0] = -1, -2, -3
    for threads in (1, 2, 4):
        assert refused("negative", kldiv.kl, p[:, :, ::2], p[:, :, ::2], threads=threads).index == (31, 5, 1, 7)


def test_no_good_row_is_lost_to_a_bad_one():
    p, q = np.full((3, 2), 0.5), np.array([[0.7, 0.3], [-1.0, 0.3], [0.5, 0.5]])
    error = refused("negative", kldiv.kl, p, q)
    lenient = kldiv.kl(p, q, invalid="nan")
    assert np.array_equal(error.result, lenient, equal_nan=True)
    assert np.isnan(lenient).tolist() == [False, True, False]
    assert np.isnan(refused("negative", kldiv.kl, p, q, reduction="sum").result)
    assert np.isnan(kldiv.terms(p, q, invalid="nan")).all(axis=1).tolist() == [False, True, False]


def test_sums_that_are_not_one():
    error = refused("zero_mass", kldiv.kl, [[1.0, 1.0], [0.0, 0.0]], [1.0, 1.0], normalization="normalize")
    assert error.operand == "p" and error.row == (1,) and "row [1] of p has no mass" in str(error)
    error = refused("not_normalized", kldiv.kl, [0.5, 0.5], [0.5, 0.6], normalization="require")
    assert error.operand == "q" and error.value == pytest.approx(1.1) and str(error).startswith("q sums to 1.1")
    assert kldiv.kl([0.5, 0.5], [0.5, 0.6], normalization="require", mass_tolerance=0.2) < 0


def test_shapes_that_do_not_go_together():
    refused("shape_mismatch", kldiv.kl, [0.5, 0.5], [0.2, 0.3, 0.5])
    error = refused("shape_mismatch", kldiv.kl, np.ones((2, 3)), np.ones((4, 3)))
    assert "[2, 3]" in str(error) and "[4, 3]" in str(error)
    refused("shape_mismatch", kldiv.kl, np.ones((2, 3)), np.ones((2, 3)), axis=2)
    refused("shape_mismatch", kldiv.kl, 0.5, 0.5)
    refused("shape_mismatch", kldiv.explain, np.ones((2, 2)), np.ones((2, 2)))
    refused("shape_mismatch", kldiv.pairwise, np.ones((2, 2, 2)), np.ones((2, 2)))


def test_options_that_make_no_sense():
    p = np.array([0.5, 0.5])
    for options in (
        {"base": 1}, {"base": -2}, {"normalization": "softmax"}, {"smoothing": 1.0}, {"reduction": "median"},
        {"invalid": "ignore"}, {"weights": -1.0}, {"threads": -1}, {"normalization": "require", "mass_tolerance": -1.0},
    ):  # fmt: skip
        refused("options", kldiv.kl, p, p, **options)
    refused("options", kldiv.renyi, p, p, 0)
    refused("options", kldiv.js, p, p, weight=1.5)
    refused("options", kldiv.terms, p, p, measure="jensenshannon")
    refused("options", kldiv.terms, p, p, measure="Kullback")
    refused("options", kldiv.logits, p, p, temperature=0.0)
    refused("options", kldiv.nearest, [p], [p], k=2)
    for wrong in ({"base": "e"}, {"axis": 0.5}, {"threads": "many"}, {"normalization": 1}, {"unknown": 1}):
        with pytest.raises(TypeError):
            kldiv.kl(p, p, **wrong)


def test_logits_and_sparse_targets_name_theirs():
    a = np.zeros((2, 3))
    a[1, 2] = np.inf
    assert refused("infinite", kldiv.logits, np.zeros(3), a).index == (1, 2)
    error = refused("zero_mass", kldiv.logits, np.full((1, 3), -np.inf), np.zeros((1, 3)))
    assert error.operand == "a" and error.row == (0,)
    error = refused("index", kldiv.topk, np.zeros((1, 2)), [[0, 7]], np.zeros((1, 3)))
    assert error.operand == "indices" and error.index == (0, 1) and error.value == 7
    with pytest.raises(TypeError, match="integers"):
        kldiv.topk(np.zeros((1, 2)), [[0.0, 1.0]], np.zeros((1, 3)))
    with pytest.raises(TypeError, match="element type"):
        kldiv.logits([1, 2], [3, 4])
    assert refused("nan", kldiv.vae, np.zeros((2, 2)), np.array([[0, 0], [0, np.nan]])).operand == "logvar"


def test_pairs_name_the_row_of_either_side():
    p, q = np.full((2, 2), 0.5), np.full((4, 2), 0.5)
    q[3, 1] = -1
    error = refused("negative", kldiv.pairwise, p, q)
    assert error.operand == "q" and error.index == (3, 1)
    assert np.isnan(error.result).tolist() == [[False] * 3 + [True]] * 2
    p[1, 0] = np.nan
    assert refused("nan", kldiv.pairwise, p, q[:2]).index == (1, 0)


def test_parameters_and_samples_name_theirs():
    family = kldiv.family
    error = refused("parameter", family.kl, family.Normal(0, [[1.0, 2.0], [3.0, -4.0]]), family.Normal(0, 1))
    assert error.operand == "p" and error.row == (1, 1) and error.value == -4 and "scale of p[1, 1] is -4" in str(error)
    bad = family.MultivariateNormal([0.0, 0.0], [[1.0, 2.0], [2.0, 1.0]])
    refused("not_positive_definite", family.kl, bad, bad)
    refused("unsupported_pair", family.kl, family.Normal(0, 1), family.Poisson(1))
    refused("shape_mismatch", family.Normal, [0, 0], [1, 1, 1])
    with pytest.raises(TypeError):
        family.kl(1, 2)
    with pytest.raises(TypeError):
        family.Bernoulli(probs=0.5, logits=0.0)
    error = refused("nan", kldiv.monte_carlo, [-1.0, np.nan], [-1.0, -1.0])
    assert error.operand == "log_p" and error.index == (1,)
    assert refused("degenerate", kldiv.knn, [[0.0]], [[1.0]]).operand == "x"
    assert refused("negative", kldiv.counts, [1, -2], [1, 2]).index == (1,)
    assert refused("nan", kldiv.histogram, [1.0, np.nan], [1.0]).operand == "x"


def test_densities_say_where_they_are_none():
    error = refused("negative", kldiv.quadrature, lambda x: -1.0, lambda x: 1.0, 0, 1)
    assert error.operand == "p" and error.value == -1
    refused("options", kldiv.quadrature, lambda x: 1.0, lambda x: 1.0, 1, 0)
    refused("not_converged", kldiv.quadrature, lambda x: 0.5, lambda x: 1.0, 0, 1)


def test_what_a_density_raises_is_raised():
    class Mine(Exception):
        pass

    calls = []

    def p(x):
        calls.append(x)
        if len(calls) == 5:
            raise Mine("of my own")
        return 1.0

    with pytest.raises(Mine, match="of my own"):
        kldiv.quadrature(p, lambda x: 1.0, 0, 1)
    assert len(calls) == 5
    with pytest.raises(TypeError):
        kldiv.quadrature(lambda x: "a", lambda x: 1.0, 0, 1)
    with pytest.raises(KeyboardInterrupt):
        kldiv.quadrature(lambda x: (_ for _ in ()).throw(KeyboardInterrupt), lambda x: 1.0, 0, 1)


def test_an_error_can_be_sent_to_another_process():
    error = refused("negative", kldiv.kl, [0.5, -0.5], [0.5, 0.5])
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.index, again.status) == (str(error), (1,), "negative")
