from itertools import permutations

import numpy as np
import pytest
import torch

from gapkit.errors import InputError
from gapkit.metrics import mean_average_precision, recall_at_k, recall_back_at_k
from gapkit.metrics.cloud import cloud
from gapkit.metrics.retrieval import precisions, ranking, recalls


def in_order(relevant, k):
    """Recall and average precision of one ranked list of hits."""
    hits = np.cumsum(relevant[:k])
    precision = sum(hits[r] / (r + 1) for r in range(min(k, len(relevant))) if relevant[r])
    return float(any(relevant[:k])), precision / min(sum(relevant), k)


@pytest.mark.parametrize("k", [1, 3, 10])
def test_sorting_as_oracle(several, k):
    x, y, owner = several.source.astype(float), several.target.astype(float), several.owner
    y = y + 1.5 * np.random.default_rng(0).standard_normal(y.shape)  # hard enough that ranks vary
    sim = (x / np.linalg.norm(x, axis=1, keepdims=True)) @ (y / np.linalg.norm(y, axis=1, keepdims=True)).T
    lists = [in_order(list(owner[np.argsort(-sim[i])] == i), k) for i in range(len(x))]
    recall, precision = np.mean(lists, axis=0)
    assert 0 < recall < 1
    assert recall_at_k(x, y, owner=owner, k=k) == pytest.approx(recall, abs=1e-9)
    assert mean_average_precision(x, y, owner=owner, k=k) == pytest.approx(precision, abs=1e-9)


@pytest.mark.parametrize("k", [1, 2, 4])
def test_ties_are_the_mean_over_all_orders(k):
    # Seen from clip 0: one stranger nearer; two own and two strangers level; one own behind.
    at = {"near": (1.0, 0.1), "level": (1.0, 0.5), "far": (1.0, 2.0)}
    names = ["near", "level", "level", "level", "level", "far"]
    owner = np.array([1, 0, 0, 1, 2, 0])
    x = np.array([(1.0, 0.0)] * 3)
    y = np.array([at[name] for name in names])
    orders = [order for order in permutations(range(6)) if [names[i] for i in order] == names]
    expected = [in_order([owner[i] == 0 for i in order], k) for order in orders]
    ranked = ranking(
        cloud(x / np.linalg.norm(x, axis=1, keepdims=True), name="x"),
        cloud(y / np.linalg.norm(y, axis=1, keepdims=True), name="y", owner=owner, n=3),
    )
    recall, precision = np.mean(expected, axis=0)
    assert float(recalls(ranked, k)[0]) == pytest.approx(recall, abs=1e-9)
    assert float(precisions(ranked, k)[0]) == pytest.approx(precision, abs=1e-9)


def test_a_collapsed_cloud_gets_chance():
    rng = np.random.default_rng(1)
    point, spread = np.tile(rng.standard_normal(64), (200, 1)), rng.standard_normal((200, 64))
    for k in (1, 5, 10):
        assert recall_at_k(point, spread, k=k) == pytest.approx(k / 200, abs=1e-9)
        assert recall_at_k(point, point, k=k) == pytest.approx(k / 200, abs=1e-9)
        assert recall_at_k(spread, point, k=k) == pytest.approx(k / 200, abs=1e-9)
    harmonic = sum(1 / r for r in range(1, 11)) / 200
    assert mean_average_precision(point, point) == pytest.approx(harmonic, abs=1e-9)
    assert mean_average_precision(point, spread) == pytest.approx(harmonic, abs=1e-9)


def test_equal_sides_find_themselves_and_blocks_do_not_matter(several):
    y = several.target
    assert recall_at_k(y, y, k=1) == 1.0
    assert mean_average_precision(y, y) == 1.0
    x = torch.from_numpy(several.source)
    sides = [cloud(x / x.norm(dim=1, keepdim=True), name="x"), cloud(y, name="y", owner=several.owner, n=len(x))]
    whole, parts = ranking(*sides), ranking(*sides, max_memory=12 * 16**2)
    assert torch.equal(recalls(whole, 5), recalls(parts, 5))
    assert torch.equal(precisions(whole, 5), precisions(parts, 5))


def test_any_caption_of_the_clip_counts():
    x, y = np.eye(3), np.array([[0, 1, 1.0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    assert recall_at_k(x, y, owner=[0, 0, 1, 2], k=1) == 1.0
    # Clip 0: own rows at ranks 1 and then level with two zeros (ranks 2 to 4).
    expected = (1 + np.mean([2 / 2, 2 / 3, 2 / 4])) / 2
    assert mean_average_precision(x, y, owner=[0, 0, 1, 2]) == pytest.approx((expected + 2) / 3)


def test_k_must_be_positive(single):
    with pytest.raises(InputError, match="k: expected a whole number of at least 1, got"):
        recall_at_k(single.source, single.target, k=0)
    with pytest.raises(InputError, match="k: expected a whole number of at least 1, got"):
        mean_average_precision(single.source, single.target, k=0)


@pytest.mark.skipif(
    not (torch.backends.mkl.is_available() and torch.backends.mkldnn.is_available()),
    reason="a torch without MKL or oneDNN",
)
@pytest.mark.parametrize("measure", [recall_at_k, recall_back_at_k])
def test_a_point_of_many_columns_has_chance_whatever_multiplies(prefer_onednn, measure):
    # One of five thousand points whose length, of 512 products added one after another, is off by more than a tie.
    point = 1 + 0.3 * torch.randn(1, 512, generator=torch.Generator().manual_seed(8348))
    assert measure(point.expand(50, -1), point.expand(50, -1), k=1) == pytest.approx(1 / 50, abs=1e-12)
    assert prefer_onednn
