"""Retrieval from targets to sources, by name; from sources to targets it stands in `catalogue`."""

from __future__ import annotations

from collections.abc import Callable

from gapkit.arrays import ArrayLike
from gapkit.metrics.registry import register_metric
from gapkit.metrics.retrieval_back import mean_average_precision_back, recall_back_at_k


def _recall(k: int) -> Callable[..., float]:
    def recall(source: ArrayLike, target: ArrayLike, *, owner: ArrayLike | None = None) -> float:
        return recall_back_at_k(source, target, owner=owner, k=k)

    return recall


for _k in (1, 5, 10):
    _among = "the nearest" if _k == 1 else f"among the {_k} nearest"
    register_metric(
        f"recall-back@{_k}",
        label=f"R@{_k} back",
        group="preservation",
        better="higher",
        best=1.0,
        range=(0.0, 1.0),
        cost="n m d",
        default=False,
        definition=f"Share of targets, mean over clips, with their own source {_among} of all sources.",
    )(_recall(_k))
register_metric(
    "map-back@10",
    label="mAP@10 back",
    group="preservation",
    better="higher",
    best=1.0,
    range=(0.0, 1.0),
    cost="n m d",
    default=False,
    definition="One over the rank of a target's own source among the 10 nearest of all sources, mean over clips.",
)(mean_average_precision_back)
