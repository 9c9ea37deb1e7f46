"""`run_caption_study`: protocols x trainings x bridges x seeds, cell by cell, resumable."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from gapkit.captioning.bridging import Fitted, fitted_bridges
from gapkit.captioning.config import CaptionStudyConfig
from gapkit.captioning.decoding import Decoding
from gapkit.captioning.grid import DecoderJob, Found, MeasuringGrid, ValidationGrid
from gapkit.captioning.manifest import manifest_of
from gapkit.captioning.plan import Choice, Reading, Row, Spec, all_rows, grouped, levels, needs_validation
from gapkit.captioning.protocols import BRIDGED, captions_of, ids_of
from gapkit.captioning.results import CaptionResults
from gapkit.captioning.writing import write_study
from gapkit.comparison.input_checks import require_usable
from gapkit.comparison.splits import Parts, split_parts, with_known_names
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError
from gapkit.given import whole
from gapkit.study.grid import Grid
from gapkit.study.keys import job_key
from gapkit.study.kinds import CaptionFolder
from gapkit.study.order import Clock
from gapkit.study.progress import Progress, Silent
from gapkit.study.run import run_grid
from gapkit.training.processes import processes as launched

Jobs = Sequence[DecoderJob]
DecoderGrid = Grid[DecoderJob, Found]


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
    team = launched()
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
    data = job_key(content=pairs.content_hash(), captions=captions_of(pairs), rule=parts.rule, **grouped)
    if team.rank:
        # The first process holds the folder; the others read what it fitted.
        found: Fitted = team.agree(None)  # type: ignore[assignment]
        return _run(Decoding(parts, config, found, home, data), pairs, progress, processes=1, began=began)
    with home.lock():
        home.claim({"data": {"hash": data, "dim": pairs.dim}, "options": {"seed": config.seed}})
        source = None if fitted is None else Path(fitted)
        found = fitted_bridges(pairs, parts, config, home, fitted=source, progress=progress)
        team.agree(found)
        return _run(Decoding(parts, config, found, home, data), pairs, progress, processes=jobs, began=began)


def _check(parts: Parts, config: CaptionStudyConfig) -> None:
    for part in (parts.fit, parts.test, *([parts.validation] if parts.validation else [])):
        captions_of(part)
    ids_of(parts.test)
    if parts.validation is None and needs_validation(config):
        raise InputError(
            f"{parts.fit.name}: has no validation clips to choose noise and beams on; give a split "
            f"{config.validation_split!r}, or one value each of noise, starts, projections and beams"
        )


def _run(
    decoding: Decoding, pairs: PairedEmbeddings, progress: Progress, *, processes: int, began: dt.datetime
) -> CaptionResults:
    """Choose on validation, measure on test, write."""
    config, failed, clock = decoding.config, dict(decoding.fitted.failed), Clock()
    rows = [r for r in all_rows(config) if not {r.bridge, r.training.partition(":")[2]} & failed.keys()]
    order = {row: k for k, row in enumerate(rows)}
    through = {row.training.partition(":")[2] for row in rows if row.training.startswith(f"{BRIDGED}:")}
    starts = {name: decoding.fitted.start(name, config.seed) for name in through}

    def run(
        grid: Grid[DecoderJob, Found], jobs: Sequence[DecoderJob], later: Sequence[DecoderJob] = ()
    ) -> dict[str, Found]:
        how: dict[str, Any] = {"processes": processes, "clock": clock, "later": later}
        found = {job.stem: record for job, record in run_grid(grid, jobs, progress=progress, **how)}
        failed.update({stem: found[stem].error for stem in found if found[stem].error})
        return found

    candidates = [
        (row.spec(level, config.seed), row.reading(level, beams))
        for row in rows
        for level in levels(row, config, starts)
        for beams in config.beams
    ]
    progress.start(len(candidates) + len(rows) * config.seeds)
    jobs = _jobs(decoding, candidates)
    later = _jobs(decoding, [(r.spec(0.0, s), r.reading(0.0, 1)) for s in config.all_seeds[1:] for r in rows])
    found = run(ValidationGrid(decoding, decoding.folder), jobs, later)
    choices = _best(jobs, found)
    choices = dict(sorted(choices.items(), key=lambda item: order[item[0]]))
    wanted = [
        (row.spec(choice.level, seed), row.reading(choice.level, choice.beams))
        for seed in config.all_seeds
        for row, choice in choices.items()
    ]
    measured = run(MeasuringGrid(decoding, decoding.folder), _jobs(decoding, wanted))
    cells = [cell for record in measured.values() for cell in record.values.values()]
    cells.sort(key=lambda cell: (order[Row(cell.protocol, cell.training, cell.bridge)], cell.seed))
    results = CaptionResults.of(cells, manifest_of(decoding, pairs, cells, choices, failed, starts, began))
    if not launched().rank:
        write_study(results, decoding.folder.root)
    return results


def _jobs(decoding: Decoding, wanted: Sequence[tuple[Spec, Reading]]) -> list[DecoderJob]:
    """One for each decoder, in the order of their first row."""
    return [
        DecoderJob(
            stem=spec.stem, key=decoding.decoder_key(spec), label=spec.stem, kind=spec.mode, spec=spec,
            readings=tuple(readings),
        )
        for spec, readings in grouped(wanted)
    ]  # fmt: skip


def _best(jobs: Sequence[DecoderJob], found: Mapping[str, Found]) -> dict[Row, Choice]:
    """Choice of validation for each row; ties go to what comes first: less noise, fewer beams."""
    best: dict[Row, Choice] = {}
    for job in jobs:
        for reading, choice in found[job.stem].values.items():
            known = best.get(reading.row)
            # A value that is not there loses to any other.
            if known is None or choice.value > np.nan_to_num(known.value, nan=-np.inf):
                best[reading.row] = choice
    return best
