"""Metrics: pure functions of two clouds of embeddings, and what each of them means."""

from gapkit.metrics.bandwidth import median_bandwidth
from gapkit.metrics.centroid import centroid_distance
from gapkit.metrics.cosine import cosine, cosine_margin, unpaired_cosine
from gapkit.metrics.energy import energy_distance
from gapkit.metrics.evaluation import Reference
from gapkit.metrics.frechet import frechet_distance
from gapkit.metrics.frechet_bias import FrechetBias, frechet_bias
from gapkit.metrics.measures import Estimate, Measures
from gapkit.metrics.measuring import measure
from gapkit.metrics.mmd import mmd, mmd_imq, mmd_linear, mmd_multi, mmd_profile
from gapkit.metrics.permutation import PermutationTest, permutation_test
from gapkit.metrics.random_features import RandomFeatureMMD, mmd_random_features
from gapkit.metrics.rank import effective_rank
from gapkit.metrics.registry import METRICS, Metric, metric_names, register_metric
from gapkit.metrics.residual import (
    residual_cosine,
    residual_energy_distance,
    residual_frechet_distance,
    residual_mmd,
    residual_separability,
    residual_sliced_wasserstein,
)
from gapkit.metrics.retrieval import mean_average_precision, recall_at_k
from gapkit.metrics.risen import share_risen
from gapkit.metrics.rmg import rmg
from gapkit.metrics.separability import linear_separability, separability_auc
from gapkit.metrics.sinkhorn import sinkhorn_divergence
from gapkit.metrics.sliced_wasserstein import sliced_wasserstein

__all__ = [
    "METRICS",
    "Estimate",
    "FrechetBias",
    "Measures",
    "Metric",
    "PermutationTest",
    "RandomFeatureMMD",
    "Reference",
    "centroid_distance",
    "cosine",
    "cosine_margin",
    "effective_rank",
    "energy_distance",
    "frechet_bias",
    "frechet_distance",
    "linear_separability",
    "mean_average_precision",
    "measure",
    "median_bandwidth",
    "metric_names",
    "mmd",
    "mmd_imq",
    "mmd_linear",
    "mmd_multi",
    "mmd_profile",
    "mmd_random_features",
    "permutation_test",
    "recall_at_k",
    "register_metric",
    "residual_cosine",
    "residual_energy_distance",
    "residual_frechet_distance",
    "residual_mmd",
    "residual_separability",
    "residual_sliced_wasserstein",
    "rmg",
    "separability_auc",
    "share_risen",
    "sinkhorn_divergence",
    "sliced_wasserstein",
    "unpaired_cosine",
]
