"""Distances of distributions, by name: all of them are asked for, none is in the default table."""

from __future__ import annotations

from gapkit.arrays import ArrayLike
from gapkit.metrics.energy import energy_distance
from gapkit.metrics.frechet import frechet_distance
from gapkit.metrics.mmd import mmd_imq, mmd_linear
from gapkit.metrics.random_features import mmd_random_features
from gapkit.metrics.registry import register_metric
from gapkit.metrics.residual import (
    residual_energy_distance,
    residual_frechet_distance,
    residual_sliced_wasserstein,
)
from gapkit.metrics.sinkhorn import sinkhorn_divergence
from gapkit.metrics.sliced_wasserstein import sliced_wasserstein

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
    "mmd-imq",
    label="MMD² ×1000, IMQ",
    group="closure",
    better="lower",
    best=0.0,
    range=(-2.0, 2.0),
    needs_pairs=False,
    cost="n^2 d",
    scale=1000.0,
    digits=1,
    reference=_GORHAM,
    default=False,
    definition="Squared MMD, inverse multiquadric kernel of the targets' median width, unbiased.",
)(mmd_imq)
register_metric(
    "mmd-linear",
    label="MMD² ×1000, linear",
    group="closure",
    better="lower",
    best=0.0,
    needs_pairs=False,
    cost="n d",
    scale=1000.0,
    digits=1,
    reference=_GRETTON,
    default=False,
    definition="Squared MMD, linear kernel: the squared centroid distance without its sampling noise.",
)(mmd_linear)
register_metric(
    "mmd-rff",
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
    "frechet",
    label="Fréchet distance²",
    group="closure",
    better="lower",
    best=0.0,
    range=(0.0, _INFINITE),
    needs_pairs=False,
    cost="n d^2 + d^3",
    reference=_HEUSEL,
    default=False,
    definition="Squared Frechet distance of the Gaussians with each side's mean and covariance.",
)(frechet_distance)
register_metric(
    "sliced-wasserstein",
    label="Sliced W2",
    group="closure",
    better="lower",
    best=0.0,
    range=(0.0, _INFINITE),
    needs_pairs=False,
    cost="lines (n d + n log n)",
    digits=4,
    reference=_BONNEEL,
    default=False,
    definition="Root of the mean squared 2-Wasserstein distance of the projections on 512 random directions.",
)(sliced_wasserstein)
register_metric(
    "energy-distance",
    label="Energy distance",
    group="closure",
    better="lower",
    best=0.0,
    range=(-_INFINITE, _INFINITE),
    needs_pairs=False,
    cost="n^2 d",
    reference=_SZEKELY,
    default=False,
    definition="2 E|x - y| - E|x - x'| - E|y - y'| over different clips, no root taken.",
)(energy_distance)
register_metric(
    "sinkhorn-divergence",
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
register_metric(
    "residual-frechet",
    label="Residual Fréchet distance²",
    group="residual closure",
    better="lower",
    best=0.0,
    range=(0.0, _INFINITE),
    needs_pairs=False,
    cost="n d^2 + d^3",
    reference=_HEUSEL,
    default=False,
    definition="Squared Frechet distance after each side's mean is removed: the covariance part.",
)(residual_frechet_distance)
register_metric(
    "residual-sliced-wasserstein",
    label="Residual sliced W2",
    group="residual closure",
    better="lower",
    best=0.0,
    range=(0.0, _INFINITE),
    needs_pairs=False,
    cost="lines (n d + n log n)",
    digits=4,
    reference=_BONNEEL,
    default=False,
    definition="Sliced 2-Wasserstein distance after each side's mean is removed.",
)(residual_sliced_wasserstein)
register_metric(
    "residual-energy-distance",
    label="Residual energy distance",
    group="residual closure",
    better="lower",
    best=0.0,
    range=(-_INFINITE, _INFINITE),
    needs_pairs=False,
    cost="n^2 d",
    reference=_SZEKELY,
    default=False,
    definition="Energy distance after each side's mean is removed.",
)(residual_energy_distance)
