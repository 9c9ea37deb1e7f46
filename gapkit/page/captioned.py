"""The captions of a caption study, clip by clip: what the page shows of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gapkit.captioning import CaptionResults
from gapkit.captioning.helping import FOLDER
from gapkit.captioning.protocols import ids_of, references_of
from gapkit.captioning.results import CHOSEN
from gapkit.captioning.scores.catalogue import SCORES
from gapkit.comparison.run import Run
from gapkit.errors import InputError

MOST = 30_000
"""Captions that a page holds, at most."""
LONGEST = 500
"""Characters of a caption that it keeps."""


@dataclass(frozen=True, eq=False)
class Captioned:
    """What a caption study wrote for some clips.

    Parameters
    ----------
    ids : tuple of str
    references : tuple of tuple of str
        What people said of each clip.
    scores : tuple of str
        Scores that a clip has.
    parts : tuple of mapping
        Each a protocol and training: ``label``, and ``rows``: bridge, captions (one a clip) and values (a list a score,
        one number a clip, NaN where undefined).
    remarks : tuple of str
    """

    ids: tuple[str, ...]
    references: tuple[tuple[str, ...], ...]
    scores: tuple[str, ...]
    parts: tuple[dict[str, Any], ...]
    remarks: tuple[str, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """What people call the scores."""
        return tuple(SCORES[name].label if name in SCORES else name for name in self.scores)

    def data(self) -> dict[str, Any]:
        """Plain values that JSON holds, for the script of the section."""
        return {
            "ids": list(self.ids),
            "references": [list(own) for own in self.references],
            "scores": list(self.scores),
            "labels": list(self.labels),
            "parts": [
                {"label": part["label"], "rows": [{**row, "values": _plain(row["values"])} for row in part["rows"]]}
                for part in self.parts
            ],
        }


def caption_folder(run: Run, given: Path | None) -> Path | None:
    """The caption study of a run: the one that is given, or that in its folder; None where there is none."""
    inside = run.folder / FOLDER
    return given if given is not None else inside if (inside / "manifest.json").is_file() else None


def read_captioned(run: Run, folder: Path, *, max_clips: int) -> Captioned:
    """The captions of a study of the same data.

    Parameters
    ----------
    run : Run
    folder : path
        What `gapkit caption study` wrote.
    max_clips : int
        Clips that are shown, at most; fewer where the page would grow too large. Evenly chosen.

    Returns
    -------
    Captioned
        Captions of the first seed.

    Raises
    ------
    InputError
        No finished caption study there, or one of other data.
    """
    results = CaptionResults.read(folder)
    known, names = results.manifest["input"]["content_hash"], ids_of(run.test)
    if known != run.pairs.content_hash() or list(results.manifest["ids"]) != names:
        raise InputError(
            f"{folder}: its captions are of other clips ({results.manifest['input']['name']}) than those of "
            f"{run.folder} ({run.name}); give the caption study of the same data and splits"
        )
    seed = min(results.manifest["seeds"])
    captions = results.captions[results.captions["seed"] == seed]
    values = results.per_clip[results.per_clip["seed"] == seed]
    keys = ["protocol", "training", "bridge"]
    said = {key: own.set_index("id")["caption"] for key, own in captions.groupby(keys, sort=False)}
    scored = {key: own.pivot(index="id", columns="score", values="value") for key, own in values.groupby(keys)}
    scores = tuple(dict.fromkeys(values["score"]))
    parts = [part for part in results.groups() if not part[1].startswith("bridged")]
    total = sum(len(results.bridges(*part)) for part in parts)
    shown = min(len(names), max_clips, max(1, MOST // max(total, 1)))
    clips = [names[k] for k in np.linspace(0, len(names) - 1, shown).round().astype(int)]
    found, missing = [], 0
    for protocol, training in parts:
        rows = []
        for bridge in results.bridges(protocol, training):
            actual = results.chosen[bridge] if training == CHOSEN else training
            key = (protocol, actual, bridge)
            if key not in said:  # its decoder failed with this seed
                missing += 1
                continue
            table = scored.get(key, pd.DataFrame()).reindex(index=clips, columns=list(scores))
            rows.append(
                {
                    "bridge": bridge if actual == training else f"{bridge} ({actual})",
                    "captions": [shortened(text) for text in said[key].loc[clips]],
                    "values": [table[score].tolist() for score in scores],
                }
            )
        label = protocol if training == "source" else f"{protocol}, {training}"
        if rows:
            found.append({"label": label, "rows": rows})
    references = references_of(run.test)
    remarks = [f"Captions of seed {seed}; scores of clips, which are noisier than those of all."]
    if missing:
        remarks.append(f"{missing} rows are not here: their decoder failed with this seed.")
    if shown < len(names):
        remarks.append(f"Shows {shown:,} of {len(names):,} clips, evenly chosen.")
    return Captioned(
        tuple(clips),
        tuple(tuple(map(shortened, references[clip])) for clip in clips),
        scores,
        tuple(found),
        tuple(remarks),
    )


def shortened(caption: str) -> str:
    """As much of a caption as the page keeps."""
    return caption if len(caption) <= LONGEST else f"{caption[: LONGEST - 1]}…"


def _plain(values: list[list[float]]) -> list[list[float | None]]:
    """Three digits; nothing where a score is undefined."""
    return [[round(float(v), 3) if np.isfinite(v) else None for v in own] for own in values]
