"""Progress on stderr: a live display on a terminal, otherwise a line for each finished cell."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gapkit.errors import printable

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

    from gapkit.comparison import Progress


def say(text: str) -> None:
    """One line to the person, not to the program that reads stdout."""
    print(f"gapkit: {printable(text)}", file=sys.stderr)  # noqa: T201


PAUSE = 10.0
"""Seconds between two lines about one thing that goes on."""


class Lines:
    """A line for each finished cell; with `patience` only about what takes so many seconds, as soon as it has."""

    def __init__(self, patience: float = 0.0) -> None:
        self.total = 0
        self.done = 0
        self.patience = patience
        self._began = self._said = 0.0
        self._waiting: threading.Timer | None = None

    def start(self, total: int) -> None:
        """Remember how many there are."""
        self.total = total

    def begin(self, label: str) -> None:
        """Look at the clock; what is still going on after `patience` seconds is named then."""
        self.end()
        self._began = self._said = time.monotonic()
        if self.patience:
            place = f"[{self.done + 1}/{self.total}] " if self.total else ""
            self._waiting = threading.Timer(self.patience, say, [f"{place}{label} ..."])
            self._waiting.daemon = True
            self._waiting.start()

    def end(self) -> None:
        """Nothing goes on any more."""
        if self._waiting is not None:
            self._waiting.cancel()

    def step(self, done: int, total: int, note: str) -> None:
        """With `patience`, a line every ten seconds."""
        now = time.monotonic()
        if self.patience and now - self._said >= PAUSE:
            self._said = now
            say(f"{note}: {done:,} of {total:,}")

    def advance(self, label: str, note: str) -> None:
        """One line."""
        self.end()
        self.done += 1
        if time.monotonic() - self._began >= self.patience:
            say(f"[{self.done}/{self.total}] {label}: {note}")

    def message(self, text: str) -> None:
        """One line."""
        say(text)


class Live:
    """Two bars: cells of the study, and steps of the training that runs."""

    def __init__(self, bars: RichProgress) -> None:
        self.bars = bars
        self.cells = bars.add_task("starting", total=None)
        self.steps = bars.add_task("", total=None, visible=False)
        self._drawn = 0.0

    def start(self, total: int) -> None:
        """Set the length of the upper bar."""
        self.bars.update(self.cells, total=total)

    def begin(self, label: str) -> None:
        """Name the cell."""
        self.bars.update(self.cells, description=printable(label))

    def step(self, done: int, total: int, note: str) -> None:
        """Move the lower bar, ten times a second at most."""
        now = time.monotonic()
        if now - self._drawn > 0.1 or done >= total:
            self._drawn = now
            self.bars.update(
                self.steps, completed=done, total=total, description=f"  {printable(note)}", visible=done < total
            )

    def advance(self, label: str, note: str) -> None:
        """Move the upper bar; failures stay on the screen."""
        self.bars.update(self.steps, visible=False)
        self.bars.update(self.cells, advance=1)
        if note.startswith("failed"):
            self.message(f"{label}: {note}")

    def message(self, text: str) -> None:
        """One line above the bars."""
        self.bars.console.print(f"gapkit: {printable(text)}", markup=False, highlight=False, soft_wrap=True)


@contextmanager
def reporting(*, quiet: bool, patience: float = 0.0) -> Iterator[Progress]:
    """The progress that suits where stderr leads; lines only for what takes `patience` seconds."""
    if quiet:
        from gapkit.study.progress import Silent

        yield Silent()
    elif not sys.stderr.isatty():
        lines = Lines(patience)
        try:
            yield lines
        finally:
            lines.end()
    else:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        # Names are names: a bracket in one opens no style.
        shown = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*shown, console=Console(stderr=True), transient=True) as bars:
            yield Live(bars)
