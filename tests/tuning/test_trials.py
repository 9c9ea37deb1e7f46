import json
import math
from pathlib import Path

import numpy as np
import pytest

from gapkit.tuning.trials import Trial, choose, frontier, read_trial, write_trial

WHOLE = Trial(3, {"a": 0.25, "b": "x", "c": True}, 0.1, 1 / 3, (0.05, 0.15), (0.3, math.nan), {"cosine": 0.7}, 1.5)
FAILED = Trial(4, {"a": 1e-5}, error="InputError: no")


def _trials(points: list[tuple[float, float]]) -> list[Trial]:
    return [Trial(number, {}, *point) for number, point in enumerate(points)]


def _beaten(one: Trial, others: list[Trial]) -> bool:
    return any(
        o.closure >= one.closure and o.kept >= one.kept and (o.closure > one.closure or o.kept > one.kept)
        for o in others
    )


@pytest.mark.parametrize("seed", range(20))
def test_the_frontier_is_that_of_brute_force(seed: int) -> None:
    # Few levels: ties on one aim and on both.
    rng = np.random.default_rng(seed)
    trials = _trials([(float(a), float(b)) for a, b in rng.integers(0, 6, (30, 2)) / 5])
    trials[::7] = [Trial(t.number, {}, error="no") for t in trials[::7]]
    done = [t for t in trials if t.complete]
    found = frontier(trials)
    assert {t.number for t in found} == {t.number for t in done if not _beaten(t, done)}
    assert [t.closure for t in found] == sorted((t.closure for t in found), reverse=True)
    # The order of the trials moves neither the frontier nor the choice, ties or not.
    other = [trials[k] for k in rng.permutation(len(trials))]
    assert frontier(other) == found
    assert [choose(other, keep) for keep in (0.4, 0.9, 1.0)] == [choose(trials, keep) for keep in (0.4, 0.9, 1.0)]


def test_the_chosen_trial_keeps_enough() -> None:
    trials = [*_trials([(0.5, 1.0), (0.9, 0.8), (0.7, 0.95), (0.7, 0.97), (0.7, 0.97)]), Trial(5, {}, error="no")]
    assert choose(trials, 0.95) == (trials[3], True)
    assert choose(trials, 0.8) == (trials[1], True)
    assert choose(trials, 0.98) == (trials[0], True)


def test_where_none_keeps_enough_the_choice_is_no_worse_than_the_defaults_on_either_aim() -> None:
    trials = _trials([(0.5, 0.6), (0.9, 0.5), (0.7, 0.6), (0.1, 0.9)])
    assert choose(trials, 0.95) == (trials[2], False)
    assert choose(trials[::3], 0.95) == (trials[0], False)
    # Without defaults to go by, what keeps most.
    trials[0] = Trial(0, {}, error="no")
    assert choose(trials, 0.95) == (trials[3], False)


@pytest.mark.parametrize("seed", range(20))
def test_the_choice_is_on_the_frontier(seed: int) -> None:
    rng = np.random.default_rng(seed)
    trials = _trials([(float(a), float(b)) for a, b in rng.integers(0, 6, (12, 2)) / 5])
    for keep in (0.1, 0.5, 0.9, 1.0):
        chosen, enough = choose(trials, keep)
        assert chosen in frontier(trials)
        assert chosen is not None
        assert enough == any(t.kept >= keep for t in trials) == (chosen.kept >= keep)
        assert enough or (chosen.kept >= trials[0].kept and chosen.closure >= trials[0].closure)


def test_where_all_failed_there_is_no_choice() -> None:
    assert choose([FAILED], 0.95) == (None, False)
    assert frontier([FAILED]) == []


@pytest.mark.parametrize("trial", [WHOLE, FAILED], ids=["whole", "failed"])
def test_a_trial_comes_back_to_the_last_bit(tmp_path: Path, trial: Trial) -> None:
    write_trial(tmp_path, trial, "aa")
    again = read_trial(tmp_path, trial.number, "aa")
    assert repr(again) == repr(trial)
    assert again is not None
    assert {k: type(v) for k, v in again.params.items()} == {k: type(v) for k, v in trial.params.items()}
    # Strict JSON: undefined numbers are null.
    json.loads((tmp_path / f"{trial.number:04d}.json").read_text(), parse_constant=lambda _: pytest.fail("NaN"))


def test_a_trial_of_another_search_is_none(tmp_path: Path) -> None:
    write_trial(tmp_path, WHOLE, "aa")
    assert read_trial(tmp_path, 3, "bb") is None
    assert read_trial(tmp_path, 0, "aa") is None


def test_a_changed_byte_is_seen(tmp_path: Path) -> None:
    write_trial(tmp_path, WHOLE, "aa")
    path = tmp_path / "0003.json"
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        damaged = bytearray(whole)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        again = read_trial(tmp_path, 3, "aa")
        # A blank that became another blank says the same.
        assert again is None or repr(again) == repr(WHOLE)
    path.write_bytes(whole[: len(whole) // 2])
    assert read_trial(tmp_path, 3, "aa") is None
