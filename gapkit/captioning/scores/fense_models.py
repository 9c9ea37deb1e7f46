"""The models that FENSE names: where they are published, and their folders on this machine."""

from __future__ import annotations

from pathlib import Path

from gapkit.captioning.scores.absence import AbsentError

SBERT = "sentence-transformers/paraphrase-TinyBERT-L6-v2"
"""The sentence encoder of FENSE."""

DETECTOR = "https://github.com/blmoistawinde/fense/releases/download/V0.1/echecker_clotho_audiocaps_base.ckpt"
"""The error detector of FENSE."""


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
