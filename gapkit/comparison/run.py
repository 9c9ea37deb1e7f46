"""`Run`: a finished study, opened again with the data and the fitted bridges behind its table."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapkit.bridges.base import Bridge
from gapkit.bridges.registry import load_bridge
from gapkit.bridges.stepping import SteppingBridge
from gapkit.comparison import anchors
from gapkit.comparison.cells import cell_stem
from gapkit.comparison.config import StudyConfig
from gapkit.comparison.division import Division, divide
from gapkit.comparison.manifest import read_manifest
from gapkit.comparison.other_set import joined_sets
from gapkit.comparison.results import Results
from gapkit.comparison.splits import TWO_SETS, Parts
from gapkit.comparison.summary import seed_of
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError
from gapkit.study.folder import StudyFolder

ARGUMENTS = ("path", "target", "owner", "captions", "join")
"""Arguments of `load_pairs` that a study keeps: files, and how they are joined."""

ALL = 2**15
"""More states than any process has."""


@dataclass(frozen=True)
class Run:
    """What a folder of `gapkit compare` holds; make it with `open_run`.

    Parameters
    ----------
    folder : Path
    results : Results
    manifest : mapping
        See `gapkit.comparison.manifest`.
    config : StudyConfig
        What was compared, and how.
    pairs : PairedEmbeddings
        The data of the study, as they were given.
    division : Division
        The same in the parts that fitted, validated and measured.
    """

    folder: Path
    results: Results
    manifest: Mapping[str, Any]
    config: StudyConfig
    pairs: PairedEmbeddings
    division: Division

    @property
    def parts(self) -> Parts:
        """Parts that fitted, validated and measured, in a study of one fit.

        Raises
        ------
        InputError
            A study in folds.
        """
        if self.division.in_folds:
            raise InputError(f"{self.folder}: has {len(self.division)} folds, each with parts of its own; see division")
        return next(iter(self.division))

    @property
    def name(self) -> str:
        """What the data are called."""
        return str(self.results.study.get("name", self.pairs.name))

    @property
    def test(self) -> PairedEmbeddings:
        """The measured clips; rows of length one unless the study was told otherwise."""
        return self.division.test

    @property
    def bridges(self) -> tuple[str, ...]:
        """Bridges of the table that have a fitted one here, in its order; anchors that are bridges come first."""
        return tuple(name for name in self._names if self.seeds(name))

    def seeds(self, name: str) -> tuple[int | None, ...]:
        """Seeds that a bridge was fitted with; ``(None,)`` where it depends on none, empty where there is none here."""
        frame = self.results.frame
        found = dict.fromkeys(seed_of(seed) for seed in frame.loc[frame["bridge"] == name, "seed"])
        return tuple(
            seed for seed in found if all((home / "config.json").is_file() for home in self._homes(name, seed))
        )

    def bridge(self, name: str, seed: int | None = None, *, fold: int | None = None) -> Bridge:
        """The fitted bridge, out of its file.

        Parameters
        ----------
        name : str
        seed : int, optional
            Left out: the first. A bridge that depends on none has but one, whatever the seed.
        fold : int, optional
            Which of the fits of a study in folds, from 1; it has seen the items of all other folds. 1 is the only fit
            of another study.

        Raises
        ------
        InputError
            No such bridge, seed or fold here, none given for a study in folds, or files that this gapkit does not read.
        """
        homes = self._homes(name, self._seed(name, seed))
        if fold is None and self.division.in_folds:
            raise InputError(
                f"{self.folder}: bridge {name!r} was fitted in {len(homes)} folds; give fold=1 to {len(homes)}, or "
                "call moved for items that their fit has not seen"
            )
        fold = 1 if fold is None else fold
        if not 1 <= fold <= len(homes):
            raise InputError(f"{self.folder}: fold: expected 1 to {len(homes)}, got {fold}")
        return load_bridge(homes[fold - 1])

    def moved(self, name: str, seed: int | None = None) -> NDArray[np.float32]:
        """The measured clips as a row of the table moved them, (n, d).

        Parameters
        ----------
        name : str
            A bridge, or an anchor that is a cloud: collapse, random-target, oracle-target.
        seed : int, optional
            Left out: the first.

        Raises
        ------
        InputError
        """
        if name in anchors.SOURCES:
            return np.asarray(anchors.cloud(name, self.division, self.config.seed), dtype=np.float32)
        return self.division.pooled(
            np.asarray(self.bridge(name, seed, fold=k).transform(parts.test.source), dtype=np.float32)
            for k, parts in enumerate(self.division, start=1)
        )

    def trajectory(
        self,
        name: str,
        seed: int | None = None,
        n_snapshots: int | None = None,
        *,
        sample_steps: int | None = None,
    ) -> NDArray[np.float32] | None:
        """The measured clips on their way, (s, n, d), or None for a bridge that moves in one go.

        The first state is the source, the last the answer, those between are of the process: the first of them is
        where it begins (the source as the network sees it), the others follow a step each.

        Parameters
        ----------
        name : str
        seed : int, optional
            Left out: the first.
        n_snapshots : int, optional
            Wanted states; left out, every one.
        sample_steps : int, optional
            Steps of the process, where the bridge can be told: the number belongs to inference, the same fitted network
            can take more. Left out, those of the study. With another number the last state is no longer what the
            table measured: say so wherever it is shown.

        Raises
        ------
        InputError
            Unknown names, or `sample_steps` for a bridge that has none.
        """
        pieces = []
        for k, parts in enumerate(self.division, start=1):
            bridge = self.bridge(name, seed, fold=k)
            if not isinstance(bridge, SteppingBridge):
                return None
            if sample_steps is not None:
                if "sample_steps" not in bridge.get_params(deep=False):
                    raise InputError(f"bridge {name!r}: its number of steps cannot be set; leave sample_steps out")
                bridge = copy.copy(bridge).set_params(sample_steps=sample_steps)
            states = bridge.trajectory(parts.test.source, ALL if n_snapshots is None else n_snapshots)
            pieces.append(np.asarray(states, dtype=np.float32))
        return self.division.pooled(pieces, axis=1)

    @property
    def _names(self) -> list[str]:
        return list(dict.fromkeys(map(str, self.results.frame["bridge"])))

    def _homes(self, name: str, seed: int | None) -> list[Path]:
        return [StudyFolder(self.folder).bridges / stem for stem in self.division.stems(cell_stem(name, seed))]

    def _seed(self, name: str, seed: int | None) -> int | None:
        seeds = self.seeds(name)
        if not seeds:
            here = ", ".join(self.bridges) or "none"
            again = "; run the same `gapkit compare` again to fit it" if name in self._names else ""
            raise InputError(f"{self.folder}: holds no fitted bridge {name!r}; here are: {here}{again}")
        if seed is None or seeds == (None,):
            return seeds[0]
        if seed not in seeds:
            known = ", ".join(map(str, seeds))
            raise InputError(f"{self.folder}: bridge {name!r} was not fitted with seed {seed}; seeds here: {known}")
        return seed


def open_run(folder: str | Path, pairs: PairedEmbeddings | None = None, *, test: PairedEmbeddings | None = None) -> Run:
    """Open the folder of a finished study.

    Parameters
    ----------
    folder : path
        What `gapkit compare` wrote.
    pairs : PairedEmbeddings, optional
        The data that it ran on. Left out: the bundled dataset, or the files by the paths that the study was given.
    test : PairedEmbeddings, optional
        The other set that was measured, if there was one. Left out: opened again like `pairs`.

    Returns
    -------
    Run

    Raises
    ------
    InputError
        No finished study there, one of a newer gapkit, data that are gone or no longer the same.
    """
    home = StudyFolder(folder)
    results = Results.read(home.root)
    identity = home.identity()
    manifest = read_manifest(home.root)
    config = stored_config(home.root, manifest)
    data = opened_pairs(home.root, manifest, config, pairs, test)
    known = identity.get("data", {}).get("content_hash")
    if data.content_hash() != known:
        whose = f"{data.name}: " if pairs is not None else ""
        raise InputError(
            f"{home.root}: {whose}the data are no longer those of the study (content hash {data.content_hash()} now, "
            f"{known} there); give the pairs that it ran on, or run `gapkit compare` again"
        )
    return Run(home.root, results, manifest, config, data, divide(data, config))


def stored_config(root: Path, manifest: Mapping[str, Any]) -> StudyConfig:
    """The configuration of a study, by its manifest; settings that this version does not know are left out.

    Raises
    ------
    InputError
        One that gapkit did not write.
    """
    fields = {field.name for field in dataclasses.fields(StudyConfig)}
    try:
        return StudyConfig(**{key: value for key, value in manifest["config"].items() if key in fields})
    except (InputError, KeyError, TypeError, AttributeError, ValueError):
        raise InputError(
            f"{root / 'manifest.json'}: its configuration is not one that gapkit wrote; run `gapkit compare` again"
        ) from None


def opened_pairs(
    root: Path,
    manifest: Mapping[str, Any],
    config: StudyConfig,
    pairs: PairedEmbeddings | None = None,
    test: PairedEmbeddings | None = None,
) -> PairedEmbeddings:
    """The data of a study: those given, or by what its manifest says of them.

    Raises
    ------
    InputError
        Data that are gone, or never were in a file.
    """
    given = manifest.get("input", {})
    meta = dict(given.get("meta", {}))
    if TWO_SETS not in meta or (pairs is not None and TWO_SETS in pairs.meta):
        return _opened(root, given) if pairs is None else pairs
    fit = _opened(root, dict(meta.get("fit") or {})) if pairs is None else pairs
    other = _opened(root, dict(meta.get("test") or {})) if test is None else test
    return joined_sets(fit, other, config)


def _opened(root: Path, given: Mapping[str, Any]) -> PairedEmbeddings:
    """One set, by its name and `meta`."""
    meta, name = dict(given.get("meta") or {}), str(given.get("name", "pairs"))
    mend = "give the pairs that the study ran on"
    if "dataset" in meta:
        from gapkit.datasets import load_dataset

        try:
            return load_dataset(meta["dataset"]["name"])
        except (InputError, KeyError, TypeError) as error:
            raise InputError(f"{root}: its dataset cannot be opened ({error}); {mend}") from None
    opened, files = meta.get("opened"), meta.get("files")
    paths = {key: str(path) for key, path in opened.items() if key in ARGUMENTS} if isinstance(opened, dict) else {}
    if "path" not in paths:
        paths = dict(zip(ARGUMENTS[:2], map(str, files), strict=False)) if isinstance(files, list) else {}
    if not paths:
        raise InputError(f"{root}: ran on {name} out of memory, not out of a file; {mend}")
    from gapkit.files import load_pairs

    try:
        return load_pairs(**paths)  # type: ignore[arg-type]
    except InputError as error:
        raise InputError(f"{root}: its data cannot be opened ({error}); {mend}, or call from the same folder") from None
