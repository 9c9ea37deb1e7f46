import itertools

import numpy as np
import pytest
from scipy import stats

from gapkit.errors import InputError
from gapkit.statistics import Groups, permutation, sign_flip_test


def test_all_swaps_of_eight_clips():
    d = np.array([0.9, -0.2, 1.4, 0.3, 0.8, -0.5, 1.1, 0.6])
    sums = np.array([np.dot(signs, d) for signs in itertools.product((-1, 1), repeat=8)])
    exact = np.mean(np.abs(sums) >= abs(d.sum()) - 1e-12)
    b = 20_000
    assert float(sign_flip_test(d, n_permutations=b)) == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / b))
    theirs = stats.permutation_test((d,), np.mean, permutation_type="samples", n_resamples=np.inf).pvalue
    assert exact == pytest.approx(theirs)


def test_p_counts_the_data_among_the_swaps():
    # All swaps of one sign: no random swap of 40 clips comes near, and p is 1 / (B + 1), never 0.
    assert float(sign_flip_test(np.linspace(1, 2, 40), n_permutations=99)) == 1 / 100
    assert float(sign_flip_test(np.zeros(5), n_permutations=99)) == 1.0
    assert float(sign_flip_test(-np.linspace(1, 2, 40), n_permutations=99)) == 1 / 100


def test_p_is_uniform_where_signs_are_exchangeable():
    # Heavy tails and unequal spreads do not matter: the test is exact where each difference is symmetric.
    rng = np.random.default_rng(0)
    d = rng.standard_t(2, size=(25, 600)) * np.linspace(0.1, 5, 25)[:, None]
    p = sign_flip_test(d, n_permutations=199, seed=1)
    for level in (0.05, 0.1, 0.5):
        assert abs((p <= level).mean() - level) < 3 * np.sqrt(level * (1 - level) / 600)
    assert stats.kstest(p - 0.5 / 200, "uniform").pvalue > 0.01
    assert (p > 0).all()


def test_columns_are_tested_as_if_alone():
    d = np.random.default_rng(2).normal(0.2, 1, size=(30, 4))
    together = sign_flip_test(d, n_permutations=300, seed=5)
    for column in range(4):
        assert together[column] == sign_flip_test(d[:, column], n_permutations=300, seed=5)


def test_many_clips_swap_in_groups(monkeypatch):
    monkeypatch.setattr(permutation, "UNITS", 64)
    rng = np.random.default_rng(3)
    p = sign_flip_test(rng.normal(size=(500, 400)), n_permutations=199)
    assert abs((p <= 0.05).mean() - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 400)
    assert (sign_flip_test(rng.normal(0.5, 1, size=(500, 3)), n_permutations=199) == 1 / 200).all()


def test_blocks_of_swaps_do_not_matter(monkeypatch):
    d = np.random.default_rng(4).normal(0.1, 1, size=(20, 2))
    whole = sign_flip_test(d, n_permutations=500)
    monkeypatch.setattr(permutation, "BLOCK", 20 * 10)
    assert sign_flip_test(d, n_permutations=500) == pytest.approx(whole)


@pytest.mark.parametrize(
    ("d", "options", "says"),
    [([], {}, "one row a clip"), ([1.0, np.inf], {}, "finite"), ([1.0, 2.0], {"n_permutations": 0}, "at least 1")],
)
def test_bad_input(d, options, says):
    with pytest.raises(InputError, match=says):
        sign_flip_test(d, **options)


def test_groups_of_one_clip_change_nothing():
    d = np.random.default_rng(5).normal(0.2, 1, size=(30, 2))
    plain = sign_flip_test(d, n_permutations=300)
    assert (sign_flip_test(d, n_permutations=300, groups=Groups.from_labels(range(30))) == plain).all()


@pytest.mark.parametrize("chained", [False, True])
def test_p_is_uniform_with_groups_and_not_without(chained):
    rng = np.random.default_rng(6)
    if chained:
        labels = [rng.choice(60, 2, replace=False).tolist() for _ in range(200)]
    else:
        labels = np.repeat(np.arange(40), rng.integers(1, 10, size=40))
    groups = Groups.from_labels(labels)
    assert groups.chained == chained
    d = groups.incidence @ rng.normal(size=(groups.n_groups, 600)) + rng.normal(size=(len(groups), 600))
    p = sign_flip_test(d, n_permutations=199, groups=groups)
    assert abs((p <= 0.05).mean() - 0.05) < 0.03
    assert (sign_flip_test(d, n_permutations=199) <= 0.05).mean() > 0.2


def test_flips_of_groups_need_groups_of_the_same_clips():
    with pytest.raises(InputError, match="groups of the 3 clips, got those of 2"):
        sign_flip_test([1.0, 2.0, 3.0], groups=Groups.from_labels("ab"))
    two = Groups.from_labels([["a", "b"], ["a"], ["b"]])
    assert np.isnan(sign_flip_test([1.0, 2.0, 3.0], groups=two))
    three = Groups.from_labels([["a", "b"], ["a", "c"], ["b", "c"]])
    assert float(sign_flip_test([0.0, 0.0, 0.0], groups=three)) == 1.0
