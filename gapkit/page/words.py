"""The question of a study in a sentence; the verdict answers it."""

from __future__ import annotations

from collections.abc import Sequence


def question(name: str, clips: int, bridges: Sequence[str], unit: str) -> str:
    """What the study asks."""
    if not bridges:
        return f"How far apart are {clips:,} clips of {name} and their {unit}s?"
    which = bridges[0] if len(bridges) == 1 else f"each of {len(bridges)} bridges"
    return f"How near does {which} bring {clips:,} clips of {name} to their {unit}s, and what is lost on the way?"
