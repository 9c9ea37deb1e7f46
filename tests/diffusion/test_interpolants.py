"""Paths between pairs against samples of them, and the first guess against least squares."""

from __future__ import annotations

import pytest
import torch

from gapkit.diffusion.interpolants import (
    Interpolant,
    InterpolantDenoiser,
    brownian_bridge,
    linear_guess,
    straight_path,
)

N = 200_000
VARIANCE, CORRELATION, SIGMA = 0.3, 0.6, 0.5
MOMENTS = {"variance": VARIANCE, "correlation": CORRELATION}


def pair(n=N, seed=0, columns=1):
    """x and y with equal variance and a correlation, and noise."""
    draw = torch.Generator().manual_seed(seed)
    a, b, e = (torch.randn(n, columns, generator=draw, dtype=torch.float64) for _ in range(3))
    x = VARIANCE**0.5 * a
    y = VARIANCE**0.5 * (CORRELATION * a + (1 - CORRELATION**2) ** 0.5 * b)
    return x, y, e


def at(path, t, *, seed=0):
    x, y, e = pair(seed=seed)
    return path.at(torch.full((N,), t), x, y, e)


def test_the_ends_of_a_bridge_are_the_pair():
    x, y, e = pair(50)
    path, wanted = brownian_bridge(SIGMA)
    assert torch.equal(path.at(torch.zeros(50, dtype=torch.long), x, y, e), y)
    assert torch.equal(path.at(torch.full((50,), 1000), x, y, e), x)
    assert torch.equal(wanted.at(torch.full((50,), 321), x, y, e), y)


@pytest.mark.parametrize("t", [100, 500, 900])
def test_mean_and_variance_of_a_bridge(t):
    path, _ = brownian_bridge(SIGMA)
    x, y = torch.full((N, 1), 2.0, dtype=torch.float64), torch.full((N, 1), -1.0, dtype=torch.float64)
    e = pair()[2]
    states = path.at(torch.full((N,), t), x, y, e)
    s = t / 1000
    assert states.mean().item() == pytest.approx(2 * s - (1 - s), abs=0.005)
    assert states.var().item() == pytest.approx(SIGMA**2 * s * (1 - s), rel=0.02)


def test_the_velocity_is_the_derivative_of_the_straight_path():
    path, velocity = straight_path(SIGMA)
    x, y, e = pair(40)
    t = torch.arange(1, 999, 25)
    slope = (path.at(t + 1, x, y, e) - path.at(t - 1, x, y, e)) / 2e-3
    torch.testing.assert_close(slope, velocity.at(t, x, y, e))
    start = path.at(torch.zeros_like(t), x, y, e)
    torch.testing.assert_close(start, x + SIGMA * e)
    torch.testing.assert_close(start + velocity.at(t, x, y, e), y)


@pytest.mark.parametrize("t", [0, 250, 700, 1000])
@pytest.mark.parametrize("kind", ["straight", "brownian"])
def test_first_guess_is_least_squares(kind, t):
    path, wanted = {"straight": straight_path, "brownian": brownian_bridge}[kind](SIGMA)
    states, answers = at(path, t), at(wanted, t)
    slope = (states * answers).sum() / states.square().sum()
    skip, miss = linear_guess(path, wanted, **MOMENTS)
    assert skip[t].item() == pytest.approx(slope.item(), abs=0.01)
    assert miss[t].item() == pytest.approx((answers - slope * states).std().item(), rel=0.01, abs=1e-7)


def test_at_its_target_end_a_bridge_misses_nothing():
    skip, miss = linear_guess(*brownian_bridge(SIGMA), **MOMENTS)
    assert (skip[0].item(), miss[0].item()) == (1.0, 0.0)
    assert miss[1:].min() > 0
    assert linear_guess(*straight_path(0.0), **MOMENTS)[1].min() > 0


@pytest.mark.parametrize("kind", [straight_path, brownian_bridge])
def test_untrained_the_network_gives_the_first_guess_and_sees_unit_variance(kind):
    path, wanted = kind(SIGMA)
    net = InterpolantDenoiser(
        4, hidden=8, blocks=2, path=path, wanted=wanted, **MOMENTS, generator=torch.Generator().manual_seed(0)
    )
    x, y, e = pair(50_000, columns=4)
    for t in (1, 400, 1000):
        states = path.at(torch.full((50_000,), t), x, y, e).float()
        torch.testing.assert_close(net(states, t), states * linear_guess(path, wanted, **MOMENTS)[0][t].float())
        assert (states * net.squash[t]).var().item() == pytest.approx(1, rel=0.02)


def test_training_with_the_weight_of_the_miss_starts_at_one():
    path, wanted = brownian_bridge(SIGMA)
    skip, miss = linear_guess(path, wanted, **MOMENTS)
    for t in (5, 300, 1000):
        error = (at(wanted, t) - skip[t] * at(path, t)).square().mean() / miss[t] ** 2
        assert error.item() == pytest.approx(1, rel=0.02)


def test_moved_to_another_number_type():
    path = brownian_bridge(SIGMA)[0].to(torch.zeros(1))
    assert isinstance(path, Interpolant)
    assert path.source.dtype == path.noise.dtype == torch.float32
    assert path.n_steps == 1000
