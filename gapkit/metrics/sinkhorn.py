"""Sinkhorn divergence: optimal transport made smooth by entropy, without the bias that the entropy brings."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gapkit.arrays import ArrayLike
from gapkit.errors import InputError
from gapkit.metrics._sides import Cloud, Sides, sides
from gapkit.metrics.bandwidth import median_bandwidth

REGULARISATION = 0.25
"""Entropy weight in squared median distances of the target: below it, embeddings of a few hundred clips are told
apart one by one, and two halves of one sample no longer look alike."""

MEMORY = 2**30
"""Bytes that the matrices of one transport problem may take."""

ITERATIONS = 2000
TOLERANCE = 1e-9
"""Mass that may miss its place."""

UNDERFLOW = 500.0
"""Largest cost over entropy weight whose exponential is safely a float64."""


def sinkhorn_divergence(
    source: ArrayLike,
    target: ArrayLike,
    *,
    owner: ArrayLike | None = None,
    bandwidth: float | None = None,
    regularisation: float = REGULARISATION,
    max_memory: int = MEMORY,
) -> float:
    """Sinkhorn divergence OT(x, y) - OT(x, x) / 2 - OT(y, y) / 2 of entropic optimal transport with cost |x - y|^2.

    OT(x, y) is the least of <P, cost> + e KL(P | a b) over transport plans P, with e = `regularisation` times
    `bandwidth`^2. Small e tends to the squared 2-Wasserstein distance, large e to the squared centroid distance.
    Clips count alike: several targets of one clip carry a share of its mass each.

    Parameters
    ----------
    source : array-like of shape (n, d)
    target : array-like of shape (m, d)
    owner : array-like of shape (m,), optional
        Source row of each target row.
    bandwidth : float, optional
        Unit of length; left out, `median_bandwidth` of the target.
    regularisation : float
        Entropy weight in squared bandwidths.
    max_memory : int
        Bytes; a problem takes about 40 n m. Work grows as iterations n m.

    Returns
    -------
    float
        In squared units of the rows; at least 0, and 0 where the clouds are one; lower is nearer. Two samples of one
        distribution do not reach 0.

    Raises
    ------
    InputError
        POT is not installed, too many rows for `max_memory`, or no convergence.

    References
    ----------
    Genevay, Peyre & Cuturi (2018), Learning generative models with Sinkhorn divergences, arXiv:1706.00292.
    Feydy et al. (2019), Interpolating between optimal transport and MMD using Sinkhorn divergences, arXiv:1810.08278.
    """
    both = sides(source, target, owner)
    width = median_bandwidth(both.y.rows) if bandwidth is None else float(bandwidth)
    for value, name in ((width, "bandwidth"), (regularisation, "regularisation")):
        if not 0 < value < np.inf:
            raise InputError(f"sinkhorn: {name}: expected a positive finite number, got {value}")
    solver = Solver(regularisation * width**2, max_memory)
    return divergence(both, solver, solver.own(both.y)).value


@dataclass(frozen=True)
class Divergence:
    """Value, and what one more unit of mass at each clip adds to it: float64, (n_x,) and (n_y,), mean 0."""

    value: float
    pushes: tuple[Tensor, Tensor]


def divergence(both: Sides, solver: Solver, own_target: Tensor) -> Divergence:
    """Sinkhorn divergence of two sides, given the target's potential against itself."""
    forth, back = solver.potentials(both.x, both.y)
    extra = (both.x.per_clip(forth - solver.own(both.x)), both.y.per_clip(back - own_target))
    means = [part.mean() for part in extra]
    return Divergence(max(0.0, float(sum(means))), (extra[0] - means[0], extra[1] - means[1]))


@dataclass(frozen=True)
class Solver:
    """Entropic transport with one entropy weight.

    Parameters
    ----------
    entropy : float
        Weight of the entropy, in squared units of the rows.
    max_memory : int
        Bytes.
    """

    entropy: float
    max_memory: int

    def own(self, side: Cloud) -> Tensor:
        """Potential of a side against itself, shape (m,).

        Both potentials are one: the mean of two steps of Sinkhorn's algorithm, u <- (u w / K u)^(1/2), gets there in
        few steps whatever the entropy, where alternate steps may need thousands.
        """
        self._check(side, side)
        kernel = _squared_distances(side, side)
        kernel /= -self.entropy
        np.exp(kernel, out=kernel)
        weight = (side.share / side.n).cpu().numpy()
        scale = np.sqrt(weight / kernel.sum(axis=1))
        for _ in range(ITERATIONS):
            marginal = scale * (kernel @ scale)
            if np.abs(marginal - weight).sum() < TOLERANCE:
                break
            scale *= np.sqrt(weight / marginal)
        potential = self.entropy * np.log(scale / weight)
        return torch.from_numpy(potential).to(side.rows.device)

    def potentials(self, a: Cloud, b: Cloud) -> tuple[Tensor, Tensor]:
        """Potentials of both sides, float64; their weighted sums add up to the cost of the transport."""
        ot = _pot()
        self._check(a, b)
        cost = _squared_distances(a, b)
        # Least costs first: what remains is 0 somewhere in every row and column, and its exponential no underflow.
        left = cost.min(axis=1)
        cost -= left[:, None]
        right = cost.min(axis=0)
        cost -= right
        weights = [(c.share / c.n).cpu().numpy() for c in (a, b)]
        safe = float(cost.max()) <= UNDERFLOW * self.entropy
        with np.errstate(over="ignore"):  # exponentials of the log-domain solver, which nobody reads
            solve = ot.bregman.sinkhorn_knopp if safe else ot.bregman.sinkhorn_log
            _, log = solve(*weights, cost, self.entropy, numItermax=ITERATIONS, stopThr=TOLERANCE, log=True, warn=False)
        if not log["err"][-1] < 1e3 * TOLERANCE:
            raise InputError(
                f"sinkhorn: no convergence in {ITERATIONS} iterations; raise `regularisation` of sinkhorn_divergence"
            )
        scaled = (np.log(log["u"]), np.log(log["v"])) if safe else (log["log_u"], log["log_v"])
        forth, back = (
            torch.from_numpy(least + self.entropy * (s - np.log(w))).to(a.rows.device)
            for least, s, w in zip((left, right), scaled, weights, strict=True)
        )
        return forth, back

    def _check(self, a: Cloud, b: Cloud) -> None:
        needed = 40 * len(a.rows) * len(b.rows)
        if needed > self.max_memory:
            raise InputError(
                f"sinkhorn: {len(a.rows)} x {len(b.rows)} rows need {needed / 1e9:.1f} GB, more than the "
                f"{self.max_memory / 1e9:.1f} GB of max_memory; take fewer clips, or raise max_memory"
            )


def _squared_distances(a: Cloud, b: Cloud) -> NDArray[np.float64]:
    x, y = ((side.rows - b.mean).cpu() for side in (a, b))
    squares = torch.addmm(y.square().sum(dim=1).expand(len(x), -1), x, y.T, alpha=-2)
    distances = squares.add_(x.square().sum(dim=1, keepdim=True)).clamp_min_(0)
    if a is b:
        distances.fill_diagonal_(0)
    return distances.numpy()


def _pot() -> ModuleType:
    try:
        import ot
    except ImportError:
        raise InputError("sinkhorn: POT is not installed; pip install 'gapkit[ot]'") from None
    module: ModuleType = ot
    return module
