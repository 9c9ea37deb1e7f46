"""The trials of a search as jobs: each is asked for when the trials before it are known."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapkit.bridges.fitted_on import FittedOn
from gapkit.bridges.registry import BRIDGES, make_bridge
from gapkit.comparison.config import StudyConfig
from gapkit.comparison.fitting import fit_on
from gapkit.errors import one_line
from gapkit.space import Space
from gapkit.study.grid import Grid, Job
from gapkit.study.kinds import SearchFolder
from gapkit.study.progress import Progress
from gapkit.study.run import run_asked
from gapkit.tuning.parts import TuningParts
from gapkit.tuning.sampler import propose
from gapkit.tuning.scoring import Yardstick
from gapkit.tuning.trials import Trial, read_trial, write_trial


@dataclass(frozen=True, kw_only=True)
class TrialJob(Job):
    """One setting to try.

    Parameters
    ----------
    number : int
        Place in the search.
    params : mapping
        The searched parameters.
    known : Trial or None
        What an earlier run has found.
    """

    number: int
    params: Mapping[str, Any]
    known: Trial | None


@dataclass(frozen=True, eq=False)
class SearchGrid(Grid[TrialJob, Trial]):
    """The trials of one search: see `gapkit.study.grid.Grid`.

    Parameters
    ----------
    bridge : str
        Its name.
    parts : TuningParts
    config : StudyConfig
    space : Space
        What is searched.
    fixed : mapping
        Parameters that are the same in all trials.
    yardstick : Yardstick
    key : str
        Digest of the identity of the search.
    folder : SearchFolder
    """

    bridge: str
    parts: TuningParts
    config: StudyConfig
    space: Space
    fixed: Mapping[str, Any]
    yardstick: Yardstick
    key: str
    folder: SearchFolder

    def run(self, n_trials: int, progress: Progress) -> list[Trial]:
        """All trials in their order."""
        progress.start(n_trials)
        found: list[Trial] = []
        for _, trial in run_asked(self, self._asked(found, n_trials, progress), progress=progress):
            found.append(trial)  # the next job is asked for with it
        return found

    def _asked(self, found: Sequence[Trial], n_trials: int, progress: Progress) -> Iterator[TrialJob]:
        """The next setting, by what the trials so far have `found`."""
        for number in range(n_trials):
            known = read_trial(self.folder.trials, number, self.key)
            params = known.params if known else self._defaults() if number == 0 else self._proposed(found, number)
            if params is None:
                progress.message(f"every setting that was drawn had been tried: the search ends with {number}")
                return
            label = f"trial {number}" if number else "trial 0, defaults"
            yield TrialJob(stem=f"{number:04d}", key=self.key, label=label, number=number, params=params, known=known)

    def _defaults(self) -> dict[str, Any]:
        params = make_bridge(self.bridge).get_params(deep=False)
        return {key: params[key] for key in self.space}

    def _proposed(self, found: Sequence[Trial], number: int) -> dict[str, Any] | None:
        return propose(self.space, found, seed=self.config.seed, number=number)

    def kept(self, job: TrialJob) -> Trial | None:
        """The trial of an earlier run."""
        return job.known

    def compute(self, job: TrialJob, progress: Progress) -> Trial:
        """The trial, fitted with every seed and scored."""
        began = time.perf_counter()
        first, count = self.config.seed, self.config.seeds if BRIDGES.get(self.bridge).stochastic else 1
        score = self.yardstick.score([self._moved(job.params, seed, progress) for seed in range(first, first + count)])
        return Trial(job.number, job.params, seconds=time.perf_counter() - began, **vars(score))

    def failed(self, job: TrialJob, error: Exception, seconds: float) -> Trial:
        """A trial that says why."""
        return Trial(job.number, job.params, seconds=seconds, error=one_line(error))

    def keep(self, job: TrialJob, record: Trial) -> None:
        """Write the trial."""
        write_trial(self.folder.trials, record, self.key)

    def told(self, job: TrialJob, record: Trial, *, kept: bool) -> Iterator[tuple[str, str]]:
        """One line a trial."""
        scores = f"closure {record.closure:.3f}, kept {record.kept:.3f}, {record.seconds:.1f} s"
        yield job.label, "done before" if kept else f"failed: {record.error}" if record.error else scores

    @functools.cached_property
    def _fitted_on(self) -> FittedOn:
        """The same for every trial, and made once."""
        return FittedOn.of_pairs(self.parts.fit, validation=self.parts.stopping)

    def _moved(self, params: Mapping[str, Any], seed: int, progress: Progress) -> NDArray[np.float32]:
        """The scoring clips, moved by a bridge with these parameters."""
        config = dataclasses.replace(self.config, params={self.bridge: {**self.fixed, **params}})
        parts = self.parts
        bridge = make_bridge(self.bridge, **config.bridge_params(self.bridge, seed, parts.fit.n_targets))
        fit_on(bridge, parts.fit, parts.stopping, fitted_on=self._fitted_on, progress=progress)
        return np.asarray(bridge.transform(parts.scoring.source))
