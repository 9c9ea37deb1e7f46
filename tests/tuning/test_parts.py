from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from gapkit.comparison.config import StudyConfig
from gapkit.comparison.splits import split_parts, unit_pairs
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError
from gapkit.tuning.parts import TuningParts, tuning_parts

CONFIG = StudyConfig(bridges=("ridge",), device="cpu")
Make = Callable[..., PairedEmbeddings]


def _named(pairs: PairedEmbeddings) -> PairedEmbeddings:
    return replace(pairs, ids=np.array([f"clip {i}" for i in range(len(pairs))]))


def _ids(part: PairedEmbeddings | None) -> set[str]:
    return set() if part is None or part.ids is None else set(part.ids.tolist())


def test_the_stopping_clips_come_from_the_fit_split(make_pairs: Make) -> None:
    pairs = _named(make_pairs())
    parts = tuning_parts(pairs, CONFIG)
    assert len(parts.stopping or ()) == 12
    assert _ids(parts.fit) | _ids(parts.stopping) == _ids(pairs.subset("train"))
    assert not _ids(parts.fit) & _ids(parts.stopping)
    # The validation split as it is, of length one as in a study.
    assert _ids(parts.scoring) == _ids(pairs.subset("val"))
    np.testing.assert_array_equal(parts.scoring.source, unit_pairs(pairs.subset("val")).source)


@pytest.mark.parametrize("change", ["dropped", "other rows", "not a number", "named otherwise"])
def test_the_test_split_makes_no_difference(make_pairs: Make, change: str) -> None:
    pairs = make_pairs()
    test = np.asarray(pairs.split) == "test"
    if change == "dropped":
        other = pairs.take(np.flatnonzero(~test))
    elif change == "named otherwise":
        other = replace(pairs, split=np.where(test, "held-back", pairs.split))
    else:
        source = pairs.source.copy()
        source[test] = np.nan if change == "not a number" else 7.0
        other = replace(pairs, source=source)
    one, two = tuning_parts(pairs, CONFIG), tuning_parts(other, CONFIG)
    assert (one.rule, one.content_hash) == (two.rule, two.content_hash) or change == "named otherwise"
    for a, b in _each(one, two):
        np.testing.assert_array_equal(a.source, b.source)
        np.testing.assert_array_equal(a.target, b.target)


def _each(one: TuningParts, two: TuningParts) -> list[tuple[PairedEmbeddings, PairedEmbeddings]]:
    assert one.stopping is not None
    assert two.stopping is not None
    return [(one.fit, two.fit), (one.stopping, two.stopping), (one.scoring, two.scoring)]


def test_another_fit_split_is_other_data(make_pairs: Make) -> None:
    hashes = {tuning_parts(make_pairs(seed=seed), CONFIG).content_hash for seed in (0, 1)}
    assert len(hashes) == 2


def test_without_a_validation_split_a_tenth_of_the_train_split_scores(make_pairs: Make) -> None:
    pairs = _named(make_pairs())
    pairs = replace(pairs, split=np.where(np.asarray(pairs.split) == "val", "spare", pairs.split))
    parts = tuning_parts(pairs, CONFIG)
    study = split_parts(pairs, CONFIG)
    assert _ids(parts.scoring) == _ids(study.validation)
    assert _ids(parts.fit) | _ids(parts.stopping) == _ids(study.fit)
    assert "no split val: 10% of train held out to score" in parts.rule


def test_without_splits_the_parts_of_a_study_are_drawn(make_pairs: Make) -> None:
    pairs = _named(make_pairs(split=False))
    parts, study = tuning_parts(pairs, CONFIG), split_parts(pairs, CONFIG)
    assert _ids(parts.scoring) == _ids(study.validation)
    assert _ids(parts.fit) | _ids(parts.stopping) == _ids(study.fit)
    seen = _ids(parts.fit) | _ids(parts.stopping) | _ids(parts.scoring)
    assert not seen & _ids(study.test)


def test_clips_of_one_caption_are_not_torn(make_pairs: Make) -> None:
    pairs = make_pairs()
    captions = np.array([f"sound {i // 8}" for i in range(pairs.n_targets)])
    parts = tuning_parts(replace(pairs, captions=captions), CONFIG)
    assert parts.stopping is not None
    assert parts.fit.captions is not None
    assert parts.stopping.captions is not None
    assert not set(parts.fit.captions) & set(parts.stopping.captions)


def test_few_clips_have_none_to_stop_by(make_pairs: Make) -> None:
    pairs = make_pairs(12)
    pairs = replace(pairs, captions=np.full(pairs.n_targets, "wind"))
    parts = tuning_parts(pairs, CONFIG)
    assert parts.stopping is None
    assert len(parts.fit) == 6
    assert "none to stop by" in parts.rule


def test_data_that_do_not_serve(make_pairs: Make) -> None:
    pairs = make_pairs(12)
    with pytest.raises(InputError, match="no item in split 'train'"):
        tuning_parts(replace(pairs, split=np.full(12, "test")), CONFIG)
    split = np.array(["train"] * 11 + ["val"])
    with pytest.raises(InputError, match="expected at least 2 clips to fit and 2 to score, got 11 and 1"):
        tuning_parts(replace(pairs, split=split), CONFIG)
    same = np.full(pairs.n_targets, "wind")
    with pytest.raises(InputError, match="no split 'val', and too few clips in 'train' to hold some out"):
        tuning_parts(replace(pairs, split=np.full(12, "train"), captions=same), CONFIG)
