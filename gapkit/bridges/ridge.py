"""Linear regression from source to target."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gapkit.arrays import unit_rows
from gapkit.bridges.base import Bridge, FitContext
from gapkit.bridges.registry import register_bridge
from gapkit.options import fitted, option
from gapkit.space import Range

ALPHAS = tuple(10.0**k for k in range(-4, 4))
"""Penalties among which leave-one-out error chooses."""


@register_bridge("ridge")
@dataclass(kw_only=True, eq=False, repr=False)
class Ridge(Bridge):
    """Predicts the target by ridge regression: the linear conditional mean.

    Definition: ``f(x) = unit((x - mean(source)) W + mean(target))`` with
    ``W = argmin |Xc W - Yc|^2 + alpha |W|^2``. As every conditional mean it raises the paired cosine and shrinks
    the cloud: watch MMD, separability and retrieval.

    Attributes
    ----------
    alpha_ : float
        The penalty used.
    weights_ : Tensor of shape (d, d)
    source_centre_, target_centre_ : Tensor of shape (d,)
    """

    defaults_from = "gapkit tune, soundscapes validation split, 25 settings: its choice was no better"

    alpha: float | str = option(
        "loo",
        kind="number",
        above=0,
        also=("loo",),
        search=Range(1e-4, 1e3, log=True),
        doc="Penalty. loo: the one of 1e-4 ... 1e3 with the least exact leave-one-out error on the fitted pairs.",
    )

    alpha_: float = fitted()
    weights_: Tensor = fitted()
    source_centre_: Tensor = fitted()
    target_centre_: Tensor = fitted()

    def _fit(self, source: Tensor, target: Tensor, context: FitContext) -> None:
        alpha = self.alpha
        x, y = source.double(), target.double()
        source_centre, target_centre = x.mean(dim=0), y.mean(dim=0)
        x, y = x - source_centre, y - target_centre
        gram, axes = torch.linalg.eigh(x.T @ x)
        gram = gram.clamp_min(0)
        scores, cross = x @ axes, axes.T @ (x.T @ y)
        self.alpha_ = float(alpha) if alpha != "loo" else _least_loo(gram, scores, cross, y)
        self.weights_ = (axes @ (cross / (gram + self.alpha_).unsqueeze(1))).float()
        self.source_centre_, self.target_centre_ = source_centre.float(), target_centre.float()

    def _transform(self, source: Tensor) -> Tensor:
        device = source.device
        moved = (source - self.source_centre_.to(device)) @ self.weights_.to(device)
        return unit_rows(moved + self.target_centre_.to(device))


def _least_loo(gram: Tensor, scores: Tensor, cross: Tensor, y: Tensor) -> float:
    errors = []
    for alpha in ALPHAS:
        fitted = scores @ (cross / (gram + alpha).unsqueeze(1))
        # 1/n: the centre is fitted too.
        leverage = (scores.square() / (gram + alpha)).sum(dim=1) + 1 / len(y)
        errors.append(float(((y - fitted) / (1 - leverage).clamp_min(1e-6).unsqueeze(1)).square().mean()))
    return ALPHAS[min(range(len(ALPHAS)), key=errors.__getitem__)]
