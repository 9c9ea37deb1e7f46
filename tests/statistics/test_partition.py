import numpy as np
import pytest

from gapkit.errors import InputError
from gapkit.statistics import Groups, folds, split


def chained(n, n_groups, k, seed=0):
    rng = np.random.default_rng(seed)
    return Groups.from_labels([rng.choice(n_groups, k, replace=False).tolist() for _ in range(n)])


def torn(groups, part):
    """Groups in more than one part, counted one by one."""
    rows, columns = groups.incidence.nonzero()
    return sum(len(set(part[rows[columns == group]])) > 1 for group in range(groups.n_groups))


@pytest.mark.parametrize("n", [2, 7, 23, 100])
def test_folds_of_items_without_company_are_those_of_a_permutation(n):
    found = folds(Groups.from_labels(range(n)), 5, [3, 1])
    assert (found.part == np.random.default_rng([3, 1]).permutation(n) % min(5, n)).all()
    assert found.note is None


@pytest.mark.parametrize(
    "sizes", [[1] * 30, [500] + [1] * 500, [9, 7, 5, 5, 3, 3, 1, 1], list(range(1, 60)), [4, 4, 4]], ids=str
)
def test_no_group_is_parted_and_folds_are_level(sizes):
    groups = Groups.from_labels(np.random.default_rng(0).permutation(np.repeat(np.arange(len(sizes)), sizes)))
    found = folds(groups, 3, seed=1)
    assert found.parted == torn(groups, found.part) == 0
    held = np.bincount(found.part, minlength=3)
    assert held.min() > 0
    # The largest first, each to the emptiest: the spread is at most one group, that which the fullest fold took last.
    assert held.max() - held.min() <= max(sizes)
    assert (folds(groups, 3, seed=1).part == found.part).all()


def test_dealing_is_that_of_one_group_after_the_other():
    sizes = np.random.default_rng(2).integers(1, 9, size=60)
    groups = Groups.from_labels(np.repeat(np.arange(60), sizes))
    rank = np.random.default_rng(5).permutation(60)
    held, expected = np.zeros(4, dtype=int), np.empty(60, dtype=int)
    for group in sorted(range(60), key=lambda g: (-sizes[g], rank[g])):
        expected[group] = held.argmin()
        held[expected[group]] += sizes[group]
    assert (folds(groups, 4, 5).part == expected[groups.number]).all()


def test_small_chains_stay_whole():
    groups = Groups.from_labels([[2 * (i // 6) + j for j in range(1 + i % 2)] for i in range(60)])
    assert not groups.chained
    found = folds(groups, 5, 0)
    assert torn(groups, found.part) == 0
    assert all(len(set(found.part[groups.components == c])) == 1 for c in range(10))


@pytest.mark.parametrize("call", [lambda g: folds(g, 4, 0), lambda g: split(g, (0.25, 0.15, 0.6), 0)])
def test_chains_are_cut_where_few_groups_are_parted_and_what_is_parted_is_counted(call):
    groups = chained(300, 120, 2)
    assert groups.chained
    found = call(groups)
    assert found.parted == torn(groups, found.part)
    random = np.random.default_rng(1).permutation(found.part)
    assert found.parted < 0.75 * torn(groups, random)
    mixed = [any(groups.shares(i, j) and found.part[i] != found.part[j] for j in range(300)) for i in range(0, 300, 20)]
    assert found.mixed >= sum(mixed)
    assert found.note == (
        f"shared groups chain the items together: {found.parted} of {groups.n_groups} groups lie in more than one "
        f"part, with {found.mixed} of 300 items"
    )


def test_shares_hold_with_chains():
    held = np.bincount(split(chained(400, 100, 3), (0.3, 0.1, 0.6), 0).part)
    np.testing.assert_allclose(held, [120, 40, 240], atol=2)
    assert np.bincount(folds(chained(403, 100, 2), 5, 0).part).tolist() == pytest.approx([80.6] * 5, abs=2)


def test_split_of_single_groups_parts_none():
    groups = Groups.from_labels(np.repeat(np.arange(40), 5))
    found = split(groups, (0.3, 0.1, 0.6), 4)
    assert found.parted == 0
    assert np.bincount(found.part).tolist() == [60, 20, 120]


@pytest.mark.parametrize("groups", [Groups.from_labels(range(60)), chained(60, 20, 2)], ids=["apart", "chained"])
def test_what_belongs_together_is_never_parted(groups):
    together = np.random.default_rng(0).integers(0, 15, size=60)
    for found in (folds(groups, 3, 0, together=together), split(groups, (0.5, 0.5), 0, together=together)):
        assert all(len(set(found.part[together == label])) == 1 for label in range(15))
        assert len(np.unique(found.part)) > 1


def test_bad_input():
    with pytest.raises(InputError, match="at least 2"):
        folds(Groups.from_labels(range(5)), 1, 0)
    with pytest.raises(InputError, match="all items have one group"):
        folds(Groups.from_labels(["a"] * 5), 2, 0)
