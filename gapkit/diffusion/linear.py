"""A linear layer whose products are fast on processors of any maker."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from gapkit.machine import processor_maker


class Linear(nn.Linear):
    """`torch.nn.Linear`, by way of oneDNN where that is the faster of the two libraries that torch brings.

    torch multiplies float32 matrices on a processor by MKL, which uses half of what a processor of AMD with AVX-512
    can do (105 beside 243 GFLOP/s on an EPYC of family 26, one core); oneDNN does not ask who made the processor. The
    sums are of the same precision, their last digits differ. ``torch.backends.mkldnn.enabled = False`` turns it off.
    """

    def forward(self, x: Tensor) -> Tensor:
        """``x @ weight.T + bias``, (n, n_in) to (n, n_out)."""
        if _suits(x) and _suits(self.weight) and onednn_product() and torch.backends.mkldnn.enabled:
            return multiply(x, self.weight, self.bias)
        return F.linear(x, self.weight, self.bias)


@cache
def onednn_product() -> Callable[..., Tensor] | None:
    """The product of oneDNN where it is to be preferred to torch's own, else None.

    The processor decides, not a measurement: the same machine gives the same digits each time.
    """
    libraries = torch.backends.mkl.is_available() and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    if not libraries or processor_maker() != "AuthenticAMD" or torch.backends.cpu.get_cpu_capability() != "AVX512":
        return None
    # What torch's own compiler calls for a linear layer. Private: a torch without it multiplies by MKL.
    found: Callable[..., Tensor] | None = getattr(torch.ops.mkldnn, "_linear_pointwise", None)
    return found


def _suits(x: Tensor) -> bool:
    return (
        x.dtype == torch.float32
        and x.device.type == "cpu"
        and x.ndim == 2
        and x.numel() > 0
        and not torch.is_autocast_enabled("cpu")
    )


def multiply(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``x @ weight.T + bias`` by oneDNN, (n, n_in) and (n_out, n_in) to (n, n_out), with its gradients."""
    out: Tensor = _Product.apply(x, weight, bias)  # type: ignore[no-untyped-call]
    return out


class _Product(torch.autograd.Function):
    """All three products by oneDNN; can be differentiated again."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        product = onednn_product()
        assert product is not None
        ctx.save_for_backward(x, weight)
        return product(x, weight, bias, "none", [], "")

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        for_x, for_weight, for_bias = ctx.needs_input_grad
        return (
            multiply(grad, weight.t()) if for_x else None,
            multiply(grad.t(), x.t()) if for_weight else None,
            grad.sum(0) if for_bias else None,
        )
