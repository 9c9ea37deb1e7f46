"""The page docs/bridge-options.md: the options of every bridge, as the code declares them.

    python docs/tables/bridge_options.py

A test compares the page with what the code says now.
"""

from __future__ import annotations

from pathlib import Path

from gapkit.bridges.registry import BRIDGES
from gapkit.options import options_of

OUT = Path(__file__).resolve().parents[1] / "bridge-options.md"

TOP = """# Options of the bridges

Every option of every bridge: its default, the values that it may have, and what `gapkit tune` tries.
`gapkit list bridges NAME` prints the same. `docs/tables/bridge_options.py` writes this page from the code.
"""


def page() -> str:
    """The whole page."""
    parts = [TOP + "\n"]
    for name in sorted(BRIDGES.names()):
        options = options_of(BRIDGES.get(name))
        if BRIDGES.origin(name) != "gapkit" or not options:
            continue
        parts.append(f"## {name}\n\n| option | default | allowed | searched | what it does |\n|---|---|---|---|---|\n")
        for found in options.values():
            searched = "" if found.search is None else str(found.search)
            cells = (f"`{found.name}`", f"`{found.default}`", found.allowed, searched, found.doc)
            parts.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n")
        parts.append("\n")
    return "".join(parts).replace("|\n## ", "|\n\n## ").rstrip() + "\n"


if __name__ == "__main__":
    OUT.write_text(page(), encoding="utf-8")
