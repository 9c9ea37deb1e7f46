"""A cell: one bridge with one seed, measured. Written whole, checked when read, computed once."""

from __future__ import annotations

import contextlib
import hashlib
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapkit.atomic import write_bytes
from gapkit.errors import InputError
from gapkit.files.store import open_store
from gapkit.study.record import read_record, write_record

Draws = Mapping[str, NDArray[np.float64]]
"""Bootstrap draws of each metric, (B,); draw b of every row of a study belongs to the same resample of clips."""


@dataclass(frozen=True)
class Value:
    """One metric of one cell.

    Parameters
    ----------
    value, low, high : float
        The metric and its 95 % interval; NaN where undefined.
    n : int
        Clips behind it.
    seconds : float
        Time that it took.
    why : str
        Why it is undefined.
    """

    value: float
    low: float
    high: float
    n: int
    seconds: float
    why: str = ""


@dataclass(frozen=True)
class Cell:
    """What one bridge with one seed came to.

    Parameters
    ----------
    bridge, block : str
        Name, and the block of the table: anchor, unpaired or paired.
    seed : int or None
        None where the bridge does not depend on it.
    key : str
        Digest of all that the cell depends on within its study.
    params : mapping
        Resolved parameters of the bridge.
    estimates : mapping of metric to Value
    failed : mapping of metric to str
        Metrics that raised, and what they said.
    measured : sequence of str
        Metrics that were asked for and did not raise; one without a value does not apply to this row.
    error : str
        Why the bridge failed; empty where it did not.
    fit_seconds, transform_seconds : float
    draws : mapping of metric to array of shape (B,)
    plugins : mapping of metric to str
        Package and version of each metric that gapkit does not bring; another version is measured again.
    """

    bridge: str
    block: str
    seed: int | None
    key: str
    params: Mapping[str, Any] = field(default_factory=dict)
    estimates: Mapping[str, Value] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)
    measured: Sequence[str] = ()
    error: str = ""
    fit_seconds: float = 0.0
    transform_seconds: float = 0.0
    draws: Draws = field(default_factory=dict)
    plugins: Mapping[str, str] = field(default_factory=dict)

    @property
    def stem(self) -> str:
        """Name of its files."""
        return cell_stem(self.bridge, self.seed)

    @property
    def label(self) -> str:
        """What progress calls it."""
        return cell_label(self.bridge, self.seed)


def cell_label(bridge: str, seed: int | None) -> str:
    """Name of a cell for progress."""
    return bridge if seed is None else f"{bridge}, seed {seed}"


def cell_stem(bridge: str, seed: int | None) -> str:
    """``NAME-sSEED``, or ``NAME`` for what does not depend on a seed.

    Raises
    ------
    InputError
        A name that would lead out of its folder, or steers a terminal.
    """
    if any(mark in bridge for mark in "/\\") or bridge.startswith(".") or not bridge or not bridge.isprintable():
        raise InputError(f"bridge {bridge!r}: cannot be the name of a file; use letters, digits and -")
    return bridge if seed is None else f"{bridge}-s{seed}"


def write_cell(folder: Path, cell: Cell) -> None:
    """Write ``STEM.npz`` (draws), then ``STEM.json``, which makes the cell count.

    Raises
    ------
    GapkitError
        The disk is full or the folder cannot be written to.
    """
    buffer = io.BytesIO()
    # Keyword names would clash with the parameter names of savez.
    np.savez_compressed(buffer, **{f"draws/{metric}": draws for metric, draws in sorted(cell.draws.items())})  # type: ignore[arg-type,unused-ignore]
    packed = buffer.getvalue()
    content = asdict(replace(cell, draws={}))
    del content["draws"]
    write_bytes(folder / f"{cell.stem}.npz", packed)
    digest = hashlib.blake2b(packed, digest_size=16).hexdigest()
    write_record(folder / f"{cell.stem}.json", {**content, "draws_blake2b": digest})


def read_cell(folder: Path, stem: str) -> Cell | None:
    """The cell of that name, or None where there is none or a byte of it is not as it was written."""
    content = read_record(folder / f"{stem}.json")
    if content is None:
        return None
    try:
        packed = (folder / f"{stem}.npz").read_bytes()
        if content.pop("draws_blake2b") != hashlib.blake2b(packed, digest_size=16).hexdigest():
            return None
        store = open_store(folder / f"{stem}.npz")
        content["draws"] = {name.removeprefix("draws/"): store.read(name) for name in store.keys}
        content["estimates"] = {
            metric: Value(**{**value, **{k: math.nan for k, v in value.items() if v is None}})
            for metric, value in content["estimates"].items()
        }
        return Cell(**content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def drop_cell(folder: Path, stem: str) -> None:
    """Remove the files of a cell that no longer holds."""
    for suffix in (".json", ".npz"):
        with contextlib.suppress(OSError):
            (folder / f"{stem}{suffix}").unlink()
