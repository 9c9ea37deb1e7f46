"""How a long study tells its caller where it stands; the library itself stays silent."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """What a caller may listen to. A *cell* is one bridge with one seed."""

    def start(self, total: int) -> None:
        """The study begins; it has `total` cells."""

    def begin(self, label: str) -> None:
        """A cell begins."""

    def step(self, done: int, total: int, note: str) -> None:
        """Training inside a cell has come to step `done` of `total`."""

    def advance(self, label: str, note: str) -> None:
        """A cell is finished; `note` says how."""

    def message(self, text: str) -> None:
        """Something that the user should know, in one line."""


class Silent:
    """Listens to nothing."""

    def start(self, total: int) -> None:
        """Nothing."""

    def begin(self, label: str) -> None:
        """Nothing."""

    def step(self, done: int, total: int, note: str) -> None:
        """Nothing."""

    def advance(self, label: str, note: str) -> None:
        """Nothing."""

    def message(self, text: str) -> None:
        """Nothing."""
