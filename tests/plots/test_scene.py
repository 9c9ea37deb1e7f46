"""Scenes: one plane for all clouds, numbers from the space itself."""

import json

import numpy as np
import pytest

from gapkit.errors import InputError
from gapkit.metrics import cosine, measure
from gapkit.plots import Scene, stage, stage_steps
from gapkit.projections import project


def test_numbers_are_those_of_the_metrics_in_the_original_space(pairs, moved, scene):
    numbers = scene.numbers.set_index(["cloud", "metric"])["value"]
    for name, rows in {"source": pairs.source, **moved}.items():
        assert numbers[name, "cosine"] == pytest.approx(cosine(rows, pairs.target, owner=pairs.owner), abs=1e-6)
    found = measure(
        moved["shift"], pairs.target, ["cosine"], owner=pairs.owner, n_resamples=50, seed=0, normalise=True
    )["cosine"]
    row = scene.numbers.query("cloud == 'shift' and metric == 'cosine'").iloc[0]
    assert (row["low"], row["high"]) == pytest.approx((found.low, found.high))
    assert scene.lines("shift")[0] == f"Cosine {row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]".replace(
        "0.", "."
    )


def test_the_linear_planes_hang_on_source_and_target_alone(pairs, moved, scene):
    alone = stage(pairs.source, pairs.target, owner=pairs.owner, n_resamples=0)
    np.testing.assert_allclose(scene.before, alone.before, atol=1e-6)
    np.testing.assert_allclose(scene.target, alone.target, atol=1e-6)
    first = np.unique(pairs.owner, return_index=True)[1]
    np.testing.assert_allclose(scene.clouds["$oracle$"], scene.target, atol=1e-6)
    flat = project({"a": pairs.source, "b": pairs.target[first]})
    np.testing.assert_allclose(scene.before, flat.coordinates["a"], atol=1e-5)


def test_few_of_many_clips_are_drawn_and_all_are_measured(pairs, moved):
    few = stage(pairs.source, pairs.target, moved, owner=pairs.owner, max_clips=10, n_resamples=0)
    assert few.before.shape == few.target.shape == few.clouds["shift"].shape == (10, 2)
    assert few.n_clips == len(pairs)
    whole = stage(pairs.source, pairs.target, moved, owner=pairs.owner, n_resamples=0)
    assert few.numbers["value"].tolist() == whole.numbers["value"].tolist()


def test_a_scene_comes_back_from_its_file(scene, tmp_path):
    scene.save(tmp_path / "scene.npz")
    again = Scene.read(tmp_path / "scene.npz")
    assert list(again.clouds) == list(scene.clouds)
    np.testing.assert_allclose(again.clouds["shift"], scene.clouds["shift"], rtol=2e-3, atol=2e-3)
    assert again.captions == scene.captions
    assert (again.labels, again.method, again.n_clips, again.name) == (scene.labels, "pca", scene.n_clips, "tiny")
    assert again.lines("shift") == scene.lines("shift")
    again.save(tmp_path / "twice.npz")
    assert (tmp_path / "twice.npz").read_bytes() == (tmp_path / "scene.npz").read_bytes()


def test_files_that_are_no_scene(scene, tmp_path):
    with pytest.raises(InputError, match="no such file"):
        Scene.read(tmp_path / "gone.npz")
    (tmp_path / "text.npz").write_text("hello")
    with pytest.raises(InputError, match="expected a scene that gapkit wrote"):
        Scene.read(tmp_path / "text.npz")
    scene.save(tmp_path / "newer.npz")
    with np.load(tmp_path / "newer.npz") as file:
        about = json.loads(file["about"].tobytes()) | {"schema": 99}
        coordinates = file["coordinates"]
    packed = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
    np.savez(tmp_path / "newer.npz", coordinates=coordinates, about=packed)
    with pytest.raises(InputError, match="written by a newer gapkit"):
        Scene.read(tmp_path / "newer.npz")


def test_states_have_names(pairs, walk):
    assert list(walk.clouds) == ["start", "step 1", "step 2", "step 3"]
    assert walk.steps
    two = stage_steps(np.stack([pairs.source, pairs.source]), pairs.target, owner=pairs.owner, n_resamples=0)
    assert list(two.clouds) == ["answer"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"owner": None}, "60 source rows but 80 target rows"),
        ({"owner": np.zeros(80, int)}, "every source row 0..59 at least once"),
        ({"moved": {"a": np.ones((3, 8))}}, "a: expected 60 rows, one a source row, got 3"),
        ({"moved": {"a": np.ones((60, 9))}}, "expected 8 features"),
        ({"moved": {"a": np.full((60, 8), np.nan)}}, "NaN or infinity"),
        ({"method": "mds"}, "expected one of pca, umap, tsne, lda, gap, got 'mds'"),
        ({"metrics": ["cosin"]}, "did you mean cosine"),
        ({"max_clips": 0}, "max_clips: expected at least 1, got 0"),
        ({"perplexity": 3}, "unexpected keyword argument 'perplexity'"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_one_line(pairs, change, said):
    options = {"owner": pairs.owner, "n_resamples": 0, **change}
    with pytest.raises(InputError, match=said) as caught:
        stage(pairs.source, pairs.target, options.pop("moved", None), **options)
    assert "\n" not in str(caught.value)


def test_states_that_are_none(pairs):
    with pytest.raises(InputError, match=r"states: expected shape \(s, n, d\) with s >= 2"):
        stage_steps(pairs.source, pairs.target, owner=pairs.owner)
    with pytest.raises(InputError, match="names: expected 1 different ones"):
        stage_steps(np.stack([pairs.source] * 2), pairs.target, names=["a", "b"], owner=pairs.owner)


@pytest.mark.parametrize("method", ["pca", "tsne", "lda", "gap"])
def test_three_clips(make_pairs, method):
    from gapkit.plots import arrows, migration, steps

    few = make_pairs(3, split=False)
    moved = few.source + (few.target.mean(axis=0) - few.source.mean(axis=0))
    one = stage(few.source, few.target, {"shift": moved}, owner=few.owner, method=method)
    assert len(migration(one)) == 2
    walked = stage_steps(np.stack([few.source, moved]), few.target, owner=few.owner, method=method)
    assert len(steps(walked)) == 2
    assert arrows(walked).get_xlabel() == walked.labels[0]
