"""Which decoders a study trains, and which rows each of them reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gapkit.bridges.registry import BRIDGES
from gapkit.captioning.config import CaptionStudyConfig
from gapkit.captioning.protocols import (
    BRIDGED,
    CLEAN,
    IDENTITY,
    NOISE,
    ORACLE,
    SOURCE,
    SUPERVISED,
)


@dataclass(frozen=True)
class Spec:
    """One decoder: what it is trained on.

    Parameters
    ----------
    mode : {"clean", "noise", "bridged", "source"}
    level : float
        Variance of the noise, or the time to which targets are noised; 0 where there is none.
    bridge : str
        Whose sources or targets it learns from; empty for targets as they are.
    seed : int
    """

    mode: str
    level: float
    bridge: str
    seed: int

    @property
    def stem(self) -> str:
        """Name of its folder."""
        parts = [self.mode, *([self.bridge] if self.bridge else []), *([f"{self.level:g}"] if self.level else [])]
        return "-".join([*parts, f"s{self.seed}"])


@dataclass(frozen=True)
class Row:
    """One row of the study: which protocol and training, and what the decoder reads.

    Parameters
    ----------
    protocol, training : str
        training: clean, noise, ``bridged:NAME`` or source.
    bridge : str
        A bridge, ``identity`` for none, ``oracle`` for the clip's own target.
    """

    protocol: str
    training: str
    bridge: str

    @property
    def label(self) -> str:
        """What progress calls it."""
        how = "" if self.training == SOURCE else f" ({self.training})"
        return f"{self.protocol}{how}: {self.bridge}"

    @property
    def stem(self) -> str:
        """Beginning of the names of its files."""
        return f"{self.protocol}-{self.training.replace(':', '-')}-{self.bridge}"

    def spec(self, level: float, seed: int) -> Spec:
        """The decoder that it reads with."""
        if self.protocol == SUPERVISED:
            # The ceiling of both protocols is one decoder: trained on targets, reading targets.
            return Spec(CLEAN, 0.0, "", seed) if self.bridge == ORACLE else Spec(SOURCE, 0.0, self.bridge, seed)
        mode, _, bridge = self.training.partition(":")
        return Spec(mode, level, bridge, seed)


@dataclass(frozen=True)
class Choice:
    """What validation chose for a row: the level of its decoder and the beam width, and the score that they had."""

    level: float
    beams: int
    value: float


def all_rows(config: CaptionStudyConfig) -> list[Row]:
    """Every row, in the order of the table."""
    rows = []
    for protocol in config.protocols:
        if protocol == SUPERVISED:
            rows += [Row(protocol, SOURCE, name) for name in config.rows(protocol)]
            continue
        for training in config.trainings:
            if training == BRIDGED:
                rows += [
                    Row(protocol, f"{BRIDGED}:{name}", row)
                    for name in config.bridges
                    if takes_targets(name)
                    for row in (IDENTITY, name)
                ]
            else:
                rows += [Row(protocol, training, name) for name in config.rows(protocol)]
    return rows


def takes_targets(bridge: str) -> bool:
    """Whether targets can go through its process."""
    return hasattr(BRIDGES.get(bridge), "denoised_targets")


def levels(row: Row, config: CaptionStudyConfig, starts: Mapping[str, int]) -> tuple[float, ...]:
    """Levels of its decoder that validation chooses among."""
    if row.training == NOISE:
        return config.noise
    mode, _, bridge = row.training.partition(":")
    if mode == BRIDGED:
        begin = starts[bridge]
        return tuple(dict.fromkeys(float(min(1000, max(1, round(begin * factor)))) for factor in config.starts))
    return (0.0,)


def grouped(wanted: Sequence[tuple[Spec, Row, int]]) -> Iterator[tuple[Spec, list[tuple[Row, int]]]]:
    """Rows and beam widths of each decoder, decoders in the order of their first row."""
    found: dict[Spec, list[tuple[Row, int]]] = {}
    for spec, row, beams in wanted:
        found.setdefault(spec, []).append((row, beams))
    yield from found.items()
