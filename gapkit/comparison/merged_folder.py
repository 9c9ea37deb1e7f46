"""Several folders of studies in one."""

from __future__ import annotations

import contextlib
import glob
import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gapkit.atomic import discard
from gapkit.bridges.saving import shared_files
from gapkit.bridges.shared_arrays import shared_path
from gapkit.comparison.cells import Cell, cell_stem, read_cell, write_cell
from gapkit.comparison.fitting import FILES as FILES_OF_A_FIT
from gapkit.comparison.growth import SETTINGS_ASIDE
from gapkit.comparison.manifest import read_manifest
from gapkit.comparison.merging import merged
from gapkit.comparison.results import Results
from gapkit.comparison.summary import seed_of
from gapkit.comparison.writing import FILES, check_formats, write_results
from gapkit.errors import GapkitError, InputError
from gapkit.study.folder import LOCK, StudyFolder, held_alone
from gapkit.study.manifest import write_manifest
from gapkit.study.progress import Progress, Silent
from gapkit.study.record import RECORD

ORIGIN = ("gapkit", "python", "packages", "platform", "processor", "device", "threads", "seeds", "started", "finished")
"""What a merged manifest keeps of each run."""


@dataclass(frozen=True)
class Part:
    """One folder that goes into a merge.

    Parameters
    ----------
    folder : Path
    label : str
        What its bridges are told apart by.
    results : Results
    manifest : mapping
    names : mapping of str to str
        New names of some of its bridges.
    """

    folder: Path
    label: str
    results: Results
    manifest: Mapping[str, Any]
    names: Mapping[str, str]

    def stems(self) -> list[tuple[str, str, str]]:
        """Stem here, stem in the merge, and bridge there, of each cell of the table."""
        frame = self.results.frame
        found = dict.fromkeys(zip(frame["bridge"], map(seed_of, frame["seed"]), strict=True))
        new = {bridge: self.names.get(bridge, bridge) for bridge, _ in found}
        return [(cell_stem(b, seed), cell_stem(new[b], seed), new[b]) for b, seed in found]

    def settings(self) -> dict[str, dict[str, Any]]:
        """Parameters of each bridge by its name in the merge."""
        cells = self.manifest.get("cells", {})
        known: dict[str, dict[str, Any]] = {}
        for stem, _, name in self.stems():
            params = dict(cells.get(stem, {}).get("params", {}))
            known.setdefault(name, {k: v for k, v in params.items() if k not in SETTINGS_ASIDE})
        return known


def merge_runs(
    folders: Sequence[str | Path],
    out: str | Path,
    *,
    label: bool = False,
    formats: Sequence[str] = tuple(FILES),
    progress: Progress | None = None,
) -> Results:
    """Merge several studies of one test into one folder, which is a study like any other.

    Parameters
    ----------
    folders : sequence of path
        Two or more folders that `gapkit compare` or this wrote. Of a cell that several have the first counts.
    out : path
        New or empty folder. Cells, draws, fitted bridges and metrics of all go there, and a manifest that says where
        each came from; it appears whole or not at all.
    label : bool
        A bridge that two runs have with other parameters is called ``"NAME [FOLDER]"`` the second time instead of
        being refused: so a sweep comes to stand in one table.
    formats : sequence of str
        Result files to write.
    progress : Progress, optional
        Told what differs and does not stop a merge: versions of packages, devices.

    Returns
    -------
    Results

    Raises
    ------
    InputError
        Runs that do not compare: other data, split, preparation, resamples, version, definition of a metric; or one
        name for bridges with other parameters or other numbers.
    GapkitError
        The folder cannot be written to.
    """
    paths = [Path(folder) for folder in folders]
    out = Path(out)
    _check_paths(paths, out)
    check_formats(formats)
    labels = folder_labels(paths)
    parts: list[Part] = []
    results: Results | None = None
    for path, own in zip(paths, labels, strict=True):
        part = Part(path, own, Results.read(path), read_manifest(path), {})
        if results is not None:
            whose = (" and ".join(str(p.folder) for p in parts), str(path))
            _refuse_other_version(parts[0], part)
            part = replace(part, names=_new_names(parts, part, label=label))
            results = merged(results, part.results, names=part.names, whose=whose)
        else:
            results = part.results
        parts.append(part)
    assert results is not None
    for line in _remarks(parts):
        (progress or Silent()).message(line)
    _write(parts, results, out, formats)
    return results


