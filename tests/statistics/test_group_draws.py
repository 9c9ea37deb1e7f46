import numpy as np
import pytest

from gapkit.errors import InputError
from gapkit.statistics import GroupDraws, Groups, bootstrap_weights, group_draws, percentile_interval, robust_variance


def several(n, n_groups, k, rng, zipf=False):
    """Groups of n items, k each, drawn evenly or with shares 1, 1/2, 1/3 and so on."""
    shares = 1 / np.arange(1, n_groups + 1) if zipf else np.ones(n_groups)
    shares /= shares.sum()
    return Groups.from_labels([rng.choice(n_groups, k, replace=False, p=shares).tolist() for _ in range(n)])


def values(groups, rho, reps, rng):
    """Items whose variance is to a share of rho that of the mean of their groups' effects, (n, reps)."""
    effects = groups.incidence @ rng.normal(size=(groups.n_groups, reps)) / groups.per_item[:, None]
    effects /= np.sqrt((effects**2).mean())
    return np.sqrt(rho) * effects + np.sqrt(1 - rho) * rng.normal(size=effects.shape)


def coverage(groups, x, seed=0):
    """Share of the columns whose percentile interval of the mean holds 0."""
    moved = GroupDraws.draw(groups, 400, seed).of(x)
    low, high = np.quantile(moved, [0.025, 0.975], axis=0) + x.mean(axis=0)
    return float(((low <= 0) & (high >= 0)).mean())


@pytest.mark.parametrize("n", [3, 10, 57])
def test_items_without_company_are_drawn_as_before(n):
    groups = Groups.from_labels(range(n))
    draws = GroupDraws.draw(groups, 200, [4, 0])
    weights = bootstrap_weights(n, 200, [4, 0])
    assert (draws.counts == weights).all()
    assert draws.widening == 1
    x = np.random.default_rng(1).normal(3, 1, n)
    np.testing.assert_allclose(x.mean() + draws.of(x), weights @ x / n, atol=1e-6)


def test_equal_groups_have_the_variance_of_their_means():
    rng = np.random.default_rng(0)
    means = rng.normal(size=40)
    groups = Groups.from_labels(np.repeat(np.arange(40), 6))
    x = np.repeat(means, 6)
    assert robust_variance(groups, x) == pytest.approx(means.var(ddof=1) / 40)
    moved = GroupDraws.draw(groups, 4000, 0).of(x)
    # t quantiles of 39 degrees of freedom in the place of normal ones.
    assert moved.var() == pytest.approx(means.var(ddof=1) / 40 * (2.0227 / 1.96) ** 2, rel=0.06)


def test_two_ways_of_sharing_are_the_sum_of_both_less_what_both_share():
    # Cameron, Gelbach & Miller: V(first) + V(second) - V(first and second), here before the factors.
    rng = np.random.default_rng(2)
    first, second = rng.integers(0, 40, 300), rng.integers(0, 50, 300)
    x = rng.normal(size=40)[first] + rng.normal(size=50)[second] + rng.normal(size=300)
    x -= x.mean()
    groups = Groups.from_labels([[f"a{i}", f"b{j}"] for i, j in zip(first, second, strict=True)])

    def squares(labels):
        return (np.bincount(np.unique(labels, return_inverse=True)[1], weights=x) ** 2).sum()

    both = squares(first * 100 + second)
    plain = (squares(first) + squares(second) - both) / 300**2
    assert robust_variance(groups, x) == pytest.approx(plain, rel=0.08)


def test_expectations_are_those_of_the_dense_forms():
    rng = np.random.default_rng(3)
    for groups in (several(90, 25, 2, rng), several(90, 40, 3, rng, zipf=True), Groups.from_cells(["a|b", "b|a", "c"])):
        n, incidence = len(groups), groups.incidence.toarray()
        centring = np.eye(n) - 1 / n
        alike = (groups.sets[:, None] == groups.sets).astype(float)
        drawn = incidence @ incidence.T
        shared = drawn - alike * (groups.per_item - 1)
        for found, covariance in zip(group_draws._expected(groups), (np.eye(n), drawn), strict=True):
            spread = centring @ covariance @ centring
            assert found.mean == pytest.approx(covariance.sum())
            for name, form in (("drawn", drawn), ("shared", shared), ("alike", alike)):
                assert getattr(found, name) == pytest.approx((form * spread).sum())


@pytest.mark.parametrize(
    "labels",
    [
        [["a", "b"], ["a", "c"], ["b", "c"]],
        [[f"a{i // 3}", f"b{i // 3}"] for i in range(30)],
        [["a", f"own{i}"] for i in range(9)],
        [[f"own{i}", f"and{i}"] for i in range(9)],
    ],
    ids=["a ring", "always the same two", "one that all share", "nothing shared"],
)
def test_groups_of_any_form_have_a_variance(labels):
    groups = Groups.from_labels(labels)
    x = np.random.default_rng(1).normal(size=len(groups))
    assert 0 <= float(robust_variance(groups, x)) < np.inf
    assert np.isfinite(GroupDraws.draw(groups, 20, 0).of(x)).all()


