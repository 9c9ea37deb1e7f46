"""The 1-D U-Net of the released Diffusion Bridge code: an embedding read as a signal of one channel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from gapkit.errors import InputError


class ChannelNorm(nn.Module):
    """RMSNorm over the channels of each place: (n, c, length), root mean square one, times a learned gain."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.empty(channels, 1, device="meta"))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise the channels of `x` (n, c, length)."""
        return x * (x.square().mean(dim=1, keepdim=True) + 1e-12).rsqrt() * self.gain


class ResNetBlock(nn.Module):
    """Two times convolution of 3, RMSNorm, SiLU; the time scales and shifts the first; a path around both."""

    def __init__(self, n_in: int, n_out: int, time_width: int) -> None:
        super().__init__()
        self.time = nn.Linear(time_width, 2 * n_out, device="meta")
        self.first = nn.Conv1d(n_in, n_out, 3, padding=1, device="meta")
        self.first_norm = ChannelNorm(n_out)
        self.second = nn.Conv1d(n_out, n_out, 3, padding=1, device="meta")
        self.second_norm = ChannelNorm(n_out)
        self.around = nn.Conv1d(n_in, n_out, 1, device="meta") if n_in != n_out else nn.Identity()

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        """`x` is (n, n_in, length), `time` (n, time_width) or (1, time_width)."""
        scale, shift = self.time(F.silu(time)).unsqueeze(2).chunk(2, dim=1)
        h = F.silu(torch.addcmul(shift, self.first_norm(self.first(x)), 1 + scale))
        out: Tensor = F.silu(self.second_norm(self.second(h))) + self.around(x)
        return out


