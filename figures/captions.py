"""Captions against the gap that is closed, a point a bridge.

    python figures/captions.py

Reads what ``analyses/captioning.py`` and ``analyses/modality_gap.py`` wrote.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
from publish import OVER, one, publish

from gapkit.plots import beside_closure, caption_scores, rank_correlation

DATASET, SUBJECT, SCORE = "soundscapes", "diffusion-link", "cider_d"
PARTS = (
    ("zero-shot", "clean", "Zero-shot"),
    ("zero-shot", "noise", "Zero-shot, noise in training"),
    ("zero-shot", "projected", "Zero-shot, answers projected"),
    ("supervised", "source", "Supervised"),
)


def figure(results: Path) -> tuple[Any, str]:
    """The figure and its caption."""
    captions = pd.read_csv(results / "captioning" / f"{DATASET}.csv")
    facts = json.loads((results / "captioning" / f"{DATASET}.json").read_text(encoding="utf-8"))
    parts = [part for part in PARTS if ((captions["protocol"] == part[0]) & (captions["training"] == part[1])).any()]
    table = beside_closure(captions, pd.read_csv(results / "modality_gap" / f"{DATASET}.csv"), SCORE)
    ceilings = [
        float(one(captions, protocol=p, training=t, bridge="oracle", score=SCORE)["value"]) for p, t, _ in parts
    ]
    axes = caption_scores(table, parts, ceilings=ceilings, highlight=[SUBJECT])
    return axes, caption(table, facts, parts)


def caption(table: pd.DataFrame, facts: dict[str, Any], parts: list[tuple[str, str, str]]) -> str:
    """What is seen, and how far closure and captions go together."""
    said = []
    for protocol, training, title in parts:
        own = table[(table["protocol"] == protocol) & (table["training"] == training)]
        found = rank_correlation(own["closed"], own["value"])
        said.append(
            f"{title[0].lower()}{title[1:]}: {found.value:+.2f} [{found.low:+.2f}, {found.high:+.2f}] ({len(own)} "
            "bridges)"
        )
    return f"""
    **Captions against the gap that is closed**, `{DATASET}`, {facts["parts"]["test"]["clips"]:,} test clips, mean over
    seeds {", ".join(map(str, facts["seeds"]))}. Right: share of the gap that a bridge closes, mean over four metrics
    (see frontier). Up: CIDEr-D of the captions that the same decoder writes from its answers; bars are {OVER}.
    Spearman's rank correlation of the two, with its interval over resamples of bridges: {"; ".join(said)}.
    """


if __name__ == "__main__":
    publish(__file__, figure)
