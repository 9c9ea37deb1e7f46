"""Families of bridges: the kind of map, simplest first, also of rows that a merge or a sweep renamed."""

from __future__ import annotations

from gapkit.bridges.registry import BRIDGES

CONTROL, ANCHOR = "control", "anchor"
SIMPLEST_FIRST = ("closed form", "memory", "transport", "regression", "diffusion")
"""A family that is not among them counts as a network."""


def unlabelled(name: str) -> str:
    """The bridge behind ``NAME [LABEL]``, as a merge calls it, and ``NAME (steps=200)``, with other parameters.

    Examples
    --------
    >>> unlabelled("flow [night]"), unlabelled("flow (steps=200)")
    ('flow', 'flow')
    """
    return name.partition(" [")[0].partition(" (")[0]


def family_of(name: str) -> str:
    """The family of a row of a table; ``"anchor"`` where no bridge of that name is known.

    Examples
    --------
    >>> family_of("procrustes"), family_of("noise-only"), family_of("collapse")
    ('closed form', 'control', 'anchor')
    """
    base = unlabelled(name)
    return BRIDGES.get(base).family if base in BRIDGES.names() else ANCHOR


def simplicity(name: str) -> int:
    """Place of the family of a bridge, 0 the simplest."""
    family = family_of(name)
    return SIMPLEST_FIRST.index(family) if family in SIMPLEST_FIRST else len(SIMPLEST_FIRST)
