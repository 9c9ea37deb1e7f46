"""Diffusion-Link, Diffusion Bridge and the control: their options and what they learn."""

import json

import numpy as np
import pytest
import torch
from conformance import quick_params, toy_pairs

from gapkit.bridges import make_bridge
from gapkit.errors import GapkitError, InputError
from gapkit.training import loop

SOURCE, TARGET = toy_pairs(400)
HELD_OUT = toy_pairs(400)[0][:80], toy_pairs(400)[1][:80]
QUICK = quick_params("diffusion-link")
TRAINED = {"steps": 400, "hidden": 64, "batch_size": 64, "lr": 3e-3}
NAMES = ("diffusion-link", "diffusion-bridge", "residual-mlp")


def paired_cosine(a, b):
    return float((a * b).sum(1).mean())


@pytest.mark.parametrize(("name", "option"), [("diffusion-link", {"source_weight": 0.5}), ("residual-mlp", {})])
def test_pairs_are_learned_on_clips_never_seen(name, option):
    bridge = make_bridge(name, **TRAINED, **option).fit(SOURCE[80:], TARGET[80:], validation=HELD_OUT)
    shifted = make_bridge("mean-shift").fit(SOURCE[80:], TARGET[80:]).transform(SOURCE[:80])
    assert paired_cosine(bridge.transform(SOURCE[:80]), TARGET[:80]) > paired_cosine(shifted, TARGET[:80]) + 0.1


def test_diffusion_bridge_needs_no_pairs_and_denoises_targets():
    bridge = make_bridge("diffusion-bridge", **TRAINED).fit(SOURCE, TARGET)
    # Its clean estimate of a noised target beats the linear guess that it starts from.
    clean = bridge._enter(torch.from_numpy(SOURCE)) * 0 + 5 * torch.nn.functional.normalize(
        torch.from_numpy(TARGET - TARGET.mean(0)), dim=1
    )
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    x = float(bridge._schedule.signal(500)) * clean + float(bridge._schedule.noise(500)) * noise
    with torch.no_grad():
        learned = (bridge.denoiser_(x, 500) - clean).square().mean()
    linear = (bridge.denoiser_.skip[500] * x - clean).square().mean()
    assert learned < linear


@pytest.mark.parametrize(
    "option",
    [
        {"inputs": "source"},
        {"inputs": "target"},
        {"shared_noise": False},
        {"source_weight": 0.9},
        {"dropout": 0.2},
        {"entry_noise": True},
        {"sample_steps": 2},
        {"sampler": "ddpm"},
        {"sampler": "dpm-solver"},
        {"topology": "pearson"},
        {"topology": "softmax"},
        {"topology_weight": 0.0},
        {"schedule": "linear"},
        {"start": 400},
        {"last_time": 300},
        {"scale": 1.0},
        {"precondition": False},
        {"directions_only": True},
        {"blocks": 1},
        {"prediction": "epsilon"},
        {"prediction": "v"},
        {"targets": "any"},
        {"targets": "mean"},
        {"contrast_weight": 0.5},
        {"contrast_weight": 0.5, "contrast_temperature": 1.0},
        {"condition": True},
        {"condition": True, "guidance": 1.0},
        {"self_condition": True},
        {"distil_steps": 20},
        {"precision": "bfloat16"},
    ],
    ids=str,
)
def test_every_option_of_diffusion_link_does_something(option):
    base = QUICK | {"start": 150, "sample_steps": 5, "last_time": 1000}
    source, target = np.repeat(SOURCE[:200], 2, axis=0), TARGET
    plain = make_bridge("diffusion-link", **base).fit(source, target).transform(source)
    other = make_bridge("diffusion-link", **(base | option)).fit(source, target).transform(source)
    assert np.isfinite(other).all()
    assert not np.array_equal(plain, other)


def test_another_seed_does_not_take_up_the_checkpoint(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "SAVE_EVERY_SECONDS", -1.0)
    file = tmp_path / "checkpoint.safetensors"
    make_bridge("diffusion-link", **QUICK).fit(SOURCE, TARGET, checkpoint=file)
    with_file = make_bridge("diffusion-link", **QUICK, random_state=1).fit(SOURCE, TARGET, checkpoint=file)
    without = make_bridge("diffusion-link", **QUICK, random_state=1).fit(SOURCE, TARGET)
    np.testing.assert_array_equal(with_file.transform(SOURCE), without.transform(SOURCE))


