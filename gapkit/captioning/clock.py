"""How much longer a study takes: by the decoders that were trained and those that are left."""

from __future__ import annotations

import time


class Clock:
    """Counts decoders that had to be trained; those that were there already tell nothing of the time."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._total = self._trained = 0

    def start(self, total: int) -> None:
        """There are `total` decoders."""
        self._began, self._total = time.monotonic(), total

    def tick(self) -> None:
        """One more was trained."""
        self._trained += 1

    def skip(self) -> None:
        """One was there already."""
        self._total -= 1

    def left(self) -> str:
        """In words; empty before the first decoder is trained."""
        if not self._trained or self._trained >= self._total:
            return ""
        seconds = (time.monotonic() - self._began) / self._trained * (self._total - self._trained)
        minutes = seconds / 60
        return f"about {minutes:.0f} min left" if minutes >= 1.5 else "about a minute left"
