import numpy as np
import pytest

from gapkit.comparison import StudyConfig
from gapkit.comparison.anchors import SOURCES, split_half
from gapkit.comparison.splits import Parts, split_parts
from gapkit.embeddings import PairedEmbeddings
from gapkit.metrics.evaluation import Reference


@pytest.fixture
def parts(pairs: PairedEmbeddings) -> Parts:
    return split_parts(pairs, StudyConfig())


def test_collapse_is_the_direction_of_the_mean_fitted_target(parts: Parts) -> None:
    rows = SOURCES["collapse"](parts, 0)
    mean = parts.fit.target.mean(axis=0)
    np.testing.assert_allclose(rows, np.tile(mean / np.linalg.norm(mean), (len(parts.test), 1)), rtol=1e-5)


def test_oracle_gives_each_clip_a_target_of_its_own(parts: Parts) -> None:
    rows = SOURCES["oracle-target"](parts, 0)
    for clip, row in enumerate(rows):
        np.testing.assert_array_equal(row, parts.test.target[parts.test.owner == clip][0])


def test_random_gives_each_clip_a_fitted_target(parts: Parts) -> None:
    rows = SOURCES["random-target"](parts, 0)
    fitted = {row.tobytes() for row in parts.fit.target}
    assert all(row.tobytes() in fitted for row in rows)
    assert not np.array_equal(rows, SOURCES["random-target"](parts, 1))


def test_split_half_measures_targets_against_targets(parts: Parts) -> None:
    test = parts.test
    reference = Reference.from_target(test.target, owner=test.owner, n_resamples=0)
    measured = split_half(test, ["centroid-distance", "cosine"], fit=parts.fit, seed=0, reference=reference)
    assert set(measured.estimates) == {"centroid-distance"}
    floor = measured.estimates["centroid-distance"]
    assert floor.low <= floor.value <= floor.high
    assert floor.n == len(test) <= len(parts.fit)
    # Half as many items a side: a length that chance alone makes is wider.
    halved = split_half(test, ["centroid-distance"], seed=0, reference=reference).estimates["centroid-distance"]
    assert halved.n == len(test) // 2
    assert halved.value > floor.value
    # Two halves of one cloud: far below the gap of the two sides.
    gap = np.linalg.norm(test.source.mean(axis=0) - test.target.mean(axis=0))
    assert floor.value < 0.6 * gap
    assert split_half(test, ["mmd"], seed=0, reference=reference).estimates["mmd"].value == pytest.approx(
        split_half(test, ["mmd"], seed=0, reference=reference).estimates["mmd"].value, abs=0
    )
