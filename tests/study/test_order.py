"""Which job first, how many processes, how long still."""

import pytest

from gapkit.study import order
from gapkit.study.grid import Job
from gapkit.study.order import Clock, in_order, in_words, sensible_processes


def _jobs(*seconds: float, kind: str = "") -> list[Job]:
    return [Job(stem=f"{kind}{i}", key="", label="", kind=kind or i, seconds=own) for i, own in enumerate(seconds)]


def test_cheap_jobs_come_first_then_the_longest() -> None:
    assert [job.seconds for job in in_order(_jobs(1, 30, 0.5, 90, 2, 60))] == [1, 0.5, 2, 90, 60, 30]


def test_processes_by_cores_memory_and_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order, "cores", lambda: 8)
    monkeypatch.setattr(order, "free_memory", lambda: None)
    heavy = _jobs(*[100.0] * 12)

    def count(jobs: list[Job], *, device: str = "cpu", threads: int = 1) -> int:
        return sensible_processes(jobs, memory=2**30, device=device, threads=threads)

    assert count(heavy) == 8
    assert count(heavy, threads=3) == 2
    assert count(heavy, threads=9) == 1
    assert count(heavy[-3:]) == 3
    assert count(heavy, device="cuda") == 1
    assert count(_jobs(1.0, 2.0)) == 1
    monkeypatch.setattr(order, "free_memory", lambda: 3 * 2**30 + 2**29)
    assert count(heavy) == 3
    monkeypatch.setattr(order, "free_memory", lambda: 0)
    assert count(heavy) == 1


def test_the_clock_learns_from_what_is_done() -> None:
    """Jobs of one kind take as long as those that are done; the others as long as guessed, at the pace so far."""
    link, mlp = _jobs(10.0, 10.0, 10.0, kind="link"), _jobs(1.0, 1.0, 1.0, kind="mlp")
    clock = Clock()
    clock.expect([*link, *mlp])
    clock.finish(link[0], 40.0)
    assert clock.left() == pytest.approx(2 * 40 + 3 * 4)
    clock.finish(mlp[0], 10.0)
    assert clock.left() == pytest.approx(2 * 40 + 2 * 10)
    clock.share(2)
    assert clock.left() == pytest.approx(50)
    clock.share(100)
    assert clock.left() == pytest.approx(40)  # the longest takes what it takes
    for job in (*link[1:], *mlp[1:]):
        clock.finish(job, 1.0)
    assert clock.left() == 0


def test_a_second_part_of_a_study_keeps_what_the_first_has_shown() -> None:
    clock = Clock()
    first, second = _jobs(1.0, 1.0, kind="a"), _jobs(1.0, 1.0, 1.0, kind="b")
    clock.expect(first)
    for job in first:
        clock.finish(job, 20.0)
    clock.expect(second)
    assert clock.left() == pytest.approx(60)


def test_time_in_words() -> None:
    assert [in_words(s) for s in (0.0, 4.9, 42.4, 99.0, 130.0, 5400.0)] == [
        "", "", "about 42 s left", "about 99 s left", "about 2 min left", "about 90 min left",
    ]  # fmt: skip
