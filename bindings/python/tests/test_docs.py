"""The examples in docstrings run, and the package says what it is."""

import doctest
import importlib
import inspect

import pytest

import kldiv

MODULES = ["kldiv", "kldiv._errors", "kldiv._measures", "kldiv._pairs", "kldiv._training", "kldiv._estimates"]


@pytest.mark.parametrize("name", [*MODULES, "kldiv.family", "kldiv.torch"])
def test_examples_run(name):
    if name == "kldiv.torch":
        pytest.importorskip("torch")
    module = importlib.import_module(name)
    found = doctest.testmod(module, optionflags=doctest.IGNORE_EXCEPTION_DETAIL)
    assert found.failed == 0 and found.attempted > 0


def test_everything_public_is_documented():
    for name in kldiv.__all__:
        thing = getattr(kldiv, name)
        if inspect.isfunction(thing) or inspect.isclass(thing):
            assert inspect.getdoc(thing), name
            if inspect.isfunction(thing):
                assert all(x.annotation is not x.empty for x in inspect.signature(thing).parameters.values()), name


def test_importing_the_package_imports_no_torch():
    import subprocess
    import sys

    code = "import sys, kldiv; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
