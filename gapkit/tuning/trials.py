"""Trials: one setting each, written whole, checked when read, computed once; and which of them are best."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from gapkit.study.record import read_record, write_record

NAN = (math.nan, math.nan)


@dataclass(frozen=True)
class Trial:
    """One setting and what it came to.

    Parameters
    ----------
    number : int
        Place in the search; 0 is the bridge's defaults.
    params : mapping
        The searched parameters.
    closure, kept : float
        Share of the gap that is closed, share of retrieval that is kept; NaN where the trial failed.
    closure_interval, kept_interval : pair of float
        95 %, bootstrap over clips.
    metrics : mapping of str to float
        Mean over seeds.
    seconds : float
        Wall time of fits, moves and scores.
    error : str
        Why the trial failed; empty where it did not.
    """

    number: int
    params: Mapping[str, Any]
    closure: float = math.nan
    kept: float = math.nan
    closure_interval: tuple[float, float] = NAN
    kept_interval: tuple[float, float] = NAN
    metrics: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    error: str = ""

    @property
    def complete(self) -> bool:
        """It did not fail."""
        return not self.error


def frontier(trials: Sequence[Trial]) -> list[Trial]:
    """The complete trials that no other beats on closure without losing on what is kept, best closure first.

    A trial is left out where another is at least as good on both and better on one; equal trials stand side by side.
    """
    best_kept, last_closure = -math.inf, math.nan
    found: list[Trial] = []
    for trial in sorted(filter(lambda t: t.complete, trials), key=lambda t: (-t.closure, -t.kept, t.number)):
        twin = trial.kept == best_kept and trial.closure == last_closure
        if trial.kept > best_kept or twin:
            found.append(trial)
            best_kept, last_closure = trial.kept, trial.closure
    return found


def choose(trials: Sequence[Trial], keep: float) -> tuple[Trial | None, bool]:
    """The trial of the highest closure among those that keep at least `keep`.

    Where none does, the highest closure among those that keep at least as much as the defaults (trial 0): a choice that
    is never worse than the defaults on either aim. Where the defaults failed, the trial that keeps most.

    Parameters
    ----------
    trials : sequence of Trial
    keep : float
        Least share of retrieval to be kept, in (0, 1].

    Returns
    -------
    trial : Trial or None
        None where all failed. Of equals the one that keeps more, then the earlier one.
    enough : bool
        Whether it keeps at least `keep`.
    """
    complete = [trial for trial in trials if trial.complete]
    enough = any(trial.kept >= keep for trial in complete)
    if not enough:
        most = max((trial.kept for trial in complete), default=math.nan)
        keep = next((trial.kept for trial in complete if trial.number == 0), most)
    able = [trial for trial in complete if trial.kept >= keep]
    return max(able, key=lambda t: (t.closure, t.kept, -t.number), default=None), enough


def write_trial(folder: Path, trial: Trial, key: str) -> None:
    """Write ``NUMBER.json``; `key` is the digest of the search that it belongs to.

    Raises
    ------
    GapkitError
        The disk is full or the folder cannot be written to.
    """
    write_record(_path(folder, trial.number), {"search": key, **record(trial)})


def read_trial(folder: Path, number: int, key: str) -> Trial | None:
    """The trial of that number, or None where there is none, or a byte of it is not as this search wrote it."""
    content = read_record(_path(folder, number), search=key)
    if content is None:
        return None
    try:
        del content["search"]
        numbers = {name: _number(content.pop(name)) for name in ("closure", "kept")}
        low_high = {name: tuple(map(_number, content.pop(name))) for name in ("closure_interval", "kept_interval")}
        return Trial(**content, **numbers, **low_high)  # type: ignore[arg-type]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def record(trial: Trial) -> dict[str, Any]:
    """The trial as JSON holds it: undefined numbers are null."""
    content = asdict(trial)
    for name in ("closure", "kept"):
        content[name] = _json(content[name])
        content[f"{name}_interval"] = [_json(end) for end in content[f"{name}_interval"]]
    return content


def _path(folder: Path, number: int) -> Path:
    return folder / f"{number:04d}.json"


def _json(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
