"""Flow matching and the denoising diffusion bridge: where perfect networks lead, what is learned, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from conformance import quick_params, toy_pairs

from gapkit.bridges import make_bridge
from gapkit.bridges.frame import to_frame
from gapkit.errors import InputError

SOURCE, TARGET = toy_pairs(400)
HELD_OUT = SOURCE[:80], TARGET[:80]
TRAINED = {"steps": 400, "hidden": 64, "batch_size": 64, "lr": 3e-3}
NAMES = ("flow", "ddbm")
QUICK = quick_params("flow")
LINE = {"flow": {"end": 1.0}, "ddbm": {"end": 1.0, "sampler": "mean"}}


def fit(name, **options):
    return make_bridge(name, **(QUICK | {"sample_steps": 3} | options)).fit(SOURCE, TARGET)


def paired_cosine(a, b):
    return float((a * b).sum(1).mean())


class Oracle(torch.nn.Module):
    """Knows the target of every source: answers with the velocity to it or with it."""

    def __init__(self, bridge, velocity):
        super().__init__()
        x, y = torch.from_numpy(SOURCE), torch.from_numpy(TARGET)
        self.target = to_frame(y, bridge.target_centre_)
        self.velocity = self.target - to_frame(x, bridge.source_centre_) if velocity else None
        self.times = []

    def forward(self, x, t, *heard):
        self.times.append(t)
        return self.target if self.velocity is None else self.velocity


@pytest.mark.parametrize("option", [{}, {"sample_steps": 1}, {"solver": "heun"}], ids=str)
def test_flow_with_the_true_velocity_arrives_at_the_targets(option):
    bridge = fit("flow", end=1.0)
    bridge.denoiser_ = Oracle(bridge, velocity=True)
    np.testing.assert_allclose(bridge.set_params(**option).transform(SOURCE), TARGET, atol=1e-5)


@pytest.mark.parametrize(
    "option", [{}, {"sample_steps": 1}, {"sampler": "posterior"}, {"sampler": "implicit"}], ids=str
)
def test_ddbm_that_knows_the_targets_arrives_at_them(option):
    bridge = fit("ddbm", end=1.0)
    bridge.denoiser_ = Oracle(bridge, velocity=False)
    np.testing.assert_allclose(bridge.set_params(**option).transform(SOURCE), TARGET, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_an_early_stop_is_a_point_on_the_line(name):
    bridge = fit(name, **LINE[name])
    bridge.denoiser_ = oracle = Oracle(bridge, velocity=name == "flow")
    way = bridge._travel(torch.from_numpy(SOURCE))
    start = bridge._enter(torch.from_numpy(SOURCE))
    torch.testing.assert_close(way, oracle.target)
    bridge.set_params(end=0.6)
    torch.testing.assert_close(bridge._travel(torch.from_numpy(SOURCE)), 0.4 * start + 0.6 * oracle.target)


def test_times_of_the_network():
    flow, ddbm = fit("flow", end=0.8, sample_steps=2, solver="heun"), fit("ddbm", end=0.8, sample_steps=2)
    for bridge, velocity, times in ((flow, True, [0, 400, 400, 800]), (ddbm, False, [1000, 600])):
        bridge.denoiser_ = oracle = Oracle(bridge, velocity)
        bridge.transform(SOURCE)
        assert oracle.times == times


@pytest.mark.parametrize("name", NAMES)
def test_pairs_are_learned_on_clips_never_seen(name):
    bridge = make_bridge(name, **TRAINED).fit(SOURCE[80:], TARGET[80:], validation=HELD_OUT)
    shifted = make_bridge("mean-shift").fit(SOURCE[80:], TARGET[80:]).transform(SOURCE[:80])
    assert paired_cosine(bridge.transform(SOURCE[:80]), TARGET[:80]) > paired_cosine(shifted, TARGET[:80]) + 0.1


@pytest.mark.parametrize("name", NAMES)
def test_untrained_it_is_c3(name):
    for end in (0.5, 1.0):
        moved = fit(name, lr=1e-30, end=end).transform(SOURCE)
        np.testing.assert_allclose(moved, make_bridge("c3").fit(SOURCE, TARGET).transform(SOURCE), atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_the_loss_of_an_untrained_network_is_about_one_and_training_lowers_it(name):
    bridge = fit(name, lr=1e-30)
    x, y = (
        to_frame(torch.from_numpy(side), centre)
        for side, centre in ((SOURCE, bridge.source_centre_), (TARGET, bridge.target_centre_))
    )
    score = bridge._score(x, y)
    trained = fit(name, **TRAINED)
    with torch.no_grad():
        untrained = score(bridge.denoiser_)
        assert untrained == pytest.approx(1, abs=0.1)
        assert score(trained.denoiser_) < 0.6 * untrained
        assert score(bridge.denoiser_) == untrained


@pytest.mark.parametrize("name", NAMES)
def test_correlation_is_the_cosine_in_the_frame(name):
    bridge = fit(name)
    centred = [side - side.mean(0) for side in (SOURCE, TARGET)]
    unit = [side / np.linalg.norm(side, axis=1, keepdims=True) for side in centred]
    assert bridge.correlation_ == pytest.approx(paired_cosine(*unit), abs=1e-5)
    assert fit_pairs_with_themselves(name).correlation_ == pytest.approx(0.99)


def fit_pairs_with_themselves(name):
    bridge = make_bridge(name, **QUICK).fit(SOURCE, SOURCE)
    assert np.isfinite(bridge.transform(SOURCE)).all()
    return bridge


@pytest.mark.parametrize(
    ("name", "option"),
    [
        *(("flow", o) for o in ({"end": 0.4}, {"sigma": 0.1}, {"solver": "heun"}, {"entry_noise": True})),
        *(("ddbm", o) for o in ({"end": 0.4}, {"sigma": 0.1}, {"conditional": False}, {"sampler": "posterior"})),
        *((name, o) for name in NAMES for o in ({"sample_steps": 1}, {"blocks": 1}, {"ema": 0.5})),
    ],
    ids=str,
)
def test_every_option_does_something(name, option):
    plain, other = fit(name).transform(SOURCE), fit(name, **option).transform(SOURCE)
    assert np.isfinite(other).all()
    assert not np.array_equal(plain, other)


@pytest.mark.parametrize(
    ("name", "option"),
    [("flow", {"entry_noise": True}), ("ddbm", {"sampler": "posterior"}), ("ddbm", {"sampler": "implicit"})],
    ids=str,
)
def test_samples_differ_where_noise_is_drawn(name, option):
    bridge = fit(name, **option)
    first, second = bridge.samples(SOURCE, 2)
    np.testing.assert_array_equal(first, bridge.transform(SOURCE))
    assert np.abs(first - second).max() > 0.01
    still = bridge.set_params(**{key: {"entry_noise": False}.get(key, "mean") for key in option}).samples(SOURCE, 2)
    np.testing.assert_array_equal(still[0], still[1])


@pytest.mark.parametrize(
    ("name", "wrong", "words"),
    [
        ("flow", {"end": 0}, "end must be a number in"),
        ("flow", {"end": 1.1}, "end must be a number in"),
        ("flow", {"end": "late"}, "end must be a number in"),
        ("flow", {"end": 0.002, "sample_steps": 3}, r"sample_steps must lie in 1\.\.2"),
        ("flow", {"sample_steps": 0}, "sample_steps must be a whole number of at least 1"),
        ("flow", {"sigma": -0.1}, "sigma must be"),
        ("flow", {"solver": "rk4"}, "solver must be one of euler, heun"),
        ("ddbm", {"sigma": float("nan")}, "sigma must be"),
        ("ddbm", {"end": -1}, "end must be a number in"),
        ("ddbm", {"sample_steps": 1001}, "sample_steps must lie in"),
        ("ddbm", {"sampler": "ddim"}, "sampler must be one of posterior, mean, implicit"),
        ("ddbm", {"hidden": 0}, "hidden must be"),
    ],
    ids=str,
)
def test_parameters_out_of_range_are_refused_at_fit(name, wrong, words):
    with pytest.raises(InputError, match=words):
        make_bridge(name, **(QUICK | wrong)).fit(SOURCE, TARGET)
