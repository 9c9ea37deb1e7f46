"""Between what users hold (numpy, torch, pandas, lists) and what gapkit computes with (torch)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from gapkit.errors import InputError

ArrayLike = Any
"""numpy array, torch tensor, pandas frame or nested list of numbers, shape (n, d)."""


def as_matrix(
    values: ArrayLike,
    *,
    name: str,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str | None = None,
    n_features: int | None = None,
) -> Tensor:
    """Bring ``values`` to a finite (n, d) tensor, or say in one line what is wrong with them.

    Parameters
    ----------
    values : array-like of shape (n, d)
        Numbers. A torch tensor keeps its device unless `device` is given.
    name : str
        What the user calls these values; it opens every error message.
    dtype : torch.dtype
        Floating type of the result.
    device : torch.device or str, optional
        Where the result lives.
    n_features : int, optional
        Required number of columns.

    Returns
    -------
    Tensor of shape (n, d)
        May share memory with `values`.

    Raises
    ------
    InputError
        Not two-dimensional, not numeric, empty, non-finite, or of another width.
    """
    if isinstance(values, Tensor):
        tensor: Tensor = values.detach()
    else:
        array = np.asarray(values)
        if array.dtype.kind not in "fiu":
            raise InputError(f"{name}: expected numbers, got dtype {array.dtype}; pass a float32 array of shape (n, d)")
        if not array.flags.writeable or array.dtype.byteorder == ">" or min(array.strides, default=0) < 0:
            array = np.array(array, dtype=array.dtype.newbyteorder("="))
        if array.dtype.kind == "u" and array.dtype.itemsize > 1:
            array = array.astype(np.float64)
        tensor = torch.from_numpy(array)
    if tensor.ndim != 2:
        raise InputError(f"{name}: expected a 2-D array (n, d), got shape {tuple(tensor.shape)}; one embedding per row")
    if tensor.is_complex() or tensor.dtype == torch.bool:
        raise InputError(f"{name}: expected real numbers, got dtype {tensor.dtype}; pass float32")
    if tensor.shape[0] == 0 or tensor.shape[1] == 0:
        raise InputError(f"{name}: expected at least one row and one column, got shape {tuple(tensor.shape)}")
    if n_features is not None and tensor.shape[1] != n_features:
        raise InputError(
            f"{name}: expected {n_features} features (what it is compared or was fitted with), got {tensor.shape[1]}; "
            "use embeddings of the same encoder"
        )
    tensor = tensor.to(device=torch.device(device) if device else tensor.device, dtype=dtype)
    # One reduction tells: the sum is not finite where any entry is not (float32 embeddings cannot overflow float64).
    if not bool(torch.isfinite(tensor.sum(dtype=torch.float64))):
        bad = (~torch.isfinite(tensor)).any(dim=1).nonzero().flatten()
        shown = ", ".join(str(int(i)) for i in bad[:3])
        raise InputError(
            f"{name}: expected finite numbers, got NaN or infinity in {len(bad)} of {len(tensor)} rows "
            f"(first: {shown}); drop or recompute these rows"
        )
    return tensor


def like(result: Tensor, template: ArrayLike) -> Any:
    """Give `result` back as the kind of array that `template` is: torch on its device, otherwise numpy."""
    if isinstance(template, Tensor):
        dtype = template.dtype if template.dtype in (torch.float32, torch.float64) else torch.float32
        return result.to(device=template.device, dtype=dtype)
    array = result.cpu().numpy()
    wanted = getattr(template, "dtype", None)
    return array.astype(np.float64) if wanted == np.float64 else array


def unit_rows(values: Tensor) -> Tensor:
    """Scale every row to length one; a row of length zero stays zero."""
    # In float64: the squares of very small and very large numbers leave the range of float32.
    length: Tensor = torch.linalg.vector_norm(values, dim=1, keepdim=True, dtype=torch.float64)
    return values / length.to(values.dtype).clamp_min(torch.finfo(values.dtype).tiny)


def generator(seed: int, device: torch.device | str = "cpu") -> torch.Generator:
    """A torch generator of its own: gapkit never touches the global one."""
    return torch.Generator(device=device).manual_seed(seed)
