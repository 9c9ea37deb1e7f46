"""The architecture page shows the imports as they are; none runs against the order of the layers or in a circle."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType

import grimp
import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

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


Imports = Mapping[str, Iterable[str]]


@pytest.fixture(scope="module")
def imports() -> Imports:
    """Modules that each module imports, in functions and for types alone too."""
    graph = grimp.build_graph("gapkit", cache_dir=None)
    return {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}


def circles(imports: Imports) -> list[set[str]]:
    """Sets of modules that reach each other."""
    modules = sorted(imports)
    edges = [(modules.index(module), modules.index(other)) for module in modules for other in imports[module]]
    graph = coo_array((np.ones(len(edges)), tuple(np.transpose(edges))), shape=(len(modules),) * 2)
    _, circle = connected_components(graph, connection="strong")
    found = [{module for module, own in zip(modules, circle, strict=True) if own == k} for k in range(circle.max() + 1)]
    return [own for own in found if len(own) > 1]


def shared_private(imports: Imports, most: int = 3) -> set[str]:
    """Modules with a leading underscore that another folder imports, or more than `most` modules."""
    private = {name for name in imports if re.search(r"\._(?!_)", name)}
    importers = {name: [module for module, own in imports.items() if name in own] for name in private}
    folder = {name: name.rpartition(".")[0] for name in imports}
    return {
        name
        for name, own in importers.items()
        if len(own) > most or any(folder[module] != folder[name] and module != folder[name] for module in own)
    }


def test_no_import_runs_in_a_circle(imports: Imports) -> None:
    assert len(imports) > 300
    assert circles(imports) == []


def test_no_module_with_a_leading_underscore_is_shared(imports: Imports) -> None:
    assert shared_private(imports) == set()


def test_circles_and_shared_private_modules_are_seen() -> None:
    imports = {"p.a": ["p.b"], "p.b": ["p.c"], "p.c": ["p.a"], "p.d": ["p.a", "p._e"], "p._e": [], "q.f": []}
    assert circles(imports) == [{"p.a", "p.b", "p.c"}]
    assert shared_private(imports) == set()
    assert shared_private({**imports, "q.f": ["p._e"]}) == {"p._e"}
    assert shared_private(imports, most=0) == {"p._e"}
