"""`run_study`: bridges x seeds x metrics, cell by cell, resumable."""

from __future__ import annotations

import datetime as dt
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

import gapkit
from gapkit.bridges.registry import BRIDGES
from gapkit.comparison import anchors
from gapkit.comparison.cells import Cell, cell_key, cell_stem, drop_cell, read_cell, write_cell
from gapkit.comparison.config import StudyConfig
from gapkit.comparison.fitting import Task, fit_task, one_line
from gapkit.comparison.folder import StudyFolder
from gapkit.comparison.manifest import write_manifest
from gapkit.comparison.measuring import Measured, estimate_all
from gapkit.comparison.progress import Progress, Silent
from gapkit.comparison.results import Results
from gapkit.comparison.splits import Parts, split_parts
from gapkit.comparison.summary import draws_of, long_frame
from gapkit.comparison.usable import require_usable
from gapkit.comparison.writing import FILES, write_results
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import GapkitError, InputError
from gapkit.metrics.evaluation import Reference
from gapkit.metrics.registry import METRICS
from gapkit.report import Column


def run_study(
    pairs: PairedEmbeddings,
    config: StudyConfig | None = None,
    *,
    out: str | Path | None = None,
    progress: Progress | None = None,
    formats: Sequence[str] = tuple(FILES),
) -> Results:
    """Fit every bridge with every seed on the fit split and measure it on the test split.

    Parameters
    ----------
    pairs : PairedEmbeddings
    config : StudyConfig, optional
        What is compared, and how.
    out : path, optional
        Folder that keeps finished cells, fitted bridges and checkpoints: a study that was stopped goes on from there,
        and a finished cell is never computed again. Left out: nothing is kept.
    progress : Progress, optional
        Told what happens.
    formats : sequence of str
        Result files to write: csv, json, md, tex.

    Returns
    -------
    Results
        A bridge that fails has a row that says why; the others go on.

    Raises
    ------
    InputError
        Unknown names, splits that do not serve, or a folder of another study.
    GapkitError
        The folder cannot be written to. Finished cells are kept.
    """
    config = (config or StudyConfig()).resolved()
    progress = progress or Silent()
    if out is None:
        with tempfile.TemporaryDirectory(prefix="gapkit-") as folder:
            return run_study(pairs, config, out=folder, progress=progress, formats=())
    clashing = sorted(set(config.bridges) & set(anchors.NAMES) - set(anchors.BRIDGES))
    if clashing:
        raise InputError(f"bridge {clashing[0]!r}: has the name of an anchor row; register it under another")
    began = dt.datetime.now(dt.UTC)
    findings = require_usable(pairs, progress, splits=config.splits)
    parts = split_parts(pairs, config)
    home = StudyFolder(out)
    identity = study_identity(pairs, parts, config)
    with home.lock():
        home.claim(identity)
        if pairs.split is None:
            progress.message(f"{pairs.name}: {parts.rule}")
        cells = _Runner(parts, config, home, progress).run()
        columns = metric_columns(config.metrics)
        frame = long_frame(cells, {c.name: c.group for c in columns}, split=config.test_split)
        results = Results(frame, columns, {"name": pairs.name, **identity}, draws_of(cells))
        write_results(results, home.root, formats)
        write_manifest(home, pairs, parts, config, cells, identity, findings=findings, began=began)
    return results


def study_identity(pairs: PairedEmbeddings, parts: Parts, config: StudyConfig) -> dict[str, dict[str, Any]]:
    """What two runs must share for their rows to stand in one table."""
    data = {
        "content_hash": pairs.content_hash(),
        "dim": pairs.dim,
        "fit_clips": len(parts.fit),
        "test_clips": len(parts.test),
        "test_targets": parts.test.n_targets,
    }
    options = {
        "seed": config.seed,
        "n_resamples": config.n_resamples,
        "normalise": config.normalise,
        "split": parts.rule,
    }
    return {"data": data, "options": options}


def metric_columns(names: Sequence[str]) -> tuple[Column, ...]:
    """What tables need to know of each metric, in the order of their groups."""
    records = [METRICS.get(name) for name in names]
    groups = list(dict.fromkeys(record.group for record in map(METRICS.get, METRICS.names())))
    records.sort(key=lambda record: groups.index(record.group))
    return tuple(
        Column(r.name, r.label, r.group, r.better, r.best, (float(r.range[0]), float(r.range[1])), r.scale, r.digits)
        for r in records
    )


