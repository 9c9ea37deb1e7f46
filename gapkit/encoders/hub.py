"""Loading models with transformers: from the hub by name, or from a folder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from gapkit.encoders.packages import need, version
from gapkit.errors import InputError


def load_pretrained(
    kind: str, model: str | Path, *, whose: str, revision: str | None = None, offline: bool = False
) -> Any:
    """What ``transformers.<kind>.from_pretrained`` gives, its failures as one line.

    Parameters
    ----------
    kind : str
        Class of transformers, such as ``"ClapModel"``.
    model : str or path
        Name on the hub, or a folder.
    whose : str
        The encoder; opens every message.
    revision : str, optional
        Branch, tag or commit on the hub.
    offline : bool
        Never ask the hub.

    Raises
    ------
    InputError
        transformers or what this class needs is missing, no such model, a broken file.
    """
    transformers = need("transformers", whose=whose)
    try:
        with no_bars(transformers):
            return getattr(transformers, kind).from_pretrained(
                str(model), revision=revision, local_files_only=offline or Path(model).is_dir()
            )
    except Exception as error:  # hub, files and parsers fail in many ways; all mean that there is no model
        raise InputError(
            f"{whose}: {model} gives no {kind} ({first_line(error)}); name a model of the hub or a folder that "
            "save_pretrained wrote"
        ) from None


def first_line(error: Exception) -> str:
    """What an error of others says first; its type where it says nothing."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


@contextmanager
def no_bars(transformers: ModuleType) -> Iterator[None]:
    """No progress bars of transformers: a library does not print. What was set before is set again."""
    logging = transformers.utils.logging
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def pick_device(device: str, *, whose: str) -> str:
    """The device to run on; ``"auto"`` is a GPU where there is one.

    Raises
    ------
    InputError
        There is no such device here.
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"{whose}: device {device!r} cannot be used ({first_line(error)}); use cpu") from None
    return device


def pooled(output: Any) -> Any:
    """The projected features, which transformers 4 returns bare and transformers 5 inside an output."""
    return getattr(output, "pooler_output", output)


def describe_model(model: Any, given: str | Path, revision: str | None) -> dict[str, str]:
    """Name, revision and versions; of a folder also hashes of its weights and settings, since a folder may change."""
    commit = getattr(model.config, "_commit_hash", None)
    about = {
        "model": str(given),
        "revision": str(commit or revision or "main"),
        "transformers": version("transformers"),
    }
    if Path(given).is_dir():
        digest = hashlib.blake2b(digest_size=16)
        for name, tensor in sorted(model.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
        about |= {"model": Path(given).name, "revision": "", "weights": digest.hexdigest()}
        about["settings"] = _settings(given)
    return about


def _settings(folder: str | Path) -> str:
    """Hash of what says how texts and sounds become numbers: configuration, preprocessor, tokenizer."""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(Path(folder).iterdir()):
        if path.suffix in (".json", ".txt", ".model") and path.is_file():
            digest.update(f"{path.name} {path.stat().st_size} ".encode() + path.read_bytes())
    return digest.hexdigest()
