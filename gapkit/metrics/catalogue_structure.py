"""The measures of neighbourhoods, structure and collapse, in the order of their tables; none is in the default one."""

from __future__ import annotations

from gapkit.metrics.c2st import c2st_knn, c2st_mlp
from gapkit.metrics.hubness import hubness
from gapkit.metrics.margin import separability_margin
from gapkit.metrics.memorisation import memorisation
from gapkit.metrics.mixing import cross_modal_share, knn_mixing
from gapkit.metrics.pair_distance import alignment, l2i
from gapkit.metrics.registry import register_metric
from gapkit.metrics.variance_ratio import variance_ratio

_LOPEZ = "Lopez-Paz & Oquab (2017), Revisiting classifier two-sample tests"
_WANG = "Wang & Isola (2020), Alignment and uniformity on the hypersphere"
_INFINITE = float("inf")


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
    "c2st-knn",
    place=450,
    label="C2ST, neighbours",
    group="closure",
    better="lower",
    best=0.5,
    range=(0.0, 1.0),
    needs_pairs=False,
    cost="n^2 d",
    reference=_LOPEZ,
    default=False,
    definition="Accuracy of the vote of the 30 nearest rows of other clips, source against target; 0.5 is mixed.",
)(c2st_knn)
register_metric(
    "c2st-mlp",
    place=460,
    label="C2ST, network",
    group="closure",
    better="lower",
    best=0.5,
    range=(0.0, 1.0),
    needs_pairs=False,
    cost="n d x iterations",
    reference=_LOPEZ,
    default=False,
    definition="Held-out accuracy of a network of 20 hidden units, source against target, folds by clip; 0.5 is mixed.",
)(c2st_mlp)
register_metric(
    "separability-margin",
    place=470,
    label="Separability margin",
    group="closure",
    better="lower",
    best=0.0,
    needs_pairs=False,
    cost="n d x iterations",
    default=False,
    definition="Mean signed distance of held-out rows from the cut of separability, in units of the target's spread.",
)(separability_margin)
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
