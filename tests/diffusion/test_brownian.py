"""Samplers of the Brownian bridge: what the states are distributed as when the predictor is perfect."""

from __future__ import annotations

import pytest
import torch

from gapkit.diffusion.brownian import SAMPLERS, implicit, posterior, sample
from gapkit.errors import InputError

N, SIGMA = 100_000, 0.8
SOURCE, TARGET = 2.0, -1.0
TIMES = [1000, 700, 650, 200, 30, 0]


def noise(seed=0):
    def draw(t):
        return torch.randn(N, 1, generator=torch.Generator().manual_seed(seed * 10_000 + t), dtype=torch.float64)

    return draw


def states(name, times=TIMES, sigma=SIGMA):
    seen = {}
    x = torch.full((N, 1), SOURCE, dtype=torch.float64)
    sample(
        name,
        lambda x, t: torch.full_like(x, TARGET),
        x,
        times,
        sigma=sigma,
        draw=noise(),
        callback=lambda t, x: seen.__setitem__(t, x),
    )
    return seen


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_perfect_predictor_arrives_from_the_source_itself(name):
    for times in ([1000, 0], TIMES):
        seen = states(name, times)
        assert list(seen) == times
        assert (seen[1000] == SOURCE).all()
        torch.testing.assert_close(seen[0], torch.full((N, 1), TARGET, dtype=torch.float64))


@pytest.mark.parametrize("name", ["posterior", "implicit"])
def test_every_state_has_the_marginal_of_the_bridge(name):
    for t, x in states(name).items():
        s = t / 1000
        assert x.mean().item() == pytest.approx(s * SOURCE + (1 - s) * TARGET, abs=0.01)
        assert x.var().item() == pytest.approx(SIGMA**2 * s * (1 - s), rel=0.02, abs=1e-12)


def test_two_states_of_the_posterior_covary_as_those_of_brownian_motion():
    seen = states("posterior")
    a, b = seen[650].flatten(), seen[200].flatten()
    # sigma^2 s (1 - r) for s < r.
    assert torch.cov(torch.stack([a, b]))[0, 1].item() == pytest.approx(SIGMA**2 * 0.2 * 0.35, rel=0.03)


def test_the_implicit_sampler_draws_once():
    seen = states("implicit")
    parts = [
        (x - t / 1000 * SOURCE - (1 - t / 1000) * TARGET) / (t / 1000 * (1 - t / 1000)) ** 0.5
        for t, x in seen.items()
        if 0 < t < 1000
    ]
    for part in parts[1:]:
        torch.testing.assert_close(part, parts[0])


def test_the_mean_is_the_limit_without_noise_of_both():
    mean = states("mean")
    for name in ("posterior", "implicit"):
        still = states(name, sigma=0.0)
        assert all(torch.allclose(mean[t], still[t]) for t in TIMES)
    for t, x in mean.items():
        torch.testing.assert_close(x, torch.full_like(x, t / 1000 * SOURCE + (1 - t / 1000) * TARGET))


def test_only_the_posterior_uses_other_noise_later():
    x = torch.ones(N, 1, dtype=torch.float64)
    runs = {}
    for seed in (1, 2):
        runs[seed] = posterior(lambda x, t: 0 * x, x, [1000, 500, 100], sigma=1.0, draw=noise(seed))
    assert not torch.equal(runs[1], runs[2])


def test_errors():
    x = torch.ones(1, 1)
    with pytest.raises(InputError, match="first time must be that of the source"):
        implicit(lambda x, t: x, x, [900, 0], sigma=1.0, draw=noise())
    with pytest.raises(InputError, match="known are posterior, mean, implicit"):
        sample("ddim", lambda x, t: x, x, [1000, 0], sigma=1.0, draw=noise())
