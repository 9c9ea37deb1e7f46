"""Sinkhorn divergence: optimal transport made smooth by entropy, without the bias that the entropy brings."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from types import ModuleType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gapkit.arrays import ArrayLike, slices
from gapkit.errors import InputError
from gapkit.given import memory_limit, positive
from gapkit.metrics.cloud import Cloud
from gapkit.metrics.kernels import checked_widths
from gapkit.metrics.pair import Pair, pair_of
from gapkit.metrics.registry import Residual, metric
from gapkit.metrics.value import Value
from gapkit.products import product

REGULARISATION = 0.25
"""Entropy weight in squared median distances of the target: below it, embeddings of a few hundred clips are told
apart one by one, and two halves of one sample no longer look alike."""

MEMORY = 2**30
"""Bytes that the matrices of one transport problem may take."""

ITERATIONS = 2000
TOLERANCE = 1e-9
"""Mass that may miss its place."""

Array = NDArray[np.float64]

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
        Bytes; a problem takes 8 n m, or 40 n m where the entropy is so small that it is solved in logarithms. Work
        grows as iterations n m.

    Returns
    -------
    float
        In squared units of the rows; at least 0, and 0 where the clouds are one; lower is nearer. Two samples of one
        distribution do not reach 0.

    Raises
    ------
    InputError
        Too many rows for `max_memory`, no convergence, or POT, which solves in logarithms, is not installed.

    References
    ----------
    Genevay, Peyre & Cuturi (2018), Learning generative models with Sinkhorn divergences, arXiv:1706.00292.
    Feydy et al. (2019), Interpolating between optimal transport and MMD using Sinkhorn divergences, arXiv:1810.08278.
    """
    pair = pair_of(source, target, owner, max_memory=memory_limit(max_memory))
    if bandwidth is not None:
        pair = replace(pair, width=checked_widths([bandwidth])[0])
    return sinkhorn_divergence_of(pair, regularisation=positive("sinkhorn: regularisation", regularisation)).value


