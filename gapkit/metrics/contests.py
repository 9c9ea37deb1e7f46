"""Scores of the two sides compared inside each fold: what the area under the ROC curve counts, and what moves it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from gapkit.metrics.probe import Probe, Scored


@dataclass(frozen=True)
class Contest:
    """Scores of one fold, in which every source item is compared with every target item.

    Parameters
    ----------
    score_x : Tensor of shape (k,), float64
    items_x, items_y : Tensor of shape (k,), (l,)
        Items of each side in this fold, ascending.
    score_y : Tensor of shape (r,), float64
        Of the target rows, ascending.
    rows_y : Tensor of shape (r,)
        Which of `items_y` each of them belongs to.
    share : Tensor of shape (r,), float64
        Weight of each of them inside its item.
    """

    score_x: Tensor
    items_x: Tensor
    items_y: Tensor
    score_y: Tensor
    rows_y: Tensor
    share: Tensor

    @property
    def pairs(self) -> int:
        """Number of comparisons."""
        return len(self.items_x) * len(self.items_y)

    def wins(self) -> Tensor:
        """Target items that each source item scores above, a tie counting half, (k,)."""
        below = torch.nn.functional.pad(self.share.cumsum(dim=0), (1, 0))
        least, most = (torch.searchsorted(self.score_y, self.score_x, right=right) for right in (False, True))
        return (below[least] + below[most]) / 2

    def losses(self) -> Tensor:
        """Source items that score above each target item, (l,)."""
        ascending = self.score_x.sort().values
        least, most = (torch.searchsorted(ascending, self.score_y, right=right) for right in (False, True))
        above = len(ascending) - (least + most).double() / 2
        return torch.zeros(len(self.items_y), dtype=torch.float64).index_add_(0, self.rows_y, above * self.share)

    def own(self) -> Tensor:
        """Share of its own target rows that each item scores above, paired items, (k,)."""
        mark = self.score_x[self.rows_y]
        above = (torch.sign(mark - self.score_y) + 1) / 2
        return torch.zeros_like(self.score_x).index_add_(0, self.rows_y, above * self.share)


def fold_contests(found: Probe) -> Iterator[Contest]:
    """One contest a fold that both sides have items in; sorting makes it n log n."""
    x, y = found.x, found.y
    owner, share, row_fold = y.cloud.owner, y.cloud.share, y.row_fold
    for fold in range(found.folds):
        items_x, rows = ((own == fold).nonzero().flatten() for own in (x.fold, row_fold))
        if len(items_x) == 0 or len(rows) == 0:
            continue
        items_y, local = torch.unique_consecutive(owner[rows], return_inverse=True)
        ascending = y.scores[rows].sort()
        order = ascending.indices
        yield Contest(x.scores[items_x], items_x, items_y, ascending.values, local[order], share[rows][order])


class Near:
    """Rows of the two sides that lie within a window of one another by their held-out scores in one fold.

    Parameters
    ----------
    x, y : Scored
    fold : int
    half : float
        Half the width of the window.
    scale : float
        What one comparison counts.
    """

    def __init__(self, x: Scored, y: Scored, fold: int, half: float, scale: float) -> None:
        self.rows_x, self.rows_y = ((side.row_fold == fold).nonzero().flatten() for side in (x, y))
        self.share_x, self.share_y = (
            side.cloud.share[rows] * scale**0.5 for side, rows in ((x, self.rows_x), (y, self.rows_y))
        )
        self.x, self.y = x.scores[self.rows_x], y.scores[self.rows_y]
        self.half = half

    def slopes(self) -> tuple[Tensor, Tensor]:
        """Slope of the area by the score of each row of the fold."""
        return (
            self.share_x * self._within(self.x, self.y, self.share_y[:, None])[:, 0],
            -self.share_y * self._within(self.y, self.x, self.share_x[:, None])[:, 0],
        )

    def others(self, moved_x: Tensor, moved_y: Tensor) -> tuple[Tensor, Tensor]:
        """Influence of each row through the steps of the rows that it is compared with, (m, L) each."""
        found = []
        for whole, rows, own, share, other, its, sign in (
            (moved_x, self.rows_x, self.x, self.share_x, self.y, self.share_y[:, None] * moved_y[self.rows_y], -1.0),
            (moved_y, self.rows_y, self.y, self.share_y, self.x, self.share_x[:, None] * moved_x[self.rows_x], 1.0),
        ):
            more = torch.zeros_like(whole)
            more[rows] = (sign * share[:, None] * self._within(own, other, its)).float()
            found.append(more)
        return found[0], found[1]

    def _within(self, scores: Tensor, others: Tensor, values: Tensor) -> Tensor:
        """Sum of `values` (r, c) of `others` (r,) over those within the window of each score, (k, c)."""
        ascending = others.sort()
        below = torch.nn.functional.pad(values[ascending.indices].double().cumsum(dim=0), (0, 0, 1, 0))
        least, most = (
            torch.searchsorted(ascending.values, scores + way * self.half, right=way > 0) for way in (-1.0, 1.0)
        )
        return below[most] - below[least]
