"""Step 2b: the licence of each recording, from the machine-readable `copyright` file of its package."""

from __future__ import annotations

import fnmatch
import re

FREE_FORM = {"wesnoth": "GPL-2+"}
"""Packages whose file is prose, read by hand."""

ROOTS = {
    "freedesktop": ("usr/share/sounds/freedesktop/", ""),
    "hedgewars": ("usr/share/games/hedgewars/", "share/hedgewars/"),
    "minetest": ("usr/share/games/minetest/games/minetest_game/", "mtg/"),
    "sonic-pi": ("usr/share/sonic-pi/samples/", "etc/samples/"),
    "ufoai": ("usr/share/games/ufoai/base/0snd.pk3!/", "base/"),
    "widelands": ("usr/share/games/widelands/", ""),
}
"""Where a package installs its sounds, and what that folder is called in the source that `copyright` speaks of."""


def licence_rules(text: str) -> list[tuple[str, str]]:
    """(pattern, licence) of every ``Files`` stanza of a DEP-5 file, in its order: a later one overrules."""
    rules = []
    for stanza in re.split(r"\n\s*\n", text):
        # A line that begins with white space goes on with the field above it.
        fields = dict(re.findall(r"^([A-Za-z-]+):((?:.*(?:\n[ \t].*)*))", stanza, flags=re.M))
        if "Files" in fields and "License" in fields:
            licence = fields["License"].strip().splitlines()[0].strip()
            rules += [(pattern, licence) for pattern in fields["Files"].split()]
    return rules


def licence_of(rules: list[tuple[str, str]], source: str, path: str) -> str | None:
    """The licence of a recording by its path inside the binary package; the last pattern that fits decides.

    None where the file does not say.
    """
    if source in FREE_FORM:
        return FREE_FORM[source]
    installed, original = ROOTS.get(source, ("", ""))
    name = original + path.removeprefix(installed)
    found = [licence for pattern, licence in rules if fnmatch.fnmatchcase(name, pattern)]
    return found[-1] if found else None
