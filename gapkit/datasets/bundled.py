"""Real embeddings inside the package: a folder each, with an ``.npz``, a ``card.json`` and a ``LICENSE.md``."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import json
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError
from gapkit.files import load_pairs
from gapkit.registry import nearest_of
from gapkit.statistics import cells_of

HEADS = {"openclipart": "offline-image-heads.safetensors", "soundscapes": "offline-heads.safetensors"}
"""The heads of each set that came into the package with it; `gapkit embed` names them by their hash."""


@dataclass(frozen=True)
class DatasetCard:
    """What is known of a dataset without loading it.

    Parameters
    ----------
    name, title : str
    size : float
        Megabytes in the package.
    licence : str
        In one line; the whole is in ``LICENSE.md`` beside the data.
    source, target : str
        What each side is and which encoder made it.
    attribution : str
        Who is to be named.
    splits : dict of str to int
        Clips in each split.
    gap : dict of str to float
        Centroid distance, paired cosine and unpaired cosine of the test split.
    packed_from, content : str
        blake2b of the files it was packed from, and `PairedEmbeddings.content_hash` of what came out.
    """

    name: str
    title: str
    size: float
    licence: str
    source: str
    target: str
    attribution: str
    splits: dict[str, int]
    gap: dict[str, float]
    packed_from: str
    content: str


def dataset_names() -> list[str]:
    """Names that `load_dataset` knows."""
    return sorted(folder.name for folder in resources.files(__package__).iterdir() if (folder / "card.json").is_file())


def describe(name: str) -> DatasetCard:
    """The card of a dataset.

    Raises
    ------
    InputError
        Unknown name; the nearest are offered.
    """
    folder = _folder(name)
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    with resources.as_file(folder / f"{name}.npz") as path:
        size = path.stat().st_size / 1e6
    return DatasetCard(name=name, size=round(size, 1), **card)


def load_dataset(name: str) -> PairedEmbeddings:
    """A bundled dataset, all splits.

    Parameters
    ----------
    name : str
        One of `dataset_names`.

    Returns
    -------
    PairedEmbeddings
        With ids, captions, groups (see `load_groups`), labels (see `load_labels`) and splits: ``train`` to fit on,
        ``val`` to choose on, ``test`` to measure on.
        ``soundscapes`` has several captions a clip and a second test split ``unseen``, of kinds of sound that
        nothing was ever fitted on. ``sfx`` is one to one: its ``val`` and ``test`` hold one clip of each
        caption, ``val-duplicates`` and ``test-duplicates`` the others, ``encoder`` the clips that the encoders
        were trained on and ``shared`` those whose sound is also in ``val`` or ``test`` under another caption.
        `meta` holds the card, and in ``encoder`` the heads that the rows went through.

    Raises
    ------
    InputError
        Unknown name; the nearest are offered.

    Examples
    --------
    >>> load_dataset("sfx").subset("test").source.shape
    (284, 256)
    """
    card = describe(name)
    with resources.as_file(_folder(name) / f"{name}.npz") as path:
        pairs = load_pairs(path, name=name)
    meta = {key: value for key, value in pairs.meta.items() if key not in ("files", "opened")}
    encoder = {"source": card.source, "target": card.target, "heads": _heads(name)}
    about = {**meta, "dataset": dataclasses.asdict(card), "encoder": encoder}
    labels = load_labels(name)
    return dataclasses.replace(
        pairs, meta=about, groups=cells_of(load_groups(name)), labels=None if labels is None else np.array(labels)
    )


def _heads(name: str) -> str:
    """Hash of the heads of a set, as encoders give it; the name of the set where they are not in the package."""
    if name not in HEADS:
        return f"those of {name}"
    content = (resources.files("gapkit.encoders") / "weights" / HEADS[name]).read_bytes()
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def load_details(name: str) -> dict[str, NDArray[Any]]:
    """What a bundled dataset tells of each clip beside its embeddings.

    Parameters
    ----------
    name : str
        One of `dataset_names`.

    Returns
    -------
    dict of str to array
        Rows as in `load_dataset`, one a clip, except ``captions`` and ``owner``: one a target row. For ``sfx``:
        ``ids``, ``captions``, ``split``, ``package`` (where the sound comes from) and ``duration`` in seconds. For
        ``soundscapes``: ``ids``, ``captions``, ``owner``, ``split`` and ``recordings`` (n, 3), the recordings of
        `load_manifest` that are heard in the clip, -1 where there are fewer than three. For
        ``openclipart``: ``ids``, ``captions``, ``split`` and ``artist``.

    Raises
    ------
    InputError
        Unknown name; the nearest are offered.
    """
    with (
        resources.as_file(_folder(name) / f"{name}.npz") as path,
        np.load(path, allow_pickle=False) as arrays,
    ):
        return {key: arrays[key] for key in arrays.files if key not in ("source", "target", "name")}


def load_groups(name: str) -> list[list[str]]:
    """The origins of each item of a bundled dataset: items that share one are not independent.

    Parameters
    ----------
    name : str
        One of `dataset_names`.

    Returns
    -------
    list of list of str
        Rows as in `load_dataset`, one label or several an item. ``soundscapes``: the recordings that are heard in the
        scene, where recordings that sound the same have one label. ``openclipart``: the group of drawings of one
        subject or one look. ``sfx``: the package that the sound comes from.

    Raises
    ------
    InputError
        Unknown name, or a dataset whose groups are not known.

    Examples
    --------
    >>> load_groups("sfx")[0]
    ['wesnoth']
    """
    details = load_details(name)
    if "recordings" in details:
        alike = [f"sound {recording['group']}" for recording in load_manifest(name)["recordings"]]
        return [[alike[number] for number in heard if number >= 0] for heard in details["recordings"].tolist()]
    if "package" in details:
        return [[package] for package in details["package"].tolist()]
    path = _folder(name) / "groups.json.gz"
    if not path.is_file():
        raise InputError(f"dataset {name}: the groups of its items are not known; give groups of your own")
    return [[label] for label in json.loads(gzip.decompress(path.read_bytes()))]


def load_labels(name: str) -> list[str] | None:
    """The class of each item of a bundled dataset.

    Parameters
    ----------
    name : str
        One of `dataset_names`.

    Returns
    -------
    list of str or None
        Rows as in `load_dataset`; empty where an item has no class. ``soundscapes``: the concept of the scene, where
        all recordings in it are of one. ``openclipart``: the folder of the drawing in the library. ``sfx``: None.

    Raises
    ------
    InputError
        Unknown name.

    Examples
    --------
    >>> load_labels("openclipart")[0]
    'animals'
    """
    details = load_details(name)
    if "recordings" in details:
        concepts = [str(recording["concept"]) for recording in load_manifest(name)["recordings"]]
        heard = [{concepts[number] for number in scene if number >= 0} for scene in details["recordings"].tolist()]
        return [next(iter(scene)) if len(scene) == 1 else "" for scene in heard]
    if "artist" in details:
        return [path.split("/")[0] for path in details["ids"].tolist()]
    return None


def load_manifest(name: str) -> dict[str, Any]:
    """What a bundled dataset was built from: packages, recordings with licence and split, encoders, hashes.

    Parameters
    ----------
    name : str
        One of `dataset_names` that has a manifest: ``soundscapes``.

    Returns
    -------
    dict

    Raises
    ------
    InputError
        Unknown name, or a dataset without a manifest.

    Examples
    --------
    >>> load_manifest("soundscapes")["recordings"][0]["licence"]
    'CC-BY-SA-3.0'
    """
    path = _folder(name) / "manifest.json.gz"
    if not path.is_file():
        raise InputError(f"dataset {name}: has no manifest; load_details({name!r}) tells what is known of its clips")
    manifest: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
    return manifest


def _folder(name: str) -> Traversable:
    known = dataset_names()
    if name not in known:
        raise InputError(f"unknown dataset {name!r}: {nearest_of(name, known)}")
    return resources.files(__package__) / name
