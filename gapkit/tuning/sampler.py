"""Which setting to try next: multi-objective TPE (Ozaki et al., 2022, JAIR 73), by Optuna."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from gapkit.errors import InputError
from gapkit.space import Choice, Range
from gapkit.tuning.space import inside, place
from gapkit.tuning.trials import Trial

DIGITS = 3
"""Significant digits of a number that is not whole: nobody can tell more apart, and files stay readable."""
GUIDED, RANDOM = 10, 500
"""Draws by TPE, then at random, before a setting that was not tried yet is given up."""


def require_optuna() -> Any:
    """Import Optuna.

    Raises
    ------
    InputError
        It is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise InputError(f"tune: needs the package {error.name}; pip install 'gapkit[tune]'") from None
    return optuna


def propose(
    space: Mapping[str, Range | Choice], trials: Sequence[Trial], *, seed: int, number: int
) -> dict[str, Any] | None:
    """The setting of trial `number`, after `trials`.

    A pure function: the search remembers nothing but its trials, so one that was stopped goes on as one that was not.

    Parameters
    ----------
    space : mapping of parameter to Range or Choice
    trials : sequence of Trial
        All trials before this one. One that failed counts as the worst so far on both aims; one with a value outside
        the space (the defaults may have one) tells nothing.
    seed, number : int
        Of this search and of the trial: the same two give the same draws.

    Returns
    -------
    dict or None
        A setting that was not tried yet; None where none was found.

    Raises
    ------
    InputError
        Optuna is not installed.
    """
    optuna = require_optuna()
    tried = {_key(trial.params) for trial in trials}
    with _silent(optuna):
        for drawn in _draws(optuna, space, trials, np.random.SeedSequence([seed, number])):
            params = {key: _value(what, drawn[key]) for key, what in space.items()}
            if _key(params) not in tried:
                return params
    return None


def _draws(
    optuna: Any, space: Mapping[str, Range | Choice], trials: Sequence[Trial], seed: np.random.SeedSequence
) -> Iterator[dict[str, Any]]:
    distributions = {key: _distribution(optuna, what) for key, what in space.items()}
    told = [
        optuna.trial.create_trial(
            params={key: _point(what, trial.params[key]) for key, what in space.items()},
            distributions=distributions,
            values=values,
        )
        for trial, values in _with_aims(trials)
        if all(inside(what, trial.params[key]) for key, what in space.items())
    ]
    *guided, last = (int(each) for each in seed.generate_state(GUIDED + 1))
    for each in guided:
        # Multivariate: parameters that only go well together are proposed together.
        sampler = optuna.samplers.TPESampler(seed=each, multivariate=True)
        study = optuna.create_study(directions=["maximize", "maximize"], sampler=sampler)
        study.add_trials(told)
        yield study.ask(distributions).params
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=last))
    for _ in range(RANDOM):
        yield study.ask(distributions).params


def _with_aims(trials: Sequence[Trial]) -> Iterator[tuple[Trial, list[float]]]:
    """Each trial and its two aims; one that failed gets the worst of the others."""
    complete = [trial for trial in trials if trial.complete]
    worst = [min((getattr(t, aim) for t in complete), default=0.0) for aim in ("closure", "kept")]
    for trial in trials:
        yield trial, [trial.closure, trial.kept] if trial.complete else worst


def _distribution(optuna: Any, what: Range | Choice) -> Any:
    if isinstance(what, Choice):
        # By place: Optuna holds 1 and True for one choice.
        return optuna.distributions.CategoricalDistribution(range(len(what.values)))
    kind = optuna.distributions.IntDistribution if what.whole else optuna.distributions.FloatDistribution
    return kind(what.low, what.high, log=what.log)


def _point(what: Range | Choice, value: Any) -> Any:
    """A value of ours as Optuna holds it."""
    return place(what, value) if isinstance(what, Choice) else value


def _value(what: Range | Choice, point: Any) -> Any:
    """A value of Optuna's as the bridge gets it."""
    if isinstance(what, Choice):
        return what.values[point]
    if what.whole:
        return int(point)
    return float(min(max(float(f"{point:.{DIGITS}g}"), what.low), what.high))


def _key(params: Mapping[str, Any]) -> str:
    return json.dumps(dict(params), sort_keys=True)


@contextlib.contextmanager
def _silent(optuna: Any) -> Iterator[None]:
    """Optuna tells of every study on stderr; its level is given back as it was."""
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(level)
