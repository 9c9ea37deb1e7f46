"""The decoders of a caption study as jobs: what each writes on a split becomes choices or cells."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from gapkit.bridges.registry import BRIDGES
from gapkit.captioning.decoders.registry import DECODERS
from gapkit.captioning.decoding import Decoding
from gapkit.captioning.plan import Choice, Reading, Spec
from gapkit.captioning.protocols import groups_of, references_of
from gapkit.captioning.record import CaptionCell, cell_of, read_cell, with_late_scores, write_cell
from gapkit.captioning.scores import CaptionScores, score_systems
from gapkit.captioning.scores.catalogue import resolve as score_names
from gapkit.captioning.scores.reach import within_reach
from gapkit.errors import InputError, one_line
from gapkit.registry import Registry
from gapkit.study.grid import Grid, Job
from gapkit.study.kinds import CaptionFolder
from gapkit.study.progress import Progress
from gapkit.study.record import read_record, write_record
from gapkit.training.processes import processes as launched


@dataclass(frozen=True, kw_only=True)
class DecoderJob(Job):
    """A decoder and the rows that read with it.

    Parameters
    ----------
    spec : Spec
    readings : tuple of Reading
    """

    spec: Spec
    readings: tuple[Reading, ...]


@dataclass(frozen=True)
class Found:
    """Outcome of a decoder.

    Parameters
    ----------
    values : mapping of Reading to object
        A `Choice` or a `CaptionCell` of each reading; empty where the decoder failed.
    error : str
        Why it failed.
    """

    values: Mapping[Reading, Any]
    error: str = ""


@dataclass(frozen=True, eq=False)
class DecoderGrid(Grid[DecoderJob, Found]):
    """The common part of both splits: see `gapkit.study.grid.Grid`."""

    decoding: Decoding
    folder: CaptionFolder

    def failed(self, job: DecoderJob, error: Exception, seconds: float) -> Found:
        """Why; a score that cannot be had stops the study, and so does a process that others wait for."""
        if (isinstance(error, InputError) and str(error).startswith("select_by")) or launched().count > 1:
            raise error
        return Found({}, one_line(error))

    def elsewhere(self) -> Self:
        """The same, where another process may work in another folder."""
        folder = CaptionFolder(self.folder.root.absolute())
        return dataclasses.replace(self, decoding=dataclasses.replace(self.decoding, folder=folder), folder=folder)

    def names(self, job: DecoderJob) -> Sequence[tuple[Registry[Any], str]]:
        """The decoder, and the bridges that it reads through."""
        bridges = {job.spec.bridge, *(reading.row.bridge for reading in job.readings)} & set(
            self.decoding.config.bridges
        )
        return [(DECODERS, self.decoding.config.decoder), *((BRIDGES, name) for name in sorted(bridges))]

    def _files(self, job: DecoderJob, kind: str) -> dict[Reading, tuple[Any, str]]:
        own = self.decoding
        return {r: (own.path(job.spec, r, kind), own.key(job.spec, r, kind)) for r in job.readings}


class ValidationGrid(DecoderGrid):
    """Score of each reading on the validation split."""

    def kept(self, job: DecoderJob) -> Found | None:
        """The choices of an earlier run; without validation items there is nothing to choose by."""
        known = self._known(job)
        return None if self.decoding.parts.validation and None in known.values() else self._found(job, known)

    def compute(self, job: DecoderJob, progress: Progress) -> Found:
        """Captions of the validation split, scored."""
        config, held, team = self.decoding.config, self.decoding.parts.validation, launched()
        assert held is not None
        known = self._known(job)
        missing = [reading for reading in job.readings if known[reading] is None]
        said, _ = self.decoding.captions(job.spec, missing, "validation", progress)
        if not team.rank:
            found = score_systems(
                said, references_of(held), scores=(config.select_by,), tokenizer=config.tokenizer, draws=0
            )
            for reading, (path, key) in self._files(job, "choices").items():
                if reading in missing:
                    known[reading] = {"key": key, "value": _corpus(found[reading.name], config.select_by)}
                    write_record(path, known[reading])
        return self._found(job, team.agree(known))

    def told(self, job: DecoderJob, record: Found, *, kept: bool) -> Iterator[tuple[str, str]]:
        """A line a reading."""
        for reading in job.readings:
            choice = record.values.get(reading, Choice(reading.weight or job.spec.level, reading.beams, math.nan))
            label = f"{reading.row.label}, {_setting(choice)}, validation"
            yield label, _note(record.error, self.decoding.config.select_by, choice.value)

    def _known(self, job: DecoderJob) -> dict[Reading, Any]:
        files = self._files(job, "choices")
        return launched().agree({reading: read_record(path, key=key) for reading, (path, key) in files.items()})

    def _found(self, job: DecoderJob, known: Mapping[Reading, Any]) -> Found:
        values = {reading: (known[reading] or {}).get("value") for reading in job.readings}
        return Found(
            {
                reading: Choice(
                    reading.weight or job.spec.level, reading.beams, math.nan if value is None else float(value)
                )
                for reading, value in values.items()
            }
        )


class MeasuringGrid(DecoderGrid):
    """The cells of the rows that read with a decoder on the test split."""

    def kept(self, job: DecoderJob) -> Found | None:
        """The cells of an earlier run, unless a score that was absent can be had now."""
        known = self._known(job)
        late = any(within_reach(cell.absent, self.decoding.config.tokenizer) for cell in known.values() if cell)
        return None if launched().agree(late) or None in known.values() else Found(known)

    def compute(self, job: DecoderJob, progress: Progress) -> Found:
        """Captions of the test split, scored."""
        config, test, team = self.decoding.config, self.decoding.parts.test, launched()
        known = self._known(job)
        files = self._files(job, "cells")
        missing = [reading for reading in job.readings if known[reading] is None]
        if not team.rank:
            known |= self._completed(job, known, progress)
        if missing:
            said, seconds = self.decoding.captions(job.spec, missing, "test", progress)
            if not team.rank:
                progress.begin(f"scoring {job.spec.stem}")
                began = time.perf_counter()
                found = score_systems(
                    said, references_of(test), scores=config.scores, tokenizer=config.tokenizer, draws=config.draws,
                    seed=config.seed, groups=groups_of(test),
                )  # fmt: skip
                scoring = (time.perf_counter() - began) / len(missing)
                for reading in missing:
                    name, (path, key) = reading.name, files[reading]
                    took = {"writing": seconds[name], "scoring": scoring}
                    known[reading] = cell_of(job.spec, reading, key, said[name], found[name], took)
                    write_cell(path, known[reading])
        return Found(team.agree(known))

    def told(self, job: DecoderJob, record: Found, *, kept: bool) -> Iterator[tuple[str, str]]:
        """A line a row."""
        score = self.decoding.config.select_by
        for reading in job.readings:
            cell = record.values.get(reading)
            value = math.nan if cell is None else cell.value(score)
            yield f"{reading.row.label}, seed {job.spec.seed}", _note(record.error, score, value)

    def _known(self, job: DecoderJob) -> dict[Reading, Any]:
        files = self._files(job, "cells")
        return launched().agree({reading: read_cell(path, key) for reading, (path, key) in files.items()})

    def _completed(
        self, job: DecoderJob, known: Mapping[Reading, CaptionCell | None], progress: Progress
    ) -> dict[Reading, CaptionCell]:
        """The cells that lacked scores which can be had now, with them: what was written is not written again."""
        config, test = self.decoding.config, self.decoding.parts.test
        cells = {reading: cell for reading, cell in known.items() if cell is not None}
        again = {reading: within_reach(cell.absent, config.tokenizer) for reading, cell in cells.items()}
        late = [reading for reading, names in again.items() if names]
        if not late:
            return {}
        progress.begin(f"scoring {job.spec.stem} again")
        found = score_systems(
            {reading.name: cells[reading].captions for reading in late}, references_of(test),
            scores=[name for reading in late for name in again[reading]], tokenizer=config.tokenizer,
            draws=config.draws, seed=config.seed, groups=groups_of(test),
        )  # fmt: skip
        order = score_names(config.scores)
        made = {}
        for reading in late:
            old = cells[reading]
            fresh = cell_of(job.spec, reading, old.key, dict(old.captions), found[reading.name], dict(old.seconds))
            made[reading] = with_late_scores(old, fresh, again[reading], order)
            write_cell(self.decoding.path(job.spec, reading, "cells"), made[reading])
        return made


def _corpus(scores: CaptionScores, name: str) -> float:
    try:
        return scores[name]
    except InputError as error:
        raise InputError(f"select_by: {error}; choose by another score") from None


def _setting(choice: Choice) -> str:
    level = f"level {choice.level:g}, " if choice.level else ""
    return f"{level}{choice.beams} beam{'s' if choice.beams > 1 else ''}"


def _note(error: str, score: str, value: float) -> str:
    """Note on a row; without validation items, or with another score asked for, it has no value."""
    return f"failed: {error}" if error else "done" if math.isnan(value) else f"{score} {value:.3f}"
