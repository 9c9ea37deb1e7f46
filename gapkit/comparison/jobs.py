"""The jobs of a comparison: one for each anchor, and for each bridge with each seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import gapkit
from gapkit.bridges.families import unlabelled
from gapkit.bridges.registry import BRIDGES
from gapkit.comparison import anchors
from gapkit.comparison.cells import Cell, cell_label, cell_stem
from gapkit.comparison.config import StudyConfig
from gapkit.comparison.division import Division, fold_seed
from gapkit.comparison.fitting import FitJob, bridge_key
from gapkit.embeddings import PairedEmbeddings
from gapkit.metrics.registry import METRICS
from gapkit.study.keys import job_key, plugin_version

RATE = 5e10
"""Floating-point operations a second of a training on one core of a server; only the order and a first guess of the
time hang on it."""
MEASURING = 0.3
"""Seconds that a metric takes on 5,000 target rows, on such a core."""


@dataclass(frozen=True, kw_only=True)
class CellJob(FitJob):
    """Work that is left for one cell.

    Parameters
    ----------
    bridge, seed, params
        See `FitJob`; `bridge` may be an anchor that is none.
    row : str
        Name in the table.
    block : str
        Of the table: anchor, unpaired or paired.
    known : Cell or None
        What an earlier run measured.
    missing : tuple of str
        Metrics that it did not.
    unfitted : bool
        There is no fitted bridge of it, or no longer.
    """

    row: str
    block: str
    known: Cell | None = None
    missing: tuple[str, ...] = ()
    unfitted: bool = True

    @property
    def finished(self) -> bool:
        """Nothing is left to do."""
        return not self.missing and not self.unfitted


def cell_jobs(config: StudyConfig, division: Division) -> list[CellJob]:
    """One for each cell, in the order of the table: anchors, unpaired bridges, paired bridges."""
    first = config.seed
    jobs = [
        CellJob(
            stem=name, key=job_key(anchor=anchors.KEYS.get(name, name), seed=first, version=gapkit.__version__),
            label=name, bridge=name, seed=None, params={}, row=name, block="anchor",
        )
        for name in anchors.SYNTHETIC
    ]  # fmt: skip
    for name in dict.fromkeys((*anchors.BRIDGES, *config.bridges)):
        kind = BRIDGES.get(name)
        block = "anchor" if name in anchors.BRIDGES else "paired" if kind.needs_pairs else "unpaired"
        for seed in range(first, first + config.seeds) if kind.stochastic else [None]:
            params = config.bridge_params(name, first if seed is None else seed, division.fit_targets)
            jobs.append(
                CellJob(
                    stem=cell_stem(name, seed), key=bridge_key(name, params, seed),
                    label=cell_label(name, seed), bridge=name, seed=seed, params=params,
                    row=name, block=block,
                )
            )  # fmt: skip
    order = ("anchor", "unpaired", "paired")
    jobs.sort(key=lambda job: (order.index(job.block), job.bridge in anchors.SYNTHETIC))
    return [left_to_do(job, None, config.metrics, division) for job in jobs]


def in_row(job: CellJob, row: str) -> CellJob:
    """The job with another name in the table."""
    return replace(job, row=row, stem=cell_stem(row, job.seed), label=cell_label(row, job.seed))


def job_of(cell: Cell) -> CellJob:
    """The job that a cell of an earlier run was."""
    return CellJob(
        stem=cell.stem, key=cell.key, label=cell.label, bridge=unlabelled(cell.bridge), seed=cell.seed,
        params=cell.params, row=cell.bridge, block=cell.block,
    )  # fmt: skip


def left_to_do(
    job: CellJob, known: Cell | None, metrics: Sequence[str], division: Division, *, unfitted: bool = False
) -> CellJob:
    """The job with what an earlier run measured of it, and those of the metrics that are still to be measured.

    Cells of one bridge take alike, but not those that are fitted and those that only lack a metric.
    """
    missing = [
        name
        for name in metrics
        if known is None
        or name not in known.measured
        or known.plugins.get(name, "") != metric_version(name, division.test)
    ]
    fitted = known is not None and not unfitted
    job = replace(job, known=known, missing=tuple(missing), unfitted=not fitted, kind=(job.bridge, fitted))
    return replace(job, seconds=expected_seconds(job, division))


def metric_version(name: str, test: PairedEmbeddings) -> str:
    """Package and version of a metric, and the classes: its number hangs on them besides arrays and gapkit."""
    classes = () if test.labels is None or "labels" not in METRICS.get(name).needs else (job_key(labels=test.labels),)
    return " ".join(part for part in (plugin_version(METRICS, name), *classes) if part)


def expected_seconds(job: CellJob, division: Division) -> float:
    """A guess at the time of a cell: three passes through the network a step, if it is not yet fitted; the metrics."""
    steps, batch, hidden, blocks = (
        _count(job.params, name, default)
        for name, default in (("steps", 0), ("batch_size", 256), ("hidden", 512), ("blocks", 3))
    )
    fit = 3 * 2 * steps * batch * 2 * division.test.dim * hidden * blocks / RATE
    training = fit * len(division) if job.unfitted else 0.0
    times = anchors.HALVES if job.bridge == anchors.SPLIT_HALF else 1
    return training + MEASURING * times * len(job.missing) * division.test.n_targets / 5000


def _count(params: Mapping[str, Any], name: str, default: int) -> int:
    value = params.get(name)
    return value if isinstance(value, int) else default


def fold_jobs(job: CellJob, division: Division) -> list[CellJob]:
    """Fits of a cell: the job itself, or one for each fold."""
    if not division.in_folds:
        return [job]
    jobs = []
    for k, stem in enumerate(division.stems(job.stem)):
        seed = job.params.get("random_state")
        own = {"random_state": fold_seed(seed, k)} if isinstance(seed, int) else {}
        label = f"{job.label}, fold {k + 1} of {len(division)}"
        jobs.append(
            replace(job, stem=stem, label=label, key=job_key(cell=job.key, fold=k), params={**job.params, **own})
        )
    return jobs
