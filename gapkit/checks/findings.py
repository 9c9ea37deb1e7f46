"""`Findings`: what `inspect_pairs` says of paired embeddings."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong. An error stops a comparison, a warning does not.

    Parameters
    ----------
    severity : {"error", "warning"}
    message : str
    kind : str
        ``"broken"``, ``"count"``, ``"pairing"``, ``"collapse"``, ``"rank"``, ``"copies"``, ``"constant"``,
        ``"dtype"``, ``"length"``, ``"leak"`` or ``"names"``.
    """

    severity: Literal["error", "warning"]
    message: str
    kind: str = ""


@dataclass(frozen=True)
class Side:
    """One modality.

    Parameters
    ----------
    name : str
        ``"source"`` or ``"target"``.
    rows, dim : int
    dtype : str or None
        Of the file; None where the embeddings came from memory.
    norm_min, norm_mean, norm_max : float
        Length of the usable rows (finite and not zero); NaN without any.
    unit : bool
        All usable rows have length one.
    mean_cosine : float
        Mean cosine of all pairs of different usable rows. Near 1: collapsed.
    effective_rank : float
        Exponential of the entropy of the normalised singular values of the centred unit rows (Roy and Vetterli,
        2007), from 1 to ``min(dim, rows - 1)``; 0 where all rows are the same.
    duplicates : int
        Rows that repeat an earlier one.
    non_finite, zero : int
        Rows with NaN or infinity; rows of zeros.
    constant : int
        Dimensions with one value in all usable rows.
    """

    name: str
    rows: int
    dim: int
    dtype: str | None
    norm_min: float
    norm_mean: float
    norm_max: float
    unit: bool
    mean_cosine: float
    effective_rank: float
    duplicates: int
    non_finite: int
    zero: int
    constant: int


@dataclass(frozen=True)
class Gap:
    """The gap as it is, on unit rows.

    Parameters
    ----------
    centroid_distance : float
        Distance of the mean source row and the mean target row, 0 to 2; 0 is no gap.
    paired_cosine : float
        Mean cosine of each target row with its clip, -1 to 1.
    unpaired_cosine : float
        Mean cosine of target rows with all other clips, -1 to 1; NaN for one clip.
    """

    centroid_distance: float
    paired_cosine: float
    unpaired_cosine: float


@dataclass(frozen=True)
class Pairing:
    """Result of the permutation test of the pairing, within each split.

    Parameters
    ----------
    p : float
        Share of the permutations, the given order included, in which pairs are at least as near: (k + 1) / (B + 1).
    items : int
        Items that were looked at.
    nearer : bool
        `p` is below 0.01, and no known mistake in the order has taken most of the nearness away.
    alike : bool
        Items that are alike in the source are alike in the target too: true of pairs in two spaces that share no axes.
    order : str
        A known mistake in the order of one side, in words, where mending it would bring the sides nearer.
    """

    p: float
    items: int
    nearer: bool
    alike: bool
    order: str


@dataclass(frozen=True)
class Copies:
    """Rows that repeat an earlier one, each counted once: a copied pair counts as a pair and on no side.

    Parameters
    ----------
    pairs : array of shape (k,)
        Items that repeat an earlier item in the source and in all their targets.
    source, target : arrays
        Other rows of a side that repeat an earlier one.
    captions : array
        Target rows whose caption repeats an earlier one, though the row does not.
    ids : array
        Items whose id repeats an earlier one.
    """

    pairs: NDArray[np.int64]
    source: NDArray[np.int64]
    target: NDArray[np.int64]
    captions: NDArray[np.int64]
    ids: NDArray[np.int64]


@dataclass(frozen=True)
class Leak:
    """Distinct rows of one side that two splits share."""

    side: str
    first: str
    second: str
    rows: int


@dataclass(frozen=True)
class Findings:
    """What `inspect_pairs` found.

    Parameters
    ----------
    name : str
    clips, targets : int
    splits : dict of str to int
        Clips in each split.
    source, target : Side
    gap : Gap or None
        None where no pair is usable.
    pairing : Pairing or None
        None where no split has 8 items.
    same_rows : str
        "" for two different sides; ``"all"``, ``"directions"`` or ``"order"`` where both sides are the same rows, the
        same but for their lengths, or the same in another order.
    copied_pairs : int
        Items that repeat an earlier item on both sides.
    leaks : tuple of Leak
    repeated_captions : int
        Target rows whose caption is that of an earlier row; 0 without captions.
    sampled : int or None
        Rows that the effective rank was taken from, where not all.
    problems : tuple of Problem
        Errors first.
    """

    name: str
    clips: int
    targets: int
    splits: dict[str, int]
    source: Side
    target: Side
    gap: Gap | None
    pairing: Pairing | None
    same_rows: str
    copied_pairs: int
    leaks: tuple[Leak, ...]
    repeated_captions: int
    sampled: int | None
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """What must be mended before a comparison."""
        return tuple(p for p in self.problems if p.severity == "error")

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers, texts, lists and dicts, as JSON takes them; NaN becomes None."""
        plain: dict[str, Any] = _without_nan(dataclasses.asdict(self))
        return plain


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
