"""How sure a number is: the bootstrap, paired differences and tests, many comparisons. The unit is always a clip."""

from gapkit.statistics.bootstrap import LEAST_ITEMS, bootstrap_weights, percentile_interval
from gapkit.statistics.differences import Difference, PValue, paired_difference, paired_tests
from gapkit.statistics.effects import probability_of_superiority, standardised_difference
from gapkit.statistics.multiplicity import holm
from gapkit.statistics.permutation import sign_flip_test

__all__ = [
    "LEAST_ITEMS",
    "Difference",
    "PValue",
    "bootstrap_weights",
    "holm",
    "paired_difference",
    "paired_tests",
    "percentile_interval",
    "probability_of_superiority",
    "sign_flip_test",
    "standardised_difference",
]
