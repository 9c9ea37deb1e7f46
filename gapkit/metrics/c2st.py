"""Classifier two-sample tests: whether any classifier can tell source from target, not only a straight cut."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gapkit.arrays import ArrayLike
from gapkit.given import memory_limit
from gapkit.metrics.folds import FOLDS, folded_pair
from gapkit.metrics.mixing import K, pooled, pulls
from gapkit.metrics.neighbourhood import NOTHING
from gapkit.metrics.network import HIDDEN, ROUNDS, network_correctness
from gapkit.metrics.pair import Pair, pair_of
from gapkit.metrics.registry import Residual, metric
from gapkit.metrics.value import Influence, Value


def c2st_knn(
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    k: int = K,
    max_memory: int = 2**27,
) -> float:
    """Held-out accuracy of the vote of the `k` nearest rows, source against target.

    The fold of a row is its clip: it is judged by the nearest rows (Euclidean) among all other clips, which is the
    limit of folds by clip and needs no seed. A target row weighs one over the number of its clip's targets in the
    vote and in the mean; the neighbourhoods are those of `knn_mixing`.

    Parameters
    ----------
    source : array-like of shape (n, d)
    target : array-like of shape (m, d)
    owner : array-like of shape (m,), optional
        Source row of each target row. Without it and with m != n the rows are unrelated; both sides weigh the same.
    k : int
        At least 1; an equal vote counts half.
    max_memory : int
        Bytes of a block of distances.

    Returns
    -------
    float
        In [0, 1]; 0.5 where neighbourhoods say nothing of the modality, 1 where they always do; lower is nearer.
        Cost (n + m)^2 d.

    Raises
    ------
    InputError
        Fewer than `k` rows besides a clip's own.

    References
    ----------
    Lopez-Paz & Oquab (2017), Revisiting classifier two-sample tests, ICLR.

    Examples
    --------
    >>> c2st_knn([[0.0], [1.0], [2.0]], [[10.0], [11.0], [12.0]], k=1)
    1.0
    """
    return c2st_knn_of(pair_of(source, target, owner, max_memory=4 * memory_limit(max_memory)), k=k).value


def c2st_mlp(
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    folds: int | ArrayLike = FOLDS,
    seed: int = 0,
    hidden: int = HIDDEN,
    rounds: int = ROUNDS,
) -> float:
    """Held-out accuracy of a small network, source against target.

    One layer of 20 rectified units, Adam; each of the `rounds` is ten batches of 128 rows, from 640 clips of each
    side. Of a clip with several targets one is drawn whenever its turn comes, and all are judged. Columns are
    standardised by the clips of the other folds.

    Parameters
    ----------
    source : array-like of shape (n, d)
    target : array-like of shape (m, d)
    owner : array-like of shape (m,), optional
        Source row of each target row. Without it and with m != n the rows are unrelated.
    folds : int or array-like of shape (n,)
        Number of folds, or the fold of each clip; a clip's source and targets are in the same fold.
    seed : int
        Draws the folds, the starting weights and the batches.
    hidden : int
        Units.
    rounds : int
        Rounds of training of each fold.

    Returns
    -------
    float
        In [0, 1]; 0.5 where the network finds no difference (exactly 0.5 where the two sides are equal row by row),
        1 where it always does; lower is nearer. Clips and sides count the same. Cost folds x rounds x d.

    Raises
    ------
    InputError

    References
    ----------
    Lopez-Paz & Oquab (2017), Revisiting classifier two-sample tests, ICLR (C2ST-NN).

    Examples
    --------
    >>> c2st_mlp([[0.0], [1.0], [0.5]], [[0.0], [1.0], [0.5]], folds=3, rounds=2)
    0.5
    """
    pair = folded_pair(source, target, owner, folds=folds, seed=seed)
    return c2st_mlp_of(pair, hidden=hidden, rounds=rounds).value


def residual_c2st_mlp(
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    folds: int | ArrayLike = FOLDS,
    seed: int = 0,
    hidden: int = HIDDEN,
    rounds: int = ROUNDS,
) -> float:
    """Held-out accuracy of the network of `c2st_mlp` after each side's mean is removed.

    The means are those of the clips that the network is fitted on: with the mean of all clips removed, what is held
    out would lean the other way, and accuracy fall below 0.5 for no reason in the data.

    Parameters
    ----------
    source, target, owner, folds, seed, hidden, rounds
        See `c2st_mlp`.

    Returns
    -------
    float
        In [0, 1]; 0.5 where the network finds no difference of shape; lower is nearer.

    Raises
    ------
    InputError

    References
    ----------
    Lopez-Paz & Oquab (2017), Revisiting classifier two-sample tests, ICLR (C2ST-NN).
    """
    pair = folded_pair(source, target, owner, folds=folds, seed=seed)
    return c2st_mlp_of(pair.centred, hidden=hidden, rounds=rounds).value


_KNOWN: dict[str, Any] = {
    "group": "closure",
    "better": "lower",
    "best": 0.5,
    "range": (0.0, 1.0),
    "needs_pairs": False,
    "reference": "Lopez-Paz & Oquab (2017), Revisiting classifier two-sample tests",
    "default": False,
    "holds_rows": True,
}


@metric(
    "c2st-knn",
    label="C2ST, neighbours",
    place=450,
    cost="n^2 d",
    definition="Accuracy of the vote of the 30 nearest rows of other clips, source against target; 0.5 is mixed.",
    function=c2st_knn,
    **_KNOWN,
)
def c2st_knn_of(pair: Pair, *, k: int = K) -> Value:
    """Mean vote of both sides; an item has its own, and its rows vote on others."""
    seen = pooled(pair, k, pair.max_memory // 4)
    x, y = pair.x.per_clip(_vote(seen.x)), pair.y.per_clip(_vote(1 - seen.y))

    def influence() -> Influence:
        pull_x, pull_y = pulls(pair, seen, _slope(seen.x, k), -_slope(seen.y, k))
        return x / 2 + pair.x.n * pull_x, y / 2 + pair.y.n * pull_y

    return Value(float(x.mean() + y.mean()) / 2, influence=influence)


@metric(
    "c2st-mlp",
    label="C2ST, network",
    place=460,
    cost="n d x iterations",
    in_folds=True,
    definition="Held-out accuracy of a network of 20 hidden units, source against target, folds by clip; 0.5 is mixed.",
    function=c2st_mlp,
    residual=Residual(
        "Residual C2ST, network",
        "Held-out accuracy of the network after each side's mean over the clips it sees is removed.",
        place=360,
        function=residual_c2st_mlp,
    ),
    **_KNOWN,
)
def c2st_mlp_of(pair: Pair, *, hidden: int = HIDDEN, rounds: int = ROUNDS) -> Value:
    """Mean held-out correctness of both sides; of a centred pair what the network sees loses its means."""
    x, y = network_correctness(pair.uncentred, hidden=hidden, rounds=rounds, residual=pair.is_centred)
    return Value(float(x.mean() + y.mean()) / 2, influence=lambda: (x / 2, y / 2))


def _vote(own: Tensor) -> Tensor:
    """1 where the own side has the majority, 0 where the other has, 0.5 where they are level."""
    return torch.where((own - 0.5).abs() < NOTHING, 0.5, (own > 0.5).double())


def _slope(own: Tensor, k: int) -> Tensor:
    """Slope of a vote by the share that it is about, over two deviations of `k` fair coins to either side."""
    half = 1 / k**0.5
    slope: Tensor = ((own - 0.5).abs() < half).double() / (2 * half)
    return slope
