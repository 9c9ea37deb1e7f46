"""`CaptionStudyConfig`: everything that a caption study can be told."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from gapkit.bridges.registry import BRIDGES, bridge_names
from gapkit.captioning.decoders import make_decoder
from gapkit.captioning.decoders.registry import DEFAULT_DECODER
from gapkit.captioning.protocols import COUPLINGS, IDENTITY, ORACLE, PROTOCOLS
from gapkit.captioning.scores.catalogue import SCORES
from gapkit.captioning.scores.catalogue import resolve as score_names
from gapkit.comparison.config import StudyConfig
from gapkit.errors import InputError
from gapkit.given import whole

FIRST = ("mean-shift", "noise-only", "memory", "procrustes", "ridge")
"""Bridges of the default besides the diffusion methods: controls, and closed forms."""


@dataclass(frozen=True, kw_only=True)
class CaptionStudyConfig:
    """What is captioned, and how.

    Parameters
    ----------
    protocols : tuple of str
        "zero-shot", "supervised".
    trainings : tuple of str
        How a zero-shot decoder is trained: "clean", "noise", "bridged", see `zero_shot`; or "projected": trained as
        "clean", and what it reads is moved toward its projection onto the fitted targets, see `read_by`.
    bridges : tuple of str
        Names; empty for controls, closed forms and the diffusion methods of the default comparison. No bridge
        (``identity``) and the ceiling (``oracle``) are always there.
    supervised_bridges : tuple of str, optional
        Those that are also trained on, where the supervised protocol is to have fewer: each costs a training a seed.
    seeds, seed : int
        Seeds ``seed .. seed + seeds - 1`` of decoders, and of bridges that depend on one.
    decoder : str
        Name of a caption decoder.
    decoder_options : mapping
        Its options; the same for every row.
    noise : tuple of float
        Variances a coordinate that validation chooses among for "noise".
    starts : tuple of float
        Times that targets are noised to for "bridged", as multiples of the time at which the bridge takes its source.
    projections : tuple of float
        Weights in [0, 1] of the projection that validation chooses among for "projected".
    beams : tuple of int
        Beam widths that validation chooses among.
    max_new_tokens, batch_size
        Of writing captions.
    scores : tuple of str or "default"
        See `score_captions`.
    select_by : str
        Score by which validation chooses.
    tokenizer : {"ptb", "words"}
        What makes words of captions: see `score_captions`. "words" needs no Java, and its scores are not those of the
        literature.
    draws : int
        Bootstrap resamples of clips.
    fitted_params : mapping of bridge name to parameters
        For bridges that the study has to fit.
    device : str
        Of those bridges.
    fit_split, validation_split, test_split : str

    Raises
    ------
    InputError
    """

    protocols: tuple[str, ...] = PROTOCOLS
    trainings: tuple[str, ...] = COUPLINGS
    bridges: tuple[str, ...] = ()
    supervised_bridges: tuple[str, ...] | None = None
    seeds: int = 3
    seed: int = 0
    decoder: str = DEFAULT_DECODER
    decoder_options: Mapping[str, Any] = field(default_factory=dict)
    noise: tuple[float, ...] = (0.001, 0.004, 0.016)
    starts: tuple[float, ...] = (1.0, 2.0, 4.0)
    projections: tuple[float, ...] = (0.5, 1.0)
    beams: tuple[int, ...] = (1, 3)
    max_new_tokens: int | None = None
    batch_size: int = 64
    scores: tuple[str, ...] | str = "default"
    select_by: str = "cider_d"
    tokenizer: Literal["ptb", "words"] = "ptb"
    draws: int = 1000
    fitted_params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    device: str = "auto"
    fit_split: str = "train"
    validation_split: str = "val"
    test_split: str = "test"

    def __post_init__(self) -> None:
        for name in ("protocols", "trainings", "bridges", "noise", "starts", "projections", "beams"):
            object.__setattr__(self, name, _listed(name, getattr(self, name)))
        if self.supervised_bridges is not None:
            object.__setattr__(self, "supervised_bridges", _listed("supervised_bridges", self.supervised_bridges))
        if not isinstance(self.scores, str):
            object.__setattr__(self, "scores", _listed("scores", self.scores))
        for name, known in (("protocols", PROTOCOLS), ("trainings", COUPLINGS)):
            given = getattr(self, name)
            wrong = [value for value in given if value not in known]
            if wrong or not given:
                got = repr(wrong[0]) if wrong else "none"
                raise InputError(f"{name}: expected some of {', '.join(known)}, got {got}")
        for name, least in (("seeds", 1), ("seed", 0), ("draws", 1), ("batch_size", 1)):
            whole(name, getattr(self, name), least)
        if self.max_new_tokens is not None:
            whole("max_new_tokens", self.max_new_tokens, 1)
        for name in ("noise", "starts", "projections", "beams"):
            if not getattr(self, name):
                raise InputError(f"{name}: expected at least one value to choose among, got none")
        if self.tokenizer not in ("ptb", "words"):
            raise InputError(f"tokenizer: expected ptb or words, got {self.tokenizer!r}")
        for beams in self.beams:
            whole("beams", beams, 1)
        for name, most in (("noise", math.inf), ("starts", math.inf), ("projections", 1)):
            for value in getattr(self, name):
                number = isinstance(value, (int, float)) and not isinstance(value, bool)
                if not (number and 0 < value < math.inf and value <= most):
                    bound = "" if most == math.inf else f" and at most {most}"
                    raise InputError(f"{name}: expected numbers above 0{bound}, got {value!r}")

    def resolved(self) -> CaptionStudyConfig:
        """The same with every name checked and the default bridges spelt out.

        Raises
        ------
        InputError
            An unknown bridge, score, decoder or option.
        """
        bridges = self.bridges or (*FIRST, *_diffusion())
        if "all" in bridges:
            bridges = tuple(bridge_names())
        bridges = tuple(name for name in bridges if name not in (IDENTITY, ORACLE))
        for name in (*bridges, *(self.supervised_bridges or ())):
            if name not in (IDENTITY, ORACLE):
                BRIDGES.get(name)
        asked = self.supervised_bridges
        if asked is not None:
            missing = [name for name in asked if name not in (*bridges, IDENTITY, ORACLE)]
            if missing:
                raise InputError(f"supervised_bridges: {missing[0]!r} is not among the bridges ({', '.join(bridges)})")
        make_decoder(self.decoder, **self.decoder_options)
        score_names(self.scores)
        score_names((self.select_by,))
        if self.select_by not in SCORES or SCORES[self.select_by].better != "higher":
            raise InputError(f"select_by: expected one score of which more is better, got {self.select_by!r}")
        config = dataclasses.replace(self, bridges=bridges)
        config.fitting().resolved()
        return config

    def fitting(self) -> StudyConfig:
        """How the study splits its clips and fits its bridges: as `gapkit compare` does."""
        return StudyConfig(
            bridges=self.bridges, seeds=self.seeds, seed=self.seed, params=self.fitted_params, device=self.device,
            fit_split=self.fit_split, validation_split=self.validation_split, test_split=self.test_split,
        )  # fmt: skip

    @property
    def all_seeds(self) -> range:
        """Every seed."""
        return range(self.seed, self.seed + self.seeds)

    def rows(self, protocol: str) -> tuple[str, ...]:
        """Rows of a protocol, no bridge first, the ceiling last."""
        named = self.bridges
        if protocol == "supervised" and self.supervised_bridges is not None:
            named = tuple(name for name in named if name in self.supervised_bridges)
        return (IDENTITY, *named, ORACLE)


def _diffusion() -> tuple[str, ...]:
    kinds = {name: BRIDGES.get(name) for name in bridge_names()}
    return tuple(name for name, kind in kinds.items() if kind.family == "diffusion" and kind.in_default)


def _listed(name: str, value: Any) -> tuple[Any, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise InputError(f"{name}: expected a list, got {value!r}")
    return tuple(dict.fromkeys(value))
