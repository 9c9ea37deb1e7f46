"""Answers made of the fitted targets: the nearest one, or a softmax mean of them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gapkit.arrays import unit_rows
from gapkit.bridges.base import Bridge, FitContext
from gapkit.bridges.frame import to_frame
from gapkit.bridges.registry import register_bridge
from gapkit.options import fitted, option
from gapkit.products import product
from gapkit.space import Choice, Range

BLOCK = 2048
"""Source rows compared with the memory at a time."""


@dataclass(kw_only=True, eq=False, repr=False)
class TargetMemory(Bridge):
    """Common part of the bridges that keep the fitted targets.

    Attributes
    ----------
    memory_ : Tensor of shape (m, d)
        Distinct fitted targets.
    source_centre_, target_centre_ : Tensor of shape (d,)
        Means of the two sides, or zeros where `centre` is False.
    """

    needs_pairs = False
    family = "memory"
    keeps_rows = ("memory_",)

    centre: bool = option(
        False,
        search=Choice((False, True)),
        doc="Compare after subtracting each side's own mean. The published recipes compare raw cosines.",
    )

    memory_: Tensor = fitted()
    source_centre_: Tensor = fitted()
    target_centre_: Tensor = fitted()

    def _fit(self, source: Tensor, target: Tensor, context: FitContext) -> None:
        # Rows twice in the memory would count twice in a softmax.
        self.memory_ = torch.unique(target, dim=0)
        keep = 1.0 if self.centre else 0.0
        self.source_centre_ = keep * source.mean(dim=0)
        self.target_centre_ = keep * target.mean(dim=0)

    def _transform(self, source: Tensor) -> Tensor:
        memory = self.memory_.to(source.device)
        keys = to_frame(memory, self.target_centre_.to(source.device))
        queries = to_frame(source, self.source_centre_.to(source.device))
        return torch.cat([self._answer(product(block, keys), memory) for block in torch.split(queries, BLOCK)])

    def _answer(self, cosines: Tensor, memory: Tensor) -> Tensor:
        raise TypeError(f"{type(self).__name__} must define _answer(cosines, memory)")


@register_bridge("nearest-caption")
class NearestCaption(TargetMemory):
    """Answers with the fitted target of the highest cosine.

    Definition: ``f(x) = y_j, j = argmax cos(x, y_j)``. Closes any gap, since the answers are targets, and says
    nothing that was not among the fitted ones: a lossy control, used as an option by WSAC (arXiv 2309.12242).
    """

    defaults_from = "gapkit tune, soundscapes validation split, 2 settings: the defaults were chosen"

    def _answer(self, cosines: Tensor, memory: Tensor) -> Tensor:
        return memory[cosines.argmax(dim=1)]


@register_bridge("memory")
@dataclass(kw_only=True, eq=False, repr=False)
class SoftMemory(TargetMemory):
    """Projects onto the fitted targets by a softmax of cosines.

    Definition: ``f(x) = unit(sum_j softmax_j(cos(x, y_j) / temperature) y_j)``. DeCap (ICLR 2023, arXiv
    2303.03032), WSAC and DRCap use it with a memory of text embeddings. DeCap compares raw cosines at a temperature of
    0.01: ``SoftMemory(temperature=0.01, centre=False)``. The defaults are ours, from a search.
    """

    defaults_from = "gapkit tune, soundscapes validation split, 25 settings; better than what was there"

    temperature: float = option(
        0.0233,
        above=0,
        search=Range(0.003, 0.3, log=True),
        doc="Of the softmax; towards 0 this is `nearest-caption`.",
        after_fit=True,
    )
    centre: bool = option(True)

    def _answer(self, cosines: Tensor, memory: Tensor) -> Tensor:
        return unit_rows(torch.softmax(cosines / self.temperature, dim=1) @ memory)
