"""Rows from all over a file."""

import numpy as np
import torch

from gapkit import memory_map
from gapkit.memory_map import fetch, file_of


def test_scattered_rows_come_in_pieces_and_pages_are_let_go(tmp_path, monkeypatch):
    given = np.random.default_rng(0).standard_normal((500, 3), dtype=np.float32)
    np.save(tmp_path / "x.npy", given)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    rows = np.random.default_rng(1).integers(500, size=3 * memory_map.SPREAD + 1)
    released = []
    monkeypatch.setattr(memory_map, "let_go", released.append)
    found = np.empty((len(rows), 3))
    fetch(found, mapped, rows, file_of(mapped))
    np.testing.assert_array_equal(found, given[rows])
    assert released == [file_of(mapped)] * 4
    tensor = torch.empty(len(rows), 3)
    fetch(tensor, torch.from_numpy(given), torch.from_numpy(rows), None)
    np.testing.assert_array_equal(tensor.numpy(), given[rows])
    assert len(released) == 4
