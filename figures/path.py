"""Metrics against the reverse step, for each diffusion bridge.

    python figures/path.py

Reads what ``analyses/migration.py`` wrote.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
from publish import OVER, listed, publish

from gapkit.plots import path


def figure(results: Path) -> tuple[Any, str]:
    """The figure and its caption."""
    table = pd.read_csv(results / "migration" / "path.csv")
    facts = json.loads((results / "migration" / "migration.json").read_text(encoding="utf-8"))
    numbers = {str(name): own for name, own in table.groupby("bridge", sort=False)}
    return path(numbers, columns=2), caption(table, facts)


def caption(table: pd.DataFrame, facts: dict[str, Any]) -> str:
    """What is seen."""
    names = [name for name in facts["bridges"] if name in set(table["bridge"])]
    return f"""
    **What each reverse step brings**, `{facts["dataset"]}`, {facts["clips"]:,} test clips. *src*: the sounds as they
    are; step 0: where the process begins. {listed(names)} with the number of steps of the tables, and
    `{facts["subject"]}` once more with {facts["shown_steps"]}. A process that begins at the shifted source has closed
    most of the gap before its first step; one that begins at noise finds nothing at step 0 and has to bring the clip
    back. Bands: {OVER}; seed {facts["seed"]}.
    """


if __name__ == "__main__":
    publish(__file__, figure)
