"""The two protocols: what a decoder learns from, what it reads at test, and which data every stage saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from gapkit.bridges import Bridge
from gapkit.bridges.memory import SoftMemory
from gapkit.comparison.anchors import first_targets
from gapkit.comparison.splits import Parts
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError

Floats = NDArray[np.float32]

ZERO_SHOT, SUPERVISED = "zero-shot", "supervised"
PROTOCOLS = (ZERO_SHOT, SUPERVISED)
CLEAN, NOISE, BRIDGED, SOURCE, PROJECTED = "clean", "noise", "bridged", "source", "projected"
TRAININGS = (CLEAN, NOISE, BRIDGED)
"""How a text-only decoder is trained; a supervised one is trained on `SOURCE`."""
COUPLINGS = (*TRAININGS, PROJECTED)
"""How decoder and bridge are coupled: by training, or by what a clean decoder reads (see `read_by`)."""
PROJECTION_TEMPERATURE = 0.01
"""Softmax temperature of the projection: DeCap's."""
ORACLE = "oracle"
"""The row that reads each clip's own first target: what a bridge without any error would give."""
IDENTITY = "identity"


@runtime_checkable
class TargetSide(Protocol):
    """A bridge whose process can also be run on targets."""

    start: int

    def denoised_targets(self, target: Floats, *, start: int | None = None) -> object:
        """Targets that went through the process."""


@dataclass(frozen=True, eq=False)
class Lesson:
    """What a decoder learns from.

    Parameters
    ----------
    embeddings : array of shape (m, d)
    captions : list of str
        One for each row.
    validation : pair of array (v, d) and list of str, optional
        What may stop the training.
    noise : float
        Variance of the Gaussian noise that training adds to each coordinate.
    """

    embeddings: Floats
    captions: list[str]
    validation: tuple[Floats, list[str]] | None = None
    noise: float = 0.0


def zero_shot(parts: Parts, *, training: str = CLEAN, level: float = 0.0, bridge: Bridge | None = None) -> Lesson:
    """Text-only: captions of the fit split through their target embeddings; no source embedding is in it.

    Parameters
    ----------
    parts : Parts
        With captions.
    training : {"clean", "noise", "bridged"}
        clean: target embeddings as they are (DeCap). noise: Gaussian noise is added to them in training (CapDec).
        bridged: they go through the reverse process of `bridge` first (the diffusion augmentation of Diffusion Bridge).
    level : float
        noise: variance a coordinate. bridged: time to which targets are noised.
    bridge : Bridge, optional
        Fitted; for "bridged" alone.

    Returns
    -------
    Lesson

    Raises
    ------
    InputError
        No captions, an unknown training, or a bridge that has no process on targets.

    References
    ----------
    Li et al., DeCap (ICLR 2023); Nukrai et al., CapDec (EMNLP Findings 2022); Lee et al., Diffusion Bridge (CVPR 2025).
    """
    if training not in TRAININGS:
        raise InputError(f"training: expected one of {', '.join(TRAININGS)}, got {training!r}")
    held = parts.validation
    if training != BRIDGED:
        stopping = None if held is None else (held.target, captions_of(held))
        return Lesson(parts.fit.target, captions_of(parts.fit), stopping, level if training == NOISE else 0.0)
    if not isinstance(bridge, TargetSide):
        raise InputError(
            f"bridged training: bridge {getattr(bridge, 'name', None)!r} has no process that targets can go through; "
            "use one by reverse diffusion, or training clean or noise"
        )

    def through(pairs: PairedEmbeddings) -> Floats:
        return np.asarray(bridge.denoised_targets(pairs.target, start=int(level) or None), dtype=np.float32)

    stopping = None if held is None else (through(held), captions_of(held))
    return Lesson(through(parts.fit), captions_of(parts.fit), stopping)


def supervised(parts: Parts, bridge: Bridge | None = None) -> Lesson:
    """Pairs: captions of the fit split with the source embedding of their clip, moved by `bridge`.

    Parameters
    ----------
    parts : Parts
        With captions.
    bridge : Bridge, optional
        Fitted; left out: source embeddings as they are.

    Returns
    -------
    Lesson
        One row a caption: the source of a clip stands once for each of its captions.

    Raises
    ------
    InputError
        No captions.
    """

    def moved(pairs: PairedEmbeddings) -> Floats:
        source = pairs.source if bridge is None else np.asarray(bridge.transform(pairs.source), dtype=np.float32)
        return source[pairs.owner]

    held = parts.validation
    stopping = None if held is None else (moved(held), captions_of(held))
    return Lesson(moved(parts.fit), captions_of(parts.fit), stopping)


