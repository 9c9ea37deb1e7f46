"""What is wrong, in words: whose it is, what it is, how to mend it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from gapkit.checks.copies import first_of
from gapkit.checks.findings import Copies, Leak, Pairing, Problem, Side
from gapkit.checks.scan import Scan
from gapkit.embeddings import PairedEmbeddings

COLLAPSE = 0.99
"""Mean cosine of different rows above which a side is collapsed."""
ROUNDED = {"float16": (3, 0.001), "bfloat16": (2, 0.01), "float8": (1, 0.1), "float4": (1, 0.5)}
"""Types by the beginning of their names: decimal digits they hold, and the rounding of a number near one."""
SAME = {
    "all": "both sides are the same rows: give the other modality as the target",
    "directions": "both sides are the same rows but for their lengths: give the other modality as the target",
    "order": "both sides are the same rows in another order: give the other modality as the target",
}
NAME = 32
"""Characters of an id that a message shows."""
LOW_RANK = 0.05
"""Effective rank, as a share of what rows and dimensions allow, below which it is low."""


def problems_of(
    pairs: PairedEmbeddings,
    sides: Mapping[str, Side],
    scans: Mapping[str, Scan],
    leaks: Sequence[Leak],
    copies: Copies,
    pairing: Pairing | None,
    same: str,
) -> tuple[Problem, ...]:
    """All problems, errors first."""
    errors = [Problem("error", text, "broken") for key in sides for text in _errors(sides[key], scans[key])]
    if len(pairs) < 2:
        text = f"{len(pairs)} clip is too few, 2 are the least that can be compared; give more clips"
        errors.append(Problem("error", text, "count"))
    texts = [
        *_pairing(pairs, pairing, same),
        *_copies(pairs, copies, scans),
        *(found for side in sides.values() for found in _warnings(side)),
        *(("leak", _leak(leak)) for leak in leaks),
        *_parted_groups(pairs),
    ]
    return (*errors, *(Problem("warning", text, kind) for kind, text in texts))


def _pairing(pairs: PairedEmbeddings, pairing: Pairing | None, same: str) -> Iterator[tuple[str, str]]:
    if same:
        yield "pairing", SAME[same]
    if pairing is None:
        return
    seen = f"pairs are no nearer than unrelated rows (p = {pairing.p:.2g}, {pairing.items:,} items)"
    if pairing.order and pairing.nearer:
        yield "pairing", f"pairs would be nearer in another order, {pairing.order}: are both sides in one order?"
    elif pairing.order:
        yield "pairing", f"{seen}: are both sides in one order? It looks as if {pairing.order}"
    elif not pairing.nearer and pairing.alike:
        yield (
            "pairing",
            f"{seen}, yet items alike in the source are alike in the target: are the sides from two embedding spaces? "
            "A paired bridge joins them",
        )
    elif not pairing.nearer:
        clue = "? The captions stand in alphabetical order and the ids do not" if _captions_sorted(pairs) else "?"
        yield "pairing", f"{seen}: are both sides in one order{clue}"


def _captions_sorted(pairs: PairedEmbeddings) -> bool:
    """Captions in alphabetical order beside ids that are not: one side was sorted."""
    if pairs.captions is None or pairs.ids is None:
        return False
    ids, captions = (bool((words[:-1] <= words[1:]).all()) for words in (pairs.ids, pairs.captions))
    return captions and not ids


def _copies(pairs: PairedEmbeddings, copies: Copies, scans: Mapping[str, Scan]) -> Iterator[tuple[str, str]]:
    n, m = len(pairs), pairs.n_targets
    items = np.arange(n).astype(np.str_) if pairs.ids is None else pairs.ids
    mend = "retrieval counts copies as wrong answers: keep one of each"
    if len(copies.pairs):
        firsts = first_of(scans["source"].prints)
        yield (
            "copies",
            f"pairs: {len(copies.pairs):,} of {n:,} items repeat an earlier item in source and target "
            f"({_named(copies.pairs, items, firsts)}); {mend}",
        )
    if len(copies.source):
        firsts = first_of(scans["source"].prints)
        yield (
            "copies",
            f"source: {len(copies.source):,} of {n:,} rows repeat an earlier row "
            f"({_named(copies.source, items, firsts)}); {mend}, or give `owner`",
        )
    rows = np.arange(m).astype(np.str_)
    if len(copies.target):
        firsts = first_of(scans["target"].prints)
        yield (
            "copies",
            f"target: {len(copies.target):,} of {m:,} rows repeat an earlier row "
            f"({_named(copies.target, rows, firsts)}); {mend}, or give `owner`",
        )
    if pairs.captions is not None and len(copies.captions):
        firsts = first_of(pairs.captions)
        yield (
            "copies",
            f"captions: {len(copies.captions):,} repeat an earlier caption ({_named(copies.captions, rows, firsts)}); "
            "retrieval cannot tell their items apart: test on distinct captions",
        )
    if len(copies.ids):
        names = list(dict.fromkeys(_short(str(items[row])) for row in copies.ids))[:3]
        yield (
            "names",
            f"ids: {len(copies.ids):,} of {n:,} repeat an earlier id (first: {', '.join(names)}); "
            "rows cannot be joined by them: give each item an id of its own",
        )


def _named(copies: NDArray[np.int64], names: NDArray[np.str_], firsts: NDArray[np.int64]) -> str:
    """The first three copies, and which row each repeats."""
    named = (f"{_short(str(names[row]))} is {_short(str(names[firsts[row]]))}" for row in copies[:3])
    return f"first: {', '.join(named)}"


def _short(name: str) -> str:
    """The end of a long name: paths differ there."""
    return name if len(name) <= NAME else f"…{name[1 - NAME :]}"


def _leak(leak: Leak) -> str:
    return (
        f"{leak.side}: {leak.rows:,} distinct rows stand in both split {leak.first!r} and {leak.second!r}; "
        "a bridge fitted on one has seen the other: split by content"
    )


def _parted_groups(pairs: PairedEmbeddings) -> Iterator[tuple[str, str]]:
    """Groups that lie in more than one split."""
    origins = pairs.origins
    if origins is None or len(pairs.splits) < 2:
        return
    splits = np.unique(np.asarray(pairs.split), return_inverse=True)[1]
    held = np.zeros((origins.n_groups, len(pairs.splits)), dtype=bool)
    held[origins.number, np.repeat(splits, origins.per_item)] = True
    if parted := int((held.sum(axis=1) > 1).sum()):
        yield (
            "leak",
            f"{parted:,} of {origins.n_groups:,} groups lie in more than one split; a bridge fitted on one has seen "
            "items of the same origin: split by group, or leave the splits out and let gapkit draw them",
        )


def _errors(side: Side, found: Scan) -> Iterator[str]:
    if side.non_finite:
        yield (
            f"{side.name}: {side.non_finite:,} of {side.rows:,} rows hold NaN or infinity "
            f"({_first(~found.finite)}); drop these clips or compute them again"
        )
    if side.zero:
        yield (
            f"{side.name}: {side.zero:,} of {side.rows:,} rows are all zeros ({_first(found.zero)}) and have no "
            "direction; drop these clips or compute them again"
        )


def _warnings(side: Side) -> Iterator[tuple[str, str]]:
    name = side.name
    if side.mean_cosine > COLLAPSE:
        yield (
            "collapse",
            f"{name}: collapsed, different rows have a mean cosine of {side.mean_cosine:.4f}; "
            "check that the encoder has its trained weights",
        )
    possible = min(side.dim, side.rows - side.non_finite - side.zero - 1)
    if possible >= 3 and side.effective_rank < max(LOW_RANK * possible, 1.5):
        yield (
            "rank",
            f"{name}: low effective rank, {side.effective_rank:.1f} of {possible} possible; "
            "the rows differ in few directions: check the encoder and its input",
        )
    if side.constant:
        yield (
            "constant",
            f"{name}: {side.constant:,} of {side.dim:,} dimensions have one value in all rows; "
            "dead units of the encoder, or padding: remove padding",
        )
    if side.dtype is not None:
        yield from (("dtype", text) for text in _precision(name, side.dtype))
    if not side.unit:
        yield (
            "length",
            f"{name}: rows are not normalised, lengths {side.norm_min:.3g} to {side.norm_max:.3g}, mean "
            f"{side.norm_mean:.3g}; bridges and metrics look at directions only: normalise if lengths carry no meaning",
        )


def _precision(name: str, dtype: str) -> Iterator[str]:
    for known, (digits, step) in ROUNDED.items():
        if dtype.startswith(known):
            yield (
                f"{name}: was stored as {dtype}, about {digits} digit{'s' if digits > 1 else ''}; "
                f"differences below {step} are rounding: keep float32"
            )
            return
    if "int" in dtype or dtype == "bool":
        yield (
            f"{name}: holds whole numbers ({dtype}); quantised embeddings lose small differences, "
            "and labels are no embeddings: give the float32 output of the encoder"
        )


def _first(mask: NDArray[np.bool_]) -> str:
    rows = np.flatnonzero(mask)
    return f"first: {', '.join(str(row) for row in rows[:3])}"
