"""The default pair: aiSFX for sounds, MiniLM for text, and heads of our own. Nothing is downloaded when it runs."""

from __future__ import annotations

from typing import Any

from gapkit.encoders.aisfx import SAMPLE_RATE, AisfxAudio
from gapkit.encoders.headed import HeadedPair, Tower
from gapkit.encoders.registry import register_encoder


@register_encoder("offline")
class OfflineEncoder(HeadedPair):
    """aiSFX and MiniLM under heads that gapkit ships; needs no network.

    Parameters and errors: see `HeadedPair`.
    """

    title = "offline"
    weights = "offline-heads.safetensors"
    sample_rate = SAMPLE_RATE
    window_seconds = 30.0

    def _tower(self, device: Any) -> Tower:
        return AisfxAudio(device=device)
