"""`inspect_pairs` and `require_usable`."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gapkit.checks.copies import copies_of
from gapkit.checks.findings import Findings, Gap, Leak, Side
from gapkit.checks.fitted import moved_problems
from gapkit.checks.pairing import pairing_of
from gapkit.checks.scan import Scan, blocks, scan, unit
from gapkit.checks.words import problems_of
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError

UNIT_TOLERANCE = 5e-3
"""How far from one the length of a normalised row may be; rounding to float16 stays far below."""
SAME_COSINE = 1e-6
"""Distance of the mean cosine of equal directions from one: rounding to float32."""

Progress = Callable[[int, int, str], None]
"""Called with the number of rows that were looked at, of all, and what is going on."""


def inspect_pairs(
    pairs: PairedEmbeddings, *, seed: int = 0, max_rows: int = 20_000, progress: Progress | None = None
) -> Findings:
    """Say what `pairs` are and what is wrong with them.

    Everything is exact and takes one pass, O(n d), but two figures. The effective rank, O(n d^2), is taken from a
    sample where a side has more than `max_rows` rows; the permutation test of the pairing from 1,000 items. Broken
    rows are counted and left out of all other figures.

    Parameters
    ----------
    pairs : PairedEmbeddings
    seed : int
        Of the samples and the permutations.
    max_rows : int
        Rows of a side that the effective rank is taken from, at most.
    progress : callable, optional
        ``progress(done, total, note)`` as the rows are looked at; those of the target twice.

    Returns
    -------
    Findings

    Raises
    ------
    InputError
        `max_rows` below 2.
    """
    if max_rows < 2:
        raise InputError(f"max_rows: expected at least 2, got {max_rows}")
    seen = _Seen(len(pairs) + 2 * pairs.n_targets, progress)
    scans = {"source": scan(pairs.source, seen), "target": scan(pairs.target, seen)}
    rng = np.random.default_rng(seed)
    sides = {key: _side(key, getattr(pairs, key), scans[key], pairs, rng, max_rows) for key in scans}
    largest = max(int(found.usable.sum()) for found in scans.values())
    repeated = 0 if pairs.captions is None else len(pairs.captions) - len(np.unique(pairs.captions))
    gap, leaks = _gap(pairs, scans["source"], scans["target"], seen), tuple(_leaks(pairs, scans))
    copies = copies_of(pairs, scans["source"], scans["target"])
    same = _same_rows(pairs, scans["source"], scans["target"], gap)
    pairing = None if same else pairing_of(pairs, scans["source"], scans["target"], rng)
    return Findings(
        name=pairs.name,
        clips=len(pairs),
        targets=pairs.n_targets,
        splits=pairs.splits,
        source=sides["source"],
        target=sides["target"],
        gap=gap,
        pairing=pairing,
        same_rows=same,
        copied_pairs=len(copies.pairs),
        leaks=leaks,
        repeated_captions=repeated,
        sampled=max_rows if largest > max_rows else None,
        problems=(
            *problems_of(pairs, sides, scans, leaks, copies, pairing, same),
            *moved_problems(pairs),
        ),
    )


def require_usable(
    pairs: PairedEmbeddings, *, seed: int = 0, max_rows: int = 20_000, progress: Progress | None = None
) -> Findings:
    """`inspect_pairs`, refusing what cannot be compared.

    Parameters
    ----------
    pairs, seed, max_rows, progress
        As for `inspect_pairs`.

    Returns
    -------
    Findings
        Without errors; warnings are the caller's to show.

    Raises
    ------
    InputError
        The first error found: NaN or infinite rows, zero rows, fewer than two clips.
    """
    findings = inspect_pairs(pairs, seed=seed, max_rows=max_rows, progress=progress)
    if findings.errors:
        raise InputError(f"{pairs.name}: {findings.errors[0].message}")
    return findings


class _Seen:
    """Counts rows, and tells of them."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self.total = total
        self.done = 0
        self.progress = progress

    def __call__(self, rows: int) -> None:
        self.done += rows
        if self.progress is not None:
            self.progress(self.done, self.total, "rows looked at")


