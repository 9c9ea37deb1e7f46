import math

import numpy as np
import pytest

from gapkit.metrics.retrieval import recall_at_k
from gapkit.verdict.limits import Floor, chance_of_recall, rank_cut


@pytest.mark.parametrize(("n", "own", "k"), [(40, 1, 10), (12, 3, 5), (5, 1, 10)])
def test_chance_is_what_a_random_order_finds(n: int, own: int, k: int) -> None:
    rng = np.random.default_rng(0)
    owner = np.repeat(np.arange(n), own)
    found = []
    for _ in range(60):
        source, target = rng.standard_normal((n, 6)), rng.standard_normal((n * own, 6))
        found.append(recall_at_k(source, target, owner=owner, k=k))
    assert chance_of_recall(k, n, n * own) == pytest.approx(np.mean(found), abs=0.03)


def test_names_of_recalls() -> None:
    assert [rank_cut(name) for name in ("recall@10", "recall@1")] == [10, 1]
    assert {rank_cut(name) for name in ("map@10", "recall-pooled@10", "cosine", "recall@x")} == {None}


def test_a_floor_of_fewer_items_is_a_band_whose_low_end_counts() -> None:
    assert Floor(0.1, 0.08, 0.12, 100, same_n=True).level == 0.1
    assert Floor(0.1, 0.08, 0.12, 50, same_n=False).level == 0.08
    assert Floor(0.1, math.nan, math.nan, 50, same_n=False).level == 0.1
