"""Distances of distributions, by name: all of them are asked for, none is in the default table."""

from __future__ import annotations

from gapkit.arrays import ArrayLike
from gapkit.metrics.random_features import mmd_random_features
from gapkit.metrics.registry import register_metric
from gapkit.metrics.sinkhorn import sinkhorn_divergence

_GRETTON = "Gretton et al. (2012), A kernel two-sample test"
_GORHAM = "Gorham & Mackey (2017), Measuring sample quality with kernels"
_RAHIMI = "Rahimi & Recht (2007), Random features for large-scale kernel machines"
_HEUSEL = "Heusel et al. (2017), GANs trained by a two time-scale update rule"
_BONNEEL = "Bonneel et al. (2015), Sliced and Radon Wasserstein barycenters of measures"
_SZEKELY = "Szekely & Rizzo (2013), Energy statistics"
_FEYDY = "Feydy et al. (2019), Interpolating between optimal transport and MMD using Sinkhorn divergences"
_INFINITE = float("inf")


def _random_features(source: ArrayLike, target: ArrayLike, *, owner: ArrayLike | None = None) -> float:
    return mmd_random_features(source, target, owner=owner).value


register_metric(
    "mmd-rff",
    place=210,
    label="MMD² ×1000, random features",
    group="closure",
    better="lower",
    best=0.0,
    range=(-4.0, 4.0),
    needs_pairs=False,
    cost="n d features",
    scale=1000.0,
    digits=1,
    reference=_RAHIMI,
    default=False,
    definition="Squared MMD as `mmd`, the kernel approximated by 2,048 random features; unbiased.",
)(_random_features)
register_metric(
    "sinkhorn-divergence",
    place=250,
    label="Sinkhorn divergence",
    group="closure",
    better="lower",
    best=0.0,
    range=(0.0, _INFINITE),
    needs_pairs=False,
    cost="n^2 d + n^2 x iterations",
    reference=_FEYDY,
    default=False,
    definition="Entropic transport cost of source to target less half of each side to itself, cost |x - y|².",
)(sinkhorn_divergence)