def _side(
    name: str,
    array: NDArray[np.float32],
    found: Scan,
    pairs: PairedEmbeddings,
    rng: np.random.Generator,
    max_rows: int,
) -> Side:
    rows = np.flatnonzero(found.usable)
    norms = found.norms[rows]
    k = len(rows)
    sampled = np.sort(rng.choice(rows, max_rows, replace=False)) if k > max_rows else rows
    return Side(
        name=name,
        rows=len(array),
        dim=array.shape[1],
        dtype=pairs.meta.get(f"{name}_dtype"),
        norm_min=float(norms.min()) if k else float("nan"),
        norm_mean=float(norms.mean()) if k else float("nan"),
        norm_max=float(norms.max()) if k else float("nan"),
        unit=bool((np.abs(norms - 1) <= UNIT_TOLERANCE).all()),
        # The square of the sum holds every pair twice and every row with itself once.
        mean_cosine=float((found.unit_sum @ found.unit_sum - k) / (k * (k - 1))) if k > 1 else float("nan"),
        effective_rank=_effective_rank(unit(array, found, sampled)) if k else 0.0,
        duplicates=k - len(np.unique(found.prints[rows])),
        non_finite=int((~found.finite).sum()),
        zero=int(found.zero.sum()),
        constant=found.constant,
    )


def _effective_rank(x: NDArray[np.float64]) -> float:
    x = x - x.mean(axis=0)
    gram = x.T @ x if len(x) >= x.shape[1] else x @ x.T
    if np.trace(gram) <= 1e-12 * len(x):  # all rows the same, up to rounding
        return 0.0
    singular = np.sqrt(np.linalg.eigvalsh(gram).clip(min=0))
    share = singular[singular > 0] / singular.sum()
    return float(np.exp(-(share * np.log(share)).sum()))


def _gap(pairs: PairedEmbeddings, source: Scan, target: Scan, seen: Callable[[int], None]) -> Gap | None:
    n, m = int(source.usable.sum()), int(target.usable.sum())
    total, count = 0.0, 0
    for block in blocks(pairs.n_targets):
        seen(block.stop - block.start)
        rows = np.arange(pairs.n_targets)[block]
        rows = rows[target.usable[rows] & source.usable[pairs.owner[rows]]]
        x, y = unit(pairs.source, source, pairs.owner[rows]), unit(pairs.target, target, rows)
        total += float(np.einsum("ij,ij->", x, y))
        count += len(rows)
    if not count:
        return None
    others = n * m - count
    return Gap(
        centroid_distance=float(np.linalg.norm(source.unit_sum / n - target.unit_sum / m)),
        paired_cosine=total / count,
        unpaired_cosine=float(source.unit_sum @ target.unit_sum - total) / others if others else float("nan"),
    )


def _same_rows(pairs: PairedEmbeddings, source: Scan, target: Scan, gap: Gap | None) -> str:
    """The sense in which both sides are the same rows: "all", "directions" or "order"; empty where they differ."""
    if gap is None or len(pairs) < 2:
        return ""
    usable = target.usable & source.usable[pairs.owner]
    if bool((source.prints[pairs.owner][usable] == target.prints[usable]).all()):
        return "all"
    if gap.paired_cosine > 1 - SAME_COSINE > gap.unpaired_cosine:
        return "directions"
    alike = np.array_equal(np.unique(source.prints[source.usable]), np.unique(target.prints[target.usable]))
    return "order" if alike else ""


def _leaks(pairs: PairedEmbeddings, scans: dict[str, Scan]) -> list[Leak]:
    """Rows that stand in two splits; a split ``x-duplicates`` holds copies of ``x`` and counts as ``x``."""
    if pairs.split is None:
        return []
    names, codes = np.unique([str(s).removesuffix("-duplicates") for s in pairs.split], return_inverse=True)
    leaks = []
    for side, found in scans.items():
        code = codes if side == "source" else codes[pairs.owner]
        shared = _shared(found.prints[found.usable], code[found.usable])
        leaks += [Leak(side, str(names[a]), str(names[b]), count) for (a, b), count in sorted(shared.items())]
    return leaks


def _shared(prints: NDArray[np.uint64], codes: NDArray[np.int64]) -> Counter[tuple[int, int]]:
    order = np.lexsort((codes, prints))
    prints, codes = prints[order], codes[order]
    new = np.ones(len(prints), dtype=np.bool_)
    new[1:] = (prints[1:] != prints[:-1]) | (codes[1:] != codes[:-1])
    prints, codes = prints[new], codes[new]
    _, start, size = np.unique(prints, return_index=True, return_counts=True)
    counter: Counter[tuple[int, int]] = Counter()
    for first, length in zip(start[size > 1], size[size > 1], strict=True):
        counter.update(itertools.combinations(codes[first : first + length].tolist(), 2))
    return counter
