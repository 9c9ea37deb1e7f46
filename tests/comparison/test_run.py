"""A finished study opened again: the data, the fitted bridges and the numbers are those of the table."""

import json

import numpy as np
import pytest

from gapkit.comparison import StudyConfig, open_run, run_study
from gapkit.errors import InputError
from gapkit.files import load_pairs, save_pairs
from gapkit.metrics import cosine
from gapkit.records import SEAL
from gapkit.study.manifest import manifest_text


@pytest.fixture(scope="module")
def study(tmp_path_factory, make_pairs):
    """A study of a file, with a bridge in one go and one in steps."""
    root = tmp_path_factory.mktemp("run")
    save_pairs(make_pairs(120), root / "pairs.npz")
    pairs = load_pairs(root / "pairs.npz")
    config = StudyConfig(
        bridges=("procrustes", "diffusion-link"), metrics=("cosine",), seeds=2, steps=4, threads=1, n_resamples=50
    )
    run_study(pairs, config, out=root / "study")
    return root / "study", pairs


def test_the_numbers_of_the_table_come_back_from_the_fitted_bridges(study):
    folder, _ = study
    run = open_run(folder)
    frame = run.results.frame.set_index(["bridge", "seed"])["value"]
    assert {"procrustes", "diffusion-link", "identity"} <= set(run.bridges)
    assert run.seeds("diffusion-link") == (0, 1)
    assert run.seeds("procrustes") == (None,)
    for name, seed in (("procrustes", None), ("diffusion-link", 0), ("diffusion-link", 1)):
        value = cosine(run.moved(name, seed), run.test.target, owner=run.test.owner)
        known = [v for (b, s), v in frame.items() if b == name and (seed is None or s == seed)]
        assert value == pytest.approx(known[0], abs=1e-6)


def test_an_anchor_moves_the_clips_too(study):
    run = open_run(study[0])
    collapsed = run.moved("collapse")
    assert collapsed.shape == run.test.source.shape
    assert np.ptp(collapsed, axis=0).max() < 1e-6


def test_a_trajectory_ends_in_the_answer_and_may_take_more_steps(study):
    run = open_run(study[0])
    assert run.trajectory("procrustes") is None
    states = run.trajectory("diffusion-link", 1)
    np.testing.assert_allclose(states[0], run.test.source, atol=1e-6)
    np.testing.assert_array_equal(states[-1], run.moved("diffusion-link", 1))
    assert len(run.trajectory("diffusion-link", sample_steps=4)) == len(states) + 3


def test_data_that_changed_are_refused(study, make_pairs):
    folder, pairs = study
    assert len(open_run(folder, pairs).test) == len(open_run(folder).test)
    with pytest.raises(InputError, match="no longer those of the study"):
        open_run(folder, make_pairs(120, seed=1))


def test_what_is_not_there_is_one_line(study, tmp_path):
    run = open_run(study[0])
    with pytest.raises(InputError, match="no fitted bridge 'ridge'; here are: "):
        run.moved("ridge")
    with pytest.raises(InputError, match="was not fitted with seed 7; seeds here: 0, 1"):
        run.bridge("diffusion-link", 7)
    with pytest.raises(InputError, match="expected a folder written by `gapkit compare`"):
        open_run(tmp_path)


def test_a_run_of_a_newer_version_and_one_without_its_file_say_so(study, tmp_path):
    import shutil

    newer = tmp_path / "newer"
    shutil.copytree(study[0], newer)
    manifest = json.loads((newer / "manifest.json").read_text())
    (newer / "manifest.json").write_text(json.dumps(manifest | {"schema_version": 99}))
    with pytest.raises(InputError, match="written by a newer gapkit"):
        open_run(newer)
    manifest["input"]["meta"] = {"opened": {"path": str(tmp_path / "gone.npz")}}
    (newer / "manifest.json").write_text(manifest_text({key: value for key, value in manifest.items() if key != SEAL}))
    with pytest.raises(InputError, match="its data cannot be opened"):
        open_run(newer)
    (newer / "manifest.json").unlink()
    with pytest.raises(InputError, match="the study is not finished"):
        open_run(newer)
