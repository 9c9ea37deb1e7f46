"""CLIP through transformers: pictures and text."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gapkit.encoders.base import Encoder
from gapkit.encoders.hub import describe_model, load_pretrained, pick_device, pooled
from gapkit.encoders.packages import need
from gapkit.encoders.registry import register_encoder


@register_encoder("clip")
class ClipEncoder(Encoder):
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

    def __init__(
        self,
        model: str | Path = "openai/clip-vit-base-patch32",
        *,
        revision: str | None = None,
        device: str = "auto",
    ) -> None:
        whose = "encoder clip"
        need("PIL", whose=whose)
        self._device = pick_device(device, whose=whose)
        processor = load_pretrained("CLIPProcessor", model, whose=whose, revision=revision)
        loaded = load_pretrained("CLIPModel", model, whose=whose, revision=revision)
        self._model = loaded.eval().to(self._device)
        self._about = describe_model(loaded, model, revision)
        self._prepare, self._tokenize = processor.image_processor, processor.tokenizer
        self._lock = threading.Lock()
        self.concurrent = self._device == "cpu"

    @property
    def dim(self) -> int:
        """Dimensions of the projections."""
        return int(self._model.config.projection_dim)

    def provenance(self) -> dict[str, str]:
        """Model, revision, version of transformers."""
        return {"encoder": "clip", **self._about}

    def _source(self, items: Sequence[Any]) -> NDArray[np.float32]:
        pixels = self._prepare(images=list(items), return_tensors="pt")["pixel_values"].to(self._device)
        with torch.inference_mode():
            rows = pooled(self._model.get_image_features(pixel_values=pixels))
        return np.asarray(rows.float().cpu().numpy())

    def _target(self, texts: Sequence[str]) -> NDArray[np.float32]:
        longest = int(self._model.config.text_config.max_position_embeddings)
        with self._lock:
            tokens = self._tokenize(list(texts), padding=True, truncation=True, max_length=longest, return_tensors="pt")
        kept = {key: tokens[key].to(self._device) for key in ("input_ids", "attention_mask")}
        with torch.inference_mode():
            rows = pooled(self._model.get_text_features(**kept))
        return np.asarray(rows.float().cpu().numpy())
