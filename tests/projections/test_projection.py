"""Joint projections: known planes, shapes, seeds, and one line for what cannot be projected."""

import numpy as np
import pytest

from gapkit.errors import InputError
from gapkit.projections import METHODS, project


@pytest.fixture
def clouds():
    draw = np.random.default_rng(0)
    source = draw.normal(size=(40, 6)) * [1, 3, 1, 1, 1, 1]
    target = draw.normal(size=(30, 6)) * [1, 3, 1, 1, 1, 1] + [9, 0, 0, 0, 0, 0]
    return {"source": source.astype(np.float32), "target": target.astype(np.float32)}


def test_pca_is_that_of_all_rows_together(clouds):
    rows = np.concatenate(list(clouds.values())).astype(np.float64)
    centred = rows - rows.mean(axis=0)
    _, singular, axes = np.linalg.svd(centred, full_matrices=False)
    found = project(clouds, "pca")
    flat = np.concatenate([found.coordinates["source"], found.coordinates["target"]])
    np.testing.assert_allclose(np.abs(flat), np.abs(centred @ axes[:2].T), atol=1e-4)
    np.testing.assert_allclose(found.explained, (singular**2 / (singular**2).sum())[:2], rtol=1e-5)


def test_the_gap_axis_holds_the_distance_of_the_means(clouds):
    found = project(clouds, "gap")
    moved = found.coordinates["target"].mean(axis=0) - found.coordinates["source"].mean(axis=0)
    length = np.linalg.norm(clouds["target"].mean(axis=0) - clouds["source"].mean(axis=0))
    assert moved[0] == pytest.approx(length, rel=1e-4)
    assert moved[1] == pytest.approx(0, abs=1e-4)


def test_lda_tells_apart_what_the_means_alone_do_not():
    draw = np.random.default_rng(1)
    # Correlated coordinates: the line between the means is not the direction that separates.
    spread = np.array([[4.0, 3.9], [3.9, 4.0]])
    a = draw.multivariate_normal([0, 0], spread, 400)
    b = draw.multivariate_normal([1, 0], spread, 400)
    clouds = {"a": np.pad(a, ((0, 0), (0, 1))), "b": np.pad(b, ((0, 0), (0, 1)))}

    def distance(method):
        one, two = (project(clouds, method).coordinates[name][:, 0] for name in ("a", "b"))
        return abs(one.mean() - two.mean()) / np.sqrt((one.var() + two.var()) / 2)

    assert distance("lda") > 2 * distance("gap")


@pytest.mark.parametrize("method", [m for m in METHODS if m != "umap"])
def test_a_trajectory_keeps_its_shape_and_a_seed_its_plane(clouds, method):
    path = np.stack([clouds["source"], clouds["source"] + 1])
    given = {"path": path, "target": clouds["target"]}
    first, second = (project(given, method, random_state=3) for _ in range(2))
    assert first.coordinates["path"].shape == (2, 40, 2)
    assert first.coordinates["target"].shape == (30, 2)
    np.testing.assert_array_equal(first.coordinates["path"], second.coordinates["path"])


def test_umap_keeps_neighbours_and_its_seed(clouds):
    first, second = (project(clouds, "umap", n_neighbors=5, n_epochs=50) for _ in range(2))
    np.testing.assert_array_equal(first.coordinates["source"], second.coordinates["source"])
    assert first.coordinates["target"].shape == (30, 2)
    assert np.isfinite(first.coordinates["source"]).all()


def test_versions_of_a_clip_do_not_tie_clouds_together():
    """A cloud and its shifted copy lie in one place of the graph, unless a clip's own copy is no neighbour."""
    draw = np.random.default_rng(0)
    rows = 2 * draw.normal(size=(60, 12)).astype(np.float32)
    far = np.zeros(12, dtype=np.float32)
    far[0] = 4
    clouds = {"before": rows - far, "after": rows, "target": 2 * draw.normal(size=(60, 12)).astype(np.float32)}

    def apart(**options):
        found = project(clouds, "umap", n_neighbors=5, n_epochs=200, metric="euclidean", **options).coordinates
        width = np.concatenate(list(found.values())).std()
        return np.linalg.norm(found["before"] - found["after"], axis=1).mean() / width

    assert apart(same_clips=["before", "after"]) > 1.5 * apart()


def test_clouds_of_the_same_clips_have_to_fit(clouds):
    with pytest.raises(InputError, match="same_clips: target: expected as many rows as the others, got 40"):
        project({"source": clouds["target"], "target": clouds["source"]}, "umap", same_clips=["source", "target"])
    with pytest.raises(InputError, match="same_clips: no cloud 'x'"):
        project(clouds, "umap", same_clips=["x"])


@pytest.mark.parametrize(
    ("given", "method", "options", "said"),
    [
        ({"a": np.ones((3, 2))}, "map", {}, "expected one of pca"),
        ({}, "pca", {}, "at least one cloud"),
        ({"a": np.ones((2, 2))}, "pca", {}, "at least 3 rows"),
        ({"a": np.ones((3, 2)), "b": np.ones((3, 4))}, "pca", {}, "expected 2 dimensions as in a, got 4"),
        ({"a": np.ones(3)}, "pca", {}, r"expected shape \(n, d\)"),
        ({"a": np.eye(3)}, "pca", {"perplexity": 3}, "unexpected keyword argument"),
        ({"a": np.eye(3)}, "tsne", {"perplexity": "many"}, "perplexity: expected a positive finite number, got 'many'"),
        ({"a": np.eye(3), "b": np.eye(3)}, "gap", {}, "the same mean"),
        ({"a": np.eye(3), "b": 2 * np.eye(3)}, "gap", {"between": ["a", "c"]}, "no cloud 'c'"),
        ({"a": np.eye(3)}, "umap", {}, "at least 5 rows"),
        ([np.eye(3)], "pca", {}, "expected a mapping of names to clouds, got list"),
        ({"audio": np.eye(3)}, "pca", {"axes_from": "audio"}, "axes_from: expected a list of names, got 'audio'"),
        ({"a": np.eye(3)}, "pca", {"axes_from": []}, r"axes_from: expected a list of names, got \[\]; here are: a"),
        ({"a": np.eye(3), "text": 2 * np.eye(3)}, "gap", {"between": "text"}, "the names of two clouds, got text"),
        ({"a": np.eye(6)}, "umap", {"same_clips": "a"}, "same_clips: expected a list of names, got 'a'"),
        ({"a": np.eye(6)}, "umap", {"random_state": -1}, "random_state: expected a whole number in 0..4294967295"),
        ({"a": np.eye(6)}, "tsne", {"random_state": 2**32}, "random_state: expected a whole number in 0..4294967295"),
        ({"a": [[1.0, 0.0], [1.0]]}, "pca", {}, "a: cannot be read as an array"),
    ],
)
def test_what_cannot_be_projected_is_one_line(given, method, options, said):
    with pytest.raises(InputError, match=said) as error:
        project(given, method, **options)
    assert "\n" not in str(error.value)


def test_a_trajectory_may_be_lists():
    states = [[[1.0, 0.0], [0.0, 1.0]], [[2.0, 0.0], [0.0, 0.5]]]
    found, same = (project({"a": given}).coordinates["a"] for given in (states, np.array(states)))
    np.testing.assert_array_equal(found, same)
