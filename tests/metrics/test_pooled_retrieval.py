"""The pool of both modalities: who stands in it, who asks, and ties. The values have their oracle in test_oracles."""

import numpy as np
import pytest
from sklearn.metrics import ndcg_score

from gapkit.errors import InputError
from gapkit.metrics import measure, pooled_ndcg, pooled_recall_at_k, recall_at_k, recall_back_at_k
from gapkit.metrics.pair import pair_of
from gapkit.metrics.pooled_retrieval import SHARES, gains, pool


@pytest.mark.parametrize("k", [1, 5])
def test_the_ends_are_retrieval_forth_and_back(single, k):
    x, y = single.source, single.target
    assert pooled_recall_at_k(x, y, k=k, share=0) == pytest.approx(recall_at_k(x, y, k=k))
    assert pooled_recall_at_k(x, y, k=k, share=1) == pytest.approx(recall_back_at_k(x, y, k=k))


def test_an_item_of_several_targets_is_asked_for_by_those_outside_the_pool():
    # Item 0 has its first target in the pool and a second one that is nearer to item 1's.
    x = np.eye(3)
    y = np.array([[1, 0.1, 0], [0.1, 1, 0], [0, 1, 0.1], [0, 0.1, 1]])
    owner = [0, 0, 1, 2]
    found = gains(pool(pair_of(x, y, owner, paired=True), [0.0]), 10)[:, 0]
    assert found.tolist() == pytest.approx([1 / np.log2(3), 1, 1])


def test_a_larger_share_only_adds_sources(several):
    # An item keeps its gain between two shares where nothing in the pool that is near to its queries has changed.
    found = gains(pool(pair_of(several.source, several.target, several.owner, paired=True), SHARES), 10)
    assert found.shape == (30, 11)
    assert pooled_ndcg(several.source, several.target, owner=several.owner) == pytest.approx(float(found.mean()))
    one = pooled_ndcg(several.source, several.target, owner=several.owner, share=0.5)
    assert one == pytest.approx(float(found[:, 5].mean()))


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_a_pool_of_copies_has_chance(share):
    point = np.tile(np.random.default_rng(0).standard_normal(16), (40, 1))
    chance = np.mean([ndcg_score([np.arange(40) == r], [-np.arange(40)], k=10) for r in range(40)])
    assert pooled_ndcg(point, point, share=share) == pytest.approx(chance)
    assert pooled_recall_at_k(point, point, k=5, share=share) == pytest.approx(5 / 40)


def test_a_copy_of_a_target_in_the_pool_asks_nothing(single):
    x, y = single.source, single.target
    twice = pooled_ndcg(x, np.concatenate([y, y]), owner=np.tile(np.arange(40), 2))
    assert twice == pytest.approx(pooled_ndcg(x, y))


def test_a_gap_hides_the_other_modality_and_a_shift_brings_it_back(single):
    x, y = single.source, single.target
    apart = x + 30 * np.eye(6)[0]
    assert pooled_ndcg(apart, y, share=0.5) < 0.1 < 0.4 < pooled_ndcg(x, y, share=0.5)


def test_blocks_do_not_matter(several):
    pairs = [pair_of(several.source, several.target, several.owner, paired=True, max_memory=m) for m in (2**29, 2**12)]
    whole, parts = (pool(pair, SHARES) for pair in pairs)
    assert (whole.ahead == parts.ahead).all()
    assert (whole.tied == parts.tied).all()


def test_an_item_is_the_unit_of_the_interval(several):
    found = measure(several.source, several.target, ["ndcg-pooled@10"], owner=several.owner)["ndcg-pooled@10"]
    assert found.clips.shape == (30,)
    assert found.low < found.value < found.high


@pytest.mark.parametrize("share", [-0.1, 1.5, float("nan")])
def test_a_share_lies_in_0_to_1(single, share):
    with pytest.raises(InputError, match=r"share: expected a number in \[0, 1\], got"):
        pooled_ndcg(single.source, single.target, share=share)
