"""`gapkit doctor`: what is installed here, and what is missing."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from gapkit.cli import options

if TYPE_CHECKING:
    from gapkit.installation import Finding, Installation

TITLES = {
    "core": "always needed",
    "extras": "extras",
    "weights": "weights that no extra brings",
    "data": "bundled data",
    "machine": "this machine",
}


def doctor(as_json: options.Json = False) -> None:
    """Say what is installed here, what is missing, and what adds it.

    The exit code is 0 where everything that gapkit always needs is here, 1 where it is not: extras may be missing.
    """
    from gapkit.installation import examine_installation

    found = examine_installation()
    if as_json:
        import json

        sys.stdout.write(json.dumps(found.as_dict(), indent=2, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(_words(found))
    if not found.sound:
        raise typer.Exit(1)


def _words(found: Installation) -> str:
    lines = [f"gapkit {found.gapkit}, Python {found.python}"]
    width = max(len(one.name) for one in found.findings)
    for part, title in TITLES.items():
        rows = found.part(part)
        lines += ["", title] if rows else []
        lines += [f"  {one.state:8}{one.name:{width}}  {_told(one)}".rstrip() for one in rows]
    bad = [one.name for one in found.findings if one.part in ("core", "data") and one.state != "ok"]
    lines += ["", f"not sound: {', '.join(bad)}" if bad else "sound: everything that gapkit always needs is here"]
    return "\n".join(lines) + "\n"


def _told(one: Finding) -> str:
    lacking = f"needs {one.needs}" if one.needs else ""
    return "; ".join(part for part in (one.found, lacking, one.remedy) if part)
