"""What the encoders that come through transformers share: the model, and its text side."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from gapkit.encoders.base import Encoder
from gapkit.encoders.hub import describe_model, load_pretrained, pick_device, pooled


class PretrainedPair(Encoder):
    """A contrastive model of transformers, from the hub or from a folder.

    A subclass names its classes, says in `_prepare` which part of the processor its source side needs, and embeds that
    side.

    Parameters
    ----------
    model : str or path
        Name on the hub, or a folder that ``save_pretrained`` wrote.
    revision : str, optional
        Branch, tag or commit on the hub.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.

    Raises
    ------
    InputError
        transformers is missing, no such model, no such device.
    """

    processor_class: ClassVar[str]
    model_class: ClassVar[str]
    unused_positions: ClassVar[int] = 0
    """Positions of the text model that hold no token."""

    def __init__(self, model: str | Path, *, revision: str | None = None, device: str = "auto") -> None:
        whose = f"encoder {self.name}"
        self._device = pick_device(device, whose=whose)
        processor = load_pretrained(self.processor_class, model, whose=whose, revision=revision)
        loaded = load_pretrained(self.model_class, model, whose=whose, revision=revision)
        self._model = loaded.eval().to(self._device)
        self._about = describe_model(loaded, model, revision)
        self._tokenize = processor.tokenizer
        self._lock = threading.Lock()
        self.concurrent = self._device == "cpu"
        self._prepare(processor)

    def _prepare(self, processor: Any) -> None:
        raise TypeError(f"{type(self).__name__} must define _prepare(processor)")

    @property
    def dim(self) -> int:
        """Dimensions of the projections."""
        return int(self._model.config.projection_dim)

    def provenance(self) -> dict[str, str]:
        """Model, revision, version of transformers."""
        return {"encoder": self.name, **self._about}

    def _target(self, texts: Sequence[str]) -> NDArray[np.float32]:
        longest = int(self._model.config.text_config.max_position_embeddings) - self.unused_positions
        with self._lock:
            tokens = self._tokenize(list(texts), padding=True, truncation=True, max_length=longest, return_tensors="pt")
        kept = {key: tokens[key].to(self._device) for key in ("input_ids", "attention_mask")}
        with torch.inference_mode():
            return rows_of(self._model.get_text_features(**kept))


def rows_of(output: Any) -> NDArray[np.float32]:
    """The projected features as float32 rows in memory."""
    return np.asarray(pooled(output).float().cpu().numpy())
