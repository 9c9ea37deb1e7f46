"""Cosines of pairs and of unrelated pairs, before and after Diffusion-Link.

    python figures/cosines.py

Reads what ``analyses/migration.py`` wrote.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from publish import publish

from gapkit.metrics import METRICS
from gapkit.plots import Cosines, cosines

BEFORE = "source before"


def figure(results: Path) -> tuple[Any, str]:
    """The figure and its caption."""
    home = results / "migration"
    facts = json.loads((home / "migration.json").read_text(encoding="utf-8"))
    names = (BEFORE, facts["subject"])
    with np.load(home / "clips.npz", allow_pickle=False) as file:
        parts = {n: [file[f"{side}/{n}"].astype(np.float64) for side in ("own", "strangers")] for n in names}
    found = {name: Cosines(*both) for name, both in parts.items()}
    return cosines(found, title=facts["dataset"]), caption(found, facts)


def caption(found: dict[str, Cosines], facts: dict[str, Any]) -> str:
    """What is seen, and the numbers that it rests on."""
    text = METRICS.get("cosine").text
    means = {name: (own.own.mean(), own.strangers.mean()) for name, own in found.items()}
    said = [f"{text(own - other)} ({text(own)} against {text(other)})" for own, other in means.values()]
    return f"""
    **Cosines between sounds and captions**, `{facts["dataset"]}`, {facts["clips"]:,} test clips. Filled: a clip and its
    own captions; dashed: {len(found[BEFORE].strangers):,} unrelated pairs, the same ones before and after. Both move to
    the right when the gap closes: what tells pairs from strangers is their distance, {said[0]} before and {said[1]}
    after `{facts["subject"]}`.
    """


if __name__ == "__main__":
    publish(__file__, figure)
