"""Metrics of classes in a study: measured where there are labels, and anew where those change."""

from dataclasses import replace

import numpy as np
import pytest

from gapkit.comparison import StudyConfig, run_study
from gapkit.embeddings import PairedEmbeddings
from gapkit.study.progress import Silent

CONFIG = StudyConfig(bridges=("mean-shift",), metrics=("cosine", "zero-shot-accuracy"), n_resamples=0, threads=1)


class Heard(Silent):
    """Keeps what is said."""

    def __init__(self):
        self.lines = []

    def message(self, text):
        self.lines.append(text)


@pytest.fixture(scope="module")
def pairs():
    rng = np.random.default_rng(0)
    number = np.arange(60) % 3
    centre = np.eye(6)[number]
    x, y = (centre + 0.4 * rng.standard_normal((60, 6)) for _ in range(2))
    return PairedEmbeddings(x + 1, y, labels=number.astype(str), split=np.repeat(["train", "val", "test"], [30, 6, 24]))


def accuracy(results):
    return results.pivot().get("zero-shot-accuracy", {}).get("mean-shift")


def test_labels_that_change_are_measured_anew_and_those_that_go_are_left_out(pairs, tmp_path):
    first = accuracy(run_study(pairs, CONFIG, out=tmp_path))
    assert first > 0.6
    assert accuracy(run_study(pairs, CONFIG, out=tmp_path)) == first
    others = replace(pairs, labels=np.roll(pairs.labels, 1))
    assert accuracy(run_study(others, CONFIG, out=tmp_path)) == first
    mixed = replace(pairs, labels=np.random.default_rng(1).permutation(pairs.labels))
    assert accuracy(run_study(mixed, CONFIG, out=tmp_path)) < first
    heard = Heard()
    left = accuracy(run_study(replace(pairs, labels=None), CONFIG, out=tmp_path, progress=heard))
    assert left is None or np.isnan(left)
    assert "note: zero-shot-accuracy: left out, for the items have no labels" in heard.lines
