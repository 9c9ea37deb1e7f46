"""A cell: the captions of one row with one seed, and their scores. Written whole, checked when read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from gapkit.captioning.plan import Reading, Spec
from gapkit.captioning.scores import CaptionScores
from gapkit.study.record import read_record, write_record


@dataclass(frozen=True)
class CaptionCell:
    """What one row came to with one seed.

    Parameters
    ----------
    protocol, training, bridge : str
    seed : int
    key : str
        Digest of all that the cell depends on.
    level : float
        Of the decoder's training, or the weight of the projection of what it read.
    beams : int
    captions : mapping of clip to caption
    per_clip : mapping of score to list of float
        In the order of the captions; NaN where undefined.
    corpus : list of mapping
        score, value, ci_low, ci_high, n.
    absent : mapping of score to str
        Why a score is not there.
    tokenizer : str
    seconds : mapping of stage to float
    """

    protocol: str
    training: str
    bridge: str
    seed: int
    key: str
    level: float
    beams: int
    captions: Mapping[str, str]
    per_clip: Mapping[str, list[float]]
    corpus: list[Mapping[str, Any]]
    absent: Mapping[str, str] = field(default_factory=dict)
    tokenizer: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)

    def value(self, score: str) -> float:
        """A score over all captions; NaN where there is none."""
        return next((float(row["value"]) for row in self.corpus if row["score"] == score), math.nan)


def cell_of(
    spec: Spec,
    reading: Reading,
    key: str,
    captions: Mapping[str, str],
    scores: CaptionScores,
    seconds: Mapping[str, float],
) -> CaptionCell:
    """The cell of what a row has written and what it scored."""
    row = reading.row
    table = scores.per_clip.reindex(list(captions))
    return CaptionCell(
        row.protocol, row.training, row.bridge, spec.seed, key, reading.weight or spec.level, reading.beams, captions,
        {str(name): [float(v) for v in table[name]] for name in table.columns},
        [
            {str(name): (str(value) if name == "score" else float(value)) for name, value in line.items()}
            for line in scores.corpus[["score", "value", "ci_low", "ci_high", "n"]].to_dict("records")
        ],
        dict(scores.absent),
        scores.tokenizer,
        seconds,
    )  # fmt: skip


def with_late_scores(old: CaptionCell, fresh: CaptionCell, late: Sequence[str], order: Sequence[str]) -> CaptionCell:
    """A cell with scores that it lacked, out of a fresh one; `order` is that of all scores."""
    columns = {name: fresh.per_clip[name] for name in late if name in fresh.per_clip}
    lines = [line for line in fresh.corpus if line["score"] in late]
    there = {line["score"] for line in lines}
    return replace(
        old,
        per_clip=dict(sorted({**old.per_clip, **columns}.items(), key=lambda item: order.index(item[0]))),
        corpus=sorted([*old.corpus, *lines], key=lambda line: order.index(line["score"])),
        absent={name: fresh.absent.get(name, why) for name, why in old.absent.items() if name not in there},
    )


def write_cell(path: Path, cell: CaptionCell) -> None:
    """See `write_record`."""
    write_record(path, asdict(cell))


def read_cell(path: Path, key: str) -> CaptionCell | None:
    """The cell of this key, or None."""
    content = read_record(path, key=key)
    if content is None:
        return None
    try:
        content["per_clip"] = {score: [_number(v) for v in values] for score, values in content["per_clip"].items()}
        content["corpus"] = [
            {name: math.nan if value is None else value for name, value in row.items()} for row in content["corpus"]
        ]
        return CaptionCell(**content)
    except (AttributeError, TypeError, KeyError):
        return None


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
