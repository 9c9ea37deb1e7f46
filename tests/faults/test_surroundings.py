"""Full and read-only disks, another run in the same folder, clocks that are wrong."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from children import Boundary
from disks import disk
from test_kills import one_line

ROOM = 64 * 2**20
"""More than any command needs."""


def _fills(make: Any, root: Path) -> int:
    """Bytes that a command has on disk when it is done."""
    with disk(root, ROOM) as own:
        task = make(root)
        before = own.used()
        assert task.run().code == 0
        return own.used() - before


def test_a_full_disk(name: str, make: Any, undisturbed: Any, kills: int, tmp_path: Path) -> None:
    whole, _, _ = undisturbed(name)
    need = _fills(make, tmp_path / "measure")
    full = 0
    for share in np.linspace(0.3, 0.02, max(1, kills // 2)):
        with disk(tmp_path / "small", ROOM) as own:
            task = make(own.root)
            own.resize(own.used() + max(4096, int(share * need)))
            ended = task.run()
            if ended.code:
                full += 1
                assert "o space left" in one_line(ended) or "disk full" in ended.err, ended.err
                task.content()  # whatever has its name is whole
                kept = task.finished()
                own.resize(ROOM)
                assert task.run().code == 0
                assert all(path.read_bytes() == data for path, data in kept.items())
            assert task.content() == whole
        (tmp_path / "small").rmdir()
    assert full


def test_a_folder_that_becomes_read_only(name: str, make: Any, undisturbed: Any, tmp_path: Path) -> None:
    whole, _, steps = undisturbed(name)
    with disk(tmp_path / "disk", ROOM) as own:
        task = make(own.root)
        task.run(Boundary(task.out, max(1, steps // 2)))
        kept = task.finished()
        own.writable(False)
        said = one_line(task.run())
        assert "ead-only file system" in said, said
        own.writable(True)
        assert task.run().code == 0
        assert all(path.read_bytes() == data for path, data in kept.items())
        assert task.content() == whole


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission(name: str, make: Any, undisturbed: Any) -> None:
    whole, _, _ = undisturbed(name)
    task = make()
    task.out.mkdir(exist_ok=True)
    task.out.chmod(0o555)
    one_line(task.run())
    task.out.chmod(0o755)
    assert task.run().code == 0
    assert task.content() == whole


def test_two_runs_in_one_folder(name: str, make: Any, undisturbed: Any) -> None:
    whole, _, _ = undisturbed(name)
    task = make()
    ends = [child.wait() for child in [task.start(), task.start()]]
    assert 0 in [ended.code for ended in ends]
    for ended in ends:
        if ended.code:
            assert "another gapkit works in this folder" in one_line(ended)
    assert task.content() == whole
    assert task.run().code == 0
    assert task.content() == whole


class Clock:
    """Stands still at the beginning of a year, in a child."""

    def __init__(self, year: int) -> None:
        self.seconds = dt.datetime(year, 1, 1, tzinfo=dt.UTC).timestamp()

    def __call__(self) -> None:
        seconds = self.seconds

        class Elsewhen(dt.datetime):
            @classmethod
            def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:
                return dt.datetime.fromtimestamp(seconds, tz)

        time.time = lambda: seconds
        dt.datetime = Elsewhen  # type: ignore[misc]


def test_a_clock_that_is_wrong(name: str, make: Any, undisturbed: Any) -> None:
    whole, _, steps = undisturbed(name)
    task = make()
    late, early, stop = Clock(2099), Clock(1971), Boundary(task.out, max(1, steps // 2))
    # What is there is from the future; the clock of the run that follows goes back a century.
    task.run(lambda: (late(), stop())[-1])
    for path in [task.work, *task.work.rglob("*")]:
        os.utime(path, (late.seconds, late.seconds))
    assert task.run(early).code == 0
    assert task.content() == whole
    shutil.rmtree(task.work)
