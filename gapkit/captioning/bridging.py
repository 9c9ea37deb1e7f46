"""The fitted bridges of a caption study: those of a comparison where it kept them, the others fitted here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gapkit.bridges.registry import BRIDGES
from gapkit.bridges.saving import read_config
from gapkit.captioning.config import CaptionStudyConfig
from gapkit.comparison.cells import cell_stem
from gapkit.comparison.fitting import FILES, FitJob, bridge_key, fit_bridge, fitted_before
from gapkit.comparison.run import Run, open_run
from gapkit.comparison.splits import Parts
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError, one_line
from gapkit.study.folder import StudyFolder
from gapkit.study.grid import Grid
from gapkit.study.keys import job_key
from gapkit.study.progress import Progress
from gapkit.study.record import digest_of
from gapkit.study.run import run_grid

Named = tuple[str, int | None]
"""A bridge and its seed; None where it depends on none."""


@dataclass(frozen=True)
class Fitted:
    """Where fitted bridges lie.

    Parameters
    ----------
    homes : mapping of (bridge, seed) to Path
    failed : mapping of bridge to str
        Those that could not be fitted, and why.
    """

    homes: Mapping[Named, Path]
    failed: Mapping[str, str] = field(default_factory=dict)
    _digests: dict[Path, str] = field(default_factory=dict, init=False, repr=False)

    def home(self, bridge: str, seed: int) -> Path:
        """Folder of a bridge for a seed of the study."""
        return self.homes.get((bridge, seed)) or self.homes[bridge, None]

    def digest(self, bridge: str, seed: int) -> str:
        """Hash of its files."""
        home = self.home(bridge, seed)
        if home not in self._digests:
            self._digests[home] = job_key(files=[digest_of(home / name) for name in FILES])
        return self._digests[home]

    def start(self, bridge: str, seed: int) -> int:
        """Time at which it takes its source."""
        return int(read_config(self.home(bridge, seed))["params"]["start"])


def fitted_bridges(
    pairs: PairedEmbeddings,
    parts: Parts,
    config: CaptionStudyConfig,
    folder: StudyFolder,
    *,
    fitted: Path | None,
    progress: Progress,
) -> Fitted:
    """Every bridge of the study with every seed, fitted on the fit split.

    Parameters
    ----------
    pairs, parts, config, folder
    fitted : Path, optional
        Folder of a comparison of the same data and splits, whose bridges are used where it has them.
    progress : Progress

    Raises
    ------
    InputError
        `fitted` is no finished comparison of these data and splits.
    """
    run = None if fitted is None else _opened(fitted, pairs, parts, config)
    homes: dict[Named, Path] = {}
    jobs = []
    for name in config.bridges:
        for seed in config.all_seeds if BRIDGES.get(name).stochastic else (None,):
            if run is not None and seed in run.seeds(name):
                homes[name, seed] = StudyFolder(run.folder).bridges / cell_stem(name, seed)
            else:
                jobs.append(_fit_job(name, seed, parts, config))
    failed: dict[str, str] = {}
    for job, why in run_grid(FitGrid(parts, folder), jobs, progress=progress):
        if why:
            failed.setdefault(job.bridge, why)
            progress.message(f"{job.stem}: failed: {why}")
        else:
            homes[job.bridge, job.seed] = folder.bridges / job.stem
    return Fitted(homes, failed)


@dataclass(frozen=True, eq=False)
class FitGrid(Grid[FitJob, str]):
    """Bridges to be fitted: see `gapkit.study.grid.Grid`. A record says why a fit failed, and is empty otherwise."""

    parts: Parts
    folder: StudyFolder

    def kept(self, job: FitJob) -> str | None:
        """Empty where an earlier run has fitted it."""
        if fitted_before(job, self.folder) is None:
            return None
        self.folder.drop_checkpoint(job.stem)
        return ""

    def compute(self, job: FitJob, progress: Progress) -> str:
        """Fit it."""
        fit_bridge(job, self.parts, self.folder, progress)
        return ""

    def failed(self, job: FitJob, error: Exception, seconds: float) -> str:
        """Why."""
        return one_line(error)

    def keep(self, job: FitJob, record: str) -> None:
        """The fit lies in its folder already, and needs no checkpoint any more."""
        self.folder.drop_checkpoint(job.stem)

    def told(self, job: FitJob, record: str, *, kept: bool) -> Iterator[tuple[str, str]]:
        """Nothing: a fit is no cell."""
        return iter(())


def _opened(fitted: Path, pairs: PairedEmbeddings, parts: Parts, config: CaptionStudyConfig) -> Run:
    run = open_run(fitted, pairs)
    if run.division.rule != parts.rule or not run.config.normalise:
        raise InputError(
            f"{fitted}: its bridges were fitted on other parts ({run.division.rule}; here: {parts.rule}); "
            "give a comparison with the same splits, or none"
        )
    return run


def _fit_job(name: str, seed: int | None, parts: Parts, config: CaptionStudyConfig) -> FitJob:
    params = config.fitting().bridge_params(name, config.seed if seed is None else seed, parts.fit.n_targets)
    stem = cell_stem(name, seed)
    key = bridge_key(name, params, seed)
    return FitJob(stem=stem, key=key, label=f"fitting {stem}", bridge=name, seed=seed, params=params)