@metric(
    "sinkhorn-divergence",
    label="Sinkhorn divergence",
    place=250,
    group="closure",
    better="lower",
    best=0.0,
    range=(0.0, math.inf),
    needs_pairs=False,
    cost="n^2 d + n^2 x iterations",
    reference="Feydy et al. (2019), Interpolating between optimal transport and MMD using Sinkhorn divergences",
    default=False,
    definition="Entropic transport cost of source to target less half of each side to itself, cost |x - y|².",
    function=sinkhorn_divergence,
    residual=Residual(
        "Residual Sinkhorn divergence", "Sinkhorn divergence after each side's mean is removed.", place=330
    ),
)
def sinkhorn_divergence_of(pair: Pair, *, regularisation: float = REGULARISATION) -> Value:
    """Sinkhorn divergence, and what one more unit of mass at each item adds to it.

    A side against itself does not notice that its mean was removed. A shift of one side moves the cost of the transport
    by the offset of the means, which is 0 where they were removed: there too the influence is all.
    """
    solver, sides = Solver(regularisation * pair.bandwidth**2, pair.max_memory), (pair.uncentred.x, pair.uncentred.y)
    own = [side.shared(("sinkhorn", solver.entropy), partial(solver.own, side)) for side in sides]
    forth, back = solver.potentials(pair.x, pair.y)
    x, y = pair.x.per_clip(forth - own[0]), pair.y.per_clip(back - own[1])
    return Value(max(0.0, float(x.mean() + y.mean())), influence=lambda: (x, y))


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
        self._check(side, side, 8)
        kernel = _squared_distances(side, side)
        kernel /= -self.entropy
        np.exp(kernel, out=kernel)
        weight = _weights(side)
        scale = np.sqrt(weight / kernel.sum(axis=1))
        for _ in range(ITERATIONS):
            marginal = scale * (kernel @ scale)
            if np.abs(marginal - weight).sum() < TOLERANCE:
                break
            scale *= np.sqrt(weight / marginal)
        potential = self.entropy * np.log(scale / weight)
        return torch.from_numpy(potential).to(side.base.device)

    def potentials(self, a: Cloud, b: Cloud) -> tuple[Tensor, Tensor]:
        """Potentials of both sides, float64; their weighted sums add up to the cost of the transport."""
        self._check(a, b, 8)
        cost = _squared_distances(a, b)
        # Least costs first: what remains is 0 somewhere in every row and column, and its exponential no underflow.
        left = cost.min(axis=1)
        cost -= left[:, None]
        right = cost.min(axis=0)
        cost -= right
        weights = _weights(a), _weights(b)
        if float(cost.max()) <= UNDERFLOW * self.entropy:
            cost /= -self.entropy
            u, v, error = _scalings(np.exp(cost, out=cost), *weights)
            scaled = np.log(u), np.log(v)
        else:
            scaled, error = self._in_logarithms(a, b, cost, weights)
        if not error < 1e3 * TOLERANCE:
            raise InputError(
                f"sinkhorn: no convergence in {ITERATIONS} iterations; raise `regularisation` of sinkhorn_divergence"
            )
        forth, back = (
            torch.from_numpy(least + self.entropy * (s - np.log(w))).to(a.base.device)
            for least, s, w in zip((left, right), scaled, weights, strict=True)
        )
        return forth, back

    def _in_logarithms(
        self, a: Cloud, b: Cloud, cost: Array, weights: tuple[Array, Array]
    ) -> tuple[tuple[Array, Array], float]:
        """Logarithms of both scalings, and the mass that misses its place, by POT."""
        self._check(a, b, 40)
        ot = _pot()
        with np.errstate(over="ignore"):  # exponentials, which nobody reads
            _, log = ot.bregman.sinkhorn_log(
                *weights, cost, self.entropy, numItermax=ITERATIONS, stopThr=TOLERANCE, log=True, warn=False
            )
        return (log["log_u"], log["log_v"]), float(log["err"][-1])

    def _check(self, a: Cloud, b: Cloud, size: int) -> None:
        # The matrices, and the rows of both sides twice in float64.
        needed = size * len(a.base) * len(b.base) + 16 * (len(a.base) + len(b.base)) * a.base.shape[1]
        if needed > self.max_memory:
            raise InputError(
                f"sinkhorn: {len(a.base)} x {len(b.base)} rows need {needed / 1e9:.1f} GB, more than the "
                f"{self.max_memory / 1e9:.1f} GB of max_memory; take fewer clips, or raise max_memory"
            )


def _scalings(kernel: Array, a: Array, b: Array) -> tuple[Array, Array, float]:
    """Sinkhorn's algorithm: u and v with marginals a and b of u K v, and the mass that misses its place."""
    u, v, error = a, np.ones_like(b), np.inf
    for step in range(ITERATIONS):
        reached = kernel @ v
        error = float(np.abs(u * reached - a).sum()) if step else np.inf
        if error < TOLERANCE:
            break
        u = a / reached
        v = b / (kernel.T @ u)
    return u, v, error


def _weights(side: Cloud) -> Array:
    return (side.share / side.n).cpu().numpy()


def _squared_distances(a: Cloud, b: Cloud) -> Array:
    """Of all pairs, (n, m), filled block by block: the only matrix of this size."""
    right = (b.rows - b.mean).cpu()
    squares = right.square().sum(dim=1)
    out = np.empty((len(a.base), len(right)))
    for part in slices(*out.shape):
        left = (a.block(part) - b.mean).cpu()
        block = product(left * -2, right, squares)
        out[part] = block.add_(left.square().sum(dim=1, keepdim=True)).clamp_min_(0).numpy()
    if a is b:
        np.fill_diagonal(out, 0)
    return out


def _pot() -> ModuleType:
    try:
        import ot
    except ImportError:
        raise InputError("sinkhorn: POT is not installed; pip install 'gapkit[ot]'") from None
    module: ModuleType = ot
    return module
