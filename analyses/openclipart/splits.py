"""Which split each drawing goes to: whole groups, so that no subject and no look-alike is on two sides."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

ALIKE = 0.95
"""Cosine of image features from which on two pictures are held to be one: other colours, another size, no fill."""
SHARES = {"encoder": 0.45, "train": 0.30, "val": 0.06, "test": 0.19}
MEASURED = ("val", "test")


def groups(subjects: list[str], features: NDArray[np.float32], alike: float = ALIKE) -> list[str]:
    """The group of each picture, named by the first of its subjects in the alphabet.

    Pictures of one subject are one group, and so are those whose features have a cosine of `alike` or more,
    directly or through others.
    """
    parent = list(range(len(subjects)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    first: dict[str, int] = {}
    for i, name in enumerate(subjects):
        parent[root(i)] = root(first.setdefault(name, i))
    rows = features / np.linalg.norm(features, axis=1, keepdims=True)
    for start in range(0, len(rows), 512):
        for i, j in np.argwhere(rows[start : start + 512] @ rows.T >= alike):
            parent[root(int(i) + start)] = root(int(j))
    names: dict[int, str] = {}
    for i, name in enumerate(subjects):
        names[root(i)] = min(name, names.get(root(i), name))
    return [names[root(i)] for i in range(len(subjects))]


def split_of(group: str) -> str:
    """The split of a group: a hash of its name decides, so the choice never changes."""
    number = int.from_bytes(hashlib.blake2b(group.encode("utf-8"), digest_size=8).digest(), "big") / 2**64
    edge = 0.0
    for split, share in SHARES.items():
        edge += share
        if number < edge:
            return split
    return split


def dealt(group_names: list[str]) -> list[str]:
    """The split of each picture; empty where it is left out: of a group one is measured."""
    taken: set[str] = set()
    splits = []
    for name in group_names:
        split = split_of(name)
        if split in MEASURED and name in taken:
            split = ""
        taken.add(name)
        splits.append(split)
    return splits
