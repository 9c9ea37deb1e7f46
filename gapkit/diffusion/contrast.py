"""A loss that asks each answer to be told from the others of its batch."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from gapkit.diffusion.linear import linear


def contrastive_loss(
    predicted: Tensor, true: Tensor, *, group: Tensor | None = None, temperature: float = 0.1
) -> Tensor:
    """Cross entropy of finding the own target among those of the batch, in nats; chance is log n.

    InfoNCE (van den Oord et al., 2018, arXiv 1807.03748) in one direction, over cosines.

    Parameters
    ----------
    predicted, true : Tensor of shape (n, d)
        Row i of one belongs to row i of the other.
    group : Tensor of shape (n,), optional
        Rows of one group (the captions of one clip) are not held against each other.
    temperature : float

    Returns
    -------
    Tensor
        Scalar, at least 0.
    """
    cosines = linear(F.normalize(predicted, dim=-1), F.normalize(true, dim=-1))
    logits = cosines / temperature
    if group is not None:
        same = group.unsqueeze(0) == group.unsqueeze(1)
        same.fill_diagonal_(False)
        logits = logits.masked_fill(same, -torch.inf)
    return F.cross_entropy(logits, torch.arange(len(logits), device=logits.device))
