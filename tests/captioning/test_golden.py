"""The scores of a published captioner on AudioCaps, stored with its captions, come out again."""

from __future__ import annotations

import json

import numpy as np
import pytest

from gapkit.captioning.scores import penalised, score_captions, spider


@pytest.fixture(scope="module")
def stored(shared_data):
    return json.loads((shared_data / "conette" / "audiocaps_test_slim.json").read_text(encoding="utf-8"))


def column(stored, name):
    return np.array([clip["scores"][name] for clip in stored])


@pytest.mark.slow
def test_scores_of_conette(stored, java):
    found = score_captions(
        {clip["fname"]: clip["cand"] for clip in stored},
        {clip["fname"]: clip["refs"] for clip in stored},
        scores=["overlap", "meteor", "spice"],
        draws=200,
    )
    for name in ("bleu_1", "bleu_2", "rouge_l", "meteor"):
        np.testing.assert_allclose(found.per_clip[name], column(stored, name), atol=6e-7)  # stored with six digits
    assert found.per_clip["cider_d"].mean() == pytest.approx(column(stored, "cider_d").mean(), abs=5e-5)
    assert found["meteor"] == pytest.approx(0.2320, abs=5e-5)
    assert found.per_clip["meteor"].mean() == pytest.approx(0.2680, abs=5e-5)
    assert len(found.per_clip) == 912
    assert set(found.absent) <= {"spice"}
    for row in found.corpus.itertuples():
        assert row.ci_low < row.value < row.ci_high


def test_combined_scores_follow_from_their_parts(stored):
    found = spider(column(stored, "cider_d"), column(stored, "spice"))
    np.testing.assert_allclose(found, column(stored, "spider"), atol=1.5e-6)
    np.testing.assert_allclose(
        penalised(column(stored, "spider"), column(stored, "fer")), column(stored, "spider_fl"), atol=1e-6
    )
    np.testing.assert_allclose(
        penalised(column(stored, "sbert_sim"), column(stored, "fer")), column(stored, "fense"), atol=1e-6
    )
    assert column(stored, "fer").sum() > 0
