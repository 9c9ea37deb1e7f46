"""The fitted bridges of a study in their folders."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from gapkit.errors import InputError
from gapkit.study.fits import read_fit_name
from gapkit.study.folder import StudyFolder
from gapkit.study.kinds import SearchFolder, find_study

OPTIONS = ("bridge", "seed", "fold")


class Fit(NamedTuple):
    """What tells a fit from the others of its bridge; None where there is nothing to tell."""

    seed: int | None
    fold: int | None


class Stored(NamedTuple):
    """A fitted bridge in its folder.

    Parameters
    ----------
    home : Path
    said : str
        Which of the fits of a study was taken, where it has several of this bridge; empty otherwise.
    """

    home: Path
    said: str = ""


def stored_bridge(folder: Path, bridge: str | None = None, seed: int | None = None, fold: int | None = None) -> Stored:
    """One fitted bridge: that in `folder` itself, or one of the study in it.

    Parameters
    ----------
    folder : Path
        What `gapkit fit`, `gapkit compare` or `gapkit caption study` wrote.
    bridge : str, optional
        Name of a bridge of the study.
    seed : int, optional
        Seed of the bridge in the study; left out: the first one.
    fold : int, optional
        Fold of a study in folds, from 1.

    Raises
    ------
    InputError
        A study and no name; a name, seed or fold that it does not have; or one of them where there is no study.
    """
    study = find_study(folder)
    if study is None:
        for option, given in zip(OPTIONS, (bridge, seed, fold), strict=True):
            if given is not None:
                raise InputError(f"--{option}: goes with a study folder, and {folder} is none; leave it out")
        return Stored(folder)
    if isinstance(study, SearchFolder):
        raise InputError(
            f"{folder}: is a search, which keeps no fitted bridge; fit what it chose with "
            f"`gapkit fit NAME PAIRS --config {study.root / 'tuned.toml'}`"
        )
    fits = _stored_fits(study)
    listed = ", ".join(_told(name, own) for name, own in sorted(fits.items())) or "none"
    if bridge is None:
        raise InputError(f"{folder}: is a study; say which of its bridges with --bridge NAME: {listed}")
    if bridge not in fits:
        again = "" if fits else f"; run the same `{study.command}` again to fit them"
        raise InputError(f"--bridge: {folder} has no fitted bridge {bridge!r}; it has: {listed}{again}")
    return _chosen(folder, bridge, fits[bridge], seed, fold)


def _chosen(folder: Path, bridge: str, own: Mapping[Fit, Path], seed: int | None, fold: int | None) -> Stored:
    seeds = sorted({fit.seed for fit in own if fit.seed is not None})
    if seed is not None and seed not in seeds:
        known = _listed(seeds) or "none: it depends on no seed"
        raise InputError(f"--seed: {bridge} was not fitted with seed {seed} in {folder}; its seeds: {known}")
    taken = seed if seed is not None or not seeds else seeds[0]
    folds = sorted(fit.fold for fit in own if fit.seed == taken and fit.fold is not None)
    if fold is None and folds:
        raise InputError(
            f"{folder}: {bridge} was fitted in folds, each without items of its own; say which with --fold N: "
            f"{_listed(folds)}"
        )
    if fold is not None and fold not in folds:
        known = _listed(folds) or "none: the study has no folds"
        raise InputError(f"--fold: {bridge} was not fitted in fold {fold} in {folder}; its folds: {known}")
    several = seed is None and len(seeds) > 1
    said = f"{bridge}: seed {taken} of {_listed(seeds)}; --seed takes another" if several else ""
    return Stored(own[Fit(taken, fold)], said)


def _stored_fits(study: StudyFolder) -> dict[str, dict[Fit, Path]]:
    """The fits of each bridge that a study keeps."""
    found: dict[str, dict[Fit, Path]] = {}
    for path in sorted(study.bridges.glob("*/config.json")):
        name = read_fit_name(path.parent.name)
        found.setdefault(name.bridge, {})[Fit(name.seed, name.fold)] = path.parent
    return found


def _told(bridge: str, own: Mapping[Fit, Path]) -> str:
    """The bridge, with its seeds and folds where there are several."""
    parts = []
    for word, numbers in (("seeds", {fit.seed for fit in own}), ("folds", {fit.fold for fit in own})):
        known = sorted(number for number in numbers if number is not None)
        if len(known) > 1:
            parts.append(f"{word} {_listed(known)}")
    return f"{bridge} ({'; '.join(parts)})" if parts else bridge


def _listed(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))
