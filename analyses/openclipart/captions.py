"""An English sentence for each drawing, and which drawings are of one subject."""

from __future__ import annotations

import re

from openclipart.drawings import Drawing

KEYWORDS = 4
A_SUBJECT = 3
"""Drawings of one subject that are kept, at most."""
NO_SUBJECT = {
    "a",
    "an",
    "and",
    "b",
    "black",
    "color",
    "colour",
    "i",
    "ii",
    "iii",
    "in",
    "of",
    "on",
    "the",
    "w",
    "white",
    "with",
}


def caption(drawing: Drawing) -> str:
    """A sentence such as ``A drawing of Owl on Branch, filed under animal and bird.``.

    Keywords that only repeat the title are left out; where none is left, the folder stands for them,
    if it says anything.
    """
    title = set(_words(drawing.title))
    words = [word for word in drawing.keywords if not set(_words(word)) <= title][:KEYWORDS]
    folder = drawing.path.split("/")[-2].replace("_", " ")
    if not words and folder not in ("unsorted", "special"):
        words = [folder]
    if not words:
        return f"A drawing of {drawing.title}."
    listed = words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
    return f"A drawing of {drawing.title}, filed under {listed}."


def subject(title: str) -> str:
    """Title without what does not tell subjects apart: case, number, plural, little words, black and white."""
    words = [word for word in _words(title) if word not in NO_SUBJECT]
    return " ".join(sorted(words)) or title.lower()


def chosen(drawings: list[Drawing]) -> list[Drawing]:
    """The first `A_SUBJECT` drawings of each subject, in the order of their paths; no caption twice."""
    count: dict[str, int] = {}
    captions: set[str] = set()
    kept = []
    for drawing in drawings:
        key, text = subject(drawing.title), caption(drawing).lower()
        if count.get(key, 0) < A_SUBJECT and text not in captions:
            count[key] = count.get(key, 0) + 1
            captions.add(text)
            kept.append(drawing)
    return kept


def _words(text: str) -> list[str]:
    return [word.removesuffix("s") or word for word in re.findall(r"[^\W\d_]+", text.lower())]