def test_untrained_and_not_aligned_it_is_c3():
    untrained = make_bridge("diffusion-link", **QUICK, lr=1e-30, align="none").fit(SOURCE, TARGET).transform(SOURCE)
    np.testing.assert_allclose(untrained, make_bridge("c3").fit(SOURCE, TARGET).transform(SOURCE), atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_too_few_rows(name):
    with pytest.raises(InputError, match="at least 16 rows"):
        make_bridge(name).fit(SOURCE[:10], TARGET[:10])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"start": 0}, "start must lie in"),
        ({"start": 2000}, "start must lie in"),
        ({"sample_steps": 60}, "sample_steps must lie in"),
        ({"last_time": 20}, "last_time must lie in"),
        ({"dropout": 1.0}, "dropout must be"),
        ({"source_weight": 1.0}, r"source_weight must be a number in \(0, 1\)"),
        ({"inputs": "audio"}, "inputs must be one of both"),
        ({"topology": "x"}, "topology must be one of"),
        ({"schedule": "x"}, "schedule must be one of"),
        ({"hidden": 0}, "hidden must be"),
        ({"batch_size": 1.5}, "batch_size must be"),
        ({"scale": -1}, "scale must be"),
        ({"lr": 0}, "lr must be"),
        ({"device": "abacus"}, "device 'abacus'"),
        ({"device": "cuda:77"}, "device 'cuda:77'"),
        ({"device": None}, "device must be text"),
        ({"start": "x"}, "start must be a whole number, got 'x'"),
        ({"sample_steps": 2.5}, "sample_steps must be a whole number, got 2.5"),
        ({"schedule": ["cosine"]}, "schedule must be one of"),
        ({"hidden": True}, "hidden must be"),
        ({"random_state": None}, "random_state must be a whole number, got None"),
        ({"lr": "x"}, "lr must be a number above 0, got 'x'"),
        ({"patience": None}, "patience must be a whole number of at least 0, got None"),
    ],
    ids=str,
)
def test_parameters_out_of_range_are_refused_at_fit(wrong, words):
    with pytest.raises(InputError, match=words):
        make_bridge("diffusion-link", **(QUICK | wrong)).fit(SOURCE, TARGET)


@pytest.mark.parametrize("name", ["diffusion-link", "diffusion-bridge", "sdedit"])
def test_an_unknown_sampler_is_refused_before_the_training(name):
    with pytest.raises(InputError, match="sampler must be one of ddim, ddpm, dpm-solver, got 'euler'"):
        make_bridge(name, **quick_params(name), sampler="euler").fit(SOURCE, TARGET)


def test_an_impossible_learning_rate_is_said_to_diverge():
    params = QUICK | {"steps": 200, "lr": 1e20}
    with pytest.raises(GapkitError, match="diverged"):
        make_bridge("diffusion-link", **params).fit(SOURCE, TARGET)


def test_weights_of_another_size_are_refused(tmp_path):
    bridge = make_bridge("diffusion-link", **QUICK).fit(SOURCE, TARGET)
    bridge.save(tmp_path)
    config = tmp_path / "config.json"
    changed = json.loads(config.read_text())
    del changed["digest"]
    config.write_text(json.dumps(changed).replace('"hidden": 24', '"hidden": 25'))
    with pytest.raises(InputError, match="do not fit"):
        type(bridge).load(tmp_path)


@pytest.mark.parametrize("name", ["diffusion-link", "diffusion-bridge", "sdedit"])
def test_targets_go_through_the_process_too(name):
    bridge = make_bridge(name, **TRAINED).fit(SOURCE, TARGET)
    through = {start: bridge.denoised_targets(TARGET[:80], start=start) for start in (1, 100, 900)}
    for rows in through.values():
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    # Hardly noised they come back much as they were; the later the start, the less of them is left.
    near, mid, far = (paired_cosine(rows, TARGET[:80]) for rows in through.values())
    assert near > 0.85
    assert near > mid > far
    np.testing.assert_array_equal(bridge.denoised_targets(TARGET[:80]), bridge.denoised_targets(TARGET[:80]))
    # A row is a function of itself alone.
    np.testing.assert_allclose(bridge.denoised_targets(TARGET[40:80]), bridge.denoised_targets(TARGET[:80])[40:])
    with pytest.raises(InputError, match=r"start must be a whole number in 1\.\.1000, got 0"):
        bridge.denoised_targets(TARGET, start=0)


def test_a_network_that_is_told_the_source_is_told_none_of_a_target():
    """The answer for targets must not hang on anything but the targets."""
    bridge = make_bridge("diffusion-link", **TRAINED, condition=True, guidance=1.0).fit(SOURCE, TARGET)
    rows = bridge.denoised_targets(TARGET[:10], start=50)
    assert paired_cosine(rows, TARGET[:10]) > 0.85
    np.testing.assert_array_equal(rows, bridge.denoised_targets(TARGET, start=50)[:10])
