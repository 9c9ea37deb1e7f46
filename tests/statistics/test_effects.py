import numpy as np
import pytest
from scipy import stats

from gapkit.errors import InputError
from gapkit.statistics import probability_of_superiority, standardised_difference


def test_the_t_statistic_without_the_number_of_clips():
    a, b = np.random.default_rng(0).normal(size=(2, 30))
    assert standardised_difference(a, b) == pytest.approx(stats.ttest_rel(a, b).statistic / np.sqrt(30))
    assert standardised_difference(np.tile(a, 100), np.tile(b, 100)) == pytest.approx(
        standardised_difference(a, b), rel=0.02
    )


def test_ends_of_the_standardised_difference():
    assert standardised_difference([1.0, 2.0], [1.0, 2.0]) == 0
    assert standardised_difference([2.0, 3.0], [1.0, 2.0]) == np.inf
    assert standardised_difference([0.0, 1.0], [1.0, 2.0]) == -np.inf


def test_superiority_by_counting():
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 4, size=(2, 50))
    counted = sum(1.0 if x > y else 0.5 if x == y else 0.0 for x, y in zip(a, b, strict=True)) / 50
    assert probability_of_superiority(a, b) == pytest.approx(counted)
    assert probability_of_superiority(a, b) + probability_of_superiority(b, a) == pytest.approx(1)
    assert probability_of_superiority([1.0, 1.0], [1.0, 1.0]) == 0.5


@pytest.mark.parametrize("effect", [standardised_difference, probability_of_superiority])
@pytest.mark.parametrize(
    "pair", [([1.0], [2.0]), ([1.0, 2.0], [1.0]), ([[1.0, 2.0]], [[1.0, 2.0]]), ([1.0, np.nan], [0.0, 0.0])]
)
def test_bad_input(effect, pair):
    with pytest.raises(InputError, match="effect size"):
        effect(*pair)
