"""Keys of jobs: a digest of everything that changes the number of a job."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import gapkit
from gapkit.encoders.packages import version
from gapkit.records import as_json
from gapkit.registry import Registry


def job_key(**parts: Any) -> str:
    """Digest of what a job depends on: the same parts give the same 32 hex digits."""
    text = json.dumps(as_json(parts), sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def versions(registry: Registry[Any], name: str) -> list[str]:
    """Version of gapkit, package that `name` comes from, and its version: what they compute may change with them."""
    package = registry.origin(name)
    own = version(package)
    return [gapkit.__version__, package, *([own] if own else [])]  # what a script registers has none


def plugin_version(registry: Registry[Any], name: str) -> str:
    """Package and version that `name` comes from; empty for what gapkit brings."""
    _, package, *own = versions(registry, name)
    return "" if package == "gapkit" else " ".join([package, *own])
