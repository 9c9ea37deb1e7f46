"""What bridges declare about themselves, and what `load` makes of a folder that contradicts itself."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from conformance import brief_params, toy_pairs
from safetensors.numpy import load_file, save_file

from gapkit.bridges import bridge_names, load_bridge, make_bridge
from gapkit.bridges.registry import BRIDGES
from gapkit.errors import InputError
from gapkit.space import Choice

NAMES = bridge_names()
SOURCE, TARGET = toy_pairs()
FAMILIES = {"closed form", "memory", "transport", "regression", "diffusion", "control"}


@pytest.mark.parametrize("name", NAMES)
def test_the_family_is_one_of_those_known(name):
    assert BRIDGES.get(name).family in FAMILIES


@pytest.mark.parametrize("name", NAMES)
def test_what_may_be_searched_is_a_parameter_and_holds_its_default(name):
    cls = BRIDGES.get(name)
    params = cls().get_params()
    for key, values in cls.space.items():
        assert key in params
        default = params[key]
        if isinstance(values, Choice):
            assert default in values.values
        else:
            assert values.low < values.high
            assert not values.log or values.low > 0
            if not isinstance(default, str):  # chosen when fitted
                assert values.low <= default <= values.high


@pytest.mark.parametrize("name", [n for n in NAMES if BRIDGES.get(n).family not in ("diffusion", "regression")])
def test_both_ends_of_what_may_be_searched_can_be_fitted(name):
    for key, values in BRIDGES.get(name).space.items():
        for value in values.values if isinstance(values, Choice) else (values.low, values.high):
            bridge = make_bridge(name, **(brief_params(name) | {key: value})).fit(SOURCE, TARGET)
            np.testing.assert_allclose(np.linalg.norm(bridge.transform(SOURCE), axis=1), 1, atol=1e-5)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Folder of a fitted bridge of each name, made when first asked for; not to be changed."""
    made = {}

    def get(name):
        if name not in made:
            made[name] = tmp_path_factory.mktemp(name)
            make_bridge(name, **brief_params(name)).fit(SOURCE, TARGET).save(made[name])
        return made[name]

    return get


WITH_ARRAYS = [name for name in NAMES if name != "identity"]


def _unsealed(folder):
    """The configuration as older versions wrote it, which may be changed."""
    config = json.loads((folder / "config.json").read_text())
    return {key: value for key, value in config.items() if key not in ("digest", "weights")}


@pytest.mark.parametrize("name", WITH_ARRAYS)
@pytest.mark.parametrize("width", [5, 13, "12", None])
def test_a_folder_of_another_width_is_refused(saved, name, width, tmp_path):
    shutil.copytree(saved(name), tmp_path, dirs_exist_ok=True)
    config = _unsealed(tmp_path)
    if width is None:
        del config["fitted"]["n_features_in_"]
    else:
        config["fitted"]["n_features_in_"] = width
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match="weights do not fit the configuration") as caught:
        load_bridge(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", WITH_ARRAYS)
def test_a_folder_that_lost_an_array_is_refused(saved, name, tmp_path):
    shutil.copytree(saved(name), tmp_path, dirs_exist_ok=True)
    (tmp_path / "config.json").write_text(json.dumps(_unsealed(tmp_path)))
    whole = load_file(tmp_path / "model.safetensors")
    needed = sorted(set(whole) - {"spectrum_"})  # that one is for reading, and nothing is computed from it
    # A network asks for all of its arrays in one step: six of them stand for its hundreds.
    for lost in needed[:: max(1, len(needed) // 6)]:
        save_file({k: v for k, v in whole.items() if k != lost}, tmp_path / "model.safetensors")
        with pytest.raises(InputError, match="weights do not fit the configuration"):
            load_bridge(tmp_path)
