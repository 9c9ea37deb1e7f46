"""Step 7: the numbers of the build, written into the dataset card and the licence file between their marks."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from gapkit.atomic import write_text
from soundscapes.features import Shard
from soundscapes.packing import OUTPUT, ROOT
from soundscapes.scenes import ARRANGEMENTS

ORDER = ("train", "val", "test", "unseen", "encoder")
EXAMPLES = 4

ABOUT = {
    "0ad": ("strategy game 0 A.D.", "Wildfire Games"),
    "freedesktop": (
        "desktop sounds",
        "Tim/corsica_s, Lucas McCallister, Dr. Richard Boulanger et al, horsthorstensen (freesound), Ivica Bukvic, "
        "Damien Sandras, the Pidgin developers, Red Hat, Inc.",
    ),
    "freedroid": ("arcade game Freedroid", "Johannes Prix, Reinhard Prix and others"),
    "hedgewars": ("artillery game Hedgewars", "Andrey Korotaev; saugox (freesound)"),
    "megaglest": ("strategy game MegaGlest", "The Glest Team, The MegaGlest Team"),
    "minetest": ("voxel game Minetest", "celeron55 (Perttu Ahola) and the Minetest contributors named in the file"),
    "oxygen": ("desktop sounds of KDE", "Nuno Filipe Povoa"),
    "sonic-pi": ("samples for live-coded music", "authors on freesound named in the file; Samuel Aaron"),
    "sound-icons": ("short signals for speech output", "Brailcom, o.p.s."),
    "tuxpaint": ("sounds of animals and things in a drawing program", "Bill Kendrick"),
    "ufoai": ("strategy game UFO: Alien Invasion", "The UFO:AI Team and the authors named in the file"),
    "wesnoth": ("strategy game The Battle for Wesnoth", "David White and the Wesnoth contributors"),
    "widelands": ("strategy game Widelands", "the Widelands Development Team"),
}
"""What each package is and whom its `copyright` file names for the sounds."""


def write_report(manifest: Mapping[str, Any], everything: Sequence[Shard]) -> None:
    """Fill ``docs/soundscapes.md`` and ``LICENSE.md``."""
    size = (OUTPUT / "soundscapes.npz").stat().st_size / 1e6
    parts = {
        "built": f"Built from `{manifest['built_from']}`; content `{manifest['content']}`; {size:.1f} MB.",
        "measured": measured_table(manifest["measured"]),
        "composition": composition_table(manifest["recordings"], everything),
        "examples": examples(everything),
        "packages": package_table(manifest),
    }
    for path in (ROOT / "docs" / "soundscapes.md", OUTPUT / "LICENSE.md"):
        text = path.read_text(encoding="utf-8")
        for name, part in parts.items():
            text = re.sub(
                rf"(<!-- {name} -->\n).*?(<!-- end -->)", lambda m, p=part: f"{m[1]}\n{p}\n\n{m[2]}", text, flags=re.S
            )
        write_text(path, text)


def measured_table(measured: Mapping[str, Mapping[str, float]]) -> str:
    """Gap and retrieval of every split, before any bridge."""
    lines = [
        "| split | clips | captions (distinct; also in `train`) | centroid distance | paired cosine | unpaired "
        "| separability | R@1 | R@10 | chance of R@10 |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for split in ORDER:
        m = measured[split]
        lines.append(
            f"| `{split}` | {m['clips']:,} "
            f"| {m['captions']:,} ({m['distinct_captions']:,}; {m['captions_in_train']:,}) "
            f"| {m['centroid_distance']:.3f} | {m['paired_cosine']:.3f} | {m['unpaired_cosine']:.3f} "
            f"| {m['separability']:.3f} | {m['recall_at_1']:.3f} | {m['recall_at_10']:.3f} | {10 / m['clips']:.3f} |"
        )
    return "\n".join(lines)


def composition_table(recordings: Sequence[Mapping[str, Any]], everything: Sequence[Shard]) -> str:
    """What each split is composed of."""
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    for shard in everything:
        kinds[shard.split].update(scene.arrangement for scene in shard.scenes)
    heard = {
        split: {e.recording for s in everything if s.split == split for scene in s.scenes for e in scene.events}
        for split in ORDER
    }
    lines = [
        "| split | recordings heard | groups | concepts | " + " | ".join(ARRANGEMENTS) + " |",
        "|---" * (4 + len(ARRANGEMENTS)) + "|",
    ]
    for split in ORDER:
        rows = [recordings[number] for number in sorted(heard[split])]
        counts = " | ".join(f"{kinds[split][name]:,}" for name in ARRANGEMENTS)
        groups, concepts = len({row["group"] for row in rows}), len({row["concept"] for row in rows})
        lines.append(f"| `{split}` | {len(rows):,} | {groups:,} | {concepts} | {counts} |")
    return "\n".join(lines)


def examples(everything: Sequence[Shard]) -> str:
    """The first clips of the test split with all their captions."""
    test = next(shard for shard in everything if shard.split == "test")
    told = []
    for scene, captions in list(zip(test.scenes, test.captions, strict=True))[:EXAMPLES]:
        sounds = ", ".join(
            f"{event.concept} ({event.distance}{f', {event.times} times' if event.times > 1 else ''})"
            for event in scene.events
        )
        told.append(f"**{scene.id}**, {scene.arrangement}: {sounds}; room: {scene.room}; noise: {scene.noise}\n")
        told += [f"- {caption}" for caption in captions]
        told.append("")
    return "\n".join(told).rstrip()


def package_table(manifest: Mapping[str, Any]) -> str:
    """Recordings by package and licence."""
    licences: dict[str, Counter[str]] = defaultdict(Counter)
    for row in manifest["recordings"]:
        if row["split"]:
            licences[row["source"]][row["licence"]] += 1
    lines = [
        "| `source` | Debian package and version | what | recordings | licence | copyright |",
        "|---|---|---|---|---|---|",
    ]
    for source in manifest["packages"]:
        counts = licences[source["name"]]
        said = ", ".join(f"{name} ({n})" for name, n in counts.most_common()) if len(counts) > 1 else next(iter(counts))
        what, whom = ABOUT[source["name"]]
        lines.append(
            f"| `{source['name']}` | {source['package']} {source['version']} | {what} | {counts.total():,} "
            f"| {said} | {whom} |"
        )
    return "\n".join(lines)
