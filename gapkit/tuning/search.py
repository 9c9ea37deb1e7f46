"""`tune_bridge`: propose, fit, score, trial by trial, resumable."""

from __future__ import annotations

import contextlib
import datetime as dt
import inspect
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gapkit.bridges.registry import BRIDGES
from gapkit.comparison.config import StudyConfig
from gapkit.comparison.input_checks import require_usable
from gapkit.comparison.splits import with_known_names
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import GapkitError, InputError
from gapkit.given import whole
from gapkit.space import Choice, Range
from gapkit.study.keys import job_key, versions
from gapkit.study.kinds import SearchFolder
from gapkit.study.progress import Progress, Silent
from gapkit.tuning.grid import SearchGrid
from gapkit.tuning.parts import TuningParts, tuning_parts
from gapkit.tuning.result import TuningResult
from gapkit.tuning.sampler import require_optuna
from gapkit.tuning.scoring import Yardstick
from gapkit.tuning.space import plain, search_space
from gapkit.tuning.trials import choose
from gapkit.tuning.writing import write_files
from gapkit.verdict.shares import CLOSURE, PRESERVATION


def tune_bridge(
    pairs: PairedEmbeddings,
    name: str,
    *,
    trials: int = 40,
    seeds: int = 1,
    keep: float = 0.95,
    seed: int = 0,
    steps: int | None = None,
    space: Mapping[str, Range | Choice] | None = None,
    device: str = "auto",
    fit_split: str = "train",
    validation_split: str = "val",
    out: str | Path | None = None,
    progress: Progress | None = None,
) -> TuningResult:
    """Search the space that a bridge declares for settings that close the gap and keep the clips.

    Every setting is fitted on the train split (a tenth of its clips is held out for bridges that stop early) and scored
    on the validation split. The test split is never looked at. The first trial is the bridge's defaults.

    Parameters
    ----------
    pairs : PairedEmbeddings
    name : str
        A registered bridge with a search space.
    trials : int
        Settings to try, the defaults included.
    seeds : int
        Seeds that a stochastic bridge is fitted with at each setting; scores are their mean.
    keep : float
        Least share of R@10 to be kept by the chosen setting, in (0, 1].
    seed : int
        First seed; also that of the proposals, the split and the bootstrap.
    steps : int, optional
        Training steps of every trial; they are then not searched.
    space : mapping of parameter to Range or Choice, optional
        Takes the place of what the bridge declares, parameter by parameter.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"mps"``.
    fit_split : str
        Name of the split to fit on.
    validation_split : str
        Name of the split to score on; where the data have none of this name, a tenth of the train split.
    out : path, optional
        Folder that keeps finished trials and the results: a search that was stopped goes on from there and ends with
        the same trials as one that was not. Left out: nothing is kept.
    progress : Progress, optional
        Told what happens.

    Returns
    -------
    TuningResult
        A setting that fails is a trial that says why; the search goes on.

    Raises
    ------
    InputError
        An unknown bridge, nothing to search, data that do not serve, or a folder of another search.
    GapkitError
        Every trial failed, or the folder cannot be written to.
    """
    require_optuna()
    progress = progress or Silent()
    config = StudyConfig(
        bridges=(name,),
        seeds=seeds,
        seed=seed,
        steps=steps,
        device=device,
        fit_split=fit_split,
        validation_split=validation_split,
    ).resolved()
    _check(trials, keep)
    fixed = {"steps": steps} if steps is not None and "steps" in inspect.signature(BRIDGES.get(name)).parameters else {}
    searched = {key: what for key, what in search_space(name, space).items() if key not in fixed}
    if not searched:
        raise InputError(f"bridge {name!r}: only steps are to be searched, and --steps sets them; leave one out")
    began = dt.datetime.now(dt.UTC)
    config = with_known_names(pairs, config)
    findings = require_usable(pairs, progress, splits=(config.fit_split, config.validation_split))
    parts = tuning_parts(pairs, config)
    yardstick = Yardstick.of(parts.scoring, seed=seed)
    identity = _identity(name, pairs, parts, config, searched, fixed)
    with contextlib.ExitStack() as stack:
        folder = SearchFolder(out or stack.enter_context(tempfile.TemporaryDirectory(prefix="gapkit-")))
        stack.enter_context(folder.lock())
        folder.claim(identity)
        for note in (f"{pairs.name}: {parts.rule}", *yardstick.notes):
            progress.message(note)
        grid = SearchGrid(name, parts, config, searched, fixed, yardstick, job_key(**identity), folder)
        found = grid.run(trials, progress)
        best, enough = choose(found, keep)
        if best is None:
            raise GapkitError(f"bridge {name!r}: all {len(found)} trials failed; the first: {found[0].error}")
        result = TuningResult(
            bridge=name,
            trials=tuple(found),
            best=best,
            enough=enough,
            keep=float(keep),
            space=searched,
            fixed=fixed,
            before={metric: float(value.value) for metric, value in yardstick.identity.items()},
            metrics=yardstick.metrics,
            study={"name": pairs.name, **identity},
        )
        write_files(result, folder.root, device=config.device, findings=findings, began=began)
    return result


def _identity(
    name: str,
    pairs: PairedEmbeddings,
    parts: TuningParts,
    config: StudyConfig,
    space: Mapping[str, Range | Choice],
    fixed: Mapping[str, Any],
) -> dict[str, dict[str, Any]]:
    """What two runs must share for their trials to belong to one search; `trials` and `keep` may differ."""
    own, package, *plugin = versions(BRIDGES, name)
    data = {
        "content_hash": parts.content_hash,
        "dim": pairs.dim,
        "fit_clips": len(parts.fit),
        "stopping_clips": len(parts.stopping) if parts.stopping else 0,
        "scoring_clips": len(parts.scoring),
        "parts": parts.rule,
    }
    search = {
        "bridge": name,
        "versions": {"gapkit": own, package: next(iter(plugin), "")},
        "parameters": sorted(space),
        "fixed": dict(fixed),
        "seed": config.seed,
        "seeds": config.seeds,
        "metrics": [*CLOSURE, PRESERVATION],
        "device": config.device,
    }
    return {"data": data, "search": search, "space": plain(space)}


def _check(trials: int, keep: float) -> None:
    whole("trials", trials, 1)
    if isinstance(keep, bool) or not isinstance(keep, (int, float)) or not 0 < keep <= 1:
        raise InputError(f"keep: expected a share above 0 and at most 1, got {keep!r}")
