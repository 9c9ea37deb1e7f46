"""The processes that `accelerate launch` started, if any: who writes, and who captions which clips."""

from __future__ import annotations

import os
from typing import TypeVar

from gapkit.encoders.packages import need

T = TypeVar("T")


class Crew:
    """One process, which is all there is."""

    rank, count = 0, 1

    def agree(self, value: T) -> T:
        """What the first process says."""
        return value

    def gather(self, mine: list[str]) -> list[str]:
        """Items of all processes, where process r of n holds every n-th from the r-th on."""
        return mine


class LaunchedCrew(Crew):
    """One of several."""

    def __init__(self) -> None:
        accelerate = need("accelerate", whose="a caption study on several processes", extra="captioning")
        # Left to itself it would take the processor only where it is told to.
        state = accelerate.PartialState(cpu=os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("true", "1", "yes"))
        self.rank, self.count = int(state.process_index), int(state.num_processes)

    def agree(self, value: T) -> T:
        """What the first process says."""
        from accelerate.utils import broadcast_object_list

        told = [value]
        broadcast_object_list(told)
        return told[0]

    def gather(self, mine: list[str]) -> list[str]:
        """Items of all processes, in their order."""
        from accelerate.utils import gather_object

        parts: list[list[str]] = gather_object([mine])
        whole = [""] * sum(map(len, parts))
        for rank, part in enumerate(parts):
            whole[rank :: self.count] = part
        return whole


def crew() -> Crew:
    """The processes that work together here."""
    return LaunchedCrew() if int(os.environ.get("WORLD_SIZE", "1")) > 1 else Crew()
