import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone

from gapkit.bridges import bridge_names, load_bridge, make_bridge
from gapkit.bridges.fitted_on import FittedOn
from gapkit.datasets import dataset_names, load_dataset, load_manifest
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError
from gapkit.records import sealed

ABOUT = {"encoder": {"encoder": "clap", "heads": "abc", "text.version": "1"}}


def pairs(n: int = 60, dim: int = 16, seed: int = 0, **more: object) -> PairedEmbeddings:
    rng = np.random.default_rng(seed)
    meaning = rng.standard_normal((n, dim))
    sides = [meaning + 0.3 * rng.standard_normal((n, dim)) + sign * np.eye(dim)[0] for sign in (1, -1)]
    return PairedEmbeddings(*sides, ids=[f"clip{i}" for i in range(n)], meta=ABOUT, **more)


def same(a: FittedOn, b: FittedOn) -> bool:
    (numbers, arrays), (others, other_arrays) = a.stored(), b.stored()
    return numbers == others and all(np.array_equal(arrays[key], other_arrays[key]) for key in arrays)


def test_a_fit_of_arrays_remembers_its_rows() -> None:
    data = pairs()
    bridge = make_bridge("ridge").fit(data.source[:40], data.target[:40])
    record = bridge.fitted_on_
    assert record is not None
    assert (record.items, record.targets, record.validating, record.part) == (40, 40, 0, "")
    assert record.seen(data.source).tolist() == [True] * 40 + [False] * 20
    assert record.seen(3 * data.source.astype(np.float64)).sum() == 40
    assert record.content == make_bridge("mean-shift").fit(data.source[:40], data.target[:40]).fitted_on_.content
    assert record.content != make_bridge("ridge").fit(data.source[:39], data.target[:39]).fitted_on_.content


def test_an_item_with_several_targets_is_one_item_and_what_validates_counts() -> None:
    data = pairs()
    source = np.repeat(data.source[:20], 2, axis=0)
    target = np.concatenate([data.target[:20], data.target[:20]])
    held = (data.source[20:30], data.target[20:30])
    record = make_bridge("procrustes").fit(source, target, validation=held).fitted_on_
    assert (record.items, record.targets, record.validating) == (20, 40, 10)
    assert record.seen(data.source).sum() == 30


def test_pairs_tell_ids_split_and_encoder_too() -> None:
    data = pairs()
    record = FittedOn.of_pairs(data.take(np.arange(40)), validation=data.take(np.arange(40, 45)), part="split train")
    assert (record.items, record.validating, record.part) == (40, 5, "split train")
    assert record.encoder == ABOUT["encoder"]
    again = data.source + 0.02 * np.random.default_rng(1).standard_normal(data.source.shape)
    assert record.seen(again).sum() == 0
    assert record.seen(again, ids=data.ids).tolist() == [True] * 45 + [False] * 15


@pytest.mark.parametrize("name", ["mean-shift", "ridge", "memory"])
def test_a_saved_bridge_remembers_to_the_last_bit(tmp_path: Path, name: str) -> None:
    data = pairs()
    record = FittedOn.of_pairs(data, part="all items")
    bridge = make_bridge(name).fit(data.source, data.target, fitted_on=record)
    bridge.save(tmp_path / "a")
    back = load_bridge(tmp_path / "a")
    assert same(back.fitted_on_, record)
    assert same(pickle.loads(pickle.dumps(bridge)).fitted_on_, record)
    np.testing.assert_array_equal(back.transform(data.source), bridge.transform(data.source))
    back.save(tmp_path / "b")
    for file in ("config.json", "model.safetensors"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    assert clone(bridge).fitted_on_ is None


def test_every_bridge_that_fits_remembers() -> None:
    data = pairs(24)
    for name in bridge_names():
        if name in ("identity", "mean-shift", "c3", "coral", "ridge", "cca", "memory", "nearest-caption", "noise-only"):
            assert make_bridge(name).fit(data.source, data.target).fitted_on_.items == 24, name


def test_a_failed_fit_remembers_nothing() -> None:
    bridge = make_bridge("ridge")
    with pytest.raises(InputError):
        bridge.fit(np.eye(3), np.eye(4))
    assert bridge.fitted_on_ is None


def change(folder: Path, how: object) -> None:
    """Write the configuration anew, sealed, as a program that means harm would."""
    config = json.loads((folder / "config.json").read_text())
    config.pop("digest")
    how(config["fitted"])  # type: ignore[operator]
    (folder / "config.json").write_text(json.dumps(sealed(config)))


def test_the_folder_of_an_older_version_loads(tmp_path: Path) -> None:
    data = pairs()
    bridge = make_bridge("ridge").fit(data.source, data.target)
    bridge.save(tmp_path)
    change(tmp_path, lambda fitted: fitted.pop("fitted_on_"))
    old = load_bridge(tmp_path)
    assert old.fitted_on_ is None
    np.testing.assert_array_equal(old.transform(data.source), bridge.transform(data.source))


@pytest.mark.parametrize(
    "how",
    [
        lambda f: f["fitted_on_"].pop("items"),
        lambda f: f["fitted_on_"].update(items=7),
        lambda f: f["fitted_on_"].update(encoder=3),
        lambda f: f["fitted_on_"].update(source={}),
        lambda f: f.update(fitted_on_=[1]),
        lambda f: f.update(fitted_on_="yes"),
    ],
)
def test_a_record_that_does_not_fit_is_one_line(tmp_path: Path, how: object) -> None:
    data = pairs()
    make_bridge("ridge").fit(data.source, data.target).save(tmp_path)
    change(tmp_path, how)
    with pytest.raises(InputError, match="record of what it was fitted on") as caught:
        load_bridge(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("meta", "said"),
    [
        ({}, ""),
        (ABOUT, ""),
        ({"encoder": "clap"}, ""),
        ({"encoder": {**ABOUT["encoder"], "text.version": "2"}}, ""),
        (
            {"encoder": {"encoder": "clap", "heads": "xyz"}},
            "its projection heads differ (fitted rows: abc; these rows: xyz)",
        ),
        ({"encoder": {"encoder": "clip", "heads": "xyz"}}, "its name differs (fitted rows: clap; these rows: clip)"),
    ],
)
def test_another_encoder_is_named_beside_the_fitted_one(meta: dict, said: str) -> None:
    data = pairs()
    record = FittedOn.of_pairs(data)
    assert record.other_encoder(meta) == said
    assert len(record.warnings(data.source, meta)) == bool(said)


def test_another_domain_is_a_warning_with_number_and_threshold() -> None:
    data = pairs()
    record = FittedOn.of_pairs(data)
    others = data.source + 8 * np.eye(16)[5]
    far = record.outside(others)
    (line,) = record.warnings(others)
    assert f"distance {far.score:.2f}, threshold {far.threshold:.2f} for 60 rows" in line
    assert record.outside(data.target, side="target").score < 0.01
    assert record.warnings(data.source) == ()


def test_bundled_sets_tell_their_heads_as_the_encoder_does() -> None:
    encoders = {name: load_dataset(name).meta["encoder"] for name in dataset_names()}
    assert encoders["soundscapes"]["heads"] == load_manifest("soundscapes")["heads"]["blake2b"]
    assert len({encoder["heads"] for encoder in encoders.values()}) == len(encoders)
    sfx = load_dataset("sfx").subset("val")
    record = FittedOn.of_pairs(sfx)
    assert record.other_encoder(sfx.meta) == ""
    other = record.other_encoder({"encoder": encoders["soundscapes"]})
    assert other == "its projection heads differ (fitted rows: those of sfx; these rows: hash 7f6ebb00)"
