"""What every registered bridge must do. A new bridge is tried here without a line being added."""

from __future__ import annotations

import copy
import json

import numpy as np
import pandas as pd
import pytest
import torch
from conformance import brief_params, toy_pairs
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from gapkit.bridges import bridge_names, load_bridge, make_bridge
from gapkit.bridges.network import NetworkBridge
from gapkit.bridges.registry import BRIDGES
from gapkit.errors import InputError, NotFittedError
from gapkit.options import options_of
from gapkit.training.loop import train

NAMES = bridge_names()
SOURCE, TARGET = toy_pairs()
HELD_OUT = toy_pairs(24, seed=0)


@pytest.fixture(scope="module")
def fitted():
    """One fitted bridge of each name, made when first asked for."""
    made = {}

    def get(name):
        if name not in made:
            made[name] = make_bridge(name, **brief_params(name)).fit(SOURCE, TARGET)
        return made[name]

    return get


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


def test_shape_dtype_and_length(fitted, name):
    moved = fitted(name).transform(SOURCE[:7])
    assert moved.shape == (7, 12)
    assert moved.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(moved, axis=1), 1, atol=1e-5)


def test_one_row_moves_as_it_does_among_others(fitted, name):
    bridge = fitted(name)
    first = bridge.transform(SOURCE)[:1]
    np.testing.assert_allclose(bridge.transform(SOURCE[:1]), first, atol=2e-6)


def test_an_option_that_was_part_of_the_fit_may_not_change_after_it(fitted, name, tmp_path):
    bridge = copy.copy(fitted(name))
    for found in options_of(type(bridge)).values():
        before = getattr(bridge, found.name)
        bridge.set_params(**{found.name: "another"})
        told = "must be" if found.after_fit else "was .* at the fit and is 'another' now; fit again, or set it back"
        if found.kind != "text" or not found.after_fit:  # a device may be any text
            for use in (lambda: bridge.transform(SOURCE[:2]), lambda: bridge.save(tmp_path)):
                with pytest.raises(InputError, match=f"{found.name} {told}"):
                    use()
        bridge.set_params(**{found.name: before})
    assert not list(tmp_path.iterdir())
    np.testing.assert_array_equal(bridge.transform(SOURCE[:2]), fitted(name).transform(SOURCE[:2]))


def test_it_is_fitted_anew_with_other_options(name):
    quick = brief_params(name)
    wider = {key: value + 1 for key, value in quick.items() if key in ("hidden", "steps", "n_max")}
    again = make_bridge(name, **quick).fit(SOURCE, TARGET).set_params(**wider).fit(SOURCE, TARGET)
    fresh = make_bridge(name, **quick | wider).fit(SOURCE, TARGET)
    np.testing.assert_array_equal(again.transform(SOURCE), fresh.transform(SOURCE))


def test_batches_of_a_seed_are_drawn_from_no_stream_that_draws_weights(name, monkeypatch):
    if not issubclass(BRIDGES.get(name), NetworkBridge):
        pytest.skip("trains no network")
    seeds = set()

    def seen(model, loss, options, *, generators, **rest):
        seeds.update(one.initial_seed() for one in generators)
        return train(model, loss, options, generators=generators, **rest)

    monkeypatch.setattr("gapkit.bridges.network.train", seen)
    quick = brief_params(name) | {"steps": 1}
    for seed in (0, 1):
        make_bridge(name, **quick, random_state=seed).fit(SOURCE, TARGET)
    # Weights of seed s come from the generator of s itself.
    assert len(seeds) == 2
    assert not seeds & set(range(100))


def test_a_second_fit_gives_the_same_bits_and_leaves_all_else_alone(fitted, name):
    x, y = SOURCE.copy(), TARGET.copy()
    before, rng_before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    moved = make_bridge(name, **brief_params(name)).fit(x, y).transform(x)
    assert torch.equal(before, torch.get_rng_state())
    assert np.array_equal(rng_before, np.random.get_state()[1])  # noqa: NPY002
    assert torch.is_grad_enabled()
    np.testing.assert_array_equal(x, SOURCE)
    np.testing.assert_array_equal(y, TARGET)
    np.testing.assert_array_equal(moved, fitted(name).transform(SOURCE))


