"""The image-text twin of the default pair: EfficientNet-Lite0 and MiniLM under heads of our own; needs no network."""

from __future__ import annotations

from typing import Any

from gapkit.encoders.efficientnet import EfficientNetImage
from gapkit.encoders.headed import HeadedPair, Tower
from gapkit.encoders.packages import need
from gapkit.encoders.registry import register_encoder


@register_encoder("offline-image")
class OfflineImageEncoder(HeadedPair):
    """EfficientNet-Lite0 and MiniLM under heads trained on clip art; needs no network.

    Parameters and errors: see `HeadedPair`.
    """

    title = "offline-image"
    weights = "offline-image-heads.safetensors"
    modalities = ("image", "text")

    def _tower(self, device: Any) -> Tower:
        need("PIL.Image", whose="encoder offline-image")
        return EfficientNetImage(device=device)
