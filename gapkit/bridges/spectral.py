"""What PLS-SVD and CCA share: axes of the source paired with axes of the target, cut off after the first few."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from gapkit.arrays import unit_rows
from gapkit.bridges.base import Bridge, FitContext
from gapkit.bridges.covariance import centred
from gapkit.bridges.frame import from_frame, to_frame
from gapkit.errors import InputError
from gapkit.given import MUST, whole
from gapkit.options import fitted, option

HELD_OUT = 10
"""Where no validation pairs are given, one source in this many is held out to choose `n_components`."""

AS_GOOD = 0.01
"""Part of the best held-out cosine that may be lost for more components: what is cut off thins the cloud."""

MIN_SOURCES = 20
"""Fewer different sources than this leave too little to hold out."""


@dataclass(frozen=True)
class Axes:
    """Paired axes, strongest first, in float64.

    Parameters
    ----------
    enter : Tensor of shape (d, r)
        Source residuals times this are coordinates.
    leave : Tensor of shape (r, d)
        Coordinates times this are target residuals.
    spectrum : Tensor of shape (r,)
        Strength of each pair of axes.
    """

    enter: Tensor
    leave: Tensor
    spectrum: Tensor


@dataclass(kw_only=True, eq=False, repr=False)
class SpectralBridge(Bridge):
    """Base of the bridges that carry coordinates along paired axes from source to target.

    ``f(x)`` lies from ``mean(target)`` in direction ``(x - mean(source)) enter leave``, on the sphere. A subclass
    gives `_axes`.

    Attributes
    ----------
    n_components_ : int
    source_axes_ : Tensor of shape (d, n_components_)
    target_axes_ : Tensor of shape (n_components_, d)
    spectrum_ : Tensor of shape (n_components_,)
    source_centre_, target_centre_ : Tensor of shape (d,)
    """

    defaults_from = "soundscapes, validation split"

    n_components: int | None = option(
        None,
        kind="whole",
        at_least=1,
        also=(None,),
        doc="Pairs of axes that are kept. None: of 1, 2, 4, ... and all, the most whose mean cosine between the "
        "answer and the target, both seen from the target's mean, is within 1 % of the best on the validation "
        "pairs; without these, on the pairs of every tenth source, which a first fit does not see.",
    )

    n_components_: int = fitted()
    source_axes_: Tensor = fitted()
    target_axes_: Tensor = fitted()
    spectrum_: Tensor = fitted()
    source_centre_: Tensor = fitted()
    target_centre_: Tensor = fitted()

    def _axes(self, source: Tensor, target: Tensor) -> Axes:
        raise TypeError(f"{type(self).__name__} must define _axes(source, target)")

    def _fit(self, source: Tensor, target: Tensor, context: FitContext) -> None:
        wanted, width = self.n_components, self.n_features_in_
        if wanted is not None:
            whole(f"{self._title}: n_components", wanted, 1, width, says=MUST)
        if wanted is None and context.validation is None:
            held = self._held_out(source)
            wanted = _best(self._learn(source[~held], target[~held]), source[held], target[held])
        learned = axes, source_centre, target_centre = self._learn(source, target)
        rank = len(axes.spectrum)
        if wanted is None and context.validation is not None:
            wanted = _best(learned, *context.validation)
        if self.n_components is not None and self.n_components > rank:
            raise InputError(
                f"{self._title}: n_components must lie in 1..{rank} (the rank of these {len(source)} pairs), "
                f"got {wanted}; give more pairs or ask for fewer components"
            )
        kept = min(wanted or rank, rank)
        self.n_components_ = kept
        self.source_axes_ = axes.enter[:, :kept].float()
        self.target_axes_ = axes.leave[:kept].float()
        self.spectrum_ = axes.spectrum[:kept].float()
        self.source_centre_, self.target_centre_ = source_centre.float(), target_centre.float()

    def _learn(self, source: Tensor, target: Tensor) -> tuple[Axes, Tensor, Tensor]:
        x, source_centre = centred(source, title=self._title, side="source")
        y, target_centre = centred(target, title=self._title, side="target")
        axes = self._axes(x, y)
        # Axes beyond the rank are arbitrary.
        bound = len(axes.spectrum) * torch.finfo(torch.float64).eps * axes.spectrum[0]
        rank = int((axes.spectrum > bound).sum())
        if rank == 0:
            raise InputError(f"{self._title}: source and target do not vary together at all; check the order of rows")
        axes = Axes(axes.enter[:, :rank], axes.leave[:rank], axes.spectrum[:rank])
        return axes, source_centre, target_centre

    def _held_out(self, source: Tensor) -> Tensor:
        """Mask of the pairs held out: all those of every tenth source, so that no clip is on both sides."""
        distinct, clip = torch.unique(source, dim=0, return_inverse=True)
        if len(distinct) < MIN_SOURCES:
            raise InputError(
                f"{self._title}: needs pairs of at least {MIN_SOURCES} different sources to choose n_components, "
                f"got {len(distinct)}; give n_components or validation pairs"
            )
        held: Tensor = clip % HELD_OUT == HELD_OUT - 1
        return held

    def _transform(self, source: Tensor) -> Tensor:
        device = source.device
        coordinates = to_frame(source, self.source_centre_.to(device)) @ self.source_axes_.to(device)
        directions = unit_rows(coordinates @ self.target_axes_.to(device))
        return from_frame(directions, self.target_centre_.to(device))


def _best(learned: tuple[Axes, Tensor, Tensor], source: Tensor, target: Tensor) -> int:
    """The most components whose held-out cosine, without the centre, is as good as the best but for `AS_GOOD`."""
    axes, source_centre, target_centre = learned
    coordinates = (source.double() - source_centre) @ axes.enter
    wanted = unit_rows(target.double() - target_centre)

    def score(k: int) -> float:
        return float((unit_rows(coordinates[:, :k] @ axes.leave[:k]) * wanted).sum(dim=1).mean())

    scores = {k: score(k) for k in _grid(len(axes.spectrum))}
    best = max(scores.values())
    return max(k for k, value in scores.items() if value >= best - AS_GOOD * abs(best))


def _grid(rank: int) -> Iterator[int]:
    """1, 2, 4, ... below `rank`, and `rank`."""
    k = 1
    while k < rank:
        yield k
        k *= 2
    yield rank
