"""The light Schrödinger bridge: entropic transport whose potential is a mixture of Gaussians."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class MixturePotential(nn.Module):
    """The adjusted potential ``v(y) = sum_k a_k N(y; r_k, eps S_k)`` with diagonal S_k, and the plan that it gives.

    Light Schrödinger bridge (Korotin, Gushchin & Burnaev, 2024, arXiv 2310.01174). The plan is
    ``p(y | x) = exp(x y / eps) v(y) / c(x)``, itself a mixture: component k has the mean ``r_k + S_k x``, the variance
    ``eps S_k`` and the weight ``a_k exp((x S_k x + 2 r_k x) / (2 eps))``, whose sum over k is ``c(x)``.

    Parameters
    ----------
    dim, components : int
    epsilon : float
        Entropic regularisation: the variance of the Brownian motion that the bridge stays close to, a unit of time.
    generator : torch.Generator
        Draws the centres r_k to begin with. S_k starts at 1 and the weights equal: the plan is nearly the identity.
    """

    def __init__(self, dim: int, components: int, *, epsilon: float, generator: torch.Generator) -> None:
        super().__init__()
        self.epsilon = epsilon
        self.log_weights = nn.Parameter(torch.zeros(components, dtype=torch.float32))
        self.centres = nn.Parameter(0.1 * torch.randn(components, dim, generator=generator, dtype=torch.float32))
        self.log_scales = nn.Parameter(torch.zeros(components, dim, dtype=torch.float32))

    def log_density(self, y: Tensor) -> Tensor:
        """``log v(y)`` of rows (n, d), up to the constant that makes the weights sum to one; shape (n,)."""
        precision = (-self.log_scales).exp()
        square = y.square() @ precision.T - 2 * y @ (precision * self.centres).T
        square = square + (precision * self.centres.square()).sum(dim=1)
        volume = self.log_scales.sum(dim=1) + y.shape[1] * math.log(2 * math.pi * self.epsilon)
        return (self.log_weights - 0.5 * (square / self.epsilon + volume)).logsumexp(dim=1)

    def logits(self, x: Tensor) -> Tensor:
        """Log weights of the components of ``p(y | x)`` before they are made to sum to one, (n, k)."""
        exponent = x.square() @ self.log_scales.exp().T + 2 * x @ self.centres.T
        return self.log_weights + exponent / (2 * self.epsilon)

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        """``mean log c(x) - mean log v(y)``: divergence from the true plan, up to a constant. Rows need no pairs."""
        return self.logits(x).logsumexp(dim=1).mean() - self.log_density(y).mean()

    def means(self, x: Tensor) -> Tensor:
        """Mean of ``p(y | x)``, (n, d)."""
        share = self.logits(x).softmax(dim=1)
        return share @ self.centres + x * (share @ self.log_scales.exp())

    def draw(self, x: Tensor, uniform: Tensor, normal: Tensor) -> Tensor:
        """A draw from ``p(y | x)``, (n, d).

        Parameters
        ----------
        x : Tensor of shape (n, d)
        uniform : Tensor of shape (n,)
            Numbers in (0, 1) that choose the components.
        normal : Tensor of shape (n, d)
            Standard normal numbers.
        """
        below = self.logits(x).softmax(dim=1).cumsum(dim=1)
        chosen = (below < uniform.unsqueeze(1)).sum(dim=1).clamp_max(below.shape[1] - 1)
        scale = self.log_scales.exp()[chosen]
        return self.centres[chosen] + scale * x + (self.epsilon * scale).sqrt() * normal
