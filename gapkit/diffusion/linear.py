"""Linear layers that multiply by the faster library, forward and back."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from gapkit.products import by_onednn, onednn_product


class Linear(nn.Linear):
    """`torch.nn.Linear`, by way of oneDNN where `gapkit.products` prefers it."""

    def forward(self, x: Tensor) -> Tensor:
        """``x @ weight.T + bias``, (n, n_in) to (n, n_out)."""
        return linear(x, self.weight, self.bias)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``x @ weight.T + bias``, (n, n_in) and (n_out, n_in) to (n, n_out), with gradients."""
    if not by_onednn(x, weight):
        return F.linear(x, weight, bias)
    out: Tensor = _Product.apply(x, weight, bias)  # type: ignore[no-untyped-call]
    return out


class _Product(torch.autograd.Function):
    """All three products by oneDNN; can be differentiated again."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return onednn_product(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        for_x, for_weight, for_bias = ctx.needs_input_grad
        return (
            linear(grad, weight.t()) if for_x else None,
            linear(grad.t(), x.t()) if for_weight else None,
            grad.sum(0) if for_bias else None,
        )
