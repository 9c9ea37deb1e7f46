"""Any two Python callables as an encoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapkit.encoders.base import Encoder
from gapkit.encoders.registry import register_encoder
from gapkit.errors import InputError

Embed = Callable[[Sequence[Any]], Any]


@register_encoder("callables")
class CallableEncoder(Encoder):
    """Two functions of your own.

    Parameters
    ----------
    source : callable
        A list of mono float32 arrays (or of RGB pictures) to an array (n, dim).
    target : callable
        A list of strings to an array (n, dim).
    dim : int
    sample_rate : int
        What `source` expects; 0 for pictures.
    version : str
        Say another word whenever the functions change: what was cached under the old one is then not used.
    modalities : tuple of str
        ``("audio", "text")`` or ``("image", "text")``.
    window_seconds : float
        Longest sound given to `source`.
    concurrent : bool
        Whether several threads may call the functions at once.

    Examples
    --------
    >>> encoder = CallableEncoder(
    ...     lambda sounds: [[s.mean(), 1.0] for s in sounds], lambda texts: [[len(t), 1.0] for t in texts],
    ...     dim=2, sample_rate=16_000, version="1",
    ... )
    >>> encoder.encode_target(["rain", "a dog"]).shape
    (2, 2)
    """

    def __init__(
        self,
        source: Embed,
        target: Embed,
        *,
        dim: int,
        sample_rate: int,
        version: str,
        modalities: tuple[str, str] = ("audio", "text"),
        window_seconds: float = 30.0,
        concurrent: bool = False,
    ) -> None:
        if not callable(source) or not callable(target):
            raise InputError("encoder callables: source and target must be callable")
        if modalities[0] == "audio" and sample_rate < 1:
            raise InputError(f"encoder callables: sample_rate must be at least 1 for sounds, got {sample_rate!r}")
        self._functions = (source, target)
        self._dim = dim
        self.sample_rate = sample_rate
        self.version = version
        self.modalities = modalities
        self.window_seconds = window_seconds
        self.concurrent = concurrent

    @property
    def dim(self) -> int:
        """As given."""
        return self._dim

    def provenance(self) -> dict[str, str]:
        """Names of the functions and the version that was given."""
        names = [f"{f.__module__}.{getattr(f, '__qualname__', type(f).__name__)}" for f in self._functions]
        return {"encoder": "callables", "source": names[0], "target": names[1], "version": self.version}

    def _source(self, items: Sequence[Any]) -> NDArray[np.float32]:
        return np.asarray(self._functions[0](items), dtype=np.float32)

    def _target(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.asarray(self._functions[1](texts), dtype=np.float32)
