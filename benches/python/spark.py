"""kldiv.spark and kldiv.dask beside Spark's own SQL, in one run: a divergence a key.

    benches/python/run spark [rows] [keys] [rounds]

Writes rows of a key, p and q to Parquet files, all of them clean, and asks for sum p ln(p/q) by key: in SQL as one
writes it, in SQL that minds zeros, by kldiv.spark both ways (and by a mapInArrow that does nothing with the rows), by
kldiv.arrow without an engine, and by kldiv.dask. The answers are compared before the contenders take turns; a time is
the median over rounds of a whole query. What each query writes into its shuffle is from Spark's event log.
"""

import glob
import json
import os
import sys
import tempfile
import time

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

import kldiv.arrow

PARTS = 8
SQL = "sum(p * (ln(p) - ln(q)))"
SQL_WITH_ZEROS = "sum(CASE WHEN p = 0 THEN 0 WHEN q = 0 THEN double('infinity') ELSE p * ln(p / q) END)"


def write_rows(folder, rows, keys):
    rng = np.random.default_rng(1)
    for part in range(PARTS):
        count = rows // PARTS
        columns = {
            "key": rng.integers(0, keys, count),
            "p": rng.random(count) + 1e-3,
            "q": rng.random(count) + 1e-3,
        }
        pq.write_table(pa.table(columns), f"{folder}/{part}.parquet")


def by_key(columns):
    if not len(columns["key"]):
        return np.empty(0)
    return np.asarray(columns["value"])[np.argsort(columns["key"])]


def dropped(batches):
    """What the way to Python costs by itself."""
    return (batch.slice(0, 0) for batch in batches)


def on_arrow(folder):
    partial = kldiv.arrow.Partial()
    for batch in ds.dataset(folder).to_batches(use_threads=False):
        partial.update(batch, by="key")
    return by_key(partial.values().to_pydict())


def updates(folder, batch_rows):
    """Rows a second of processor time that go through `update` on one core, Parquet apart."""
    table = ds.dataset(folder).head(2_000_000, use_threads=False).combine_chunks()
    batches = table.to_batches(max_chunksize=batch_rows)
    partial = kldiv.arrow.Partial()
    start = time.process_time()
    for batch in batches:
        partial.update(batch, by="key")
    return table.num_rows / (time.process_time() - start)


def shuffled(log):
    """Bytes and records that each job group wrote into its shuffles."""
    groups, found = {}, {}
    for path in glob.glob(f"{log}/**", recursive=True):
        if not os.path.isfile(path):
            continue
        for line in open(path):
            if '"SparkListenerStageSubmitted"' in line:
                event = json.loads(line)
                group = (event.get("Properties") or {}).get("spark.jobGroup.id")
                groups[event["Stage Info"]["Stage ID"]] = group
            elif '"SparkListenerTaskEnd"' in line:
                event = json.loads(line)
                metrics = (event.get("Task Metrics") or {}).get("Shuffle Write Metrics") or {}
                total = found.setdefault(groups.get(event["Stage ID"]), [0, 0])
                total[0] += metrics.get("Shuffle Bytes Written", 0)
                total[1] += metrics.get("Shuffle Records Written", 0)
    return found


def main():
    rows, keys, rounds = (int(x) for x in (sys.argv[1:] + ["10000000", "1000", "3"][len(sys.argv) - 1 :]))
    import dask
    import dask.dataframe as dd
    import pyspark
    from pyspark.sql import SparkSession, functions

    import kldiv.dask
    import kldiv.spark

    os.environ["PYSPARK_PYTHON"] = sys.executable
    with tempfile.TemporaryDirectory() as scratch:
        folder, log = f"{scratch}/rows", f"{scratch}/log"
        os.mkdir(folder)
        os.mkdir(log)
        write_rows(folder, rows, keys)
        options = {
            "spark.ui.enabled": "false",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.memory": "4g",
            "spark.sql.shuffle.partitions": "4",
            "spark.eventLog.enabled": "true",
            "spark.eventLog.compress": "false",
            "spark.eventLog.dir": f"file://{log}",
        }
        builder = SparkSession.builder.master("local[2]")
        for name, value in options.items():
            builder = builder.config(name, value)
        spark = builder.getOrCreate()
        spark.sparkContext.setLogLevel("OFF")
        df = spark.read.parquet(folder)

        def of_spark(name, query):
            def run():
                spark.sparkContext.setJobGroup(name, name)
                return by_key(query().toArrow().to_pydict() if hasattr(df, "toArrow") else query().toPandas())

            return run

        contenders = {
            "Spark SQL": lambda: df.groupBy("key").agg(functions.expr(SQL).alias("value")),
            "Spark SQL that minds zeros": lambda: df.groupBy("key").agg(functions.expr(SQL_WITH_ZEROS).alias("value")),
            "mapInArrow that drops all rows": lambda: df.mapInArrow(dropped, df.schema),
            "kldiv.spark": lambda: kldiv.spark.kl(df, by="key"),
            'kldiv.spark, shuffle="rows"': lambda: kldiv.spark.kl(df, by="key", shuffle="rows"),
        }
        contenders = {name: of_spark(name, query) for name, query in contenders.items()}
        contenders["kldiv.arrow, one thread"] = lambda: on_arrow(folder)
        dask.config.set(scheduler="processes", num_workers=2)
        contenders["kldiv.dask"] = lambda: by_key(kldiv.dask.kl(dd.read_parquet(folder), by="key").compute())

        expected = on_arrow(folder)
        for name, run in contenders.items():
            found = run()
            if "drops" in name:
                assert len(found) == 0, name
            elif name.startswith("kldiv"):
                assert np.array_equal(found, expected), name
            else:
                assert np.allclose(found, expected, rtol=1e-9, atol=1e-9 * rows / keys), name
        times = {name: [] for name in contenders}
        for _ in range(rounds):
            for name, run in contenders.items():
                start = time.perf_counter()
                run()
                times[name].append(time.perf_counter() - start)
        spark.stop()
        written = shuffled(log)

        print(f"{rows:,} rows, {keys:,} keys, {PARTS} files; Spark {pyspark.__version__}, Dask {dask.__version__}")
        print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
        print("| | time | beside SQL | bytes of shuffle | records |")
        print("|---|---:|---:|---:|---:|")
        base = sorted(times["Spark SQL"])[rounds // 2]
        for name, seconds in times.items():
            median = sorted(seconds)[rounds // 2]
            total, records = (x // (rounds + 1) for x in written.get(name, (0, 0)))
            cells = f"{total:,} | {records:,}" if records else "- | -"
            print(f"| {name} | {median:.2f} s | {median / base:.2f} | {cells} |")
        print()
        for batch_rows in (10_000, 100_000, 1_000_000):
            rate = updates(folder, batch_rows)
            print(f"arrow.Partial.update, batches of {batch_rows:,} rows: {rate / 1e6:.1f} M rows/s of processor time")


if __name__ == "__main__":
    main()