def test_stochastic_means_that_the_seed_matters(fitted, name):
    cls = BRIDGES.get(name)
    assert cls.stochastic == ("random_state" in cls().get_params())
    if cls.stochastic:
        largest = make_bridge(name, **brief_params(name), random_state=2**62 + 1).fit(SOURCE, TARGET)
        assert not np.array_equal(fitted(name).transform(SOURCE), largest.transform(SOURCE))
        for seed in (2**64, -(2**64)):
            with pytest.raises(
                InputError, match=r"random_state must be a whole number (that 64 bits hold|of at least 0), got"
            ):
                make_bridge(name, **brief_params(name), random_state=seed).fit(SOURCE, TARGET)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_it_is_fitted_the_same_to_tensors_and_where_nothing_is_differentiated(fitted, name, mode):
    with mode():
        bridge = make_bridge(name, **brief_params(name)).fit(torch.tensor(SOURCE), torch.tensor(TARGET))
        assert not torch.is_grad_enabled()
    np.testing.assert_array_equal(bridge.transform(SOURCE), fitted(name).transform(SOURCE))


@pytest.fixture
def float64_by_default():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.usefixtures("float64_by_default")
def test_what_type_torch_makes_by_default_does_not_matter(fitted, name, tmp_path):
    bridge = make_bridge(name, **brief_params(name)).fit(SOURCE, TARGET)
    bridge.save(tmp_path)
    torch.set_default_dtype(torch.float32)
    wanted = fitted(name).transform(SOURCE)
    torch.set_default_dtype(torch.float64)
    np.testing.assert_array_equal(bridge.transform(SOURCE), wanted)
    np.testing.assert_array_equal(load_bridge(tmp_path).transform(SOURCE), wanted)


@pytest.mark.parametrize("failure", [KeyboardInterrupt, InputError])
def test_a_fit_that_does_not_end_leaves_nothing_fitted(fitted, name, failure, tmp_path, monkeypatch):
    bridge = copy.deepcopy(fitted(name))
    fit = type(bridge)._fit

    def stopped(*given):
        fit(*given)
        raise failure

    monkeypatch.setattr(type(bridge), "_fit", stopped)
    with pytest.raises(failure):
        bridge.fit(SOURCE[:, :7], TARGET[:, :7])
    for use in (lambda: bridge.transform(SOURCE), lambda: bridge.save(tmp_path / "b")):
        with pytest.raises(NotFittedError, match="not fitted"):
            use()


def test_numbers_of_numpy_are_parameters_too(name, tmp_path):
    params = BRIDGES.get(name)().get_params() | brief_params(name)
    of_numpy = {key: np.int64(v) if isinstance(v, int) else np.float32(v) for key, v in params.items() if is_number(v)}
    bridge = make_bridge(name, **(params | of_numpy)).fit(SOURCE, TARGET)
    bridge.save(tmp_path)
    np.testing.assert_array_equal(load_bridge(tmp_path).transform(SOURCE), bridge.transform(SOURCE))


def is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool)


def test_a_switch_is_true_or_false(name):
    switches = [key for key, value in BRIDGES.get(name)().get_params().items() if isinstance(value, bool)]
    for switch in switches:
        with pytest.raises(InputError, match=f"{switch} must be true or false, got 'no'"):
            make_bridge(name, **{**brief_params(name), switch: "no"}).fit(SOURCE, TARGET)
        make_bridge(name, **{**brief_params(name), switch: np.bool_(False)}).fit(SOURCE, TARGET)


def test_length_of_the_input_does_not_matter(fitted, name):
    if name == "identity":
        pytest.skip("identity gives its input back, of whatever length")
    np.testing.assert_allclose(fitted(name).transform(SOURCE * 3), fitted(name).transform(SOURCE), atol=2e-6)


def test_params_are_stored_as_given_and_cloned(fitted, name):
    bridge = fitted(name)
    cloned = clone(bridge)
    assert cloned.get_params() == bridge.get_params()
    assert not hasattr(cloned, "n_features_in_")
    with pytest.raises(NotFittedError, match="not fitted"):
        cloned.transform(SOURCE)


