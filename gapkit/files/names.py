"""Names under which a file may hold each part of paired embeddings."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from gapkit.embeddings import PER_ITEM
from gapkit.errors import InputError
from gapkit.files.columns import NAMES_OF_ITEMS
from gapkit.files.provenance import KEY
from gapkit.files.store import Look

ALIASES: Mapping[str, tuple[str, ...]] = {
    "source": (
        "source", "audio", "image", "x",
        "audio_embeds", "image_embeds", "audio_emb", "image_emb", "img_emb", "audio_embedding", "image_embedding",
        "audio_embeddings", "image_embeddings", "img_embeddings", "audio_features", "image_features", "img_features",
    ),
    "target": (
        "target", "text", "y",
        "text_embeds", "text_emb", "text_embedding", "text_embeddings", "text_features",
    ),
    "owner": ("owner",),
    "ids": (
        "ids", "id", "clip", "clip_id", "clip_ids", "item", "item_id", "item_ids", "key", "keys", "file_name",
        "filename", "file_names", "filenames", "file", "files", "path", "paths", "image_id", "image_ids", "audio_id",
        "audio_ids", "image_path", "audio_path", "youtube_id", "uid", "names", "name", "video_id", "img_id",
        *(name for name in NAMES_OF_ITEMS if name not in ("audio", "image")),
    ),
    "captions": ("captions", "caption", "text", "texts", "sentence", "sentences", "raw_caption"),
    "split": ("split", "splits", "subset", "partition"),
    "labels": ("labels", "label", "class", "classes", "class_label", "category", "categories"),
    "groups": ("groups", "group", "group_id", "group_ids"),
    "fitted": ("fitted",),
    "name": ("name",),
    "provenance": (KEY,),
}  # fmt: skip
"""In plain letters, by part; the first is the name that gapkit writes."""

ALONE = ("embeddings", "embedding", "features", "feature")
"""Names of the matrix of a file that holds one side."""

SIDES = ("source", "target")

OF_ITEMS = (*PER_ITEM, "fitted")
"""Parts that have one entry an item."""

OF_THE_WHOLE = ("name", "provenance")
"""Parts that are one text."""

IDS_OF = {
    "source": ("source_ids", "source_id", "audio_ids", "image_ids"),
    "target": ("target_ids", "text_ids"),
}
"""Names of the ids of one side, where each side of a file has its own."""


_BESIDE = {
    name
    for names in (*IDS_OF.values(), *(names for part, names in ALIASES.items() if part not in SIDES))
    for name in names
}


def plain(key: str) -> str:
    """A name as it is compared: case, blanks and hyphens do not matter.

    Examples
    --------
    >>> plain(" Audio-Embeds ")
    'audio_embeds'
    """
    return key.strip().lower().replace("-", "_").replace(" ", "_")


def in_number_order(name: str) -> list[tuple[int, str]]:
    """Sort key by which ``clip2`` stands before ``clip10``."""
    pieces = re.split(r"(\d+)", name)  # texts and numbers by turns
    return [(len(bare := piece.lstrip("0")), bare) if place % 2 else (0, piece) for place, piece in enumerate(pieces)]


def is_part(key: str) -> bool:
    """Tell whether `key` names something that lies beside a matrix."""
    return plain(key) in _BESIDE


def named(keys: Collection[str], names: tuple[str, ...]) -> list[str]:
    """The keys that are called by one of `names`, in the order of the names."""
    place: dict[str, str] = {}
    for key in keys:
        place.setdefault(plain(key), key)
    return [place[name] for name in names if name in place]


def side_key(looks: Mapping[str, Look], keys: Collection[str], side: str, where: str) -> str | None:
    """The key of the matrix of one side, by its names; None where there is none.

    Raises
    ------
    InputError
        Several matrices go by names of this side, and none is called `side` itself.
    """
    hits = named(keys, ALIASES[side])
    if hits and plain(hits[0]) == side:
        return hits[0]
    numbers = [key for key in hits if is_matrix(looks.get(key))]
    # Texts beside a matrix are captions; alone they are refused as what they are.
    hits = numbers or [key for key in hits if key in looks and looks[key].kind not in "US"] or hits[:1]
    if len(hits) > 1:
        raise InputError(
            f"{where}: holds both {hits[0]} and {hits[1]}; rename the one meant to {side!r}, or choose with "
            f"{where}:{hits[0]} and the other side as --target"
        )
    return hits[0] if hits else None


def is_matrix(look: Look | None) -> bool:
    """Tell whether an array may be embeddings: numbers in rows."""
    return look is not None and look.kind in "fiu" and len(look.shape) in (2, 3)


def is_list(look: Look | None) -> bool:
    """Tell whether an array may name, sort or mark items: a vector of texts, whole numbers, or true and false."""
    return look is not None and look.kind in "USiub" and len(look.shape) == 1
