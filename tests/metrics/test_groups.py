"""Groups are the units of chance: draws, folds and tests take them whole."""

import numpy as np
import pytest
import torch

from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError
from gapkit.metrics import Reference, measure, permutation_test
from gapkit.metrics.resamples import Resamples
from gapkit.statistics import GroupDraws, Groups, robust_variance

N = 60
FAST = ("cosine", "mmd", "frechet", "recall@5", "separability", "separability-auc", "separability-margin", "rmg")
ONE = np.arange(N) // 3
SEVERAL = [[f"a{i % 20}", f"b{i // 4}"] for i in range(N)]


@pytest.fixture(scope="module")
def sides():
    rng = np.random.default_rng(5)
    concept = rng.standard_normal((N, 6))
    return concept + 0.8 * rng.standard_normal((N, 6)) + 0.3, concept + 0.5 * rng.standard_normal((N, 6))


def measured(sides, groups, names=FAST, **options):
    x, y = sides
    return measure(x, y, list(names), groups=groups, n_resamples=200, **options)


def test_items_that_are_their_own_groups_change_nothing(sides):
    plain, own = measured(sides, None), measured(sides, [f"item {i}" for i in range(N)])
    for name in FAST:
        assert own[name].value == plain[name].value, name
        assert np.array_equal(own[name].draws, plain[name].draws), name
    assert repr(own) == repr(plain)


@pytest.mark.parametrize("groups", [ONE, SEVERAL], ids=["one", "several"])
def test_draws_are_those_of_groups(sides, groups):
    found = measured(sides, groups, ["cosine", "recall@5"])
    drawn = GroupDraws.draw(Groups.from_cells(["|".join(map(str, np.atleast_1d(g))) for g in groups]), 200, [0, 0])
    for estimate in found.values():
        assert estimate.draws == pytest.approx(estimate.value + drawn.of(estimate.clips), abs=1e-6)


def test_the_order_of_the_items_changes_nothing_but_which_group_comes_first(sides):
    x, y = sides
    turned = np.arange(N)[::-1]
    a, b = measured(sides, ONE, ["cosine"]), measured((x[turned], y[turned]), ONE[turned], ["cosine"])
    assert b["cosine"].value == pytest.approx(a["cosine"].value, abs=1e-12)
    assert b["cosine"].draws.std() == pytest.approx(a["cosine"].draws.std(), rel=0.2)


@pytest.mark.parametrize("name", FAST)
def test_copies_are_worth_no_more_than_their_originals(sides, name):
    """Every item three times, in a group of its own: intervals as wide as those of one copy, not narrower."""
    x, y = (np.repeat(side[:40], 3, axis=0) for side in sides)
    once = measure(sides[0][:40], sides[1][:40], [name], n_resamples=300, seed=1)[name]
    thrice = measure(x, y, [name], groups=np.repeat(np.arange(40), 3), n_resamples=300, seed=1)[name]
    alone = measure(x, y, [name], n_resamples=300, seed=1)[name]
    assert alone.draws.std() < 0.8 * thrice.draws.std()
    if name in ("cosine", "mmd"):  # others change with copies beside them
        assert thrice.draws.std() == pytest.approx(once.draws.std(), rel=0.25)


def test_no_fold_parts_a_group(sides):
    reference = Reference.from_target(sides[1], groups=ONE, n_resamples=0)
    assert reference.folds.parted == 0
    assert all(len(set(reference.folds.part[group == ONE])) == 1 for group in range(20))
    chained = Reference.from_target(sides[1], groups=[[f"g{i}", f"g{i + 1}"] for i in range(N)], n_resamples=0)
    assert chained.folds.parted > 0


def test_what_could_not_be_kept_apart_is_said(sides):
    chained = [[f"g{i}", f"g{i + 1}"] for i in range(N)]
    assert "Separability may be too high" in repr(measured(sides, chained, ["cosine", "separability"]))
    assert "too high" not in repr(measured(sides, chained, ["cosine"]))


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        (np.zeros(N, int), "1 group: an interval needs 3 or more"),
        (np.arange(N) % 2, "2 groups: an interval needs 3 or more"),
        ([0] * (N - 2) + [1, 2], "one of 3 groups holds nearly all items"),
    ],
)
def test_too_few_groups_have_no_interval_and_say_why(sides, groups, said):
    found = measured(sides, groups)
    assert said in repr(found)
    for name, estimate in found.items():
        assert np.isfinite(estimate.value), name
        assert len(estimate.draws) == 0
        assert np.isnan(estimate.low)
        assert said in estimate.no_interval


def test_few_groups_are_told_and_the_table_counts_them(sides):
    text = repr(measured(sides, ONE))
    assert "60 clips in 20 groups" in text
    assert "resamples of groups" in text
    assert "few groups" not in text
    assert "few groups (effective number 10): the interval is rough" in repr(measured(sides, np.arange(N) // 6))
    uneven = np.repeat(np.arange(12), [30, *[2] * 9, 6, 6])
    assert "(effective number 4)" in repr(measured(sides, uneven))


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        (["a"] * (N - 1), f"expected the groups of {N} clips, got those of {N - 1}"),
        ([*["a"] * (N - 2), "", ""], "2 of 60 items have no group (first: row 58)"),
        ([*["a"] * (N - 1), None], "1 of 60 items have no group (first: row 59)"),
        ([1.5] * N, "expected texts or whole numbers as labels, got 1.5"),
    ],
)
def test_groups_that_do_not_fit_are_refused_in_one_line(sides, groups, said):
    with pytest.raises(InputError) as caught:
        measured(sides, groups)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_unrelated_sides_have_groups_of_their_own(sides):
    x, y = sides[0][:45], sides[1]
    plain = measure(x, y, ["mmd"], paired=False, n_resamples=200)["mmd"]
    grouped = measure(x, y, ["mmd"], paired=False, groups=ONE, source_groups=ONE[:45], n_resamples=200)["mmd"]
    assert grouped.value == plain.value
    assert not np.array_equal(grouped.draws, plain.draws)
    with pytest.raises(InputError, match="source_groups go with paired=False"):
        measure(*sides, ["mmd"], source_groups=ONE)


