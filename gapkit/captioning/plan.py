"""Which decoders a study trains, and which rows each of them reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from gapkit.bridges.registry import BRIDGES
from gapkit.captioning.config import CaptionStudyConfig
from gapkit.captioning.protocols import (
    BRIDGED,
    CLEAN,
    IDENTITY,
    NOISE,
    ORACLE,
    PROJECTED,
    SOURCE,
    SUPERVISED,
    ZERO_SHOT,
)


def level_name(level: float) -> str:
    """A level in the name of a file: short where that says it all, otherwise every digit, so that no two share one."""
    short = f"{level:g}"
    return short if float(short) == level else repr(float(level))


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
        parts = [self.mode, *([self.bridge] if self.bridge else []), *([level_name(self.level)] if self.level else [])]
        return "-".join([*parts, f"s{self.seed}"])


@dataclass(frozen=True)
class Row:
    """One row of the study: which protocol and training, and what the decoder reads.

    Parameters
    ----------
    protocol, training : str
        training: clean, noise, ``bridged:NAME``, projected or source.
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
        if self.training == PROJECTED:
            return Spec(CLEAN, 0.0, "", seed)
        mode, _, bridge = self.training.partition(":")
        return Spec(mode, level, bridge, seed)

    def reading(self, level: float, beams: int) -> Reading:
        """How it reads: the level of a projected row is of what is read, not of the decoder."""
        return Reading(self, beams, level if self.training == PROJECTED else 0.0)


class Reading(NamedTuple):
    """A row, its beam width, and the weight of the projection of what it reads."""

    row: Row
    beams: int
    weight: float = 0.0

    @property
    def name(self) -> str:
        """Of its files, and among the systems that are scored together."""
        return f"{self.row.stem}{f'-w{level_name(self.weight)}' if self.weight else ''}-b{self.beams}"


@dataclass(frozen=True)
class Choice:
    """What validation chose for a row: its level and beam width, and the score that they had."""

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
    """Levels that validation chooses among: of its decoder, or of the projection of what it reads."""
    if row.training == NOISE:
        return config.noise
    if row.training == PROJECTED:
        # Without a bridge nothing is done to what is read; answers of a memory lie among the fitted targets already.
        still = row.bridge in (IDENTITY, ORACLE) or BRIDGES.get(row.bridge).family == "memory"
        return (0.0,) if still else config.projections
    mode, _, bridge = row.training.partition(":")
    if mode == BRIDGED:
        begin = starts[bridge]
        return tuple(dict.fromkeys(float(min(1000, max(1, round(begin * factor)))) for factor in config.starts))
    return (0.0,)


def needs_validation(config: CaptionStudyConfig) -> bool:
    """Whether there is anything to choose; of one value there is no choice."""
    values = {NOISE: config.noise, BRIDGED: config.starts, PROJECTED: config.projections}
    trainings = config.trainings if ZERO_SHOT in config.protocols else ()
    return any(len(chosen) > 1 for chosen in (*(values[name] for name in values if name in trainings), config.beams))


def chosen_on_validation(row: Row, config: CaptionStudyConfig, starts: Mapping[str, int]) -> list[str]:
    """What validation chooses for a row, in words."""
    level = {
        NOISE: "the variance of the noise",
        BRIDGED: "how far targets are noised",
        PROJECTED: "how far answers are projected",
    }.get(row.training.partition(":")[0], "")
    choices = [(level, levels(row, config, starts)), ("the beam width", config.beams)]
    return [what for what, values in choices if len(values) > 1]


def grouped(wanted: Iterable[tuple[Spec, Reading]]) -> Iterator[tuple[Spec, list[Reading]]]:
    """Readings of each decoder, decoders in the order of their first row."""
    found: dict[Spec, list[Reading]] = {}
    for spec, reading in wanted:
        found.setdefault(spec, []).append(reading)
    yield from found.items()
