"""Metrics: pure functions of two clouds of embeddings, and what each of them means."""

from gapkit.metrics.bandwidth import median_bandwidth
from gapkit.metrics.centroid import centroid_distance
from gapkit.metrics.cosine import cosine, cosine_margin, unpaired_cosine
from gapkit.metrics.evaluation import Reference
from gapkit.metrics.measures import Estimate, Measures
from gapkit.metrics.measuring import measure
from gapkit.metrics.mmd import mmd, mmd_multi
from gapkit.metrics.rank import effective_rank
from gapkit.metrics.registry import METRICS, Metric, metric_names, register_metric
from gapkit.metrics.residual import residual_cosine, residual_mmd, residual_separability
from gapkit.metrics.retrieval import mean_average_precision, recall_at_k
from gapkit.metrics.risen import share_risen
from gapkit.metrics.rmg import rmg
from gapkit.metrics.separability import linear_separability, separability_auc

__all__ = [
    "METRICS",
    "Estimate",
    "Measures",
    "Metric",
    "Reference",
    "centroid_distance",
    "cosine",
    "cosine_margin",
    "effective_rank",
    "linear_separability",
    "mean_average_precision",
    "measure",
    "median_bandwidth",
    "metric_names",
    "mmd",
    "mmd_multi",
    "recall_at_k",
    "register_metric",
    "residual_cosine",
    "residual_mmd",
    "residual_separability",
    "rmg",
    "separability_auc",
    "share_risen",
    "unpaired_cosine",
]
