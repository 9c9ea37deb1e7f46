"""Folders as stores: one file an item, shards, a file or a folder for each part, and folders of `datasets`."""

from __future__ import annotations

import contextlib
import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gapkit.errors import InputError
from gapkit.files.names import ALIASES, in_number_order, is_part, plain
from gapkit.files.store import READERS, Access, Array, Look, Ragged, Store, open_store

MOST_FILES = 500_000
"""Files of one folder that are looked at."""

MOST_DEPTH = 4
"""Folders inside one another."""

SHARD = re.compile(r"(?P<name>.*?)[-_. ]?(?P<number>\d+)([-_]of[-_]\d+)?")
"""Stem of one of several files that follow each other: ``img_emb_10``, ``data-00000-of-00002``."""

STATE = "state.json"
"""Files that `datasets.save_to_disk` writes beside those of a table."""


def open_folder(folder: Path, *, items: Collection[str] = (), depth: int = 0) -> Store:
    """The arrays of a folder by name: of files by their stem, of shards by the stem without its number.

    Parameters
    ----------
    folder : Path
    items : collection of str
        Names of items that are known: files of these names hold one item each, however many rows they have.

    Raises
    ------
    InputError
        Nothing that is read here, files that do not belong together, links that lead out of the folder.
    """
    if (folder / STATE).is_file():
        return _shards(folder, [folder / name for name in _listed_in(folder / STATE)])
    files, folders = _content(folder)
    if not files and not folders:
        usual = "source.* and target.*, a file an item, shards, or folders named audio and text"
        raise InputError(f"{folder}: is a folder without embeddings; expected {usual}")
    keyed: dict[str, tuple[Store, str]] = {}
    inner: dict[str, Store] = {}
    for name, group in _grouped(files).items():
        stores = _opened(folder, name, group, items)
        if len(stores) == 1 and len(_grouped(files)) == 1 and not folders and not _is_single(stores[name]):
            return stores[name]
        for stem, store in stores.items():
            if _is_single(store):
                keyed[stem] = (store, store.keys[0])
            else:
                inner[stem] = store
    if depth < MOST_DEPTH:
        inner |= {path.name: open_folder(path, items=items, depth=depth + 1) for path in folders if _worth(path)}
    if (
        inner
        and not any(map(_is_usual, (*inner, *keyed)))
        and all(_is_item(store.look(k)) for store, k in keyed.values())
    ):
        keyed, inner = _below(folder, keyed, inner), {}
    return Store(folder, tuple(keyed), _reader_of(keyed), inner=inner)


def _reader_of(keyed: dict[str, tuple[Store, str]]) -> Callable[[], contextlib.AbstractContextManager[Access]]:
    def look(key: str) -> Look:
        store, inside = keyed[key]
        return store.look(inside)

    def read(key: str) -> Array:
        store, inside = keyed[key]
        return store.read(inside)

    return lambda: contextlib.nullcontext(Access(look, read))


def _below(
    folder: Path, keyed: Mapping[str, tuple[Store, str]], inner: Mapping[str, Store]
) -> dict[str, tuple[Store, str]]:
    """One array an item, here and in folders below: called by its stem, or by its way from here where stems repeat."""
    below = {f"{name}/{key}": (store, key) for name, store in inner.items() for key in store.keys}
    found = {**keyed, **below}
    stems = [way.rpartition("/")[2] for way in found]
    if any(not _is_item(store.look(key)) for store, key in found.values()):
        raise InputError(
            f"{folder}: holds the folders {', '.join(inner)}; expected ones named as sides, audio and text"
        )
    return found if len(set(stems)) < len(stems) else dict(zip(stems, found.values(), strict=True))


def _content(folder: Path) -> tuple[list[Path], list[Path]]:
    """Files that are read here, and folders; hidden ones left out."""
    files, folders = [], []
    for count, path in enumerate(folder.iterdir()):
        if count >= MOST_FILES:
            raise InputError(f"{folder}: has more than {MOST_FILES:,} files; stack them into one array and its ids")
        if path.name.startswith("."):
            continue
        if path.is_dir():
            _refuse_link(path, folder)
            folders.append(path)
        elif path.suffix.lower() in READERS:
            files.append(path)
    files.sort(key=lambda path: in_number_order(path.name))
    return files, sorted(folders, key=lambda path: in_number_order(path.name))


def _worth(folder: Path) -> bool:
    """Tell whether a folder holds anything that is read here, by the names in it."""
    return any(path.suffix.lower() in READERS or path.is_dir() for path in folder.iterdir())


def _refuse_link(path: Path, folder: Path) -> None:
    if path.is_symlink() and not path.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{path}: is a link that leads out of {folder}; copy what it leads to into the folder")


