"""First line of each table and page whose intervals and tests take items as independent, though they share origins.

    python analyses/independence.py

The studies of ``results/`` were made before groups of items became the units of intervals. Scripts that write their
tables and pages take the line from here. This one puts it before tables that nothing but another run could write anew.
Take a data set out of `REMARKS` when its studies are made anew.
"""

from __future__ import annotations

from pathlib import Path

from gapkit.atomic import write_text

RESULTS = Path(__file__).resolve().parents[1] / "results"
NARROW = "**Intervals and tests here take items as independent and are too narrow.**"
UNTESTED = "With groups as units the differences have not been tested yet."
"""What a page says in place of a test."""
REMARKS = {
    "soundscapes": (
        f"{NARROW} Scenes of `soundscapes` share recordings: standard errors are 2.4 to 2.6 times those printed for "
        "the cosine and 1.8 to 2.1 times for R@10, those of differences between bridges 1.0 to 2.1 times. "
        "No claim rests on them until they are made anew with groups."
    ),
    "sfx": (
        f"{NARROW} Sounds of `sfx` come from 13 packages: before any bridge intervals are 2.4 times as wide for the "
        "cosine and 2.5 times for R@10. No claim rests on them until they are made anew with groups."
    ),
    "clip-coco500": "Items taken as independent; no groups are known.",
}
"""By data set. Each test item of `openclipart` is a group of its own, so that its intervals stay as they are."""
TABLES = ("modality_gap/*.md", "captioning/*.md")


def marked(text: str, dataset: str) -> str:
    """The text of a table or page, with the remark on its data set as first line; once, however often it is marked."""
    remark = REMARKS.get(dataset)
    return text if remark is None or text.startswith(remark) else f"{remark}\n\n{text}"


def unmarked(text: str) -> str:
    """The text without its first line where that is a remark."""
    first, _, rest = text.partition("\n\n")
    return rest if first in REMARKS.values() else text


def tested(dataset: str) -> bool:
    """Whether the stored tests of a data set may be read: no items of one origin are known in it."""
    return not REMARKS.get(dataset, "").startswith(NARROW)


def main() -> None:
    """Mark the tables of stored studies."""
    for pattern in TABLES:
        for path in sorted(RESULTS.glob(pattern)):
            write_text(path, marked(path.read_text(encoding="utf-8"), path.stem.removesuffix("-tuned")))


if __name__ == "__main__":
    main()
