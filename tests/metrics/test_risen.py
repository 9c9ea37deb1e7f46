from __future__ import annotations

import numpy as np
import pytest

from gapkit.errors import InputError
from gapkit.metrics import Reference, measure, share_risen


@pytest.fixture
def clouds():
    rng = np.random.default_rng(0)
    before, target = rng.normal(size=(2, 200, 8)).astype(np.float32)
    return before, target, np.where(np.arange(200)[:, None] < 150, target, -target).astype(np.float32)


def test_clips_that_reach_their_targets_rise_and_those_that_flee_do_not(clouds):
    before, target, moved = clouds
    assert share_risen(moved, target, original=before) == 0.75
    assert share_risen(before, target, original=before) == 0.0
    assert share_risen(target, target, original=before) == 1.0


def test_a_clip_counts_once_however_many_targets_it_has(clouds):
    before, target, moved = clouds
    owner = np.r_[np.arange(200), np.zeros(300, dtype=int)]
    many = np.r_[target, np.repeat(target[:1], 300, axis=0)]
    assert share_risen(moved, many, original=before, owner=owner) == 0.75


def test_in_a_row_it_has_an_interval_and_needs_the_original(clouds):
    before, target, moved = clouds
    reference = Reference.from_target(target, n_resamples=400)
    found = measure(moved, reference, ["share-risen"], original=before)["share-risen"]
    assert found.value == 0.75
    assert found.low == pytest.approx(0.75 - 1.96 * (0.75 * 0.25 / 200) ** 0.5, abs=0.02)
    assert "share-risen" not in measure(moved, reference)


def test_an_original_of_another_length(clouds):
    before, target, moved = clouds
    with pytest.raises(InputError, match=r"original: expected one row a source row \(200\), got 199"):
        share_risen(moved, target, original=before[1:])
