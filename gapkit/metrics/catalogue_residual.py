"""More of the measures of closure after each side's mean is removed; none is in the default table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gapkit.arrays import ArrayLike
from gapkit.metrics.mixing import cross_modal_share, knn_mixing
from gapkit.metrics.pair_distance import l2i
from gapkit.metrics.registry import register_metric
from gapkit.metrics.residual_of import residual_of
from gapkit.metrics.sinkhorn import sinkhorn_divergence

_SCHRODI = "Schrodi et al. (2025), Two effects, one trigger"
_INFINITE = float("inf")
_KERNEL: dict[str, Any] = {"range": (-2.0, 2.0), "needs_pairs": False, "cost": "n^2 d", "scale": 1000.0, "digits": 1}


def _residual(metric: Callable[..., float]) -> Callable[..., float]:
    def residual(source: ArrayLike, target: ArrayLike, *, owner: ArrayLike | None = None) -> float:
        return residual_of(metric, source, target, owner=owner)

    return residual


register_metric(
    "residual-l2i",
    place=290,
    label="Residual pair distance",
    group="residual closure",
    better="lower",
    best=0.0,
    range=(0.0, _INFINITE),
    reference=_SCHRODI,
    default=False,
    definition="Pair distance after each side's mean is removed.",
)(_residual(l2i))
register_metric(
    "residual-sinkhorn-divergence",
    place=330,
    label="Residual Sinkhorn divergence",
    group="residual closure",
    better="lower",
    best=0.0,
    range=(0.0, _INFINITE),
    needs_pairs=False,
    cost="n^2 d + n^2 x iterations",
    reference="Feydy et al. (2019), Interpolating between optimal transport and MMD using Sinkhorn divergences",
    default=False,
    definition="Sinkhorn divergence after each side's mean is removed.",
)(_residual(sinkhorn_divergence))
register_metric(
    "residual-knn-mixing",
    place=340,
    label="Residual kNN mixing",
    group="residual closure",
    better="higher",
    best=2.0,
    range=(1.0, 2.0),
    needs_pairs=False,
    cost="n^2 d",
    reference="Korsunsky et al. (2019), Harmony",
    default=False,
    definition="Effective number of modalities among the 30 nearest after each side's mean is removed.",
)(_residual(knn_mixing))
register_metric(
    "residual-knn-cross-share",
    place=350,
    label="Residual cross-modal neighbours",
    group="residual closure",
    better="higher",
    best=0.5,
    range=(0.0, 1.0),
    needs_pairs=False,
    cost="n^2 d",
    default=False,
    definition="Share of the other modality among the 30 nearest after each side's mean is removed.",
)(_residual(cross_modal_share))
