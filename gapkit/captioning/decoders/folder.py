"""A caption decoder in a folder: ``model.safetensors`` with what was trained, ``config.json``, and texts."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from gapkit.atomic import write_bytes, write_text
from gapkit.captioning.decoders.base import FORMAT, CaptionDecoder, read_config
from gapkit.captioning.decoders.prefix_model import PrefixModel
from gapkit.errors import InputError
from gapkit.records import sealed

WEIGHTS = "model.safetensors"
D = TypeVar("D", bound=CaptionDecoder)


def save_parts(
    folder: Path, decoder: CaptionDecoder, fitted: Mapping[str, Any], model: PrefixModel, texts: Mapping[str, str]
) -> None:
    """Write all files; ``config.json`` comes last, so that a folder with it is whole, and names the content of each."""
    tensors = {name: p.detach().cpu().contiguous() for name, p in model.trainable().items()}
    files = {name: text.encode() for name, text in texts.items()} | {WEIGHTS: save(tensors)}
    config = {"format": FORMAT, "decoder": decoder.name, "params": decoder.get_params(deep=False), "fitted": fitted}
    config = sealed(json.loads(json.dumps({**config, "files": {name: _hash(data) for name, data in files.items()}})))
    for name, data in files.items():
        write_bytes(folder / name, data)
    write_text(folder / "config.json", json.dumps(config, indent=2, sort_keys=True) + "\n")


def load_parts(cls: type[D], folder: Path) -> tuple[D, dict[str, Tensor]]:
    """A decoder with its options and numbers, and the weights that are still to be put in.

    Raises
    ------
    InputError
        Files that are missing, broken, of another decoder or of a newer format.
    """
    config = read_config(folder)
    if cls.name and config["decoder"] != cls.name:
        raise InputError(f"{folder}: holds the caption decoder {config['decoder']!r}, expected {cls.name!r}")
    unknown = set(config["params"]) - set(inspect.signature(cls).parameters)
    if unknown:
        raise InputError(
            f"{folder / 'config.json'}: {cls.name!r} has no option {sorted(unknown)[0]!r}; train the decoder again"
        )
    decoder = cls(**config["params"])
    for key, value in config["fitted"].items():
        # What a training learns ends in an underscore; anything else would take the place of a method.
        if not key.endswith("_") or key.startswith("_"):
            raise InputError(f"{folder / 'config.json'}: does not describe a caption decoder ({key}); train it again")
        setattr(decoder, key, value)
    path = folder / WEIGHTS
    try:
        for name, known in config.get("files", {}).items():  # older decoders name none
            path = folder / name
            if _hash(path.read_bytes()) != known:
                raise InputError(f"{path}: not whole, or not that of config.json; train the decoder again")
        path = folder / WEIGHTS
        return decoder, load_file(path)
    except FileNotFoundError:
        wanted = "expected a folder written by `gapkit caption train`"
        raise InputError(f"{folder}: no {path.name} here; {wanted}") from None
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: not a whole safetensors file ({error}); train the decoder again") from None


def _hash(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def build_and_fill(folder: Path, decoder: Any, tensors: dict[str, Tensor], *build: Any) -> None:
    """Make the modules of `decoder`, with `build` if it wants that, and put the weights in.

    Raises
    ------
    InputError
        Weights and configuration do not fit each other.
    """
    try:
        decoder._build(*build)
        decoder.model_.fill(tensors)
    except InputError:
        raise
    except (RuntimeError, AttributeError, TypeError, ValueError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[-1].strip()
        raise InputError(f"{folder}: weights do not fit the configuration ({reason}); train it again") from None
