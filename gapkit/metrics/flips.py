"""Robustness of retrieval: share of the answers that another storage or a little noise changes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Literal, get_args

import torch
from torch import Tensor

from gapkit.arrays import ArrayLike, rows_of_length_one
from gapkit.errors import InputError
from gapkit.given import memory_limit, whole
from gapkit.metrics.cloud import Cloud, row_blocks
from gapkit.metrics.pair import Pair, pair_of
from gapkit.metrics.registry import metric
from gapkit.metrics.retrieval import TIE, tile_of_cosines
from gapkit.metrics.value import Value

How = Literal["int8", "binary", "noise"]

NOISE = 0.05
"""Expected length of the noise on a source row of length one."""

LEAST_FLIPS = 5
"""Answers that flip, and that stay, for an interval: resamples of fewer say too little."""

LEVELS = 255
"""Steps between the smallest and the largest value of a dimension."""

Change = Callable[[Tensor, Tensor], Tensor]
"""Done to unit rows, given with their numbers."""


def share_flipped(
    source: ArrayLike, target: ArrayLike, *, owner: ArrayLike | None = None, how: How, seed: int = 0
) -> float:
    """Share of the sources whose nearest target is of another item once the rows are changed.

    Rows are scaled to length one first. ``int8``: each dimension of both sides is rounded to 256 levels between the
    smallest and the largest value of the targets, as an index of the targets would store it; what lies outside is cut
    off. ``binary``: both sides keep the sign of each dimension. ``noise``: sources get normal noise of an expected
    length of about .05.

    Parameters
    ----------
    source : array-like of shape (n, d)
        The queries.
    target : array-like of shape (m, d)
        The gallery: all rows, ordered by cosine.
    owner : array-like of shape (m,), optional
        Source row of each target row.
    how : {"int8", "binary", "noise"}
    seed : int
        Of the noise.

    Returns
    -------
    float
        In [0, 1]; lower is better, 0 where no answer changes. It says nothing of whether answers are right. Where
        several items are equally near, one is the answer by chance, before and after. Cost n m d.

    Raises
    ------
    InputError

    Examples
    --------
    >>> share_flipped([[1, 0.2], [0.2, 1]], [[1, 0], [0, 1]], how="noise")
    0.0
    """
    if how not in get_args(How):
        raise InputError(f"how: expected one of {', '.join(get_args(How))}, got {how!r}")
    return flips_of(pair_of(source, target, owner, paired=True, seed=whole("seed", seed)), how=how).value


def flips_of(pair: Pair, *, how: How) -> Value:
    """Mean over items of the chance that the answer is another one."""
    x, y = pair.unit.x, pair.unit.y
    changed_x, changed_y = _changes(pair, how)
    same = torch.empty(x.n, dtype=torch.float64, device=x.base.device)
    side = max(1, memory_limit(pair.max_memory // 8) // (16 * (len(y.owner) + x.n)))
    for rows in torch.split(torch.arange(x.n, device=x.base.device), side):
        queries = x.take(rows)
        before = _answers(queries, y, lambda targets, _: targets)
        after = _answers(changed_x(queries, rows), y, changed_y)
        same[rows] = (before * after).sum(dim=1).double()
    flipped = (1 - same).clamp(0, 1)
    value = Value.mean_of(flipped)
    rare = min(value.inner, 1 - value.inner) * x.n < LEAST_FLIPS
    return replace(value, influence=None) if rare else value


_WORDS: dict[How, tuple[str, str]] = {
    "int8": ("int8", "both sides are rounded to 256 levels a dimension"),
    "binary": ("binary", "both sides keep the signs alone"),
    "noise": ("noise", "sources get noise of a length of .05"),
}
for _place, (_how, (_label, _what)) in enumerate(_WORDS.items()):
    metric(
        f"flip-{_how}@1",
        label=f"Flips {_label}",
        place=405.1 + _place / 10,
        group="preservation",
        better="lower",
        best=0.0,
        range=(0.0, 1.0),
        cost="n m d",
        default=False,
        definition=f"Share of sources whose nearest target is of another item once {_what}.",
    )(partial(flips_of, how=_how))


def _answers(queries: Tensor, y: Cloud, change: Change) -> Tensor:
    """Chance of each item to be the answer to each query, (b, n): shared evenly by the rows that are nearest."""
    cosines = queries.new_empty(len(queries), len(y.owner))
    for part in row_blocks(y.base):
        numbers = torch.arange(part.start, min(part.stop, len(y.owner)), device=queries.device)
        cosines[:, part] = tile_of_cosines(queries, change(y.block(part), numbers))
    nearest = (cosines >= cosines.amax(dim=1, keepdim=True) - TIE).float()
    nearest /= nearest.sum(dim=1, keepdim=True)
    return queries.new_zeros(len(queries), y.n).index_add_(1, y.owner, nearest)


def _changes(pair: Pair, how: How) -> tuple[Change, Change]:
    """The change of the sources and of the targets."""
    if how == "noise":
        return partial(_noisy, seed=pair.seed), lambda rows, _: rows
    if how == "binary":
        return _signs, _signs
    y = pair.unit.y
    low, high = y.shared("range of each dimension", lambda: _range(y))
    change = partial(_rounded, low=low, high=high)
    return change, change


def _range(y: Cloud) -> tuple[Tensor, Tensor]:
    """Smallest and largest value of each dimension of the targets."""
    ends = [torch.aminmax(y.block(part), dim=0) for part in row_blocks(y.base)]
    return torch.stack([end.min for end in ends]).amin(dim=0), torch.stack([end.max for end in ends]).amax(dim=0)


def _rounded(rows: Tensor, _: Tensor, *, low: Tensor, high: Tensor) -> Tensor:
    step = ((high - low) / LEVELS).clamp_min(torch.finfo(rows.dtype).tiny)
    level = ((rows - low) / step).round().clamp(0, LEVELS)
    return rows_of_length_one(low + level * step)


def _signs(rows: Tensor, _: Tensor) -> Tensor:
    return torch.where(rows > 0, 1.0, -1.0) / math.sqrt(rows.shape[1])


def _noisy(rows: Tensor, numbers: Tensor, *, seed: int) -> Tensor:
    """Rows with noise of their own, whatever block they stand in."""
    noise = torch.empty_like(rows)
    for place, number in enumerate(numbers.tolist()):
        generator = torch.Generator().manual_seed(seed * 2**32 + number)
        noise[place] = torch.randn(rows.shape[1], generator=generator).to(rows.device)
    return rows_of_length_one(rows + noise * (NOISE / rows.shape[1] ** 0.5))
