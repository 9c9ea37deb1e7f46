"""Captions of embeddings: decoders that write them, scores, and the study of what a bridge brings them.

The names of the study load on first use: scores and decoders need nothing of it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gapkit.captioning.config import CaptionStudyConfig as CaptionStudyConfig
    from gapkit.captioning.protocols import Lesson as Lesson
    from gapkit.captioning.protocols import supervised as supervised
    from gapkit.captioning.protocols import zero_shot as zero_shot
    from gapkit.captioning.results import CaptionResults as CaptionResults
    from gapkit.captioning.study import run_caption_study as run_caption_study
    from gapkit.captioning.table import caption_table as caption_table

_HOME = {
    "CaptionResults": "gapkit.captioning.results",
    "CaptionStudyConfig": "gapkit.captioning.config",
    "Lesson": "gapkit.captioning.protocols",
    "caption_table": "gapkit.captioning.table",
    "run_caption_study": "gapkit.captioning.study",
    "supervised": "gapkit.captioning.protocols",
    "zero_shot": "gapkit.captioning.protocols",
}

__all__ = [*_HOME]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'gapkit.captioning' has no attribute {name!r}")
