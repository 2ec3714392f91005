"""kldiv.spark on two cores of this machine: the bits of one machine, for any partitioning."""

import contextlib
import io
import math
import os
import pathlib
import re
import shutil
import sys

import pytest

import kldiv

pytest.importorskip("pyspark")
pa = pytest.importorskip("pyarrow")
if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
    pytest.skip("there is no java", allow_module_level=True)

import pyarrow.parquet as pq  # noqa: E402
from keyed import answers, on_one_machine, table  # noqa: E402
from pyspark.sql import SparkSession  # noqa: E402

import kldiv.spark  # noqa: E402


@pytest.fixture(scope="module")
def spark():
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    session = (
        SparkSession.builder.master("local[2]")
        .appName("kldiv")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "4")
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.fixture(scope="module")
def rows():
    return table()


@pytest.fixture(scope="module")
def df(spark, rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("rows")
    for i in range(4):
        pq.write_table(rows.slice(i * 25_000, 25_000), folder / f"{i}.parquet")
    return spark.read.parquet(str(folder))


def collected(df):
    found = df.collect()
    return answers({name: [row[name] for row in found] for name in df.columns})


def test_a_thousand_keys_have_the_bits_of_one_machine(df, rows):
    expected = on_one_machine(rows, by="key")
    assert len(expected) == 1000
    infinite = answers({"value": [math.inf]})[()]
    assert 50 < list(expected.values()).count(infinite) <= 100
    assert collected(kldiv.spark.kl(df, by="key")) == expected


def test_any_partitioning_gives_the_same_bits(spark, df, rows):
    expected = on_one_machine(rows, by="key")
    partitionings = [df.coalesce(1), df.repartition(7), df.orderBy("p")]
    for other in partitionings:
        assert collected(kldiv.spark.kl(other, by="key")) == expected
    assert collected(kldiv.spark.kl(df.repartition(3), by=["key"], shuffle="rows")) == expected
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "997")
    try:
        assert collected(kldiv.spark.kl(df, by="key")) == expected
    finally:
        spark.conf.unset("spark.sql.execution.arrow.maxRecordsPerBatch")


def test_all_rows_can_be_one_group(df, rows):
    for measure in ("entropy", "reverse", "generalized"):
        expected = on_one_machine(rows, measure=measure)
        assert collected(kldiv.spark.kl(df.repartition(5), measure=measure)) == expected


def test_counts_of_several_keys_with_nulls_are_normalized(df, rows):
    by, options = ["country", "key"], {"normalization": "normalize", "base": 2}
    expected = on_one_machine(rows, "today", "last.week", by, **options)
    assert len(expected) == 4000
    found = kldiv.spark.kl(df, "today", "last.week", by, **options)
    assert found.columns == ["country", "key", "value"]
    assert collected(found) == expected


def test_sides_may_be_of_different_types(df, rows):
    assert collected(kldiv.spark.kl(df, "p32", "q", "country")) == on_one_machine(rows, "p32", "q", "country")


def test_no_rows_are_no_groups_and_one_sum_of_nothing(df):
    nothing = df.where("p > 2")
    assert kldiv.spark.kl(nothing, by="key").collect() == []
    assert kldiv.spark.kl(nothing).collect()[0]["value"] == 0.0


def test_what_sum_of_sql_answers_silently_is_infinite(spark):
    df = spark.createDataFrame([(0.5, 0.0), (0.5, 1.0)], "p double, q double")
    of_sql = df.selectExpr("sum(p * (ln(p) - ln(q)))").collect()[0][0]
    assert of_sql == pytest.approx(-0.3466, abs=5e-5)
    assert kldiv.spark.kl(df).collect()[0]["value"] == math.inf


def test_an_error_of_a_worker_names_column_and_key(spark):
    for bad, said in [(-0.5, "-0.5; probabilities and counts are finite and at least 0"), (None, "null; drop such")]:
        df = spark.createDataFrame([("no", 0.5, 0.5), ("se", 0.5, bad)], "c string, p double, q double")
        with pytest.raises(Exception, match=f"KLDivError: column 'q', row ., c 'se': {said}"):
            kldiv.spark.kl(df, by="c").collect()
        found = kldiv.spark.kl(df, by="c", invalid="nan").collect()
        assert {row["c"]: math.isnan(row["value"]) for row in found} == {"no": False, "se": True}


def test_the_page_about_spark_prints_what_it_says(spark):
    page = (pathlib.Path(__file__).resolve().parents[3] / "docs/spark.md").read_text()
    programs = re.findall(r"^```python\n(.*?)^```\n\n```text\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(programs) == page.count("```python") == 2
    for program, expected in programs:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(program, {})  # in the session that runs here
        assert printed.getvalue() == expected


def test_what_makes_no_sense_is_refused_before_a_job_starts(df):
    for wrong in ({"measure": "js"}, {"normalization": "yes"}, {"invalid": "skip"}, {"base": 0.5}):
        with pytest.raises(kldiv.KLDivError):
            kldiv.spark.kl(df, by="key", **wrong)
    with pytest.raises(ValueError, match="shuffle is 'all'"):
        kldiv.spark.kl(df, by="key", shuffle="all")
