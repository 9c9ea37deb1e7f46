"""The 1-D U-Net: its size, its attentions against their formulas, what it does with a signal."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from gapkit.diffusion.unet import Attention, ChannelNorm, LinearAttention, UNet1d
from gapkit.errors import InputError


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def small(**options):
    return UNet1d(**({"width": 4, "time_features": 16} | options), generator=seeded())


def rows(n=3, d=24, seed=1):
    return torch.randn(n, d, generator=seeded(seed))


def randomised(module):
    draw = seeded(2)
    with torch.no_grad():
        module.to_empty(device="cpu")
        for p in module.parameters():
            p.normal_(0, 0.3, generator=draw)
    return module


def test_as_many_parameters_as_the_network_it_is_written_after():
    # Measured: Unet1D(dim=32, dim_mults=(1, 2, 4, 8), channels=1) of denoising-diffusion-pytorch 2.3.4. In the released
    # Diffusion Bridge the time has 512 sinusoids and not 32, so one matrix is larger.
    count = {features: sum(p.numel() for p in UNet1d(time_features=features, generator=seeded()).parameters())
             for features in (32, 512)}  # fmt: skip
    assert count == {32: 3_975_873, 512: 3_975_873 + 128 * (512 - 32)}


def test_layers_of_the_network_it_is_written_after():
    net = UNet1d(generator=seeded())
    shapes = Counter(tuple(m.weight.shape) for m in net.modules() if isinstance(m, torch.nn.Conv1d))
    # From the same measurement: stem, answer, halvings, the widest convolutions, and queries, keys and values.
    assert shapes[32, 1, 7] == shapes[1, 32, 1] == 1
    assert [shapes[c] for c in ((32, 32, 4), (64, 32, 4), (128, 64, 4))] == [1, 1, 1]
    assert shapes[256, 384, 3] == shapes[256, 384, 1] == 2
    assert sum(n for (out, _, size), n in shapes.items() if (out, size) == (384, 1)) == 9
    assert sum(shapes.values()) == 75


def test_seed_decides_the_weights_and_nothing_global():
    before = torch.get_rng_state()
    one, two, three = (UNet1d(width=4, time_features=16, generator=seeded(s)) for s in (0, 0, 1))
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert not torch.equal(one.stem.weight, three.stem.weight)
    assert one.stem.weight.abs().max() <= 7**-0.5
    assert all(not p.is_meta for p in [*one.parameters(), *one.buffers()])


def test_every_parameter_takes_part():
    net = small()
    net(rows(), torch.tensor([3, 500, 999])).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def test_time_by_row_equals_time_for_all():
    net, x = small().eval(), rows()
    torch.testing.assert_close(net(x, torch.full((3,), 77)), net(x, 77))
    assert not torch.allclose(net(x, 77), net(x, 400))


def test_one_row_alone_is_as_among_others():
    net, x, t = small().eval(), rows(9), torch.arange(9) * 100
    torch.testing.assert_close(net(x[4:5], t[4:5]), net(x, t)[4:5])


@pytest.mark.parametrize("d", [1, 7, 12, 24, 25])
def test_lengths_that_are_not_divisible_are_padded_with_zeros(d):
    net, x = small().eval(), rows(2, d)
    padded = F.pad(x, (0, -d % 8))
    assert net(x, 5).shape == (2, d)
    torch.testing.assert_close(net(x, 5), net(padded, 5)[:, :d])


def test_with_a_length_only_the_direction_counts():
    net, x = small(length=5.0).eval(), rows()
    torch.testing.assert_close(net(3 * x, 9), net(x, 9))
    free = small().eval()
    torch.testing.assert_close(net(x, 9), free(5 * F.normalize(x, dim=1), 9))
    assert not torch.allclose(free(3 * x, 9), free(x, 9))


def test_channel_norm():
    norm = randomised(ChannelNorm(6))
    x = torch.randn(2, 6, 5, generator=seeded(3))
    torch.testing.assert_close(norm(x), F.normalize(x, dim=1) * 6**0.5 * norm.gain)


def test_attention_is_softmax_of_products_between_places():
    layer = randomised(Attention(6, heads=2, head_width=4))
    x = torch.randn(3, 6, 5, generator=seeded(4))
    q, k, v = layer.into(layer.norm(x)).reshape(3, 3, 2, 4, 5).unbind(1)
    weight = torch.einsum("nhci,nhcj->nhij", q, k).div(2).softmax(-1)
    mixed = torch.einsum("nhij,nhcj->nhci", weight, v).reshape(3, 8, 5)
    torch.testing.assert_close(layer(x), x + layer.out(mixed))


def test_linear_attention_mixes_values_by_keys_first():
    layer = randomised(LinearAttention(6, heads=2, head_width=4))
    x = torch.randn(3, 6, 5, generator=seeded(5))
    q, k, v = layer.into(layer.norm(x)).reshape(3, 3, 2, 4, 5).unbind(1)
    weight = torch.einsum("nhci,nhcj->nhij", q.softmax(2) / 2, k.softmax(3))
    mixed = torch.einsum("nhij,nhej->nhei", weight, v).reshape(3, 8, 5)
    torch.testing.assert_close(layer(x), x + layer.out(mixed), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("features", [2, 15])
def test_impossible_time_features(features):
    with pytest.raises(InputError, match="time_features must be even"):
        small(time_features=features)
