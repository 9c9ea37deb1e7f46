"""LAION-CLAP through transformers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gapkit.encoders.pretrained import PretrainedPair, rows_of
from gapkit.encoders.registry import register_encoder


@register_encoder("laion-clap")
class LaionClapEncoder(PretrainedPair):
    """CLAP of LAION, from the hub or from a folder.

    Parameters
    ----------
    model : str or path
        ``laion/clap-htsat-unfused``, ``laion/clap-htsat-fused``, ``laion/larger_clap_general``,
        ``laion/larger_clap_music``, ``laion/larger_clap_music_and_speech``, any other that `transformers.ClapModel`
        loads, or a folder that ``save_pretrained`` wrote.
    revision : str, optional
        Branch, tag or commit on the hub. Give a commit where numbers must be made again.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.

    Notes
    -----
    A sound longer than the model's window (10 s) is embedded window by window. The processor of transformers would
    crop at random instead, with numpy's global generator; no window is long enough for that, and for the models
    with fusion the mark that it sets on a random clip of a batch is taken off.

    References
    ----------
    Wu et al. 2023, *Large-scale contrastive language-audio pretraining with feature fusion*.
    """

    processor_class, model_class = "ClapProcessor", "ClapModel"
    unused_positions = 2

    def __init__(
        self,
        model: str | Path = "laion/clap-htsat-unfused",
        *,
        revision: str | None = None,
        device: str = "auto",
    ) -> None:
        super().__init__(model, revision=revision, device=device)

    def _prepare(self, processor: Any) -> None:
        self._extract = processor.feature_extractor
        self.sample_rate = int(self._extract.sampling_rate)
        self.window_seconds = float(self._extract.max_length_s)

    def _source(self, items: Sequence[Any]) -> NDArray[np.float32]:
        sounds = [np.asarray(item, dtype=np.float32) for item in items]
        with self._lock:
            # The extractor draws from the global generator; it is left as it was.
            state = np.random.get_state()  # noqa: NPY002
            try:
                inputs = self._extract(sounds, sampling_rate=self.sample_rate, return_tensors="pt")
            finally:
                np.random.set_state(state)  # noqa: NPY002
        features = inputs["input_features"].to(self._device, torch.float32)
        longer = torch.tensor([[len(sound) > self._extract.nb_max_samples] for sound in sounds], device=self._device)
        with torch.inference_mode():
            return rows_of(self._model.get_audio_features(input_features=features, is_longer=longer))
