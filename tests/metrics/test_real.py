"""Known numbers of real embeddings."""

import numpy as np
import pytest

from gapkit.metrics import (
    c2st_knn,
    calibrated,
    centroid_distance,
    cosine,
    gap_direction,
    knn_mixing,
    linear_separability,
    mutual_knn,
    recall_at_k,
    unpaired_cosine,
)


@pytest.fixture(scope="module")
def coco(shared_data):
    path = shared_data / "clip-coco500" / "features_clip.npy"
    if not path.is_file():
        pytest.skip(f"no {path}")
    images, captions = np.load(path).astype(np.float32)
    return tuple(v / np.linalg.norm(v, axis=1, keepdims=True) for v in (images, captions))


def test_the_gap_of_clip(coco):
    images, captions = coco
    assert centroid_distance(images, captions) == pytest.approx(0.851, abs=5e-4)
    assert cosine(images, captions) == pytest.approx(0.310, abs=5e-4)
    assert unpaired_cosine(images, captions) == pytest.approx(0.162, abs=5e-4)
    assert linear_separability(images, captions) == 1.0
    assert linear_separability(captions, captions) == 0.5
    assert recall_at_k(images, captions, k=1) == pytest.approx(0.55, abs=5e-3)
    assert recall_at_k(images, captions, k=10) == pytest.approx(0.89, abs=5e-3)


def test_the_gap_of_clip_is_one_vector(coco):
    # As Zhang et al. 2024 found it: a length near 0.83, one direction, across what tells items apart.
    images, captions = coco
    found = gap_direction(images, captions)
    assert found.length == pytest.approx(0.854, abs=5e-3)
    assert found.consistency == pytest.approx(0.99, abs=5e-3)
    assert found.orthogonality < 0.07
    assert knn_mixing(images, captions) == 1.0
    assert c2st_knn(images, captions) == 1.0
    shared = calibrated(mutual_knn, images, captions)
    assert shared.raw == pytest.approx(0.249, abs=2e-3)
    assert shared.calibrated == pytest.approx(0.234, abs=3e-3)
    assert shared.p < 0.01


def test_mean_shift_on_sound_effects(shared_data):
    path = shared_data / "sfx" / "sfx_pairs.npz"
    if not path.is_file():
        pytest.skip(f"no {path}")
    with np.load(path) as file:
        x, y, split = file["audio_clap"].astype(np.float32), file["text_clap"].astype(np.float32), file["split"]
    first = np.sort(np.unique(y[split == 2], axis=0, return_index=True)[1])
    shift = y[split == 1].mean(axis=0) - x[split == 1].mean(axis=0)
    x, y = x[split == 2][first], y[split == 2][first]
    assert len(x) == 284
    assert linear_separability(x, y) == 1.0
    assert 0.75 <= linear_separability(x + shift, y) <= 0.83
    assert cosine(x, y) == pytest.approx(0.596, abs=2e-3)
    assert centroid_distance(x, y) == pytest.approx(0.636, abs=2e-3)
