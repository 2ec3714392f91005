"""Writes bins.json: samples, and the bin edges that numpy's rule "auto" gives for both together."""

import json
import pathlib

import numpy

random = numpy.random.default_rng(20)
normal, wide = random.normal(size=300).round(6), random.normal(1, 3, size=200).round(6)
cases = {
    "normals": (normal, wide),
    "few": ([1.0, 2.0, 2.5], [3.0, 7.0]),
    "one number": ([3.0], [3.0]),
    "heavy tail": (random.pareto(1, size=200).round(6), random.pareto(2, size=100).round(6)),
    "half of them equal": ([0.0] * 60, random.normal(size=40).round(6)),
    "decimals": (random.integers(0, 30, 80) / 10, random.integers(0, 50, 50) / 10),
    "integers": (random.integers(0, 9, 200), random.integers(2, 7, 300)),
    "wide integers": (random.integers(0, 900, 200), random.integers(200, 700, 300)),
}
with open(pathlib.Path(__file__).with_suffix(".json"), "w") as file:
    rows = []
    for name, (x, y) in cases.items():
        x, y = numpy.asarray(x), numpy.asarray(y)
        pooled = numpy.concatenate([x, y])
        edges = numpy.histogram_bin_edges(pooled, "auto")
        dtype = "int" if pooled.dtype.kind == "i" else "f64"
        row = {"name": name, "dtype": dtype, "x": x.tolist(), "y": y.tolist(), "edges": edges.tolist()}
        rows.append(json.dumps(row))
    file.write("[\n" + ",\n".join(rows) + "\n]\n")