class _Runner:
    """The cells of one study, one after another."""

    def __init__(self, parts: Parts, config: StudyConfig, folder: StudyFolder, progress: Progress) -> None:
        self.parts = parts
        self.config = config
        self.folder = folder
        self.progress = progress
        self._reference: Reference | None = None

    def run(self) -> list[Cell]:
        """All cells in the order of the table: anchors, unpaired bridges, paired bridges."""
        tasks = self._tasks()
        synthetic = [name for name in anchors.NAMES if name not in anchors.BRIDGES]
        self.progress.start(len(tasks) + len(synthetic))
        among_anchors = [self._bridge(task) for task in tasks if task.block == "anchor"]
        among_anchors += [self._anchor(name) for name in synthetic]
        return [*among_anchors, *(self._bridge(task) for task in tasks if task.block != "anchor")]

    @property
    def reference(self) -> Reference:
        """Built at its first use: a study that only reads finished cells does not need it."""
        if self._reference is None:
            test, config = self.parts.test, self.config
            self._reference = Reference.from_target(
                test.target,
                owner=test.owner,
                seed=config.seed,
                n_resamples=config.n_resamples,
                fitted=self.parts.fit.target,
            )
        return self._reference

    def _tasks(self) -> list[Task]:
        tasks = []
        for name in dict.fromkeys((*anchors.BRIDGES, *self.config.bridges)):
            kind = BRIDGES.get(name)
            block = "anchor" if name in anchors.BRIDGES else "paired" if kind.needs_pairs else "unpaired"
            first = self.config.seed
            for seed in range(first, first + self.config.seeds) if kind.stochastic else [None]:
                params = self.config.bridge_params(name, first if seed is None else seed, self.parts.fit.n_targets)
                key = cell_key(bridge=name, params=params, seed=seed, version=_version(name))
                label = name if seed is None else f"{name}, seed {seed}"
                tasks.append(Task(name, block, cell_stem(name, seed), label, key, seed, params, kind.needs_pairs))
        order = ("anchor", "unpaired", "paired")
        return sorted(tasks, key=lambda task: order.index(task.block))

    def _bridge(self, task: Task) -> Cell:
        cell = self._known(task.stem, task.key)
        missing = self._missing(cell)
        if cell is not None and not missing:
            return self._done(cell, "kept")
        self.progress.begin(task.label)
        base = cell or Cell(task.name, task.block, task.seed, task.key, task.params)
        try:
            bridge, fit_seconds = fit_task(task, self.parts, self.folder, self.progress)
            test = self.parts.test
            began = time.perf_counter()
            moved = bridge.transform(test.source)
            seconds = time.perf_counter() - began
            base = replace(base, fit_seconds=fit_seconds, transform_seconds=base.transform_seconds or seconds)
            cell = self._with(base, estimate_all(np.asarray(moved), self.reference, missing, original=test.source))
        except Exception as error:  # a bridge may fail in any way, and the others go on
            # What the disk refuses to one it refuses to all.
            if isinstance(error, GapkitError) and isinstance(error.__cause__, OSError):
                raise
            cell = replace(base, error=one_line(error), estimates={}, draws={}, failed={}, measured=())
        write_cell(self.folder.cells, cell)
        self.folder.drop_checkpoint(task.stem)
        return self._done(cell, _note(cell))

    def _anchor(self, name: str) -> Cell:
        seed = self.config.seed
        key = cell_key(anchor=name, seed=seed, version=gapkit.__version__)
        cell = self._known(name, key)
        missing = self._missing(cell)
        if cell is not None and not missing:
            return self._done(cell, "kept")
        self.progress.begin(name)
        base = cell or Cell(name, "anchor", None, key)
        if name == anchors.SPLIT_HALF:
            measured = anchors.split_half(self.parts.test, missing, seed=seed, reference=self.reference)
        else:
            moved = anchors.SOURCES[name](self.parts, seed)
            measured = estimate_all(moved, self.reference, missing, original=self.parts.test.source)
        cell = self._with(base, measured)
        write_cell(self.folder.cells, cell)
        return self._done(cell, _note(cell))

    def _known(self, stem: str, key: str) -> Cell | None:
        """The finished cell, if it is whole, of this key, and did not fail."""
        cell = read_cell(self.folder.cells, stem)
        if cell is not None and cell.key == key and not cell.error:
            return cell
        drop_cell(self.folder.cells, stem)
        return None

    def _missing(self, cell: Cell | None) -> list[str]:
        asked = set() if cell is None else set(cell.measured)
        return [metric for metric in self.config.metrics if metric not in asked]

    def _with(self, cell: Cell, measured: Measured) -> Cell:
        new = dict.fromkeys([*cell.measured, *self.config.metrics])
        failed = {metric: why for metric, why in cell.failed.items() if metric not in measured.estimates} | dict(
            measured.failed
        )
        return replace(
            cell,
            estimates={**cell.estimates, **measured.estimates},
            draws={**cell.draws, **measured.draws},
            failed=failed,
            measured=[metric for metric in new if metric not in failed],
        )

    def _done(self, cell: Cell, note: str) -> Cell:
        self.progress.advance(cell.label, note)
        return cell


def _version(bridge: str) -> list[str]:
    """Versions of gapkit and of the package that a bridge comes from: what they compute may change with them."""
    package = BRIDGES.origin(bridge)
    try:
        return [gapkit.__version__, package, metadata.version(package)]
    except metadata.PackageNotFoundError:  # registered by a script
        return [gapkit.__version__, package]


def _note(cell: Cell) -> str:
    if cell.error:
        return f"failed: {cell.error}"
    if cell.failed:
        return f"failed: {', '.join(cell.failed)}"
    measuring = sum(value.seconds for value in cell.estimates.values())
    return f"{cell.fit_seconds:.1f} s to fit, {measuring:.1f} s to measure"
