"""Why a score is not there."""

from __future__ import annotations

from gapkit.errors import GapkitError


class AbsentError(GapkitError):
    """A score cannot be had here. The message says why and what mends it; the other scores go on."""
