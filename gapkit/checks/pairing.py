"""Permutation test of the pairing: whether pairs are nearer than unrelated rows, and which order would be."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gapkit.checks.findings import Pairing
from gapkit.checks.scan import Scan, unit
from gapkit.embeddings import PairedEmbeddings

SAMPLE = 1000
"""Items that the test looks at, at most: its cost does not grow with the data."""
TARGETS = 8 * SAMPLE
"""Target rows that the sampled items are described by, at most."""
LEAST = 8
"""Items of one split below which the test has no power and is left out."""
PERMUTATIONS = 999
ALPHA = 0.01
"""Least p at which the pairs count as no nearer than unrelated rows."""
ALIKE, ALIKE_PERMUTATIONS = 400, 199
"""Items and permutations of the test of two spaces, which takes their square."""
SORTED = 100_000
"""Items above which no text is sorted: it would take longer than all other checks."""
NOTHING = 1e-12
"""Products of rows that are all the same, once their mean is taken off: rounding."""
LEFT = 0.2
"""Share of their nearness that pairs must have left beside a better order to count as nearer than unrelated rows."""
APART = 4.0
"""Standard errors by which another order must be nearer than the given one before it is named."""


@dataclass(frozen=True)
class _Sample:
    """Centred unit rows of some items and of their targets.

    Parameters
    ----------
    items : array of shape (k,)
        Rows of the source, ascending.
    rows, item : arrays of shape (r,)
        Rows of the target, and the place in `items` of the item that each describes.
    part : array of shape (k,)
        Split of each item, as a number.
    x : array of shape (k, d)
    y : array of shape (r, d)
    means : array of shape (splits, d)
        Mean unit source row of each split.
    """

    items: NDArray[np.int64]
    rows: NDArray[np.int64]
    item: NDArray[np.int64]
    part: NDArray[np.int64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    means: NDArray[np.float64]

    def mean_targets(self) -> NDArray[np.float64]:
        """Mean target of each item, (k, d)."""
        means = np.zeros_like(self.x)
        np.add.at(means, self.item, self.y)
        means /= np.bincount(self.item, minlength=len(self.x))[:, None]
        return means


def pairing_of(pairs: PairedEmbeddings, source: Scan, target: Scan, rng: np.random.Generator) -> Pairing | None:
    """Test whether pairs are nearer than items and targets that are dealt out anew within each split.

    The statistic is the mean product of the unit rows of a pair, each centred within its split: a gap between the
    sides changes nothing.

    Parameters
    ----------
    pairs : PairedEmbeddings
    source, target : Scan
    rng : Generator
        Draws the sample and the permutations.

    Returns
    -------
    Pairing or None
        None where no split has enough items for the test, or all rows of a side are the same.
    """
    sample = _sampled(pairs, source, target, rng)
    if sample is None or np.bincount(sample.part).max() < LEAST:
        return None
    products = sample.x @ sample.mean_targets().T
    k, size = len(products), float(np.abs(products).max())
    if size < NOTHING:
        return None
    drawn = products[np.arange(k), _shuffled(sample.part, PERMUTATIONS, rng)].sum(axis=1)
    # Sums of the same numbers in another order differ by rounding.
    extreme = int((drawn >= np.trace(products) - 1e-9 * size * k).sum())
    p = (extreme + 1) / (PERMUTATIONS + 1)
    order, left = _better_order(pairs, source, sample)
    nearer = p < ALPHA and left > LEFT
    return Pairing(p=p, items=k, nearer=nearer, alike=nearer or _alike(sample, rng), order=order)


def _sampled(pairs: PairedEmbeddings, source: Scan, target: Scan, rng: np.random.Generator) -> _Sample | None:
    rows = np.flatnonzero(target.usable & source.usable[pairs.owner])
    if not len(rows):
        return None
    rows = np.sort(rng.choice(rows, min(len(rows), TARGETS), replace=False))
    items = np.unique(pairs.owner[rows])
    if len(items) > SAMPLE:
        items = np.sort(rng.choice(items, SAMPLE, replace=False))
        rows = rows[np.isin(pairs.owner[rows], items)]
    item = np.searchsorted(items, pairs.owner[rows])
    part = np.zeros(len(items), dtype=np.int64)
    if pairs.split is not None:
        part = np.unique(pairs.split[items], return_inverse=True)[1].astype(np.int64)
    x, y = unit(pairs.source, source, items), unit(pairs.target, target, rows)
    means = _centre(x, part)
    _centre(y, part[item])
    return _Sample(items, rows, item, part, x, y, means)


def _centre(x: NDArray[np.float64], part: NDArray[np.int64]) -> NDArray[np.float64]:
    """Take the mean of each part off its rows, in place; the means, (parts, d)."""
    means = np.stack([x[part == p].mean(axis=0) for p in range(int(part.max()) + 1)])
    x -= means[part]
    return means


def _better_order(pairs: PairedEmbeddings, source: Scan, sample: _Sample) -> tuple[str, float]:
    """A known mistake that one side shows, and the share of the nearness of pairs that it has left; ("", 1) for none.

    An order counts where mending it would bring the two sides nearer than they are.
    """
    given = np.einsum("ij,ij->i", sample.x[sample.item], sample.y)
    best, found = APART, ("", 1.0)
    for words, owner in _orders(pairs):
        other = owner[sample.rows]
        # Broken items have no direction, and where both orders agree there is nothing to choose.
        fit = source.usable[other] & (other != pairs.owner[sample.rows])
        if np.count_nonzero(fit) < LEAST:
            continue
        x = unit(pairs.source, source, other[fit]) - sample.means[sample.part[sample.item[fit]]]
        mended = np.einsum("ij,ij->i", x, sample.y[fit])
        gain = mended - given[fit]
        score = float(gain.mean()) / max(float(gain.std(ddof=1)) / math.sqrt(len(gain)), 1e-12)
        if score > best and mended.mean() > 0:
            best, found = score, (words, float(given[fit].mean() / mended.mean()))
    return found


def _orders(pairs: PairedEmbeddings) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Orders that one side may have been brought into by mistake, each as an owner of the target rows."""
    n, m = len(pairs), pairs.n_targets
    given = pairs.owner
    for step in (1, -1, 2, -2, 3, -3):
        items = "1 item" if abs(step) == 1 else f"{abs(step)} items"
        yield f"the target comes {items} too {'late' if step > 0 else 'early'}", (given - step) % n
    yield "one side is in reverse order", n - 1 - given
    if m > n and m % n == 0:
        yield "the targets go round by round (all first ones, then all second ones)", np.arange(m) % n
        yield "the targets go item by item (all of the first, then all of the second)", np.arange(m) // (m // n)
    for words, order in _sortings(pairs):
        inverse = np.empty(n, dtype=np.int64)
        inverse[order] = np.arange(n)
        yield f"the target is sorted by {words}, the source is not", order[given]
        yield f"the source is sorted by {words}, the target is not", inverse[given]


