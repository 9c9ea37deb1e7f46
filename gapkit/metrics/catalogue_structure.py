"""The measures of neighbourhoods, structure and collapse, in the order of their tables; none is in the default one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gapkit.arrays import ArrayLike
from gapkit.metrics.calibration import cka_calibrated, mutual_knn_calibrated
from gapkit.metrics.cka import cka, cka_kept
from gapkit.metrics.cka_rbf import cka_rbf
from gapkit.metrics.cknna import cknna
from gapkit.metrics.gap_direction import gap_consistency, gap_length, gap_orthogonality
from gapkit.metrics.hubness import hubness
from gapkit.metrics.memorisation import memorisation
from gapkit.metrics.mixing import cross_modal_share, knn_mixing
from gapkit.metrics.mutual_knn import mutual_knn, mutual_knn_kept
from gapkit.metrics.pair_distance import alignment, l2i
from gapkit.metrics.prdc import prdc
from gapkit.metrics.procrustes_distance import procrustes_distance
from gapkit.metrics.registry import register_metric
from gapkit.metrics.variance_ratio import variance_ratio

_C3 = "Zhang et al. (2024), Connect, collapse, corrupt"
_GROGER = "Groger et al. (2026), Revisiting the Platonic representation hypothesis"
_HUH = "Huh et al. (2024), The Platonic representation hypothesis"
_KORNBLITH = "Kornblith et al. (2019), Similarity of neural network representations revisited"
_KYNKAANNIEMI = "Kynkaanniemi et al. (2019), Improved precision and recall metric"
_NAEEM = "Naeem et al. (2020), Reliable fidelity and diversity metrics"
_WANG = "Wang & Isola (2020), Alignment and uniformity on the hypersphere"
_INFINITE = float("inf")


def _with(function: Callable[..., float], **options: Any) -> Callable[..., float]:
    def bound(source: ArrayLike, target: ArrayLike, *, owner: ArrayLike | None = None) -> float:
        return function(source, target, owner=owner, **options)

    return bound


def _part_of_prdc(name: str) -> Callable[..., float]:
    def part(source: ArrayLike, target: ArrayLike, *, owner: ArrayLike | None = None) -> float:
        return float(getattr(prdc(source, target, owner=owner), name))

    return part


register_metric(
    "l2i",
    place=410,
    label="Pair distance",
    group="closure",
    better="lower",
    best=0.0,
    range=(0.0, _INFINITE),
    reference="Schrodi et al. (2025), Two effects, one trigger",
    default=False,
    definition="Mean over clips of the mean Euclidean distance between a clip and its own targets.",
)(l2i)
register_metric(
    "alignment",
    place=420,
    label="Alignment",
    group="closure",
    better="lower",
    best=0.0,
    range=(0.0, 4.0),
    reference=_WANG,
    default=False,
    definition="Mean over clips of the mean squared distance between the directions of a clip and of its targets.",
)(alignment)
register_metric(
    "knn-mixing",
    place=430,
    label="kNN mixing",
    group="closure",
    better="higher",
    best=2.0,
    range=(1.0, 2.0),
    needs_pairs=False,
    cost="n^2 d",
    reference="Korsunsky et al. (2019), Harmony",
    default=False,
    definition="Effective number of modalities among the 30 nearest of both modalities, other clips' rows only.",
)(knn_mixing)
register_metric(
    "knn-cross-share",
    place=440,
    label="Cross-modal neighbours",
    group="closure",
    better="higher",
    best=0.5,
    range=(0.0, 1.0),
    needs_pairs=False,
    cost="n^2 d",
    default=False,
    definition="Share of the other modality among the 30 nearest of both, other clips' rows only; 0.5 is mixed.",
)(cross_modal_share)
register_metric(
    "gap-length",
    place=480,
    label="Gap length",
    group="closure",
    better="lower",
    best=0.0,
    range=(0.0, 2.0),
    cost="n d by group",
    reference=_C3,
    default=False,
    definition="Mean length of the gap vectors of groups of 100 pairs, between directions.",
)(gap_length)
register_metric(
    "gap-consistency",
    place=490,
    label="Gap consistency",
    group="closure",
    better="lower",
    best=0.0,
    range=(-1.0, 1.0),
    cost="n d by group",
    reference=_C3,
    default=False,
    definition="Mean cosine between the gap vectors of two groups of 100 pairs; 1 is one constant gap.",
)(gap_consistency)
register_metric(
    "gap-orthogonality",
    place=500,
    label="Gap against differences",
    group="closure",
    better="none",
    range=(0.0, 1.0),
    cost="n d by group",
    reference=_C3,
    default=False,
    definition="Mean absolute cosine between the gap and the differences of clips inside a modality; 0 is orthogonal.",
)(gap_orthogonality)
register_metric(
    "mutual-knn",
    place=520,
    label="Mutual kNN",
    group="preservation",
    better="higher",
    best=1.0,
    range=(0.0, 1.0),
    cost="n^2 d",
    reference=_HUH,
    default=False,
    definition="Share of a clip's 10 nearest in the source that are among its 10 nearest in the target.",
)(mutual_knn)
register_metric(
    "mutual-knn-calibrated",
    place=530,
    label="Mutual kNN, calibrated",
    group="preservation",
    better="higher",
    best=1.0,
    range=(-1.0, 1.0),
    cost="n^2 d",
    reference=_GROGER,
    default=False,
    definition="Mutual kNN minus its mean over shuffled pairs, over one minus that mean.",
)(mutual_knn_calibrated)
register_metric(
    "mutual-knn-kept",
    place=540,
    label="Neighbours kept",
    group="preservation",
    better="higher",
    best=1.0,
    range=(0.0, 1.0),
    cost="n^2 d",
    reference=_HUH,
    default=False,
    needs=("original",),
    definition="Share of a clip's 10 nearest in the source before it was moved that are among its 10 nearest after.",
)(mutual_knn_kept)
register_metric(
    "cka",
    place=550,
    label="CKA",
    group="preservation",
    better="higher",
    best=1.0,
    range=(0.0, 1.0),
    cost="n d^2",
    reference=_KORNBLITH,
    default=False,
    definition="Linear centred kernel alignment of the source and the mean targets of its clips.",
)(cka)
register_metric(
    "cka-debiased",
    place=560,
    label="CKA, debiased",
    group="preservation",
    better="higher",
    best=1.0,
    range=(-_INFINITE, 1.0),
    cost="n d^2",
    reference="Song et al. (2012), Feature selection via dependence maximization",
    default=False,
    definition="CKA from unbiased estimates of the three HSIC; near 0 for unrelated clouds of any size.",
)(_with(cka, debiased=True))
register_metric(
    "cka-calibrated",
    place=570,
    label="CKA, calibrated",
    group="preservation",
    better="higher",
    best=1.0,
    range=(-_INFINITE, 1.0),
    cost="n d^2",
    reference=_GROGER,
    default=False,
    definition="CKA minus its mean over shuffled pairs, over one minus that mean.",
)(cka_calibrated)
register_metric(
    "cka-rbf",
    place=580,
    label="CKA, Gaussian",
    group="preservation",
    better="higher",
    best=1.0,
    range=(0.0, 1.0),
    cost="n^2 d",
    reference=_KORNBLITH,
    default=False,
    definition="Centred kernel alignment with Gaussian kernels of each side's own median width.",
)(cka_rbf)
register_metric(
    "cka-kept",
    place=590,
    label="CKA kept",
    group="preservation",
    better="higher",
    best=1.0,
    range=(0.0, 1.0),
    cost="n d^2",
    reference=_KORNBLITH,
    default=False,
    needs=("original",),
    definition="Linear centred kernel alignment of the source after and before it was moved.",
)(cka_kept)
register_metric(
    "cknna",
    place=600,
    label="CKNNA",
    group="preservation",
    better="higher",
    best=1.0,
    cost="n^2 d",
    reference=_HUH,
    default=False,
    definition="Centred kernel alignment of the cosines between clips that are among the 10 nearest on both sides.",
)(cknna)
register_metric(
    "procrustes-distance",
    place=610,
    label="Procrustes distance",
    group="preservation",
    better="lower",
    best=0.0,
    range=(0.0, 1.0),
    cost="n d^2",
    reference="Gower (1975), Generalized Procrustes analysis",
    default=False,
    definition="Share of the variance left when source and mean targets are centred, scaled and rotated together.",
)(procrustes_distance)
register_metric(
    "hubness",
    place=630,
    label="Hubness",
    group="preservation",
    better="lower",
    needs_pairs=False,
    cost="n m d",
    digits=2,
    reference="Radovanovic et al. (2010), Hubs in space",
    default=False,
    definition="Skewness of how often each target is among the 10 nearest to a source.",
)(hubness)
register_metric(
    "variance-ratio",
    place=640,
    label="Variance ratio",
    group="preservation",
    better="none",
    range=(0.0, _INFINITE),
    needs_pairs=False,
    default=False,
    definition="Trace of the covariance of the source over that of the target; 1 is equally wide.",
)(variance_ratio)
for _name, _label, _best, _most, _source, _what in (
    ("precision", "Precision", 1.0, 1.0, _KYNKAANNIEMI, "Share of sources within 5 neighbours' reach of a target."),
    ("recall", "Recall", 1.0, 1.0, _KYNKAANNIEMI, "Share of targets within 5 neighbours' reach of a source."),
    ("density", "Density", 1.0, _INFINITE, _NAEEM, "Mean number of targets within whose reach a source lies, over 5."),
    ("coverage", "Coverage", 1.0, 1.0, _NAEEM, "Share of targets within whose own reach some source lies."),
):
    register_metric(
        f"prdc-{_name}",
        place={"precision": 650, "recall": 660, "density": 670, "coverage": 680}[_name],
        label=_label,
        group="preservation",
        better="higher",
        best=_best,
        range=(0.0, _most),
        needs_pairs=False,
        cost="n^2 d",
        reference=_source,
        default=False,
        definition=_what,
    )(_part_of_prdc(_name))
register_metric(
    "memorisation",
    place=690,
    label="Memorisation",
    group="preservation",
    better="none",
    range=(-2.0, 2.0),
    needs_pairs=False,
    cost="n m d",
    default=False,
    needs=("fitted",),
    definition="Cosine of the source to the nearest fitted target, minus that of the held-out targets.",
)(memorisation)
