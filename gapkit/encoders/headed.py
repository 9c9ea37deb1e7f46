"""Two frozen encoders under trained heads: what the offline pairs have in common."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from gapkit.encoders.base import Encoder
from gapkit.encoders.heads import Heads
from gapkit.encoders.hub import pick_device
from gapkit.encoders.minilm import MinilmText
from gapkit.errors import InputError


class Tower(Protocol):
    """A frozen encoder of one modality."""

    dim: int

    def features(self, items: Sequence[Any], /) -> NDArray[np.float32]:
        """Features before the head, (n, dim)."""

    def provenance(self) -> dict[str, str]:
        """Versions and hashes."""


class HeadedPair(Encoder):
    """Base of the offline pairs: a source tower, MiniLM, and a head on each.

    A subclass says which heads it ships (``weights``) and makes its source tower in ``_tower``.

    Parameters
    ----------
    heads : path, optional
        File that `Heads.save` wrote; left out: the heads in the package.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.

    Raises
    ------
    InputError
        A package is missing, or the heads are those of other encoders.
    """

    title: ClassVar[str]
    weights: ClassVar[str]

    def __init__(self, heads: str | Path | None = None, *, device: str = "auto") -> None:
        where = pick_device(device, whose=f"encoder {self.title}")
        path = Path(heads) if heads is not None else _shipped(self.weights)
        self.heads = Heads.load(path)
        self._digest = hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
        self.tower = self._tower(where)
        self.text = MinilmText(device=where)
        for side, layers, features in (
            ("source", self.heads.source, self.tower.dim),
            ("target", self.heads.target, self.text.dim),
        ):
            if len(layers["mean"]) != features:
                raise InputError(
                    f"{path}: its {side} head takes {len(layers['mean'])} features, expected {features}; "
                    f"train heads on the features of encoder {self.title}"
                )

    def _tower(self, device: Any) -> Tower:
        raise TypeError(f"{type(self).__name__} must define _tower(device)")

    @property
    def dim(self) -> int:
        """Dimensions of the heads."""
        return self.heads.dim

    def provenance(self) -> dict[str, str]:
        """Versions and hashes of both encoders and of the heads."""
        parts = {self.modalities[0]: self.tower.provenance(), "text": self.text.provenance()}
        flat = {f"{side}.{key}": value for side, part in parts.items() for key, value in part.items()}
        return {"encoder": self.title, **flat, "heads": self._digest}

    def _source(self, items: Sequence[Any]) -> NDArray[np.float32]:
        return self.heads.project_source(self.tower.features(items))

    def _target(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self.heads.project_target(self.text.features(texts))


def _shipped(name: str) -> Path:
    with resources.as_file(resources.files("gapkit.encoders") / "weights" / name) as path:
        return path
