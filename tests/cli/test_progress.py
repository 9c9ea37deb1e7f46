"""What stderr says while something goes on."""

import io
import time

import numpy as np
import pytest

from gapkit.checks import inspect_pairs
from gapkit.cli import progress
from gapkit.cli.progress import Lines, reporting
from gapkit.embeddings import PairedEmbeddings


def test_what_is_slow_is_named_while_it_goes_on_and_when_it_is_done(capsys):
    with reporting(quiet=False, patience=0.05) as lines:
        lines.start(2)
        lines.begin("slow")
        time.sleep(0.3)
        assert "[1/2] slow ..." in capsys.readouterr().err
        lines.advance("slow", "0.3 s")
        assert "[1/2] slow: 0.3 s" in capsys.readouterr().err
        lines.begin("quick")
        lines.advance("quick", "0.0 s")
        lines.begin("what fails")
    time.sleep(0.1)
    assert capsys.readouterr().err == ""


def test_steps_speak_every_ten_seconds(capsys, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    patient, impatient = Lines(60.0), Lines()
    for lines in (patient, impatient):
        lines.begin("rows")
    for seconds in (0, 9, 11, 12, 22):
        now[0] = 100.0 + seconds
        for lines in (patient, impatient):
            lines.step(seconds * 1000, 30_000, "rows looked at")
    patient.end()
    assert capsys.readouterr().err.splitlines() == [
        "gapkit: rows looked at: 11,000 of 30,000",
        "gapkit: rows looked at: 22,000 of 30,000",
    ]


@pytest.mark.parametrize("targets", [9000, 20_000])
def test_checks_tell_of_every_row(targets):
    rng = np.random.default_rng(0)
    owner = np.arange(targets) % 9000
    pairs = PairedEmbeddings(rng.standard_normal((9000, 2)), rng.standard_normal((targets, 2)), owner=owner)
    told = []
    inspect_pairs(pairs, progress=lambda done, total, note: told.append((done, total, note)))
    done, totals, notes = zip(*told, strict=True)
    assert list(done) == sorted(done)
    assert done[-1] == 9000 + 2 * targets
    assert set(totals) == {9000 + 2 * targets}
    assert set(notes) == {"rows looked at"}


def test_a_name_with_brackets_is_shown_as_it_stands_on_a_terminal(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(progress.sys, "stderr", Terminal())
    monkeypatch.setenv("COLUMNS", "100")
    with reporting(quiet=False) as live:
        live.start(1)
        live.begin("ridge [run/b] [/bold]\x1b[2J")
        live.step(1, 3, "loss [/x]")
        live.bars.refresh()
        said = progress.sys.stderr.getvalue()
    assert "ridge [run/b] [/bold]" in said
    assert "loss [/x]" in said
    assert "\x1b[2J" not in said
