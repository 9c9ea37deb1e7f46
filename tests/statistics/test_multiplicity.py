import numpy as np
import pytest
from scipy.stats import norm

from gapkit.errors import InputError
from gapkit.statistics import holm, holm_against_best


def test_holm_by_hand():
    assert holm([0.01, 0.02, 0.03, 0.5]) == pytest.approx([0.04, 0.06, 0.06, 0.5])
    assert holm([0.9, 0.8]) == pytest.approx([1.0, 1.0])
    assert holm([]).shape == (0,)


def test_holm_is_the_step_down_procedure():
    # Rejected at level a where adjusted <= a: from the smallest on, stop at the first p above a / (number left).
    rng = np.random.default_rng(0)
    for _ in range(50):
        p = rng.random(7) ** 3
        for level in (0.01, 0.05, 0.2):
            rejected = np.zeros(7, dtype=bool)
            for rank, k in enumerate(np.argsort(p)):
                if p[k] > level / (7 - rank):
                    break
                rejected[k] = True
            assert ((holm(p) <= level) == rejected).all()


def test_holm_does_not_depend_on_the_order():
    p = np.array([0.04, 0.001, 0.04, 0.3])
    order = np.array([2, 0, 3, 1])
    assert (holm(p)[order] == holm(p[order])).all()


def test_some_false_alarm_is_as_rare_as_promised():
    # Ten true hypotheses with dependent p-values: one or more rejections in at most 5 % of the families.
    rng = np.random.default_rng(1)
    families = [np.clip((rng.random() + rng.random(10)) % 1, 0, 1) for _ in range(2000)]
    assert np.mean([(holm(p) <= 0.05).any() for p in families]) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 2000)


@pytest.mark.parametrize("p", [[1.2], [np.nan], [-0.1]])
def test_bad_input(p):
    with pytest.raises(InputError, match=r"\[0, 1\]"):
        holm(p)


def test_one_comparison_is_not_adjusted_and_more_count_all_pairs() -> None:
    assert holm_against_best([0.04]) == [0.04]
    np.testing.assert_allclose(holm_against_best([0.001, 0.5, 0.004]), [0.006, 0.5, 0.012])
    assert (holm_against_best([0.01, 0.02, 0.03]) >= holm([0.01, 0.02, 0.03])).all()
    assert len(holm_against_best([])) == 0
    with pytest.raises(InputError, match=r"p-values in \[0, 1\]"):
        holm_against_best([1.2])


@pytest.mark.parametrize("rows", [2, 6, 15])
def test_of_equal_rows_the_best_is_told_apart_in_one_of_twenty_cases(rows: int) -> None:
    rng = np.random.default_rng(rows)
    values = np.sort(rng.standard_normal((4000, rows)), axis=1)
    p = 2 * norm.sf((values[:, -1:] - values[:, :-1]) / np.sqrt(2))
    wrong = np.mean([(holm_against_best(own) < 0.05).any() for own in p])
    assert wrong < 0.06
    if rows > 5:  # a test of the best chosen among many is no test of a pair
        assert np.mean([(holm(own) < 0.05).any() for own in p]) > wrong
