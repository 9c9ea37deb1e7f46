"""Optimal transport: each source goes where a Sinkhorn plan sends it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gapkit.arrays import generator, unit_rows
from gapkit.bridges.base import Bridge, FitContext
from gapkit.bridges.covariance import NO_SPREAD, centred
from gapkit.bridges.frame import from_frame, to_frame
from gapkit.bridges.registry import register_bridge
from gapkit.errors import GapkitError, InputError
from gapkit.options import fitted, option
from gapkit.space import Range

BLOCK = 2048
"""Source rows compared with the kept targets at a time."""

TOLERANCE = 1e-4
"""Largest miss of the target weights at which Sinkhorn has converged, relative to their length."""


@register_bridge("ot")
@dataclass(kw_only=True, eq=False, repr=False)
class OptimalTransport(Bridge):
    """Moves the source by entropic optimal transport between the two centred clouds.

    Definition: ``u`` and ``v_j`` are the directions of source and targets from their own means, ``c = |u - v|^2``.
    Sinkhorn's dual potential ``g`` of the targets (Cuturi, 2013, arXiv 1306.0895) gives every ``u``, fitted or new, the
    barycentre ``sum_j softmax_j((g_j - c(u, v_j)) / eps) v_j`` (the entropic map of Pooladian & Niles-Weed, 2021,
    arXiv 2109.12004), and the answer lies in its direction from the target's mean. What matches is found by nearness
    alone: no pairs are asked for.

    Attributes
    ----------
    memory_ : Tensor of shape (m, d)
        Directions of the drawn targets.
    potentials_ : Tensor of shape (m,)
        ``g / eps`` of each, weights included.
    epsilon_ : float
    n_iter_ : int
        Iterations done.
    source_centre_, target_centre_ : Tensor of shape (d,)
    """

    in_default = False
    needs_pairs = False
    stochastic = True
    family = "transport"
    keeps_rows = ("memory_",)
    defaults_from = "gapkit tune, soundscapes validation split, 25 settings: the defaults were chosen"

    regularisation: float = option(
        0.05,
        above=0,
        search=Range(0.02, 0.5, log=True),
        doc="``eps`` as a part of the median cost. Small: answers are single fitted targets, and Sinkhorn is "
        "slow; large: answers are averages, in which only the widest axes of the targets are left.",
    )
    n_max: int = option(
        2000,
        at_least=2,
        doc="Rows of each side that the plan is computed on; of more, this many are drawn. Memory and time grow "
        "with its square.",
    )
    max_iter: int = option(1000, at_least=1, doc="Sinkhorn iterations before it gives up.")
    random_state: int = option(
        0,
        kind="seed",
        doc="Seed of the rows drawn; without effect where neither side has more than `n_max`.",
    )

    memory_: Tensor = fitted()
    potentials_: Tensor = fitted()
    epsilon_: float = fitted()
    n_iter_: int = fitted()
    source_centre_: Tensor = fitted()
    target_centre_: Tensor = fitted()

    def _fit(self, source: Tensor, target: Tensor, context: FitContext) -> None:
        sinkhorn = self._sinkhorn()
        x, source_centre = centred(source, title=self._title, side="source")
        y, target_centre = centred(target, title=self._title, side="target")
        draw = generator(self.random_state)
        x, y = (unit_rows(_draw(rows, self.n_max, draw)) for rows in (x, y))
        cost = (2 - 2 * (x @ y.T)).clamp_min(0).cpu().numpy()
        self.epsilon_ = self.regularisation * float(np.median(cost))
        if self.epsilon_ < NO_SPREAD:
            raise InputError(f"{self._title}: more than half of the drawn rows coincide; drop duplicate rows")
        bound = TOLERANCE / math.sqrt(len(y))
        _, log = sinkhorn(
            *(np.full(n, 1 / n) for n in cost.shape),
            cost,
            self.epsilon_,
            numItermax=self.max_iter,
            stopThr=bound,
            log=True,
            warn=False,
        )
        if not log["err"][-1] < bound:
            raise GapkitError(
                f"{self._title}: Sinkhorn did not converge in {self.max_iter} iterations "
                f"(missed the targets' weights by {log['err'][-1] / bound * TOLERANCE:.1e}, allowed: {TOLERANCE:.0e}); "
                f"raise regularisation above {self.regularisation:g}, or max_iter"
            )
        self.n_iter_ = int(log["niter"]) + 1
        self.memory_ = y.float()
        self.potentials_ = torch.from_numpy(log["log_v"]).to(y.device).float()
        self.source_centre_, self.target_centre_ = source_centre.float(), target_centre.float()

    def _transform(self, source: Tensor) -> Tensor:
        device = source.device
        memory, potentials = self.memory_.to(device), self.potentials_.to(device)
        queries = to_frame(source, self.source_centre_.to(device))
        # |u - v|^2 = 2 - 2 u.v, and a constant does not change a softmax.
        means = [
            torch.softmax(potentials + 2 / self.epsilon_ * (block @ memory.T), dim=1) @ memory
            for block in torch.split(queries, BLOCK)
        ]
        return from_frame(unit_rows(torch.cat(means)), self.target_centre_.to(device))

    def _sinkhorn(self) -> Any:
        # Here and not above: the import takes seconds.
        try:
            from ot.bregman import sinkhorn_log
        except ImportError:
            raise InputError(f"{self._title}: needs the package POT; pip install 'gapkit[ot]'") from None
        return sinkhorn_log


def _draw(rows: Tensor, most: int, draw: torch.Generator) -> Tensor:
    """At most `most` rows, without replacement, in their order."""
    if len(rows) <= most:
        return rows
    chosen = torch.randperm(len(rows), generator=draw)[:most].sort().values
    return rows[chosen.to(rows.device)]
