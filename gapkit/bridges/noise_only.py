"""The control: noise, and nothing learned."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gapkit.arrays import unit_rows
from gapkit.bridges.base import Bridge, FitContext
from gapkit.bridges.registry import register_bridge
from gapkit.diffusion.noise import row_noise
from gapkit.options import fitted, option
from gapkit.space import Choice, Range

GRID = 256
"""Noise belongs to a row rounded to 1/256: the last bits, which differ by processor and by scale, do not change it."""


@register_bridge("noise-only")
@dataclass(kw_only=True, eq=False, repr=False)
class NoiseOnly(Bridge):
    """Adds Gaussian noise to every source embedding and learns nothing.

    Definition: ``f(x) = unit(x + sigma z)``, z standard normal in every coordinate. A bridge that ends with noise must
    do better than this. Noise is drawn by row: equal rows get equal noise, in any order.

    Attributes
    ----------
    shift_ : Tensor of shape (d,)
        The gap vector, or zeros where `centre` is False.
    """

    in_default = False
    needs_pairs = False
    stochastic = True
    family = "control"
    defaults_from = (
        "CapDec's deviation; a control: gapkit tune, soundscapes validation split, 25 settings, ends at nearly no noise"
    )

    sigma: float = option(
        0.126,
        at_least=0,
        search=Range(0.003, 0.3, log=True),
        doc="Deviation of each coordinate. 0.126 is CapDec's (EMNLP Findings 2022, arXiv 2211.00575) and C3's "
        "(ICLR 2024, arXiv 2401.08567) for captions in training; the cosine of a row with its noisy self is "
        "about ``1 / sqrt(1 + sigma^2 d)``, so choose it anew for other dimensions d.",
        after_fit=True,
    )
    centre: bool = option(False, search=Choice((False, True)), doc="Add the gap vector too, as `mean-shift` does.")
    random_state: int = option(0, kind="seed", doc="Seed of the noise.", after_fit=True)

    shift_: Tensor = fitted()

    def _fit(self, source: Tensor, target: Tensor, context: FitContext) -> None:
        self.shift_ = (1.0 if self.centre else 0.0) * (target.mean(dim=0) - source.mean(dim=0))

    def _transform(self, source: Tensor) -> Tensor:
        noise = row_noise(torch.round(source * GRID), self.random_state)
        return unit_rows(source + self.shift_.to(source.device) + self.sigma * noise)
