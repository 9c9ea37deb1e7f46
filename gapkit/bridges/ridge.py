"""Linear regression from source to target."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from gapkit.arrays import unit_rows
from gapkit.bridges.base import Bridge, FitContext
from gapkit.bridges.registry import register_bridge
from gapkit.bridges.space import Range, Space
from gapkit.errors import InputError
from gapkit.given import real

ALPHAS = tuple(10.0**k for k in range(-4, 4))
"""Penalties among which leave-one-out error chooses."""


@register_bridge("ridge")
class Ridge(Bridge):
    """Predicts the target by ridge regression: the linear conditional mean.

    Definition: ``f(x) = unit((x - mean(source)) W + mean(target))`` with
    ``W = argmin |Xc W - Yc|^2 + alpha |W|^2``. As every conditional mean it raises the paired cosine and shrinks
    the cloud: watch MMD, separability and retrieval.

    Parameters
    ----------
    alpha : float or "loo"
        Penalty, above 0. ``"loo"``: the one of 1e-4 ... 1e3 with the least exact leave-one-out error on the
        fitted pairs.

    Attributes
    ----------
    alpha_ : float
        The penalty used.
    weights_ : Tensor of shape (d, d)
    source_centre_, target_centre_ : Tensor of shape (d,)
    """

    space: ClassVar[Space] = {"alpha": Range(1e-4, 1e3, log=True)}
    defaults_from = "gapkit tune, soundscapes validation split, 25 settings: its choice was no better"

    alpha_: float
    weights_: Tensor
    source_centre_: Tensor
    target_centre_: Tensor

    def __init__(self, alpha: float | str = "loo") -> None:
        self.alpha = alpha

    def _fit(self, source: Tensor, target: Tensor, context: FitContext) -> None:
        alpha = self.alpha
        if alpha != "loo" and not real(alpha) > 0:
            raise InputError(f"{self._title}: alpha must be a number above 0 or 'loo', got {alpha!r}")
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
