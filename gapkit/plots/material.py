"""What a figure is made of: a finished study, or embeddings as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gapkit.bridges.base import Bridge
from gapkit.bridges.registry import BRIDGES
from gapkit.bridges.stepping import SteppingBridge
from gapkit.comparison.run import Run
from gapkit.comparison.splits import unit_pairs
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError
from gapkit.metrics.measuring import measured_part
from gapkit.plots.scene import state_names

if TYPE_CHECKING:
    from collections.abc import Callable

PREFERRED = "diffusion-link"
"""Drawn where one bridge is to be drawn, if it is there."""

CONTROLS = ("identity", "mean-shift", "noise-only")
"""Chosen last."""


@dataclass(frozen=True)
class Material:
    """Measured clips, and the bridges that moved them.

    Parameters
    ----------
    test : PairedEmbeddings
    run : Run or None
        None: the gap as it is.
    name : str
    """

    test: PairedEmbeddings
    run: Run | None
    name: str

    @classmethod
    def of(cls, data: Run | PairedEmbeddings) -> Material:
        """The measured part of a run; of pairs the test split, or all where there is none."""
        if isinstance(data, PairedEmbeddings):
            part = measured_part(data, None)
            return cls(unit_pairs(part), None, data.name)
        return cls(data.test, data, data.name)

    def bridges(self, asked: Sequence[str] | None, most: int, *, stepping: bool = False) -> list[str]:
        """Bridges to draw: those asked for, or the first of the study, controls last.

        Raises
        ------
        InputError
            There is none.
        """
        if self.run is None:
            if asked:
                raise InputError(f"{self.name}: embeddings hold no bridges; give the folder of a study for --bridges")
            return []
        if asked is not None:
            for name in asked:
                self.run.bridge(name, fold=1)
            return list(asked)
        here = [name for name in self.run.bridges if name != "identity"]
        if not here:
            raise InputError(f"{self.run.folder}: holds no fitted bridges; run the same `gapkit compare` again")
        if stepping:
            here = [name for name in here if _steps(name)]
        ordered = sorted(here, key=lambda name: (name != PREFERRED, name in CONTROLS, here.index(name)))[:most]
        return [name for name in here if name in ordered]

    def stepping(self, asked: Sequence[str] | None, most: int) -> list[str]:
        """Bridges that move in steps.

        Raises
        ------
        InputError
            None here does.
        """
        if self.run is None:
            raise InputError(f"{self.name}: embeddings have no reverse steps; give the folder of a study")
        names = self.bridges(asked, most, stepping=True)
        for name in names:
            if not isinstance(self.run.bridge(name, fold=1), SteppingBridge):
                raise InputError(f"bridge {name!r}: moves in one go, so it has no reverse steps{self._known()}")
        if not names:
            raise InputError(f"{self.run.folder}: no bridge here moves in steps; fit one of the family diffusion")
        return names

    def moved(self, names: Sequence[str], seed: int | None) -> dict[str, NDArray[np.float32]]:
        """The measured clips as each bridge moved them."""
        assert self.run is not None or not names
        return {name: self.run.moved(name, seed) for name in names} if self.run else {}

    def states(
        self, name: str, seed: int | None, sample_steps: int | None, most: int = 9
    ) -> tuple[NDArray[np.float32], list[str], str]:
        """States of a bridge, their names, and a word on the number of steps where it is not that of the table."""
        assert self.run is not None
        whole = self.run.trajectory(name, seed, sample_steps=sample_steps)
        assert whole is not None
        names = state_names(len(whole))
        keep = np.arange(len(whole))
        if len(whole) > most:
            # The source, the start and the answer always.
            keep = np.unique([0, *np.linspace(1, len(whole) - 1, max(most - 1, 2)).round().astype(int)])
        told = self.run.bridge(name, seed, fold=1).get_params(deep=False).get("sample_steps")
        note = name
        if sample_steps is not None and told not in (None, sample_steps):
            note = f"{name}, {sample_steps} steps (the table: {told})"
        return whole[keep], [names[i - 1] for i in keep[1:]], note

    def _known(self) -> str:
        assert self.run is not None
        known = [name for name in self.run.bridges if _steps(name)]
        return f"; here do: {', '.join(known)}" if known else ""


def _steps(name: str) -> bool:
    kind: Callable[..., Bridge] | None = BRIDGES.get(name) if name in BRIDGES.names() else None
    return isinstance(kind, type) and issubclass(kind, SteppingBridge)
