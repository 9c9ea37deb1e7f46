"""The image-text twin of the default pair: EfficientNet-Lite0 and MiniLM under heads of our own; needs no network."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapkit.encoders.base import Encoder
from gapkit.encoders.efficientnet import EfficientNetImage
from gapkit.encoders.heads import Heads
from gapkit.encoders.hub import pick_device
from gapkit.encoders.minilm import MinilmText
from gapkit.encoders.packages import need
from gapkit.encoders.registry import register_encoder
from gapkit.errors import InputError


@register_encoder("offline-image")
class OfflineImageEncoder(Encoder):
    """EfficientNet-Lite0 and MiniLM under heads trained on clip art; needs no network.

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

    modalities = ("image", "text")

    def __init__(self, heads: str | Path | None = None, *, device: str = "auto") -> None:
        whose = "encoder offline-image"
        where = pick_device(device, whose=whose)
        need("PIL.Image", whose=whose)
        path = Path(heads) if heads is not None else _shipped()
        self.heads = Heads.load(path)
        self._digest = hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
        for side, layers, features in (
            ("source", self.heads.source, EfficientNetImage.dim),
            ("target", self.heads.target, MinilmText.dim),
        ):
            if len(layers["mean"]) != features:
                raise InputError(
                    f"{path}: its {side} head takes {len(layers['mean'])} features, expected {features}; "
                    "train heads on the features of efficientnet and minilm"
                )
        self.image = EfficientNetImage(device=where)
        self.text = MinilmText(device=where)

    @property
    def dim(self) -> int:
        """Dimensions of the heads."""
        return self.heads.dim

    def provenance(self) -> dict[str, str]:
        """Versions and hashes of both encoders and of the heads."""
        parts = {"image": self.image.provenance(), "text": self.text.provenance()}
        flat = {f"{side}.{key}": value for side, part in parts.items() for key, value in part.items()}
        return {"encoder": "offline-image", **flat, "heads": self._digest}

    def _source(self, items: Sequence[Any]) -> NDArray[np.float32]:
        return self.heads.project_source(self.image.features(items))

    def _target(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self.heads.project_target(self.text.features(texts))


def _shipped() -> Path:
    with resources.as_file(resources.files("gapkit.encoders") / "weights" / "offline-image-heads.safetensors") as path:
        return path
