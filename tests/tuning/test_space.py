from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gapkit.bridges import Bridge, bridge_names
from gapkit.errors import InputError
from gapkit.space import Choice, Range
from gapkit.tuning.space import inside, plain, read_space, search_space


def test_a_file_of_ranges(tmp_path: Path) -> None:
    path = tmp_path / "space.toml"
    path.write_text('rate = {low = 1e-3, high = 1.0, log = true}\nsteps = {low = 1, high = 9}\nkind = ["a", 2, true]\n')
    space = read_space(path)
    assert space == {
        "rate": Range(1e-3, 1.0, log=True), "steps": Range(1, 9), "kind": Choice(("a", 2, True)),
    }  # fmt: skip
    assert space["steps"].whole  # type: ignore[union-attr]
    assert not space["rate"].whole  # type: ignore[union-attr]
    assert plain(space) == {
        "rate": {"low": 1e-3, "high": 1.0, "log": True},
        "steps": {"low": 1, "high": 9, "log": False},
        "kind": ["a", 2, True],
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected a range a parameter"),
        ("rate = [", "not readable as TOML"),
        ("rate = 3\n", "rate: expected a list of choices or"),
        ("rate = {low = 1}\n", "expected a list of choices or"),
        ("rate = {low = 1, high = 2, step = 1}\n", "expected a list of choices or"),
        ("rate = {low = 1, high = 2, log = 1}\n", "log: expected true or false, got 1"),
    ],
)
def test_files_that_say_nothing(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "space.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=said) as caught:
        read_space(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_space(tmp_path / "none.toml")


def test_ranges_take_the_place_of_declared_ones(toy: type[Bridge]) -> None:
    space = search_space("toy", {"share": Range(0.2, 0.4)})
    assert space == {**toy.space, "share": Range(0.2, 0.4)}
    assert list(space) == list(toy.space)
    assert toy.space["share"] == Range(0.0, 1.5)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"shore": Range(0, 1)}, "no parameter 'shore' to search: did you mean share"),
        ({"random_state": Range(0, 9)}, "no parameter 'random_state' to search"),
        ({"share": Range(2.0, 1.0)}, "space of share: expected low <= high, got 2.0 and 1.0"),
        ({"share": Range(0.0, 1.0, log=True)}, "a log range must lie above 0"),
        ({"share": Range(0.0, float("inf"))}, "expected low <= high"),
        ({"share": Range("0", 1.0)}, "expected numbers for low and high"),
        ({"share": Choice(())}, "expected some strings, numbers or booleans"),
        ({"share": Choice(([1],))}, "expected some strings, numbers or booleans"),
        ({"share": Choice((float("nan"),))}, "expected some strings, numbers or booleans"),
    ],
)
def test_spaces_that_make_no_sense(toy: type[Bridge], given: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        search_space("toy", given)


def test_a_bridge_without_a_space() -> None:
    with pytest.raises(InputError, match="bridge 'identity': declares no search space"):
        search_space("identity")


@pytest.mark.parametrize("name", bridge_names())
def test_every_declared_space_can_be_searched(name: str) -> None:
    from gapkit.bridges.registry import BRIDGES

    if BRIDGES.get(name).space:
        assert search_space(name) == BRIDGES.get(name).space


@pytest.mark.parametrize(
    ("what", "value", "answer"),
    [
        (Range(0.0, 1.0), 1, True),
        (Range(0.0, 1.0), 1.1, False),
        (Range(0.0, 1.0), "loo", False),
        (Range(0.0, 1.0), None, False),
        (Range(0, 1), True, False),
        (Range(0, 9), 3.0, False),
        (Choice((1, 2)), True, False),
        (Choice((True, False)), 1, False),
        (Choice((0.0, 0.5)), 0, True),
        (Choice(("a",)), "b", False),
    ],
)
def test_inside(what: Any, value: Any, answer: bool) -> None:
    assert inside(what, value) is answer


def test_a_bridge_may_be_searched_by_a_file_alone(bridge_for_a_test: Callable[[str, type[Bridge]], None]) -> None:
    class Bare(Bridge):
        """Declares nothing."""

        def __init__(self, width: int = 3) -> None:
            self.width = width

    bridge_for_a_test("bare", Bare)
    assert search_space("bare", {"width": Range(1, 4)}) == {"width": Range(1, 4)}
