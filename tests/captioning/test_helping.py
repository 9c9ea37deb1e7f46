"""The line on captions in the verdict of a study."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gapkit.captioning import helping
from gapkit.captioning.results import CaptionResults


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A caption study of 40 clips: one bridge is better, one worse, one like no bridge."""
    rng = np.random.default_rng(0)
    shared = rng.standard_normal(40)
    row = {"protocol": "zero-shot", "training": "noise", "seed": 0}
    clips = [
        {**row, "bridge": bridge, "id": str(k), "score": "cider_d",
         "value": 1.0 + gain + shared[k] + 0.02 * rng.standard_normal()}
        for bridge, gain in (("identity", 0.0), ("c3", 0.2), ("ridge", -0.2), ("cca", 0.0))
        for k in range(40)
    ]  # fmt: skip
    scores = [{**row, "bridge": b, "score": "cider_d"} for b in ("identity", "c3", "ridge", "cca")]
    made = CaptionResults(
        pd.DataFrame(), pd.DataFrame(clips), pd.DataFrame(scores), {"config": {"draws": 200, "seed": 0}, "choices": []}
    )
    (tmp_path / "captions").mkdir()
    (tmp_path / "captions" / "manifest.json").write_text("{}")
    monkeypatch.setattr(CaptionResults, "read", lambda folder: made)
    return tmp_path


def test_it_names_the_bridges_that_are_measurably_better_or_worse(study: Path) -> None:
    assert helping.caption_lines(study) == (
        ("Captions", "CIDEr-D against no bridge: zero-shot, noise: better with c3 and worse with ridge."),
    )


def test_without_a_caption_study_there_is_no_line(tmp_path: Path) -> None:
    assert helping.caption_lines(tmp_path) == ()
