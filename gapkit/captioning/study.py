"""`run_caption_study`: protocols x trainings x bridges x seeds, cell by cell, resumable."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from gapkit.captioning.bridging import Fitted, fitted_bridges
from gapkit.captioning.clock import Clock
from gapkit.captioning.config import CaptionStudyConfig
from gapkit.captioning.manifest import manifest_of
from gapkit.captioning.plan import Choice, Reading, Row, Spec, all_rows, grouped, levels, needs_validation
from gapkit.captioning.protocols import BRIDGED, captions_of, ids_of
from gapkit.captioning.record import CaptionCell
from gapkit.captioning.results import CaptionResults
from gapkit.captioning.working import World, measure, validate
from gapkit.captioning.writing import write_study
from gapkit.comparison.cells import cell_key
from gapkit.comparison.fitting import one_line
from gapkit.comparison.folder import StudyFolder
from gapkit.comparison.progress import Progress, Silent
from gapkit.comparison.splits import Parts, split_parts, with_known_names
from gapkit.comparison.usable import require_usable
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import GapkitError, InputError
from gapkit.given import whole
from gapkit.training.processes import processes as crew

T = TypeVar("T")
Work = Callable[[World, Spec, Sequence[Reading], Progress], tuple[T, bool]]


class CaptionFolder(StudyFolder):
    """Where a caption study lies."""

    kind, file, command = "caption study", "caption-study.json", "gapkit caption study"


def run_caption_study(
    pairs: PairedEmbeddings,
    config: CaptionStudyConfig | None = None,
    *,
    out: str | Path,
    fitted: str | Path | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> CaptionResults:
    """Caption the test split with every bridge, by decoders that learn from captions alone and from pairs.

    The level of noise, the beam width and the end of each training are chosen on the validation split, with the first
    seed; the test split is read once, by what was chosen. Started by ``accelerate launch`` the processes train each
    decoder together and share the clips that it captions.

    Parameters
    ----------
    pairs : PairedEmbeddings
        With captions, several a clip for scores that mean something.
    config : CaptionStudyConfig, optional
    out : path
        Folder that keeps fitted bridges, trained decoders and finished cells: a study that was stopped goes on from
        there. Ends with ``captions.csv``, ``per_clip.csv``, ``scores.csv`` and ``manifest.json``.
    fitted : path, optional
        Folder of a `gapkit compare` of the same data, whose fitted bridges are used.
    jobs : int
        Processes that train decoders side by side. The numbers do not depend on it.
    progress : Progress, optional
        Told of each cell, and of the time that is left.

    Returns
    -------
    CaptionResults

    Raises
    ------
    InputError
        Data without captions, unknown names, a folder of another study.
    GapkitError
        The folder cannot be written to. Finished cells are kept.
    """
    config = (config or CaptionStudyConfig()).resolved()
    jobs = whole("jobs", jobs, 1)
    team = crew()
    if team.count > 1 and jobs > 1:
        raise InputError(f"jobs: expected 1 under `accelerate launch`, whose processes work together, got {jobs}")
    progress = Silent() if progress is None or team.rank else progress
    began = dt.datetime.now(dt.UTC)
    home = CaptionFolder(out)
    fit_split, validation_split, test_split = with_known_names(pairs, config.fitting()).splits
    config = replace(config, fit_split=fit_split, validation_split=validation_split, test_split=test_split)
    require_usable(pairs, progress, splits=config.fitting().splits)
    parts = split_parts(pairs, config.fitting())
    _check(parts, config)
    grouped = {} if pairs.groups is None else {"groups": pairs.groups.tolist()}
    data = cell_key(content=pairs.content_hash(), captions=captions_of(pairs), rule=parts.rule, **grouped)
    if team.rank:
        # The first process holds the folder; the others read what it fitted.
        found: Fitted = team.agree(None)  # type: ignore[assignment]
        return _Study(World(parts, config, found, home.root, data), 1, progress).run(began, pairs)
    with home.lock():
        home.claim({"data": {"hash": data, "dim": pairs.dim}, "options": {"seed": config.seed}})
        source = None if fitted is None else Path(fitted)
        found = fitted_bridges(pairs, parts, config, home, fitted=source, progress=progress)
        team.agree(found)
        return _Study(World(parts, config, found, home.root, data), jobs, progress).run(began, pairs)


def _check(parts: Parts, config: CaptionStudyConfig) -> None:
    for part in (parts.fit, parts.test, *([parts.validation] if parts.validation else [])):
        captions_of(part)
    ids_of(parts.test)
    if parts.validation is None and needs_validation(config):
        raise InputError(
            f"{parts.fit.name}: has no validation clips to choose noise and beams on; give a split "
            f"{config.validation_split!r}, or one value each of noise, starts, projections and beams"
        )


class _Study:
    """The decoders of one study, one after another or side by side."""

    def __init__(self, world: World, jobs: int, progress: Progress) -> None:
        self.world, self.jobs, self.progress = world, jobs, progress
        config, failed = world.config, world.fitted.failed
        self.rows = [
            r for r in all_rows(config) if r.bridge not in failed and r.training.partition(":")[2] not in failed
        ]
        named = [name for name in config.bridges if name not in failed]
        self.starts = {
            name: world.fitted.start(name, config.seed)
            for name in named
            if any(row.training == f"{BRIDGED}:{name}" for row in self.rows)
        }
        self.failed: dict[str, str] = dict(failed)
        self.clock = Clock()

    def run(self, began: dt.datetime, pairs: PairedEmbeddings) -> CaptionResults:
        """Choose on validation, measure on test, write."""
        config = self.world.config
        first = [(row.spec(level, config.seed), row.reading(level, b)) for row, level, b in self._candidates()]
        self.progress.start(len(first) + len(self.rows) * config.seeds)
        trainings = len({spec for spec, _ in first})
        later = len({row.spec(0.0, 0) for row in self.rows}) * (config.seeds - 1)
        self.clock.start(trainings + later)
        choices = self._choose(first)
        wanted = [
            (row.spec(choice.level, seed), row.reading(choice.level, choice.beams))
            for seed in config.all_seeds
            for row, choice in choices.items()
        ]
        cells = self._measure(wanted)
        manifest = manifest_of(self.world, pairs, cells, choices, self.failed, self.starts, began)
        results = CaptionResults.of(cells, manifest)
        if not crew().rank:
            write_study(results, self.world.root)
        return results

    def _candidates(self) -> Iterator[tuple[Row, float, int]]:
        config = self.world.config
        for row in self.rows:
            for level in levels(row, config, self.starts):
                for beams in config.beams:
                    yield row, level, beams

    def _choose(self, wanted: Sequence[tuple[Spec, Reading]]) -> dict[Row, Choice]:
        best: dict[Row, Choice] = {}
        for (spec, readings), found in self._each(validate, wanted):
            for reading in readings:
                row, level = reading.row, reading.weight or spec.level
                choice = (found or {}).get(reading, Choice(level, reading.beams, float("nan")))
                note = self._note(choice.value, failed=found is None)
                self.progress.advance(f"{row.label}, {_setting(choice)}, validation", note)
                # Ties go to what comes first: less noise, fewer beams. A value that is not there loses to any other.
                lost = row in best and not choice.value > np.nan_to_num(best[row].value, nan=-np.inf)
                if found is not None and not lost:
                    best[row] = choice
        order = {row: k for k, row in enumerate(self.rows)}
        return dict(sorted(best.items(), key=lambda item: order[item[0]]))

    def _measure(self, wanted: Sequence[tuple[Spec, Reading]]) -> list[CaptionCell]:
        cells: list[CaptionCell] = []
        for (spec, readings), found in self._each(measure, wanted):
            by_row = {(cell.protocol, cell.training, cell.bridge): cell for cell in found or []}
            for row, *_ in readings:
                cell = by_row.get((row.protocol, row.training, row.bridge))
                if cell is not None:
                    cells.append(cell)
                score = np.nan if cell is None else _value(cell, self.world.config.select_by)
                self.progress.advance(f"{row.label}, seed {spec.seed}", self._note(score, failed=cell is None))
        order = {(r.protocol, r.training, r.bridge): k for k, r in enumerate(self.rows)}
        return sorted(cells, key=lambda cell: (order[cell.protocol, cell.training, cell.bridge], cell.seed))

    def _each(
        self, work: Work[T], wanted: Sequence[tuple[Spec, Reading]]
    ) -> Iterator[tuple[tuple[Spec, list[Reading]], T | None]]:
        """What `work` makes of each decoder; None where it failed."""
        groups = list(grouped(wanted))
        if self.jobs == 1:
            done = (_safely(work, self.world, spec, readings, self.progress) for spec, readings in groups)
        else:
            from joblib import Parallel, delayed

            pool = Parallel(n_jobs=self.jobs, backend="loky", return_as="generator", inner_max_num_threads=1)
            done = pool(delayed(_safely)(work, self.world, spec, readings, None) for spec, readings in groups)
        for group, (found, trained, error) in zip(groups, done, strict=True):
            if trained:
                self.clock.tick()
            elif work is validate or group[0].seed != self.world.config.seed:
                self.clock.skip()
            if error:
                spec = group[0]
                self.failed[spec.stem] = error
                self.progress.message(f"{spec.stem}: failed: {error}")
            yield group, found

    def _note(self, value: float, *, failed: bool) -> str:
        """How a row went; without validation clips, or another score asked for, there is no value to tell."""
        known = "done" if np.isnan(value) else f"{self.world.config.select_by} {value:.3f}"
        score = "failed" if failed else known
        return "; ".join(part for part in (score, self.clock.left()) if part)


def _safely(
    work: Work[T], world: World, spec: Spec, readings: Sequence[Reading], progress: Progress | None
) -> tuple[T | None, bool, str]:
    """One decoder may fail in any way, and the others go on; what the disk refuses to one it refuses to all."""
    try:
        found, trained = work(world, spec, readings, progress or Silent())
    except Exception as error:
        mistake = isinstance(error, InputError) and str(error).startswith("select_by")
        if mistake or (isinstance(error, GapkitError) and isinstance(error.__cause__, OSError)) or crew().count > 1:
            raise
        return None, False, one_line(error)
    return found, trained, ""


def _setting(choice: Choice) -> str:
    level = f"level {choice.level:g}, " if choice.level else ""
    return f"{level}{choice.beams} beam{'s' if choice.beams > 1 else ''}"


def _value(cell: CaptionCell, score: str) -> float:
    return next((float(row["value"]) for row in cell.corpus if row["score"] == score), float("nan"))
