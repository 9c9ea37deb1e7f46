"""Bridges by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gapkit.bridges.base import Bridge
from gapkit.bridges.saving import read_config
from gapkit.errors import InputError
from gapkit.options import describe_options
from gapkit.registry import Registry

BRIDGES: Registry[type[Bridge]] = Registry("bridge", "gapkit.bridges", "gapkit.bridges")


def register_bridge(name: str) -> Callable[[type[Bridge]], type[Bridge]]:
    """Class decorator: register a bridge under `name`.

    Examples
    --------
    >>> from gapkit.bridges import Bridge, register_bridge
    >>> @register_bridge("flip")
    ... class Flip(Bridge):
    ...     "Minus the source."
    ...     needs_pairs = False
    ...     def _fit(self, source, target, context): pass
    ...     def _transform(self, source): return -source
    """

    def add(cls: type[Bridge]) -> type[Bridge]:
        cls.name = name
        describe_options(cls)
        return BRIDGES.register(name, cls)

    return add


def bridge_names() -> list[str]:
    """Names of all bridges, those of plugins included."""
    return BRIDGES.names()


def make_bridge(name: str, **params: Any) -> Bridge:
    """An unfitted bridge by name.

    Raises
    ------
    InputError
        Unknown name (the nearest are offered) or a parameter that this bridge does not have.
    """
    cls = BRIDGES.get(name)
    known = list(inspect.signature(cls).parameters)
    unknown = [key for key in params if key not in known]
    if unknown:
        raise InputError(f"bridge {name!r} has no parameter {unknown[0]!r}; it has: {', '.join(known) or 'none'}")
    return cls(**params)


def load_bridge(folder: str | Path) -> Bridge:
    """The fitted bridge in `folder`, of whatever kind it is.

    Raises
    ------
    InputError
        No bridge there, broken files, or a bridge whose package is not installed.
    """
    return BRIDGES.get(read_config(Path(folder))["bridge"]).load(folder)
