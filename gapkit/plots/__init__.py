"""Figures, one kind a file: each takes data and an optional Axes, and gives the Axes back."""

from gapkit.plots.ablation import ablation
from gapkit.plots.animation import animate
from gapkit.plots.arrows import arrows
from gapkit.plots.bridge_table import bridge_table
from gapkit.plots.caption_scores import beside_closure, caption_scores, rank_correlation
from gapkit.plots.cosines import Cosines, cosines, pair_cosines
from gapkit.plots.cost import cost
from gapkit.plots.drawing import KINDS, draw
from gapkit.plots.frontier import frontier
from gapkit.plots.gap_axis import gap_axis, gap_positions
from gapkit.plots.gap_heat_map import gap_heat_map
from gapkit.plots.migration import migration
from gapkit.plots.pairs_curve import pairs_curve_figure
from gapkit.plots.path import path
from gapkit.plots.pool import pool_curves, pool_table
from gapkit.plots.retrieval import retrieval, retrieval_table
from gapkit.plots.saving import save
from gapkit.plots.scene import Scene
from gapkit.plots.similarity import similarity
from gapkit.plots.staging import stage, stage_steps
from gapkit.plots.steps import steps
from gapkit.plots.style import style
from gapkit.plots.temperature import temperature
from gapkit.verdict.trade_off import trade_off

__all__ = [
    "KINDS",
    "Cosines",
    "Scene",
    "ablation",
    "animate",
    "arrows",
    "beside_closure",
    "bridge_table",
    "caption_scores",
    "cosines",
    "cost",
    "draw",
    "frontier",
    "gap_axis",
    "gap_heat_map",
    "gap_positions",
    "migration",
    "pair_cosines",
    "pairs_curve_figure",
    "path",
    "pool_curves",
    "pool_table",
    "rank_correlation",
    "retrieval",
    "retrieval_table",
    "save",
    "similarity",
    "stage",
    "stage_steps",
    "steps",
    "style",
    "temperature",
    "trade_off",
]
