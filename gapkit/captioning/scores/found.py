"""What a scorer hands back."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass
class Found:
    """Scores of one system.

    Parameters
    ----------
    per_clip : dict of str to array of shape (n,)
    corpus : dict of str to float
        Of the whole set, where that is not the mean over clips.
    draws : dict of str to array of shape (B,)
        The same of each resample; the draws of a mean are made from `per_clip`.
    absent : dict of str to str
        Reason and remedy of what is not there.
    """

    per_clip: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    corpus: dict[str, float] = field(default_factory=dict)
    draws: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)

    def add(self, other: Found) -> None:
        """Take over all that another scorer found."""
        self.per_clip |= other.per_clip
        self.corpus |= other.corpus
        self.draws |= other.draws
        self.absent |= other.absent
