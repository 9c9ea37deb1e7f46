"""The measures of neighbourhoods, structure and collapse, in the order of their tables; none is in the default one."""

from __future__ import annotations

from gapkit.metrics.c2st import c2st_knn, c2st_mlp
from gapkit.metrics.margin import separability_margin
from gapkit.metrics.registry import register_metric

_LOPEZ = "Lopez-Paz & Oquab (2017), Revisiting classifier two-sample tests"

_WANG = "Wang & Isola (2020), Alignment and uniformity on the hypersphere"

_INFINITE = float("inf")

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
