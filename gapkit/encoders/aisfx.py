"""The audio CNN of aiSFX: 512 numbers for a sound, with weights that come from a package.

The network and its weights are those of Ma and Lerch, *Representation Learning for the Automatic Indexing of Sound
Effects Libraries* (ISMIR 2022), distributed as ``aisfx`` under CC BY 4.0. Only the weights are read: the code here
is our own and equals theirs (see the tests), without librosa.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from gapkit.encoders.packages import package_folder, version
from gapkit.errors import InputError

SAMPLE_RATE = 44_100
BANDS = 96
WINDOW, HOP = 2048, 1024
"""Samples of a spectrum and between two."""
BLOCK, BLOCK_HOP = 100, 50
"""Spectra that the network sees at once (2.3 s) and between two looks."""
CEILING = 9.457798957824707
"""Largest log-mel value of the data that the network was trained on: what its input is divided by."""
BLOCKS_AT_ONCE = 8
"""Blocks in one pass: more do not fit into the caches of a core."""


class AisfxAudio:
    """Sound to 512 numbers.

    Parameters
    ----------
    checkpoint : path, optional
        Weights; left out: those of the installed package ``aisfx``.
    device : str

    Raises
    ------
    InputError
        The package is missing, or the file is not its checkpoint.
    """

    sample_rate = SAMPLE_RATE
    dim = 512

    def __init__(self, checkpoint: str | Path | None = None, *, device: str = "cpu") -> None:
        path = Path(checkpoint or package_folder("aisfx", whose="encoder aisfx") / "models" / "checkpoint.pth")
        self.device = torch.device(device)
        self.digest = _file_digest(path)
        layout = torch.channels_last  # a fifth faster on processors
        self._layers = [
            (kernel.to(self.device, memory_format=layout), bias.to(self.device)) for kernel, bias in _read(path)
        ]
        self._window = torch.hann_window(WINDOW, device=self.device)
        self._mel = mel_filters().to(self.device)

    def features(self, waveforms: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Embed sounds.

        Parameters
        ----------
        waveforms : sequence of arrays of shape (samples,)
            Mono, 44.1 kHz, any length from one sample on. Loudness does not matter: the peak is set to 1.

        Returns
        -------
        array of shape (n, 512), not normalised
            Mean over the windows of the clip.
        """
        with torch.inference_mode():
            blocks = [self._blocks(torch.from_numpy(np.ascontiguousarray(w, dtype=np.float32))) for w in waveforms]
            if not blocks:
                return np.empty((0, self.dim), dtype=np.float32)
            stacked = torch.cat(blocks)
            seen = torch.cat([self._network(part) for part in torch.split(stacked, BLOCKS_AT_ONCE)])
            rows = torch.stack([part.mean(dim=0) for part in torch.split(seen, [len(b) for b in blocks])])
        return rows.cpu().numpy()

    def provenance(self) -> dict[str, str]:
        """What made these numbers."""
        return {"model": "aisfx", "version": version("aisfx"), "weights": self.digest, "licence": "CC BY 4.0"}

    def _blocks(self, wave: Tensor) -> Tensor:
        """Windows of the normalised log-mel spectrogram, (blocks, 100, 96); a short sound is filled up with zeros."""
        spectrogram = self.log_mel(wave.to(self.device)) / CEILING
        short = BLOCK - len(spectrogram)
        if short > 0:
            spectrogram = functional.pad(spectrogram, (0, 0, 0, short))
        # A last window that is not full is dropped, as in the paper.
        return spectrogram.unfold(0, BLOCK, BLOCK_HOP).transpose(1, 2)

    def log_mel(self, wave: Tensor) -> Tensor:
        """Of the peak-normalised sound ``log10(10000 x mel power + 1)``, shape (1 + samples // 1024, 96)."""
        peak = wave.abs().amax()
        wave = wave / torch.where(peak > 0, peak, torch.ones_like(peak))
        spectrum = torch.stft(
            wave, WINDOW, HOP, WINDOW, self._window, center=True, pad_mode="constant", return_complex=True
        )
        power = spectrum.real.square() + spectrum.imag.square()
        return torch.log10(1e4 * (power.T @ self._mel) + 1)

    def _network(self, blocks: Tensor) -> Tensor:
        x = blocks.unsqueeze(1)
        for i, (weight, bias) in enumerate(self._layers):
            x = functional.conv2d(x, weight, bias, padding=1).relu_()
            if i % 2 and i < len(self._layers) - 1:
                x = functional.max_pool2d(x, 2)
        return x.mean(dim=3).amax(dim=2)


def mel_filters(*, bands: int = BANDS, window: int = WINDOW, sample_rate: int = SAMPLE_RATE) -> Tensor:
    """Triangles on the HTK mel scale up to half the sample rate, each of sum one: (window // 2 + 1, bands)."""
    top = 2595 * np.log10(1 + sample_rate / 2 / 700)
    corners = 700 * (10 ** (np.linspace(0, top, bands + 2) / 2595) - 1)
    bins = np.linspace(0, sample_rate / 2, window // 2 + 1)[:, None]
    rising = (bins - corners[:-2]) / np.diff(corners)[:-1]
    falling = (corners[2:] - bins) / np.diff(corners)[1:]
    filters = np.maximum(0, np.minimum(rising, falling))
    return torch.from_numpy(filters / filters.sum(axis=0)).float()


def _read(path: Path) -> list[tuple[Tensor, Tensor]]:
    """Layers of the checkpoint; of its pickle only arrays and plain containers are let in."""
    from numpy._core.multiarray import scalar

    allowed: list[Any] = [(scalar, "numpy.core.multiarray.scalar"), np.dtype, np.dtypes.Int64DType]
    try:
        with torch.serialization.safe_globals(allowed):
            weights, _ = torch.load(path, map_location="cpu", weights_only=True)
        return _folded_layers(weights)
    except Exception as error:  # a foreign file may fail in any way
        raise InputError(
            f"{path}: not the checkpoint of aisfx ({type(error).__name__}); pip install --no-deps aisfx==0.1.2"
        ) from None


def _folded_layers(weights: dict[str, Tensor]) -> list[tuple[Tensor, Tensor]]:
    """Weight and bias of the eight convolutions, each with the batch normalisation that follows it."""
    layers = []
    for block in range(1, 5):
        for place in (1, 2):
            root = f"embedding_net.conv_block{block}."
            mean, var, gain, shift = (
                weights[f"{root}bn{place}.{name}"].double()
                for name in ("running_mean", "running_var", "weight", "bias")
            )
            factor = gain / torch.sqrt(var + 1e-5)
            kernel = weights[f"{root}conv{place}.weight"].double() * factor[:, None, None, None]
            layers.append((kernel.float(), (shift - mean * factor).float()))
    return layers


def _file_digest(path: Path) -> str:
    try:
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot be opened ({error.strerror}); check the path") from None
