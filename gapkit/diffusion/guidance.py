"""Classifier-free guidance: a predictor that leans away from what it would say without its condition."""

from __future__ import annotations

from torch import Tensor

from gapkit.diffusion.samplers import Predictor


def guided(conditional: Predictor, unconditional: Predictor, weight: float) -> Predictor:
    """Combine two x0 predictors: ``f(x, t) = u(x, t) + (1 + weight) (c(x, t) - u(x, t))``.

    Ho & Salimans, "Classifier-Free Diffusion Guidance" (2022, arXiv 2207.12598) combine predictions of the noise. At
    one (x, t) noise and clean vector are an affine function of each other and the two weights sum to one, so this is
    the same rule.

    Parameters
    ----------
    conditional, unconditional : callable
        ``c`` with the condition and ``u`` without it.
    weight : float
        0: `conditional` alone, and `unconditional` is never called. -1: `unconditional`. Above 0: condition
        overstated; rows agree with it more and differ less from each other.

    Returns
    -------
    callable

    Examples
    --------
    >>> import torch
    >>> f = guided(lambda x, t: x + 1, lambda x, t: x, 0.5)
    >>> f(torch.zeros(1, 2), 7)
    tensor([[1.5000, 1.5000]])
    """
    if weight == 0:
        return conditional

    def predict(x: Tensor, t: int) -> Tensor:
        without = unconditional(x, t)
        return without + (1 + weight) * (conditional(x, t) - without)

    return predict
