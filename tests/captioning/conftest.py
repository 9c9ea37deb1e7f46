from __future__ import annotations

import shutil

import pytest


@pytest.fixture(scope="session")
def java() -> str:
    """The java program; tests that need it skip where there is none."""
    pytest.importorskip("pycocoevalcap", reason="pycocoevalcap is not installed")
    found = shutil.which("java")
    if found is None:
        pytest.skip("Java is not installed")
    return found