def _sortings(pairs: PairedEmbeddings) -> Iterator[tuple[str, NDArray[np.int64]]]:
    n = len(pairs)
    if n > SORTED:
        return
    for first in (0, 1):
        # Numbers as text: "0", "1", "10", "11", "2".
        yield "the row numbers as text", np.argsort(np.arange(first, n + first).astype(np.str_), kind="stable")
    if pairs.ids is not None:
        yield "the ids", np.argsort(pairs.ids, kind="stable")
    if pairs.captions is not None and pairs.n_targets == n:
        captions = np.empty(n, dtype=pairs.captions.dtype)
        captions[pairs.owner] = pairs.captions
        yield "the captions", np.argsort(captions, kind="stable")


def _alike(sample: _Sample, rng: np.random.Generator) -> bool:
    """Test that items alike in the source are alike in the target too, as pairs of two spaces are."""
    some = np.sort(rng.choice(len(sample.items), min(len(sample.items), ALIKE), replace=False))
    x, y = sample.x[some], sample.mean_targets()[some]
    inside, other = x @ x.T, y @ y.T
    given = float((inside * other).sum())
    orders = _shuffled(sample.part[some], ALIKE_PERMUTATIONS, rng)
    extreme = sum(float((inside * other[np.ix_(order, order)]).sum()) >= given for order in orders)
    return (extreme + 1) / (ALIKE_PERMUTATIONS + 1) < ALPHA


def _shuffled(part: NDArray[np.int64], times: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Random orders of the items that keep each in its part, (times, k)."""
    orders = np.empty((times, len(part)), dtype=np.int64)
    for number in np.unique(part):
        group = np.flatnonzero(part == number)
        orders[:, group] = rng.permuted(np.tile(group, (times, 1)), axis=1)
    return orders
