"""The metrics that gapkit brings along, in the order of its tables."""

from __future__ import annotations

from collections.abc import Callable

from gapkit.arrays import ArrayLike
from gapkit.metrics.rank import effective_rank
from gapkit.metrics.registry import register_metric
from gapkit.metrics.residual import residual_separability
from gapkit.metrics.retrieval import recall_at_k
from gapkit.metrics.risen import share_risen
from gapkit.metrics.separability import linear_separability, separability_auc

_LIANG = "Liang et al. (2022), Mind the gap"
_GRETTON = "Gretton et al. (2012), A kernel two-sample test"
_LOPEZ = "Lopez-Paz & Oquab (2017), Revisiting classifier two-sample tests"
_INFINITE = float("inf")


def _recall(k: int) -> Callable[..., float]:
    def recall(source: ArrayLike, target: ArrayLike, *, owner: ArrayLike | None = None) -> float:
        return recall_at_k(source, target, owner=owner, k=k)

    return recall


register_metric(
    "separability",
    place=50,
    label="Separability",
    group="closure",
    better="lower",
    best=0.5,
    range=(0.0, 1.0),
    needs_pairs=False,
    cost="n d x iterations",
    reference=_LOPEZ,
    definition="Held-out accuracy of logistic regression, source against target, folds by clip; 0.5 is mixed.",
)(linear_separability)
register_metric(
    "separability-auc",
    place=60,
    label="Separability AUC",
    group="closure",
    better="lower",
    best=0.5,
    range=(0.0, 1.0),
    needs_pairs=False,
    cost="n d x iterations",
    reference=_LOPEZ,
    default=False,
    definition="Area under the ROC curve of the held-out scores of separability, mean over folds.",
)(separability_auc)
register_metric(
    "share-risen",
    place=80,
    label="Clips risen",
    group="closure",
    better="higher",
    best=1.0,
    range=(0.0, 1.0),
    needs=("original",),
    default=False,
    definition="Share of clips whose cosine to their own targets rose on the way.",
)(share_risen)
register_metric(
    "residual-separability",
    place=110,
    label="Residual separability",
    group="residual closure",
    better="lower",
    best=0.5,
    range=(0.0, 1.0),
    needs_pairs=False,
    cost="n d x iterations",
    reference=_LOPEZ,
    default=False,
    definition="Held-out accuracy by the squared coordinates after each side's mean is removed; 0.5 is mixed.",
)(residual_separability)
register_metric(
    "effective-rank",
    place=180,
    label="Effective rank",
    group="preservation",
    better="higher",
    range=(0.0, _INFINITE),
    needs_pairs=False,
    cost="n d^2",
    digits=1,
    reference="Roy & Vetterli (2007), The effective rank",
    definition="Exponential of the entropy of the singular values of the centred source.",
)(effective_rank)
