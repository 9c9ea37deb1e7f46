"""Rows that stand twice, each named and counted once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapkit.checks.findings import Copies
from gapkit.checks.scan import Scan
from gapkit.embeddings import PairedEmbeddings


def copies_of(pairs: PairedEmbeddings, source: Scan, target: Scan) -> Copies:
    """Items, rows, captions and ids that repeat an earlier one."""
    x, y = _repeated(source.prints, source.usable), _repeated(target.prints, target.usable)
    n, owner = len(pairs), pairs.owner
    pair = _numbers(source.prints)[owner] + n * _numbers(target.prints)
    both = x[owner] & y & _repeated(pair, target.usable & source.usable[owner])
    whole = x & (np.bincount(owner[both], minlength=n) == np.bincount(owner, minlength=n))
    nothing = np.zeros(pairs.n_targets, dtype=np.bool_)
    captions = nothing if pairs.captions is None else _repeated(pairs.captions, ~nothing) & ~y
    ids = np.zeros(n, dtype=np.bool_) if pairs.ids is None else _repeated(pairs.ids, np.ones(n, dtype=np.bool_))
    return Copies(*(np.flatnonzero(rows) for rows in (whole, x & ~whole, y & ~whole[owner], captions, ids)))


def first_of(words: NDArray[Any]) -> NDArray[np.int64]:
    """The first place at which each word stands, (n,)."""
    _, first, number = np.unique(words, return_index=True, return_inverse=True)
    return first[number].astype(np.int64)


def _numbers(words: NDArray[Any]) -> NDArray[np.int64]:
    return np.unique(words, return_inverse=True)[1].astype(np.int64)


def _repeated(words: NDArray[Any], counted: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Places whose word stands at an earlier one, both of them counted."""
    places = np.flatnonzero(counted)
    again = np.zeros(len(words), dtype=np.bool_)
    again[places] = first_of(words[places]) != np.arange(len(places))
    return again
