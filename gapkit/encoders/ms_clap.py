"""Microsoft CLAP through its own package."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapkit.encoders.base import Encoder
from gapkit.encoders.cache import file_fingerprint
from gapkit.encoders.hub import first_line, pick_device
from gapkit.encoders.packages import need, version
from gapkit.encoders.registry import register_encoder
from gapkit.errors import InputError


@register_encoder("ms-clap")
class MsClapEncoder(Encoder):
    """CLAP of Microsoft.

    Parameters
    ----------
    model : str
        ``"2022"`` or ``"2023"``, or a path to weights of the latter.
    device : str
        ``"auto"``, ``"cpu"`` or ``"cuda"``.

    Notes
    -----
    The package takes files and not samples: each window goes through a temporary WAV file. A sound longer than the
    model's window would be cropped at random by the package; no window is.

    References
    ----------
    Elizalde et al. 2023, *CLAP: learning audio concepts from natural language supervision*; *Natural language
    supervision for general-purpose audio representations*.
    """

    def __init__(self, model: str = "2023", *, device: str = "auto") -> None:
        whose = "encoder ms-clap"
        self._soundfile = need("soundfile", whose=whose)
        with warnings.catch_warnings():  # the package switches all warnings off when imported
            package = need("msclap", whose=whose)
        cuda = pick_device(device, whose=whose) == "cuda"
        named = model in ("2022", "2023")
        try:
            self._clap = package.CLAP(
                model_fp=None if named else model, version=model if named else "2023", use_cuda=cuda
            )
        except Exception as error:  # hub and checkpoint fail in many ways
            raise InputError(
                f"{whose}: {model} could not be loaded ({first_line(error)}); expected 2022, 2023 or a path"
            ) from None
        self._about = {"model": model if named else Path(model).name, "msclap": version("msclap")}
        if not named:  # a file may be written anew under its name
            self._about["weights"] = file_fingerprint(Path(model)).hex()
        self.sample_rate = int(self._clap.args.sampling_rate)
        self.window_seconds = float(self._clap.args.duration)
        self.concurrent = False

    @property
    def dim(self) -> int:
        """Dimensions of the projections."""
        return int(self._clap.args.d_proj)

    def provenance(self) -> dict[str, str]:
        """Model, version of the package, and a hash of weights that lie in a file."""
        return {"encoder": "ms-clap", **self._about}

    def _source(self, items: Sequence[Any]) -> NDArray[np.float32]:
        with tempfile.TemporaryDirectory(prefix="gapkit-") as folder:
            paths = [str(Path(folder) / f"{i}.wav") for i in range(len(items))]
            for path, item in zip(paths, items, strict=True):
                self._soundfile.write(path, np.asarray(item, dtype=np.float32), self.sample_rate, subtype="FLOAT")
            rows = self._clap.get_audio_embeddings(paths, resample=True)
        return np.asarray(rows.float().cpu().numpy())

    def _target(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.asarray(self._clap.get_text_embeddings(list(texts)).float().cpu().numpy())
