"""Products of float32 matrices by the faster of the two libraries that torch brings for a processor.

torch multiplies by MKL, which uses half of what a processor of AMD with AVX-512 can do (105 beside 243 GFLOP/s, EPYC
family 26, one core); oneDNN does not ask who made the processor. The sums are of the same precision, their last
digits differ. ``torch.backends.mkldnn.enabled = False`` turns it off.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

from gapkit.machine import processor_maker


def product(left: Tensor, right: Tensor, plus: Tensor | None = None, *, out: Tensor | None = None) -> Tensor:
    """``left @ right.T + plus``, without gradients.

    Parameters
    ----------
    left : Tensor of shape (n, d)
    right : Tensor of shape (m, d)
    plus : Tensor of shape (m,), optional
    out : Tensor of shape (n, m), optional
        Room that the result may be written to; what is returned is the result.

    Returns
    -------
    Tensor of shape (n, m)
    """
    if by_onednn(left, right):
        return onednn_product(left, right, plus)
    if plus is None:
        return torch.mm(left, right.T, out=out)
    return torch.addmm(plus, left, right.T, out=out)


def by_onednn(left: Tensor, right: Tensor) -> bool:
    """Whether the product of the two is one for `onednn_product`."""
    return (
        left.dtype == right.dtype == torch.float32
        and left.device.type == right.device.type == "cpu"
        and left.ndim == right.ndim == 2
        and left.numel() > 0
        and right.numel() > 0
        and _operator() is not None
        and bool(torch.backends.mkldnn.enabled)
        and not torch.is_autocast_enabled("cpu")
    )


def onednn_product(left: Tensor, right: Tensor, plus: Tensor | None) -> Tensor:
    """``left @ right.T + plus`` by oneDNN; only where `by_onednn`."""
    operator = _operator()
    assert operator is not None
    if not (right.is_contiguous() or right.T.is_contiguous()):
        # For rows or columns that lie apart oneDNN has but a loop of reference, a thousand times as slow.
        right = right.contiguous()
    # It reads this one as if it lay in one piece, whatever its stride.
    plus = None if plus is None else plus.contiguous()
    return operator(left, right, plus, "none", [], "")


@cache
def _operator() -> Callable[..., Tensor] | None:
    """The operator of torch that calls oneDNN, where that is to be preferred.

    The processor decides, not a measurement: the same machine gives the same digits each time.
    """
    libraries = torch.backends.mkl.is_available() and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    if not libraries or processor_maker() != "AuthenticAMD" or torch.backends.cpu.get_cpu_capability() != "AVX512":
        return None
    # What torch's own compiler calls for a linear layer. Private: a torch without it multiplies by MKL.
    found: Callable[..., Tensor] | None = getattr(torch.ops.mkldnn, "_linear_pointwise", None)
    return found
