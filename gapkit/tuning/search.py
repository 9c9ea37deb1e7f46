"""`tune_bridge`: propose, fit, score, trial by trial, resumable."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import functools
import inspect
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import gapkit
from gapkit.bridges.fitted_on import FittedOn
from gapkit.bridges.registry import BRIDGES, make_bridge
from gapkit.comparison.cells import cell_key
from gapkit.comparison.config import StudyConfig
from gapkit.comparison.fitting import one_line
from gapkit.comparison.folder import StudyFolder
from gapkit.comparison.progress import Progress, Silent
from gapkit.comparison.splits import with_known_names
from gapkit.comparison.usable import require_usable
from gapkit.embeddings import PairedEmbeddings
from gapkit.encoders.packages import version
from gapkit.errors import GapkitError, InputError
from gapkit.given import whole
from gapkit.space import Choice, Range, Space
from gapkit.tuning.parts import TuningParts, tuning_parts
from gapkit.tuning.result import TuningResult
from gapkit.tuning.sampler import propose, require_optuna
from gapkit.tuning.scoring import CLOSURE, PRESERVATION, Yardstick
from gapkit.tuning.space import plain, search_space
from gapkit.tuning.trials import Trial, choose, read_trial, write_trial
from gapkit.tuning.writing import write_files


class SearchFolder(StudyFolder):
    """Where the files of a search lie: ``tune.json`` says what was searched, ``trials/`` holds what was found.

    Parameters
    ----------
    root : path
    """

    kind, file, command = "search", "tune.json", "gapkit tune"

    def __init__(self, root: str | Path) -> None:
        super().__init__(root)
        self.trials = self.root / "trials"


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
    search = _Search(name, parts, config, searched, fixed, yardstick, progress)
    with _claimed(out, identity) as folder:
        for note in (f"{pairs.name}: {parts.rule}", *yardstick.notes):
            progress.message(note)
        found = search.run(trials, folder, cell_key(**identity))
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
        if folder is not None:
            write_files(result, folder.root, device=config.device, findings=findings, began=began)
    return result


class _Search:
    """The trials of one search, one after another."""

    def __init__(
        self,
        name: str,
        parts: TuningParts,
        config: StudyConfig,
        space: Space,
        fixed: Mapping[str, Any],
        yardstick: Yardstick,
        progress: Progress,
    ) -> None:
        self.name = name
        self.parts = parts
        self.config = config
        self.space = space
        self.fixed = fixed
        self.yardstick = yardstick
        self.progress = progress

    def run(self, n_trials: int, folder: SearchFolder | None, key: str) -> list[Trial]:
        self.progress.start(n_trials)
        found: list[Trial] = []
        for number in range(n_trials):
            label = f"trial {number}" if number else "trial 0, defaults"
            known = read_trial(folder.trials, number, key) if folder else None
            if known is not None:
                found.append(known)
                self.progress.advance(label, "done before")
                continue
            params = self._defaults() if number == 0 else self._propose(found, number)
            if params is None:
                self.progress.message(f"every setting that was drawn had been tried: the search ends with {number}")
                break
            self.progress.begin(label)
            found.append(self._trial(number, params))
            if folder is not None:
                write_trial(folder.trials, found[-1], key)
            self.progress.advance(label, _note(found[-1]))
        return found

    def _defaults(self) -> dict[str, Any]:
        params = make_bridge(self.name).get_params(deep=False)
        return {key: params[key] for key in self.space}

    def _propose(self, found: Sequence[Trial], number: int) -> dict[str, Any] | None:
        return propose(self.space, found, seed=self.config.seed, number=number)

    def _trial(self, number: int, params: Mapping[str, Any]) -> Trial:
        began = time.perf_counter()
        first, count = self.config.seed, self.config.seeds if BRIDGES.get(self.name).stochastic else 1
        try:
            score = self.yardstick.score([self._moved(params, seed) for seed in range(first, first + count)])
        except Exception as error:  # a setting may fail in any way, and the others go on
            return Trial(number, params, seconds=time.perf_counter() - began, error=one_line(error))
        return Trial(number, params, seconds=time.perf_counter() - began, **vars(score))

    @functools.cached_property
    def _fitted_on(self) -> FittedOn:
        """The same for every trial, and made once."""
        return FittedOn.of_pairs(self.parts.fit, validation=self.parts.stopping)

    def _moved(self, params: Mapping[str, Any], seed: int) -> NDArray[np.float32]:
        """The scoring clips, moved by a bridge with these parameters."""
        config = dataclasses.replace(self.config, params={self.name: {**self.fixed, **params}})
        fit, stopping = self.parts.fit, self.parts.stopping
        bridge = make_bridge(self.name, **config.bridge_params(self.name, seed, fit.n_targets))
        source, target = fit.expanded() if bridge.needs_pairs else (fit.source, fit.target)
        held_out = stopping.expanded() if stopping else None
        bridge.fit(source, target, validation=held_out, progress=self.progress.step, fitted_on=self._fitted_on)
        return np.asarray(bridge.transform(self.parts.scoring.source))


def _identity(
    name: str,
    pairs: PairedEmbeddings,
    parts: TuningParts,
    config: StudyConfig,
    space: Mapping[str, Range | Choice],
    fixed: Mapping[str, Any],
) -> dict[str, dict[str, Any]]:
    """What two runs must share for their trials to belong to one search; `trials` and `keep` may differ."""
    package = BRIDGES.origin(name)
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
        "versions": {"gapkit": gapkit.__version__, package: version(package)},
        "parameters": sorted(space),
        "fixed": dict(fixed),
        "seed": config.seed,
        "seeds": config.seeds,
        "metrics": [*CLOSURE, PRESERVATION],
        "device": config.device,
    }
    return {"data": data, "search": search, "space": plain(space)}


@contextlib.contextmanager
def _claimed(out: str | Path | None, identity: Mapping[str, Any]) -> Iterator[SearchFolder | None]:
    """The folder of this search, held alone; None where nothing is to be kept."""
    if out is None:
        yield None
        return
    folder = SearchFolder(out)
    with folder.lock():
        folder.claim(identity)
        yield folder


def _check(trials: int, keep: float) -> None:
    whole("trials", trials, 1)
    if isinstance(keep, bool) or not isinstance(keep, (int, float)) or not 0 < keep <= 1:
        raise InputError(f"keep: expected a share above 0 and at most 1, got {keep!r}")


def _note(trial: Trial) -> str:
    if trial.error:
        return f"failed: {trial.error}"
    return f"closure {trial.closure:.3f}, kept {trial.kept:.3f}, {trial.seconds:.1f} s"