def test_many_columns_are_drawn_as_if_alone():
    rng = np.random.default_rng(4)
    groups = several(60, 15, 2, rng)
    draws, x = GroupDraws.draw(groups, 50, 1), rng.normal(size=(60, 3))
    np.testing.assert_allclose(draws.of(x), np.stack([draws.of(column) for column in x.T], axis=1), atol=1e-6)
    assert draws.totals(rng.normal(size=(60, 2, 3))).shape == (15, 2, 3)


def test_the_order_of_items_does_not_matter():
    rng = np.random.default_rng(5)
    labels = np.repeat(np.arange(12), 5)
    x, order = rng.normal(size=60), rng.permutation(60)
    assert robust_variance(Groups.from_labels(labels[order]), x[order]) == pytest.approx(
        float(robust_variance(Groups.from_labels(labels), x))
    )


def test_many_groups_are_drawn_in_units(monkeypatch):
    monkeypatch.setattr(group_draws, "UNITS", 64)
    rng = np.random.default_rng(6)
    labels = np.repeat(np.arange(150), 3)
    groups = Groups.from_labels(labels)
    draws = GroupDraws.draw(groups, 4000, 0)
    assert draws.counts.shape == (4000, 50)
    x = rng.normal(size=(450, 60)) + rng.normal(size=(150, 60))[labels]
    assert draws.of(x).var(axis=0).mean() == pytest.approx(robust_variance(groups, x).mean(), rel=0.06)
    left_over = GroupDraws.draw(Groups.from_labels(range(130)), 10, 0)
    assert left_over.counts.shape == (10, 43)
    assert (left_over.unit == 43).sum() == 1


@pytest.mark.slow
@pytest.mark.parametrize("rho", [0.3, 0.7, 1.0])
@pytest.mark.parametrize(("n_groups", "k", "zipf"), [(20, 1, False), (50, 2, False), (120, 3, False), (300, 2, True)])
def test_coverage_of_a_mean_and_of_a_paired_difference(n_groups, k, zipf, rho):
    rng = np.random.default_rng(7)
    groups = several(400, n_groups, k, rng, zipf=zipf)
    assert groups.n_effective > 18
    found = coverage(groups, values(groups, rho, 1500, rng))
    assert 0.92 <= found <= 0.985
    common = values(groups, 0.5, 1500, rng)
    first, second = (common + 0.4 * values(groups, rho, 1500, rng) for _ in range(2))
    draws = GroupDraws.draw(groups, 400, 1)
    moved = draws.of(first) - draws.of(second)
    low, high = np.quantile(moved, [0.025, 0.975], axis=0) + (first - second).mean(axis=0)
    assert 0.92 <= ((low <= 0) & (high >= 0)).mean() <= 0.985


@pytest.mark.slow
@pytest.mark.parametrize("rho", [0.0, 0.3, 1.0])
@pytest.mark.parametrize(("n_groups", "k", "zipf"), [(20, 2, False), (50, 3, False), (300, 2, True)])
def test_coverage_by_the_robust_variance_holds_without_effects_too(n_groups, k, zipf, rho):
    rng = np.random.default_rng(8)
    groups = several(400, n_groups, k, rng, zipf=zipf)
    x = values(groups, rho, 1500, rng)
    error = np.sqrt(robust_variance(groups, x)) * group_draws.quantile(groups)
    assert 0.92 <= (np.abs(x.mean(axis=0)) <= 1.96 * error).mean() <= 0.98


@pytest.mark.slow
def test_draws_are_too_wide_rather_than_too_narrow_where_several_groups_mean_nothing():
    rng = np.random.default_rng(9)
    groups = several(400, 50, 2, rng)
    assert coverage(groups, values(groups, 0.0, 1500, rng)) >= 0.95


def test_an_interval_needs_groups():
    for groups in (Groups.from_labels(list("aabb")), Groups.from_labels(["a"] * 4)):
        for call in (lambda g=groups: GroupDraws.draw(g, 10, 0), lambda g=groups: robust_variance(g, np.arange(4.0))):
            with pytest.raises(InputError, match="an interval needs 3 or more"):
                call()


@pytest.mark.parametrize("sizes", [[500, 300, 200, 100, 1], [1] * 400 + [100], [3, 3, 3]])
def test_sizes_may_be_anything(sizes):
    groups = Groups.from_labels(np.repeat(np.arange(len(sizes)), sizes))
    moved = GroupDraws.draw(groups, 100, 0).of(np.random.default_rng(0).normal(size=len(groups)))
    assert np.isfinite(percentile_interval(moved)).all()
