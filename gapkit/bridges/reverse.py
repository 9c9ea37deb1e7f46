"""What the bridges by reverse diffusion share: where the source enters and how it is denoised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gapkit.arrays import ArrayLike, like
from gapkit.bridges.frame import to_frame
from gapkit.bridges.network import NoisedBridge
from gapkit.bridges.stepping import SteppingBridge
from gapkit.diffusion.samplers import Callback, Predictor
from gapkit.diffusion.samplers import sample as run_sampler
from gapkit.errors import InputError
from gapkit.given import MUST, whole
from gapkit.options import option


@dataclass(kw_only=True, eq=False, repr=False)
class ReverseDiffusionBridge(NoisedBridge, SteppingBridge):
    """Inserts the source at an intermediate step of the reverse process and denoises it from there."""

    # Values where a bridge has no such option.
    sampler = "ddim"
    entry_noise = False

    start: int = option(
        200,
        kind="whole",
        doc="Time at which the source enters, 1..1000. Later: closer to the targets, less of the source. One knob with "
        "`scale`.",
        after_fit=True,
    )
    sample_steps: int = option(5, kind="whole", doc="Steps from there to 0.", after_fit=True)

    def _travel(self, source: Tensor, callback: Callback | None = None, sample: int | Tensor = 0) -> Tensor:
        entered, state = self._start(source, sample)
        times = self._times(self.start, self.sample_steps)
        return self._reverse(entered, state, times, self._noise(source, sample), callback)

    def _reverse(
        self,
        entered: Tensor,
        state: Tensor,
        times: list[int],
        draw: Callable[[int], Tensor],
        callback: Callback | None = None,
    ) -> Tensor:
        """The clean vectors that the process finds from `state`."""
        return run_sampler(
            self.sampler,
            self._predictor(entered, self.denoiser_),
            state,
            times,
            self._schedule,
            draw=draw,
            callback=callback,
        )

    def denoised_targets(self, target: ArrayLike, *, start: int | None = None) -> object:
        """Targets noised to an intermediate step and denoised from there: what the process makes of its own side.

        The diffusion augmentation of Diffusion Bridge (Lee et al., CVPR 2025): what reads bridged sources is trained on
        targets that went through the same process.

        Parameters
        ----------
        target : array-like of shape (m, d)
        start : int, optional
            Time that they are noised to, 1..T; left out, that at which sources enter. Later: further from what they
            were.

        Returns
        -------
        array of shape (m, d)
            Unit rows. The noise of a row hangs on the row: the same target gives the same answer. A network that is
            also told the source is told none, as where training leaves it out.

        Raises
        ------
        NotFittedError, InputError
        """
        y = self._rows(target, "target", n_features=self._fitted_width())
        begin, last = self.start if start is None else start, self._schedule.n_steps
        whole(f"{self._title}: start", begin, 1, last, says=MUST)
        self.denoiser_.to(y.device)
        clean = to_frame(y, self.target_centre_.to(y.device)) * self.scale
        draw = self._noise(y, 0)
        state = float(self._schedule.signal(begin)) * clean + float(self._schedule.noise(begin)) * draw(-1)
        times = self._times(begin, min(self.sample_steps, begin))
        with torch.no_grad():
            return like(self._leave(self._reverse(torch.zeros_like(clean), state, times, draw)), target)

    def _start(self, source: Tensor, sample: int | Tensor) -> tuple[Tensor, Tensor]:
        """The source in the frame, and the state at `start` that it becomes."""
        entered = self._enter(source)
        if not self.entry_noise:
            return entered, entered
        schedule, noise = self._schedule, self._noise(source, sample)(-1)
        return entered, float(schedule.signal(self.start)) * entered + float(schedule.noise(self.start)) * noise

    def _predictor(self, entered: Tensor, model: Predictor | nn.Module) -> Predictor:
        """What the sampler asks for the clean vectors of the rows that entered."""
        return model

    def _times(self, start: int, steps: int) -> list[int]:
        return self._schedule.times(start, steps)

    def _check_parameters(self) -> None:
        super()._check_parameters()
        try:
            self._schedule.times(self.start, self.sample_steps)
        except InputError as error:
            raise InputError(f"{self._title}: {error}") from None
