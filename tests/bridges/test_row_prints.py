import numpy as np
import pytest

from gapkit.bridges.row_prints import NEAR, name_prints, row_prints, seen_before


def cone(n: int, dim: int, seed: int = 0) -> np.ndarray:
    """Rows of a cloud as encoders make them: off-centre, some directions wider than others."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((n, dim)) / np.sqrt(1 + np.arange(dim)) + np.eye(dim)[0] * 2
    return rows.astype(np.float32)


def seen(rows: np.ndarray, known: np.ndarray, names=None, known_names=None) -> np.ndarray:
    return seen_before(row_prints(rows), name_prints(names), row_prints(known), name_prints(known_names))


@pytest.mark.parametrize("dim", [8, 64, 512])
@pytest.mark.parametrize("change", ["same", "longer", "unit", "float16", "float64", "unit twice"])
def test_a_row_is_told_again_whatever_its_length_and_digits(dim: int, change: str) -> None:
    rows = cone(300, dim)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    changed = {
        "same": rows, "longer": rows * np.float32(37.3), "unit": unit, "float16": unit.astype(np.float16),
        "float64": rows.astype(np.float64), "unit twice": unit / np.linalg.norm(unit, axis=1, keepdims=True),
    }[change]  # fmt: skip
    known = rows[:100]
    assert seen(changed, known).tolist() == [True] * 100 + [False] * 200


def test_unrelated_rows_are_strangers() -> None:
    # 16 million pairs of a narrow cone: the prints have to tell them all apart.
    assert not seen(cone(4000, 64, seed=1), cone(4000, 64, seed=2)).any()


def test_a_name_tells_an_item_again_only_beside_a_row_much_like_it() -> None:
    rows, names = cone(200, 64), np.array([f"clip_{i}" for i in range(200)])
    again = rows + 0.01 * np.random.default_rng(3).standard_normal(rows.shape).astype(np.float32)
    assert not seen(again, rows).any()
    assert seen(again, rows, names, names).all()
    assert not seen(again, rows, names[::-1], names).any()
    # Another set whose clips are called alike.
    assert seen(cone(200, 64, seed=4), rows, names, names).sum() <= 1


def test_broken_rows_have_a_print_and_no_warning() -> None:
    rows = np.array([[np.nan, 1], [np.inf, 0], [0, 0], [1e300, 1e300]])
    assert np.abs(row_prints(rows)).max() < 32767
    assert row_prints(rows)[2].tolist() == [0, 0, 0, 0]


def test_prints_do_not_change_from_one_version_to_the_next() -> None:
    assert row_prints(np.arange(1, 7, dtype=np.float32).reshape(1, 6)).tolist() == [[-429, -3864, -1288, -6441]]
    assert NEAR < 4
