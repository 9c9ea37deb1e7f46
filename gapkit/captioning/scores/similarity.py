"""Sentence embeddings: how near a caption lies to its references."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gapkit.captioning.scores.absence import AbsentError
from gapkit.captioning.scores.found import Found
from gapkit.captioning.scores.tools import Tools
from gapkit.errors import InputError

if TYPE_CHECKING:
    from gapkit.encoders.minilm import MinilmText

SBERT = "sentence-transformers/paraphrase-TinyBERT-L6-v2"
"""The sentence encoder of FENSE."""


def minilm_sim(candidates: Sequence[str], references: Sequence[Sequence[str]], tools: Tools) -> Found:
    """Mean cosine to the references in all-MiniLM-L6-v2; captions are read as they are.

    Raises
    ------
    AbsentError
        The package with the weights is not installed, or the folder holds none.
    """
    return Found(per_clip={"minilm_sim": similarity(candidates, references, _encoder(tools.minilm, tools.device))})


def sbert_sim(candidates: Sequence[str], references: Sequence[Sequence[str]], tools: Tools) -> Found:
    """The same in the sentence encoder of FENSE.

    Raises
    ------
    AbsentError
        No encoder was named, or there are no weights in the folder or on the hub.
    """
    if tools.sbert is None:
        raise AbsentError(
            f"the sentence encoder of FENSE is not here; name {SBERT} of the hub or a folder with it (sbert)"
        )
    folder = model_folder(tools.sbert, whose="sbert_sim")
    return Found(per_clip={"sbert_sim": similarity(candidates, references, _encoder(folder, tools.device))})


def similarity(
    candidates: Sequence[str], references: Sequence[Sequence[str]], encoder: MinilmText
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Mean cosine of each caption to its references; equal captions are embedded once."""
    texts = list(dict.fromkeys([*candidates, *(text for said in references for text in said)]))
    place = {text: row for row, text in enumerate(texts)}
    rows = encoder.features(texts)
    return np.array(
        [
            float((rows[[place[text] for text in said]] @ rows[place[candidate]]).mean()) if candidate.strip() else 0.0
            for candidate, said in zip(candidates, references, strict=True)
        ]
    )


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
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise AbsentError(
            f"{whose}: {name} is no folder and cannot be had from the hub ({reason.strip()[:160]}); give a folder with "
            "the model"
        ) from None


@lru_cache(maxsize=2)
def _encoder(folder: str | Path | None, device: str) -> MinilmText:
    from gapkit.encoders.minilm import MinilmText

    try:
        return MinilmText(folder, device=device)
    except InputError as error:
        raise AbsentError(str(error)) from None
