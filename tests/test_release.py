"""What names the version or the extras says the same everywhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import gapkit

ROOT = Path(__file__).resolve().parents[1]


def test_one_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    said = re.search(r"^version: (.+)$", citation, flags=re.MULTILINE)
    assert said is not None
    assert {project["version"], gapkit.__version__, said[1]} == {gapkit.__version__}
    assert f"license: {project['license']}" in citation


def test_the_citation_names_the_paper() -> None:
    yaml = pytest.importorskip("yaml", reason="comes with the extra docs")
    content = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(content)
    assert "https://arxiv.org/abs/2510.11330" in [reference["url"] for reference in content["references"]]
    for entry in (content, *content["references"]):
        assert all("name" in one or {"family-names", "given-names"} <= set(one) for one in entry["authors"])


def test_the_changelog_says_what_is_not_released_yet_and_the_sections_of_versions_have_days() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    heads = re.findall(r"^## (.+)$", text, flags=re.MULTILINE)
    assert heads[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", head) for head in heads[1:])
