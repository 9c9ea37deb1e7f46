"""The picture of imports in docs/architecture.md: which part of gapkit imports which, in the order of its layers.

    python docs/pictures/imports.py

Read from the code, so it is never out of date: a test compares the file with what the code says now.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path
from xml.sax.saxutils import escape

import grimp

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "docs" / "images" / "imports.svg"
CELL, LEFT, TOP, MARGIN = 26, 104, 104, 12


def layers() -> list[list[str]]:
    """The order of the parts, highest first; those of one layer do not import each other."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = settings["tool"]["importlinter"]["contracts"]
    return [[part.strip() for part in layer.split("|")] for layer in contract["layers"]]


def imports() -> Counter[tuple[str, str]]:
    """How many modules of a part import another part; (importer, imported)."""
    graph = grimp.build_graph("gapkit", cache_dir=None)
    found: Counter[tuple[str, str]] = Counter()
    for module in graph.modules - {"gapkit"}:
        used = {name.split(".")[1] for name in graph.find_modules_directly_imported_by(module) if "." in name}
        here = module.split(".")[1]
        found.update((here, part) for part in used - {here})
    return found


def draw(order: list[list[str]], counts: Counter[tuple[str, str]]) -> str:
    """A matrix: a row for each part that imports, a column for each that is imported, both in the order of layers."""
    parts = [part for layer in order for part in layer]
    place = {part: i for i, part in enumerate(parts)}
    side = CELL * len(parts)
    width, height = LEFT + side + MARGIN, TOP + side + MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="12">',
        "<title>Imports between the parts of gapkit</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    start = 0
    for layer in order:
        x, y, size = LEFT + CELL * start, TOP + CELL * start, CELL * len(layer)
        lines.append(f'<rect x="{LEFT}" y="{y}" width="{side}" height="{size}" fill="none" stroke="#d5dbe1"/>')
        lines.append(f'<rect x="{x}" y="{TOP}" width="{size}" height="{side}" fill="none" stroke="#d5dbe1"/>')
        lines.append(f'<rect x="{x}" y="{y}" width="{size}" height="{size}" fill="#d5dbe1"/>')
        start += len(layer)
    for part, i in place.items():
        middle = CELL * i + CELL / 2
        lines.append(f'<text x="{LEFT - 6}" y="{TOP + middle + 4:g}" text-anchor="end">{escape(part)}</text>')
        lines.append(f'<text transform="translate({LEFT + middle + 4:g} {TOP - 6}) rotate(-90)">{escape(part)}</text>')
    for (importer, imported), count in sorted(counts.items(), key=lambda e: (place[e[0][0]], place[e[0][1]])):
        x, y = LEFT + CELL * place[imported], TOP + CELL * place[importer]
        good = place[imported] > place[importer]
        lines.append(
            f'<rect x="{x + 2}" y="{y + 2}" width="{CELL - 4}" height="{CELL - 4}" rx="3" '
            f'fill="{"#2f6f9f" if good else "#c0392b"}"><title>{escape(importer)} imports {escape(imported)}: '
            f"{count} modules</title></rect>"
        )
        lines.append(
            f'<text x="{x + CELL / 2:g}" y="{y + CELL / 2 + 4:g}" text-anchor="middle" fill="#ffffff" '
            f'font-size="11">{count}</text>'
        )
    return "\n".join([*lines, "</svg>"]) + "\n"


if __name__ == "__main__":
    OUT.write_text(draw(layers(), imports()), encoding="utf-8")
