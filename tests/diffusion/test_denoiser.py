from __future__ import annotations

import pytest
import torch

from gapkit.arrays import generator
from gapkit.diffusion.denoiser import Denoiser
from gapkit.diffusion.losses import prediction_weight
from gapkit.diffusion.schedule import cosine_schedule
from gapkit.errors import InputError

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


@pytest.mark.parametrize("prediction", ["x0", "epsilon", "v"])
def test_untrained_every_prediction_is_the_posterior_mean(prediction):
    x = torch.randn(6, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(make(prediction=prediction)(x, 300), make()(x, 300))


@pytest.mark.parametrize(("prediction", "t"), [("epsilon", 300), ("v", 300), ("epsilon", 900), ("v", 900)])
def test_the_weighted_error_of_x0_is_the_error_of_what_is_predicted(prediction, t):
    draw = torch.Generator().manual_seed(1)
    clean, noise, guess = (torch.randn(5, 8, generator=draw, dtype=torch.float64) for _ in range(3))
    s, n = SCHEDULE.signal(t), SCHEDULE.noise(t)
    x = s * clean + n * noise
    seen = (x - s * guess) / n
    true, said = {"epsilon": (noise, seen), "v": (s * noise - n * clean, s * seen - n * guess)}[prediction]
    weight = prediction_weight(prediction, SCHEDULE)[t]
    torch.testing.assert_close((said - true).square().sum(1), weight * (guess - clean).square().sum(1))


def test_conditions_are_heard_once_trained_and_may_be_left_out():
    net = make(conditions=2)
    x, a, b = (torch.randn(6, 8, generator=torch.Generator().manual_seed(i)) for i in range(3))
    torch.testing.assert_close(net(x, 100, a, b), make()(x, 100))
    draw = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for p in net.parameters():
            p.normal_(0, 0.1, generator=draw)
    assert not torch.allclose(net(x, 100, a, b), net(x, 100, b, a))
    torch.testing.assert_close(net(x, 100, None, None), net(x, 100))
    assert not torch.allclose(net(x, 100, a, None), net(x, 100))


def test_unknown_prediction():
    with pytest.raises(InputError, match="x0, epsilon, v, got 'score'"):
        make(prediction="score")


def test_half_of_the_features_are_left_out_and_the_others_doubled_to_the_bit():
    block = make(dropout=0.5, hidden=64).blocks[0]
    with torch.no_grad():
        block.narrow.weight.copy_(torch.randn(block.narrow.weight.shape, generator=generator(3)))
    x, time = torch.randn(9, block.widen.in_features, generator=generator(1)), torch.zeros(block.time.in_features)
    moved = block(x, time, generator(2))
    moved.sum().backward()
    found = block.widen.weight.grad.clone()
    block.zero_grad()
    hidden = torch.nn.functional.silu(block.widen(torch.nn.functional.layer_norm(x, x.shape[-1:])))
    kept = torch.rand(hidden.shape, generator=generator(2)) >= 0.5
    expected = block.narrow(hidden * kept / 0.5)
    expected.sum().backward()
    assert torch.equal(moved, expected)
    assert torch.equal(found, block.widen.weight.grad)


def test_dropout_leaves_features_out_only_where_a_generator_is_given():
    net, plain = make(dropout=0.5, hidden=512), make(hidden=512)
    with torch.no_grad():
        for p, q in zip(net.parameters(), plain.parameters(), strict=True):
            q.copy_(p.normal_(std=0.3, generator=torch.Generator().manual_seed(3)))
    x = torch.randn(6, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(net(x, 50), plain(x, 50))
    torch.testing.assert_close(net.train()(x, 50), plain(x, 50))
    drawn = [net(x, 50, draw=torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)]
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.allclose(drawn[0], drawn[2])
    # A single block is linear in its hidden features, so the mean over draws is the answer without dropout.
    block, time = net.blocks[0], net.time_table[50]
    draw = torch.Generator().manual_seed(2)
    mean = torch.stack([block(x, time, draw) for _ in range(1000)]).mean(dim=0)
    wanted = block(x, time)
    assert float(((mean - wanted).norm() / wanted.norm()).detach()) < 0.1
