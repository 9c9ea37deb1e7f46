import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from gapkit.comparison import StudyConfig
from gapkit.comparison.splits import clip_groups, split_parts
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError
from gapkit.statistics.partition import draw

Make = Callable[..., PairedEmbeddings]


def test_splits_of_the_data_are_taken_as_they_are(pairs: PairedEmbeddings) -> None:
    parts = split_parts(pairs, StudyConfig(normalise=False))
    for part, name in ((parts.fit, "train"), (parts.validation, "val"), (parts.test, "test")):
        assert part is not None
        np.testing.assert_array_equal(part.source, pairs.subset(name).source)


def test_both_sides_get_length_one(pairs: PairedEmbeddings) -> None:
    parts = split_parts(pairs, StudyConfig())
    for rows in (parts.fit.source, parts.fit.target, parts.test.source, parts.test.target):
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_a_draw_tears_no_captions_apart(make_pairs: Make, seed: int) -> None:
    pairs = make_pairs(200, split=False)
    captions = np.array([f"Dog  {clip % 67}" if clip % 2 else f"dog {clip % 67}" for clip in pairs.owner])
    pairs = dataclasses.replace(pairs, captions=captions, ids=np.arange(200).astype(str))
    parts = split_parts(pairs, StudyConfig(seed=seed))
    folded = [{str(c).lower().replace("  ", " ") for c in part.captions} for part in _all(parts)]
    assert not folded[0] & folded[1]
    assert not folded[0] & folded[2]
    assert not folded[1] & folded[2]
    assert sorted(np.concatenate([part.ids for part in _all(parts)]).astype(int)) == list(range(200))


def test_shares_of_a_draw_without_doubles(make_pairs: Make) -> None:
    parts = split_parts(make_pairs(200, split=False), StudyConfig())
    assert [len(part) for part in _all(parts)] == [120, 20, 60]
    assert "drawn 60% fit, 10% validation, 30% test with seed 0" in parts.rule


def test_the_seed_decides_the_draw(make_pairs: Make) -> None:
    pairs = make_pairs(100, split=False)
    first, again, other = (split_parts(pairs, StudyConfig(seed=s)).test.source for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_without_validation_a_tenth_of_the_fit_is_held_out(make_pairs: Make) -> None:
    pairs = make_pairs(120)
    assert pairs.split is not None
    pairs = dataclasses.replace(pairs, split=np.where(pairs.split == "val", "train", pairs.split))
    parts = split_parts(pairs, StudyConfig())
    assert parts.validation is not None
    assert len(parts.validation) == 8
    assert len(parts.fit) == 72
    np.testing.assert_allclose(parts.test.source, split_parts(make_pairs(120), StudyConfig()).test.source)


def test_groups_link_through_captions_targets_and_sources() -> None:
    source = np.eye(6, dtype=np.float32)
    source[5] = source[4]
    target = np.vstack([np.eye(6), np.eye(6)[:1]])
    pairs = PairedEmbeddings(
        source, target, owner=[0, 1, 2, 3, 4, 5, 3], captions=["a", "b", "B", "c", "d", "e", "f"], name="links"
    )
    groups = clip_groups(pairs)
    # 0 and 3 share a target row, 1 and 2 a caption, 4 and 5 a source row.
    assert groups[0] == groups[3]
    assert groups[1] == groups[2]
    assert groups[4] == groups[5]
    assert len(set(groups)) == 3


def test_a_giant_group_goes_to_the_last_part() -> None:
    groups = np.array([0] * 80 + list(range(1, 21)))
    small, large = draw(groups, (0.3, 0.7), seed=0)
    assert len(small) == 20
    assert set(large) == set(range(80))


@pytest.mark.parametrize("n", [1, 2, 3])
def test_too_few_clips(n: int) -> None:
    pairs = PairedEmbeddings(np.eye(4)[:n], np.eye(4)[:n], name="few")
    with pytest.raises(InputError, match=r"few: (expected at least 2 clips|too few clips)"):
        split_parts(pairs, StudyConfig())


def test_one_caption_for_all(make_pairs: Make) -> None:
    pairs = make_pairs(30, split=False)
    pairs = dataclasses.replace(pairs, captions=np.array(["dog"] * pairs.n_targets))
    with pytest.raises(InputError, match="too few clips with captions of their own"):
        split_parts(pairs, StudyConfig())


def test_a_split_that_is_not_there(pairs: PairedEmbeddings) -> None:
    said = r"no item in split 'eval'; splits here: train \(30\), .*test \(20\): name them with --fit-split"
    with pytest.raises(InputError, match=said):
        split_parts(pairs, StudyConfig(test_split="eval"))


def test_a_split_of_one_clip(pairs: PairedEmbeddings) -> None:
    assert pairs.split is not None
    split = pairs.split.copy()
    split[split == "test"] = "train"
    split[0] = "test"
    with pytest.raises(InputError, match="at least 2 clips in split 'test', got 1"):
        split_parts(dataclasses.replace(pairs, split=split), StudyConfig())


def _all(parts: object) -> tuple[PairedEmbeddings, ...]:
    return parts.fit, parts.validation, parts.test  # type: ignore[attr-defined]