def folder_labels(paths: Sequence[Path]) -> list[str]:
    """The shortest ends of the paths that tell them apart, with ``-`` between folders."""
    whole = [path.resolve().parts for path in paths]
    for length in range(1, max(map(len, whole)) + 1):
        labels = ["-".join(parts[-length:]).strip("/\\") for parts in whole]
        if len(set(labels)) == len(labels):
            return labels
    return labels


def _check_paths(paths: Sequence[Path], out: Path) -> None:
    if len(paths) < 2:
        raise InputError(f"merge: expected at least 2 runs, got {len(paths)}")
    seen: dict[Path, Path] = {}
    for path in paths:
        if path.resolve() in seen:
            raise InputError(f"merge: {path} is given twice; leave one out")
        seen[path.resolve()] = path
    if out.exists() and (not out.is_dir() or any(path.name != LOCK for path in out.iterdir())):
        raise InputError(f"{out}: expected a new or empty folder to merge into; give another --out")


def _refuse_other_version(first: Part, part: Part) -> None:
    mine, its = first.manifest.get("gapkit"), part.manifest.get("gapkit")
    if mine != its:
        raise InputError(
            f"merge: {first.folder} was measured by gapkit {mine} and {part.folder} by {its}; what a number means may "
            "have changed between them: run one of them again"
        )


def _remarks(parts: Sequence[Part]) -> list[str]:
    """What may change the last digits between runs."""
    lines = []
    manifests = [part.manifest for part in parts]
    names = dict.fromkeys(name for manifest in manifests for name in dict(manifest.get("packages", {})))
    found: dict[str, list[Any]] = {name: [dict(m.get("packages", {})).get(name) for m in manifests] for name in names}
    for name, values in {**found, "device": [m.get("device") for m in manifests]}.items():
        if len(set(map(str, values))) > 1:
            said = ", ".join(f"{value} in {part.folder}" for value, part in zip(values, parts, strict=True))
            lines.append(f"{name} is not the same everywhere ({said}): last digits may differ")
    return lines


def _new_names(parts: Sequence[Part], part: Part, *, label: bool) -> dict[str, str]:
    """Names for bridges of `part` that the others have with other parameters, or a refusal."""
    known: dict[str, tuple[Part, dict[str, Any]]] = {}
    for earlier in parts:
        for name, params in earlier.settings().items():
            known.setdefault(name, (earlier, params))
    names = {}
    for name, params in part.settings().items():
        owner, first = known.get(name, (part, params))
        differing = sorted(key for key in first.keys() | params.keys() if first.get(key) != params.get(key))
        if not differing:
            continue
        if not label:
            key = differing[0]
            raise InputError(
                f"merge: {name} has other parameters, {key} is {first.get(key)} in {owner.folder} and "
                f"{params.get(key)} in {part.folder}; with --label the second is called {name} [{part.label}]"
            )
        names[name] = f"{name} [{part.label}]"
    return names


def _write(parts: Sequence[Part], results: Results, out: Path, formats: Sequence[str]) -> None:
    """Everything into a folder beside `out`, which then takes its place."""
    _drop_leftovers(out)
    temporary = out.with_name(f".{out.name}.{secrets.token_hex(4)}.tmp")
    try:
        with held_alone(temporary):
            _fill(parts, results, temporary, formats)
        (temporary / LOCK).unlink()
        if out.exists():
            with held_alone(out):  # its lock is all that it may hold: see `_check_paths`
                (out / LOCK).unlink()
                out.rmdir()
        temporary.rename(out)
    except OSError as error:
        raise GapkitError(f"{out}: could not be written ({error.strerror or error})") from error
    finally:
        discard(temporary)


def _drop_leftovers(out: Path) -> None:
    """Remove what merges into `out` that were killed have left beside it; one that is under way is locked."""
    for path in out.parent.glob(f".{glob.escape(out.name)}.????????.tmp"):
        with contextlib.suppress(GapkitError), held_alone(path):
            discard(path)


