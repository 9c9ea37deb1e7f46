"""Diffusion Bridge as released: the 1-D U-Net and its training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from gapkit.arrays import generator
from gapkit.bridges.registry import register_bridge
from gapkit.bridges.target_denoising import TargetDenoisingBridge
from gapkit.diffusion.samplers import Callback, ddim
from gapkit.diffusion.unet import UNet1d
from gapkit.options import option
from gapkit.space import Choice, Range
from gapkit.training.options import TrainingOptions

BLOCK = 256
"""Rows that go through the network at once; the attentions hold 12 times the stem's channels for each."""


@register_bridge("diffusion-bridge-unet")
@dataclass(kw_only=True, eq=False, repr=False)
class DiffusionBridgeUNet(TargetDenoisingBridge):
    """`diffusion-bridge` with the network and the training of the released code.

    Lee et al., "Diffusion Bridge" (CVPR 2025), from a description of the code: unit vectors, centred, unit again,
    times 5; cosine schedule with T = 1000; x0 prediction; the squared error of a row averaged over coordinates and
    weighted by the unclipped signal-to-noise ratio; every x_t scaled back to length 5 before the network sees it; Adam
    with betas (0.9, 0.99), batches of 64, gradients clipped at 1; the source inserted without noise at step 600, 5
    deterministic DDIM steps. Ours: float32 in place of fp16, the exact way back from the centred frame.

    The released training takes 3,000,000 steps at a constant rate of 8e-5 (``steps=3_000_000, lr=8e-5, anneal=False``).
    At d = 256 a step takes 1.4 s on one core, so that would be 49 days. The default is what some minutes allow, with a
    rate for them; docs/bridges.md says how little they buy.
    """

    in_default = False
    defaults_from = "the released code; lr and anneal on the soundscapes validation split, 2 settings by hand, one seed"

    start: int = option(600, search=Range(25, 800, log=True))
    sample_steps: int = option(5, search=Range(1, 12), doc="DDIM steps from there to 0.")
    entry_noise: bool = option(
        False,
        search=Choice((False, True)),
        doc="Noise the source to `start` first (SDEdit) or insert it clean (as released).",
        after_fit=True,
    )
    directions_only: bool = option(
        True,
        doc="Scale x_t to the length `scale` before every call of the network, in training and, there also for "
        "what the noise is derived from, in sampling (as released).",
    )
    width: int = option(
        32,
        at_least=1,
        doc="Channels behind the stem of the network; the four levels have 1, 2, 4 and 8 times as many.",
    )
    time_features: int = option(512, kind="whole", doc="Sinusoids of the time, an even number.")
    lr: float = option(1e-3, search=Range(3e-5, 3e-3, log=True))
    anneal: bool = option(True, search=Choice((False, True)), doc="The learning rate falls to 0 by a cosine.")
    steps: int = option(150)
    batch_size: int = option(64)
    ema: float = option(
        0.0,
        doc="Decay of the averaged weights a step, which are the ones used; 0: the last weights. The released "
        "code keeps an average (0.995 every 10 steps) and does not load it.",
    )

    @property
    def _norm(self) -> float:
        # The released loss is a mean over coordinates; with the gradient clipped at 1 its size matters.
        return self.n_features_in_

    def _options(self) -> TrainingOptions:
        return TrainingOptions(self.steps, lr=self.lr, weight_decay=0.0, ema=self.ema, warmup=1, anneal=self.anneal)

    def _build(self) -> None:
        self.denoiser_ = UNet1d(
            width=self.width,
            time_features=self.time_features,
            length=self.scale if self.directions_only else None,
            generator=generator(self.random_state),
        ).eval()

    def _predict(self, x: Tensor, t: int) -> Tensor:
        return torch.cat([self.denoiser_(rows, t) for rows in torch.split(x, BLOCK)])

    def _reverse(
        self,
        entered: Tensor,
        state: Tensor,
        times: list[int],
        draw: Callable[[int], Tensor],
        callback: Callback | None = None,
    ) -> Tensor:
        x = state
        if callback:
            callback(times[0], x)
        for now, then in pairwise(times):
            if self.directions_only:
                # Not only what the network sees: the noise too is derived from the vector at its new length.
                x = F.normalize(x, dim=1) * self.scale
            x = ddim(self._predict, x, [now, then], self._schedule)
            if callback:
                callback(then, x)
        return x
