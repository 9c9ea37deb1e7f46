"""Names that published data give to their splits."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

Role = Literal["fit", "validation", "test"]

NAMES: dict[Role, tuple[str, ...]] = {
    "fit": ("train", "training", "development"),
    "validation": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing", "evaluation", "eval"),
}
"""Words for each part of the data; the first is the default."""

FLAGS = "name them with --fit-split, --validation-split and --test-split"
"""The remedy for splits of other names."""


def split_named(role: Role, asked: str, here: Collection[str]) -> str:
    """The split that a name stands for.

    Parameters
    ----------
    role : {"fit", "validation", "test"}
    asked : str
        A name. Only the default of the role stands for its synonyms too.
    here : collection of str
        Splits of the data.

    Returns
    -------
    str
        `asked` where the data have it, or where no other is meant for sure; the one synonym that the data have
        otherwise.

    Examples
    --------
    >>> split_named("test", "test", ["development", "evaluation"])
    'evaluation'
    >>> split_named("test", "test", ["eval", "evaluation"])
    'test'
    """
    if asked in here or asked != NAMES[role][0]:
        return asked
    found = [name for name in here if name.casefold() in NAMES[role]]
    return found[0] if len(found) == 1 else asked
