"""Models that scores need, each loaded once for all systems of a call."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from gapkit.captioning.scores.absence import AbsentError
from gapkit.captioning.scores.tools import Tools
from gapkit.errors import InputError

if TYPE_CHECKING:
    from gapkit.captioning.scores.fluency import FluencyDetector
    from gapkit.encoders.minilm import MinilmText

SBERT = "sentence-transformers/paraphrase-TinyBERT-L6-v2"
"""The sentence encoder of FENSE."""

DETECTOR = "https://github.com/blmoistawinde/fense/releases/download/V0.1/echecker_clotho_audiocaps_base.ckpt"
"""The error detector of FENSE."""


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


def model_folder(name: str | Path, *, whose: str) -> Path:
    """A folder as it is; a name of the hub as the folder that it was loaded into.

    Raises
    ------
    AbsentError
        No such folder, and no such name on the hub, or no network.
    """
    if Path(name).is_dir():
        return Path(name)
    try:
        from huggingface_hub import snapshot_download

        patterns = ["*.json", "*.txt", "*.safetensors", "*.ckpt", "pytorch_model.bin"]
        return Path(snapshot_download(str(name), allow_patterns=patterns))
    except Exception as error:  # names, networks and rights fail in many ways; all mean that there is no model
        from gapkit.encoders.hub import first_line

        raise AbsentError(
            f"{whose}: {name} is no folder and cannot be had from the hub ({first_line(error)[:160]}); give a folder "
            "with the model"
        ) from None


def _encoder(folder: str | Path | None, device: str) -> MinilmText:
    from gapkit.encoders.minilm import MinilmText

    try:
        return MinilmText(folder, device=device)
    except InputError as error:
        raise AbsentError(str(error)) from None
