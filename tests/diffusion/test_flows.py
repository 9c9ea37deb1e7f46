"""Solvers against velocities whose flow is known."""

from __future__ import annotations

import math

import pytest
import torch

from gapkit.diffusion.flows import SOLVERS, euler, heun, solve
from gapkit.errors import InputError

X = torch.randn(64, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
MEAN, SPREAD = 1.5, 0.4


def swing(x, t):
    """dx/dt = x cos t, solved by x exp(sin t)."""
    return x * math.cos(t)


def turn(x, t):
    """Rotation by one radian a unit of time around the third axis."""
    return torch.stack([-x[:, 1], x[:, 0], torch.zeros_like(x[:, 2])], dim=1)


def marginal(x, t):
    """E[y - x_0 | x_t = x] where x_0 ~ N(0, 1) and y ~ N(MEAN, SPREAD^2) are independent."""
    variance = (1 - t) ** 2 + (t * SPREAD) ** 2
    slope = (t * SPREAD**2 - (1 - t)) / variance
    return MEAN + slope * (x - t * MEAN)


def grid(steps, end=1.0):
    return [end * i / steps for i in range(steps + 1)]


def truth_of_turn(x):
    c, s = math.cos(1), math.sin(1)
    return torch.stack([c * x[:, 0] - s * x[:, 1], s * x[:, 0] + c * x[:, 1], x[:, 2]], dim=1)


@pytest.mark.parametrize(
    ("velocity", "truth"),
    [
        (swing, lambda x: x * math.exp(math.sin(1))),
        (turn, truth_of_turn),
        # Flow matching between Gaussians in one dimension is the monotone map.
        (marginal, lambda x: MEAN + SPREAD * x),
    ],
    ids=["swing", "turn", "gaussians"],
)
@pytest.mark.parametrize(("solver", "order"), [(euler, 1), (heun, 2)])
def test_order_of_convergence(velocity, truth, solver, order):
    errors = torch.tensor([float((solver(velocity, X, grid(n)) - truth(X)).abs().max()) for n in (20, 40, 80)])
    measured = -errors.log2().diff().mean().item()
    assert measured == pytest.approx(order, abs=0.15), (errors, measured)
    assert errors[-1] < 0.03


@pytest.mark.parametrize("name", SOLVERS)
def test_a_constant_velocity_arrives_in_one_step_and_stops_where_told(name):
    target = X.flip(0)
    torch.testing.assert_close(solve(name, lambda x, t: target - X, X, [0.0, 1.0]), target)
    torch.testing.assert_close(solve(name, lambda x, t: target - X, X, grid(7, 0.6)), 0.4 * X + 0.6 * target)


@pytest.mark.parametrize("solver", [euler, heun])
def test_backwards_in_time_leads_back(solver):
    there = solver(swing, X, grid(400))
    torch.testing.assert_close(solver(swing, there, grid(400)[::-1]), X, rtol=0, atol=2e-2)


@pytest.mark.parametrize("name", SOLVERS)
def test_callback_sees_every_state(name):
    seen = []
    end = solve(name, swing, X, grid(4), callback=lambda *state: seen.append(state))
    assert [t for t, _ in seen] == grid(4)
    assert torch.equal(seen[0][1], X)
    assert torch.equal(seen[-1][1], end)
    # Every state is where a shorter journey would have ended.
    assert torch.equal(seen[2][1], solve(name, swing, X, grid(4)[:3]))


def test_heun_calls_twice_a_step_and_euler_once():
    calls = []
    for solver in (euler, heun):
        solver(lambda x, t: calls.append(t) or x, X, [0.0, 0.5, 1.0])
    assert calls == [0.0, 0.5, 0.0, 0.5, 0.5, 1.0]


def test_unknown_solver():
    with pytest.raises(InputError, match="known are euler, heun"):
        solve("rk4", swing, X, grid(2))
