import math
from pathlib import Path

import numpy as np
import pytest

from gapkit.comparison.cells import Cell, Value, cell_stem, read_cell, write_cell


@pytest.fixture
def cell() -> Cell:
    draws = {"mmd": np.random.default_rng(0).standard_normal(50)}
    values = {
        "mmd": Value(0.1 + 0.2, 1 / 3, math.pi, 12, 0.5),
        "rmg": Value(math.nan, math.nan, math.nan, 12, 0.1, "x"),
    }
    return Cell(
        "ridge", "paired", 3, "abc", {"alpha": 1.5}, values, {"new": "broke"}, ("mmd", "rmg"), "", 1.5, 0.1, draws
    )


def test_what_was_written_is_read_to_the_last_bit(tmp_path: Path, cell: Cell) -> None:
    write_cell(tmp_path, cell)
    again = read_cell(tmp_path, "ridge-s3")
    assert again is not None
    assert again.estimates["mmd"] == cell.estimates["mmd"]
    assert math.isnan(again.estimates["rmg"].value)
    assert (again.params, again.failed, again.seed, again.key) == (cell.params, cell.failed, 3, "abc")
    np.testing.assert_array_equal(again.draws["mmd"], cell.draws["mmd"])


def test_equal_cells_give_equal_bytes(tmp_path: Path, cell: Cell) -> None:
    write_cell(tmp_path / "a", cell)
    write_cell(tmp_path / "b", cell)
    for name in ("ridge-s3.json", "ridge-s3.npz"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_no_cell() -> None:
    assert read_cell(Path("nowhere"), "ridge") is None


@pytest.mark.parametrize("suffix", [".json", ".npz"])
def test_every_truncation_is_seen(tmp_path: Path, cell: Cell, suffix: str) -> None:
    write_cell(tmp_path, cell)
    path = tmp_path / f"ridge-s3{suffix}"
    whole = path.read_bytes()
    for length in range(0, len(whole) - 2, 7):
        path.write_bytes(whole[:length])
        assert read_cell(tmp_path, "ridge-s3") is None


def test_every_flipped_bit_of_the_draws_is_seen(tmp_path: Path, cell: Cell) -> None:
    write_cell(tmp_path, cell)
    path = tmp_path / "ridge-s3.npz"
    whole = bytearray(path.read_bytes())
    for place in range(0, len(whole), 11):
        whole[place] ^= 4
        path.write_bytes(whole)
        assert read_cell(tmp_path, "ridge-s3") is None
        whole[place] ^= 4


def test_a_changed_digit_is_seen(tmp_path: Path, cell: Cell) -> None:
    write_cell(tmp_path, cell)
    path = tmp_path / "ridge-s3.json"
    text = path.read_text()
    assert "0.30000000000000004" in text
    path.write_text(text.replace("0.30000000000000004", "0.40000000000000004"))
    assert read_cell(tmp_path, "ridge-s3") is None


def test_a_file_missing(tmp_path: Path, cell: Cell) -> None:
    write_cell(tmp_path, cell)
    (tmp_path / "ridge-s3.npz").unlink()
    assert read_cell(tmp_path, "ridge-s3") is None


def test_names() -> None:
    assert cell_stem("ridge", None) == "ridge"
    assert cell_stem("mlp", 0) == "mlp-s0"
