"""More of the measures of closure after each side's mean is removed; none is in the default table."""

from __future__ import annotations

from gapkit.metrics.c2st import residual_c2st_mlp
from gapkit.metrics.registry import register_metric

register_metric(
    "residual-c2st-mlp",
    place=360,
    label="Residual C2ST, network",
    group="residual closure",
    better="lower",
    best=0.5,
    range=(0.0, 1.0),
    needs_pairs=False,
    cost="n d x iterations",
    reference="Lopez-Paz & Oquab (2017), Revisiting classifier two-sample tests",
    default=False,
    definition="Held-out accuracy of the network after each side's mean over the clips it sees is removed.",
)(residual_c2st_mlp)