def test_save_and_load_give_the_same_bits(fitted, name, tmp_path):
    bridge = fitted(name)
    bridge.save(tmp_path / "b")
    assert sorted(p.name for p in (tmp_path / "b").iterdir()) == ["config.json", "model.safetensors"]
    loaded = load_bridge(tmp_path / "b")
    assert type(loaded) is type(bridge)
    assert loaded.get_params() == bridge.get_params()
    np.testing.assert_array_equal(loaded.transform(SOURCE), bridge.transform(SOURCE))
    loaded.save(tmp_path / "c")
    for file in ("config.json", "model.safetensors"):
        assert (tmp_path / "c" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_torch_in_torch_out(fitted, name):
    moved = fitted(name).transform(torch.from_numpy(SOURCE))
    assert isinstance(moved, torch.Tensor)
    assert not moved.requires_grad
    np.testing.assert_array_equal(moved.numpy(), fitted(name).transform(SOURCE))


def test_pipeline_and_set_output(fitted, name):
    pipeline = make_pipeline(make_bridge(name, **brief_params(name))).fit(SOURCE, TARGET)
    np.testing.assert_array_equal(pipeline.transform(SOURCE), fitted(name).transform(SOURCE))
    frame = pipeline.set_output(transform="pandas").transform(SOURCE[:3])
    assert isinstance(frame, pd.DataFrame)
    assert frame.shape == (3, 12)


def test_trajectory_starts_at_the_input_and_ends_at_the_result(fitted, name):
    bridge = fitted(name)
    if not hasattr(bridge, "trajectory"):
        pytest.skip(f"{name} moves in one step")
    for wanted in (2, 4, 99):
        path = bridge.trajectory(SOURCE, wanted)
        assert path.shape[1:] == SOURCE.shape
        assert 2 <= len(path) <= wanted
        np.testing.assert_allclose(path[0], SOURCE, atol=1e-6)
        np.testing.assert_array_equal(path[-1], bridge.transform(SOURCE))
    with pytest.raises(InputError, match="n_snapshots"):
        bridge.trajectory(SOURCE, 1)


def test_pairs_are_needed_or_not(name):
    bridge = make_bridge(name, **brief_params(name))
    if bridge.needs_pairs:
        with pytest.raises(InputError, match="needs pairs"):
            bridge.fit(SOURCE, TARGET[:-1])
    else:
        assert bridge.fit(SOURCE, TARGET[:-10]).transform(SOURCE).shape == SOURCE.shape
        if not bridge.stochastic:  # batches depend on the order of rows; the closed forms must not
            turned = make_bridge(name, **brief_params(name)).fit(SOURCE, np.roll(TARGET, 5, axis=0))
            straight = make_bridge(name).fit(SOURCE, TARGET)
            np.testing.assert_allclose(turned.transform(SOURCE), straight.transform(SOURCE), atol=1e-6)


def bad_inputs():
    nan, inf, zero = SOURCE.copy(), SOURCE.copy(), SOURCE.copy()
    nan[3, 2], inf[5, 0], zero[4] = np.nan, -np.inf, 0
    return {
        "nan": (nan, TARGET, "NaN or infinity in 1 of 96"),
        "infinity": (inf, TARGET, "NaN or infinity in 1 of 96"),
        "zero row": (zero, TARGET, "1 zero rows"),
        "other width": (SOURCE[:, :5], TARGET, "expected 5 features"),
        "one dimension": (SOURCE[0], TARGET, "2-D"),
        "no rows": (SOURCE[:0], TARGET, "at least one row"),
        "one row": (SOURCE[:1], TARGET[:1], "at least 2 rows"),
        "strings": (np.array([["a", "b"]] * 3), TARGET, "numbers"),
    }


@pytest.mark.parametrize("case", bad_inputs())
def test_bad_input_is_one_clear_line(name, case):
    source, target, words = bad_inputs()[case]
    with pytest.raises(InputError, match=words) as caught:
        make_bridge(name, **brief_params(name)).fit(source, target)
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)


def test_transform_refuses_another_width(fitted, name):
    with pytest.raises(InputError, match="expected 12 features"):
        fitted(name).transform(SOURCE[:, :7])


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int8, ">f4"])
def test_other_number_types_are_understood(fitted, name, dtype):
    values = (SOURCE[:9] * 100).astype(dtype)
    moved = fitted(name).transform(values)
    assert moved.dtype == (np.float64 if dtype is np.float64 else np.float32)
    assert np.isfinite(moved).all()


def test_broken_folders_are_refused(fitted, name, tmp_path):
    folder = tmp_path / "b"
    with pytest.raises(InputError, match=r"no config\.json"):
        load_bridge(folder)
    fitted(name).save(folder)
    weights, config = folder / "model.safetensors", folder / "config.json"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="not a whole safetensors"):
        load_bridge(folder)
    weights.unlink()
    with pytest.raises(InputError, match=r"no model\.safetensors"):
        load_bridge(folder)
    weights.write_bytes(whole)
    newer = json.loads(config.read_text()) | {"format": 99}
    config.write_text(json.dumps(newer))
    with pytest.raises(InputError, match="newer gapkit"):
        load_bridge(folder)
    config.write_text("{")
    with pytest.raises(InputError, match="JSON"):
        load_bridge(folder)


def test_docstring_says_what_it_is(name):
    text = BRIDGES.get(name).__doc__
    assert text
    assert len(text.strip().splitlines()[0]) < 120
    for param in BRIDGES.get(name)().get_params():
        assert param in text or "As in `diffusion-link`" in text, f"{name}: {param} is not documented"
