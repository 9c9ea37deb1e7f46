"""The way of each bridge: its states, measured in the full space."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapkit.bridges.stepping import SteppingBridge
from gapkit.comparison.run import ALL, Run
from gapkit.errors import GapkitError
from gapkit.metrics import centroid_distance
from gapkit.page.content import State, Way
from gapkit.study.progress import Progress

MOST_STATES = 8
"""Of a way on the page; longer ones are thinned."""
EDGES = np.linspace(-1.0, 1.0, 81)
"""Of the bins that cosines are counted in."""

Rows = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Track:
    """A way with the embeddings behind it.

    Parameters
    ----------
    way : Way
    states : array of shape (s, k, d)
        Shown clips, from before to after.
    """

    way: Way
    states: Rows


class Ruler:
    """Measures a cloud of the study's clips against their own targets.

    The cosine of a clip to its targets is its product with their mean direction: one matrix product for all.
    """

    def __init__(self, run: Run) -> None:
        test = run.test
        self.target, self.owner = test.target, test.owner
        unit = _unit(test.target)
        self.own = np.zeros((len(test), test.dim))
        np.add.at(self.own, test.owner, unit)
        self.own /= np.bincount(test.owner, minlength=len(test))[:, None]
        # A turn of a random order: each clip gets another one's targets, and no clip its own.
        order = np.random.default_rng(run.config.seed).permutation(len(test))
        self.stranger = np.empty_like(order)
        self.stranger[order] = np.roll(order, 1)

    def pairs(self, cloud: Rows) -> NDArray[np.float64]:
        """Cosine of each clip with its own targets, (n,)."""
        return np.asarray(np.einsum("ij,ij->i", _unit(cloud), self.own))

    def strangers(self, cloud: Rows) -> NDArray[np.float64]:
        """Cosine of each clip with the targets of another one, (n,)."""
        return np.asarray(np.einsum("ij,ij->i", _unit(cloud), self.own[self.stranger]))

    def centroid(self, cloud: Rows) -> float:
        """Distance of the means."""
        return centroid_distance(cloud, self.target, owner=self.owner)


def tracks(
    run: Run, clips: NDArray[np.int64], *, steps: int | None = None, progress: Progress
) -> Iterator[Track | str]:
    """The ways of all bridges that moved something; a line of text for one that could not be followed.

    Parameters
    ----------
    run : Run
    clips : array of shape (k,)
        Rows of ``run.test`` that are shown.
    steps : int, optional
        Reverse steps, where a bridge can be told; left out, those of the study.
    progress : Progress
    """
    ruler = Ruler(run)
    blocks = dict(zip(run.results.frame["bridge"], run.results.frame["block"], strict=True))
    for name in run.bridges:
        if name == "identity":
            continue
        progress.begin(f"moving with {name}")
        try:
            states, labels, note, as_measured = _follow(run, name, steps)
        except GapkitError as error:
            progress.advance(f"moving with {name}", f"failed: {error}")
            yield f"{name} is not in this view: {error}"
            continue
        way = _measured(name, str(blocks[name]), states, labels, note, ruler, clips)
        yield Track(replace(way, as_measured=as_measured), states[:, clips])
        progress.advance(f"moving with {name}", f"{len(states)} states")


def _follow(run: Run, name: str, steps: int | None) -> tuple[Rows, list[str], str, bool]:
    """States of all measured clips, (s, n, d), their labels, what they are, and whether they end as in the table."""
    seeds = run.seeds(name)
    told = f"Seed {seeds[0]} of {', '.join(map(str, seeds))}. " if len(seeds) > 1 else ""
    bridge = run.bridge(name, fold=1)
    settable = "sample_steps" in bridge.get_params(deep=False)
    asked = steps if settable else None
    states = run.trajectory(name, n_snapshots=MOST_STATES, sample_steps=asked)
    if states is None or len(states) < 3:
        moved = run.moved(name)
        note = f"{told}Moves in one go: before and after."
        return np.stack([run.test.source, moved]), ["before", "after"], note, True
    whole = len(states)
    if whole == MOST_STATES and isinstance(bridge, SteppingBridge):
        # As many as asked for: there may be more. Their number does not depend on the rows.
        told_bridge = bridge if asked is None else bridge.set_params(sample_steps=asked)
        whole = len(np.asarray(told_bridge.trajectory(run.test.source[:2], ALL)))
    places = np.linspace(0, whole - 1, len(states)).round().astype(int)
    labels = ["before", *(f"step {p - 1}" if p > 1 else "start" for p in places[1:-1]), "after"]
    number = f"{whole - 2} reverse step{'s' if whole > 3 else ''}"
    note = f"{told}{number}; start is the clip as the process takes it up."
    if len(places) < whole:
        note += f" {len(places)} of {whole} states are shown."
    as_measured = asked is None or np.array_equal(states[-1], run.moved(name))
    if not as_measured:
        note += " The study took another number of steps: what is after here is not what the table measured."
    return states, labels, note, as_measured


def _measured(
    name: str, block: str, states: Rows, labels: list[str], note: str, ruler: Ruler, clips: NDArray[np.int64]
) -> Way:
    before, after = states[0], states[-1]
    cosines = [ruler.pairs(cloud) for cloud in states]
    seen = [
        State(label, own[clips], float(own.mean()), float((own > cosines[0]).mean()), ruler.centroid(cloud))
        for label, own, cloud in zip(labels, cosines, states, strict=True)
    ]
    turned = np.einsum("ij,ij->i", _unit(before[clips]), _unit(after[clips])).clip(-1, 1)
    counts = {
        "before": _counts(cosines[0]), "after": _counts(cosines[-1]),
        "strangers before": _counts(ruler.strangers(before)), "strangers after": _counts(ruler.strangers(after)),
    }  # fmt: skip
    return Way(name, block, tuple(seen), note, np.degrees(np.arccos(turned)), counts)


def _counts(cosines: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.histogram(cosines.clip(-1, 1), EDGES)[0].astype(np.int64)


def _unit(rows: NDArray[Any]) -> NDArray[np.float64]:
    wide = np.asarray(rows, dtype=np.float64)
    return np.asarray(wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-12))
