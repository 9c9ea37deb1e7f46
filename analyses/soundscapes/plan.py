"""All of the set but its sound: recordings, splits, scenes and captions, from a table of recordings alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from soundscapes.captions import kept
from soundscapes.concepts import Concept, read_concepts
from soundscapes.duplicates import groups, one_concept_each
from soundscapes.recordings import Pool, Recording
from soundscapes.scenes import COUNTS, SEED, Scene, draw
from soundscapes.splits import deal


@dataclass(frozen=True)
class Plan:
    """What is composed of what.

    Parameters
    ----------
    recordings : sequence of Recording
    group : sequence of int
        Recordings of one number sound the same.
    split : sequence of str
        Where each recording is used; empty: nowhere.
    """

    recordings: Sequence[Recording]
    group: Sequence[int]
    split: Sequence[str]

    @cached_property
    def concepts(self) -> dict[str, Concept]:
        """All concepts by name."""
        return read_concepts()

    @cached_property
    def choices(self) -> dict[str, dict[str, list[int]]]:
        """Recordings by split and concept."""
        table: dict[str, dict[str, list[int]]] = {split: {} for split in COUNTS}
        for number, (recording, split) in enumerate(zip(self.recordings, self.split, strict=True)):
            if split:
                table[split].setdefault(recording.concept, []).append(number)
        return table

    @cached_property
    def seconds(self) -> list[float]:
        """Length of each recording."""
        return [recording.seconds for recording in self.recordings]

    @cached_property
    def beds(self) -> frozenset[str]:
        """Concepts that can lie under others."""
        return beds(self.concepts)

    def scene(self, split: str, index: int) -> Scene:
        """Clip `index` of a split."""
        return draw(split, index, choices=self.choices[split], beds=self.beds, seconds=self.seconds)

    def captions(self, scene: Scene) -> list[str]:
        """The captions of a clip that the set holds."""
        return kept(scene, self.concepts)

    def table(self) -> list[dict[str, Any]]:
        """What `from_table` reads, for a manifest."""
        rows = zip(self.recordings, self.group, self.split, strict=True)
        return [{**dataclasses.asdict(recording), "group": g, "split": s} for recording, g, s in rows]

    @classmethod
    def from_table(cls, table: Iterable[Mapping[str, Any]]) -> Plan:
        """A plan from a manifest: the sounds themselves are not needed."""
        rows = [dict(row) for row in table]
        group = [row.pop("group") for row in rows]
        split = [row.pop("split") for row in rows]
        return cls([Recording(**row) for row in rows], group, split)

    @classmethod
    def from_pool(cls, pool: Pool) -> Plan:
        """Find the copies among the recordings and deal them to the splits."""
        group = groups(pool)
        concept_of = one_concept_each([recording.concept for recording in pool.recordings], group)
        content = [recording.blake2b for recording in pool.recordings]
        split = deal(concept_of, group, content, beds=beds(read_concepts()), seed=SEED)
        recordings = [dataclasses.replace(r, concept=c) for r, c in zip(pool.recordings, concept_of, strict=True)]
        return cls(recordings, group.tolist(), split)


def beds(concepts: Mapping[str, Concept]) -> frozenset[str]:
    """Names of the concepts that go on by themselves."""
    return frozenset(name for name, concept in concepts.items() if concept.bed)
