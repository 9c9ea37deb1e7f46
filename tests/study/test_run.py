"""The engine with a grid of its own: resume, order, failures, full disks, interrupts, in one process and in two."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from gapkit.errors import GapkitError, one_line
from gapkit.registry import Registry
from gapkit.study.folder import StudyFolder
from gapkit.study.grid import Job
from gapkit.study.progress import Progress, Silent
from gapkit.study.record import read_record, write_record
from gapkit.study.run import run_asked, run_grid


class Squares:
    """Squares the number that a stem is."""

    def __init__(self, folder: StudyFolder, fault: str = "") -> None:
        self.folder, self.fault = folder, fault
        self.computed: list[str] = []

    def kept(self, job: Job) -> Any:
        return (read_record(self.folder.cells / job.stem, key=job.key) or {}).get("value")

    def compute(self, job: Job, progress: Progress) -> Any:
        self.computed.append(job.stem)
        if job.stem == "3" and self.fault == "stop":
            raise KeyboardInterrupt
        if job.stem == "3" and self.fault == "raise":
            raise ZeroDivisionError("no\nway")
        if job.stem == "3" and self.fault == "disk":
            raise GapkitError("full") from OSError(28, "No space left on device")
        return int(job.stem) ** 2

    def failed(self, job: Job, error: Exception, seconds: float) -> Any:
        return one_line(error)

    def keep(self, job: Job, record: Any) -> None:
        if not isinstance(record, str):
            write_record(self.folder.cells / job.stem, {"key": job.key, "value": record})

    def told(self, job: Job, record: Any, *, kept: bool) -> Iterator[tuple[str, str]]:
        yield job.label, "kept" if kept else str(record)

    def elsewhere(self) -> Squares:
        return self

    def names(self, job: Job) -> Sequence[tuple[Registry[Any], str]]:
        return []


class Notes(Silent):
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.told: dict[str, str] = {}

    def advance(self, label: str, note: str) -> None:
        self.told[label] = note


JOBS = [Job(stem=str(n), key="aa", label=f"job {n}", seconds=10.0 * n) for n in range(5)]


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    (tmp_path / "study.json").write_text(json.dumps({"schema": 1}))
    return StudyFolder(tmp_path)


def _run(grid: Squares, jobs: Sequence[Job] = JOBS, *, processes: int = 1) -> tuple[dict[str, Any], dict[str, str]]:
    notes = Notes()
    found = {job.stem: record for job, record in run_grid(grid, jobs, progress=notes, processes=processes)}
    return found, notes.told


@pytest.mark.parametrize("processes", [1, 2])
def test_each_job_is_computed_once(folder: StudyFolder, processes: int) -> None:
    found, told = _run(Squares(folder), processes=processes)
    assert found == {"0": 0, "1": 1, "2": 4, "3": 9, "4": 16}
    assert len(told) == 5
    again = Squares(folder)
    assert _run(again, processes=processes) == (found, {f"job {n}": "kept" for n in range(5)})
    assert again.computed == []


def test_cheap_jobs_come_first_then_the_longest(folder: StudyFolder) -> None:
    grid = Squares(folder)
    _run(grid)
    assert grid.computed == ["0", "4", "3", "2", "1"]


def test_another_key_is_another_job(folder: StudyFolder) -> None:
    _run(Squares(folder))
    grid = Squares(folder)
    _run(grid, [Job(stem="2", key="bb", label="job 2"), JOBS[3]])
    assert grid.computed == ["2"]


@pytest.mark.parametrize("processes", [1, 2])
def test_a_job_that_raises_says_why_and_is_tried_again(folder: StudyFolder, processes: int) -> None:
    found, told = _run(Squares(folder, "raise"), processes=processes)
    assert found["3"] == told["job 3"] == "ZeroDivisionError: no way"
    assert found["1"] == 1
    grid = Squares(folder)
    assert _run(grid)[0]["3"] == 9
    assert grid.computed == ["3"]


@pytest.mark.parametrize("processes", [1, 2])
def test_what_the_disk_refuses_stops_the_study_and_keeps_what_is_done(folder: StudyFolder, processes: int) -> None:
    with pytest.raises(GapkitError, match="full"):
        _run(Squares(folder, "disk"), processes=processes)
    grid = Squares(folder)
    assert _run(grid)[0]["3"] == 9
    assert "3" in grid.computed


def test_ctrl_c_keeps_what_is_done(folder: StudyFolder) -> None:
    with pytest.raises(KeyboardInterrupt):
        _run(Squares(folder, "stop"))
    grid = Squares(folder)
    _run(grid)
    assert grid.computed == ["3", "2", "1"]


def test_asked_one_by_one_each_job_knows_the_records_before_it(folder: StudyFolder) -> None:
    found: list[int] = []

    def asked() -> Iterator[Job]:
        while len(found) < 4:
            yield Job(stem=str(2 + sum(found)), key="aa", label="")

    grid = Squares(folder)
    for _, record in run_asked(grid, asked(), progress=Silent()):
        found.append(record)
    assert found == [4, 36, 1764, 3261636]
    assert len(grid.computed) == 4
