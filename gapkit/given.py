"""Numbers that a caller gave, checked before they are used: one wording for what is no whole number."""

from __future__ import annotations

import math
from numbers import Real
from operator import index
from typing import Any

from gapkit.errors import InputError

MUST = " must be"
"""How the parameters of a bridge or of heads are worded."""

SEEDS = 2**63 - 16
"""Furthest from 0 that a seed may be: 64 bits hold it, and those that are counted up from it."""


def whole(what: str, value: Any, least: int | None = 0, most: int | None = None, *, says: str = ": expected") -> int:
    """The number as an int.

    Parameters
    ----------
    what : str
        Whose it is: the parameter, behind the function or object where its name alone does not say so.
    value : object
        An int, or an integer of numpy or torch; a bool is none.
    least : int, optional
        The smallest that makes sense; None: any.
    most : int, optional
        The largest, where there is one; only with `least`.
    says : str
        Between the name and what it should be: parameters of models say `MUST`.

    Returns
    -------
    int

    Raises
    ------
    InputError

    Examples
    --------
    >>> whole("k", 10, 1)
    10
    >>> whole("k", 2.5, 1)
    Traceback (most recent call last):
    gapkit.errors.InputError: k: expected a whole number of at least 1, got 2.5
    """
    try:
        number = None if isinstance(value, bool) else index(value)
    except TypeError:
        number = None
    if number is not None and (least is None or number >= least) and (most is None or number <= most):
        return number
    bound = "" if least is None else f" of at least {least}" if most is None else f" in {least}..{most}"
    raise InputError(f"{what}{says} a whole number{bound}, got {value!r}")


def seed(what: str, value: Any, *, says: str = ": expected") -> int:
    """A seed as an int: any whole number that generators and the noise of rows can hold.

    Parameters
    ----------
    what, value, says
        As in `whole`.

    Returns
    -------
    int

    Raises
    ------
    InputError

    Examples
    --------
    >>> seed("random_state", 2**64, says=MUST)
    Traceback (most recent call last):
    gapkit.errors.InputError: random_state must be a whole number that 64 bits hold, got 18446744073709551616
    """
    number = whole(what, value, None, says=says)
    if abs(number) > SEEDS:
        raise InputError(f"{what}{says} a whole number that 64 bits hold, got {value!r}")
    return number


def positive(what: str, value: Any) -> float:
    """The number as a float.

    Parameters
    ----------
    what : str
    value : object

    Returns
    -------
    float
        Above 0 and finite.

    Raises
    ------
    InputError

    Examples
    --------
    >>> positive("bandwidth", 2)
    2.0
    """
    number = 0.0 if isinstance(value, bool) or not isinstance(value, Real) else float(value)
    if 0 < number < math.inf:
        return number
    raise InputError(f"{what}: expected a positive finite number, got {value!r}")


def real(value: Any) -> float:
    """The number as a float; NaN, which lies in no range, where it is none.

    Parameters
    ----------
    value : object
        A number of Python or numpy.

    Returns
    -------
    float

    Examples
    --------
    >>> real(2), real("2")
    (2.0, nan)
    """
    return float(value) if isinstance(value, Real) else math.nan


def memory_limit(value: Any) -> int:
    """Bytes of a `max_memory`, which may be given as 2e9.

    Parameters
    ----------
    value : object

    Returns
    -------
    int

    Raises
    ------
    InputError

    Examples
    --------
    >>> memory_limit(2e9)
    2000000000
    """
    number = 0.0 if isinstance(value, bool) or not isinstance(value, Real) else float(value)
    if 1 <= number < math.inf:
        return int(number)
    raise InputError(f"max_memory: expected a number of bytes, at least 1, got {value!r}")
