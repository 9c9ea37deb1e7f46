"""Whitening and colouring: mean and covariance of the source made those of the target."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from gapkit.arrays import unit_rows
from gapkit.bridges.base import Bridge, FitContext
from gapkit.bridges.covariance import LEDOIT_WOLF, centred, check_shrinkage, covariance, square_roots
from gapkit.bridges.registry import register_bridge
from gapkit.bridges.space import Choice, Space
from gapkit.errors import InputError

FORMS = ("coral", "monge")


@register_bridge("coral")
class Coral(Bridge):
    """Gives the source the mean and the covariance of the target, without pairs.

    Definition: ``f(x) = unit(mean(target) + (x - mean(source)) A)`` with ``A^T Sx A = Sy``, ``Sx`` and ``Sy`` the
    covariances. Many ``A`` do that, apart by a rotation:

    - coral: ``A = Sx^-1/2 Sy^1/2``, CORAL (Sun, Feng & Saenko, 2016, arXiv 1511.05547);
    - monge: ``A = Sx^-1/2 (Sx^1/2 Sy Sx^1/2)^1/2 Sx^-1/2``, the optimal transport map between two Gaussians. Of all
      such ``A`` it moves the rows least on average. It is symmetric; the first is only where ``Sx`` and ``Sy`` commute,
      and otherwise turns the cloud more than it needs to.

    CORAL adds the identity to both covariances, which on rows of length one would outweigh them; the shrinkage here
    is ours. Source directions without any variance are dropped.

    Parameters
    ----------
    form : str
        coral or monge.
    shrinkage : float in [0, 1], or "ledoit-wolf"
        How far each covariance is pulled to a multiple of the identity; 1: no more than `realign`'s scaling. Above 0
        few rows (n < d) and constant dimensions are no problem.

    Attributes
    ----------
    source_centre_, target_centre_ : Tensor of shape (d,)
    weights_ : Tensor of shape (d, d)
        ``A``.
    source_shrinkage_, target_shrinkage_ : float
        The shrinkage used.
    """

    in_default = False
    needs_pairs = False
    space: ClassVar[Space] = {"form": Choice(FORMS), "shrinkage": Choice((LEDOIT_WOLF, 0.03, 0.1, 0.3))}
    defaults_from = "gapkit tune, soundscapes validation split, 8 settings: its choice was no better"

    source_centre_: Tensor
    target_centre_: Tensor
    weights_: Tensor
    source_shrinkage_: float
    target_shrinkage_: float

    def __init__(self, *, form: str = "coral", shrinkage: float | str = LEDOIT_WOLF) -> None:
        self.form = form
        self.shrinkage = shrinkage

    def _fit(self, source: Tensor, target: Tensor, context: FitContext) -> None:
        if self.form not in FORMS:
            raise InputError(f"{self._title}: form must be one of {', '.join(FORMS)}, got {self.form!r}")
        check_shrinkage(self.shrinkage, title=self._title)
        x, source_centre = centred(source, title=self._title, side="source")
        y, target_centre = centred(target, title=self._title, side="target")
        source_covariance, self.source_shrinkage_ = covariance(x, self.shrinkage)
        target_covariance, self.target_shrinkage_ = covariance(y, self.shrinkage)
        root, whiten = square_roots(source_covariance)
        if self.form == "coral":
            weights = whiten @ square_roots(target_covariance)[0]
        else:
            weights = whiten @ square_roots(root @ target_covariance @ root)[0] @ whiten
        self.weights_ = weights.float()
        self.source_centre_, self.target_centre_ = source_centre.float(), target_centre.float()

    def _transform(self, source: Tensor) -> Tensor:
        device = source.device
        moved = (source - self.source_centre_.to(device)) @ self.weights_.to(device)
        return unit_rows(self.target_centre_.to(device) + moved)
