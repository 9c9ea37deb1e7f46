"""Killed at any moment and started again, a command ends as if nothing had been; nothing finished is computed twice."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from itertools import cycle
from typing import Any

import numpy as np
from children import Boundary, Ended, killed_after

CHAIN = 3
"""Kills in a row before a run is let finish."""


def one_line(ended: Ended) -> str:
    """What a command that failed said: one line, no traceback."""
    assert ended.code in (1, 2), (ended.code, ended.err)
    lines = [line for line in ended.err.splitlines() if not line.startswith("gapkit: warning: ")]
    assert len(lines) == 1, ended.err
    assert lines[0].startswith("gapkit: error: "), ended.err
    assert "Traceback" not in ended.err
    assert "bug in gapkit" not in ended.err
    return lines[0]


def _after_kills(task: Any, kill: Callable[[Any], Ended], whole: Any, count: int) -> int:
    """Kill `count` times in a row, then finish; the number of kills that struck."""
    struck, kept = 0, {}
    for _ in range(count):
        ended = kill(task)
        assert ended.code in (0, -signal.SIGKILL), (ended.code, ended.err)
        struck += ended.code != 0
        for path, data in kept.items():
            assert path.read_bytes() == data, f"{path.name} was finished and made again"
        kept = task.finished()
        task.content()  # whatever has its name is whole
    ended = task.run()
    assert ended.code == 0, ended.err
    for path, data in kept.items():
        assert path.read_bytes() == data, f"{path.name} was finished and made again"
    assert task.content() == whole
    assert not list(task.out.rglob(".*.tmp*")) or struck
    shutil.rmtree(task.work)
    return struck


def test_at_every_step_of_the_file_system(name: str, make: Any, undisturbed: Any, kills: int, survived: Any) -> None:
    whole, _, steps = undisturbed(name)
    rng = np.random.default_rng(0)
    struck = 0
    # The first kill of each chain goes over all steps evenly, the others go anywhere in what is left.
    firsts = np.linspace(1, steps, max(1, min(steps, kills // CHAIN))).round().astype(int).tolist()
    while struck < kills:
        at = iter([firsts[0], *rng.integers(1, steps, CHAIN).tolist()])
        firsts.append(firsts.pop(0))
        struck += _after_kills(make(), lambda task, at=at: task.run(Boundary(task.out, next(at))), whole, CHAIN)
    survived(struck)


def test_at_any_time(name: str, make: Any, undisturbed: Any, kills: int, survived: Any) -> None:
    whole, seconds, _ = undisturbed(name)
    rng = np.random.default_rng(1)

    def kill(task: Any) -> Ended:
        return killed_after(task.arguments, rng.uniform(0, 0.9 * seconds))

    struck = chains = 0
    # A kill that comes after the end strikes nothing: as many chains again, if need be.
    while struck <= kills - CHAIN and chains < 2 * kills:
        struck += _after_kills(make(), kill, whole, CHAIN)
        chains += 1
    assert struck
    survived(struck)


def test_asked_to_stop(name: str, make: Any, undisturbed: Any, kills: int) -> None:
    whole, _, steps = undisturbed(name)
    moments = np.linspace(1, steps, kills + 1).round().astype(int).tolist()[:-1]
    for at, (number, code) in zip(moments, cycle([(signal.SIGINT, 130), (signal.SIGTERM, 143)]), strict=False):
        task = make()
        answer = task.run(Boundary(task.out, at, number))
        assert answer.code == code, (at, answer.code, answer.err)
        said = answer.err.splitlines()[-1]
        assert said.startswith("gapkit: stopped"), answer.err
        assert ("the same command goes on from there" in said) == (name not in ("fit", "report"))
        assert not list(task.work.rglob(".*.tmp*")), "a half file was left"
        assert task.run().code == 0
        assert task.content() == whole
        shutil.rmtree(task.work)


def test_the_reader_of_stdout_leaves(name: str, make: Any, undisturbed: Any) -> None:
    whole, _, _ = undisturbed(name)
    task = make()

    def leave() -> None:
        reader, writer = os.pipe()
        os.close(reader)
        os.dup2(writer, 1)

    ended = task.run(leave)
    assert ended.code in (0, 1), ended.err
    assert "gapkit: error" not in ended.err
    assert "Traceback" not in ended.err
    assert task.content() == whole
