"""JSON that gapkit reads back, sealed by a digest when it is written and held against it when it is read; and TOML."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

SEAL = "digest"
"""Key of the digest; what older versions wrote has none."""


def as_json(value: Any) -> Any:
    """The same in the words of JSON: numbers and arrays of numpy are numbers, NaN is null, all else its repr."""
    if isinstance(value, np.generic | np.ndarray):
        return as_json(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): as_json(own) for key, own in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(own) for own in value]
    if isinstance(value, float):
        return None if value != value else value
    return value if value is None or isinstance(value, str | int) else repr(value)


def sealed(content: Mapping[str, Any]) -> dict[str, Any]:
    """The content, which must be JSON already, with its digest as the last key."""
    return {**content, SEAL: digest(content)}


def unsealed(content: Mapping[str, Any], *, required: bool = False) -> dict[str, Any]:
    """The content without its digest.

    Raises
    ------
    ValueError
        The digest is that of something else; or there is none, where it is `required`.
    """
    plain = {key: value for key, value in content.items() if key != SEAL}
    if (required or SEAL in content) and content.get(SEAL) != digest(plain):
        raise ValueError("not a byte of it may change, and some did")
    return plain


def digest(content: Mapping[str, Any]) -> str:
    """32 hex digits that stand for the content, however it is spaced and ordered."""
    text = json.dumps(content, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file.

    Raises
    ------
    OSError
    ValueError
        Not UTF-8, not JSON, not an object, or nested deeper than Python reads.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(content, dict):
        raise ValueError(f"expected an object, got a {type(content).__name__}")
    return content


def read_toml(path: str | Path) -> dict[str, Any]:
    """The tables of a TOML file.

    Raises
    ------
    OSError
    ValueError
        Not UTF-8, not TOML, or nested deeper than Python reads.
    """
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except RecursionError:
        raise ValueError("nested too deeply") from None
