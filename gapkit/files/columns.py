"""Columns of tables by the names that published sets give them; case, blanks and hyphens do not matter.

Sources: AudioCaps 1 and 2 (github.com/cdjkim/audiocaps: audiocap_id, youtube_id, start_time, caption), Clotho
(zenodo.org/records/4783391: file_name, caption_1 to caption_5), WavCaps (github.com/XinhaoMei/WavCaps, json_files and
retrieval/data_handling: records under "data" of id, caption, audio or wav, caption_1 to caption_5), MACS
(zenodo.org/records/5114771: filename, annotations with sentence), Flickr30k (huggingface.co/datasets/nlphuji/flickr30k:
raw, sentids, split, filename, img_id; results.csv: image_name| comment_number| comment), COCO annotations and results
(image_id, caption, file_name) and Karpathy's splits (filename, sentences with raw), FENSE
(github.com/blmoistawinde/fense, test_data: file_name or youtube_id, caption; dataset: references), DCASE
(caption-evaluation-tools: file_name, caption_predicted, caption_reference_01), open_clip (training/params.py: filepath,
title), CoNeTTE (fname, cand, refs), MusicCaps (ytid, start_s, caption).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gapkit.errors import InputError

_ROLES: dict[str, tuple[str, ...]] = {
    "path": (
        "path", "file_path", "filepath", "file_name", "filename", "fname", "file", "audio", "audio_path", "wav",
        "wav_path", "image", "image_path", "img_path", "image_name",
    ),
    "id": ("id", "image_id", "audio_id", "clip_id", "item_id", "sample_id", "ids", "clip", "item", "key", "uid"),
    "video": ("youtube_id", "ytid"),
    "start": ("start_time", "start_s"),
    "split": ("split",),
    "label": ("label", "labels", "class", "category"),
    "group": ("group", "groups", "group_id"),
}  # fmt: skip
"""Names of each column but the captions, the one that is taken first before the others."""

_CAPTIONS = (
    re.compile(r"captions?(_?\d+)?"),
    re.compile(r"caption_reference_\d+|refs|references"),
    *map(re.compile, ("raw", "sentences?", "annotations", "comment", r"texts?|raw_captions?", "title")),
    re.compile(r"caption_predicted|cand|candidate|prediction"),
)
"""Columns of captions; all that one pattern matches are taken, and the other patterns are left."""

NAMES_OF_ITEMS = (*_ROLES["id"], *_ROLES["video"], *_ROLES["path"])
"""Columns by which rows of an embedding file may name their items too."""

_ROLE_OF = {name: role for role, names in _ROLES.items() for name in names}


@dataclass(frozen=True)
class Columns:
    """Name of each column in one table, as written there; None where there is none."""

    captions: tuple[str, ...]
    path: str | None
    id: str | None
    video: str | None
    start: str | None
    split: str | None
    label: str | None
    group: str | None


def role_of(name: Any) -> str | None:
    """Part of a record that a column of this name holds: "caption", "path", "id", "split", ...; None if unknown.

    Examples
    --------
    >>> role_of("Caption 2"), role_of("FilePath"), role_of("loudness")
    ('caption', 'path', None)
    """
    plain = plain_name(name)
    if any(pattern.fullmatch(plain) for pattern in _CAPTIONS):
        return "caption"
    return _ROLE_OF.get(plain)


def find_columns(columns: Sequence[str], *, said: bool = False) -> Columns:
    """Columns by role; `said`: captions that a system said come before those of people."""
    plain = {plain_name(name): name for name in reversed(columns)}
    one = {role: next((plain[name] for name in names if name in plain), None) for role, names in _ROLES.items()}
    for pattern in sorted(_CAPTIONS, key=lambda pattern: said and pattern is not _CAPTIONS[-1]):
        captions = tuple(name for name in columns if pattern.fullmatch(plain_name(name)))
        if captions:
            break
    return Columns(captions, **one)


def need_columns(path: object, columns: Sequence[str], *wanted: str, said: bool = False) -> Columns:
    """Columns of a table that must have some of them.

    Parameters
    ----------
    path : path
        Opens the error message.
    columns : sequence of str
    *wanted : {"caption", "id", "path"}
        An id is also a path or the YouTube id of a clip.

    Raises
    ------
    InputError
        One of them is missing; the nearest names are given.
    """
    found = find_columns(columns, said=said)
    there = {
        "caption": found.captions,
        "id": found.id or found.path or found.video,
        "path": found.path or found.id,
    }
    missing = [role for role in wanted if not there[role]]
    if missing:
        near = [name for role in missing for name in difflib.get_close_matches(role, columns, n=2, cutoff=0.4)]
        shown = dict.fromkeys(near or columns)
        listed = f"there {'are' if len(shown) != 1 else 'is'} {', '.join(map(repr, shown))[:120] or 'none'}"
        raise InputError(
            f"{path}: no column {' and no column '.join(map(repr, missing))} ({listed}); expected {', '.join(wanted)}, "
            "under these or the names that published sets give them, and split where known"
            + ("; a table of AudioCaps is read with --reader audiocaps" if "path" in missing and found.video else "")
        )
    return found


def texts_in(value: Any) -> Iterator[str]:
    """Every caption of a cell that holds a text, or a list of texts or of records with one.

    Raises
    ------
    ValueError
        The cell holds something else; the message says what.
    """
    for one in value if isinstance(value, list | tuple) else [value]:
        text = one
        if isinstance(one, dict):
            text = next((one[name] for name in one if role_of(name) == "caption"), one)
        if text is None or text != text:  # NaN is how tables say nothing
            yield ""
        elif isinstance(text, str):
            yield text
        else:
            raise ValueError(f"expected a caption that is text, got {text!r:.60}")


def name_in(value: Any) -> str:
    """A name out of a cell that holds a text or a whole number; empty where it holds nothing.

    Raises
    ------
    ValueError
        The cell holds something else; the message says what.
    """
    if value is None or value != value:
        return ""
    if isinstance(value, float) and value.is_integer():  # a column of whole numbers with an empty cell in it
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"expected an id that is text or a whole number, got {value!r:.60}")
    return str(value)


def word_in(value: Any) -> str:
    """Any value of a cell as text; empty where the cell holds nothing."""
    try:
        return name_in(value).strip()
    except ValueError:
        return "; ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def plain_name(name: Any) -> str:
    """A column's name without case, outer blanks, and inner blanks or hyphens as underscores."""
    return re.sub(r"[\s-]+", "_", str(name).strip().lower())
