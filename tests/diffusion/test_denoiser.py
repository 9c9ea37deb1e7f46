from __future__ import annotations

import pytest
import torch

from gapkit.diffusion.denoiser import Denoiser
from gapkit.diffusion.schedule import cosine_schedule

SCHEDULE = cosine_schedule()


def make(seed=0, **options):
    settings = {"hidden": 16, "blocks": 3, "schedule": SCHEDULE, "variance": 0.5} | options
    return Denoiser(8, **settings, generator=torch.Generator().manual_seed(seed))


def test_untrained_it_is_the_posterior_mean():
    x = torch.randn(6, 8, generator=torch.Generator().manual_seed(0))
    for t in (0, 50, 600):
        abar = float(SCHEDULE.alpha_bar[t])
        torch.testing.assert_close(make()(x, t), x * abar**0.5 * 0.5 / (abar * 0.5 + 1 - abar))


def test_without_preconditioning_it_is_the_identity_at_first():
    x = torch.randn(6, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(make(precondition=False)(x, 700), x)


def test_directions_only_ignores_the_length_inside_the_blocks():
    net = make(directions_only=True)
    with torch.no_grad():
        for p in net.parameters():
            p.normal_(generator=torch.Generator().manual_seed(3))
    x = torch.randn(6, 8, generator=torch.Generator().manual_seed(0))
    skip = net.skip[300]
    torch.testing.assert_close(net(2 * x, 300) - 2 * x * skip, net(x, 300) - x * skip, rtol=1e-4, atol=1e-5)


def test_time_by_row_equals_time_for_all():
    net = make()
    with torch.no_grad():
        for p in net.parameters():
            p.normal_(generator=torch.Generator().manual_seed(3))
    x = torch.randn(4, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(net(x, torch.full((4,), 77)), net(x, 77))
    assert not torch.allclose(net(x, 77), net(x, 400))


def test_seed_decides_the_weights():
    one, two, three = make(0), make(0), make(1)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert not torch.equal(one.blocks[0].widen.weight, three.blocks[0].widen.weight)


@pytest.mark.parametrize("blocks", [1, 3])
def test_number_of_parameters(blocks):
    expected = blocks * ((8 * 16 + 16) + (16 * 8 + 8) + (32 * 16 + 16))
    assert sum(p.numel() for p in make(blocks=blocks).parameters()) == expected
