"""The network: residual MLP blocks that see the time, around a closed-form first guess."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from gapkit.diffusion.linear import Linear
from gapkit.diffusion.schedule import Schedule
from gapkit.errors import InputError

PREDICTIONS = ("x0", "epsilon", "v")


class ResidualBlock(nn.Module):
    """LayerNorm, scale and shift by time, Linear(d, hidden), SiLU, Linear(hidden, d).

    The last layer starts at zero: an untrained block adds nothing. Hidden features are left out in training
    (Srivastava et al., 2014, JMLR 15) where `dropout` is above 0 and a generator to draw them from is given.
    """

    def __init__(
        self, dim: int, hidden: int, time_features: int, generator: torch.Generator, *, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.dropout = dropout
        self.widen = _linear(dim, hidden, generator)
        self.narrow = _linear(hidden, dim, generator, zero=True)
        # One small product per row. A deep time MLP costs as much as the block itself and gains nothing here.
        self.time = _linear(time_features, 2 * dim, generator, zero=True)

    def forward(self, x: Tensor, time: Tensor, draw: torch.Generator | None = None) -> Tensor:
        """What this block adds to `x`, both (n, d); `time` is (n, features) or (features,)."""
        scale, shift = self.time(time).chunk(2, dim=-1)
        h = torch.addcmul(shift, F.layer_norm(x, x.shape[-1:]), 1 + scale)
        h = F.silu(self.widen(h))
        if self.dropout and draw is not None:
            # One product of one type, forward and back: a mask of booleans would be converted in each.
            kept = (
                torch.rand(h.shape, generator=draw, device=h.device, dtype=torch.float32)
                .ge_(self.dropout)
                .div_(1 - self.dropout)
            )
            h = h.mul_(kept.to(h.dtype))
        out: Tensor = self.narrow(h)
        return out


class Denoiser(nn.Module):
    """Predicts the clean target from a noised vector.

    ``x0 = skip(t) x_t + gain(t) * (sum of the block residuals)``: with ``v`` the variance per coordinate of the clean
    vectors, ``skip(t) = sqrt(abar) v / (abar v + 1 - abar)`` is the best linear guess, the posterior mean under
    N(0, v) (the idea of c_skip in EDM, Karras et al. 2022). The blocks start at zero, so training departs from that
    guess only where the data ask for it. Unlike in EDM the blocks keep their say at t = 0, where a bridge between
    modalities has work left although there is no noise to remove.

    Parameters
    ----------
    dim, hidden, blocks : int
        Width d of the embeddings, width inside a block, number of blocks.
    schedule : Schedule
    variance : float
        Variance v of a coordinate of the clean vectors.
    precondition : bool
        False: no skip; the blocks predict x0 from the input alone, plus the input itself.
    directions_only : bool
        The network sees only the direction of x_t (as in the released Diffusion Bridge code).
    prediction : str
        What the blocks add to, after the best linear guess: the clean vector (``"x0"``, gain ``sqrt(v)``), the noise
        (``"epsilon"``, gain ``-sqrt(1 - abar) / sqrt(abar)``) or the velocity ``sqrt(abar) e - sqrt(1 - abar) x_0``
        (``"v"``, Salimans & Ho, 2022; gain ``-sqrt(1 - abar)``). Whatever it is, the answer is x0.
    conditions : int
        Number of further vectors that the blocks may see.
    dropout : float
        Share of the hidden features that a training step leaves out, in [0, 1).
    generator : torch.Generator
        Draws the initial weights.

    Raises
    ------
    InputError
        An unknown prediction.
    """

    skip: Tensor
    squash: Tensor
    gain: Tensor
    time_table: Tensor

    def __init__(
        self,
        dim: int,
        *,
        hidden: int,
        blocks: int,
        schedule: Schedule,
        variance: float,
        generator: torch.Generator,
        precondition: bool = True,
        directions_only: bool = False,
        prediction: str = "x0",
        conditions: int = 0,
        dropout: float = 0.0,
        time_features: int = 32,
    ) -> None:
        super().__init__()
        if prediction not in PREDICTIONS:
            raise InputError(f"prediction must be one of {', '.join(PREDICTIONS)}, got {prediction!r}")
        self.blocks = nn.ModuleList(
            ResidualBlock(dim, hidden, time_features, generator, dropout=dropout) for _ in range(blocks)
        )
        # They start at zero too: untrained, a condition is not heard. Without bias, zeros are the same as none.
        self.listen = nn.ModuleList(_linear(dim, dim, generator, zero=True, bias=False) for _ in range(conditions))
        self.unit = 1 / math.sqrt(variance)
        self.directions_only = directions_only
        abar = schedule.alpha_bar
        total = abar * variance + 1 - abar
        skip = abar.sqrt() * variance / total if precondition else torch.ones_like(abar)
        noise = (1 - abar).sqrt()
        gain = {"x0": torch.full_like(abar, math.sqrt(variance)), "epsilon": -noise / abar.sqrt(), "v": -noise}
        self.register_buffer("gain", gain[prediction].float().unsqueeze(1), persistent=False)
        # Whatever t is, the blocks see coordinates of variance one.
        self.register_buffer("skip", skip.float().unsqueeze(1), persistent=False)
        self.register_buffer("squash", total.rsqrt().float().unsqueeze(1), persistent=False)
        self.register_buffer("time_table", _sinusoids(schedule.n_steps, time_features), persistent=False)

    def forward(
        self, x: Tensor, t: Tensor | int, *conditions: Tensor | None, draw: torch.Generator | None = None
    ) -> Tensor:
        """Estimate the clean vectors.

        Parameters
        ----------
        x : Tensor of shape (n, d)
            Noised vectors x_t.
        t : Tensor of shape (n,) or int
            Times in 0..T.
        conditions : Tensor of shape (n, d) or None
            In the scale of clean vectors; None: not given.
        draw : torch.Generator, optional
            Draws the features to leave out; given in training only.

        Returns
        -------
        Tensor of shape (n, d)
        """
        first = F.normalize(x, dim=-1) * math.sqrt(x.shape[-1]) if self.directions_only else x * self.squash[t]
        time = self.time_table[t]
        h = first
        for hear, condition in zip(self.listen, conditions, strict=bool(conditions)):
            if condition is not None:
                h = h + hear(condition * self.unit)
        for block in self.blocks:
            h = h + block(h, time, draw)
        return torch.addcmul((h - first) * self.gain[t], x, self.skip[t])


def _linear(n_in: int, n_out: int, generator: torch.Generator, *, zero: bool = False, bias: bool = True) -> Linear:
    """A linear layer with LeCun-uniform weights from `generator`, never from the global one."""
    layer = Linear(n_in, n_out, bias=bias, device="meta", dtype=torch.float32).to_empty(device="cpu")
    with torch.no_grad():
        bound = math.sqrt(3 / n_in)
        if zero:
            layer.weight.zero_()
        else:
            layer.weight.copy_(
                torch.rand(layer.weight.shape, generator=generator, dtype=torch.float32).mul_(2 * bound).sub_(bound)
            )
        if bias:
            layer.bias.zero_()
    return layer


def _sinusoids(n_steps: int, features: int) -> Tensor:
    """Sine and cosine of t at geometric frequencies (Vaswani et al., 2017), (T + 1, features)."""
    frequency = torch.exp(-math.log(10000.0) * torch.arange(features // 2, dtype=torch.float64) / (features // 2))
    angle = torch.arange(n_steps + 1, dtype=torch.float64).unsqueeze(1) * frequency
    return torch.cat([angle.sin(), angle.cos()], dim=1).float()
