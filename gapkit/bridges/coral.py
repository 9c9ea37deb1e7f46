"""Whitening and colouring: mean and covariance of the source made those of the target."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from gapkit.arrays import unit_rows
from gapkit.bridges.base import Bridge, FitContext
from gapkit.bridges.covariance import LEDOIT_WOLF, centred, covariance, square_roots
from gapkit.bridges.registry import register_bridge
from gapkit.options import fitted, option
from gapkit.space import Choice

FORMS = ("coral", "monge")


@register_bridge("coral")
@dataclass(kw_only=True, eq=False, repr=False)
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
    defaults_from = "gapkit tune, soundscapes validation split, 8 settings: its choice was no better"

    form: str = option("coral", one_of=FORMS, search=Choice(FORMS), doc="Which of the maps that do it.")
    shrinkage: float | str = option(
        LEDOIT_WOLF,
        kind="number",
        at_least=0,
        at_most=1,
        also=(LEDOIT_WOLF,),
        search=Choice((LEDOIT_WOLF, 0.03, 0.1, 0.3)),
        doc="How far each covariance is pulled to a multiple of the identity; 1: no more than the scaling of "
        "realign. Above 0 few rows (n < d) and constant dimensions are no problem.",
    )

    source_centre_: Tensor = fitted()
    target_centre_: Tensor = fitted()
    weights_: Tensor = fitted()
    source_shrinkage_: float = fitted()
    target_shrinkage_: float = fitted()

    def _fit(self, source: Tensor, target: Tensor, context: FitContext) -> None:
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
