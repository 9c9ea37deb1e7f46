"""Every file that gapkit reads back, cut off or with a byte flipped: the right result, or a line that says so."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from children import Boundary, run
from commands import COMMANDS
from test_kills import one_line

from gapkit.bridges.registry import load_bridge
from gapkit.comparison import Results
from gapkit.errors import InputError
from gapkit.records import SEAL


def _cut(data: bytes, rng: np.random.Generator) -> bytes:
    return data[: int(rng.integers(0, len(data)))]


def _flipped(data: bytes, rng: np.random.Generator) -> bytes:
    place, changed = int(rng.integers(0, len(data))), bytearray(data)
    changed[place] ^= 1 << int(rng.integers(0, 8))
    return bytes(changed)


def _empty(data: bytes, rng: np.random.Generator) -> bytes:
    return b""


def _noise(data: bytes, rng: np.random.Generator) -> bytes:
    return rng.bytes(len(data))


DAMAGES = (_cut, _flipped, _empty, _noise)


def _damaged(task: Any, rng: np.random.Generator, count: int) -> list[tuple[Path, Callable[..., bytes]]]:
    """Files below the folder with what is to befall each: all of them in turn, all damages in turn."""
    files = [path for path in sorted(task.out.rglob("*")) if path.is_file() and path.stat().st_size]
    files = [files[i] for i in rng.permutation(len(files))]
    return [(files[i % len(files)], DAMAGES[i % len(DAMAGES)]) for i in range(count)]


def test_a_file_that_is_damaged(name: str, make: Any, undisturbed: Any, kills: int) -> None:
    whole, _, steps = undisturbed(name)
    rng = np.random.default_rng(3)
    for at in (steps // 2, 2 * steps):  # in the middle of a run, with its checkpoint; and after the end
        first = make()
        first.run(Boundary(first.out, at))
        for path, damage in _damaged(first, rng, kills):
            task = make()
            shutil.rmtree(task.work)
            shutil.copytree(first.work, task.work)
            there = task.out / path.relative_to(first.out)
            broken = damage(there.read_bytes(), rng)
            there.write_bytes(broken)
            ended = task.run()
            if ended.code:
                assert there.name in one_line(ended) or str(there.parent) in ended.err, (there, ended.err)
            else:
                # What the command neither reads nor writes stays as it is.
                written = not there.exists() or there.read_bytes() != broken
                left = task.content(None if written else there)
                same = {key: value for key, value in whole.items() if key in left or written}
                if name == "report" and left.get("report.html") != whole["report.html"]:
                    # A bridge that cannot be opened is left out of the page, which says so.
                    assert b"is not in this view" in left["report.html"], there
                else:
                    assert left == same, (there, damage.__name__)
            shutil.rmtree(task.work)
        shutil.rmtree(first.work)


def test_a_fitted_bridge_that_is_damaged(given: Path, tmp_path: Path, kills: int) -> None:
    home = tmp_path / "bridge"
    assert run(COMMANDS["fit"].arguments(given, home)).code == 0
    load_bridge(home)
    rng = np.random.default_rng(4)
    for name in ("model.safetensors", "config.json"):
        good = (home / name).read_bytes()
        for i in range(10 * kills):
            bad = DAMAGES[i % len(DAMAGES)](good, rng)
            (home / name).write_bytes(bad)
            if name == "config.json" and _means_the_same(bad, good):
                continue
            with pytest.raises(InputError):
                load_bridge(home)
        (home / name).write_bytes(good)
    load_bridge(home)


def test_results_that_are_damaged(study: Path, tmp_path: Path, kills: int) -> None:
    shutil.copytree(study, tmp_path / "study")
    path = tmp_path / "study" / "results.json"
    good = path.read_bytes()
    rng = np.random.default_rng(5)
    for i in range(10 * kills):
        bad = DAMAGES[i % len(DAMAGES)](good, rng)
        path.write_bytes(bad)
        if not _means_the_same(bad, good):
            with pytest.raises(InputError, match=r"results\.json"):
                Results.read(path.parent)


def _means_the_same(bad: bytes, good: bytes) -> bool:
    """Spaces changed, or the name of the seal, which what older versions wrote does not have."""
    try:
        one, other = (json.loads(data) for data in (bad, good))
    except ValueError:
        return False
    return bool(one == other) or (
        isinstance(one, dict)
        and SEAL not in one
        and {**one, **other}.keys() == one.keys() | {SEAL}
        and all(one[key] == other[key] for key in other if key != SEAL)
    )
