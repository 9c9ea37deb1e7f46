"""Manifests: with what, where and when a study ran."""

from __future__ import annotations

import datetime as dt
import json
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gapkit
from gapkit.atomic import write_text
from gapkit.encoders.packages import version
from gapkit.records import as_json, sealed

PACKAGES = ("numpy", "scipy", "torch", "scikit-learn", "pandas", "safetensors")


def software(packages: Sequence[str] = PACKAGES) -> dict[str, Any]:
    """Versions of what computes here, and the machine."""
    return {
        "gapkit": gapkit.__version__,
        "python": platform.python_version(),
        "packages": {name: version(name) or None for name in packages},
        "platform": platform.platform(),
        "processor": platform.processor() or platform.machine(),
    }


def times(began: dt.datetime) -> dict[str, str]:
    """When it began and ended, in UTC; it ends now."""
    now = dt.datetime.now(dt.UTC)
    return {key: when.isoformat(timespec="seconds") for key, when in (("started", began), ("finished", now))}


def write_manifest(path: Path, content: Mapping[str, Any]) -> None:
    """Write a manifest as sealed JSON.

    Raises
    ------
    GapkitError
        The disk is full or the folder cannot be written to.
    """
    write_text(path, manifest_text(content))


def manifest_text(content: Mapping[str, Any]) -> str:
    """A manifest as JSON, sealed."""
    return json.dumps(sealed(as_json(content)), indent=2, ensure_ascii=False) + "\n"
