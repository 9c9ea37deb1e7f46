"""What a page shows: plain values, from which the HTML and the data of its scripts are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapkit.checks import Findings
from gapkit.page.captioned import Captioned
from gapkit.page.packing import pack
from gapkit.report import Table

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class State:
    """Where the cloud stands at one moment of its way.

    Parameters
    ----------
    label : str
        "before", "step 3", "after".
    cosine : array of shape (k,)
        Mean cosine of each shown clip to its own targets, in the full space.
    mean : float
        The same over all measured clips: the number of the table.
    risen : float
        Share of all measured clips that are nearer to their targets than before.
    centroid : float
        Distance of the two means, in the full space, all measured clips.
    """

    label: str
    cosine: Floats
    mean: float
    risen: float
    centroid: float


@dataclass(frozen=True, eq=False)
class Way:
    """One bridge, as the page moves it.

    Parameters
    ----------
    bridge, block : str
    states : tuple of State
        From before to after.
    note : str
        What the states are: those of the process, or only the two ends.
    turned : array of shape (k,)
        Angle between a shown clip's embedding before and after, in degrees.
    counts : mapping of cloud to array of int
        Measured clips in each bin of `EDGES` by cosine: to their own targets and to those of a stranger, before and
        after.
    as_measured : bool
        It ends where the table measured it; not so with another number of steps.
    """

    bridge: str
    block: str
    states: tuple[State, ...]
    note: str
    turned: Floats
    counts: Mapping[str, NDArray[np.int64]]
    as_measured: bool = True


@dataclass(frozen=True, eq=False)
class Map:
    """One projection of everything into the plane.

    Parameters
    ----------
    name, label, note : str
        Note: how it was found and what it cannot show.
    axes : pair of str
    targets : mapping of bridge to array of shape (k, 2)
        The first target of each shown clip; one array where all bridges share a plane. NaN: the clip is not in this
        projection.
    ways : mapping of bridge to array of shape (s, k, 2)
        Its states.
    """

    name: str
    label: str
    note: str
    axes: tuple[str, str]
    targets: Mapping[str, Floats]
    ways: Mapping[str, Floats]


@dataclass(frozen=True, eq=False)
class Page:
    """Everything on one page.

    Parameters
    ----------
    name : str
        What was measured.
    question : str
        What the study asks, in a sentence.
    answers : tuple of pairs of str
        What its table says: a word for what it is about, and the sentence.
    table : Table
    definitions : mapping of metric to str
    unit : str
        What a clip is moved towards: "caption" where the data have captions, otherwise "target".
    failures : tuple of str
    ids : tuple of str
        Name of each clip that is shown.
    captions : tuple of tuple of str
        Captions of each clip.
    ways : tuple of Way
    maps : tuple of Map
    remarks : tuple of str
        What the migration view does not show, and why.
    findings : Findings
        What the data are, and what is odd about them.
    facts : mapping of heading to mapping of name to text
        How it was computed.
    cells : tuple of mapping of name to text
        Each fitted bridge: parameters, times.
    files : mapping of file name to text
        Downloads.
    captioned : Captioned, optional
        Captions of a caption study.
    """

    name: str
    question: str
    answers: tuple[tuple[str, str], ...]
    table: Table
    findings: Findings
    definitions: Mapping[str, str] = field(default_factory=dict)
    unit: str = "caption"
    failures: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    captions: tuple[tuple[str, ...], ...] = ()
    ways: tuple[Way, ...] = ()
    maps: tuple[Map, ...] = ()
    remarks: tuple[str, ...] = ()
    facts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    cells: tuple[Mapping[str, str], ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    captioned: Captioned | None = None


def script_data(page: Page) -> dict[str, Any]:
    """What the scripts of the page read.

    Returns
    -------
    dict
        Plain values that JSON holds. Cosines are packed over -1..1, angles over 0..180, coordinates over the `span` of
        their map: see `gapkit.page.packing.pack`. The state before, which all bridges share, stands there once.
    """
    return {
        "name": page.name,
        "unit": page.unit,
        "ids": list(page.ids),
        "captions": [list(own) for own in page.captions],
        "before": pack(page.ways[0].states[0].cosine, -1.0, 1.0) if page.ways else "",
        "ways": [_way(own) for own in page.ways],
        "maps": [_map(own) for own in page.maps],
        "table": _table(page.table),
        **({} if page.captioned is None else {"captioned": page.captioned.data()}),
    }


def _way(own: Way) -> dict[str, Any]:
    return {
        "bridge": own.bridge,
        "block": own.block,
        "note": own.note,
        "turned": pack(own.turned, 0.0, 180.0),
        "counts": {name: counts.tolist() for name, counts in own.counts.items()},
        "states": [
            # Six digits: the last ones of float32 hang on where in memory rows lie.
            {"label": s.label, "mean": round(s.mean, 6), "risen": round(s.risen, 6), "centroid": round(s.centroid, 6)}
            | ({"cosine": pack(s.cosine, -1.0, 1.0)} if k else {})
            for k, s in enumerate(own.states)
        ],
    }


def _map(own: Map) -> dict[str, Any]:
    goals = list(own.targets.values())
    there = np.isfinite(goals[0][:, 0])
    shared = all(goal is goals[0] for goal in goals)
    # What packs coordinates: of all bridges where they share a plane.
    frames = {bridge: _Frame([own.targets[bridge], states], there) for bridge, states in own.ways.items()}
    if shared:
        frames = dict.fromkeys(frames, _Frame([*goals, *own.ways.values()], there))

    def ends(bridge: str) -> dict[str, Any]:
        pack_ = frames[bridge].pack
        return {
            "span": frames[bridge].span, "target": pack_(own.targets[bridge]), "before": pack_(own.ways[bridge][0])
        }  # fmt: skip

    return {
        "name": own.name,
        "label": own.label,
        "note": own.note,
        "axes": list(own.axes),
        # Left out where all clips are there.
        "clips": None if there.all() else np.flatnonzero(there).tolist(),
        **(ends(next(iter(own.ways))) if shared else {}),
        "ways": {
            bridge: {"states": [frames[bridge].pack(xy) for xy in states[1:]], **({} if shared else ends(bridge))}
            for bridge, states in own.ways.items()
        },
    }


class _Frame:
    """The box around places in a plane, and coordinates packed over it."""

    def __init__(self, places: Sequence[Floats], there: NDArray[np.bool_]) -> None:
        points = np.concatenate([xy[..., there, :].reshape(-1, 2) for xy in places])
        (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
        self.span = [float(v) for v in (x0, x1, y0, y1)]
        self.there = there

    def pack(self, xy: Floats) -> list[str]:
        x0, x1, y0, y1 = self.span
        return [pack(xy[self.there, 0], x0, x1), pack(xy[self.there, 1], y0, y1)]


def _table(table: Table) -> dict[str, Any]:
    def number(value: float) -> float | None:
        return float(value) if np.isfinite(value) else None

    return {
        "metrics": [
            {
                "name": c.name, "label": c.label, "group": c.group, "better": c.better, "arrow": c.arrow,
                "scale": c.scale, "digits": c.digits,
            }
            for c in table.columns
        ],
        "rows": [
            {
                "bridge": row.name,
                "block": block,
                "values": [[number(e.value), number(e.low), number(e.high)] for e in row.entries],
            }
            for block, rows in table.blocks.items()
            for row in rows
        ],
    }  # fmt: skip
