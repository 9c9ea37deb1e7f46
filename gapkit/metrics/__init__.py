"""Metrics: pure functions of two clouds of embeddings, and what each of them means."""

from gapkit.metrics.bandwidth import median_bandwidth
from gapkit.metrics.c2st import c2st_knn, c2st_mlp, residual_c2st_mlp
from gapkit.metrics.calibration import Calibrated, calibrated
from gapkit.metrics.centroid import centroid_distance
from gapkit.metrics.cka import cka, cka_kept
from gapkit.metrics.cka_rbf import cka_rbf
from gapkit.metrics.cknna import cknna
from gapkit.metrics.class_clusters import cluster_agreement
from gapkit.metrics.cosine import cosine, cosine_margin, unpaired_cosine
from gapkit.metrics.energy import energy_distance
from gapkit.metrics.estimate import Estimate
from gapkit.metrics.evaluation import Reference
from gapkit.metrics.flips import share_flipped
from gapkit.metrics.frechet import frechet_distance
from gapkit.metrics.frechet_bias import FrechetBias, frechet_bias
from gapkit.metrics.gap_direction import GapDirection, gap_consistency, gap_direction, gap_length, gap_orthogonality
from gapkit.metrics.hubness import hubness
from gapkit.metrics.margin import separability_margin
from gapkit.metrics.measures import Measures
from gapkit.metrics.measuring import measure
from gapkit.metrics.memorisation import memorisation
from gapkit.metrics.mixing import cross_modal_share, knn_mixing
from gapkit.metrics.mmd import mmd, mmd_imq, mmd_multi, mmd_profile
from gapkit.metrics.mmd_linear import mmd_linear
from gapkit.metrics.mutual_knn import mutual_knn, mutual_knn_kept
from gapkit.metrics.neighbours import Neighbours, nearest_neighbours
from gapkit.metrics.pair import Pair
from gapkit.metrics.pair_distance import alignment, l2i
from gapkit.metrics.permutation import PermutationTest, permutation_test
from gapkit.metrics.pooled_retrieval import pooled_ndcg, pooled_recall_at_k
from gapkit.metrics.prdc import Prdc, prdc
from gapkit.metrics.procrustes_distance import procrustes_distance
from gapkit.metrics.random_features import RandomFeatureMMD, mmd_random_features
from gapkit.metrics.rank import effective_rank
from gapkit.metrics.registry import METRICS, Metric, metric, metric_names, register_metric
from gapkit.metrics.residual import (
    residual_cosine,
    residual_energy_distance,
    residual_frechet_distance,
    residual_mmd,
    residual_sliced_wasserstein,
)
from gapkit.metrics.residual_of import residual_of
from gapkit.metrics.retrieval import mean_average_precision, recall_at_k
from gapkit.metrics.retrieval_back import mean_average_precision_back, recall_back_at_k
from gapkit.metrics.risen import share_risen
from gapkit.metrics.rmg import rmg
from gapkit.metrics.separability import linear_separability, residual_separability, separability_auc
from gapkit.metrics.sinkhorn import sinkhorn_divergence
from gapkit.metrics.sliced_wasserstein import sliced_wasserstein
from gapkit.metrics.uniformity import uniformity
from gapkit.metrics.value import Value
from gapkit.metrics.variance_ratio import variance_ratio
from gapkit.metrics.zero_shot import zero_shot_accuracy

__all__ = [
    "METRICS",
    "Calibrated",
    "Estimate",
    "FrechetBias",
    "GapDirection",
    "Measures",
    "Metric",
    "Neighbours",
    "Pair",
    "PermutationTest",
    "Prdc",
    "RandomFeatureMMD",
    "Reference",
    "Value",
    "alignment",
    "c2st_knn",
    "c2st_mlp",
    "calibrated",
    "centroid_distance",
    "cka",
    "cka_kept",
    "cka_rbf",
    "cknna",
    "cluster_agreement",
    "cosine",
    "cosine_margin",
    "cross_modal_share",
    "effective_rank",
    "energy_distance",
    "frechet_bias",
    "frechet_distance",
    "gap_consistency",
    "gap_direction",
    "gap_length",
    "gap_orthogonality",
    "hubness",
    "knn_mixing",
    "l2i",
    "linear_separability",
    "mean_average_precision",
    "mean_average_precision_back",
    "measure",
    "median_bandwidth",
    "memorisation",
    "metric",
    "metric_names",
    "mmd",
    "mmd_imq",
    "mmd_linear",
    "mmd_multi",
    "mmd_profile",
    "mmd_random_features",
    "mutual_knn",
    "mutual_knn_kept",
    "nearest_neighbours",
    "permutation_test",
    "pooled_ndcg",
    "pooled_recall_at_k",
    "prdc",
    "procrustes_distance",
    "recall_at_k",
    "recall_back_at_k",
    "register_metric",
    "residual_c2st_mlp",
    "residual_cosine",
    "residual_energy_distance",
    "residual_frechet_distance",
    "residual_mmd",
    "residual_of",
    "residual_separability",
    "residual_sliced_wasserstein",
    "rmg",
    "separability_auc",
    "separability_margin",
    "share_flipped",
    "share_risen",
    "sinkhorn_divergence",
    "sliced_wasserstein",
    "uniformity",
    "unpaired_cosine",
    "variance_ratio",
    "zero_shot_accuracy",
]
