"""Encoders: sound and text (or pictures and text) to embeddings, and `embed`, which turns files into pairs.

Names load when they are asked for: this package costs nothing until it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gapkit.encoders.aisfx import AisfxAudio
    from gapkit.encoders.audio import ClipError, read_windows
    from gapkit.encoders.base import Encoder
    from gapkit.encoders.callables import CallableEncoder
    from gapkit.encoders.efficientnet import EfficientNetImage
    from gapkit.encoders.heads import Heads, train_heads
    from gapkit.encoders.manifest import Clip, Fault, Manifest, read_manifest
    from gapkit.encoders.minilm import MinilmText
    from gapkit.encoders.pipeline import EmbedReport, embed
    from gapkit.encoders.registry import ENCODERS, encoder_names, make_encoder, register_encoder

_HOME = {
    "AisfxAudio": "aisfx",
    "CallableEncoder": "callables",
    "Clip": "manifest",
    "ClipError": "audio",
    "ENCODERS": "registry",
    "EmbedReport": "pipeline",
    "EfficientNetImage": "efficientnet",
    "Encoder": "base",
    "Fault": "manifest",
    "Heads": "heads",
    "Manifest": "manifest",
    "MinilmText": "minilm",
    "embed": "pipeline",
    "encoder_names": "registry",
    "make_encoder": "registry",
    "read_manifest": "manifest",
    "read_windows": "audio",
    "register_encoder": "registry",
    "train_heads": "heads",
}

__all__ = [
    "ENCODERS",
    "AisfxAudio",
    "CallableEncoder",
    "Clip",
    "ClipError",
    "EfficientNetImage",
    "EmbedReport",
    "Encoder",
    "Fault",
    "Heads",
    "Manifest",
    "MinilmText",
    "embed",
    "encoder_names",
    "make_encoder",
    "read_manifest",
    "read_windows",
    "register_encoder",
    "train_heads",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
