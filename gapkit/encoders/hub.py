"""Loading models with transformers: from the hub by name, or from a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from gapkit.encoders.packages import need
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
        with _no_bars(transformers):
            return getattr(transformers, kind).from_pretrained(
                str(model), revision=revision, local_files_only=offline or Path(model).is_dir()
            )
    except Exception as error:  # hub, files and parsers fail in many ways; all mean that there is no model
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise InputError(
            f"{whose}: {model} gives no {kind} ({reason.strip()}); name a model of the hub or a folder that "
            "save_pretrained wrote"
        ) from None


@contextmanager
def _no_bars(transformers: ModuleType) -> Iterator[None]:
    """No progress bars of transformers: a library does not print. What was set before is set again."""
    logging = transformers.utils.logging
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
