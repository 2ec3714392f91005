"""The bare C library, driven by cffi from the header's own declarations: the same bits as from Python."""

import os
import re
from pathlib import Path

import numpy as np
import pytest

import kldiv
from reference import bits, numbers, table

cffi = pytest.importorskip("cffi")
HEADER = Path(__file__).resolve().parents[3] / "include" / "kldiv.h"
DTYPES = {"float64": 1, "float32": 2, "float16": 3, "int64": 5, "uint64": 6}


@pytest.fixture(scope="module")
def c():
    path = os.environ.get("KLDIV_LIBRARY")
    if not path:
        pytest.skip("KLDIV_LIBRARY does not say where libkldiv is")
    text = HEADER.read_text()
    text = re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.S).replace("\\\n", " ")
    text = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    text = text.replace("KLDIV_NODISCARD", "").replace('extern "C" {', "")
    text = text.rstrip().removesuffix("}")
    ffi = cffi.FFI()
    ffi.cdef(text)
    return ffi, ffi.dlopen(path)


def view(ffi, array):
    strides = [stride // array.itemsize for stride in array.strides]
    made = ffi.new("kldiv_view *")
    made.data = ffi.cast("void *", array.__array_interface__["data"][0])
    made.rows, made.cols = array.shape
    made.row_stride, made.col_stride = strides
    made.dtype = DTYPES[array.dtype.name]
    return made


def options(ffi, **given):
    made = ffi.new("kldiv_options *")
    made.struct_size = ffi.sizeof("kldiv_options")
    for name, value in given.items():
        setattr(made, name, value)
    return made


def doubles(ffi, array):
    return ffi.from_buffer("double[]", array)


def test_the_versions_are_one(c):
    ffi, library = c
    major, minor, patch = map(int, kldiv.__version__.split("."))
    assert library.kldiv_version() == major * 10000 + minor * 100 + patch
    assert ffi.string(library.kldiv_active_isa()).decode() == kldiv.active_isa


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in table("discrete")])
def test_two_vectors_have_the_same_bits(c, case):
    ffi, library = c
    p, q = numbers(case["p"], case["dtype"]), numbers(case["q"], case["dtype"])
    out = np.empty(1)
    call = library.kldiv_kl_f64 if case["dtype"] == "f64" else library.kldiv_kl_f32
    kind = "double[]" if case["dtype"] == "f64" else "float[]"
    assert call(ffi.from_buffer(kind, p), ffi.from_buffer(kind, q), len(p), doubles(ffi, out)) == 0
    assert bits(np.float64(kldiv.kl(p, q))) == bits(out[0])
    for number, measure in enumerate((kldiv.kl, kldiv.generalized, kldiv.reverse, kldiv.jeffreys, kldiv.js)):
        made = options(ffi, measure=number, base=2.0)
        assert library.kldiv_rows(view(ffi, p[None]), view(ffi, q[None]), made, doubles(ffi, out)) == 0
        assert bits(np.float64(measure(p, q, base=2))) == bits(out[0])


@pytest.mark.parametrize("dtype", DTYPES)
def test_matrices_have_the_same_bits(c, dtype):
    ffi, library = c
    rng = np.random.default_rng(5)
    p, q = ((rng.random((300, 400)) * 1000 + 1).astype(dtype)[::-1, ::3] for _ in range(2))
    weights, mask = rng.random(300), (rng.random(300) < 0.7).astype(np.uint8)
    made = options(ffi, normalization=1, smoothing=0.5)
    made.weights, made.mask = doubles(ffi, weights), ffi.from_buffer("uint8_t[]", mask)
    rows, one = np.empty(300), np.empty(1)
    assert library.kldiv_rows(view(ffi, p), view(ffi, q), made, doubles(ffi, rows)) == 0
    assert library.kldiv_kl(view(ffi, p), view(ffi, q), made, doubles(ffi, one)) == 0
    given = {"normalization": "normalize", "smoothing": 0.5, "weights": weights, "mask": mask}
    assert bits(kldiv.kl(p, q, **given)) == bits(rows)
    assert bits(np.float64(kldiv.kl(p, q, reduction="sum", **given))) == bits(one[0])
    # The same rows in three dimensions that are no matrix.
    deep = [np.moveaxis(np.ascontiguousarray(np.moveaxis(x.reshape(10, 30, -1), 0, 1)), 0, 1) for x in (p, q)]
    shaped = {**given, "weights": weights.reshape(10, 30), "mask": mask.reshape(10, 30)}
    assert bits(np.float64(kldiv.kl(*deep, reduction="sum", **shaped))) == bits(one[0])


def test_what_trains_models_has_the_same_bits(c):
    ffi, library = c
    rng = np.random.default_rng(6)
    a, b = (rng.standard_normal((50, 1000)).astype(np.float32) for _ in range(2))
    out, one = np.empty(50), np.empty(1)
    assert library.kldiv_logits(view(ffi, a), view(ffi, b), options(ffi, temperature=2.0), doubles(ffi, out)) == 0
    assert bits(kldiv.logits(a, b, temperature=2.0)) == bits(out)
    made = options(ffi, log_target=1, reduction=2)
    assert library.kldiv_loss(view(ffi, a), view(ffi, b), made, doubles(ffi, one)) == 0
    assert bits(np.float64(kldiv.loss(a, b, "batchmean", True))) == bits(one[0])
    assert library.kldiv_vae(view(ffi, a), view(ffi, b), ffi.NULL, ffi.NULL, ffi.NULL, doubles(ffi, out)) == 0
    assert bits(kldiv.vae(a, b)) == bits(out)
    params = np.abs(a[:, :2].astype(np.float64)) + 0.1
    other = np.abs(b[:, :2].astype(np.float64)) + 0.1
    for name, number in kldiv.family._NUMBERS.items():
        if name in ("normal", "gamma", "weibull", "logistic"):
            status = library.kldiv_family(
                number, view(ffi, params), number, view(ffi, other), ffi.NULL, doubles(ffi, out)
            )
            kind = {"normal": "Normal", "gamma": "Gamma", "weibull": "Weibull", "logistic": "Logistic"}[name]
            kind = getattr(kldiv.family, kind)
            assert status == 0
            assert bits(kldiv.family.kl(kind.of_rows(params), kind.of_rows(other))) == bits(out)


def test_errors_are_told_alike(c):
    ffi, library = c
    p, q = np.full((3, 4), 0.25), np.full((3, 4), 0.25)
    q[2, 1] = -0.5
    out = np.empty(3)
    assert library.kldiv_rows(view(ffi, p), view(ffi, q), ffi.NULL, doubles(ffi, out)) == 30
    told = ffi.new("kldiv_error *")
    told.struct_size = ffi.sizeof("kldiv_error")
    library.kldiv_last_error(told)
    with pytest.raises(kldiv.KLDivError) as raised:
        kldiv.kl(p, q)
    assert str(raised.value) == ffi.string(told.message).decode()
    assert raised.value.index == (told.row, told.col) and raised.value.value == told.value
