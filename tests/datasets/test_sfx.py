import importlib.util
import json
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from gapkit.checks import inspect_pairs, require_usable
from gapkit.datasets import dataset_names, describe, load_dataset, load_details
from gapkit.errors import InputError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def sfx():
    return load_dataset("sfx")


@pytest.fixture(scope="module")
def packer():
    spec = importlib.util.spec_from_file_location("pack_sfx", ROOT / "analyses" / "pack_sfx.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_names_and_the_nearest_one():
    assert "sfx" in dataset_names()
    for call in (load_dataset, load_details, describe):
        with pytest.raises(InputError, match=r"unknown dataset 'sxf': did you mean sfx\?"):
            call("sxf")


def test_shape_and_splits(sfx):
    assert sfx.source.shape == sfx.target.shape == (3532, 256)
    assert sfx.source.dtype == np.float32
    assert set(sfx.splits) == {"train", "val", "test", "val-duplicates", "test-duplicates", "encoder", "shared"}
    assert sfx.splits["test"] == 284
    assert sfx.splits["test"] + sfx.splits["test-duplicates"] == 596
    assert sfx.splits["encoder"] == 1764
    np.testing.assert_allclose(np.linalg.norm(sfx.source, axis=1), 1, atol=1e-3)
    assert len(set(sfx.ids)) == len(sfx)
    assert sfx.meta["source_dtype"] == "float16"


def test_splits_share_no_caption_and_measured_ones_repeat_none(sfx):
    captions = {name: sfx.captions[sfx.split == name] for name in sfx.splits}
    for name in ("val", "test"):
        assert len(set(captions[name])) == len(captions[name])
        assert set(captions[f"{name}-duplicates"]) <= set(captions[name])
    parts = [set(captions[name]) for name in ("train", "val", "test", "encoder")]
    for i, part in enumerate(parts):
        for other in parts[i + 1 :]:
            assert not part & other
    share = len(parts[1]) / len(parts[0] | parts[1])
    assert 0.10 < share < 0.20


def test_no_row_of_the_measured_splits_is_in_those_that_are_fitted(sfx):
    used = sfx.take(np.flatnonzero(np.isin(sfx.split, ["train", "val", "test"])))
    assert inspect_pairs(used).leaks == ()
    require_usable(used)


def test_published_figures_of_the_test_split(sfx):
    test = sfx.subset("test")
    x, y = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (test.source, test.target))
    similarity = x @ y.T
    own = np.diag(similarity)
    rank = (similarity > own[:, None]).sum(axis=1)
    assert np.linalg.norm(x.mean(0) - y.mean(0)) == pytest.approx(0.636, abs=0.01)
    assert own.mean() == pytest.approx(0.596, abs=0.01)
    assert similarity[~np.eye(len(x), dtype=bool)].mean() == pytest.approx(0.506, abs=0.01)
    assert (rank < 1).mean() == pytest.approx(0.18, abs=0.01)
    assert (rank < 10).mean() == pytest.approx(0.54, abs=0.01)


def test_the_card_says_what_is_there(sfx):
    card = describe("sfx")
    assert card.splits == sfx.splits
    assert card.content == sfx.content_hash()
    assert sfx.meta["dataset"]["packed_from"] == card.packed_from
    assert "aisfx" in sfx.meta["dataset"]["attribution"]
    gap = inspect_pairs(sfx.subset("test")).gap
    assert card.gap["centroid_distance"] == pytest.approx(gap.centroid_distance, abs=1e-4)
    assert card.size < 5
    json.dumps(sfx.meta)


def test_details_sit_beside_the_rows(sfx):
    details = load_details("sfx")
    assert {key: len(value) for key, value in details.items()} == dict.fromkeys(
        ("ids", "captions", "split", "package", "duration"), len(sfx)
    )
    assert np.array_equal(details["ids"], sfx.ids)
    assert (details["duration"] > 0).all()


def test_the_licence_names_every_package_with_its_number_of_clips():
    text = (ROOT / "gapkit" / "datasets" / "sfx" / "LICENSE.md").read_text(encoding="utf-8")
    packages, counts = np.unique(load_details("sfx")["package"], return_counts=True)
    for package, count in zip(packages, counts, strict=True):
        row = next(line for line in text.splitlines() if line.startswith(f"| `{package}` |"))
        assert f"| {count:,} |" in row
    assert "CC BY 4.0" in text
    assert "Apache-2.0" in text


def test_loading_takes_little_memory():
    tracemalloc.start()
    load_dataset("sfx")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6


def test_packing_again_gives_the_same_bytes(shared_data, tmp_path):
    done = subprocess.run(
        [sys.executable, ROOT / "analyses" / "pack_sfx.py", shared_data / "sfx", tmp_path],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    shipped = ROOT / "gapkit" / "datasets" / "sfx"
    for name in ("sfx.npz", "card.json"):
        assert (tmp_path / name).read_bytes() == (shipped / name).read_bytes()


def test_the_shipped_rows_are_those_of_the_source(shared_data, sfx):
    with np.load(shared_data / "sfx" / "sfx_pairs.npz", allow_pickle=False) as original:
        assert np.array_equal(sfx.source, original["audio_clap"].astype(np.float32))
        assert np.array_equal(sfx.target, original["text_clap"].astype(np.float32))
        assert np.array_equal(sfx.split == "encoder", original["split"] == 0)
        assert np.array_equal(np.char.startswith(sfx.split, "test"), original["split"] == 2)


def test_a_caption_always_goes_to_the_same_side(packer):
    captions = [f"caption {i}" for i in range(4000)]
    share = np.mean([packer.goes_to_val(caption) for caption in captions])
    assert share == pytest.approx(0.15, abs=0.02)
    assert packer.new_splits(["bridge"] * 40, captions[:40]) == packer.new_splits(["bridge"] * 60, captions[:60])[:40]


def test_one_clip_of_each_caption_is_measured(packer):
    assert packer.new_splits(["test", "encoder", "test", "test"], ["a", "b", "a", "c"]) == [
        "test-duplicates",
        "encoder",
        "test",
        "test",
    ]


def test_clips_that_a_later_stage_is_measured_on_are_set_apart(packer):
    sounds = np.array([[1.0], [1.0], [2.0], [2.0], [3.0], [1.0]])
    splits = ["test", "val", "val-duplicates", "train", "train", "encoder"]
    assert packer.without_shared(splits, sounds) == ["test", "shared", "val-duplicates", "shared", "train", "encoder"]
