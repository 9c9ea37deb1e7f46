"""Guidance against the closed form: for Gaussian data a guided predictor is that of another Gaussian."""

from __future__ import annotations

import pytest
import torch

from gapkit.diffusion.guidance import guided
from gapkit.diffusion.samplers import ddim
from gapkit.diffusion.schedule import cosine_schedule

SCHEDULE = cosine_schedule()
VARIANCE = 0.3
MEAN = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)


def posterior_mean(mean):
    """The best x0 predictor where x0 is N(mean, VARIANCE)."""

    def predict(x, t):
        abar = float(SCHEDULE.alpha_bar[t])
        return mean + abar**0.5 * VARIANCE / (abar * VARIANCE + 1 - abar) * (x - abar**0.5 * mean)

    return predict


@pytest.mark.parametrize("weight", [-1.0, -0.5, 0.0, 1.0, 3.0])
def test_gaussians_of_equal_variance_guide_to_one_further_out(weight):
    # p(x|c)^(1 + w) / p(x)^w of N(m, v) and N(0, v) is N((1 + w) m, v), at every noise level.
    f = guided(posterior_mean(MEAN), posterior_mean(0 * MEAN), weight)
    x = torch.randn(50, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for t in (1, 300, 1000):
        torch.testing.assert_close(f(x, t), posterior_mean((1 + weight) * MEAN)(x, t))


def test_sampling_arrives_at_that_gaussian():
    x = torch.randn(20000, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    end = ddim(guided(posterior_mean(MEAN), posterior_mean(0 * MEAN), 1.5), x, SCHEDULE.times(1000, 250), SCHEDULE)
    torch.testing.assert_close(end.mean(0), 2.5 * MEAN, atol=0.02, rtol=0)
    torch.testing.assert_close(end.var(0), torch.full((3,), VARIANCE, dtype=torch.float64), atol=0, rtol=0.05)


def test_guiding_the_clean_vector_is_guiding_the_noise():
    draw = torch.Generator().manual_seed(2)
    x, c, u = (torch.randn(4, 3, generator=draw, dtype=torch.float64) for _ in range(3))
    signal, noise = float(SCHEDULE.signal(400)), float(SCHEDULE.noise(400))
    eps_c, eps_u = ((x - signal * clean) / noise for clean in (c, u))
    eps = (1 + 0.7) * eps_c - 0.7 * eps_u
    torch.testing.assert_close(guided(lambda *_: c, lambda *_: u, 0.7)(x, 400), (x - noise * eps) / signal)


def test_without_weight_the_other_predictor_is_never_asked():
    def never(x, t):
        raise AssertionError("asked")

    conditional = posterior_mean(MEAN)
    assert guided(conditional, never, 0.0) is conditional
