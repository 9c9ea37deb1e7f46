"""The metrics that gapkit brings along, in the order of its tables."""

from __future__ import annotations

from collections.abc import Callable

from gapkit.arrays import ArrayLike
from gapkit.metrics.centroid import centroid_distance
from gapkit.metrics.cosine import cosine, cosine_margin, unpaired_cosine
from gapkit.metrics.mmd import mmd, mmd_multi
from gapkit.metrics.rank import effective_rank
from gapkit.metrics.registry import register_metric
from gapkit.metrics.residual import residual_cosine, residual_mmd, residual_separability
from gapkit.metrics.retrieval import mean_average_precision, recall_at_k
from gapkit.metrics.risen import share_risen
from gapkit.metrics.rmg import rmg
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
    "cosine",
    label="Paired cosine",
    group="closure",
    better="higher",
    best=1.0,
    range=(-1.0, 1.0),
    definition="Mean over clips of the mean cosine between a clip and its own targets.",
)(cosine)
register_metric(
    "centroid-distance",
    label="Centroid distance",
    group="closure",
    better="lower",
    best=0.0,
    range=(0.0, _INFINITE),
    needs_pairs=False,
    reference=_LIANG,
    definition="Euclidean distance between the mean of the source and the mean of the target.",
)(centroid_distance)
register_metric(
    "mmd",
    label="MMD² ×1000",
    group="closure",
    better="lower",
    best=0.0,
    range=(-2.0, 2.0),
    needs_pairs=False,
    cost="n^2 d",
    instead="mmd-rff",
    scale=1000.0,
    digits=1,
    reference=_GRETTON,
    definition="Squared MMD, Gaussian kernel of the targets' median width, unbiased over pairs of different clips.",
)(mmd)
register_metric(
    "mmd-multi",
    label="MMD² ×1000, 5 widths",
    group="closure",
    better="lower",
    best=0.0,
    range=(-2.0, 2.0),
    needs_pairs=False,
    cost="n^2 d",
    instead="mmd-rff",
    scale=1000.0,
    digits=1,
    reference=_GRETTON,
    default=False,
    definition="Squared MMD with the mean of five Gaussian kernels, 1/4 to 4 times the targets' median width.",
)(mmd_multi)
register_metric(
    "separability",
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
    "rmg",
    label="RMG",
    group="closure",
    better="lower",
    best=0.0,
    range=(0.0, 1.0),
    reference="Schrodi et al. (2025), Two effects, one trigger",
    definition="Distance of pairs over itself plus the mean distance of different clips inside a modality.",
)(rmg)
register_metric(
    "share-risen",
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
    "residual-cosine",
    label="Residual cosine",
    group="residual closure",
    better="higher",
    best=1.0,
    range=(-1.0, 1.0),
    definition="Paired cosine after each side's mean is removed.",
)(residual_cosine)
register_metric(
    "residual-mmd",
    label="Residual MMD² ×1000",
    group="residual closure",
    better="lower",
    best=0.0,
    range=(-2.0, 2.0),
    needs_pairs=False,
    cost="n^2 d",
    instead="mmd-rff",
    scale=1000.0,
    digits=1,
    reference=_GRETTON,
    definition="Squared MMD after each side's mean is removed, same kernel as MMD.",
)(residual_mmd)
register_metric(
    "residual-separability",
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
for _k in (1, 5, 10):
    register_metric(
        f"recall@{_k}",
        label=f"R@{_k}",
        group="preservation",
        better="higher",
        best=1.0,
        range=(0.0, 1.0),
        cost="n m d",
        default=_k != 5,
        definition=f"Share of clips with one of their own targets among the {_k} nearest of all targets.",
    )(_recall(_k))
register_metric(
    "map@10",
    label="mAP@10",
    group="preservation",
    better="higher",
    best=1.0,
    range=(0.0, 1.0),
    cost="n m d",
    default=False,
    definition="Mean average precision of a clip's own targets among the 10 nearest of all targets.",
)(mean_average_precision)
register_metric(
    "unpaired-cosine",
    label="Unpaired cosine",
    group="preservation",
    better="none",
    range=(-1.0, 1.0),
    needs_pairs=False,
    default=False,
    definition="Mean cosine between a clip and the targets of other clips.",
)(unpaired_cosine)
register_metric(
    "cosine-margin",
    label="Cosine margin",
    group="preservation",
    better="higher",
    best=2.0,
    range=(-2.0, 2.0),
    definition="Paired cosine minus unpaired cosine.",
)(cosine_margin)
register_metric(
    "effective-rank",
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