def _fill(parts: Sequence[Part], results: Results, root: Path, formats: Sequence[str]) -> None:
    """Cells, fitted bridges, manifest and results of all."""
    home = StudyFolder(root)
    for folder in (home.cells, home.bridges):
        folder.mkdir(parents=True)
    home.claim({group: results.study[group] for group in ("data", "options")})
    for stem, cell in _cells(parts).items():
        write_cell(home.cells, cell)
        _copy_bridges(parts, stem, home.bridges)
    write_manifest(home.root / "manifest.json", _manifest(parts))
    write_results(results, home.root, formats)


def _cells(parts: Sequence[Part]) -> dict[str, Cell]:
    """The cells of all runs by their stem in the merge; what one has measured and the other has not is put together."""
    cells: dict[str, Cell] = {}
    for part in parts:
        for stem, new, name in part.stems():
            cell = read_cell(StudyFolder(part.folder).cells, stem)
            if cell is None:
                continue
            cell = replace(cell, bridge=name)
            cells[new] = _both(cells[new], cell) if new in cells else cell
    return cells


def _both(first: Cell, second: Cell) -> Cell:
    if first.error or second.error:
        return second if first.error else first
    estimates = {**second.estimates, **first.estimates}
    failed = {**second.failed, **first.failed}
    return replace(
        first,
        estimates=estimates,
        draws={**second.draws, **first.draws},
        failed={metric: why for metric, why in failed.items() if metric not in estimates},
        measured=list(dict.fromkeys([*first.measured, *second.measured])),
    )


def _copy_bridges(parts: Sequence[Part], stem: str, to: Path) -> None:
    """The fitted bridges of a cell (one, or one for each fold), from the first run that has them."""
    for part in parts:
        folds = int(part.manifest.get("parts", {}).get("folds", 0))
        ends = [f"-f{k + 1}" for k in range(folds)] or [""]
        for old, new, _ in part.stems():
            homes = [StudyFolder(part.folder).bridges / f"{old}{end}" for end in ends]
            if new == stem and all((home / "config.json").is_file() for home in homes):
                for home, end in zip(homes, ends, strict=True):
                    (to / f"{stem}{end}").mkdir()
                    for name in (*FILES_OF_A_FIT, RECORD):
                        if (home / name).is_file():
                            shutil.copyfile(home / name, to / f"{stem}{end}" / name)
                    _copy_shared(home, to)
                return


def _copy_shared(home: Path, to: Path) -> None:
    """The arrays that the bridge in `home` holds together with others."""
    with contextlib.suppress(InputError):  # a broken bridge stays a broken bridge
        for path in shared_files(home):
            copy = shared_path(to / home.name, path.stem)
            if path.is_file() and not copy.exists():
                copy.parent.mkdir(exist_ok=True)
                shutil.copyfile(path, copy)


def _manifest(parts: Sequence[Part]) -> dict[str, Any]:
    """That of the first run, with the bridges, metrics and cells of all, and where they came from."""
    first = parts[0].manifest
    configs = [dict(part.manifest.get("config", {})) for part in parts]
    cells: dict[str, Any] = {}
    for part in parts:
        own = part.manifest.get("cells", {})
        for stem, new, _ in part.stems():
            if stem in own:
                cells.setdefault(new, own[stem])
    config = {
        **configs[0],
        **{key: list(dict.fromkeys(v for c in configs for v in c.get(key, ()))) for key in ("bridges", "metrics")},
        "seeds": max(int(c.get("seeds", 1)) for c in configs),
        "params": {name: params for c in reversed(configs) for name, params in dict(c.get("params", {})).items()},
    }
    return {
        **first,
        "config": config,
        "seeds": sorted({int(seed) for part in parts for seed in part.manifest.get("seeds", ())}),
        "started": min(str(part.manifest.get("started", "")) for part in parts),
        "finished": max(str(part.manifest.get("finished", "")) for part in parts),
        "cells": cells,
        "merged_from": [origin for part in parts for origin in _origins(part)],
    }


def _origins(part: Part) -> list[dict[str, Any]]:
    """Where its rows came from; those of an earlier merge keep what that one said."""
    earlier = part.manifest.get("merged_from")
    if earlier:
        return list(earlier)
    bridges = list(dict.fromkeys(name for _, _, name in part.stems()))
    return [{"run": part.label, **{key: part.manifest.get(key) for key in ORIGIN}, "bridges": bridges}]
