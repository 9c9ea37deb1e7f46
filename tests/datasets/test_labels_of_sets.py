"""Classes of the items of the bundled sets."""

import numpy as np

from gapkit.datasets import describe, load_dataset, load_labels, load_manifest


def test_a_drawing_has_its_folder():
    pairs = load_dataset("openclipart")
    assert pairs.labels.tolist() == load_labels("openclipart") == [name.split("/")[0] for name in pairs.ids]


def test_a_scene_of_one_concept_has_it_and_others_have_none():
    pairs, manifest = load_dataset("soundscapes"), load_manifest("soundscapes")
    assert pairs.content_hash() == describe("soundscapes").content
    known = {recording["concept"] for recording in manifest["recordings"]}
    assert set(pairs.labels) <= {*known, ""}
    assert 0.2 < np.mean(pairs.subset("test").labels != "") < 0.3


def test_sound_effects_have_none():
    assert load_labels("sfx") is None
    assert load_dataset("sfx").labels is None
