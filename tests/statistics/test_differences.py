import numpy as np
import pytest
from scipy import stats

from gapkit.errors import InputError
from gapkit.statistics import bootstrap_weights, holm, paired_difference, paired_tests, standardised_difference


def test_what_the_draws_share_cancels():
    rng = np.random.default_rng(0)
    shared = rng.normal(0, 10, 999)
    found = paired_difference(shared + 1 + rng.normal(0, 0.1, 999), shared)
    assert found.low > 0.7
    assert found.high < 1.3
    assert found.p == pytest.approx(2 / 1000)
    assert paired_difference(shared, shared).p == 1.0
    assert paired_difference(shared, shared + 1, value=-1.5).value == -1.5
    assert paired_difference(shared, shared + 1).p == pytest.approx(2 / 1000)


def means(n, n_resamples, seed, shift=0.0):
    """Draws of the means of two numbers that clips share much of, and their observed difference."""
    rng = np.random.default_rng([seed, 7])
    shared = rng.normal(0, 3, n)
    x, y = shared + rng.normal(shift, 1, n), shared + rng.normal(0, 1, n)
    w = bootstrap_weights(n, n_resamples, seed=seed)
    return w @ x / n, w @ y / n, float((x - y).mean()), x - y


@pytest.mark.parametrize("p", ["draws", "normal"])
def test_p_is_uniform_where_nothing_differs(p):
    found = []
    for seed in range(400):
        a, b, value, _ = means(60, 199, seed)
        found.append(paired_difference(a, b, value=value, p=p).p)
    for level in (0.05, 0.2, 0.5):
        share = np.mean(np.array(found) <= level)
        assert abs(share - level) < 3 * np.sqrt(level * (1 - level) / 400) + 0.01
    assert stats.kstest(np.array(found), "uniform").pvalue > 0.001


def test_the_interval_of_a_paired_difference_covers():
    # Nominal 95 %; two single intervals of this width would be three times as wide.
    covered, widths, single = 0, [], []
    for seed in range(400):
        a, b, value, _ = means(60, 200, seed, shift=0.5)
        found = paired_difference(a, b, value=value)
        covered += found.low <= 0.5 <= found.high
        widths.append(found.high - found.low)
        single.append(np.subtract(*np.quantile(a, [0.975, 0.025])))
    assert 0.92 <= covered / 400 <= 0.98
    assert np.mean(widths) == pytest.approx(2 * 1.96 * np.sqrt(2 / 60), rel=0.06)
    assert np.mean(single) > 2 * np.mean(widths)


def test_p_by_the_standard_error_is_the_paired_t_test_of_many_clips():
    a, b, value, d = means(4000, 4000, 1, shift=0.05)
    found = paired_difference(a, b, value=value, p="normal")
    assert np.log(found.p) == pytest.approx(np.log(stats.ttest_1samp(d, 0).pvalue), rel=0.1)


def test_both_p_values_say_the_same_where_neither_is_extreme():
    for seed in range(20):
        a, b, value, _ = means(100, 4000, seed, shift=0.2)
        counted, normal = (paired_difference(a, b, value=value, p=p).p for p in ("draws", "normal"))
        assert counted == pytest.approx(normal, abs=0.02)


def test_p_by_the_standard_error_has_no_floor():
    a = np.random.default_rng(0).normal(1, 0.1, 100)
    assert paired_difference(a, np.zeros(100)).p == 2 / 101
    assert 0 < paired_difference(a, np.zeros(100), p="normal").p < 1e-15
    assert paired_difference(a, a, p="normal").p == 1.0
    assert np.isnan(paired_difference(np.ones(5), np.zeros(5), p="normal").p)


def test_a_draw_that_is_no_number_leaves_no_p():
    for p in ("draws", "normal"):
        found = paired_difference([1.0, np.nan, 2.0], [0.0, 0.0, 0.0], p=p)
        assert np.isnan([found.p, found.low, found.high]).all()


@pytest.mark.parametrize("p", ["draws", "normal"])
def test_a_family_is_its_members_adjusted_together(p):
    draws = [means(80, 300, seed, shift=0.1 * seed) for seed in range(5)]
    values = [value for _, _, value, _ in draws]
    found = paired_tests(values, [a for a, _, _, _ in draws], [b for _, b, _, _ in draws], n=80, p=p)
    alone = [paired_difference(a, b, value=value, p=p) for a, b, value, _ in draws]
    assert found["p"] == pytest.approx([each.p for each in alone])
    assert found["low"] == pytest.approx([each.low for each in alone])
    assert found["p_holm"] == pytest.approx(holm(found["p"]))
    expected = [standardised_difference(d, 0 * d) for _, _, _, d in draws]
    assert found["effect"] == pytest.approx(expected, rel=0.15, abs=0.02)


def test_rows_without_draws_take_no_part_in_the_adjustment():
    a, b, value, _ = means(50, 200, 0, shift=1.0)
    found = paired_tests([value, 3.0, 0.0], [a, [], a], [b, [], a], n=[50, 50, 50])
    assert np.isnan([found["p"][1], found["p_holm"][1], found["effect"][1]]).all()
    assert found["difference"][1] == 3.0
    assert found["p_holm"][0] == pytest.approx(min(1, 2 * found["p"][0]))
    assert (found["effect"][2], found["p"][2]) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: paired_difference([1.0], [1.0, 2.0]), "same resamples"),
        (lambda: paired_difference([], []), "same resamples"),
        (lambda: paired_difference([[1.0]], [[1.0]]), "same resamples"),
        (lambda: paired_difference([1.0], [1.0], p="guess"), "expected one of draws, normal"),
        (lambda: paired_difference([1.0], [1.0], level=2.0), "level"),
        (lambda: paired_tests([1.0], [[1.0, 2.0]], [[1.0]], n=3), "same resamples"),
    ],
)
def test_bad_input(call, says):
    with pytest.raises(InputError, match=says):
        call()
