import pytest

from gapkit.study.fits import read_fit_name


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("ridge", ("ridge", "ridge", None, None)),
        ("flow-s0", ("flow-s0", "flow", 0, None)),
        ("flow-s-3-f12", ("flow-s-3", "flow", -3, 12)),
        ("ridge-f2", ("ridge", "ridge", None, 2)),
        ("pls-svd", ("pls-svd", "pls-svd", None, None)),
        ("flow (steps=200)-s1", ("flow (steps=200)-s1", "flow (steps=200)", 1, None)),
        ("two\nlines", ("two\nlines", "two\nlines", None, None)),
    ],
)
def test_a_name_is_parted(name, parts):
    assert tuple(read_fit_name(name)) == parts
