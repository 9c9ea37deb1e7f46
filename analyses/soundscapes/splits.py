"""Step 3b: groups of recordings are dealt to the splits before anything is composed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SHARES = {"encoder": 0.4, "train": 0.3, "val": 0.1, "test": 0.2}
"""Of the groups of each concept. ``encoder`` trains the projection heads, ``train`` the bridges."""

SPLITS = (*SHARES, "unseen")
CORE = 6  # groups that a concept needs to be in every split
UNSEEN = 20  # concepts held out of all four


def deal(
    concept_of: Sequence[str],
    group: NDArray[np.int64],
    content: Sequence[str],
    *,
    beds: frozenset[str],
    seed: int,
) -> list[str]:
    """Give every group to one split.

    A concept with `CORE` groups or more is in every split, by `SHARES`, or, for `UNSEEN` of them, in ``unseen``
    alone. A concept with fewer goes to ``encoder`` whole: the heads learn from it, nothing is measured on it.

    Parameters
    ----------
    concept_of, content : sequences of n strings
        The concept of each recording and the hash of its bytes.
    group : array of shape (n,)
        From `soundscapes.duplicates.groups`; all of a group have one concept.
    beds : frozenset of str
        Concepts that lie under others: ``unseen`` gets its share of them.

    Returns
    -------
    list of n str
        The split of each recording; empty where a recording is not used (a copy of another, byte for byte).
    """
    members: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    known: set[str] = set()
    for number, (concept, g, digest) in enumerate(zip(concept_of, group.tolist(), content, strict=True)):
        if digest not in known:  # of equal files the first stands for all
            known.add(digest)
            members[concept][g].append(number)
    core = sorted(concept for concept, groups in members.items() if len(groups) >= CORE)
    rng = np.random.default_rng([seed, 1])
    under = [concept for concept in core if concept in beds]
    others = [concept for concept in core if concept not in beds]
    held = round(UNSEEN * len(under) / len(core))
    unseen = {str(c) for c in rng.choice(under, size=held, replace=False)}
    unseen |= {str(c) for c in rng.choice(others, size=UNSEEN - held, replace=False)}
    split = [""] * len(concept_of)
    for concept in sorted(members):
        numbers = sorted(members[concept])
        order = [numbers[i] for i in rng.permutation(len(numbers))]
        for name, part in _cut(order, concept, core, unseen).items():
            for number in (n for g in part for n in members[concept][g]):
                split[number] = name
    return split


def _cut(order: list[int], concept: str, core: list[str], unseen: set[str]) -> dict[str, list[int]]:
    if concept in unseen:
        return {"unseen": order}
    if concept not in core:
        return {"encoder": order}
    parts, start = {}, 0
    for name in ("test", "val", "train"):
        stop = start + max(1, round(SHARES[name] * len(order)))
        parts[name], start = order[start:stop], stop
    return {**parts, "encoder": order[start:]}
