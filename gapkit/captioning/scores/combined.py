"""Scores that are made of other scores."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gapkit.captioning.scores.found import Found

PENALTY = 0.9
"""What a caption with a fluency error loses."""

PARTS = {"spider": ("cider_d", "spice"), "spider_fl": ("spider", "fer"), "fense": ("sbert_sim", "fer")}
"""What each combined score is made of, parts first."""


def spider(cider_d: ArrayLike, spice: ArrayLike) -> NDArray[np.float64]:
    """SPIDEr: the mean of CIDEr-D and SPICE.

    References
    ----------
    Liu et al. (2017), Improved image captioning via policy gradient optimization of SPIDEr.
    """
    return (np.asarray(cider_d, dtype=np.float64) + np.asarray(spice, dtype=np.float64)) / 2


def penalised(score: ArrayLike, fer: ArrayLike) -> NDArray[np.float64]:
    """SPIDEr-FL of SPIDEr, FENSE of the similarity: a caption with a fluency error (fer 1) keeps a tenth.

    References
    ----------
    Zhou et al. (2022), Can audio captions be evaluated with image caption metrics?
    """
    return np.asarray(score, dtype=np.float64) * (1 - PENALTY * np.asarray(fer, dtype=np.float64))


def combine(found: Found, wanted: tuple[str, ...]) -> Found:
    """The wanted combined scores and those that they are made of.

    One whose part is absent is absent for the part's reason.
    """
    made = Found()
    known = found.per_clip.keys() | found.absent.keys()
    needed = with_parts(name for name in wanted if name not in known) - known
    for name, parts in PARTS.items():
        if name not in needed:
            continue
        missing = [part for part in parts if part not in found.per_clip and part not in made.per_clip]
        if missing:
            reasons = found.absent | made.absent
            reason = reasons[missing[0]]
            made.absent[name] = reason if reason.startswith("needs ") else f"needs {missing[0]}: {reason}"
            continue
        a, b = (found.per_clip.get(part, made.per_clip.get(part)) for part in parts)
        assert a is not None
        assert b is not None
        made.per_clip[name] = spider(a, b) if name == "spider" else penalised(a, b)
    return made


def with_parts(names: Iterable[str]) -> set[str]:
    """Names and all that they are made of."""
    needed = set(names)
    for name in ("spider_fl", "fense", "spider"):
        if name in needed:
            needed.update(PARTS[name])
    return needed
