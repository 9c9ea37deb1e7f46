# ruff: noqa: E402  # the builder is found by its folder and needs soundfile
import importlib.util
import json
import os
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from gapkit.datasets import describe, load_dataset, load_details, load_manifest
from gapkit.encoders.heads import Heads
from gapkit.errors import InputError
from gapkit.metrics import centroid_distance, cosine, recall_at_k

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "analyses"))

pytest.importorskip("soundfile", reason="the builder of soundscapes reads sounds with soundfile")

from soundscapes.features import shards
from soundscapes.packing import HEADS, built_from
from soundscapes.plan import Plan
from soundscapes.recordings import Pool, decode, trimmed
from soundscapes.render import render
from soundscapes.sources import Source

LAST = {"train": 9999, "val": 499, "test": 999, "unseen": 399}
TEN = [(split, index) for split, last in LAST.items() for index in (0, last // 2, last)][:-2]


@pytest.fixture(scope="module")
def manifest():
    return load_manifest("soundscapes")


@pytest.fixture(scope="module")
def plan(manifest):
    return Plan.from_table(manifest["recordings"])


@pytest.fixture(scope="module")
def pairs():
    return load_dataset("soundscapes")


@pytest.fixture(scope="module")
def details():
    return load_details("soundscapes")


def row_of(pairs, split, index):
    return int(np.flatnonzero(pairs.ids == f"{split}-{index:05d}")[0])


@pytest.mark.parametrize(("split", "index"), TEN)
def test_a_clip_is_planned_and_told_again_from_its_number_alone(plan, pairs, details, split, index):
    scene = plan.scene(split, index)
    row = row_of(pairs, split, index)
    heard = [event.recording for event in scene.events]
    assert details["recordings"][row].tolist() == heard + [-1] * (3 - len(heard))
    assert pairs.captions[pairs.owner == row].tolist() == plan.captions(scene)


def test_the_whole_set_is_planned_again_with_the_hash_that_it_carries(plan, manifest, tmp_path):
    sources = [Source(**package, folder=tmp_path) for package in manifest["packages"]]
    again = built_from(plan, list(shards(plan, tmp_path, encoders=manifest["encoders"])), sources, manifest["encoders"])
    assert again == manifest["built_from"] == describe("soundscapes").packed_from


@pytest.mark.slow
@pytest.mark.parametrize(("split", "index"), TEN)
def test_a_clip_sounds_and_embeds_again_as_it_did(plan, pairs, split, index):
    work = os.environ.get("GAPKIT_SOUNDSCAPES")
    if not work:
        pytest.skip("the unpacked source packages are needed: set GAPKIT_SOUNDSCAPES to the folder of the build")
    if importlib.util.find_spec("aisfx") is None:
        pytest.skip("the audio encoder is needed: pip install --no-deps aisfx==0.1.2")
    from gapkit.encoders.aisfx import AisfxAudio

    scene = plan.scene(split, index)
    pool = pool_of(plan, scene, Path(work) / "unpacked")
    embedded = Heads.load(HEADS).project_source(AisfxAudio().features([render(scene, pool)]))
    # Stored in float16; libraries may round otherwise on another machine.
    np.testing.assert_allclose(pairs.source[row_of(pairs, split, index)], embedded[0], atol=2e-3)


def pool_of(plan, scene, unpacked):
    """The recordings of one scene, in a pool that is empty but for them."""
    waves = {}
    for event in scene.events:
        recording = plan.recordings[event.recording]
        waves[event.recording] = trimmed(decode(unpacked / recording.source / recording.path))
    lengths = [len(waves[i]) if i in waves else 0 for i in range(len(plan.recordings))]
    samples = np.concatenate([waves[i] for i in sorted(waves)])
    return Pool(list(plan.recordings), np.concatenate([[0], np.cumsum(lengths)]), samples)


def test_splits_and_captions_are_as_many_as_promised(pairs):
    assert pairs.splits == {"train": 10_000, "val": 500, "test": 1000, "unseen": 400}
    told = np.bincount(pairs.owner)
    for split, captions in (("train", 2), ("val", 5), ("test", 5), ("unseen", 5)):
        assert set(told[pairs.split == split]) == {captions}
    assert np.all(np.diff(pairs.owner) >= 0)
    for row in range(0, len(pairs), 97):
        own = pairs.captions[pairs.owner == row]
        assert len(set(own)) == len(own)


def test_no_recording_and_no_copy_of_one_is_in_two_splits(manifest, details, pairs):
    recordings = manifest["recordings"]
    for key in ("group", "blake2b"):
        where = defaultdict(set)
        for recording in recordings:
            if recording["split"]:
                where[recording[key]].add(recording["split"])
        assert all(len(splits) == 1 for splits in where.values())
    planned = np.array([recording["split"] for recording in recordings])
    for heard in details["recordings"].T:
        there = heard >= 0
        assert np.array_equal(planned[heard[there]], pairs.split[there])


def test_unseen_concepts_are_nowhere_else_and_the_others_recur(manifest):
    concepts = defaultdict(set)
    for recording in manifest["recordings"]:
        concepts[recording["split"]].add(recording["concept"])
    assert len(concepts["unseen"]) == 20
    assert not concepts["unseen"] & (concepts["encoder"] | concepts["train"] | concepts["val"] | concepts["test"])
    assert concepts["train"] == concepts["val"] == concepts["test"] < concepts["encoder"]
    assert len(concepts["train"]) >= 130


def test_every_recording_has_a_licence_and_a_package_with_a_hash(manifest):
    packages = {package["name"]: package for package in manifest["packages"]}
    assert len(packages) == 13
    assert all(len(package["blake2b"]) == 32 and package["version"] for package in packages.values())
    free = ("CC", "GPL", "LGPL", "GFDL", "MIT", "Expat", "public-domain")
    for recording in manifest["recordings"]:
        assert recording["source"] in packages
        assert recording["licence"].startswith(free)
    licence = (ROOT / "gapkit/datasets/soundscapes/LICENSE.md").read_text(encoding="utf-8")
    assert all(f"{package['package']} {package['version']}" in licence for package in packages.values())


def test_rows_have_length_one_and_the_file_is_small_enough_to_ship(pairs):
    for side in (pairs.source, pairs.target):
        np.testing.assert_allclose(np.linalg.norm(side, axis=1), 1, atol=2e-3)
    folder = ROOT / "gapkit/datasets/soundscapes"
    assert sum(path.stat().st_size for path in folder.iterdir()) < 25e6


def test_the_gap_is_as_the_card_says_and_as_a_contrastive_pair_has_it(pairs, manifest):
    test = pairs.subset("test")
    said = manifest["measured"]["test"]
    gap = centroid_distance(test.source, test.target, owner=test.owner)
    assert gap == pytest.approx(said["centroid_distance"], abs=1e-6)
    assert cosine(test.source, test.target, owner=test.owner) == pytest.approx(said["paired_cosine"], abs=1e-6)
    assert describe("soundscapes").gap["centroid_distance"] == pytest.approx(gap, abs=1e-4)
    assert 0.4 < gap < 0.8
    assert said["separability"] > 0.95
    first = np.unique(test.owner, return_index=True)[1]
    recall = recall_at_k(test.source, test.target[first], k=10)
    assert recall == pytest.approx(said["recall_at_10"], abs=1e-6)
    assert recall > 20 * 10 / len(test)
    unseen = manifest["measured"]["unseen"]
    assert unseen["recall_at_10"] > 3 * 10 / unseen["clips"]


def test_the_document_tells_the_numbers_of_the_manifest(manifest):
    text = (ROOT / "docs/soundscapes.md").read_text(encoding="utf-8")
    assert manifest["built_from"] in text
    for split, measured in manifest["measured"].items():
        row = next(line for line in text.splitlines() if line.startswith(f"| `{split}` | {measured['clips']:,} |"))
        assert f"| {measured['centroid_distance']:.3f} | {measured['paired_cosine']:.3f} |" in row
        assert f"| {measured['recall_at_1']:.3f} | {measured['recall_at_10']:.3f} |" in row


def test_heads_in_the_package_are_those_of_the_set(manifest):
    import hashlib

    assert hashlib.blake2b(HEADS.read_bytes(), digest_size=16).hexdigest() == manifest["heads"]["blake2b"]
    heads = Heads.load(HEADS)
    assert heads.temperature == pytest.approx(0.01)
    assert json.loads(json.dumps(dict(heads.meta)))["trained_on"] == "soundscapes, split encoder"


def test_a_set_without_a_manifest_says_so():
    with pytest.raises(InputError, match=r"sfx: has no manifest; load_details"):
        load_manifest("sfx")