def _grouped(files: Sequence[Path]) -> dict[str, list[Path]]:
    """Files that follow each other under the name that they share, in the order of their numbers."""
    numbered: dict[str, list[tuple[int, Path]]] = {}
    for path in files:
        match = SHARD.fullmatch(path.stem)
        name, place = (match["name"], int(match["number"])) if match and match["name"] else (path.stem, -1)
        numbered.setdefault(name, []).append((place, path))
    groups: dict[str, list[Path]] = {}
    stems = Counter(path.stem for path in files)  # of one in two formats both are read, each by its whole name
    for name, found in numbered.items():
        places = [place for place, _ in found]
        if len(found) > 1 and len(set(places)) == len(places) and min(places) >= 0:
            groups[name] = [path for _, path in sorted(found)]
        else:
            for place, path in found:
                own = path.name if stems[path.stem] > 1 and not _is_usual(path.stem) else path.stem
                groups[name if place >= 0 and _is_usual(name) and len(found) == 1 else own] = [path]
    return groups


def _is_usual(name: str) -> bool:
    return is_part(name) or plain(name) in (*ALIASES["source"], *ALIASES["target"], "metadata")


def _opened(folder: Path, name: str, group: list[Path], items: Collection[str]) -> dict[str, Store]:
    """One store of all files of a group where they are shards, otherwise one of each."""
    if len(group) == 1:
        return {name: open_store(group[0])}
    for path in group:
        _refuse_link(path, folder)
    first = open_store(group[0])
    look = first.look(first.keys[0]) if _is_single(first) else None
    a_row = look is not None and _is_item(look) and not (len(look.shape) == 2 and _is_usual(name))
    if a_row or (look is not None and not {path.stem for path in group}.isdisjoint(items)):
        return {path.stem: open_store(path) for path in group}
    return {name: _shards(folder, group)}


def _is_single(store: Store) -> bool:
    return len(store.keys) == 1 and not store.inner


def _is_item(look: Look) -> bool:
    return len(look.shape) == 1 or (len(look.shape) == 2 and look.shape[0] == 1)


def _shards(folder: Path, paths: list[Path]) -> Store:
    """Files whose rows follow each other.

    Raises
    ------
    InputError
        A number that is missing between them, and files of other arrays than the first.
    """
    numbers = [int(match["number"]) for path in paths if (match := SHARD.fullmatch(path.stem))]
    missing = sorted(set(range(min(numbers, default=0), max(numbers, default=-1) + 1)) - set(numbers))
    if missing:
        raise InputError(
            f"{folder}: shard {missing[0]} is missing between {paths[0].name} and {paths[-1].name}; "
            "add it, or number the shards one after another"
        )
    stores = [open_store(path) for path in paths]
    keys = tuple(key for key in stores[0].keys if all(key in store.keys for store in stores))
    if not keys:
        raise InputError(f"{folder}: {paths[0].name} and the other shards hold no array of one name; write them again")

    def look(key: str) -> Look:
        looks = [store.look(key) for store in stores]
        lengths = [seen.shape[0] for seen in looks if seen.shape]
        total = -1 if -1 in lengths else sum(lengths)
        return Look(looks[0].kind, (total, *looks[0].shape[1:]) if lengths else (), looks[0].dtype)

    def read(key: str) -> Array:
        parts = [store.read(key) for store in stores]
        values = [part.values if isinstance(part, Ragged) else part for part in parts]
        shapes = [value.shape[1:] for value in values]
        if len(set(shapes)) > 1:
            odd = next(i for i, shape in enumerate(shapes) if shape != shapes[0])
            raise InputError(
                f"{stores[odd].path}: has rows of shape {shapes[odd]}, expected {shapes[0]} as in "
                f"{stores[0].path.name}; shards must come from one encoder"
            )
        if not values[0].ndim:
            return values[0]
        if any(isinstance(part, Ragged) for part in parts):
            counts = [part.counts if isinstance(part, Ragged) else np.ones(len(part), dtype=np.int64) for part in parts]
            return Ragged(np.concatenate(values), np.concatenate(counts))
        return np.concatenate(values)

    return Store(folder, keys, lambda: contextlib.nullcontext(Access(look, read)), per_target=stores[0].per_target)


def _listed_in(state: Path) -> Iterator[str]:
    """Names of the files of a table, as `datasets` lists them; a name that leads elsewhere is refused."""
    try:
        content: Any = json.loads(state.read_text(encoding="utf-8"))
        names = [str(entry["filename"]) for entry in content["_data_files"]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise InputError(f"{state}: does not list the files of a table; write it again with save_to_disk") from None
    if not names:
        raise InputError(f"{state}: lists no files; write it again with save_to_disk")
    for name in names:
        path = state.parent / name
        if Path(name).name != name or path.is_symlink():
            raise InputError(f"{state}: names {name!r}, expected a file of its folder; copy it there")
        yield name
