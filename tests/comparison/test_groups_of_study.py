"""A study of items that share origins: its intervals, tests and words are of groups."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gapkit.comparison import StudyConfig, measure_gap, run_study
from gapkit.comparison.anchors import split_half
from gapkit.comparison.splits import split_parts
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError
from gapkit.metrics import Reference

CONFIG = StudyConfig(bridges=("mean-shift",), metrics=("cosine", "mmd"), n_resamples=100, device="cpu")
Make = Callable[..., PairedEmbeddings]


def grouped(pairs: PairedEmbeddings, size: int = 3) -> PairedEmbeddings:
    return dataclasses.replace(pairs, groups=[f"g{row // size}" for row in range(len(pairs))])


@pytest.fixture
def pairs(make_pairs: Make) -> PairedEmbeddings:
    return grouped(make_pairs(90, split=False))


def test_tables_say_groups_and_their_intervals_are_wider(pairs: PairedEmbeddings, tmp_path: Path) -> None:
    results = run_study(pairs, CONFIG, out=tmp_path)
    plain = run_study(dataclasses.replace(pairs, groups=None), CONFIG)
    number = results.study["data"]["groups"]["number"]
    assert f" in {number} groups" in results.title
    assert f"over {number} groups" in results.notes[0]
    assert "over clips" in plain.notes[0]
    again = type(results).read(tmp_path)
    assert again.title == results.title
    with pytest.raises(InputError, match="groups"):
        run_study(grouped(pairs, 2), CONFIG, out=tmp_path)


def test_parts_are_drawn_by_groups(pairs: PairedEmbeddings) -> None:
    parts = split_parts(pairs, CONFIG)
    assert parts.validation is not None
    own = [set(part.groups.tolist()) for part in (parts.fit, parts.validation, parts.test)]  # type: ignore[union-attr]
    assert len(set.union(*own)) == sum(map(len, own)) == 30
    assert "by 30 groups" in parts.rule


def test_groups_in_two_splits_are_told(make_pairs: Make, capsys: pytest.CaptureFixture[str]) -> None:
    from gapkit.checks import inspect_pairs

    pairs = grouped(make_pairs(90))
    assert pairs.split is not None
    held = {group: set() for group in pairs.groups.tolist()}  # type: ignore[union-attr,var-annotated]
    for group, split in zip(pairs.groups.tolist(), pairs.split.tolist(), strict=True):  # type: ignore[union-attr]
        held[group].add(split)
    parted = sum(len(splits) > 1 for splits in held.values())
    assert parted
    said = [problem.message for problem in inspect_pairs(pairs).problems if problem.kind == "leak"]
    assert any(line.startswith(f"{parted} of 30 groups lie in more than one split") for line in said)


def test_halves_of_the_floor_part_no_group(pairs: PairedEmbeddings) -> None:
    """Copies of ten items: halves of groups are never two copies of the same items, which have no distance."""
    rows = np.repeat(np.arange(10), 9)
    copies = dataclasses.replace(
        pairs, source=pairs.source[rows], target=pairs.target[: len(pairs)][rows],
        owner=np.arange(90), captions=None, groups=[f"g{row}" for row in rows],
    )  # fmt: skip
    floors = {}
    for name, test in (("groups", copies), ("items", dataclasses.replace(copies, groups=None))):
        reference = Reference.from_target(test.target, n_resamples=0)
        floors[name] = split_half(test, ["centroid-distance"], seed=0, reference=reference)
    far, near = (floors[name].estimates["centroid-distance"].value for name in ("groups", "items"))
    assert far > 2 * near


def test_two_groups_have_no_interval_and_the_table_says_why(pairs: PairedEmbeddings) -> None:
    results = run_study(grouped(pairs, 13), dataclasses.replace(CONFIG, seed=1))
    assert results.study["data"]["groups"]["number"] == 2
    assert "No intervals: 2 groups: an interval needs 3 or more." in results.notes[0]
    own = results.frame[results.frame["bridge"] != "target-split-half"]  # its interval is that of the halvings
    assert own["ci_low"].isna().all()
    assert results.frame["value"].notna().any()


def test_the_gap_alone_says_groups(pairs: PairedEmbeddings) -> None:
    results = measure_gap(pairs, metrics=["cosine"], n_resamples=50)
    assert "90 clips in 30 groups" in results.title
    assert "over 30 groups of clips" in results.notes[0]
    unrelated = measure_gap(pairs, metrics=["mmd"], paired=False, n_resamples=50)
    assert "in 30 groups" in unrelated.title
