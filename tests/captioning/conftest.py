from __future__ import annotations

import shutil

import pytest

from .standins import fake_java


@pytest.fixture(scope="session")
def java() -> str:
    """The java program; tests that need it skip where there is none."""
    pytest.importorskip("pycocoevalcap", reason="pycocoevalcap is not installed")
    found = shutil.which("java")
    if found is None:
        pytest.skip("Java is not installed")
    return found


@pytest.fixture
def counting_java(tmp_path) -> str:
    """A stand-in that answers at once."""
    pytest.importorskip("pycocoevalcap", reason="pycocoevalcap is not installed")
    return str(fake_java(tmp_path))


@pytest.fixture
def references() -> dict[str, list[str]]:
    return {
        "a": ["a dog barks in the rain", "a dog is barking while it rains", "barking of a dog"],
        "b": ["a car passes by on a wet road", "a car drives past"],
        "c": ["birds sing in the trees", "birds are singing and a man speaks"],
        "d": ["water runs from a tap", "someone fills a glass with water"],
    }


@pytest.fixture
def candidates() -> dict[str, str]:
    return {
        "a": "a dog barks in the rain",
        "b": "a car passes by",
        "c": "a man speaks and birds are singing in the trees",
        "d": "a man speaks",
    }
