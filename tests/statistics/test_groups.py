import numpy as np
import pytest

from gapkit.errors import InputError
from gapkit.statistics import Groups

FORMS = {
    "lists": Groups.from_labels([["a", "b"], ["b"], ["c"]]),
    "sets and tuples": Groups.from_labels([("a", "b"), {"b"}, "c"]),
    "cells": Groups.from_cells(["a|b", " b ", "c|"]),
    "cells of JSON": Groups.from_cells(['["a", "b"]', "b", '["c"]']),
    "cells of lists": Groups.from_cells([["a", "b"], "b", np.array(["c"])]),
    "another separator": Groups.from_cells(["a;b;a", "b", "c"], separator=";"),
    "numbers": Groups.from_labels([[7, 3], [3], [9]]),
}


@pytest.mark.parametrize("groups", FORMS.values(), ids=FORMS)
def test_all_forms_give_the_same(groups):
    assert groups.start.tolist() == [0, 2, 3, 4]
    assert groups.number.tolist() == [0, 1, 1, 2]
    assert (len(groups), groups.n_groups, groups.sizes.tolist()) == (3, 3, [1, 2, 1])
    assert (groups.shares(0, 1), groups.shares(1, 2)) == (True, False)
    assert groups.incidence.toarray().tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 1]]


def test_one_label_an_item_is_numbered_by_appearance():
    for labels in (np.array([5, 2, 5, 9]), ["x", "a", "x", "m"], np.array(["x", "a", "x", "m"])):
        groups = Groups.from_labels(labels)
        assert groups.number.tolist() == [0, 1, 0, 2]
        assert groups.single
    assert Groups.from_cells(["[not a list", "x"]).n_groups == 2


def test_taken_items_have_the_groups_of_their_labels():
    rng = np.random.default_rng(0)
    labels = [rng.choice(12, size=rng.integers(1, 4), replace=False).tolist() for _ in range(40)]
    groups = Groups.from_labels(labels)
    for rows in (rng.permutation(40)[:15], [3], np.arange(40)):
        taken, again = groups.take(rows), Groups.from_labels([labels[i] for i in rows])
        assert taken.n_groups == again.n_groups
        assert (taken.incidence @ taken.incidence.T != again.incidence @ again.incidence.T).nnz == 0
    assert groups.take(np.arange(40)).number.tolist() == groups.number.tolist()


def test_sets_and_components_are_those_of_a_plain_search():
    groups = Groups.from_labels([["a", "b"], ["b", "a"], ["b", "c"], ["d"], ["e", "d"], ["f"]])
    assert groups.sets.tolist() == [0, 0, 1, 2, 3, 4]
    assert groups.components.tolist() == [0, 0, 0, 1, 1, 2]
    assert not groups.chained
    assert Groups.from_labels([["a", "b"], ["b", "c"], ["c"], ["d"]]).chained
    assert not Groups.from_labels(list("aaab")).chained


def test_effective_numbers_are_their_closed_forms():
    equal = Groups.from_labels(np.repeat(np.arange(30), 7))
    assert equal.n_effective == pytest.approx(30)
    assert equal.n_independent == pytest.approx(30)
    apart = Groups.from_labels(range(50))
    assert (apart.apart, apart.n_effective, apart.n_independent) == (True, 50, 50)
    sizes = np.array([500, 40, 1, 9])
    unequal = Groups.from_labels(np.repeat(np.arange(4), sizes))
    assert unequal.n_effective == pytest.approx(sizes.sum() ** 2 / (sizes**2).sum())
    # Variance of the mean of items that are sums of their groups' effects, by its definition.
    several = Groups.from_labels([["a", "b"], ["b", "c"], ["c"], ["d", "a", "e"]])
    share = several.incidence.toarray() / np.sqrt(several.per_item)[:, None]
    assert 1 / several.n_independent == pytest.approx((share.mean(axis=0) ** 2).sum())


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ([], "no items"),
        (["a", "", "b", None], r"2 of 4 items have no group \(first: row 1\)"),
        ([["a"], [], ["b"]], r"1 of 3 items have no group \(first: row 1\)"),
        (["a", float("nan")], r"1 of 2 items have no group"),
        ([1.5, 2.0], "whole numbers as labels, got float"),
        ([True, False], "whole numbers as labels, got bool"),
    ],
)
def test_bad_labels(labels, says):
    for make in (Groups.from_labels, Groups.from_cells):
        with pytest.raises(InputError, match=says):
            make(labels)


@pytest.mark.parametrize(
    ("sizes", "reason", "caution"),
    [
        ([5], "1 group:", None),
        ([5, 5], "2 groups:", None),
        ([500, 1, 1], "one of 3 groups holds nearly all items", None),
        ([4, 4, 4], None, "effective number 3"),
        ([10] * 19, None, "effective number 19"),
        ([10] * 20, None, None),
        ([1] * 5, None, None),
    ],
)
def test_few_groups_say_so(sizes, reason, caution):
    groups = Groups.from_labels(np.repeat(np.arange(len(sizes)), sizes))
    for told, expected in ((groups.no_interval, reason), (groups.caution, caution)):
        assert (told is None) == (expected is None)
        assert expected is None or expected in told


def test_the_summary_names_the_effective_number_where_it_is_much_smaller():
    assert Groups.from_labels(np.repeat(np.arange(30), 7)).summary == "210 items in 30 groups"
    assert "effective number 2" in Groups.from_labels(np.repeat(np.arange(4), [500, 40, 200, 9])).summary
    assert repr(Groups.from_cells(["a|b", "c"])) == "Groups(2 items in 3 groups, 1 to 2 groups an item)"
