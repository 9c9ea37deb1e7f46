"""The contract of a caption decoder: embeddings with captions in, captions for other embeddings out."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from sklearn.base import BaseEstimator
from torch import Tensor

from gapkit.arrays import ArrayLike, as_matrix, unit_rows
from gapkit.errors import InputError, NotFittedError
from gapkit.options import options_of
from gapkit.records import read_json, unsealed

FORMAT = 1
"""Version of the folder that `CaptionDecoder.save` writes."""

Report = Callable[[int, int, str], None]
"""Called as ``report(done, total, note)``."""


@dataclass(frozen=True)
class FitContext:
    """What a training is given beside its pairs.

    Parameters
    ----------
    validation : (Tensor (v, d), list of str), optional
        Held-out pairs; training stops early on them.
    noise : float
        Variance a coordinate of the noise on the embeddings, before they are scaled to length one again.
    seed : int
    checkpoint : Path, optional
        File that training writes its state to and resumes from.
    fingerprint : str
        Hash of all that the training depends on.
    report : callable, optional
    """

    validation: tuple[Tensor, list[str]] | None
    noise: float
    seed: int
    checkpoint: Path | None
    fingerprint: str
    report: Report | None


@dataclass(frozen=True)
class Wording:
    """How captions are written.

    Parameters
    ----------
    beams : int
        1: the likeliest next token each time; more: beam search.
    top_p : float, optional
        Nucleus sampling from the likeliest tokens that make up this share.
    temperature : float
        Of the sampling.
    max_new_tokens : int, optional
        Longest caption; left out: the longest that the decoder was trained on.
    batch_size : int
        Clips that are captioned at a time.
    seed : int
        Of the sampling.
    """

    beams: int = 1
    top_p: float | None = None
    temperature: float = 1.0
    max_new_tokens: int | None = None
    batch_size: int = 64
    seed: int = 0

    def __post_init__(self) -> None:
        for name, good, rule in (
            ("beams", self.beams >= 1, "at least 1"),
            ("top_p", self.top_p is None or 0 < self.top_p <= 1, "above 0 and at most 1"),
            ("temperature", 0 < self.temperature < math.inf, "above 0"),
            ("max_new_tokens", self.max_new_tokens is None or self.max_new_tokens >= 1, "at least 1"),
            ("batch_size", self.batch_size >= 1, "at least 1"),
        ):
            if not good:
                raise InputError(f"{name} must be {rule}, got {getattr(self, name)!r}")
        if self.temperature != 1 and self.top_p is None:
            raise InputError(
                f"temperature: expected 1 where nothing is sampled, got {self.temperature!r}; give top_p too "
                "(1: all tokens)"
            )
        if self.beams > 1 and self.top_p is not None:
            raise InputError(f"expected beams or top_p, got both ({self.beams} and {self.top_p}); leave one out")


class CaptionDecoder(BaseEstimator):
    """Base of all caption decoders.

    A subclass declares its options (`gapkit.options`), learns in ``_fit``, writes in ``_generate``, and keeps itself in
    ``_save`` and ``load``. It gets float32 rows of length one.
    """

    name: ClassVar[str] = ""

    n_features_in_: int
    _fit_seconds: float = math.nan
    _earlier_seconds: float = 0.0

    def fit(
        self,
        embeddings: ArrayLike,
        captions: Sequence[str],
        *,
        validation: tuple[ArrayLike, Sequence[str]] | None = None,
        noise: float = 0.0,
        seed: int = 0,
        checkpoint: Path | None = None,
        report: Report | None = None,
    ) -> Self:
        """Learn to write the caption of an embedding.

        Parameters
        ----------
        embeddings : array-like of shape (m, d)
            One row a caption; scaled to length one.
        captions : sequence of str of length m
        validation : (array-like of shape (v, d), sequence of str), optional
            Held-out pairs. Training stops when they get no better and keeps the best weights; without them it runs
            to its end.
        noise : float
            Variance a coordinate of Gaussian noise on the embeddings, drawn anew each time; the rows are scaled to
            length one after it (CapDec, Nukrai et al. 2022).
        seed : int
            Of weights, order, noise and dropout.
        checkpoint : Path, optional
            State is written here from time to time and taken up from here: a training that was killed ends with
            the weights of one that was not.
        report : callable, optional
            Called as ``report(done, total, note)``, in steps.

        Returns
        -------
        self

        Raises
        ------
        InputError
            Arrays that do not fit, an empty caption, options out of range, or a package that is missing.
        """
        began, self._earlier_seconds = time.perf_counter(), 0.0
        self.check_options()
        x, texts = self._pairs(embeddings, captions, "")
        held_out = None
        if validation is not None:
            held_out = self._pairs(*validation, "validation ", n_features=x.shape[1])
        if not 0 <= noise < math.inf:
            raise InputError(f"{self._title}: noise is a variance and must be at least 0, got {noise!r}")
        self.n_features_in_ = int(x.shape[1])
        digest = hashlib.blake2b(digest_size=16)
        told = [self.name, self.get_params(deep=False), noise, seed, texts, held_out and held_out[1]]
        digest.update(json.dumps(told, default=str).encode())
        for rows in (x, held_out[0]) if held_out else (x,):
            digest.update(rows.cpu().numpy().tobytes())
        context = FitContext(held_out, float(noise), int(seed), checkpoint, digest.hexdigest(), report)
        try:
            self._fit(x, texts, context)
        except BaseException:
            del self.n_features_in_  # half a training is none
            raise
        self._fit_seconds = time.perf_counter() - began + self._earlier_seconds
        return self

    def check_options(self) -> None:
        """Refuse options that no training can use, before there are data; `fit` and `make_decoder` ask for it.

        Raises
        ------
        InputError
        """
        for found in options_of(type(self)).values():
            found.check(self._title, getattr(self, found.name, found.default))
        self._check_parameters()

    def _check_parameters(self) -> None:
        """Refuse options that do not fit each other; each by itself was checked before."""

    def generate(
        self,
        embeddings: ArrayLike,
        *,
        beams: int = 1,
        top_p: float | None = None,
        temperature: float = 1.0,
        max_new_tokens: int | None = None,
        batch_size: int = 64,
        seed: int = 0,
        report: Report | None = None,
    ) -> list[str]:
        """Captions for embeddings.

        Parameters
        ----------
        embeddings : array-like of shape (n, d)
            Scaled to length one.
        beams, top_p, temperature, max_new_tokens, batch_size, seed
            See `Wording`. The likeliest caption and beam search depend on no seed. What is sampled depends on the
            seed and the batch size.
        report : callable, optional
            Called as ``report(done, total, note)``, in clips.

        Returns
        -------
        list of str of length n

        Raises
        ------
        NotFittedError, InputError
        """
        width = self._fitted_width()
        wording = Wording(beams, top_p, temperature, max_new_tokens, batch_size, seed)
        return self._generate(self._rows(embeddings, "embeddings", n_features=width), wording, report)

    def save(self, folder: str | Path) -> None:
        """Write ``model.safetensors``, ``config.json`` and, where it has its own, the tokenizer into `folder`.

        Raises
        ------
        NotFittedError
        """
        self._fitted_width()
        self._save(Path(folder))

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """The decoder that `save` wrote.

        Raises
        ------
        InputError
            Files that are missing, broken, of another decoder or of a newer format.
        """
        raise TypeError(f"{cls.__name__} must define load(folder)")

    def _fit(self, x: Tensor, captions: list[str], context: FitContext) -> None:
        raise TypeError(f"{type(self).__name__} must define _fit(x, captions, context)")

    def _generate(self, x: Tensor, wording: Wording, report: Report | None) -> list[str]:
        raise TypeError(f"{type(self).__name__} must define _generate(x, wording, report)")

    def _save(self, folder: Path) -> None:
        raise TypeError(f"{type(self).__name__} must define _save(folder)")

    @property
    def fit_seconds(self) -> float:
        """Seconds that its fit took, all parts of one that was resumed; NaN where it was not fitted here."""
        return self._fit_seconds

    @property
    def _title(self) -> str:
        return f"caption decoder {self.name or type(self).__name__}"

    def _rows(self, values: ArrayLike, side: str, n_features: int | None = None) -> Tensor:
        x = as_matrix(values, name=f"{self._title}: {side}", n_features=n_features)
        zero = (x == 0).all(dim=1)
        if bool(zero.any()):
            rows = zero.nonzero().flatten()
            raise InputError(
                f"{self._title}: {side}: expected a direction in every row, got {len(rows)} zero rows "
                f"(first: {int(rows[0])}); drop or recompute them"
            )
        return unit_rows(x)

    def _pairs(
        self, embeddings: ArrayLike, captions: Sequence[str], side: str, n_features: int | None = None
    ) -> tuple[Tensor, list[str]]:
        x = self._rows(embeddings, f"{side}embeddings", n_features)
        if isinstance(captions, str) or len(captions) != len(x):
            count = "one text" if isinstance(captions, str) else str(len(captions))
            raise InputError(
                f"{self._title}: expected one caption a row of the {side}embeddings ({len(x)}), got {count}; "
                "repeat the embedding of a clip for each of its captions"
            )
        texts = [" ".join(str(caption).split()) for caption in captions]
        empty = [row for row, text in enumerate(texts) if not text]
        if empty:
            raise InputError(
                f"{self._title}: {side}captions: expected text, got {len(empty)} empty captions "
                f"(first: row {empty[0]}); drop these rows"
            )
        return x, texts

    def _fitted_width(self) -> int:
        try:
            return self.n_features_in_
        except AttributeError:
            raise NotFittedError(f"{self._title} is not trained; call fit(embeddings, captions) first") from None

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "n_features_in_")


def read_config(folder: Path) -> dict[str, Any]:
    """What `CaptionDecoder.save` wrote beside the weights.

    Raises
    ------
    InputError
        Missing, broken, or of a newer format.
    """
    path = folder / "config.json"
    wanted = "expected a folder written by `gapkit caption train`"
    try:
        config = read_json(path)
        if config.get("format") == FORMAT:
            config = unsealed(config)
    except FileNotFoundError:
        raise InputError(f"{folder}: no config.json here; {wanted}") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not readable as JSON ({error}); train the decoder again") from None
    keys = {"format": int, "decoder": str, "params": dict, "fitted": dict}
    files = config.get("files", {})
    plain = isinstance(files, dict) and all(Path(name).name == name for name in files)
    if not plain or any(not isinstance(config.get(k), t) for k, t in keys.items()):
        raise InputError(f"{path}: does not describe a caption decoder; {wanted}")
    if config["format"] > FORMAT:
        raise InputError(
            f"{path}: written by a newer gapkit (format {config['format']}, known: {FORMAT}); upgrade gapkit"
        )
    return config
