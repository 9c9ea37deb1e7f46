"""CLIP through transformers: pictures and text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gapkit.encoders.packages import need
from gapkit.encoders.pretrained import PretrainedPair, rows_of
from gapkit.encoders.registry import register_encoder


@register_encoder("clip")
class ClipEncoder(PretrainedPair):
    """CLIP, from the hub or from a folder.

    Parameters
    ----------
    model : str or path
        ``openai/clip-vit-base-patch32``, any other that `transformers.CLIPModel` loads, or a folder that
        ``save_pretrained`` wrote.
    revision : str, optional
        Branch, tag or commit on the hub. Give a commit where numbers must be made again.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.

    References
    ----------
    Radford et al. 2021, *Learning transferable visual models from natural language supervision*.
    """

    modalities = ("image", "text")
    processor_class, model_class = "CLIPProcessor", "CLIPModel"

    def __init__(
        self,
        model: str | Path = "openai/clip-vit-base-patch32",
        *,
        revision: str | None = None,
        device: str = "auto",
    ) -> None:
        need("PIL", whose=f"encoder {self.name}")
        super().__init__(model, revision=revision, device=device)

    def _prepare(self, processor: Any) -> None:
        self._pixels = processor.image_processor

    def _source(self, items: Sequence[Any]) -> NDArray[np.float32]:
        pixels = self._pixels(images=list(items), return_tensors="pt")["pixel_values"].to(self._device)
        with torch.inference_mode():
            return rows_of(self._model.get_image_features(pixel_values=pixels))
