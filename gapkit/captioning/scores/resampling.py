"""Resamples of clips, or of groups of clips that share an origin, for the intervals of scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from gapkit.errors import InputError
from gapkit.statistics import Groups, resample_weights


class Resamples:
    """Bootstrap weights of clips by their ids, made once.

    Parameters
    ----------
    draws, seed : int
    groups : mapping of str to str, optional
        Origin of each clip, by its id.
    """

    def __init__(self, draws: int, seed: int, groups: Mapping[str, str] | None) -> None:
        self._draws, self._seed, self._groups = draws, seed, groups
        self._made: dict[tuple[str, ...], tuple[Groups | None, NDArray[np.float32]]] = {}

    def __call__(self, ids: Sequence[str]) -> NDArray[np.float32]:
        """Weights of the clips, (B, n)."""
        return self._of(ids)[1]

    def groups(self, ids: Sequence[str]) -> Groups | None:
        """Groups of the clips; None where each is its own."""
        return self._of(ids)[0]

    def _of(self, ids: Sequence[str]) -> tuple[Groups | None, NDArray[np.float32]]:
        key = tuple(ids)
        if key not in self._made:
            own = None if self._groups is None else Groups.from_cells(self._cells(key, self._groups))
            groups = None if own is None or own.apart else own
            weights = resample_weights(len(key), self._draws, self._seed, groups=groups)
            self._made[key] = groups, weights[: self._draws]
        return self._made[key]

    @staticmethod
    def _cells(ids: tuple[str, ...], groups: Mapping[str, str]) -> list[str]:
        missing = [key for key in ids if not groups.get(key)]
        if missing:
            raise InputError(
                f"groups: {len(missing):,} of {len(ids):,} clips have no group (first: {', '.join(missing[:3])}); give "
                "each clip a group, and a clip that shares its origin with no other a name of its own"
            )
        return [groups[key] for key in ids]


def remarks(groups: Groups | None) -> Iterator[str]:
    """Remarks on the units of chance."""
    if groups is not None:
        yield f"intervals over groups: {groups.summary}"
        for said in (groups.no_interval, groups.caution):
            if said:
                yield said
