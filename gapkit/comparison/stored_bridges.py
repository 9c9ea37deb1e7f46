"""The fitted bridges of a study in their folders."""

from __future__ import annotations

from pathlib import Path

from gapkit.comparison.cells import cell_stem
from gapkit.errors import InputError
from gapkit.study.folder import StudyFolder


def bridge_folder(folder: Path, bridge: str | None, seed: int | None) -> Path:
    """Folder of one fitted bridge: `folder` itself, or that of a bridge of the study in it.

    Parameters
    ----------
    folder : Path
        What `gapkit fit`, or `gapkit compare`, wrote.
    bridge : str, optional
        Name of a bridge of the study.
    seed : int, optional
        Seed of the bridge in the study; left out: the first one.

    Raises
    ------
    InputError
        A study and no name, a name or seed that it does not have, or a name where there is no study.
    """
    if not (folder / StudyFolder.file).exists():
        if bridge is not None or seed is not None:
            option = "--bridge" if bridge is not None else "--seed"
            raise InputError(f"{option}: goes with a study folder, and {folder} is none; leave it out")
        return folder
    found = _fitted_seeds(StudyFolder(folder).bridges)
    listed = ", ".join(found) or "none"
    if bridge is None:
        raise InputError(f"{folder}: is a study; say which of its bridges with --bridge NAME: {listed}")
    if bridge not in found:
        raise InputError(f"--bridge: {folder} has no fitted bridge {bridge!r}; it has: {listed}")
    seeds = found[bridge]
    if seed is not None and seed not in seeds:
        known = ", ".join(str(known) for known in seeds if known is not None) or "none: it depends on no seed"
        raise InputError(f"--seed: {bridge} was not fitted with seed {seed} in {folder}; its seeds: {known}")
    return StudyFolder(folder).bridges / cell_stem(bridge, seeds[0] if seed is None else seed)


def _fitted_seeds(bridges: Path) -> dict[str, list[int | None]]:
    """Seeds of each bridge that a study keeps, ascending."""
    found: dict[str, list[int | None]] = {}
    for path in sorted(bridges.glob("*/config.json")):
        name, mark, seed = path.parent.name.rpartition("-s")
        try:
            name, number = (name, int(seed)) if mark else (path.parent.name, None)
        except ValueError:
            name, number = path.parent.name, None
        found.setdefault(name, []).append(number)
    return {name: sorted(seeds, key=lambda seed: seed or 0) for name, seeds in found.items()}
