import os
from pathlib import Path

import pytest

from gapkit import machine


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system pins no process to a core")
def test_cores_are_those_of_the_affinity() -> None:
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert machine.cores() == 1
    finally:
        os.sched_setaffinity(0, before)


@pytest.mark.skipif(not Path("/proc/meminfo").exists(), reason="this system has no /proc/meminfo")
def test_free_memory_is_capped_by_the_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_LIMITS", ())
    free = machine.free_memory()
    assert free is not None
    assert 0 < free < os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit, used = tmp_path / "max", tmp_path / "current"
    monkeypatch.setattr(machine, "_LIMITS", ((str(limit), str(used)),))
    used.write_text("30\n")
    for text, expected in (("100\n", 70), ("20\n", 0)):
        limit.write_text(text)
        assert machine.free_memory() == expected
    limit.write_text("max\n")
    unlimited = machine.free_memory()
    assert unlimited is not None
    assert unlimited > 2**20
