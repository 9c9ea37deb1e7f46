"""Models that scores need, each loaded once for all systems of a call."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from gapkit.captioning.scores.absence import AbsentError
from gapkit.captioning.scores.fense_models import DETECTOR, SBERT, model_folder
from gapkit.captioning.scores.tools import Tools
from gapkit.errors import InputError

if TYPE_CHECKING:
    from gapkit.captioning.scores.fluency import FluencyDetector
    from gapkit.encoders.minilm import MinilmText


class Models:
    """What `Tools` names, loaded when it is asked for; what is not there raises `AbsentError`."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    @cached_property
    def minilm(self) -> MinilmText:
        """all-MiniLM-L6-v2 of the installed package, or of a folder."""
        return _encoder(self._tools.minilm, self._tools.device)

    @cached_property
    def sbert(self) -> MinilmText:
        """The sentence encoder of FENSE."""
        if self._tools.sbert is None:
            raise AbsentError(
                f"the sentence encoder of FENSE is not here; name {SBERT} of the hub or a folder with it by --sbert"
            )
        return _encoder(model_folder(self._tools.sbert, whose="sbert_sim"), self._tools.device)

    @cached_property
    def fluency(self) -> FluencyDetector:
        """The error detector of FENSE."""
        if self._tools.fluency is None:
            raise AbsentError(
                f"the error detector of FENSE is not here; download {DETECTOR} and name the file with --fluency"
            )
        from gapkit.captioning.scores.fluency import FluencyDetector

        return FluencyDetector(self._tools.fluency, self._tools.fluency_encoder, device=self._tools.device)


def _encoder(folder: str | Path | None, device: str) -> MinilmText:
    from gapkit.encoders.minilm import MinilmText

    try:
        return MinilmText(folder, device=device)
    except InputError as error:
        raise AbsentError(str(error)) from None
