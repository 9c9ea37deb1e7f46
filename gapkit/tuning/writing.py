"""The files of a search: the chosen setting for `gapkit compare` and `gapkit fit`, the trials, the frontier."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from gapkit.atomic import write_text
from gapkit.errors import printable
from gapkit.study.folder import SCHEMA
from gapkit.study.manifest import PACKAGES, software, times, write_manifest
from gapkit.tuning.result import TuningResult

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def write_files(
    result: TuningResult, folder: Path, *, device: str, findings: Sequence[str], began: dt.datetime
) -> None:
    """Write ``tuned.toml``, ``trials.csv``, ``frontier.md`` and ``tune.json`` into `folder`. Times are UTC.

    Raises
    ------
    GapkitError
        The disk is full or the folder cannot be written to.
    """
    write_text(folder / "trials.csv", result.to_csv())
    write_text(folder / "frontier.md", result.to_markdown())
    write_text(folder / "tuned.toml", to_toml(result))
    manifest = {
        "schema": SCHEMA,
        **result.study,
        "keep": result.keep,
        "chosen": {"number": result.best.number, "params": result.chosen, "keeps_enough": result.enough},
        "closure_metrics": list(result.metrics),
        "trials": len(result.trials),
        "failed": sum(not trial.complete for trial in result.trials),
        **software((*PACKAGES, "optuna")),
        "device": device,
        "threads": torch.get_num_threads(),
        "findings": list(findings),
        **times(began),
    }
    write_manifest(folder / "tune.json", manifest)


def to_toml(result: TuningResult) -> str:
    """The chosen setting as ``[bridges.NAME]``, for ``gapkit compare --config`` and ``gapkit fit --config``.

    A parameter that is None is left out: TOML has no word for it, and the bridge's default says it.
    """
    best, name = result.best, printable(" ".join(str(result.study.get("name", "pairs")).split()))
    lines = [
        f"# gapkit tune {result.bridge} on {name}: trial {best.number} of {len(result.trials)}, "
        f"closure {best.closure:.3f}, kept {best.kept:.3f}",
        f"[bridges.{_key(result.bridge)}]",
    ]
    lines += [f"{_key(key)} = {_value(value)}" for key, value in _given(result.chosen).items()]
    return "\n".join(lines) + "\n"


def _given(params: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in params.items() if value is not None}


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _value(name)


def _value(value: str | float | bool) -> str:
    # A JSON string is a TOML one but for DEL, which TOML wants escaped; numbers and booleans are alike.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
