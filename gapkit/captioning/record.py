"""A cell: the captions of one row with one seed, and their scores. Written whole, checked when read."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from gapkit.atomic import write_text


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


def write_record(path: Path, content: Mapping[str, Any]) -> None:
    """JSON with its own digest; NaN becomes null.

    Raises
    ------
    GapkitError
        It cannot be written.
    """
    plain = _plain(dict(content))
    write_text(path, json.dumps({**plain, "digest": _digest(plain)}, ensure_ascii=False) + "\n")


def read_record(path: Path, key: str) -> dict[str, Any] | None:
    """What `write_record` wrote, if it is of this key and not a byte has changed."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        digest = content.pop("digest")
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return None
    if not isinstance(content, dict) or content.get("key") != key or digest != _digest(content):
        return None
    return content


def write_cell(path: Path, cell: CaptionCell) -> None:
    """See `write_record`."""
    write_record(path, asdict(cell))


def read_cell(path: Path, key: str) -> CaptionCell | None:
    """The cell of this key, or None."""
    content = read_record(path, key)
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


def _plain(value: Any) -> Any:
    """JSON has no NaN."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _digest(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
