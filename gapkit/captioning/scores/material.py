"""Candidates and references brought together, and what is wrong with them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gapkit.errors import InputError

FOREIGN = 0.1
"""Share of letters outside the Latin script from which a note is made."""


@dataclass(frozen=True)
class Material:
    """Captions of one system and the references of the same clips, in one order.

    Parameters
    ----------
    ids : tuple of str
    candidates : tuple of str
    references : tuple of tuple of str
        At least one a clip, none empty.
    notes : tuple of str
        What a reader of the scores should know.
    """

    ids: tuple[str, ...]
    candidates: tuple[str, ...]
    references: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


def check_references(references: Mapping[str, Sequence[str]]) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """References without the empty ones, and notes.

    Raises
    ------
    InputError
        None at all, something that is not text, or a clip with nothing but empty ones.
    """
    kept: dict[str, tuple[str, ...]] = {}
    empty = 0
    for key, said in references.items():
        if isinstance(said, str) or not isinstance(said, Sequence):
            raise InputError(f"references of {key!r}: expected a list of captions, got {said!r:.60}")
        for text in said:
            if not isinstance(text, str):
                raise InputError(f"references of {key!r}: expected text, got {text!r:.60}")
        kept[key] = tuple(text for text in said if text.strip())
        empty += len(said) - len(kept[key])
        if not kept[key]:
            raise InputError(f"references of {key!r}: expected at least one caption, got none; leave the clip out")
    if not kept:
        raise InputError("references: expected captions of at least one clip, got none")
    return kept, [f"{empty:,} empty references were left out"] if empty else []


def check_training(training: Iterable[str]) -> list[str]:
    """Training captions without the empty ones.

    Raises
    ------
    InputError
        One text alone, or something that is not text.
    """
    if isinstance(training, str):
        raise InputError(f"training: expected a list of captions, got {training!r:.60}")
    kept = []
    for text in training:
        if not isinstance(text, str):
            raise InputError(f"training: expected text, got {text!r:.60}")
        if text.strip():
            kept.append(text)
    return kept


def bring_together(
    candidates: Mapping[str, str],
    references: Mapping[str, Sequence[str]],
    *,
    common: bool = False,
    name: str = "",
    notes: Iterable[str] = (),
) -> Material:
    """Candidates beside their references, in the order of the candidates.

    Parameters
    ----------
    candidates : mapping of str to str
    references : mapping of str to sequence of str
    common : bool
        Score the clips that both have; otherwise a clip that only one has is refused.
    name : str
        Whose captions; opens the messages.
    notes : iterable of str
        What is known of them already.

    Raises
    ------
    InputError
        No clip, a clip that only one side has, something that is not text.
    """
    whose = f"candidates of {name}" if name else "candidates"
    kept, found = check_references(references)
    notes = [*notes, *found]
    if not candidates:
        raise InputError(f"{whose}: expected a caption of at least one clip, got none")
    for key, text in candidates.items():
        if not isinstance(text, str):
            raise InputError(f"{whose}: caption of {key!r}: expected text, got {text!r:.60}")
    alone = [key for key in candidates if key not in kept]
    silent = [key for key in kept if key not in candidates]
    ids = tuple(key for key in candidates if key in kept)
    if not ids:
        raise InputError(
            f"{whose}: none of {len(candidates):,} ids is among the {len(kept):,} of the references (first: "
            f"{alone[0]!r} beside {silent[0]!r}); make them agree"
        )
    if (alone or silent) and not common:
        sides = [("without references", alone), ("references without a candidate", silent)]
        told = " and ".join(f"{len(keys):,} {what} (first: {keys[0]!r})" for what, keys in sides if keys)
        raise InputError(f"{whose}: {told}; give both for every clip, or score only the clips that both have (common)")
    for keys, what in ((alone, "candidates without references"), (silent, "references without a candidate")):
        if keys:
            notes.append(f"{len(keys):,} {what} were left out (first: {keys[0]!r})")
    blank = sum(not candidates[key].strip() for key in ids)
    if blank:
        notes.append(f"{blank:,} of {len(ids):,} candidates are empty and score 0")
    said = tuple(candidates[key] for key in ids)
    share = _foreign(" ".join((*said, *(text for key in ids for text in kept[key]))))
    if share > FOREIGN:
        notes.append(
            f"{share:.0%} of the letters are not Latin: the tokenizers split no words in scripts without blanks, and "
            "METEOR, SPICE and FENSE know English alone"
        )
    return Material(ids, said, tuple(kept[key] for key in ids), tuple(notes))


def _foreign(text: str) -> float:
    if text.isascii():
        return 0.0
    letters = [letter for letter in text if letter.isalpha()]
    foreign = sum(not letter.isascii() and "LATIN" not in unicodedata.name(letter, "") for letter in letters)
    return foreign / len(letters) if letters else 0.0
