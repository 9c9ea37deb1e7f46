"""Diffusion Bridge as released: its loss and its sampling written out once more, and what its options do."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from conformance import quick_params, toy_pairs
from torch.nn import functional as F  # noqa: N812

from gapkit.bridges import diffusion_bridge_unet, make_bridge
from gapkit.bridges.frame import from_frame
from gapkit.errors import InputError
from gapkit.training.state import TrainingState

NAME = "diffusion-bridge-unet"
SOURCE, TARGET = toy_pairs()
QUICK = quick_params(NAME)


def fit(**options):
    return make_bridge(NAME, **(QUICK | options)).fit(SOURCE, TARGET)


def test_sampling_as_released():
    bridge = fit()
    abar = bridge._schedule.alpha_bar
    centred = torch.from_numpy(SOURCE) - torch.from_numpy(SOURCE).mean(0)
    x = F.normalize(centred, dim=1)
    with torch.no_grad():
        for now, then in ((600, 480), (480, 360), (360, 240), (240, 120), (120, 0)):
            x = 5 * F.normalize(x, dim=1)
            clean = bridge.denoiser_(x, now)
            noise = (x / abar[now].sqrt().float() - clean) / (1 / abar[now] - 1).sqrt().float()
            x = abar[then].sqrt().float() * clean + (1 - abar[then]).sqrt().float() * noise
    wanted = from_frame(F.normalize(x, dim=1), torch.from_numpy(TARGET).mean(0))
    np.testing.assert_allclose(bridge.transform(SOURCE), wanted, atol=1e-5)


def test_the_loss_as_released():
    bridge = fit(batch_size=50)
    y = 5 * F.normalize(torch.randn(80, 12, generator=torch.Generator().manual_seed(1)), dim=1)
    loss = bridge._loss(y, y, torch.Generator().manual_seed(2))
    seen = []

    def model(x, t):
        seen.append((x, t))
        return x.flip(0)

    value = loss(model)
    (noised, t), draw = seen[0], torch.Generator().manual_seed(2)
    rows = torch.randint(80, (50,), generator=draw)
    assert torch.equal(t, torch.randint(1, 1001, (50,), generator=draw))
    snr = bridge._schedule.snr(t)
    expected = (snr * (noised.flip(0) - y[rows]).square().mean(1)).mean()
    assert float(value) == pytest.approx(float(expected), rel=1e-5)
    # And what the network is shown has the length of the clean vectors, whatever t is.
    torch.testing.assert_close(bridge.denoiser_(noised, t), bridge.denoiser_(5 * F.normalize(noised, dim=1), t))


def test_training_as_released():
    options = make_bridge(NAME, lr=8e-5, anneal=False)._options()
    assert {options.rate(step) for step in (0, 1, options.steps - 1)} == {8e-5}
    assert (options.weight_decay, options.ema, options.clip, options.patience) == (0, 0, 1, 0)
    bridge = make_bridge(NAME)
    assert (bridge.batch_size, bridge.start, bridge.sample_steps, bridge.scale) == (64, 600, 5, 5)


def test_without_an_average_the_last_weights_are_kept(monkeypatch):
    live = {}
    finish = TrainingState.finish

    def look(state):
        live.update({name: p.detach().clone() for name, p in state.model.named_parameters()})
        finish(state)

    monkeypatch.setattr(TrainingState, "finish", look)
    bridge = fit(steps=7)
    assert all(torch.equal(live[name], p) for name, p in bridge.denoiser_.named_parameters())
    averaged = fit(steps=7, ema=0.9)
    assert not all(torch.equal(live[name], p) for name, p in averaged.denoiser_.named_parameters())


def test_training_denoises_targets():
    bridge = fit(steps=40, lr=3e-3)
    clean = bridge._enter(torch.from_numpy(TARGET) + bridge.source_centre_ - bridge.target_centre_)
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    x = float(bridge._schedule.signal(300)) * clean + float(bridge._schedule.noise(300)) * noise
    with torch.no_grad():
        # Better than the mean, which is zero here.
        assert (bridge.denoiser_(x, 300) - clean).square().sum(1).mean() < 0.8 * clean.square().sum(1).mean()


def test_rows_in_blocks_are_as_rows_at_once(monkeypatch):
    bridge = fit()
    whole = bridge.transform(SOURCE)
    monkeypatch.setattr(diffusion_bridge_unet, "BLOCK", 7)
    np.testing.assert_allclose(bridge.transform(SOURCE), whole, atol=1e-5)


@pytest.mark.parametrize(
    "option",
    [
        {"start": 200},
        {"sample_steps": 2},
        {"entry_noise": True},
        {"weighting": "uniform"},
        {"schedule": "linear"},
        {"scale": 1.0},
        {"directions_only": False},
        {"width": 4},
        {"time_features": 8},
        {"lr": 3e-3},
        {"anneal": False},
        {"ema": 0.9},
    ],
    ids=str,
)
def test_every_option_does_something(option):
    plain, other = fit().transform(SOURCE), fit(**option).transform(SOURCE)
    assert np.isfinite(other).all()
    assert not np.array_equal(plain, other)


def test_a_bad_time_width_and_a_bad_width_are_refused():
    for wrong, words in (({"time_features": 7}, "time_features must be"), ({"width": 0}, "width must be")):
        with pytest.raises(InputError, match=words):
            fit(**wrong)
    with pytest.raises(InputError, match="weighting must be one of snr, uniform"):
        make_bridge("diffusion-bridge", weighting="none").fit(SOURCE, TARGET)
    with pytest.raises(InputError, match="start must lie in"):
        fit(start=0)
