"""Step 2a: what a recording is, by the name of its file: reads ``concepts.toml``."""

from __future__ import annotations

import fnmatch
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from soundscapes.sources import PACKAGES

LEFT_OUT = "left-out"
FILE = Path(__file__).with_name("concepts.toml")


@dataclass(frozen=True)
class Concept:
    """One kind of sound and how English says it."""

    name: str
    files: tuple[str, ...]
    said: tuple[str, ...]
    named: tuple[str, ...]
    bed: bool = False


def read_concepts(path: Path = FILE) -> dict[str, Concept]:
    """All concepts by name, in the order of the file (the order matters: the first match wins).

    `LEFT_OUT` is one of them, without phrases.
    """
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    concepts = {}
    for name, entry in table.items():
        unknown = set(entry) - {"files", "said", "named", "bed"}
        sources = {pattern.split(":", 1)[0] for pattern in entry["files"]} - {"*", *PACKAGES}
        if unknown or sources:
            raise ValueError(f"{path.name}: [{name}] has unknown entries {sorted(unknown | sources)}")
        phrases = {key: tuple(entry[key]) for key in ("files", "said", "named")}
        concepts[name] = Concept(name=name, **phrases, bed=entry.get("bed", False))
    return concepts


def labeller(concepts: dict[str, Concept]) -> list[tuple[re.Pattern[str], str]]:
    """Patterns in order of precedence, for `label`."""
    rules = []
    for concept in concepts.values():
        for pattern in concept.files:
            source, glob = pattern.split(":", 1)
            rules.append((re.compile(fnmatch.translate(f"{source}:*{glob}")), concept.name))
    return rules


def label(rules: list[tuple[re.Pattern[str], str]], source: str, path: str) -> str | None:
    """The concept of a recording, or None where no pattern fits.

    Parameters
    ----------
    source : str
        Short name of the package.
    path : str
        Path inside the package.
    """
    key = f"{source}:/{path.lower().rsplit('.', 1)[0]}"
    found = next((name for rule, name in rules if rule.match(key)), LEFT_OUT)
    return None if found == LEFT_OUT else found
