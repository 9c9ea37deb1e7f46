"""Step 3b: groups of recordings are dealt to the splits before anything is composed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SHARES = {"encoder": 0.4, "train": 0.3, "val": 0.1, "test": 0.2}
"""Of the groups of each concept. ``encoder`` trains the projection heads, ``train`` the bridges."""

SPLITS = (*SHARES, "unseen")
CORE = 6  # groups that a concept needs to be in every split
UNSEEN = 20  # concepts held out of all four


@dataclass(frozen=True)
class Dealt:
    """Which recordings each split composes from.

    Parameters
    ----------
    split : list of str
        Of each recording; empty where a recording is not used (a copy of another, byte for byte).
    concepts : dict of str to list of str
        The concepts of each split, sorted. ``train``, ``val`` and ``test`` have the same.
    """

    split: list[str]
    concepts: dict[str, list[str]]

    def choices(self, concept_of: Sequence[str]) -> dict[str, dict[str, list[int]]]:
        """Recordings by split and concept."""
        table: dict[str, dict[str, list[int]]] = {split: {c: [] for c in self.concepts[split]} for split in SPLITS}
        for number, (split, concept) in enumerate(zip(self.split, concept_of, strict=True)):
            if split:
                table[split][concept].append(number)
        return table


def deal(concept_of: Sequence[str], group: NDArray[np.int64], content: Sequence[str], *, seed: int) -> Dealt:
    """Give every group to one split.

    A concept with `CORE` groups or more is in every split, by `SHARES`, or, for `UNSEEN` of them, in ``unseen``
    alone. A concept with fewer goes to ``encoder`` whole: the heads learn from it, nothing is measured on it.

    Parameters
    ----------
    concept_of, content : sequences of n strings
        The concept of each recording and the hash of its bytes.
    group : array of shape (n,)
        From `soundscapes.duplicates.groups`; all of a group have one concept.
    """
    members: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    known: set[str] = set()
    for number, (concept, g, digest) in enumerate(zip(concept_of, group.tolist(), content, strict=True)):
        if digest not in known:  # of equal files the first stands for all
            known.add(digest)
            members[concept][g].append(number)
    core = sorted(concept for concept, groups in members.items() if len(groups) >= CORE)
    rng = np.random.default_rng([seed, 1])
    unseen = {core[i] for i in rng.choice(len(core), size=UNSEEN, replace=False)}
    split = [""] * len(concept_of)
    for concept in sorted(members):
        numbers = sorted(members[concept])
        order = [numbers[i] for i in rng.permutation(len(numbers))]
        for name, part in _cut(order, concept, core, unseen).items():
            for number in (n for g in part for n in members[concept][g]):
                split[number] = name
    fitted = [concept for concept in core if concept not in unseen]
    everything = [concept for concept in sorted(members) if concept not in unseen]
    concepts: Mapping[str, list[str]] = {
        "encoder": everything,
        **dict.fromkeys(("train", "val", "test"), fitted),
        "unseen": sorted(unseen),
    }
    return Dealt(split, dict(concepts))


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
