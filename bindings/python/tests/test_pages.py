"""The programs of the pages about Arrow and Dask print what the pages say; test_spark.py has those of Spark's."""

import os
import pathlib
import subprocess
import sys

import pytest

TREE = pathlib.Path(__file__).resolve().parents[3]
SNIPPETS = TREE / "scripts/snippets"


@pytest.mark.parametrize("page, needs", [("arrow", ["pyarrow", "pandas"]), ("dask", ["dask"])])
def test_a_page_prints_what_it_says(page, needs):
    for module in needs:
        pytest.importorskip(module)
    run = subprocess.run(
        [sys.executable, SNIPPETS, TREE / f"docs/{page}.md"],
        env={**os.environ, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
