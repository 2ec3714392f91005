"""kldiv.dask on two processes of this machine: the bits of one machine, for any partitioning."""

import math

import pytest

import kldiv

pytest.importorskip("dask.dataframe")
distributed = pytest.importorskip("distributed")
pd = pytest.importorskip("pandas")
import dask.dataframe as dd  # noqa: E402
from keyed import answers, on_one_machine, table  # noqa: E402

import kldiv.dask  # noqa: E402


@pytest.fixture(scope="module", autouse=True)
def client():
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None)
    with cluster, distributed.Client(cluster) as client:
        yield client


@pytest.fixture(scope="module")
def rows():
    return table()


@pytest.fixture(scope="module")
def ddf(rows):
    return dd.from_pandas(rows.to_pandas(), npartitions=4, sort=False)


def computed(ddf):
    found = ddf.compute()
    assert found.dtypes.to_dict() == ddf.dtypes.to_dict()
    missing_is_none = {name: [None if x is pd.NA or x != x else x for x in found[name]] for name in found.columns[:-1]}
    return answers({**missing_is_none, "value": found["value"].tolist()})


def test_a_thousand_keys_have_the_bits_of_one_machine(ddf, rows):
    expected = on_one_machine(rows, by="key")
    found = kldiv.dask.kl(ddf, by="key")
    assert found.npartitions == 4
    assert computed(found) == expected


def test_any_partitioning_gives_the_same_bits(ddf, rows):
    expected = on_one_machine(rows, by="key")
    shuffled = rows.to_pandas().sample(frac=1.0, random_state=1)
    for other in (ddf.repartition(npartitions=1), dd.from_pandas(shuffled, npartitions=7, sort=False)):
        assert computed(kldiv.dask.kl(other, by="key", npartitions=3)) == expected
    assert computed(kldiv.dask.kl(ddf, by=["key"], shuffle="rows")) == expected


def test_all_rows_can_be_one_group(ddf, rows):
    for measure in ("entropy", "jeffreys"):
        assert computed(kldiv.dask.kl(ddf, measure=measure)) == on_one_machine(rows, measure=measure)


def test_counts_of_several_keys_with_missing_ones_are_normalized(ddf, rows):
    by, options = ["country", "key"], {"normalization": "normalize", "base": 2}
    expected = on_one_machine(rows, "today", "last.week", by, **options)
    assert len(expected) == 4000
    assert computed(kldiv.dask.kl(ddf, "today", "last.week", by, **options)) == expected


def test_categories_are_their_values(rows):
    frame = rows.select(["country", "p", "q"]).to_pandas().astype({"country": "category"})
    found = kldiv.dask.kl(dd.from_pandas(frame, npartitions=3, sort=False), by="country")
    assert computed(found) == on_one_machine(rows, by="country")


def test_no_rows_are_no_groups_and_one_sum_of_nothing(ddf):
    nothing = ddf[ddf.p > 2]
    assert len(kldiv.dask.kl(nothing, by="key")) == 0
    assert kldiv.dask.kl(nothing).compute()["value"].tolist() == [0.0]


def test_an_error_of_a_worker_names_column_and_key():
    for bad, said in [(-0.5, "-0.5; probabilities"), (math.nan, "NaN; probabilities")]:
        frame = pd.DataFrame({"c": ["no", "se"], "p": [0.5, 0.5], "q": [0.5, bad]})
        ddf = dd.from_pandas(frame, npartitions=1)
        with pytest.raises(kldiv.KLDivError, match=f"^column 'q', row 1, c 'se': {said}") as error:
            kldiv.dask.kl(ddf, by="c").compute()
        assert (error.value.operand, error.value.index) == ("q", (1,))
        found = kldiv.dask.kl(ddf, by="c", invalid="nan").compute()
        assert dict(zip(found["c"], found["value"].isna())) == {"no": False, "se": True}


def test_what_makes_no_sense_is_refused_before_anything_runs(ddf):
    for wrong in ({"measure": "js"}, {"normalization": "yes"}, {"by": "nothing"}, {"base": 0.5}):
        with pytest.raises(kldiv.KLDivError):
            kldiv.dask.kl(ddf, **{"by": "key", **wrong})
    with pytest.raises(ValueError, match="shuffle is 'all'"):
        kldiv.dask.kl(ddf, by="key", shuffle="all")
