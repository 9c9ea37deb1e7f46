"""Caption decoders by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gapkit.captioning.decoders.base import CaptionDecoder, read_config
from gapkit.errors import InputError
from gapkit.options import describe_options
from gapkit.registry import Registry

DECODERS: Registry[type[CaptionDecoder]] = Registry("caption decoder", "gapkit.captioning.decoders", "gapkit.decoders")
DEFAULT_DECODER = "small"


def register_decoder(name: str) -> Callable[[type[CaptionDecoder]], type[CaptionDecoder]]:
    """Class decorator: register a caption decoder under `name`."""

    def add(cls: type[CaptionDecoder]) -> type[CaptionDecoder]:
        cls.name = name
        describe_options(cls)
        return DECODERS.register(name, cls)

    return add


def decoder_names() -> list[str]:
    """Names of all caption decoders, those of plugins included."""
    return DECODERS.names()


def make_decoder(name: str, **options: Any) -> CaptionDecoder:
    """An untrained caption decoder by name.

    Raises
    ------
    InputError
        Unknown name (the nearest are offered), an option that this decoder does not have, or one that it cannot use.
    """
    cls = DECODERS.get(name)
    known = list(inspect.signature(cls).parameters)
    unknown = [key for key in options if key not in known]
    if unknown:
        raise InputError(f"caption decoder {name!r} has no option {unknown[0]!r}; it has: {', '.join(known)}")
    made = cls(**options)
    made.check_options()
    return made


def load_decoder(folder: str | Path, **options: Any) -> CaptionDecoder:
    """The trained caption decoder in `folder`, of whatever kind it is.

    Parameters
    ----------
    folder : str or Path
    **options
        As those of its ``load``.

    Raises
    ------
    InputError
        No decoder there, broken files, a decoder whose package is not installed, or one without such an option.
    """
    name = read_config(Path(folder))["decoder"]
    load = DECODERS.get(name).load
    unknown = [key for key in options if key not in inspect.signature(load).parameters]
    if unknown:
        raise InputError(f"{folder}: caption decoder {name!r} is loaded without {unknown[0]}; leave it out")
    return load(folder, **options)
