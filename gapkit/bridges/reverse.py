"""What the bridges by reverse diffusion share: where the source enters and how it is denoised."""

from __future__ import annotations

from torch import Tensor, nn

from gapkit.bridges.stepping import SteppingBridge
from gapkit.diffusion.samplers import Callback, Predictor
from gapkit.diffusion.samplers import sample as run_sampler
from gapkit.errors import InputError


class ReverseDiffusionBridge(SteppingBridge):
    """Inserts the source at an intermediate step of the reverse process and denoises it from there.

    Parameters are documented where they are set, in the subclasses.
    """

    start: int
    sample_steps: int
    sampler: str
    entry_noise: bool

    def _travel(self, source: Tensor, callback: Callback | None = None, sample: int = 0) -> Tensor:
        entered, state = self._start(source, sample)
        return run_sampler(
            self.sampler,
            self._predictor(entered, self.denoiser_),
            state,
            self._times(),
            self._schedule,
            draw=self._noise(source, sample),
            callback=callback,
        )

    def _start(self, source: Tensor, sample: int) -> tuple[Tensor, Tensor]:
        """The source in the frame, and the state at `start` that it becomes."""
        entered = self._enter(source)
        if not self.entry_noise:
            return entered, entered
        schedule, noise = self._schedule, self._noise(source, sample)(-1)
        return entered, float(schedule.signal(self.start)) * entered + float(schedule.noise(self.start)) * noise

    def _predictor(self, entered: Tensor, model: Predictor | nn.Module) -> Predictor:
        """What the sampler asks for the clean vectors of the rows that entered."""
        return model

    def _times(self) -> list[int]:
        return self._schedule.times(self.start, self.sample_steps)

    def _check_parameters(self) -> None:
        super()._check_parameters()
        try:
            self._schedule.times(self.start, self.sample_steps)
        except InputError as error:
            raise InputError(f"{self._title}: {error}") from None
