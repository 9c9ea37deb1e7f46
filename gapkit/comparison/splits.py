"""Which clips fit a bridge, which stop its training, and which measure it."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gapkit.arrays import as_matrix, rows_of_length_one, slices
from gapkit.bridges.fitted_on import FittedOn
from gapkit.comparison.config import StudyConfig
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError
from gapkit.split_names import FLAGS, Role, split_named
from gapkit.statistics import Groups, partition

SHARES = (0.6, 0.1, 0.3)
"""Fit, validation and test share of the clips where the data bring no splits."""
HELD_OUT = 0.1
"""Share of the fitted clips that validate where the data bring no validation split."""
TWO_SETS = "two_sets"
"""Key of `PairedEmbeddings.meta` that says which sets were joined: see `gapkit.comparison.other_set`."""


@dataclass(frozen=True)
class Parts:
    """The three parts of a study.

    Parameters
    ----------
    fit, test : PairedEmbeddings
    validation : PairedEmbeddings or None
        None where the fitted clips are too few to spare any.
    rule : str
        How the parts came about, in a few words; part of the identity of a study.
    """

    fit: PairedEmbeddings
    validation: PairedEmbeddings | None
    test: PairedEmbeddings
    rule: str

    @functools.cached_property
    def fitted_on(self) -> FittedOn:
        """Record of these parts, which every bridge fitted on them keeps."""
        # Of two sets, the one that fits tells the encoder.
        meta = self.fit.meta["fit"]["meta"] if TWO_SETS in self.fit.meta else self.fit.meta
        fit = dataclasses.replace(self.fit, meta=meta)
        return FittedOn.of_pairs(fit, validation=self.validation, part=self.rule)

    def without_words(self) -> Parts:
        """The same without captions, which neither fitting nor measuring reads; a fit remembers the ids."""
        fit, held, test = (
            part and dataclasses.replace(part, captions=None) for part in (self.fit, self.validation, self.test)
        )
        assert fit is not None
        assert test is not None
        return Parts(fit, held, test, self.rule)


def split_parts(pairs: PairedEmbeddings, config: StudyConfig) -> Parts:
    """Part the clips by their own splits, or by a seeded draw where there are none.

    Clips that share a caption, a target row or a source row stay together in every draw: otherwise the answer would be
    known from the fit. So do clips of one group, as far as chains of shared groups allow.

    Raises
    ------
    InputError
        A split that is not there or empty, or too few clips.
    """
    if len(pairs) < 2:
        raise InputError(f"{pairs.name}: expected at least 2 clips to fit and 2 to measure, got {len(pairs)}")
    if config.normalise:
        pairs = unit_pairs(pairs)
    if pairs.split is None:
        return _checked(_drawn(pairs, config), config)
    test = named_part(pairs, config.test_split)
    fit, validation = fit_parts(pairs, config)
    own = own_splits(config, validation=config.validation_split in pairs.splits)
    rule = str(pairs.meta.get(TWO_SETS, own))
    return _checked(Parts(fit, validation, test, rule), config)


def own_splits(config: StudyConfig, *, validation: bool) -> str:
    """The rule of parts that are splits of the data; without validation a tenth is held out of the fit."""
    if validation:
        return f"splits {config.fit_split}, {config.validation_split}, {config.test_split} of the data"
    return f"splits {config.fit_split}, {config.test_split} of the data; {HELD_OUT:.0%} of the former held out"


def with_known_names(pairs: PairedEmbeddings, config: StudyConfig) -> StudyConfig:
    """The same with the splits of the data in place of default names that stand for them: see `split_named`."""
    # A split that is asked for by its name stands for nothing else.
    here = [name for name in pairs.splits if name not in config.splits]

    def known(role: Role, asked: str) -> str:
        return asked if asked in pairs.splits else split_named(role, asked, here)

    return dataclasses.replace(
        config,
        fit_split=known("fit", config.fit_split),
        validation_split=known("validation", config.validation_split),
        test_split=known("test", config.test_split),
    )


def named_part(pairs: PairedEmbeddings, split: str) -> PairedEmbeddings:
    """The items of a split.

    Raises
    ------
    InputError
        None of this name; says which there are, and how to name them.
    """
    try:
        return pairs.subset(split)
    except InputError as error:
        raise InputError(f"{error}: {FLAGS}" if pairs.splits else str(error)) from None


def without_test(pairs: PairedEmbeddings, config: StudyConfig) -> PairedEmbeddings:
    """The clips of the fit and the validation split; all of them where there is no fit split."""
    if pairs.split is None or config.fit_split not in pairs.splits:
        return pairs
    return pairs.take(np.flatnonzero(np.isin(pairs.split, (config.fit_split, config.validation_split))))


def fit_parts(pairs: PairedEmbeddings, config: StudyConfig) -> tuple[PairedEmbeddings, PairedEmbeddings | None]:
    """The clips that fit and those that validate: a split of their own, or held out of the former.

    Raises
    ------
    InputError
        A fit split that is not there, or of one clip.
    """
    fit = _enough(named_part(pairs, config.fit_split), config.fit_split)
    if config.validation_split in pairs.splits:
        return fit, pairs.subset(config.validation_split)
    held, rest = hold_out(fit, seed=config.seed)
    return rest, held


def hold_out(fit: PairedEmbeddings, *, seed: int) -> tuple[PairedEmbeddings | None, PairedEmbeddings]:
    """A tenth of the clips and the rest, no group of clips torn; None where the rest would not do."""
    held, rest = held_out_rows(clip_groups(fit), fit.origins, seed=seed)
    if held is None:
        return None, fit
    return fit.take(held, name=f"{fit.name}:held out"), fit.take(rest, name=fit.name)


def held_out_rows(
    together: NDArray[np.int64], origins: Groups | None, *, seed: int
) -> tuple[NDArray[np.int64] | None, NDArray[np.int64]]:
    """Rows of a tenth of the items and of the rest, no group torn; None and all where the rest would not do."""
    (held, rest), _ = drawn_rows(together, origins, (HELD_OUT, 1 - HELD_OUT), seed=seed)
    if min(len(np.unique(together)), len(rest)) < 2 or not len(held):
        return None, np.arange(len(together))
    return held, rest


def drawn_rows(
    together: NDArray[np.int64], origins: Groups | None, shares: tuple[float, ...], *, seed: int
) -> tuple[list[NDArray[np.int64]], str]:
    """Rows of parts of given shares, and a remark on the groups that had to be parted; empty where none was.

    Parameters
    ----------
    together : array of shape (n,)
        Items of one number are in one part: see `clip_groups`.
    origins : Groups, optional
        Groups that are not parted as far as chains of shared groups allow.
    shares : tuple of float
        Share of the items of each part, filled in this order; the last takes what is left.
    seed : int
    """
    if origins is None:
        return partition.draw(together, shares, seed=seed), ""
    found = partition.split(origins, shares, seed, together=together)
    return [np.flatnonzero(found.part == number) for number in range(len(shares))], found.note or ""


def _drawn(pairs: PairedEmbeddings, config: StudyConfig) -> Parts:
    # The test part is filled first: a giant group then lands in the fit, where it does the least harm.
    shares = (SHARES[2], SHARES[1], SHARES[0])
    together = clip_groups(pairs)
    (test, held, fit), parted = drawn_rows(together, pairs.origins, shares, seed=config.seed)
    if min(len(fit), len(test)) < 2:
        own = "" if pairs.origins is None else f", in {pairs.origins.count} of origin"
        raise InputError(
            f"{pairs.name}: too few clips with captions of their own to draw a test part from ({len(pairs)} clips in "
            f"{len(np.unique(together))} groups of equal captions or embeddings{own}); give more clips or a split"
        )
    fit_share, held_share, test_share = (f"{share:.0%}" for share in SHARES)
    words = f"{fit_share} fit, {held_share} validation, {test_share} test"
    rule = f"no splits in the data: drawn {words} with seed {config.seed}{by_groups(pairs.origins, parted)}"
    validation = pairs.take(held, name=f"{pairs.name}:validation") if len(held) else None
    return Parts(
        pairs.take(fit, name=f"{pairs.name}:fit"), validation, pairs.take(test, name=f"{pairs.name}:test"), rule
    )


def _checked(parts: Parts, config: StudyConfig) -> Parts:
    for part, split in ((parts.fit, config.fit_split), (parts.test, config.test_split)):
        _enough(part, split)
    return parts


def _enough(part: PairedEmbeddings, split: str) -> PairedEmbeddings:
    if len(part) < 2:
        raise InputError(f"{part.name}: expected at least 2 clips in split {split!r}, got {len(part)}")
    return part


def unit_pairs(pairs: PairedEmbeddings) -> PairedEmbeddings:
    """The same pairs with every row of both sides scaled to length one."""
    return dataclasses.replace(pairs, source=_unit(pairs.source), target=_unit(pairs.target))


def by_groups(origins: Groups | None, parted: str) -> str:
    """End of a rule of drawn parts: by groups, and which had to be parted all the same."""
    if origins is None or origins.apart:
        return ""
    return f" by {origins.count}" + (f"; {parted}" if parted else "")


def clip_groups(pairs: PairedEmbeddings) -> NDArray[np.int64]:
    """A number for each clip, (n,): equal where clips share a caption, a target row or a source row, at any remove."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(pairs)
    clips = [pairs.owner, np.arange(n)]
    keys = [_row_keys(pairs.target), _row_keys(pairs.source)]
    if pairs.captions is not None:
        clips.append(pairs.owner)
        folded = np.asarray([" ".join(str(caption).casefold().split()) for caption in pairs.captions])
        keys.append(np.unique(folded, return_inverse=True)[1])
    offset = n
    rows, columns = [], []
    for clip, key in zip(clips, keys, strict=True):
        rows.append(clip)
        columns.append(key + offset)
        offset += int(key.max()) + 1
    edges = np.ones(sum(len(r) for r in rows), dtype=np.int8)
    graph = coo_array((edges, (np.concatenate(rows), np.concatenate(columns))), shape=(offset, offset))
    return connected_components(graph, directed=False)[1][:n].astype(np.int64)


def _row_keys(rows: NDArray[np.float32]) -> NDArray[np.int64]:
    """Equal numbers for equal rows."""
    packed = np.ascontiguousarray(rows + np.float32(0)).view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1])))
    return np.unique(packed.ravel(), return_inverse=True)[1].astype(np.int64)


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    given, unit = as_matrix(rows, name="embeddings"), np.empty(rows.shape, dtype=np.float32)
    for part in slices(*rows.shape):
        unit[part] = rows_of_length_one(given[part]).numpy()
    return unit
