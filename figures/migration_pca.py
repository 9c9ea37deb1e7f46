"""The same migration in the plane of the two largest variances of source and target.

    python figures/migration_pca.py

Reads what ``analyses/migration.py`` wrote.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from migration import caption
from publish import publish

from gapkit.plots import Scene, migration


def figure(results: Path) -> tuple[Any, str]:
    """The figure and its caption."""
    home = results / "migration"
    scene = Scene.read(home / "bridges-pca.npz")
    facts = json.loads((home / "migration.json").read_text(encoding="utf-8"))
    more = "The first component is nearly the gap itself; the axes are stretched to the panel."
    return migration(scene), f"{caption(scene, facts)} {more}"


if __name__ == "__main__":
    publish(__file__, figure)
