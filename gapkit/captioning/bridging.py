"""The fitted bridges of a caption study: those of a comparison where it kept them, the others fitted here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gapkit.bridges.registry import BRIDGES
from gapkit.bridges.saving import read_config
from gapkit.captioning.config import CaptionStudyConfig
from gapkit.comparison.cells import cell_stem
from gapkit.comparison.fitting import FILES, FitJob, bridge_key, fit_bridge
from gapkit.comparison.run import Run, open_run
from gapkit.comparison.splits import Parts
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError, one_line, refused_by_disk
from gapkit.study.folder import StudyFolder
from gapkit.study.keys import job_key
from gapkit.study.progress import Progress
from gapkit.study.record import digest_of

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
    failed: dict[str, str] = {}
    for name in config.bridges:
        kind = BRIDGES.get(name)
        for seed in config.all_seeds if kind.stochastic else (None,):
            if run is not None and seed in run.seeds(name):
                homes[name, seed] = StudyFolder(run.folder).bridges / cell_stem(name, seed)
            elif name not in failed:
                try:
                    homes[name, seed] = _fit(name, seed, parts, config, folder, progress)
                except Exception as error:  # a bridge may fail in any way, and the others go on
                    if refused_by_disk(error):
                        raise
                    failed[name] = one_line(error)
                    progress.message(f"{cell_stem(name, seed)}: failed: {failed[name]}")
    return Fitted(homes, failed)


def _opened(fitted: Path, pairs: PairedEmbeddings, parts: Parts, config: CaptionStudyConfig) -> Run:
    run = open_run(fitted, pairs)
    if run.division.rule != parts.rule or not run.config.normalise:
        raise InputError(
            f"{fitted}: its bridges were fitted on other parts ({run.division.rule}; here: {parts.rule}); "
            "give a comparison with the same splits, or none"
        )
    return run


def _fit(
    name: str, seed: int | None, parts: Parts, config: CaptionStudyConfig, folder: StudyFolder, progress: Progress
) -> Path:
    params = config.fitting().bridge_params(name, config.seed if seed is None else seed, parts.fit.n_targets)
    stem = cell_stem(name, seed)
    progress.begin(f"fitting {stem}")
    job = FitJob(
        stem=stem, key=bridge_key(name, params, seed), label=stem, bridge=name, seed=seed, params=params
    )  # fmt: skip
    fit_bridge(job, parts, folder, progress)
    folder.drop_checkpoint(stem)
    return folder.bridges / stem
