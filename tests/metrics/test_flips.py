"""Answers of a search that change: which rounding is meant, ties, and what a gap does to them."""

import numpy as np
import pytest

from gapkit.errors import InputError
from gapkit.metrics import measure, share_flipped
from gapkit.metrics.flips import How, _changes
from gapkit.metrics.pair import pair_of


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def nearest(x, y):
    return (unit(x) @ unit(y).T).argmax(axis=1)


def int8(rows, gallery):
    """As an index stores it: 8 bits a dimension, by the range of what it holds."""
    low, high = gallery.min(axis=0), gallery.max(axis=0)
    return np.clip(np.round((rows - low) / (high - low) * 255), 0, 255).astype(np.uint8) / 255 * (high - low) + low


@pytest.mark.parametrize("how", ["int8", "binary"])
def test_a_numpy_loop_as_oracle(several, how):
    p = several
    x, y = unit(p.source + 3 * np.eye(5)[0]), unit(p.target)
    before = p.owner[nearest(x, y)]
    if how == "int8":
        after = p.owner[nearest(int8(x, y), int8(y, y))]
        expected = np.mean(before != after)
    else:
        alike = np.where(x > 0, 1, -1) @ np.where(y > 0, 1, -1).T
        level = alike == alike.max(axis=1, keepdims=True)
        expected = 1 - np.mean([(p.owner[row] == own).mean() for row, own in zip(level, before, strict=True)])
    assert expected > 0
    assert share_flipped(x, y, owner=p.owner, how=how) == pytest.approx(expected, abs=1e-6)


def test_the_noise_has_its_length_and_belongs_to_the_row(single):
    pair = pair_of(single.source, single.target, paired=True, seed=3)
    rows, numbers = pair.unit.x.rows, pair.unit.x.owner
    change, _ = _changes(pair, "noise")
    noisy = change(rows, numbers)
    assert float((noisy - rows).norm(dim=1).mean()) == pytest.approx(0.05, rel=0.2)
    assert (change(rows[5:7], numbers[5:7]) == noisy[5:7]).all()


@pytest.mark.parametrize("how", How.__args__)
def test_equally_near_items_are_answers_by_chance(how):
    point = np.ones((8, 3))
    assert share_flipped(np.eye(3)[[0, 1, 2, 0, 1, 2, 0, 1]] + 1, point, how=how) == pytest.approx(7 / 8, abs=1e-6)


@pytest.mark.parametrize("how", ["int8", "noise"])
def test_a_gap_makes_answers_easier_to_flip(how):
    rng = np.random.default_rng(0)
    meaning = rng.standard_normal((150, 24))
    x, y = (meaning + 0.3 * rng.standard_normal((150, 24)) for _ in range(2))
    assert share_flipped(x, y, how=how) < share_flipped(x + 30 * np.eye(24)[0], y, how=how)


def test_blocks_do_not_matter_and_items_are_the_unit(several):
    p = several
    one, many = (
        measure(p.source, p.target, ["flip-int8@1", "flip-noise@1"], owner=p.owner, max_memory=m)
        for m in (2**29, 2**14)
    )
    for name, found in one.items():
        assert found.value == many[name].value
        assert found.clips.shape == (30,)


def test_too_few_flips_have_no_interval():
    rng = np.random.default_rng(0)
    meaning = rng.standard_normal((150, 24))
    x, y = (meaning + 0.6 * rng.standard_normal((150, 24)) for _ in range(2))
    found = measure(x, y, ["flip-int8@1", "flip-binary@1"], n_resamples=100)
    assert found["flip-int8@1"].value * 150 < 5 < found["flip-binary@1"].value * 150
    assert np.isnan(found["flip-int8@1"].low)
    assert found["flip-binary@1"].low < found["flip-binary@1"].value < found["flip-binary@1"].high


def test_an_unknown_way(single):
    with pytest.raises(InputError, match="how: expected one of int8, binary, noise, got 'int4'"):
        share_flipped(single.source, single.target, how="int4")
