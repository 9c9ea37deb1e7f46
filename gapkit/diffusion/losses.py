"""What the training of a bridge minimises, besides the squared error."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from gapkit.diffusion.linear import linear
from gapkit.diffusion.schedule import Schedule
from gapkit.errors import InputError


def prediction_weight(prediction: str, schedule: Schedule) -> Tensor:
    """Weight of the squared error of x0 at t = 0, ..., T that makes it the squared error of what is predicted.

    1 for x0, ``abar / (1 - abar)`` for the noise, ``1 / (1 - abar)`` for the velocity; at t = 0 as at t = 1.

    Returns
    -------
    Tensor of shape (T + 1,), float64
    """
    abar = torch.cat([schedule.alpha_bar[1:2], schedule.alpha_bar[1:]])
    return {"x0": torch.ones_like(abar), "epsilon": abar / (1 - abar), "v": 1 / (1 - abar)}[prediction]


def cosine_matrix(rows: Tensor) -> Tensor:
    """All pairwise cosines, (n, n)."""
    unit = F.normalize(rows, dim=-1)
    return linear(unit, unit)


def frobenius_topology(predicted: Tensor, true: Tensor) -> Tensor:
    """Mean squared difference of the off-diagonal cosines of two cosine matrices (n, n), in [0, 4]."""
    n = len(true)
    # The diagonals are equal and add nothing: one row has no geometry to miss.
    return (predicted - true).square().sum() / max(n * (n - 1), 1)


def pearson_topology(predicted: Tensor, true: Tensor) -> Tensor:
    """One minus the correlation of each row of two cosine matrices (n, n) without their diagonals, in [0, 2]."""
    n = len(true)
    off = ~torch.eye(n, dtype=torch.bool, device=true.device)
    p, q = (matrix[off].view(n, n - 1) for matrix in (predicted, true))
    return 1 - F.cosine_similarity(p - p.mean(1, keepdim=True), q - q.mean(1, keepdim=True), dim=1).mean()


def softmax_topology(predicted: Tensor, true: Tensor, temperature: float = 0.1) -> Tensor:
    """Kullback-Leibler divergence, in nats, of neighbour distributions: softmax of each row of cosines without self."""
    self = torch.eye(len(true), dtype=torch.bool, device=true.device)
    p, q = ((matrix / temperature).masked_fill(self, -1e4).log_softmax(1) for matrix in (predicted, true))
    return F.kl_div(p, q, log_target=True, reduction="batchmean")


TOPOLOGY: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "frobenius": frobenius_topology,
    "pearson": pearson_topology,
    "softmax": softmax_topology,
}


def make_topology(name: str) -> Callable[[Tensor, Tensor], Tensor]:
    """A topology loss by name: ``"frobenius"``, ``"pearson"`` or ``"softmax"``, of two cosine matrices (n, n).

    Raises
    ------
    InputError
    """
    if name not in TOPOLOGY:
        raise InputError(f"unknown topology loss {name!r}: known are {', '.join(TOPOLOGY)}")
    return TOPOLOGY[name]
