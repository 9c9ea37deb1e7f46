from pathlib import Path

import pytest

from gapkit.bridges import bridge_names
from gapkit.comparison import StudyConfig, read_config
from gapkit.errors import InputError
from gapkit.metrics.registry import METRICS, metric_names


def test_a_file_sets_the_fields_and_the_parameters_of_single_bridges(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text('[compare]\nbridges = ["ridge"]\nseeds = 2\n[bridges.memory]\ntemperature = 0.5\n')
    config = StudyConfig(**read_config(path))
    assert config.bridges == ("ridge",)
    assert config.seeds == 2
    assert config.bridge_params("memory", 0)["temperature"] == 0.5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[compare]\nseds = 2\n", "did you mean seed"),
        ("[compere]\nseeds = 2\n", "did you mean compare"),
        ("[compare\n", "not readable as TOML"),
        ("compare = 3\n", r"expected the tables \[compare\]"),
        ("[bridges]\nridge = 3\n", r"expected a table \[bridges.ridge\]"),
    ],
)
def test_what_a_file_may_not_hold_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "run.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        read_config(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_config(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"bridges": "ridge"}, "bridges: expected a list"),
        ({"bridges": (1,)}, "bridges: expected a list"),
        ({"seeds": 0}, "seeds: expected a whole number of at least 1, got 0"),
        ({"seeds": 1.5}, "seeds: expected a whole number"),
        ({"seed": True}, "seed: expected a whole number"),
        ({"seed": -1}, "at least 0"),
        ({"steps": 10, "epochs": 1}, "one of the two"),
        ({"normalise": "yes"}, "normalise: expected true or false"),
        ({"device": ""}, "device: expected a name"),
        ({"test_split": "val"}, "three different names"),
    ],
)
def test_values_out_of_range(fields: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        StudyConfig(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"bridges": ("rigde",)}, "unknown bridge 'rigde': did you mean ridge"),
        ({"metrics": ("cosin",)}, "unknown metric 'cosin': did you mean cosine"),
        ({"params": {"rigde": {}}}, "unknown bridge 'rigde'"),
        ({"bridges": ("ridge",), "params": {"ridge": {"apha": 1}}}, "has no parameter 'apha'"),
        ({"device": "tpu"}, "expected one of this machine"),
    ],
)
def test_names_are_checked_before_anything_runs(fields: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        StudyConfig(**fields).resolved()  # type: ignore[arg-type]


def test_all_and_nothing() -> None:
    config = StudyConfig(device="cpu").resolved()
    assert StudyConfig(bridges=("all",), device="cpu").resolved().bridges == tuple(bridge_names())
    assert set(config.bridges) < set(bridge_names())
    assert {"diffusion-link", "diffusion-bridge", "procrustes"} <= set(config.bridges)
    assert "diffusion-bridge-unet" not in config.bridges
    assert config.metrics == tuple(name for name in METRICS.names() if METRICS.get(name).default)
    assert StudyConfig(metrics=("all",), device="cpu").resolved().metrics == tuple(metric_names())


def test_parameters_of_a_bridge() -> None:
    config = StudyConfig(steps=7, device="cpu", params={"residual-mlp": {"hidden": 16}})
    params = config.bridge_params("residual-mlp", 5)
    assert (params["steps"], params["hidden"], params["random_state"], params["device"]) == (7, 16, 5, "cpu")
    assert "steps" not in config.bridge_params("ridge", 5)
    own = StudyConfig(steps=7, params={"residual-mlp": {"steps": 3}})
    assert own.bridge_params("residual-mlp", 0)["steps"] == 3


def test_epochs_become_steps_by_the_batch() -> None:
    config = StudyConfig(epochs=3, params={"residual-mlp": {"batch_size": 32}})
    assert config.bridge_params("residual-mlp", 0, n_pairs=100)["steps"] == 3 * 4
