"""Captions from embeddings: decoders, scores, and the study of what a bridge brings them."""

from gapkit.captioning.config import CaptionStudyConfig
from gapkit.captioning.protocols import Lesson, supervised, zero_shot
from gapkit.captioning.results import CaptionResults
from gapkit.captioning.study import run_caption_study
from gapkit.captioning.table import caption_table

__all__ = [
    "CaptionResults",
    "CaptionStudyConfig",
    "Lesson",
    "caption_table",
    "run_caption_study",
    "supervised",
    "zero_shot",
]
