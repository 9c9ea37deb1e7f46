"""A colour and a sign for each family of bridges, the same in every figure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

FAMILIES = {
    "diffusion": ("#D55E00", "o"), "closed form": ("#0072B2", "s"), "transport": ("#009E73", "^"),
    "memory": ("#CC79A7", "D"), "regression": ("#E69F00", "v"), "control": ("#000000", "P"), "anchor": ("#999999", "X"),
}  # fmt: skip
OTHER = ("#56B4E9", "h")


def sign(family: str) -> tuple[str, str]:
    """Colour and marker."""
    return FAMILIES.get(family, OTHER)


def family_handles(families: Iterable[str]) -> list[Any]:
    """Entries of a legend, in the order of `FAMILIES`."""
    from matplotlib.lines import Line2D

    found = dict.fromkeys(families)
    ordered = [name for name in FAMILIES if name in found] + [name for name in found if name not in FAMILIES]
    return [
        Line2D([], [], linestyle="", color=sign(name)[0], marker=sign(name)[1], markersize=4, label=name)
        for name in ordered
    ]
