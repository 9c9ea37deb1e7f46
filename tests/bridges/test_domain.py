import math
from pathlib import Path

import numpy as np
import pytest

from gapkit.bridges.domain import LEAST, Summary
from gapkit.datasets import load_dataset

COCO = Path(__file__).parents[2] / ".." / "shared" / "data" / "clip-coco500" / "features_clip.npy"


def cloud(rng: np.random.Generator, n: int, *, dim: int = 64, shift: float = 0.0) -> np.ndarray:
    scale = 1 / np.sqrt(1 + np.arange(dim))
    return rng.standard_normal((n, dim)) * scale + (1.5 + shift) * np.eye(dim)[-1]


@pytest.fixture(scope="module")
def sets() -> dict[str, object]:
    return {name: load_dataset(name) for name in ("soundscapes", "sfx", "openclipart")}


def test_the_number_is_the_squared_distance_of_the_means_in_variances() -> None:
    rng = np.random.default_rng(0)
    fitted, new = cloud(rng, 400), cloud(rng, 90, shift=-2.5)
    unit = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (fitted, new)]
    found = Summary.of(fitted)
    assert found.variance == pytest.approx(np.cov(unit[0].T).trace(), rel=1e-6)
    far = found.outside(new)
    distance = ((unit[0].mean(axis=0) - unit[1].mean(axis=0)) ** 2).sum()
    assert far.score == pytest.approx(distance / found.variance, rel=1e-5)
    assert far
    assert far.rows == 90


def test_the_directions_are_those_of_the_covariance() -> None:
    rows = cloud(np.random.default_rng(1), 3000)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    spread = np.linalg.eigvalsh(np.cov(unit.T))
    assert Summary.of(rows).directions == pytest.approx(spread.sum() ** 2 / (spread**2).sum(), rel=0.1)


@pytest.mark.parametrize("n", [2, 5, 30])
@pytest.mark.parametrize("fitted", [20, 300])
def test_rows_of_the_same_cloud_are_outside_less_than_once_in_a_hundred(n: int, fitted: int) -> None:
    rng = np.random.default_rng(2)
    summaries = [Summary.of(cloud(rng, fitted, dim=16)) for _ in range(30)]
    found = [summary.outside(cloud(rng, n, dim=16)) for summary in summaries for _ in range(20)]
    assert sum(map(bool, found)) / len(found) < 0.01
    # Chance by itself, without the distance that is always allowed, is what the quantile says it is.
    assert sum(far.score > far.threshold - LEAST for far in found) / len(found) < 0.02


@pytest.mark.parametrize("n", [5, 30])
def test_drawn_test_items_of_real_sets_raise_no_alarm(sets: dict, n: int) -> None:
    rng = np.random.default_rng(3)
    for name, pairs in sets.items():
        summary, test = Summary.of(pairs.subset("train").source), pairs.subset("test").source
        alarms = sum(bool(summary.outside(test[rng.choice(len(test), n, replace=False)])) for _ in range(100))
        assert alarms <= 1, name


def test_other_splits_of_a_set_stay_inside_with_a_wide_margin(sets: dict) -> None:
    for name, split in (("soundscapes", "test"), ("soundscapes", "unseen"), ("sfx", "test"), ("openclipart", "test")):
        far = Summary.of(sets[name].subset("train").source).outside(sets[name].subset(split).source)
        assert far.score < LEAST / 4, (name, split)


@pytest.mark.parametrize(("fitted", "new"), [("soundscapes", "sfx"), ("sfx", "openclipart"), ("openclipart", "sfx")])
def test_other_sets_come_out(sets: dict, fitted: str, new: str) -> None:
    summary, rows = Summary.of(sets[fitted].subset("train").source), sets[new].subset("test").source
    assert summary.outside(rows).score > 1.5 * summary.outside(rows).threshold
    assert summary.outside(rows[:30])


@pytest.mark.skipif(not COCO.exists(), reason="the public CLIP features lie beside the repository")
def test_the_other_half_of_a_set_is_inside_and_the_other_modality_is_not() -> None:
    images, texts = np.load(COCO)
    order = np.random.default_rng(4).permutation(len(images))
    summary = Summary.of(images[order[:250]])
    assert summary.outside(images[order[250:]]).score < 0.05
    assert summary.outside(texts[order[250:]]).score > 1


def test_a_cloud_without_spread_says_nothing() -> None:
    same = Summary.of(np.ones((5, 3)))
    assert same.outside(-np.ones((5, 3))).threshold == math.inf
    assert not same.outside(-np.ones((5, 3)))
