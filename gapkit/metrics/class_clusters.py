"""Clusters of both sides together against the classes: a row lies with its class, or with its modality."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from gapkit.arrays import ArrayLike
from gapkit.errors import InputError
from gapkit.metrics.class_labels import classes_of
from gapkit.metrics.pair import Pair, pair_of
from gapkit.metrics.registry import metric
from gapkit.metrics.value import Value

Method = Literal["kmeans", "ward"]
Score = Literal["ari", "nmi"]

STARTS = 10
"""Starts of k-means; the tightest clusters count."""


def cluster_agreement(
    source: ArrayLike,
    target: ArrayLike,
    *,
    labels: Iterable[Any],
    owner: ArrayLike | None = None,
    score: Score = "ari",
    method: Method = "kmeans",
    seed: int = 0,
) -> float:
    """Agreement of the clusters of both sides together with the classes.

    The rows are the directions of the sources and, an item a row, the mean directions of their targets. They are parted
    into as many clusters as there are classes.

    Parameters
    ----------
    source : array-like of shape (n, d)
        Row i belongs to item i.
    target : array-like of shape (m, d)
    labels : sequence of length n
        Class of each item; empty or None where it has none. Those items, and classes of one item, are left aside.
    owner : array-like of shape (m,), optional
        Source row of each target row.
    score : {"ari", "nmi"}
        Rand index adjusted for chance, or mutual information over the mean of both entropies, which is the V-measure.
    method : {"kmeans", "ward"}
        k-means, or agglomerative clustering by Ward's criterion.
    seed : int
        Of k-means.

    Returns
    -------
    float
        In [-.5, 1] (ari) or [0, 1] (nmi); higher is better. With a wide gap every class falls into two clusters.

    Raises
    ------
    InputError
        Fewer than two classes of two items or more; an unknown score or method.

    References
    ----------
    Hubert & Arabie (1985), Comparing partitions; Rosenberg & Hirschberg (2007), V-measure.

    Examples
    --------
    >>> x, y = [[1, 0], [1, 0.1], [0, 1], [0.1, 1]], [[2, 1], [2, 1], [1, 2], [1, 2]]
    >>> cluster_agreement(x, y, labels=["a", "a", "b", "b"])
    1.0
    """
    for given, allowed, what in ((score, get_args(Score), "score"), (method, get_args(Method), "method")):
        if given not in allowed:
            raise InputError(f"{what}: expected one of {', '.join(allowed)}, got {given!r}")
    pair = pair_of(source, target, owner, paired=True, labels=labels, seed=seed)
    return agreement_of(pair, score=score, method=method).value


def agreement_of(pair: Pair, *, score: Score, method: Method) -> Value:
    """Agreement of the clusters with the classes; it has no interval, for clusters of a resample are others."""
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    truth = np.tile(classes_of(pair).number, 2)
    found = pair.shared(("clusters", method), lambda: _clusters(pair, method))
    return Value(float((adjusted_rand_score if score == "ari" else normalized_mutual_info_score)(truth, found)))


_SCORES: dict[Score, tuple[str, tuple[float, float], str]] = {
    "ari": ("ARI", (-0.5, 1.0), "Hubert & Arabie (1985)"),
    "nmi": ("NMI", (0.0, 1.0), "Rosenberg & Hirschberg (2007)"),
}
_METHODS: dict[Method, tuple[str, str, str, str]] = {
    "kmeans": ("", "", "k-means clusters", "n d x classes x iterations"),
    "ward": ("-ward", ", Ward", "agglomerative clusters (Ward)", "n^2 d"),
}
_place = 406
for _method, (_suffix, _label, _what, _cost) in _METHODS.items():
    for _score, (_name, _range, _reference) in _SCORES.items():
        metric(
            f"cluster-{_score}{_suffix}",
            label=f"Cluster {_name}{_label}",
            place=_place,
            group="preservation",
            better="higher",
            best=1.0,
            range=_range,
            cost=_cost,
            default=False,
            needs=("labels",),
            reference=_reference,
            definition=f"{_name} of {_what} of both sides together with the classes of the items.",
            holds_rows=True,
        )(partial(agreement_of, score=_score, method=_method))
        _place += 1


def _clusters(pair: Pair, method: Method) -> NDArray[np.int64]:
    """Cluster of the sources of all items of classes, and then of their targets."""
    classes, x, y = classes_of(pair), pair.unit.x, pair.unit.y
    items = torch.from_numpy(classes.items).to(x.base.device)
    rows = torch.cat([x.take(items), y.take_clips(items)]).double().cpu().numpy()
    # Rows that are one point make no more clusters than there are points.
    count = min(len(classes.names), len(np.unique(rows, axis=0)))
    if count == 1:
        return np.zeros(len(rows), dtype=np.int64)
    if method == "kmeans":
        from sklearn.cluster import KMeans

        return np.asarray(KMeans(count, n_init=STARTS, random_state=pair.seed).fit_predict(rows), dtype=np.int64)
    held = 8 * len(rows) ** 2 // 2
    if held > pair.max_memory:
        raise InputError(
            f"holds the distances of {len(rows):,} rows, {held / 1e9:.2g} GB, more than the "
            f"{pair.max_memory / 1e9:.2g} GB of max_memory; measure a random part of the items, or raise max_memory"
        )
    from sklearn.cluster import AgglomerativeClustering

    return np.asarray(AgglomerativeClustering(count, linkage="ward").fit_predict(rows), dtype=np.int64)
