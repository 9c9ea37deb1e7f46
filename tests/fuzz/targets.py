"""What is fuzzed: bytes go into a file, gapkit reads it, and answers with a value or with one line.

Each target loads what it needs: that of npy has no use for torch.
"""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from gapkit.errors import InputError
from gapkit.files import load_embeddings, load_pairs

if TYPE_CHECKING:
    from gapkit.comparison import Results

CORPUS = Path(__file__).parent / "corpus"
PARTS = b"\n--part--\n"
"""Stands between the members of an archive whose outside is well formed, so that its inside is reached."""
MEMBERS = ("source", "target", "owner", "ids", "captions", "split", "name")


def refusing(read: Callable[[], object]) -> None:
    """Call a reader; the only failure that it may have is one line about the file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # rows that are left out, each told with its line
            read()
    except InputError as error:
        said = str(error)
        assert said.isprintable(), repr(said)
        assert len(said) < 2000, said


def _pairs(path: Path) -> None:
    def read() -> None:
        pairs = load_pairs(path)
        assert len(pairs.owner) == len(pairs.target)
        assert repr(pairs).isprintable()
        pairs.content_hash()

    refusing(read)


def npy(data: bytes, folder: Path) -> None:
    path = _file(folder, "a.npy", data)
    refusing(lambda: load_embeddings(path).sum())
    _pairs(path)


def npz(data: bytes, folder: Path) -> None:
    if not data.startswith(b"PK"):
        data = _archive({f"{n}.npy": part for n, part in zip(MEMBERS, data.split(PARTS), strict=False)}, packed=True)
    _pairs(_file(folder, "a.npz", data))


def safetensors(data: bytes, folder: Path) -> None:
    if data.startswith(b"{"):
        header, _, tensors = data.partition(PARTS)
        data = struct.pack("<Q", len(header)) + header + tensors
    _pairs(_file(folder, "a.safetensors", data))


def pt(data: bytes, folder: Path) -> None:
    if not data.startswith(b"PK"):
        pickled, *storages = data.split(PARTS)
        members = {"a/data.pkl": pickled, "a/version": b"3\n", "a/byteorder": b"little"}
        data = _archive({**members, **{f"a/data/{i}": part for i, part in enumerate(storages)}}, packed=False)
    _pairs(_file(folder, "a.pt", data))


def parquet(data: bytes, folder: Path) -> None:
    from gapkit.encoders.manifest import read_manifest

    path = _file(folder, "a.parquet", data)
    _pairs(path)
    refusing(lambda: read_manifest(path))


def arrow(data: bytes, folder: Path) -> None:
    _pairs(_file(folder, "a.arrow", data))


def csv(data: bytes, folder: Path) -> None:
    from gapkit.encoders.manifest import read_manifest
    from gapkit.files.captions import read_captions

    path = _file(folder, "a.csv", data)
    refusing(lambda: read_captions(path))
    refusing(lambda: read_manifest(path))


def toml(data: bytes, folder: Path) -> None:
    from gapkit.comparison import StudyConfig, read_config
    from gapkit.tuning import read_space

    path = _file(folder, "a.toml", data)
    refusing(lambda: StudyConfig(**read_config(path)))
    refusing(lambda: read_space(path))


def json(data: bytes, folder: Path) -> None:
    """The first letter says which file of a study, a search, a fitted bridge or decoder it is."""
    from gapkit.bridges.registry import load_bridge
    from gapkit.captioning.decoders.base import read_config as read_decoder
    from gapkit.comparison import Results
    from gapkit.comparison.cells import read_cell
    from gapkit.study.folder import StudyFolder
    from gapkit.tuning.trials import read_trial

    kind, data = data[:1], data[1:]
    if kind == b"r":
        _file(folder, "results.json", data)
        refusing(lambda: _written(Results.read(folder), zlib.crc32(data)))
    elif kind == b"m":
        _file(folder, "manifest.json", data)
        refusing(lambda: _facts(folder))
    elif kind == b"b":
        _file(folder, "config.json", data)
        refusing(lambda: load_bridge(folder))
    elif kind == b"d":
        _file(folder, "config.json", data)
        refusing(lambda: read_decoder(folder))
    elif kind == b"s":
        _file(folder, "study.json", data)
        refusing(lambda: StudyFolder(folder).claim({"data": {"dim": 1}, "options": {"seed": 0}}))
    elif kind == b"t":
        _file(folder, "0000.json", data)
        assert read_trial(folder, 0, "key") is None or b'"digest"' in data
    else:
        _file(folder, "cell.json", data)
        assert read_cell(folder, "cell") is None or b'"digest"' in data


def _written(results: Results, number: int) -> None:
    """Write them in one form, another for other bytes: all five take a fifth of a second."""
    forms = results.to_csv, results.to_json, results.to_markdown, results.to_latex, results._repr_html_
    forms[number % len(forms)]()
    assert results.title is not None


def _facts(folder: Path) -> None:
    from gapkit.comparison.manifest import read_manifest
    from gapkit.comparison.run import opened_pairs, stored_config

    manifest = read_manifest(folder)
    config = stored_config(folder, manifest)
    if "files" not in str(manifest) and "opened" not in str(manifest):  # files of this machine are not looked for
        opened_pairs(folder, manifest, config)


def _file(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def _archive(members: dict[str, bytes], *, packed: bool) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, compresslevel=1)
    return buffer.getvalue()


TARGETS = {function.__name__: function for function in (npy, npz, safetensors, pt, parquet, arrow, csv, toml, json)}
"""By the name of the format."""
