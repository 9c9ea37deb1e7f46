"""The architecture page shows the imports as they are, and none runs against the order of the layers."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def picture() -> ModuleType:
    spec = importlib.util.spec_from_file_location("imports_picture", ROOT / "docs" / "pictures" / "imports.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_picture_is_that_of_the_code(picture: ModuleType) -> None:
    drawn = picture.draw(picture.layers(), picture.imports())
    assert picture.OUT.read_text(encoding="utf-8") == drawn, "write it again: python docs/pictures/imports.py"


def test_every_part_has_its_layer_and_no_import_runs_against_the_order(picture: ModuleType) -> None:
    level = {part: i for i, layer in enumerate(picture.layers()) for part in layer}
    parts = {p.stem for p in (ROOT / "gapkit").iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()}
    assert set(level) == parts - {"__init__"}
    assert [edge for edge in picture.imports() if level[edge[0]] >= level[edge[1]]] == []


def test_an_import_against_the_order_is_seen(picture: ModuleType) -> None:
    text = picture.draw([["top"], ["low"]], {("low", "top"): 1})
    assert "low imports top: 1 modules" in text
    assert "#c0392b" in text


def test_the_tour_leads_to_files_that_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:gapkit|tests)/[\w/]+\.py)`", text)
    assert len(named) > 20
    assert [name for name in named if not (ROOT / name).is_file()] == []
