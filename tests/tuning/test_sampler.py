import itertools
import math
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import optuna
import pytest
import torch

from gapkit.errors import InputError
from gapkit.space import Choice, Range
from gapkit.tuning.sampler import _with_aims, propose
from gapkit.tuning.space import inside
from gapkit.tuning.trials import Trial

SPACE = {
    "rate": Range(1e-4, 10.0, log=True),
    "width": Range(2, 9),
    "rows": Range(1, 1000, log=True),
    "kind": Choice(("a", 1, True, 0.5)),
    "one": Choice(("x",)),
}
Aims = Callable[[Mapping[str, Any]], tuple[float, float]]


def _aims(params: Mapping[str, Any]) -> tuple[float, float]:
    """Best at rate 0.1 and width 5."""
    return -abs(math.log10(params["rate"] / 0.1)), -abs(params["width"] - 5.0)


def _search(space: Mapping[str, Any], n: int, *, seed: int = 0, aims: Aims = _aims) -> list[Trial]:
    trials: list[Trial] = []
    for number in range(n):
        params = propose(space, trials, seed=seed, number=number)
        assert params is not None
        trials.append(Trial(number, params, *aims(params)))
    return trials


def test_proposals_lie_in_the_space_and_none_comes_twice() -> None:
    trials = _search(SPACE, 40)
    for trial in trials:
        assert list(trial.params) == list(SPACE)
        assert all(inside(SPACE[key], value) for key, value in trial.params.items())
        assert type(trial.params["width"]) is type(trial.params["rows"]) is int
        # Three digits, as they are written.
        assert trial.params["rate"] == float(f"{trial.params['rate']:.3g}")
    assert len({repr(trial.params) for trial in trials}) == 40
    # 1 and True are two choices.
    assert {repr(trial.params["kind"]) for trial in trials} == {"'a'", "1", "True", "0.5"}


def test_a_proposal_depends_on_its_arguments_alone() -> None:
    trials = _search(SPACE, 15)
    again = propose(SPACE, trials, seed=0, number=15)
    np.random.seed(1)  # noqa: NPY002
    torch.manual_seed(1)
    before = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    assert propose(SPACE, trials, seed=0, number=15) == again
    assert propose(SPACE, trials, seed=1, number=15) != again
    assert propose(SPACE, trials, seed=0, number=16) != again
    np.testing.assert_array_equal(np.random.get_state()[1], before[0])  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), before[1])


def test_proposals_go_where_trials_were_good() -> None:
    space = {"rate": SPACE["rate"], "width": SPACE["width"]}
    rng = np.random.default_rng(0)
    drawn = [{"rate": float(10 ** rng.uniform(-4, 1)), "width": int(rng.integers(2, 10))} for _ in range(60)]
    trials = [Trial(number, params, *_aims(params)) for number, params in enumerate(drawn)]
    proposed = [propose(space, trials, seed=0, number=60 + k) or {} for k in range(20)]
    off = [np.mean([-a - b / 4 for a, b in map(_aims, settings)]) for settings in (proposed, drawn)]
    assert off[0] < 0.5 * off[1]


def test_failed_trials_are_told_as_the_worst() -> None:
    trials = [Trial(0, {}, 0.4, 0.9), Trial(1, {}, error="no"), Trial(2, {}, 0.6, 0.7)]
    assert [aims for _, aims in _with_aims(trials)] == [[0.4, 0.9], [0.4, 0.7], [0.6, 0.7]]
    assert [aims for _, aims in _with_aims(trials[1:2])] == [[0.0, 0.0]]


def test_where_trials_fail_few_are_proposed() -> None:
    space = {"rate": Range(0.0, 1.0)}
    trials = [
        Trial(n, {"rate": n / 40}, error="no") if n > 12 else Trial(n, {"rate": n / 40}, n / 40, 1 - n / 40)
        for n in range(40)
    ]
    proposed = [propose(space, trials, seed=0, number=40 + k) or {} for k in range(20)]
    assert sum(params["rate"] > 0.3 for params in proposed) <= 5


def test_a_small_space_is_searched_whole() -> None:
    space = {"a": Choice(("x", "y")), "b": Range(1, 4)}
    trials = _search(space, 8, aims=lambda params: (float(params["b"]), 1.0))
    found = {(trial.params["a"], trial.params["b"]) for trial in trials}
    assert found == set(itertools.product("xy", range(1, 5)))
    assert propose(space, trials, seed=0, number=8) is None


def test_defaults_outside_the_space_do_no_harm() -> None:
    outside = Trial(0, {"rate": "auto", "width": 50, "rows": None, "kind": "a", "one": "x"}, 0.9, 0.9)
    params = propose(SPACE, [outside], seed=0, number=1)
    assert params is not None
    assert inside(SPACE["rate"], params["rate"])


def test_optuna_is_left_as_it_was(capfd: pytest.CaptureFixture[str]) -> None:
    level = optuna.logging.get_verbosity()
    _search(SPACE, 2)
    assert optuna.logging.get_verbosity() == level
    assert capfd.readouterr() == ("", "")


def test_without_optuna(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(InputError, match=r"needs the package optuna; pip install 'gapkit\[tune\]'"):
        propose(SPACE, [], seed=0, number=0)
