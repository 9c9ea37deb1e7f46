"""`Encoder`: the contract of a pair of encoders that share one space."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gapkit.errors import GapkitError


class Encoder(ABC):
    """Two encoders with one shared space: one for sounds or pictures, one for text.

    A subclass gives `_source`, `_target`, `dim` and `provenance`; the public methods check and normalise what comes
    out of them.

    Attributes
    ----------
    name : str
        The registered name.
    modalities : tuple of str
        What the source and the target are: ``("audio", "text")`` or ``("image", "text")``.
    sample_rate : int
        Samples a second that the source encoder expects; 0 where the source is no sound.
    window_seconds : float
        Longest sound that is encoded at once; of a longer one the parts are encoded and their mean is taken.
    concurrent : bool
        Whether several threads may encode at once.
    """

    name: ClassVar[str] = ""
    modalities: tuple[str, str] = ("audio", "text")
    sample_rate: int = 0
    window_seconds: float = 30.0
    concurrent: bool = True

    @property
    @abstractmethod
    def dim(self) -> int:
        """Dimensions of the shared space."""

    @abstractmethod
    def provenance(self) -> dict[str, str]:
        """What decides the numbers that come out: model, revision, weights, versions. It is a part of cache keys."""

    @abstractmethod
    def _source(self, items: Sequence[Any]) -> NDArray[np.float32]:
        """Embed sounds or pictures, (n, dim), of any length."""

    @abstractmethod
    def _target(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts, (n, dim), of any length."""

    def encode_source(self, items: Sequence[Any]) -> NDArray[np.float32]:
        """Embed sounds or pictures.

        Parameters
        ----------
        items : sequence
            Sounds: mono float32 arrays of shape (samples,) at `sample_rate`. Pictures: RGB, as PIL gives them.

        Returns
        -------
        array of shape (n, dim) of unit rows, float32

        Raises
        ------
        GapkitError
            The model gave something else than n finite rows.
        """
        return self._checked(self._source(items) if len(items) else None, len(items), self.modalities[0])

    def encode_target(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts: unit rows of shape (n, dim), float32.

        Raises
        ------
        GapkitError
            The model gave something else than n finite rows.
        """
        return self._checked(self._target(list(texts)) if len(texts) else None, len(texts), self.modalities[1])

    def _checked(self, rows: Any, n: int, side: str) -> NDArray[np.float32]:
        if rows is None:
            return np.empty((0, self.dim), dtype=np.float32)
        array = np.asarray(rows, dtype=np.float32)
        title = self.name or type(self).__name__
        if array.shape != (n, self.dim):
            raise GapkitError(
                f"encoder {title}: expected {(n, self.dim)} numbers for {n} {side} items, got {array.shape}"
            )
        if not np.isfinite(array).all():
            raise GapkitError(f"encoder {title}: gave NaN or infinity for {side}")
        length = np.linalg.norm(array, axis=1, keepdims=True)
        unit: NDArray[np.float32] = array / np.maximum(length, np.finfo(np.float32).tiny)
        return unit
