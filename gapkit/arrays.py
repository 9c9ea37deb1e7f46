"""Between what users hold (numpy, torch, pandas, lists) and what gapkit computes with (torch)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gapkit.errors import InputError
from gapkit.given import whole
from gapkit.memory_map import file_of, let_go

ArrayLike = Any
"""numpy array, torch tensor, pandas frame or nested list of numbers, shape (n, d)."""

BLOCK = 2**19
"""Numbers that a pass over many rows looks at in one piece: 2 MB of float32 stay near the processor."""


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
        May share memory with `values` and must not be written to: a memory map of float32 stays one.

    Raises
    ------
    InputError
        Not two-dimensional, not numeric, empty, non-finite, or of another width.
    """
    if isinstance(values, Tensor):
        tensor: Tensor = values.detach()
        if tensor.layout != torch.strided:
            raise InputError(f"{name}: expected a dense tensor, got layout {tensor.layout}; pass values.to_dense()")
        if tensor.is_meta:
            raise InputError(f"{name}: expected numbers, got a tensor on the meta device, which holds none")
    else:
        array = _as_array(values, name)
        if array.dtype.byteorder == ">" or min(array.strides, default=0) < 0:
            array = np.array(array, dtype=array.dtype.newbyteorder("="))
        if array.dtype.kind == "u" and array.dtype.itemsize > 1:
            array = array.astype(np.float64)
        tensor = torch.from_numpy(array if array.flags.writeable else _borrowed(array))
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

    file = None if isinstance(values, Tensor) else file_of(values)

    def blocks() -> Iterator[Tensor]:
        for part in slices(*tensor.shape):
            yield tensor[part]
            let_go(file)

    # One reduction a block tells: the sum is not finite where any entry is not (float32 cannot overflow float64).
    if not all(bool(torch.isfinite(block.sum(dtype=torch.float64))) for block in blocks()):
        bad = torch.cat([(~torch.isfinite(block)).any(dim=1) for block in blocks()]).nonzero().flatten()
        shown = ", ".join(str(int(i)) for i in bad[:3])
        raise InputError(
            f"{name}: expected finite numbers, got NaN or infinity in {len(bad)} of {len(tensor)} rows "
            f"(first: {shown}); drop or recompute these rows"
        )
    return tensor


def _as_array(values: ArrayLike, name: str) -> NDArray[Any]:
    if np.ma.is_masked(values):
        raise InputError(f"{name}: expected every number, got a masked array; fill or drop the masked rows")
    try:
        array = np.asarray(values)
    except Exception as error:  # ragged lists, arrays on another device: numpy and others raise what they like
        reason = " ".join(str(error).split())[:120]
        raise InputError(
            f"{name}: cannot be read as an array ({reason}); pass a float32 array of shape (n, d)"
        ) from None
    if array.dtype.kind not in "fiu":
        raise InputError(f"{name}: expected numbers, got dtype {array.dtype}; pass a float32 array of shape (n, d)")
    return array


def _borrowed(array: NDArray[Any]) -> NDArray[Any]:
    """The same memory without its read-only mark, of which torch would warn; nothing here writes to what it is given.

    Without this a memory map would have to be copied.
    """
    interface = dict(array.__array_interface__)
    interface["data"] = (interface["data"][0], False)
    return np.asarray(SimpleNamespace(__array_interface__=interface, owner=array))


def slices(n: int, width: int, size: int = BLOCK) -> Iterator[slice]:
    """Slices over `n` rows of `width` numbers, about `size` numbers each."""
    step = max(1, size // width)
    return (slice(start, min(start + step, n)) for start in range(0, n, step))


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


def rows_of_length_one(values: Tensor) -> Tensor:
    """As `unit_rows`, divided in float64 too and so exact to the last digit of float32; not for training."""
    length = torch.linalg.vector_norm(values, dim=1, keepdim=True, dtype=torch.float64)
    rows: Tensor = (values / length.clamp_min(torch.finfo(torch.float32).tiny)).to(values.dtype)
    return rows


def generator(seed: int, device: torch.device | str = "cpu", *, stream: str = "") -> torch.Generator:
    """A torch generator of its own: gapkit never touches the global one.

    Parameters
    ----------
    seed : int
    device : torch.device or str
    stream : str
        Name of the purpose. Each has numbers of its own, for every seed.
    """
    number = whole("seed", seed, None)
    if stream:
        number = int.from_bytes(hashlib.blake2b(f"{stream} {number}".encode(), digest_size=7).digest(), "big")
    return torch.Generator(device=device).manual_seed(number)
