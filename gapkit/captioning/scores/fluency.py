"""The error detector of FENSE: which captions are no fluent sentences."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gapkit.captioning.scores.absence import AbsentError
from gapkit.captioning.scores.fense_models import DETECTOR, model_folder
from gapkit.encoders.hub import load_pretrained
from gapkit.encoders.packages import need
from gapkit.errors import InputError

ERRORS = ("add_tail", "repeat_event", "repeat_adv", "remove_conj", "remove_verb", "error")
"""What the outputs of the detector stand for."""

THRESHOLD = 0.9
"""Probability of an error above which a caption counts as wrong."""

MAX_TOKENS = 64
BATCH = 32


class FluencyDetector:
    """BERT with six outputs on its first token, as FENSE's releases hold it.

    Parameters
    ----------
    model : path or str
        The ``.ckpt`` of a release, a folder or a repository of the hub with one. The file is read as tensors and plain
        values; nothing in it is run.
    encoder : path or str, optional
        Folder or hub name of the encoder's configuration and tokenizer; left out: the folder of the file where it has
        a ``config.json``, else the name in the file.
    device : str

    Raises
    ------
    AbsentError
        Something is not there, or is no such file.
    """

    def __init__(self, model: str | Path, encoder: str | Path | None = None, *, device: str = "cpu") -> None:
        path = _checkpoint(model)
        try:
            content = torch.load(path, map_location="cpu", weights_only=True)
            states, named = dict(content["state_dict"]), str(content["model_type"])
        except Exception as error:  # a wrong file fails in many ways
            raise AbsentError(
                f"fer: {path} is no error detector of FENSE ({type(error).__name__}); download {DETECTOR}"
            ) from None
        home = encoder or (path.parent if (path.parent / "config.json").is_file() else named)
        try:
            config = load_pretrained("AutoConfig", home, whose="fer")
            self._tokenizer = load_pretrained("AutoTokenizer", home, whose="fer")
        except InputError as error:
            raise AbsentError(str(error)) from None
        self._encoder, self._weight, self._bias = _build(config, states, path)
        self._encoder = self._encoder.to(device)
        self.device = torch.device(device)

    def errors(self, captions: Sequence[str]) -> NDArray[np.float64]:
        """1 for each caption in which an error is seen with a probability above `THRESHOLD`, else 0."""
        return (self.probabilities(captions)[:, -1] > THRESHOLD).astype(np.float64)

    def probabilities(self, captions: Sequence[str]) -> NDArray[np.float64]:
        """Probability of each kind of error.

        Parameters
        ----------
        captions : sequence of n str

        Returns
        -------
        array of shape (n, 6)
            In the order of `ERRORS`; the last is any error.
        """
        # As the detector was trained: lower case, no punctuation.
        texts = [re.sub(r"[^\w\s]", "", text).lower() for text in captions]
        rows = np.empty((len(texts), len(self._bias)))
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for start in range(0, len(order), BATCH):
            places = order[start : start + BATCH]
            tokens = self._tokenizer(
                [texts[i] for i in places], padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt"
            ).to(self.device)
            with torch.inference_mode():
                first = self._encoder(**tokens).last_hidden_state[:, 0].float().cpu()
                rows[places] = torch.nn.functional.linear(first, self._weight, self._bias).sigmoid().numpy()
        return rows


def _checkpoint(model: str | Path) -> Path:
    if Path(model).is_file():
        return Path(model)
    folder = model_folder(model, whose="fer")
    files = sorted(folder.glob("*.ckpt"))
    if len(files) != 1:
        raise AbsentError(f"fer: expected one .ckpt in {folder}, got {len(files)}; name the file")
    return files[0]


def _build(config: Any, states: dict[str, torch.Tensor], path: Path) -> tuple[Any, torch.Tensor, torch.Tensor]:
    transformers: Any = need("transformers", whose="fer")
    # What is drawn here is overwritten; the caller's generator must not notice.
    with torch.random.fork_rng(devices=[]):
        encoder = transformers.AutoModel.from_config(config)
    weights = {key.removeprefix("encoder."): value for key, value in states.items() if key.startswith("encoder.")}
    weights.pop("embeddings.position_ids", None)  # older versions of transformers stored what is only counted up
    try:
        encoder.load_state_dict(weights)
        weight, bias = states["clf.weight"].float(), states["clf.bias"].float()
        if weight.shape != (len(ERRORS), config.hidden_size) or bias.shape != (len(ERRORS),):
            raise ValueError(f"{tuple(weight.shape)} outputs")
    except (RuntimeError, KeyError, ValueError) as error:
        reason = " ".join(str(error).split())[:160]
        raise AbsentError(
            f"fer: {path} does not fit its encoder ({reason}); name the encoder with --fluency-encoder"
        ) from None
    return encoder.eval(), weight, bias
