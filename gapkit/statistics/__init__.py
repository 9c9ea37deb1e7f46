"""Uncertainty: bootstrap, paired differences and tests, many comparisons; the unit is an item or a group."""

from gapkit.statistics.bootstrap import LEAST_ITEMS, bootstrap_weights, percentile_interval
from gapkit.statistics.differences import Difference, PValue, paired_difference, paired_tests
from gapkit.statistics.effects import probability_of_superiority, standardised_difference
from gapkit.statistics.group_draws import GroupDraws, resample_weights, robust_variance
from gapkit.statistics.groups import Groups, cells_of
from gapkit.statistics.multiplicity import holm, holm_against_best
from gapkit.statistics.partition import Partition, folds, split
from gapkit.statistics.permutation import sign_flip_test

__all__ = [
    "LEAST_ITEMS",
    "Difference",
    "GroupDraws",
    "Groups",
    "PValue",
    "Partition",
    "bootstrap_weights",
    "cells_of",
    "folds",
    "holm",
    "holm_against_best",
    "paired_difference",
    "paired_tests",
    "percentile_interval",
    "probability_of_superiority",
    "resample_weights",
    "robust_variance",
    "sign_flip_test",
    "split",
    "standardised_difference",
]