def test_pairs_bring_their_groups(sides):
    x, y = sides
    pairs = PairedEmbeddings(x, y, groups=ONE)
    found = measure(pairs, metrics=["cosine"], n_resamples=50)
    assert np.array_equal(found["cosine"].draws, measure(x, y, ["cosine"], groups=ONE, n_resamples=50)["cosine"].draws)
    with pytest.raises(InputError, match="leave out target, owner and groups"):
        measure(pairs, metrics=["cosine"], groups=ONE)


def test_paired_tests_flip_whole_groups(sides):
    """Thirty copies of two items that differ alike: as items that is sure, as two groups of origin nothing is."""
    x, y = sides
    better = x.copy()
    better[:30] += 0.5 * (y[:30] - x[:30])
    groups = np.repeat(np.arange(6), 10)
    for own, other in ((measured((better, y), None), measured(sides, None)),):
        sure = own.against(other).set_index("metric").loc["cosine"]
    a, b = measured((better, y), groups), measured(sides, groups)
    rough = a.against(b).set_index("metric").loc["cosine"]
    assert rough["p_flip"] > 10 * sure["p_flip"]
    assert rough["high"] - rough["low"] > sure["high"] - sure["low"]
    with pytest.raises(InputError, match="same resamples"):
        a.against(measured(sides, ONE))


def test_standard_errors_are_those_of_the_robust_variance():
    """Where all variation comes from groups, for one group an item and for two."""
    rng = np.random.default_rng(0)
    for lists in ([[i // 5] for i in range(200)], [[f"a{i % 40}", f"b{rng.integers(40)}"] for i in range(200)]):
        groups = Groups.from_labels(lists)
        x = np.asarray(groups.incidence @ rng.standard_normal(groups.n_groups))
        drawn = Resamples.draw(200, 4000, [0], torch.device("cpu"), groups=groups)
        moved = drawn.moved(torch.as_tensor(x - x.mean())).numpy() / 200
        assert moved.std() == pytest.approx(float(np.sqrt(robust_variance(groups, x))), rel=0.15)


def test_permutations_keep_groups_whole(sides):
    x, y = sides
    plain = permutation_test(x, y, n_permutations=99)
    assert permutation_test(x, y, groups=np.arange(N), n_permutations=99).p == plain.p
    assert permutation_test(x, y, groups=ONE, n_permutations=99).value == pytest.approx(plain.value, abs=1e-9)
    unpaired = permutation_test(x[:50], y, paired=False, groups=ONE, source_groups=ONE[:50], n_permutations=99)
    assert unpaired.value == pytest.approx(permutation_test(x[:50], y, paired=False, n_permutations=9).value, abs=1e-7)
    with pytest.raises(InputError, match="chain 60 of 60 clips together"):
        permutation_test(x, y, groups=[[f"g{i}", f"g{i + 1}"] for i in range(N)])


@pytest.mark.parametrize("paired", [True, False])
def test_permutation_p_is_uniform_where_groups_make_the_difference(paired):
    """Group effects alone: taken as items the test rejects far too often, taken as groups as often as it says."""
    rejected = {False: 0, True: 0}
    for seed in range(60):
        rng = np.random.default_rng([seed, 3])
        own = np.repeat(np.arange(12), 5)
        x, y = (rng.standard_normal((12, 2))[own] + 0.3 * rng.standard_normal((60, 2)) for _ in range(2))
        for grouped in rejected:
            given = {"groups": own} if grouped else {}
            given |= {"source_groups": own} if grouped and not paired else {}
            rejected[grouped] += permutation_test(x, y, paired=paired, n_permutations=99, **given).p < 0.1
    assert rejected[False] > 20
    assert rejected[True] <= 13  # 6 expected, 2.3 the standard deviation


def test_a_metric_of_a_plugin_is_drawn_by_groups(sides, monkeypatch):
    from gapkit.metrics import METRICS
    from gapkit.metrics.registry import register_metric

    @register_metric("mean-product", group="closure", better="higher")
    def mean_product(source, target):
        "Mean product of a pair."
        return float((source * target).mean())

    try:
        plain = measured(sides, None, ["mean-product"])["mean-product"]
        copies = measure(*(np.repeat(side, 3, axis=0) for side in sides), ["mean-product"],
                         groups=np.repeat(np.arange(N), 3), n_resamples=200)["mean-product"]  # fmt: skip
        several = measured(sides, SEVERAL, ["mean-product"])["mean-product"]
    finally:
        METRICS._items.pop("mean-product")
    assert copies.value == pytest.approx(plain.value, abs=1e-6)
    assert copies.draws.std() == pytest.approx(plain.draws.std(), rel=0.2)
    assert several.draws.mean() == pytest.approx(several.value, abs=3 * several.draws.std() / 10)