def read_by(
    row: str, bridge: Bridge | None, pairs: PairedEmbeddings, *, fit: PairedEmbeddings | None = None, weight: float = 0
) -> Floats:
    """What a decoder reads of each clip.

    Parameters
    ----------
    row : str
        `oracle` reads the clip's first target.
    bridge : Bridge, optional
        Moves the sources.
    pairs : PairedEmbeddings
        n clips.
    fit : PairedEmbeddings, optional
        Whose targets are projected onto.
    weight : float
        In [0, 1]: how far the answer is moved toward its softmax mean of fitted targets (DeCap's projection), which are
        what the decoder learnt from. 0: not at all; 1: the projection itself.

    Returns
    -------
    array of shape (n, d)
    """
    if row == ORACLE:
        return pairs.target[first_targets(pairs)]
    read = pairs.source if bridge is None else np.asarray(bridge.transform(pairs.source), dtype=np.float32)
    if not weight or fit is None:
        return read
    memory = SoftMemory(temperature=PROJECTION_TEMPERATURE, centre=False).fit(fit.source, fit.target)
    unit = read / np.linalg.norm(read, axis=1, keepdims=True)
    mixed = (1 - weight) * unit + weight * np.asarray(memory.transform(unit), dtype=np.float32)
    return np.asarray(mixed / np.linalg.norm(mixed, axis=1, keepdims=True), dtype=np.float32)


def captions_of(pairs: PairedEmbeddings) -> list[str]:
    """The caption of each target row.

    Raises
    ------
    InputError
        There are none, or one is empty.
    """
    if pairs.captions is None:
        raise InputError(f"{pairs.name}: has no captions, which a decoder learns from; give --captions CSV")
    texts = [str(text).strip() for text in pairs.captions]
    if not all(texts):
        raise InputError(f"{pairs.name}: caption {texts.index('')} is empty; drop its target row")
    return texts


def references_of(pairs: PairedEmbeddings) -> dict[str, list[str]]:
    """All captions of each clip, by its id (its number where there are no ids)."""
    known: dict[str, list[str]] = {name: [] for name in ids_of(pairs)}
    names = list(known)
    for clip, caption in zip(pairs.owner.tolist(), captions_of(pairs), strict=True):
        known[names[clip]].append(caption)
    return known


def groups_of(pairs: PairedEmbeddings) -> dict[str, str] | None:
    """Origin of each clip, by its id; None where nothing is known of origins."""
    if pairs.groups is None:
        return None
    return dict(zip(ids_of(pairs), pairs.groups.tolist(), strict=True))


def ids_of(pairs: PairedEmbeddings) -> list[str]:
    """A name for each clip.

    Raises
    ------
    InputError
        Two clips have one.
    """
    names = [str(k) for k in range(len(pairs))] if pairs.ids is None else [str(name) for name in pairs.ids]
    if len(set(names)) < len(names):
        seen: set[str] = set()
        twice = next(name for name in names if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise InputError(f"{pairs.name}: two clips have the id {twice!r}; ids must differ for captions to be scored")
    return names


def data_seen(
    parts: Parts,
    *,
    protocol: str,
    training: str,
    bridge: Bridge | None,
    row: str,
    chosen: Sequence[str] = (),
    through: bool = False,
    weight: float = 0.0,
) -> dict[str, str]:
    """What each stage behind a row saw, in words.

    Parameters
    ----------
    parts : Parts
    protocol, training, row : str
    bridge : Bridge, optional
        That of the row.
    chosen : sequence of str
        What was chosen on the validation split.
    through : bool
        The decoder's targets went through a bridge that was fitted on pairs.
    weight : float
        Of the projection of what it reads.

    Returns
    -------
    dict
        encoder, bridge, decoder, validation. Of a zero-shot row whose bridge was fitted on pairs only the *decoder* is
        text-only, not the system.
    """
    fit, held = parts.fit, parts.validation
    pairs = f"{len(fit):,} clips with {fit.n_targets:,} captions of {fit.name}"
    return {
        "encoder": _encoder(fit),
        "bridge": _bridge(bridge, row, fit, held)
        + (f"; its answer is moved by {weight:g} toward {fit.n_targets:,} fitted targets" if weight else ""),
        "decoder": _decoder(protocol, training, row, fit, pairs, through),
        "validation": (
            "none"
            if held is None
            else f"{len(held):,} clips with {held.n_targets:,} captions of {held.name}: stop the decoder's training"
            + "".join(f", choose {what}" for what in chosen)
        ),
    }


def _encoder(fit: PairedEmbeddings) -> str:
    card = fit.meta.get("dataset")
    if isinstance(card, dict) and "source" in card:
        return f"frozen; source {card['source']}; target {card['target']}"
    return "frozen; what it was trained on is not known to this study"


def _bridge(bridge: Bridge | None, row: str, fit: PairedEmbeddings, held: PairedEmbeddings | None) -> str:
    if row == ORACLE:
        return "none: reads a target of the measured clip itself"
    if bridge is None:
        return "none"
    if not bridge.needs_pairs:
        return f"{len(fit):,} sources and {fit.n_targets:,} targets of {fit.name}, not which belongs to which"
    stopped = f"; stopped by pairs of {held.name}" if held is not None and getattr(bridge, "patience", False) else ""
    return f"{fit.n_targets:,} pairs of {fit.name}{stopped}"


def _decoder(protocol: str, training: str, row: str, fit: PairedEmbeddings, pairs: str, through: bool) -> str:
    if protocol == SUPERVISED and row != ORACLE:
        return f"pairs: {pairs}"
    mode, _, name = training.partition(":")
    how = {NOISE: ", with noise", BRIDGED: f", sent through {name}"}.get(mode, "")
    told = " (which was fitted on pairs)" if through else ""
    return f"{fit.n_targets:,} captions of {fit.name} through their target embeddings{how}{told}; no source"
