"""Samplers against the closed form: for Gaussian data the best x0 predictor is linear and the flow is known."""

from __future__ import annotations

import pytest
import torch

from gapkit.diffusion.samplers import SAMPLERS, ddim, ddpm, dpm_solver, sample
from gapkit.diffusion.schedule import cosine_schedule
from gapkit.errors import InputError

SCHEDULE = cosine_schedule()
VARIANCE = 0.3


def posterior_mean(x, t):
    abar = float(SCHEDULE.alpha_bar[t])
    return abar**0.5 * VARIANCE / (abar * VARIANCE + 1 - abar) * x


def normal(x, seed=0):
    draw = torch.Generator().manual_seed(seed)
    return lambda _: torch.randn(x.shape, generator=draw, dtype=x.dtype)


def exact_flow(x, start, end):
    """The probability-flow ODE maps N(0, s(start)^2) onto N(0, s(end)^2) by scaling."""

    def total(t):
        abar = SCHEDULE.alpha_bar[t]
        return (abar * VARIANCE + 1 - abar).sqrt()

    return x * float(total(end) / total(start))


@pytest.mark.parametrize("sampler", [ddim, dpm_solver])
def test_deterministic_samplers_follow_the_flow(sampler):
    x = torch.randn(64, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    errors = []
    for steps in (20, 40, 80):
        times = [round(700 + (100 - 700) * i / steps) for i in range(steps + 1)]
        got = sampler(posterior_mean, x, times, SCHEDULE)
        errors.append(float((got - exact_flow(x, 700, 100)).abs().max()))
    order = torch.tensor(errors).log2().diff().mean().neg().item()
    assert order > (0.9 if sampler is ddim else 1.6), (errors, order)


def test_dpm_solver_needs_fewer_steps_than_ddim():
    x = torch.ones(1, 1, dtype=torch.float64)
    times = list(range(700, 99, -60))
    true = exact_flow(x, 700, 100)
    assert (dpm_solver(posterior_mean, x, times, SCHEDULE) - true).abs() < 0.3 * (
        ddim(posterior_mean, x, times, SCHEDULE) - true
    ).abs()


def test_ancestral_sampling_keeps_the_variance():
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(4000, 16, generator=draw) * float(
        (SCHEDULE.alpha_bar[900] * VARIANCE + SCHEDULE.noise(900) ** 2).sqrt()
    )
    got = ddpm(posterior_mean, x, SCHEDULE.times(900, 300), SCHEDULE, draw=normal(x, 1))
    assert float(got.var()) == pytest.approx(VARIANCE, rel=0.03)


def test_ddim_with_a_perfect_predictor_arrives_in_one_step():
    clean = torch.randn(5, 3, generator=torch.Generator().manual_seed(1))
    noise = torch.randn(5, 3, generator=torch.Generator().manual_seed(2))
    x = float(SCHEDULE.signal(400)) * clean + float(SCHEDULE.noise(400)) * noise
    for steps in (1, 4):
        got = ddim(lambda *_: clean, x, SCHEDULE.times(400, steps), SCHEDULE)
        torch.testing.assert_close(got, clean)
    # On the way the state is the same clean vector and the same noise at a lower level.
    half = ddim(lambda *_: clean, x, [400, 200], SCHEDULE)
    torch.testing.assert_close(half, float(SCHEDULE.signal(200)) * clean + float(SCHEDULE.noise(200)) * noise)


@pytest.mark.parametrize("name", SAMPLERS)
def test_callback_sees_every_state(name):
    seen = []
    x = torch.ones(2, 3)
    end = sample(name, posterior_mean, x, [60, 40, 20, 0], SCHEDULE, draw=normal(x), callback=lambda *s: seen.append(s))
    assert [t for t, _ in seen] == [60, 40, 20, 0]
    assert torch.equal(seen[0][1], x)
    assert torch.equal(seen[-1][1], end)


def test_same_noise_same_sample():
    x = torch.ones(2, 3)
    runs = [sample("ddpm", posterior_mean, x, [60, 30, 0], SCHEDULE, draw=normal(x, s)) for s in (5, 5, 6)]
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])


def test_errors():
    with pytest.raises(InputError, match="pass draw"):
        ddim(posterior_mean, torch.ones(1, 1), [9, 0], SCHEDULE, eta=1)
    with pytest.raises(InputError, match="known are ddim"):
        sample("euler", posterior_mean, torch.ones(1, 1), [9, 0], SCHEDULE, draw=torch.zeros)
