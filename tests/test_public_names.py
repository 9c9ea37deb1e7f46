from __future__ import annotations

import subprocess
import sys

import pytest

import gapkit


@pytest.mark.parametrize("name", gapkit.__all__)
def test_every_public_name_loads(name):
    assert getattr(gapkit, name) is not None
    assert name in dir(gapkit)


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match="no attribute 'brigde'"):
        _ = gapkit.brigde


def test_importing_gapkit_imports_nothing_heavy():
    heavy = ("torch", "numpy", "sklearn", "numba", "pandas", "matplotlib")
    code = f"import sys, gapkit; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
