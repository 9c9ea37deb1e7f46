"""What scores need beside captions: programs, jars, weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Tools:
    """Where the helpers of scores lie; nothing is downloaded unless it is named here.

    Parameters
    ----------
    java : path, optional
        The java program; left out: that of JAVA_HOME or of the PATH.
    spice_jars : path, optional
        Folder with ``stanford-corenlp-3.6.0.jar`` and ``stanford-corenlp-3.6.0-models.jar``; left out: where
        pycocoevalcap keeps its own.
    fluency : path or str, optional
        The error detector of FENSE: its file ``echecker_clotho_audiocaps_base.ckpt``, or a folder or a repository of
        the hub with it.
    fluency_encoder : path or str, optional
        Folder or hub name of its encoder's configuration and tokenizer; left out: the folder of the file, or what the
        file names.
    sbert : path or str, optional
        The sentence encoder of FENSE: a folder, or ``sentence-transformers/paraphrase-TinyBERT-L6-v2`` of the hub.
    minilm : path, optional
        Folder of all-MiniLM-L6-v2; left out: that of the installed package.
    aac_python : path, optional
        The python program of an environment with aac-metrics, which then gives all scores that it has.
    device : str
        For the encoders: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
    """

    java: str | Path | None = None
    spice_jars: str | Path | None = None
    fluency: str | Path | None = None
    fluency_encoder: str | Path | None = None
    sbert: str | Path | None = None
    minilm: str | Path | None = None
    aac_python: str | Path | None = None
    device: str = "cpu"