class Attention(nn.Module):
    """Softmax attention between places, in a residual branch behind an RMSNorm."""

    def __init__(self, channels: int, heads: int, head_width: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = ChannelNorm(channels)
        self.into = nn.Conv1d(channels, 3 * heads * head_width, 1, bias=False, device="meta")
        self.out: nn.Module = nn.Conv1d(heads * head_width, channels, 1, device="meta")

    def forward(self, x: Tensor) -> Tensor:
        """Shape (n, channels, length) in and out."""
        n, _, length = x.shape
        queries, keys, values = self.into(self.norm(x)).view(n, 3, self.heads, -1, length).unbind(1)
        mixed = self._mix(queries, keys, values)
        out: Tensor = x + self.out(mixed.reshape(n, -1, length))
        return out

    def _mix(self, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        q, k, v = (part.transpose(2, 3) for part in (queries, keys, values))
        return F.scaled_dot_product_attention(q, k, v).transpose(2, 3)


class LinearAttention(Attention):
    """Attention whose cost grows with the length and not with its square (Shen et al., 2021, arXiv 1812.01243)."""

    def __init__(self, channels: int, heads: int, head_width: int) -> None:
        super().__init__(channels, heads, head_width)
        self.out = nn.Sequential(self.out, ChannelNorm(channels))

    def _mix(self, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        context = keys.softmax(dim=3) @ values.transpose(2, 3)
        mixed: Tensor = context.transpose(2, 3) @ queries.softmax(dim=2) * queries.shape[2] ** -0.5
        return mixed


class Level(nn.Module):
    """One resolution: two ResNet blocks, linear attention, and the step to the next resolution."""

    def __init__(self, n_in: int, n_out: int, step: nn.Module, *, time_width: int, heads: int, head_width: int) -> None:
        super().__init__()
        self.first = ResNetBlock(n_in, n_out, time_width)
        self.second = ResNetBlock(n_in, n_out, time_width)
        self.attention = LinearAttention(n_out, heads, head_width)
        self.step = step


class Down(Level):
    """A level on the way down; what follows its two halves is kept for the way up."""

    def forward(self, x: Tensor, time: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The input of the next level, and the two that are kept."""
        first = self.first(x, time)
        second = self.attention(self.second(first, time))
        return self.step(second), first, second


class Up(Level):
    """A level on the way up; beside its input each half reads what was kept."""

    def forward(self, x: Tensor, time: Tensor, first: Tensor, second: Tensor) -> Tensor:
        """The input of the next level."""
        x = self.first(torch.cat([x, second], dim=1), time)
        x = self.second(torch.cat([x, first], dim=1), time)
        out: Tensor = self.step(self.attention(x))
        return out


class UNet1d(nn.Module):
    """Predicts clean vectors from noised ones by convolutions along their coordinates.

    Written from a description of the network in the code of Diffusion Bridge (Lee et al., CVPR 2025), which is the
    1-D U-Net of lucidrains' denoising-diffusion-pytorch: same layers, same number of parameters. Neighbouring
    coordinates of an embedding have nothing to do with each other; that such a network convolves them is the recipe's
    choice, not ours.

    Parameters
    ----------
    width : int
        Channels behind the stem.
    multipliers : sequence of int
        Channels of each level as multiples of `width`; every level but the last halves the length.
    time_features : int
        Sinusoids that tell the time, even and at least 4; a two-layer network of width ``4 width`` reads them.
    heads, head_width : int
        Of all attentions.
    length : float, optional
        Every vector is scaled to this length first: the network sees directions only. Left out: as they come.
    generator : torch.Generator
        Draws the initial weights.

    Raises
    ------
    InputError
    """

    frequencies: Tensor

    def __init__(
        self,
        *,
        width: int = 32,
        multipliers: Sequence[int] = (1, 2, 4, 8),
        time_features: int = 512,
        heads: int = 4,
        head_width: int = 32,
        length: float | None = None,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        if time_features < 4 or time_features % 2:
            raise InputError(f"time_features must be even and at least 4, got {time_features}")
        self.length = length
        time_width = 4 * width
        around = {"time_width": time_width, "heads": heads, "head_width": head_width}
        channels = [width, *(width * m for m in multipliers)]
        levels = list(enumerate(pairwise(channels)))
        deepest = len(levels) - 1
        self.multiple = 2**deepest

        self.stem = nn.Conv1d(1, width, 7, padding=3, device="meta")
        self.time = nn.Sequential(
            nn.Linear(time_features, time_width, device="meta"),
            nn.GELU(),
            nn.Linear(time_width, time_width, device="meta"),
        )
        self.down = nn.ModuleList(
            Down(n_in, n_in, _conv(n_in, n_out) if i == deepest else _halve(n_in, n_out), **around)
            for i, (n_in, n_out) in levels
        )
        self.middle = nn.ModuleList(ResNetBlock(channels[-1], channels[-1], time_width) for _ in range(2))
        self.middle_attention = Attention(channels[-1], heads, head_width)
        self.up = nn.ModuleList(
            Up(n_out + n_in, n_out, _conv(n_out, n_in) if i == 0 else _double(n_out, n_in), **around)
            for i, (n_in, n_out) in reversed(levels)
        )
        self.last = ResNetBlock(2 * width, width, time_width)
        self.answer = nn.Conv1d(width, 1, 1, device="meta")

        self.to_empty(device="cpu").float()
        half = time_features // 2
        frequencies = torch.exp(-math.log(10000.0) * torch.arange(half, dtype=torch.float64) / (half - 1))
        self.register_buffer("frequencies", frequencies.float(), persistent=False)
        _initialise(self, generator)

    def forward(self, x: Tensor, t: Tensor | int) -> Tensor:
        """Estimate the clean vectors.

        Parameters
        ----------
        x : Tensor of shape (n, d)
            Noised vectors. A d that the halvings do not divide is padded with zeros, and the answer cut to d.
        t : Tensor of shape (n,) or int
            Times.

        Returns
        -------
        Tensor of shape (n, d)
        """
        d = x.shape[1]
        if self.length is not None:
            x = F.normalize(x, dim=1) * self.length
        angle = torch.as_tensor(t, device=x.device).reshape(-1, 1) * self.frequencies
        time = self.time(torch.cat([angle.sin(), angle.cos()], dim=1))
        h = stem = self.stem(F.pad(x, (0, -d % self.multiple)).unsqueeze(1))
        kept = []
        for down in self.down:
            h, *both = down(h, time)
            kept.append(both)
        h = self.middle[1](self.middle_attention(self.middle[0](h, time)), time)
        for up in self.up:
            h = up(h, time, *kept.pop())
        out: Tensor = self.answer(self.last(torch.cat([h, stem], dim=1), time))
        return out.squeeze(1)[:, :d]


def _conv(n_in: int, n_out: int) -> nn.Module:
    return nn.Conv1d(n_in, n_out, 3, padding=1, device="meta")


def _halve(n_in: int, n_out: int) -> nn.Module:
    return nn.Conv1d(n_in, n_out, 4, stride=2, padding=1, device="meta")


def _double(n_in: int, n_out: int) -> nn.Module:
    return nn.Sequential(nn.Upsample(scale_factor=2, mode="nearest"), _conv(n_in, n_out))


@torch.no_grad()
def _initialise(network: nn.Module, generator: torch.Generator) -> None:
    """Uniform within ``1 / sqrt(fan_in)``, torch's own bounds, but never from the global generator."""
    for module in network.modules():
        if isinstance(module, ChannelNorm):
            module.gain.fill_(1)
        elif isinstance(module, (nn.Conv1d, nn.Linear)):
            bound = 1 / math.sqrt(module.weight[0].numel())
            for weights in (module.weight, module.bias):
                if weights is not None:
                    weights.copy_(
                        torch.rand(weights.shape, generator=generator, dtype=torch.float32).mul_(2 * bound).sub_(bound)
                    )
