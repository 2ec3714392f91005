"""libkldiv as the benches call it; include/kldiv.h says what everything is."""

import ctypes as c
import os

LIBRARY = c.CDLL(os.environ["KLDIV_LIBRARY"])


def peers():
    """The C peers of the bench that runs."""
    return c.CDLL(os.environ["KLDIV_PEERS"])


class View(c.Structure):
    """kldiv_view and kldiv_view_mut."""

    _fields_ = [
        ("data", c.c_void_p),
        ("rows", c.c_size_t),
        ("cols", c.c_size_t),
        ("row_stride", c.c_ssize_t),
        ("col_stride", c.c_ssize_t),
        ("dtype", c.c_uint32),
    ]


class Options(c.Structure):
    """kldiv_options."""

    _fields_ = (
        [("struct_size", c.c_size_t)]
        + [(name, c.c_uint32) for name in "measure normalization reduction invalid log_target threads".split()]
        + [(name, c.c_uint32) for name in "estimator topk log_density dim".split()]
        + [(name, c.c_double) for name in "base alpha temperature js_weight smoothing mass_tolerance".split()]
        + [("rel_tolerance", c.c_double), ("mask", c.c_void_p), ("weights", c.c_void_p)]
    )
