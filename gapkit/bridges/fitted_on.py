"""`FittedOn`: what a bridge remembers of the rows that it was fitted on."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gapkit.arrays import slices
from gapkit.bridges.domain import Outside, Summary
from gapkit.bridges.row_prints import SUMS, name_prints, row_prints, seen_before
from gapkit.embeddings import PairedEmbeddings
from gapkit.memory_map import file_of, let_go

NOT_THE_ENCODER = ("version", "transformers", "licence", "pictures", "sample_rate", "window_seconds")
"""Ends of the keys of an encoder's provenance that may differ from one installation to the next."""


@dataclass(frozen=True, eq=False)
class FittedOn:
    """The rows behind a fit: enough to tell them again, and what lies outside them.

    Parameters
    ----------
    content : str
        Hash of the fitted rows of both sides.
    items, targets : int
        Items that were fitted on, and their targets.
    validating : int
        Further items that stopped the training or chose something; they count as fitted.
    part : str
        Which items these are: ``"all items"``, ``"split train"``, or how they were drawn. Empty: not known.
    encoder : mapping of str to str
        Provenance of the encoder and its heads, where the data tell it.
    prints : array of shape (items + validating, 4) of int16
        See `row_prints`.
    names : array of shape (items + validating,) of int64
        Hash of each item's id; of length 0 where there were no ids.
    source, target : Summary
        Where the two sides lie.
    """

    content: str
    items: int
    targets: int
    source: Summary
    target: Summary
    prints: NDArray[np.int16]
    names: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    validating: int = 0
    part: str = ""
    encoder: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_rows(cls, source: NDArray[Any], target: NDArray[Any], *, validation: NDArray[Any] | None = None) -> FittedOn:
        """Make the record from rows alone. Source rows that repeat each other are one item with several targets.

        Parameters
        ----------
        source : array of shape (n, d)
        target : array of shape (m, d)
        validation : array of shape (v, d), optional
            Sources that stop the training.
        """
        fitted = np.unique(row_prints(source), axis=0)
        held = np.empty((0, SUMS), np.int16) if validation is None else np.unique(row_prints(validation), axis=0)
        return cls(
            _content(source, target), len(fitted), len(target), Summary.of(source), Summary.of(target),
            np.concatenate([fitted, held]), validating=len(held),
        )  # fmt: skip

    @classmethod
    def of_pairs(cls, fit: PairedEmbeddings, *, validation: PairedEmbeddings | None = None, part: str = "") -> FittedOn:
        """Make the record from pairs, with their ids and encoder.

        Parameters
        ----------
        fit : PairedEmbeddings
            The items that are fitted on.
        validation : PairedEmbeddings, optional
            The items that stop the training.
        part : str
            See `FittedOn`.
        """
        parts = [fit] if validation is None else [fit, validation]
        named = [pairs.ids for pairs in parts if pairs.ids is not None]
        return cls(
            _content(fit.source, fit.target), len(fit), fit.n_targets,
            Summary.of(fit.source), Summary.of(fit.target),
            np.concatenate([row_prints(pairs.source) for pairs in parts]),
            name_prints(np.concatenate(named) if len(named) == len(parts) else None),
            validating=0 if validation is None else len(validation),
            part=part,
            encoder=_told(fit.meta),
        )  # fmt: skip

    def seen(self, source: NDArray[Any], *, ids: NDArray[Any] | None = None) -> NDArray[np.bool_]:
        """Mark the items that were fitted on, (n,).

        Parameters
        ----------
        source : array of shape (n, d)
            Sources before they are moved, of any length and in float32 or float16.
        ids : array of shape (n,) of str, optional
            Their names. An item of a fitted name with a row much like the fitted one counts too.
        """
        return seen_before(row_prints(source), name_prints(ids), self.prints, self.names)

    def outside(self, rows: NDArray[Any], *, side: Literal["source", "target"] = "source") -> Outside:
        """Distance of new rows from the fitted ones of that side.

        Parameters
        ----------
        rows : array of shape (n, d)
            Before they are moved; of any length.
        side : {"source", "target"}
        """
        return (self.source if side == "source" else self.target).outside(rows)

    def other_encoder(self, meta: Mapping[str, Any]) -> str:
        """Where the encoder or its heads differ from the fitted ones, in words; empty where nothing is known to.

        Parameters
        ----------
        meta : mapping
            `PairedEmbeddings.meta` of the new rows.
        """
        here = _told(meta)
        for key in sorted(here.keys() & self.encoder.keys(), key=_order):
            if here[key] != self.encoder[key] and not key.endswith(NOT_THE_ENCODER):
                what = {"encoder": "its name differs", "heads": "its projection heads differ"}.get(
                    key, f"its {key} differs"
                )
                return f"{what} (fitted rows: {_readable(self.encoder[key])}; these rows: {_readable(here[key])})"
        return ""

    def warnings(self, rows: NDArray[Any], meta: Mapping[str, Any] | None = None) -> tuple[str, ...]:
        """A sentence for each reason why new sources are not such as were fitted on.

        Parameters
        ----------
        rows : array of shape (n, d)
            Sources before they are moved.
        meta : mapping, optional
            `PairedEmbeddings.meta` of them.
        """
        said = []
        if other := self.other_encoder(meta or {}):
            said.append(f"another encoder: {other}; embed both with one encoder, or fit on these")
        if far := self.outside(rows):
            said.append(
                f"another domain: these sources lie outside those that were fitted on (distance {far.score:.2f}, "
                f"threshold {far.threshold:.2f} for {far.rows:,} rows); fit on items like these"
            )
        return tuple(said)

    def stored(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """The same as numbers for JSON and arrays by name."""
        numbers = {
            "content": self.content, "items": self.items, "targets": self.targets, "validating": self.validating,
            "part": self.part, "encoder": dict(self.encoder),
        }  # fmt: skip
        arrays: dict[str, NDArray[Any]] = {"prints": self.prints, "names": self.names}
        for side in ("source", "target"):
            summary: Summary = getattr(self, side)
            arrays[side] = summary.mean
            numbers[side] = {
                "variance": summary.variance, "directions": summary.directions, "rows": summary.rows
            }  # fmt: skip
        return numbers, arrays

    @classmethod
    def from_stored(cls, numbers: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> FittedOn:
        """Make the record from what `stored` gave.

        Raises
        ------
        ValueError
            Something is missing or of another kind.
        """
        try:
            plain = {key: numbers[key] for key in ("content", "items", "targets", "validating", "part")}
            sides = {side: Summary(arrays[side], **numbers[side]) for side in ("source", "target")}
            prints, names = arrays["prints"], arrays["names"]
            encoder = {str(key): str(value) for key, value in numbers["encoder"].items()}
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"its record of what it was fitted on lacks {error}") from None
        whole = prints.dtype == np.int16 and prints.shape == (plain["items"] + plain["validating"], SUMS)
        if not whole or names.dtype != np.int64 or names.shape not in ((0,), (len(prints),)):
            raise ValueError("its record of what it was fitted on does not fit together")
        return cls(source=sides["source"], target=sides["target"], prints=prints, names=names, encoder=encoder, **plain)


def _content(*sides: NDArray[Any]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for side in sides:
        digest.update(f"{side.shape}{side.dtype.str}".encode())
        for part in slices(*side.shape):
            digest.update(np.ascontiguousarray(side[part]).tobytes())
            let_go(file_of(side))
    return digest.hexdigest()


def _told(meta: Mapping[str, Any]) -> dict[str, str]:
    """Provenance of the encoder in `meta`."""
    encoder = meta.get("encoder")
    items: Iterable[tuple[Any, Any]] = encoder.items() if isinstance(encoder, Mapping) else ()
    return {str(key): str(value) for key, value in items}


def _readable(value: str) -> str:
    """The value, or the beginning of a hash that is called one."""
    return f"hash {value[:8]}" if re.fullmatch(r"[0-9a-f]{16,}", value) else value


def _order(key: str) -> tuple[bool, bool, str]:
    """The name of the encoder first, then its heads."""
    return key != "encoder", key != "heads", key
