"""A fitted bridge in a folder: ``model.safetensors`` with what was learned, ``config.json`` with everything else.

In a study arrays that other bridges hold too lie outside of the folder: see `gapkit.bridges.shared_arrays`.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from gapkit.arrays import unit_rows
from gapkit.atomic import write_bytes, write_text
from gapkit.bridges.bounded_memory import BoundedMemory
from gapkit.bridges.fitted_on import FittedOn
from gapkit.bridges.shared_arrays import are_digests, read_shared, share, shared_path
from gapkit.errors import InputError
from gapkit.records import read_json, sealed, unsealed

FORMAT, ALONE = 2, 1
"""Version of the folder, and of one that holds all of its arrays itself."""
RECORD = "fitted_on_"
"""Attribute, and name in the files, of what a bridge was fitted on; what older versions wrote has none."""


def save_bridge(bridge: Any, folder: Path, *, shared: Path | None = None) -> None:
    """Write a fitted bridge into `folder`, and into `shared` what other bridges hold too: see `Bridge.save`.

    Raises
    ------
    NotFittedError
    InputError
        An option has changed since the fit.
    """
    bridge._fitted_width()
    tensors: dict[str, Tensor] = {}
    numbers: dict[str, Any] = {}
    for key, value in sorted(vars(bridge).items()):
        if not key.endswith("_") or key.startswith("_"):
            continue
        if isinstance(value, FittedOn):
            numbers[key], arrays = value.stored()
            tensors |= {f"{key}.{name}": torch.from_numpy(array) for name, array in arrays.items()}
        elif isinstance(value, Tensor):
            tensors[key] = value.detach().cpu().contiguous()
        elif isinstance(value, nn.Module):
            for inner, tensor in value.state_dict().items():
                tensors[f"{key}.{inner}"] = tensor.detach().cpu().contiguous()
        else:
            numbers[key] = value
    digests = {} if shared is None else share(tensors, (RECORD, *bridge.keeps_rows), shared)
    weights = save(tensors)
    config = {
        "format": FORMAT if digests else ALONE,
        "bridge": bridge.name,
        "params": bridge.get_params(deep=False),
        "fitted": numbers,
        **({"shared": digests} if digests else {}),
    }
    told = json.dumps({**config, "weights": _hash(weights).hexdigest()}, default=_plain)
    config = sealed(json.loads(told))
    # The configuration goes first: it makes the folder that of a bridge, and its digest names the weights.
    write_text(folder / "config.json", json.dumps(config, indent=2, sort_keys=True) + "\n")
    write_bytes(folder / "model.safetensors", weights)


def read_bridge(cls: type[Any], folder: Path) -> Any:
    """The bridge of class `cls` that `save_bridge` wrote.

    Raises
    ------
    InputError
        Files that are missing, broken, of another bridge or of a newer format.
    """
    config = read_config(folder)
    if config["bridge"] != cls.name:
        raise InputError(
            f"{folder}: holds the bridge {config['bridge']!r}, expected {cls.name or cls.__name__!r}; "
            "gapkit.load_bridge loads whatever is there"
        )
    unknown = set(config["params"]) - set(inspect.signature(cls).parameters)
    if unknown:
        raise InputError(
            f"{folder / 'config.json'}: {cls.name!r} has no parameter {sorted(unknown)[0]!r}; fit it again"
        )
    path = folder / "model.safetensors"
    try:
        with path.open("rb") as handle:
            weights = hashlib.file_digest(handle, _hash).hexdigest()
        if config.get("weights", weights) != weights:
            raise InputError(f"{path}: not a whole safetensors file, or not that of config.json; fit the bridge again")
        tensors = load_file(path) | read_shared(folder, config["shared"])
        record = {k.removeprefix(f"{RECORD}."): tensors.pop(k) for k in list(tensors) if k.startswith(f"{RECORD}.")}
        told = config["fitted"].pop(RECORD, None)
        bridge = cls(**config["params"])
        bridge._at_fit = bridge._declared()
        for key, value in config["fitted"].items():
            setattr(bridge, key, value)
    except FileNotFoundError:
        raise InputError(f"{folder}: no model.safetensors here; expected a folder written by `gapkit fit`") from None
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: not a whole safetensors file ({error}); fit the bridge again") from None
    try:
        if told is not None:
            bridge.fitted_on_ = FittedOn.from_stored(told, {key: rows.numpy() for key, rows in record.items()})
        stored = sum(tensor.numel() for tensor in tensors.values())
        with BoundedMemory(stored, built=False):
            bridge._build()
        for key, module in vars(bridge).items():
            if isinstance(module, nn.Module):
                own = {k.removeprefix(f"{key}."): tensors.pop(k) for k in list(tensors) if k.startswith(f"{key}.")}
                module.load_state_dict(own)
        for key, tensor in tensors.items():
            setattr(bridge, key, tensor)
        # Tensors that are missing, or of another width than the configuration says, show when a row passes.
        shape = (1, bridge._fitted_width())
        with torch.no_grad(), BoundedMemory(stored, built=True):
            moved = bridge._transform(unit_rows(torch.ones(shape, dtype=torch.float32)))
        if moved.shape != shape:
            raise ValueError(f"expected {shape[1]} dimensions, got {moved.shape[-1]}")
    except (RuntimeError, AttributeError, TypeError, ValueError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[-1].strip()
        raise InputError(f"{folder}: weights do not fit the configuration ({reason}); fit it again") from None
    return bridge


def _plain(value: Any) -> Any:
    """A number of numpy or torch, which parameters may be, as one of Python."""
    if isinstance(value, (np.generic, Tensor)):
        return value.item()
    raise TypeError(f"{value!r} is no parameter that JSON can hold")


def _hash(data: bytes = b"") -> Any:
    return hashlib.blake2b(data, digest_size=16)


def shared_files(folder: Path) -> list[Path]:
    """Files outside of its `folder` that a bridge needs.

    Raises
    ------
    InputError
        Its configuration is missing, broken, or of a newer format.
    """
    return [shared_path(folder, digest) for digest in read_config(folder)["shared"].values()]


def read_config(folder: Path) -> dict[str, Any]:
    """The configuration that `save_bridge` wrote beside the weights.

    Raises
    ------
    InputError
        Missing, broken, or of a newer format.
    """
    path = folder / "config.json"
    keys = {"format": int, "bridge": str, "params": dict, "fitted": dict}
    try:
        config = read_json(path)
        if config.get("format") in (ALONE, FORMAT):
            config = unsealed(config)
        config.setdefault("shared", {})
    except FileNotFoundError:
        raise InputError(f"{folder}: no config.json here; expected a folder written by `gapkit fit`") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not readable as JSON ({error}); fit the bridge again") from None
    known = all(isinstance(config.get(k), t) for k, t in keys.items()) and are_digests(config["shared"])
    # What a fit learns ends in an underscore; anything else would take the place of a method.
    if not known or any(not key.endswith("_") or key.startswith("_") for key in config["fitted"]):
        raise InputError(f"{path}: expected the keys {', '.join(keys)}; fit the bridge again")
    if config["format"] > FORMAT:
        raise InputError(
            f"{path}: written by a newer gapkit (format {config['format']}, known: {FORMAT}); upgrade gapkit"
        )
    return config
