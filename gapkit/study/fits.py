"""Names of the folders of fitted bridges: ``BRIDGE``, ``BRIDGE-sSEED``, and with ``-fFOLD`` in a study in folds."""

from __future__ import annotations

import re
from typing import NamedTuple

_NAME = re.compile(r"(?P<cell>(?P<bridge>.+?)(-s(?P<seed>-?\d+))?)(-f(?P<fold>\d+))?")


class FitName(NamedTuple):
    """What a name says.

    Parameters
    ----------
    cell : str
        Stem of the cell that was measured with it.
    bridge : str
        Name of the bridge in the table.
    seed, fold : int or None
        None where there is none.
    """

    cell: str
    bridge: str
    seed: int | None
    fold: int | None


def read_fit_name(name: str) -> FitName:
    """The parts of the name of a folder."""
    match = _NAME.fullmatch(name)
    if match is None:  # a line break, which no name of a bridge has
        return FitName(name, name, None, None)
    seed, fold = (None if match[key] is None else int(match[key]) for key in ("seed", "fold"))
    return FitName(match["cell"], match["bridge"], seed, fold)
