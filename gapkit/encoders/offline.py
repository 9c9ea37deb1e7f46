"""The default pair: aiSFX for sounds, MiniLM for text, and heads of our own. Nothing is downloaded when it runs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapkit.encoders.aisfx import SAMPLE_RATE, AisfxAudio
from gapkit.encoders.base import Encoder
from gapkit.encoders.heads import Heads
from gapkit.encoders.hub import pick_device
from gapkit.encoders.minilm import MinilmText
from gapkit.encoders.registry import register_encoder
from gapkit.errors import InputError


@register_encoder("offline")
class OfflineEncoder(Encoder):
    """aiSFX and MiniLM under heads that gapkit ships; needs no network.

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

    sample_rate = SAMPLE_RATE
    window_seconds = 30.0

    def __init__(self, heads: str | Path | None = None, *, device: str = "auto") -> None:
        where = pick_device(device, whose="encoder offline")
        path = Path(heads) if heads is not None else _shipped()
        self.heads = Heads.load(path)
        self._digest = hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
        for side, layers, features in (
            ("source", self.heads.source, AisfxAudio.dim),
            ("target", self.heads.target, MinilmText.dim),
        ):
            if len(layers["mean"]) != features:
                raise InputError(
                    f"{path}: its {side} head takes {len(layers['mean'])} features, expected {features}; "
                    "train heads on the features of aisfx and minilm"
                )
        self.audio = AisfxAudio(device=where)
        self.text = MinilmText(device=where)

    @property
    def dim(self) -> int:
        """Dimensions of the heads."""
        return self.heads.dim

    def provenance(self) -> dict[str, str]:
        """Versions and hashes of both encoders and of the heads."""
        parts = {"audio": self.audio.provenance(), "text": self.text.provenance()}
        flat = {f"{side}.{key}": value for side, part in parts.items() for key, value in part.items()}
        return {"encoder": "offline", **flat, "heads": self._digest}

    def _source(self, items: Sequence[Any]) -> NDArray[np.float32]:
        return self.heads.project_source(self.audio.features(items))

    def _target(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self.heads.project_target(self.text.features(texts))


def _shipped() -> Path:
    with resources.as_file(resources.files("gapkit.encoders") / "weights" / "offline-heads.safetensors") as path:
        return path
