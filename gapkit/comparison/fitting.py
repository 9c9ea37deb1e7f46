"""Fit one bridge for a study, or take the fitted one that is already there."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gapkit.bridges.base import Bridge
from gapkit.bridges.fitted_on import FittedOn
from gapkit.bridges.registry import BRIDGES, load_bridge, make_bridge
from gapkit.bridges.shared_arrays import FOLDER as SHARED
from gapkit.comparison.splits import Parts
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError
from gapkit.study.folder import StudyFolder
from gapkit.study.grid import Job
from gapkit.study.keys import job_key, versions
from gapkit.study.progress import Progress
from gapkit.study.record import save_files, saved_seconds

FILES = ("model.safetensors", "config.json")


@dataclass(frozen=True, kw_only=True)
class FitJob(Job):
    """One bridge with one seed, before it is fitted.

    Parameters
    ----------
    stem, key, label, kind, seconds
        See `Job`.
    bridge : str
        Its name.
    seed : int or None
        None where the bridge does not depend on it.
    params : mapping
        Resolved parameters.
    """

    bridge: str
    seed: int | None
    params: Mapping[str, Any]


def bridge_key(name: str, params: Mapping[str, Any], seed: int | None) -> str:
    """Digest of all that a fitted bridge depends on within its study."""
    return job_key(bridge=name, params=params, seed=seed, version=versions(BRIDGES, name))


def fit_bridge(job: FitJob, parts: Parts, folder: StudyFolder, progress: Progress) -> tuple[Bridge, float]:
    """The fitted bridge of a job and the seconds that its fit took.

    A fit that was finished before is loaded; one that was stopped goes on from its checkpoint.
    """
    known = fitted_before(job, folder)
    if known is not None:
        return known
    bridge = make_bridge(job.bridge, **job.params)
    checkpoint = folder.own_checkpoint(job.stem, job.key)
    fit_on(bridge, parts.fit, parts.validation, fitted_on=parts.fitted_on, progress=progress, checkpoint=checkpoint)
    save = functools.partial(bridge.save, shared=folder.bridges / SHARED)
    save_files(folder.bridges / job.stem, save, key=job.key, seconds=bridge.fit_seconds)
    return bridge, bridge.fit_seconds


def fitted_before(job: FitJob, folder: StudyFolder) -> tuple[Bridge, float] | None:
    """The bridge that an earlier run fitted, and the seconds; None where it is not whole, or of another key."""
    home = folder.bridges / job.stem
    seconds = saved_seconds(home, key=job.key)
    if seconds is not None:
        with contextlib.suppress(InputError):
            return load_bridge(home), seconds
    return None


def fit_on(
    bridge: Bridge,
    fit: PairedEmbeddings,
    held_out: PairedEmbeddings | None,
    *,
    fitted_on: FittedOn,
    progress: Progress,
    checkpoint: Path | None = None,
) -> Bridge:
    """Fit a bridge on pairs, or on both sides apart where it needs no pairs; `held_out` may stop its training."""
    source, target = fit.expanded() if bridge.needs_pairs else (fit.source, fit.target)
    validation = held_out.expanded() if held_out else None
    return bridge.fit(
        source, target, validation=validation, checkpoint=checkpoint, progress=progress.step, fitted_on=fitted_on
    )
