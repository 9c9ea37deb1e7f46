"""Which cell first, how many processes, how long still."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from gapkit.comparison import StudyConfig, scheduling
from gapkit.comparison.cells import Cell, Value
from gapkit.comparison.computing import Job
from gapkit.comparison.division import Division, divide
from gapkit.comparison.planning import study_tasks
from gapkit.comparison.scheduling import Clock, in_words, longest_first, sensible_processes
from gapkit.embeddings import PairedEmbeddings


@pytest.fixture
def division(pairs: PairedEmbeddings) -> Division:
    return divide(pairs, StudyConfig())


def _jobs(division: Division, **how: Any) -> list[Job]:
    config = StudyConfig(bridges=("ridge", "residual-mlp", "diffusion-link"), device="cpu", **how).resolved()
    return [Job(task, None, config.metrics) for task in study_tasks(config, division)]


def test_longest_first(division: Division) -> None:
    names = [job.task.name for job in longest_first(_jobs(division, seeds=2), division)]
    assert names[:4] == ["diffusion-link"] * 2 + ["residual-mlp"] * 2
    # It is ten measurements.
    assert names[4] == "target-split-half"
    long = _jobs(division, params={"residual-mlp": {"steps": 10_000}})
    assert longest_first(long, division)[0].task.name == "residual-mlp"


def test_processes_by_cores_memory_and_work(division: Division, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduling, "cores", lambda: 8)
    monkeypatch.setattr(scheduling, "free_memory", lambda: None)
    heavy = _jobs(division, steps=2_000_000)

    def count(jobs: list[Job], *, device: str = "cpu", threads: int = 1) -> int:
        return sensible_processes(jobs, division, device=device, threads=threads)

    assert count(heavy) == 8
    assert count(heavy, threads=3) == 2
    assert count(heavy, threads=9) == 1
    assert count(heavy[-3:]) == 3
    assert count(heavy, device="cuda") == 1
    assert count(_jobs(division, steps=5)) == 1
    monkeypatch.setattr(scheduling, "free_memory", lambda: 3 * 2**30 + 2**29)
    assert count(heavy) == 3
    monkeypatch.setattr(scheduling, "free_memory", lambda: 0)
    assert count(heavy) == 1


def test_the_clock_learns_from_what_is_done(division: Division) -> None:
    jobs = _jobs(division, seeds=3)
    clock = Clock(jobs, division)
    tasks = {job.task.stem: job.task for job in jobs}

    def finish(stem: str, seconds: float) -> None:
        task = tasks.pop(stem)
        clock.finish(Cell(task.name, task.block, task.seed, task.key, fit_seconds=seconds))

    for stem in [stem for stem in tasks if not stem.startswith(("diffusion-link", "residual-mlp"))]:
        finish(stem, 0.0)
    finish("diffusion-link-s0", 40.0)
    finish("residual-mlp-s0", 10.0)
    assert clock.left() == pytest.approx(2 * 40 + 2 * 10)
    clock.share(2)
    assert clock.left() == pytest.approx(50)
    clock.share(100)
    assert clock.left() == pytest.approx(40)  # the longest takes what it takes
    for stem in list(tasks):
        finish(stem, 1.0)
    assert clock.left() == 0


def test_fits_of_an_earlier_run_are_no_time_of_this_one(division: Division) -> None:
    """A study that gets one metric more only measures: what its fits once took tells nothing of what is left."""
    fresh = _jobs(division, seeds=3)
    old = {job.task.stem: Cell(job.task.name, job.task.block, job.task.seed, job.task.key) for job in fresh}
    jobs = [replace(job, known=old[job.task.stem], missing=("cosine",)) for job in fresh]
    assert all(scheduling.expected_seconds(job, division) < 10 for job in jobs)
    clock = Clock(jobs, division)
    for job in jobs:
        if job.task.stem not in ("diffusion-link-s1", "diffusion-link-s2"):
            estimates = {"cosine": Value(0.0, 0.0, 0.0, 1, 2.0), "mmd": Value(0.0, 0.0, 0.0, 1, 500.0)}
            clock.finish(replace(old[job.task.stem], fit_seconds=1000.0, estimates=estimates))
    assert clock.left() == pytest.approx(4)


def test_time_in_words() -> None:
    assert [in_words(s) for s in (0.0, 4.9, 42.4, 99.0, 130.0, 5400.0)] == [
        "", "", "about 42 s left", "about 99 s left", "about 2 min left", "about 90 min left",
    ]  # fmt: skip


def test_a_parameter_of_another_kind_is_no_number(division: Division) -> None:
    job: Any = SimpleNamespace(
        task=SimpleNamespace(name="own", params={"steps": "many"}), missing=("cosine",), known=None
    )
    assert scheduling.expected_seconds(job, division) < 1
