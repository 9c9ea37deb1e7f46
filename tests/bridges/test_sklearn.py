"""The checks that scikit-learn has for transformers, over the bridges.

They hand over X and y of unlike width, or X alone; a bridge needs two sides of one width. So each bridge is tried as a
class that takes X for both sides.
"""

from __future__ import annotations

from typing import Any

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from gapkit.bridges import Bridge, bridge_names
from gapkit.bridges.network import NetworkBridge
from gapkit.bridges.registry import BRIDGES

NOT_HERE = {
    "check_array_api_input": "switched on by an environment variable of scipy",
    "check_complex_data": "the message is gapkit's: expected numbers, got dtype complex128",
    "check_dtype_object": "an array of objects is refused, also where the objects are numbers",
    "check_estimator_sparse_array": "the message is gapkit's: expected numbers",
    "check_estimator_sparse_matrix": "the message is gapkit's: expected numbers",
    "check_estimator_sparse_tag": "the message is gapkit's: expected numbers",
    "check_estimators_dtypes": "its whole numbers hold a row of zeros, which has no direction",
    "check_estimators_empty_data_messages": "the message is gapkit's: expected at least one row and one column",
    "check_fit2d_1sample": "the message is gapkit's: needs at least 2 rows a side",
    "check_fit2d_predict1d": "the message is gapkit's: expected a 2-D array (n, d)",
    "check_n_features_in_after_fitting": "the message is gapkit's: expected 4 features, got 1",
}
"""Checks that no bridge passes, and why."""

ONE_FEATURE = "rows of one number have one direction, and the message is gapkit's"
FEW_ROWS = "fits ten rows, which are too few: the message says so"
NOT_FOR = {
    "cca": {"check_fit2d_1feature": ONE_FEATURE, "check_estimators_nan_inf": FEW_ROWS},
    "coral": {"check_fit2d_1feature": ONE_FEATURE},
    "light-sb": {"check_fit2d_1feature": FEW_ROWS, "check_estimators_nan_inf": FEW_ROWS},
    "pls-svd": {"check_fit2d_1feature": ONE_FEATURE, "check_estimators_nan_inf": FEW_ROWS},
    "realign": {"check_fit2d_1feature": ONE_FEATURE},
}

# Sinkhorn between such clouds takes seconds. One network stands for all of them: they differ in none of this.
NAMES = [name for name in bridge_names() if name != "ot" and not issubclass(BRIDGES.get(name), NetworkBridge)]


def of_one_side(name: str) -> Bridge:
    """The bridge as a transformer of scikit-learn is fitted: X is both sides."""
    kind = BRIDGES.get(name)

    def fit(self: Bridge, X: Any, y: Any = None) -> Bridge:
        return kind.fit(self, X, X)

    # scikit-learn knows a CCA of its own by that name.
    made = type(f"OneSide{kind.__name__}", (kind,), {"fit": fit, "__module__": __name__})
    globals()[made.__name__] = made  # where pickle looks
    return made(**({"steps": 2} if name == "light-sb" else {}))


def why_not(bridge: Bridge) -> dict[str, str]:
    return NOT_HERE | NOT_FOR.get(bridge.name, {})


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks([of_one_side(name) for name in [*NAMES, "light-sb"]], expected_failed_checks=why_not)
def test_a_bridge_is_a_transformer_of_scikit_learn(estimator, check):
    check(estimator)
