"""Search spaces: what a bridge declares, what a file says instead, and whether it makes sense."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gapkit.bridges.registry import BRIDGES
from gapkit.errors import InputError
from gapkit.records import read_toml
from gapkit.registry import nearest_of
from gapkit.space import Choice, Range, Space

NOT_SEARCHED = ("random_state", "device")
"""Parameters that change no setting: one is averaged over, the other is a matter of the machine."""


def search_space(name: str, override: Mapping[str, Range | Choice] | None = None) -> Space:
    """What is searched for bridge `name`: its own space, with the ranges of `override` in place of some.

    Raises
    ------
    InputError
        Nothing to search, a parameter that the bridge does not have, or a range without an inside.
    """
    kind = BRIDGES.get(name)
    space = {**kind.space, **(override or {})}
    if not space:
        raise InputError(
            f"bridge {name!r}: declares no search space, so there is nothing to tune; give ranges of your own "
            "by --space FILE.toml, or take another bridge"
        )
    known = [key for key in inspect.signature(kind).parameters if key not in NOT_SEARCHED]
    for key, what in space.items():
        if key not in known:
            raise InputError(f"bridge {name!r}: no parameter {key!r} to search: {nearest_of(key, known)}")
        _check(f"bridge {name!r}: space of {key}", what)
    return space


def _check(whose: str, what: Range | Choice) -> None:
    if isinstance(what, Choice):
        kinds = (str, int, float, bool)
        if not what.values or not all(isinstance(v, kinds) and v == v for v in what.values):
            raise InputError(f"{whose}: expected some strings, numbers or booleans, got {list(what.values)!r}")
        return
    if not all(isinstance(end, (int, float)) and not isinstance(end, bool) for end in (what.low, what.high)):
        raise InputError(f"{whose}: expected numbers for low and high, got {what.low!r} and {what.high!r}")
    if not -math.inf < what.low <= what.high < math.inf:
        raise InputError(f"{whose}: expected low <= high, got {what.low!r} and {what.high!r}")
    if what.log and what.low <= 0:
        raise InputError(f"{whose}: a log range must lie above 0, got low = {what.low!r}")


def read_space(path: str | Path) -> Space:
    """Ranges from a TOML file: ``alpha = {low = 1e-3, high = 10.0, log = true}``, ``kind = ["a", "b"]``.

    Raises
    ------
    InputError
        Not there, not TOML, or an entry that is neither a range nor a list of choices.
    """
    try:
        content = read_toml(path)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; expected a TOML file with a range a parameter") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not readable as TOML ({error})") from None
    if not content:
        raise InputError(f"{path}: expected a range a parameter, as alpha = {{low = 0.1, high = 1.0}}, got none")
    return {key: _read_entry(f"{path}: {key}", value) for key, value in content.items()}


def _read_entry(whose: str, value: Any) -> Range | Choice:
    if isinstance(value, list):
        return Choice(tuple(value))
    if isinstance(value, dict) and {"low", "high"} <= set(value) <= {"low", "high", "log"}:
        log = value.get("log", False)
        if not isinstance(log, bool):
            raise InputError(f"{whose}: log: expected true or false, got {log!r}")
        return Range(value["low"], value["high"], log=log)
    raise InputError(
        f"{whose}: expected a list of choices or {{low = .., high = .., log = true or false}}, got {value!r}"
    )


def plain(space: Mapping[str, Range | Choice]) -> dict[str, Any]:
    """The space as JSON holds it."""
    return {
        key: list(what.values) if isinstance(what, Choice) else {"low": what.low, "high": what.high, "log": what.log}
        for key, what in space.items()
    }


def inside(what: Range | Choice, value: Any) -> bool:
    """Whether a search could have come upon this value."""
    if isinstance(what, Choice):
        return place(what, value) is not None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return what.low <= value <= what.high and (isinstance(value, int) or not what.whole)


def place(what: Choice, value: Any) -> int | None:
    """Where `value` stands among the choices; None where it does not."""
    # True == 1 in Python, and they are not one choice.
    same = (i for i, v in enumerate(what.values) if isinstance(v, bool) is isinstance(value, bool) and v == value)
    return next(same, None)
