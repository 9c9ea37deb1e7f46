"""A line for the verdict on a study: does a bridge help captions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gapkit.captioning.results import CaptionResults
from gapkit.verdict.phrases import listed
from gapkit.verdict.standing import LEVEL

FOLDER = "captions"
"""Caption study of a study, inside its folder."""
SCORE, NAME = "cider_d", "CIDEr-D"


def caption_lines(study: Path) -> tuple[tuple[str, str], ...]:
    """One line on the caption study that lies in a study; nothing where there is none.

    Raises
    ------
    InputError
        One that is not readable.
    """
    folder = study / FOLDER
    if not (folder / "manifest.json").is_file():
        return ()
    said = list(_parts(CaptionResults.read(folder)))
    return (("Captions", f"{NAME} against no bridge: {'; '.join(said)}."),) if said else ()


def _parts(results: CaptionResults) -> Iterator[str]:
    """Each protocol and training: which bridges are measurably better or worse (paired, Holm)."""
    found = results.tests("identity", SCORE)
    for (protocol, training), own in found.groupby(["protocol", "training"], sort=False):
        sure = own[own["p_holm"] < LEVEL]
        # The difference is that of no bridge from each.
        told = [
            f"{word} with {listed(list(names))}"
            for word, names in (
                ("better", sure.loc[sure["difference"] < 0, "bridge"]),
                ("worse", sure.loc[sure["difference"] > 0, "bridge"]),
            )
            if len(names)
        ]
        yield f"{protocol}, {training}: {' and '.join(told) or 'no difference is measurable'}"
