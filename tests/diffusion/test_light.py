"""The mixture potential against integrals, against the plan between Gaussians, and against Sinkhorn."""

from __future__ import annotations

import math

import ot
import pytest
import torch

from gapkit.diffusion.light import MixturePotential

EPSILON = 0.3


def potential(dim=1, components=3, epsilon=EPSILON, seed=0):
    draw = torch.Generator().manual_seed(seed)
    net = MixturePotential(dim, components, epsilon=epsilon, generator=draw).double()
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(torch.randn(p.shape, generator=draw) * 0.5)
    return net.requires_grad_(False)


def fitted(x, y, *, components, epsilon=EPSILON, steps=400):
    net = MixturePotential(x.shape[1], components, epsilon=epsilon, generator=torch.Generator().manual_seed(0)).double()
    optimiser = torch.optim.Adam(net.parameters(), lr=0.05)
    for _ in range(steps):
        optimiser.zero_grad()
        net.loss(x, y).backward()
        optimiser.step()
    return net.requires_grad_(False)


def test_the_plan_is_what_its_definition_integrates_to():
    net = potential()
    y = torch.linspace(-25, 25, 20001, dtype=torch.float64).unsqueeze(1)
    for x in (-1.2, 0.0, 0.7):
        # exp(x y / eps) v(y), with v as its log density gives it.
        mass = (x * y[:, 0] / EPSILON + net.log_density(y)).exp()
        step = 50 / 20000
        point = torch.tensor([[x]], dtype=torch.float64)
        assert net.logits(point).logsumexp(1).exp().item() == pytest.approx(mass.sum().item() * step, rel=1e-6)
        mean = (mass * y[:, 0]).sum() / mass.sum()
        assert net.means(point).item() == pytest.approx(mean.item(), rel=1e-6)


def test_density_is_that_of_the_mixture():
    net = potential(dim=4)
    y = torch.randn(6, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    parts = torch.distributions.Normal(net.centres, (EPSILON * net.log_scales.exp()).sqrt())
    expected = (net.log_weights + parts.log_prob(y.unsqueeze(1)).sum(2)).logsumexp(1)
    torch.testing.assert_close(net.log_density(y), expected)


def test_draws_have_the_moments_of_the_plan():
    net, n = potential(dim=2), 200_000
    draw = torch.Generator().manual_seed(2)
    x = torch.tensor([[0.4, -0.8]], dtype=torch.float64)
    uniform = torch.rand(n, generator=draw, dtype=torch.float64)
    normal = torch.randn(n, 2, generator=draw, dtype=torch.float64)
    drawn = net.draw(x.expand(n, 2), uniform, normal)
    torch.testing.assert_close(drawn.mean(0, keepdim=True), net.means(x), atol=0.01, rtol=0)
    share = net.logits(x).softmax(1)[0]
    means, variances = net.centres + net.log_scales.exp() * x, EPSILON * net.log_scales.exp()
    second = (share.unsqueeze(1) * (variances + means.square())).sum(0)
    torch.testing.assert_close(drawn.square().mean(0), second, rtol=0.01, atol=0)


def test_untrained_it_is_nearly_the_identity():
    net = MixturePotential(20, 4, epsilon=0.1, generator=torch.Generator().manual_seed(0))
    x = torch.randn(9, 20, generator=torch.Generator().manual_seed(1))
    assert (net.means(x) - x).square().mean().sqrt() < 0.15


def test_between_gaussians_one_component_is_the_known_plan():
    draw = torch.Generator().manual_seed(3)
    x, e = (torch.randn(4000, 2, generator=draw, dtype=torch.float64) for _ in range(2))
    x = (x - x.mean(0)) / x.std(0, correction=0)
    e = (e - e.mean(0)) / e.std(0, correction=0)
    spread = torch.tensor([0.5, 2.0], dtype=torch.float64)
    net = fitted(x, 1.0 + spread * e, components=1)
    # Covariance of the plan between N(0, 1) and N(m, s^2) (Janati et al., 2020): (sqrt(4 s^2 + eps^2) - eps) / 2.
    slope = ((4 * spread.square() + EPSILON**2).sqrt() - EPSILON) / 2
    torch.testing.assert_close(net.log_scales.exp()[0], slope, atol=1e-3, rtol=0)
    torch.testing.assert_close(net.centres[0], torch.ones(2, dtype=torch.float64), atol=1e-3, rtol=0)
    torch.testing.assert_close(slope.square() + EPSILON * slope, spread.square())


def test_between_clouds_it_is_near_the_plan_of_sinkhorn():
    draw = torch.Generator().manual_seed(4)
    x = torch.randn(300, 1, generator=draw, dtype=torch.float64)
    y = torch.cat([-2 + 0.3 * x[:150].flip(0), 1.5 + 0.6 * x[150:].flip(0)])
    net = fitted(x, y, components=6, steps=600)
    cost = (x - y.T).square() / 2
    weight = torch.full((300,), 1 / 300, dtype=torch.float64)
    plan = ot.sinkhorn(weight, weight, cost, reg=EPSILON, numItermax=5000, stopThr=1e-9)
    barycentre = (plan @ y) / plan.sum(1, keepdim=True)
    assert (net.means(x) - barycentre).abs().mean() < 0.06 * y.std()
    assert math.isfinite(float(net.loss(x, y)))
