"""The long commands, each small enough to run in a fraction of a second: a new one is an entry of `COMMANDS`."""

from __future__ import annotations

import csv
import io
import json
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load

from gapkit.encoders.base import Encoder
from gapkit.files import load_pairs
from gapkit.records import unsealed

TIMES = {
    "seconds", "fit_seconds", "transform_seconds", "metric_seconds", "started", "finished", "encoded", "cached",
    "digest",
}  # fmt: skip
"""What differs between two runs that came to the same."""


class TinyEncoder(Encoder):
    """Loudness and length."""

    sample_rate = 8000

    def __init__(self, *, device: str = "cpu") -> None:
        self.device = device

    @property
    def dim(self) -> int:
        return 2

    def provenance(self) -> dict[str, str]:
        return {"encoder": "tiny"}

    def _source(self, items: Any) -> Any:
        return np.array([[np.abs(item).mean() + 1e-3, len(item) / 8000] for item in items])

    def _target(self, texts: Any) -> Any:
        return np.array([[1.0, len(text)] for text in texts])


@dataclass(frozen=True)
class Command:
    """A command that writes below ``WORK/out`` out of what lies in ``GIVEN``.

    Parameters
    ----------
    arguments : callable
        ``arguments(given, out)``: the command line.
    finished : callable
        ``finished(out)``: files that a later run must leave as they are.
    study : bool
        True: `out` is a copy of a finished study, to which the command adds.
    needs : str
        Package without which it cannot run.
    """

    arguments: Callable[[Path, Path], list[str]]
    finished: Callable[[Path], list[Path]] = lambda out: []
    study: bool = False
    needs: str = "gapkit"


def _words(text: str, **places: Path) -> list[str]:
    return [word.format(**places) for word in text.split()]


COMMANDS = {
    "compare": Command(
        lambda given, out: _words(
            "compare {given}/pairs.npz --config {given}/small.toml --out {out} --quiet", given=given, out=out
        ),
        finished=lambda out: [path for path in (out / "cells").glob("*.json") if path.with_suffix(".npz").exists()],
    ),
    "fit": Command(
        lambda given, out: _words(
            "fit residual-mlp {given}/pairs.npz --config {given}/small.toml --steps 6 -o {out} --quiet",
            given=given, out=out
        )
    ),
    "caption train": Command(
        lambda given, out: _words(
            "caption train {given}/said.npz -o {out} --decoder small --epochs 1.5 --quiet "
            "--set width=16 --set layers=1 --set heads=2 --set vocabulary=280", given=given, out=out
        ),
        needs="transformers",
    ),
    "tune": Command(
        lambda given, out: _words(
            "tune ridge {given}/pairs.npz --trials 4 --out {out} --quiet", given=given, out=out
        ),
        finished=lambda out: list((out / "trials").glob("*.json")),
    ),
    "caption study": Command(
        lambda given, out: _words(
            "caption study {given}/said.npz --out {out} --bridges mean-shift --seeds 1 "
            "--protocols zero-shot --trainings clean,noise --noise 0.01 --beams 1 --scores cider_d --tokenizer words "
            "--resamples 5 --decoder small --decoder-option epochs=1 --decoder-option width=8 --decoder-option heads=1 "
            "--decoder-option layers=1 --decoder-option vocabulary=300 --quiet", given=given, out=out
        ),
        finished=lambda out: [*(out / "cells").glob("*.json"), *(out / "decoders").rglob("fit.json")],
    ),
    "embed": Command(
        lambda given, out: _words(
            "embed {given}/sounds/m.csv -o {out}/pairs.npz --encoder tiny --cache {out}/cache --workers 1 --quiet "
            "--batch-size 2", given=given, out=out
        ),
    ),
    "report": Command(
        lambda given, out: _words("report {out} --projection pca --quiet", out=out),
        finished=lambda out: list(out.rglob("*.json")),
        study=True,
    ),
}  # fmt: skip


def content(out: Path, aside: Path | None = None) -> dict[str, Any]:
    """What a finished command left, without times and one file: equal where two runs came to the same."""
    left = {}
    for path in sorted(out.rglob("*")):
        if path.is_file() and path != aside and not path.name.startswith(".") and "cache" not in path.parts:
            left[str(path.relative_to(out))] = _whole(path)
    return left


def _whole(path: Path) -> Any:
    """The content of a file, which fails where it is not a whole one."""
    data = path.read_bytes()
    match path.suffix:
        case ".json":
            return _timeless(unsealed(json.loads(data)))
        case ".csv":
            return [_timeless(row) for row in csv.DictReader(io.StringIO(data.decode()))]
        case ".npz" if path.parent.name != "cells":
            pairs = load_pairs(path)
            return pairs.content_hash(), list(pairs.captions) if pairs.captions is not None else None
        case ".npz":
            with np.load(path) as arrays:
                return {name: arrays[name].tobytes() for name in arrays.files}
        case ".safetensors":
            return {name: array.tobytes() for name, array in load(data).items()}
        case ".toml":
            return tomllib.loads(data.decode())
        case ".html":
            assert data.rstrip().endswith(b"</html>")
            return data
        case _:
            return data


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        # A digest of what holds a time changes with it.
        return {key: _timeless(own) for key, own in value.items() if key not in TIMES}
    return [_timeless(own) for own in value] if isinstance(value, list) else value
