"""What the page measures of the clips on their way is what the table measured of them."""

import numpy as np
import pytest

from gapkit.comparison import open_run
from gapkit.metrics import centroid_distance, cosine
from gapkit.page.maps import _placed, project_all
from gapkit.page.ways import EDGES, Ruler, tracks
from gapkit.study.progress import Silent


@pytest.fixture(scope="module")
def run(study):
    return open_run(study)


@pytest.fixture(scope="module")
def found(run):
    return {track.way.bridge: track for track in tracks(run, np.arange(len(run.test)), progress=Silent())}


def test_the_ends_of_a_way_are_the_numbers_of_the_table(run, found):
    frame = run.results.frame
    assert list(found) == ["mean-shift", "procrustes", "ddbm"]
    for name, track in found.items():
        seed = run.seeds(name)[0]
        rows = frame[(frame["bridge"] == name) & (frame["seed"].isna() if seed is None else frame["seed"] == seed)]
        own = dict(zip(rows["metric"], rows["value"], strict=True))
        after = track.way.states[-1]
        assert after.mean == pytest.approx(own["cosine"], abs=1e-6)
        assert after.centroid == pytest.approx(own["centroid-distance"], abs=1e-6)
        assert after.cosine.mean() == pytest.approx(after.mean)
        assert track.way.states[0].mean == pytest.approx(run.results.pivot().loc["identity", "cosine"], abs=1e-6)


def test_every_state_is_measured_in_the_full_space(run, found):
    track = found["ddbm"]
    labels = [state.label for state in track.way.states]
    assert labels[:2] == ["before", "start"]
    assert labels[-1] == "after"
    assert len(labels) > 3
    for state, cloud in zip(track.way.states, track.states, strict=True):
        assert state.mean == pytest.approx(cosine(cloud, run.test.target, owner=run.test.owner), abs=1e-6)
        assert state.centroid == pytest.approx(
            centroid_distance(cloud, run.test.target, owner=run.test.owner), abs=1e-6
        )
    before, after = track.way.states[0].cosine, track.way.states[-1].cosine
    assert track.way.states[-1].risen == (after > before).mean()
    assert track.way.states[0].risen == 0


def test_turned_is_the_angle_between_the_ends(found):
    track = found["procrustes"]
    before, after = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in track.states)
    np.testing.assert_allclose(np.cos(np.radians(track.way.turned)), (before * after).sum(axis=1), atol=1e-6)


def test_strangers_are_never_a_clip_s_own(run, found):
    ruler = Ruler(run)
    assert sorted(ruler.stranger) == list(range(len(run.test)))
    assert not (ruler.stranger == np.arange(len(run.test))).any()
    for own in found["ddbm"].way.counts.values():
        assert own.sum() == len(run.test)
        assert len(own) == len(EDGES) - 1


def test_a_longer_way_is_thinned_and_its_labels_keep_their_numbers(run):
    (track,) = [t for t in tracks(run, np.arange(4), steps=20, progress=Silent()) if t.way.bridge == "ddbm"]
    assert [s.label for s in track.way.states] == [
        "before", "step 2", "step 5", "step 8", "step 11", "step 14", "step 17", "after",
    ]  # fmt: skip
    assert "20 reverse steps" in track.way.note
    assert "8 of 22 states are shown" in track.way.note
    assert "not what the table measured" in track.way.note
    assert not track.way.as_measured


def test_a_linear_plane_is_shared_and_one_by_neighbours_is_each_bridge_s_own(run, found):
    own = list(found.values())
    target = run.test.target[np.unique(run.test.owner, return_index=True)[1]]
    flat = project_all(own, target, "pca", unit="caption", random_state=0)
    centred = np.concatenate([own[0].states[0], target]).astype(float)
    centre = centred.mean(axis=0)
    _, _, axes = np.linalg.svd(centred - centre, full_matrices=False)
    for name, track in found.items():
        assert flat.targets[name] is flat.targets["ddbm"]
        expected = np.abs((track.states - centre) @ axes[:2].T)
        np.testing.assert_allclose(np.abs(flat.ways[name]), expected, atol=1e-4)
    shares = (centred - centre).var(axis=0).sum()
    first, second = (((centred - centre) @ axes[:2].T).var(axis=0) / shares).tolist()
    assert flat.axes == (f"PC 1 ({first:.0%} of variance)", f"PC 2 ({second:.0%} of variance)")
    again = [project_all(own, target, "umap", unit="caption", random_state=0) for _ in range(2)]
    for name, track in found.items():
        assert again[0].ways[name].shape == (*track.states.shape[:2], 2)
        np.testing.assert_array_equal(again[0].ways[name], again[1].ways[name])
    assert again[0].targets["ddbm"] is not again[0].targets["procrustes"]


def test_a_state_between_is_placed_among_its_nearest_rows():
    rows = np.array([[1, 0, 0], [0, 1, 0]], dtype=np.float32)
    places = np.array([[0.0, 0.0], [3.0, 5.0]])
    # Distances 0 and 1, their mean .5: weights 1 and exp(-2).
    share = np.exp(-2) / (1 + np.exp(-2))
    np.testing.assert_allclose(_placed(rows[:1], rows, places), [[3 * share, 5 * share]], atol=1e-6)
    middle = np.array([[1, 1, 0]], dtype=np.float32)
    np.testing.assert_allclose(_placed(middle, rows, places), [[1.5, 2.5]], atol=1e-3)


def test_clips_without_room_in_a_projection_are_missing_there(run, found, monkeypatch):
    monkeypatch.setattr("gapkit.page.maps.MOST_ROWS", 60)
    own = [found["procrustes"]]
    flat = project_all(own, run.test.target[: len(run.test)], "umap", unit="caption", random_state=0)
    there = np.isfinite(flat.targets["procrustes"][:, 0])
    assert there.sum() == 20 < len(there)
    assert "Shows 20 of 30 clips" in flat.note
    np.testing.assert_array_equal(there, np.isfinite(flat.ways["procrustes"][1, :, 0]))
