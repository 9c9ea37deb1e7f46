"""Encoders by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from gapkit.encoders.base import Encoder
from gapkit.errors import InputError
from gapkit.registry import Registry

ENCODERS: Registry[type[Encoder]] = Registry("encoder", "gapkit.encoders", "gapkit.encoders")

DEFAULT_ENCODER = "offline"


def register_encoder(name: str) -> Callable[[type[Encoder]], type[Encoder]]:
    """Class decorator: register an encoder under `name`."""

    def add(cls: type[Encoder]) -> type[Encoder]:
        cls.name = name
        return ENCODERS.register(name, cls)

    return add


def encoder_names() -> list[str]:
    """Names of all encoders, those of plugins included; none is loaded for it."""
    return ENCODERS.names()


def make_encoder(name: str = DEFAULT_ENCODER, **params: Any) -> Encoder:
    """Load an encoder by name, weights included.

    Parameters
    ----------
    name : str
        One of `encoder_names`.
    **params
        Of that encoder: ``model`` and ``revision`` of those that load from the hub, ``device`` of all.

    Raises
    ------
    InputError
        Unknown name (the nearest are offered), a parameter that this encoder does not have, a missing package (the
        extra that installs it is named), weights that cannot be had.
    """
    cls = ENCODERS.get(name)
    known = list(inspect.signature(cls).parameters)
    unknown = [key for key in params if key not in known]
    if unknown:
        raise InputError(f"encoder {name!r} has no option {unknown[0]!r}; it has: {', '.join(known) or 'none'}")
    missing = [
        key
        for key, parameter in inspect.signature(cls).parameters.items()
        if parameter.default is parameter.empty and key not in params
    ]
    if missing:
        raise InputError(f"encoder {name!r} needs {', '.join(missing)}; make it in Python: {cls.__name__}(...)")
    return cls(**params)
