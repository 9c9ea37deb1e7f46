"""The defaults are those that the committed searches stand for."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from gapkit.bridges import make_bridge
from gapkit.bridges.registry import BRIDGES, bridge_names

RESULTS = Path(__file__).resolve().parents[2] / "results"
NOT_SEARCHED = {"diffusion-bridge-unet"}
"""A fit takes minutes."""
SEARCHED = [name for name in bridge_names() if BRIDGES.get(name).space and name not in NOT_SEARCHED]
CONFIRMED = pd.read_csv(RESULTS / "tuning-confirmed.csv").set_index("bridge")["verdict"]


@pytest.mark.parametrize("name", SEARCHED)
def test_defaults_are_those_of_the_search(name):
    trials = pd.read_csv(RESULTS / "tuning" / f"{name}.csv", dtype=str, keep_default_na=False)
    first, chosen = trials.iloc[0], trials[trials["chosen"] == "True"].iloc[0]
    took_over = CONFIRMED.get(name) == "taken over"
    params = make_bridge(name).get_params()
    own = [column for column in trials if column.startswith("params_")]
    changed = {column for column in own if first[column] != chosen[column]}
    # A search that chose something else was held against the defaults again.
    assert bool(changed) == (name in CONFIRMED)
    for column in own:
        value, wanted = params[column.removeprefix("params_")], (chosen if took_over else first)[column]
        if isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool)):
            assert float(wanted) == pytest.approx(value, rel=5e-3), column
        else:
            assert str(value) == wanted, column
    assert f"gapkit tune, soundscapes validation split, {len(trials)} settings" in BRIDGES.get(name).defaults_from


def test_every_bridge_with_something_to_choose_says_where_from():
    for name in bridge_names():
        bridge = BRIDGES.get(name)
        assert bool(bridge.space) <= bool(bridge.defaults_from), name
