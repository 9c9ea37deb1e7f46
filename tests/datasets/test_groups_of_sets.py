import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from gapkit.datasets import dataset_names, load_details, load_groups, load_manifest
from gapkit.errors import InputError
from gapkit.statistics import Groups

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def analyses():
    sys.path.insert(0, str(ROOT / "analyses"))
    try:
        yield importlib.import_module
    finally:
        sys.path.remove(str(ROOT / "analyses"))


@pytest.mark.parametrize("name", dataset_names())
def test_every_item_has_a_group(name):
    split = load_details(name)["split"]
    groups = Groups.from_labels(load_groups(name))
    assert len(groups) == len(split)
    assert groups.take(np.flatnonzero(split == "test")).no_interval is None


def test_scenes_have_the_recordings_that_are_heard():
    details, recordings = load_details("soundscapes"), load_manifest("soundscapes")["recordings"]
    test = details["split"] == "test"
    heard = details["recordings"][test]
    used = np.unique(heard[heard >= 0])
    assert len(used) == 429
    assert len({recordings[i]["concept"] for i in used}) == 145
    groups = Groups.from_labels(load_groups("soundscapes")).take(np.flatnonzero(test))
    # Ten of the 429 sound like another one.
    assert groups.n_groups == len({recordings[i]["group"] for i in used}) == 419
    assert groups.chained
    assert groups.per_item.tolist() == (heard >= 0).sum(axis=1).tolist()


def test_scenes_have_the_groups_of_the_plan(analyses):
    pytest.importorskip("soundfile", reason="the plan of soundscapes imports what reads sounds")
    plan = analyses("soundscapes.plan").Plan.from_table(load_manifest("soundscapes")["recordings"])
    ids, groups = load_details("soundscapes")["ids"].tolist(), load_groups("soundscapes")
    for split, index in (("train", 17), ("val", 3), ("test", 0), ("test", 999), ("unseen", 250)):
        planned = [f"sound {plan.group[event.recording]}" for event in plan.scene(split, index).events]
        assert groups[ids.index(f"{split}-{index:05d}")] == planned


def test_sounds_have_their_package():
    groups = load_groups("sfx")
    assert [label for (label,) in groups] == load_details("sfx")["package"].tolist()
    assert len({label for (label,) in groups}) == 13


def test_drawings_have_the_groups_that_dealt_their_splits(analyses):
    splits_of, details = analyses("openclipart.splits"), load_details("openclipart")
    groups, split = np.array(load_groups("openclipart"))[:, 0], details["split"]
    assert [splits_of.split_of(group) for group in groups] == split.tolist()
    for name in splits_of.MEASURED:
        own = groups[split == name]
        assert len(set(own)) == len(own)
    assert len(set(groups[split == "train"])) < (split == "train").sum()


def test_an_unknown_set_has_none():
    with pytest.raises(InputError, match="unknown dataset 'sfy'"):
        load_groups("sfy")
