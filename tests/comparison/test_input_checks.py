import dataclasses

import numpy as np
import pytest

from gapkit.comparison.input_checks import require_usable
from gapkit.datasets import dataset_names, load_dataset
from gapkit.embeddings import PairedEmbeddings


class Told:
    def __init__(self):
        self.lines = []

    def message(self, line):
        self.lines.append(line)

    def step(self, done, total, note):
        pass


@pytest.mark.parametrize("name", dataset_names())
def test_a_bundled_dataset_is_measured_without_notes(name):
    told = Told()
    assert require_usable(load_dataset(name), told)
    assert told.lines == []


def test_the_same_rows_of_a_user_bring_their_notes():
    told, pairs = Told(), load_dataset("sfx")
    found = require_usable(dataclasses.replace(pairs, meta={}), told)
    assert told.lines == [f"note: {line}" for line in found]
    assert any("repeat an earlier" in line for line in told.lines)


def test_a_wrong_pairing_of_bundled_rows_is_told():
    told, pairs = Told(), load_dataset("openclipart")
    require_usable(dataclasses.replace(pairs, target=np.roll(pairs.target, 1, axis=0)), told)
    assert [line.split(",")[0] for line in told.lines] == ["note: pairs would be nearer in another order"]


def test_a_wrong_pairing_is_told_before_anything_is_measured():
    rng = np.random.default_rng(0)
    told = Told()
    require_usable(PairedEmbeddings(rng.normal(size=(50, 8)), rng.normal(size=(50, 8))), told)
    assert told.lines[0].startswith("note: pairs are no nearer than unrelated rows (p = ")
